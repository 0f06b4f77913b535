#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podns calls podman's containers as podman does.

load helpers
load podman

# podns ARGUMENT...
podns() {
	timeout -k 5 "$LIMIT" "$PM/bin/podns" "$@"
}

# members: what `podns ls` shows of the pod web.
members() {
	podns ls | awk 'NR == 1 { at = index($0, "MEMBERS") } $1 == "web" { print substr($0, at) }'
}

@test "podman: ls, inspect and rm show names, also after a rename, and of podman run --rm" {
	local id
	pod_wait a
	pod_wait b --rm
	equal "$(members)" 'a, b (podman)'
	pm rename a www
	equal "$(members)" 'www, b (podman)'
	id=$(pm inspect --format '{{.Id}}' www)
	equal "$(podns ls --json | jq -r '.[].members[0] | "\(.id) \(.engine) \(.name)"')" "$id podman www"
	equal "$(podns inspect web --json | jq -r '.containers[0] | "\(.id) \(.engine) \(.name)"')" "$id podman www"
	contains "$(podns inspect web)" "  www (podman)  id $id  pid $(pid_of a)"
	fails podns rm web 2>"$T/rm.err"
	equal "$(cat "$T/rm.err")" "podns: rm: pod web is in use: container www (podman, pid $(pid_of a)), container b (podman, pid $(pid_of b)) (stop its containers first, or use --force)"
	equal "$(podns rm --force web)" 'web: cut off www, b (podman)'
	drop www b
	nothing_left
}

@test "podman: a pod without an infra container is listed by the first digits of its id" {
	local id
	id=$(pm pod create --infra=false)
	pod_wait a --pod "$id"
	equal "$(podns ls | awk 'NR == 2 { print $1, $NF }')" "${id:0:12} (podman)"
	contains "$(podns inspect "${id:0:12}")" "Name:       $id"
	pm pod rm -f -t 0 "$id" >/dev/null
	nothing_left
}

# podman before 4.5.1 gives them to the container.
@test "podman: an image's annotations name nothing" {
	mkdir "$T/context"
	echo "FROM $IMAGE" >"$T/context/Containerfile"
	pm build -q --pull=never --format oci -t localhost/named --annotation io.container.manager=cri-o \
		--annotation io.kubernetes.pod.namespace=kube-system --annotation io.kubernetes.pod.name=dns \
		--annotation io.kubernetes.container.name=evil --annotation nerdctl/name=evil "$T/context" >/dev/null
	pm run -d --name a --annotation "$POD_LABEL=web" --network none localhost/named pause >/dev/null
	equal "$(members)" 'a (podman)'
	drop a
	pm rmi -f localhost/named >/dev/null
	nothing_left
}
