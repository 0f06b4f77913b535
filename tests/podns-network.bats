#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podns network, and what podns ls and podns inspect say about networks. The plugins only write down what they are
# called with: tests/net.bash.

load helpers
load podns
load net

setup_file() {
	fake_plugins
}

setup() {
	fresh_plugins
	podns rm web
}

# attached ARGUMENT...: the pod web, with the network web.
attached() {
	podns create --network web "$@" web >/dev/null
	calls >/dev/null
}

# --- ls ---------------------------------------------------------------------------------

@test "ls: no network, and how to begin with one" {
	rm -rf "$NETD"
	equal "$(podns network ls)" "There is no network in $NETD. To begin with an example: cp \
/usr/share/oci-podns/net.d/podns.conflist $NETD/"
	equal "$(podns network ls --json)" '[]'
}

@test "ls: plugins, pods and their states; what is wrong with a file" {
	attached
	podns create --network web b >/dev/null
	podns network down b
	conflist a 0.4.0
	printf '{\n' >"$NETD/99-bad.conflist"
	printf '{\n' >"$NETD/99-other.conf"
	run podns network ls
	equal "$status" 0
	equal "${lines[0]}" 'NAME PLUGINS     PODS'
	equal "${lines[1]}" 'a    one,two,map -'
	[[ ${lines[2]} == 'web  one,two,map '* ]]
	contains "${lines[2]}" 'b (down)'
	equal "$(sed 's/b (down)//; s/.*map //; s/,//' <<<"${lines[2]}")" web
	contains "${lines[3]}" "-    -           -  $NETD/99-bad.conflist: line 2"
	equal "${#lines[@]}" 4
}

@test "ls --json, before and after the command" {
	local filter='[.[] | [.name, .file, (.plugins | join("+")), (.pods | join("+")), .error == null]] | tojson'
	attached
	printf '{\n' >"$NETD/99-bad.conflist"
	equal "$(podns network ls --json | jq -r "$filter")" \
		"[[\"web\",\"$NETD/50-web.conflist\",\"one+two+map\",\"web\",true],[null,\"$NETD/99-bad.conflist\",\"\",\"\",false]]"
	equal "$(podns network --json ls)" "$(podns network ls --json)"
	equal "$(podns network ls --json | jq -r '.[1].error')" "$NETD/99-bad.conflist: line 2, byte 1: truncated"
}

@test "ls: net.d that others may write to is an error" {
	chmod g+w "$NETD"
	podns_fails 1 "$NETD may be written to by others (mode 0775) (chmod go-w $NETD)" network ls
}

