#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What an attacker may try, beyond bad documents: races, reused numbers, mounts, odd files. The
# table in SECURITY.md names each.

load helpers
load podns

setup_file() {
	cc -O2 -D_GNU_SOURCE -o "$BATS_FILE_TMPDIR/tamper" "$PODNS_SRC/tests/storm/tamper.c" -lseccomp
}

# tamper WHEN SCRIPT COMMAND...: SCRIPT is run at a system call of COMMAND's: see tamper.c.
tamper() {
	timeout -k 5 "$LIMIT" "$BATS_FILE_TMPDIR/tamper" "$@"
}

# program STAGE: $PROGRAM is the hook for the stage, as programs run it that know no functions.
program() {
	PROGRAM=("$HOOK" --no-syslog --root "$ROOT" --namespaces uts "$1")
}

# --- a mount below /proc/sys -------------------------------------------------------

# mounted SCRIPT STAGE-COMMAND...: the command is refused in a mount namespace where SCRIPT mounted
# something; a sysctl of a.
mounted() {
	local script=$1 status=0
	shift
	timeout -k 5 "$LIMIT" unshare --mount --propagation private sh -euc "$script"'; shift; exec "$@"' - "$T" "$@" \
		<"$T/a/config.json" >"$T/stdout" 2>"$T/stderr" || status=$?
	cat "$T/stderr"
	equal "$status" 1
	contains "$(cat "$T/stderr")" 'Invalid cross-device link'
	assert_nothing_left
}

OVER_NET='mount -t tmpfs -o mode=0755 tmpfs /proc/sys/net; mkdir /proc/sys/net/ipv4; echo 64 >/proc/sys/net/ipv4/ip_default_ttl'
# What would be written is what is there.
KERNEL_OVER_NET='mount --bind /proc/sys/kernel /proc/sys/net'

@test "a mount below /proc/sys: a sysctl on another file system is not opened" {
	make_bundle a sysctl='"net.ipv4.ip_default_ttl": "77"'
	mounted "$OVER_NET" "$HOOK" --no-syslog --root "$ROOT" precreate
}

@test "a mount below /proc/sys: the host's sysctls bound over a namespace's are not opened" {
	make_bundle a sysctl="\"net.core_pattern\": \"$(cat /proc/sys/kernel/core_pattern)\""
	mounted "$KERNEL_OVER_NET" "$HOOK" --no-syslog --root "$ROOT" precreate
}

@test "a mount below /proc/sys, on a kernel without openat2" {
	local old=(strace -f -qq -o "$T/trace" -e inject=openat2:error=ENOSYS "$HOOK" --no-syslog --no-sandbox)
	make_bundle a sysctl='"net.ipv4.ip_default_ttl": "77"'
	mounted "$OVER_NET" "${old[@]}" --root "$ROOT" precreate
	make_bundle a sysctl="\"net.core_pattern\": \"$(cat /proc/sys/kernel/core_pattern)\""
	mounted "$KERNEL_OVER_NET" "${old[@]}" --root "$ROOT" precreate
	grep -q 'openat2.*INJECTED' "$T/trace"
}

# --- a pin's place, swapped --------------------------------------------------------

# swap WHEN SCRIPT: createRuntime of a, while SCRIPT changes what is at the pin's place.
swap() {
	make_bundle a
	program createRuntime
	state_doc a '' >"$T/state"
	tamper "$1" "cd $ROOT/utsns; $2" "${PROGRAM[@]}" <"$T/state" >"$T/stdout" 2>"$T/stderr"
}

not_mounted_on() {
	equal "$(stat -f -c %T "$1")" "$(stat -f -c %T "$T")" "file system of $1"
	equal "$(cat "$1")" text
}

