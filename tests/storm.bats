#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Many containers come and go at once, hooks and runtimes are killed, poststops are lost: tests/storm/storm.c says what is done and looked at.
# PODNS_LONG=yes: the numbers of a bad day. STORM_SEED=N does another storm, or one again as far as that can be.

load helpers
load podns

LIMIT=600	# as a whole, however slow the machine is

setup_file() {
	cc -O2 -D_GNU_SOURCE -o "$BATS_FILE_TMPDIR/storm" "$PODNS_SRC/tests/storm/storm.c"
	own_etc
}

# runtime_conf REAL
runtime_conf() {
	mkdir -p /etc/oci-podns
	printf '%s\n' "runtime = $1" "root = $ROOT" no-syslog >/etc/oci-podns/runtime.conf
}

# storm RUNTIME PODS CONTAINERS ROUNDS
storm() {
	local original
	mkdir "$T/bundles"
	timeout -k 5 "$LIMIT" "$BATS_FILE_TMPDIR/storm" "$HOOK" "$1" "$ROOT" "$T/bundles" "${@:2}" "${STORM_SEED:-$RANDOM}" \
		3>&- >"$T/storm.out" || {
		cat "$T/storm.out"
		return 1
	}
	sed 's|^|# |' "$T/storm.out" >&3
	# All are dead, and the claims of those that were killed on their way in have expired: by a clock of gc's own.
	expire_claims "$ROOT"
	podns gc >"$T/gc.out"
	assert_nothing_left
	equal "$(find "$T/bundles" -name '.config.json*')" '' 'temporary files'
	# Those of containers that began without precreate, of which there may be none.
	for original in "$T/bundles"/*/orig; do
		[ ! -e "$original" ] || cmp "$original" "${original%/*}/config.json"
	done
}

@test "many containers of one pod at once" {
	if [ -n "${PODNS_LONG-}" ]; then
		storm - 1 64 50
	else
		storm - 1 16 4
	fi
}

@test "many pods at once" {
	if [ -n "${PODNS_LONG-}" ]; then
		storm - 200 4 5
	else
		storm - 20 3 1
	fi
}

@test "one pod that begins and ends all the time" {
	if [ -n "${PODNS_LONG-}" ]; then
		storm - 1 2 300
	else
		storm - 1 2 15
	fi
}

@test "many creates of a runtime at once, into one pod" {
	runtime_conf "$(realpath "$(type -P true)")"
	if [ -n "${PODNS_LONG-}" ]; then
		storm "$RUNC" 1 100 20
	else
		storm "$RUNC" 1 100 1
	fi
}

@test "many creates of a runtime at once, into many pods" {
	runtime_conf "$(realpath "$(type -P true)")"
	if [ -n "${PODNS_LONG-}" ]; then
		storm "$RUNC" 100 4 5
	else
		storm "$RUNC" 10 3 1
	fi
}

# at_once COMMAND...: run it 100 times at once, with @ for the number.
at_once() {
	local i pid pids=() failed=0
	for ((i = 0; i < 100; i++)); do
		timeout -k 5 "$LIMIT" "${@//@/$i}" </dev/null 2>>"$T/at-once.err" 3>&- &
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=$((failed + 1))
	done
	equal "$failed" 0 "$1: failed"
}

# The real runtime writes down the pins that there are when it is executed.
@test "100 creates at once agree on one namespace of each type, and 100 deletes leave nothing" {
	local i
	runtime_conf "$T/real"
	cat >"$T/real" <<-SCRIPT
		#!/bin/bash
		[ "\$1" = delete ] || stat -c '%n %i' "$ROOT"/{netns,ipcns,utsns}/web >>"$T/pins"
	SCRIPT
	chmod 0755 "$T/real"
	for ((i = 0; i < 100; i++)); do
		make_bundle "c$i" stages=
	done
	at_once "$RUNC" create --bundle "$T/c@" c@
	equal "$(wc -l <"$T/pins")" 300
	equal "$(sort -u "$T/pins" | wc -l)" 3 "namespaces that there were"
	equal "$(grep -c '^claim ' "$ROOT/podns/web/record")" 100
	equal "$(grep -lF "\"$ROOT/netns/web\"" "$T"/c*/config.json | wc -l)" 100
	at_once "$RUNC" delete c@
	assert_nothing_left
	for ((i = 0; i < 100; i++)); do
		assert_untouched "c$i"
	done
}
