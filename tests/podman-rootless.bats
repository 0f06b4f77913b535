#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podman as an ordinary user: the pod lives in podman's user and mount namespaces, under /run/user/UID.

load helpers
load podman
load podman-pods

USER_NAME=podnstest
USER_ID=64242
RUN_USER=/run/user/$USER_ID
USER_HOME=$PM/home
ENTER=()	# for as_user: the command that enters another network namespace

# For pasta; the device is root's alone on some hosts. podman's mount namespace must get it, too.
make_tun() {
	mount -t tmpfs -o mode=0755 tmpfs /dev/net && mknod -m 0666 /dev/net/tun c 10 200
}

# A user of the tests' own, in an /etc that only this file sees; somebody with its uid is not in there.
make_user() {
	cp -a /etc "$PM/etc"
	sed -i "/^[^:]*:[^:]*:$USER_ID:/d" "$PM/etc/passwd" "$PM/etc/group"
	mount --bind "$PM/etc" /etc
	echo "$USER_NAME:x:$USER_ID:$USER_ID::$USER_HOME:/bin/sh" >>/etc/passwd
	echo "$USER_NAME:x:$USER_ID:" >>/etc/group
	echo "$USER_NAME:500000:65536" | tee -a /etc/subuid >>/etc/subgid
	install -d -m 0755 /run/user "$PM"
	install -d -m 0700 -o "$USER_ID" -g "$USER_ID" "$USER_HOME" "$RUN_USER"
}

# The user may not be allowed to enter the directory that the tests were started in, and podman enters it.
as_user() {
	timeout -k 5 "$LIMIT" "${ENTER[@]}" env --chdir=/ setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups \
		env -i HOME="$USER_HOME" USER="$USER_NAME" PATH="$PATH" XDG_RUNTIME_DIR="$RUN_USER" \
		CONTAINERS_CONF="$CONTAINERS_CONF" PODNS_TEST_RUN="${PODNS_TEST_RUN-}" "$@" 3>&-
}

pm() {
	as_user podman "${PM_OPTIONS[@]}" "$@" </dev/null
}

import_image() {
	make_user
	tar -C "$PM/rootfs" -c . | as_user podman "${IMPORT[@]}" >/dev/null 2>"$PM/import.log"
}

# bats knows no skip here: setup does that, unless the host has what podman needs.
setup_file() {
	make_tun || true
	! NETWORKS_D=$USER_HOME/networks podman_file_setup || touch "$PM/imported"
}

setup() {
	if [ ! -e "$PM/imported" ]; then
		needs_userns_of_users
		echo "podman as an ordinary user did not import the image: $(cat "$PM/import.log")"
		return 1
	fi
	podman_setup
	pod_named web
	ROOT=$RUN_USER
	# The user cannot write in $T.
	rm -rf "$USER_HOME/pids"
	install -d -o "$USER_ID" -g "$USER_ID" "$USER_HOME/pids"
	pids_in "$USER_HOME/pids"
}

teardown() {
	podman_teardown
	pm rm -a -f -t 0 >/dev/null 2>&1 || true
	end_pause
	podman_options
	pm rm -a -f -t 0 >/dev/null 2>&1 || true
	end_pause
	rm -rf "$ROOT"/{net,ipc,uts,user}ns "$ROOT/podns"
}

pause_pid() {
	cat "$RUN_USER/libpod/tmp/pause.pid"
}

# podman's process that does nothing but hold its user and mount namespaces.
end_pause() {
	local pid
	pid=$(pause_pid 2>/dev/null) || return 0
	kill -KILL "$pid" 2>/dev/null || true
	wait_for not_alive "$pid"
	rm -f "$RUN_USER/libpod/tmp/pause.pid"
}

# The pins are seen in podman's mount namespace alone.
pin_ino() {
	pm unshare stat -L -c %i "$ROOT/${1}ns/$POD"
}

left_mounted() {
	# shellcheck disable=SC2016 # awk expands it
	pm unshare awk -v root="$ROOT" '$5 ~ "^" root "/podns/" || $5 ~ "^" root "/[a-z]+ns/"' /proc/self/mountinfo
}

user_nothing_left() {
	nothing_left || return 1
	equal "$(left_mounted)" '' "left mounted in podman's mount namespace"
}

@test "rootless podman: two containers in one pod, under /run/user" {
	pod_wait a
	pod_wait b
	same_pod a b
	talk a b
	shares_ipc a b
	equal "$(in_ctr a hostname)" web
	equal "$(in_ctr b hostname)" web
	[ ! -e /run/netns/web ]
	[ ! -e /run/podns ]
	equal "$(stat -c %u "$ROOT/podns/web")" "$USER_ID"
	drop a
	same_pod b
	drop b
	user_nothing_left
}

