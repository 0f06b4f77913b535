#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Many containers come and go at once, hooks are killed, poststops are lost: tests/storm/storm.c says what is done and looked at.
# PODNS_LONG=yes: the numbers of a bad day. STORM_SEED=N does another storm, or one again as far as that can be.

load helpers
load podns

LIMIT=600	# as a whole, however slow the machine is

setup_file() {
	cc -O2 -D_GNU_SOURCE -o "$BATS_FILE_TMPDIR/storm" "$PODNS_SRC/tests/storm/storm.c"
}

# storm PODS CONTAINERS ROUNDS
storm() {
	local original
	mkdir "$T/bundles"
	timeout -k 5 "$LIMIT" "$BATS_FILE_TMPDIR/storm" "$HOOK" "$ROOT" "$T/bundles" "$@" "${STORM_SEED:-$RANDOM}" \
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
	for original in "$T/bundles"/*/orig; do
		cmp "$original" "${original%/*}/config.json"
	done
}

@test "many containers of one pod at once" {
	if [ -n "${PODNS_LONG-}" ]; then
		storm 1 64 50
	else
		storm 1 16 4
	fi
}

@test "many pods at once" {
	if [ -n "${PODNS_LONG-}" ]; then
		storm 200 4 5
	else
		storm 20 3 1
	fi
}

@test "one pod that begins and ends all the time" {
	if [ -n "${PODNS_LONG-}" ]; then
		storm 1 2 300
	else
		storm 1 2 15
	fi
}
