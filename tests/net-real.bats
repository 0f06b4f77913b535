#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bats file_tags=netns
#
# Pods with a network, as users have them: Debian's CNI plugins, runc and crun, and packets that arrive.

# shellcheck disable=SC2030,SC2031 # each test is a subshell

load helpers
load podns
load net-real

setup_file() {
	needs_bridge
	real_network
}

setup() {
	common_setup runc
	front_network .
	outside_serves
	rm -rf /etc/oci-podns/pods.d /etc/oci-podns/runtime.conf
	[ -e "$ROOTFS/srv" ] || serving_rootfs
}

teardown() {
	detach_all
	common_teardown
}

# Each container serves its own name.
serving_rootfs() {
	local name
	ln -s busybox "$ROOTFS/bin/httpd"
	ln -s busybox "$ROOTFS/bin/wget"
	for name in a b c d; do
		mkdir -p "$ROOTFS/srv/$name"
		echo "hello from $name" >"$ROOTFS/srv/$name/index.html"
	done
}

# server NAME [OPTION=VALUE...]: it serves at port 8000 of the pod; root in a container without capabilities cannot bind a lower one.
server() {
	make_bundle "$1" program="httpd -p 8000 -h /srv/$1; report; exec sleep 1000" "${@:2}"
}

# joins NAME [OPTION=VALUE...]: a container that comes later.
joins() {
	make_bundle "$1" namespaces="$(joined_namespaces web)" "${@:2}"
}

# within NAME COMMAND...
within() {
	rt exec "$(id_of "$1")" "${@:2}"
}

# port_answers TEXT: published port 8080, from everywhere.
port_answers() {
	answers "$1" page http://127.0.0.1:8080/
	answers "$1" page http://192.0.2.1:8080/
	answers "$1" outside busybox wget -q -O - http://192.0.2.1:8080/
	answers "$1" timeout -k 5 "$LIMIT" nsenter --net="$ROOT/netns/web" busybox wget -q -O - http://192.0.2.1:8080/
}

# --- the whole life ---------------------------------------------------------------------

# lives_with RUNTIME
lives_with() {
	local address
	RUNTIME=$1
	podns create --network front --publish 8080:8000 web
	address=$(addresses)
	[[ $address == 10.99.0.* ]]
	joins a program='httpd -p 8000 -h /srv/a; report; exec sleep 1000'
	joins b
	start a
	start b
	answers 'hello from a' within b wget -q -O - http://127.0.0.1:8000/
	port_answers 'hello from a'
	answers 'the outside' within b wget -q -O - http://192.0.2.2/
	contains "$(within b ip -o -4 addr show eth0)" "$address/24"
	# The first container goes, and the network stays.
	stop a
	fails page http://127.0.0.1:8080/
	contains "$(within b ip -o -4 addr show eth0)" "$address/24"
	joins c program='httpd -p 8000 -h /srv/c; report; exec sleep 1000'
	start c
	port_answers 'hello from c'
	equal "$(addresses)" "$address"
	stop b
	stop c
	podns rm web
	gone
}

@test "runc: a pod's network, its port from everywhere, and containers that come and go" {
	lives_with runc
}

@test "crun: a pod's network, its port from everywhere, and containers that come and go" {
	lives_with crun
}

# --- pods that the hook makes --------------------------------------------------------------

@test "a definition: the hook's pod has its network until the last container has gone" {
	local address
	mkdir -p /etc/oci-podns/pods.d
	printf '%s\n' '[Pod]' Network=front PublishPort=8080:8000 >/etc/oci-podns/pods.d/web.pod
	server a
	start a
	port_answers 'hello from a'
	address=$(addresses)
	joins b program='httpd -p 8001 -h /srv/b; report; exec sleep 1000'
	start b
	answers 'hello from b' within a wget -q -O - http://127.0.0.1:8001/
	stop a
	joins c program='httpd -p 8000 -h /srv/c; report; exec sleep 1000'
	start c
	equal "$(addresses)" "$address"
	port_answers 'hello from c'
	stop b
	stop c
	gone
}

@test "annotations that root's options allow: a network, and ports in their range" {
	server a annotations=', "io.podns.network": "front", "io.podns.publish": "8080:8000"' arg=--network-annotation \
		arg=--publish-annotation=8000-8099
	start a
	port_answers 'hello from a'
	equal "$(record_of web '.ports | join(" ")')" 8080:8000/tcp
	stop a
	gone
}

@test "an annotation's port that is out of root's range: no container, and the message says the range" {
	server a annotations=', "io.podns.network": "front", "io.podns.publish": "80:8000"' arg=--network-annotation \
		arg=--publish-annotation=8000-8099
	start_fails a
	contains "$(podns log)" 'port 80 of the host is not in the allowed range 8000-8099'
	rt delete --force "$(id_of a)" || true
	gone
}

