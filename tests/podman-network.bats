#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The pod's network: one that podman made, one that was there before, and what ip-netns(8) sees of both.

load helpers
load podman

is_mount_point() {
	awk -v point="$1" '$5 == point { found = 1 } END { exit !found }' /proc/self/mountinfo
}

# --- beside ip-netns(8) ------------------------------------------------------------

@test "podman: /run/netns is a shared mount, and what ip netns adds later does not hide our pins" {
	local ino
	pod_wait a
	is_shared_mount /run/netns
	ino=$(ns_ino /run/netns/web)
	ip netns add other
	equal "$(ns_ino /run/netns/web)" "$ino"
	equal "$(awk '$5 == "/run/netns"' /proc/self/mountinfo | wc -l)" 1
	pod_wait b
	same_pod a b
	drop a b
	pod_is_gone web
	# other is not ours.
	ns_ino /run/netns/other
	ip netns del other
	nothing_left
}

@test "podman: nor where ip netns was there first" {
	ip netns add other
	pod_wait a
	equal "$(awk '$5 == "/run/netns"' /proc/self/mountinfo | wc -l)" 1
	drop a
	pod_is_gone web
	ip netns del other
	nothing_left
}

# --- prepared by hand ----------------------------------------------------------------

@test "podman: a pod prepared with ip netns add and a veth is joined, and survives" {
	local ino
	ip netns add web
	ip netns add peer
	ip link add veth-web netns web type veth peer name veth-peer netns peer || {
		needs_veth
		return 1
	}
	ip -n web addr add 192.0.2.1/24 dev veth-web
	ip -n web link set veth-web up
	ip -n peer addr add 192.0.2.2/24 dev veth-peer
	ip -n peer link set veth-peer up
	ino=$(ns_ino /run/netns/web)
	pod_run a "$IMAGE" sh -c 'mkdir -p /srv; echo it works >/srv/index.html; exec httpd -f -p 80 -h /srv'
	pod_wait b
	equal "$(ctr_ns a net)" "$ino"
	same_pod a b
	# From outside of the pod, over the link.
	wait_for ip netns exec peer busybox wget -q -O "$T/page" http://192.0.2.1/
	equal "$(cat "$T/page")" "it works"
	drop a
	contains "$(in_ctr b ip addr show veth-web)" 192.0.2.1/24
	drop b
	equal "$(ns_ino /run/netns/web)" "$ino"
	contains "$(ip -n web addr show veth-web)" 192.0.2.1/24
	[ ! -e /run/ipcns/web ]
	[ ! -e /run/utsns/web ]
	[ ! -e /run/podns/web ]
	# And again.
	pod_wait c
	equal "$(ctr_ns c net)" "$ino"
	drop c
	ip netns del web
	ip netns del peer
	nothing_left
}

# --- adopted ---------------------------------------------------------------------------

@test "podman: a first container with --network ns: brings the pod its network" {
	local ino
	ip netns add mine
	ip -n mine link set lo up
	ino=$(ns_ino /run/netns/mine)
	pod_wait a --network ns:/run/netns/mine
	equal "$(ns_ino /run/netns/web)" "$ino"
	pod_wait b
	equal "$(ctr_ns b net)" "$ino"
	same_pod a b
	talk a b
	# It goes on when the first has gone.
	drop a
	talk b b
	# The same network by either name is the pod's.
	pod_wait c --network ns:/run/netns/mine
	pod_wait d --network ns:/run/netns/web
	same_pod b c d
	drop b c d
	pod_is_gone web
	equal "$(ns_ino /run/netns/mine)" "$ino"
	ip netns del mine
	nothing_left
}

@test "podman: one with a network of its own is refused, with what to do instead" {
	ip netns add mine
	pod_wait a
	pod_fails b --network ns:/run/netns/mine
	contains "$(cat /run/podns/log)" "pod web"
	contains "$(cat /run/podns/log)" "network"
	contains "$(cat /run/podns/log)" "--network none"
	contains "$(cat /run/podns/log)" "--network ns:/run/netns/web"
	contains "$(cat /run/podns/log)" "io.podns.namespaces"
	# The first has not noticed, and the remedies are true.
	same_pod a
	pod_wait c "$(share ipc,uts)" --network ns:/run/netns/mine
	equal "$(ctr_ns c ipc)" "$(ctr_ns a ipc)"
	equal "$(ctr_ns c net)" "$(ns_ino /run/netns/mine)"
	equal "$(members)" 2
	equal "$(claims)" 0
	drop a c
	ip netns del mine
	nothing_left
}

@test "podman: --network host is left alone" {
	pod_wait a --network host
	pod_wait b
	equal "$(ctr_ns a net)" "$(ns_ino /proc/self/ns/net)"
	differ "$(ctr_ns b net)" "$(ns_ino /proc/self/ns/net)"
	equal "$(ctr_ns a ipc)" "$(ctr_ns b ipc)"
	drop a b
	nothing_left
}

# --- podman's bridge ---------------------------------------------------------------------
#
# In a network namespace that plays the host, so that the host's own links and rules are left alone.

on_host() {
	nsenter --net=/run/podns-podman/host "$@"
}

bridge_host() {
	touch "$PM/host"
	unshare --net="$PM/host" true || return 1
	on_host ip link set lo up
	grep -F ' - nsfs ' /proc/self/mountinfo >"$T/nsfs.before"
	# shellcheck disable=SC2317 # called by the helpers
	timeout() {
		on_host timeout "$@"
	}
}

# What a bridge changes: links, addresses, routes, rules, and sysctls of the network. Not all of these can be read.
network_state() {
	ip -o link
	ip -o addr
	ip route show table all
	iptables-save | sed '/^#/d'
	nft list ruleset
	{ grep -sr . /proc/sys/net/ipv4/{ip_forward,conf} /proc/sys/net/ipv6/conf || true; } | sort
}

@test "podman: a first container with --network bridge brings the pod its network, while it runs" {
	local ip
	network_state >"$T/network.before"
	bridge_host
	pod_wait a --network bridge || {
		needs_bridge
		return 1
	}
	# The bridge and its rules are where the host is played.
	contains "$(on_host ip -o link)" podman0
	contains "$(on_host iptables-save && on_host nft list ruleset)" 10.88.0.0/16
	ip=$(in_ctr a ip -4 addr show eth0 | grep -o 'inet [0-9.]*')
	pod_wait b
	equal "$(ctr_ns a net)" "$(ctr_ns b net)"
	contains "$(in_ctr b ip -4 addr show eth0)" "$ip"
	talk a b
	# podman takes its interfaces away when the container that brought them stops: what is left is loopback.
	pm stop -t 0 a >/dev/null
	lacks "$(in_ctr b ip addr)" eth0
	talk b b
	# Started again it would bring another network than the pod's.
	fails pm start a 2>"$T/a.err"
	contains "$(cat /run/podns/log)" "--network none"
	talk b b
	# When the pod has ended, it may.
	drop b
	pm start a >/dev/null
	pod_wait b
	contains "$(in_ctr b ip -4 addr show eth0)" inet
	drop b a
	nothing_left
	network_state | diff "$T/network.before" -
}
