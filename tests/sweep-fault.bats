#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Each system call fails, once: then all is undone, or all is as it should be. PODNS_LONG=yes: more
# errors for each call.

load helpers
load podns

setup_file() {
	build_tamper "$BATS_FILE_TMPDIR/tamper"
	sweep_runtime
}

WRAP=()

sweep() {
	run_sweep fault "$1" "$BATS_FILE_TMPDIR/tamper" "${WRAP[@]}"
}

@test "each call fails: precreate that makes a pod" {
	sweep new
}

@test "each call fails: precreate into a living pod" {
	sweep join
}

@test "each call fails: createRuntime that pins what the container has, and rewrites its config.json" {
	sweep adopt
}

@test "each call fails: createRuntime after precreate" {
	sweep claimed
}

@test "each call fails: poststop of the last container" {
	sweep stop
}

@test "each call fails: podns create" {
	sweep create
}

@test "each call fails: podns rm" {
	sweep rm
}

@test "each call fails: pinns" {
	sweep pinns
}

@test "each call fails: precreate that makes a pod with a user namespace" {
	needs_userns
	sweep user
}

@test "each call fails: podns rewrite in place" {
	sweep rewrite
}

# In a pid namespace of its own: it makes system calls for each process.
@test "each call fails: podns gc, with a dead container, a bundle and an index entry of a pod that is gone" {
	WRAP=(unshare --pid --fork --mount-proc)
	sweep gc
}

# --- oci-podns-runtime and its child ---------------------------------------------------

@test "each call fails: a runtime's create that makes a pod" {
	sweep rtcreate
}

@test "each call fails: a runtime's create into a living pod" {
	sweep rtjoin
}

@test "each call fails: a runtime's create is undone because the runtime cannot be executed" {
	sweep rtundo
}

@test "each call fails: a runtime's delete of a container that it did not create" {
	sweep rtdelete
}

# --- a pod with a network: the agent, its child and podns-net ------------------------------

@test "each call fails: precreate that makes a pod with a network" {
	sweep netnew
}

@test "each call fails: poststop that ends a pod with a network" {
	sweep netstop
}

@test "each call fails: podns rm of a pod with a network" {
	sweep netrm
}

@test "each call fails: a runtime's create that makes a pod with a network" {
	sweep rtnet
}
