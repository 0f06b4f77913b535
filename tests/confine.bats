#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What the programs may do while they work, and what their surroundings can do to them.

load helpers
load podns

setup_file() {
	build_tamper "$BATS_FILE_TMPDIR/tamper"
}

setup() {
	common_setup runc
	mkfifo "$T/stdin"
	ln -s "$PODNS" "$T/pinns"
}

# --- while the hook waits for its document -------------------------------------

# waiting COMMAND...: it has its stdin open and reads; its pid is in $WAITING. It gets its
# document by `answer TEXT`.
waiting() {
	"$@" <"$T/stdin" >"$T/stdout" 2>"$T/stderr" 3>&- &
	WAITING=$!
	PIDS+=("$WAITING")
	exec {feed}>"$T/stdin"
	wait_for reads_stdin "$WAITING"
}

# It sleeps in a read of a pipe: system call 0 on x86_64, and 63 on most others, with descriptor 0.
reads_stdin() {
	grep -qE '^(0|63) 0x0 ' "/proc/$1/syscall"
}

answer() {
	printf %s "$1" >&"$feed"
	exec {feed}>&-
	wait "$WAITING"
}

# status_of WORD: a line of /proc/PID/status.
status_of() {
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$WAITING/status"
}

# Bits of capabilities(7): SYS_ADMIN, NET_ADMIN, SYS_PTRACE, SYS_RESOURCE, DAC_OVERRIDE, DAC_READ_SEARCH, CHOWN, FOWNER, FSETID,
# SETUID, SETGID, SETFCAP.
ALLOWED_CAPS=$((1 << 21 | 1 << 12 | 1 << 19 | 1 << 24 | 1 << 1 | 1 << 2 | 1 << 0 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 6 | 1 << 31))

assert_confined() {
	local set
	equal "$(status_of Seccomp)" 2 "mode of seccomp"
	equal "$(status_of NoNewPrivs)" 1 "no new privileges"
	for set in CapEff CapPrm CapInh CapAmb; do
		equal "$((0x$(status_of "$set") & ~ALLOWED_CAPS))" 0 "$set beyond what is needed"
	done
	differ "$((0x$(status_of CapEff) & 1 << 21))" 0 "what is needed"
}

open_descriptors() {
	local fd all=''
	for fd in "/proc/$WAITING/fd/"*; do
		all+=" ${fd##*/}"
	done
	echo "${all# }"
}

@test "the hook waits for its document confined, with the capabilities that it needs alone" {
	make_bundle a
	waiting "$HOOK" --no-syslog --root "$ROOT" createRuntime
	assert_confined
	answer "$(state_doc a '')"
	assert_pinned web net ipc uts
}

# crun opens the file that this annotation names, and authors of images write it.
@test "a document that sends the hook's messages to a file: nothing is written to a file, and all to a pipe" {
	# shellcheck disable=SC2016 # another's shell might expand it
	local stage evil='$(evil) x'
	make_bundle a annotations=', "run.oci.hooks.stderr": "/etc/profile.d/evil.sh", "io.podns.hostname": "'"$evil"'"'
	for stage in precreate createRuntime; do
		if [ "$stage" = precreate ]; then
			cat "$T/a.orig"
		else
			state_doc a ''
		fi >"$T/$stage.in"
		fails hook "$stage" <"$T/$stage.in" >"$T/stdout" 2>>"$T/appended"
		equal "$(cat "$T/stdout" "$T/appended")" ''
		contains "$(hook "$stage" <"$T/$stage.in" 2>&1 >/dev/null | cat)" "$evil"
	done
	contains "$(tail -n 1 "$ROOT/podns/log")" "$evil"
	assert_untouched a
}

@test "--no-sandbox is what it says" {
	make_bundle a
	waiting "$HOOK" --no-syslog --no-sandbox --root "$ROOT" createRuntime
	equal "$(status_of Seccomp)" "$(awk '$1 == "Seccomp:" { print $2 }' /proc/self/status)"
	answer "$(state_doc a '')"
	assert_pinned web net ipc uts
}

