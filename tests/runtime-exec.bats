#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# oci-podns-runtime becomes the real runtime without a trace: a fake one, tests/storm/fake-runtime.c, writes
# down all that it inherited, and does so again when it is executed directly. And what is refused instead.

# shellcheck disable=SC2030,SC2031,SC2154 # `run` sets what they are about

load helpers

RUNC=$PODNS_BUILD/runtime/oci-podns-runc
CONF=/etc/oci-podns/runtime.conf
SBIN=/usr/local/sbin	# one of the fixed directories
STRANGER=12345		# a uid that is neither root's nor ours
DIRECTORIES="/usr/bin, /usr/sbin, /usr/local/bin, /usr/local/sbin, /sbin, /bin and /usr/lib/cri-o-runc/sbin"

# What takes the place of /etc and $SBIN is here, in the /run of this file's own: not below a directory that
# bats removes, and the host's own directories are bound nowhere. Only here is anything removed.
OWN=/run/podns-runtime-exec

setup_file() {
	export FAKE=$BATS_FILE_TMPDIR/fake
	cc -O2 -D_GNU_SOURCE -static -o "$FAKE" "$PODNS_SRC/tests/storm/fake-runtime.c"
	mkdir -p "$OWN$SBIN"
	cp -a /etc "$OWN/etc"
	mkdir -p "$OWN/etc/oci-podns"
	mount --bind "$OWN/etc" /etc
	mount --bind "$OWN$SBIN" "$SBIN"
}

setup() {
	T=$BATS_TEST_TMPDIR
	[ /etc -ef "$OWN/etc" ]
	[ "$SBIN" -ef "$OWN$SBIN" ]
	find "$OWN$SBIN" -xdev -mindepth 1 -delete
	find "$OWN/etc/oci-podns" -xdev -delete 2>/dev/null || true
	mkdir -m 0755 "$OWN/etc/oci-podns"
	settings "runtime = $FAKE"
	# A program with AddressSanitizer sets this limit.
	ulimit -c 0
}

teardown() {
	:
}

# settings LINE...
settings() {
	printf '%s\n' "$@" >"$CONF"
}

# --- what is inherited -----------------------------------------------------------

# States to be started in, each as a function that executes its arguments.
plain() {
	exec "$@"
}

closed_stdin() {
	exec "$@" <&-
}

nothing_open() {
	exec "$@" <&- >&- 2>&- 3>&-
}

extra_descriptors() {
	exec "$@" 5</etc/passwd 7>>"$T/appended" 9<>"$T/both" 200<"$T"
}

signals() {
	exec env --block-signal=USR1,TERM --ignore-signal=CHLD,PIPE,HUP "$@"
}

# shellcheck disable=SC2016 # that shell's own
pending_signal() {
	exec env --block-signal=USR1 sh -c 'kill -USR1 $$; exec "$@"' sh "$@"
}

strict_umask() {
	umask 077
	exec "$@"
}

no_new_privs() {
	exec setpriv --no-new-privs "$@"
}

few_capabilities() {
	exec setpriv --bounding-set -sys_time,-sys_boot --inh-caps +net_raw --ambient-caps +net_raw "$@"
}

limits() {
	ulimit -n 64 -s 4096
	exec choom -n 500 -- nice -n 5 "$@"
}

empty_environment() {
	exec env -i "$@"
}

odd_environment() {
	exec env -i PATH=/nowhere LD_PRELOAD=/nosuch LD_LIBRARY_PATH=/nosuch MALLOC_CHECK_=3 \
		GLIBC_TUNABLES=glibc.malloc.check=1 XDG_RUNTIME_DIR=/x LISTEN_FDS=1 $'A=b\nc' EMPTY= "$@"
}

deleted_directory() {
	mkdir "$T/gone"
	cd "$T/gone" || exit
	rmdir "$T/gone"
	exec "$@"
}

# seen FILE STATE PROGRAM ARGV0 ARGUMENT...: what PROGRAM saw, or the fake runtime that it became.
seen() {
	local how=execute state=$2
	if [ "$state" = confined ]; then
		how=confine state=plain
	fi
	rm -f "$FAKE.seen" "$T/appended" "$T/both"
	("$state" "$FAKE" "$how" "${@:3}") </dev/null >"$T/stdout" 2>"$T/stderr"
	equal "$(<"$T/stdout")$(<"$T/stderr")" ''
	mv "$FAKE.seen" "$T/$1"
}

