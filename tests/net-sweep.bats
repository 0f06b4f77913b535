#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podns-net is killed at each system call, and each of its calls fails once: whatever had its ADD gets its DEL, from all
# plugins. Its plugins are not traced: a plugin finishes, and holds the lock until then.

load helpers
load podns
load net

# Calls that change nothing outside the process, or whose failure makes no difference.
HARMLESS=' brk mmap munmap mprotect close exit_group getrandom rseq set_robust_list set_tid_address prlimit64 arch_prctl getpid
	rt_sigaction rt_sigprocmask rt_sigreturn clock_gettime umask execve readlink lseek fcntl '

# Calls with an effect outside the process. A kill before any other call has the same result as a kill before the next of
# these; --long tries them all.
VISIBLE=' write renameat renameat2 unlinkat mkdirat ftruncate clone '

setup_file() {
	fake_plugins
	local name
	for name in one two map; do
		cat >"/opt/cni/bin/$name" <<-'SCRIPT'
			#!/bin/sh
			while read -r line; do :; done
			echo "${0##*/} $CNI_COMMAND $CNI_CONTAINERID" >>/run/net-test/log
			[ "$CNI_COMMAND" != ADD ] || echo '{"cniVersion":"1.0.0"}'
		SCRIPT
	done
	# Like portmap, it removes all ports of an attachment, but none if it gets none, and has those of before if it is not called in
	# between.
	cat >>/opt/cni/bin/map <<-'SCRIPT'
		case $CNI_COMMAND in
		ADD) grep -o '"hostPort":[0-9]*' /run/net-test/map-input >>"/run/net-test/ports-$CNI_CONTAINERID" ;;
		DEL) ! grep -q '"hostPort"' /run/net-test/map-input || rm -f "/run/net-test/ports-$CNI_CONTAINERID" ;;
		esac
		exit 0
	SCRIPT
	sed -i 's|^while .*|cat >/run/net-test/map-input|' /opt/cni/bin/map
}

setup() {
	fresh_plugins
}

# calls_of COMMAND...: the calls of podns-net after its first umask(2), as "NAME:K", the K-th of that name.
calls_of() {
	under_strace -o "$T/strace" "$NET" --root "$ROOT" "$@" >/dev/null
	awk -F '(' '$1 ~ /^[a-z0-9_]+$/ { k = ++n[$1]; if (counting) print $1 ":" k } $1 == "umask" { counting = 1 }' "$T/strace" |
		while IFS= read -r call; do
			[[ $HARMLESS == *" ${call%:*} "* || $HARMLESS == *"	${call%:*} "* ]] || echo "$call"
		done | awk -v every="${PODNS_SWEEP_EVERY:-1}" '(NR - 1) % every == 0'
}

# kill_points_of COMMAND...: the calls of calls_of, before which a kill makes a difference.
kill_points_of() {
	PODNS_SWEEP_EVERY=1 calls_of "$@" | while IFS= read -r call; do
		[ -z "${PODNS_LONG-}" ] && [[ $VISIBLE != *" ${call%:*} "* ]] || echo "$call"
	done
}

