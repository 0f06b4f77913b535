#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Definitions of pods, podns.pod(5): what podns create makes of them, and whose files are obeyed.

load helpers
load podns
load net

PODS=/etc/oci-podns/pods.d
STRANGER=12345		# a uid that is neither root's nor ours

setup_file() {
	fake_plugins
}

setup() {
	common_setup runc
	rm -rf /etc/oci-podns "$CNI"
	mkdir -p "$PODS" "$NETD" "$CNI"
	: >"$CNI/log"
	conflist lan 1.0.0
}

# define NAME LINE...: below [Pod].
define() {
	printf '%s\n' '[Pod]' "${@:2}" >"$PODS/$1.pod"
}

# --- what is made ---------------------------------------------------------------

@test "hostname and sysctls of the definition" {
	define web HostName=www 'Sysctl=net.ipv4.ip_default_ttl=77 "kernel.sem=100 3200 10 64"' Sysctl=kernel.msgmax=16384
	equal "$(podns create web)" "$(printf '%s\n' "$ROOT"/{net,ipc,uts}ns/web)"
	equal "$(podns exec web hostname)" www
	equal "$(podns exec web cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	equal "$(podns exec web cat /proc/sys/kernel/{sem,msgmax} | xargs)" '100 3200 10 64 16384'
	podns create other
	equal "$(podns exec other hostname)" other
	podns rm web other
	assert_nothing_left
}

@test "namespaces of the definition" {
	define web 'Namespaces=net time'
	podns create web
	equal "$(inspect web '[.pins[].type] | sort | join(" ")')" 'net time'
}

@test "mappings of the definition" {
	needs_userns
	define web UIDMap=0:100000:1000 UIDMap=1000:200000:1 GIDMap=0:100000:1001
	podns create web
	assert_pinned web user net ipc uts
	equal "$(podns exec web cat /proc/self/uid_map | xargs)" '0 100000 1000 1000 200000 1'
	equal "$(podns exec web cat /proc/self/gid_map | xargs)" '0 100000 1001'
}

@test "network, ports and DNS servers of the definition" {
	define web Network=lan PublishPort=127.0.0.1:8080:80 PublishPort=5300-5301:53-54/udp DNS=192.0.2.53
	podns create web
	equal "$(record .network)" lan
	equal "$(record '.ports | join(" ")')" '127.0.0.1:8080:80/tcp 5300-5301:53-54/udp'
	equal "$(record '.dns | join(" ")')" 192.0.2.53
	equal "$(calls)" 'one ADD,two ADD,map ADD'
	podns rm web
	equal "$(calls)" 'map DEL,two DEL,one DEL'
	assert_nothing_left
}

@test "a file of Quadlet's, with sections for systemd" {
	cat >"$PODS/web.pod" <<-'POD'
		# from /etc/containers/systemd
		[Unit]
		Description=the web
		After=%i.service

		[Pod]
		HostName=www
		[Install]
		WantedBy=multi-user.target
	POD
	podns create web
	equal "$(podns exec web hostname)" www
}

@test "it holds for a pod that the hook makes" {
	define web HostName=www Sysctl=net.ipv4.ip_default_ttl=77 Namespaces=net,uts
	make_bundle a
	hook precreate <"$T/a/config.json" >"$T/a.json"
	assert_pinned web net uts
	assert_not_pinned web ipc
	equal "$(podns exec web hostname)" www
	equal "$(podns exec web cat /proc/sys/net/ipv4/ip_default_ttl)" 77
}

@test "an annotation does not change what root has defined" {
	define web HostName=www Namespaces=net,uts
	make_bundle a annotations=', "io.podns.hostname": "evil", "io.podns.namespaces": "uts"'
	hook precreate <"$T/a/config.json" >"$T/a.json"
	assert_pinned web net uts
	equal "$(podns exec web hostname)" www
}

@test "a CRI engine's sandbox has no definition" {
	define "$SANDBOX_ID" HostName=www
	make_bundle a pod= annotations=", \"io.kubernetes.cri.sandbox-id\": \"$SANDBOX_ID\""
	hook precreate <"$T/a/config.json" >"$T/a.json"
	equal "$(podns exec "$SANDBOX_ID" hostname)" first
}

@test "a pod of one has no definition: nobody named it" {
	local name
	name=$(id_of a)
	define "$name" HostName=www Network=lan
	make_bundle a pod=
	create a ''
	equal "$(podns exec "$name" hostname)" first
	equal "$(calls)" ''
	poststop a
	assert_nothing_left
}

# --- with options -----------------------------------------------------------------

@test "options that have one value replace the definition's" {
	needs_userns
	define web HostName=www Network=none-such UIDMap=0:100000:10 GIDMap=0:100000:10
	podns create web --hostname other --network lan --uid-map 0:200000:10 --gid-map 0:200000:10
	equal "$(podns exec web hostname)" other
	equal "$(record .network)" lan
	equal "$(podns exec web cat /proc/self/uid_map /proc/self/gid_map | xargs)" '0 200000 10 0 200000 10'
}

