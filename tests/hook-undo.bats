#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The lossless edit of config.json, and giving it back.

load helpers

# meaning JQ-FILTER: what a document on stdin means, as one line of sorted JSON; jq rounds
# numbers, but alike on both sides.
meaning() {
	jq -Sc "$1"
}

# keeps TEXT...: each of these bytes of the original is in the edited document.
keeps() {
	local line
	for line; do
		grep -qF -- "$line" "$T/a/config.json" || {
			echo "lost: $line"
			cat "$T/a/config.json"
			return 1
		}
	done
}

@test "the edit keeps spacing, escapes, numbers and unknown members" {
	make_bundle a
	create a ''
	# shellcheck disable=SC1003 # the backslashes are the document's
	keeps '"x-number": 18446744073709551615, "x-float":1.10e+02 , "x-text": "a\/b\u00e9\ud83d\ude00\t",' \
		'{ "ociVersion" : "1.0.2",' '"cwd": "\/",' '"noNewPrivileges":true' \
		'"org.example.first": "caf\u00e9 \/"' '}   ,  "x-last": [ [], {}, null, -0.0 ] }'
	# An editor of bytes changes lines that it has to, and no others.
	equal "$(diff "$T/a.orig" "$T/a/config.json" | grep -c '^<')" \
		"$(grep -cE '"(network|ipc|uts)"|"annotations"' "$T/a.orig")"
}

@test "the edit means what it should and nothing else" {
	local strip='del(.annotations["io.podns.undo"])'
	make_bundle a
	create a ''
	equal "$(meaning "$strip" <"$T/a/config.json")" \
		"$(meaning '(.linux.namespaces[] | select(.type == "network")).path = "'"$ROOT"'/netns/web"
			| (.linux.namespaces[] | select(.type == "ipc")).path = "'"$ROOT"'/ipcns/web"
			| (.linux.namespaces[] | select(.type == "uts")).path = "'"$ROOT"'/utsns/web"' <"$T/a.orig")"
}

@test "a document in one line, without spaces" {
	make_bundle a
	jq -c . <"$T/a.orig" | tr -d '\n' >"$T/a/config.json"
	keep_original a
	create a ''
	equal "$(ns_path a network)" "$ROOT/netns/web"
	poststop a
	assert_untouched a
}

@test "a document with a path to replace, one to add, and one that stays" {
	make_bundle a
	create a ''
	make_bundle b namespaces='{"path":"'"${ROOT//\//\\\/}"'/netns/web","type":"network"},
		{"type":"ipc","x":[1, 2]}, { "x":null , "type":"uts" , "path" : "" }'
	create b ''
	equal "$(ns_path b network)" "$ROOT/netns/web"
	equal "$(ns_path b ipc)" "$ROOT/ipcns/web"
	equal "$(ns_path b uts)" "$ROOT/utsns/web"
	equal "$(jq -c '.linux.namespaces[1].x' <"$T/b/config.json")" '[1,2]'
	poststop a
	poststop b
	assert_untouched a
	assert_untouched b
}

@test "a document without annotations" {
	make_bundle a pod=
	jq 'del(.annotations)' <"$T/a.orig" >"$T/a/config.json"
	keep_original a
	create a ''
	equal "$(ns_path a network)" "$ROOT/netns/$(id_of a)"
	poststop a
	assert_untouched a
	jq '.annotations = {}' <"$T/a.orig" >"$T/a/config.json"
	keep_original a
	create a ''
	poststop a
	assert_untouched a
	jq '.annotations = null' <"$T/a.orig" >"$T/a/config.json"
	keep_original a
	create a ''
	poststop a
	assert_untouched a
}

@test "mode, owner and extended attributes stay" {
	local before
	make_bundle a
	chmod 0640 "$T/a/config.json"
	chown 1234:2345 "$T/a/config.json"
	setfattr -n user.note -v 'hello' "$T/a/config.json" || skip "no user attributes on this file system"
	setfattr -n trusted.note -v 'there' "$T/a/config.json"
	before=$(stat -c '%a %u %g' "$T/a/config.json"; cd "$T/a" && getfattr -d -m - config.json)
	contains "$before" hello
	create a ''
	equal "$(stat -c '%a %u %g' "$T/a/config.json"; cd "$T/a" && getfattr -d -m - config.json)" "$before"
	poststop a
	equal "$(stat -c '%a %u %g' "$T/a/config.json"; cd "$T/a" && getfattr -d -m - config.json)" "$before"
	assert_untouched a
}

@test "an edit that changes nothing writes nothing" {
	local before
	make_bundle a namespaces="$(entry pid), $(entry mount)"
	before=$(stat -c '%i %y %z' "$T/a/config.json")
	create a ''
	equal "$(stat -c '%i %y %z' "$T/a/config.json")" "$before"
	poststop a
	equal "$(stat -c '%i %y %z' "$T/a/config.json")" "$before"
}

@test "nothing but config.json is in the bundle after the edit" {
	make_bundle a
	create a ''
	equal "$(ls -A "$T/a")" config.json
}

@test "a bundle that is a symlink" {
	make_bundle a
	mv "$T/a" "$T/real"
	ln -s real "$T/a"
	create a ''
	[ -L "$T/a" ]
	equal "$(ns_path a network)" "$ROOT/netns/web"
	poststop a
	cmp "$T/a.orig" "$T/real/config.json"
	assert_nothing_left
}

