#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The network pasta of an ordinary user's pods. A network namespace plays the host, with 192.0.2.2 on it; another one, on the
# other end of a veth, the outside, with 192.0.2.1. The user and mount namespaces are made as rootless podman's are.

# shellcheck disable=SC2030,SC2031 # each test is a subshell

load helpers
load podns

USER_ID=64243
RUN_USER=/run/user/$USER_ID
BED=/run/pasta-bed
HOST_IP=192.0.2.2
OUTSIDE_IP=192.0.2.1

setup_file() {
	own_etc
	# The device is root's alone on some hosts.
	mount -t tmpfs -o mode=0755 tmpfs /dev/net
	mknod -m 0666 /dev/net/tun c 10 200
	mkdir -p "$BED/bin" /run/user
	# The user may not be allowed to enter the build's directory.
	install -m 0755 "$PODNS_BUILD/cli/podns" "$PODNS_BUILD/net/podns-net" "$BED/bin"
	make_network >"$BED/network.log" 2>&1 || touch "$BED/failed"
}

make_network() {
	touch "$BED/host" "$BED/outside"
	unshare "--net=$BED/host" true && unshare "--net=$BED/outside" true &&
		on_host ip link set lo up && outside ip link set lo up &&
		on_host ip link add up0 type veth peer name down0 &&
		nsenter "--net=$BED/host" ip link set down0 netns "$BED/outside" &&
		on_host ip address add "$HOST_IP/24" dev up0 && on_host ip link set up0 up &&
		outside ip address add "$OUTSIDE_IP/24" dev down0 && outside ip link set down0 up &&
		on_host ip route add default via "$OUTSIDE_IP"
}

on_host() {
	nsenter "--net=$BED/host" timeout -k 5 "$LIMIT" "$@" 3>&-
}

outside() {
	nsenter "--net=$BED/outside" timeout -k 5 "$LIMIT" "$@" 3>&-
}

setup() {
	needs_userns_of_users
	needs_veth
	if [ -e "$BED/failed" ]; then
		cat "$BED/network.log"
		return 1
	fi
	common_setup runc
	ROOT=$RUN_USER
	install -d -m 0700 -o "$USER_ID" -g "$USER_ID" "$RUN_USER"
	echo "nameserver $OUTSIDE_IP" >/etc/resolv.conf
	new_namespaces
	in_ns podns create web >/dev/null
}

teardown() {
	local pid
	for pid in $(pastas) $(with_arguments "$BED/www/") $(with_arguments --address=/host.test/); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	ROOT=$T/root common_teardown
	rm -rf "$RUN_USER"
}

# The namespaces of rootless podman, held by a process: $HOLDER. Called again, it makes other ones, and the pins of the old
# ones are not seen any more, as after `podman system migrate`.
new_namespaces() {
	[ -z "${HOLDER-}" ] || kill -KILL "$HOLDER"
	as_user unshare --user --map-root-user --mount --propagation private sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	HOLDER=$!
	PIDS+=("$HOLDER")
	wait_for program_is "$HOLDER" sleep
}

as_user() {
	exec nsenter "--net=$BED/host" setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups env --chdir=/ \
		-i "PATH=$BED/bin:$PATH" "$@" 3>&-
}

# in_ns COMMAND...: as the user, in these namespaces.
in_ns() (
	as_user timeout -k 5 "$LIMIT" nsenter --target "$HOLDER" --user --mount --preserve-credentials "$@"
)

# in_pod COMMAND...: in the network namespace of the pod web.
in_pod() (
	in_ns nsenter "--net=$ROOT/netns/web" "$@"
)

net() {
	in_ns podns-net "$@"
}

# net_fails TEXT ARGUMENT...
net_fails() {
	fails_line 'podns-net: ' "$1" net "${@:2}"
}

record() {
	jq -r "$1" <"$ROOT/podns/network@web"
}

edit_record() {
	record "$1" >"$T/record" && cat "$T/record" >"$ROOT/podns/network@web"
}

no_record() {
	equal "$(cd "$ROOT/podns" && find . -name '*network@*' -o -name resolv.conf)" ''
}

# with_arguments REGEX: the pids of processes whose command lines, with spaces between the arguments, match.
with_arguments() {
	local dir
	for dir in /proc/[0-9]*; do
		! tr '\0' ' ' 2>/dev/null <"$dir/cmdline" | grep -q -- "$1" || echo "${dir#/proc/}"
	done
}

