#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# poststop by hand: who is known, what is given back, and what is never taken.

load helpers

@test "poststop knows the container by its id and bundle alone" {
	make_bundle a
	create a ''
	state_doc a '' stopped '{}' | hook poststop
	assert_untouched a
	assert_nothing_left
}

@test "poststop when the bundle is gone" {
	make_bundle a
	create a ''
	rm -r "${T:?}/a"
	poststop a
	assert_nothing_left
}

@test "poststop gives back the bundles of all that were in the pod" {
	make_bundle a
	make_bundle b
	create a ''
	create b ''
	poststop a
	differ "$(cat "$T/b/config.json")" "$(cat "$T/b.orig")"
	poststop b
	assert_untouched a
	assert_untouched b
	assert_nothing_left
}

@test "poststop forgets bundles that are gone, in a pod that lives on" {
	local name
	make_bundle a
	create a ''
	for name in b c; do
		make_bundle "$name"
		create "$name" ''
		poststop "$name"
		rm -r "${T:?}/$name"
	done
	# Each is there when its own poststop runs.
	equal "$(sed -n 's/^bundle //p' "$ROOT/podns/web/record")" "$(printf '%s\n' "$T/a" "$T/c")"
	equal "$(find "$ROOT/podns" -name 'bundle@*' | wc -l)" 2
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "poststop of a container that nobody knows" {
	make_bundle a
	poststop a
	assert_untouched a
	assert_nothing_left
	make_bundle b
	create b ''
	poststop a
	assert_pinned web net ipc uts
	poststop b
	poststop b
	assert_nothing_left
}

@test "poststop of another bundle's container of the same id" {
	make_bundle a
	create a ''
	mkdir "$T/c"
	cp "$T/a.orig" "$T/c/config.json"
	state_doc a '' stopped | sed "s|$T/a|$T/c|" | hook poststop
	assert_pinned web net ipc uts
}

@test "poststop never takes a pod from under a container whose init lives" {
	in_new_namespaces --net --ipc --uts
	make_bundle a
	create a "$CHILD"
	poststop a || true
	assert_pinned web net ipc uts
	end_child
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "--keep leaves the pins" {
	make_bundle a
	create a ''
	poststop a --keep
	assert_pinned web net ipc uts
}

@test "a run sweeps the pod's dead members first" {
	in_new_namespaces --net --ipc --uts
	make_bundle a
	create a "$CHILD"
	end_child
	in_new_namespaces --net --ipc --uts
	make_bundle b
	create b "$CHILD"
	equal "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "/proc/$CHILD/ns/net")"
	assert_untouched a
}
