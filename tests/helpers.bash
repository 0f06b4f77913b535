# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Helpers of all bats files. A file begins with `load helpers`; it runs in a
# mount namespace of its own that tests/run.sh makes, with a private /run.
#
# Each test has a directory $T of its own with a root ($ROOT), bundles ($T/NAME)
# and what they print ($T/NAME.out). Containers are called NAME in a test and
# "$ID_PREFIX-NAME" on the host. $RUNTIME is runc unless the file says otherwise.

bats_require_minimum_version 1.5.0
load setup
load skips

: "${PODNS_SRC:=$(cd "$BATS_TEST_DIRNAME/.." && pwd -P)}"
: "${PODNS_BUILD:?run the tests by tests/run.sh}"
: "${PODNS_INSIDE:?run the tests by tests/run.sh: they empty directories in /run}"
HOOK=$PODNS_BUILD/hook/oci-podns-hook
ROOTFS=/run/podns-test-rootfs
TYPES=(net ipc uts)	# the default pod types
# shellcheck disable=SC2034 # of some files
SANDBOX_ID=$(printf 'c0ffee%058d' 0)	# the id of a CRI engine's sandbox
LIMIT=30		# seconds for any one command

# --- set-up and the end ------------------------------------------------------

# bats finds the line that failed by a trap before each command, which takes as long as everything else in most tests.
# After this call in setup() the trap runs only for the commands of the test itself. PODNS_TRACE=yes in the environment:
# the stack trace of a failure names the line of the helper too.
trace_tests_alone() {
	[ -n "${PODNS_TRACE-}" ] || set +T
}

setup() {
	common_setup runc
}

teardown() {
	common_teardown
}

# common_setup RUNTIME
common_setup() {
	trace_tests_alone
	RUNTIME=$1
	T=$BATS_TEST_TMPDIR
	ROOT=$T/root
	ID_PREFIX=podns-$$-$BATS_TEST_NUMBER
	CONTAINERS=()
	PIDS=()
	mkdir -m 0755 "$ROOT"
	grep -F ' - nsfs ' /proc/self/mountinfo >"$T/nsfs.before" || true
	if [ ! -e "$ROOTFS" ]; then
		make_rootfs "$ROOTFS"
		make_report "$ROOTFS"
	fi
}

# Delete containers, end processes and undo mounts however the test ended. That the hook cleaned up is for
# the test itself to assert.
common_teardown() {
	local name pid
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		tell_all
	fi
	for name in "${CONTAINERS[@]}"; do
		rt delete --force "$(id_of "$name")" >/dev/null 2>&1 || true
	done
	for pid in "${PIDS[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	unmount_below "$ROOT"
	unmount_below /run/netns
	rm -rf /run/{net,ipc,uts,user,cgroup,time,mnt}ns /run/podns
}

