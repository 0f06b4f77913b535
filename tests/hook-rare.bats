#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What seldom happens: pids of another pid namespace, claims that are gone, little privilege, logs that
# grow, odd roots.

load helpers
load podns

# of_record POD SED-SCRIPT: change a record by hand.
of_record() {
	sed -i "$2" "$ROOT/podns/$1/record"
}

# --- members that cannot be looked at ------------------------------------------

# The /proc that it sees is the outer one; its own pid namespace is read there, too.
in_other_pidns() {
	unshare --pid --fork "$HOOK" --no-syslog --root "$ROOT" "$@"
}

@test "a hook in another pid namespace than the pod's containers: refused" {
	live_pod web
	make_bundle b
	fails_with 'known by their pids in pid namespace' in_other_pidns precreate <"$T/b/config.json"
	contains "$(cat "$T/stderr")" 'run this in that pid namespace'
	state_doc a '' stopped >"$T/state"
	fails_with 'known by their pids in pid namespace' in_other_pidns poststop <"$T/state"
	assert_pinned web net ipc uts
	end_child
	poststop a
	assert_nothing_left
}

@test "a pod whose containers' pid namespace is gone is swept from the initial one" {
	needs_initial_pidns
	live_pod web
	end_child
	of_record web 's/^pidns \([0-9]*\) .*/pidns \1 1/'
	make_bundle b
	create b ''
	equal "$(grep -c '^member ' "$ROOT/podns/web/record")" 0
	grep -q "^waiting .* $(id_of b) " "$ROOT/podns/web/record"
	podns rm --force web
	assert_nothing_left
}

@test "podns says why a pod is out of reach: pids, and a mount namespace" {
	live_pod web
	of_record web 's/^pidns .*/pidns 4 1/'
	contains "$(podns ls)" 'known by pids of another pid namespace'
	# The initial one shows all processes.
	if [ "$(ns_ino /proc/self/ns/pid)" = "$INITIAL_PIDNS" ]; then
		podns gc
	else
		podns_fails 1 'known by their pids in pid namespace [1]' gc
	fi
	assert_pinned web net ipc uts
	of_record web 's/^mntns .*/mntns 4 1/'
	umount -l "$ROOT/utsns/web"
	rm "$ROOT/utsns/web"
	contains "$(podns ls)" 'was pinned in mount namespace [1]'
}

# --- claims ----------------------------------------------------------------------

@test "a claim that is gone: a container that is not inside is refused" {
	make_bundle b
	hook precreate <"$T/b.orig" >"$T/b/config.json"
	podns rm --force web
	in_new_namespaces --net --ipc --uts
	# With the paths, these would be to blame.
	jq 'del(.linux.namespaces[].path)' <"$T/b/config.json" >"$T/b.json"
	cp "$T/b.json" "$T/b/config.json"
	fails_with 'claim ' create b "$CHILD"
	contains "$(cat "$T/stderr")" 'unknown or expired'
	assert_nothing_left
}

@test "poststop drops the claim of a container that never came to createRuntime" {
	make_bundle b
	hook precreate <"$T/b.orig" >"$T/b/config.json"
	poststop b
	assert_nothing_left
}

@test "a container that never came is dropped by gc when its time is over" {
	make_bundle a
	create a ''
	expire_claims "$ROOT"
	"$PODNS" --root "$ROOT" gc >"$T/gc"
	contains "$(cat "$T/gc")" "container $(id_of a) of pod web: it was never started"
	assert_untouched a
	assert_nothing_left
}

# in_other_time COMMAND...: where the boot clock and start times in /proc are a day ahead.
in_other_time() {
	unshare --time --boottime 86400 "$@"
}

# refused_in_other_time COMMAND...: it says why and what to do, and the pod lives on.
refused_in_other_time() {
	local status=0
	in_other_time "$@" >"$T/stdout" 2>"$T/stderr" || status=$?
	equal "$status" 1 "exit status of $*"
	contains "$(cat "$T/stderr")" 'known by their start times in time namespace ['
	contains "$(cat "$T/stderr")" 'run this in that time namespace'
	assert_pinned web net ipc uts
}