@test "a pin's mount point that is swapped for a symlink before the bind: nothing is mounted where that leads" {
	echo text >"$T/victim"
	swap before:mount "mv web aside; ln -s $T/victim web" || true
	not_mounted_on "$T/victim"
	# What was looked at is what was mounted on.
	ns_ino "$ROOT/utsns/aside"
	fails_with 'is not a uts namespace' hook --namespaces uts createRuntime <"$T/state"
	not_mounted_on "$T/victim"
	umount "$ROOT/utsns/aside"
}

@test "a pin's mount point that is swapped for a file before the bind: that is not mounted on" {
	swap before:mount 'mv web aside; echo text >web' || true
	not_mounted_on "$ROOT/utsns/web"
	umount "$ROOT/utsns/aside"
}

@test "a file that appears between look and bind is not mounted on" {
	mkdir "$ROOT/utsns"
	swap before:unshare 'echo text >web' || true
	not_mounted_on "$ROOT/utsns/web"
	contains "$(cat "$T/stderr")" 'File exists'
	assert_untouched a
	rm "$ROOT/utsns/web"
	assert_nothing_left
}

@test "a namespace that another pins between look and bind is not mounted over" {
	mkdir "$ROOT/utsns"
	swap before:unshare 'touch web; chmod 0 web; unshare --uts=web true' || true
	ns_ino "$ROOT/utsns/web"
	contains "$(cat "$T/stderr")" 'File exists'
	assert_untouched a
	umount "$ROOT/utsns/web"
	fails ns_ino "$ROOT/utsns/web"
	rm "$ROOT/utsns/web"
	assert_nothing_left
}

@test "a config's path that is swapped before the bind: what was looked at is pinned" {
	local first
	touch "$T/ns"
	in_new_namespaces --uts
	first=$CHILD
	mount --bind "/proc/$first/ns/uts" "$T/ns"
	make_bundle a namespaces="$(entry uts "$T/ns"), $(entry mount)" hostname=
	program precreate
	tamper before:mount "umount -l $T/ns; mount --bind /proc/self/ns/uts $T/ns" \
		"${PROGRAM[@]}" <"$T/a/config.json" >"$T/stdout"
	equal "$(ns_ino "$T/ns")" "$(ns_ino /proc/self/ns/uts)"
	equal "$(ns_ino "$ROOT/utsns/web")" "$(ns_ino "/proc/$first/ns/uts")"
	umount "$T/ns"
}

@test "a pin that is swapped for a symlink before it is unmounted: what that leads to stays mounted" {
	mkdir "$T/mounted"
	mount -t tmpfs tmpfs "$T/mounted"
	make_bundle a
	program createRuntime
	state_doc a '' | "${PROGRAM[@]}"
	program poststop
	state_doc a '' stopped >"$T/state"
	tamper before:umount2 "cd $ROOT/utsns; umount web; rm web; ln -s $T/mounted web" \
		"${PROGRAM[@]}" <"$T/state" || true
	mountpoint -q "$T/mounted"
	umount "$T/mounted"
}

# --- numbers that are used again ----------------------------------------------------

# in_pidns SCRIPT: bash in a pid namespace of its own, with helpers to reuse a pid.
in_pidns() {
	[ -e /proc/sys/kernel/ns_last_pid ] || skip "this kernel has no ns_last_pid: no pid can be chosen"
	export -f state_doc to_json equal contains ns_ino create hook poststop
	export HOOK PODNS ROOT T ID_PREFIX LIMIT
	timeout -k 5 60 unshare --pid --fork --mount-proc bash -eu -o pipefail -c '
		# reuse PID: a sleep with that pid, of a process that is gone.
		reuse() {
			echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
			sleep 1000 </dev/null >/dev/null 2>&1 &
			equal "$!" "$1" "the pid that is used again"
		}
		# start: $pid is a process in namespaces of its own.
		start() {
			unshare --net --ipc --uts sleep 1000 </dev/null >/dev/null 2>&1 &
			pid=$!
			until [ "$(cat "/proc/$pid/comm")" = sleep ]; do sleep 0.01; done
		}
		end() {
			kill -KILL "$1"
			wait "$1" || true
		}
		'"$1"
}

