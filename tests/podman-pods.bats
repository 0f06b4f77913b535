#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podman's own pods, with their infra container, and kube play: podman marks the containers in them as a CRI engine
# does (io.kubernetes.cri-o.SandboxID), so they stay where podman puts them, whatever io.podns.pod says.

load helpers
load podman

# podman prints warnings of its own with some of these.
quiet() {
	"$@" >"$T/quiet.out" 2>&1 || {
		cat "$T/quiet.out"
		return 1
	}
}

manifest() {
	cat <<-YAML
		apiVersion: v1
		kind: Pod
		metadata:
		  name: kp
		  annotations:
		    $POD_LABEL: web
		spec:
		  containers:
		  - name: one
		    image: $IMAGE
		    imagePullPolicy: Never
		    command: ["/bin/pause"]
		  - name: two
		    image: $IMAGE
		    imagePullPolicy: Never
		    command: ["/bin/pause"]
	YAML
}

@test "podman pod: its containers stay in podman's pod, and the pod web is another" {
	quiet pm pod create --name pp --network none
	quiet pm run -d --pod pp --name a --annotation "$POD_LABEL=web" "$IMAGE"
	quiet pm run -d --pod pp --name b --annotation "$POD_LABEL=web" "$IMAGE"
	equal "$(ctr_ns a net)" "$(ctr_ns b net)"
	lacks "$(config_of a)" /run/netns
	nothing_left
	pod_wait c
	same_pod c
	differ "$(ctr_ns c net)" "$(ctr_ns a net)"
	equal "$(members)" 1
	quiet pm pod rm -f -t 0 pp
	same_pod c
	drop c
	nothing_left
}

@test "podman kube play: the manifest's annotation does not take its containers out of podman's pod" {
	manifest >"$T/pod.yaml"
	quiet pm kube play --network none "$T/pod.yaml"
	equal "$(ctr_ns kp-one net)" "$(ctr_ns kp-two net)"
	equal "$(in_ctr kp-one hostname)" kp
	nothing_left
	pod_wait c
	differ "$(ctr_ns c net)" "$(ctr_ns kp-one net)"
	quiet pm kube down "$T/pod.yaml"
	same_pod c
	drop c
	nothing_left
}

@test "podman pod: with --trust-annotations such a container brings its namespaces" {
	hook_files "$T/hooks.d" --trust-annotations
	podman_options --hooks-dir "$T/hooks.d"
	quiet pm pod create --name pp --network none
	quiet pm run -d --pod pp --name a --annotation "$POD_LABEL=web" "$IMAGE"
	pod_wait b
	same_pod a b
	equal "$(in_ctr b hostname)" pp
	talk a b
	quiet pm pod rm -f -t 0 pp
	same_pod b
	drop b
	nothing_left
}

@test "podman pod without infra container: its containers share a pod of ours, called by podman's id" {
	local id
	quiet pm pod create --infra=false --name pp
	id=$(pm pod inspect --format '{{.ID}}' pp)
	quiet pm run -d --pod pp --network none --name a --annotation "$POD_LABEL=web" "$IMAGE"
	quiet pm run -d --pod pp --network none --name b --annotation "$POD_LABEL=web" "$IMAGE"
	equal "$(ctr_ns a net)" "$(ctr_ns b net)"
	equal "$(ctr_ns a net)" "$(stat -Lc %i "/run/netns/$id")"
	[ ! -e /run/netns/web ]
	quiet pm pod rm -f -t 0 pp
	nothing_left
}
