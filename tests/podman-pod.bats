#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Two containers of a real podman in one pod that no process holds: what each sees of the other.

load helpers
load podman

@test "podman: two containers with one annotation are in the same namespaces, talk on 127.0.0.1, and see each other's queues and memory" {
	pod_wait a
	pod_wait b
	same_pod a b
	talk a b
	talk b a
	shares_ipc a b
	drop a b
	nothing_left
}

@test "podman: podman exec is in the same namespaces as the container's program" {
	pod_run a "$IMAGE" sh -c 'report; exec pause'
	pod_wait b
	wait_for logged a ready
	pm logs a >"$T/a.log" 2>&1
	equal "$(pm exec a report | grep -v ^mnt=)" "$(grep -v ^mnt= "$T/a.log")"
	equal "$(pm exec b report | grep -E '^(net|ipc|uts|hostname)=')" "$(grep -E '^(net|ipc|uts|hostname)=' "$T/a.log")"
	drop a b
	nothing_left
}

logged() {
	pm logs "$1" 2>&1 | grep -qx "$2"
}

@test "podman: loopback is up in a namespace that we made, and a web server is reached on it" {
	pod_run a "$IMAGE" sh -c 'mkdir -p /srv; echo it works >/srv/index.html; exec httpd -f -p 127.0.0.1:80 -h /srv'
	equal "$(in_ctr a report | sed -n s/^lo=//p)" up
	wait_for in_ctr a wget -q -O /tmp/page http://127.0.0.1/
	pod_wait b
	in_ctr b wget -q -O /tmp/page http://127.0.0.1/
	equal "$(in_ctr b cat /tmp/page)" "it works"
	drop a b
	nothing_left
}

@test "podman: another pod sees nothing of it" {
	pod_wait a
	pm run -d --name c --annotation "$POD_LABEL=other" --network none "$IMAGE" pause >/dev/null
	in_ctr a ipc shm put /memory text
	in_ctr a ipc msg put 77 text
	fails in_ctr c ipc shm get /memory
	fails in_ctr c ipc msg get 77
	differ "$(ctr_ns a net)" "$(ctr_ns c net)"
	differ "$(ctr_ns a uts)" "$(ctr_ns c uts)"
	drop a
	pod_is_gone web
	equal "$(ns_ino /run/netns/other)" "$(ctr_ns c net)"
	drop c
	nothing_left
}

@test "podman: each container is pid 1 of its own; no infra container, and no process but theirs" {
	pod_run a "$IMAGE" sleep 1111
	pod_run b "$IMAGE" sleep 2222
	equal "$(in_ctr a cat /proc/1/cmdline | tr '\0' ' ')" 'sleep 1111 '
	equal "$(in_ctr b cat /proc/1/cmdline | tr '\0' ' ')" 'sleep 2222 '
	lacks "$(in_ctr a ps)" 2222
	equal "$(pm ps -a --format '{{.Names}}' | sort | tr '\n' ' ')" 'a b '
	equal "$(pm pod ps -q)" ''
	equal "$(ip netns pids web | sort -n)" "$(printf '%s\n' "$(pid_of a)" "$(pid_of b)" | sort -n)"
	drop a b
	nothing_left
}

@test "podman: a container without the annotation is left alone" {
	pod_wait a
	pm run -d --name b --network none "$IMAGE" pause >/dev/null
	differ "$(ctr_ns a net)" "$(ctr_ns b net)"
	lacks "$(config_of b)" /run/netns/web
	lacks "$(config_of b)" io.podns
	equal "$(members)" 1
	drop a b
	nothing_left
}

@test "podman: ip netns and --network ns: know the pod's network" {
	pod_wait a
	contains "$(ip netns list)" web
	equal "$(ip netns identify "$(pid_of a)")" web
	contains "$(ip netns exec web ip addr show lo)" 127.0.0.1/8
	# A container outside of the pod that joins its network by podman's own means.
	equal "$(pm run --rm --network ns:/run/netns/web "$IMAGE" readlink /proc/self/ns/net)" "net:[$(ctr_ns a net)]"
	drop a
	nothing_left
}

