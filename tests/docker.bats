#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Docker 26 and Compose with oci-podns-runc as a runtime: containers with the annotation share a pod, however they are
# started and stopped. The network of a pod is in docker-vpn.bats.
#
# bats file_tags=bed

load helpers
load docker

@test "docker: two containers share net, ipc, uts, /dev/shm and 127.0.0.1, and each has its own pid namespace" {
	pod_wait c1
	pod_wait c2
	same_pod c1 c2
	talk c1 c2
	talk c2 c1
	shares_ipc c1 c2
	in_ctr c1 sh -c 'echo from c1 >/dev/shm/note'
	equal "$(in_ctr c2 cat /dev/shm/note)" "from c1"
	equal "$(in_ctr c1 hostname) $(in_ctr c2 hostname)" "web web"
	equal "$(dk logs c1 2>&1)" ''
	only_members 2
	equal "$(pods '.[] | [.name, .containers, .state]')" '["web",2,"live"]'
	drop c1
	only_members 1
	same_pod c2
	drop c2
	pod_has_ended
}

@test "docker: podns ls and rm call containers as docker does, also after a rename and with --network container" {
	pod_wait c1
	pod_wait c2 --network container:c1
	dk rename c1 www
	equal "$(pods '.[].members[] | "\(.engine) \(.name)"' | xargs)" "docker www docker c2"
	contains "$(podns ls)" ' www, c2 (docker)'
	contains "$(podns inspect web)" "  www (docker)  id $(dk inspect --format '{{.Id}}' www)  pid "
	fails podns rm web 2>"$T/rm.err"
	contains "$(cat "$T/rm.err")" 'container www (docker, pid '
	equal "$(podns rm --force web)" 'web: cut off www, c2 (docker)'
	drop www c2
	nothing_left
}

@test "docker: a container without the annotation gets nothing of a pod" {
	dk run -d --name c1 --runtime podns "$IMAGE" pause >/dev/null
	equal "$(podns ls --json)" '[]'
	equal "$(in_ctr c1 hostname)" "$(dk inspect --format '{{.Config.Hostname}}' c1)"
	drop c1
	nothing_left
	[ ! -e /run/podns ]
}

@test "docker: a program that ends by itself leaves no member, with --rm and without" {
	equal "$(in_web "$IMAGE" hostname)" web
	wait_for pod_has_ended
	pod_run c1 "$IMAGE" true
	wait_for pod_has_ended
	# Its exit status is docker's.
	run -7 in_web "$IMAGE" sh -c 'exit 7'
	wait_for pod_has_ended
}

@test "docker: restart" {
	local ino before
	pod_wait c1
	pod_wait c2
	ino=$(pin_ino net)
	before=$(pid_of c1)
	dk restart -t 0 c1 >/dev/null
	differ "$(pid_of c1)" "$before"
	keeps "$ino"
	same_pod c1 c2
	talk c1 c2
	only_members 2
	# The only one, too: the pod ends and begins.
	drop c2
	dk restart -t 0 c1 >/dev/null
	same_pod c1
	only_members 1
	drop c1
	pod_has_ended
}

@test "docker: stop and start" {
	local ino
	pod_wait c1
	pod_wait c2
	ino=$(pin_ino net)
	dk stop -t 5 c1 >/dev/null
	only_members 1
	keeps "$ino"
	dk start c1 >/dev/null
	same_pod c1 c2
	keeps "$ino"
	# All of it, and from the start.
	dk stop -t 5 c1 c2 >/dev/null
	pod_has_ended
	dk start c2 c1 >/dev/null
	same_pod c1 c2
	talk c1 c2
	drop c1 c2
	pod_has_ended
}

@test "docker: kill -9 with --restart=always" {
	local ino before
	pod_wait c1 --restart=always
	pod_wait c2
	ino=$(pin_ino net)
	before=$(pid_of c1)
	kill -KILL "$before"
	wait_for runs_again c1 "$before"
	keeps "$ino"
	same_pod c1 c2
	talk c1 c2
	only_members 2
	# Alone in its pod as well.
	drop c2
	before=$(pid_of c1)
	kill -KILL "$before"
	wait_for runs_again c1 "$before"
	same_pod c1
	drop c1
	pod_has_ended
}

