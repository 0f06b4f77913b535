#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The life of the Debian package on a fresh Debian: packages-life.bash OLD.deb NEW.deb. Install OLD, use it, upgrade to NEW while a
# pod runs, remove, install, purge, install. Run in a bed by packages-*.bats; it changes the system that it is run on.

set -eu -o pipefail
trap 'echo "failed at line $LINENO: $BASH_COMMAND"' ERR
cd "$(dirname "$0")"
# shellcheck source=tests/setup.bash
. ./setup.bash
export DEBIAN_FRONTEND=noninteractive PODMAN_IGNORE_CGROUPSV1_WARNING=yes
OUT=/tmp/out

fail() {
	echo "$*"
	[ ! -s "$OUT" ] || cat "$OUT"
	exit 1
}

# equal IS SHOULD-BE WHAT
equal() {
	[ "$1" = "$2" ] || fail "$3: is \"$1\", should be \"$2\""
}

has() {
	grep -qF -- "$1" "$OUT" || fail "the output lacks \"$1\""
}

install() {
	apt-get install -y --no-install-recommends "$1" >"$OUT" 2>&1 || fail "apt-get install $1"
}

# content: podns check finds no problem, and no unit has been enabled.
content() {
	podns check >"$OUT" || fail "podns check"
	equal "$(find /etc/systemd/system -name 'podns*')" '' "units that are enabled"
}

inode() {
	stat -L -c %i /run/netns/web
}

inside() {
	stat -L -c %i "/proc/$(podman inspect --format '{{.State.Pid}}' "$1")/ns/net"
}

containers() {
	podns ls | awk '$1 == "web" { print $3, $5 }'
}

no_pod_is_left() {
	equal "$(podns ls | sed 1d)" '' "pods that are left"
	equal "$(find /run/{net,ipc,uts}ns -mindepth 1)" '' "pins that are left"
}

# All files of the system but those that apt, dpkg and podman keep for themselves.
system_files() {
	find /etc /usr /var /run \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \
		-o -path '*/containers/storage' -o -path /run/containers -o -path /run/libpod -o -path /run/crun -o -path /run/runc \
		-o -path /run/netns -o -path /run/lock \) -prune -o -print | sort
}

# --- a podman that works here -----------------------------------------------------

mkdir -p /var/lib/containers /etc/containers/containers.conf.d /etc/systemd/system/multi-user.target.wants
mount -t tmpfs tmpfs /var/lib/containers
: >/etc/systemd/system/multi-user.target.wants/other.service
podman_engine_conf runc >/etc/containers/containers.conf.d/00-bed.conf
make_rootfs /tmp/rootfs
tar -C /tmp/rootfs -c . | podman import --change 'ENV PATH=/bin' - busybox >/dev/null 2>&1
podman run --rm --network none busybox hostname >/dev/null
system_files >/tmp/before

# --- install, and README.md's first recipe ----------------------------------------------

install "$1"
content
equal "$(stat -c '%a %U:%G' /var/lib/oci-podns)" '700 root:root' /var/lib/oci-podns
awk '/^## Recipe 1/ { recipe = 1 } recipe && /^    / { found = 1; print; next } found { exit }' \
	/usr/share/doc/oci-podns/README.md >/tmp/recipe
equal "$(grep -c '^    podman' /tmp/recipe)" 3 "commands of the recipe"
# The last command is a client, and the server may not listen yet.
sed '$d' /tmp/recipe >/tmp/recipe.start
bash -e /tmp/recipe.start >/dev/null
tail -n 1 /tmp/recipe >/tmp/recipe.ask
timeout 30 sh -c 'until sh /tmp/recipe.ask 2>/dev/null | grep -qx "hello from www"; do sleep 0.1; done' || fail "no answer"
equal "$(podman exec client hostname)" web "the pod's hostname"

# --- an upgrade while the pod runs --------------------------------------------------------

net=$(inode)
pid=$(podman inspect --format '{{.State.Pid}}' www)
old=$(stat -c %i /usr/libexec/oci/hooks.d/oci-podns-hook)
install "$2"
content
[ "$(stat -c %i /usr/libexec/oci/hooks.d/oci-podns-hook)" != "$old" ] || fail "the hook was not replaced"
equal "$(podman inspect --format '{{.State.Pid}}' www)" "$pid" "the pid of www"
equal "$(inode)" "$net" "the pod's network"
equal "$(containers)" '2 live' "the pod"
# The new programs read the record of the old ones.
podman run -d --name late --annotation io.podns.pod=web --network none busybox sleep 1000 >/dev/null
podman restart -t 0 client >/dev/null
equal "$(inside late) $(inside client)" "$net $net" "the networks of the containers"
equal "$(containers)" '3 live' "the pod"

# --- remove ------------------------------------------------------------------------------------

if apt-get remove -y oci-podns >"$OUT" 2>&1; then
	fail "the package was removed from under containers"
fi
has 'cannot be removed while containers run in its pods: web'
equal "$(dpkg-query -W -f '${Status}' oci-podns)" 'install ok installed' "the package"
equal "$(containers)" '3 live' "the pod"
podman rm -f -t 0 www client late >/dev/null
no_pod_is_left

podns create held >/dev/null
ln -s /usr/share/oci-podns/oci-podns-pods.conf /etc/containers/containers.conf.d/zz-oci-podns-pods.conf
podman run --rm --network none busybox hostname >/dev/null
apt-get remove -y oci-podns >"$OUT" 2>&1 || fail "apt-get remove"
has 'pods without containers stay until the system restarts, with their networks: held'
equal "$(dpkg-query -W -f '${Status}' oci-podns)" 'deinstall ok config-files' "the package"
[ ! -e /usr/bin/podns ] || fail "podns is left"
[ -e /etc/containers/containers.conf.d/oci-podns.conf ] || fail "a conffile was removed"
podman run --rm --annotation io.podns.pod=web --network none busybox hostname >/dev/null

install "$2"
content
podns rm held
no_pod_is_left

# --- purge ---------------------------------------------------------------------------------------

echo '[Pod]' >/etc/oci-podns/pods.d/mine.pod
ln -s /usr/lib/systemd/system/podns@.service /etc/systemd/system/multi-user.target.wants/podns@mine.service
echo '{}' >/var/lib/oci-podns/copy
apt-get purge -y oci-podns >"$OUT" 2>&1 || fail "apt-get purge"
[ -e /etc/oci-podns/pods.d/mine.pod ] || fail "a file of the administrator's was removed"
rm -r /etc/oci-podns
system_files | diff /tmp/before - >"$OUT" || fail "purge leaves, or has removed"

install "$2"
content
podman run --rm --annotation io.podns.pod=web --network none busybox hostname >"$OUT"
equal "$(cat "$OUT")" web "the pod's hostname"
no_pod_is_left