# The pids of pasta processes that run for pods of this file.
pastas() {
	with_arguments "^[^ ]*/pasta .*--netns $RUN_USER/"
}

# It starts short-lived processes in the pod's namespace.
the_pasta_is() {
	[ "$(pastas)" = "$1" ]
}

no_pasta() {
	[ -z "$(pastas)" ]
}

# serve COMMAND... -- ADDRESS:PORT TEXT: a web server by COMMAND, whose / is TEXT.
serve() {
	local command=()
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	mkdir -p "$BED/www/$3"
	echo "$3" >"$BED/www/$3/index.html"
	"${command[@]}" busybox httpd -f -p "$2" -h "$BED/www/$3" </dev/null >/dev/null 2>&1 3>&- &
	PIDS+=("$!")
	wait_for serves "$3" "${command[@]}" -- "http://${2/#0.0.0.0:/127.0.0.1:}/"
}

# serves TEXT COMMAND... -- URL
serves() {
	[ "$(get "${@:2}")" = "$1" ]
}

# get COMMAND... -- URL
get() {
	local command=()
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	"${command[@]}" timeout 3 busybox wget -O - "$2" 2>/dev/null
}

# name_server COMMAND... -- ADDRESS ANSWER: it answers for host.test.
name_server() {
	local command=()
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	"${command[@]}" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --user=root \
		--bind-interfaces --except-interface=lo --listen-address="$2" --address="/host.test/$3" \
		</dev/null >/dev/null 2>&1 3>&- &
	PIDS+=("$!")
	wait_for eval "${command[*]} busybox nslookup host.test $2 | grep -q $3"
}

# looked_up [SERVER]: the address of host.test, in the pod with its resolv.conf.
looked_up() {
	# shellcheck disable=SC2016 # the inner shell expands it
	in_ns unshare --mount sh -c 'mount --bind "$1/podns/web/resolv.conf" /etc/resolv.conf &&
		exec nsenter "--net=$1/netns/web" busybox nslookup host.test' - "$ROOT" |
		sed -n 's/^Address[^:]*: *\(192[^:]*\)$/\1/p' | tail -n 1
}

# in_mounts COMMAND...: as root, in the mount namespace of the pods.
in_mounts() {
	nsenter --target "$HOLDER" --mount "$@"
}

# fake_program NAME: the script on standard input in the place of a program in /usr/bin, until the namespaces end. The
# program itself may not be installed.
fake_program() {
	rm -rf "$BED/fakes"
	mkdir "$BED/fakes"
	cat >"$BED/fakes/$1"
	chmod 0755 "$BED/fakes/$1"
	in_mounts mount -t overlay -o "ro,lowerdir=$BED/fakes:/usr/bin" overlay /usr/bin
}

# --- what a pod gets ---------------------------------------------------------

@test "pasta: an interface with the host's address; published ports lead into the pod, others do not" {
	local pid
	equal "$(net add --network pasta --publish 8080:80 --publish 127.0.0.1:9000-9001:90-91 --publish 5300:53/udp web)" \
		"$HOST_IP"
	equal "$(record .state)" up
	pid=$(record .pasta.pid)
	wait_for the_pasta_is "$pid"
	equal "$(record .pasta.start)" "$(cut -d' ' -f22 "/proc/$pid/stat")"
	contains "$(in_pod ip -br address show eth0)" "$HOST_IP/24"
	serve in_pod -- 0.0.0.0:80 of-the-pod
	serve in_pod -- 0.0.0.0:81 not-published
	serve in_pod -- 0.0.0.0:91 in-a-range
	equal "$(get outside -- "http://$HOST_IP:8080/")" of-the-pod
	equal "$(get on_host -- http://127.0.0.1:8080/)" of-the-pod
	equal "$(get on_host -- http://127.0.0.1:9001/)" in-a-range
	fails get outside -- "http://$HOST_IP:9001/"
	fails get outside -- "http://$HOST_IP:81/"
	fails get on_host -- http://127.0.0.1:81/
	net check web
	net del web
	no_pasta
	no_record
	fails get on_host -- http://127.0.0.1:8080/
}

@test "pasta: the outside can be reached, the host's loopback cannot" {
	net add --network pasta web
	serve outside -- "$OUTSIDE_IP:80" of-the-outside
	serve on_host -- 127.0.0.1:8888 of-the-loopback
	equal "$(get in_pod -- "http://$OUTSIDE_IP/")" of-the-outside
	fails get in_pod -- "http://$OUTSIDE_IP:8888/"
	fails get in_pod -- http://127.0.0.1:8888/
}

