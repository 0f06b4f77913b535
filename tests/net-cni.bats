#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podns-net runs CNI plugins as libcni does, and survives what they and others do.
#
# shellcheck disable=SC2016 # shell code of plugins

load helpers
load podns
load net

setup_file() {
	fake_plugins
}

setup() {
	fresh_plugins
}

# --- what plugins get --------------------------------------------------------

@test "add, check and del: order, environment and input of the plugins" {
	local lock
	exec {lock}<"$ROOT/podns/web"
	flock "$lock"
	equal "$(net --lock-fd "$lock" add --network web --publish 8080:80 --publish 127.0.0.1:5300-5301:53-54/udp \
		--dns 192.0.2.53 web)" 10.9.8.7
	net --lock-fd "$lock" check web
	net --lock-fd "$lock" del web
	exec {lock}<&-
	equal "$(calls)" "one ADD,two ADD,map ADD,one CHECK,two CHECK,map CHECK,map DEL,two DEL,one DEL"
	as_golden net-web
	no_record
}

@test "before 0.4.0 there is no CHECK, and DEL gets no earlier result" {
	conflist web 0.3.1
	net add --network web web
	net check web
	net del web
	equal "$(calls)" "one ADD,two ADD,map ADD,map DEL,two DEL,one DEL"
	equal "$(jq .prevResult.by "$CNI"/[23].stdin | xargs)" "one two"
	equal "$(jq -c .prevResult "$CNI"/[456].stdin | xargs)" "null null null"
}

@test "disableCheck: the plugins are not asked, but the interface is looked at" {
	conflist web 1.0.0 '"disableCheck": true,'
	net add --network web web
	calls >/dev/null
	net check web
	equal "$(calls)" ''
	in_pin net web ip link set eth0 down
	net_fails "the interface eth0 in $ROOT/netns/web is down" check web
}

@test "the environment, descriptors and ignored signals of the caller do not reach the plugins" {
	plugin_does one ADD 'grep -E "^Sig(Ign|Blk):" "/proc/$$/status" | tr -d "[:space:]" >"$dir/signals"; default'
	(
		trap "" INT CHLD
		exec 7</dev/null
		CNI_ARGS=IgnoreUnknown=1 LD_PRELOAD='' EVIL=1 net add --network web web
	)
	fails grep -rq EVIL "$CNI"
	fails grep -qx 7 "$CNI/1.fds"
}

@test "each attachment has an id of its own" {
	local first
	net add --network web web
	first=$(record .id)
	[[ $first =~ ^[0-9a-f]{32}$ ]]
	net del web
	net add --network web web
	differ "$(record .id)" "$first"
}

# --- errors ------------------------------------------------------------------

@test "an error object of a plugin is passed on with plugin, code and details, and all plugins are DELed" {
	plugin_does two ADD 'echo "{\"cniVersion\":\"1.0.0\",\"code\":11,\"msg\":\"try again\",\"details\":\"later\"}"; exit 1'
	net_fails 'podns-net: plugin two: ADD: try again: later (code 11)' add --network web web
	equal "$(calls)" "one ADD,two ADD,map DEL,two DEL,one DEL"
	equal "$(jq -r .prevResult.by "$CNI"/[345].stdin | xargs)" "one one one"
	no_record
	fails in_pin net web ip link show eth0
}

@test "a plugin that fails without an error object: its status and the last line it wrote" {
	plugin_does one ADD 'echo first >&2; echo "no such bridge" >&2; exit 7'
	net_fails 'no such bridge' add --network web web
	no_record
}

@test "a plugin that prints no result, or what is none: an error, and all is undone" {
	local text
	for text in ' ' garbage '{"cniVersion":"1.0.0","ips":[{"address":"nowhere"}]}' '{"cniVersion":"1.0.0"' \
		"$(printf '%0129d' 0 | tr 0 '[')"; do
		echo "$text" >"$CNI/output"
			plugin_does two ADD 'cat "$dir/output"'
		net_fails 'plugin two: ADD' add --network web web
		equal "$(calls)" "one ADD,two ADD,map DEL,two DEL,one DEL"
		no_record
	done
}

@test "a plugin that hangs is killed in time, with its children, and all plugins are DELed" {
	local started=$SECONDS
	plugin_does two ADD 'sleep 1000 & echo $! >"$dir/child"; wait'
	net_fails 'plugin two: ADD' --seconds 5 add --network web web
	[ $((SECONDS - started)) -lt 8 ]
	equal "$(calls)" "one ADD,two ADD,map DEL,two DEL,one DEL"
	wait_for has_ended "$(<"$CNI/child")"
	no_record
}