# What helps to understand a failed test.
tell_all() {
	local file
	for file in "$T"/*.out "$T"/*.err "$T"/*.log "$ROOT"/podns/log; do
		[ -s "$file" ] || continue
		echo "--- $file"
		tail -n 40 "$file"
	done
}

unmount_below() {
	local points
	# Deepest first; a line of mountinfo has the mount point fifth.
	mapfile -t points < <(awk -v top="$1" '$5 == top || index($5, top "/") == 1 { print $5 }' \
		/proc/self/mountinfo | tac)
	[ ${#points[@]} = 0 ] || umount -l "${points[@]}" 2>/dev/null || true
}

# A program in the containers' root that reports what its container sees.
make_report() {
	local dir=$1
	cat >"$dir/bin/report" <<-'SCRIPT'
		#!/bin/sh
		# What this container sees, one "NAME=VALUE" a line, then "ready".
		for t in net ipc uts user cgroup time mnt pid; do
			echo "$t=$(readlink /proc/self/ns/$t)"
		done
		echo "hostname=$(hostname)"
		echo "env_hostname=$HOSTNAME"
		echo "ttl=$(cat /proc/sys/net/ipv4/ip_default_ttl)"
		echo "msgmax=$(cat /proc/sys/kernel/msgmax)"
		echo "domainname=$(cat /proc/sys/kernel/domainname)"
		case $(ip addr show lo) in
		*LOWER_UP*127.0.0.1/8*) echo lo=up ;;
		*) echo lo=down ;;
		esac
		echo ready
	SCRIPT
	chmod +x "$dir/bin/report"
}

# --- bundles -----------------------------------------------------------------

# Helpers that every test calls set a variable whose name they are given, since a subshell is a process.

# to_json VARIABLE STRING...: the strings as JSON, with commas between.
to_json() {
	local s all=''
	for s in "${@:2}"; do
		s=${s//\\/\\\\}
		s=${s//\"/\\\"}
		s=${s//$'\n'/\\n}
		all+=", \"${s//$'\t'/\\t}\""
	done
	printf -v "$1" %s "${all#, }"
}

json_strings() {
	local json
	to_json json "$@"
	printf %s "$json"
}

# hooks_to_json VARIABLE "STAGE..." [HOOK ARGUMENT...]: members of a config's hooks.
hooks_to_json() {
	local stage path args all=''
	to_json path "$HOOK"
	to_json args oci-podns-hook --no-syslog "${@:3}"
	for stage in $2; do
		all+=", \"$stage\": [{\"path\": $path, \"args\": [$args], \"timeout\": 30}]"
	done
	printf -v "$1" %s "${all#, }"
}

hooks_json() {
	local json
	hooks_to_json json "$@"
	printf %s "$json"
}

# make_bundle NAME [OPTION=VALUE...]: $T/NAME/config.json and a copy of it, $T/NAME.orig.
# The document is odd on purpose: spacing, escapes, unknown members, and
# numbers that no parser may round. Options, each at most once but for arg=:
#
#	pod=POD			annotation io.podns.pod, "web" by default; empty: none
#	annotations=JSON	more members, each with a comma in front
#	namespaces=JSON		the entries of linux.namespaces
#	program=SCRIPT		for the container's shell
#	hostname=NAME		"first" by default; empty: none
#	env_hostname=NAME	HOSTNAME= in process.env
#	sysctl=JSON		members of linux.sysctl
#	linux=JSON		more members of linux, each followed by a comma
#	stages=STAGES		hooks, "createRuntime poststop" by default
#	root=DIR		the hook's --root; empty: none
#	arg=ARGUMENT		one more argument of the hook
make_bundle() {
	local option program hooks json args=() dir=$T/$1
	local -A o=(
		[pod]=web [annotations]='' [hostname]=first [env_hostname]=''
		[program]='report; exec sleep 1000'
		[namespaces]='{"type":"pid"}, { "type" : "network" }, {"type":"ipc"},
				{"type":"uts"}, {"type":"mount"}'
		[sysctl]='' [linux]='' [stages]='createRuntime poststop' [root]=$ROOT
	)
	shift
	for option; do
		case $option in
		arg=*) args+=("${option#arg=}") ;;
		*) o[${option%%=*}]=${option#*=} ;;
		esac
	done
	if [ -n "${o[pod]}" ]; then
		to_json json "${o[pod]}"
		o[pod]=", \"io.podns.pod\" : $json"
	fi
	if [ -n "${o[hostname]}" ]; then
		to_json json "${o[hostname]}"
		o[hostname]="\"hostname\": $json,"
	fi
	if [ -n "${o[env_hostname]}" ]; then
		to_json json "HOSTNAME=${o[env_hostname]}"
		o[env_hostname]=", $json"
	fi
	if [ -n "${o[root]}" ]; then
		args=(--root "${o[root]}" "${args[@]}")
	fi
	to_json program "${o[program]}"
	hooks_to_json hooks "${o[stages]}" "${args[@]}"
	mkdir -p "$dir"
	cat >"$dir/config.json" <<-JSON
		{ "ociVersion" : "1.0.2",
		"x-number": 18446744073709551615, "x-float":1.10e+02 , "x-text": "a\/b\u00e9\ud83d\ude00\t",
			"process": {
			"terminal": false, "user": { "uid": 0, "gid": 0 },
			"args": [ "sh", "-c", $program ],
			"env": [ "PATH=/bin"${o[env_hostname]},
				"PODNS_TEST_RUN=${PODNS_TEST_RUN-}" ],
			"cwd": "\/",
			"noNewPrivileges":true
		    },
		"root": { "path": "$ROOTFS", "readonly": true },
		${o[hostname]}
		"mounts": [
			{ "destination": "/proc", "type": "proc", "source": "proc" },
			{ "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
			  "options": [ "nosuid", "strictatime", "mode=755", "size=65536k" ] }
		],
		"annotations": { "org.example.first": "caf\u00e9 \/"${o[pod]}${o[annotations]} },
		"hooks": { $hooks },
		"linux": { ${o[linux]}
			"sysctl": { ${o[sysctl]} },
			"namespaces": [ ${o[namespaces]} ],
			"maskedPaths": [ "/proc/kcore" ]
		}   ,  "x-last": [ [], {}, null, -0.0 ] }

	JSON
	keep_original "${dir##*/}"
}

