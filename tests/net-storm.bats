#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bats file_tags=netns
#
# Many pods with networks at once, with Debian's CNI plugins. PODNS_LONG=yes: more of them.

load helpers
load podns
load net-real

export LIMIT=60	# for one pod among many, however slow the machine is

setup_file() {
	needs_bridge
	real_network
}

teardown() {
	detach_all
	common_teardown
}

# at_once COMMAND FIRST LAST: COMMAND N for each number, all at the same time; the numbers for which it failed are in $failed.
at_once() {
	local n pids=()
	for n in $(seq "$2" "$3"); do
		"$1" "$n" >"$T/$n.out" 2>"$T/$n.err" 3>&- &
		pids[n]=$!
	done
	failed=''
	for n in "${!pids[@]}"; do
		wait "${pids[n]}" || failed+=" $n"
	done
}

make_one() {
	podns create --network front --publish "$((8000 + $1)):80" "pod$1"
}

remove_one() {
	podns rm "pod$1"
}

# Killed after a time of its own. The plugins have process groups of their own, and go on.
kill_one() {
	timeout -s KILL "0.$1" "$PODNS" --root "$ROOT" rm "pod$1" || true
}

all_addresses() {
	jq -r '.results[-1].ips[].address' "$ROOT"/podns/network@pod*
}

storm() {
	local failed
	at_once make_one 1 "$1"
	equal "$failed" '' "$(cat "$T"/*.err)"
	equal "$(all_addresses | wc -l)" "$1"
	equal "$(all_addresses | sort -u | wc -l)" "$1" 'different addresses'
	equal "$(jq -r .state "$ROOT"/podns/network@pod* | sort -u)" up
	at_once "$2" 1 "$1"
	equal "$failed" '' "$(cat "$T"/*.err)"
}

@test "many pods at once: each has an address of its own, and nothing is left of them" {
	storm "${PODNS_LONG:+1}50" remove_one
	assert_nothing_left
	host_is_clean
}

@test "many pods at once whose ends are killed: gc leaves nothing" {
	local failed
	storm "${PODNS_LONG:+1}20" kill_one
	# Those that are held still.
	at_once remove_one 1 "${PODNS_LONG:+1}20"
	podns gc
	assert_nothing_left
	host_is_clean
}

@test "one name, many at once: one of them makes the pod" {
	local failed
	same() {
		podns create --network front --publish 8080:80 web
	}
	at_once same 1 8
	equal "$(wc -w <<<"$failed")" 7
	podns rm web
	assert_nothing_left
	host_is_clean
}

@test "one port, many at once: one of them has it" {
	local failed
	same_port() {
		podns create --network front --publish 8080:80 "pod$1"
	}
	at_once same_port 1 8
	equal "$(wc -w <<<"$failed")" 7
	equal "$(all_addresses | wc -l)" 1
	podns gc
	podns rm "$(basename "$ROOT"/podns/network@* | sed 's/.*@//')"
	assert_nothing_left
	host_is_clean
}
