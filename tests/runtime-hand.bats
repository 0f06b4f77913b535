#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# oci-podns-runc and oci-podns-crun by hand and under conmon, with the host's runc and crun. The project is installed for
# this file alone.

load helpers
load runtime-hand

TREE=/run/podns-installed

setup_file() {
	mkdir -p "$TREE/dest" "$TREE/usr" "$TREE/etc"
	make -C "$PODNS_BUILD" install DESTDIR="$TREE/dest" >"$TREE/install.log" 2>&1
	# bats knows no skip here: setup does that.
	T=$TREE overlay_on_usr || return 0
	mount -t overlay -o "lowerdir=/usr,upperdir=$TREE/dest/usr,workdir=$TREE/usr" overlay /usr
	mount -t overlay -o "lowerdir=/etc,upperdir=$TREE/dest/etc,workdir=$TREE/etc" overlay /etc
}

setup() {
	hand_setup /usr/bin/broken-runtime
	mountpoint -q /etc || needs_overlay_on_usr
}

# A runtime.conf of the host's must stay.
teardown() {
	! mountpoint -q /etc || hand_teardown
}

@test "by hand: two containers share net, ipc, uts, /dev/shm and 127.0.0.1" {
	with_each hand_two_share
}

@test "by hand: run twice on a bundle that stays: byte for byte as before, and the exit status is the program's" {
	with_each hand_run_twice
}

@test "by hand: create, start and delete, and delete without start" {
	with_each hand_create_start_delete
}

@test "by hand: the bundle is the working directory, an id is called like a command, options have = or not" {
	with_each hand_odd_command_lines
}

@test "by hand: a container comes back into its living pod" {
	with_each hand_comes_back
}

@test "by hand: without the annotation the runtime does what it always does" {
	with_each hand_without_annotation
}

@test "by hand: the process becomes the real runtime, and signals reach the container" {
	with_each hand_is_replaced
}

@test "by hand: a refusal is one line on standard error, and JSON in the log" {
	with_each hand_refusals
}

@test "by hand: a command that does not exist leaves nothing" {
	with_each hand_no_such_command
}

@test "by hand: a runtime that fails at create, and delete gives the bundle back" {
	with_each hand_broken_runtime
}

@test "by hand: conmon creates containers of a pod, and learns of their end" {
	with_each hand_conmon
}

@test "by hand: conmon with a terminal" {
	with_each hand_conmon_terminal
}

@test "by hand: conmon reports our sentence for a refusal" {
	with_each hand_conmon_refusal
}