# Call it again after a change of config.json by the test itself.
keep_original() {
	cp -p "$T/$1/config.json" "$T/$1.orig"
}

# edit_config NAME JQ-FILTER: for tests that do not care about the bytes.
edit_config() {
	jq "$2" <"$T/$1.orig" >"$T/$1/config.json"
	keep_original "$1"
}

# The members of one namespace entry: ns_path NAME OCI-TYPE
ns_path() {
	jq -r --arg t "$2" '.linux.namespaces[] | select(.type == $t) | .path // ""' \
		<"$T/$1/config.json"
}

# entry TYPE [PATH]: an entry of linux.namespaces.
entry() {
	printf '{"type":"%s"%s}' "$1" "${2:+, \"path\" : \"$2\" }"
}

# mappings [UID [GID]]: the members of linux that map ids 0 to 999 of a user namespace to UID and GID of the host and the
# ids that follow.
mappings() {
	local map='[{"containerID": 0, "hostID": %s, "size": 1000}]'
	# shellcheck disable=SC2059 # it is the format
	printf "\"uidMappings\": $map, \"gidMappings\": $map," "${1-100000}" "${2-${1-100000}}"
}

# joined_namespaces POD [ROOT]: entries with the paths of a pod's pins, for its second container.
joined_namespaces() {
	local pod=$1 root=${2-$ROOT}
	printf '%s, ' "$(entry pid)" "$(entry mount)" "$(entry network "$root/netns/$pod")"
	printf '%s, %s' "$(entry ipc "$root/ipcns/$pod")" "$(entry uts "$root/utsns/$pod")"
}

# --- runtimes ----------------------------------------------------------------

id_of() {
	echo "$ID_PREFIX-$1"
}

ids_begin_with() {
	ID_PREFIX=$1
}

rt() {
	timeout -k 5 "$LIMIT" "$RUNTIME" --root "/run/$RUNTIME" "$@" </dev/null
}

# start NAME: run the container detached and wait for its report. Its output is in $T/NAME.out, the
# runtime's in $T/NAME.err: files, since the container would hold a pipe open.
start() {
	CONTAINERS+=("$1")
	rt run --detach --bundle "$T/$1" "$(id_of "$1")" >"$T/$1.out" 2>"$T/$1.err" || {
		cat "$T/$1.err"
		return 1
	}
	wait_for grep -qx ready "$T/$1.out"
}

# start_fails NAME: `run` fails, and the program never ran.
start_fails() {
	CONTAINERS+=("$1")
	if rt run --bundle "$T/$1" "$(id_of "$1")" >"$T/$1.out" 2>"$T/$1.err"; then
		echo "container $1 started"
		return 1
	fi
	! grep -q = "$T/$1.out" || {
		echo "the program of $1 ran:"
		cat "$T/$1.out"
		return 1
	}
}

# stop NAME: kill and delete; poststop has run when this returns.
stop() {
	rt kill "$(id_of "$1")" KILL
	wait_for stopped "$1"
	rt delete "$(id_of "$1")"
}

stopped() {
	[ "$(rt state "$(id_of "$1")" | jq -r .status)" = stopped ]
}

init_pid() {
	rt state "$(id_of "$1")" | jq .pid
}

# saw NAME WHAT: what the container reported, for a namespace its inode.
saw() {
	local value
	value=$(sed -n "s/^$2=//p" "$T/$1.out" | tail -n 1)
	case $value in
	*:\[*\])
		value=${value#*[}
		value=${value%]}
		;;
	esac
	echo "$value"
}

# --- processes and the hook by hand ------------------------------------------

# in_new_namespaces [UNSHARE OPTION...]: start a process in new namespaces; its pid is in $CHILD. SLEEPER
# may name another program than sleep(1).
in_new_namespaces() {
	local program=${SLEEPER:-sleep}
	unshare --mount "$@" "$program" 1000 </dev/null >/dev/null 2>&1 3>&- &
	CHILD=$!
	PIDS+=("$CHILD")
	# When unshare is done it executes the program.
	wait_for program_is "$CHILD" "${program##*/}"
}

