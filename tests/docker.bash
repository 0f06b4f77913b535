# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # bats sets BATS_*, helpers.bash the rest
#
# Helpers of the tests under a real Docker and containerd. A file begins with
#
#     load helpers
#     load docker
#
# and the line `# bats file_tags=bed`, since nothing of it may run on the host. The project is installed in the bed, and
# everything is where it is on a user's system: /etc/docker, /run/docker.sock, /usr/libexec/oci-podns.

load bed
load engine

DK=/run/podns-docker	# logs, pids and the image's files
IMAGE=podns-test
RUNTIME_PATH=/usr/libexec/oci-podns/oci-podns-runc
RUNTIME_CONF=/etc/oci-podns/runtime.conf

# --- set-up and the end ------------------------------------------------------

docker_file_setup() {
	# bats knows no skip here: setup does that.
	[ -n "${PODNS_IN_BED-}" ] || return 0
	mkdir -p "$DK" /etc/docker
	install_project
	cat >/etc/docker/daemon.json <<-JSON
		{
			"runtimes": {
				"podns": { "path": "$RUNTIME_PATH" }
			}
		}
	JSON
	start_containerd
	# shellcheck disable=SC2119 # without options
	start_dockerd
	engine_rootfs "$DK/rootfs"
	tar -C "$DK/rootfs" -c . | dk import --change 'ENV PATH=/bin' --change 'CMD ["/bin/pause"]' - "$IMAGE" >/dev/null
}

install_project() {
	make -C "$PODNS_BUILD" install >"$DK/install.log" 2>&1 || {
		tail -n 20 "$DK/install.log"
		return 1
	}
}

# start_daemon NAME [OPTION...]: no child of this shell, which would report the signal that ends it.
start_daemon() {
	("$@" >>"$DK/$1.log" 2>&1 </dev/null 3>&- & echo $! >"$DK/$1.pid")
}

start_containerd() {
	start_daemon containerd
	wait_for ctr version >/dev/null
}

# start_dockerd [OPTION...]
# shellcheck disable=SC2120 # a bats file gives options
start_dockerd() {
	start_daemon dockerd --containerd /run/containerd/containerd.sock "$@"
	wait_for docker version >/dev/null
}

# end_daemon NAME [SIGNAL]: wait for its end.
end_daemon() {
	local pid
	pid=$(<"$DK/$1.pid")
	kill "-${2-TERM}" "$pid"
	wait_for not_alive "$pid"
}

docker_file_teardown() {
	[ -n "${PODNS_IN_BED-}" ] || return 0
	end_daemon dockerd
	end_daemon containerd
}

engine_setup() {
	needs_bed
	trace_tests_alone
	T=$BATS_TEST_TMPDIR
	ROOT=/run
	PIDS=()
	: >"$DK/dockerd.log"
	: >"$DK/containerd.log"
	pinned_by_others >"$T/nsfs.before"
}

# engine_teardown: after the containers have been removed. What a failed test left must not make the next one fail.
engine_teardown() {
	local pid dir
	for pid in "${PIDS[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -f "$RUNTIME_CONF"
	for dir in /run/{net,ipc,uts,user}ns /run/podns; do
		unmount_below "$dir"
	done
	rm -rf /run/{net,ipc,uts,user,cgroup,time,mnt}ns /run/podns /var/lib/oci-podns/*
}

# engine_tell_all DAEMON
engine_tell_all() {
	local file
	for file in "$T"/*.out "$T"/*.err "$T/err" "$DK/$1.log" "$ROOT"/podns/log "$ROOT"/podns/[!@]*/record; do
		[ -s "$file" ] || continue
		echo "--- $file"
		tail -n 40 "$file"
	done
}

docker_teardown() {
	local name names
	[ -n "${PODNS_IN_BED-}" ] || return 0
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		engine_tell_all dockerd
		for name in $(dk ps -a --format '{{.Names}}' 2>/dev/null); do
			echo "--- docker logs $name"
			dk logs "$name" 2>&1 | tail -n 20
		done
		dk ps -a 2>&1 || true
	fi
	mapfile -t names < <(dk ps -aq)
	[ ${#names[@]} = 0 ] || dk rm -f "${names[@]}" >/dev/null
	dk network prune -f >/dev/null
	engine_teardown
}

setup_file() {
	docker_file_setup
}

teardown_file() {
	docker_file_teardown
}

setup() {
	engine_setup
}

teardown() {
	docker_teardown
}

# --- docker ------------------------------------------------------------------

# dk ARGUMENT...: docker, which passes its standard input on only to `docker import` and `docker run -i`.
dk() {
	timeout -k 5 "$LIMIT" docker "$@" 3>&-
}

# pod_run NAME [OPTION...] IMAGE COMMAND...: a container in the pod web, detached; with --network none unless an
# option says otherwise.
pod_run() {
	local name=$1 network=(--network none)
	shift
	[[ " $* " != *' --network '* ]] || network=()
	dk run -d --name "$name" --runtime podns --annotation "$POD_LABEL=web" "${network[@]}" "$@" \
		>"$T/$name.id" 2>"$T/$name.err" || {
		cat "$T/$name.err"
		return 1
	}
}

# pod_wait NAME [OPTION...]: a container that does nothing.
pod_wait() {
	pod_run "$@" "$IMAGE" pause
}

# in_web [OPTION...] IMAGE COMMAND...: in the foreground.
in_web() {
	dk run --rm --runtime podns --annotation "$POD_LABEL=web" --network none "$@"
}

# pod_fails TEXT [OPTION...]: no container starts, and docker's standard error has TEXT.
pod_fails() {
	local text=$1
	shift
	if dk run --rm --runtime podns "$@" "$IMAGE" echo IT RAN >"$T/fails.out" 2>"$T/fails.err"; then
		echo "a container started: $*"
		return 1
	fi
	lacks "$(<"$T/fails.out")" "IT RAN"
	contains "$(<"$T/fails.err")" "$text"
}

drop() {
	dk rm -f "$@" >/dev/null
}

pid_of() {
	dk inspect --format '{{.State.Pid}}' "$1"
}

# state_is NAME STATE
state_is() {
	[ "$(dk inspect --format '{{.State.Status}}' "$1")" = "$2" ]
}

# runs_again NAME PID: as another process than PID.
runs_again() {
	state_is "$1" running && [ "$(pid_of "$1")" != "$2" ]
}

# compose ARGUMENT...: with $T/compose.yaml.
compose() {
	dk compose --project-directory "$T" -f "$T/compose.yaml" "$@" >"$T/compose.out" 2>&1 </dev/null || {
		cat "$T/compose.out"
		return 1
	}
}

# --- what podns shows --------------------------------------------------------

# keeps INODE: the pod's network namespace is still that one.
keeps() {
	equal "$(pin_ino net)" "$1" "the pod's network"
}

# pods JQ-FILTER: of `podns ls --json`.
pods() {
	podns ls --json | jq -c "$1"
}

# only_members COUNT: the pod has this many containers and no claim.
only_members() {
	equal "$(podns inspect web --json | jq -c '[(.containers | length), (.claims | length)]')" "[$1,0]" "members and claims"
}

# pod_has_ended: no pod, pin, record, claim or other trace is left.
pod_has_ended() {
	equal "$(podns ls --json)" '[]' && nothing_left
}