@test "annotations without root's options: a warning, and no network" {
	server a annotations=', "io.podns.network": "front", "io.podns.publish": "8080:8000"'
	start a
	contains "$(podns log)" 'io.podns.network is ignored'
	contains "$(podns log)" 'io.podns.publish is ignored'
	[ ! -e "$ROOT/podns/network@web" ]
	lacks "$(within a ip -o addr)" eth0
	stop a
	gone
}

@test "--network-annotation alone: no ports by annotation" {
	server a annotations=', "io.podns.network": "front", "io.podns.publish": "8080:8000"' arg=--network-annotation
	start a
	contains "$(podns log)" 'io.podns.publish is ignored'
	equal "$(record_of web '.ports | length')" 0
	fails page http://127.0.0.1:8080/
	stop a
	gone
}

@test "under a CRI engine no annotation brings a network" {
	server a pod= annotations=", \"io.kubernetes.cri.sandbox-id\": \"$SANDBOX_ID\", \"io.podns.network\": \"front\", \"io.podns.publish\": \"8080:80\"" \
		arg=--network-annotation arg=--publish-annotation=8000-8099
	start a
	[ ! -e "$ROOT/podns/network@$SANDBOX_ID" ]
	lacks "$(within a ip -o addr)" eth0
	stop a
	gone
}

# --- oci-podns-runtime -----------------------------------------------------------------------

# The runtime's own hooks, with root's settings from its file.
runtime_settings() {
	printf '%s\n' "root = $ROOT" no-syslog "$@" >/etc/oci-podns/runtime.conf
	RUNTIME=$RUNC
}

rt() {
	timeout -k 5 "$LIMIT" "$RUNTIME" --root "/run/rt-${RUNTIME##*/}" "$@" </dev/null
}

@test "oci-podns-runc: a definition's network for both containers, and it ends with them" {
	mkdir -p /etc/oci-podns/pods.d
	printf '%s\n' '[Pod]' Network=front PublishPort=8080:8000 >/etc/oci-podns/pods.d/web.pod
	runtime_settings
	server a stages=
	make_bundle b stages=
	start a
	start b
	port_answers 'hello from a'
	answers 'hello from a' within b wget -q -O - http://127.0.0.1:8000/
	answers 'the outside' within b wget -q -O - http://192.0.2.2/
	stop a
	stop b
	assert_untouched a
	assert_untouched b
	gone
}

@test "oci-podns-runc: annotations that its file allows, and a port that it does not" {
	runtime_settings network-annotation 'publish-annotation = 8000-8099'
	server a stages= annotations=', "io.podns.network": "front", "io.podns.publish": "8080:8000"'
	start a
	port_answers 'hello from a'
	stop a
	gone
	server a stages= annotations=', "io.podns.network": "front", "io.podns.publish": "80:8000"'
	start_fails a
	contains "$(<"$T/a.err")" 8000-8099
	assert_untouched a
	gone
}

@test "oci-podns-runc: a runtime that fails after the pod was made leaves no network" {
	runtime_settings network-annotation
	server a stages= annotations=', "io.podns.network": "front"'
	edit_config a '.process.args = ["/no/such/program"]'
	CONTAINERS+=(a)
	fails rt create --bundle "$T/a" "$(id_of a)" >"$T/a.out" 2>"$T/a.err"
	rt delete --force "$(id_of a)" >/dev/null 2>&1 || true
	podns gc
	assert_untouched a
	gone
}

# --- rates ----------------------------------------------------------------------------------

# The plugin makes an ifb for egress alone, which few kernels of test machines have.
@test "rates: what comes into the pod passes a token bucket, and nothing of it is left" {
	needs_token_buckets
	front_network '.plugins += [ { type: "bandwidth", capabilities: { bandwidth: true } } ]'
	"$PODNS" --root "$ROOT" create --network front --ingress-rate 8M web >/dev/null
	contains "$(tc qdisc show)" 'rate 8Mbit'
	"$PODNS" --root "$ROOT" network check web
	"$PODNS" --root "$ROOT" rm web
	front_network .
	host_is_clean
	fails grep tbf <<<"$(tc qdisc show)"
}

# --- refusals ------------------------------------------------------------------------------

@test "a port that another pod has: refused, and the message names that pod" {
	podns create --network front --publish 8080:8000 web
	podns_fails 1 'web' create --network front --publish 8080:8000 other
	contains "$(<"$T/stderr")" 8080
	[ ! -e "$ROOT/podns/other" ]
	[ ! -e "$ROOT/podns/network@other" ]
	podns create --network front --publish 127.0.0.2:8081:80 third
	podns_fails 1 'third' create --network front --publish 8081:80 other
	podns rm web third
	gone
}