@test "a DEL that hangs leaves time for the others, and stays recorded" {
	net add --network web web
	calls >/dev/null
	plugin_does map DEL 'exec sleep 1000'
	plugin_does two DEL 'exec sleep 1000'
	net_fails 'plugin map: DEL' --seconds 5 del web
	equal "$(calls)" "map DEL,two DEL,one DEL"
	equal "$(record .state)" leaving
	fails in_pin net web ip link show eth0
}

@test "a plugin that writes more than 1 MiB is an error" {
	plugin_does two ADD 'head -c 1048577 /dev/zero | tr "\\0" " "; default'
	net_fails 'plugin two: ADD' add --network web web
	equal "$(calls)" "one ADD,two ADD,map DEL,two DEL,one DEL"
	no_record
}

@test "a result of nearly 1 MiB is recorded and passed on byte for byte" {
	plugin_does two ADD 'printf "{\"x\":\"%1040000s\"," ""; result | tail -c +2'
	net add --network web web
	equal "$(jq '.prevResult.x | length' "$CNI/3.stdin")" 1040000
	net del web
	no_record
}

@test "a child of a plugin that keeps the pipe open is not waited for" {
	local started=$SECONDS
	plugin_does two ADD 'sleep 1000 & echo $! >"$dir/child"; default'
	net add --network web web
	kill "$(<"$CNI/child")"
	[ $((SECONDS - started)) -lt 8 ]
	equal "$(record .state)" up
}

@test "a result without cniVersion: the next plugin and the record have that of the network" {
	plugin_does one ADD 'default | sed "s/\"cniVersion\": \"1.0.0\", //"'
	plugin_does map ADD 'default | sed "s/\"cniVersion\": \"1.0.0\"/\"cniVersion\": \"\"/"'
	net add --network web --publish 8080:80 web
	equal "$(jq -r '.prevResult | .cniVersion + " " + .by' "$CNI/2.stdin")" '1.0.0 one'
	equal "$(record '[.results[].cniVersion] | join(" ")')" '1.0.0 1.0.0 1.0.0'
	net publish web --publish 8081:80
	equal "$(record '[.results[].cniVersion] | join(" ")')" '1.0.0 1.0.0 1.0.0'
}

@test "a plugin that is not there: nothing is left, and the error names it" {
	sed -i 's/"two"/"absent"/' "$NETD/50-web.conflist"
	net_fails absent add --network web web
	fails in_pin net web ip link show eth0
}

# --- the record --------------------------------------------------------------

@test "the record is adding, up and leaving, and has conflist and results byte for byte" {
	plugin_does map ADD 'cp "$(dirname "$CNI_NETNS")/../podns/network@web" "$dir/at-map"; default'
	plugin_does one DEL 'cp "$(dirname "$CNI_NETNS")/../podns/network@web" "$dir/at-del"; default'
	net add --network web --publish 8080:80 --dns 192.0.2.53 web
	equal "$(jq -r '[.state, .results[].by] | join(" ")' "$CNI/at-map")" "adding one two"
	equal "$(record '[.version, .pod, .network, .state, .ifname, .cniVersion, .ports[], .dns[]] | join(" ")')" \
		"1 web web up eth0 1.0.0 8080:80/tcp 192.0.2.53"
	equal "$(record '[.results[].by] | join(" ")')" "one two map"
	equal "$(record .boot)" "$(</proc/sys/kernel/random/boot_id)"
	equal "$(record .netns.ino)" "$(ns_ino "$ROOT/netns/web")"
	grep -qF '"x": 18446744073709551615 , "dns"' "$ROOT/podns/network@web"
	equal "$(stat -c '%a %u' "$ROOT/podns/network@web")" "600 0"
	net del web
	equal "$(jq -r .state "$CNI/at-del")" leaving
	no_record
}

@test "a record that is broken is an error that names the file, for every command" {
	local change
	net add --network web web
	cp "$ROOT/podns/network@web" "$T/good"
	for change in 's/"up"/"sideways"/' 's/"pod":"web"/"pod":"other"/' 's/"version":1/"version":2/' 's/"boot":/"boots":/' \
		's/"results":\[/"results":[3,/' 's/"id":"./"id":"x/' '$d' 's/"dns":\[/"dns":[4/'; do
		echo "$change"
		sed "$change" "$T/good" >"$ROOT/podns/network@web"
		net_fails "$ROOT/podns/network@web" del web
		net_fails "$ROOT/podns/network@web" check web
		net_fails "$ROOT/podns/network@web" add --network web web
		net_fails "$ROOT/podns/network@web" publish web --publish 1:1
		fails net sweep
	done
}

