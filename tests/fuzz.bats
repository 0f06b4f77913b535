#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# libFuzzer on all that reads what others write. PODNS_FUZZ_SECONDS (30) for each target;
# `make fuzz FUZZ_SECONDS=...` for longer.

load helpers

FUZZ=$PODNS_BUILD/fuzz
TARGETS=(config plan state record text options cni definition)

# All of them are built first, then run, as many at once as there are processors.
setup_file() {
	"$PODNS_SRC/tests/fuzz/run.sh" "$FUZZ" 0
	run_all >/dev/null 2>&1 3>&- &
	echo "$!" >"$BATS_FILE_TMPDIR/pid"
}

run_all() {
	local target
	for target in "${TARGETS[@]}"; do
		while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do
			wait -n || true
		done
		run_one "$target" &
	done
	wait
}

run_one() {
	local status=0 out=$BATS_FILE_TMPDIR/$1
	"$PODNS_SRC/tests/fuzz/run.sh" "$FUZZ" "${PODNS_FUZZ_SECONDS:-30}" "$1" >"$out.log" 2>&1 || status=$?
	echo "$status" >"$out.new"
	mv "$out.new" "$out.status"
}

teardown_file() {
	[ ! -e "$BATS_FILE_TMPDIR/pid" ] ||
		timeout "$(most_seconds)" tail --pid="$(cat "$BATS_FILE_TMPDIR/pid")" -f /dev/null
}

# Where there is one processor, and all is slow.
most_seconds() {
	echo $((${PODNS_FUZZ_SECONDS:-30} * ${#TARGETS[@]} + 120))
}

setup() {
	# shellcheck disable=SC2034 # wait_for() knows it
	LIMIT=$(most_seconds)
}

teardown() {
	:
}

# fuzz TARGET: how its run ended.
fuzz() {
	local out=$BATS_FILE_TMPDIR/$1
	wait_for [ -e "$out.status" ]
	# It did something: a target that runs nothing finds nothing.
	if [ "$(cat "$out.status")" != 0 ] || ! grep -q '^stat::number_of_executed_units: [1-9]' "$out.log"; then
		grep -vE '^#[0-9]+' "$out.log" | tail -n 60
		return 1
	fi
}

@test "fuzzing config.json, the plans for it, its edit and the way back" {
	fuzz config
}

@test "fuzzing the decision" {
	fuzz plan
}

@test "fuzzing the state" {
	fuzz state
}

@test "fuzzing the record of a pod" {
	fuzz record
}

@test "fuzzing names, sysctls, lists, mappings and sizes" {
	fuzz text
}

@test "fuzzing the hook's command line" {
	fuzz options
}

@test "fuzzing networks, and what plugins get and answer" {
	fuzz cni
}

@test "fuzzing the definition of a pod" {
	fuzz definition
}
