#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Containers come and go in every way that podman knows: the pod lives as long as one of them, and no longer.

load helpers
load podman

# keeps_web INODE: the pod's network is still that one.
keeps_web() {
	equal "$(ns_ino /run/netns/web)" "$1" "the pod's network"
}

@test "podman: the pod ends with its last member, whichever that is" {
	local ino
	pod_wait a
	pod_wait b
	pod_wait c
	ino=$(ns_ino /run/netns/web)
	drop a
	keeps_web "$ino"
	drop c
	keeps_web "$ino"
	same_pod b
	drop b
	nothing_left
}

@test "podman: a program that ends by itself is no member any more, with --rm and without" {
	pod_run a "$IMAGE" true
	wait_for nothing_left
	equal "$(state_of a)" exited
	pod_run b --rm "$IMAGE" true
	wait_for nothing_left
	# In the foreground the end comes before podman's.
	equal "$(pm run --rm --annotation "$POD_LABEL=web" --network none "$IMAGE" hostname)" web
	wait_for nothing_left
}

@test "podman: restart comes back into the living pod" {
	local ino before
	pod_wait a
	pod_wait b
	ino=$(ns_ino /run/netns/web)
	before=$(pid_of a)
	pm restart -t 0 a >/dev/null
	differ "$(pid_of a)" "$before"
	keeps_web "$ino"
	same_pod a b
	equal "$(members)" 2
	equal "$(claims)" 0
	drop a b
	nothing_left
}

@test "podman: stop and start" {
	local ino
	pod_wait a
	pod_wait b
	ino=$(ns_ino /run/netns/web)
	pm stop -t 1 a >/dev/null
	equal "$(members)" 1
	keeps_web "$ino"
	pm start a >/dev/null
	same_pod a b
	keeps_web "$ino"
	# All of it, and from the start.
	pm stop -t 1 a b >/dev/null
	nothing_left
	pm start b a >/dev/null
	same_pod a b
	talk a b
	drop a b
	nothing_left
}

@test "podman: kill" {
	pod_wait a
	pod_wait b
	pm kill a >/dev/null
	wait_for state_is a exited
	same_pod b
	pm kill b >/dev/null
	wait_for nothing_left
}

@test "podman: --restart=on-failure comes back into the living pod, without --hooks-dir" {
	local ino
	pod_wait b
	ino=$(ns_ino /run/netns/web)
	mkdir "$T/shared"
	# It fails twice, then stays.
	# shellcheck disable=SC2016 # the container's shell expands it
	pod_run a --restart=on-failure:5 -v "$T/shared:/shared" "$IMAGE" sh -c '
		echo x >>/shared/tries
		[ $(wc -l </shared/tries) -gt 2 ] || exit 1
		readlink /proc/self/ns/net >/shared/net
		exec pause'
	wait_for test -s "$T/shared/net"
	equal "$(cat "$T/shared/net")" "net:[$ino]"
	equal "$(wc -l <"$T/shared/tries")" 3
	same_pod a b
	equal "$(members)" 2
	drop a b
	nothing_left
}

@test "podman: pause and unpause" {
	pod_wait a
	pod_wait b
	pm pause a >/dev/null || {
		needs_freezer
		return 1
	}
	# A member that is frozen is alive.
	pod_wait c
	equal "$(members)" 3
	pm unpause a >/dev/null
	same_pod a b c
	drop a b c
	nothing_left
}

@test "podman: conmon and init killed: nobody tells of the end, and the next run sweeps" {
	local conmon init
	pod_wait a
	pod_wait b
	conmon=$(pm inspect --format '{{.State.ConmonPid}}' a)
	init=$(pid_of a)
	kill -KILL "$conmon"
	kill -KILL "$init"
	wait_for not_alive "$init"
	equal "$(members)" 2
	pod_wait c
	equal "$(members)" 2
	same_pod b c
	drop b c
	wait_for nothing_left
}

@test "podman: all of a pod's conmons and inits killed: the next container has a pod of its own" {
	local init
	pod_wait a
	in_ctr a sh -c 'echo 99 >/dev/shm/mark'
	init=$(pid_of a)
	kill -KILL "$(pm inspect --format '{{.State.ConmonPid}}' a)"
	kill -KILL "$init"
	wait_for not_alive "$init"
	ns_ino /run/netns/web
	pod_wait b
	fails in_ctr b cat /dev/shm/mark
	same_pod b
	drop b
	nothing_left
}

@test "podman: an exec session neither keeps nor ends the pod" {
	pod_wait a
	pod_wait b
	pm exec -d a sleep 1000 >/dev/null
	drop a
	same_pod b
	drop b
	nothing_left
}

@test "podman: a stray poststop drops no live member" {
	local id bundle
	pod_wait a
	id=$(cat "$T/a.id")
	bundle=$(dirname "$(pm inspect --format '{{.OCIConfigPath}}' a)")
	printf '{"ociVersion":"1.0.2","id":"%s","status":"stopped","bundle":"%s"}' "$id" "$bundle" |
		"$HOOK" --no-syslog poststop
	same_pod a
	equal "$(members)" 1
	drop a
	nothing_left
}

@test "podman: where the pins of a living pod are not to be seen, the start fails and names both mount namespaces" {
	pod_wait a
	# shellcheck disable=SC2016 # the other shell expands it
	timeout -k 5 60 unshare --mount --propagation private bash -c '
		umount -R /run/netns
		umount /run/ipcns/web /run/utsns/web
		readlink /proc/self/ns/mnt | tr -dc 0-9 >"$1/mntns"
		exec podman --root "$2/storage" --runroot "$2/run" run --name b --annotation "$3=web" --network none \
			"$4" echo IT RAN' - "$T" "$PM" "$POD_LABEL" "$IMAGE" >"$T/b.out" 2>&1 </dev/null 3>&- || true
	lacks "$(cat "$T/b.out")" "IT RAN"
	contains "$(cat /run/podns/log)" "pod web: the pod has live containers"
	contains "$(cat /run/podns/log)" "mount namespace [$(ns_ino /proc/self/ns/mnt)], this is [$(cat "$T/mntns")]"
	same_pod a
	drop a
	nothing_left
}
