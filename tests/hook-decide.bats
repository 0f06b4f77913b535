#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The table of decisions, row by row, by hand: what becomes of a container for each kind of entry
# in linux.namespaces, with a process and without.

load helpers

# --- a container without a process --------------------------------------------

@test "no pid: namespaces are made, pinned, and their paths set" {
	local type
	make_bundle a
	create a ''
	for type in net ipc uts; do
		differ "$(ns_ino "$ROOT/${type}ns/web")" "$(ns_ino "/proc/self/ns/$type")" "$type"
	done
	equal "$(ns_path a network)" "$ROOT/netns/web"
	equal "$(ns_path a ipc)" "$ROOT/ipcns/web"
	equal "$(ns_path a uts)" "$ROOT/utsns/web"
	contains "$(in_pin net web ip -4 addr show lo)" 'inet 127.0.0.1/8'
	contains "$(in_pin net web ip link show lo)" LOWER_UP
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "no pid: a container of a pod that is there joins it" {
	local net
	make_bundle a
	make_bundle b
	create a ''
	net=$(ns_ino "$ROOT/netns/web")
	# 0 is no pid either.
	create b 0
	equal "$(ns_path b network)" "$ROOT/netns/web"
	equal "$(ns_ino "$ROOT/netns/web")" "$net"
	poststop a
	assert_pinned web net ipc uts
	poststop b
	assert_untouched a
	assert_untouched b
	assert_nothing_left
}

@test "no pid: the rewritten config.json starts a real container in the pod" {
	make_bundle a stages=
	create a ''
	start a
	assert_in_pins a web
	equal "$(saw a lo)" up
}

# --- a container with one -----------------------------------------------------

@test "pid: what the process has is pinned, to the inode" {
	local type
	in_new_namespaces --net --ipc --uts
	make_bundle a
	create a "$CHILD"
	for type in net ipc uts; do
		equal "$(ns_ino "$ROOT/${type}ns/web")" "$(ns_ino "/proc/$CHILD/ns/$type")" "$type"
	done
	end_child
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "pid of a dead process: refused" {
	make_bundle a
	fails_with 'createRuntime: ' create a "$(dead_pid)"
	assert_untouched a
	assert_nothing_left
}

@test "pid of a zombie: refused" {
	local zombie
	# The shell becomes a program that waits for no child, and its child ends only then.
	# shellcheck disable=SC2016 # it is the inner shell's $$
	bash -c 'until [ "$(cat /proc/$$/comm)" = sleep ]; do :; done & echo $!; exec sleep 1000' \
		>"$T/zombie" 3>&- &
	PIDS+=($!)
	wait_for test -s "$T/zombie"
	zombie=$(cat "$T/zombie")
	wait_for grep -q '^State:.*Z' "/proc/$zombie/status"
	make_bundle a
	fails_with 'createRuntime: ' create a "$zombie"
	assert_untouched a
	assert_nothing_left
}

@test "pid of a process in the host's namespaces: refused" {
	in_new_namespaces
	make_bundle a
	fails_with 'createRuntime: pod web: ' create a "$CHILD"
	assert_untouched a
	assert_nothing_left
}

@test "pid of a process that has one namespace too few: refused, and nothing of the others is left" {
	in_new_namespaces --net --ipc
	make_bundle a
	fails_with uts create a "$CHILD"
	assert_untouched a
	assert_nothing_left
}

@test "a second run changes nothing more" {
	local before
	in_new_namespaces --net --ipc --uts
	make_bundle a
	create a "$CHILD"
	before=$(stat -c '%i %y %z' "$T/a/config.json"; cat "$T/a/config.json"; grep nsfs /proc/self/mountinfo)
	create a "$CHILD"
	equal "$(stat -c '%i %y %z' "$T/a/config.json"; cat "$T/a/config.json"; grep nsfs /proc/self/mountinfo)" \
		"$before"
	# One membership, not two.
	end_child
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a container that is inside of the pins already gets their paths" {
	in_new_namespaces --net --ipc --uts
	make_bundle a
	create a "$CHILD"
	make_bundle b
	create b "$CHILD"
	equal "$(ns_path b network)" "$ROOT/netns/web"
	equal "$(ns_path b uts)" "$ROOT/utsns/web"
}

@test "a container in other namespaces than the pod's: refused, with both and the remedy" {
	make_bundle a
	create a ''
	in_new_namespaces --net --ipc --uts
	make_bundle b
	fails_with 'createRuntime: pod web: ' create b "$CHILD"
	contains "$(<"$T/stderr")" "$(ns_ino "/proc/$CHILD/ns/net")"
	contains "$(<"$T/stderr")" "$(ns_ino "$ROOT/netns/web")"
	contains "$(<"$T/stderr")" precreate
	assert_untouched b
	poststop a
	assert_nothing_left
}

# --- entries of linux.namespaces ----------------------------------------------

@test "an entry that is absent: the container shares the host's, and it is left so" {
	make_bundle a namespaces="$(entry pid), $(entry ipc)"
	create a ''
	assert_pinned web ipc
	assert_not_pinned web net uts
	equal "$(jq -c '[.linux.namespaces[].type]' <"$T/a/config.json")" '["pid","ipc"]'
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a container that shares none of the pod's namespaces is no member" {
	in_new_namespaces
	make_bundle a namespaces="$(entry pid), $(entry mount)"
	create a "$CHILD"
	assert_untouched a
	assert_nothing_left
	# Nor does it keep a pod that others are in.
	make_bundle b
	create b ''
	create a "$CHILD"
	poststop b
	assert_untouched b
	assert_nothing_left
}

@test "a path that is the runtime's own namespace: left" {
	make_bundle a namespaces="$(entry network "/proc/$$/ns/net"), $(entry ipc)"
	create a ''
	equal "$(ns_path a network)" "/proc/$$/ns/net"
	assert_not_pinned web net
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a path, and the pod has none of the type: a named pod pins that namespace" {
	in_new_namespaces --net
	make_bundle a namespaces="$(entry network "/proc/$CHILD/ns/net"), $(entry ipc)"
	create a ''
	equal "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "/proc/$CHILD/ns/net")"
	equal "$(ns_path a network)" "$ROOT/netns/web"
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a path, and the pod has none of the type: a pod of one leaves it" {
	in_new_namespaces --net
	make_bundle a pod= namespaces="$(entry network "/proc/$CHILD/ns/net"), $(entry ipc)"
	create a ''
	assert_pinned "$(id_of a)" ipc
	assert_not_pinned "$(id_of a)" net
	equal "$(ns_path a network)" "/proc/$CHILD/ns/net"
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a path to the pod's namespace by another name becomes the pin's" {
	make_bundle a
	create a ''
	touch "$T/alias"
	mount --bind "$ROOT/netns/web" "$T/alias"
	make_bundle b namespaces="$(entry network "$T/alias")"
	create b ''
	umount "$T/alias"
	equal "$(ns_path b network)" "$ROOT/netns/web"
	poststop a
	poststop b
	assert_untouched b
	assert_nothing_left
}

@test "a path to another namespace: a named pod refuses, with the ways out" {
	make_bundle a
	create a ''
	in_new_namespaces --net
	make_bundle b namespaces="$(entry network "/proc/$CHILD/ns/net")"
	fails_with 'pod web: ' create b ''
	contains "$(<"$T/stderr")" '--network none'
	contains "$(<"$T/stderr")" io.podns.namespaces
	assert_untouched b
	poststop a
	assert_nothing_left
}

@test "a path to another namespace: a CRI engine's pod leaves it" {
	local sandbox=", \"io.kubernetes.cri-o.SandboxID\": \"$SANDBOX_ID\""
	make_bundle a pod= annotations="$sandbox"
	create a ''
	in_new_namespaces --net
	make_bundle b pod= annotations="$sandbox" \
		namespaces="$(entry network "/proc/$CHILD/ns/net"), $(entry ipc)"
	create b ''
	equal "$(ns_path b network)" "/proc/$CHILD/ns/net"
	equal "$(ns_path b ipc)" "$ROOT/ipcns/$SANDBOX_ID"
	poststop a
	poststop b
	assert_untouched b
	assert_nothing_left
}

@test "a path that does not exist, to a file, or to a namespace of another type: refused" {
	local path
	in_new_namespaces --ipc
	for path in /no/such/namespace /etc/passwd "/proc/$CHILD/ns/ipc"; do
		make_bundle a namespaces="$(entry network "$path")"
		fails_with "$path" create a ''
		assert_untouched a
		assert_nothing_left
	done
}

@test "a path to a pid namespace for another type is never pinned" {
	in_new_namespaces
	make_bundle a namespaces="$(entry ipc "/proc/$CHILD/ns/pid")"
	fails_with "/proc/$CHILD/ns/pid" create a ''
	assert_untouched a
	assert_nothing_left
}

# --- other types --------------------------------------------------------------

@test "io.podns.namespaces and --namespaces choose the types, by either name" {
	make_bundle a annotations=', "io.podns.namespaces": "network,uts"'
	create a ''
	assert_pinned web net uts
	assert_not_pinned web ipc
	equal "$(ns_path a ipc)" ''
	poststop a
	assert_untouched a
	assert_nothing_left
	make_bundle b
	create b '' --namespaces ipc,network
	assert_pinned web net ipc
	assert_not_pinned web uts
}

@test "a user namespace is made first, with the config's mappings, and owns the others" {
	needs_userns
	make_bundle a arg=--namespaces arg=net,ipc,uts,user \
		linux="$(mappings 100000 200000)" \
		namespaces="$(entry network), $(entry ipc), $(entry uts), $(entry user)"
	create a '' --namespaces net,ipc,uts,user
	assert_pinned web user net ipc uts
	equal "$(nsenter "--user=$ROOT/userns/web" cat /proc/self/{uid,gid}_map | tr -s ' \n' ' ')" \
		' 0 100000 1000 0 200000 1000 '
	# Its root may do what the owner of the network may.
	nsenter "--user=$ROOT/userns/web" "--net=$ROOT/netns/web" ip link add veth0 type veth peer name veth1
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a container with other mappings than its pod's: refused" {
	needs_userns
	local entries
	entries="$(entry network), $(entry ipc), $(entry uts), $(entry user)"
	make_bundle a namespaces="$entries" \
		linux="$(mappings)"
	create a '' --namespaces net,ipc,uts,user
	make_bundle b namespaces="$entries" \
		linux="$(mappings 300000 100000)"
	fails_with 'pod web: ' create b '' --namespaces net,ipc,uts,user
	assert_untouched b
	poststop a
	assert_nothing_left
}

@test "a private user namespace in a pod without one: refused, with the hint" {
	make_bundle a
	create a ''
	make_bundle b namespaces="$(joined_namespaces web), $(entry user)" hostname= \
		linux="$(mappings)"
	fails_with 'pod web: ' create b ''
	contains "$(<"$T/stderr")" user
	assert_untouched b
	poststop a
	assert_nothing_left
}

@test "a time namespace is pinned from time_for_children" {
	local time
	make_bundle a namespaces="$(entry time), $(entry ipc)"
	create a '' --namespaces time,ipc
	time=$(ns_ino "$ROOT/timens/web")
	differ "$time" "$(ns_ino /proc/self/ns/time)"
	equal "$(ns_path a time)" "$ROOT/timens/web"
	equal "$(nsenter "--time=$ROOT/timens/web" stat -L -c %i /proc/self/ns/time)" "$time"
	poststop a
	assert_untouched a
	assert_nothing_left
}

# offsets NAME: a config with a time namespace of its own and offsets for it.
offsets() {
	make_bundle "$1" namespaces="$(entry time), $(entry ipc)" \
		linux='"timeOffsets": {"boottime": {"secs": 100, "nanosecs": 0}},'
}

@test "linux.timeOffsets for a time namespace of the pod's: refused before anything is touched" {
	offsets a
	fails_with 'linux.timeOffsets' create a '' --namespaces time,ipc
	contains "$(<"$T/stderr")" io.podns.namespaces
	assert_untouched a
	fails_with 'linux.timeOffsets' hook precreate --namespaces time,ipc <"$T/a/config.json"
	equal "$(<"$T/stdout")" ''
	assert_nothing_left
	# Nor where the pod has one already.
	make_bundle b namespaces="$(entry time), $(entry ipc)"
	create b '' --namespaces time,ipc
	fails_with 'linux.timeOffsets' create a '' --namespaces time,ipc
	assert_untouched a
	poststop b
	assert_nothing_left
}

@test "linux.timeOffsets in a time namespace of the container's alone are its own" {
	offsets a
	create a ''
	equal "$(ns_path a time)" ''
	equal "$(ns_path a ipc)" "$ROOT/ipcns/web"
	poststop a
	# Where there is none nothing is wrong, and the runtime says what it thinks of it.
	edit_config a '.linux.namespaces |= map(select(.type != "time"))'
	create a '' --namespaces time,ipc
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a time namespace of the container's process is adopted" {
	in_new_namespaces --time --ipc
	make_bundle a namespaces="$(entry time), $(entry ipc)"
	create a "$CHILD" --namespaces time,ipc
	equal "$(ns_ino "$ROOT/timens/web")" "$(ns_ino "/proc/$CHILD/ns/time_for_children")"
}
