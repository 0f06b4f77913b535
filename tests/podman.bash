# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # bats sets BATS_*, helpers.bash the rest
#
# Helpers of the tests under a real podman. A file begins with
#
#     load helpers
#     load podman
#
# and uses podman_file_setup, podman_setup and podman_teardown. Everything is in $PM, which lies in the private /run
# of the file: podman's storage, one image ($IMAGE), the hooks directory and a containers.conf.

load engine

PM=/run/podns-podman
IMAGE=localhost/pm
HOOKS_D=$PM/hooks.d
IMPORT=(import --change 'ENV PATH=/bin' --change 'CMD ["/bin/pause"]' - "$IMAGE")
NETWORKS_D=$PM/networks	# not the host's /etc/containers/networks
PM_OPTIONS=()		# more global options of podman's
LIMIT=30

# --- set-up and the end ------------------------------------------------------

# RUNTIME in the environment: podman's, runc by default.
podman_file_setup() {
	: "${RUNTIME:=runc}"
	# As systemd sets it on real hosts.
	mount --make-shared /run
	mkdir -p "$PM"
	podman_conf "$RUNTIME" "$HOOKS_D" >"$PM/containers.conf"
	# An ordinary user's podman runs it too, so all users must have access.
	install -D -m 0755 "$HOOK" "$PM/bin/oci-podns-hook"
	install -m 0755 "$PODNS_BUILD/cli/podns" "$PM/bin"
	hook_files "$HOOKS_D"
	engine_rootfs "$PM/rootfs"
	export CONTAINERS_CONF=$PM/containers.conf
	import_image
}

# podman_conf RUNTIME [HOOKS DIRECTORY]: write containers.conf. It names the hooks directory because a
# restart by policy forgets --hooks-dir.
podman_conf() {
	local hooks_dir=''
	[ -z "${2-}" ] || hooks_dir="hooks_dir = [\"$2\"]"
	podman_engine_conf "$1"
	cat <<-CONF
		infra_image = "$IMAGE"
		$hooks_dir
		[network]
		network_config_dir = "$NETWORKS_D"
	CONF
}

# hook_files DIR [HOOK ARGUMENT...]: both JSON files, with the hook of this build. pods_hook_file, with the same
# arguments: the one for podman's own pods.
hook_files() {
	hook_file oci-podns "$@"
	hook_file oci-podns-precreate "$@"
}

pods_hook_file() {
	hook_file oci-podns-pods "$@"
}