program_is() {
	[ "$(cat "/proc/$1/comm")" = "$2" ]
}

end_child() {
	kill -KILL "$CHILD"
	wait "$CHILD" || true
}

# The pid of a process that has just ended.
dead_pid() {
	local pid
	true &
	pid=$!
	wait "$pid"
	echo "$pid"
}

# state_doc NAME PID [STATUS [ANNOTATIONS]]: an OCI state as runc writes it, with the bundle $T/NAME and,
# unless given, the annotations of its config.json. An empty PID leaves pid out.
state_doc() {
	local annotations=${4-} id bundle
	if [ -z "$annotations" ]; then
		annotations=$(jq -c '.annotations // {}' <"$T/$1.orig")
	fi
	to_json id "$ID_PREFIX-$1"
	to_json bundle "$T/$1"
	printf '{"ociVersion":"1.0.2-dev","id":%s,"status":"%s",%s"bundle":%s,"annotations":%s}' \
		"$id" "${3-creating}" "${2:+"\"pid\":$2,"}" "$bundle" "$annotations"
}

# hook [OPTION|STAGE...]: run the hook in the test's root, with the caller's stdin.
hook() {
	timeout -k 5 "$LIMIT" "$HOOK" --no-syslog --root "$ROOT" "$@"
}

# create NAME PID [OPTION...], poststop NAME [OPTION...]: run the stage without a runtime.
create() {
	local name=$1 pid=$2
	shift 2
	state_doc "$name" "$pid" creating | hook "$@" createRuntime
}

poststop() {
	local name=$1
	shift
	state_doc "$name" '' stopped | hook "$@" poststop
}

# under_strace ARGUMENT...: strace(1). The leak sanitizer cannot work under ptrace(2).
under_strace() {
	ASAN_OPTIONS=detect_leaks=0 timeout -k 5 "$LIMIT" strace "$@"
}

