#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podman's own pods, by documents as podman writes them. podman names a pod as CRI-O names a sandbox, and CRI-O's pod
# authors can write podman's other annotation, too: what each stage makes of that. With a real podman: podman-pods.bats.

load helpers
load podns

POD=$SANDBOX_ID
CTR=$(printf 'ab%062d' 1)	# the container's id

setup() {
	common_setup runc
	STORE=$T/overlay-containers
	mkdir -p "$STORE/$CTR/userdata"
	echo 127.0.0.1 localhost >"$STORE/$CTR/userdata/hosts"
}

teardown() {
	common_teardown
}

# podmans NAME [ANNOTATIONS [OPTION...]]: a bundle in podman's pod $POD; podman mounts files from $STORE into it.
podmans() {
	local name=$1 annotations=${2-}
	shift "$(($# > 1 ? 2 : 1))"
	make_bundle "$name" pod= \
		annotations=", \"io.kubernetes.cri-o.SandboxID\": \"$POD\", \"io.container.manager\": \"libpod\"$annotations" "$@"
	edit_config "$name" ".mounts += [{destination: \"/etc/hostname\", type: \"bind\",
		source: \"$STORE/$CTR/userdata/hostname\", options: [\"bind\"]}]"
}

# The pod has an infra container: its id is the one that podman names.
has_infra() {
	mkdir -p "$STORE/$POD/userdata"
}

precreate() {
	hook "${@:2}" precreate <"$T/$1.orig" >"$T/$1/config.json"
}

# A process in namespaces of its own, as a runtime would have made for a config without paths.
in_private_namespaces() {
	in_new_namespaces --net --ipc --uts
}

# sleeper_in_pod: a process in the pod's pins; its pid is in $CHILD.
sleeper_in_pod() {
	sleeper nsenter --net="$ROOT/netns/$POD" --ipc="$ROOT/ipcns/$POD" --uts="$ROOT/utsns/$POD"
}

# --- without an infra container -----------------------------------------------------------

@test "precreate: a pod without an infra container is ours, and its id's first digits are the hostname" {
	podmans a '' hostname=0123456789ab
	precreate a
	assert_pinned "$POD" net ipc uts
	equal "$(ns_path a network)" "$ROOT/netns/$POD"
	equal "$(jq -r .hostname <"$T/a/config.json")" "${POD:0:12}"
	equal "$(in_pin uts "$POD" hostname)" "${POD:0:12}"
	equal "$(podns ls | awk 'NR == 2 { print $1 }')" "${POD:0:12}"
	sleeper_in_pod
	create a "$CHILD"
	equal "$(grep -c '^member ' "$ROOT/podns/$POD/record")" 1
	end_child
	poststop a
	assert_nothing_left
}

@test "precreate: what io.podns annotations say counts there, and createRuntime does no more than that" {
	podmans a ', "io.podns.namespaces": "ipc uts", "io.podns.hostname": "www"'
	precreate a
	assert_pinned "$POD" ipc uts
	assert_not_pinned "$POD" net
	equal "$(in_pin uts "$POD" hostname)" www
	# net is among the default types, and the container's is new: the runtime made it.
	sleeper unshare --net nsenter --ipc="$ROOT/ipcns/$POD" --uts="$ROOT/utsns/$POD"
	cp "$T/a/config.json" "$T/a.precreated"
	create a "$CHILD"
	cmp "$T/a/config.json" "$T/a.precreated"
	assert_not_pinned "$POD" net
}

@test "precreate: a path to another network than the pod's is refused, with the ways out" {
	podmans a
	precreate a
	in_new_namespaces --net
	podmans b '' namespaces="$(entry network "/proc/$CHILD/ns/net"), $(entry ipc)"
	fails_with "pod $POD: " hook precreate <"$T/b.orig"
	contains "$(<"$T/stderr")" '--network none'
}

@test "precreate twice, once for each JSON file: the second changes nothing, and there is one claim" {
	podmans a ', "io.podns.pod": "web"'
	precreate a
	cp "$T/a/config.json" "$T/once"
	hook precreate <"$T/once" >"$T/twice"
	cmp "$T/once" "$T/twice"
	equal "$(grep -c '^claim ' "$ROOT/podns/$POD/record")" 1
	[ ! -e "$ROOT/netns/web" ]
	sleeper_in_pod
	cp "$T/twice" "$T/a/config.json"
	create a "$CHILD"
	create a "$CHILD"
	equal "$(grep -c '^claim ' "$ROOT/podns/$POD/record")" 0
	equal "$(grep -c '^member ' "$ROOT/podns/$POD/record")" 1
	end_child
	poststop a
	poststop a
	assert_nothing_left
}