@test "docker: rm -f of all containers at once" {
	local name
	for name in c1 c2 c3; do
		pod_wait "$name" --restart=always
	done
	same_pod c1 c2 c3
	drop c1 c2 c3
	pod_has_ended
}

@test "docker: exec is in the pod" {
	pod_wait c1
	equal "$(dk exec c1 readlink /proc/self/ns/net)" "net:[$(pin_ino net)]"
	equal "$(dk exec c1 readlink /proc/self/ns/ipc)" "ipc:[$(pin_ino ipc)]"
	equal "$(dk exec c1 hostname)" web
	equal "$(echo typed | dk exec -i c1 cat)" typed
	run -9 dk exec c1 sh -c 'exit 9'
	only_members 1
	drop c1
	pod_has_ended
}

@test "docker: pause and unpause" {
	needs_freezer
	pod_wait c1
	pod_wait c2
	dk pause c1 >/dev/null
	state_is c1 paused
	only_members 2
	# The pod takes new members meanwhile.
	pod_wait c3
	dk unpause c1 >/dev/null
	same_pod c1 c2 c3
	drop c1 c2 c3
	pod_has_ended
}

@test "docker: -t has a terminal, and -i the standard input" {
	contains "$(in_web -t "$IMAGE" sh -c '[ -t 1 ] && echo terminal on; hostname')" $'terminal on\r\nweb'
	equal "$(echo typed | in_web -i "$IMAGE" cat)" typed
	# Both: script(1) has the other end of the terminal.
	script -qec "docker run --rm -it --runtime podns --annotation $POD_LABEL=web --network none $IMAGE \
		sh -c '[ -t 0 ] && [ -t 1 ] && read line && echo got \$line'" "$T/typescript" <<<'a line' >/dev/null 3>&-
	contains "$(<"$T/typescript")" 'got a line'
	wait_for pod_has_ended
}

@test "docker: --init" {
	pod_wait c1 --init
	pod_wait c2
	contains "$(in_ctr c1 cat /proc/1/cmdline | tr '\0' ' ')" docker-init
	same_pod c1 c2
	drop c1 c2
	pod_has_ended
}

@test "docker: --privileged" {
	pod_wait c1 --privileged
	pod_wait c2
	same_pod c1 c2
	talk c1 c2
	drop c1 c2
	pod_has_ended
}

@test "docker: --pid host shares the pod, and no pid namespace is pinned" {
	pod_wait c1 --pid host
	equal "$(dk exec c1 readlink /proc/self/ns/pid)" "pid:[$(ns_ino /proc/self/ns/pid)]"
	pod_wait c2
	same_pod c1 c2
	talk c1 c2
	drop c1 c2
	pod_has_ended
}

@test "docker: --sysctl sets the pod's, and not the host's" {
	pod_wait c1 --sysctl net.ipv4.ip_default_ttl=77 --sysctl kernel.msgmax=16384
	pod_wait c2
	equal "$(in_ctr c2 cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	equal "$(in_ctr c2 cat /proc/sys/kernel/msgmax)" 16384
	differ "$(cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	differ "$(cat /proc/sys/kernel/msgmax)" 16384
	drop c1 c2
	pod_has_ended
}

@test "docker: --ipc host and a shared /dev/shm of the user's are left alone" {
	mkdir "$T/shm"
	pod_wait c1 --ipc host
	equal "$(ctr_ns c1 ipc) $(ctr_ns c1 net)" "$(ns_ino /proc/self/ns/ipc) $(pin_ino net)"
	pod_wait c2 -v "$T/shm:/dev/shm"
	in_ctr c2 touch /dev/shm/mine
	[ -e "$T/shm/mine" ]
	equal "$(ctr_ns c2 ipc)" "$(pin_ino ipc)"
	drop c1 c2
	pod_has_ended
}

