#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Each allocation of memory fails, once: then all is undone, or all is as it should be.

load helpers
load podns

# Nothing can be loaded into a static program. The build for coverage is dynamic.
setup_file() {
	cc -O2 -shared -fPIC -o "$BATS_FILE_TMPDIR/nomem.so" "$PODNS_SRC/tests/storm/nomem.c"
	export OTHER_BUILD=$PODNS_BUILD
	[ -n "${PODNS_MODE-}" ] || other_build dynamic clang --enable-static=no
	sweep_runtime
}

setup() {
	common_setup runc
	# shellcheck disable=SC2034 # sweep.bash runs them
	HOOK=$OTHER_BUILD/hook/oci-podns-hook PODNS=$OTHER_BUILD/cli/podns RUNC=$OTHER_BUILD/runtime/oci-podns-runc
}

sweep() {
	run_sweep nomem "$1" "$BATS_FILE_TMPDIR/nomem.so"
}

@test "no memory: precreate that makes a pod" {
	sweep new
}

@test "no memory: precreate into a living pod" {
	sweep join
}

@test "no memory: createRuntime that pins what the container has, and rewrites its config.json" {
	sweep adopt
}

@test "no memory: createRuntime after precreate" {
	sweep claimed
}

@test "no memory: poststop of the last container" {
	sweep stop
}

@test "no memory: podns create" {
	sweep create
}

@test "no memory: podns rm" {
	sweep rm
}

@test "no memory: pinns" {
	sweep pinns
}

# --- oci-podns-runtime and its child ---------------------------------------------------

@test "no memory: a runtime's create that makes a pod" {
	sweep rtcreate
}

@test "no memory: a runtime's create into a living pod" {
	sweep rtjoin
}

@test "no memory: a runtime's create is undone because the runtime cannot be executed" {
	sweep rtundo
}

@test "no memory: a runtime's delete of a container that it did not create" {
	sweep rtdelete
}