@test "pasta: names resolve, though the host's name server is on its loopback" {
	name_server on_host -- 127.0.0.53 192.0.2.77
	echo 'nameserver 127.0.0.53' >/etc/resolv.conf
	echo 'search example.test' >>/etc/resolv.conf
	net add --network pasta web
	equal "$(cat "$ROOT/podns/web/resolv.conf")" $'search example.test\nnameserver 169.254.1.1'
	equal "$(stat -c %a "$ROOT/podns/web/resolv.conf")" 644
	equal "$(looked_up)" 192.0.2.77
}

@test "pasta: names resolve by the host's name server, and by one that was given" {
	name_server outside -- "$OUTSIDE_IP" 192.0.2.78
	net add --network pasta web
	equal "$(cat "$ROOT/podns/web/resolv.conf")" "nameserver $OUTSIDE_IP"
	equal "$(looked_up)" 192.0.2.78
	net del web
	echo 'nameserver 127.0.0.53' >/etc/resolv.conf
	net add --network pasta --dns "$OUTSIDE_IP" web
	equal "$(cat "$ROOT/podns/web/resolv.conf")" "nameserver $OUTSIDE_IP"
	equal "$(looked_up)" 192.0.2.78
}

@test "pasta: add again changes nothing; other ports are refused" {
	local pid
	net add --network pasta --publish 8080:80 web
	pid=$(record .pasta.pid)
	equal "$(net add --network pasta --publish 8080:80 web)" "$HOST_IP"
	wait_for the_pasta_is "$pid"
	net_fails "the pod is attached to the network pasta already" add --network pasta --publish 8081:80 web
	wait_for the_pasta_is "$pid"
}

@test "pasta: ports are changed, with the same address" {
	net add --network pasta --publish 8080:80 web
	serve in_pod -- 0.0.0.0:80 of-the-pod
	net publish --publish 8081:80 --unpublish 8080:80 web
	equal "$(record '.ports[]')" 8081:80/tcp
	equal "$(get outside -- "http://$HOST_IP:8081/")" of-the-pod
	fails get outside -- "http://$HOST_IP:8080/"
	wait_for the_pasta_is "$(record .pasta.pid)"
	net check web
}

@test "pasta: after a change that fails the old ports are published" {
	net add --network pasta --publish 8080:80 web
	serve in_pod -- 0.0.0.0:80 of-the-pod
	serve in_ns -- 0.0.0.0:8081 of-the-host
	net_fails "port 8081/tcp: in use by busybox (pid $(with_arguments '^busybox httpd.*8081'))" publish --publish 8081:80 web
	net_fails "pasta publishes only tcp and udp" publish --publish 8082:80/sctp web
	fake_program pasta <<-SCRIPT
		#!/bin/sh
		echo 'no more ports' >&2
		exit 1
	SCRIPT
	net_fails "the old ports could not be published again (pasta: no more ports): pasta: no more ports" \
		publish --publish 8082:80 web
	in_mounts umount -l /usr/bin
	net_fails "a change of the published ports was interrupted" check web
	net publish web
	equal "$(record ".ports | tojson")" '["8080:80/tcp"]'
	equal "$(get outside -- "http://$HOST_IP:8080/")" of-the-pod
}

# --- what is refused ---------------------------------------------------------

@test "pasta: a port that is in use, of another pod, or privileged" {
	serve on_host -- 0.0.0.0:8080 of-the-host
	net_fails "port 8080/tcp: in use by another process (as root: ss -anp 'sport = :8080')" add --network pasta --publish 8080:80 web
	in_ns podns create db >/dev/null
	net add --network pasta --publish 8081:80 db
	net_fails "port 127.0.0.1:8081/tcp: published by pod db already" add --network pasta --publish 127.0.0.1:8081:80 web
	net_fails "port 192.0.2.9:8082/tcp: the address is none of this host's" add --network pasta --publish 192.0.2.9:8082:80 web
	net_fails "port 80/tcp: only root may publish it (net.ipv4.ip_unprivileged_port_start is 1024" \
		add --network pasta --publish 80:80 web
	net_fails "port 8082:80/sctp: pasta publishes only tcp and udp" add --network pasta --publish 8082:80/sctp web
	wait_for the_pasta_is "$(jq .pasta.pid <"$ROOT/podns/network@db")"
	[ ! -e "$ROOT/podns/network@web" ]
}