# The files in /proc of a process that is not dumpable belong to the host's root, whatever its own uid.
@test "the hook is not dumpable" {
	install -m 0755 "$HOOK" "$T/hook"
	chmod 0755 "$T"
	mkdir -m 0755 "$T/theirs"
	chown 12345 "$T/theirs"
	waiting setpriv --reuid 12345 --regid 12345 --clear-groups "$T/hook" --no-syslog --root "$T/theirs" precreate
	equal "$(stat -c %u "/proc/$WAITING/environ")" 0
	answer '{"ociVersion":"1.0.2"}'
	equal "$(cat "$T/stdout")" '{"ociVersion":"1.0.2"}'
}

@test "inherited descriptors are closed" {
	make_bundle a
	exec 7</etc/passwd 9<>"$T/theirs" 200</
	waiting "$HOOK" --no-syslog --root "$ROOT" createRuntime
	exec 7<&- 9<&- 200<&-
	equal "$(open_descriptors)" '0 1 2'
	answer "$(state_doc a '')"
	assert_pinned web net ipc uts
}

# --- podns and pinns -------------------------------------------------------------

# They read nothing from stdin: their output is stopped instead.
confined_program() {
	under_strace -f -qq -o "$T/trace" -e trace=seccomp,capset,prctl,unshare,setns,mount,umount2,openat "$@"
}

# The kernel is changed, and a file of a pod is read, only after the filter is loaded. Which directories have networks is
# looked at before, since the agent must not be confined.
assert_filter_comes_first() {
	grep -q 'seccomp(SECCOMP_SET_MODE_FILTER.* = 0' "$T/trace"
	grep -q 'prctl(PR_SET_NO_NEW_PRIVS, 1' "$T/trace"
	grep -q 'capset(' "$T/trace"
	equal "$(sed '/seccomp(SECCOMP_SET_MODE_FILTER/,$d' "$T/trace" |
		grep -E 'unshare\(|setns\(|mount2?\(|podns' | grep -vE 'O_(RDONLY|PATH)[A-Z_|]*O_DIRECTORY' || true)" ''
}

@test "podns works confined" {
	confined_program "$PODNS" --root "$ROOT" create web
	assert_filter_comes_first
	confined_program "$PODNS" --root "$ROOT" ls
	assert_filter_comes_first
	confined_program "$PODNS" --root "$ROOT" rm web
	assert_filter_comes_first
	assert_nothing_left
}

@test "pinns works confined" {
	confined_program "$T/pinns" -d "$ROOT" -f web -niu
	assert_filter_comes_first
	assert_pinned web net ipc uts
}

@test "what podns exec runs is not confined" {
	podns create web >"$T/pins"
	equal "$(podns exec web -- grep Seccomp: /proc/self/status)" "$(grep Seccomp: /proc/self/status)"
	podns rm web
}

# --- descriptors -----------------------------------------------------------------

# descriptors_of COMMAND...: those that it has when it loads its filter, in $T/descriptors.
descriptors_of() {
	rm -f "$T/descriptors"
	timeout -k 5 "$LIMIT" "$BATS_FILE_TMPDIR/tamper" before:seccomp \
		"for fd in /proc/\$1/fd/*; do echo \${fd##*/} \$(readlink \$fd); done >$T/descriptors" "$@"
}

numbers() {
	cut -d' ' -f1 <"$T/descriptors" | sort -n | paste -sd' '
}

# with_descriptors COMMAND...: it inherits 3 to 20: directories, a FIFO, a socket, files.
with_descriptors() {
	(
		local fd
		exec 3</ 4<>"$T/stdin" 5<>/dev/udp/127.0.0.1/9 6<>"$T/theirs" 7</proc/self/ns/net
		for ((fd = 8; fd <= 20; fd++)); do
			eval "exec $fd</etc"
		done
		"$@"
	)
}

@test "descriptors above 2 are closed before podns, pinns and the hook read anything" {
	make_bundle a
	# They are there to be inherited.
	contains "$(with_descriptors ls /proc/self/fd | sort -n | paste -sd' ')" ' 3 4 5 6 7 8 9 '
	state_doc a '' >"$T/state"
	with_descriptors descriptors_of "$HOOK" --no-syslog --root "$ROOT" createRuntime <"$T/state"
	equal "$(numbers)" '0 1 2' "of the hook"
	with_descriptors descriptors_of "$PODNS" --root "$ROOT" ls
	equal "$(numbers)" '0 1 2' "of podns ls"
	with_descriptors descriptors_of "$PODNS" --root "$ROOT" rm --force web
	equal "$(numbers)" '0 1 2' "of podns rm"
	with_descriptors descriptors_of "$T/pinns" -d "$ROOT" -f web -u
	equal "$(numbers)" '0 1 2' "of pinns"
}

