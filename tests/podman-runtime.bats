#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podman with oci-podns-runc as its runtime: without hooks directory, and beside the hook's own stages.

load helpers
load podman

setup() {
	podman_setup
	PM_OPTIONS=(--runtime "$PODNS_BUILD/runtime/oci-podns-runc")
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

@test "podman: what the runtime refuses is in podman's message" {
	mkdir "$T/none"
	PM_OPTIONS+=(--hooks-dir "$T/none")
	run pm run -d --name a --network none --annotation io.podns.pod=a/b "$IMAGE"
	[ "$status" != 0 ]
	contains "$output" "pod name 'a/b' may contain only"
	pm rm -f a >/dev/null || true
	nothing_left
}