@test "add again: what is there is not touched, and another network is an error" {
	local asked=(--network web --publish 8080:80)
	net add "${asked[@]}" --dns 192.0.2.53 web
	calls >/dev/null
	equal "$(net add "${asked[@]}" --dns 192.0.2.53 web)" 10.9.8.7
	equal "$(calls)" ''
	conflist other 1.0.0
	net_fails 'attached to the network web already' add --network other web
	net_fails 'attached to the network web already' add --network web --dns 192.0.2.53 web
	net_fails 'attached to the network web already' add --network web --publish 8080:81 --dns 192.0.2.53 web
	net_fails 'attached to the network web already' add "${asked[@]}" web
	net_fails 'attached to the network web already' add "${asked[@]}" --dns 192.0.2.54 web
	equal "$(calls)" ''
}

@test "add again after the interface was removed by hand: it is attached once more" {
	net add --network web web
	in_pin net web ip link del eth0
	calls >/dev/null
	equal "$(net add --network web web)" 10.9.8.7
	equal "$(calls)" "map DEL,two DEL,one DEL,one ADD,two ADD,map ADD"
}

@test "an interface eth0 that is not ours: refused, and left" {
	in_pin net web sh -c 'ip link add eth0 type veth peer name p'
	net_fails 'there is an interface eth0' add --network web web
	equal "$(calls)" ''
	in_pin net web ip link show eth0
	no_record
	# The remedy works, wherever the pin is.
	sh -c "$(net add --network web web 2>&1 | sed 's/.*already (\(.*\))$/\1/')"
	equal "$(net add --network web web)" 10.9.8.7
}

@test "no pin, and a pin that is none: refused" {
	net_fails "$ROOT/netns/other" add --network web other
	equal "$(ls "$ROOT/podns")" web
	: >"$ROOT/netns/third"
	net_fails 'is not a network namespace' add --network web third
	rm "$ROOT/netns/third"
}

@test "ports of a network without portMappings: refused before any plugin runs" {
	sed -i 's/"portMappings":true/"portMappings":false/' "$NETD/50-web.conflist"
	net_fails 'cannot publish ports' add --network web --publish 8080:80 web
	equal "$(calls)" ''
	no_record
}