@test "options that may be repeated add to the definition's; a later sysctl is the last word" {
	define web Network=lan PublishPort=8080:80 DNS=192.0.2.53 Sysctl=kernel.msgmax=16384 Sysctl=net.ipv4.ip_default_ttl=7
	podns create web --publish 8081:81 --publish 8082:82/udp --dns 2001:db8::53 --sysctl net.ipv4.ip_default_ttl=8
	equal "$(record '.ports | join(" ")')" '8080:80/tcp 8081:81/tcp 8082:82/udp'
	equal "$(record '.dns | join(" ")')" '192.0.2.53 2001:db8::53'
	equal "$(podns exec web cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_default_ttl | xargs)" '16384 8'
}

@test "rates of the definition, and of an option" {
	sed -i 's/"portMappings":true/"bandwidth":true/' "$NETD"/*lan.conflist
	define web Network=lan IngressRate=10M EgressRate=1G
	podns create web --egress-rate 64K
	equal "$(record '.bandwidth | tojson')" '{"ingressRate":10000000,"egressRate":64000}'
	contains "$(podns inspect web)" 'Ingress:    at most 10000000 bit/s'
	contains "$(podns inspect web)" 'Egress:     at most 64000 bit/s'
	equal "$(podns inspect --json web | jq -c '.network | [.ingress_rate, .egress_rate]')" '[10000000,64000]'
	podns rm web
	podns_fails 2 "--ingress-rate: 'fast' is no rate" create --network lan --ingress-rate fast web
}

@test "options that contradict the definition: refused, and nothing is left" {
	define web Network=lan PublishPort=8080:80 DNS=192.0.2.53 AddHost=db:192.0.2.7 HostName=www
	podns_fails 1 'port 127.0.0.1:8080:81/tcp is published already, by 8080:80/tcp' \
		create web --publish 127.0.0.1:8080:81
	podns_fails 1 'DNS server: 192.0.2.53 is given twice' create web --dns 192.0.2.53
	podns_fails 1 'host: db has the IPv4 address 192.0.2.7 already' create web --add-host db:192.0.2.8
	podns_fails 1 'the pod has no network namespace of its own' create web --namespaces uts
	podns_fails 1 'the pod has no uts namespace of its own' create web --namespaces net
	define web UIDMap=0:1:1 GIDMap=0:1:1
	podns_fails 1 'the definition of the pod has mappings, which do not go with --from-pid' create web --from-pid $$
	podns_fails 1 'user is not among the namespaces' create web --namespaces net
	equal "$(calls)" ''
	assert_nothing_left
}

# --- errors ----------------------------------------------------------------------

@test "an error in the file: its path and line, and no pod" {
	define web HostName=www PublishPort=80
	podns_fails 1 "podns: create: pod web: $PODS/web.pod:3: PublishPort: port '80': expected" create web
	define web HostNames=www
	podns_fails 1 "$PODS/web.pod:2: HostNames: there is no such key" create web
	define web Volume=/srv:/srv
	podns_fails 1 "$PODS/web.pod:2: Volume: Quadlet has this key" create web
	define web HostName=a Network=lan HostName=b
	podns_fails 1 "$PODS/web.pod:4: HostName is set already, in line 2" create web
	define web 'Sysctl=kernel.core_pattern=|/x'
	podns_fails 1 "$PODS/web.pod:2: Sysctl: sysctl kernel.core_pattern" create web
	define web '[Container]'
	podns_fails 1 "$PODS/web.pod:2: there is no section [Container]" create web
	define web $'HostName=\xff'
	podns_fails 1 "$PODS/web.pod:2: it is not UTF-8" create web
	define web HostName=%i
	podns_fails 1 "$PODS/web.pod:2: HostName: '%i': specifiers" create web
	define web $'HostName=\e[2J'
	podns_fails 1 "$PODS/web.pod:2: HostName: hostname '?[2J' has a space, a '/' or a control character" create web
	: >"$PODS/web.pod"
	podns_fails 1 "$PODS/web.pod: there is no section [Pod]" create web
	assert_nothing_left
}

@test "ports or DNS servers without a network: refused, with a hint" {
	define web PublishPort=80:80
	podns_fails 1 "$PODS/web.pod:2: PublishPort: port 80:80/tcp is published, but the pod has no network (name a network" \
		create web
	define web DNS=192.0.2.53
	podns_fails 1 "$PODS/web.pod:2: DNS: the DNS server 192.0.2.53 is given, but the pod has no network (name a network" \
		create web
}

@test "a file that is too large: refused" {
	{ echo '[Pod]' && printf '#%065536d' 0; } >"$PODS/web.pod"
	podns_fails 1 "$PODS/web.pod is larger than 65536 bytes" create web
}

@test "an error in the definition of one pod does not concern another" {
	define web HostNames=www
	podns create other
	podns create
}

# --- whose file -------------------------------------------------------------------

@test "a file that others may have written: refused" {
	define web HostName=www
	chmod 0664 "$PODS/web.pod"
	podns_fails 1 "$PODS/web.pod may be written to by others (mode 0664) (chmod go-w $PODS/web.pod)" create web
	chmod 0644 "$PODS/web.pod"
	chown "$STRANGER" "$PODS/web.pod"
	podns_fails 1 "$PODS/web.pod belongs to uid $STRANGER" create web
	chown root "$PODS/web.pod"
	podns create web
}

@test "a directory that others may write to: refused, whatever is in it" {
	local dir
	define other HostName=www
	for dir in "$PODS" /etc/oci-podns; do
		chmod 0777 "$dir"
		podns_fails 1 "$dir may be written to by others (mode 0777)" create web
		chmod 0755 "$dir"
		chown "$STRANGER" "$dir"
		podns_fails 1 "$dir belongs to uid $STRANGER" create web
		chown root "$dir"
	done
	podns create web
}

@test "a symbolic link, a FIFO or a directory in place of the file, a link in place of the directory: refused" {
	define other HostName=www
	ln -s other.pod "$PODS/web.pod"
	podns_fails 1 "$PODS/web.pod is a symbolic link, which is not followed (put a copy of the file in its place)" create web
	rm "$PODS/web.pod"
	mkfifo "$PODS/web.pod"
	podns_fails 1 "$PODS/web.pod is not a regular file" create web
	rm "$PODS/web.pod"
	mkdir "$PODS/web.pod"
	podns_fails 1 "$PODS/web.pod is not a regular file" create web
	rmdir "$PODS/web.pod"
	mv "$PODS" "$PODS.real"
	ln -s pods.d.real "$PODS"
	podns_fails 1 "open $PODS: Not a directory (a symbolic link is not followed)" create web
	assert_nothing_left
}

@test "without the directories there are no definitions" {
	rmdir "$PODS"
	podns create web
	rm -r /etc/oci-podns
	podns create other
}

# --- as installed -----------------------------------------------------------------

@test "the unit is installed, and systemd would accept it" {
	local dest=$T/dest unit
	make -C "$PODNS_BUILD" install DESTDIR="$dest" >/dev/null
	unit=$dest/usr/lib/systemd/system/podns@.service
	grep -qx 'ExecStart=/usr/bin/podns create --hold -- %i' "$unit"
	grep -qx 'ExecStop=/usr/bin/podns rm --force -- %i' "$unit"
	grep -qx 'AssertPathExists=/etc/oci-podns/pods.d/%i.pod' "$unit"
	fails grep -qE '^(ProtectSystem|PrivateTmp|PrivateMounts|PrivateNetwork|RootDirectory)=' "$unit"
	fails grep -r 'podns@' "$dest/usr/lib/systemd/system-preset"
	equal "$(stat -c %a "$dest"/etc/oci-podns{,/net.d,/pods.d} | xargs)" '755 755 755'
}

@test "what the unit runs makes the pod, and ends it" {
	define -web HostName=www
	podns create --hold -- -web
	equal "$(podns exec -- -web hostname)" www
	podns rm --force -- -web
	assert_nothing_left
}

@test "--hold: a pod that a container began, or that is held, is held from then on" {
	define web Network=lan PublishPort=8080:80
	make_bundle a pod=web
	hook precreate <"$T/a/config.json" >"$T/a.json"
	podns_fails 1 'it exists already' create web
	equal "$(podns ls --json | jq -r '.[].state')" claimed
	: >"$CNI/log"
	equal "$(podns create --hold web)" "$(printf '%s\n' "$ROOT"/{net,ipc,uts}ns/web)"
	equal "$(podns create --hold web)" "$(printf '%s\n' "$ROOT"/{net,ipc,uts}ns/web)"
	equal "$(calls)" ''
	equal "$(podns ls --json | jq -r '.[].state')" held
	# One that does not have what was asked for is none.
	podns_fails 1 'it exists already, without a user namespace' \
		create --hold --namespaces net,user --uid-map 0:1:1 --gid-map 0:1:1 web
	conflist other 1.0.0
	podns_fails 1 'it exists already, with the network lan' create --hold --network other web
	podns rm --force web
	rm "$PODS/web.pod"
	podns create --hold web
	podns_fails 1 'it exists already, without a network' create --hold --network lan web
	podns_fails 2 '--hold does not go with --from-pid' create --hold --from-pid $$ web
	# What cannot be printed is no reason to end a pod that was there.
	fails podns create --hold web >/dev/full
	equal "$(podns ls --json | jq -r '.[].state')" held
	podns rm web
	assert_nothing_left
}

@test "the example is a definition" {
	cp "$PODNS_SRC/docs/web.pod" "$PODS/web.pod"
	podns create web
	equal "$(podns exec web hostname)" www
	podns rm web
	sed -i 's/^;//' "$PODS/web.pod"
	podns create web
	equal "$(record '.ports | join(" ")')" '8080:80/tcp 127.0.0.1:9090:9090/tcp'
}
