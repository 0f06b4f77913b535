#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Killed at each system call: config.json is whole, the same run again succeeds, and the pod's end or gc leaves nothing.
# PODNS_LONG=yes: at every call, not only at those that change something.

load helpers
load podns

setup_file() {
	cc -O2 -D_GNU_SOURCE -o "$BATS_FILE_TMPDIR/tamper" "$PODNS_SRC/tests/storm/tamper.c" -lseccomp
}

WRAP=()

sweep() {
	HOOK=$HOOK PODNS=$PODNS TAMPER=$BATS_FILE_TMPDIR/tamper "${WRAP[@]}" bash "$PODNS_SRC/tests/sweep.bash" kill "$1" "$T/w" 3>&-
}

@test "killed: precreate that makes a pod" {
	sweep new
}

@test "killed: precreate into a living pod" {
	sweep join
}

@test "killed: createRuntime that pins what the container has, and rewrites its config.json" {
	sweep adopt
}

@test "killed: createRuntime after precreate" {
	sweep claimed
}

@test "killed: poststop of the last container" {
	sweep stop
}

@test "killed: podns create" {
	sweep create
}

@test "killed: podns rm" {
	sweep rm
}

@test "killed: pinns" {
	sweep pinns
}

@test "killed: precreate that makes a pod with a user namespace" {
	needs_userns
	sweep user
}

@test "killed: podns rewrite in place" {
	sweep rewrite
}

# In a pid namespace of its own: it makes system calls for each process.
@test "killed: podns gc, with a dead container, a bundle and an index entry of a pod that is gone" {
	WRAP=(unshare --pid --fork --mount-proc)
	sweep gc
}
