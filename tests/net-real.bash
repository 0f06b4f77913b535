# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # bats sets BATS_*, helpers.bash the rest
#
# Helpers of the tests with Debian's CNI plugins and real packets; load it after podns. A file that uses them has the tag
# netns: run.sh gives it a network namespace of its own, which plays the host. Another one, behind a veth, plays the rest of
# the world: 192.0.2.2, where the host is 192.0.2.1.

NETD=/etc/oci-podns/net.d
REAL=/run/net-real	# the outside's namespace, its pages, the leases, and what the host was like

# For setup_file.
real_network() {
	# Never the host's.
	equal "$(ip -o link show type bridge; ip -o link show type veth)" '' || return
	own_etc
	mkdir -p "$NETD" "$REAL/pages"
	front_network .
	ip link set lo up
	sysctl -q net.ipv4.ip_forward=1
	touch "$REAL/outside"
	unshare --net="$REAL/outside" ip link set lo up
	ip link add out0 type veth peer name eth0 netns "$REAL/outside" || return
	ip address add 192.0.2.1/24 dev out0
	ip link set out0 up
	outside ip address add 192.0.2.2/24 dev eth0
	outside ip link set eth0 up
	echo 'the outside' >"$REAL/pages/index.html"
	# The bridge and the first chains stay for other pods.
	"$PODNS" --root "$REAL" create --network front --publish 8080:80 first >/dev/null
	"$PODNS" --root "$REAL" rm first
	host_network >"$REAL/before"
	fails grep -E 'CNI-(DN|SN)-|CNI-[0-9a-f]{20}' "$REAL/before"
}

# outside_serves: a page at http://192.0.2.2/, while the test runs.
outside_serves() {
	nsenter --net="$REAL/outside" busybox httpd -f -p 192.0.2.2:80 -h "$REAL/pages" </dev/null >/dev/null 2>&1 3>&- &
	PIDS+=($!)
}

# front_network [JQ-FILTER]: the network of the tests.
front_network() {
	jq "${1-.}" >"$NETD/50-front.conflist" <<-JSON
		{ "cniVersion": "1.0.0", "name": "front", "plugins": [
		  { "type": "bridge", "bridge": "front0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
		    "ipam": { "type": "host-local", "dataDir": "$REAL/leases", "routes": [ { "dst": "0.0.0.0/0" } ],
		      "ranges": [ [ { "subnet": "10.99.0.0/24" } ] ] } },
		  { "type": "portmap", "capabilities": { "portMappings": true }, "snat": true },
		  { "type": "firewall" } ] }
	JSON
}

outside() {
	timeout -k 5 "$LIMIT" nsenter --net="$REAL/outside" "$@"
}

# What plugins change: links, addresses, rules and leases. netavark's own chains are podman's.
host_network() {
	ip -o link show | awk '{ print $2 }' | sed 's/@.*//'
	ip -o -4 address show
	iptables-save | sed '/^#/d; /NETAVARK/d; s/\[[0-9:]*\]//'
	find "$REAL/leases" -type f ! -name 'last_reserved_ip*'
}

# host_is_clean: no veth, rule, chain or lease of any pod is left. The kernel removes a veth a moment after its namespace.
host_is_clean() {
	wait_for host_is_as_before || {
		host_network | diff "$REAL/before" -
		return 1
	}
}

host_is_as_before() {
	host_network | cmp -s "$REAL/before" -
}

# gone: nothing of any pod is left here, nor in the host's network.
gone() {
	assert_nothing_left
	host_is_clean
}

# page URL: busybox's own limit of time makes it crash.
page() {
	timeout -k 5 "$LIMIT" busybox wget -q -O - "$1"
}

# answers TEXT COMMAND...: COMMAND fetches a page with that text, perhaps after a while.
answers() {
	wait_for fetches "$@"
}

fetches() {
	[ "$("${@:2}")" = "$1" ]
}

# addresses [POD]
addresses() {
	record_of "${1-web}" '.results[-1].ips[].address | sub("/.*"; "")'
}

# record_of POD [JQ-FILTER]: of the network's record.
record_of() {
	jq -r "${2-.}" <"$ROOT/podns/network@$1"
}

# detach_all, for teardown: what a failed test left is not the next one's.
detach_all() {
	local record
	for record in "$ROOT"/podns/network@*; do
		[ ! -e "$record" ] || timeout -k 5 "$LIMIT" "$PODNS_BUILD/net/podns-net" --root "$ROOT" del "${record##*@}" || true
	done
	umount /usr/lib/cni/firewall 2>/dev/null || true
}
