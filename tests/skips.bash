# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # podman.bash sets $PM
#
# All reasons for skipping tests; nothing else calls skip. What the host lacks is probed, without the programs under test
# and without podman: if the probe succeeds the test goes on, and fails if it cannot run. A missing package is no reason:
# tests/setup.bash installs it. tests/run.sh counts any other skip as a failure.

# skip_unless REASON PROBE...: the probe is a command that fails if the host lacks what REASON names.
skip_unless() {
	"${@:2}" >/dev/null 2>&1 || skip "host: $1"
}

# needs_plain_build REASON: for a test that has no meaning for an instrumented build.
needs_plain_build() {
	[ -z "${PODNS_MODE-}" ] || skip "--$PODNS_MODE: $1"
}

# --- namespaces ----------------------------------------------------------------

needs_userns() {
	skip_unless "no user namespace can be made here, as in a chroot" unshare --user true
}

# As rootless podman makes them.
needs_userns_of_users() {
	skip_unless "an ordinary user can make no user namespace with a /proc of its own here" \
		setpriv --reuid 65534 --regid 65534 --clear-groups env --chdir=/ \
		unshare --user --map-root-user --pid --fork --mount-proc true
}

INITIAL_PIDNS=4026531836	# PROC_PID_INIT_INO in linux/proc_ns.h

in_initial_pidns() {
	[ "$(stat -L -c %i /proc/self/ns/pid)" = "$INITIAL_PIDNS" ]
}

needs_initial_pidns() {
	skip_unless "this is not the initial pid namespace" in_initial_pidns
}

needs_token_buckets() {
	skip_unless "this kernel has no token bucket filter (tc-tbf)" \
		unshare --net tc qdisc add dev lo root tbf rate 1mbit burst 32kbit latency 25ms
}

needs_choice_of_pid() {
	skip_unless "this kernel has no ns_last_pid: no pid can be chosen" [ -e /proc/sys/kernel/ns_last_pid ]
}

# The kernel gives out the lowest free number.
inode_is_used_again() {
	local i ino
	touch "$T/probe.uts"
	for ((i = 0; i < 50; i++)); do
		unshare --uts="$T/probe.uts" true || return
		ino=$(stat -L -c %i "$T/probe.uts")
		umount "$T/probe.uts"
		unshare --uts="$T/probe.uts" true || return
		[ "$(stat -L -c %i "$T/probe.uts")" != "$ino" ] || i=100
		umount "$T/probe.uts"
	done
	[ "$i" -gt 100 ]
}

needs_inodes_used_again() {
	skip_unless "the kernel does not use a namespace's inode number again" inode_is_used_again
}

# Linux 6.18 numbers mount namespaces in batches for each CPU, and refuses to bind one with a lower number than our own. The
# CPU that was found is in $MOUNTS_CPU.
cpu_that_binds_mounts() {
	local found=1
	mkdir -p "$T/probe"
	mount --bind "$T/probe" "$T/probe"
	mount --make-private "$T/probe"
	touch "$T/probe/mnt"
	for MOUNTS_CPU in $(seq 0 $(($(nproc --all) - 1))); do
		if taskset -c "$MOUNTS_CPU" unshare --mount="$T/probe/mnt" true; then
			umount "$T/probe/mnt"
			found=0
			break
		fi
	done
	umount "$T/probe"
	return "$found"
}

# where_mounts_bind COMMAND...: on a CPU where the kernel lets a new mount namespace be bound in ours.
where_mounts_bind() {
	skip_unless "the kernel lets no mount namespace be bound in ours" cpu_that_binds_mounts
	taskset -c "$MOUNTS_CPU" "$@"
}

needs_timens() {
	skip_unless "this kernel has no time namespaces" unshare --time true
}

needs_next_id() {
	skip_unless "this kernel has no kernel.shm_next_id" [ -e /proc/sys/kernel/shm_next_id ]
}

needs_no_selinux() {
	skip_unless "this host has SELinux" [ ! -e /sys/fs/selinux/enforce ]
}

# podman's generator of services, or nothing.
quadlet() {
	local file
	for file in /usr/libexec/podman/quadlet /usr/lib/podman/quadlet; do
		[ ! -x "$file" ] || echo "$file"
	done | head -n 1
}

needs_quadlet() {
	skip_unless "this podman has no Quadlet, as before 4.4" [ -n "$(quadlet)" ]
}

# --- network ---------------------------------------------------------------------

needs_veth() {
	skip_unless "this kernel has no veth" unshare --net ip link add veth-a type veth peer name veth-b
}

