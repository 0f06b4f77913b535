# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Tampers with each system call of a stage in turn, and checks the result:
#
#	bash sweep.bash fault|kill|nomem SCENARIO DIRECTORY
#
# fault: the call fails. The run must fail and undo everything, or succeed with the usual result. kill: the process dies. The
# next run of the stage must succeed, or gc must remove everything. config.json must be the old or the new one at any time.
# nomem: as fault, for each allocation of memory instead of each call.
#
# PODNS_SWEEP_EVERY=N: every N-th of these calls (1).
#
# HOOK, PODNS and TAMPER (tests/storm/tamper.c, for nomem the library of nomem.c) are the programs; PODNS_LONG=yes: every call,
# and more errors for each. Each violation is a line that begins with BAD, and the exit status is then 1.
#
# The scenarios that begin with "rt" are of oci-podns-runtime, RUNC, which puts the container into its pod in a child: rtcreate,
# rtjoin, rtdelete, rtnet (rtcreate of a pod with a network), and rtundo (of a create whose runtime cannot be executed). FAKE (tests/storm/ran.c) is the real runtime. It may
# run only if all has been done; killed is the child, the parent, or both. This script writes /etc/oci-podns/runtime.conf.
#
# Those that begin with "net" are of pods with a network: netnew (precreate that makes one), netstop (poststop that ends it) and
# netrm. They have three processes: the agent, the confined child, and podns-net, NET, each of whose calls is tampered with. The
# plugin, which this script writes, notes what is attached, and is not tampered with. This script writes in /etc/oci-podns and
# /opt/cni/bin.
#
# There are thousands of runs, so this script starts as few processes as possible. It is not a part of a bats file because
# bats traces each command.

set -u -o pipefail
shopt -s nullglob globstar dotglob

: "${HOOK:?}" "${PODNS:?}" "${TAMPER:?}" "${PODNS_LONG:=}" "${PODNS_SWEEP_EVERY:=1}"
MODE=$1 SCENARIO=$2 W=$3
R=$W/root B=$W/b AT=$W/attached
CONF=/etc/oci-podns
bad=0 nothing='' init='' other=''

# Calls whose failure makes no difference to the result.
HARMLESS=' close munmap exit exit_group rt_sigreturn rt_sigprocmask brk umask getpid gettid geteuid getuid set_robust_list rseq madvise '
# Calls with an effect outside the process. A kill before any other call has the same result as a kill before the next of
# these.
VISIBLE=' write mkdirat mkdir unlinkat renameat renameat2 symlinkat mount umount2 fchmod fchown fsetxattr ftruncate clone execve exit_group '

declare -A NUMBER=([EPERM]=1 [EIO]=5 [ECHILD]=10 [EAGAIN]=11 [ENOMEM]=12 [EACCES]=13 [EINVAL]=22 [EMFILE]=24 [ENOSPC]=28 [ENOLCK]=37
	[ENOSYS]=38)

# errnos_of CALL: sets $errnos, the likeliest first.
errnos_of() {
	case $1 in
	openat | openat2 | pidfd_open | dup | pipe2 | socket | fcntl) errnos=EMFILE ;;
	mmap | mprotect | mremap) errnos=ENOMEM ;;
	mkdirat | mkdir | symlinkat | mount | unshare | write) errnos=ENOSPC ;;
	umount2 | setns | sethostname | setdomainname | fchown | fchmod) errnos=EPERM ;;
	flock) errnos=ENOLCK ;;
	clone) errnos=EAGAIN ;;
	wait4) errnos=ECHILD ;;
	execve) errnos=EACCES ;;
	malloc)
		errnos=ENOMEM
		return
		;;
	getrandom) errnos=ENOSYS ;;
	*) errnos=EIO ;;
	esac
	[ -z "$PODNS_LONG" ] || errnos+=" EIO ENOMEM EPERM ENOSPC"
}

# --- the stage -----------------------------------------------------------------