@test "rates: the plugin with that capability gets them, again after down, and no other plugin does" {
	sed -i 's/"capabilities": { "dns": true }/"capabilities": { "bandwidth": true }/' "$NETD/50-web.conflist"
	net add --network web --ingress-rate 10M --egress-rate 64k web
	equal "$(jq -c .runtimeConfig "$CNI"/[123].stdin | xargs -d '\n')" \
		'null {"bandwidth":{"ingressRate":10000000,"ingressBurst":1000000,"egressRate":64000,"egressBurst":131072}} null'
	equal "$(record '[.bandwidth.ingressRate, .bandwidth.egressRate] | tojson')" '[10000000,64000]'
	# The same request again is no other one, and one with another rate is.
	equal "$(net add --network web --ingress-rate 10000k --egress-rate 64000 web)" 10.9.8.7
	net_fails 'the pod is attached to the network web already' add --network web --ingress-rate 10M web
	net down web
	rm "$CNI"/*.stdin
	: >"$CNI/log"
	net up web
	contains "$(<"$CNI/2.stdin")" '"ingressRate":10000000'
}

@test "rates of a network without that capability: refused before any plugin runs" {
	net_fails 'the network web cannot limit rates (add the plugin bandwidth' add --network web --egress-rate 1M web
	equal "$(calls)" ''
	no_record
}

@test "resolv.conf: --dns, else that of the result, else the host's; it goes with the network" {
	net add --network web --dns 192.0.2.53 --dns 2001:db8::53 web
	equal "$(grep ^nameserver "$ROOT/podns/web/resolv.conf" | xargs)" "nameserver 192.0.2.53 nameserver 2001:db8::53"
	equal "$(stat -c %a "$ROOT/podns/web/resolv.conf")" 644
	net del web
	no_record
	plugin_does map ADD 'default | sed "s/\"dns\": {}/\"dns\": {\"nameservers\": [\"192.0.2.54\"], \"search\": [\"example.org\"]}/"'
	net add --network web web
	equal "$(grep -c . "$ROOT/podns/web/resolv.conf")" 2
	grep -qx 'nameserver 192.0.2.54' "$ROOT/podns/web/resolv.conf"
	grep -qx 'search example.org' "$ROOT/podns/web/resolv.conf"
	net del web
	rm "$CNI/map-ADD"
	printf 'nameserver 127.0.0.1\nnameserver 192.0.2.55\n' >/etc/own-resolv.conf
	mv /etc/own-resolv.conf /etc/resolv.conf
	net add --network web web
	equal "$(<"$ROOT/podns/web/resolv.conf")" 'nameserver 192.0.2.55'
	net del web
	no_record
}

@test "a published port that another pod or a process of the host has: refused, and nothing is left" {
	podns create other >/dev/null
	net add --network web --publish 18080-18081:80-81 web
	calls >/dev/null
	net_fails 'web' add --network web --publish 18081:80 other
	equal "$(calls)" ''
	fails test -e "$ROOT/podns/network@other"
	net publish web --unpublish 18080-18081:80-81
	net add --network web --publish 18081:80 other
	net_fails 'other' publish web --publish 18081:80
}

# --- killed, gone and replaced -----------------------------------------------

# kill_in NAME COMMAND ARGUMENT...: podns-net is killed while that plugin runs, which then ends.
kill_in() {
	local pid plugin=$1 command=$2
	shift 2
	plugin_does "$plugin" "$command" "touch \"\$dir/reached\"; while [ ! -e \"\$dir/go\" ]; do sleep 0.02; done; default"
	"$NET" --root "$ROOT" "$@" >/dev/null 2>&1 3>&- &
	pid=$!
	PIDS+=("$pid")
	wait_for test -e "$CNI/reached"
	kill -KILL "$pid"
	wait "$pid" || true
	# The plugin has inherited the lock.
	is_locked "$ROOT/podns/web"
	touch "$CNI/go"
	rm "$CNI/$plugin-$command"
}

@test "killed between two plugins: del undoes all of them, with what is known" {
	kill_in two ADD add --network web --publish 8080:80 web
	equal "$(record '[.state, .results[].by] | join(" ")')" "adding one"
	calls >/dev/null
	net del web
	equal "$(calls)" "map DEL,two DEL,one DEL"
	equal "$(jq -r .prevResult.by "$CNI"/[123].stdin | xargs)" "one one one"
	equal "$(jq -c '.runtimeConfig.portMappings[].hostPort' "$CNI/1.stdin")" 8080
	no_record
	fails in_pin net web ip link show eth0
}

@test "killed between two plugins: the next add detaches first, and sweep detaches" {
	kill_in two ADD add --network web web
	calls >/dev/null
	net add --network web web
	equal "$(calls)" "map DEL,two DEL,one DEL,one ADD,two ADD,map ADD"
	net del web
	rm -f "$CNI/reached" "$CNI/go"
	kill_in one ADD add --network web web
	equal "$(net sweep)" "web: detached from the network web: attaching it was interrupted"
	no_record
}

@test "killed in del: the next del finishes" {
	net add --network web web
	kill_in two DEL del web
	equal "$(record .state)" leaving
	calls >/dev/null
	net del web
	equal "$(calls)" "map DEL,two DEL,one DEL"
	no_record
}

@test "a DEL that fails: all others run, it stays leaving with the reason, and is tried again" {
	net add --network web web
	plugin_does two DEL 'echo "{\"code\":100,\"msg\":\"busy\"}"; exit 1'
	calls >/dev/null
	net_fails 'plugin two: DEL: busy (code 100)' del web
	equal "$(calls)" "map DEL,two DEL,one DEL"
	equal "$(record '.state + ": " + .error')" "leaving: plugin two: DEL: busy (code 100)"
	net_fails 'which an earlier run left: plugin two: DEL: busy (code 100)' add --network web web
	net_fails 'could not be detached from the network web: plugin two: DEL: busy' check web
	fails_line 'podns-net: ' 'plugin two: DEL: busy' net sweep
	rm "$CNI/two-DEL"
	calls >/dev/null
	equal "$(net sweep)" "web: detached from the network web: that had failed before"
	equal "$(calls)" "map DEL,two DEL,one DEL"
	no_record
}

@test "an ADD that fails and cannot be undone: the error is that of ADD, the record stays" {
	plugin_does two ADD 'echo "{\"code\":5,\"msg\":\"first\"}"; exit 1'
	plugin_does one DEL 'echo "{\"code\":6,\"msg\":\"second\"}"; exit 1'
	net_fails 'plugin two: ADD: first (code 5)' add --network web web
	equal "$(record '.state + ": " + .error')" "leaving: plugin one: DEL: second (code 6)"
}

@test "a pin that was replaced is not given to the plugins" {
	net add --network web web
	umount "$ROOT/netns/web"
	unshare --net sh -c "mount --bind /proc/self/ns/net '$ROOT/netns/web'"
	in_pin net web sh -c 'ip link add eth0 type veth peer name p'
	net_fails 'another namespace than the one that was attached' check web
	net del web
	equal "$(namespaces {4..6})" ''
	in_pin net web ip link show eth0
	no_record
}

@test "a pin that has the recorded number, but was born at another time, is not given to the plugins" {
	net add --network web web
	sed -i 's/"born":[0-9]*/"born":1/' "$ROOT/podns/network@web"
	net_fails 'another namespace than the one that was attached' check web
	net del web
	equal "$(calls)" "one ADD,two ADD,map ADD,map DEL,two DEL,one DEL"
	equal "$(namespaces {4..6})" ''
	no_record
}