# same STATE ARGUMENT...: it inherits the same in both ways.
same() {
	seen direct "$1" "$FAKE" oci-podns-runc "${@:2}"
	seen through "$1" "$RUNC" oci-podns-runc "${@:2}"
	diff "$T/direct" "$T/through"
}

# saw_line TEXT: so was the state that was meant.
saw_line() {
	grep -qFx -e "$1" "$T/through" || {
		echo "no line '$1'"
		return 1
	}
}

@test "arguments pass unchanged, whatever they are" {
	same plain
	same plain --version
	same plain --root /run/x --log "$T/log" --log-format json create --bundle "$T" --pid-file "$T/pid" web
	same plain --future VALUE create '' ' ' $'a\nb' "it's" $'\377' -- --
	same plain exec -t web sh -c 'echo "a  b"; exit 1'
	saw_line 'echo "a  b"; exit 1'
	[ ! -e "$T/log" ]
}

@test "argv[0] passes unchanged, with a path or without any" {
	local name
	for name in oci-podns-runc /nosuch/oci-podns-runc ./x '' -; do
		seen direct plain "$FAKE" "$name" state web
		seen through plain "$RUNC" "$name" state web
		diff "$T/direct" "$T/through"
	done
}

@test "descriptors: those that were closed stay closed, all others stay open" {
	same closed_stdin state web
	run ! grep '/fd/0 ' "$T/through"
	grep -q '/fd/1 ' "$T/through"
	same nothing_open state web
	run ! grep '/fd/[0-3] ' "$T/through"
	same extra_descriptors state web
	saw_line "/proc/self/fd/200 -> $T"
	saw_line "/proc/self/fd/7 -> $T/appended"
}

@test "signals: what is blocked, ignored or pending stays so" {
	same signals state web
	saw_line $'SigBlk:\t0000000000004200'
	grep -q $'^SigIgn:\t.*1.*1.*1' "$T/through"
	same pending_signal state web
	saw_line $'ShdPnd:\t0000000000000200'
}

@test "environment: none of it is used, dropped or added" {
	same empty_environment state web
	needs_plain_build "shared libraries read it"
	same odd_environment state web
	saw_line GLIBC_TUNABLES=glibc.malloc.check=1
}

@test "umask, working directory, limits and priorities" {
	same strict_umask state web
	saw_line $'Umask:\t0077'
	same deleted_directory state web
	saw_line "/proc/self/cwd -> $T/gone (deleted)"
	same limits state web
	saw_line 'limit 7: 64 64'
	saw_line 500
	grep -q 'nice 5,' "$T/through"
}

@test "privileges: no_new_privs, capabilities, seccomp filter, death signal, personality" {
	same no_new_privs state web
	saw_line $'NoNewPrivs:\t1'
	same few_capabilities state web
	same confined state web
	saw_line $'Seccomp:\t2'
	saw_line $'Seccomp_filters:\t1'
	grep -q 'death signal 12' "$T/through"
	grep -q 'personality 40000, timer slack 123456' "$T/through"
}

# A child was there and is gone: it left no descriptor, signal, confinement or zombie.
@test "the runtime inherits the same where its container was put into a pod" {
	local state
	ROOT=$T/root
	mkdir -m 0755 "$ROOT"
	settings "runtime = $FAKE" "root = $T/root" no-syslog
	make_bundle a stages=
	for state in plain closed_stdin nothing_open extra_descriptors signals pending_signal strict_umask no_new_privs \
		few_capabilities limits empty_environment confined; do
		echo "$state"
		same "$state" --root /r create --bundle "$T/a" web
		equal "$(ns_path a network)" "$T/root/netns/web"
	done
	"$PODNS_BUILD/cli/podns" --root "$ROOT" rm --force web
	unmount_below "$ROOT"
}

@test "its exit status, its death and its process are the runtime's" {
	run -7 "$RUNC" state exit=7
	run -0 "$RUNC" state web
	run -137 "$RUNC" state signal=9
	run -143 "$RUNC" state signal=15
	"$RUNC" state pid >"$T/pid" &
	wait $!
	equal "$(<"$T/pid")" $!
}

# --- which runtime ---------------------------------------------------------------

@test "oci-podns-X is X, in a fixed directory, whatever PATH says" {
	rm "$CONF"
	cp "$FAKE" "$SBIN/podns-fake"
	ln -s "$PODNS_BUILD/runtime/oci-podns-runtime" "$T/oci-podns-podns-fake"
	mkdir "$T/bin"
	printf '#!/bin/sh\nexit 3\n' >"$T/bin/podns-fake"
	chmod +x "$T/bin/podns-fake"
	PATH=$T/bin run -8 "$T/oci-podns-podns-fake" state exit=8
	[ -e "$SBIN/podns-fake.seen" ]
}