@test "pasta: the reason that pasta gives is passed on" {
	fake_program pasta <<-'SCRIPT'
		#!/bin/sh
		echo 'No external routable interface for IPv6' >&2
		echo "Failed to bind any port for '-t 8080:80', exiting" >&2
		echo 'Failed to send 51 bytes to syslog' >&2
		exit 1
	SCRIPT
	net_fails "podns-net: pasta: Failed to bind any port for '-t 8080:80', exiting" add --network pasta web
	no_record
}

@test "pasta: no rates" {
	net_fails "podns-net: pasta cannot limit rates" add --network pasta --egress-rate 1M web
	no_record
}

@test "pasta: without passt" {
	in_mounts mount --bind /dev/null /usr/bin/pasta
	net_fails "podns-net: pasta is missing (install passt)" add --network pasta web
	no_record
}

@test "networks with plugins are root's" {
	mkdir -p /etc/oci-podns/net.d
	printf '{"cniVersion": "1.0.0", "name": "lan", "plugins": [{"type": "bridge"}]}' >/etc/oci-podns/net.d/lan.conflist
	net_fails 'podns-net: a rootless pod cannot be attached to the network lan (its network is pasta)' add --network lan web
	no_record
	rm /etc/oci-podns/net.d/lan.conflist
}

@test "pasta: not as root" {
	mkdir -p "$T/root"
	"$PODNS" --root "$T/root" create web >/dev/null
	fails_line 'podns-net: ' \
		'the network pasta is for rootless podman alone (as root, name a network that a file in /etc/oci-podns/net.d defines)' \
		"$PODNS_BUILD/net/podns-net" --root "$T/root" add --network pasta web
	"$PODNS" --root "$T/root" rm web
}

# pasta fails there, or, since 2024, gives the pod an address of its own.
@test "pasta: a host without a network" {
	local status=0
	on_host ip link set up0 down
	net add --network pasta web >"$T/address" || status=$?
	on_host ip link set up0 up
	on_host ip route add default via "$OUTSIDE_IP"
	if [ "$status" = 0 ]; then
		equal "$(cat "$T/address")" 169.254.2.1
		net del web
	fi
	no_pasta
	no_record
}

# --- its life ----------------------------------------------------------------

@test "pasta ends by itself when the pin is removed" {
	net add --network pasta --publish 8080:80 web
	in_ns umount -l "$ROOT/netns/web"
	rm "$ROOT/netns/web"
	wait_for no_pasta
	net del web
	no_record
}

@test "a pasta that was killed: check says so, add starts another, del is no error" {
	net add --network pasta --publish 8080:80 web
	kill -KILL "$(record .pasta.pid)"
	wait_for no_pasta
	net_fails "has ended (podns network up web)" check web
	equal "$(net add --network pasta --publish 8080:80 web)" "$HOST_IP"
	net check web
	kill -KILL "$(record .pasta.pid)"
	wait_for no_pasta
	net del web
	no_record
}

@test "a process that got the pid of a pasta since is left alone" {
	local other
	net add --network pasta web
	kill -KILL "$(record .pasta.pid)"
	wait_for no_pasta
	as_user sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	other=$!
	PIDS+=("$other")
	wait_for program_is "$other" sleep
	edit_record ".pasta.pid = $other"
	net del web
	program_is "$other" sleep
	no_record
}

@test "a pasta that a killed run started and could not record is ended" {
	net add --network pasta --publish 8080:80 web
	edit_record 'del(.pasta) | .results = [] | .state = "adding"'
	net del web
	no_pasta
	no_record
}

@test "a pasta that has outlived its pod is ended by sweep" {
	net add --network pasta --publish 8080:80 web
	# As after podman system migrate.
	new_namespaces
	wait_for the_pasta_is "$(record .pasta.pid)"
	rm -r "$ROOT/podns/web"
	contains "$(net sweep)" "web: detached from the network pasta: the pod has ended"
	no_pasta
	no_record
}

