#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What kills, accidents, other users' processes and plugins do to a pod's network, from `podns create` to `podns gc`.
#
# shellcheck disable=SC2016,SC2030,SC2031 # shell code of plugins; each test is a subshell

load helpers
load podns
load net
load runtime

setup_file() {
	fake_plugins
	cc -O2 -D_GNU_SOURCE "-I$PODNS_SRC" -o "$BATS_FILE_TMPDIR/ask" "$PODNS_SRC/tests/storm/ask.c"
}

setup() {
	fresh_plugins
	podns rm web >/dev/null
	calls >/dev/null
}

# holds NAME: the plugin's ADD goes on when $CNI/go is there, and notes that in the log.
holds() {
	plugin_does "$1" ADD 'echo $$ >"$dir/held"; until [ -e "$dir/go" ]; do sleep 0.02; done; echo "$name goes on" >>"$dir/log"; default'
}

# start COMMAND...: podns in the background; its pid is in $STARTED, its errors are in $T/err.
start() {
	"$PODNS" --root "$ROOT" "$@" >"$T/out" 2>"$T/err" 3>&- &
	STARTED=$!
	PIDS+=("$STARTED")
}

go_on() {
	touch "$CNI/go"
	wait_for has_ended "$(cat "$CNI/held")"
}

# podns_net_pid: of the podns-net that the held plugin belongs to.
podns_net_pid() {
	sed -n 's/^PPid:\t//p' "/proc/$(cat "$CNI/held")/status"
}

# define: the pod web has the network web.
define() {
	mkdir -p /etc/oci-podns/pods.d
	printf '[Pod]\nNetwork=web\n' >/etc/oci-podns/pods.d/web.pod
}

# gone: nothing of the pod web is left.
gone() {
	no_record
	[ ! -e "$ROOT/podns/web" ] && [ ! -e "$ROOT/netns/web" ]
}

@test "a temporary resolv.conf that a killed run left does not keep the pod from ending" {
	podns create web --network web
	touch "$ROOT/podns/web/.resolv.conf.new"
	podns rm web
	gone
}

