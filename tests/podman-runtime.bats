#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podman with oci-podns-runc as its runtime: without hooks directory, and beside the hook's own stages.

# shellcheck disable=SC2030,SC2031 # each test changes its own PM_OPTIONS

load helpers
load podman
load podman-pods

setup() {
	podman_setup
	PM_OPTIONS=(--runtime "$PODNS_BUILD/runtime/oci-podns-runc")
	pod_named web
}

@test "podman: without any hooks directory the runtime is enough" {
	mkdir "$T/none"
	PM_OPTIONS+=(--hooks-dir "$T/none")
	pod_wait a
	pod_wait b
	same_pod a b
	equal "$(claims)" 0
	equal "$(members)" 2
	pm restart -t 0 a >/dev/null
	same_pod a b
	drop a b
	nothing_left
}

@test "podman: with precreate and the hooks too, one claim is made of two, and one member" {
	pod_wait a
	pod_wait b
	same_pod a b
	equal "$(claims)" 0
	equal "$(members)" 2
	# podman itself runs the hooks of poststop, so its config.json has only the other one.
	equal "$(config_of a | jq -S -c '.hooks | map_values(length)')" '{"createRuntime":1,"poststop":1}'
	drop a b
	nothing_left
}

@test "podman: its own pods are left alone if they have an infra container, and are pods of ours if not" {
	mkdir "$T/none"
	PM_OPTIONS+=(--hooks-dir "$T/none")
	quiet pm pod create --name pp --network none --share net
	infra_member pp a --annotation "$POD_LABEL=web"
	infra_member pp b --annotation "$POD_LABEL=web"
	equal "$(ctr_ns a net)" "$(ctr_ns b net)"
	differ "$(ctr_ns a ipc)" "$(ctr_ns b ipc)"
	nothing_left
	quiet pm pod rm -f -t 0 pp
	pod_create web
	member web a --annotation "$POD_LABEL=web"
	member web b --annotation "$POD_LABEL=web"
	same_pod a b
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman: with the runtime and the hook's own stages, annotations say the same to all in podman's own pod" {
	pods_hook_file "$T/hooks.d"
	PM_OPTIONS+=(--hooks-dir "$T/hooks.d")
	pod_create web
	member web a --annotation "$POD_LABEL=web" "$(share ipc,uts)"
	member web b --annotation "$POD_LABEL=web" "$(share ipc,uts)"
	equal "$(ctr_ns a ipc)" "$(ctr_ns b ipc)"
	differ "$(ctr_ns a net)" "$(ctr_ns b net)"
	[ ! -e "/run/netns/$POD" ]
	equal "$(claims "$POD")" 0
	equal "$(members "$POD")" 2
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman: what the runtime refuses is in podman's message" {
	mkdir "$T/none"
	PM_OPTIONS+=(--hooks-dir "$T/none")
	run pm run -d --name a --network none --annotation io.podns.pod=a/b "$IMAGE"
	[ "$status" != 0 ]
	contains "$output" "pod name 'a/b' may contain only"
	pm rm -f a >/dev/null || true
	nothing_left
}
