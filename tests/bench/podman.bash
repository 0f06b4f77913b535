# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2153,SC2154 # run.sh sets WORK, TOOLS, HOOKS and BENCH
#
# Whole pods under podman: two containers of one pod that the hook makes, against podman's own pod
# with its infra container, and against the same two containers with hooks that do nothing.
# Storage, image and configuration are its own.

IMAGE=localhost/bench
CGROUP=/oci-podns-bench-$$	# podman does not remove its cgroups; the name shows which are ours

podman_conf() {
	podman_engine_conf runc
	cat <<-CONF
		infra_image = "$IMAGE"
		infra_command = "/bin/pause"
	CONF
}

# hook_file DIR NAME PROGRAM STAGES ARGUMENT...
hook_file() {
	local dir=$1 name=$2 program=$3 stages=$4
	shift 4
	mkdir -p "$dir"
	jq -n --arg path "$program" --argjson stages "$stages" --argjson args "$(json_list "$@")" '
		{version: "1.0.0", stages: $stages, hook: {path: $path, args: $args, timeout: 30},
		when: {annotations: {"^io\\.podns\\.pod$": ".*"}}}' >"$dir/$name.json"
}

# A static program, so that no shell is measured: it waits for a signal and exits.
podman_image() {
	local dir=$WORK/image
	mkdir -p "$dir"/{bin,proc,dev,sys,tmp,etc,run,var}
	cat >"$WORK/pause.c" <<-'SOURCE'
		#include <signal.h>
		#include <unistd.h>
		static void end(int sig) { (void)sig; _exit(0); }
		int main(void) { signal(SIGTERM, end); signal(SIGINT, end); for (;;) pause(); }
	SOURCE
	"${CC:-gcc}" -O2 -static -o "$dir/bin/pause" "$WORK/pause.c"
	tar -C "$dir" -c . | "$WORK/pm" import --change 'ENTRYPOINT ["/bin/pause"]' - "$IMAGE" >/dev/null
}

# One script each, so that an interleaved run is one command.
podman_scripts() {
	local name
	for name in hook noop; do
		# shellcheck disable=SC2016 # podman expands nothing, and neither does this shell
		cat >"$WORK/podman-$name" <<-SCRIPT
			#!/bin/sh
			set -eu
			for name in one two; do
				$WORK/pm --hooks-dir $WORK/hooks-$name run -d --cgroup-parent $CGROUP --network none --name \$name \\
					--annotation io.podns.pod=podman $IMAGE >/dev/null
			done
			$WORK/pm --hooks-dir $WORK/hooks-$name rm -f -t 1 one two >/dev/null
		SCRIPT
	done
	cat >"$WORK/podman-pod" <<-SCRIPT
		#!/bin/sh
		set -eu
		$WORK/pm pod create --cgroup-parent $CGROUP --network none --name bench >/dev/null
		for name in one two; do
			$WORK/pm run -d --pod bench --name \$name $IMAGE >/dev/null
		done
		$WORK/pm pod rm -f -t 1 bench >/dev/null
	SCRIPT
	chmod +x "$WORK"/podman-{hook,noop,pod}
}

plan_podman() {
	local name
	echo ordinary
	for name in pod hook noop; do
		printf 'contender %s /\ntime podman 1 - - %s\n' "$name" "$WORK/podman-$name"
	done
}

# pss PID...: the proportional set size of the processes, in KiB.
pss() {
	local pid
	for pid; do
		cat "/proc/$pid/smaps_rollup"
	done | awk '/^Pss:/ { sum += $2 } END { print sum }'
}

infra_memory() {
	local infra kib
	"$WORK/pm" pod create --cgroup-parent "$CGROUP" --network none --name bench >/dev/null
	"$WORK/pm" run -d --pod bench --name one "$IMAGE" >/dev/null
	infra=$("$WORK/pm" pod inspect --format '{{.InfraContainerID}}' bench)
	read -r pid conmon < <("$WORK/pm" inspect --format '{{.State.Pid}} {{.State.ConmonPid}}' "$infra")
	kib=$(pss "$pid" "$conmon")
	row "memory that podman's infra container and its conmon take, a pod" "$kib KiB" "none with the hook"
	"$WORK/pm" pod rm -f -t 1 bench >/dev/null
}

podman_rows() {
	if ! command -v podman >/dev/null || ! command -v conmon >/dev/null; then
		echo "# no podman or no conmon here" >&2
		return
	fi
	podman_conf >"$WORK/containers.conf"
	cat >"$WORK/pm" <<-SCRIPT
		#!/bin/sh
		export CONTAINERS_CONF=$WORK/containers.conf
		exec podman --root $WORK/storage --runroot $WORK/runroot --tmpdir $WORK/libpod --log-level error "\$@"
	SCRIPT
	chmod +x "$WORK/pm"
	podman_image
	# podman reads precreate's document from standard output.
	hook_file "$WORK/hooks-hook" hook "${HOOKS[default]}" '["createRuntime", "poststop"]' oci-podns-hook --no-syslog
	hook_file "$WORK/hooks-hook" precreate "${HOOKS[default]}" '["precreate"]' oci-podns-hook --no-syslog precreate
	hook_file "$WORK/hooks-noop" hook "$TOOLS/floor" '["createRuntime", "poststop"]' floor noop
	hook_file "$WORK/hooks-noop" precreate /bin/cat '["precreate"]' cat
	podman_scripts
	measure 10 plan_podman
	against_first podman hook pod "two containers in a pod under podman, made and removed" 0.75
	against_first podman noop pod "— with hooks that do nothing"
	infra_memory
	network_rows
	find /sys/fs/cgroup -depth -type d -path "*$CGROUP*" -exec rmdir {} \; 2>/dev/null || true
}