config() {
	if [ "$SCENARIO" = user ]; then
		printf '{ "ociVersion": "1.0.2", "annotations": {"io.podns.pod": "web", "io.podns.namespaces": "user,net,uts"},
		 "linux": { "uidMappings": [%s], "gidMappings": [%s],
		  "namespaces": [{"type":"user"}, {"type":"network"}, {"type":"uts"}, {"type":"mount"}] } }\n' \
			"$MAP" "$MAP"
		return
	fi
	printf '{ "ociVersion": "1.0.2",\n "hostname":"x", "annotations": {"io.podns.pod": "web"},
	 "linux": { "sysctl": { "net.ipv4.ip_unprivileged_port_start": "81" },
	  "namespaces": [{"type":"network"}, {"type":"ipc"}, {"type":"uts"}, {"type":"mount"}] },
	 "mounts": [{"destination":"/dev/shm","type":"tmpfs","source":"shm","options":["nosuid","size=65536k"]}] }\n'
}

MAP='{"containerID":0,"hostID":100000,"size":1000}'

# state ID STATUS [PID]
state() {
	printf '{"ociVersion":"1.0.2","id":"%s","status":"%s",%s"bundle":"%s"}' "$1" "$2" "${3:+"\"pid\":$3,"}" "$W/$1"
}

hook() {
	"$HOOK" --no-syslog --root "$R" "$@"
}

# start COMMAND...: the command ends as sleep(1); its pid is in $started.
start() {
	local comm='' i
	"$@" sleep 1000 </dev/null >/dev/null 2>&1 &
	started=$!
	for ((i = 0; i < 3000; i++)); do
		read -r comm <"/proc/$started/comm"
		[ "$comm" != sleep ] || return 0
		sleep 0.01
	done
	echo "BAD $*: no container after 30 s"
	exit 1
}

stop_all() {
	local pid
	for pid in $init $other; do
		kill -KILL "$pid"
		wait "$pid"
	done 2>/dev/null
	init='' other=''
}

