#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Hosts that lack something: room, a file system that can be written, the newer system calls.

load helpers
load podns

# --- file systems --------------------------------------------------------------

# try NAME: createRuntime of a container; it fails with an error about room, and all is undone, or it succeeds and the pod's
# end leaves nothing. Exit status 1: it failed.
try() {
	local status=0
	create "$1" '' 2>"$T/stderr" || status=$?
	if [ "$status" = 0 ]; then
		assert_pinned web net ipc uts || exit 1
	elif [ "$status" != 1 ] || ! grep -q 'No space left on device' "$T/stderr"; then
		cat "$T/stderr"
		echo "exit status $status"
		exit 1
	fi
	if [ "$status" = 0 ]; then
		poststop "$1" || exit 1
	fi
	assert_untouched "$1" || exit 1
	assert_nothing_left || exit 1
	return "$status"
}

# More and more room, until it succeeds; without any it fails.
@test "a root without inodes: all or nothing with any number of them" {
	local n failed=0
	make_bundle a
	for ((n = 2; n < 40; n++)); do
		mount -t tmpfs -o "mode=0755,size=1m,nr_inodes=$n" tmpfs "$ROOT"
		if try a; then
			unmount_below "$ROOT"
			break
		fi
		failed=$((failed + 1))
		unmount_below "$ROOT"
	done
	[ "$n" -lt 40 ]
	[ "$failed" -gt 5 ]
}

@test "a root without inodes: podns create leaves another program's namespace as it was" {
	local n failed=0
	ip netns add web
	for ((n = 5; n < 40; n++)); do
		mount -t tmpfs -o "mode=0755,size=1m,nr_inodes=$n" tmpfs "$ROOT"
		mkdir -m 0755 "$ROOT/netns"
		touch "$ROOT/netns/web"
		mount --bind /run/netns/web "$ROOT/netns/web"
		if "$PODNS" --root "$ROOT" create web --namespaces net,ipc --sysctl net.core.somaxconn=77 2>"$T/stderr"; then
			unmount_below "$ROOT"
			break
		fi
		equal "$(ip netns exec web cat /proc/sys/net/core/somaxconn)" 4096
		failed=$((failed + 1))
		unmount_below "$ROOT"
	done
	[ "$n" -lt 40 ]
	[ "$failed" -gt 0 ]
	equal "$(ip netns exec web cat /proc/sys/net/core/somaxconn)" 77
	ip netns delete web
}

@test "a root without room: all or nothing with any number of free pages" {
	local n failed=0
	make_bundle a
	for ((n = 0; n < 20; n++)); do
		mount -t tmpfs -o "mode=0755,size=256k" tmpfs "$ROOT"
		dd if=/dev/zero "of=$ROOT/full" bs=4k "count=$((64 - n))" status=none 2>"$T/dd" || true
		if try_beside_full a; then
			unmount_below "$ROOT"
			break
		fi
		failed=$((failed + 1))
		unmount_below "$ROOT"
	done
	[ "$n" -lt 20 ]
	[ "$failed" -gt 0 ]
}

# The file that fills the root is none of the hook's; neither is its size.
try_beside_full() {
	assert_nothing_left() {
		local left
		left=$(find "$ROOT" ! -type d ! -path "$ROOT/full" ! -path "$ROOT/podns/log*")
		equal "$left" '' "files in the root" && [ ! -e "$ROOT/podns/web" ]
	}
	try "$1"
}

@test "a bundle on a file system without room" {
	local n failed=0 content
	make_bundle a
	content=$(cat "$T/a.orig")
	for ((n = 0; n < 8; n++)); do
		mount -t tmpfs -o mode=0755,size=64k tmpfs "$T/a"
		printf '%s\n\n' "$content" >"$T/a/config.json"
		cmp "$T/a.orig" "$T/a/config.json"
		dd if=/dev/zero "of=$T/a/full" bs=4k "count=$((15 - n))" status=none 2>"$T/dd" || true
		if create a '' 2>"$T/stderr"; then
			break
		fi
		failed=$((failed + 1))
		contains "$(cat "$T/stderr")" 'No space left on device'
		cmp "$T/a.orig" "$T/a/config.json"
		equal "$(ls -A "$T/a")" "$(printf 'config.json\nfull')"
		assert_nothing_left
		umount "$T/a"
	done
	[ "$failed" -gt 0 ]
	[ "$n" -lt 8 ]
	rm "$T/a/full"
	poststop a
	assert_untouched a
	assert_nothing_left
	umount "$T/a"
}

