#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podns create: what it makes, what it refuses, and that a failure leaves nothing.

load helpers
load podns

setup() {
	common_setup runc
	ln -s "$PODNS" "$T/pinns"
	export PODNS ROOT T	# for inner shells
}

@test "create makes, pins and prints the default types" {
	equal "$(podns create web)" "$(printf '%s\n' "$ROOT"/{net,ipc,uts}ns/web)"
	assert_pinned web net ipc uts
	assert_not_pinned web user mnt time cgroup
	differ "$(ns_ino "$ROOT/netns/web")" "$(ns_ino /proc/self/ns/net)"
	contains "$(podns exec web ip addr show lo)" LOWER_UP
	equal "$(of_pod web .state)" held
	podns rm web
	assert_nothing_left
}

@test "without a name the pod is called podns-UUID" {
	run -0 podns create
	[[ ${lines[0]} =~ /podns-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]]
	run -0 podns create
	equal "$(podns ls | wc -l)" 3
}

@test "a pod that exists is an error, and stays as it is" {
	local net
	podns create web
	net=$(ns_ino "$ROOT/netns/web")
	podns_fails 1 'it exists already' create web
	equal "$(ns_ino "$ROOT/netns/web")" "$net"
}

@test "the hostname is the pod's name, or what --hostname says" {
	podns create web
	equal "$(podns exec web hostname)" web
	podns create db --hostname store
	equal "$(podns exec db hostname)" store
	podns create cafe --hostname $'caf\xc3\xa9'
	equal "$(podns exec cafe hostname)" $'caf\xc3\xa9'
	equal "$(podns inspect cafe --json | jq -r .hostname)" $'caf\xc3\xa9'
	podns_fails 2 "--hostname 'a b' has a space" create x --hostname 'a b'
	podns_fails 2 "--hostname 'caf...' is not UTF-8" create x --hostname $'caf\xe9'
	podns_fails 2 'control character' create x --hostname $'a\xc2\x9b2J'
	podns_fails 2 '65 bytes long' create x --hostname "$(printf '%065d' 0)"
	podns_fails 1 'the pod has no uts namespace of its own' create x --namespaces net --hostname x
}

@test "sysctls are set inside, and refused before anything is touched" {
	podns create web --sysctl net.ipv4.ip_default_ttl=77 --sysctl kernel/msgmax=16384
	equal "$(podns exec web cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	equal "$(podns exec web cat /proc/sys/kernel/msgmax)" 16384
	differ "$(cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	podns_fails 1 'would change the host' create x --sysctl kernel.core_pattern=evil
	podns_fails 2 "--sysctl 'net.ipv4.ip_forward': expected KEY=VALUE (see podns create --help)" \
		create x --sysctl net.ipv4.ip_forward
	podns_fails 2 "--sysctl '=1': expected KEY=VALUE" create x --sysctl =1
	podns_fails 1 'the pod has no ipc namespace of its own' create x --namespaces net --sysctl kernel.msgmax=1
	assert_not_pinned x net ipc uts
}

@test "a container that sets another value than create did is warned of" {
	podns create web --sysctl net.ipv4.ip_default_ttl=77 --sysctl kernel/msgmax=16384 \
		--sysctl kernel.msgmax=8192 --sysctl net.ipv4.tcp_fin_timeout=
	equal "$(inspect web '.sysctls | to_entries[] | "\(.key)=\(.value)"')" \
		"$(printf '%s\n' net/ipv4/ip_default_ttl=77 kernel/msgmax=8192)"
	make_bundle a sysctl='"net.ipv4.ip_default_ttl": "88", "kernel.msgmax": "8192"'
	hook precreate <"$T/a/config.json" >"$T/a.json"
	in_new_namespaces "--net=$ROOT/netns/web" "--ipc=$ROOT/ipcns/web" "--uts=$ROOT/utsns/web"
	create a "$CHILD" 2>"$T/a.err"
	cat "$T/a.err"
	equal "$(grep -c replaces "$T/a.err")" 1
	contains "$(cat "$T/a.err")" "net.ipv4.ip_default_ttl: '88' replaces '77' for the whole pod"
}

@test "a sysctl that the kernel refuses leaves nothing" {
	podns_fails 1 'Invalid argument (the kernel does not accept this value)' \
		create web --sysctl net.ipv4.ip_default_ttl=0x
	equal "$(podns ls --json)" '[]'
	assert_nothing_left
}

@test "pid is refused with the reason, cgroup with the remedy" {
	podns_fails 2 'dies with its init process' create web --namespaces net,pid
	podns_fails 1 '--from-pid' create web --namespaces cgroup
	assert_nothing_left
}

