#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Bad input: for each kind one clear line, exit 1, nothing left and config.json untouched. All that the parsers refuse, and
# in which words, is in the tables of test_json.c, test_state.c and test_config.c.

load helpers

# --- documents on stdin --------------------------------------------------------------

# refuse_state TEXT: the state on stdin is refused at each stage, by an error with TEXT.
refuse_state() {
	local stage
	cat >"$T/state"
	for stage in createRuntime poststop; do
		fails_with "$1" hook "$stage" <"$T/state"
	done
	assert_untouched a
	assert_nothing_left
}

# edited_state TEXT SED: a good state, edited, is refused.
edited_state() {
	state_doc a '' | sed "$2" | refuse_state "$1"
}

@test "state: empty, no object, truncated, followed by text, not UTF-8, of wrong types, or without what must be there" {
	make_bundle a
	refuse_state empty </dev/null
	echo '[]' | refuse_state state
	state_doc a '' | head -c -1 | refuse_state state
	edited_state state 's/$/x/'
	edited_state UTF-8 's/"id":"/&\xff/'
	edited_state pid 's/{/{"pid":1.5,/'
	edited_state id 's/"id":"[^"]*",//'
	edited_state bundle 's/"bundle":"[^"]*"/"bundle":"relative"/'
	# poststop needs no annotation.
	state_doc a '' creating '{"io.podns.pod": 7}' >"$T/state"
	fails_with io.podns.pod hook createRuntime <"$T/state"
	assert_untouched a
	assert_nothing_left
}

@test "state: a member twice" {
	make_bundle a
	edited_state pid 's/{/{"pid":1,"pid":1,/'
}

@test "state: NUL in a string" {
	make_bundle a
	edited_state bundle 's/"bundle":"[^"]*/&\\u0000/'
}

@test "state: deeper than 128" {
	local deep
	make_bundle a
	deep=$(printf '%0200d' 0 | tr 0 '[')$(printf '%0200d' 0 | tr 0 ']')
	edited_state 128 "s/{/{\"x\":$deep,/"
	# 127 arrays in the object are well.
	deep=$(printf '%0127d' 0 | tr 0 '[')$(printf '%0127d' 0 | tr 0 ']')
	state_doc a '' | sed "s/{/{\"x\":$deep,/" | hook
	assert_pinned web net ipc uts
}

@test "state: larger than 1 MiB" {
	make_bundle a
	{
		printf '{"x":"'
		head -c 1048576 /dev/zero | tr '\0' x
		printf '",'
		state_doc a '' | tail -c +2
	} | refuse_state 1048576
}

@test "neither state nor config, and no stage given: refused" {
	make_bundle a
	echo '{}' >"$T/document"
	fails_with 'oci-podns-hook: ' hook <"$T/document"
	echo '{"id":"x"}' >"$T/document"
	fails_with 'oci-podns-hook: ' hook <"$T/document"
	assert_nothing_left
}

# --- config.json -----------------------------------------------------------------------

# refuse_config TEXT: the config.json that stands there is refused.
refuse_config() {
	keep_original a
	state_doc_of_good a >"$T/state"
	fails_with "$1" hook createRuntime <"$T/state"
	contains "$(<"$T/stderr")" config.json
	assert_untouched a
	assert_nothing_left
}

# The broken one cannot tell its annotations.
state_doc_of_good() {
	state_doc "$1" '' creating '{"io.podns.pod": "web"}'
}

# edited_config TEXT SED: a good config, edited, is refused.
edited_config() {
	make_bundle a
	sed -i "$2" "$T/a/config.json"
	fails cmp -s "$T/a/config.json" "$T/a.orig"
	refuse_config "$1"
}

# namespaces_are TEXT JSON
namespaces_are() {
	make_bundle a namespaces="$2"
	refuse_config "$1"
}