@test "a conflist that was changed or removed since: DEL uses the old one" {
	net add --network web web
	sed -i 's/"snat": true/"snat": false/; s/"one"/"absent"/' "$NETD/50-web.conflist"
	net check web
	rm "$NETD/50-web.conflist"
	calls >/dev/null
	net del web
	equal "$(calls)" "map DEL,two DEL,one DEL"
	equal "$(jq .snat "$CNI/1.stdin")" true
}

# --- sweep -------------------------------------------------------------------

@test "sweep leaves pods that live, and detaches those that have ended" {
	net add --network web web
	calls >/dev/null
	equal "$(net sweep)" ''
	equal "$(calls)" ''
	rm "$ROOT/podns/web/record"
	equal "$(net sweep)" "web: detached from the network web: the pod has ended"
	equal "$(calls)" "map DEL,two DEL,one DEL"
	no_record
	[ ! -e "$ROOT/podns/web" ]
}

@test "after the host was booted: one DEL without namespace, forgotten whatever it says" {
	net add --network web web
	edit_record '.boot = "11111111-2222-3333-4444-555555555555"'
	plugin_does two DEL 'exit 1'
	calls >/dev/null
	equal "$(net sweep)" "web: detached from the network web: the host was booted"
	equal "$(calls)" "map DEL,two DEL,one DEL"
	equal "$(namespaces {1..3})" ''
	no_record
	podns log | grep 'plugin two: DEL'
}

@test "after the host was booted: add runs one DEL without namespace before it attaches the pod" {
	net add --network web web
	sed -i 's/"boot":"[^"]*"/"boot":"11111111-2222-3333-4444-555555555555"/' "$ROOT/podns/network@web"
	plugin_does two DEL 'exit 1'
	calls >/dev/null
	# In truth it would be gone, too.
	net_fails 'there is an interface eth0' add --network web web
	equal "$(calls)" "map DEL,two DEL,one DEL"
	equal "$(namespaces {1..3})" ''
	no_record
	in_pin net web ip link del eth0
	net add --network web web
	equal "$(calls)" "one ADD,two ADD,map ADD"
	equal "$(record .boot)" "$(</proc/sys/kernel/random/boot_id)"
}

@test "sweep: one pod that fails does not stop the others" {
	podns create other >/dev/null
	net add --network web web
	net add --network web other
	rm "$ROOT"/podns/{web,other}/record
	plugin_does two DEL 'case $CNI_NETNS in */web) exit 1 ;; *) default ;; esac'
	fails net sweep
	equal "$(cd "$ROOT/podns" && echo network@*)" network@web
}

@test "sweep judges again under the lock: what another process has attached meanwhile stays" {
	local sweep
	net add --network web web
	calls >/dev/null
	sed -i 's/"state":"up"/"state":"adding"/' "$ROOT/podns/network@web"
	lock "$ROOT/podns/web"
	"$NET" --root "$ROOT" sweep >"$T/out" 2>&1 3>&- &
	sweep=$!
	PIDS+=("$sweep")
	wait_for is_waited_for "$ROOT/podns/web"
	sed -i 's/"state":"adding"/"state":"up"/' "$ROOT/podns/network@web"
	unlock
	wait "$sweep"
	equal "$(<"$T/out")" ''
	equal "$(calls)" ''
	net check web
}