@test "mount and time namespaces are pinned, too" {
	where_mounts_bind "$PODNS" --root "$ROOT" create web --namespaces mount,time,uts
	equal "$(stat -fc %T "$ROOT/mntns/web")" nsfs
	grep -qE " $ROOT/mntns [^-]* unbindable " /proc/self/mountinfo
	equal "$(podns exec web readlink /proc/self/ns/mnt)" "mnt:[$(ns_ino "$ROOT/mntns/web")]"
	# As podns(1) says of a pod with a mount namespace.
	equal "$(cd "$T" && podns exec web pwd)" /
	equal "$(podns exec web readlink /proc/self/ns/time)" "time:[$(ns_ino "$ROOT/timens/web")]"
	podns rm web
	equal "$(find "$ROOT"/{mnt,time,uts}ns ! -type d)" ''
}

@test "--uid-map and --gid-map make a user namespace that owns the rest" {
	needs_userns
	podns create web --uid-map 0:100000:65536 --gid-map 0-200000-65536@ --sysctl kernel.msgmax=16384
	assert_pinned web user net ipc uts
	equal "$(inspect web '[.pins[] | select(.type != "user") | .user_namespace] | unique | .[]')" \
		"$(ns_ino "$ROOT/userns/web")"
	equal "$(podns exec web sh -c 'cat /proc/self/uid_map; id -u; cat /proc/sys/kernel/msgmax' | xargs)" \
		'0 100000 65536 0 16384'
	equal "$(podns exec web cat /proc/self/gid_map | xargs)" '0 200000 65536'
	podns_fails 2 'need each other' create x --uid-map 0:1:1
	podns_fails 2 'cannot be read' create x --uid-map 0:1 --gid-map 0:1:1
	podns_fails 2 'user is not in' create x --namespaces net --uid-map 0:1:1 --gid-map 0:1:1
}

@test "a user namespace without mappings, and a map that cannot be written: refused, and nothing is left" {
	podns_fails 1 'needs --uid-map and --gid-map' create web --namespaces net,user
	podns_fails 1 "uid_map of the pod's user namespace" create web --uid-map 0:0:10,5:50:10 --gid-map 0:0:1
	assert_nothing_left
}

@test "--hostname and --sysctl of --from-pid are set in the namespaces of the process" {
	sleeper unshare --net --uts
	podns create web --namespaces net,uts --from-pid "$CHILD" --hostname fresh --sysctl net.ipv4.ip_default_ttl=71
	equal "$(nsenter -t "$CHILD" -u hostname)" fresh
	equal "$(nsenter -t "$CHILD" -n cat /proc/sys/net/ipv4/ip_default_ttl)" 71
	podns rm web
	assert_nothing_left
}

@test "what is wrong with an option of the network is a matter of usage" {
	podns_fails 2 "--network: 'none' is no network that a pod can be attached to" create web --network none
	podns_fails 2 "--network: 'a/b' is not the name of a network" create web --network a/b
	podns_fails 2 "--publish: port '80': expected [IP:]HOST:POD[/PROTOCOL] (see podns create --help)" create web --publish 80
	podns_fails 2 '--publish: port 80:81/tcp is published already' create web --publish 80:80 --publish 80:81
	podns_fails 2 "--dns: 'example.com' is not an IP address" create web --dns example.com
	podns_fails 2 '--dns: 192.0.2.1 is given twice' create web --dns 192.0.2.1 --dns 192.0.2.1
	podns_fails 2 "--add-host: 'db': expected NAME:IP" create web --add-host db
	podns_fails 2 '--add-host: db has the IPv4 address 192.0.2.1 already' \
		create web --add-host db:192.0.2.1 --add-host db:192.0.2.2
}

@test "a port or a DNS server without a network, a network without its namespace: refused" {
	podns_fails 1 'port 80:80/tcp is published, but the pod has no network (name a network' create web --publish 80:80
	podns_fails 1 'the DNS server ::1 is given, but the pod has no network (name a network' create web --dns ::1
	podns_fails 1 'network lan: the pod has no network namespace of its own' create web --network lan --namespaces uts
	podns_fails 1 'network lan' create web --network lan
	assert_nothing_left
}

@test "a pod with a user namespace takes nothing that another program pinned" {
	mkdir -m 0755 "$ROOT/netns"
	touch "$ROOT/netns/web"
	unshare "--net=$ROOT/netns/web" true
	podns_fails 1 'it was pinned by another program' create web --namespaces net,user \
		--uid-map 0:100000:1000 --gid-map 0:100000:1000
	umount "$ROOT/netns/web"
	rm "$ROOT/netns/web"
	assert_nothing_left
}

@test "--from-pid pins the namespaces of a process" {
	in_new_namespaces --net --uts
	equal "$(podns create web --from-pid "$CHILD")" "$(printf '%s\n' "$ROOT"/{net,uts}ns/web)"
	equal "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "/proc/$CHILD/ns/net")"
	# Its name is its own.
	equal "$(podns exec web hostname)" "$(hostname)"
	end_child
	equal "$(of_pod web .state)" held
	podns exec web true
}