# It reads the record in a child. What it runs has them, as with nsenter.
@test "podns exec passes descriptors on, but not to its reader of the record" {
	podns create web
	with_descriptors descriptors_of "$PODNS" --root "$ROOT" exec web true
	equal "$(numbers)" '0 1 2 3' "of the reader"
	grep -qx '3 pipe:.*' "$T/descriptors"
	echo passed >"$T/theirs"
	# shellcheck disable=SC2016 # the inner shell expands it
	equal "$(with_descriptors podns exec web sh -c 'cat <&6; readlink /proc/$$/fd/20')" "$(printf 'passed\n/etc')"
	# shellcheck disable=SC2016
	equal "$(LISTEN_FDS=1 podns exec web sh -c 'cat <&3; echo $LISTEN_FDS' 3<"$T/theirs")" "$(printf 'passed\n1')"
}

# Of the signals that the status of a process names as ignored, SIGPIPE and SIGXFSZ.
ignored() {
	local bits
	bits=$(awk '$1 == "SigIgn:" { print $2 }')
	echo "$((0x$bits & (1 << 12 | 1 << 24)))"
}

@test "what podns check runs inherits nothing" {
	mkdir -p "$T/system/usr/share/containers/oci/hooks.d" "$T/system/bin" "$T/system/usr/bin"
	printf '#!/bin/sh\nexec >&2\nls /proc/self/fd | tr "\\n" " " >%s/fds\nenv >%s/env\ngrep SigIgn: /proc/self/status >%s/signals\n' \
		"$T" "$T" "$T" >"$T/system/bin/oci-podns-hook"
	chmod +x "$T/system/bin/oci-podns-hook"
	cp "$T/system/bin/oci-podns-hook" "$T/system/usr/bin/podman"	# it is installed
	echo '{"version":"1.0.0","hook":{"path":"/bin/oci-podns-hook"},"when":{"always":true},"stages":["poststop"]}' \
		>"$T/system/usr/share/containers/oci/hooks.d/oci-podns.json"
	EVIL=1 with_descriptors podns check --sysroot "$T/system" >"$T/out" 2>&1 || true
	# The last one is of ls itself.
	equal "$(cat "$T/fds")" '0 1 2 3 '
	lacks "$(cat "$T/env")" EVIL
	equal "$(ignored <"$T/signals")" "$(ignored </proc/self/status)"
}

@test "standard streams that are closed are nobody's files" {
	make_bundle a
	state_doc a '' >"$T/state"
	descriptors_of "$PODNS" --root "$ROOT" create web <&- >&- 2>&- || true
	equal "$(sort <"$T/descriptors")" "$(printf '%s /dev/null\n' 0 1 2)" "of podns"
	descriptors_of "$T/pinns" -d "$ROOT" -f web -u <&- >&- 2>&-
	equal "$(sort <"$T/descriptors")" "$(printf '%s /dev/null\n' 0 1 2)" "of pinns"
	umount "$ROOT/utsns/web"
	descriptors_of "$HOOK" --no-syslog --root "$ROOT" createRuntime <&- >&- 2>&- || true
	equal "$(sort <"$T/descriptors")" "$(printf '%s /dev/null\n' 0 1 2)" "of the hook"
}

@test "podns with standard streams closed" {
	local status=0
	# It tells nobody of the pod that it made: so there is none.
	podns create web >&- 2>"$T/stderr" || status=$?
	equal "$status" 1
	contains "$(cat "$T/stderr")" 'write to standard output'
	assert_nothing_left
	equal "$(podns create web <&- 2>&- | wc -l)" 3
	status=0
	podns ls >&- 2>&- || status=$?
	equal "$status" 1
	podns gc <&- >&- 2>&-
	# What it runs has them closed, too.
	# shellcheck disable=SC2016 # the inner shell expands it
	equal "$(podns exec web sh -c '[ -e /proc/$$/fd/0 ] || echo closed' <&-)" closed
	podns rm web <&- >&- 2>&-
	assert_nothing_left
}

@test "pinns with standard streams closed" {
	"$T/pinns" -d "$ROOT" -f web -niu <&- >&- 2>&-
	assert_pinned web net ipc uts
}

# --- surroundings ----------------------------------------------------------------

