#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Killed at each system call: config.json is whole, the same run again succeeds, and the pod's end or gc leaves nothing.
# PODNS_LONG=yes: at every call, not only at those that change something.

load helpers
load podns

setup_file() {
	build_tamper "$BATS_FILE_TMPDIR/tamper"
	sweep_runtime
}

WRAP=()

sweep() {
	run_sweep kill "$1" "$BATS_FILE_TMPDIR/tamper" "${WRAP[@]}"
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

# --- oci-podns-runtime and its child ---------------------------------------------------

@test "killed: a runtime's create that makes a pod" {
	sweep rtcreate
}

@test "killed: a runtime's create into a living pod" {
	sweep rtjoin
}

@test "killed: a runtime's create is undone because the runtime cannot be executed" {
	sweep rtundo
}

@test "killed: a runtime's delete of a container that it did not create" {
	sweep rtdelete
}

# --- a pod with a network: the agent, its child and podns-net ------------------------------

@test "killed: precreate that makes a pod with a network" {
	sweep netnew
}

@test "killed: poststop that ends a pod with a network" {
	sweep netstop
}

@test "killed: podns rm of a pod with a network" {
	sweep netrm
}

@test "killed: a runtime's create that makes a pod with a network" {
	sweep rtnet
}
