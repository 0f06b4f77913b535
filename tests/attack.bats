#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What an attacker may try, beyond bad documents: races, reused numbers, mounts, odd files. The
# table in SECURITY.md names each.

load helpers
load podns

setup_file() {
	build_tamper "$BATS_FILE_TMPDIR/tamper"
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
	contains "$(cat "$T/stderr")" "$(of_libc 'Invalid cross-device link' 'Cross-device link')"
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
	make_bundle a
	mounted "$KERNEL_OVER_NET" "$HOOK" --no-syslog --root "$ROOT" \
		--sysctl "net.core_pattern=$(cat /proc/sys/kernel/core_pattern)" precreate
}

@test "a mount below /proc/sys, on a kernel without openat2" {
	# As under_strace does, which is no program.
	local old=(env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$T/trace" -e inject=openat2:error=ENOSYS "$HOOK" --no-syslog --no-sandbox)
	make_bundle a sysctl='"net.ipv4.ip_default_ttl": "77"'
	mounted "$OVER_NET" "${old[@]}" --root "$ROOT" precreate
	make_bundle a
	mounted "$KERNEL_OVER_NET" "${old[@]}" --root "$ROOT" \
		--sysctl "net.core_pattern=$(cat /proc/sys/kernel/core_pattern)" precreate
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
	needs_choice_of_pid
	export -f state_doc to_json equal contains ns_ino create hook poststop
	export HOOK PODNS ROOT T ID_PREFIX LIMIT
	# shellcheck disable=SC2016 # the inner shell expands it
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
		# The next run finds the pod empty and makes it again.
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
	needs_inodes_used_again
	echo "the kernel uses numbers again, and did not in $i tries"
	return 1
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
			expire_claims "$ROOT"
			podns gc
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

@test "a claim that a document's author made up lets nobody in, and drops nobody's" {
	local claim
	make_bundle a
	hook precreate <"$T/a.orig" >"$T/a/config.json"
	claim=$(jq -r '.annotations["io.podns.claim"]' <"$T/a/config.json")
	for claim in 00112233445566778899aabbccddeeff "${claim:0:31}" "${claim}0" "${claim^^} " ''; do
		make_bundle evil annotations=", \"io.podns.claim\": \"$claim\""
		fails_with 'unknown or expired' create evil ''
		poststop evil
		equal "$(grep -c '^claim ' "$ROOT/podns/web/record")" 1
		# precreate puts a claim of its own in its place.
		hook precreate <"$T/evil.orig" >"$T/new.json"
		differ "$(jq -r '.annotations["io.podns.claim"]' <"$T/new.json")" "$claim"
		sed -i '$d' "$ROOT/podns/web/record"
	done
	equal "$(grep -c '^claim ' "$ROOT/podns/web/record")" 1
}

# --- odd files and odd strings --------------------------------------------------------

# refused_record: nobody takes the pod for empty or for another one, and nothing of it is touched.
refused_record() {
	make_bundle a
	fails_with "podns/web/record" create a ''
	contains "$(cat "$T/stderr")" "${1-the record}"
	assert_untouched a
	equal "$(of_pod web .state)" broken
	podns_fails 1 record rm web
	podns_fails 1 record gc
	ns_ino "$ROOT/utsns/web"
}

@test "a record with a NUL in it: refused, since what follows would be hidden" {
	local record=$ROOT/podns/web/record
	podns create web --namespaces uts
	cp "$record" "$T/record"
	printf '\0' >>"$record"
	refused_record 'NUL'
	{
		head -n 1 "$T/record"
		head -c 512 /dev/zero
	} >"$record"
	refused_record 'NUL'
	cp "$T/record" "$record"
	podns rm web
	assert_nothing_left
}

@test "a record that is too large: refused; none is ever written so large that nobody can read it" {
	local record=$ROOT/podns/web/record
	podns create web --namespaces uts
	cp "$record" "$T/record"
	{
		printf 'bundle /'
		head -c $((16 * 1024 * 1024)) /dev/zero | tr '\0' x
		echo
	} >>"$record"
	refused_record 'File too large'
	# Just below the limit: one container more is one too many.
	truncate -s $((16 * 1024 * 1024 - 8)) "$record"
	echo >>"$record"
	make_bundle a
	fails_with 'would be larger than 16777216 bytes' create a '' --namespaces uts
	assert_untouched a
	cp "$T/record" "$record"
	podns rm web
	assert_nothing_left
}

@test "a FIFO, a directory, a symlink or a device as a record: refused or replaced, and never waited for" {
	local kind record=$ROOT/podns/web/record
	echo text >"$T/victim"
	for kind in "mkfifo $record" "mkdir $record" "ln -s $T/victim $record" "mknod $record c 1 5"; do
		mkdir -p "$ROOT/podns/web"
		chmod 0700 "$ROOT/podns" "$ROOT/podns/web"
		$kind
		make_bundle a
		state_doc a '' >"$T/state"
		hook createRuntime <"$T/state" || equal "$?" 1
		equal "$(cat "$T/victim")" text
		podns rm --force web || true
		rm -rf "$record"
		podns gc
		rmdir "$ROOT/podns/web" || true
		assert_untouched a
		assert_nothing_left
	done
}

@test "a config.json with a second name: the other name keeps its content" {
	make_bundle a
	ln "$T/a/config.json" "$T/other"
	create a ''
	cmp "$T/a.orig" "$T/other"
	fails cmp -s "$T/a.orig" "$T/a/config.json"
	poststop a
	assert_untouched a
	cmp "$T/a.orig" "$T/other"
}

@test "a symlink, a FIFO or a directory at the place of the temporary config.json" {
	local kind
	echo text >"$T/victim"
	for kind in "ln -s $T/victim" mkfifo; do
		make_bundle a
		$kind "$T/a/.config.json.podns"
		create a ''
		equal "$(cat "$T/victim")" text
		poststop a
		assert_untouched a
	done
	mkdir "$T/a/.config.json.podns"
	fails_with 'Is a directory' create a ''
	rmdir "$T/a/.config.json.podns"
	assert_untouched a
	assert_nothing_left
}

# Whoever may open a directory may lock it: the pins' directories are for all to read.
@test "another user's process that holds locks on what it can open holds nobody up for long" {
	local started=$SECONDS other=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	# Where others can come to.
	ROOT=/run/podns-attack
	mkdir -m 0755 "$ROOT" "$ROOT/netns" "$ROOT/ipcns" "$ROOT/utsns"
	# shellcheck disable=SC2016 # the inner shell expands it
	"${other[@]}" bash -c '
		for dir in "$1" "$1"/{net,ipc,uts}ns; do
			exec {fd}<"$dir"
			flock "$fd"
		done
		exec -a holder sleep 1000' - "$ROOT" </dev/null >/dev/null 2>&1 3>&- &
	PIDS+=("$!")
	wait_for is_locked "$ROOT/utsns"
	make_bundle a
	create a ''
	poststop a
	[ $((SECONDS - started)) -lt 20 ]
	# The record's directory, which is a pod's lock, cannot be opened by others.
	create a ''
	fails "${other[@]}" flock -n "$ROOT/podns/web" true
	poststop a
	assert_nothing_left
}

# In all of them the string is only data.
@test "bundles and ids with newlines, escapes, '..' and 4095 bytes" {
	local bundle path=$T/long part state='{"ociVersion":"1.0.2","id":%s,"status":"%s","bundle":%s}' id
	while [ ${#path} -lt 3900 ]; do
		path+=/$(printf '%0100d' 0)
	done
	path+=/$(printf '%0*d' $((4095 - ${#path} - 1)) 0)
	to_json id $'id\nevil\e[31m'
	id=${id//$'\e'/\\u001b}
	mkdir -p "$T/dir" "$T"/$'new\nline\e[31m %41' "$path"
	for bundle in "$T/dir/../dir" "$T/dir/" "$T//dir/./" "$T"/$'new\nline\e[31m %41' "$path"; do
		make_bundle a
		(cd "$bundle" && cp "$T/a.orig" config.json)
		to_json part "$bundle"
		part=${part//$'\e'/\\u001b}
		# shellcheck disable=SC2059
		printf "$state" "$id" creating "$part" | hook --namespaces uts createRuntime
		(cd "$bundle" && ! cmp -s "$T/a.orig" config.json)
		equal "$(podns inspect web | tr -d '[:print:]\n')" '' "what moves a cursor"
		equal "$(podns inspect web | grep -c '^evil')" 0
		equal "$(inspect web '.claims[].id')" $'id\nevil\e[31m'
		equal "$(inspect web '.bundles[]')" "$bundle"
		# shellcheck disable=SC2059
		printf "$state" "$id" stopped "$part" | hook poststop
		(cd "$bundle" && cmp "$T/a.orig" config.json)
		assert_nothing_left
	done
	to_json part "${path}x"
	# shellcheck disable=SC2059
	printf "$state" "$id" creating "$part" >"$T/state"
	fails_with "$(of_libc 'File name too long' 'Filename too long')" hook createRuntime <"$T/state"
	assert_nothing_left
}

@test "an id of 1 MiB, or of 1025 bytes: refused" {
	local n
	for n in 1025 1048000; do
		{
			printf '{"bundle":"%s","id":"' "$T/a"
			head -c "$n" /dev/zero | tr '\0' i
			printf '"}'
		} >"$T/state"
		fails_with 'id: is not 1 to 1024 bytes long' hook createRuntime <"$T/state"
	done
	assert_nothing_left
}

@test "an annotation twice, once in escapes: refused in config and state" {
	make_bundle a annotations=', "\u0069o.podns.pod": "evil"'
	fails_with io.podns.pod hook precreate <"$T/a/config.json"
	fails_with io.podns.pod create a ''
	make_bundle a
	state_doc a '' creating '{"io.podns.pod":"web","\u0069o.podns.pod":"evil"}' >"$T/state"
	fails_with io.podns.pod hook createRuntime <"$T/state"
	make_bundle a pod= annotations=", \"io.kubernetes.cri.sandbox-id\": \"$SANDBOX_ID\", \"io.kubernetes.cri.sandbox\u002did\": \"$SANDBOX_ID\""
	fails_with sandbox-id hook precreate <"$T/a/config.json"
	assert_untouched a
	assert_nothing_left
}

# crun reads strings as C does. It takes "linux\u0000" for "linux", and ran a container of this config
# in the host's UTS namespace (tried).
@test "a member with a NUL in its name, which crun takes for another: refused in config and state" {
	make_bundle a
	sed -i 's/^"mounts"/"linux\\u0000": { "namespaces": [] },\n&/' "$T/a/config.json"
	keep_original a
	fails_with 'NUL in its name' hook precreate <"$T/a/config.json"
	fails_with 'NUL in its name' create a ''
	assert_untouched a
	make_bundle a annotations=', "io.podns.namespaces\u0000": "net"'
	fails_with 'NUL in its name' hook precreate <"$T/a/config.json"
	make_bundle a
	state_doc a '' creating '{"io.podns.pod\u0000":"web"}' >"$T/state"
	fails_with 'NUL in its name' hook createRuntime <"$T/state"
	assert_nothing_left
}

# A container with CAP_SYS_ADMIN can call sethostname(2): what it sets comes to people's terminals.
@test "a hostname with control characters, C1 in UTF-8 too, moves nobody's cursor" {
	local evil=$'a\e[31m\xc2\x9b31m\x07\x9b31m'
	podns create web --namespaces uts
	# shellcheck disable=SC2016 # the inner shell expands it
	in_pin uts web sh -c 'printf %s "$1" >/proc/sys/kernel/hostname' - "$evil"
	equal "$(in_pin uts web uname -n)" "$evil"
	podns inspect web >"$T/out"
	grep -q 'Hostname: *a?' "$T/out"
	fails grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\x9b' "$T/out"
	make_bundle a
	create a '' --namespaces uts 2>"$T/stderr" || true
	[ -s "$T/stderr" ]
	fails grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\x9b' "$T/stderr"
}
