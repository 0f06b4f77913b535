# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # run.sh sets WORK and HOOKS, podman.bash IMAGE and CGROUP
#
# A pod of two containers with a published port under podman: a network of the pod's own, against podman's pod
# with its infra container and netavark. From the first command to the first answered request, and to the end of
# the pod. The network namespace that plays the host is this file's own.

NETS=/etc/oci-podns/net.d	# of a build with ./configure without options

bench_conflist() {
	cat <<-'JSON'
		{ "cniVersion": "1.0.0", "name": "bench", "plugins": [
			{ "type": "bridge", "bridge": "podns-bench", "isGateway": true, "ipMasq": true, "hairpinMode": true,
				"ipam": { "type": "host-local", "dataDir": "/run/bench-ipam", "ranges": [[ { "subnet": "10.89.77.0/24" } ]],
					"routes": [ { "dst": "0.0.0.0/0" } ] } },
			{ "type": "portmap", "capabilities": { "portMappings": true } },
			{ "type": "firewall" } ] }
	JSON
}

# Two static programs: "serve" answers every connection to port 80; "ask ADDRESS PORT" connects until it is answered.
bench_programs() {
	cat >"$WORK/serve.c" <<-'SOURCE'
		#include <netinet/in.h>
		#include <signal.h>
		#include <sys/socket.h>
		#include <unistd.h>
		static void end(int sig) { (void)sig; _exit(0); }
		int main(void) {
			struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(80) };
			int one = 1, s = socket(AF_INET, SOCK_STREAM, 0), c;
			signal(SIGTERM, end); signal(SIGPIPE, SIG_IGN);
			setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
			if (bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s, 64) < 0) return 1;
			for (;;) { c = accept(s, 0, 0); if (c >= 0) { (void)!write(c, "x", 1); close(c); } }
		}
	SOURCE
	cat >"$WORK/ask.c" <<-'SOURCE'
		#include <arpa/inet.h>
		#include <stdlib.h>
		#include <sys/socket.h>
		#include <sys/time.h>
		#include <time.h>
		#include <unistd.h>
		int main(int argc, char **argv) {
			const struct timespec pause = { .tv_nsec = 1000000 };
			const struct timeval limit = { .tv_sec = 1 };
			struct sockaddr_in a = { .sin_family = AF_INET };
			char c;
			if (argc < 3) return 2;
			a.sin_port = htons((unsigned short)atoi(argv[2]));
			inet_pton(AF_INET, argv[1], &a.sin_addr);
			for (int i = 0; i < 10000; i++) {
				int s = socket(AF_INET, SOCK_STREAM, 0);
				setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
				setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
				if (connect(s, (struct sockaddr *)&a, sizeof(a)) == 0 && read(s, &c, 1) == 1) return 0;
				close(s);
				nanosleep(&pause, 0);
			}
			return 1;
		}
	SOURCE
	"${CC:-gcc}" -O2 -static -o "$WORK/image/bin/serve" "$WORK/serve.c"
	"${CC:-gcc}" -O2 -o "$WORK/ask" "$WORK/ask.c"
	tar -C "$WORK/image" -c . | "$WORK/pm" import --change 'ENTRYPOINT ["/bin/serve"]' - localhost/serve >/dev/null
}

# script NAME LINE...: one command for interleave.
script() {
	local name=$1
	shift
	printf '%s\n' '#!/bin/sh' 'set -eu' "$@" >"$WORK/$name"
	chmod +x "$WORK/$name"
}

