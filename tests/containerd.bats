#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# containerd 1.7 by ctr, with oci-podns-runc and oci-podns-crun as its `runc`.
#
# bats file_tags=bed

load helpers
load docker

IMAGE=localhost/podns-test:latest

setup_file() {
	[ -n "${PODNS_IN_BED-}" ] || return 0
	mkdir -p "$DK"
	install_project
	start_containerd
	engine_rootfs "$DK/rootfs"
	make_image "$DK/image"
	ctr images import "$DK/image/image.tar" >/dev/null
}

teardown_file() {
	[ -z "${PODNS_IN_BED-}" ] || end_daemon containerd
}

setup() {
	engine_setup
	RUNTIME=$RUNTIME_PATH
}

teardown() {
	local name
	[ -n "${PODNS_IN_BED-}" ] || return 0
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		engine_tell_all containerd
	fi
	for name in $(ct containers ls -q); do
		drop "$name" || true
	done
	engine_teardown
}

# make_image DIR: what `docker save` writes, in DIR/image.tar.
make_image() {
	local digest arch
	mkdir "$1"
	tar -C "$DK/rootfs" -cf "$1/layer.tar" .
	digest=$(sha256sum <"$1/layer.tar")
	arch=$(dpkg --print-architecture)
	jq -n --arg layer "sha256:${digest%% *}" --arg arch "${arch/armhf/arm}" '{architecture: $arch, os: "linux",
		config: {Env: ["PATH=/bin"], Cmd: ["/bin/pause"]}, rootfs: {type: "layers", diff_ids: [$layer]}}' >"$1/config.json"
	jq -n --arg name "$IMAGE" '[{Config: "config.json", RepoTags: [$name], Layers: ["layer.tar"]}]' >"$1/manifest.json"
	tar -C "$1" -cf "$1/image.tar" layer.tar config.json manifest.json
}

ct() {
	timeout -k 5 "$LIMIT" ctr "$@" </dev/null 3>&-
}

# ct_run NAME [OPTION...] [-- COMMAND...]: a container in the pod web. Options are ctr's.
ct_run() {
	local name=$1 options=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	ct run --runc-binary "$RUNTIME" --annotation "$POD_LABEL=web" "${options[@]}" "$IMAGE" "$name" "${@:2}"
}

# ct_wait NAME [OPTION...]: one that does nothing.
ct_wait() {
	ct_run "$1" -d "${@:2}" 2>"$T/$1.err" || {
		cat "$T/$1.err"
		return 1
	}
}

pid_of() {
	ct tasks ls | awk -v name="$1" '$1 == name { print $2 }'
}

status_is() {
	[ "$(ct tasks ls | awk -v name="$1" '$1 == name { print $3 }')" = "$2" ]
}

end_task() {
	ct tasks kill -s KILL "$1"
	wait_for status_is "$1" STOPPED
	ct tasks delete "$1" >/dev/null 2>&1 || true
}

drop() {
	local name
	for name; do
		if [ -n "$(pid_of "$name")" ]; then
			end_task "$name"
		fi
		ct containers rm "$name"
	done
}

use_crun() {
	RUNTIME=${RUNTIME_PATH/runc/crun}
}

share_and_end() {
	ct_wait c1
	ct_wait c2
	same_pod c1 c2
	talk c1 c2
	shares_ipc c1 c2
	in_ctr c1 sh -c 'echo from c1 >/dev/shm/note'
	equal "$(in_ctr c2 cat /dev/shm/note)" "from c1"
	only_members 2
	drop c1
	same_pod c2
	drop c2
	pod_has_ended
}

@test "ctr: two containers share net, ipc, uts, /dev/shm and 127.0.0.1, and each has its own pid namespace" {
	share_and_end
}

@test "ctr: the same with crun" {
	use_crun
	share_and_end
}