needs_tun() {
	skip_unless "no tun interface can be made here" unshare --net ip tuntap add tun0 mode tun
}

# What a bridge of podman's is made of.
bridge_with_nat() {
	unshare --net bash -e -c '
		ip link add bridge0 type bridge
		ip link add veth-a master bridge0 type veth peer name veth-b
		iptables -w -t nat -A POSTROUTING -m comment --comment probe -s 192.0.2.0/24 -j MASQUERADE'
}

needs_bridge() {
	skip_unless "this kernel has no bridge, veth or NAT" bridge_with_nat
}

# --- files and control groups -------------------------------------------------------

has_user_attributes() {
	touch "$T/probe.xattr"
	setfattr -n user.probe -v x "$T/probe.xattr"
}

needs_user_attributes() {
	skip_unless "the file system of $T has no user attributes (TMPDIR=DIR has the tests work elsewhere)" has_user_attributes
}

overlay_on_usr() {
	mkdir -p "$T/probe.overlay"
	mount -t overlay -o "ro,lowerdir=$T/probe.overlay:/usr" overlay "$T/probe.overlay" && umount "$T/probe.overlay"
}

needs_overlay_on_usr() {
	skip_unless "no overlay can be mounted on /usr here" overlay_on_usr
}

# Version 2 always has one.
needs_freezer() {
	skip_unless "no control group can be frozen here" \
		grep -qE ' - cgroup2 | - cgroup .*[ ,]freezer' /proc/self/mountinfo
}

# --- the bed ---------------------------------------------------------------------------

# What bed.bash needs of the host: namespaces, an overlay, and control groups of its own.
enters_a_bed() {
	local top
	unshare --cgroup --mount --net --ipc --uts --pid --fork true || return
	mkdir -p "$T/probe.overlay"/{lower,upper}
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare --mount --propagation private bash -e -c '
		mount -t tmpfs tmpfs "$1/upper"
		mkdir "$1/upper/upper" "$1/upper/work"
		mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/upper/upper,workdir=$1/upper/work" overlay "$1/lower"' \
		- "$T/probe.overlay" || return
	while IFS= read -r top; do
		mkdir "$top/podns-$PODNS_TEST_RUN-probe" && rmdir "$top/podns-$PODNS_TEST_RUN-probe" || return
	done < <(bed_hierarchies)
}

# What the host lacks for a bed, if anything.
lacks_for_bed() {
	if ! bed_mirror >/dev/null 2>&1; then
		echo "no mirror of apt's has Debian 13, or none can be reached"
	elif ! enters_a_bed >/dev/null 2>&1; then
		echo "no Debian 13 can be entered: it takes namespaces, an overlay and control groups"
	fi
}

# For files that run.sh runs in the bed, and on the host if it could not make the bed.
needs_bed() {
	local lack
	[ -z "${PODNS_IN_BED-}" ] || return 0
	lack=$(lacks_for_bed)
	[ -z "$lack" ] || skip "host: $lack"
	tail -n 40 "$PODNS_BED"/{make.log,demo.log,gcc/build.log}
	return 1
}

# For files that use a Debian of their own (packages.bash).
needs_packages() {
	local suite=${PODNS_BED##*-}
	[ -d "$PODNS_BED/root" ] || skip_unless "no mirror of apt's has Debian's $suite, or none can be reached" bed_mirror "$suite"
	skip_unless "no Debian can be entered: it takes namespaces, an overlay and control groups" enters_a_bed
	[ -d "$PODNS_BED/$WORK" ] || {
		tail -n 40 "$PODNS_BED/make.log"
		return 1
	}
}

# --- programs --------------------------------------------------------------------------

busybox_has_syslogd() {
	busybox --list | grep -qx syslogd
}

needs_syslogd() {
	skip_unless "this busybox has no syslogd" busybox_has_syslogd
}

# needs_tools RECORDED: the numbers depend on the compiler and the C library.
needs_tools() {
	local now
	now=$(tools_version)
	skip_unless "the bounds are of $1, this is $now" [ "$1" = "$now" ]
}

# needs_failed_build STATUS: the exit status of a podman build that a hook was expected to break.
needs_failed_build() {
	skip_unless "this podman builds with a precreate stage there" [ "$1" != 0 ]
}

# --- tools ---------------------------------------------------------------------

needs_clang_format_14() {
	skip_unless "clang-format is not version 14, and others format otherwise" \
		eval 'clang-format --version | grep -q "version 14[.]"'
}