# Remove the root, containers and claims, and restore the bundles.
fresh() {
	stop_all
	clean_root
	mkdir -p "$B" "$W/o"
	rm -f "$B"/* "$W/o"/* "$AT"/*
	config >"$B/config.json"
	config >"$W/o/config.json"
}

clean_root() {
	local line points=()
	while read -r _ _ _ _ line _; do
		[[ $line != "$R"/* ]] || points=("$line" "${points[@]}")
	done </proc/self/mountinfo
	[ ${#points[@]} = 0 ] || umount -l "${points[@]}"
	rm -rf --one-file-system "$R" "$W/pins"
	mkdir -m 0755 "$R"
}

live_pod() {
	start unshare --net --ipc --uts
	other=$started
	state o creating "$other" | hook createRuntime
}

# What gc sweeps: a dead member, a bundle of a pod that went in a reboot, and its index entry.
swept() {
	start unshare --net --ipc --uts
	init=$started
	state b creating "$init" | hook createRuntime || return 1
	config | sed s/web/gone/ >"$W/o/config.json"
	state o creating | hook --namespaces uts createRuntime || return 1
	umount "$R/utsns/gone"
	rm -r "$R/utsns/gone" "$R/podns/gone"
	stop_all
}

is_runtime() {
	[[ $SCENARIO == rt* ]]
}

is_network() {
	[[ $SCENARIO == net* || $SCENARIO == rtnet ]]
}

# For the pod web, with a plugin that fills $AT.
configure_network() {
	mkdir -p "$CONF/net.d" "$CONF/pods.d" /opt/cni/bin "$AT"
	printf '%s\n' '[Pod]' Network=lan >"$CONF/pods.d/web.pod"
	echo '{"cniVersion":"1.0.0","name":"lan","plugins":[{"type":"sweep"}]}' >"$CONF/net.d/lan.conflist"
	cat >/opt/cni/bin/sweep <<-SCRIPT
		#!/bin/sh
		while read -r line; do :; done
		case \$CNI_COMMAND in
		ADD) : >"$AT/\$CNI_CONTAINERID" && echo '{"cniVersion":"1.0.0"}' ;;
		DEL) exec rm -f "$AT/\$CNI_CONTAINERID" ;;
		esac
	SCRIPT
	chmod 0755 /opt/cni/bin/sweep
}

# runtime_settings REAL
runtime_settings() {
	mkdir -p "$CONF"
	printf '%s\n' "runtime = $1" "root = $R" no-syslog >"$CONF/runtime.conf"
}

prepare() {
	fresh
	case $SCENARIO in
	rtcreate | rtundo | rtnet) ;;
	rtjoin) live_pod ;;
	rtdelete) "$RUNC" create --bundle "$B" b ;;
	new | user | create | rewrite | pinns | netnew) ;;
	gc) swept ;;
	join) live_pod ;;
	adopt)
		start unshare --net --ipc --uts
		init=$started
		;;
	claimed)
		live_pod
		precreated
		;;
	stop | netstop)
		start unshare --net --ipc --uts
		init=$started
		state b creating "$init" | hook createRuntime
		stop_all
		;;
	rm | netrm) "$PODNS" --root "$R" create web >/dev/null ;;
	*)
		echo "sweep.bash: no scenario $SCENARIO" >&2
		exit 2
		;;
	esac || {
		echo "BAD $SCENARIO: cannot be prepared"
		exit 1
	}
	case $SCENARIO in
	rtcreate | rtjoin | rtundo | rtnet) command=("$RUNC" create --bundle "$B" b) ;;
	rtdelete) command=("$RUNC" delete b) ;;
	new | user | join | netnew)
		config >"$W/stdin"
		command=("$HOOK" --no-syslog --root "$R" precreate)
		;;
	adopt | claimed)
		state b creating "$init" >"$W/stdin"
		command=("$HOOK" --no-syslog --root "$R" createRuntime)
		;;
	stop | netstop)
		state b stopped >"$W/stdin"
		command=("$HOOK" --no-syslog --root "$R" poststop)
		;;
	create) command=("$PODNS" --root "$R" create --sysctl net.ipv4.ip_unprivileged_port_start=81 web) ;;
	rm | netrm) command=("$PODNS" --root "$R" rm web) ;;
	gc) command=("$PODNS" --root "$R" gc) ;;
	rewrite) command=("$PODNS" --root "$R" rewrite --bundle "$B" web) ;;
	pinns) command=("$W/pinns" -d "$R" -f web -niu -s net.ipv4.ip_unprivileged_port_start=81) ;;
	esac
	[ -e "$W/stdin" ] || : >"$W/stdin"
}

# As podman does: the edited document becomes config.json, and the runtime joins the namespaces that it names.
precreated() {
	hook precreate <"$B/config.json" >"$W/edited" || return 1
	cp "$W/edited" "$B/config.json"
	start nsenter "--net=$R/netns/web" "--ipc=$R/ipcns/web" "--uts=$R/utsns/web"
	init=$started
}

# run [list FILE | N ERRNO | N kill]: run the stage under TAMPER. Its exit status is in $rc; 124: it ended before call N.
run() {
	local wrap=()
	if [ $# -gt 0 ] && [ "$MODE" = nomem ]; then
		printf '\0\0\0\0\0\0\0\0' >"$W/count"
		wrap=(env "LD_PRELOAD=$TAMPER" "NOMEM_COUNT=$W/count" "NOMEM_AT=${1/list/0}")
	elif [ $# -gt 0 ]; then
		wrap=("$TAMPER" "$@")
	fi
	rc=0
	! is_runtime || rm -f "$RAN"
	"${wrap[@]}" "${command[@]}" <"$W/stdin" >"$W/out" 2>"$W/err" || rc=$?
	[ ${#wrap[@]} = 0 ] || [ "$MODE" != nomem ] || count_allocations "$@"
}

count_allocations() {
	local count
	count=$(od -An -td8 "$W/count")
	if [ "$1" = list ]; then
		for ((; count > 0; count--)); do
			echo malloc
		done >"$2"
	elif [ "$count" -lt "$1" ]; then
		rc=124
	fi
}

# Did the run succeed, or did podns report that an earlier run had already done all of it?
succeeded() {
	local word
	[ "$rc" != "$usual" ] || return 0
	word=$(<"$W/err")
	case $SCENARIO in
	create) [ "$word" = "podns: create: pod web: it exists already (\`podns rm web\` ends it)" ] ;;
	rm | netrm) [ "$word" = "podns: rm: there is no pod web under $R" ] ;;
	*) return 1 ;;
	esac
}

# Run gc after the claims have expired. A child that nobody has waited for may still be in the pod: gc then prints "kept".
gc_later() {
	local i record
	for record in "$R"/podns/*/record; do
		[ ! -e "$record" ] || sed -i -E 's/^(claim|waiting) [0-9]+/\1 1/' "$record"
	done
	for ((i = 0; i < 100; i++)); do
		"$PODNS" --root "$R" gc >"$W/gc" 2>"$W/err" || bad "gc fails"
		[[ $(<"$W/gc") == *"kept pod"* ]] || return 0
		sleep 0.02
	done
}

