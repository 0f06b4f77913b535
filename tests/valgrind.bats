#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The unit tests, and the fuzz targets over their seeds, under valgrind: no error, no leak. The
# other files under sanitizers: tests/run.sh --sanitizers.

load helpers

# valgrind cannot put its own allocator into a static program, and valgrind 3.19 cannot read clang's
# debug information.
setup_file() {
	other_build valgrind gcc --enable-static=no
	export OTHER_BUILD
}

setup() {
	T=$BATS_TEST_TMPDIR
	# One in so many rounds of what is random: a round takes fifty times as long.
	export UNIT_ROUNDS_DIVISOR=50
}

teardown() {
	:
}

# under_valgrind PROGRAM [ARGUMENT...]: of the build.
under_valgrind() {
	# It is there if `make check` was.
	make -C "$OTHER_BUILD" "$1" >"$T/make.log" 2>&1
	valgrind -q --leak-check=full --error-exitcode=99 \
		"$OTHER_BUILD/$1" "${@:2}" >"$T/log" 2>&1 || {
		grep -E '^(==|not ok|#)' "$T/log" | head -n 60
		return 1
	}
}

@test "the unit tests" {
	local test
	for test in "$PODNS_SRC"/tests/unit/test_*.c; do
		test=$(basename "$test" .c)
		# Its children die of SIGSYS, and valgrind makes calls that no filter of ours allows.
		[ "$test" != test_sandbox ] || continue
		echo "$test:"
		under_valgrind "tests/unit/$test"
	done
}

@test "the fuzz targets over their seeds" {
	local target
	for target in "$PODNS_SRC"/tests/fuzz/corpus/*; do
		target=${target##*/}
		echo "$target:"
		under_valgrind "tests/fuzz/replay_$target" "$PODNS_SRC/tests/fuzz/corpus/$target"
	done
}