@test "a pid that is used again: the stranger's process is no member" {
	make_bundle a
	make_bundle b
	# shellcheck disable=SC2016 # the inner shell expands it
	in_pidns '
		start
		create a "$pid"
		first=$(ns_ino "$ROOT/netns/web")
		end "$pid"
		reuse "$pid"
		# Who comes next finds the pod empty, and begins it anew.
		new=$pid
		start
		create b "$pid"
		equal "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "/proc/$pid/ns/net")"
		equal "$(grep -c "^member" "$ROOT/podns/web/record")" 1
		end "$pid"
		reuse "$pid"
		poststop b
		kill "$pid" "$new"
	'
	assert_untouched a
	assert_untouched b
	assert_nothing_left
}

@test "a pid that is used again: gc ends the pod, and leaves the stranger's process alone" {
	make_bundle a
	# shellcheck disable=SC2016 # the inner shell expands it
	in_pidns '
		start
		create a "$pid"
		end "$pid"
		reuse "$pid"
		"$PODNS" --root "$ROOT" gc >"$T/gc"
		kill -0 "$pid"
		kill "$pid"
	'
	contains "$(cat "$T/gc")" 'ended pod web'
	assert_untouched a
	assert_nothing_left
}

# The pidfd is of the process that was; what is read under its number is not believed.
@test "a pid that is used again while the hook looks: refused" {
	make_bundle a
	export TAMPER=$BATS_FILE_TMPDIR/tamper
	# shellcheck disable=SC2016 # the inner shell expands it
	in_pidns '
		start
		state_doc a "$pid" >"$T/state"
		cat >"$T/again" <<-SCRIPT
			kill -KILL $pid
			while [ -e /proc/$pid ]; do sleep 0.01; done
			echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
			sleep 1000 </dev/null >/dev/null 2>&1 &
			echo \$! >$T/again.pid
		SCRIPT
		status=0
		"$TAMPER" after:pidfd_open ". $T/again" "$HOOK" --no-syslog --root "$ROOT" createRuntime \
			<"$T/state" 2>"$T/stderr" || status=$?
		equal "$(cat "$T/again.pid")" "$pid" "the pid that is used again"
		kill "$pid"
		equal "$status" 1
	'
	contains "$(cat "$T/stderr")" 'is dead'
	assert_untouched a
	assert_nothing_left
}

# number_used_again: pod web of container a, whose pin has gone by another's hand; at its place is
# another's namespace, with the inode number of ours. The kernel gives out the lowest free number, so
# it is most likely that; with uts at once, with net a while later.
number_used_again() {
	local i
	for ((i = 0; i < 50; i++)); do
		make_bundle a
		create a '' --namespaces uts
		ours=$(ns_ino "$ROOT/utsns/web")
		umount "$ROOT/utsns/web"
		unshare --uts="$ROOT/utsns/web" true
		[ "$(ns_ino "$ROOT/utsns/web")" != "$ours" ] || return 0
		umount "$ROOT/utsns/web"
		poststop a
	done
	skip "the kernel does not use an inode number again"
}

@test "an inode number that is used again: another's namespace at our pin's place is not removed" {
	local ours how
	for how in poststop rm gc; do
		number_used_again
		case $how in
		poststop) poststop a ;;
		rm) podns rm --force web ;;
		gc)
			contains "$(of_pod web .reason)" "$ROOT/utsns/web is another uts namespace than the pod's"
			unshare --time --boottime 100000 "$PODNS" --root "$ROOT" gc
			;;
		esac
		equal "$(ns_ino "$ROOT/utsns/web")" "$ours" "after $how"
		[ ! -e "$ROOT/podns/web" ]
		umount "$ROOT/utsns/web"
		rm "$ROOT/utsns/web"
		assert_untouched a
		assert_nothing_left
	done
}