@test "rootless podman: restart, stop and start" {
	local ino
	pod_wait a
	pod_wait b
	ino=$(pin_ino net)
	pm restart -t 0 a >/dev/null
	pm stop -t 0 b >/dev/null
	pm start b >/dev/null
	same_pod a b
	equal "$(pin_ino net)" "$ino"
	drop a b
	user_nothing_left
}

@test "rootless podman: podns ls calls containers as podman does" {
	pod_wait a
	pod_wait b
	contains "$(pm unshare "$PM/bin/podns" ls)" ' a, b (podman)'
	equal "$(pm unshare "$PM/bin/podns" rm --force web)" 'web: cut off a, b (podman)'
	drop a b
	user_nothing_left
}

@test "rootless podman: the last line of a refused container names the command that has the reason, with the remedy" {
	local reason
	# shellcheck disable=SC2016 # the user's shell expands it
	pm unshare sh -c 'touch "$1" && unshare --net="$1" true' sh "$RUN_USER/mine"
	pod_wait a
	pod_fails b --network "ns:$RUN_USER/mine"
	equal "$(named_command b)" "podns log"
	# As the user would type it, and in the user namespace.
	reason=$(reason_of b as_user)
	contains "$reason" "pod web: the container was given the network namespace ["
	contains "$reason" "but its pod has [$(pin_ino net)] at $RUN_USER/netns/web (start it with --network none"
	equal "$(reason_of b pm unshare)" "$reason"
	equal "$(stat -c %u "$RUN_USER/podns/log")" "$USER_ID"
	pm rm b >/dev/null
	pod_wait b
	same_pod a b
	drop a b
	# shellcheck disable=SC2016 # the user's shell expands it
	pm unshare sh -c 'umount "$1" && rm "$1"' sh "$RUN_USER/mine"
	user_nothing_left
}

@test "rootless podman: after podman system migrate the containers start again, in a pod made anew" {
	local before
	pod_wait a
	pod_wait b
	before=$(pause_pid)
	# It stops the containers and ends the process that held their mounts.
	pm system migrate >/dev/null 2>"$T/migrate.err"
	equal "$(state_of a)" exited
	pm start a >/dev/null
	pm start b >/dev/null
	differ "$(pause_pid)" "$before"
	same_pod a b
	talk a b
	drop a b
	user_nothing_left
}

@test "rootless podman: without its pause process podman comes back by a container's conmon, and the pod goes on" {
	local ino
	pod_wait a
	ino=$(pin_ino net)
	end_pause
	pod_wait b
	same_pod a b
	equal "$(pin_ino net)" "$ino"
	drop a b
	user_nothing_left
}

@test "rootless podman: live containers in another mount namespace of podman's: the start fails and names both" {
	local there init
	pod_wait a
	init=$(pid_of a)
	there=$(pm unshare readlink /proc/self/ns/mnt | tr -dc 0-9)
	# Another storage knows nothing of a, and without the pause process podman makes new namespaces for it.
	end_pause
	podman_options --root "$USER_HOME/other" --runroot "$RUN_USER/other"
	tar -C "$PM/rootfs" -c . | as_user podman "${PM_OPTIONS[@]}" "${IMPORT[@]}" >/dev/null 2>&1
	differ "$(pm unshare readlink /proc/self/ns/mnt | tr -dc 0-9)" "$there"
	pod_fails b --network none
	[ -e "/proc/$init" ]
	contains "$(cat "$ROOT/podns/log")" "pod web: the pod has live containers"
	contains "$(cat "$ROOT/podns/log")" "pinned in mount namespace [$there], this is [$(pm unshare readlink /proc/self/ns/mnt | tr -dc 0-9)]"
	# With no live process, the pod is made again.
	kill -KILL "$init"
	wait_for not_alive "$init"
	pod_wait c
	same_pod c
	drop c
	user_nothing_left
}

@test "rootless podman: podman's own pods, without an infra container and with one" {
	pods_hook_file "$HOOKS_D"
	member_of_pods
	rm "$HOOKS_D/oci-podns-pods.json"
	user_nothing_left
}

