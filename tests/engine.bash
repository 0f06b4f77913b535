# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # bats sets BATS_*, helpers.bash the rest; the engines' files use what is set here
#
# Helpers of the tests under real engines: podman.bash and docker.bash load it and say by pid_of() which process
# is a container's. The hook works in its own default root, as users have it: /run.

POD_LABEL=io.podns.pod

# --- the image ---------------------------------------------------------------

# engine_rootfs DIR: a root file system for containers.
engine_rootfs() {
	local dir=$1 applet
	make_rootfs "$dir"
	mkdir -p "$dir"/{etc,root,var,dev/shm}
	echo 'root:x:0:0:root:/root:/bin/sh' >"$dir/etc/passwd"
	echo 'root:x:0:' >"$dir/etc/group"
	for applet in awk cp cut df dd false find grep head httpd id kill ls mkdir mount ps rm sed \
		seq stat tail tee test timeout touch tr true wc wget; do
		ln -sf busybox "$dir/bin/$applet"
	done
	make_report "$dir"
	cat >"$dir/bin/pause" <<-'SCRIPT'
		#!/bin/sh
		# A container that waits, and ends at once at a signal.
		trap 'exit 0' TERM INT
		while :; do
			sleep 1000 &
			wait $!
		done
	SCRIPT
	chmod +x "$dir/bin/pause"
	make_ipc_tool "$dir/bin/ipc"
}

# make_ipc_tool FILE: a static program, since busybox cannot make System V or POSIX objects.
make_ipc_tool() {
	cat >"$1.c" <<-'SOURCE'
		/* ipc shm|mq|msg put|get NAME [TEXT]: what one container puts, another gets. */
		#define _GNU_SOURCE
		#include <fcntl.h>
		#include <mqueue.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/mman.h>
		#include <sys/msg.h>
		#include <sys/shm.h>
		#include <unistd.h>

		#define SIZE 4096

		static int fail(const char *what)
		{
			perror(what);
			return 1;
		}

		/* POSIX shared memory: shm_overview(7) */
		static int shm(const char *name, const char *text)
		{
			int fd = shm_open(name, text ? O_RDWR | O_CREAT : O_RDONLY, 0600);
			char *p;

			if (fd < 0 || (text && ftruncate(fd, SIZE) < 0))
				return fail("shm_open");
			p = mmap(NULL, SIZE, text ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
			if (p == MAP_FAILED)
				return fail("mmap");
			if (text)
				strcpy(p, text);
			else
				puts(p);
			return 0;
		}

		/* POSIX message queues: mq_overview(7) */
		static int mq(const char *name, const char *text)
		{
			struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = SIZE };
			mqd_t q = mq_open(name, text ? O_RDWR | O_CREAT | O_NONBLOCK : O_RDONLY | O_NONBLOCK,
					  0600, &attr);
			char buf[SIZE + 1] = "";

			if (q < 0)
				return fail("mq_open");
			if (text)
				return mq_send(q, text, strlen(text) + 1, 0) < 0 ? fail("mq_send") : 0;
			if (mq_receive(q, buf, SIZE, NULL) < 0)
				return fail("mq_receive");
			puts(buf);
			return 0;
		}

		/* System V message queues: sysvipc(7) */
		static int msg(const char *key, const char *text)
		{
			struct { long type; char text[SIZE]; } m = { .type = 1 };
			int q = msgget(atoi(key), text ? IPC_CREAT | 0600 : 0);

			if (q < 0)
				return fail("msgget");
			if (text) {
				strcpy(m.text, text);
				return msgsnd(q, &m, strlen(text) + 1, IPC_NOWAIT) < 0 ? fail("msgsnd") : 0;
			}
			if (msgrcv(q, &m, SIZE, 0, IPC_NOWAIT) < 0)
				return fail("msgrcv");
			puts(m.text);
			return 0;
		}

		/* System V shared memory */
		static int sysv(const char *key, const char *text)
		{
			int id = shmget(atoi(key), SIZE, text ? IPC_CREAT | 0600 : 0);
			char *p = id < 0 ? NULL : shmat(id, NULL, 0);

			if (id < 0 || p == (void *)-1)
				return fail("shmget");
			if (text)
				strcpy(p, text);
			else
				puts(p);
			return 0;
		}

		int main(int argc, char **argv)
		{
			const char *text = argc > 4 ? argv[4] : NULL;

			if (argc < 4)
				return 2;
			if (!strcmp(argv[1], "shm"))
				return shm(argv[3], text);
			if (!strcmp(argv[1], "mq"))
				return mq(argv[3], text);
			if (!strcmp(argv[1], "msg"))
				return msg(argv[3], text);
			return sysv(argv[3], text);
		}
	SOURCE
	gcc -O1 -Wall -Werror -static -o "$1" "$1.c"
	rm "$1.c"
}

# --- containers --------------------------------------------------------------

