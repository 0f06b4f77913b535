#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Which pod a container is in, whom that is believed from, and what the pod is called. Each name that is refused: the
# tables of test_pod.c and test_plan.c.

load helpers

CRI=", \"io.kubernetes.cri.sandbox-id\": \"$SANDBOX_ID\""
CRIO=", \"io.kubernetes.cri-o.SandboxID\": \"$SANDBOX_ID\""

pod_is() {
	assert_pinned "$1" net ipc uts
	# And no other.
	equal "$(ls "$ROOT/netns")" "$1"
}

# --- which -----------------------------------------------------------------------

@test "the annotation io.podns.pod names the pod" {
	local name
	for name in shop.front_1+x-y "$(printf '%0128d' 0)"; do
		make_bundle a pod="$name"
		create a ''
		pod_is "$name"
		poststop a
		assert_untouched a
		assert_nothing_left
	done
}

@test "--pod-annotation names another annotation, and io.podns.pod no longer counts" {
	make_bundle a pod=web annotations=', "org.example/pod": "db"'
	create a '' --pod-annotation org.example/pod
	pod_is db
	make_bundle b pod=web
	poststop a --pod-annotation org.example/pod
	create b '' --pod-annotation org.example/pod
	pod_is "$(id_of b)"
}

@test "without an annotation the container is a pod of one" {
	make_bundle a pod=
	create a ''
	pod_is "$(id_of a)"
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a container's id with + or a leading _ is a pod's name" {
	make_bundle a pod=
	ids_begin_with _a+b
	create a ''
	pod_is _a+b-a
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a CRI engine's sandbox is the pod, whatever the pod's author wrote" {
	make_bundle a pod=evil annotations="$CRI"
	create a ''
	pod_is "$SANDBOX_ID"
	poststop a
	make_bundle b pod=evil annotations="$CRIO"
	create b ''
	pod_is "$SANDBOX_ID"
	poststop b
	assert_untouched a
	assert_untouched b
	assert_nothing_left
}

@test "under a CRI engine no io.podns annotation counts" {
	make_bundle a pod= annotations="$CRI"', "io.podns.namespaces": "net", "io.podns.hostname": "evil"'
	create a ''
	pod_is "$SANDBOX_ID"
	equal "$(in_pin uts "$SANDBOX_ID" hostname)" first
}

@test "under a CRI engine a pod cannot be joined by its name" {
	local net
	make_bundle a pod=web
	create a ''
	net=$(ns_ino "$ROOT/netns/web")
	make_bundle b pod=web annotations="$CRI"
	create b ''
	assert_pinned "$SANDBOX_ID" net ipc uts
	differ "$(ns_ino "$ROOT/netns/$SANDBOX_ID")" "$net"
	equal "$(ns_path b network)" "$ROOT/netns/$SANDBOX_ID"
}

@test "--trust-annotations lifts that" {
	make_bundle a pod=web annotations="$CRI"', "io.podns.hostname": "shop"'
	create a '' --trust-annotations
	pod_is web
	equal "$(in_pin uts web hostname)" shop
}

@test "with --pod-annotation that key alone chooses, and nothing else that an image or a pod's author can write counts" {
	make_bundle a annotations="$CRI"', "org.example/pod": "db", "io.podns.hostname": "evil", "io.podns.namespaces": "net"'
	create a '' --pod-annotation org.example/pod
	pod_is db
	equal "$(in_pin uts db hostname)" first
	poststop a --pod-annotation org.example/pod
	# Without the key there is no pod to be had: not the sandbox's, and not the one that io.podns.pod names.
	make_bundle b annotations="$CRIO"
	hook --pod-annotation org.example/pod precreate <"$T/b.orig" >"$T/b/config.json"
	assert_untouched b
	assert_nothing_left
}

@test "with --pod-annotation a sandbox's annotation is not even looked at" {
	make_bundle a pod= annotations=', "io.kubernetes.cri-o.SandboxID": "victim", "org.example/pod": "db"'
	create a '' --pod-annotation org.example/pod
	pod_is db
}

@test "--trust-annotations lets them count beside --pod-annotation" {
	make_bundle a pod= annotations="$CRI"', "io.podns.hostname": "shop"'
	create a '' --pod-annotation org.example/pod --trust-annotations
	pod_is "$SANDBOX_ID"
	equal "$(in_pin uts "$SANDBOX_ID" hostname)" shop
}

# joins_not VICTIM ANNOTATIONS: a container with these annotations does not join the pod VICTIM.
joins_not() {
	make_bundle evil pod= annotations="$2"
	fails_with "$3" hook precreate <"$T/evil.orig"
	fails_with "$3" create evil ''
	assert_untouched evil
	lacks "$(cat "$ROOT/podns/$1/record")" evil
}

@test "a sandbox's annotation reaches no named pod" {
	make_bundle a pod=victim
	create a ''
	joins_not victim ', "io.kubernetes.cri-o.SandboxID": "victim"' 'is not the id of a sandbox'
	joins_not victim ', "io.kubernetes.cri.sandbox-id": "victim"' 'is not the id of a sandbox'
	joins_not victim ', "io.podns.pod": "victim", "io.kubernetes.cri-o.SandboxID": "victim"' 'is not the id of a sandbox'
	poststop a
	assert_nothing_left
}