# expire_claims ROOT: let the deadlines of all claims and waiting containers pass.
expire_claims() {
	local record
	for record in "$1"/podns/*/record; do
		[ ! -e "$record" ] || sed -i -E 's/^(claim|waiting) [0-9]+/\1 1/' "$record"
	done
}

# --- waiting -----------------------------------------------------------------

# wait_for COMMAND...: wait until it succeeds, at most LIMIT seconds.
wait_for() {
	local end=$((SECONDS + LIMIT))
	until "$@" 2>/dev/null; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "waited $LIMIT s for: $*"
			return 1
		fi
		sleep 0.02
	done
}

is_locked() {
	! flock --nonblock "$1" true
}

# --- namespaces --------------------------------------------------------------

# The inode of a namespace: of a pin, or of /proc/PID/ns/TYPE.
ns_ino() {
	local ino type
	type=$(stat -fL -c %T "$1") || return 1
	if [ "$type" != nsfs ]; then
		echo "$1 is on $type, not a namespace" >&2
		return 1
	fi
	ino=$(stat -L -c %i "$1") && echo "$ino"
}

# lsns_of PID TYPE COLUMN: one column of lsns(8) for the namespace of a process. lsns reads all processes of the host, and
# prints nothing if one of them ends meanwhile.
lsns_of() {
	local value end=$((SECONDS + LIMIT))
	until value=$(lsns -n -t "$2" -p "$1" -o "$3") && [ -n "$value" ]; do
		[ "$SECONDS" -lt "$end" ] || return 1
	done
	echo "${value// /}"
}

# in_pin SHORT POD COMMAND...: run in one of the pod's namespaces.
in_pin() {
	local type=$1 pod=$2
	shift 2
	nsenter "--$type=$ROOT/${type}ns/$pod" "$@"
}

# A mount point in mountinfo has shared propagation.
is_shared_mount() {
	awk -v point="$1" '$5 == point && / shared:/ { found = 1 } END { exit !found }' \
		/proc/self/mountinfo
}

# --- assertions --------------------------------------------------------------

equal() {
	if [ "$1" != "$2" ]; then
		printf '%s\n  is:        "%s"\n  should be: "%s"\n' "${3-}" "$1" "$2"
		return 1
	fi
}

differ() {
	if [ "$1" = "$2" ]; then
		printf '%s is "%s", and should not be\n' "${3-it}" "$1"
		return 1
	fi
}

contains() {
	if [[ $1 != *"$2"* ]]; then
		printf '  is:          "%s"\n  should have: "%s"\n' "$1" "$2"
		return 1
	fi
}

lacks() {
	if [[ $1 == *"$2"* ]]; then
		printf '  is:              "%s"\n  should not have: "%s"\n' "$1" "$2"
		return 1
	fi
}

# assert_in_pins NAME POD [TYPE...]: the container is in the pinned namespaces, and in none of the host's.
assert_in_pins() {
	local name=$1 pod=$2 type
	shift 2
	[ $# -gt 0 ] || set -- "${TYPES[@]}"
	for type; do
		equal "$(saw "$name" "$type")" "$(ns_ino "$ROOT/${type}ns/$pod")" "$name's $type"
		differ "$(saw "$name" "$type")" "$(ns_ino "/proc/self/ns/$type")" "$name's $type"
	done
}

# assert_pinned POD TYPE..., assert_not_pinned POD TYPE...
assert_pinned() {
	local pod=$1 type
	shift
	for type; do
		ns_ino "$ROOT/${type}ns/$pod" >/dev/null
	done
}

assert_not_pinned() {
	local pod=$1 type
	shift
	for type; do
		if [ -e "$ROOT/${type}ns/$pod" ]; then
			ls -l "$ROOT/${type}ns/$pod"
			return 1
		fi
	done
}

# The root has no pin, mount, record, claim or other file of the hook. The shared mount on <root>/netns,
# empty directories and the log may stay.
assert_nothing_left() {
	local root=${1-$ROOT} left
	left=$(find "$root" ! -type d ! -path "$root/podns/log*" -o -path "$root/podns/web" \
		-o -path "$root/podns/bundle@*")
	if [ -n "$left" ]; then
		printf 'left in the root:\n%s\n' "$left"
		return 1
	fi
	left=$(awk -v top="$root/" -v shared="$root/netns" \
		'/ - nsfs / || (index($5, top) == 1 && $5 != shared)' /proc/self/mountinfo |
		diff "$T/nsfs.before" - || true)
	if [ -n "$left" ]; then
		printf 'left mounted:\n%s\n' "$left"
		return 1
	fi
}

# assert_untouched NAME: config.json is unchanged, and there is no temporary file.
assert_untouched() {
	cmp "$T/$1.orig" "$T/$1/config.json" || {
		diff "$T/$1.orig" "$T/$1/config.json"
		return 1
	}
	equal "$(ls -A "$T/$1")" config.json "files in the bundle $1"
}

# fails COMMAND...: like "!", whose failure bats does not see.
fails() {
	if "$@"; then
		echo "this succeeded: $*"
		return 1
	fi
}

# fails_line BEGIN TEXT COMMAND...: it exits with 1 and prints nothing on stdout and one line on stderr, which begins
# with BEGIN and has TEXT.
fails_line() {
	local begin=$1 text=$2 status=0 line
	shift 2
	"$@" >"$T/stdout" 2>"$T/stderr" || status=$?
	line=$(<"$T/stderr")
	echo "$line"
	equal "$status" 1 "exit status" &&
		equal "$(<"$T/stdout")" '' stdout &&
		contains "$line" "$text" || return 1
	if [[ $line != "$begin"* || $line == *$'\n'* ]]; then
		echo "that is not one line that begins with '$begin'"
		return 1
	fi
}

# fails_with TEXT COMMAND...: the hook does that.
fails_with() {
	fails_line 'oci-podns-hook: ' "$@"
}

# of_libc GLIBC MUSL: the text that strerror(3) of the programs' C library returns.
of_libc() {
	if [ "${PODNS_MODE-}" = musl ]; then
		echo "$2"
	else
		echo "$1"
	fi
}

# other_build NAME CC [CONFIGURE OPTION...]: another build than the one under test; its directory is in $OTHER_BUILD. If
# tests/run.sh runs all files, it has made it before.
other_build() {
	OTHER_BUILD=${PODNS_BUILD%/*}/$1
	build "$OTHER_BUILD" "${@:2}" || {
		tail -n 40 "$OTHER_BUILD/build.log"
		return 1
	}
}

# build_tamper PROGRAM: build storm/tamper.c for the programs under test.
build_tamper() {
	cc -O2 -D_GNU_SOURCE ${PODNS_MODE:+"-DPODNS_${PODNS_MODE^^}"} -o "$1" \
		"$PODNS_SRC/tests/storm/tamper.c" -lseccomp
}
