#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Under a real podman: names in a pod with a network, whose CNI plugin is a fake.

load helpers
load podns
load net
load podman

setup_file() {
	fake_plugins
	podman_file_setup
	# The hook looks beside itself, too.
	install -m 0755 "$NET" "$PM/bin/podns-net"
	mkdir -p "$CNI" "$NETD" /etc/oci-podns/pods.d
	conflist lan 1.0.0
	printf '%s\n' '[Pod]' Network=lan DNS=192.0.2.53 AddHost=db:192.0.2.1 >/etc/oci-podns/pods.d/web.pod
}

setup() {
	podman_setup
	: >"$CNI/log"
}

teardown() {
	podman_teardown
	rm -rf /var/lib/oci-podns/*
}

# in_web COMMAND...: what a new container of the pod prints. Options of podman: $OPTIONS.
in_web() {
	pm run --rm --annotation "$POD_LABEL=web" --network none "${OPTIONS[@]}" "$IMAGE" "$@"
}

@test "podman: the hostname is the pod's address, and there is a resolv.conf" {
	local hosts
	OPTIONS=(--name front)
	equal "$(in_web hostname -i)" 10.9.8.7
	equal "$(in_web cat /etc/resolv.conf)" 'nameserver 192.0.2.53'
	hosts=$(in_web cat /etc/hosts)
	contains "$hosts" "$(printf '10.9.8.7\tweb')"
	# podman 5 writes no name of its own where the network namespace has a path.
	[ "$(pm version --format '{{.Client.Version}}' | cut -d. -f1)" != 4 ] || contains "$(grep ^10.9.8.7 <<<"$hosts")" ' front'
	contains "$hosts" "$(printf '192.0.2.1\tdb')"
	contains "$hosts" "$(printf '127.0.0.1\tlocalhost')"
	OPTIONS=(--hostname own)
	equal "$(in_web hostname -i)" 10.9.8.7
	nothing_left
}

@test "podman: --add-host, --no-hosts and the user's own files stay" {
	echo '1.1.1.1 mine' >"$T/mine"
	OPTIONS=(--add-host foo:10.1.1.1 --add-host db:10.1.1.2)
	equal "$(in_web hostname -i)" 10.9.8.7
	equal "$(in_web cat /etc/hosts | grep -w -e foo -e db)" "$(printf '10.1.1.1\tfoo\n10.1.1.2\tdb')"
	OPTIONS=(--hostname own --add-host own:10.1.1.3)
	equal "$(in_web hostname -i)" 10.1.1.3
	OPTIONS=(--hostname own --add-host own:127.0.0.2)
	equal "$(in_web hostname -i)" 127.0.0.2
	OPTIONS=(-v "$T/mine:/etc/hosts" -v "$T/mine:/etc/resolv.conf")
	equal "$(in_web cat /etc/hosts /etc/resolv.conf | uniq)" '1.1.1.1 mine'
	OPTIONS=(--no-hosts)
	fails in_web cat /etc/hosts
	equal "$(in_web cat /etc/resolv.conf)" 'nameserver 192.0.2.53'
	nothing_left
}

@test "podman: after a restart and a stop, and as an ordinary user of the container" {
	local hosts
	OPTIONS=(--user 1000)
	equal "$(in_web hostname -i)" 10.9.8.7
	pod_wait a --add-host foo:10.1.1.1
	hosts=$(pm exec a cat /etc/hosts | sed 's/\t# the pod$//')
	pm restart -t 0 a >/dev/null
	equal "$(pm exec a cat /etc/hosts)" "$hosts"
	pod_wait b
	pm stop -t 0 a >/dev/null
	pm start a >/dev/null
	equal "$(pm exec a cat /etc/hosts)" "$hosts"
	equal "$(pm exec a hostname -i)" 10.9.8.7
	contains "$(<"$ROOT/podns/web/record")" "hosts $(pm inspect --format '{{.HostsPath}}' a)"
	drop a
	pod_wait c
	drop c
	# A file goes at the first poststop after podman's has gone.
	[ "$(find /run/podns/web -name 'hosts@*' | wc -l)" -le 2 ]
	lacks "$(<"$ROOT/podns/web/record")" "$(<"$T/a.id")"
	drop b
	nothing_left
}

@test "podman: a user namespace of the pod" {
	needs_userns
	OPTIONS=(--uidmap 0:100000:65536 --gidmap 0:100000:65536 --annotation 'io.podns.namespaces=net ipc uts user')
	equal "$(in_web hostname -i)" 10.9.8.7
	equal "$(in_web sh -c 'echo x >>/etc/hosts && cat /etc/resolv.conf')" 'nameserver 192.0.2.53'
	nothing_left
}

@test "podman: oci-podns-crun as its runtime, --no-hosts too" {
	local podns_runtime=$PODNS_BUILD/runtime/oci-podns-runc
	podman_options --hooks-dir /var/empty --runtime "$podns_runtime"
	printf '%s\n' no-syslog >/etc/oci-podns/runtime.conf
	OPTIONS=()
	equal "$(in_web hostname -i)" 10.9.8.7
	OPTIONS=(--no-hosts)
	fails in_web cat /etc/hosts
	equal "$(in_web cat /etc/resolv.conf)" 'nameserver 192.0.2.53'
	nothing_left
}
