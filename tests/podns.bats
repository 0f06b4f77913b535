#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podns on pods of every origin: made by the hook, by podns create, by pinns, by ip netns add.

load helpers
load podns

# --- the command line --------------------------------------------------------------

@test "each command has a --help, and it is what the manual page names" {
	local command
	for command in create ls inspect pids identify exec rm gc rewrite check log network; do
		contains "$(podns "$command" --help)" "Usage: podns $command"
		contains "$(podns --help)" "  $command "
		grep -q "^\.SS podns $command\b" "$PODNS_SRC/man/podns.1"
	done
	contains "$(podns --version)" "podns "
}

@test "each option of --help is in the manual page" {
	local command option
	for command in create ls inspect rm gc rewrite check; do
		for option in $(podns "$command" --help | grep -oE -- '--[a-z-]+' | sort -u); do
			grep -qF -- "${option//-/\\-}" "$PODNS_SRC/man/podns.1" || {
				echo "$command $option is not in the manual page"
				return 1
			}
		done
	done
	for option in $(podns network --help | grep -oE -- '--[a-z-]+' | sort -u); do
		grep -qF -- "${option//-/\\-}" "$PODNS_SRC/man/podns-network.1"
	done
	for command in $(podns network --help | grep -oP '^  \K[a-z]+(?=  )'); do
		grep -qE "^\.(TP|BI?R?) .*\b$command\b|^\.B[IR]+ \"?$command\b" "$PODNS_SRC/man/podns-network.1"
	done
}

@test "wrong usage exits with 2 and says where help is" {
	podns_fails 2 'a command is missing'
	podns_fails 2 "no command 'list'" list
	podns_fails 2 "unknown option '--all'" ls --all
	podns_fails 2 "unknown option '-x' (see podns rm --help)" rm -xy
	podns_fails 2 "unknown option '-x' (see podns rm --help)" rm web -xy
	podns_fails 2 "unknown option '-l' (see podns --help)" -ls
	podns_fails 2 "unknown option '-?'" rm -é
	podns_fails 2 "option '--json' takes no argument" ls --js=1
	podns_fails 2 "option '--version' takes no argument" --version=1
	podns_fails 2 "an argument is missing after '--root'" ls --root
	podns_fails 2 ': NAME is missing' inspect
	podns_fails 2 "unexpected argument 'b'" inspect a b c
	podns_fails 2 "unexpected argument 'b'" create a b c
	podns_fails 2 "unexpected argument 'a'" ls a
	podns_fails 2 'NAME is missing' rm
	podns_fails 2 'see podns exec --help' exec web
	podns_fails 2 "'x' is not a pid" identify x
}

@test "without root a clear line says so" {
	local status=0
	setpriv --reuid 65534 --regid 65534 --clear-groups "$PODNS" ls >"$T/out" 2>&1 || status=$?
	equal "$status" 1
	contains "$(cat "$T/out")" 'run this as root'
}

@test "output that cannot be written is an error" {
	local arguments
	for arguments in 'ls --json' --help --version 'ls --help'; do
		run bash -c "'$PODNS' --root '$ROOT' $arguments >/dev/full"
		equal "$status" 1 "$arguments"
		contains "$output" 'write to standard output: No space left on device'
	done
}

@test "a root that is not there has no pods, and is not made" {
	local new=$T/new
	equal "$("$PODNS" --root "$new" ls --json)" '[]'
	equal "$("$PODNS" --root "$new" ls)" "$(podns ls)"
	equal "$("$PODNS" --root "$new" gc)" ''
	equal "$("$PODNS" --root "$new" gc --dry-run)" ''
	equal "$("$PODNS" --root "$new" log)" ''
	podns_fails 1 "$new: No such file" --root "$new" inspect web
	podns_fails 1 "$new: No such file" --root "$new" pids web
	podns_fails 1 "$new: No such file" --root "$new" identify $$
	podns_fails 1 "$new: No such file" --root "$new" exec web true
	podns_fails 1 "$new: No such file" --root "$new" rm web
	podns_fails 1 "$new: No such file" --root "$new" rewrite --revert --bundle "$T" web
	[ ! -e "$new" ]
}

