#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The precreate stage: as a filter by hand, and what becomes of the claim that it leaves.

load helpers
load podman

# filter NAME [OPTION...]: $T/NAME/config.json through the hook, to $T/NAME.new.
filter() {
	local name=$1
	shift
	hook "$@" precreate <"$T/$name/config.json" >"$T/$name.new"
}

# refused NAME TEXT [OPTION...]: it fails with TEXT and nothing on stdout.
refused() {
	local name=$1 text=$2
	shift 2
	refused_document "$text" "$@" <"$T/$name/config.json"
}

refused_document() {
	fails_with "$1" hook "${@:2}" precreate
}

claim_of() {
	jq -r '.annotations["io.podns.claim"]' <"$T/$1.new"
}

# --- by hand ---------------------------------------------------------------------

@test "precreate: makes and pins what is missing, says so in the document, keeps every other byte, and leaves a claim" {
	local type
	make_bundle a
	filter a
	for type in net ipc uts; do
		ns_ino "/run/${type}ns/web"
		differ "$(ns_ino "/run/${type}ns/web")" "$(ns_ino "/proc/self/ns/$type")"
	done
	equal "$(jq -c '.linux.namespaces | map({key: .type, value: .path}) | from_entries' <"$T/a.new")" \
		'{"pid":null,"network":"/run/netns/web","ipc":"/run/ipcns/web","uts":"/run/utsns/web","mount":null}'
	equal "$(claims)" 1
	contains "$(record)" "$(claim_of a)"
	assert_untouched a
	# The odd spellings of the document are all there still.
	grep -qF '"x-number": 18446744073709551615, "x-float":1.10e+02 , "x-text": "a\/b\u00e9\ud83d\ude00\t",' "$T/a.new"
	grep -qF '"linux": { ' "$T/a.new"
	equal "$(tail -n 3 "$T/a.new")" "$(tail -n 3 "$T/a.orig")"
	# What it puts in does not change the rest.
	equal "$(jq -S 'del(.annotations["io.podns.claim"], .hostname)
		| .linux.namespaces |= map(del(.path))' <"$T/a.new")" "$(jq -S 'del(.hostname)' <"$T/a.orig")"
}

@test "precreate: the second of a pod gets the same paths and a claim of its own" {
	local ino
	make_bundle a
	make_bundle b
	filter a
	ino=$(ns_ino /run/netns/web)
	filter b
	equal "$(ns_ino /run/netns/web)" "$ino"
	differ "$(claim_of a)" "$(claim_of b)"
	equal "$(claims)" 2
}

@test "precreate: a document without a pod, or that shares nothing yet, passes through byte for byte" {
	make_bundle none pod=
	make_bundle shares-nothing namespaces="$(entry pid), $(entry mount)"
	# Made by precreate it would be rooted in the engine's cgroup.
	make_bundle cgroup namespaces="$(entry pid), $(entry cgroup), $(entry mount)" \
		annotations=', "io.podns.namespaces": "cgroup"'
	local name
	for name in none shares-nothing cgroup; do
		filter "$name"
		cmp "$T/$name.orig" "$T/$name.new"
		nothing_left
	done
}

@test "precreate: twice over its own output, the paths do not change" {
	make_bundle a
	filter a
	cp "$T/a.new" "$T/a/config.json"
	cp "$T/a.new" "$T/first"
	filter a
	local same='del(.annotations["io.podns.claim"])'
	equal "$(jq -S "$same" <"$T/a.new")" "$(jq -S "$same" <"$T/first")"
}

@test "precreate: nothing on stdout where it fails, and nothing left" {
	local case
	make_bundle a annotations=', "io.podns.namespaces": "net,pid"'
	refused a pid
	nothing_left
	make_bundle a sysctl='"kernel.core_pattern": "|/evil"'
	refused a kernel.core_pattern
	nothing_left
	make_bundle a namespaces="$(entry pid), $(entry network /no/such/netns), $(entry mount)"
	refused a /no/such/netns
	nothing_left
	for case in '' '{} x' '{"annotations": {"io.podns.pod": 5}}'; do
		printf '%s' "$case" | refused_document ''
		nothing_left
	done
}

