#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podns rewrite: what precreate does, for scripts around runc and crun.

load helpers
load podns

@test "stdin to stdout: paths are set, the pod is made and held, no claim" {
	make_bundle a pod= stages=
	podns rewrite web <"$T/a/config.json" >"$T/new.json"
	equal "$(jq -r '.linux.namespaces[] | select(.type == "network") | .path' <"$T/new.json")" \
		"$ROOT/netns/web"
	equal "$(jq -r '.annotations["io.podns.claim"]' <"$T/new.json")" null
	equal "$(of_pod web .state)" held
	podns rewrite --revert web <"$T/new.json" | cmp - "$T/a.orig"
	podns rm web
	assert_nothing_left
}

@test "in place: however the directory is written" {
	local dir
	make_bundle a pod= stages=
	ln -s a "$T/link"
	for dir in "$T/a/" "$T/a/." "$T/a//" "$T/link/" "$T/link/../a"; do
		podns rewrite --bundle "$dir" web
		equal "$(ns_path a network)" "$ROOT/netns/web"
		podns rewrite --revert --bundle "$dir" web
		assert_untouched a
	done
	podns rm web
	assert_nothing_left
}

@test "in place: a container without hooks runs in the pod, and the pod's end reverts" {
	make_bundle a pod= stages=
	podns rewrite --bundle "$T/a" web
	start a
	assert_in_pins a web
	equal "$(of_pod web '"\(.state) \(.pids)"')" 'held 1'
	rt delete --force "$(id_of a)"
	podns rm web
	assert_untouched a
	assert_nothing_left
}

@test "in place: a second container with the hook joins a pod that a first one made, as README.md shows" {
	make_bundle a
	start a
	make_bundle b
	podns rewrite --bundle "$T/b" web
	start b
	assert_in_pins b web
	equal "$(of_pod web '"\(.state) \(.containers)"')" 'live 2'
	stop a
	stop b
	assert_untouched a
	assert_untouched b
	assert_nothing_left
}

@test "linux.timeOffsets for a time namespace of the pod's: refused, and no pod is made" {
	make_bundle a pod= stages= namespaces="$(entry time)" linux='"timeOffsets": {"monotonic": {"secs": 1}},'
	podns_fails 1 linux.timeOffsets rewrite --namespaces time --bundle "$T/a" web
	contains "$(<"$T/stderr")" 'leave time out'
	assert_untouched a
	assert_nothing_left
}

@test "in place twice writes nothing the second time" {
	local before
	make_bundle a pod= stages=
	podns rewrite --bundle "$T/a" web
	before=$(stat -c '%i %y' "$T/a/config.json")
	podns rewrite --bundle "$T/a" web
	equal "$(stat -c '%i %y' "$T/a/config.json")" "$before"
}

@test "--revert --bundle gives it back, and the pod forgets it" {
	make_bundle a pod= stages=
	cd "$T"
	podns rewrite --bundle a web
	equal "$(inspect web '.bundles[]')" "$T/a"
	podns rewrite --revert --bundle a web
	assert_untouched a
	equal "$(inspect web '.bundles | length')" 0
	equal "$(find "$ROOT/podns" -name '*@*')" ''
	equal "$(of_pod web .state)" held
}

@test "--revert --bundle with another pod's name is an error; with nothing to revert it is none" {
	local before
	make_bundle a pod= stages=
	podns rewrite --bundle "$T/a" web
	podns create db
	before=$(cat "$T/a/config.json")
	podns_fails 1 "$T/a/config.json was rewritten for the pod web, not for db" \
		rewrite --revert --bundle "$T/a" db
	podns_fails 1 'for the pod web, not for nosuch' rewrite --revert --bundle "$T/a" nosuch
	equal "$(cat "$T/a/config.json")" "$before"
	equal "$(inspect web '.bundles[]')" "$T/a"
	podns rewrite --revert --bundle "$T/a" web
	assert_untouched a
	podns rewrite --revert --bundle "$T/a" web
	podns rewrite --revert --bundle "$T/a" db
	assert_untouched a
}

