#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What a user can read of a refused container: podman shows nothing of precreate's stderr, so the log and syslog must.

load helpers
load podman

# A /dev of the file's own, since that is where syslog's socket lies.
setup_file() {
	local dir
	podman_file_setup
	[ ! -e "$PM/cannot" ] || return 0
	hook_files "$PM/syslog.d"
	sed -i 's/, "--no-syslog"//' "$PM/syslog.d"/*.json
	mkdir "$PM/dev"
	mount -t tmpfs -o mode=0755 tmpfs "$PM/dev"
	cp -ax /dev/. "$PM/dev"
	for dir in pts shm mqueue; do
		[ ! -d "/dev/$dir" ] || mount --rbind "/dev/$dir" "$PM/dev/$dir"
	done
	rm -f "$PM/dev/log"
	mount --rbind "$PM/dev" /dev
}

setup() {
	podman_setup
	podman_options --hooks-dir "$PM/syslog.d"
}

start_syslog() {
	busybox syslogd -n -O "$T/syslog.out" -S 3>&- &
	PIDS+=($!)
	wait_for test -S /dev/log
}

other_network() {
	ip netns add mine
	pod_wait a
	pod_fails b --network ns:/run/netns/mine
}

end_other_network() {
	drop a
	ip netns del mine
	nothing_left
}

@test "podman: a refused container says why in the log and in syslog, and podman does not" {
	needs_syslogd
	start_syslog
	other_network
	lacks "$(cat "$T/b.err")" "io.podns"
	contains "$(cat /run/podns/log)" "oci-podns-hook"
	contains "$(cat /run/podns/log)" "precreate: pod web: the config's network namespace"
	contains "$(cat /run/podns/log)" "--network none"
	wait_for grep -q "precreate: pod web: the config's network namespace" "$T/syslog.out"
	contains "$(cat "$T/syslog.out")" oci-podns-hook
	end_other_network
	rm -f /dev/log
}

@test "podman: without a syslog daemon all is the same, and podns log prints it" {
	rm -f /dev/log
	other_network
	contains "$(cat /run/podns/log)" "precreate: pod web: the config's network namespace"
	contains "$("$PODNS_BUILD/cli/podns" log)" "pod web: the config's network namespace"
	end_other_network
}

@test "podman: a container that works leaves no line" {
	pod_wait a
	pod_wait b
	drop a b
	[ ! -s /run/podns/log ]
	nothing_left
}

@test "podman: without the precreate stage a second container is refused, with the remedy" {
	pod_wait a
	mkdir "$T/hooks.d"
	cp "$HOOKS_D/oci-podns.json" "$T/hooks.d/"
	podman_options --hooks-dir "$T/hooks.d"
	pod_fails b --network none
	contains "$(cat /run/podns/log)" "createRuntime: pod web: the container's"
	contains "$(cat /run/podns/log)" "precreate"
	# runc does show it, and podman what runc says.
	contains "$(cat "$T/b.err")" "pod web"
	same_pod a
	drop a
	pm rm -f b >/dev/null
	nothing_left
}