# points_are calls_of|kill_points_of COMMAND...: sets $points.
points_are() {
	mapfile -t points < <("$@")
	[ ${#points[@]} -ge 3 ]
}

# tampered CALL INJECTION COMMAND...: the exit status is in $code.
tampered() {
	code=0
	under_strace -o /dev/null -e "inject=${1%:*}:$2:when=${1#*:}" "$NET" --root "$ROOT" "${@:3}" \
		>"$T/stdout" 2>"$T/stderr" || code=$?
	# The last plugin may still run.
	flock -w "$LIMIT" "$ROOT/podns/web" true
}

# all_deleted: the last that each plugin got for an attachment that any of them has got is DEL.
all_deleted() {
	awk '{ last[$3, $1] = $2; ids[$3] = 1 }
		END { split("one two map", plugins); for (id in ids) for (i in plugins)
			if (last[id, plugins[i]] != "DEL") { print plugins[i] " of " id ": " last[id, plugins[i]]; bad = 1 } exit bad }' \
		"$CNI/log"
}

# leaves_nothing: the pod's end.
leaves_nothing() {
	net del web
	no_record
	all_deleted
}

# ends_well CALL: the next add and del succeed, and leave nothing.
ends_well() {
	echo "after $1:"
	net add --network web web && equal "$(record .state)" up && net del web && no_record && all_deleted || return 1
	: >"$CNI/log"
}

@test "add is killed at each call: the next add succeeds, and del leaves nothing" {
	local call code points
	points_are kill_points_of add --network web web
	net del web
	for call in "${points[@]}"; do
		tampered "$call" signal=KILL add --network web web
		ends_well "$call"
	done
}

@test "del is killed at each call: the next del succeeds, and leaves nothing" {
	local call code points
	net add --network web web
	points_are kill_points_of del web
	for call in "${points[@]}"; do
		net add --network web web
		tampered "$call" signal=KILL del web
		leaves_nothing
		: >"$CNI/log"
	done
}

@test "each call of add fails: it succeeds, or leaves nothing, or what is left is recorded" {
	local call code points
	points_are calls_of add --network web web
	net del web
	: >"$CNI/log"
	for call in "${points[@]}"; do
		tampered "$call" error=EIO add --network web web
		echo "$call: $code $(<"$T/stderr")"
		if [ "$code" = 0 ]; then
			equal "$(record .state)" up
		else
			equal "$code" 1
			equal "$(wc -l <"$T/stderr")" 1 "lines on stderr"
			[ -e "$ROOT/podns/network@web" ] || all_deleted
		fi
		ends_well "$call"
	done
}

@test "each call of del fails: it succeeds and leaves nothing, or the next one does" {
	local call code points
	net add --network web web
	points_are calls_of del web
	for call in "${points[@]}"; do
		net add --network web web
		tampered "$call" error=EIO del web
		echo "$call: $code $(<"$T/stderr")"
		if [ "$code" = 0 ]; then
			no_record
			all_deleted
		else
			equal "$code" 1
			equal "$(wc -l <"$T/stderr")" 1 "lines on stderr"
		fi
		leaves_nothing
		: >"$CNI/log"
	done
}

# synced: in $T/strace there is an fsync(2) before each rename(2) to the record, of the file, and after each rename or removal,
# of the directory.
synced() {
	awk '/^rename.*"network@web"/ && last !~ /^fsync/ { print "before: " $0; bad = 1 }
		due && !/^fsync/ { print "after: " due; bad = 1 }
		{ due = /^(rename|unlink).*"network@web".* = 0$/ ? $0 : ""; last = $0 }
		END { exit bad || due }' "$T/strace"
}

@test "each change of the record is synced, before a plugin runs" {
	under_strace -o "$T/strace" "$NET" --root "$ROOT" add --network web --publish 18080:80 web
	equal "$(grep -c 'rename.*network@web' "$T/strace")" 5
	synced
	under_strace -o "$T/strace" "$NET" --root "$ROOT" publish web --publish 18081:80
	equal "$(grep -c 'rename.*network@web' "$T/strace")" 2
	synced
	under_strace -o "$T/strace" "$NET" --root "$ROOT" del web
	equal "$(grep -c 'rename.*network@web' "$T/strace")" 1
	synced
}

@test "del on a full disk: the pod is detached, though the record cannot say that it is leaving" {
	net add --network web web
	under_strace -o /dev/null -e inject=renameat,renameat2:error=ENOSPC "$NET" --root "$ROOT" del web
	no_record
	all_deleted
	podns log | grep 'No space left on device'
}

# --- down, up and publish ----------------------------------------------------------

# ports: which ports of the host the plugin map has, of all attachments.
ports() {
	cat "$CNI"/ports-* 2>/dev/null | tr -dc '0-9\n' | sort | xargs
}

recorded_ports() {
	record '.ports[]' | sed 's/:.*//' | sort | xargs
}

# comes_up CALL: after that was tampered with.
comes_up() {
	echo "after $1:"
	net up web
	equal "$(record .state) $(ports)" 'up 18080'
}

@test "down is killed at each call: up succeeds, and del leaves nothing" {
	local call code points
	net add --network web --publish 18080:80 web
	points_are kill_points_of down web
	net up web
	for call in "${points[@]}"; do
		tampered "$call" signal=KILL down web
		comes_up "$call"
	done
	leaves_nothing
}

@test "up is killed at each call: the next up succeeds, and del leaves nothing" {
	local call code points
	net add --network web --publish 18080:80 web
	net down web
	points_are kill_points_of up web
	for call in "${points[@]}"; do
		net down web
		tampered "$call" signal=KILL up web
		comes_up "$call"
	done
	leaves_nothing
}

@test "each call of down and up fails: one line, and up succeeds afterwards" {
	local call code points verb
	net add --network web --publish 18080:80 web
	for verb in down up; do
		net up web
		[ "$verb" = down ] || net down web
		points_are calls_of "$verb" web
		for call in "${points[@]}"; do
			net up web
			[ "$verb" = down ] || net down web
			tampered "$call" error=EIO "$verb" web
			echo "$verb, $call: $code $(<"$T/stderr")"
			if [ "$code" = 0 ]; then
				equal "$(record .state) $(ports)" "$([ "$verb" = down ] && echo 'down ' || echo 'up 18080')"
			else
				equal "$code" 1
				equal "$(wc -l <"$T/stderr")" 1 "lines on stderr"
			fi
		done
	done
	net up web
	leaves_nothing
}

# changed_back: publishing nothing more ends what was interrupted.
changed_back() {
	net publish web
	equal "$(ports)" "$(recorded_ports)"
	net check web
	[ "$(ports)" = 18080 ] || net publish web --publish 18080:80 --unpublish 18081:80
	equal "$(ports)" 18080
}

@test "publish is killed at each call: the ports are those before or after it as soon as it runs again" {
	local call code points
	net add --network web --publish 18080:80 web
	points_are kill_points_of publish web --publish 18081:80 --unpublish 18080:80
	changed_back
	for call in "${points[@]}"; do
		tampered "$call" signal=KILL publish web --publish 18081:80 --unpublish 18080:80
		echo "after $call: $(recorded_ports)"
		changed_back
	done
	# Killed and then ended at once.
	for call in "${points[@]}"; do
		tampered "$call" signal=KILL publish web --publish 18081:80 --unpublish 18080:80
		leaves_nothing
		equal "$(ports)" ''
		net add --network web --publish 18080:80 web
	done
}

points_of_undoing() {
	tampered clone:2 signal=KILL publish web --publish 18081:80
	kill_points_of publish web
}

@test "publish of the first port is killed at each call: no port stays that is not recorded" {
	local call code points
	net add --network web web
	points_are kill_points_of publish web --publish 18081:80
	net publish web --unpublish 18081:80
	for call in "${points[@]}"; do
		tampered "$call" signal=KILL publish web --publish 18081:80
		echo "after $call: $(recorded_ports)"
		net publish web
		equal "$(ports)" "$(recorded_ports)"
		net check web
		[ -z "$(ports)" ] || net publish web --unpublish 18081:80
		equal "$(ports)" ''
	done
	# Killed once more while that is undone.
	points_are points_of_undoing
	for call in "${points[@]}"; do
		tampered clone:2 signal=KILL publish web --publish 18081:80
		tampered "$call" signal=KILL publish web
		echo "after $call:"
		net publish web
		equal "$(ports) $(recorded_ports)" ' '
	done
	net del web
	no_record
}

@test "each call of publish fails: the ports are the new ones, or the old ones and an error says so" {
	local call code points
	net add --network web --publish 18080:80 web
	points_are calls_of publish web --publish 18081:80 --unpublish 18080:80
	changed_back
	for call in "${points[@]}"; do
		tampered "$call" error=EIO publish web --publish 18081:80 --unpublish 18080:80
		echo "$call: $code $(<"$T/stderr")"
		if [ "$code" = 0 ]; then
			equal "$(ports) $(recorded_ports)" '18081 18081'
		else
			equal "$code" 1
			equal "$(wc -l <"$T/stderr")" 1 "lines on stderr"
			[ "$(record .nextPorts)" != null ] || equal "$(ports) $(recorded_ports)" '18080 18080'
		fi
		changed_back
	done
}