@test "--revert --bundle of a copied bundle takes out what leads to the pins, and says that it did no more" {
	make_bundle a stages=
	podns create --hostname shop web
	podns rewrite --bundle "$T/a" web
	cp -r "$T/a" "$T/b"
	podns rewrite --revert --bundle "$T/b" db
	cmp "$T/a/config.json" "$T/b/config.json"
	"$PODNS" --root "$ROOT" rewrite --revert --bundle "$T/b" web 2>"$T/stderr"
	contains "$(cat "$T/stderr")" "$T/b/config.json: there is no copy of the original"
	equal "$(ns_path b network)$(ns_path b ipc)$(ns_path b uts)" ''
	# What is not a path keeps the pod's value: nobody knows what it was.
	equal "$(jq -r .hostname <"$T/b/config.json")" shop
	lacks "$(cat "$T/a/config.json")" "$T/b"
	podns rewrite --revert --bundle "$T/a" web
	assert_untouched a
}

@test "--revert from standard input takes out what leads to the pins" {
	make_bundle a stages= linux='"mountLabel": "",'
	jq '.mounts += [{destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "size=1m"]}]' \
		<"$T/a.orig" >"$T/a/config.json"
	podns rewrite web <"$T/a/config.json" >"$T/new.json"
	contains "$(cat "$T/new.json")" "$ROOT/podns/web/shm"
	podns rewrite --revert db <"$T/new.json" >"$T/same.json"
	cmp "$T/new.json" "$T/same.json"
	podns rewrite --revert web <"$T/new.json" >"$T/back.json"
	lacks "$(cat "$T/back.json")" "$ROOT"
	equal "$(jq -c '.mounts[-1] | [.destination, .type]' <"$T/back.json")" '["/dev/shm","tmpfs"]'
	podns rewrite --revert web <"$T/a/config.json" >"$T/same.json"
	cmp "$T/a/config.json" "$T/same.json"
}

@test "a pod that exists is joined, and is as held as it was" {
	live_pod web
	make_bundle b pod= stages=
	podns rewrite web <"$T/b/config.json" >"$T/new.json"
	equal "$(of_pod web .state)" live
}

@test "the pod that is named counts, not the annotation" {
	make_bundle a pod=evil
	podns rewrite web <"$T/a/config.json" >"$T/new.json"
	assert_pinned web net ipc uts
	assert_not_pinned evil net
}

@test "where it fails, nothing is printed, written or left" {
	make_bundle a pod= stages= sysctl='"kernel.core_pattern": "evil"'
	run --separate-stderr podns rewrite web <"$T/a/config.json"
	equal "$status" 1
	equal "$output" ''
	# shellcheck disable=SC2154 # bats sets it
	contains "$stderr" 'would change the host'
	podns_fails 1 'would change the host' rewrite --bundle "$T/a" web
	assert_untouched a
	assert_nothing_left
}

@test "output that cannot be written leaves nothing" {
	make_bundle a pod= stages=
	run bash -c "'$PODNS' rewrite --root '$ROOT' web <'$T/a/config.json' >/dev/full"
	equal "$status" 1
	contains "$output" 'No space left on device'
	assert_nothing_left
}

@test "--namespaces and --sysctl" {
	make_bundle a pod= stages=
	podns rewrite --namespaces net --sysctl net.ipv4.ip_default_ttl=77 web \
		<"$T/a/config.json" >"$T/new.json"
	assert_pinned web net
	assert_not_pinned web ipc uts
	equal "$(in_pin net web cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	podns_fails 2 'cannot be shared' rewrite --namespaces pid web
}

@test "a --sysctl that is not KEY=VALUE is wrong usage" {
	podns_fails 2 "--sysctl 'net.ipv4.ip_forward': expected KEY=VALUE" rewrite --sysctl net.ipv4.ip_forward web </dev/null
}

@test "a --sysctl of a type that the container does not share: refused before anything is touched" {
	make_bundle a pod= stages=
	podns_fails 1 'net.ipv4.ip_default_ttl: the container shares no network namespace' \
		rewrite --namespaces ipc --sysctl net.ipv4.ip_default_ttl=77 --bundle "$T/a" web
	assert_untouched a
	assert_nothing_left
}

@test "a bundle that is not there is a failure, not wrong usage" {
	podns_fails 1 "open bundle $T/nosuch: No such file" rewrite --bundle "$T/nosuch" web
	assert_nothing_left
}
