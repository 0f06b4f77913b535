#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podman's own pods, with oci-podns-pods.json in the hooks directory. The containers of one without an infra container
# share a pod, and every command of `podman pod` works on it. Those of a pod with an infra container, and of kube
# play, stay as podman made them. Some also have io.podns.pod, so that the hook is run twice at each stage.

load helpers
load podns
load podman
load podman-pods

setup_file() {
	podman_file_setup
	pods_hook_file "$HOOKS_D"
}

# manifest [ANNOTATION]
manifest() {
	cat <<-YAML
		apiVersion: v1
		kind: Pod
		metadata:
		  name: kp
		  annotations:
		    ${1-org.example.x: y}
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

# --- without an infra container -------------------------------------------------------

@test "podman pod without infra container: its containers share net, ipc, uts and /dev/shm, without an annotation" {
	local name
	pod_create web
	for name in a b c; do
		member web "$name"
	done
	same_pod a b c
	talk a c
	shares_ipc c b
	# podman tells nobody the pod's name. A container's default hostname is its id, cut like this.
	equal "$(in_ctr b hostname)" "${POD:0:12}"
	equal "$(in_ctr b sh -c "tr '\0' '\n' </proc/1/environ | sed -n s/^HOSTNAME=//p")" "${POD:0:12}"
	equal "$(members "$POD")" 3
	equal "$(claims "$POD")" 0
	equal "$(pm pod ps --format '{{.Name}} {{.Status}} {{.NumberOfContainers}}')" 'web Running 3'
	drop a
	same_pod b c
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman pod create --share '' makes such a pod, too" {
	quiet pm pod create --share '' --name web
	pod_of_podman web
	member web a
	member web b
	same_pod a b
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman pod stop, start, restart, kill and rm" {
	pod_create web
	member web a
	member web b
	quiet pm pod stop -t 0 web
	pod_state_is web Exited
	nothing_left
	quiet pm pod start web
	pod_state_is web Running
	same_pod a b
	quiet pm pod restart web
	same_pod a b
	talk a b
	quiet pm pod kill web
	wait_for pod_state_is web Exited
	wait_for nothing_left
	quiet pm pod start web
	same_pod a b
	fails pm pod rm web
	same_pod a b
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman pod logs, top, inspect, exists and stats" {
	pod_create web
	quiet pm run -d --pod web --network none --name a "$IMAGE" sh -c 'echo a was here; exec pause'
	quiet pm run -d --pod web --network none --name b "$IMAGE" sh -c 'echo b was here; exec pause'
	wait_for logs_have 'a was here'
	wait_for logs_have 'b was here'
	equal "$(pm pod top web args | grep -c /bin/pause)" 2
	equal "$(pm pod inspect --format '{{.NumContainers}} {{.State}}' web)" '2 Running'
	quiet pm pod exists web
	quiet pm pod stats --no-stream web
	contains "$(cat "$T/quiet.out")" "${POD:0:12}"
	quiet pm pod rm -f -t 0 web
	nothing_left
}

logs_have() {
	pm pod logs web 2>&1 | grep -qx ".*$1"
}

@test "podman pod pause and unpause" {
	pod_create web
	member web a
	quiet pm pod pause web || {
		needs_freezer
		return 1
	}
	pod_state_is web Paused
	# A paused container is alive.
	"$PODNS" gc
	quiet pm pod unpause web
	member web b
	same_pod a b
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman pod: one container goes, another comes, and only the last ends the pod" {
	local ino
	pod_create web
	member web a
	ino=$(pin_ino net)
	member web b
	drop a
	member web c
	drop b
	equal "$(pin_ino net)" "$ino"
	same_pod c
	member web d
	same_pod c d
	drop c d
	pod_is_gone "$POD"
	nothing_left
	quiet pm pod rm web
}

@test "podman pod: many containers at once agree on one pod" {
	local name pids=()
	pod_create web
	for name in c1 c2 c3 c4 c5 c6; do
		member web "$name" >"$T/$name.out" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	same_pod c1 c2 c3 c4 c5 c6
	equal "$(members "$POD")" 6
	equal "$(claims "$POD")" 0
	quiet pm pod stop -t 0 web
	nothing_left
	quiet pm pod start web
	same_pod c1 c2 c3 c4 c5 c6
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman pod: a restart by policy is in the pod" {
	local ino
	pod_create web
	member web b
	ino=$(pin_ino net)
	mkdir "$T/shared"
	# shellcheck disable=SC2016 # the container's shell expands it
	quiet pm run -d --pod web --name a --pidfile "$PID_D/a.pid" --network none --restart on-failure:3 \
		-v "$T/shared:/shared" "$IMAGE" \
		sh -c 'echo x >>/shared/tries; [ $(wc -l </shared/tries) -gt 1 ] || exit 1; exec pause'
	wait_for tried_twice
	wait_for state_is a running
	equal "$(pin_ino net)" "$ino"
	same_pod a b
	quiet pm pod rm -f -t 0 web
	nothing_left
}

tried_twice() {
	[ "$(wc -l <"$T/shared/tries")" -ge 2 ]
}

@test "podman pod: with io.podns.pod besides, the hook is run twice, and leaves one claim, one member and nothing" {
	pod_create web
	member web a --annotation "$POD_LABEL=other"
	member web b --annotation "$POD_LABEL=other"
	member web c
	same_pod a b c
	[ ! -e /run/netns/other ]
	equal "$(members "$POD")" 3
	equal "$(claims "$POD")" 0
	equal "$(config_of a | grep -c '"io.podns.claim"')" 1
	quiet pm pod restart web
	same_pod a b c
	equal "$(members "$POD")" 3
	equal "$(claims "$POD")" 0
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman pod: with io.podns.pod alone, without oci-podns-pods.json, it is the same pod" {
	hook_files "$T/hooks.d"
	podman_options --hooks-dir "$T/hooks.d"
	pod_create web
	member web a --annotation "$POD_LABEL=other"
	member web b --annotation "$POD_LABEL=other"
	same_pod a b
	[ ! -e /run/netns/other ]
	quiet pm pod stop -t 0 web
	nothing_left
	quiet pm pod start web
	same_pod a b
	# Without either, podman's pod shares nothing.
	member web c
	differ "$(ctr_ns c net)" "$(ctr_ns a net)"
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman pod: --hostname and --shm-size of the first container, and annotations, count" {
	pod_create web
	member web a --hostname www --shm-size 1m
	member web b --hostname other
	equal "$(in_ctr a hostname)" www
	equal "$(in_ctr b hostname)" www
	equal "$(in_ctr b df -k /dev/shm | awk 'NR == 2 { print $2 }')" 1024
	# It shares ipc and uts alone, and so does the next.
	member web c "$(share ipc,uts)"
	member web d "$(share ipc,uts)"
	equal "$(ctr_ns c ipc)" "$(pin_ino ipc)"
	equal "$(ctr_ns d uts)" "$(pin_ino uts)"
	differ "$(ctr_ns c net)" "$(pin_ino net)"
	differ "$(ctr_ns c net)" "$(ctr_ns d net)"
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman pod: a user namespace of the pod's own" {
	local maps=(--uidmap 0:100000:65536 --gidmap 0:100000:65536) user
	user=$(share net,ipc,uts,user)
	pod_create web
	member web a "$user" "${maps[@]}"
	member web b "$user" "${maps[@]}"
	pod_shares net ipc uts user
	same_pod a b
	# One with another owner is refused, and the message says what to do.
	fails pm run --pod web --name c --network none --uidmap 0:300000:100 --gidmap 0:300000:100 "$IMAGE" echo IT RAN \
		>"$T/c.out" 2>&1
	lacks "$(cat "$T/c.out")" 'IT RAN'
	contains "$(cat /run/podns/log)" "io.podns.namespaces='net ipc uts user'"
	drop c
	quiet pm pod restart web
	same_pod a b
	quiet pm pod rm -f -t 0 web
	nothing_left
}

# --- its network --------------------------------------------------------------------------

# As podman's own networks do, --network ns:PATH puts a path into the config.
@test "podman pod: the network of its first container is the pod's; another container that brings one is refused" {
	ip netns add first
	ip netns add second
	pod_create web
	member web a --network ns:/run/netns/first
	member web b
	same_pod a b
	equal "$(pin_ino net)" "$(ns_ino /run/netns/first)"
	fails pm run --pod web --network ns:/run/netns/second "$IMAGE" echo IT RAN >"$T/c.out" 2>&1
	lacks "$(cat "$T/c.out")" 'IT RAN'
	contains "$(cat /run/podns/log)" "pod $POD: the container was given the network namespace"
	contains "$(cat /run/podns/log)" 'start it with --network none'
	same_pod a b
	quiet pm pod rm -f -t 0 web
	ip netns del first
	ip netns del second
	nothing_left
}

@test "podman pod: podns create with the id, which podman pod create prints, makes the pod before its containers" {
	local ino
	"$PODNS" create --hostname www "$(pm pod create --infra=false --name web)" >"$T/create.out"
	pod_of_podman web
	contains "$(cat "$T/create.out")" "/run/netns/$POD"
	ino=$(pin_ino net)
	member web a
	member web b
	same_pod a b
	equal "$(in_ctr a hostname)" www
	# It outlives them, in whatever order they come.
	quiet pm pod stop -t 0 web
	equal "$(pin_ino net)" "$ino"
	quiet pm pod start web
	same_pod a b
	equal "$(pin_ino net)" "$ino"
	# podns knows the id as podman pod ps shows it.
	equal "$("$PODNS" ls | awk 'NR == 2 { print $1, $3, $5 }')" "${POD:0:12} 2 held"
	contains "$(pm pod ps)" "$("$PODNS" ls | awk 'NR == 2 { print $1 }') "
	equal "$("$PODNS" ls --json | jq -r '.[].name')" "$POD"
	equal "$("$PODNS" inspect --json "${POD:0:12}" | jq -r .name)" "$POD"
	quiet pm pod rm -f -t 0 web
	equal "$(pin_ino net)" "$ino"
	"$PODNS" rm "${POD:0:12}"
	nothing_left
}

# --- with an infra container ----------------------------------------------------------------

# as_podman_made NAME...: no namespace is a pin, no record names them, and config.json is podman's.
as_podman_made() {
	local name
	for name; do
		equal "$(config_of "$name" | grep -oE 'io\.podns\.claim|/run/podns/')" '' "in the config of $name"
	done
	nothing_left
}

@test "podman pod: its containers stay in podman's pod, and the pod web is another" {
	quiet pm pod create --name pp --network none
	infra_member pp a --annotation "$POD_LABEL=web"
	infra_member pp b
	equal "$(ctr_ns a net)" "$(ctr_ns b net)"
	equal "$(ctr_ns a ipc)" "$(ctr_ns b ipc)"
	equal "$(in_ctr b hostname)" pp
	as_podman_made a b
	pod_named web
	pod_wait c
	same_pod c
	differ "$(ctr_ns c net)" "$(ctr_ns a net)"
	equal "$(members)" 1
	quiet pm pod restart pp
	equal "$(ctr_ns a net)" "$(ctr_ns b net)"
	quiet pm pod rm -f -t 0 pp
	same_pod c
	drop c
	nothing_left
}

# What it shares, and what it does not, is podman's business in each form.
@test "podman pod: whatever it shares with its infra container, the rest stays private" {
	local share type network
	for share in net ipc,uts pid none; do
		network=(--network none)
		[ "$share" != net ] || network=()
		quiet pm pod create --infra --name pp --network none --share "$share"
		infra_member pp a "${network[@]}" --annotation "$POD_LABEL=web"
		infra_member pp b "${network[@]}"
		as_podman_made a b
		for type in net ipc uts; do
			if [[ ,$share, == *,$type,* ]]; then
				equal "$(ctr_ns a $type)" "$(ctr_ns b $type)" "$type of --share $share"
			else
				differ "$(ctr_ns a $type)" "$(ctr_ns b $type)" "$type of --share $share"
			fi
		done
		quiet pm pod rm -f -t 0 pp
		nothing_left
	done
}

@test "podman pod on the host's network: no entry of its containers has a path, and they are left alone" {
	quiet pm pod create --name pp --network host --share net
	infra_member pp a
	infra_member pp b
	equal "$(ctr_ns a net)" "$(ns_ino /proc/self/ns/net)"
	differ "$(ctr_ns a ipc)" "$(ctr_ns b ipc)"
	as_podman_made a b
	quiet pm pod rm -f -t 0 pp
	nothing_left
}

@test "podman kube play: its containers stay in podman's pod, with and without the annotation" {
	local annotations
	for annotations in '' "$POD_LABEL: web"; do
		manifest ${annotations:+"$annotations"} >"$T/pod.yaml"
		quiet pm kube play --network none "$T/pod.yaml"
		equal "$(ctr_ns kp-one net)" "$(ctr_ns kp-two net)"
		equal "$(in_ctr kp-one hostname)" kp
		as_podman_made kp-one kp-two
		pod_named web
		pod_wait c
		differ "$(ctr_ns c net)" "$(ctr_ns kp-one net)"
		quiet pm kube down "$T/pod.yaml"
		same_pod c
		drop c
		nothing_left
	done
}

@test "podman pod: with --trust-annotations a container of a pod with an infra container brings its namespaces" {
	hook_files "$T/hooks.d" --trust-annotations
	podman_options --hooks-dir "$T/hooks.d"
	quiet pm pod create --name pp --network none
	infra_member pp a --annotation "$POD_LABEL=web"
	pod_named web
	pod_wait b
	same_pod a b
	equal "$(in_ctr b hostname)" pp
	talk a b
	quiet pm pod rm -f -t 0 pp
	same_pod b
	drop b
	nothing_left
}

# --- from other containers ---------------------------------------------------------------------

SANDBOX=io.kubernetes.cri-o.SandboxID

@test "podman pod: a container of no pod that names one by hand: in it by the whole id alone" {
	local id
	pod_create web
	member web a
	id=$(pm inspect --format '{{.Id}}' a)
	# The user who types it may start any container.
	pod_run b --annotation "$SANDBOX=$POD" "$IMAGE" pause
	same_pod a b
	for id in "$id" web "${POD:0:12}" "${POD^^}"; do
		quiet pm run -d --name c --pidfile "$PID_D/c.pid" --network none --annotation "$SANDBOX=$id" "$IMAGE" pause
		differ "$(ctr_ns c net)" "$(ctr_ns a net)" "$id"
		lacks "$(config_of c)" /run/netns
		drop c
	done
	# An id that nobody has is a pod of its own.
	quiet pm run -d --name c --pidfile "$PID_D/c.pid" --network none --annotation "$SANDBOX=$(printf '%064d' 1)" "$IMAGE" pause
	differ "$(ctr_ns c net)" "$(ctr_ns a net)"
	drop b c
	same_pod a
	quiet pm pod rm -f -t 0 web
	nothing_left
}

@test "podman pod: annotations that say otherwise take no container out of its pod, or into another's" {
	pod_create web
	member web a
	member web b --annotation io.container.manager=other
	member web c --annotation "io.podns.claim=$(printf '%032d' 1)"
	same_pod a b c
	equal "$(claims "$POD")" 0
	quiet pm pod create --name pp --network none --share net
	infra_member pp d --annotation "io.podns.claim=$(printf '%032d' 1)"
	differ "$(ctr_ns d ipc)" "$(ctr_ns a ipc)"
	equal "$(members "$POD")" 3
	quiet pm pod rm -f -t 0 pp
	quiet pm pod rm -f -t 0 web
	nothing_left
}