@test "a read-only bundle: createRuntime that must rewrite it fails, and undoes all" {
	make_bundle a
	mount --bind "$T/a" "$T/a"
	mount -o remount,bind,ro "$T/a"
	run -1 create a ''
	contains "$output" 'Read-only file system'
	assert_untouched a
	assert_nothing_left
	umount "$T/a"
}

@test "a read-only bundle that came from precreate is good" {
	make_bundle a
	hook precreate <"$T/a/config.json" >"$T/edited"
	cp "$T/edited" "$T/a/config.json"
	mount --bind "$T/a" "$T/a"
	mount -o remount,bind,ro "$T/a"
	sleeper nsenter "--net=$ROOT/netns/web" "--ipc=$ROOT/ipcns/web" "--uts=$ROOT/utsns/web"
	create a "$CHILD"
	cmp "$T/edited" "$T/a/config.json"
	end_child
	poststop a
	umount "$T/a"
	assert_nothing_left
}

@test "a bundle that becomes read-only: poststop warns, and gc reverts it later" {
	make_bundle a
	create a ''
	mount --bind "$T/a" "$T/a"
	mount -o remount,bind,ro "$T/a"
	poststop a 2>"$T/stderr"
	contains "$(cat "$T/stderr")" 'Read-only file system'
	umount "$T/a"
	assert_not_pinned web net ipc uts
	podns gc
	assert_untouched a
	assert_nothing_left
}

# --- old kernels ---------------------------------------------------------------

# on_old_kernel CALL COMMAND...: the call does not exist. Without the filter, which knows no call -1.
on_old_kernel() {
	under_strace -f -qq -o "$T/trace" -e "inject=$1:error=ENOSYS" "${@:2}"
}

# A life on a kernel without a call.
live_without() {
	local call=$1 program=("$HOOK" --no-syslog --no-sandbox --root "$ROOT")
	in_new_namespaces --net --ipc --uts
	make_bundle a sysctl='"net.ipv4.ip_default_ttl": "77"'
	make_bundle b
	state_doc a "$CHILD" | on_old_kernel "$call" "${program[@]}" createRuntime
	grep -q INJECTED "$T/trace" || [ "${2-}" = elsewhere ]
	equal "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "/proc/$CHILD/ns/net")"
	equal "$(in_pin net web cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	on_old_kernel "$call" "${program[@]}" precreate <"$T/b/config.json" >"$T/edited"
	contains "$(cat "$T/edited")" "$ROOT/netns/web"
	end_child
	state_doc a '' stopped | on_old_kernel "$call" "${program[@]}" poststop
	expire_claims "$ROOT"
	podns gc
	assert_untouched a
	assert_nothing_left
}

@test "a kernel without openat2: Linux before 5.6" {
	live_without openat2
}

@test "a kernel without openat2: a sysctl that leaves /proc/sys is refused all the same" {
	make_bundle a sysctl='"net.ipv4/../../kernel.hostname": "evil"'
	run -1 on_old_kernel openat2 "$HOOK" --no-syslog --no-sandbox --root "$ROOT" precreate <"$T/a/config.json"
	assert_nothing_left
}

@test "a kernel without pidfd_open: Linux before 5.3" {
	live_without pidfd_open
}

@test "a kernel without close_range: Linux before 5.9" {
	live_without close_range
}

@test "a kernel without close_range: inherited descriptors are closed all the same" {
	mkdir -m 0700 "$ROOT/podns"
	under_strace -qq -o "$T/trace" -e trace=close_range,openat -e inject=close_range:error=ENOSYS \
		"$HOOK" --no-syslog --no-sandbox --root "$ROOT" poststop 4</etc 7</etc 9</etc \
		<<<'{"ociVersion":"1.0.2","id":"x","status":"stopped","bundle":"/nowhere"}'
	grep -q 'close_range(3, 4294967295, 0) *= -1 ENOSYS' "$T/trace"
	grep -q "openat(AT_FDCWD, \"$ROOT\", .* = 3\$" "$T/trace"
	grep -q 'openat(3, "podns", .* = 4$' "$T/trace"
}

@test "a kernel without statx, or without its mark of mount points" {
	live_without statx
}

@test "a kernel without getrandom's call: the claim is refused or made, nothing is left" {
	make_bundle a
	if on_old_kernel getrandom "$HOOK" --no-syslog --no-sandbox --root "$ROOT" precreate \
		<"$T/a/config.json" >"$T/edited"; then
		podns rm --force web
	fi
	assert_nothing_left
}
