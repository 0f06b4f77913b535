#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Shows what oci-podns does, on real containers, from a fresh clone on a fresh Debian:
#
#     sudo tests/demo.sh [podman|runc]
#
# It builds, then starts two containers in one pod that no process keeps alive: with podman or, if that is
# missing or runc is requested, with runc and a hook in config.json. Everything happens in a mount namespace
# and a /run of its own, and nothing is left. BUILD_DIR=DIR in the environment: build there and keep it.

set -eu -o pipefail

SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
export LC_ALL=C

# shellcheck source=tests/setup.bash
. "$SRC/tests/setup.bash"

# --- telling ---------------------------------------------------------------------

say() {
	if [ -t 1 ]; then
		printf '\n\033[1m%s\033[0m\n' "$*"
	else
		printf '\n%s\n' "$*"
	fi
}

# show COMMAND...: print the command as a user would type it, then its output.
show() {
	printf '# %s\n' "$*"
	"$@" | sed 's/^/    /'
}

# show_sh SCRIPT: the same for a line of shell.
show_sh() {
	printf '# %s\n' "$1"
	bash -c "$1" | sed 's/^/    /'
}

# --- two containers, without an image --------------------------------------------

# make_bundle NAME SCRIPT NAMESPACES: the config.json of `runc spec` with a program, the pod's name and
# the hook.
make_bundle() {
	mkdir "$1"
	(cd "$1" && runc spec)
	jq --arg rootfs "$PWD/rootfs" --arg script "$2" --arg hook "$HOOK" --argjson namespaces "$3" '
		.root.path = $rootfs
		| .process.terminal = false
		| .process.args = ["sh", "-c", $script]
		| del(.process.rlimits, .linux.resources)
		| .hostname = "web"
		| .annotations["io.podns.pod"] = "web"
		| .hooks.createRuntime = [{path: $hook, timeout: 30}]
		| .hooks.poststop = .hooks.createRuntime
		| .linux.namespaces = $namespaces' <"$1/config.json" >"$1/new"
	mv "$1/new" "$1/config.json"
}

# seen_by CONTAINER: its own view of its namespaces.
seen_by() {
	show_sh "for type in net ipc uts pid; do runc exec $1 readlink /proc/self/ns/\$type; done"
	show runc exec "$1" hostname
}

# start NAME, stop NAME: the container demo-NAME. It prints to a file, because it would hold a pipe open.
start() {
	printf '# runc run --detach --bundle %s demo-%s\n' "$1" "$1"
	if ! runc run --detach --bundle "$1" "demo-$1" </dev/null >"$1.out" 2>&1; then
		cat "$1.out" >&2
		return 1
	fi
}

stop() {
	printf '# runc kill demo-%s KILL; runc delete demo-%s\n' "$1" "$1"
	set -- "demo-$1"
	runc kill "$1" KILL
	until [ "$(runc state "$1" | jq -r .status)" = stopped ]; do
		sleep 0.05
	done
	runc delete "$1"
}

demo_runc() {
	trap '{ runc delete --force demo-server; runc delete --force demo-client; } >/dev/null 2>&1' EXIT
	make_bundle server 'while :; do echo "hello from the server" | nc -l -p 8080; done' \
		'[{"type":"pid"},{"type":"network"},{"type":"ipc"},{"type":"uts"},{"type":"mount"}]'
	make_bundle client 'sleep 1000' \
		'[{"type":"pid"},{"type":"network","path":"/run/netns/web"},{"type":"ipc","path":"/run/ipcns/web"},{"type":"uts","path":"/run/utsns/web"},{"type":"mount"}]'

	say "1. A bundle, its config.json, and nothing in /run"
	show jq -c '.annotations, .hooks.createRuntime, .linux.namespaces' server/config.json
	show_sh 'sha256sum server/config.json | tee server.sum'
	show_sh 'ls /run/netns /run/ipcns /run/utsns 2>&1 || true'

	say "2. runc starts it; at createRuntime the hook pins its namespaces and points config.json at the pins"
	start server
	show jq -c '.linux.namespaces[]' server/config.json
	show_sh 'stat -f -c "%n is on %T" /run/{net,ipc,uts}ns/web; stat -c "%n inode %i" /run/{net,ipc,uts}ns/web'

	say "3. What the container itself sees: the same inodes; its pid namespace is its own"
	seen_by demo-server
	show ip netns list

	say "4. A second container in the same pod"
	start client
	seen_by demo-client

	say "5. It reaches the first on 127.0.0.1"
	printf '# runc exec demo-client nc 127.0.0.1 8080\n'
	until runc exec demo-client nc -w 5 127.0.0.1 8080 </dev/null >answer 2>/dev/null && [ -s answer ]; do
		sleep 0.05
	done
	sed 's/^/    /' answer

	say "6. Every process in the pod: the containers' own, and none that holds the pod"
	show_sh "for pid in \$(ip netns pids web); do echo \$pid \$(tr '\\0' ' ' </proc/\$pid/cmdline); done"

	say "7. The first container goes; the pod stays for the second"
	stop server
	show stat -c '%n inode %i' /run/netns/web

	say "8. The last one goes, and the pod with it: config.json is byte for byte what it was"
	stop client
	show sha256sum --check server.sum
	show_sh 'find /run/{net,ipc,uts}ns /run/podns ! -type d; echo "(that is all)"'
	[ -z "$(find /run/netns /run/ipcns /run/utsns /run/podns ! -type d ! -name log)" ]
	trap - EXIT
}

