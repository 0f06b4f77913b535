#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# State documents as old and new runtimes write them, the stage that they tell, the command
# line and the environment.

load helpers

# --- state documents ----------------------------------------------------------

# Each is a piece of sed for a state as runc writes it.
other_state() {
	state_doc a '' "${2-creating}" | sed "$1" | hook
}

@test "an old runtime's state: bundlePath, no status, and the annotations of config.json alone" {
	make_bundle a
	other_state 's/"bundle":/"bundlePath":/; s/"status":"creating",//; s/,"annotations":{.*}/}/'
	assert_pinned web net ipc uts
	other_state 's/"bundle":/"bundlePath":/' stopped
	assert_untouched a
	assert_nothing_left
}

@test "the document tells the stage" {
	make_bundle a
	state_doc a '' creating | hook
	assert_pinned web net ipc uts
	state_doc a '' stopped | hook
	assert_untouched a
	assert_nothing_left
}

@test "a given stage counts for more than the document's status" {
	make_bundle a
	state_doc a '' stopped | hook createRuntime
	assert_pinned web net ipc uts
	state_doc a '' running | hook poststop
	assert_untouched a
	assert_nothing_left
}

# --- the command line and the environment -------------------------------------

@test "the environment has no say" {
	make_bundle a
	state_doc a '' | env -i "$HOOK" --no-syslog --root "$ROOT"
	assert_pinned web net ipc uts
	state_doc a '' stopped | env XDG_RUNTIME_DIR="$T" TMPDIR=/nowhere LC_ALL=tr_TR.UTF-8 HOME=/nowhere \
		"$HOOK" --no-syslog --root "$ROOT"
	assert_untouched a
	assert_nothing_left
	make_bundle b root=
	state_doc b '' | env XDG_RUNTIME_DIR="$T" "$HOOK" --no-syslog
	ns_ino /run/netns/web
	state_doc b '' stopped | env -i "$HOOK" --no-syslog
	[ ! -e /run/netns/web ]
}

@test "--help and --version" {
	contains "$("$HOOK" --help)" 'oci-podns-hook [OPTION'
	contains "$("$HOOK" --version)" oci-podns
}

@test "wrong usage: exit 2 and a line on stderr" {
	wrong() {
		local status=0
		"$HOOK" --no-syslog "$@" <<<'' >"$T/stdout" 2>"$T/stderr" || status=$?
		equal "$status" 2 "exit status of $*"
		equal "$(<"$T/stdout")" ''
		contains "$(<"$T/stderr")" oci-podns-hook
		# Where the options come from a JSON file, the engine shows none of that.
		equal "$(tail -n 1 /run/podns/log | cut -d' ' -f3-)" "$(cut -d' ' -f2- <"$T/stderr")"
	}
	wrong --no-such-option
	wrong noSuchStage
	wrong createRuntime poststop
	wrong --root
	wrong --namespaces net,pid
	contains "$(<"$T/stderr")" init
	wrong --namespaces mount
	wrong --namespaces nonsense
	wrong --sysctl no-equals-sign
	wrong --log-level loud
}

@test "an error is in the root's log and in --log-file, too" {
	make_bundle a
	fails_with 'createRuntime: ' create a "$(dead_pid)" --log-file "$T/hook.log"
	contains "$(cat "$ROOT/podns/log")" "$(sed 's/^oci-podns-hook: //' "$T/stderr")"
	contains "$(cat "$T/hook.log")" createRuntime
}

# traced NAME COMMAND...: by strace, into $T/NAME.trace.
traced() {
	under_strace -f -qq -o "$T/$1.trace" -e trace=%file,%network,execve "${@:2}"
}

@test "no stage runs a program, reads the table of mounts or opens a connection" {
	local stage
	make_bundle a
	make_bundle b
	state_doc a '' | traced made "$HOOK" --no-syslog --root "$ROOT" createRuntime
	state_doc b '' | traced joined "$HOOK" --no-syslog --root "$ROOT" createRuntime
	state_doc a '' stopped | traced left "$HOOK" --no-syslog --root "$ROOT" poststop
	state_doc b '' stopped | traced ended "$HOOK" --no-syslog --root "$ROOT" poststop
	assert_nothing_left
	for stage in made joined left ended; do
		equal "$(grep -c 'execve(' "$T/$stage.trace")" 1 "programs run: $stage"
		equal "$(grep -E '"[^"]*(mountinfo|mounts|mountstats)"|connect\(' "$T/$stage.trace" || true)" '' "$stage"
	done
	# The trace is of the right thing.
	grep -q 'config.json' "$T/made.trace"
}
