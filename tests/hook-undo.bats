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
		"$(grep -cE '"(network|ipc|uts)"' "$T/a.orig")"
	equal "$(meaning . <"$T/a/config.json")" \
		"$(meaning '(.linux.namespaces[] | select(.type == "network")).path = "'"$ROOT"'/netns/web"
			| (.linux.namespaces[] | select(.type == "ipc")).path = "'"$ROOT"'/ipcns/web"
			| (.linux.namespaces[] | select(.type == "uts")).path = "'"$ROOT"'/utsns/web"' <"$T/a.orig")"
	equal "$(ls -A "$T/a")" config.json
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

@test "a document without annotations, in one line without spaces" {
	make_bundle a pod=
	jq -c 'del(.annotations)' <"$T/a.orig" | tr -d '\n' >"$T/a/config.json"
	keep_original a
	create a ''
	equal "$(ns_path a network)" "$ROOT/netns/$(id_of a)"
	poststop a
	assert_untouched a
}

@test "mode, owner and extended attributes stay" {
	local before
	make_bundle a
	chmod 0640 "$T/a/config.json"
	chown 1234:2345 "$T/a/config.json"
	setfattr -n user.note -v 'hello' "$T/a/config.json" || {
		needs_user_attributes
		return 1
	}
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

# --- where it is kept ----------------------------------------------------------------

@test "what the config was is kept where only root writes, and goes with the pod" {
	local copy
	make_bundle a
	create a ''
	copy=$(echo "$ROOT"/podns/bundle@*)
	equal "$(stat -c '%a %U' "$copy" "$copy/copy")" $'700 root\n600 root'
	equal "$(ls -A "$copy")" copy
	grep -qF '"x-number": 18446744073709551615' "$copy/copy"
	# As many as there are rewritten bundles, however often a stage runs.
	create a ''
	create a ''
	equal "$(echo "$ROOT"/podns/bundle@*)" "$copy"
	poststop a
	[ ! -e "$copy" ]
	assert_untouched a
	assert_nothing_left
}

@test "precreate, whose engine writes config.json again at each start, keeps nothing" {
	make_bundle a
	hook precreate <"$T/a.orig" >"$T/a/config.json"
	equal "$(find "$ROOT/podns" -name 'bundle@*')" ''
	equal "$(meaning '.annotations | keys' <"$T/a/config.json")" \
		"$(meaning '.annotations | keys + ["io.podns.claim"] | sort' <"$T/a.orig")"
}

@test "a copy that cannot be read: refused, with what to do" {
	local copy
	make_bundle a
	create a ''
	copy=$(echo "$ROOT"/podns/bundle@*)/copy
	printf 'x' >>"$copy"
	fails_with "$copy is not a copy of a config.json that we made" create a ''
	contains "$(cat "$T/stderr")" "remove ${copy%/copy}"
	# It does not keep the pod from ending, and stays for root to look at.
	poststop a
	assert_not_pinned web net ipc uts
	[ -e "$copy" ]
	rm -r "${copy%/copy}"
	assert_nothing_left
}

# lock_by DIRECTORY [COMMAND...]: a process that COMMAND starts holds its lock. Its pid is in $CHILD.
lock_by() {
	local dir=$1
	shift
	# shellcheck disable=SC2016 # the inner shell's
	"$@" sh -c 'exec 9<"$0"; flock 9; exec sleep 1000' "$dir" </dev/null >/dev/null 2>&1 3>&- &
	CHILD=$!
	PIDS+=("$CHILD")
	wait_for is_locked "$dir"
}

@test "another user's lock on the bundle is nobody's business" {
	local started open=/run/podns-test-open
	make_bundle a
	# The scratch directory is root's: the user gets at the bundle by another way.
	mkdir "$open"
	mount --bind "$T/a" "$open"
	lock_by "$open" setpriv --reuid 65534 --regid 65534 --clear-groups
	started=$SECONDS
	create a ''
	poststop a
	[ $((SECONDS - started)) -lt 4 ]
	is_locked "$T/a"
	end_child
	umount "$open"
	rmdir "$open"
	assert_untouched a
	assert_nothing_left
}

# Whoever started the hook may have blocked the signal by which it bounds the wait.
with_alarm_blocked() {
	timeout -k 5 60 env --block-signal=ALRM --ignore-signal=ALRM "$HOOK" --no-syslog --root "$ROOT" "$@" 3>&-
}

@test "all that a run waits for locks is bounded together" {
	local name started status=0 other
	make_bundle keep
	create keep ''
	for name in a b; do
		make_bundle "$name"
		create "$name" ''
	done
	expire_claims "$ROOT"
	for name in "$ROOT"/podns/bundle@*; do
		lock_by "$name"
	done
	make_bundle c pod=db
	mkdir -m 0700 "$ROOT/podns/db"
	lock_by "$ROOT/podns/db"
	started=$SECONDS
	state_doc c '' | with_alarm_blocked createRuntime 2>"$T/stderr" &
	other=$!
	state_doc a '' stopped | with_alarm_blocked poststop || status=$?
	# 20 s, not 20 s for each of three; the JSON files' timeout is 30.
	[ $((SECONDS - started)) -lt 28 ]
	assert_not_pinned web net ipc uts
	status=0
	wait "$other" || status=$?
	equal "$status" 1
	[ $((SECONDS - started)) -lt 28 ]
	contains "$(<"$T/stderr")" "lock $ROOT/podns/db"
	assert_untouched c
}

# --- after a boot --------------------------------------------------------------------

# What a boot takes away. What the configs were is in /var/lib/oci-podns for the usual root, so it stays.
reboot() {
	unmount_below "$ROOT"
	find "$ROOT" -mindepth 1 ! -path "$ROOT/podns" ! -path "$ROOT/podns/bundle@*" -delete
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

@test "after a reboot gc gives the bundle its first bytes back, also where another edited it" {
	make_bundle a
	make_bundle b pod=db
	create a ''
	create b ''
	jq '.process.args += ["more"]' <"$T/b/config.json" >"$T/edited"
	cat "$T/edited" >"$T/b/config.json"
	reboot
	"$PODNS_BUILD/cli/podns" --root "$ROOT" gc >"$T/gc"
	contains "$(cat "$T/gc")" "$T/a: its pod web is gone"
	assert_untouched a
	equal "$(meaning . <"$T/b/config.json")" "$(meaning '.process.args += ["more"]' <"$T/b.orig")"
	assert_nothing_left
}

@test "a copy of a rewritten bundle joins the pod, and stays as it is: nobody kept what it was" {
	make_bundle a
	create a ''
	cp -r "$T/a" "$T/b"
	cp "$T/b/config.json" "$T/b.orig"
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

@test "a rewritten bundle in another pod, while the first lives: the first's end leaves it alone" {
	local second
	make_bundle a
	make_bundle b
	create a ''
	create b ''
	poststop a
	jq '.annotations["io.podns.pod"] = "db"' <"$T/a/config.json" >"$T/edited"
	cat "$T/edited" >"$T/a/config.json"
	state_doc a '' creating '{"io.podns.pod": "db"}' | hook createRuntime
	second=$(cat "$T/a/config.json")
	contains "$second" "$ROOT/netns/db"
	poststop b
	assert_untouched b
	equal "$(cat "$T/a/config.json")" "$second"
	state_doc a '' stopped '{"io.podns.pod": "db"}' | hook poststop
	equal "$(meaning . <"$T/a/config.json")" "$(meaning '.annotations["io.podns.pod"] = "db"' <"$T/a.orig")"
	assert_nothing_left
}

# --- a bundle's path that leads elsewhere by the end ---------------------------------

# As a link "current" that a deployment sets to the next release.
@test "a bundle's path that leads to another bundle by the end: the one that was edited gets its bytes back" {
	make_bundle a
	mv "$T/a" "$T/release1"
	cp -a "$T/release1" "$T/release2"
	ln -s release1 "$T/a"
	create a ''
	ln -sfn release2 "$T/a"
	poststop a
	cmp "$T/a.orig" "$T/release1/config.json"
	cmp "$T/a.orig" "$T/release2/config.json"
	assert_nothing_left
}

# By the owner of a part of the path. b's paths are its author's own.
@test "a bundle's path that leads to another bundle of the pod by the end: that one stays as it is" {
	make_bundle a
	make_bundle b namespaces="$(joined_namespaces web)" hostname=first
	create a ''
	create b ''
	assert_untouched b
	mv "$T/a" "$T/aside"
	ln -s b "$T/a"
	poststop a
	poststop b
	assert_untouched b
	assert_nothing_left
}

@test "a bundle that was restored from a copy gets its first bytes back, if nobody edited that" {
	make_bundle a
	create a ''
	cp -a "$T/a" "$T/backup"
	rm -r "$T/a"
	mv "$T/backup" "$T/a"
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "a bundle whose file system is away while podns gc runs: it gets its bytes back later" {
	mkdir "$T/disk" "$T/mounted"
	make_bundle a
	mv "$T/a" "$T/disk/a"
	ln -s mounted/a "$T/a"
	mount --bind "$T/disk" "$T/mounted"
	create a '' --namespaces uts
	# A reboot: what was in /run is gone.
	umount "$T/mounted"
	umount "$ROOT/utsns/web"
	rm -r "$ROOT/utsns" "$ROOT/podns/web" "$ROOT"/podns/@*
	"$PODNS_BUILD/cli/podns" --root "$ROOT" gc
	mount --bind "$T/disk" "$T/mounted"
	"$PODNS_BUILD/cli/podns" --root "$ROOT" gc
	umount "$T/mounted"
	cmp "$T/a.orig" "$T/disk/a/config.json"
	assert_nothing_left
}

@test "the copy of a bundle that is gone stays for a week, and no longer" {
	local copy
	make_bundle a
	create a '' --namespaces uts
	umount "$ROOT/utsns/web"
	rm -r "$ROOT/utsns" "$ROOT/podns/web" "$ROOT"/podns/@* "$T/a"
	copy=$(echo "$ROOT"/podns/bundle@*)/copy
	"$PODNS_BUILD/cli/podns" --root "$ROOT" gc
	[ -e "$copy" ]
	touch -d '6 days ago' "$copy"
	"$PODNS_BUILD/cli/podns" --root "$ROOT" gc
	[ -e "$copy" ]
	touch -d '8 days ago' "$copy"
	"$PODNS_BUILD/cli/podns" --root "$ROOT" gc
	assert_nothing_left
}

# --- what a document says of an edit is nobody's business ------------------------------

# What this version wrote once, for a /dev/shm that is a bind mount of the host's: "put / there".
FORGED='987532b9d0c70810[1,\"0000000000000000\",1000,\"m\",0,null,[[\"shm-source\",10,\"\\\"/\\\"\",\"/dev/shm\"]],null]'
HOST_SHM='.mounts += [{destination: "/dev/shm", type: "bind", source: "/dev/shm", options: ["rbind"]}]'

@test "an io.podns.undo in a document is an annotation like any other" {
	local undo
	for undo in "\"$FORGED\"" '"nonsense"' '""' 7 '[]' '{"x":"y"}' null; do
		make_bundle a annotations=", \"io.podns.undo\": $undo"
		jq "$HOST_SHM" <"$T/a.orig" >"$T/a/config.json"
		keep_original a
		hook --root "$T/other" precreate <"$T/a/config.json" >"$T/new.json"
		equal "$(jq -r '.mounts[-1].source' <"$T/new.json")" /dev/shm
		equal "$(jq -c '.annotations["io.podns.undo"]' <"$T/new.json")" "$(jq -c . <<<"$undo")"
		create a ''
		equal "$(jq -r '.mounts[-1].source' <"$T/a/config.json")" /dev/shm
		equal "$(jq -c '.annotations["io.podns.undo"]' <"$T/a/config.json")" "$(jq -c . <<<"$undo")"
		poststop a
		assert_untouched a
	done
	unmount_below "$T/other"
}

@test "whoever writes into the document cannot have another document given back" {
	make_bundle a
	create a ''
	# Root's copy counts, whatever the document claims that it was.
	jq ".annotations[\"io.podns.undo\"] = \"$FORGED\" | .linux.seccomp = {}" <"$T/a/config.json" >"$T/edited"
	cat "$T/edited" >"$T/a/config.json"
	poststop a
	equal "$(meaning . <"$T/a/config.json")" \
		"$(meaning ".annotations[\"io.podns.undo\"] = \"$FORGED\" | .linux.seccomp = {}" <"$T/a.orig")"
	assert_nothing_left
}