@test "in other namespaces of podman's: the pod is made again, and the old pasta does not hold its port" {
	local before
	net add --network pasta --publish 8080:80 web
	before=$(record .pasta.pid)
	new_namespaces
	in_ns podns rm web 2>/dev/null || true
	in_ns podns create web >/dev/null
	equal "$(net add --network pasta --publish 8080:80 web)" "$HOST_IP"
	differ "$(record .pasta.pid)" "$before"
	wait_for the_pasta_is "$(record .pasta.pid)"
	serve in_pod -- 0.0.0.0:80 of-the-pod
	equal "$(get outside -- "http://$HOST_IP:8080/")" of-the-pod
}

# --- systemd -----------------------------------------------------------------

# make_socket PATH: of the user's, at which nobody listens.
make_socket() {
	install -d -o "$USER_ID" "${1%/*}"
	perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un($ARGV[0])) or die' "$1"
}

@test "pasta runs in a scope of its own if the user has a systemd manager" {
	make_socket "$RUN_USER/systemd/private"
	fake_program systemd-run <<-SCRIPT
		#!/bin/sh
		echo "\$XDG_RUNTIME_DIR \$*" >$RUN_USER/scope
		while [ "\$1" != -- ]; do
			shift
		done
		shift
		exec "\$@"
	SCRIPT
	net add --network pasta web
	contains "$(cat "$RUN_USER/scope")" "$RUN_USER --user --scope --quiet --collect --unit=podns-pasta-web-$(record '.id[0:8]') "
	wait_for the_pasta_is "$(record .pasta.pid)"
}

@test "pasta runs without a scope if the manager makes none" {
	make_socket "$RUN_USER/systemd/private"
	fake_program systemd-run <<-SCRIPT
		#!/bin/sh
		echo called >$RUN_USER/scope
		echo 'Failed to connect to bus: No medium found' >&2
		exit 1
	SCRIPT
	equal "$(net add --network pasta web)" "$HOST_IP"
	equal "$(cat "$RUN_USER/scope")" called
	wait_for the_pasta_is "$(record .pasta.pid)"
}

# --- other users ------------------------------------------------------------------

@test "another user's process with the command line of the pod's pasta does not keep the pod from being detached" {
	local pid
	mkdir -p "$BED/others"
	echo 'int pause(void); int main(void) { return pause(); }' | gcc -x c -o "$BED/others/pasta" -
	nsenter "--net=$BED/host" setpriv --reuid 64244 --regid 64244 --clear-groups "$BED/others/pasta" --config-net \
		--no-map-gw --quiet --ns-ifname eth0 -t none -u none --netns "$ROOT/netns/web" </dev/null >/dev/null 2>&1 3>&- &
	pid=$!
	PIDS+=("$pid")
	wait_for program_is "$pid" pasta
	fake_program pasta <<-SCRIPT
		#!/bin/sh
		echo 'no more ports' >&2
		exit 1
	SCRIPT
	net_fails "pasta: no more ports" add --network pasta web
	no_record
	in_mounts umount -l /usr/bin
	net add --network pasta web
	net del web
	no_record
	kill -0 "$pid"
}

@test "pasta: a port of the pod leads to another port of the pod" {
	net add --network pasta --publish 8080:80 web
	serve in_pod -- 0.0.0.0:81 of-the-pod
	net publish --publish 8080:81 --unpublish 8080:80 web
	equal "$(get outside -- "http://$HOST_IP:8080/")" of-the-pod
	# A range around it.
	net publish --publish 8079-8081:80-82 --unpublish 8080:81 web
	equal "$(get outside -- "http://$HOST_IP:8080/")" of-the-pod
	serve in_ns -- 0.0.0.0:8083 of-the-host
	net_fails "port 8083/tcp: in use by busybox" publish --publish 8079-8083:80-84 --unpublish 8079-8081:80-82 web
	equal "$(record ".ports | tojson")" '["8079-8081:80-82/tcp"]'
}

@test "pasta: a change of ports that was killed when the new pasta ran: it may be said again" {
	net add --network pasta --publish 8080:80 web
	serve in_pod -- 0.0.0.0:80 of-the-pod
	cp "$ROOT/podns/network@web" "$T/before"
	net publish --publish 8081:80 web
	sed 's|^"dns"|"nextPorts":["8080:80/tcp","8081:80/tcp"],\n&|' "$T/before" >"$ROOT/podns/network@web"
	net publish --publish 8081:80 web
	equal "$(record ".ports | tojson")" '["8080:80/tcp","8081:80/tcp"]'
	equal "$(get outside -- "http://$HOST_IP:8081/")" of-the-pod
	wait_for the_pasta_is "$(record .pasta.pid)"
}