@test "sweep leaves a network that is down" {
	net add --network web web
	net down web
	calls >/dev/null
	equal "$(net sweep)" ''
	equal "$(calls) $(record .state)" ' down'
	net up web
}

# --- publish -----------------------------------------------------------------

@test "publish: only the plugins that map ports, at their place, and the address stays" {
	net add --network web --publish 8080:80 web
	calls >/dev/null
	net publish web --publish 8081:80 --unpublish 8080:80
	equal "$(calls)" "map DEL,map ADD"
	equal "$(jq -c '[.prevResult.by, .runtimeConfig.portMappings[].hostPort]' "$CNI/1.stdin")" '["map",8080]'
	equal "$(jq -c '[.prevResult.by, .runtimeConfig.portMappings[].hostPort]' "$CNI/2.stdin")" '["two",8081]'
	equal "$(record '.ports | join(" ")') $(record .nextPorts)" "8081:80/tcp null"
	net_fails 'is not published' publish web --unpublish 8080:80
	net check web
}

@test "publish that fails: the old ports are put back, and the error says so" {
	net add --network web --publish 8080:80 web
	plugin_does map ADD 'if grep -q 8081 "$dir/$n.stdin"; then echo "{\"code\":9,\"msg\":\"taken\"}"; exit 1; fi; default'
	calls >/dev/null
	net_fails 'the ports are as before: plugin map: ADD: taken (code 9)' publish web --publish 8081:80
	equal "$(calls)" "map DEL,map ADD,map DEL,map ADD"
	equal "$(record '.ports | join(" ")') $(record .nextPorts)" "8080:80/tcp null"
	plugin_does map ADD 'exit 1'
	net_fails 'the old ports could not be published again' publish web --publish 8081:80
	net_fails 'a change of the published ports was interrupted' check web
	# The next one cannot be made either, but the old ports are put back.
	plugin_does map ADD '! grep -q 8081 "$dir/$n.stdin" || exit 1; default'
	net_fails 'the ports are as before' publish web --publish 8081:80
	equal "$(record '[.nextPorts, .error] | tojson')" '[null,null]'
	rm "$CNI/map-ADD"
	net publish web
	net check web
	equal "$(record '.ports | join(" ")')" "8080:80/tcp"
}

@test "publish is killed before any port was there: publish and del give the plugins the new one, to delete it" {
	net add --network web web
	kill_in map ADD publish web --publish 8081:80
	equal "$(record '.nextPorts | join(" ")')" 8081:80/tcp
	net_fails 'attached to the network web already' add --network web web
	cp "$ROOT/podns/network@web" "$T/interrupted"
	calls >/dev/null
	net publish web
	equal "$(calls)" "map DEL,map DEL,map ADD"
	equal "$(jq -c '.runtimeConfig.portMappings[].hostPort' "$CNI/1.stdin")" 8081
	equal "$(record '.ports | length') $(record .nextPorts)" '0 null'
	cat "$T/interrupted" >"$ROOT/podns/network@web"
	net del web
	equal "$(calls)" "map DEL,two DEL,one DEL"
	equal "$(jq -c '.runtimeConfig.portMappings[].hostPort' "$CNI/1.stdin")" 8081
	no_record
}

@test "publish: not for a pod that is down, of another boot, or whose pin was replaced" {
	local change
	net add --network web --publish 8080:80 web
	cp "$ROOT/podns/network@web" "$T/good"
	calls >/dev/null
	for change in 's/"state":"up"/"state":"leaving"/' 's/"state":"up"/"state":"adding"/' 's/"state":"up"/"state":"down"/' \
		's/"boot":"[^"]*"/"boot":"x"/' 's/"born":[0-9]*/"born":1/'; do
		sed "$change" "$T/good" >"$ROOT/podns/network@web"
		net_fails 'the pod is not attached to the network web any more' publish web --publish 8081:80
		equal "$(calls)" ''
	done
	cat "$T/good" >"$ROOT/podns/network@web"
	net publish web --publish 8081:80
}

@test "publish: a first plugin that maps ports would give the pod another address: refused" {
	sed -i 's/{ "type": "one",/& "capabilities": {"portMappings": true},/' "$NETD/50-web.conflist"
	net add --network web --publish 8080:80 web
	calls >/dev/null
	net_fails 'plugin one publishes the ports and makes the interface, so they cannot be changed' \
		publish web --publish 8081:80
	equal "$(calls)" ''
	equal "$(record '.ports | join(" ")') $(record .nextPorts)" '8080:80/tcp null'
}

