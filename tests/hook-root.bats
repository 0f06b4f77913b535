#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What lies in the root before, while and after a pod is there: prepared namespaces, things
# that are none, leftovers, the shared mount, several pods.

load helpers

@test "a namespace prepared by hand is joined, and stays" {
	local net
	mkdir "$ROOT/netns"
	in_new_namespaces --net
	touch "$ROOT/netns/web"
	mount --bind "/proc/$CHILD/ns/net" "$ROOT/netns/web"
	net=$(ns_ino "$ROOT/netns/web")
	make_bundle a
	create a ''
	equal "$(ns_path a network)" "$ROOT/netns/web"
	equal "$(ns_ino "$ROOT/netns/web")" "$net"
	poststop a
	assert_untouched a
	equal "$(ns_ino "$ROOT/netns/web")" "$net"
	assert_not_pinned web ipc uts
	unmount_below "$ROOT"
	rm "$ROOT/netns/web"
	assert_nothing_left
}

# not_a_namespace OCI-TYPE DIRECTORY [ARTICLE]
not_a_namespace() {
	make_bundle a
	fails_with "$ROOT/$2/web is not ${3-a} $1 namespace" create a ''
	assert_untouched a
}

@test "a file with text at a pin's place: refused" {
	mkdir "$ROOT/netns"
	echo text >"$ROOT/netns/web"
	not_a_namespace network netns
	equal "$(cat "$ROOT/netns/web")" text
	rm "$ROOT/netns/web"
	assert_nothing_left
}

@test "a file with text at the place of an ipc pin: refused" {
	mkdir "$ROOT/ipcns"
	echo text >"$ROOT/ipcns/web"
	not_a_namespace ipc ipcns an
	rm "$ROOT/ipcns/web"
	assert_nothing_left
}

@test "a directory at a pin's place: refused, and what was pinned before it is undone" {
	mkdir -p "$ROOT/utsns/web"
	not_a_namespace uts utsns
	rmdir "$ROOT/utsns/web"
	assert_nothing_left
}

@test "a symlink to a namespace at a pin's place is not followed" {
	mkdir "$ROOT/netns"
	in_new_namespaces --net
	ln -s "/proc/$CHILD/ns/net" "$ROOT/netns/web"
	make_bundle a
	fails_with "$ROOT/netns/web" create a ''
	assert_untouched a
	[ -L "$ROOT/netns/web" ]
	rm "$ROOT/netns/web"
	assert_nothing_left
}

@test "a namespace of another type at a pin's place: refused, and left" {
	mkdir "$ROOT/netns"
	in_new_namespaces --ipc
	touch "$ROOT/netns/web"
	mount --bind "/proc/$CHILD/ns/ipc" "$ROOT/netns/web"
	not_a_namespace network netns
	equal "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "/proc/$CHILD/ns/ipc")"
	unmount_below "$ROOT"
	rm "$ROOT/netns/web"
	assert_nothing_left
}

@test "an empty mount point that a crash left is used again" {
	mkdir "$ROOT/netns"
	(umask 0777 && : >"$ROOT/netns/web")
	make_bundle a
	create a ''
	assert_pinned web net
	poststop a
	assert_nothing_left
}

@test "directories that others may write to, belong to others, or are symlinks: refused" {
	make_bundle a
	mkdir -m 0777 "$ROOT/ipcns"
	fails_with "$ROOT/ipcns" create a ''
	rmdir "$ROOT/ipcns"
	mkdir "$ROOT/ipcns"
	chown 1234 "$ROOT/ipcns"
	fails_with "$ROOT/ipcns" create a ''
	rmdir "$ROOT/ipcns"
	mkdir "$T/elsewhere"
	ln -s "$T/elsewhere" "$ROOT/ipcns"
	fails_with "open directory $ROOT/ipcns: Not a directory (it is a symbolic link" create a ''
	rm "$ROOT/ipcns"
	[ -d "$ROOT/podns" ] || mkdir "$ROOT/podns"
	ln -s "$T/elsewhere" "$ROOT/podns/web"
	fails_with "$ROOT/podns/web" create a ''
	rm "$ROOT/podns/web"
	equal "$(ls -A "$T/elsewhere")" ''
	assert_untouched a
	assert_nothing_left
}

@test "a root that does not exist is made" {
	make_bundle a
	ROOT=$T/new create a ''
	ns_ino "$T/new/netns/web"
	equal "$(stat -c '%a %U' "$T/new")" '755 root'
	ROOT=$T/new poststop a
	assert_untouched a
	assert_nothing_left "$T/new"
	unmount_below "$T/new"
}

@test "<root>/netns becomes a shared mount point, once" {
	make_bundle a
	make_bundle b pod=db
	create a ''
	create b ''
	is_shared_mount "$ROOT/netns"
	equal "$(awk -v point="$ROOT/netns" '$5 == point' /proc/self/mountinfo | wc -l)" 1
	poststop a
	poststop b
	assert_nothing_left
}

@test "ip netns add beside a pod shadows nothing, and no mount is left" {
	make_bundle a root=
	state_doc a '' | "$HOOK" --no-syslog createRuntime
	ip netns add other
	ns_ino /run/netns/web
	state_doc a '' stopped | "$HOOK" --no-syslog poststop
	ip netns del other
	assert_untouched a
	equal "$(find /run/netns /run/ipcns /run/utsns ! -type d)" ''
	# /run/netns itself, once, and nothing in it, seen or hidden.
	equal "$(awk 'index($5, "/run/netns/") == 1 || / - nsfs /' /proc/self/mountinfo | diff "$T/nsfs.before" -)" ''
}

# What another mount namespace, or a hand, does to the pins.
lose_pins() {
	umount "$ROOT"/{net,ipc,uts}ns/web
	rm "$ROOT"/{net,ipc,uts}ns/web
}

@test "a living member but no pin to be seen: refused, and nothing is made" {
	in_new_namespaces --net --ipc --uts
	make_bundle a
	create a "$CHILD"
	lose_pins
	make_bundle b
	fails_with 'createRuntime: pod web: ' create b ''
	assert_untouched b
	assert_not_pinned web net ipc uts
	# Without the member the pod starts anew.
	end_child
	create b ''
	assert_pinned web net ipc uts
	assert_untouched a
	poststop b
	assert_untouched b
	assert_nothing_left
}

@test "the pod ends though somebody took its pins away" {
	make_bundle a
	create a ''
	lose_pins
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "the record is for root alone" {
	make_bundle a
	create a ''
	equal "$(stat -c '%a %U' "$ROOT/podns/web")" '700 root'
}

@test "two pods know nothing of each other" {
	make_bundle a
	make_bundle b pod=db
	create a ''
	create b ''
	differ "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "$ROOT/netns/db")"
	poststop a
	assert_pinned db net ipc uts
	assert_not_pinned web net ipc uts
	poststop b
	assert_nothing_left
}

@test "containers that come at once agree on one namespace of each type" {
	local i pids=()
	for i in 1 2 3 4 5 6 7 8; do
		make_bundle "c$i"
	done
	for i in 1 2 3 4 5 6 7 8; do
		create "c$i" '' 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	equal "$(grep -c ' - nsfs ' /proc/self/mountinfo)" $((3 + $(wc -l <"$T/nsfs.before")))
	pids=()
	for i in 1 2 3 4 5 6 7 8; do
		poststop "c$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	for i in 1 2 3 4 5 6 7 8; do
		assert_untouched "c$i"
	done
	assert_nothing_left
}
