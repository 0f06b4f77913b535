# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # bats, helpers.bash and podman.bash set these
#
# Helpers of the tests of podman's own pods.

# quiet COMMAND...: podman prints warnings of its own with some of these.
quiet() {
	"$@" >"$T/quiet.out" 2>&1 || {
		cat "$T/quiet.out"
		return 1
	}
}

# pod_create NAME [OPTION...]: a pod of podman's without an infra container; its id is $POD.
pod_create() {
	quiet pm pod create --infra=false --name "$@"
	pod_of_podman "$1"
}

# Which pod is meant by $POD, same_pod and pin_ino: that of a pod of podman's, or a named one.
pod_of_podman() {
	POD=$(pm pod inspect --format '{{.ID}}' "$1")
}

pod_named() {
	POD=$1
}

# member POD NAME [OPTION...]: a container in podman's pod, with --network none unless an option says otherwise.
member() {
	local pod=$1 name=$2 network=(--network none)
	shift 2
	[[ " $* " != *' --network '* ]] || network=()
	quiet pm run -d --pod "$pod" --name "$name" --pidfile "$PID_D/$name.pid" "${network[@]}" "$@" "$IMAGE" pause
}

# infra_member POD NAME [OPTION...]: the same in a pod with an infra container, whose network it gets.
infra_member() {
	local pod=$1 name=$2
	shift 2
	quiet pm run -d --pod "$pod" --name "$name" --pidfile "$PID_D/$name.pid" "$@" "$IMAGE" pause
}

# pin_ino TYPE: in same_pod and elsewhere, the pin of $POD.
pin_ino() {
	ns_ino "$ROOT/${1}ns/$POD"
}

pod_state_is() {
	[ "$(pm pod inspect --format '{{.State}}' "$1")" = "$2" ]
}