@test "add and publish compare ports while they hold the lock for the ports of all pods" {
	local lock
	podns create other >/dev/null
	net add --network web --publish 8080:80 web
	calls >/dev/null
	exec {lock}<"$ROOT/podns"
	flock "$lock"
	net_fails 'another process holds the lock' --seconds 1 add --network web --publish 8081:80 other
	net_fails 'another process holds the lock' --seconds 1 publish web --publish 8082:80
	exec {lock}<&-
	equal "$(calls)" ''
	[ ! -e "$ROOT/podns/network@other" ]
	equal "$(record '.ports | join(" ")') $(record .nextPorts)" '8080:80/tcp null'
}

# --- 1.1.0 -------------------------------------------------------------------

knows_1_1() {
	local name
	for name; do
		plugin_does "$name" VERSION 'echo "{\"cniVersion\": \"1.1.0\", \"supportedVersions\": [\"1.0.0\", \"1.1.0\"]}"'
	done
}

@test "1.1.0: VERSION and STATUS come before ADD, and a plugin that is not ready stops it" {
	conflist web 1.1.0
	knows_1_1 one two map
	net add --network web web
	equal "$(calls)" "one VERSION,two VERSION,map VERSION,one STATUS,two STATUS,map STATUS,one ADD,two ADD,map ADD"
	net del web
	plugin_does two STATUS 'echo "{\"code\":50,\"msg\":\"not ready\"}"; exit 1'
	calls >/dev/null
	net_fails 'plugin two: STATUS: not ready (code 50)' add --network web web
	equal "$(calls)" "one VERSION,two VERSION,map VERSION,one STATUS,two STATUS"
	no_record
}

@test "1.1.0: a plugin that does not know it is refused before any ADD" {
	conflist web 1.1.0
	knows_1_1 one two
	net_fails 'plugin map' add --network web web
	equal "$(calls)" "one VERSION,two VERSION,map VERSION"
}

@test "of several versions the highest that all plugins know is used, for DEL, too" {
	conflist web 0.4.0 '"cniVersions": ["1.0.0", "0.3.1"],'
	plugin_does two VERSION 'echo "{\"cniVersion\": \"0.4.0\", \"supportedVersions\": [\"0.3.1\", \"0.4.0\"]}"'
	net add --network web web
	equal "$(calls)" "one VERSION,two VERSION,map VERSION,one ADD,two ADD,map ADD"
	equal "$(record .cniVersion)" 0.4.0
	net del web
	equal "$(jq -r .cniVersion "$CNI"/{1,2,3}.stdin | xargs)" '0.4.0 0.4.0 0.4.0'
}

# attached_in_run: a pod in the root /run, attached to a network whose plugins know GC; $id is that of its attachment.
attached_in_run() {
	conflist web 1.1.0
	knows_1_1 one two map
	podns rm web
	"$PODNS" create web >/dev/null
	"$NET" add --network web web
	id=$(jq -r .id /var/lib/oci-podns/network@web)
}

@test "1.1.0: sweep runs GC with the attachments that are left, in the root /run" {
	local id
	attached_in_run
	calls >/dev/null
	"$NET" sweep
	equal "$(calls)" "one VERSION,one GC,two VERSION,two GC,map VERSION,map GC"
	equal "$(jq -c '.["cni.dev/valid-attachments"]' "$CNI/2.stdin")" "[{\"containerID\":\"$id\",\"ifname\":\"eth0\"}]"
	equal "$(jq -c '.["cni.dev/attachments"]' "$CNI/2.stdin")" "[{\"containerID\":\"$id\",\"ifname\":\"eth0\"}]"
	# Another root knows only a part of the host's pods.
	net sweep
	equal "$(calls)" ''
	conflist web 1.1.0 '"disableGC": true,'
	"$NET" sweep
	equal "$(calls)" ''
	"$NET" del web
	"$PODNS" rm web
}

@test "1.1.0: GC spares what is still to be detached, and is not for plugins that do not know it" {
	local id
	attached_in_run
	plugin_does map DEL 'exit 1'
	fails "$NET" del web
	rm "$CNI/two-VERSION"
	calls >/dev/null
	fails "$NET" sweep
	equal "$(calls)" "map DEL,two DEL,one DEL,one VERSION,one GC,two VERSION,map VERSION,map GC"
	equal "$(jq -c '.["cni.dev/valid-attachments"][].containerID' "$CNI/5.stdin")" "\"$id\""
	rm "$CNI/map-DEL"
	"$NET" sweep
	equal "$(jq -c '.["cni.dev/valid-attachments"]' "$CNI"/[58].stdin | xargs)" '[] []'
	"$PODNS" rm web
}