@test "the setting wins: a name, in a fixed directory, or a path, also of a link or a script" {
	cp "$FAKE" "$SBIN/podns-fake"
	settings 'runtime = podns-fake'
	run -8 "$RUNC" state exit=8
	run -8 "$PODNS_BUILD/runtime/oci-podns-runtime" state exit=8
	ln -s "$FAKE" "$T/link"
	settings "runtime = \"$T/link\""
	run -8 "$RUNC" state exit=8
	printf '#!/bin/sh\necho "$@"\n' >"$T/a script"
	chmod +x "$T/a script"
	settings "runtime = $T/a script"
	run -0 "$RUNC" state web
	equal "$output" 'state web'
}

# Where any user gets at them.
copy_for_users() {
	cp "$FAKE" "$SBIN/podns-fake"
	install -m 0666 /dev/null "$SBIN/podns-fake.seen"
	cp -L "$RUNC" "$SBIN/oci-podns-podns-fake"
	settings 'runtime = podns-fake' keep
}

@test "other users may use it: root's file and runtime count for them" {
	copy_for_users
	run -8 setpriv --reuid "$STRANGER" --clear-groups "$SBIN/oci-podns-podns-fake" state exit=8
}

@test "in a user namespace of an ordinary user, where root has no uid, too" {
	needs_userns_of_users
	copy_for_users
	run -8 setpriv --reuid 65534 --clear-groups unshare --user --map-root-user \
		"$SBIN/oci-podns-podns-fake" state exit=8
}

# --- what is refused --------------------------------------------------------------

# refused PROGRAM MESSAGE: status 1, nothing on standard output, and the message on standard error and, as JSON
# and as text, in the log.
refused() {
	local program=$1 message=$2
	rm -f "$T/json" "$T/text"
	run -1 --separate-stderr timeout "$LIMIT" "$program" --root /r --log "$T/json" --log-format json create --bundle "$T" web
	equal "$output" ''
	equal "$stderr" "$message"
	jq -e --arg message "$message" '. == {level: "error", msg: $message, time: .time}
		and (.time | test("^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:]{8}Z$"))' <"$T/json" >/dev/null
	run -1 --separate-stderr timeout "$LIMIT" "$program" --log="file:$T/text" state web
	equal "$output" ''
	equal "$stderr" "$message"
	equal "$(sed 's/^time="20[0-9T:-]*Z" //' "$T/text")" "level=error msg=$(jq -n --arg m "$message" '$m')"
	equal "$(stat -c %a "$T/json" "$T/text" | tr '\n' ' ')" '644 644 '
}

@test "refused: a runtime that is not there, and that no setting names" {
	rm "$CONF"
	ln -s "$RUNC" "$T/oci-podns-nosuch-runtime"
	refused "$T/oci-podns-nosuch-runtime" \
		"oci-podns-nosuch-runtime: there is no runtime nosuch-runtime in $DIRECTORIES (install it, or set runtime in $CONF to its path)"
	settings "runtime = /nosuch/runc"
	refused "$RUNC" "oci-podns-runc: the runtime /nosuch/runc: No such file or directory (it is set in $CONF)"
	rm "$CONF"
	refused "$PODNS_BUILD/runtime/oci-podns-runtime" \
		"oci-podns-runtime: the name 'oci-podns-runtime' does not say which runtime is the real one (call this program as oci-podns-runc or oci-podns-crun, or set runtime in $CONF)"
	ln -s "$RUNC" "$T/oci-podns-"
	contains "$("$T/oci-podns-" state 2>&1)" "the name 'oci-podns-' does not say"
	ln -s "$RUNC" "$T/runc"
	contains "$("$T/runc" state 2>&1)" "runc: the name 'runc' does not say"
}

@test "refused: this program itself, by link, hard link, or as the only one of the name" {
	local itself
	itself="is this program itself (set runtime to the real one in $CONF)"
	settings "runtime = $RUNC"
	refused "$RUNC" "oci-podns-runc: the runtime $RUNC $itself"
	cp -L "$RUNC" "$T/oci-podns-x"
	ln "$T/oci-podns-x" "$T/hard"
	settings "runtime = $T/hard"
	refused "$T/oci-podns-x" "oci-podns-x: the runtime $T/hard $itself"
	rm "$CONF"
	ln -s "$RUNC" "$T/oci-podns-podns-self"
	ln -s "$RUNC" "$SBIN/podns-self"
	refused "$T/oci-podns-podns-self" \
		"oci-podns-podns-self: there is no runtime podns-self but this program itself in $DIRECTORIES (install it, or set runtime in $CONF to its path)"
}