@test "a live pod, seen from another time namespace: nobody takes its containers for dead" {
	local json
	needs_timens
	in_new_namespaces --net --ipc --uts
	make_bundle a
	make_bundle b
	create a "$CHILD"
	grep -q "^timens [0-9]* $(ns_ino /proc/self/ns/time)\$" "$ROOT/podns/web/record"
	state_doc a '' stopped >"$T/stopped"
	state_doc b '' >"$T/creating"
	refused_in_other_time "$HOOK" --no-syslog --root "$ROOT" precreate <"$T/b.orig"
	refused_in_other_time "$HOOK" --no-syslog --root "$ROOT" createRuntime <"$T/creating"
	refused_in_other_time "$HOOK" --no-syslog --root "$ROOT" poststop <"$T/stopped"
	refused_in_other_time "$PODNS" --root "$ROOT" gc
	refused_in_other_time "$PODNS" --root "$ROOT" rm web
	json=$(in_other_time "$PODNS" --root "$ROOT" ls --json)
	equal "$(jq -c '.[] | [.containers, .state, .reason]' <<<"$json")" \
		'[1,"broken","its containers are known by start times of another time namespace"]'
	assert_untouched b
	end_child
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a claim, seen from another time namespace: it has not expired" {
	needs_timens
	make_bundle a
	hook precreate <"$T/a.orig" >"$T/a/config.json"
	refused_in_other_time "$PODNS" --root "$ROOT" gc
	refused_in_other_time "$HOOK" --no-syslog --root "$ROOT" precreate <"$T/a.orig"
	# By force it can be ended from there, too.
	in_other_time "$PODNS" --root "$ROOT" rm --force web
	assert_nothing_left
}

@test "a container whose process died before createRuntime: its claim goes with it" {
	make_bundle b
	hook precreate <"$T/b.orig" >"$T/b/config.json"
	fails_with 'does not exist' create b "$(dead_pid)"
	assert_nothing_left
}

@test "under a CRI engine createRuntime may run twice, and a claim may expire inside the pins" {
	local name sandbox=", \"io.kubernetes.cri-o.SandboxID\": \"$SANDBOX_ID\""
	for name in a b; do
		make_bundle "$name" annotations="$sandbox"
		hook precreate <"$T/$name.orig" >"$T/$name/config.json"
	done
	sleeper_in_pins "$SANDBOX_ID"
	create a "$CHILD"
	create a "$CHILD"
	of_record "$SANDBOX_ID" 's/^claim [0-9]*/claim 1/'
	sleeper_in_pins "$SANDBOX_ID"
	create b "$CHILD"
	equal "$(grep -c '^member ' "$ROOT/podns/$SANDBOX_ID/record")" 2
}

# sleeper_in_pins POD: a process that is in the pod's pins; its pid is in $CHILD.
sleeper_in_pins() {
	sleeper nsenter --net="$ROOT/netns/$1" --ipc="$ROOT/ipcns/$1" --uts="$ROOT/utsns/$1"
}

@test "a run that fails early has swept the pod's dead members all the same" {
	local first
	live_pod web
	first=$CHILD
	sleeper_in_pins web
	make_bundle b hostname=b
	create b "$CHILD"
	kill -KILL "$first"
	wait "$first" || true
	make_bundle c hostname=c
	edit_config c '.annotations["io.podns.claim"] = 5'
	fails_with 'io.podns.claim' create c "$CHILD"
	equal "$(grep -c '^member ' "$ROOT/podns/web/record")" 1
}

# --- bundles that were edited before -----------------------------------------------

@test "a bundle whose paths were the pins already is reverted with its pod" {
	live_pod web
	make_bundle b namespaces="$(joined_namespaces web)" hostname=b
	sleeper_in_pins web
	create b "$CHILD"
	equal "$(jq -r .hostname <"$T/b/config.json")" first
	podns rm --force web
	assert_untouched a
	assert_untouched b
	assert_nothing_left
}

@test "planned anew at createRuntime: /dev/shm stays the pod's, and a sysctl of its uts is set" {
	podns create web >"$T/pins"
	make_bundle a
	edit_config a '.mounts += [{destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["size=64k"]}]'
	podns rewrite --bundle "$T/a" web
	in_pin uts web hostname other
	sleeper_in_pins web
	create a "$CHILD" --sysctl kernel.domainname=pods.example
	equal "$(jq -r '.mounts[] | select(.destination == "/dev/shm") | .source' <"$T/a/config.json")" \
		"$ROOT/podns/web/shm"
	equal "$(jq -r .hostname <"$T/a/config.json")" other
	equal "$(in_pin uts web cat /proc/sys/kernel/domainname)" pods.example
	podns rm --force web
	assert_untouched a
	assert_nothing_left
}