hook_file() {
	local name=$1 dir=$2 args=''
	shift 2
	[ $# = 0 ] || args=", $(json_strings "$@")"
	mkdir -p "$dir"
	sed -e "s|@hookdir@|$PM/bin|" -e "s|\"args\": .\"[^\"]*\"|&, \"--no-syslog\"$args|" \
		"$PODNS_SRC/hooks.d/$name.json.in" >"$dir/$name.json"
}

import_image() {
	tar -C "$PM/rootfs" -c . | timeout -k 5 "$LIMIT" podman --root "$PM/storage" --runroot "$PM/run" \
		"${IMPORT[@]}" >/dev/null 3>&-
}

podman_setup() {
	trace_tests_alone
	T=$BATS_TEST_TMPDIR
	ROOT=/run
	PIDS=()
	pids_in "$T"
	PM_OPTIONS=()
	export CONTAINERS_CONF=$PM/containers.conf
	pinned_by_others >"$T/nsfs.before"
}

podman_teardown() {
	local pid name tries=3
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		podman_tell_all
	fi
	for pid in "${PIDS[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	# Reading podman's store is faster than asking podman whether a container is left. podman may fail at first to remove a
	# container whose conmon was killed: it waits for an exit status that is never written.
	while ((tries-- > 0)) && grep -qs '"id"' "$PM/storage/overlay-containers/containers.json"; do
		pm pod rm -a -f -t 0 >/dev/null 2>&1 || true
		pm rm -a -f -t 0 >/dev/null 2>&1 || true
	done
	for name in /run/{net,ipc,uts,user}ns /run/podns; do
		unmount_below "$name"
	done
	rm -rf /run/{net,ipc,uts,user,cgroup,time,mnt}ns /run/podns
}

podman_tell_all() {
	local name file
	for file in "$T"/*.out "$T"/*.err "$ROOT"/podns/log "$ROOT"/podns/[!@]*/record; do
		[ -s "$file" ] || continue
		echo "--- $file"
		tail -n 40 "$file"
	done
	for name in $(pm ps -a --format '{{.Names}}' 2>/dev/null); do
		echo "--- podman logs $name"
		pm logs "$name" 2>&1 | tail -n 20
	done
	pm ps -a 2>&1 || true
}

setup_file() {
	podman_file_setup
}

setup() {
	podman_setup
}

teardown() {
	podman_teardown
}

# A test may set these: where conmon writes pids, podman's global options, the seconds for one command.
pids_in() {
	PID_D=$1
}

podman_options() {
	PM_OPTIONS=("$@")
}

give_time() {
	LIMIT=$1
}

# --- podman ------------------------------------------------------------------

# pm ARGUMENT...: podman with the test's own storage and hooks. conmon outlives it and must not inherit fd 3 of bats.
pm() {
	timeout -k 5 "$LIMIT" podman --root "$PM/storage" --runroot "$PM/run" "${PM_OPTIONS[@]}" "$@" </dev/null 3>&-
}

# pod_run NAME [OPTION...] IMAGE COMMAND...: a container in the pod web, detached; with --network none unless an
# option says otherwise.
pod_run() {
	local name=$1 network=(--network none)
	shift
	[[ " $* " != *' --network '* ]] || network=()
	pm run -d --name "$name" --pidfile "$PID_D/$name.pid" --annotation "$POD_LABEL=web" \
		"${network[@]}" "$@" >"$T/$name.id" 2>"$T/$name.err" || {
		cat "$T/$name.err"
		return 1
	}
}

# share LIST: the annotation that names the pod types. podman splits its argument at commas, so LIST has spaces.
share() {
	echo "--annotation=io.podns.namespaces=${1//,/ }"
}

# pod_wait NAME [OPTION...]: a container that does nothing.
pod_wait() {
	pod_run "$@" "$IMAGE" pause
}

# pod_fails NAME [OPTION...]: the container does not start, and its program does not run.
pod_fails() {
	local name=$1
	shift
	if pm run --name "$name" --annotation "$POD_LABEL=web" "$@" "$IMAGE" echo IT RAN >"$T/$name.out" 2>"$T/$name.err"; then
		echo "container $name started"
		return 1
	fi
	lacks "$(cat "$T/$name.out")" "IT RAN"
}

# named_command NAME: the command that podman's last line about the container names, between backquotes.
named_command() {
	tail -n 1 "$T/$1.err" | cut -s -d '`' -f 2
}

# reason_of NAME [WRAPPER...]: run that command, by the wrapper, and print its last line.
reason_of() {
	local words
	read -ra words < <(named_command "$1")
	[ ${#words[@]} -gt 0 ] || return 1
	PATH=$PM/bin:$PATH "${@:2}" "${words[@]}" | tail -n 1
}

# drop NAME...: kill and remove.
drop() {
	pm rm -f -t 0 "$@" >/dev/null
}

# The pid that conmon wrote at the last start.
pid_of() {
	if [ -s "$PID_D/$1.pid" ]; then
		cat "$PID_D/$1.pid"
		return
	fi
	pm inspect --format '{{.State.Pid}}' "$1"
}

state_of() {
	pm inspect --format '{{.State.Status}}' "$1"
}

# state_is NAME STATE
state_is() {
	[ "$(state_of "$1")" = "$2" ]
}

# The config.json that podman gave to the runtime.
config_of() {
	cat "$(pm inspect --format '{{.OCIConfigPath}}' "$1")"
}
