#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The hook under a real runc, with hooks in config.json.

load helpers
load runtime-cases

setup() {
	common_setup runc
}

@test "runc: the container sees what is pinned, config.json gets the pins' paths, and its own bytes back at the end" {
	case_pins_and_gives_back
}

@test "runc: create, start and delete one by one" {
	case_create_start_delete
}

@test "runc: a container deleted before its start leaves nothing" {
	case_deleted_before_its_start
}

@test "runc: prestart, the older name of the stage, does the same" {
	case_prestart
}

@test "runc: the stage may be given as an argument" {
	case_stage_is_given
}

@test "runc: two containers in one pod see the same namespaces" {
	case_two_containers_in_one_pod
}

@test "runc: two containers in one pod talk on 127.0.0.1" {
	case_loopback_is_shared
}

@test "runc: a container outside of its pod does not start, and the error names both namespaces and the remedy" {
	local line
	case_outside_its_pod_is_refused
	# runc prints what the hook says.
	line=$(grep -o 'oci-podns-hook: createRuntime: pod web: .*' "$T/b.err")
	contains "$line" network
	contains "$line" "$(saw a net)"
	contains "$line" precreate
}

@test "runc: a container comes back into its living pod" {
	case_restart_in_a_living_pod
}

@test "runc: a bundle starts again after its pod has ended" {
	case_restart_after_the_pod
}

@test "runc: a container on the host's network stays there" {
	case_host_network_is_left
}

@test "runc: a network of the container's own becomes the pod's" {
	case_a_network_of_ones_own_is_adopted
}

@test "runc: another network than the pod's is refused" {
	case_another_network_is_refused
}

@test "runc: a network prepared by ip-netns is joined and stays after the pod" {
	case_a_prepared_network_is_joined_and_stays
}

@test "runc: the pins are in /run where no root is given, and ip-netns knows them" {
	case_default_root
}

@test "runc: sysctls are set before the program runs" {
	case_sysctls_are_set_before_the_program
}

@test "runc: a start that fails after createRuntime is swept" {
	case_failed_start
}

@test "runc: the next container sweeps what no poststop told of" {
	case_poststop_that_never_comes
}

@test "runc: a cgroup namespace is pinned when asked for" {
	case_cgroup_namespace
}

@test "runc: a user namespace is pinned when asked for" {
	case_user_namespace
}

@test "runc: the error of a refused sysctl names the key" {
	make_bundle a arg=--sysctl arg=kernel.core_pattern=evil
	start_fails a
	contains "$(cat "$T/a.err")" kernel.core_pattern
	assert_untouched a
	assert_nothing_left
}

@test "runc: poststop after a failed create leaves nothing" {
	make_bundle a
	edit_config a '.process.args = ["/no/such/program"]'
	start_fails a
	assert_untouched a
	assert_nothing_left
}