# cycle COMMAND...: by COMMAND, a container comes and goes, and all is as it should be.
cycle() {
	in_new_namespaces --net --ipc --uts
	make_bundle a
	state_doc a "$CHILD" | "$@" "$HOOK" --no-syslog --root "$ROOT" createRuntime
	equal "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "/proc/$CHILD/ns/net")"
	equal "$(stat -c %a "$a_config")" 644 "mode of config.json"
	equal "$(stat -c %a "$ROOT/podns/web")" 700 "mode of the record"
	equal "$(stat -c %a "$ROOT/netns")" 755 "mode of the pins' directory"
	end_child
	state_doc a '' stopped | "$@" "$HOOK" --no-syslog --root "$ROOT" poststop
	assert_untouched a
	assert_nothing_left
	rm -rf "$ROOT/podns/log"
}

@test "a hostile environment has no effect" {
	local a_config=$T/a/config.json
	cycle env "${HOSTILE[@]}" TMPDIR=/evil XDG_RUNTIME_DIR=/evil \
		LD_BIND_NOW=1 PATH=/evil _OCI_PODNS_ROOT=/evil
	[ ! -e /evil ]
}

# by_hand COMMAND...: by COMMAND, pods are made, listed and ended, as they should be. Options may
# follow operands, whatever POSIXLY_CORRECT says.
by_hand() {
	"$@" "$PODNS" --root "$ROOT" create web --hostname box >"$T/pins"
	equal "$(cat "$T/pins")" "$(printf "$ROOT/%sns/web\n" net ipc uts)"
	equal "$(in_pin uts web hostname)" box
	equal "$("$@" "$PODNS" --root "$ROOT" ls --json | jq -r '.[].state')" held
	equal "$("$@" "$PODNS" --root "$ROOT" exec web hostname)" box
	"$@" "$PODNS" --root "$ROOT" rm web
	assert_nothing_left
	"$@" "$PODNS" create web --namespaces uts
	ns_ino /run/utsns/web
	"$@" "$PODNS" rm web
	[ ! -e /run/utsns/web ]
	"$@" "$T/pinns" -d "$ROOT" -f web -niu
	assert_pinned web net ipc uts
}

HOSTILE=(LANG=tr_TR.UTF-8 LC_ALL=/evil LANGUAGE=/evil HOME=/evil TZ=/etc/shadow MALLOC_PERTURB_=165 MALLOC_CHECK_=3
	MALLOC_ARENA_MAX=0 GCONV_PATH=/evil POSIXLY_CORRECT=1 GETCONF_DIR=/evil LOCPATH=/evil NLSPATH=/evil IFS=/
	CONTAINERS_CONF=/evil LISTEN_FDS=3 NOTIFY_SOCKET=/evil)

@test "podns and pinns: a hostile environment has no effect" {
	mkdir "$T/theirs"
	by_hand env "${HOSTILE[@]}" TMPDIR="$T/theirs" XDG_RUNTIME_DIR="$T/theirs"
	equal "$(ls -A "$T/theirs")" ''
	[ ! -e /evil ]
}

@test "podns and pinns: no environment at all has no effect" {
	by_hand "$(command -v env)" -i
}

@test "no environment at all has no effect" {
	local a_config=$T/a/config.json
	cycle env -i
}

@test "the time zone's file is not read" {
	make_bundle a
	state_doc a "$(dead_pid)" | TZ=/etc/shadow under_strace -f -qq -o "$T/trace" -e trace=%file \
		"$HOOK" --no-syslog --root "$ROOT" createRuntime 2>"$T/stderr" || true
	grep -q createRuntime "$T/stderr"
	equal "$(grep -cE 'shadow|/evil|locale' "$T/trace")" 0
}