@test "precreate twice for a named pod, too" {
	make_bundle a
	precreate a
	hook precreate <"$T/a/config.json" >"$T/twice"
	cmp "$T/a/config.json" "$T/twice"
	equal "$(grep -c '^claim ' "$ROOT/podns/web/record")" 1
}

@test "precreate: of podman's files only those of the pod are mounted, after another run: the pod is ours still" {
	podmans a
	edit_config a ".mounts[-1].source = \"$ROOT/podns/$POD/hostname\""
	precreate a
	assert_pinned "$POD" net ipc uts
}

@test "precreate: without a mount that shows podman's directory nobody can tell: refused" {
	podmans a
	edit_config a 'del(.mounts[-1])'
	fails_with "whether podman's pod ${POD:0:12} has an infra container cannot be seen" hook precreate <"$T/a.orig"
	contains "$(<"$T/stderr")" 'let podman mount'
	edit_config a '.mounts += [{destination: "/etc/hostname", type: "bind", source: "/etc/hostname", options: ["bind"]}]'
	fails_with 'cannot be seen' hook precreate <"$T/a.orig"
	assert_nothing_left
}

@test "precreate: podman's directory cannot be searched: refused" {
	podmans a
	rm -r "$STORE"
	touch "$STORE"
	fails_with "look for podman's container at $STORE/$POD" hook precreate <"$T/a.orig"
}

# --- with an infra container -------------------------------------------------------------------

@test "with an infra container: no stage does anything, also if no namespace has a path" {
	podmans a ', "io.podns.pod": "web"'
	has_infra
	precreate a
	assert_untouched a
	in_private_namespaces
	create a "$CHILD"
	assert_untouched a
	poststop a
	[ ! -e "$ROOT/podns/$POD" ]
	assert_nothing_left
}

@test "with an infra container: a config that the hook would refuse is podman's business" {
	podmans a '' sysctl='"kernel.shm_next_id": "5"'
	has_infra
	precreate a
	assert_untouched a
	in_private_namespaces
	create a "$CHILD"
	assert_nothing_left
}

@test "with --trust-annotations io.podns.pod names the pod, whoever made it" {
	podmans a ', "io.podns.pod": "web"'
	has_infra
	precreate a --trust-annotations
	assert_pinned web net ipc uts
}

# --- CRI-O, whose pod authors write io.container.manager ------------------------------------------

@test "createRuntime: root's sysctls reach a container whose author says that it is podman's" {
	podmans a
	has_infra
	in_private_namespaces
	create a "$CHILD" --sysctl net.ipv4.ip_default_ttl=77
	equal "$(nsenter --net="/proc/$CHILD/ns/net" cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	assert_nothing_left
}

@test "createRuntime: nor does a made-up claim avoid them, or bring a container into a pod" {
	podmans b
	precreate b
	podmans a ", \"io.podns.claim\": \"$(printf '%032d' 1)\""
	in_private_namespaces
	create a "$CHILD" --sysctl net.ipv4.ip_default_ttl=77
	equal "$(nsenter --net="/proc/$CHILD/ns/net" cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	assert_untouched a
	equal "$(grep -c '^member ' "$ROOT/podns/$POD/record")" 0
	equal "$(grep -c '^claim ' "$ROOT/podns/$POD/record")" 1
}

@test "createRuntime: annotations do not count there, whatever the author says" {
	podmans a ', "io.podns.namespaces": "net", "io.podns.hostname": "evil"'
	create a ''
	assert_pinned "$POD" net ipc uts
	equal "$(in_pin uts "$POD" hostname)" first
}

@test "without io.container.manager a sandbox is a CRI engine's" {
	podmans a ', "io.podns.hostname": "evil"'
	edit_config a 'del(.annotations["io.container.manager"])'
	has_infra
	precreate a
	assert_pinned "$POD" net ipc uts
	equal "$(in_pin uts "$POD" hostname)" first
}
