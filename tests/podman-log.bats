#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What a user can read of a refused container: podman shows nothing of precreate's stderr but the hook's args, which
# name the command that has the reason.

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

# Whoever forgets --network none brings another network, as here.
@test "podman: the last line of a refused container names the command that has the reason, with the remedy" {
	local reason option
	other_network
	equal "$(tail -n 1 "$T/b.err")" "Error: setting up OCI Hooks: executing [oci-podns-hook (run \`podns log\` as the same user to see why) precreate]: exit status 1"
	lacks "$(cat "$T/b.err")" "network namespace"
	reason=$(reason_of b)
	contains "$reason" "precreate: pod web: the container was given the network namespace ["
	contains "$reason" "] at /run/netns/mine, but its pod has [$(pin_ino net)] at /run/netns/web (start it with --network none"
	option=$(grep -oP '(?<=start it with )--network \w+' <<<"$reason")
	pm rm b >/dev/null
	# shellcheck disable=SC2086 # it has words
	pod_wait b $option
	same_pod a b
	drop b
	end_other_network
}

@test "podman: restart, too, names the command" {
	pod_wait a
	sed -i 's/, "precreate"/, "--namespaces=pid", "precreate"/' "$PM/syslog.d/oci-podns-precreate.json"
	fails pm restart -t 0 a >"$T/a.out" 2>"$T/a.err"
	sed -i 's/, "--namespaces=pid"//' "$PM/syslog.d/oci-podns-precreate.json"
	contains "$(reason_of a)" "]: --namespaces: "
	drop a
	nothing_left
}

@test "podman: syslog has the reason, too" {
	needs_syslogd
	start_syslog
	other_network
	wait_for grep -q "precreate: pod web: the container was given the network namespace" "$T/syslog.out"
	contains "$(cat "$T/syslog.out")" oci-podns-hook
	end_other_network
	rm -f /dev/log
}

@test "podman: without a syslog daemon all is the same" {
	rm -f /dev/log
	other_network
	contains "$(cat /run/podns/log)" "precreate: pod web: the container was given the network namespace"
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