@test "ls: a network that has a pod and no file any more" {
	attached
	rm "$NETD"/*
	contains "$(podns network ls | sed -n 2p)" "web  -       web  no file in $NETD defines it any more"
	equal "$(podns network ls --json | jq -c 'map([.name, .file, .pods[0], .error])')" \
		"[[\"web\",null,\"web\",\"no file in $NETD defines it any more\"]]"
	# It is detached by what was recorded.
	podns rm web
	equal "$(calls)" 'map DEL,two DEL,one DEL'
}

# --- inspect and ls of pods ----------------------------------------------------------------

@test "inspect shows network, state, addresses and ports" {
	attached --publish 8080:80 --publish 127.0.0.1:53:53/udp
	equal "$(inspect web '.network | tojson')" \
		'{"name":"web","state":"up","error":null,"addresses":["10.9.8.7"],"ports":["8080:80/tcp","127.0.0.1:53:53/udp"],"ingress_rate":null,"egress_rate":null}'
	run podns inspect web
	contains "$output" 'Network:    web  10.9.8.7  up'
	contains "$output" 'Ports:      8080:80/tcp 127.0.0.1:53:53/udp'
	podns network down web
	equal "$(inspect web '.network | tojson')" \
		'{"name":"web","state":"down","error":null,"addresses":[],"ports":["8080:80/tcp","127.0.0.1:53:53/udp"],"ingress_rate":null,"egress_rate":null}'
	podns create plain >/dev/null
	equal "$(inspect plain .network)" null
	run podns inspect plain
	lacks "$output" Network
}

@test "a network that cannot be detached: ls and inspect say why, and gc tries again" {
	local ino
	attached
	ino=$(ns_ino "$ROOT/netns/web")
	plugin_does two DEL 'echo "{\"code\":100,\"msg\":\"busy\"}"; exit 1'
	podns_fails 1 'network web: plugin two: DEL: busy (code 100)' rm web
	equal "$(of_pod web '.state + ": " + .reason')" 'leaving: network web: plugin two: DEL: busy (code 100)'
	# The namespace is there for the next attempt.
	equal "$(ns_ino "$ROOT/netns/web")" "$ino"
	equal "$(inspect web .network.state)" leaving
	contains "$(inspect web .network.error)" 'plugin two: DEL: busy (code 100)'
	contains "$(podns ls | sed -n 2p)" 'leaving'
	podns_fails 1 "pod web: it has ended, but cannot be detached: network web: plugin two: DEL: busy (code 100) (remove the reason, or forget it: \`podns rm --force web\`)" \
		create web
	rm "$CNI/two-DEL"
	calls >/dev/null
	podns gc >/dev/null
	equal "$(calls)" 'map DEL,two DEL,one DEL'
	equal "$(namespaces {1..3})" "$ROOT/netns/web"
	equal "$(podns ls --json)" '[]'
	no_record
}

@test "a network that could not be detached: the hook's next run does that before it makes the pod again" {
	attached
	plugin_does two DEL 'exit 1'
	podns_fails 1 'plugin two: DEL' rm web
	make_bundle a annotations=', "io.podns.network": "web"'
	fails_line 'oci-podns-hook: ' 'plugin two: DEL' hook --network-annotation precreate <"$T/a/config.json"
	rm "$CNI/two-DEL"
	calls >/dev/null
	hook --network-annotation precreate <"$T/a/config.json" >"$T/a.json"
	equal "$(calls)" 'map DEL,two DEL,one DEL,one ADD,two ADD,map ADD'
	equal "$(record .state)" up
	podns rm --force web
	assert_nothing_left
}

@test "an ADD that fails and cannot be undone: the pod is leaving, and its namespace is there for the next attempt" {
	plugin_does two ADD 'exit 1'
	plugin_does two DEL 'exit 2'
	fails podns create --network web web 2>"$T/err"
	contains "$(cat "$T/err")" 'podns: create: pod web: network web: plugin two: ADD: exit status 1'
	equal "$(of_pod web '.state + ": " + .reason')" 'leaving: network web: plugin two: DEL: exit status 2'
	rm "$CNI"/two-{ADD,DEL}
	calls >/dev/null
	podns gc >/dev/null
	equal "$(calls)" 'map DEL,two DEL,one DEL'
	equal "$(namespaces {1..3})" "$ROOT/netns/web"
	no_record
	assert_nothing_left
}

@test "a run that fails after the pod was attached detaches it while its namespace is pinned" {
	make_bundle a annotations=', "io.podns.network": "web"'
	precreate_to_full() {
		hook --network-annotation precreate <"$T/a/config.json" >/dev/full
	}
	calls >/dev/null
	fails_line 'oci-podns-hook: ' 'No space left on device' precreate_to_full
	equal "$(calls)" 'one ADD,two ADD,map ADD,map DEL,two DEL,one DEL'
	equal "$(namespaces {1..6})" "$ROOT/netns/web"
	no_record
	assert_nothing_left
}

@test "rm detaches the pod while its namespace is pinned" {
	attached
	podns rm web
	equal "$(calls)" 'map DEL,two DEL,one DEL'
	equal "$(namespaces {1..3})" "$ROOT/netns/web"
}

@test "a network that can never be detached: rm --force forgets it at the second failure, and prints what may be left" {
	local id
	attached --publish 8080:80
	id=$(record .id)
	plugin_does two DEL 'echo "{\"code\":100,\"msg\":\"busy\"}"; exit 1'
	podns_fails 1 'network web: plugin two: DEL: busy (code 100) (podns gc tries again; so does podns rm --force web, and forgets' \
		rm --force web
	equal "$(of_pod web .state)" leaving
	# Without --force it stays, however often.
	podns_fails 1 'forgets the network if that fails' rm web
	equal "$(of_pod web .state)" leaving
	equal "$(podns rm --force web)" "web: the network web is forgotten, though it could not be detached: network web: plugin two: DEL: busy (code 100)
  what may be left: its address and rules of the host's firewall, also for published ports
  addresses: 10.9.8.7
  ports: 8080:80/tcp
  to find it: iptables-save | grep -e $id -e 10.9.8.7; grep -rsl $id /var/lib/cni /run; a reboot removes the rules"
	no_record
	assert_nothing_left
	equal "$(podns gc)" ''
	# The port is free again.
	rm "$CNI/two-DEL"
	attached --publish 8080:80
	podns rm web
}

@test "rm --force of a pod whose plugin is gone, or whose record is broken" {
	attached
	mv /opt/cni/bin/two "$CNI/two.away"
	podns_fails 1 'plugin two' rm web
	contains "$(podns rm --force web)" 'web: the network web is forgotten'
	mv "$CNI/two.away" /opt/cni/bin/two
	assert_nothing_left
	attached
	echo '{' >"$ROOT/podns/network@web"
	podns_fails 1 'network@web' rm web
	contains "$(podns rm --force web 2>"$T/err")" 'web: the network web is forgotten'
	contains "$(cat "$T/err")" 'network@web'
	no_record
	assert_nothing_left
}

@test "rm --force of a pod that was leaving, and can be detached now, forgets nothing" {
	attached
	plugin_does two DEL 'exit 1'
	podns_fails 1 'plugin two' rm web
	rm "$CNI/two-DEL"
	calls >/dev/null
	equal "$(podns rm --force web)" ''
	equal "$(calls)" 'map DEL,two DEL,one DEL'
	no_record
	assert_nothing_left
}

# --- check ----------------------------------------------------------------------------------

@test "check: all is there; the interface is down, or gone" {
	attached
	equal "$(podns network check web 2>&1)" ''
	equal "$(calls)" 'one CHECK,two CHECK,map CHECK'
	in_pin net web ip link set eth0 down
	podns_fails 1 "pod web: the interface eth0 in $ROOT/netns/web is down (podns network up web)" network check web
	in_pin net web ip link del eth0
	podns_fails 1 "there is no interface eth0 in $ROOT/netns/web (podns network up web)" network check web
}

@test "check: what a plugin says" {
	attached
	plugin_does two CHECK 'echo "{\"code\":7,\"msg\":\"a rule is missing\"}"; exit 1'
	podns_fails 1 'plugin two: CHECK: a rule is missing (code 7)' network check web
}

# --- down and up ------------------------------------------------------------------------------

@test "down and up: the same network with the same ports, while the pod lives" {
	attached --publish 8080:80
	equal "$(podns network down web 2>&1)" ''
	equal "$(calls)" 'map DEL,two DEL,one DEL'
	fails in_pin net web ip link show eth0
	podns_fails 1 'the network web is down (podns network up web)' network check web
	equal "$(podns network up web 2>&1)" ''
	equal "$(calls)" 'one ADD,two ADD,map ADD'
	equal "$(inspect web '.network.state + " " + .network.addresses[0] + " " + .network.ports[0]')" 'up 10.9.8.7 8080:80/tcp'
	# Both may be said again.
	podns network up web
	podns network check web
	podns network down web
	calls >/dev/null
	podns network down web
	equal "$(calls)" ''
}

@test "up that fails leaves the pod as it was, and may be tried again" {
	attached
	podns network down web
	plugin_does two ADD 'echo "{\"code\":11,\"msg\":\"no address\"}"; exit 1'
	podns_fails 1 'plugin two: ADD: no address (code 11)' network up web
	equal "$(inspect web .network.state)" down
	rm "$CNI/two-ADD"
	podns network up web
	equal "$(inspect web .network.state)" up
}

# --- publish ------------------------------------------------------------------------------------

@test "publish: with + or without, and what begins with - is no option" {
	attached --publish 8080:80
	equal "$(podns network publish web +8081:80 8082:82/udp -8080:80 2>&1)" ''
	equal "$(inspect web '.network.ports | join(" ")')" '8081:80/tcp 8082:82/udp'
	podns network publish web -8081:80
	podns network publish web -8082:82/udp +8080:80
	equal "$(inspect web '.network.ports | join(" ")')" '8080:80/tcp'
	equal "$(inspect web '.network.addresses[0]')" 10.9.8.7
}

@test "publish: ports that are malformed, twice, taken, or not published" {
	attached --publish 8080:80
	podns create --network web --publish 127.0.0.1:9000:80 b >/dev/null 2>&1 || true
	podns_fails 2 "port '80': expected [IP:]HOST:POD[/PROTOCOL] (see podns network --help)" network publish web 80
	podns_fails 2 "'x' is not a port" network publish web -x:80
	podns_fails 2 'port 1:1/tcp is published already' network publish web 1:1 +1:1
	podns_fails 1 'port 8080:81/tcp is published already, by 8080:80/tcp' network publish web 8080:81
	podns_fails 1 '9:9/tcp is not published' network publish web -9:9
	podns_fails 1 'port 9000/tcp: published by pod b already' network publish web 9000:80
	equal "$(inspect web '.network.ports | join(" ")')" '8080:80/tcp'
}

@test "create: a port that another pod has, and one that a program of the host has" {
	attached --publish 8080:80
	podns_fails 1 'port 8080/tcp: published by pod web already' create --network web --publish 8080:81 b
	equal "$(podns ls --json | jq length)" 1
	podns_fails 2 "--publish: port '80': expected" create --network web --publish 80 b
	podns_fails 1 'has no network' create --publish 8080:80 b
	podns_fails 2 '--network is given twice: a pod has one network' create --network web --network web b
}

@test "a pod made by podns create has lost its namespace: the next container does not start without its network" {
	attached --publish 8080:80
	umount "$ROOT/netns/web"
	make_bundle a pod=web
	fails_line 'oci-podns-hook: ' "the network namespace of pod web, which had the network web, is gone (\`podns rm --force web\`, then make the pod as before)" \
		hook precreate <"$T/a/config.json"
	podns rm --force web
	attached --publish 8080:80
	hook precreate <"$T/a/config.json" >/dev/null
	podns rm --force web
}

@test "a port on an address of IPv6, in a network without: create and publish refuse it" {
	podns_fails 1 'port [::1]:8080:80/tcp: the network web gives the pod no IPv6 address (publish it on an IPv4 address, or on all)' \
		create --network web --publish '[::1]:8080:80' web
	no_record
	equal "$(podns ls --json)" '[]'
	attached --publish 127.0.0.1:8080:80
	podns_fails 1 'port [::]:8081:80/tcp: the network web gives the pod no IPv6 address' network publish web '[::]:8081:80'
	equal "$(calls)" ''
	equal "$(inspect web '.network.ports | tojson')" '["127.0.0.1:8080:80/tcp"]'
}

@test "a plugin that is missing: refused before any plugin runs, and no pod is left" {
	sed -i 's/"two"/"absent"/' "$NETD/50-web.conflist"
	podns_fails 1 'there is no plugin absent in /usr/lib/cni' create --network web web
	equal "$(calls)" ''
	equal "$(podns ls --json)" '[]'
	no_record
	sed -i 's/"absent", /"two", "ipam": {"type": "absent"}, /' "$NETD/50-web.conflist"
	podns_fails 1 'there is no plugin absent' create --network web web
	equal "$(calls)" ''
}

# --- annotations ---------------------------------------------------------------------------------

# annotated PUBLISHED: the hook at precreate, for a container of the pod web.
annotated() {
	make_bundle a pod=web
	jq --arg ports "$1" '.annotations += {"io.podns.network": "web", "io.podns.publish": $ports}' <"$T/a/config.json" >"$T/config.json"
	"$HOOK" --root "$ROOT" --no-syslog --network-annotation --publish-annotation 9000-9010 precreate <"$T/config.json" >/dev/null
}

@test "the annotation io.podns.publish: ports are separated by commas or by spaces" {
	annotated '9001:80,9002:81/udp 9003:82'
	equal "$(inspect web '.network.ports | join(" ")')" '9001:80/tcp 9002:81/udp 9003:82/tcp'
	podns rm --force web
	fails_line 'oci-podns-hook: ' 'port 8000 of the host is not in the allowed range 9000-9010' annotated '9001:80 8000:80'
	fails_line 'oci-podns-hook: ' "annotation io.podns.publish: port '80'" annotated 80
}

# --- usage ----------------------------------------------------------------------------------------

@test "no pod, no network, no such network" {
	local verb
	podns create plain >/dev/null
	for verb in check up down; do
		podns_fails 1 "there is no pod none under $ROOT" network "$verb" none
		podns_fails 1 'network' network "$verb" plain
	done
	podns_fails 1 "there is no pod none under $ROOT" network publish none 8080:80
	podns_fails 1 'the pod has no network (a pod gets one when it is made)' network publish plain 8080:80
	podns_fails 1 "there is no network lan in $NETD/*.conflist (networks there: web)" create --network lan b
	rm "$NETD"/*
	podns_fails 1 'an example is /usr/share/oci-podns/net.d/podns.conflist' create --network lan b
}

@test "wrong usage: status 2 and a hint" {
	podns_fails 2 'ls, check, up, down or publish is missing (see podns network --help)' network
	podns_fails 2 "no command 'network nosuch'" network nosuch
	podns_fails 2 "unexpected argument 'x'" network ls x
	podns_fails 2 'check needs one POD' network check
	podns_fails 2 'down needs one POD' network down a b
	podns_fails 2 'publish needs a POD and ports' network publish web
	podns_fails 2 'only ls has --json' network up --json web
	podns_fails 2 "unknown option '--nosuch'" network check --nosuch web
	podns_fails 1 'pod' network check ../web
	podns network check --help | grep -q '^Usage: podns network'
}