# --- what is there -------------------------------------------------------------

# picture VARIABLE: everything that a run may leave or change, without directories, the log and the shared mount.
picture() {
	local path lines where what all=''
	for path in "$R"/** "$W"/pins/** "$AT"/** "$B"/** "$W"/o/**; do
		case $path in
		"$R" | "$R/" | "$R"/?*ns | "$R/podns" | "$R/podns/log"* | "$B" | "$B/" | "$W/o" | "$W/o/" | "$W/pins" | "$AT" | "$AT/") continue ;;
		esac
		all+="${path#"$W"/}"$'\n'
		if [ ! -L "$path" ] && [ -f "$path" ] && [[ $path != "$R"/?*ns/* ]]; then
			mapfile -t lines <"$path"
			for what in "${lines[@]}"; do
				[[ $what == 'created '* ]] || all+="  $what"$'\n'
			done
		fi
	done
	while read -r _ _ _ what where _; do
		[[ $where != "$R"/* || $where == "$R/netns" ]] || all+="mounted $what ${where#"$W"/}"$'\n'
	done </proc/self/mountinfo
	printf -v "$1" %s "$all"
}

# Remove from a picture what differs from run to run.
normal() {
	sed -E 's/:\[[0-9]+\]/:[N]/; s/^(  pin [a-z]+) .*/\1/; s/^(  member) [0-9]+ [0-9]+/\1/; s/^(  waiting|  claim) .*/\1/
		s/[0-9a-f]{32}/TOKEN/g; s/^(  "netns":).*/\1/; s/^mounted \/[^ ]* /mounted /' <<<"$1"
	case $SCENARIO in
	new | user | join | netnew) sed -E 's/[0-9a-f]{32}/TOKEN/g' "$W/out" ;;
	esac
}

bad() {
	local line
	bad=$((bad + 1))
	echo "BAD $SCENARIO: call $n ($call) ${errno-}: $1"
	while read -r line; do
		echo "      $line"
	done <"$W/err"
	[ $# = 1 ] || diff <(echo "$2") <(echo "$3") | sed 's/^/      /' | cut -c 1-300
	if [ "$bad" -ge 20 ]; then
		echo "BAD and so on"
		exit 1
	fi
}

# without_token VARIABLE: a claim's token differs from run to run.
without_token() {
	[[ ! ${!1} =~ [0-9a-f]{32} ]] || printf -v "$1" %s "${!1//"${BASH_REMATCH[0]}"/TOKEN}"
}

check_config() {
	local now old=$1
	now=$(<"$B/config.json")
	! is_runtime || without_token now
	[ "$SCENARIO" != claimed ] || new_config=$old	# with a token of each run's own
	[ "$now" = "$old" ] || [ "$now" = "$new_config" ] || bad "config.json is neither the old nor the new one" "$old" "$now"
}

# After the pod's end.
check_nothing() {
	local now
	picture now
	[ "$now" = "$nothing" ] || bad "$1: is left" "$nothing" "$now"
}

# end_pod: what happens without help after the stage; then nothing is left.
end_pod() {
	case $SCENARIO in
	new | user | join | netnew)
		stop_all
		state o stopped | hook poststop 2>"$W/err" || bad "poststop of the other fails"
		gc_later
		;;
	adopt | claimed | stop | netstop)
		stop_all
		state b stopped | hook poststop 2>"$W/err" || bad "poststop fails"
		state o stopped | hook poststop 2>"$W/err" || bad "poststop of the other fails"
		;;
	create | rewrite) "$PODNS" --root "$R" rm web 2>"$W/err" || bad "podns rm fails" ;;
	rtcreate | rtjoin | rtnet)
		"$RUNC" delete b 2>"$W/err" || bad "delete fails"
		stop_all
		state o stopped | hook poststop 2>"$W/err" || bad "poststop of the other fails"
		;;
	rtdelete | rtundo) gc_later ;;
	gc) back_from_gone ;;
	rm | netrm) ;;
	pinns) crio_removes ;;
	esac
	# precreate's output belongs to the engine, which writes config.json again.
	[ "$SCENARIO" != claimed ] || config >"$B/config.json"
	check_nothing "$1"
}

