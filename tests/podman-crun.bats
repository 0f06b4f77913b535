#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podman with crun as its runtime.

load helpers
load podman

# crun 1.8 refuses hosts with cgroups of both versions; tests/run.sh has put those out of sight.
setup_file() {
	RUNTIME=crun podman_file_setup
}

@test "podman with crun: two containers in one pod" {
	pod_wait a
	pod_wait b
	equal "$(pm inspect --format '{{.OCIRuntime}}' a)" crun
	same_pod a b
	talk a b
	equal "$(in_ctr a hostname)" web
	equal "$(in_ctr b hostname)" web
	shares_ipc a b
	drop a
	same_pod b
	drop b
	nothing_left
}

@test "podman with crun: restart, stop and start, kill" {
	local ino
	pod_wait a
	pod_wait b
	ino=$(ns_ino /run/netns/web)
	pm restart -t 0 a >/dev/null
	pm stop -t 0 b >/dev/null
	pm start b >/dev/null
	same_pod a b
	equal "$(ns_ino /run/netns/web)" "$ino"
	pm kill a >/dev/null
	wait_for state_is a exited
	same_pod b
	drop a b
	nothing_left
}

@test "podman with crun: a command that does not exist takes nothing from the others" {
	pod_wait a
	fails pm run --name b --annotation "$POD_LABEL=web" --network none "$IMAGE" /no/such/program >"$T/b.out" 2>&1
	pm rm -f b >/dev/null
	same_pod a
	drop a
	# crun runs no poststop after a failed create: the next run sweeps.
	pod_wait c
	same_pod c
	drop c
	nothing_left
}

@test "podman with crun: what createRuntime says is in the log, where neither crun nor podman shows it" {
	pod_wait a
	# Without precreate nothing puts b into the pod before crun makes it.
	mkdir "$T/hooks.d"
	cp "$HOOKS_D/oci-podns.json" "$T/hooks.d/"
	podman_options --hooks-dir "$T/hooks.d"
	pod_fails b --network none
	contains "$(cat /run/podns/log)" "createRuntime: pod web: the container's"
	contains "$(cat /run/podns/log)" "it would start outside its pod"
	contains "$(cat /run/podns/log)" precreate
	# crun shows neither the hook's stderr nor its args, but its path. Its annotation for stderr leads to conmon, which
	# passes on the runtime's log alone.
	contains "$(cat "$T/b.err")" 'error executing hook `'"$PM/bin/oci-podns-hook\`"
	lacks "$(cat "$T/b.err")" 'podns log'
	pm rm -f b >/dev/null
	pod_fails b --network none --annotation run.oci.hooks.stderr=/dev/stderr
	lacks "$(cat "$T/b.err")" 'outside its pod'
	same_pod a
	drop a
	pm rm -f b >/dev/null
	nothing_left
}

@test "podman with crun: a user namespace for the pod" {
	needs_userns
	pod_shares net ipc uts user
	pod_wait a "$(share net,ipc,uts,user)" --uidmap 0:100000:65536 --gidmap 0:100000:65536
	pod_wait b "$(share net,ipc,uts,user)" --uidmap 0:100000:65536 --gidmap 0:100000:65536
	same_pod a b
	talk a b
	pod_fails c --network none "$(share net,ipc,uts,user)" --uidmap 0:200000:65536 --gidmap 0:200000:65536
	contains "$(cat /run/podns/log)" "linux.uidMappings"
	drop a b
	nothing_left
}