@test "a umask of 077 and one of 000" {
	local a_config=$T/a/config.json
	cycle bash -c 'umask 077; exec "$@"' -
	unmount_below "$ROOT"
	rm -rf "${ROOT:?}"/*
	cycle bash -c 'umask 000; exec "$@"' -
}

@test "SIGALRM blocked and SIGCHLD ignored" {
	local a_config=$T/a/config.json
	cycle env --block-signal=ALRM --ignore-signal=CHLD --ignore-signal=ALRM
}

@test "resource limits: little stack, few descriptors, no core" {
	local a_config=$T/a/config.json
	cycle bash -c 'ulimit -S -s 256; ulimit -S -n 32; ulimit -c 0; exec "$@"' -
}

# --- signals of write(2) -----------------------------------------------------------

# limited BYTES COMMAND...: no file may grow larger. The signals have their defaults, as with most
# callers: bats ignores SIGPIPE. Input and output are the files $IN and $OUT. $SAID is what it says, by a
# pipe, and $ENDED its status.
limited() {
	local bytes=$1
	shift
	ENDED=0
	SAID=$(timeout -k 5 "$LIMIT" env --default-signal=PIPE,XFSZ prlimit --fsize="$bytes" "$@" \
		2>&1 <"${IN-/dev/null}" >"${OUT-/dev/null}") || ENDED=$?
}

# fails_until_it_fits ASSERTION COMMAND...: with each limit one line says why, and nothing is left; up to
# one that suffices.
fails_until_it_fits() {
	local bytes failures=0
	for ((bytes = 0; bytes <= 16384; bytes += 64)); do
		limited "$bytes" "${@:2}"
		[ "$ENDED" != 0 ] || break
		equal "$ENDED" 1 "exit status with $bytes bytes"
		contains "$SAID" 'File too large'
		lacks "$SAID" $'\n'
		"$1"
		failures=$((failures + 1))
	done
	equal "$ENDED" 0 "exit status with $bytes bytes"
	[ "$failures" -gt 2 ]
}

nothing_is_left_of_a() {
	assert_untouched a
	assert_nothing_left
}

@test "a limit on file sizes: precreate undoes everything" {
	make_bundle a
	IN=$T/a/config.json OUT=$T/a.new
	fails_until_it_fits nothing_is_left_of_a "$HOOK" --no-syslog --root "$ROOT" precreate
	podns rm --force web
	nothing_is_left_of_a
}

@test "a limit on file sizes: createRuntime undoes everything, with config.json as it was" {
	in_new_namespaces --net --ipc --uts
	make_bundle a
	state_doc a "$CHILD" creating >"$T/state"
	IN=$T/state
	fails_until_it_fits nothing_is_left_of_a "$HOOK" --no-syslog --root "$ROOT" createRuntime
	equal "$(ns_path a network)" "$ROOT/netns/web"
	end_child
	poststop a
	nothing_is_left_of_a
}

@test "a limit on file sizes: podns create and podns rewrite undo everything" {
	make_bundle a pod= stages=
	fails_until_it_fits nothing_is_left_of_a "$PODNS" --root "$ROOT" create web
	podns rm web
	fails_until_it_fits nothing_is_left_of_a "$PODNS" --root "$ROOT" rewrite --bundle "$T/a" web
	podns rm web
	nothing_is_left_of_a
}

@test "a limit on file sizes: pinns needs no file to grow, and an error of its own is its end" {
	limited 0 "$T/pinns" -d "$ROOT" -f web -n -u
	equal "$ENDED $SAID" '0 '
	umount "$ROOT"/{net,uts}ns/web
	rm "$ROOT"/{net,uts}ns/web
	OUT=$T/help limited 0 "$T/pinns" --help
	equal "$ENDED" 1
	contains "$SAID" 'write to standard output: File too large'
	# Where its stderr is such a file, nobody reads why.
	echo mine >"$ROOT/utsns/web"
	# shellcheck disable=SC2016 # for that shell
	limited 0 bash -c '"$@" 2>"$0"; exit "$?"' "$T/stderr" "$T/pinns" -d "$ROOT" -f web -n -u
	equal "$ENDED" 1
	rm "$ROOT/utsns/web"
	assert_nothing_left
}

@test "podns create into a pipe that nobody reads undoes everything" {
	local status=0
	make_bundle a
	nobody_reads env --default-signal=PIPE "$PODNS" --root "$ROOT" create web || status=$?
	undone "$status"
}

@test "podns exec says how its reader of the record ended" {
	local status=0 signal
	podns create web
	for signal in SEGV SYS; do
		status=0
		timeout -k 5 "$LIMIT" "$BATS_FILE_TMPDIR/tamper" before:seccomp "kill -$signal \$1" "$PODNS" --root "$ROOT" \
			exec web true 2>"$T/stderr" || status=$?
		equal "$status" 1 "exit status"
		contains "$(cat "$T/stderr")" "the process that reads pod web was ended by signal $(kill -l "$signal")"
	done
	contains "$(cat "$T/stderr")" 'please report that as a bug'
}

@test "the hook's --help and --version that cannot be written are errors" {
	local option
	for option in --help --version; do
		fails "$HOOK" "$option" >/dev/full 2>"$T/stderr"
		equal "$(cat "$T/stderr")" 'oci-podns-hook: write to standard output: No space left on device'
	done
}

@test "what podns exec runs ignores the signals that its caller ignores, and no other" {
	local signals
	podns create web
	for signals in --default-signal=PIPE,XFSZ --ignore-signal=PIPE,XFSZ --ignore-signal=XFSZ; do
		equal "$(env "$signals" "$PODNS" --root "$ROOT" exec web grep SigIgn: /proc/self/status)" \
			"$(env "$signals" grep SigIgn: /proc/self/status)" "$signals"
	done
}

# --- standard streams --------------------------------------------------------------

@test "stdout and stderr closed: createRuntime and poststop need neither" {
	in_new_namespaces --net --ipc --uts
	make_bundle a
	state_doc a "$CHILD" | hook createRuntime >&- 2>&-
	equal "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "/proc/$CHILD/ns/net")"
	end_child
	state_doc a '' stopped | hook poststop >&- 2>&-
	assert_untouched a
	assert_nothing_left
}

@test "stdin closed: exit 1, and nothing is done" {
	local stage status
	for stage in precreate createRuntime poststop ''; do
		status=0
		hook ${stage:+"$stage"} <&- >"$T/stdout" 2>"$T/stderr" || status=$?
		equal "$status" 1 "exit status of '$stage'"
		equal "$(cat "$T/stdout")" ''
		contains "$(cat "$T/stderr")" 'standard input'
	done
	assert_nothing_left
}

# undone STATUS: precreate whose document could not be written.
undone() {
	equal "$1" 1 "exit status"
	contains "$(cat "$T/stderr")" 'standard output'
	assert_nothing_left
}

@test "precreate with stdout closed or full undoes everything" {
	local status=0
	make_bundle a
	hook precreate <"$T/a/config.json" >&- 2>"$T/stderr" || status=$?
	undone "$status"
	status=0
	hook precreate <"$T/a/config.json" >/dev/full 2>"$T/stderr" || status=$?
	undone "$status"
	status=0
	hook precreate <"$T/a/config.json" >/dev/full 2>&- || status=$?
	undone "$status"
}

# nobody_reads COMMAND...: its stdout is a pipe whose reader is gone.
nobody_reads() {
	(
		exec 8<>"$T/stdin"
		exec 7>"$T/stdin"
		exec 8<&-
		exec timeout -k 5 "$LIMIT" "$@" <"$T/a/config.json" >&7 7>&- 2>"$T/stderr"
	)
}

@test "precreate into a pipe that nobody reads undoes everything" {
	local status=0
	make_bundle a
	nobody_reads "$HOOK" --no-syslog --root "$ROOT" precreate || status=$?
	undone "$status"
	# Where the signal is at its default, as it is not here under bats.
	status=0
	nobody_reads env --default-signal=PIPE "$HOOK" --no-syslog --root "$ROOT" precreate || status=$?
	undone "$status"
}

# --- the other builds ----------------------------------------------------------------

# works_under_the_filter NAME CC CONFIGURE-OPTION: the build NAME, made if it is not there.
works_under_the_filter() {
	local a_config=$T/a/config.json
	needs_plain_build "it has builds of its own"
	other_build "$@"
	HOOK=$OTHER_BUILD/hook/oci-podns-hook
	make_bundle b
	waiting "$HOOK" --no-syslog --root "$ROOT" createRuntime
	assert_confined
	answer "$(state_doc b '')"
	state_doc b '' stopped | hook poststop
	assert_nothing_left
	cycle env
	# With syslog, by the C library's own code.
	state_doc b '' | "$HOOK" --root "$ROOT" createRuntime
	hook precreate <"$T/b.orig" >"$T/stdout"
	jq -e .annotations <"$T/stdout" >"$T/annotations"
	"$OTHER_BUILD/cli/podns" --root "$ROOT" rm --force web
	assert_nothing_left
}

@test "another build works under the filter: dynamic" {
	works_under_the_filter dynamic clang --enable-static=no
}

@test "another build works under the filter: static, at fixed addresses" {
	works_under_the_filter static clang --enable-static
}

@test "another build works under the filter: musl" {
	works_under_the_filter musl musl-gcc --enable-static
}