# --- ls ------------------------------------------------------------------------------

@test "ls tells the states" {
	equal "$(podns ls --json)" '[]'
	live_pod web
	equal "$(of_pod web '"\(.state) \(.containers) \(.pids) \(.namespaces | join(","))"')" \
		'live 1 1 net,ipc,uts'
	equal "$(podns ls | awk 'NR == 2 { print $1, $2, $3, $4, $5 }')" 'web net,ipc,uts 1 1 live'
	end_child
	equal "$(of_pod web '"\(.state) \(.containers) \(.pids)"')" 'stale 0 0'
	make_bundle b pod=db
	hook precreate <"$T/b/config.json" >"$T/b.json"
	equal "$(of_pod db .state)" claimed
	podns create held
	equal "$(of_pod held .state)" held
	equal "$(podns ls | awk 'NR > 1 { print $1 }' | xargs)" 'db held web'
	# A pod is made now.
	[ "$(($(date +%s) - $(of_pod held .created)))" -lt 60 ]
}

@test "the id of an engine's pod: ls shows 12 digits, and the other commands take them, or more, for the name" {
	local id other
	id=$(printf 'c0ffee%058d' 1)
	other=$(printf 'c0ffee%058d' 2)
	podns create "$id" >/dev/null
	equal "$(podns ls | awk 'NR == 2 { print $1 }')" "${id:0:12}"
	equal "$(of_pod "$id" .state)" held
	contains "$(podns inspect "${id:0:12}")" "$id"
	equal "$(podns exec "${id:0:20}" hostname)" "${id:0:12}"
	equal "$(podns exec "$id" hostname)" "${id:0:12}"
	equal "$(podns pids "${id:0:12}")" ''
	podns_fails 1 'the pod has no network' network down "${id:0:12}"
	podns_fails 1 c0ffee0000 inspect "${id:0:11}"
	# A pod of that name comes first.
	podns create "${id:0:12}" >/dev/null
	equal "$(podns inspect --json "${id:0:12}" | jq -r .name)" "${id:0:12}"
	podns rm "${id:0:12}"
	podns create "$other" >/dev/null
	podns_fails 1 "the ids of 2 pods begin with ${id:0:12} (give more digits" rm "${id:0:12}"
	podns rm "$other"
	podns rm "${id:0:12}"
	equal "$(podns ls --json)" '[]'
}

@test "ls shows a pod that is hidden, replaced or gone as broken, with the reason" {
	podns create hidden
	podns create other
	podns create gone
	mount --bind "$ROOT/utsns" "$ROOT/utsns"
	umount "$ROOT/netns/gone"
	umount "$ROOT/netns/other"
	touch "$ROOT/netns/plain"
	mount --bind /proc/self/ns/net "$ROOT/netns/other"
	contains "$(of_pod hidden '"\(.state) \(.reason)"')" "broken $ROOT/utsns/hidden is hidden by a mount"
	contains "$(of_pod other '"\(.state) \(.reason)"')" "broken $ROOT/netns/other is another network namespace"
	contains "$(of_pod gone '"\(.state) \(.reason)"')" "broken $ROOT/netns/gone is gone"
	contains "$(podns ls)" "is hidden by a mount over $ROOT/utsns"
	umount "$ROOT/utsns"
	umount "$ROOT/netns/other"
	rm "$ROOT/netns/gone"
	echo x >"$ROOT/netns/gone"
	equal "$(of_pod hidden .state)" held
	contains "$(of_pod gone '"\(.state) \(.reason)"')" "broken $ROOT/netns/gone is not a network namespace"
	podns_fails 1 'is broken' exec gone true
}