@test "refused: a runtime that is no program, or that others may have written" {
	local it=$T/it
	settings "runtime = $it"
	mkdir "$it"
	refused "$RUNC" "oci-podns-runc: the runtime $it is not a regular file"
	rmdir "$it"
	install -m 0644 "$FAKE" "$it"
	refused "$RUNC" "oci-podns-runc: the runtime $it is not executable"
	chmod 0775 "$it"
	refused "$RUNC" "oci-podns-runc: the runtime: $it may be written to by others (mode 0775) (chmod go-w $it)"
	chmod 0755 "$it"
	chown "$STRANGER" "$it"
	refused "$RUNC" "oci-podns-runc: the runtime: $it belongs to uid $STRANGER, neither to root nor to us (uid 0) (chown root $it)"
	rm "$it"
	printf 'no program\n' >"$it"
	chmod 0755 "$it"
	refused "$RUNC" "oci-podns-runc: execute the runtime $it: Exec format error"
	rm "$CONF"
	ln -s "$RUNC" "$T/oci-podns-podns-fake"
	install -m 0757 "$FAKE" "$SBIN/podns-fake"
	contains "$("$T/oci-podns-podns-fake" state 2>&1)" "$SBIN/podns-fake may be written to by others (mode 0757)"
}

@test "refused: a line of the settings that is wrong" {
	settings '# comment' "runtime = $FAKE" 'pods = yes'
	refused "$RUNC" "oci-podns-runc: $CONF:3: pods: there is no such key"
	settings "runtime = $FAKE" 'log-level = loud'
	refused "$RUNC" "oci-podns-runc: $CONF:2: log-level: no such level 'loud'"
	head -c 70000 /dev/zero | tr '\0' '#' >"$CONF"
	refused "$RUNC" "oci-podns-runc: read $CONF: File too large"
}

@test "refused: settings that others may have written" {
	local dir=${CONF%/*}
	chmod 0664 "$CONF"
	refused "$RUNC" "oci-podns-runc: $CONF may be written to by others (mode 0664) (chmod go-w $CONF)"
	chmod 0644 "$CONF"
	chown "$STRANGER" "$CONF"
	refused "$RUNC" "oci-podns-runc: $CONF belongs to uid $STRANGER, neither to root nor to us (uid 0) (chown root $CONF)"
	chown 0 "$CONF"
	chmod 0777 "$dir"
	refused "$RUNC" "oci-podns-runc: $dir may be written to by others (mode 0777) (chmod go-w $dir)"
	chmod 0755 "$dir"
	mv "$CONF" "$T/elsewhere"
	ln -s "$T/elsewhere" "$CONF"
	refused "$RUNC" "oci-podns-runc: $CONF is a symbolic link, which is not followed (put a copy of the file in its place)"
}

@test "without settings or their directory the defaults hold" {
	cp "$FAKE" "$SBIN/podns-fake"
	ln -s "$RUNC" "$T/oci-podns-podns-fake"
	rm "$CONF"
	run -8 "$T/oci-podns-podns-fake" state exit=8
	rmdir "${CONF%/*}"
	run -8 "$T/oci-podns-podns-fake" state exit=8
}

@test "an error: bytes that are not UTF-8 or that end a line, a closed pipe, a log that cannot be written" {
	local name=$'oci-podns-\377\nx'
	rm "$CONF"
	ln -s "$RUNC" "$T/$name"
	run -1 --separate-stderr "$T/$name" --log "$T/json" --log-format=json state web
	equal "${#stderr_lines[@]}" 1
	jq -e '.msg | startswith("oci-podns-??x: there is no runtime ??x in ")' <"$T/json" >/dev/null
	# shellcheck disable=SC2016 # that shell's own
	run -1 bash -c '"$0" state 2> >(:); exit $?' "$T/$name"
	run -1 "$T/$name" --log "$T/no/such" state
	run -1 "$T/$name" --log syslog:web state
	mkfifo "$T/fifo"
	run -1 timeout 5 "$T/$name" --log "$T/fifo" state
	equal "$(find "$T" -name 'syslog*')" ''
	run -1 "$T/$name" --log "$T/both" state 2>&-
	grep -q level=error "$T/both"
}