member_of_pods() {
	pod_create web
	member web a
	member web b --annotation "$POD_LABEL=other"
	same_pod a b
	talk a b
	shares_ipc a b
	equal "$(in_ctr b hostname)" "${POD:0:12}"
	[ ! -e /run/podns ]
	equal "$(claims "$POD")" 0
	quiet pm pod restart web
	same_pod a b
	quiet pm pod stop -t 0 web
	user_nothing_left
	quiet pm pod start web
	same_pod a b
	quiet pm pod create --name pp --network none --share net
	infra_member pp c --annotation "$POD_LABEL=other"
	infra_member pp d
	equal "$(ctr_ns c net)" "$(ctr_ns d net)"
	differ "$(ctr_ns c ipc)" "$(ctr_ns d ipc)"
	equal "$(members "$POD")" 2
	quiet pm pod rm -f -t 0 pp
	quiet pm pod rm -f -t 0 web
}

@test "rootless podman: a pod of podman's own with pasta, which podns create made with the pod's id" {
	local pid
	needs_veth
	enter_network
	pods_hook_file "$HOOKS_D"
	install -m 0755 "$PODNS_BUILD/cli/podns" "$PODNS_BUILD/net/podns-net" "$PM/bin"
	pm unshare "$PM/bin/podns" create --network pasta --publish 8080:80 "$(pm pod create --infra=false --name web)" >/dev/null
	pod_of_podman web
	pid=$(jq .pasta.pid <"$ROOT/podns/network@$POD")
	member web a
	member web b
	contains "$(in_ctr b ip addr show eth0)" 192.0.2.2
	quiet pm pod stop -t 0 web
	quiet pm pod start web
	contains "$(in_ctr a ip addr show eth0)" 192.0.2.2
	[ -e "/proc/$pid" ]
	quiet pm pod rm -f -t 0 web
	pm unshare "$PM/bin/podns" rm "${POD:0:12}"
	wait_for not_alive "$pid"
	rm "$HOOKS_D/oci-podns-pods.json"
	umount "$PM/host"
	user_nothing_left
}

@test "rootless podman: root's pod of the same name is another" {
	local ino
	tar -C "$PM/rootfs" -c . | root_pm "${IMPORT[@]}" >/dev/null 2>&1
	root_pm run -d --name r --annotation "$POD_LABEL=web" --network none "$IMAGE" pause >/dev/null 3>&-
	ino=$(ns_ino /run/netns/web)
	grep -F ' - nsfs ' /proc/self/mountinfo >"$T/nsfs.before"
	pod_wait a
	differ "$(pin_ino net)" "$ino"
	drop a
	user_nothing_left
	equal "$(ns_ino /run/netns/web)" "$ino"
	root_pm rm -f -t 0 r >/dev/null
	[ ! -e /run/netns/web ]
}

root_pm() {
	timeout -k 5 "$LIMIT" podman --root "$PM/storage" --runroot "$PM/run" "$@" 3>&-
}

# A network namespace that plays the host, with 192.0.2.2, for as_user.
enter_network() {
	touch "$PM/host"
	unshare "--net=$PM/host" true
	ENTER=(nsenter "--net=$PM/host")
	"${ENTER[@]}" ip link set lo up
	"${ENTER[@]}" ip link add up0 type veth peer name down0
	"${ENTER[@]}" ip address add 192.0.2.2/24 dev up0
	"${ENTER[@]}" ip link set up0 up
	"${ENTER[@]}" ip link set down0 up
	"${ENTER[@]}" ip route add default via 192.0.2.1
}

@test "rootless podman: a pod's pasta outlives the container, and ends when the pod does, also after system migrate" {
	local pid
	needs_veth
	enter_network
	install -m 0755 "$PODNS_BUILD/net/podns-net" "$PM/bin"
	pm unshare "$PM/bin/podns" create --network pasta --publish 8080:80 web >/dev/null
	pid=$(jq .pasta.pid <"$ROOT/podns/network@web")
	pod_wait a
	contains "$(in_ctr a ip addr show eth0)" 192.0.2.2
	drop a
	[ -e "/proc/$pid" ]
	pod_wait b
	contains "$(in_ctr b ip addr show eth0)" 192.0.2.2
	pm system migrate >/dev/null 2>&1
	# Elsewhere it cannot be known whether a process is in a namespace: then gc leaves the pod.
	if in_initial_pidns; then
		contains "$(pm unshare "$PM/bin/podns" gc)" 'dropped network pasta of pod web: its namespace is gone'
		wait_for not_alive "$pid"
		[ ! -e "$ROOT/podns/network@web" ]
	fi
	pm unshare "$PM/bin/podns" rm web
	wait_for not_alive "$pid"
	[ ! -e "$ROOT/podns/network@web" ]
	drop b
	umount "$PM/host"
	user_nothing_left
}