@test "ls shows a record that cannot be read as broken, and the others all the same" {
	podns create web
	podns create db
	echo nonsense >"$ROOT/podns/web/record"
	equal "$(of_pod web .state)" broken
	contains "$(of_pod web .reason)" 'the record does not begin with'
	equal "$(of_pod db .state)" held
	# Whose its pins are is not known.
	equal "$(inspect web '[.pins[].ours] | unique | tostring')" '[null]'
	lacks "$(podns inspect web)" 'another program'
}

@test "ls and pids of 1000 pods take less than a second" {
	needs_plain_build "it measures time"
	local before took best=1000000
	mount -t tmpfs -o mode=0755 tmpfs "$ROOT"
	podns create p0 --namespaces uts
	mkdir -m 0700 "$ROOT"/podns/p{1..999}
	tee "$ROOT"/podns/p{1..999}/record <"$ROOT/podns/p0/record" >/dev/null
	touch "$ROOT"/utsns/p{1..999}
	# util-linux's mount reads the table of mounts each time.
	# shellcheck disable=SC2016 # the inner shell expands it
	busybox sh -c 'for pin; do mount -o bind "$0" "$pin"; done' "$ROOT"/utsns/p{0..999}
	# The best of three: other programs run, too.
	for _ in 1 2 3; do
		before=$(date +%s%N)
		podns ls >"$T/ls"
		podns pids p500
		took=$((($(date +%s%N) - before) / 1000000))
		best=$((took < best ? took : best))
	done
	equal "$(grep -c ' held ' "$T/ls")" 1000
	echo "$best ms"
	umount -l "$ROOT"
	[ "$best" -lt 1000 ]
}

# --- inspect -------------------------------------------------------------------------

@test "inspect shows pins, container, sysctls and bundle" {
	in_new_namespaces --net --ipc --uts
	make_bundle a sysctl='"net.ipv4.ip_default_ttl": "77"'
	create a "$CHILD"
	equal "$(inspect web '.pins[] | select(.type == "net") | .inode')" "$(ns_ino "$ROOT/netns/web")"
	equal "$(inspect web '.pins[] | select(.type == "net") | .path')" "$ROOT/netns/web"
	equal "$(inspect web '.pins[] | select(.type == "net") | .user_namespace')" "$(ns_ino /proc/self/ns/user)"
	equal "$(inspect web .mount_namespace)" "$(ns_ino /proc/self/ns/mnt)"
	equal "$(inspect web .hostname)" first
	equal "$(inspect web '.containers[] | "\(.id) \(.pid) \(.alive) \(.bundle)"')" \
		"$(id_of a) $CHILD true $T/a"
	equal "$(inspect web '.sysctls["net/ipv4/ip_default_ttl"]')" 77
	equal "$(inspect web '.bundles[]')" "$T/a"
	equal "$(inspect web '.pids[]')" "$CHILD"
	run -0 podns inspect web
	contains "$output" "$ROOT/ipcns/web"
	contains "$output" "$(id_of a)  pid $CHILD"
	end_child
	equal "$(inspect web '.containers[].alive')" false
}

@test "inspect shows claims and the shared /dev/shm" {
	make_bundle a
	edit_config a '.mounts += [{"destination": "/dev/shm", "type": "tmpfs", "source": "shm"}]'
	hook precreate <"$T/a/config.json" >"$T/a.json"
	equal "$(inspect web '.claims[].token')" "$(jq -r '.annotations["io.podns.claim"]' <"$T/a.json")"
	[ "$(inspect web '.claims[].expires_in')" -le 120 ]
	equal "$(inspect web .shm)" "$ROOT/podns/web/shm"
}

@test "inspect of what only another program pinned says foreign" {
	ip netns add web
	equal "$("$PODNS" inspect web --json | jq -r '"\(.state) \(.pins[].inode) \(.created)"')" \
		"foreign $(ns_ino /run/netns/web) null"
	ip netns del web
	podns_fails 1 "there is no pod web" inspect web
}

# --- pids, identify, exec: the others agree --------------------------------------------