@test "docker: --network host stays on the host, and the pod has the rest" {
	pod_wait c1 --network host
	equal "$(ctr_ns c1 net)" "$(ns_ino /proc/self/ns/net)"
	equal "$(ctr_ns c1 ipc) $(ctr_ns c1 uts)" "$(pin_ino ipc) $(pin_ino uts)"
	drop c1
	pod_has_ended
}

@test "docker: podns check finds the runtime in daemon.json, and all is well" {
	podns check >"$T/check.out"
	contains "$(<"$T/check.out")" '/etc/docker/daemon.json: runtime "podns" is oci-podns-runtime, which runs /usr/bin/runc'
	contains "$(tail -n 1 "$T/check.out")" 'all is well'
}

# --- refusals ----------------------------------------------------------------

@test "docker: the standard error of docker has our sentence for a bad name of a pod" {
	pod_fails "pod name '../up' may contain only" --annotation "$POD_LABEL=../up" --network none
	pod_has_ended
}

@test "docker: a second container on a bridge is refused, with the hint --network none" {
	pod_wait c1 --network bridge
	pod_fails '--network none' --annotation "$POD_LABEL=web" --network bridge
	only_members 1
	# As the hint says.
	pod_wait c2
	same_pod c1 c2
	drop c1 c2
	pod_has_ended
}

@test "docker: a sysctl of the host is refused by name" {
	pod_fails net.netfilter.nf_hooks_lwtunnel --annotation "$POD_LABEL=web" --network none \
		--sysctl net.netfilter.nf_hooks_lwtunnel=1
	pod_has_ended
}

@test "docker: a command that does not exist fails as without us, and leaves nothing" {
	local status=0
	dk run --name c1 --runtime podns --annotation "$POD_LABEL=web" --network none "$IMAGE" /no/such 2>"$T/err" || status=$?
	equal "$status" 127
	contains "$(<"$T/err")" /no/such
	pod_has_ended
	dk rm c1 >/dev/null
	pod_has_ended
}

@test "docker: a command that does not exist, in a pod with others" {
	pod_wait c1
	fails in_web "$IMAGE" /no/such 2>/dev/null
	only_members 1
	same_pod c1
	drop c1
	pod_has_ended
}

@test "docker: a runtime that fails at create leaves nothing, and its error is docker's" {
	mkdir -p "${RUNTIME_CONF%/*}"
	# In a directory that only root can write to. Docker takes the error from the log that it names.
	cat >/usr/local/sbin/broken-runtime <<-'SCRIPT'
		#!/bin/sh
		log='' before=''
		for argument; do
			[ "$before" != --log ] || log=$argument
			[ "$argument" != create ] || {
				echo '{"level": "error", "msg": "a broken runtime"}' >"$log"
				exit 1
			}
			before=$argument
		done
		exec /usr/sbin/runc "$@"
	SCRIPT
	chmod 0755 /usr/local/sbin/broken-runtime
	echo "runtime = /usr/local/sbin/broken-runtime" >"$RUNTIME_CONF"
	pod_fails 'a broken runtime' --annotation "$POD_LABEL=web" --network none
	pod_has_ended
	rm "$RUNTIME_CONF"
	equal "$(in_web "$IMAGE" hostname)" web
	wait_for pod_has_ended
}

# --- Compose -----------------------------------------------------------------

@test "docker compose: services with annotations share a pod through up, restart, up --force-recreate and down" {
	local ino
	cat >"$T/compose.yaml" <<-YAML
		name: web
		x-pod: &pod
		  image: $IMAGE
		  runtime: podns
		  annotations:
		    io.podns.pod: web
		services:
		  front:
		    <<: *pod
		    network_mode: none
		  back:
		    <<: *pod
		    network_mode: none
		    restart: always
	YAML
	compose up -d
	same_pod web-front-1 web-back-1
	talk web-back-1 web-front-1
	shares_ipc web-front-1 web-back-1
	ino=$(pin_ino net)
	compose restart -t 0 back
	keeps "$ino"
	same_pod web-front-1 web-back-1
	compose up -d --force-recreate -t 0 front
	keeps "$ino"
	same_pod web-front-1 web-back-1
	talk web-front-1 web-back-1
	only_members 2
	compose down -t 0
	pod_has_ended
}
