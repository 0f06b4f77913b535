#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bats file_tags=netns
#
# A pod's own network under podman, with Debian's CNI plugins: it outlives each container, and images choose nothing.

load helpers
load podns
load podman
load podman-pods
load net-real

# Of podns and podman; the helpers' own are of a root per test.
setup_file() {
	needs_bridge
	real_network
	podman_file_setup
	install -m 0755 "$PODNS_BUILD/net/podns-net" "$PM/bin/podns-net"
}

setup() {
	podman_setup
	pod_named web
	outside_serves
	rm -rf /etc/oci-podns/pods.d
	hook_files "$HOOKS_D"
}

# The pods are in the default root.
teardown() {
	local record
	for record in /var/lib/oci-podns/network@*; do
		[ ! -e "$record" ] || timeout -k 5 "$LIMIT" "$PODNS_BUILD/net/podns-net" del "${record##*@}" || true
	done
	podman_teardown
}

# The records of the network are where those of the default root are.
address_of_web() {
	jq -r '.results[-1].ips[0].address | sub("/.*"; "")' /var/lib/oci-podns/network@web
}

all_gone() {
	nothing_left
	host_is_clean
}

serve() {
	pod_run "$1" "${@:2}" "$IMAGE" sh -c "mkdir -p /srv && echo hello from $1 >/srv/index.html && exec httpd -f -p 8000 -h /srv"
}

@test "podman: containers of a pod with a network, its port, and the first one's end" {
	local address
	"$PODNS" create --network front --publish 8080:8000 web
	address=$(address_of_web)
	serve a
	pod_wait b
	same_pod a b
	answers 'hello from a' in_ctr b wget -q -O - http://127.0.0.1:8000/
	answers 'hello from a' page http://127.0.0.1:8080/
	answers 'hello from a' outside busybox wget -q -O - http://192.0.2.1:8080/
	answers 'hello from a' in_ctr b wget -q -O - http://192.0.2.1:8080/
	answers 'the outside' in_ctr b wget -q -O - http://192.0.2.2/
	drop a
	serve c
	contains "$(in_ctr c ip -4 addr show eth0)" "$address/24"
	answers 'hello from c' page http://127.0.0.1:8080/
	drop b c
	"$PODNS" rm web
	all_gone
}

@test "podman: a pod that a definition gives a network; podman restart keeps it" {
	local address
	mkdir -p /etc/oci-podns/pods.d
	printf '%s\n' '[Pod]' Network=front PublishPort=8080:8000 >/etc/oci-podns/pods.d/web.pod
	serve a
	pod_wait b
	address=$(address_of_web)
	answers 'hello from a' page http://127.0.0.1:8080/
	pm restart -t 0 a >/dev/null
	equal "$(address_of_web)" "$address"
	answers 'hello from a' page http://127.0.0.1:8080/
	drop a b
	all_gone
}

@test "podman: a pod of podman's own: podns create with its id gives it a network and a port, and podman pod restart keeps both" {
	pods_hook_file "$HOOKS_D"
	"$PODNS" create --network front --publish 8080:8000 "$(pm pod create --infra=false --name web)"
	pod_of_podman web
	quiet pm run -d --pod web --network none --name a --pidfile "$PID_D/a.pid" "$IMAGE" \
		sh -c 'mkdir -p /srv && echo hello from a >/srv/index.html && exec httpd -f -p 8000 -h /srv'
	member web b
	answers 'hello from a' in_ctr b wget -q -O - http://127.0.0.1:8000/
	answers 'hello from a' page http://127.0.0.1:8080/
	answers 'the outside' in_ctr b wget -q -O - http://192.0.2.2/
	quiet pm pod restart web
	answers 'hello from a' page http://127.0.0.1:8080/
	quiet pm pod stop -t 0 web
	quiet pm pod start web
	answers 'hello from a' outside busybox wget -q -O - http://192.0.2.1:8080/
	"$PODNS" network publish "${POD:0:12}" +8081:8000
	answers 'hello from a' page http://127.0.0.1:8081/
	quiet pm pod rm -f -t 0 web
	"$PODNS" rm "${POD:0:12}"
	rm "$HOOKS_D/oci-podns-pods.json"
	all_gone
}

@test "podman: a pod of podman's own with a definition, which is called by its id" {
	pods_hook_file "$HOOKS_D"
	pod_create web
	mkdir -p /etc/oci-podns/pods.d
	printf '%s\n' '[Pod]' Network=front PublishPort=8080:8000 HostName=www >"/etc/oci-podns/pods.d/$POD.pod"
	member web b
	quiet pm run -d --pod web --network none --name a --pidfile "$PID_D/a.pid" "$IMAGE" \
		sh -c 'mkdir -p /srv && echo hello from a >/srv/index.html && exec httpd -f -p 8000 -h /srv'
	answers 'hello from a' page http://127.0.0.1:8080/
	equal "$(in_ctr b hostname)" www
	# The network comes and goes with the pod.
	quiet pm pod stop -t 0 web
	all_gone
	quiet pm pod start web
	answers 'hello from a' page http://127.0.0.1:8080/
	quiet pm pod rm -f -t 0 web
	rm "$HOOKS_D/oci-podns-pods.json"
	all_gone
}

@test "podman: one with a network of podman's is refused, with what to do instead" {
	"$PODNS" create --network front web
	pod_fails a --network bridge
	contains "$(cat /run/podns/log)" '--network none'
	pm rm -a -f -t 0 >/dev/null
	"$PODNS" rm web
	all_gone
}

@test "podman: an image asks for a network and for port 22: ignored, with a warning" {
	mkdir -p "$T/context"
	echo "FROM $IMAGE" >"$T/context/Containerfile"
	pm build -q --pull=never --format oci --annotation io.podns.network=front --annotation io.podns.publish=22:22 \
		-t localhost/evil "$T/context" >"$T/build.out" 2>&1
	pod_run a localhost/evil pause
	[ ! -e /var/lib/oci-podns/network@web ]
	lacks "$(in_ctr a ip addr)" eth0
	drop a
	all_gone
}

@test "podman: a user's annotations, which root allows" {
	hook_files "$HOOKS_D" --network-annotation --publish-annotation=8000-8099
	serve a --annotation io.podns.network=front --annotation io.podns.publish=8080:8000
	answers 'hello from a' outside busybox wget -q -O - http://192.0.2.1:8080/
	drop a
	all_gone
	pod_fails a --annotation io.podns.network=front --annotation io.podns.publish=22:8000 --network none
	contains "$(cat /run/podns/log)" 8000-8099
	pm rm -a -f -t 0 >/dev/null
	"$PODNS" gc
	all_gone
}