@test "precreate: expired claims go with the pod's next run, and the pod with them" {
	local ino
	make_bundle a
	make_bundle b
	filter a
	ino=$(claim_of a)
	expire_claims
	filter b
	lacks "$(record)" "$ino"
	equal "$(claims)" 1
	expire_claims
	# A run that makes no claim of its own ends it.
	make_bundle c namespaces="$(entry pid), $(entry mount)"
	filter c
	nothing_left
}

# --- under podman ------------------------------------------------------------------

@test "podman: a container that was created and not started has a claim, and starts" {
	pm create --name a --annotation "$POD_LABEL=web" --network none "$IMAGE" pause >/dev/null
	# podman runs precreate at init or start.
	[ ! -e /run/podns/web ]
	pm init a >/dev/null
	equal "$(members)" 1
	equal "$(claims)" 0
	pm start a >/dev/null
	same_pod a
	drop a
	nothing_left
}

@test "podman: one that was initialised and removed leaves nothing" {
	pm create --name a --annotation "$POD_LABEL=web" --network none "$IMAGE" pause >/dev/null
	pm init a >/dev/null
	drop a
	nothing_left
}

# A hook that runs after ours and fails: podman gives up between precreate and createRuntime.
failing_precreate() {
	cp -r "$HOOKS_D" "$T/hooks.d"
	cat >"$T/hooks.d/zz-fail.json" <<-'JSON'
		{"version": "1.0.0", "hook": {"path": "/bin/false", "args": ["false"], "timeout": 10},
		 "when": {"annotations": {"^fail$": ".*"}}, "stages": ["precreate"]}
	JSON
	podman_options --hooks-dir "$T/hooks.d"
}

@test "podman: one that fails between precreate and createRuntime leaves a claim, which expires" {
	failing_precreate
	pod_fails a --network none --annotation fail=yes
	equal "$(claims)" 1
	pm rm -f a >/dev/null
	# The namespaces that wait for it are there, and the next container has them.
	pod_wait b
	same_pod b
	equal "$(claims)" 1
	expire_claims
	pod_wait c
	equal "$(claims)" 0
	same_pod b c
	drop b c
	nothing_left
}

@test "podman: the pod of a claim alone ends with the next run after it expired" {
	failing_precreate
	pod_fails a --network none --annotation fail=yes
	pm rm -f a >/dev/null
	ip netns exec web sh -c 'echo 99 >/proc/sys/net/ipv4/ip_default_ttl'
	expire_claims
	pod_wait b
	# It is made again: what was done to the old one is gone.
	differ "$(in_ctr b cat /proc/sys/net/ipv4/ip_default_ttl)" 99
	drop b
	nothing_left
}

@test "podman: one that the runtime cannot create leaves others alone" {
	pod_wait a
	# runc refuses mounts in /proc before it runs any hook.
	pod_fails b --network none -v "$T:/proc/sys/net"
	pm rm -f b >/dev/null
	same_pod a
	expire_claims
	drop a
	nothing_left
}

@test "podman: a command that does not exist: podman never runs poststop, and the next run sweeps" {
	pod_wait a
	fails pm run --name b --annotation "$POD_LABEL=web" --network none "$IMAGE" /no/such/program >"$T/b.out" 2>&1
	pm rm -f b >/dev/null
	same_pod a
	drop a
	nothing_left
	# Alone, it leaves its namespaces until somebody looks.
	fails pm run --name c --annotation "$POD_LABEL=web" --network none "$IMAGE" /no/such/program >"$T/c.out" 2>&1
	pm rm -f c >/dev/null
	pod_wait d
	same_pod d
	drop d
	nothing_left
}

@test "podman: what those leave goes with podns gc" {
	failing_precreate
	pod_fails a --network none --annotation fail=yes
	fails pm run --name b --annotation "$POD_LABEL=web" --network none "$IMAGE" /no/such/program >"$T/b.out" 2>&1
	"$PODNS_BUILD/cli/podns" gc
	# A claim in time is nobody's to take.
	equal "$(claims)" 1
	expire_claims
	"$PODNS_BUILD/cli/podns" gc
	nothing_left
}