# --- two containers of podman's -----------------------------------------------------

# podman with its storage in the demo's directory, the two JSON files that `make install` installs, and
# the settings that it needs on a host without systemd.
podman_setup() {
	local file
	mkdir hooks.d
	for file in oci-podns oci-podns-precreate; do
		sed "s|@hookdir@|$(dirname "$HOOK")|" "$SRC/hooks.d/$file.json.in" >"hooks.d/$file.json"
	done
	{
		podman_engine_conf runc
		echo "hooks_dir = [\"$PWD/hooks.d\"]"
	} >containers.conf
	cat >storage.conf <<-CONF
		[storage]
		driver = "overlay"
		graphroot = "$PWD/storage"
		runroot = "/run/podman-demo"
	CONF
	export CONTAINERS_CONF=$PWD/containers.conf CONTAINERS_STORAGE_CONF=$PWD/storage.conf
	tar -C rootfs -c . | podman import --change 'ENV PATH=/bin' - demo >import.log 2>&1
}

podman_end() {
	podman rm -af -t 0 >/dev/null 2>&1 || true
	umount -l "$PWD/storage/overlay" 2>/dev/null || true
}

demo_podman() {
	local name run='podman run -d --annotation io.podns.pod=web --network none'
	podman_setup
	trap podman_end EXIT

	say "1. Nothing is in /run yet"
	show_sh 'ls /run/netns /run/ipcns /run/utsns 2>&1 || true'

	say "2. Two containers in the pod web; there is no pod to make first"
	show_sh "$run --name server demo sh -c 'while :; do echo hello from the server | nc -l -p 8080; done'"
	show_sh "$run --name client demo sleep 1000"

	say "3. The same namespaces, as each container sees them, and as they are pinned; pid is each one's own"
	for name in server client; do
		show_sh "podman exec $name sh -c 'for t in net ipc uts pid; do readlink /proc/self/ns/\$t; done; hostname'"
	done
	show_sh 'stat -c "%n inode %i" /run/{net,ipc,uts}ns/web'
	show ip netns list

	say "4. One talks to the other on 127.0.0.1"
	printf '# podman exec client nc 127.0.0.1 8080\n'
	until podman exec client nc -w 5 127.0.0.1 8080 </dev/null >answer 2>/dev/null && [ -s answer ]; do
		sleep 0.05
	done
	sed 's/^/    /' answer

	say "5. No infra container, and no process that holds the pod: these are all"
	show podman ps --format '{{.Names}}  {{.Command}}'
	show_sh "for pid in \$(ip netns pids web); do echo \$pid \$(tr '\\0' ' ' </proc/\$pid/cmdline); done"

	say "6. The first container goes; the pod stays for the other one"
	show podman rm -f -t 0 server
	show stat -c '%n inode %i' /run/netns/web

	say "7. The last one goes, and the pod with it"
	show podman rm -f -t 0 client
	show_sh 'find /run/{net,ipc,uts}ns /run/podns ! -type d; echo "(that is all)"'
	[ -z "$(find /run/netns /run/ipcns /run/utsns /run/podns ! -type d ! -name log)" ]
	trap - EXIT
	podman_end
}

demo() {
	local which=$1
	export HOOK=$2
	mount -t tmpfs -o mode=0755 tmpfs /run
	mount -t tmpfs -o mode=0755 tmpfs "$STATE_DIR"
	mkdir -p /run/lock
	cd "$3"
	make_rootfs rootfs
	if [ "$which" = podman ] && in_chroot; then
		echo "# this is a chroot, where podman exec hangs: runc is shown, try podman outside"
		which=runc
	fi
	"demo_$which"
}

# --- from here on in the caller's mount namespace ----------------------------------

if [ "${1-}" = --inside ]; then
	private_mounts "$SRC/tests/demo.sh" "$@"
	demo "$2" "$3" "$4"
	exit
fi

which=${1-podman}
case $which in
podman | runc) ;;
*)
	echo "usage: tests/demo.sh [podman|runc]" >&2
	exit 2
	;;
esac
be_root tests/demo.sh
umask 022
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/oci-podns-demo.XXXXXX")
clean_up() {
	rm -rf --one-file-system "$SCRATCH"
	state_dir_end
}
trap clean_up EXIT
trap 'exit 130' INT TERM

have_packages
BUILD=${BUILD_DIR:-$SCRATCH/build}
echo "# building"
copy_sources "$BUILD/src"
if ! build "$BUILD/gcc" gcc; then
	tail -n 40 "$BUILD/gcc/build.log" >&2
	exit 1
fi
BUILD=$(realpath "$BUILD")
state_dir_begin
mkdir "$SCRATCH/demo"
timeout -k 10 120 unshare --mount --propagation unchanged \
	"$SRC/tests/demo.sh" --inside "$which" "$BUILD/gcc/hook/oci-podns-hook" "$SCRATCH/demo" \
	</dev/null