# in_ctr NAME COMMAND...: run in all of the container's namespaces and its root, at a small part of the cost of
# `podman exec`.
in_ctr() {
	local pid
	pid=$(pid_of "$1") && shift || return 1
	timeout -k 5 "$LIMIT" nsenter --target "$pid" --all --root --wd /bin/busybox env -i PATH=/bin "$@" </dev/null 3>&-
}

not_alive() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

# A test may set the types that its pods share.
pod_shares() {
	TYPES=("$@")
}

# ctr_ns NAME TYPE: the inode of the namespace, as the container sees it.
ctr_ns() {
	local link
	link=$(in_ctr "$1" readlink "/proc/self/ns/$2") || {
		echo "unknown namespace of $1"
		return 1
	}
	link=${link#*[}
	echo "${link%]}"
}

# pin_ino TYPE: the inode of the pin of the pod web.
pin_ino() {
	ns_ino "$ROOT/${1}ns/web"
}

# same_pod NAME NAME...: all are in the pod's namespaces, none in the host's, and each has its own pid namespace.
same_pod() {
	local name type ino pids=()
	for name; do
		in_ctr "$name" report >"$T/$name.out"
		for type in "${TYPES[@]}"; do
			ino=$(saw "$name" "$type")
			equal "$ino" "$(pin_ino "$type")" "$name's $type" || return 1
			differ "$ino" "$(ns_ino "/proc/self/ns/$type")" "$name's $type" || return 1
		done
		pids+=("$(saw "$name" pid)")
	done
	equal "$(printf '%s\n' "${pids[@]}" | sort -u | wc -l)" "$#" "pid namespaces"
}

# talk SERVER CLIENT: send a text from one to the other on 127.0.0.1. It is in a file, since nc ends when
# the other side shuts its end down, even if a pipe has not delivered the text yet.
talk() {
	local server=$1 client=$2 text="hello from $1 to $2 $RANDOM"
	in_ctr "$server" sh -c "echo '$text' >/tmp/text; nc -l -p 8080 </tmp/text" >/dev/null 2>&1 &
	PIDS+=($!)
	equal "$(in_ctr "$client" timeout 20 sh -c '
		until nc -w 2 127.0.0.1 8080 </dev/null >/tmp/answer 2>/dev/null && grep . /tmp/answer; do
			sleep 0.05
		done')" "$text"
}

# shares_ipc NAME NAME: one gets what the other put into queues and memory, of System V and of POSIX.
shares_ipc() {
	in_ctr "$1" ipc msg put 77 "by queue"
	in_ctr "$1" ipc sysv put 78 "by memory"
	equal "$(in_ctr "$2" ipc msg get 77)" "by queue"
	equal "$(in_ctr "$2" ipc sysv get 78)" "by memory"
	in_ctr "$1" ipc mq put /queue "by mqueue"
	in_ctr "$2" ipc shm put /memory "by shm_open"
	equal "$(in_ctr "$2" ipc mq get /queue)" "by mqueue"
	equal "$(in_ctr "$1" ipc shm get /memory)" "by shm_open"
}

# --- what the hook knows -----------------------------------------------------

record() {
	cat "$ROOT/podns/${1-web}/record"
}

members() {
	grep -c '^member ' "$ROOT/podns/${1-web}/record"
}

claims() {
	grep -c '^claim ' "$ROOT/podns/${1-web}/record" || true
}

# expire_claims [POD]: let the deadlines of its claims pass.
expire_claims() {
	sed -i -E 's/^(claim|waiting) [0-9]+/\1 1/' "$ROOT/podns/${1-web}/record"
}

# pod_is_gone POD: no pin, record or index entry of it.
pod_is_gone() {
	local left type
	for type in net ipc uts user cgroup time mnt; do
		if [ -e "$ROOT/${type}ns/$1" ]; then
			ls -l "$ROOT/${type}ns/$1"
			return 1
		fi
	done
	[ -d "$ROOT/podns" ] || return 0
	left=$(find "$ROOT/podns" -name "$1" -o -type l -lname "$1")
	equal "$left" '' "left of the pod $1"
}

# Before a test: all mounts of namespaces. Docker keeps that of the host's network once a container has used it.
pinned_by_others() {
	grep -F ' - nsfs ' /proc/self/mountinfo | grep -vF ' /run/docker/netns/' || true
}

# No file, directory or mount of any pod is left. The log and the shared mount on /run/netns stay.
nothing_left() {
	local left
	left=$(find "$ROOT"/{net,ipc,uts,user,cgroup,time,mnt}ns "$ROOT/podns" -mindepth 1 ! -path "$ROOT/podns/log*" 2>/dev/null || true
		find /var/lib/oci-podns -mindepth 1
		awk -v root="$ROOT" '$5 ~ "^" root "/podns/" || $5 ~ "^" root "/[a-z]+ns/"' /proc/self/mountinfo
		pinned_by_others | diff "$T/nsfs.before" - || true)
	equal "$left" '' "left"
}
