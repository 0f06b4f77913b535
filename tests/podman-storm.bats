#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Many containers of one pod that start and stop at once. PODNS_ROUNDS=N in the environment: rounds, 1 by default, 20 for
# the long form.

load helpers
load podman

# at_once COMMAND...: for each name on stdin, as one more argument, all in parallel. Fails if one does.
at_once() {
	local name pids=() pid failed=0
	while read -r name; do
		"$@" "$name" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=1
	done
	return "$failed"
}

# Its namespaces as the program saw them, in one line in $T/shared.
start_reporting() {
	# shellcheck disable=SC2016 # the container's shell expands it
	pod_run "$1" -v "$T/shared:/shared" "$IMAGE" sh -c '
		echo $(for t in net ipc uts; do readlink /proc/self/ns/$t; done) $(hostname) >/shared/$0
		exec pause' "$1"
}

# agree NAME...: one namespace of each type, and it is the one that is pinned.
agree() {
	local name
	for name; do
		wait_for test -s "$T/shared/$name"
	done
	equal "$(cd "$T/shared" && sort -u -- "$@")" \
		"net:[$(ns_ino /run/netns/web)] ipc:[$(ns_ino /run/ipcns/web)] uts:[$(ns_ino /run/utsns/web)] web"
	equal "$(members)" "$#"
	equal "$(claims)" 0
}

names() {
	seq -f "$1%g" "$2"
}

@test "podman: 16 containers that start and stop at once agree on one namespace of each type" {
	local round old=() new
	give_time 120
	mkdir "$T/shared"
	for round in $(seq "${PODNS_ROUNDS:-1}"); do
		mapfile -t new < <(names "r$round-" 8)
		# Eight come while the eight before them go.
		printf '%s\n' "${old[@]}" | grep . | at_once drop &
		printf '%s\n' "${new[@]}" | at_once start_reporting
		wait $!
		agree "${new[@]}"
		old=("${new[@]}")
	done
	printf '%s\n' "${old[@]}" | at_once drop
	nothing_left
	mapfile -t new < <(names last- 16)
	printf '%s\n' "${new[@]}" | at_once start_reporting
	agree "${new[@]}"
	printf '%s\n' "${new[@]}" | at_once drop
	nothing_left
}

short_life() {
	equal "$(pm run --rm --name "$1" --annotation "$POD_LABEL=web" --network none "$IMAGE" hostname)" web
}

@test "podman: 16 short lives at once, in one pod" {
	local round
	give_time 120
	for round in $(seq "${PODNS_ROUNDS:-1}"); do
		names "r$round-" 16 | at_once short_life
		wait_for nothing_left
	done
}
