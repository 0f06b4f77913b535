#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The hook under a real crun, with hooks in config.json.

load helpers
load runtime-cases

setup() {
	common_setup crun
}

@test "crun: the container sees what is pinned, config.json gets the pins' paths, and its own bytes back at the end" {
	case_pins_and_gives_back
}

@test "crun: create, start and delete one by one" {
	case_create_start_delete
}

@test "crun: a container deleted before its start leaves nothing" {
	case_deleted_before_its_start
}

@test "crun: prestart, the older name of the stage, does the same" {
	case_prestart
}

@test "crun: the stage may be given as an argument" {
	case_stage_is_given
}

@test "crun: two containers in one pod see the same namespaces" {
	case_two_containers_in_one_pod
}

@test "crun: two containers in one pod talk on 127.0.0.1" {
	case_loopback_is_shared
}

@test "crun: a container outside of its pod does not start, and why is in the log, because crun hides it" {
	case_outside_its_pod_is_refused
	contains "$(cat "$ROOT/podns/log")" 'createRuntime: pod web: '
}

@test "crun: a container comes back into its living pod" {
	case_restart_in_a_living_pod
}

@test "crun: a bundle starts again after its pod has ended" {
	case_restart_after_the_pod
}

@test "crun: a container on the host's network stays there" {
	case_host_network_is_left
}

@test "crun: a network of the container's own becomes the pod's" {
	case_a_network_of_ones_own_is_adopted
}

@test "crun: another network than the pod's is refused" {
	case_another_network_is_refused
}

@test "crun: a network prepared by ip-netns is joined and stays after the pod" {
	case_a_prepared_network_is_joined_and_stays
}

@test "crun: the pins are in /run where no root is given, and ip-netns knows them" {
	case_default_root
}

@test "crun: sysctls are set before the program runs" {
	case_sysctls_are_set_before_the_program
}

@test "crun: a start that fails after createRuntime is swept" {
	case_failed_start
}

@test "crun: the next container sweeps what no poststop told of" {
	case_poststop_that_never_comes
}

@test "crun: a cgroup namespace is pinned when asked for" {
	case_cgroup_namespace
}

@test "crun: a user namespace is pinned when asked for" {
	case_user_namespace
}