# The bundle is as it was before the reboot, apart from the pod's name.
back_from_gone() {
	[ "$(<"$W/o/config.json")" != "$(config | sed s/web/gone/)" ] || config >"$W/o/config.json"
}

crio_removes() {
	local t
	for t in net ipc uts; do
		umount -l "$R/${t}ns/web" 2>/dev/null
		rm -f "$R/${t}ns/web"
	done
}

# --- the sweeps ----------------------------------------------------------------

# The stage without tampering: its calls and its result.
rehearse() {
	fresh
	picture nothing
	[ "$SCENARIO" != rtundo ] || edited
	prepare
	old_config=$(<"$B/config.json")
	run list "$W/calls"
	n=0 call=none
	[ "$rc" = "$usual" ] || {
		bad "fails without a fault"
		exit 1
	}
	new_config=$(<"$B/config.json")
	! is_runtime || rehearsed_runtime
	picture now
	right=$(normal "$now")
	mapfile -t calls <"$W/calls"
	end_pod 'without a fault'
}

# rtundo: what config.json is between the edit and the undo.
edited() {
	runtime_settings "$FAKE"
	"$RUNC" create --bundle "$B" b
	edited_config=$(<"$B/config.json")
	runtime_settings "$W/broken"
}

# Sets $answer and $begin: the child's last write, and the call to begin with.
rehearsed_runtime() {
	local line=0 name child=''
	without_token old_config
	[ "$SCENARIO" != rtundo ] || new_config=$edited_config
	without_token new_config
	check_ran
	answer=0 begin=1
	while read -r name; do
		line=$((line + 1))
		case $name in
		clone) child=yes ;;
		exit_group) child='' ;;
		write) [ -z "$child" ] || answer=$line ;;
		# What precedes it is tampered with by rtcreate.
		execve) [ "$SCENARIO" != rtundo ] || begin=$line ;;
		esac
	done <"$W/calls"
}

# The real runtime ran if and only if the exit status says so.
check_ran() {
	if [ -e "$RAN" ]; then
		[ "$rc" = 0 ] || bad "the runtime ran, and the exit status is $rc"
	else
		[ "$rc" != 0 ] || bad "exit status 0, and the runtime did not run"
	fi
}

# If a stage that ends a pod could not remove something, its next run does.
ends_pods() {
	[ "$SCENARIO" = stop ] || [ "$SCENARIO" = rm ] || [ "$SCENARIO" = gc ] || [ "$SCENARIO" = netstop ] || [ "$SCENARIO" = netrm ]
}