@test "pids, identify, ip netns, nsenter and lsns agree" {
	local pids
	"$PODNS" create web >/dev/null
	sleeper "$PODNS" exec web
	pids=$("$PODNS" pids web)
	equal "$pids" "$CHILD"
	equal "$(ip netns pids web)" "$pids"
	equal "$("$PODNS" identify "$CHILD")" web
	equal "$(ip netns identify "$CHILD")" web
	contains "$(ip netns list)" web
	equal "$("$PODNS" exec web readlink /proc/self/ns/net)" "$(ip netns exec web readlink /proc/self/ns/net)"
	equal "$("$PODNS" exec web readlink /proc/self/ns/uts)" \
		"$(nsenter --uts=/run/utsns/web readlink /proc/self/ns/uts)"
	equal "$(lsns_of "$CHILD" ipc NS)" "$("$PODNS" inspect web --json |
		jq -r '.pins[] | select(.type == "ipc") | .inode')"
	equal "$("$PODNS" ls --json | jq '.[].pids')" 1
}

@test "pids and identify know a process that is in one of the namespaces alone" {
	local dead
	podns create web
	sleeper nsenter --uts="$ROOT/utsns/web"
	equal "$(podns pids web)" "$CHILD"
	equal "$(podns identify "$CHILD")" web
	podns_fails 1 'is in no pod' identify $$
	dead=$(dead_pid)
	podns_fails 1 "identify: process $dead does not exist" identify "$dead"
	podns_fails 1 'there is no pod nosuch' pids nosuch
}

@test "pids are all of the pod's, in order" {
	local all=''
	podns create web
	for _ in 1 2 3 4 5 6 7 8 9; do
		sleeper nsenter "--net=$ROOT/netns/web"
		all+="$CHILD"$'\n'
	done
	equal "$(podns pids web)" "$(sort -n <<<"${all%?}")"
	podns rm --force web
}

@test "identify, pids and exec work on pins of ip netns and pinns" {
	ip netns add web
	sleeper "$PODNS" exec web
	equal "$("$PODNS" pids web)" "$CHILD"
	equal "$("$PODNS" identify "$CHILD")" web
	ln -s "$PODNS" "$T/pinns"
	"$T/pinns" -d /run -f sandbox -i -u --net=host
	equal "$("$PODNS" exec sandbox hostname)" sandbox
	# The host's network is not the sandbox's: its processes are not in it.
	equal "$("$PODNS" pids sandbox)" ''
	end_child
	ip netns del web
}

@test "exec gives the command's own exit status" {
	podns create web
	run -7 podns exec web sh -c 'exit 7'
	run -0 podns exec web -- true
	equal "$(podns exec web echo --help -n)" '--help -n'
	run -127 podns exec web nosuchcommand
	contains "$output" 'podns: exec: run nosuchcommand: No such file or directory'
	run -126 podns exec web /
	# shellcheck disable=SC2016 # the inner shell expands it
	run -137 podns exec web sh -c 'kill -KILL $$'
	run -1 podns exec nosuch true
}

@test "exec passes on arguments, input, output, environment, umask and working directory" {
	podns create web
	equal "$(cd "$T" && podns exec web pwd)" "$T"
	# shellcheck disable=SC2016 # the inner shell expands it
	equal "$(umask 027; echo in | A='b c' podns exec web sh -c 'cat; echo "$1|$A"; umask' sh '--x y')" \
		"$(printf 'in\n--x y|b c\n0027')"
}

# --- rm ------------------------------------------------------------------------------------

@test "rm ends several pods, and goes on after one that it cannot end" {
	podns create a
	podns create b
	run podns rm a nosuch b
	equal "$status" 1
	equal "$output" "podns: rm: there is no pod nosuch under $ROOT"
	assert_nothing_left
}

@test "rm of a pod with a living container needs --force and says which" {
	live_pod web
	podns_fails 1 "container $(id_of a) (pid $CHILD)" rm web
	assert_pinned web net ipc uts
	podns rm --force web
	assert_untouched a
	assert_nothing_left
	# It runs on.
	[ -e "/proc/$CHILD" ]
}

