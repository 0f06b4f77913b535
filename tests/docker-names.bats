#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Under a real Docker and under containerd's ctr: names in a pod with a network, whose CNI plugin is a fake.
#
# bats file_tags=bed

load helpers
load podns
load net
load docker

setup_file() {
	docker_file_setup
	[ -n "${PODNS_IN_BED-}" ] || return 0
	fake_plugins
	mkdir -p "$CNI" "$NETD" /etc/oci-podns/pods.d
	conflist lan 1.0.0
	printf '%s\n' '[Pod]' Network=lan DNS=192.0.2.53 AddHost=db:192.0.2.1 >/etc/oci-podns/pods.d/web.pod
}

setup() {
	engine_setup
	: >"$CNI/log"
}

teardown() {
	docker_teardown
}

@test "Docker: the hostname is the pod's address, and resolv.conf is the pod's" {
	local hosts
	equal "$(in_web "$IMAGE" hostname -i)" 10.9.8.7
	equal "$(in_web "$IMAGE" cat /etc/resolv.conf)" 'nameserver 192.0.2.53'
	hosts=$(in_web "$IMAGE" cat /etc/hosts)
	contains "$hosts" "$(printf '10.9.8.7\tweb')"
	contains "$hosts" "$(printf '192.0.2.1\tdb')"
	contains "$hosts" "$(printf '127.0.0.1\tlocalhost')"
	equal "$(in_web --hostname own "$IMAGE" hostname -i)" 10.9.8.7
	pod_has_ended
}

@test "Docker: --add-host, --dns, --dns-search and the user's own files stay" {
	mkdir -p "$T/own"
	echo '1.1.1.1 mine' >"$T/own/mine"
	equal "$(in_web --add-host foo:10.1.1.1 --add-host db:10.1.1.2 "$IMAGE" cat /etc/hosts | grep -w -e foo -e db)" \
		"$(printf '10.1.1.1\tfoo\n10.1.1.2\tdb')"
	equal "$(in_web --hostname own --add-host own:127.0.0.2 "$IMAGE" hostname -i)" 127.0.0.2
	contains "$(in_web --dns 192.0.2.99 "$IMAGE" cat /etc/resolv.conf)" 'nameserver 192.0.2.99'
	contains "$(in_web --dns-search example.org "$IMAGE" cat /etc/resolv.conf)" 'search example.org'
	equal "$(in_web -v "$T/own/mine:/etc/hosts" -v "$T/own/mine:/etc/resolv.conf" "$IMAGE" cat /etc/hosts /etc/resolv.conf | uniq)" \
		'1.1.1.1 mine'
	pod_has_ended
}

@test "Docker: after a restart, and what a container writes stays its own" {
	local hosts
	pod_wait aa
	pod_wait bb
	hosts=$(dk exec aa cat /etc/hosts)
	dk exec aa sh -c 'echo 10.1.1.1 note >>/etc/hosts'
	equal "$(dk exec bb cat /etc/hosts)" "$hosts"
	dk restart -t 0 aa >/dev/null
	equal "$(dk exec aa hostname -i)" 10.9.8.7
	equal "$(dk exec aa cat /etc/hosts)" "$hosts"
	drop aa bb
	pod_has_ended
}

@test "ctr: /etc/hosts and resolv.conf are there" {
	dk save "$IMAGE" | ctr images import - >/dev/null
	ctr run --rm --runc-binary "$RUNTIME_PATH" --annotation "$POD_LABEL=web" "docker.io/library/$IMAGE:latest" c \
		sh -c 'hostname -i; cat /etc/hosts /etc/resolv.conf' >"$T/c.out" 2>&1 </dev/null
	equal "$(head -n 1 "$T/c.out")" 10.9.8.7
	grep -qx "$(printf '127.0.0.1\tlocalhost')" "$T/c.out"
	grep -qx 'nameserver 192.0.2.53' "$T/c.out"
	ctr images rm "docker.io/library/$IMAGE:latest" >/dev/null
	pod_has_ended
}