after_failure() {
	# rtundo fails even without a fault, and ends with the message.
	[ -s "$W/err" ] || [ "$SCENARIO-$call" = rtundo-write ] || [ "$SCENARIO-$call" = rtundo-lseek ] ||
		bad "exit status 1 and no word"
	! is_runtime || check_ran
	# The agent may fail to wait for a child that has answered. With a network the number of its call varies.
	[ ! -s "$W/out" ] || [ "$call" = write ] || [ "$SCENARIO" = gc ] ||
		grep -q 'wait for the confined process' "$W/err" || bad "it fails, with something on standard output"
	check_config "$old_config"
	if ends_pods; then
		run
		succeeded || bad "the next run fails: $rc"
		end_pod 'the next run and the end'
		ready=''
		return
	fi
	picture now
	case $SCENARIO in
	netnew | rtnet)
		# What the agent could not detach stays recorded, for gc.
		[ "$now" != "$before" ] || return 0
		left+=" $n:$call"
		gc_later
		check_nothing "gc after it failed"
		ready=''
		;;
	rtundo | rtdelete)
		# A claim that it could not drop expires.
		gc_later
		check_nothing "gc after it failed"
		ready=''
		;;
	claimed)
		# It drops its claim if it got far enough to read it.
		[ "$now" != "$before" ] || return 0
		[ "$now" = "$unclaimed" ] || bad "is not undone" "$before" "$now"
		ready=''
		;;
	*)
		# If all was done first, what a living pod got by it stays: somebody may use it.
		[ "$SCENARIO" != rtjoin ] || [ "$n" -le "$answer" ] || now=$(sed '/root\/podns\/web\/shm$/d' <<<"$now")$'\n'
		[ "$now" = "$before" ] || {
			bad "is not undone" "$before" "$now"
			ready=''
		}
		[ "$SCENARIO" = join ] || [ "$SCENARIO" = rtjoin ] || clean_root
		;;
	esac
}

after_success() {
	local is
	ready=''
	! is_runtime || check_ran
	if [ "$SCENARIO" = rtdelete ]; then
		check_config "$old_config"
		end_pod 'gc after a delete'	# the runtime is executed whatever happens to the claim
		return
	fi
	if ends_pods && [ -s "$W/err" ]; then
		gc_later	# a warning: something is left for it
		end_pod 'gc after a warning'
		return
	fi
	picture now
	is=$(normal "$now")
	# A process that cannot be examined counts as alive.
	if [ "$SCENARIO" = gc ] && [ "$is" != "$right" ]; then
		run
		succeeded || bad "the next run fails: $rc"
		picture now
		is=$(normal "$now")
	fi
	[ "$is" = "$right" ] || bad "succeeds and does not do everything" "$right" "$is"
	end_pod 'the end'
}

fault_one() {
	if [ -z "$ready" ]; then
		prepare
		picture before
		unclaimed=$(sed '/^  claim /d' <<<"$before")$'\n'
		old_config=$(<"$B/config.json")
		! is_runtime || without_token old_config
		ready=yes
	fi
	run "$n" "${NUMBER[$errno]}"
	tampered=$((tampered + 1))
	case $rc in
	0) after_success ;;
	1 | "$usual") after_failure ;;
	124) ready='' ;;	# the earlier run of another length: no such call
	139)
		# gcov does not check its allocations when a program forks.
		[ "$MODE-${PODNS_MODE-}" = nomem-coverage ] || bad "exit status $rc"
		ready=''
		;;
	*)
		bad "exit status $rc"
		ready=''
		;;
	esac
}

# Scenarios that make a call for each process, or that repeat much of another scenario. The short form skips a call if the
# call before it has the same name as the call before an earlier one of its name.
is_known() {
	local context="$call" before=$((n - 2))
	[ "$before" -lt 0 ] || context="${calls[before]} $call"
	case $SCENARIO in
	gc | rewrite | user | net* | rtnet) [ -z "$PODNS_LONG" ] || return 1 ;;
	*) return 1 ;;
	esac
	[ -z "${seen[$context]-}" ] || return 0
	seen[$context]=yes
	return 1
}

