#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# libFuzzer on all that reads what others write. PODNS_FUZZ_SECONDS (30) for each target;
# `make fuzz FUZZ_SECONDS=...` for longer.

load helpers

FUZZ=$PODNS_BUILD/fuzz

setup_file() {
	local runtime
	runtime=$(clang -print-runtime-dir 2>/dev/null)
	if ! compgen -G "$runtime/libclang_rt.fuzzer*.a" >/dev/null; then
		return 0
	fi
	"$PODNS_SRC/tests/fuzz/run.sh" "$FUZZ" 0
}

setup() {
	T=$BATS_TEST_TMPDIR
}

teardown() {
	:
}

# fuzz TARGET
fuzz() {
	[ -x "$FUZZ/fuzz_$1" ] || skip "clang has no fuzzer here: libclang-rt-14-dev is missing"
	"$PODNS_SRC/tests/fuzz/run.sh" "$FUZZ" "${PODNS_FUZZ_SECONDS:-30}" "$1" >"$T/log" 2>&1 || {
		grep -vE '^#[0-9]+' "$T/log" | tail -n 60
		return 1
	}
}

@test "fuzzing config.json, its edit and the way back" {
	fuzz config
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
