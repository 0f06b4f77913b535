#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Images that were built to be evil: podman before 4.5.1 gives the annotations of an image to its
# containers. Where podman does not, as later ones, the tests pass with nothing to stop.

load helpers
load podman
load podman-pods

# evil_image ANNOTATION=VALUE...: $EVIL is an image with these annotations.
EVIL=localhost/evil
evil_image() {
	local annotation args=()
	for annotation; do
		args+=(--annotation "$annotation")
	done
	mkdir -p "$T/context"
	echo "FROM $IMAGE" >"$T/context/Containerfile"
	pm build -q --pull=never --format oci "${args[@]}" -t "$EVIL" "$T/context" >"$T/build.out" 2>&1 || {
		cat "$T/build.out"
		return 1
	}
	contains "$(pm image inspect --format '{{.Annotations}}' "$EVIL")" "${1%%=*}"
}

# Does podman give the image's annotations to its containers?
copies_annotations() {
	local annotations
	pm create --name probe --network none "$EVIL" >/dev/null
	annotations=$(pm inspect --format '{{.Config.Annotations}}' probe)
	pm rm probe >/dev/null
	[[ $annotations == *io.podns.pod* ]]
}

# What an old version of the hook acted on: "the source of /dev/shm, which is /dev/shm, was /".
FORGED='987532b9d0c70810[1,"0000000000000000",1000,"m",0,null,[["shm-source",10,"\"/\"","/dev/shm"]],null]'

@test "an image that carries an io.podns.undo gets nothing of the host's" {
	evil_image io.podns.pod=x "io.podns.undo=$FORGED"
	# The host's / has a /run with podman's own directory in it, and no image has.
	pm run --rm --ipc=host --network none "$EVIL" ls -a /dev/shm >"$T/ls.out" 2>&1
	lacks "$(cat "$T/ls.out")" etc
	pm run --rm --ipc=host --network none "$EVIL" grep ' /dev/shm ' /proc/mounts >"$T/mounts.out"
	contains "$(cat "$T/mounts.out")" 'tmpfs'
	pm run --rm --ipc=host --network none --annotation "$POD_LABEL=y" "$EVIL" ls -a /dev/shm >"$T/ls.out" 2>&1
	lacks "$(cat "$T/ls.out")" etc
	nothing_left
}

@test "an image that carries a sandbox's annotation joins no named pod" {
	local key
	pod_wait victim
	in_ctr victim ipc shm put /secret words
	for key in io.kubernetes.cri-o.SandboxID io.kubernetes.cri.sandbox-id; do
		evil_image io.podns.pod=x "$key=web"
		pm run --rm --network none "$EVIL" ipc shm get /secret >"$T/evil.out" 2>&1 || true
		lacks "$(cat "$T/evil.out")" words
	done
	drop victim
	nothing_left
}

@test "with --pod-annotation an image chooses nothing" {
	hook_files "$HOOKS_D" --pod-annotation org.example.pod
	sed -i 's/\^io\\\\\.podns\\\\\.pod\$/^org\\\\.example\\\\.pod$/' "$HOOKS_D"/*.json
	grep -q 'org\\\\.example' "$HOOKS_D/oci-podns.json"
	pm run -d --name victim --annotation org.example.pod=web --network none "$IMAGE" pause >/dev/null
	in_ctr victim ipc shm put /secret words
	evil_image io.podns.pod=web io.kubernetes.cri-o.SandboxID=web io.podns.namespaces=net \
		io.podns.hostname=evil "io.podns.undo=$FORGED"
	pm run --rm --network none "$EVIL" ipc shm get /secret >"$T/evil.out" 2>&1 || true
	lacks "$(cat "$T/evil.out")" words
	# Typed by the user, the key counts, and nothing else of the image's.
	equal "$(pm run --rm --network none --annotation org.example.pod=own "$EVIL" hostname)" own
	equal "$(pm run --rm --network none --annotation org.example.pod=web "$EVIL" ipc shm get /secret)" words
	drop victim
	hook_files "$HOOKS_D"
	nothing_left
}

@test "an image that carries podman's annotation of a pod: in no pod of podman's, and it takes nobody's container out of one" {
	pods_hook_file "$HOOKS_D"
	pod_create web
	member web victim
	in_ctr victim ipc shm put /secret words
	evil_image "io.kubernetes.cri-o.SandboxID=$(printf '%064d' 7)" io.podns.namespaces=net io.container.manager=other
	pm run --rm --network none "$EVIL" ipc shm get /secret >"$T/evil.out" 2>&1 || true
	lacks "$(cat "$T/evil.out")" words
	# podman's word on the pod counts, and the user's on the network.
	quiet pm run -d --pod web --network none --name b --pidfile "$PID_D/b.pid" "$EVIL" pause
	equal "$(ctr_ns b net)" "$(ctr_ns victim net)"
	equal "$(pin_ino net)" "$(ctr_ns victim net)"
	quiet pm pod create --name pp --network none --share net
	infra_member pp c
	quiet pm run -d --pod pp --name d --pidfile "$PID_D/d.pid" "$EVIL" pause
	differ "$(ctr_ns c ipc)" "$(ctr_ns d ipc)"
	quiet pm pod rm -f -t 0 pp
	quiet pm pod rm -f -t 0 web
	rm "$HOOKS_D/oci-podns-pods.json"
	nothing_left
}

@test "an image that asks for more than a pod has: refused, or its own business" {
	local annotation
	for annotation in io.podns.namespaces=net,pid io.podns.namespaces=mount io.podns.pod=../x \
		io.podns.pod=log io.podns.shm-size=nonsense io.podns.hostname=a/b \
		"io.podns.pod=$(printf '%064d' 0)"; do
		evil_image io.podns.pod=x "$annotation"
		if copies_annotations; then
			fails pm run --rm --network none "$EVIL" echo IT RAN >"$T/evil.out" 2>&1
			lacks "$(cat "$T/evil.out")" 'IT RAN'
		else
			equal "$(pm run --rm --network none "$EVIL" echo IT RAN)" 'IT RAN'
		fi
		nothing_left
	done
}

# crun appends what a hook says to the file that this annotation names. The line has to be a shell's, say, to do more
# than lie there; the message quotes the claim, which is no claim of the record's. cgroup is shared with nobody before
# createRuntime, so precreate leaves the claim alone.
@test "an image that has crun write the hook's messages to a file of the host gets nothing written" {
	podman_conf crun "$HOOKS_D" >"$T/containers.conf"
	evil_image io.podns.pod=x io.podns.namespaces=cgroup "run.oci.hooks.stderr=$T/profile" \
		"io.podns.claim='\$(>evil) #"
	CONTAINERS_CONF=$T/containers.conf pm run --rm --cgroupns private --network none "$EVIL" true >"$T/run.out" 2>&1 || true
	[ ! -e /run/podns/log ] || contains "$(cat /run/podns/log)" '>evil'
	equal "$(cat "$T/profile" 2>/dev/null)" ''
	nothing_left
}