sweep_faults() {
	local errnos ready='' before unclaimed last
	for ((n = begin; n <= ${#calls[@]}; n++)); do
		call=${calls[n - 1]}
		[[ $HARMLESS != *" $call "* ]] || continue
		! is_known || continue
		((chosen++ % PODNS_SWEEP_EVERY == 0)) || continue
		errnos_of "$call"
		last=''
		for errno in $errnos; do
			[ "$errno" != "$last" ] || continue
			last=${last:-$errno}
			fault_one
		done
	done
}

# Which of the runtime's processes it was, and what it has promised for that.
after_runtime_kill() {
	check_ran
	case $1:$rc in
	kill:137 | kill-first:137 | kill-caller:1 | kill-caller:137) ;;
	# The child had answered, or delete goes on without it.
	kill-caller:0) ;;
	*) bad "killed by $1: exit status $rc" ;;
	esac
	[ "$1" = kill-first ] && [ "$n" -le "$answer" ] || return 0
	[ "$SCENARIO" = rtcreate ] || [ "$SCENARIO" = rtjoin ] || return 0
	picture now
	[ "$now" = "$before" ] || bad "the parent is killed, and the child does not undo" "$before" "$now"
}

# kill_one again|gone HOW
kill_one() {
	prepare
	old_config=$(<"$B/config.json")
	picture before
	run "$n" "$2"
	tampered=$((tampered + 1))
	if is_runtime; then
		errno=$2
		without_token old_config
		# With a network the number of calls differs a little: this run had fewer.
		[ "$SCENARIO:$rc" = rtnet:124 ] || after_runtime_kill "$2"
	elif is_network; then
		errno=$2
		# If podns-net alone was killed, the stage may fail or, if that had answered, succeed.
		case $2:$rc in
		kill:137 | kill-first:137 | kill-caller:[01] | kill-caller:137) ;;
		*:124) ;; # this run had fewer calls
		*) bad "killed by $2: exit status $rc" ;;
		esac
	elif [ "$rc" != 137 ]; then
		bad "is not killed: $rc"
		return
	fi
	check_config "$old_config"
	[ "$SCENARIO" != pinns ] || crio_removes
	if [ "$1" = again ]; then
		run
		succeeded || bad "the next run fails: $rc"
		end_pod 'after the next run and the end'
		return
	fi
	stop_all
	gc_later
	case $SCENARIO in
	create | rewrite) "$PODNS" --root "$R" rm web 2>/dev/null ;;
	gc) back_from_gone ;;
	rm | netrm) "$PODNS" --root "$R" rm web 2>/dev/null ;;
	claimed) config >"$B/config.json" ;;
	esac
	check_nothing 'after gc'
}

sweep_kills() {
	local how ways=(kill)
	! is_runtime && ! is_network || ways+=(kill-caller kill-first)
	for ((n = begin; n <= ${#calls[@]}; n++)); do
		call=${calls[n - 1]}
		[ -n "$PODNS_LONG" ] || [[ $VISIBLE == *" $call "* ]] || continue
		! is_known || continue
		((chosen++ % PODNS_SWEEP_EVERY == 0)) || continue
		for how in "${ways[@]}"; do
			kill_one again "$how"
			kill_one gone "$how"
		done
	done
}

mkdir -p "$W"
ln -sf "$PODNS" "$W/pinns"
trap 'stop_all; clean_root' EXIT
tampered=0 chosen=0 left='' begin=1 usual=0
if is_runtime; then
	# Never the host's.
	mountpoint -q /etc || exit 2
	export RAN=$W/ran
	: "${RUNC:?}" "${FAKE:?}"
	[ "$MODE" = nomem ] || export TAMPER_FROM=$CONF
	runtime_settings "$FAKE"
fi
if is_network; then
	mountpoint -q /etc && mountpoint -q /opt || exit 2
	export TAMPER_ALSO=${NET:?}
	configure_network
fi
if [ "$SCENARIO" = rtundo ]; then
	# execve(2) refuses it, and nothing before that does.
	echo 'no program' >"$W/broken"
	chmod 0755 "$W/broken"
	runtime_settings "$W/broken"
	usual=1
fi
declare -A seen=()
rehearse
case $MODE in
fault | nomem) sweep_faults ;;
kill) sweep_kills ;;
esac
echo "# $SCENARIO: ${#calls[@]} calls, $tampered tampered with,${left:+ left for gc:$left,} $SECONDS s"
[ "$bad" = 0 ] && [ "$tampered" -gt 0 ]
