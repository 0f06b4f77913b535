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

# not_a_namespace OCI-TYPE DIRECTORY
not_a_namespace() {
	make_bundle a
	fails_with "$ROOT/$2/web is not a $1 namespace" create a ''
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

@test "a directory at a pin's place: refused, and no other type is pinned" {
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

empty_mount_point() {
	mkdir -p "${1%/*}"
	(umask 0777 && : >"$1")
}

@test "an empty mount point that no record names is somebody else's: refused, and left" {
	local before
	empty_mount_point "$ROOT/netns/web"
	before=$(stat -c '%i %z' "$ROOT/netns/web")
	make_bundle a
	fails_with "$ROOT/netns/web is not a network namespace, but an empty file" create a ''
	fails_with "$ROOT/netns/web is not a network namespace, but an empty file" hook precreate <"$T/a.orig"
	assert_untouched a
	"$PODNS_BUILD/cli/podns" --root "$ROOT" gc
	equal "$(stat -c '%i %z' "$ROOT/netns/web")" "$before"
	rm "$ROOT/netns/web"
	assert_nothing_left
}

@test "an empty mount point that a killed run of the pod left is its own" {
	make_bundle a
	make_bundle b
	create a ''
	lose_pins
	# The record names the pins still, as after a kill between the mount point and the mount.
	empty_mount_point "$ROOT/netns/web"
	empty_mount_point "$ROOT/utsns/web"
	expire_claims "$ROOT"
	create b ''
	assert_pinned web net ipc uts
	poststop b
	assert_nothing_left
}

@test "what another mount namespace has pinned under the pod's name stays there" {
	# unlink(2) of a mount point takes away what is mounted on it elsewhere.
	in_new_namespaces --net
	empty_mount_point "$ROOT/netns/web"
	nsenter --mount --target "$CHILD" mount --bind "/proc/$CHILD/ns/net" "$ROOT/netns/web"
	make_bundle a
	fails_with "$ROOT/netns/web" create a ''
	fails_with "$ROOT/netns/web" hook precreate <"$T/a.orig"
	equal "$(nsenter --mount --target "$CHILD" stat -fc %T "$ROOT/netns/web")" nsfs
	end_child
	rm "$ROOT/netns/web"
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

@test "two pods know nothing of each other; <root>/netns becomes a shared mount point, once" {
	make_bundle a
	make_bundle b pod=db
	create a ''
	create b ''
	is_shared_mount "$ROOT/netns"
	equal "$(awk -v point="$ROOT/netns" '$5 == point' /proc/self/mountinfo | wc -l)" 1
	differ "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "$ROOT/netns/db")"
	poststop a
	assert_pinned db net ipc uts
	assert_not_pinned web net ipc uts
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
	# Without the member the pod is made again.
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

# --- what could not be taken back -----------------------------------------------------

@test "what a failed roll-back could not remove stays in the record, and gc removes it" {
	local status=0
	make_bundle a
	state_doc a '' >"$T/state"
	# The new config.json cannot be put in its place, and then nothing can be unmounted.
	under_strace -f -o "$T/calls" -e trace=renameat,umount2 -e inject=renameat:error=EIO:when=3 \
		-e inject=umount2:error=EPERM \
		"$HOOK" --no-syslog --no-sandbox --root "$ROOT" createRuntime <"$T/state" 2>"$T/stderr" || status=$?
	cat "$T/calls" "$T/stderr"
	equal "$status" 1
	grep -q 'config.json.*EIO' "$T/calls"
	assert_pinned web net ipc uts
	equal "$(grep -c '^pin ' "$ROOT/podns/web/record")" 3
	lacks "$(cat "$ROOT/podns/web/record")" 'waiting '
	assert_untouched a
	# Not adopted as a foreign pin, which would never be removed: the pod's next run or gc removes it.
	"$PODNS_BUILD/cli/podns" --root "$ROOT" gc
	assert_nothing_left
}

@test "config.json that could not be put back: its copy stays, and gc gives it back" {
	local status=0
	make_bundle a sysctl='"net.ipv4.ip_default_ttl": "nonsense"'
	in_new_namespaces --net --ipc --uts
	state_doc a "$CHILD" >"$T/state"
	# The sysctl is refused by the kernel after config.json was rewritten.
	under_strace -f -o "$T/calls" -e trace=renameat -e inject=renameat:error=EIO:when=4 \
		"$HOOK" --no-syslog --no-sandbox --root "$ROOT" createRuntime <"$T/state" 2>"$T/stderr" || status=$?
	cat "$T/calls" "$T/stderr"
	equal "$status" 1
	contains "$(cat "$T/stderr")" ip_default_ttl
	fails cmp -s "$T/a.orig" "$T/a/config.json"
	"$PODNS_BUILD/cli/podns" --root "$ROOT" gc >"$T/gc"
	contains "$(cat "$T/gc")" "$T/a: its pod web is gone"
	assert_untouched a
	assert_nothing_left
}

# --- pins that were there before --------------------------------------------------------

# older_pin PROPAGATION: a pin that another program made while netns was no mount of its own.
older_pin() {
	mount --bind "$ROOT" "$ROOT"
	mount "--make-$1" "$ROOT"
	mkdir "$ROOT/netns"
	in_new_namespaces --net
	touch "$ROOT/netns/old"
	mount --bind "/proc/$CHILD/ns/net" "$ROOT/netns/old"
}

# Whoever made it can remove it: by umount2(MNT_DETACH) and unlink(2), as CRI-O does.
removes_older_pin() {
	ns_ino "$ROOT/netns/old"
	umount -l "$ROOT/netns/old"
	rm "$ROOT/netns/old"
	[ ! -e "$ROOT/netns/old" ]
}

@test "pins that another program made before us can be removed by it, on a private, slave and shared root" {
	local propagation
	for propagation in private slave shared; do
		older_pin "$propagation"
		make_bundle a
		create a ''
		removes_older_pin
		poststop a
		assert_untouched a
		unmount_below "$ROOT"
		rm -rf "${ROOT:?}/netns"
		end_child
	done
	assert_nothing_left
}

@test "the same for podns create and pinns" {
	local program
	for program in "$PODNS_BUILD/cli/podns --root $ROOT create web" "$T/pinns -d $ROOT -f web -n"; do
		ln -sf "$PODNS_BUILD/cli/podns" "$T/pinns"
		older_pin private
		$program
		removes_older_pin
		unmount_below "$ROOT"
		rm -rf "${ROOT:?}"/{net,ipc,uts}ns "$ROOT/podns"
		end_child
	done
	assert_nothing_left
}