@test "a port that a process of the host has: refused" {
	busybox httpd -f -p 127.0.0.1:8080 -h "$REAL/pages" </dev/null >/dev/null 2>&1 3>&- &
	PIDS+=($!)
	wait_for page http://127.0.0.1:8080/
	podns_fails 1 8080 create --network front --publish 8080:8000 web
	gone
}

@test "a plugin that is missing: named, and nothing is left" {
	front_network '.plugins[2].type = "no-such-plugin"'
	podns_fails 1 no-such-plugin create --network front --publish 8080:8000 web
	gone
	server a annotations=', "io.podns.network": "front"' arg=--network-annotation
	start_fails a
	contains "$(podns log)" no-such-plugin
	rt delete --force "$(id_of a)" || true
	gone
}

@test "a bridge whose name is no bridge: the error names the plugin, and nothing is left" {
	front_network '.plugins[0].bridge = "out0"'
	podns_fails 1 'plugin bridge: ADD: ' create --network front --publish 8080:8000 web
	gone
	server a annotations=', "io.podns.network": "front"' arg=--network-annotation
	start_fails a
	contains "$(podns log)" 'plugin bridge: ADD: '
	rt delete --force "$(id_of a)" || true
	gone
}

@test "a subnet that is full: no container, and the pods that are there stay" {
	front_network '.plugins[0].ipam.ranges[0][0] += {rangeStart: "10.99.0.2", rangeEnd: "10.99.0.3"}'
	podns create --network front one
	podns create --network front two
	podns_fails 1 'plugin bridge: ADD: ' create --network front --publish 8080:8000 web
	contains "$(<"$T/stderr")" 'no IP addresses available'
	[ ! -e "$ROOT/podns/web" ]
	[ ! -e "$ROOT/podns/network@web" ]
	server a annotations=', "io.podns.network": "front"' arg=--network-annotation
	start_fails a
	rt delete --force "$(id_of a)" || true
	differ "$(addresses one)" "$(addresses two)"
	podns rm one two
	gone
}

# --- what goes wrong at the end ----------------------------------------------------------------

@test "DEL that fails: the pod stays, says why, and the next run or gc ends it" {
	local how
	for how in 'rm web' gc; do
		podns create --network front --publish 8080:8000 web
		mv "$NETD/50-front.conflist" "$T/"
		touch "$NETD/none"
		broken_plugin firewall
		podns_fails 1 'plugin firewall: DEL: it is broken' rm web
		equal "$(record_of web .state)" leaving
		contains "$(record_of web .error)" 'it is broken'
		contains "$(of_pod web .network.leaving)$(podns ls)" 'it is broken'
		umount /usr/lib/cni/firewall
		mv "$T/50-front.conflist" "$NETD/"
		# shellcheck disable=SC2086 # words
		podns $how
		gone
	done
}

# broken_plugin NAME: until it is unmounted.
broken_plugin() {
	install -m 0755 /dev/stdin "$REAL/broken" <<-'SCRIPT'
		#!/bin/sh
		echo '{"code": 99, "msg": "it is broken"}'
		exit 1
	SCRIPT
	mount --bind "$REAL/broken" "/usr/lib/cni/$1"
}

@test "poststop whose DEL fails: the container is deleted, and gc does the rest" {
	server a annotations=', "io.podns.network": "front"' arg=--network-annotation
	start a
	broken_plugin firewall
	stop a || true
	equal "$(record_of web .state)" leaving
	umount /usr/lib/cni/firewall
	podns gc
	gone
}

@test "everything is killed: gc leaves nothing" {
	local pid
	server a annotations=', "io.podns.network": "front", "io.podns.publish": "8080:8000"' arg=--network-annotation \
		arg=--publish-annotation=8000-8099
	start a
	port_answers 'hello from a'
	pid=$(init_pid a)
	kill -KILL "$pid"
	wait_for stopped a
	rm -rf "/run/rt-$RUNTIME/$(id_of a)"
	podns gc
	gone
}

# The bridge plugin 1.1.1 learns the address for the masquerading rules from the namespace alone, so they would stay.
@test "the pin is taken away by somebody: the end still removes the port's rules and the lease" {
	front_network '.plugins[0].ipMasq = false'
	podns create --network front --publish 8080:8000 web
	umount -l "$ROOT/netns/web"
	rm -f "$ROOT/netns/web"
	podns rm web
	gone
}