@test "podman: io.podns.namespaces names what is shared" {
	pod_wait a "$(share ipc,uts)"
	pod_wait b "$(share ipc,uts)"
	equal "$(ctr_ns a ipc)" "$(ctr_ns b ipc)"
	equal "$(ctr_ns a uts)" "$(ctr_ns b uts)"
	differ "$(ctr_ns a net)" "$(ctr_ns b net)"
	[ ! -e /run/netns/web ]
	# podman takes a comma for the end of an annotation, unless it is quoted as in CSV.
	pod_wait c --annotation '"io.podns.namespaces=ipc,uts"'
	equal "$(ctr_ns a ipc)" "$(ctr_ns c ipc)"
	differ "$(ctr_ns a net)" "$(ctr_ns c net)"
	drop a b c
	nothing_left
}

@test "podman: sysctls of the container that comes are set in the pod" {
	pod_wait a --sysctl net.ipv4.ip_default_ttl=77
	pod_wait b --sysctl kernel.msgmax=16384
	equal "$(in_ctr b cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	equal "$(in_ctr a cat /proc/sys/kernel/msgmax)" 16384
	drop a b
	nothing_left
}

# --- names ---------------------------------------------------------------------

@test "podman: the pod's name is the hostname where podman's default would be; files are podman's" {
	local name
	pod_wait a
	pod_wait b
	differ "$(hostname)" web
	for name in a b; do
		equal "$(in_ctr "$name" hostname)" web
		# What the program itself was given.
		equal "$(in_ctr "$name" sh -c "tr '\0' '\n' </proc/1/environ | sed -n s/^HOSTNAME=//p")" web
		# podman wrote this before the hook ran: the container's own short id.
		equal "$(in_ctr "$name" cat /etc/hostname)" "$(cut -c1-12 "$T/$name.id")"
	done
	drop a b
	nothing_left
}

@test "podman: --hostname of the first names the pod; a later one does not rename it" {
	pod_wait a --hostname first
	equal "$(in_ctr a hostname)" first
	pod_wait b --hostname second
	equal "$(in_ctr b hostname)" first
	equal "$(in_ctr a hostname)" first
	pod_wait c
	equal "$(in_ctr c hostname)" first
	equal "$(in_ctr c sh -c "tr '\0' '\n' </proc/1/environ | sed -n s/^HOSTNAME=//p")" first
	equal "$(in_ctr a hostname)" first
	drop a b c
	nothing_left
}

@test "podman: --uts=host is left alone" {
	pod_wait a --uts=host
	equal "$(in_ctr a hostname)" "$(hostname)"
	[ ! -e /run/utsns/web ]
	pod_wait b
	equal "$(in_ctr b hostname)" web
	equal "$(in_ctr a hostname)" "$(hostname)"
	equal "$(ctr_ns a net)" "$(ctr_ns b net)"
	drop a b
	nothing_left
}

# --- messages --------------------------------------------------------------------

@test "podman: a refused type, hostname, size or pod name: the log says which it was" {
	pod_fails d --network none "$(share net,nonsense)"
	contains "$(cat /run/podns/log)" "precreate: pod web: annotation io.podns.namespaces"
	contains "$(cat /run/podns/log)" nonsense
	pod_fails a --network none --annotation io.podns.hostname='has space'
	contains "$(cat /run/podns/log)" io.podns.hostname
	pod_fails b --network none --annotation io.podns.shm-size=many
	contains "$(cat /run/podns/log)" io.podns.shm-size
	if pm run --name c --annotation "$POD_LABEL=../web" --network none "$IMAGE" echo IT RAN >"$T/c.out" 2>&1; then
		false
	fi
	lacks "$(cat "$T/c.out")" "IT RAN"
	nothing_left
}