# --- when somebody else edited it too ----------------------------------------------

@test "another's edit stays, and ours is taken out value by value" {
	make_bundle a
	create a ''
	jq '.hostname = "renamed" | .process.args += ["more"]' <"$T/a/config.json" >"$T/edited"
	cat "$T/edited" >"$T/a/config.json"
	poststop a
	equal "$(meaning . <"$T/a/config.json")" \
		"$(meaning '.hostname = "renamed" | .process.args += ["more"]' <"$T/a.orig")"
	assert_nothing_left
}

@test "a path that another changed after us is left" {
	make_bundle a
	create a ''
	jq '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/theirs"' \
		<"$T/a/config.json" >"$T/edited"
	cat "$T/edited" >"$T/a/config.json"
	poststop a
	equal "$(ns_path a network)" /run/netns/theirs
	equal "$(ns_path a ipc)" ''
	lacks "$(cat "$T/a/config.json")" io.podns.undo
	assert_nothing_left
}

@test "a config.json that is no longer JSON does not keep the pod from ending" {
	make_bundle a
	make_bundle b
	create a ''
	create b ''
	echo '{' >"$T/a/config.json"
	poststop a || true
	poststop b || true
	equal "$(cat "$T/a/config.json")" '{'
	assert_untouched b
	assert_not_pinned web net ipc uts
}

# --- without a record --------------------------------------------------------------

# What a boot takes away.
reboot() {
	unmount_below "$ROOT"
	rm -rf "${ROOT:?}"/*
}

@test "after a reboot the bundle starts anew, and gets its first bytes back at the end" {
	make_bundle a
	create a ''
	reboot
	create a ''
	assert_pinned web net ipc uts
	equal "$(ns_path a network)" "$ROOT/netns/web"
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a copy of a rewritten bundle joins the pod, and gets the first bytes too" {
	make_bundle a
	create a ''
	cp -r "$T/a" "$T/b"
	cp "$T/a.orig" "$T/b.orig"
	create b ''
	equal "$(ns_path b network)" "$ROOT/netns/web"
	poststop a
	poststop b
	assert_untouched a
	assert_untouched b
	assert_nothing_left
}

@test "a rewritten bundle in another pod" {
	make_bundle a
	create a ''
	reboot
	jq '.annotations["io.podns.pod"] = "db"' <"$T/a/config.json" >"$T/edited"
	cat "$T/edited" >"$T/a/config.json"
	state_doc a '' creating '{"io.podns.pod": "db"}' | hook createRuntime
	assert_pinned db net ipc uts
	equal "$(ns_path a network)" "$ROOT/netns/db"
	poststop a
	equal "$(meaning . <"$T/a/config.json")" "$(meaning '.annotations["io.podns.pod"] = "db"' <"$T/a.orig")"
	assert_nothing_left
}

# --- tampered with -----------------------------------------------------------------

# tampered JQ-FILTER: of a rewritten config.json. It must then be refused where the hook would have
# to build on it, here because somebody took the paths out.
tampered() {
	make_bundle a
	create a ''
	jq "$1 | del(.linux.namespaces[].path)" <"$T/a/config.json" >"$T/edited"
	poststop a
	cat "$T/edited" >"$T/a/config.json"
	keep_original a
	fails_with io.podns.undo create a ''
	assert_untouched a
	assert_nothing_left
}

@test "an undo that was tampered with: refused" {
	tampered '.annotations["io.podns.undo"] |= . + "x"'
	tampered '.annotations["io.podns.undo"] |= .[0:-2]'
	tampered '.annotations["io.podns.undo"] |= sub("[0-9]"; "x")'
	tampered '.annotations["io.podns.undo"] |= gsub("netns"; "evilns")'
	tampered '.annotations["io.podns.undo"] = ""'
	tampered '.annotations["io.podns.undo"] = "nonsense"'
	tampered '.annotations["io.podns.undo"] = 7'
	tampered '.annotations["io.podns.undo"] = []'
}

@test "an undo that a pod's author made up: refused" {
	make_bundle a annotations=', "io.podns.undo": "{\"process\":{\"args\":[\"evil\"]}}"'
	fails_with io.podns.undo create a ''
	assert_untouched a
	assert_nothing_left
}

@test "an undo that was tampered with is not put back at the pod's end" {
	make_bundle a
	create a ''
	jq '.annotations["io.podns.undo"] |= gsub("netns"; "evilns")' <"$T/a/config.json" >"$T/edited"
	cat "$T/edited" >"$T/a/config.json"
	poststop a || true
	cmp "$T/edited" "$T/a/config.json"
	assert_not_pinned web net ipc uts
}

# --- the pod's end in between -------------------------------------------------------

@test "a read-only bundle: refused, and nothing of the pod is left" {
	make_bundle a
	mount --bind "$T/a" "$T/a"
	mount -o remount,bind,ro "$T/a"
	fails_with "$T/a" create a ''
	umount "$T/a"
	assert_untouched a
	assert_nothing_left
}

@test "a read-only bundle that needs no change is well" {
	make_bundle a
	create a ''
	cp "$T/a/config.json" "$T/a.orig"
	mount --bind "$T/a" "$T/a"
	mount -o remount,bind,ro "$T/a"
	create a ''
	umount "$T/a"
	assert_untouched a
}