# --- two of what should be one -------------------------------------------------------

@test "two live containers of one id and bundle: the pod ends with the second" {
	local first
	live_pod web
	first=$CHILD
	sleeper_in_pins web
	create a "$CHILD"
	end_child
	poststop a
	assert_pinned web net ipc uts
	kill -KILL "$first"
	wait "$first" || true
	poststop a
	assert_untouched a
	assert_nothing_left
}

# The hook in a mount namespace that was there before the pod: $OTHER is a process in it.
in_other_mounts() {
	nsenter -t "$OTHER" -m "$HOOK" --no-syslog --root "$ROOT" "$@"
}

other_mounts() {
	sleeper unshare --mount --propagation private
	OTHER=$CHILD
}

@test "a pod that a container is coming to in another mount namespace: refused, not made anew" {
	make_bundle a
	make_bundle b
	other_mounts
	hook precreate <"$T/a.orig" >"$T/a/config.json"
	cp "$ROOT/podns/web/record" "$T/before"
	fails_with 'a container is on its way in, but its' in_other_mounts precreate <"$T/b.orig"
	contains "$(cat "$T/stderr")" 'run this in that mount namespace'
	cmp "$ROOT/podns/web/record" "$T/before"
	assert_pinned web net ipc uts
	sleeper_in_pins web
	create a "$CHILD"
	podns rm --force web
	podns create web >"$T/pins"
	fails_with 'is held' in_other_mounts precreate <"$T/b.orig"
	assert_pinned web net ipc uts
	podns rm web
	assert_nothing_left
}

@test "a held pod whose mount namespace is gone is made anew" {
	needs_initial_pidns
	unshare --mount --propagation private "$PODNS" --root "$ROOT" create web >"$T/pins"
	# Its number may be another one's by now.
	of_record web 's/^mntns .*/mntns 4 1/'
	make_bundle b
	create b ''
	assert_pinned web net ipc uts
	podns rm --force web
	assert_nothing_left
}

# --- names of a pod ------------------------------------------------------------------

@test "a domainname that no config.json can have: a warning, and containers start" {
	live_pod web
	in_pin uts web sh -c 'printf "\377\376" >/proc/sys/kernel/domainname'
	make_bundle b linux='' hostname=b
	edit_config b '.domainname = "example.org"'
	hook precreate <"$T/b/config.json" >"$T/out" 2>"$T/stderr"
	contains "$(cat "$T/stderr")" "the pod's domainname"
	equal "$(jq -r '"\(.hostname) \(.domainname)"' <"$T/out")" 'first example.org'
}

@test "a hostname that a container gave the pod: taken where a config.json can have it" {
	live_pod web
	in_pin uts web sh -c 'printf "h\303\251" >/proc/sys/kernel/hostname'
	make_bundle b hostname=other
	create b ''
	equal "$(jq -r .hostname <"$T/b/config.json")" $'h\xc3\xa9'
	in_pin uts web sh -c 'printf "h\351" >/proc/sys/kernel/hostname'
	make_bundle c hostname=other
	create c '' 2>"$T/stderr"
	contains "$(<"$T/stderr")" "the pod's hostname 'h...' is not UTF-8 from byte 2 on"
	equal "$(jq -r .hostname <"$T/c/config.json")" other
}

@test "a pod that is swept and made anew is as old as its new life" {
	live_pod web
	end_child
	of_record web 's/^created .*/created 1000000000/'
	in_new_namespaces --net --ipc --uts
	make_bundle b
	create b "$CHILD"
	[ "$(sed -n 's/^created //p' "$ROOT/podns/web/record")" -gt 1000000000 ]
}

@test "a pin of the hook's own namespace: no sysctl is set in that" {
	mkdir -m 0755 "$ROOT/netns"
	(umask 0777 && : >"$ROOT/netns/web")
	# Of a network namespace that stands for the host's.
	make_bundle a namespaces='{"type":"network"}' sysctl='"net.ipv4.ip_default_ttl": "99"'
	state_doc a '' >"$T/state"
	# shellcheck disable=SC2016 # for that shell
	fails_with "shares the host's network namespace" unshare --net bash -c '
		mount --bind /proc/self/ns/net "$1/netns/web" && "$2" --no-syslog --root "$1" createRuntime || exit
		' bash "$ROOT" "$HOOK" <"$T/state"
	umount "$ROOT/netns/web"
	rm "$ROOT/netns/web"
	assert_nothing_left
}