@test "io.podns.pod reaches no sandbox's pod" {
	make_bundle a pod= annotations="$CRI"
	create a ''
	joins_not "$SANDBOX_ID" ", \"io.podns.pod\": \"$SANDBOX_ID\"" '64 hexadecimal digits'
	make_bundle evil pod= annotations=", \"org.example/pod\": \"$SANDBOX_ID\""
	fails_with '64 hexadecimal digits' hook --pod-annotation org.example/pod precreate <"$T/evil.orig"
	poststop a
	assert_nothing_left
}

@test "annotations that are in config.json alone count" {
	make_bundle a annotations="$CRI"
	state_doc a '' creating '{}' | hook createRuntime
	pod_is "$SANDBOX_ID"
}

bad_pod() {
	make_bundle a pod= annotations=", \"io.podns.pod\": $1"
	fails_with 'createRuntime: ' create a ''
	assert_untouched a
	assert_nothing_left
	[ ! -e "$ROOT/evil" ]
}

@test "a pod name that is a path or hidden: refused" {
	bad_pod '"../evil"'
	bad_pod '".hidden"'
}

@test "a pod name with other characters: refused" {
	bad_pod '"a\nb"'
	bad_pod '""'
	bad_pod "\"$(printf '%0129d' 0)\""
	bad_pod '["web"]'
}

@test "a sandbox annotation that is no sandbox's id: refused by its name" {
	local id
	for id in ../evil "${SANDBOX_ID^^}"; do
		make_bundle a annotations=", \"io.kubernetes.cri.sandbox-id\": \"$id\""
		fails_with "annotation io.kubernetes.cri.sandbox-id: '$id' is not the id of a sandbox" create a ''
		assert_untouched a
		assert_nothing_left
	done
}

bad_namespaces() {
	make_bundle a annotations=", \"io.podns.namespaces\": $1"
	fails_with "$2" create a ''
	assert_untouched a
	assert_nothing_left
}

@test "io.podns.namespaces: pid is refused, and it says why" {
	bad_namespaces '"net,pid"' init
	bad_namespaces '"pid"' pid
}

@test "io.podns.namespaces: mount, an empty type, and what is no list are refused" {
	bad_namespaces '"net,mount"' mount
	bad_namespaces '"net,,ipc"' io.podns.namespaces
	bad_namespaces '[]' io.podns.namespaces
}

# --- hostname --------------------------------------------------------------------

@test "hostname: io.podns.hostname counts for more" {
	make_bundle a hostname=shop annotations=', "io.podns.hostname": "front"'
	create a ''
	equal "$(in_pin uts web hostname)" front
	equal "$(jq -r .hostname <"$T/a/config.json")" front
}

@test "hostname: the pod's name where the config has only the engine's default" {
	ids_begin_with 0123456789abcdef
	make_bundle a hostname=0123456789ab
	create a ''
	equal "$(in_pin uts web hostname)" web
}

@test "hostname: a container that joins gets the pod's, in hostname and HOSTNAME" {
	make_bundle a hostname=shop
	make_bundle b hostname=other env_hostname=other
	create a ''
	create b ''
	equal "$(in_pin uts web hostname)" shop
	equal "$(jq -r .hostname <"$T/b/config.json")" shop
	equal "$(jq -r '.process.env[] | select(startswith("HOSTNAME="))' <"$T/b/config.json")" HOSTNAME=shop
	poststop a
	poststop b
	assert_untouched a
	assert_untouched b
	assert_nothing_left
}

@test "hostname: a container that shares no uts namespace may have any io.podns.hostname" {
	make_bundle a net=
	edit_config a '.annotations["io.podns.hostname"] = 5 | .linux.namespaces |= map(select(.type == "network"))'
	hook precreate <"$T/a/config.json" >"$T/out"
	equal "$(jq -r '.linux.namespaces[0].path' <"$T/out")" "$ROOT/netns/web"
}

@test "hostname: UTF-8, as runc and crun take it" {
	local name=$'h\xc3\xa9'
	make_bundle a hostname="$name"
	create a ''
	equal "$(in_pin uts web hostname)" "$name"
	make_bundle b hostname=other env_hostname=other stages=
	create b ''
	equal "$(jq -r .hostname <"$T/b/config.json")" "$name"
	poststop a
	poststop b
	assert_untouched a
	assert_untouched b
	create a ''
	create b ''
	start b
	equal "$(saw b hostname)" "$name"
	equal "$(saw b env_hostname)" "$name"
	equal "$(in_pin uts web hostname)" "$name"
}

# named JSON-MEMBERS TEXT: a config with these is refused with that.
named() {
	make_bundle a
	edit_config a ". + { $1 }"
	fails_with "$2" create a ''
	assert_untouched a
	assert_nothing_left
}

@test "hostname and domainname: what no UTS name is, is refused by its own name" {
	named '"hostname": "a b"' "hostname 'a b' has a space"
	named '"hostname": "a\u009b2J"' "hostname 'a??2J' has"
	named "\"domainname\": \"$(printf '%065d' 0)\"" ": domainname '00"
	named '"domainname": "a\u0007"' "domainname 'a?' has"
}

@test "hostname: never added where the container has no uts entry" {
	make_bundle a hostname= namespaces="$(entry network)"
	create a ''
	equal "$(jq -c 'has("hostname")' <"$T/a/config.json")" false
}

@test "domainname: a container that joins gets the pod's" {
	make_bundle a
	create a '' --sysctl kernel.domainname=pods.example
	make_bundle b
	edit_config b '.domainname = "other.example"'
	create b ''
	equal "$(jq -r .domainname <"$T/b/config.json")" pods.example
	poststop a
	poststop b
	assert_untouched b
}