@test "rm of a pod with a claim needs --force" {
	make_bundle a
	hook precreate <"$T/a/config.json" >"$T/a.json"
	podns_fails 1 'on its way in' rm web
	podns rm --force web
	assert_nothing_left
}

@test "rm of a pod whose containers are dead needs nothing" {
	live_pod web
	end_child
	podns rm web
	assert_untouched a
	assert_nothing_left
}

@test "rm leaves what another program pinned" {
	ip netns add web
	run "$PODNS" rm --force web
	equal "$status" 1
	contains "$output" 'ip netns delete web'
	ns_ino /run/netns/web
	ip netns del web
}

# --- log -------------------------------------------------------------------------------------

@test "log prints what hook runs complained of" {
	equal "$(podns log)" ''
	make_bundle a
	fails create a "$(dead_pid)"
	contains "$(podns log)" 'oci-podns-hook'
	contains "$(podns log)" 'does not exist'
}

@test "log NAME prints what is about this pod alone, also by the beginning of a long id" {
	local id
	id=$(printf 'a1b2c3%058d' 7)
	mkdir -p "$ROOT/podns"
	chmod 0700 "$ROOT/podns"
	cat >"$ROOT/podns/log" <<-LOG
		2026-01-01T00:00:00Z oci-podns-hook[1]: precreate: pod web: one: pod other: x
		2026-01-01T00:00:01Z oci-podns-hook[2]: precreate: pod other: two: pod web: x
		2026-01-01T00:00:02Z oci-podns-hook[3]: createRuntime: pod $id: three
		2026-01-01T00:00:03Z oci-podns-hook[4]: precreate: four
	LOG
	equal "$(podns log | wc -l)" 4
	equal "$(podns log web)" "$(sed -n 1p "$ROOT/podns/log")"
	equal "$(podns log other)" "$(sed -n 2p "$ROOT/podns/log")"
	equal "$(podns log "$id")" "$(sed -n 3p "$ROOT/podns/log")"
	equal "$(podns log "${id:0:12}")" "$(sed -n 3p "$ROOT/podns/log")"
	equal "$(podns log "${id:0:11}" 2>&1)" "podns: log: $ROOT/podns/log has no message about pod ${id:0:11}"
	podns_fails 1 'may contain only' log a/b
	podns_fails 2 "unexpected argument 'other'" log web other
}

@test "log says where it looked if there is nothing, and an ordinary user's is their own" {
	equal "$(podns log 2>&1)" "podns: log: $ROOT/podns/log has no message"
	install -d -m 0755 /run/user
	as_user() {
		timeout 10 setpriv --reuid 64242 --regid 64242 --clear-groups /run/user/podns "$@" 2>&1
	}
	install -m 0755 "$PODNS" /run/user
	contains "$(as_user log)" "there is no /run/user/64242"
	install -d -m 0700 -o 64242 -g 64242 /run/user/64242
	equal "$(as_user log)" "podns: log: /run/user/64242/podns/log has no message (those of root's engines: sudo podns log)"
	install -d -m 0700 -o 64242 -g 64242 /run/user/64242/podns
	printf 'a line\e[31m\n' >/run/user/64242/podns/log
	chown 64242 /run/user/64242/podns/log
	equal "$(as_user log)" 'a line?[31m'
	contains "$(as_user ls)" 'podman unshare'
	rm -r /run/user
}

@test "a real container: every command agrees with it" {
	local pid
	make_bundle a root=
	start a
	pid=$(init_pid a)
	equal "$("$PODNS" identify "$pid")" web
	equal "$("$PODNS" pids web)" "$(ip netns pids web)"
	contains "$("$PODNS" pids web)" "$pid"
	equal "$("$PODNS" exec web readlink /proc/self/ns/ipc)" "ipc:[$(saw a ipc)]"
	equal "$("$PODNS" ls --json | jq -r '.[] | "\(.name) \(.state) \(.containers)"')" 'web live 1'
	stop a
	equal "$("$PODNS" ls --json)" '[]'
}