bench_scripts() {
	local host="nsenter --net=$WORK/host" podns="${HOOKS[default]%/hook/*}/cli/podns"
	script made-podns \
		"$host $podns create --network bench --publish 8080:80 bench >/dev/null" \
		"$host $WORK/pm --hooks-dir $WORK/hooks-hook run -d --cgroup-parent $CGROUP --network none --name one --annotation io.podns.pod=bench localhost/serve >/dev/null" \
		"$host $WORK/pm --hooks-dir $WORK/hooks-hook run -d --cgroup-parent $CGROUP --network none --name two --annotation io.podns.pod=bench $IMAGE >/dev/null" \
		"$host $WORK/ask 192.0.2.1 8080"
	script removed-podns \
		"$host $WORK/pm --hooks-dir $WORK/hooks-hook rm -f -t 1 one two >/dev/null" \
		"$host $podns rm bench"
	script made-pod \
		"$host $WORK/pm pod create --cgroup-parent $CGROUP --publish 8081:80 --name bench >/dev/null" \
		"$host $WORK/pm run -d --pod bench --name one localhost/serve >/dev/null" \
		"$host $WORK/pm run -d --pod bench --name two $IMAGE >/dev/null" \
		"$host $WORK/ask 192.0.2.1 8081"
	script removed-pod "$host $WORK/pm pod rm -f -t 1 bench >/dev/null"
}

plan_network() {
	local name
	echo ordinary
	for name in pod podns; do
		printf 'contender %s /\ntime made 1 - - %s\ntime removed 1 - - %s\n' "$name" "$WORK/made-$name" "$WORK/removed-$name"
	done
}

# What is written into this directory is not written into the host's.
own_dir() {
	mkdir -p "$WORK/own$1/upper" "$WORK/own$1/work"
	mount -t overlay -o "lowerdir=$1,upperdir=$WORK/own$1/upper,workdir=$WORK/own$1/work" overlay "$1"
}

# A plugin that answers at once, and a network of three of it; the same three programs alone, one after the other.
bench_quick() {
	mkdir -p /opt/cni/bin
	cat >"$WORK/quick.c" <<-'SOURCE'
		#include <unistd.h>
		int main(void) {
			static const char result[] = "{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"192.0.2.9/24\"}]}";
			char in[4096];
			while (read(0, in, sizeof(in)) > 0) {}
			return write(1, result, sizeof(result) - 1) < 0;
		}
	SOURCE
	"${CC:-gcc}" -O2 -static -o /opt/cni/bin/quick "$WORK/quick.c"
	echo '{"cniVersion":"1.0.0","name":"quick","plugins":[{"type":"quick"},{"type":"quick"},{"type":"quick"}]}' >"$NETS/quick.conflist"
	cat >"$WORK/three.c" <<-'SOURCE'
		#include <spawn.h>
		#include <sys/wait.h>
		int main(void) {
			char *const argv[] = { "quick", 0 }, *const env[] = { 0 };
			pid_t pid;
			for (int i = 0; i < 3; i++)
				if (posix_spawn(&pid, "/opt/cni/bin/quick", 0, 0, argv, env) || waitpid(pid, 0, 0) != pid) return 1;
			return 0;
		}
	SOURCE
	"${CC:-gcc}" -O2 -static -o "$WORK/three" "$WORK/three.c"
}

plan_quick() {
	local net="${HOOKS[default]%/hook/*}/net/podns-net"
	printf 'contender three /\ntime add 1 - - %s\ntime del 1 - - %s\n' "$WORK/three" "$WORK/three"
	printf 'contender net /\ntime add 1 - - %s add --network quick quick\ntime del 1 - - %s del quick\n' "$net" "$net"
}

quick_rows() {
	own_dir /opt
	bench_quick
	"${PODNS[default]}" create quick >/dev/null
	measure "$ROUNDS" plan_quick
	against_first add net three "podns-net add, three plugins that do nothing"
	against_first del net three "podns-net del"
	"${PODNS[default]}" rm quick
	umount /opt
}

network_rows() {
	if [ ! -x /usr/lib/cni/portmap ]; then
		echo "# no CNI plugins here" >&2
		return
	fi
	own_dir /etc
	own_dir /var/lib
	mkdir -p "$NETS"
	bench_conflist >"$NETS/bench.conflist"
	: >"$WORK/host"
	unshare "--net=$WORK/host" sh -c 'ip link set lo up && ip address add 192.0.2.1/32 dev lo'
	quick_rows
	bench_programs
	bench_scripts
	measure 10 plan_network
	against_first made podns pod "two containers and a published port, to the first answer" 0.75
	against_first removed podns pod "— removed" 0.75
	umount "$WORK/host" /etc /var/lib
}