@test "config: empty, truncated, followed by text, not UTF-8 where we do not read, or of wrong types" {
	make_bundle a
	: >"$T/a/config.json"
	refuse_config config.json
	make_bundle a
	head -c 500 "$T/a.orig" >"$T/a/config.json"
	refuse_config config.json
	make_bundle a
	echo x >>"$T/a/config.json"
	refuse_config config.json
	edited_config UTF-8 's/"x-text": "/&\xff/'
	edited_config annotations 's/"annotations": {/"annotations": "x", "y": {/'
	namespaces_are path '{"type":"network","path":"proc/self/ns/net"}'
}

@test "config: a member twice where we read" {
	edited_config linux 's/^{/{ "linux": {},/'
	edited_config io.podns.pod 's/"annotations": {/& "io.podns.pod": "x",/'
	namespaces_are network '{"type":"network"}, {"type":"ipc"}, {"type":"network"}'
}

@test "config: NUL in a string that we use" {
	namespaces_are path '{"type":"network","path":"/x\u0000y"}'
	edited_config io.podns.pod 's/"io.podns.pod" : "web"/"io.podns.pod": "a\\u0000b"/'
}

@test "config: deeper than 128" {
	make_bundle a
	sed -i "s/\"x-last\": \[/&$(printf '%0200d' 0 | tr 0 '[')$(printf '%0200d' 0 | tr 0 ']'),/" \
		"$T/a/config.json"
	refuse_config 128
}

@test "config: larger than 16 MiB" {
	make_bundle a
	head -c 16777216 /dev/zero | tr '\0' ' ' >>"$T/a/config.json"
	refuse_config 16777216
}

@test "config: the error tells the place" {
	edited_config line 's/"x-last": \[/&,/'
	namespaces_are 'namespaces[1]' '{"type":"pid"}, {"type":7}'
}

@test "an error cannot forge a second line" {
	namespaces_are nonsense '{"type":"nonsense\noci-podns-hook: all is well"}'
}

# --- the bundle ----------------------------------------------------------------------------

# refuse_bundle TEXT
refuse_bundle() {
	state_doc_of_good a >"$T/state"
	fails_with "$1" hook createRuntime <"$T/state"
	assert_nothing_left
}

@test "bundle: missing, or a file; config.json: missing, or a directory" {
	make_bundle a
	rm "$T/a/config.json"
	refuse_bundle "$T/a/config.json"
	equal "$(ls -A "$T/a")" ''
	mkdir "$T/a/config.json"
	refuse_bundle "$T/a/config.json"
	rm -r "${T:?}/a"
	refuse_bundle "$T/a"
	touch "$T/a"
	refuse_bundle "$T/a"
}

@test "config.json: a symlink" {
	make_bundle a
	mv "$T/a/config.json" "$T/real.json"
	ln -s "$T/real.json" "$T/a/config.json"
	refuse_bundle "$T/a/config.json"
	cmp "$T/a.orig" "$T/real.json"
	[ -L "$T/a/config.json" ]
}

@test "config.json: a FIFO, which must not be waited for" {
	make_bundle a
	rm "$T/a/config.json"
	mkfifo "$T/a/config.json"
	refuse_bundle "$T/a/config.json"
	[ -p "$T/a/config.json" ]
}

@test "config.json: a device" {
	make_bundle a
	rm "$T/a/config.json"
	mknod "$T/a/config.json" c 1 5
	refuse_bundle "$T/a/config.json"
}

@test "config.json: not to be read" {
	make_bundle a
	# Root may read all files, unless it has put its powers down.
	chmod 0000 "$T/a/config.json"
	chmod 0755 "$T"
	state_doc_of_good a >"$T/state"
	fails_with "$T/a/config.json" setpriv --bounding-set -dac_override,-dac_read_search \
		--inh-caps -all -- "$HOOK" --no-syslog --root "$ROOT" createRuntime <"$T/state"
	chmod 0644 "$T/a/config.json"
	assert_untouched a
	assert_nothing_left
}
