#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# User namespaces under podman: the pod's owns all others, or there is none.

load helpers
load podman

MAPS=(--uidmap 0:100000:65536 --gidmap 0:100000:65536)
OTHER_MAPS=(--uidmap 0:200000:65536 --gidmap 0:200000:65536)

user_wait() {
	pod_wait "$@" "$(share net,ipc,uts,user)"
}

@test "podman: with user among the pod types its user namespace has the mappings and owns the others, and two containers share all" {
	needs_userns
	local user type pid
	pod_shares net ipc uts user
	user_wait a "${MAPS[@]}"
	equal "$(in_ctr a cat /proc/self/uid_map | tr -s ' ')" " 0 100000 65536"
	equal "$(in_ctr a cat /proc/self/gid_map | tr -s ' ')" " 0 100000 65536"
	equal "$(in_ctr a id -u)" 0
	pid=$(pid_of a)
	equal "$(stat -c %u "/proc/$pid")" 100000
	user=$(ns_ino /run/userns/web)
	differ "$user" "$(ns_ino /proc/self/ns/user)"
	for type in net ipc uts; do
		equal "$(lsns_of "$pid" "$type" ONS)" "$user" "owner of $type"
	done
	user_wait b "${MAPS[@]}"
	same_pod a b
	talk a b
	shares_ipc a b
	drop a b
	nothing_left
}

@test "podman: the pod outlives the container that brought the mappings" {
	needs_userns
	local ino
	pod_shares net ipc uts user
	user_wait a "${MAPS[@]}"
	user_wait b "${MAPS[@]}"
	ino=$(ns_ino /run/userns/web)
	drop a
	user_wait c "${MAPS[@]}"
	equal "$(ctr_ns c user)" "$ino"
	pm restart -t 0 b >/dev/null
	same_pod b c
	drop b c
	nothing_left
}

@test "podman: other mappings are refused by name" {
	needs_userns
	user_wait a "${MAPS[@]}"
	pod_fails b --network none "$(share net,ipc,uts,user)" "${OTHER_MAPS[@]}"
	contains "$(cat /run/podns/log)" "pod web: linux.uidMappings and linux.gidMappings differ"
	contains "$(cat /run/podns/log)" "--uidmap and --gidmap"
	equal "$(members)" 1
	equal "$(claims)" 0
	drop a
	nothing_left
}

@test "podman: a private user namespace in a pod without one is refused, with the remedy" {
	needs_userns
	pod_wait a
	pod_fails b --network none "${MAPS[@]}"
	contains "$(cat /run/podns/log)" "private user namespace"
	contains "$(cat /run/podns/log)" "io.podns.namespaces="
	same_pod a
	drop a
	pm rm -f b >/dev/null
	nothing_left
	# As the first of a pod too: nothing is made.
	pod_fails c --network none "${MAPS[@]}"
	nothing_left
}

@test "podman: one without a user namespace in a pod with one is refused" {
	needs_userns
	user_wait a "${MAPS[@]}"
	pod_fails b --network none
	contains "$(cat /run/podns/log)" "belongs to the user namespace"
	pod_fails c --network none "$(share net,ipc,uts,user)"
	equal "$(members)" 1
	drop a
	nothing_left
}
