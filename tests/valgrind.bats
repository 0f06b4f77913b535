#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The unit tests, the seeds of the fuzzers and the hook's stages under the address and undefined
# behaviour sanitizers, sandbox and all; the unit tests under valgrind, too.
#
# The leak sanitizer stops the process by ptrace(2) from a clone(2) of its own, which no filter of
# ours allows: leaks are looked for without the sandbox.

load helpers

SAN=$PODNS_BUILD/sanitizers

setup_file() {
	build "$SAN" gcc --enable-sanitizers CFLAGS='-O1 -g' || {
		tail -n 40 "$SAN/build.log"
		return 1
	}
}

setup() {
	common_setup runc
	# shellcheck disable=SC2034 # helpers.bash uses it
	HOOK=$SAN/hook/oci-podns-hook
	export ASAN_OPTIONS=detect_leaks=0
}

@test "unit tests under the sanitizers" {
	unset ASAN_OPTIONS
	make -C "$SAN" -j2 check >"$T/check.log" 2>&1 || {
		grep -hE '^(not ok|#|==|SUMMARY|.*runtime error)' "$SAN"/tests/*/*.log | tail -n 60
		return 1
	}
}

# in_the_pod: a process in the pod's namespaces; its pid is in $CHILD.
in_the_pod() {
	nsenter --net="$ROOT/netns/web" --ipc="$ROOT/ipcns/web" --uts="$ROOT/utsns/web" \
		sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	CHILD=$!
	PIDS+=("$CHILD")
	wait_for program_is "$CHILD" sleep
}

# the_stages [OPTION...]
the_stages() {
	make_bundle a
	hook "$@" precreate <"$T/a.orig" >"$T/a/config.json"
	assert_pinned web net ipc uts
	in_the_pod
	state_doc a "$CHILD" creating "$(jq -c .annotations <"$T/a/config.json")" |
		hook "$@" createRuntime
	end_child
	poststop a "$@"
	assert_nothing_left
}

@test "precreate, createRuntime and poststop under the sanitizers" {
	the_stages
}

@test "precreate, createRuntime and poststop leak nothing" {
	export ASAN_OPTIONS=detect_leaks=1
	the_stages --no-sandbox
}

@test "a pod that createRuntime makes, with sysctls and a bundle to rewrite, under the sanitizers" {
	make_bundle a sysctl='"net.ipv4.ip_default_ttl": "63", "kernel.msgmax": "8192"'
	in_new_namespaces --net --ipc --uts
	create a "$CHILD"
	assert_pinned web net ipc uts
	end_child
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "what is refused, under the sanitizers" {
	make_bundle a
	echo '{' | fails_with truncated hook createRuntime
	make_bundle b sysctl='"kernel.core_pattern": "x"'
	fails_with core_pattern create b ''
	assert_nothing_left
}

@test "unit tests under valgrind: no error, no leak" {
	local test
	command -v valgrind >/dev/null || skip "there is no valgrind here"
	for test in "$PODNS_SRC"/tests/unit/test_*.c; do
		test=$(basename "$test" .c)
		# Its children die of SIGSYS, and valgrind makes calls that no filter of ours allows.
		[ "$test" != test_sandbox ] || continue
		# It is there if `make check` was.
		make -C "$PODNS_BUILD" "tests/unit/$test" >"$T/make.log" 2>&1
		valgrind -q --leak-check=full --error-exitcode=99 --trace-children=no \
			"$PODNS_BUILD/tests/unit/$test" >"$T/$test.log" 2>&1 || {
			grep -E '^(==|not ok|#)' "$T/$test.log" | head -n 60
			return 1
		}
	done
}
