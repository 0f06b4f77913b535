#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# oci-podns-runc and oci-podns-crun by hand and under conmon, with the runc and crun of Debian 13.
#
# bats file_tags=bed

load helpers
load bed
load runtime-hand

setup_file() {
	[ -n "${PODNS_IN_BED-}" ] || return 0
	make -C "$PODNS_BUILD" install >/run/install.log 2>&1
}

setup() {
	needs_bed
	hand_setup /usr/local/sbin/broken-runtime
}

teardown() {
	[ -z "${PODNS_IN_BED-}" ] || hand_teardown
}

@test "by hand in Debian 13: two containers share net, ipc, uts, /dev/shm and 127.0.0.1" {
	with_each hand_two_share
}

@test "by hand in Debian 13: run twice on a bundle that stays: byte for byte as before, and the exit status is the program's" {
	with_each hand_run_twice
}

@test "by hand in Debian 13: create, start and delete, and delete without start" {
	with_each hand_create_start_delete
}

@test "by hand in Debian 13: the bundle is the working directory, an id is called like a command, options have = or not" {
	with_each hand_odd_command_lines
}

@test "by hand in Debian 13: a container comes back into its living pod" {
	with_each hand_comes_back
}

@test "by hand in Debian 13: without the annotation the runtime does what it always does" {
	with_each hand_without_annotation
}

@test "by hand in Debian 13: the process becomes the real runtime, and signals reach the container" {
	with_each hand_is_replaced
}

@test "by hand in Debian 13: a refusal is one line on standard error, and JSON in the log" {
	with_each hand_refusals
}

@test "by hand in Debian 13: a command that does not exist leaves nothing" {
	with_each hand_no_such_command
}

@test "by hand in Debian 13: a runtime that fails at create, and delete gives the bundle back" {
	with_each hand_broken_runtime
}

@test "by hand in Debian 13: conmon creates containers of a pod, and learns of their end" {
	with_each hand_conmon
}

@test "by hand in Debian 13: conmon with a terminal" {
	with_each hand_conmon_terminal
}

@test "by hand in Debian 13: conmon reports our sentence for a refusal" {
	with_each hand_conmon_refusal
}
