#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The analysers find nothing. Which of clang-tidy's checks are made, and why not the others:
# .clang-tidy.

load helpers

ROOMS=(agent base check cli hook json net ns oci plan pod runtime sandbox stage)

setup() {
	T=$BATS_TEST_TMPDIR
	cd "$PODNS_SRC" || return
	FLAGS=(-std=gnu17 -I. "-I$PODNS_BUILD" -D_GNU_SOURCE '-DPACKAGE_VERSION="0"' -DHAVE_STATX
		'-DPODNS_CONFDIR="/x"' '-DPODNS_NETWORKDIR="/x"' '-DPODNS_HOOKDIR="/x"' '-DPODNS_STATEDIR="/x"' '-DPODNS_OCIHOOKSDIR="/x"' '-DPODNS_PRECREATEDIR="/x"'
		'-DPODNS_ENGINESCONFDIR="/x"' '-DPODNS_LIBEXECDIR="/x"')
}

teardown() {
	:
}

# all_sources: each C file of the rooms, each followed by a NUL.
all_sources() {
	find "${ROOMS[@]}" tests/fuzz -name '*.c' -print0
}

# each_file COMMAND...: it is run for each C file; nothing may come out of it.
each_file() {
	all_sources | xargs -0 -n 1 -P "$(nproc)" "$@" >"$T/out" 2>&1 || {
		grep -v 'warnings generated' "$T/out" | head -n 80
		return 1
	}
}

@test "gcc -fanalyzer finds nothing" {
	# A file at a time, as it is compiled: -fanalyzer does not look across files.
	each_file gcc -O2 -fanalyzer -Werror "${FLAGS[@]}" -c -o /dev/null
}

@test "clang-tidy finds nothing" {
	# By a file of its flags, since these come last. clang-tidy 14 that is given several files is
	# wrong about va_list in all but the first.
	printf '%s\n' "${FLAGS[@]}" >"$T/compile_flags.txt"
	sed -i "s,^-I\.$,-I$PODNS_SRC," "$T/compile_flags.txt"
	each_file clang-tidy --quiet -p "$T"
}

@test "cppcheck finds nothing" {
	# NULL is a void * here, as POSIX wants it, and gcc looks that there is one.
	cppcheck -q --std=c11 --enable=warning,performance,portability --error-exitcode=1 -I. \
		--suppress=varFuncNullUB -D_GNU_SOURCE "${ROOMS[@]}" tests/fuzz
}

@test "shellcheck finds nothing in the fuzzers' script" {
	shellcheck -x tests/fuzz/run.sh
}