@test "1.1.0: no GC while a record cannot be read, since its attachment would count as gone" {
	conflist web 1.1.0
	knows_1_1 one two map
	podns rm web
	"$PODNS" create web >/dev/null
	"$NET" add --network web web
	cp /var/lib/oci-podns/network@web "$T/good"
	echo '{' >/var/lib/oci-podns/network@web
	calls >/dev/null
	fails_line 'podns-net: ' /var/lib/oci-podns/network@web "$NET" sweep
	equal "$(calls)" ''
	cat "$T/good" >/var/lib/oci-podns/network@web
	"$NET" del web
	"$PODNS" rm web
}

# --- the command line --------------------------------------------------------

@test "--lock-fd must be the pod's directory, locked by the caller" {
	local fd other twin started
	exec {fd}<"$ROOT/podns/web" {other}<"$ROOT"
	net_fails 'is not open on' --lock-fd "$other" del web
	net_fails '--lock-fd 900: Bad file descriptor' --lock-fd 900 del web
	flock "$fd"
	net --lock-fd "$fd" add --network web web
	started=$SECONDS
	net_fails 'another process holds the lock' --seconds 1 del web
	[ $((SECONDS - started)) -lt 5 ]
	# Another one of the same directory does not hold it.
	exec {twin}<"$ROOT/podns/web"
	net_fails "--lock-fd: lock $ROOT/podns/web" --lock-fd "$twin" del web
	exec {twin}<&-
	net --lock-fd "$fd" del web
	exec {fd}<&- {other}<&-
	no_record
}

@test "wrong usage: one line and exit status 2" {
	local words code
	for words in '' nothing add 'add web' 'add --network a/b web' 'add --network web .x' 'del' 'del web x' \
		'del --network web web' 'check --publish 1:1 web' 'del --egress-rate 1M web' \
		'add --network web --ingress-rate 1T web' 'sweep web' 'sweep --lock-fd 5' '--lock-fd 2 del web' \
		'--seconds 0 del web' 'add --network web --dns x web' 'add --network web --publish 0:1 web' '--nothing' '--root'; do
		code=0
		# shellcheck disable=SC2086 # words
		"$NET" $words >"$T/stdout" 2>"$T/stderr" || code=$?
		equal "$code" 2 "status of '$words'"
		equal "$(<"$T/stdout")" '' stdout
		equal "$(wc -l <"$T/stderr")" 1 "lines on stderr"
	done
	"$NET" --help | grep -q '^Usage: podns-net'
	equal "$("$NET" --version)" "podns-net $(sed -n 's/^PACKAGE_VERSION = //p' "$PODNS_BUILD/Makefile")"
}

@test "standard output that is closed: the pod is detached again" {
	fails net add --network web web >&-
	equal "$(calls)" "one ADD,two ADD,map ADD,map DEL,two DEL,one DEL"
	no_record
}

@test "an address that another pod has by now: DEL gets no earlier result, whose addresses it would clean up" {
	local n
	net add --network web web
	plugin_does map DEL 'exit 7'
	fails net del web
	rm "$CNI/map-DEL"
	podns create two >/dev/null
	net add --network web two
	n=$(wc -l <"$CNI/log")
	net del web
	equal "$(jq -c 'has("prevResult")' "$CNI/$((n + 1)).stdin" "$CNI/$((n + 2)).stdin" "$CNI/$((n + 3)).stdin" | sort -u)" false
	# The pod that has it is detached with it.
	n=$(wc -l <"$CNI/log")
	net del two
	equal "$(jq -c '.prevResult.by' "$CNI/$((n + 1)).stdin")" '"map"'
}

@test "the first DEL reads the record of no other pod" {
	net add --network web web
	podns create two >/dev/null
	under_strace -e trace=openat -o "$T/strace" "$NET" --root "$ROOT" add --network web --publish 18080:80 two
	grep -q 'network@web' "$T/strace"
	under_strace -e trace=openat -o "$T/strace" "$NET" --root "$ROOT" del two
	grep -q 'network@two' "$T/strace"
	fails grep 'network@web' "$T/strace"
}