@test "--from-pid pins the user namespace that owns the rest" {
	needs_userns
	in_new_namespaces --net --user --map-root-user
	podns create web --from-pid "$CHILD"
	equal "$(ns_ino "$ROOT/userns/web")" "$(ns_ino "/proc/$CHILD/ns/user")"
	equal "$(podns exec web id -u)" 0
}

@test "--from-pid refuses our own namespaces, and what is no process" {
	local dead
	in_new_namespaces --net
	podns_fails 1 'podns itself is in' create web --namespaces net,ipc --from-pid "$CHILD"
	podns_fails 1 'has no network, ipc or uts namespace of its own' create web --from-pid $$
	dead=$(dead_pid)
	podns_fails 1 "create: pod web: process $dead does not exist" create web --from-pid "$dead"
	podns_fails 2 'do not go with --from-pid' create web --from-pid $$ --uid-map 0:1:1 --gid-map 0:1:1
	assert_nothing_left
}

@test "what ip netns add made becomes a part of the pod, and stays" {
	local net
	ip netns add web
	net=$(ns_ino /run/netns/web)
	"$PODNS" create web >/dev/null
	equal "$(ns_ino /run/netns/web)" "$net"
	equal "$("$PODNS" inspect web --json | jq -c '[.pins[] | {type, ours}]')" \
		'[{"type":"net","ours":false},{"type":"ipc","ours":true},{"type":"uts","ours":true}]'
	"$PODNS" rm web
	equal "$(ns_ino /run/netns/web)" "$net"
	[ ! -e /run/ipcns/web ]
	ip netns del web
}

@test "what is pinned is podns's own namespace: nothing is set in it" {
	# The "host" is one of the test's own, for a podns that does not refuse.
	# shellcheck disable=SC2016 # the inner shell expands it
	run unshare --net --ipc --uts bash -c '
		podns() {
			"$PODNS" --root "$ROOT" "$@"
		}
		settings() {
			cat /proc/sys/kernel/{shmmni,domainname} /proc/sys/net/ipv4/ip_default_ttl
		}
		hostname host
		settings >"$T/before"
		"$T/pinns" -d "$ROOT" -f web -n=host -i=host -u=host
		podns create web --sysctl kernel.shmmni=77
		podns create web --sysctl net.ipv4.ip_default_ttl=77
		podns create web --sysctl kernel.domainname=evil
		podns create web --hostname evil
		podns create web --network lan
		hostname
		settings | diff "$T/before" -
		podns ls --json
		podns create web
		podns rm web
		umount "$ROOT"/{net,ipc,uts}ns/web
		rm "$ROOT"/{net,ipc,uts}ns/web
	'
	echo "$output"
	equal "$(grep -c 'would change the host' <<<"$output")" 5
	contains "${lines[0]}" "the pod's ipc namespace is the one that podns itself is in"
	equal "${lines[*]:5}" "host [] $(echo "$ROOT"/{net,ipc,uts}ns/web)"
	assert_nothing_left
}

@test "where a pin's place is taken, nothing is left" {
	mkdir -m 0755 "$ROOT/utsns"
	echo mine >"$ROOT/utsns/web"
	podns_fails 1 "$ROOT/utsns/web is not a uts namespace" create web
	equal "$(cat "$ROOT/utsns/web")" mine
	rm "$ROOT/utsns/web"
	assert_nothing_left
}

@test "a container of the hook's joins a pod of podns create, which outlives it" {
	podns create web
	make_bundle a namespaces="$(joined_namespaces web)" hostname=
	start a
	assert_in_pins a web
	equal "$(of_pod web '"\(.state) \(.containers) \(.pids)"')" 'held 1 1'
	stop a
	assert_untouched a
	equal "$(of_pod web '"\(.state) \(.containers) \(.pids)"')" 'held 0 0'
}

@test "a refused setting leaves a pod whose containers are dead as it is" {
	live_pod web
	cp "$ROOT/podns/web/record" "$T/record"
	end_child
	podns_fails 1 'the pod has no ipc namespace of its own' create web --namespaces net --sysctl kernel.msgmax=1
	cmp "$ROOT/podns/web/record" "$T/record"
	equal "$(of_pod web .state)" stale
	podns gc >/dev/null
}

@test "what is refused after the sweep leaves nothing of the dead pod" {
	live_pod web
	end_child
	umount "$ROOT/utsns/web"
	rm "$ROOT/utsns/web"
	touch "$ROOT/utsns/web"
	unshare --uts="$ROOT/utsns/web" true
	in_new_namespaces --net --uts
	podns_fails 1 'pinned by another program' create web --from-pid "$CHILD"
	equal "$(ls "$ROOT/podns")" ''
	umount "$ROOT/utsns/web"
	rm "$ROOT/utsns/web"
	assert_nothing_left
}