@test "networks and definitions that root has removed meanwhile: pods that have one are still ended" {
	podns create --network front --publish 8080:8000 web
	server a pod=other annotations=', "io.podns.network": "front"' arg=--network-annotation
	start a
	rm "$NETD"/*
	edit_hooks_forget a
	stop a
	podns rm web
	# The hook has no network to detach any more, and podns has.
	podns gc
	gone
}

@test "--root after the command holds for the network, too" {
	"$PODNS" create --network front --publish 8080:8000 --root "$ROOT" web >/dev/null
	[[ $(addresses) == 10.99.0.* ]]
	"$PODNS" rm --root="$ROOT" web
	gone
}

# The hook's options may change as well.
edit_hooks_forget() {
	sed -i 's/"--network-annotation"/"--no-syslog"/' "$T/$1/config.json"
}

# --- the unit of gc ------------------------------------------------------------------------------

# as_unit UNIT COMMAND...: with the unit's RestrictAddressFamilies=, as systemd does it: by a filter for socket(2).
as_unit() {
	local families
	families=$(sed -n 's/^RestrictAddressFamilies=//p' "$PODNS_SRC/units/$1")
	perl -e '
		my %known = (AF_UNIX => 1, AF_INET => 2, AF_INET6 => 10, AF_NETLINK => 16, AF_PACKET => 17);
		my %socket = (x86_64 => 41, aarch64 => 198, riscv64 => 198);
		my ($families, $machine) = (shift, shift);
		my @known = map { $known{$_} // die } split " ", $families;
		if (@known) {
			my @code = ([0x20, 0, 0, 0], [0x15, 0, @known + 2, $socket{$machine} // die], [0x20, 0, 0, 16]);
			push @code, [0x15, @known - $_, 0, $known[$_]] for 0 .. $#known;
			push @code, [0x06, 0, 0, 0x00050000 | 97], [0x06, 0, 0, 0x7fff0000];
			my $code = join "", map { pack "SCCL", @$_ } @code;
			my $program = pack "Sx6P", scalar @code, $code;
			syscall(157, 22, 2, $program) == 0 or die "prctl: $!" if $machine eq "x86_64";
			syscall(167, 22, 2, $program) == 0 or die "prctl: $!" if $machine ne "x86_64";
		}
		exec @ARGV' "$families" "$(uname -m)" "${@:2}"
}

@test "gc by its unit detaches pods that have ended" {
	local pid
	server a annotations=', "io.podns.network": "front", "io.podns.publish": "8080:8000"' arg=--network-annotation \
		arg=--publish-annotation=8000-8099
	start a
	pid=$(init_pid a)
	kill -KILL "$pid"
	wait_for stopped a
	rm -rf "/run/rt-$RUNTIME/$(id_of a)"
	as_unit podns-gc.service.in "$PODNS" --root "$ROOT" gc
	gone
}

# --- addresses that are another pod's by now -----------------------------------------------------

@test "after a reboot: what is left of a pod is detached, and the pod that has its address now keeps its rules" {
	local address
	rm -rf "$REAL/leases"
	podns create --network front old
	address=$(addresses old)
	# A reboot: rules, leases and namespaces are gone, records are not.
	sed -i 's/^"boot":"[^"]*"/"boot":"00000000-0000-0000-0000-000000000000"/' "$ROOT/podns/network@old"
	umount "$ROOT"/{net,ipc,uts}ns/old
	rm -r "$ROOT"/{net,ipc,uts}ns/old "$ROOT/podns/old"
	rm -rf "$REAL/leases"
	podns create --network front web
	equal "$(addresses)" "$address"
	iptables-save >"$T/before"
	podns gc
	[ ! -e "$ROOT/podns/network@old" ]
	diff <(grep -e "$address/32" "$T/before" | sort) <(iptables-save | grep -e "$address/32" | sort)
}

# --- processes in the pod ------------------------------------------------------------------------

# no_end: the host has no end of the pod's interface.
no_end() {
	equal "$(ip -o link show type veth | grep -v out0)" ''
}

@test "a process of the pod has renamed its interface, or moved it into a namespace of its own: down cuts the pod off" {
	local pid
	podns create --network front web
	in_pin net web busybox ping -c 1 -W 1 10.99.0.1
	in_pin net web ip link set eth0 down
	in_pin net web ip link set eth0 name mine
	in_pin net web ip link set mine up
	podns network down web
	fails in_pin net web busybox ping -c 1 -W 1 10.99.0.1
	no_end
	contains "$(cat "$ROOT/podns/log")" 'was still there after DEL, and is removed'
	podns network up web
	in_pin net web busybox ping -c 1 -W 1 10.99.0.1
	unshare --net sleep 1000 3>&- &
	pid=$!
	PIDS+=("$pid")
	wait_for program_is "$pid" sleep
	in_pin net web ip link set eth0 netns "$pid"
	podns rm web
	no_end
	equal "$(nsenter --target "$pid" --net ip -o link show type veth)" ''
}
