# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # programs are for the container's shell; bats sets BATS_*, helpers.bash the rest
#
# Test cases for oci-podns-runc and oci-podns-crun by hand and under conmon, on bundles that stay: runtime-hand.bats runs
# them on the host, runtime-bed.bats in the bed. The project is installed; pods are in /run, as users have them.

load engine

RUNTIME_CONF=/etc/oci-podns/runtime.conf

# with_each CASE: with both names of the program.
with_each() {
	for RUNTIME in oci-podns-runc oci-podns-crun; do
		echo "# $RUNTIME"
		"$1"
		ended
	done
}

# hand_setup BROKEN: a path in a directory of programs, for a runtime that fails.
hand_setup() {
	BROKEN=$1
	common_setup oci-podns-runc
	ROOT=/run
	PATH=/usr/libexec/oci-podns:$PATH
}

hand_teardown() {
	local dir
	rm -f "$RUNTIME_CONF"
	# All below a test's own root is unmounted, and /run is the file's.
	ROOT=$T/root
	for RUNTIME in oci-podns-runc oci-podns-crun; do
		common_teardown
	done
	for dir in /run/{ipc,uts}ns /run/podns; do
		unmount_below "$dir"
	done
	rm -rf /run/{ipc,uts}ns /run/podns /var/lib/oci-podns/*
}

# hand_bundle NAME [OPTION=VALUE...]: make_bundle, without hooks of its own.
hand_bundle() {
	make_bundle "$@" stages=''
}

# ended: nothing of any pod is left.
ended() {
	equal "$(podns ls --json)" '[]' && nothing_left
}

real_runtime() {
	command -v "${RUNTIME#oci-podns-}"
}

# hooks_of NAME: stages of which our hook is in config.json.
hooks_of() {
	jq -c '[.hooks | to_entries[] | select(any(.value[]; .path | endswith("/oci-podns-hook"))) | .key] | sort' \
		<"$T/$1/config.json"
}

hand_two_share() {
	hand_bundle a program='report; echo from a >/dev/shm/note; while :; do echo hello from a | nc -l -p 4711; done'
	hand_bundle b hostname=second env_hostname=second program='report; until [ "$(nc -w 5 127.0.0.1 4711 </dev/null)" = "hello from a" ]; do
		sleep 0.1; done; cat /dev/shm/note; echo heard; exec sleep 1000'
	for name in a b; do
		edit_config "$name" '.mounts += [{destination: "/dev/shm", type: "tmpfs", source: "shm",
			options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]}]'
		start "$name"
		assert_in_pins "$name" web
		# The first container's name is the pod's.
		equal "$(saw "$name" hostname)" first
		equal "$(saw "$name" lo)" up
	done
	wait_for grep -qx heard "$T/b.out"
	grep -qx 'from a' "$T/b.out"
	differ "$(saw a pid)" "$(saw b pid)"
	equal "$(saw b env_hostname)" first
	equal "$(podns inspect web --json | jq -c '[.containers, .claims] | map(length)')" '[2,0]'
	equal "$(hooks_of a) $(hooks_of b)" '["createRuntime","poststop"] ["createRuntime","poststop"]'
	equal "$(ns_path b network)" /run/netns/web
	# The other commands are the runtime's.
	equal "$(rt exec "$(id_of a)" readlink /proc/self/ns/net)" "net:[$(ns_ino /run/netns/web)]"
	contains "$(rt list -q)" "$(id_of a)"
	stop a
	assert_pinned web net ipc uts
	stop b
	assert_untouched a
	assert_untouched b
}

# A bundle that stays is run twice, and each time its document is what it was. The exit status is the program's.
hand_run_twice() {
	local status before
	hand_bundle a hostname='' program='report; exit 7'
	chmod 0640 "$T/a/config.json"
	before=$(stat -c '%a %u %g' "$T/a/config.json")
	for _ in 1 2; do
		status=0
		rt run --bundle "$T/a" "$(id_of a)" >"$T/a.out" || status=$?
		equal "$status" 7 "exit status"
		equal "$(saw a hostname)" web
		assert_untouched a
		equal "$(stat -c '%a %u %g' "$T/a/config.json")" "$before"
		ended
	done
}

hand_create_start_delete() {
	hand_bundle a
	CONTAINERS+=(a)
	rt create --bundle "$T/a" --pid-file "$T/pid" "$(id_of a)" >"$T/a.out" 2>"$T/a.err"
	equal "$(<"$T/pid")" "$(init_pid a)"
	equal "$(cat "$T/a.out")" ''
	rt start "$(id_of a)"
	wait_for grep -qx ready "$T/a.out"
	assert_in_pins a web
	stop a
	assert_untouched a
	# And one that never starts.
	rt create --bundle "$T/a" "$(id_of a)" >"$T/a.out" 2>"$T/a.err"
	rt delete --force "$(id_of a)"
	assert_untouched a
}

# The bundle is the working directory, and ids are called like commands.
hand_odd_command_lines() {
	hand_bundle a hostname='' program=report
	(cd "$T/a" && rt run create >"$T/a.out")
	equal "$(saw a hostname)" web
	ended
	rt --log="$T/log" --log-format json run --bundle="$T/a" run >"$T/a.out"
	equal "$(saw a hostname)" web
	ended
	rt run -b "$T/a" "$(id_of a)" >"$T/a.out"
	equal "$(saw a hostname)" web
	assert_untouched a
}

hand_comes_back() {
	local net
	hand_bundle a
	hand_bundle b
	start a
	start b
	net=$(saw b net)
	stop a
	start a
	equal "$(saw a net)" "$net"
	assert_in_pins a web
	stop b
	stop a
	assert_untouched a
	assert_untouched b
}

hand_without_annotation() {
	hand_bundle a pod='' hostname=mine
	start a
	equal "$(saw a hostname)" mine
	assert_untouched a
	equal "$(podns ls --json)" '[]'
	stop a
}

# The process that was oci-podns-runc is the real runtime, whose foreground `run` gives signals to the container.
hand_is_replaced() {
	local pid status=0
	hand_bundle a program='trap "echo got TERM; exit 3" TERM; report; while :; do sleep 0.1; done'
	CONTAINERS+=(a)
	# The shell below truncates it later than we look at it.
	rm -f "$T/a.out"
	"$RUNTIME" --root "/run/$RUNTIME" run --bundle "$T/a" "$(id_of a)" </dev/null >"$T/a.out" 2>"$T/a.err" 3>&- &
	pid=$!
	PIDS+=("$pid")
	wait_for grep -qx ready "$T/a.out"
	equal "$(stat -L -c %d:%i "/proc/$pid/exe")" "$(stat -L -c %d:%i "$(real_runtime)")"
	wait_for takes_sigterm "$pid"
	kill -TERM "$pid"
	wait "$pid" || status=$?
	equal "$status" 3
	grep -qx 'got TERM' "$T/a.out"
	assert_untouched a
}

# takes_sigterm PID: blocked or caught. The container may run before its runtime is ready for signals.
takes_sigterm() {
	local mask
	while read -r mask; do
		if ((0x$mask & 1 << 14)); then
			return
		fi
	done < <(awk '/^Sig(Blk|Cgt):/ { print $2 }' "/proc/$1/status")
	return 1
}

# refused NAME TEXT: one line on standard error and, as JSON, in the log; nothing else has happened.
refused() {
	local status=0
	rm -f "$T/log"
	rt --log "$T/log" --log-format json run --bundle "$T/$1" "$(id_of "$1")" >"$T/stdout" 2>"$T/stderr" || status=$?
	equal "$status" 1
	equal "$(<"$T/stdout")" ''
	equal "$(wc -l <"$T/stderr")" 1
	contains "$(<"$T/stderr")" "$2"
	contains "$(jq -r 'select(.level == "error") | .msg' <"$T/log")" "$2"
	assert_untouched "$1"
}

hand_refusals() {
	hand_bundle a pod=../up
	refused a "pod name '../up' may contain only"
	ended
	ip netns add "other-$$"
	hand_bundle a
	hand_bundle b namespaces="$(entry pid), $(entry mount), $(entry ipc), $(entry uts), $(entry network "/run/netns/other-$$")"
	start a
	refused b io.podns.namespaces
	ip netns del "other-$$"
	stop a
	assert_untouched a
}

hand_no_such_command() {
	hand_bundle a
	edit_config a '.process.args = ["/no/such/program"]'
	CONTAINERS+=(a)
	fails rt run --bundle "$T/a" "$(id_of a)" >"$T/a.out" 2>"$T/a.err"
	contains "$(<"$T/a.err")" /no/such/program
	rt delete --force "$(id_of a)" >/dev/null 2>&1 || true
	# crun runs no poststop after a failed create.
	podns gc >/dev/null
	assert_untouched a
	ended
}

# The runtime fails when config.json has been edited. What an engine does then is to delete.
hand_broken_runtime() {
	hand_bundle a
	mkdir -p "${RUNTIME_CONF%/*}"
	install -m 0755 /dev/stdin "$BROKEN" <<-SCRIPT
		#!/bin/sh
		case " \$* " in
		*' create '*)
			echo "a broken runtime" >&2
			exit 1
			;;
		esac
		exec $(real_runtime) "\$@"
	SCRIPT
	echo "runtime = $BROKEN" >"$RUNTIME_CONF"
	fails rt create --bundle "$T/a" "$(id_of a)" 2>"$T/a.err"
	contains "$(<"$T/a.err")" 'a broken runtime'
	(cd "$T/a" && rt delete --force "$(id_of a)") >/dev/null 2>&1 || true
	assert_untouched a
	ended
	rm "$RUNTIME_CONF" "$BROKEN"
	start a
	assert_in_pins a web
	stop a
	assert_untouched a
}

# --- conmon ------------------------------------------------------------------

# under_conmon NAME [OPTION...]: as podman and CRI-O call it, to create the container. What conmon reports to its caller
# is in $T/NAME.sync. It leaves pipes in the bundle.
under_conmon() {
	local name=$1
	shift
	mkdir -p "$T/exits" "$T/sockets"
	CONTAINERS+=("$name")
	_OCI_SYNCPIPE=5 timeout -k 5 "$LIMIT" conmon --api-version 1 -c "$(id_of "$name")" -u "$(id_of "$name")" -n "$name" \
		-r "$(command -v "$RUNTIME")" --runtime-arg --root --runtime-arg "/run/$RUNTIME" \
		-b "$T/$name" -p "$T/$name.pid" -l "k8s-file:$T/$name.log" --exit-dir "$T/exits" --socket-dir-path "$T/sockets" "$@" \
		</dev/null >"$T/$name.conmon" 2>&1 3>&- 5>"$T/$name.sync"
	wait_for grep -q . "$T/$name.sync"
	cat "$T/$name.conmon" "$T/$name.sync"
}

hand_conmon() {
	local name
	for name in a b; do
		hand_bundle "$name"
		under_conmon "$name"
		equal "$(jq .data "$T/$name.sync")" "$(<"$T/$name.pid")"
		rt start "$(id_of "$name")"
		wait_for grep -q ready "$T/$name.log"
		sed 's/^[^ ]* stdout [FP] //' "$T/$name.log" >"$T/$name.out"
		assert_in_pins "$name" web
	done
	differ "$(saw a pid)" "$(saw b pid)"
	for name in a b; do
		rt kill "$(id_of "$name")" KILL
		wait_for [ -e "$T/exits/$(id_of "$name")" ]
		equal "$(<"$T/exits/$(id_of "$name")")" 137
		rt delete "$(id_of "$name")"
	done
	cmp "$T/a.orig" "$T/a/config.json"
	cmp "$T/b.orig" "$T/b/config.json"
	rm -r "$T"/{exits,sockets,[ab],[ab].log}
}

hand_conmon_terminal() {
	hand_bundle a hostname='' program='[ -t 0 ] && [ -t 1 ] && echo "terminal of $(hostname)"'
	edit_config a '.process.terminal = true | .mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts",
		options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]}]'
	under_conmon a -t
	rt start "$(id_of a)"
	wait_for [ -e "$T/exits/$(id_of a)" ]
	contains "$(<"$T/a.log")" 'terminal of web'
	rt delete "$(id_of a)"
	cmp "$T/a.orig" "$T/a/config.json"
	rm -r "$T"/{exits,sockets,a,a.log}
}

hand_conmon_refusal() {
	hand_bundle a pod=../up
	under_conmon a
	contains "$(jq -r .message "$T/a.sync")" "pod name '../up' may contain only"
	cmp "$T/a.orig" "$T/a/config.json"
}