@test "ctr: podns ls and rm call a container by its id, with the namespace" {
	ct_wait c1
	ct_wait c2
	contains "$(podns ls)" ' c1, c2 (containerd)'
	equal "$(podns ls --json | jq -r '.[].members[] | "\(.engine) \(.name)"' | xargs)" "containerd c1 containerd c2"
	equal "$(podns rm --force web)" 'web: cut off c1, c2 (containerd)'
	drop c1 c2
	nothing_left
}

@test "ctr: a container without the annotation gets nothing of a pod" {
	ct run -d --runc-binary "$RUNTIME" "$IMAGE" c1
	equal "$(podns ls --json)" '[]'
	[ ! -e /run/podns ]
	drop c1
}

@test "ctr: a task is started again" {
	local ino
	ct_wait c1
	ct_wait c2
	ino=$(pin_ino net)
	end_task c1
	only_members 1
	ct tasks start -d c1
	keeps "$ino"
	same_pod c1 c2
	end_task c2
	end_task c1
	pod_has_ended
	ct tasks start -d c1
	same_pod c1
	drop c1 c2
	pod_has_ended
}

@test "ctr: run --rm in the foreground, with its exit status" {
	equal "$(ct_run c1 --rm -- hostname)" web
	pod_has_ended
	run -7 ct_run c1 --rm -- sh -c 'exit 7'
	pod_has_ended
}

@test "ctr: exec, pause and resume" {
	needs_freezer
	ct_wait c1
	ct_wait c2
	equal "$(ct tasks exec --exec-id e1 c1 readlink /proc/self/ns/net)" "net:[$(pin_ino net)]"
	ct tasks pause c1
	wait_for status_is c1 PAUSED
	only_members 2
	ct tasks resume c1
	same_pod c1 c2
	drop c1 c2
	pod_has_ended
}

@test "ctr: -t has a terminal" {
	script -qec "ctr run -t --rm --runc-binary $RUNTIME --annotation $POD_LABEL=web $IMAGE c1 \
		sh -c '[ -t 0 ] && [ -t 1 ] && echo terminal of \$(hostname)'" "$T/typescript" </dev/null >/dev/null 3>&-
	contains "$(tr -d '\0' <"$T/typescript")" 'terminal of web'
	pod_has_ended
}

@test "ctr: --privileged and --net-host" {
	ct_wait c1 --privileged
	ct_wait c2
	same_pod c1 c2
	drop c1
	ct_wait c1 --net-host
	equal "$(ctr_ns c1 net)" "$(ns_ino /proc/self/ns/net)"
	equal "$(ctr_ns c1 ipc)" "$(pin_ino ipc)"
	drop c1 c2
	pod_has_ended
}

@test "ctr: its standard error has our sentence for a bad name of a pod" {
	fails ct run --rm --runc-binary "$RUNTIME" --annotation "$POD_LABEL=../up" "$IMAGE" c1 2>"$T/err"
	contains "$(<"$T/err")" "pod name '../up' may contain only"
	pod_has_ended
}

@test "ctr: a command that does not exist leaves nothing" {
	fails ct_run c1 --rm -- /no/such 2>"$T/err"
	contains "$(<"$T/err")" /no/such
	pod_has_ended
	ct_wait c2
	fails ct_run c1 --rm -- /no/such 2>"$T/err"
	only_members 1
	same_pod c2
	drop c2
	pod_has_ended
}

# The shim is the parent of the container's process.
@test "ctr: the shim is killed, and containerd deletes the container" {
	ct_wait c1
	ct_wait c2
	kill -KILL "$(awk '/^PPid:/ { print $2 }' "/proc/$(pid_of c1)/status")"
	wait_for only_members 1
	same_pod c2
	drop c1 c2
	pod_has_ended
}

@test "ctr: containerd is killed and started again, and the containers go on" {
	local ino
	ct_wait c1
	ct_wait c2
	ino=$(pin_ino net)
	end_daemon containerd KILL
	start_containerd
	same_pod c1 c2
	keeps "$ino"
	drop c1
	only_members 1
	ct_wait c1
	same_pod c1 c2
	drop c1 c2
	pod_has_ended
}
