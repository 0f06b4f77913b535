# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Helpers of the tests of podns and pinns; load it after helpers.

PODNS=$PODNS_BUILD/cli/podns
RUNC=$PODNS_BUILD/runtime/oci-podns-runc

# Pods in the default root may have pins of all types.
teardown() {
	local type
	for type in ipc uts user time mnt; do
		unmount_below "/run/${type}ns"
	done
	common_teardown
}

# podns ARGUMENT...: in the test's root.
podns() {
	timeout -k 5 "$LIMIT" "$PODNS" --root "$ROOT" "$@"
}

# podns_fails STATUS TEXT ARGUMENT...: podns exits with the status and prints one line with TEXT.
podns_fails() {
	local should=$1 text=$2 status=0
	shift 2
	podns "$@" >"$T/stdout" 2>"$T/stderr" || status=$?
	cat "$T/stderr"
	equal "$status" "$should" "exit status" &&
		equal "$(cat "$T/stdout")" '' stdout &&
		equal "$(wc -l <"$T/stderr")" 1 "lines on stderr" &&
		contains "$(cat "$T/stderr")" "$text" || return 1
	[[ $(cat "$T/stderr") == 'podns: '* ]]
}

# of_pod POD JQ-FILTER: filter the pod's entry in `podns ls --json`.
of_pod() {
	podns ls --json | jq -r --arg pod "$1" ".[] | select(.name == \$pod) | $2"
}

# inspect POD JQ-FILTER
inspect() {
	podns inspect "$1" --json | jq -r "$2"
}

# live_pod POD: let the hook make a pod for container a, a process in new namespaces whose pid is in
# $CHILD.
live_pod() {
	in_new_namespaces --net --ipc --uts
	make_bundle a pod="$1"
	create a "$CHILD"
}

# sleeper COMMAND...: COMMAND ends as a program that sleeps; its pid is in $CHILD.
sleeper() {
	"$@" sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	CHILD=$!
	PIDS+=("$CHILD")
	wait_for program_is "$CHILD" sleep
}

# Changes of /etc are those of this file's mount namespace alone, whose /run is a tmpfs. For setup_file.
own_etc() {
	mkdir -p /run/own-etc/upper /run/own-etc/work
	mount -t overlay -o "lowerdir=/etc,upperdir=/run/own-etc/upper,workdir=/run/own-etc/work" overlay /etc
}

# And those of /opt: plugins are in /opt/cni/bin.
own_opt() {
	mkdir -p /run/own-opt/upper /run/own-opt/work
	mount -t overlay -o "lowerdir=/opt,upperdir=/run/own-opt/upper,workdir=/run/own-opt/work" overlay /opt
}

# For the scenarios of the runtime and of networks in sweep.bash.
sweep_runtime() {
	own_etc
	own_opt
	cc -O2 -static -o "$BATS_FILE_TMPDIR/ran" "$PODNS_SRC/tests/storm/ran.c"
}

# run_sweep MODE SCENARIO TAMPER [WRAPPER...]: sweep.bash, run by the wrapper.
run_sweep() {
	HOOK=$HOOK PODNS=$PODNS RUNC=$RUNC NET=$PODNS_BUILD/net/podns-net FAKE=$BATS_FILE_TMPDIR/ran TAMPER=$3 "${@:4}" bash "$PODNS_SRC/tests/sweep.bash" "$1" "$2" "$T/w" 3>&-
}