# --- privilege ---------------------------------------------------------------------

without_sys_admin() {
	setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$HOOK" --no-syslog --root "$ROOT" "$@"
}

@test "without CAP_SYS_ADMIN the message names it, and nothing is left" {
	make_bundle a
	fails_with 'CAP_SYS_ADMIN' without_sys_admin precreate <"$T/a/config.json"
	assert_nothing_left
	in_new_namespaces --net --ipc --uts
	state_doc a "$CHILD" >"$T/state"
	fails_with 'CAP_SYS_ADMIN' without_sys_admin createRuntime <"$T/state"
	assert_untouched a
	assert_nothing_left
}

@test "a user namespace whose ids are not ours to map: refused, and nothing is left" {
	needs_userns
	make_bundle a namespaces='{"type":"user"},{"type":"network"},{"type":"ipc"},{"type":"uts"}' \
		linux='"uidMappings": [{"containerID":0,"hostID":7000000,"size":1}],
			"gidMappings": [{"containerID":0,"hostID":7000000,"size":1}],' arg=x
	mkdir "$T/theirs"
	fails_with 'of the pod'\''s user namespace' unshare --user --map-root-user --mount "$HOOK" --no-syslog \
		--root "$T/theirs" --namespaces net,ipc,uts,user precreate <"$T/a/config.json"
	equal "$(find "$T/theirs" ! -type d ! -path '*/podns/log')" ''
}

# --- roots ---------------------------------------------------------------------------

@test "a relative root, and one with slashes behind" {
	make_bundle a
	cd "$T"
	state_doc a '' | "$HOOK" --no-syslog --root root/// createRuntime
	assert_pinned web net ipc uts
	equal "$(ns_path a uts)" "$ROOT/utsns/web"
	"$PODNS" --root "$ROOT//" ls >"$T/ls"
	contains "$(cat "$T/ls")" web
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a relative root below a directory that is gone: refused" {
	mkdir "$T/gone"
	cd "$T/gone"
	rmdir "$T/gone"
	run -1 "$PODNS" --root here ls
	contains "$output" 'working directory'
}

# --- logs ------------------------------------------------------------------------------

@test "the root's log is bounded: the older half goes" {
	local i
	mkdir -m 0700 "$ROOT/podns"
	for ((i = 0; i < 2000; i++)); do
		echo "line $i of an old log, which is some sixty bytes long, or so"
	done >"$ROOT/podns/log"
	make_bundle a
	fails_with 'createRuntime: ' create a "$(dead_pid)"
	[ "$(stat -c %s "$ROOT/podns/log")" -lt 65536 ]
	equal "$(head -n 1 "$ROOT/podns/log" | cut -d' ' -f1)" line
	contains "$(tail -n 1 "$ROOT/podns/log")" createRuntime
	contains "$(tail -n 2 "$ROOT/podns/log" | head -n 1)" 'line 1999 '
}

@test "a log file that cannot be opened is an error" {
	make_bundle a
	fails_with 'open log file /nowhere/log' create a '' --log-file /nowhere/log
	assert_nothing_left
}

# A /dev of its own, for a syslog that is not the host's.
with_syslog() {
	mount -t tmpfs -o mode=0755 tmpfs /dev || return
	mknod -m 666 /dev/null c 1 3
	busybox syslogd -n -O "$T/syslog" 3>&- &
	until [ -S /dev/log ]; do
		sleep 0.02
	done
	state_doc a "$1" | "$HOOK" --root "$ROOT" createRuntime 2>"$T/stderr"
	status=$?
	until grep -qs oci-podns-hook "$T/syslog"; do
		sleep 0.02
	done
	kill $!
	return "$status"
}

@test "an error is in the system's log too" {
	needs_syslogd
	make_bundle a
	export HOOK ROOT T ID_PREFIX
	export -f with_syslog state_doc to_json
	run -1 timeout -k 5 "$LIMIT" unshare --mount --propagation private bash -c "with_syslog $(dead_pid)"
	contains "$(cat "$T/syslog")" 'daemon.err oci-podns-hook['
	contains "$(cat "$T/syslog")" "$(sed 's/^oci-podns-hook: //' "$T/stderr")"
}
