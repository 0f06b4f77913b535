#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Each allocation of memory fails, once: then all is undone, or all is as it should be.

load helpers
load podns

setup_file() {
	cc -O2 -shared -fPIC -o "$BATS_FILE_TMPDIR/nomem.so" "$PODNS_SRC/tests/storm/nomem.c"
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