@test "rm and gc detach a pod though no network is configured any more" {
	podns create web --network web
	podns create other --network web
	rm "$NETD"/*
	podns rm web
	[ ! -e "$ROOT/podns/network@web" ]
	sed -i '/^held/d' "$ROOT/podns/other/record"
	podns gc
	no_record
}

@test "poststop where no network is configured any more: the pod is leaving, and podns gc detaches it by its namespace" {
	make_bundle a annotations=', "io.podns.network": "web"'
	create a '' --network-annotation
	rm "$NETD"/*
	calls >/dev/null
	fails poststop a 2>"$T/err"
	contains "$(cat "$T/err")" 'network web cannot be detached by this program'
	equal "$(of_pod web .state)" leaving
	podns gc
	equal "$(calls)" 'map DEL,two DEL,one DEL'
	equal "$(namespaces {1..3})" "$ROOT/netns/web"
	gone
}

@test "--root after the command is that of the network, too" {
	"$PODNS" create --root "$ROOT" web --network web
	equal "$(record .state)" up
	"$PODNS" rm "--root=$ROOT" web
	gone
}

@test "a sweep whose time is over forgets nothing of an earlier boot that no plugin was called for" {
	local pod
	for pod in web two three; do
		podns create "$pod" --network web
		jq '.boot = "00000000-0000-0000-0000-000000000000"' "$ROOT/podns/network@$pod" >"$T/record"
		cat "$T/record" >"$ROOT/podns/network@$pod"
	done
	calls >/dev/null
	plugin_does one DEL 'sleep 1.1'
	fails net --seconds 4 sweep 2>"$T/stderr"
	contains "$(cat "$T/stderr")" 'no time is left to detach it (podns gc does it when it runs again)'
	equal "$(find "$ROOT/podns" -name 'network@*' | wc -l)" "$((3 - $(calls | tr , '\n' | grep -c 'one DEL')))"
	net sweep
	no_record
}

@test "each pod that podns rm ends has the whole time" {
	podns create web --network web
	podns create two --network web
	plugin_does one DEL 'tr "\0" " " <"/proc/$PPID/cmdline" >>"$dir/lines"; sleep 4; default'
	podns rm web two
	equal "$(grep -o -- '--seconds 25' "$CNI/lines" | wc -l)" 2
}

@test "what a hook waited for the lock is taken from the time of podns-net: engines give it 30 s in all" {
	make_bundle a annotations=', "io.podns.network": "web"'
	plugin_does one ADD 'tr "\0" " " <"/proc/$PPID/cmdline" >"$dir/line"; default'
	mkdir -m 0700 "$ROOT/podns/web"
	lock "$ROOT/podns/web"
	hook --network-annotation precreate <"$T/a/config.json" >"$T/a.json" 2>"$T/err" 3>&- &
	STARTED=$!
	PIDS+=("$STARTED")
	wait_for is_waited_for "$ROOT/podns/web"
	sleep 6
	unlock
	wait "$STARTED"
	[[ $(<"$CNI/line") =~ --seconds\ ([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -le 22 ]
	[ "${BASH_REMATCH[1]}" -gt 10 ]
	podns rm --force web
}

@test "podns-net is killed alone: the pod is detached when its plugin has ended, and not before" {
	holds one
	start create web --network web
	wait_for [ -s "$CNI/held" ]
	kill -KILL "$(podns_net_pid)"
	fails wait "$STARTED"
	contains "$(cat "$T/err")" 'podns-net was killed by signal 9'
	fails flock -n "$ROOT/podns/web" true
	equal "$(of_pod web .state)" leaving
	go_on
	podns gc
	equal "$(calls)" 'one ADD,one goes on,map DEL,two DEL,one DEL'
	gone
}

@test "a record that names a process that is no pasta of the pod: del does not end it" {
	local pid start
	podns create web >/dev/null
	net add --network web web
	sleep 1000 3>&- &
	pid=$!
	PIDS+=("$pid")
	start=$(cut -d' ' -f22 "/proc/$pid/stat")
	edit_record ".network = \"pasta\" | .pasta = {pid: $pid, start: $start} | .results = [] | .state = \"leaving\" |
		del(.conflist, .cniVersion)"
	net del web
	fails has_ended "$pid"
	no_record
}

@test "podns-net is killed alone in GC: no pod is attached until its plugin has ended" {
	conflist web 1.1.0
	plugin_does one VERSION 'echo "{\"cniVersion\": \"1.1.0\", \"supportedVersions\": [\"1.1.0\"]}"'
	plugin_does one GC 'echo $$ >"$dir/held"; until [ -e "$dir/go" ]; do sleep 0.02; done'
	mkdir -m 0755 /run/podns
	"$NET" sweep >"$T/out" 2>"$T/err" 3>&- &
	PIDS+=($!)
	wait_for [ -s "$CNI/held" ]
	kill -KILL $!
	wait $! || true
	fails flock -n /run/podns true
	go_on
	# The sleep of the plugin has the lock a moment longer.
	wait_for flock -n /run/podns true
}

@test "a container joins a pod that began before its definition: a warning says that it has no network" {
	podns create web >/dev/null
	make_bundle a
	define
	hook precreate <"$T/a/config.json" >"$T/a.json" 2>"$T/stderr"
	rm /etc/oci-podns/pods.d/web.pod
	contains "$(cat "$T/stderr")" 'the definition names the network web, but the pod began without it'
	equal "$(calls)" ''
}

@test "SIGTERM of podns, SIGKILL of the agent or of its child: podns-net goes on and detaches the pod, and gc ends it" {
	local victim
	for victim in both agent child; do
		rm -f "$CNI"/{held,go}
		holds one
		start create web --network web
		wait_for [ -s "$CNI/held" ]
		case $victim in
		# SIGINT is ignored in the background.
		both) kill -TERM "$STARTED" "$(pgrep -P "$STARTED" podns$)" ;;
		agent) kill -KILL "$STARTED" ;;
		child) kill -KILL "$(pgrep -P "$STARTED" podns$)" ;;
		esac
		[ "$victim" = child ] || wait "$STARTED" || true
		fails flock -n "$ROOT/podns/web" true
		go_on
		[ "$victim" != child ] || fails wait "$STARTED"
		podns gc
		gone
		calls
	done
}

# --- the confined process is taken over -----------------------------------------------

# taken_over INPUT COMMAND...: a program of ours, whose confined child waits; that is $CHILD.
taken_over() {
	"${@:2}" <"$1" >"$T/out" 2>"$T/err" 3>&- &
	STARTED=$!
	PIDS+=("$STARTED")
	wait_for confined_child
}

confined_child() {
	CHILD=$(pgrep -P "$STARTED") && grep -q '^Seccomp:[[:space:]]2$' "/proc/$CHILD/status"
}

# hook_taken_over OPTION... STAGE: it waits for its document, which does not come while the FIFO is open as 8.
hook_taken_over() {
	taken_over "$T/fifo" "$HOOK" --no-syslog --root "$ROOT" "$@"
}

# asks_in_vain TEXT REQUEST...: the agent refuses that, and no plugin runs.
asks_in_vain() {
	contains "$("$BATS_FILE_TMPDIR/ask" "$CHILD" "${@:2}")" "$1"
	equal "$(calls)" ''
}

# ended: the child that was taken over ends, and leaves nothing.
ended() {
	kill -KILL "$CHILD"
	wait "$STARTED" || true
	no_record
}

@test "a hook's child that was taken over gets no network that root's options do not allow" {
	mkfifo "$T/fifo"
	exec 8<>"$T/fifo"
	hook_taken_over precreate
	asks_in_vain 'network web is named by an annotation' add web web
	asks_in_vain 'no sweep at this stage' sweep web
	asks_in_vain 'no network is forgotten at this stage' forget web
	ended
	hook_taken_over --network-annotation precreate
	asks_in_vain 'a port is published by an annotation' add web web 8080
	asks_in_vain "'../web' is not the name of a network" add web ../web
	ended
	hook_taken_over --network-annotation --publish-annotation 8000-8099 precreate
	asks_in_vain 'port 22 of the host is not in the allowed range 8000-8099' add web web 22
	asks_in_vain 'malformed' add web web 0
	# This may be asked for, by a child that holds the pod's lock.
	asks_in_vain "copy the descriptor of the pod's lock" add web web 8080
	asks_in_vain 'a request for pod other, after one for pod web' del other
	ended
	exec 8<&-
}

@test "a hook's child that was taken over gets no other network than the definition's, and none at poststop" {
	mkfifo "$T/fifo"
	exec 8<>"$T/fifo"
	conflist other 1.0.0
	define
	hook_taken_over --network-annotation --publish-annotation 8000-8099 createRuntime
	asks_in_vain 'not the network that the definition of pod web has' add web other
	asks_in_vain 'not the network that the definition of pod web has' add web web 8080
	ended
	hook_taken_over --network-annotation poststop
	asks_in_vain 'no network is attached at this stage' add web web
	ended
	exec 8<&-
	rm -r /etc/oci-podns/pods.d
}

@test "a child of podns create that was taken over ends no other pod's network" {
	local lock
	mkdir -m 0700 "$ROOT/podns/web"
	exec {lock}<"$ROOT/podns/web"
	flock "$lock"
	taken_over /dev/null "$PODNS" --root "$ROOT" create web --network web {lock}<&-
	asks_in_vain 'no sweep at this stage' sweep web
	asks_in_vain 'no network is forgotten at this stage' forget web
	ended
	exec {lock}<&-
	rmdir "$ROOT/podns/web"
}

@test "a child of oci-podns-runc that was taken over gets no network at delete" {
	local lock
	fake_runtime
	settings "runtime = $T/real" "root = $ROOT" no-syslog network-annotation
	make_bundle a stages=
	"$RUNC" --root "$T/state" create --bundle "$T/a" "$(id_of a)"
	exec {lock}<"$ROOT/podns/web"
	flock "$lock"
	taken_over /dev/null "$RUNC" --root "$T/state" delete --force "$(id_of a)" {lock}<&-
	asks_in_vain 'no network is attached at this stage' add web web
	exec {lock}<&-
	wait "$STARTED"
	rm /etc/oci-podns/runtime.conf
	assert_untouched a
	gone
}

@test "a plugin that leaves a process behind: nobody has the pod's lock afterwards, and the pod can be ended" {
	plugin_does one ADD 'sleep 1000 >/dev/null 2>&1 & echo $! >"$dir/daemon"; default'
	podns create web --network web
	PIDS+=("$(cat "$CNI/daemon")")
	fails has_ended "$(cat "$CNI/daemon")"
	flock -n "$ROOT/podns/web" true
	podns network down web
	podns network up web
	PIDS+=("$(cat "$CNI/daemon")")
	flock -n "$ROOT/podns/web" true
	podns rm web
	gone
	# By the hook, and by podns-net alone.
	make_bundle a pod=web
	define
	hook precreate <"$T/a/config.json" >"$T/a.json"
	rm /etc/oci-podns/pods.d/web.pod
	PIDS+=("$(cat "$CNI/daemon")")
	flock -n "$ROOT/podns/web" true
	podns rm --force web
	gone
	podns create web
	net add --network web web
	PIDS+=("$(cat "$CNI/daemon")")
	flock -n "$ROOT/podns/web" true
}

@test "a plugin that leaves a process behind at GC: nobody has the lock of all ports afterwards" {
	conflist web 1.1.0
	plugin_does one VERSION 'echo "{\"cniVersion\": \"1.1.0\", \"supportedVersions\": [\"1.1.0\"]}"'
	plugin_does one GC 'sleep 1000 >/dev/null 2>&1 & echo $! >"$dir/daemon"'
	mkdir -m 0755 /run/podns
	"$NET" sweep
	PIDS+=("$(cat "$CNI/daemon")")
	flock -n /run/podns true
}

@test "down fails, and gc detaches the pod: up attaches it again" {
	podns create web --network web --publish 8080:80
	plugin_does two DEL 'exit 7'
	podns_fails 1 'plugin two: DEL: exit status 7' network down web
	rm "$CNI/two-DEL"
	podns gc
	equal "$(record .state)" down
	podns network up web
	equal "$(record '.state + " " + .ports[0]')" 'up 8080:80/tcp'
	podns rm web
	gone
}

@test "up fails after it has detached the pod: no container starts in the pod, until up succeeds" {
	podns create web --network web
	make_bundle a pod=web
	in_pin net web ip link del eth0
	mv "$NETD/50-web.conflist" "$T/kept"
	podns_fails 1 'there is no network web' network up web
	equal "$(record .state)" down
	mv "$T/kept" "$NETD/50-web.conflist"
	fails_line 'oci-podns-hook: ' 'the network web of pod web is not attached' hook precreate <"$T/a/config.json"
	podns network up web
	hook precreate <"$T/a/config.json" >"$T/a.json"
	podns rm --force web
	gone
}

@test "up is killed after it has detached the pod: it may be said again" {
	podns create web --network web --publish 8080:80
	conflist web 1.1.0
	for name in one two map; do
		plugin_does "$name" VERSION 'echo $$ >"$dir/held"; until [ -e "$dir/go" ]; do sleep 0.02; done
			echo "{\"cniVersion\": \"1.1.0\", \"supportedVersions\": [\"1.1.0\"]}"'
	done
	in_pin net web ip link del eth0
	start network up web
	wait_for [ -s "$CNI/held" ]
	kill -KILL "$(podns_net_pid)"
	fails wait "$STARTED"
	go_on
	podns network up web
	equal "$(record '.state + " " + .ports[0]')" 'up 8080:80/tcp'
	podns rm web
	gone
}

@test "gc prints what it has detached though another pod cannot be detached" {
	podns create web --network web
	podns create other --network web
	rm -r "$ROOT/podns/web" "$ROOT/podns/other"
	plugin_does one DEL 'case $CNI_CONTAINERID in '"$(jq -r .id <"$ROOT/podns/network@other")"') exit 7 ;; esac; default'
	fails podns gc >"$T/out"
	contains "$(cat "$T/out")" 'web: detached from the network web: the pod has ended'
	rm "$CNI/one-DEL"
	podns gc
	umount "$ROOT/netns/web" "$ROOT/netns/other"
	rm "$ROOT/netns/web" "$ROOT/netns/other"
}

@test "gc beside a run that attaches a pod again: no failure" {
	podns create web --network web
	podns network down web
	holds one
	start network up web
	wait_for [ -s "$CNI/held" ]
	podns gc
	go_on
	wait "$STARTED"
	equal "$(record .state)" up
	podns rm web
	gone
}

@test "publish is interrupted: check names the command that helps, and that puts the old ports back" {
	podns create web --network web --publish 8080:80
	# Not by jq, which rounds large numbers.
	sed -i 's|^"dns"|"nextPorts":["8081:80/tcp"],\n&|' "$ROOT/podns/network@web"
	podns_fails 1 'a change of the published ports was interrupted (podns network up web)' network check web
	podns network up web
	equal "$(record '.state + " " + (.ports | join(" "))')" 'up 8080:80/tcp'
	podns network check web
	podns rm web
	gone
}

@test "the network's record is gone: the pod's commands say so, and what helps" {
	podns create web --network web
	rm "$ROOT/podns/network@web"
	local says="the record of the pod's network web is gone (\`podns rm --force web\`, then make the pod as before)"
	podns_fails 1 "$says" network up web
	podns_fails 1 "$says" network check web
	podns rm web
	gone
}

@test "the namespace of a held pod is gone: gc detaches it, and no container takes the pod for one without a network" {
	podns create web --network web --publish 8080:80
	: >"$CNI/log"
	umount "$ROOT/netns/web"
	contains "$(podns gc --dry-run)" 'would drop network web of pod web: its namespace is gone'
	equal "$(calls)" ''
	contains "$(podns gc)" 'dropped network web of pod web: its namespace is gone'
	equal "$(calls)" 'map DEL,two DEL,one DEL'
	no_record
	equal "$(podns gc)" ''
	# Another pod may have the port.
	podns create other --network web --publish 8080:80
	podns rm other
	make_bundle a pod=web
	fails_line 'oci-podns-hook: ' 'the network namespace of pod web, which had the network web, is gone' \
		hook precreate <"$T/a/config.json"
	podns rm --force web
	gone
}

@test "the namespace of a held pod is not at its pin: gc leaves its network if containers live, and if a mount hides it" {
	podns create web --network web
	make_bundle a pod=web
	hook precreate <"$T/a/config.json" >"$T/a.json"
	: >"$CNI/log"
	umount "$ROOT/netns/web"
	podns gc
	equal "$(calls)" ''
	podns rm --force web
	podns create web --network web
	hook precreate <"$T/a/config.json" >"$T/a.json"
	: >"$CNI/log"
	mount --bind "$T/a/config.json" "$ROOT/netns/web"
	# It cannot say whether the network is lost, but that the claim has expired.
	sed -i 's/^claim [0-9]*/claim 1/' "$ROOT/podns/web/record"
	fails podns gc >"$T/out" 2>"$T/err"
	contains "$(cat "$T/err")" "$ROOT/netns/web is not a network namespace"
	contains "$(cat "$T/out")" 'on pod web: it has expired'
	fails grep ^claim "$ROOT/podns/web/record"
	equal "$(calls)" ''
	umount "$ROOT/netns/web"
	podns rm web
	gone
}
