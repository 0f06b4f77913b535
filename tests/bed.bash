# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The bed: a fresh Debian 13. run.sh runs in it each bats file with the line `# bats file_tags=bed`, which needs newer
# programs than the host's or engines that must not run on the host, and then the README's two commands. Sourced after
# setup.bash; $SRC is the top of the source tree.
#
#	bed_make DIR			have a Debian 13 in DIR/root, on which the demo has run
#	bed_make_of SUITE DIR KEY COMMAND...	have another Debian, which "COMMAND... DIR" furnishes (packages.bash)
#	bed_build DIR			build the project with the bed's own compiler, in DIR/gcc
#	bed_run DIR COMMAND...		run COMMAND in the bed; it sees DIR as /build, the sources as /build/src
#
# DIR/root is never changed once it is made. Each bed_run has namespaces of all types of its own but user, and a
# copy-on-write view of DIR/root that ends with COMMAND, as do all processes that COMMAND left. Its network
# namespace has only a loopback interface.

BED_SUITE=trixie

# Beside what the README's commands install.
BED_ENGINES=(conmon containerd docker-cli docker-compose docker.io)

# --- making it ------------------------------------------------------------------

# bed_mirror [SUITE]: the first of apt's repositories that has it. apt itself reads its configuration, whose files may have
# either of two formats, and tries the address, so that its settings for proxies count. Its lists may be missing.
bed_mirror() {
	local suite=${1-$BED_SUITE} mirror release
	release=$(mktemp) || return
	# shellcheck disable=SC2016 # apt expands it
	while IFS= read -r mirror; do
		if timeout 60 /usr/lib/apt/apt-helper -o Acquire::Retries=0 -o Acquire::http::Timeout=10 \
			-o Acquire::https::Timeout=10 download-file "$mirror/dists/$suite/InRelease" "$release" \
			>/dev/null 2>&1 && grep -qx "Codename: $suite" "$release"; then
			rm "$release"
			echo "$mirror"
			return
		fi
	done < <(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		grep -E '^(https?|ftp|file):' | sed 's|/*$||' | sort -u)
	rm "$release"
	return 1
}

# bed_make DIR: made once for a list of packages. Several bats files may need it at the same time. The output of
# debootstrap and apt is in DIR/make.log, that of the demo in DIR/demo.log.
bed_make() {
	bed_make_of "$BED_SUITE" "$1" "$(packages) ${BED_ENGINES[*]}" bed_furnish
}

bed_furnish() {
	# It sets PODNS_SOURCES, which is the host's.
	(copy_sources "$1/src") || return
	bed_change "$1" /build/src/tests/demo.sh >"$1/demo.log" 2>&1 || return
	bed_install "${BED_ENGINES[@]}" "$1"
}

# bed_install PACKAGE... DIR: while DIR/root.new is being made.
bed_install() {
	bed_change "${@: -1}" env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -q && apt-get install -q -y --no-install-recommends "$@"' \
		- "${@:1:$#-1}"
}

# bed_make_of SUITE DIR KEY COMMAND...: unless DIR has one of the same KEY. debootstrap verifies signatures with the keys of
# Debian 12 or 13: both suites are signed with both.
bed_make_of() {
	local suite=$1 dir=$2 key=$3 mirror
	shift 3
	mkdir -p "$dir" || return
	# shellcheck disable=SC2094 # a lock on the directory is no read of its files
	{
		flock 8 || return
		if [ "$(cat "$dir/packages" 2>/dev/null)" = "$key" ]; then
			return
		fi
		mirror=$(bed_mirror "$suite") || return
		rm -rf --one-file-system "$dir"/{packages,root,root.new,gcc,built}
		if ! debootstrap --variant=minbase "$suite" "$dir/root.new" "$mirror"; then
			[ ! -e "$dir/root.new/debootstrap/debootstrap.log" ] ||
				tail -n 20 "$dir/root.new/debootstrap/debootstrap.log"
			return 1
		fi
		# No daemon starts when its package is installed.
		printf '#!/bin/sh\nexit 101\n' >"$dir/root.new/usr/sbin/policy-rc.d"
		chmod 0755 "$dir/root.new/usr/sbin/policy-rc.d"
		# Nothing here outlives a crash of the host.
		echo force-unsafe-io >"$dir/root.new/etc/dpkg/dpkg.cfg.d/unsafe-io"
		"$@" "$dir" || return
		rm -f "$dir"/root.new/var/cache/apt/archives/*.deb
		mv "$dir/root.new" "$dir/root" && echo "$key" >"$dir/packages"
	} >"$dir/make.log" 2>&1 </dev/null 8<"$dir"
}

# bed_build DIR: as a person builds it on a fresh system. Once per run of run.sh. The output is in DIR/gcc/build.log.
bed_build() {
	local dir=$1
	# shellcheck disable=SC2094 # a lock on the directory is no read of its files
	{
		flock 8 || return
		if [ "$(cat "$dir/built" 2>/dev/null)" = "$PODNS_TEST_RUN" ]; then
			return
		fi
		# It sets PODNS_SOURCES, which is the host's.
		(copy_sources "$dir/src") || return
		# shellcheck disable=SC2016 # the bed's shell expands it
		bed_run "$dir" bash -c 'SRC=/build/src PODNS_SOURCES=/build/src
			. "$SRC/tests/setup.bash" && build /build/gcc gcc' || return
		echo "$PODNS_TEST_RUN" >"$dir/built"
	} 8<"$dir"
}

# --- entering it ----------------------------------------------------------------

# The mounted hierarchies of control groups: one mount point a line. A hierarchy of version 2 beside others of
# version 1 has no controllers, and crun refuses a host with both.
bed_hierarchies() {
	awk '{ for (i = 7; $i != "-"; i++); type = $(i + 1) }
		type == "cgroup" { v1 = v1 $5 "\n" }
		type == "cgroup2" { v2 = $5 "\n" }
		END { printf "%s", v1 ? v1 : v2 }' /proc/self/mountinfo
}

# bed_join_group NAME: move this shell into a group of its own in each hierarchy. In a cgroup namespace made there
# engines make their groups below.
bed_join_group() {
	local top file
	while IFS= read -r top; do
		mkdir -p "$top/$1" || return
		# A group of the cpuset controller has no processors at first.
		for file in cpuset.cpus cpuset.mems; do
			if [ -e "$top/$file" ] && [ -e "$top/cgroup.clone_children" ]; then
				cat "$top/$file" >"$top/$1/$file" || return
			fi
		done
		echo "$BASHPID" >"$top/$1/cgroup.procs" || return
	done < <(bed_hierarchies)
}

# bed_remove_groups PREFIX: all groups that bed_join_group made with such a name, and those below. A process that has
# just ended may still hold its group for a moment.
bed_remove_groups() {
	local top tries
	while IFS= read -r top; do
		for ((tries = 0; tries < 50; tries++)); do
			find "$top" -depth -type d -path "$top/$1*" -exec rmdir {} + 2>/dev/null
			[ -n "$(find "$top" -maxdepth 1 -name "$1*")" ] || break
			sleep 0.1
		done
	done < <(bed_hierarchies)
}

# bed_run DIR COMMAND...: exit status and standard streams are COMMAND's. If it is killed, its control groups stay: run.sh
# removes all of its run.
bed_run() {
	bed_start bed_view --net "$@"
}

# bed_change DIR COMMAND...: while DIR/root.new is being made. COMMAND changes it, and has the host's network for apt.
bed_change() {
	bed_start bed_itself '' "$@"
}

# bed_start ROOT NETWORK DIR COMMAND...: ROOT is a function that mounts the bed's root, NETWORK an option of unshare.
bed_start() {
	local scratch group root=$1 network=$2 status=0
	shift 2
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/bed.XXXXXX") || return
	group=podns-${PODNS_TEST_RUN-bed}-${scratch##*.}
	(
		bed_join_group "$group" || exit
		# shellcheck disable=SC2016 # the inner shell expands it
		exec unshare --cgroup --mount ${network:+"$network"} --ipc --uts --pid --fork --kill-child --propagation private \
			bash -c '. "$1" && bed_enter "${@:2}"' bed "$SRC/tests/bed.bash" "$root" "$scratch" "$@"
	) || status=$?
	bed_remove_groups "$group"
	rmdir "$scratch"
	return "$status"
}

# bed_enter ROOT SCRATCH DIR COMMAND..., as process 1 of the namespaces.
bed_enter() {
	local make_root=$1 scratch=$2 dir=$3
	shift 3
	mount -t tmpfs -o mode=0755 tmpfs "$scratch" && mkdir "$scratch/root" && "$make_root" "$scratch" "$dir" &&
		bed_mounts "$scratch/root" "$dir" && bed_kernel_mounts "$scratch/root" && cd "$scratch/root" &&
		pivot_root . .old && umount -l /.old && rmdir /.old && cd / || exit
	# As systemd does it on real hosts.
	mount --make-rshared / && hostname bed || exit
	if [ "$make_root" = bed_view ]; then
		ip link set lo up || exit
	fi
	if mountpoint -q /sys/fs/cgroup; then
		bed_cgroup2 || exit
	fi
	export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/tmp
	# The kernel delivers to process 1 only signals that it handles.
	trap 'exit 143' TERM INT
	"$@" &
	wait $!
	exit
}

# bed_view SCRATCH DIR: SCRATCH/root is a copy-on-write view of DIR/root.
bed_view() {
	mkdir "$1"/{upper,work} &&
		mount -t overlay -o "lowerdir=$2/root,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
}

# bed_itself SCRATCH DIR: SCRATCH/root is what is being made.
bed_itself() {
	mount --bind "$2/root.new" "$1/root"
}

# bed_mounts ROOT DIR: what is not on the disk, and DIR as /build. Docker's and containerd's stores are not in the overlay,
# because both make overlays themselves.
bed_mounts() {
	local root=$1 dir
	mkdir -p "$root"/{.old,build,var/lib/docker,var/lib/containerd,var/lib/containers} || return
	for dir in run var/lib/docker var/lib/containerd var/lib/containers; do
		mount -t tmpfs -o mode=0755 tmpfs "$root/$dir" || return
	done
	mount -t tmpfs -o mode=1777 tmpfs "$root/tmp" && mkdir "$root/run/lock" && mount --bind "$2" "$root/build"
}

# bed_kernel_mounts ROOT: /proc, /sys and /dev.
bed_kernel_mounts() {
	mount -t proc -o nosuid,nodev,noexec proc "$1/proc" &&
		mount -t sysfs -o nosuid,nodev,noexec sysfs "$1/sys" &&
		mount -t tmpfs -o mode=0755,nosuid tmpfs "$1/dev" && bed_devices "$1/dev" &&
		bed_mount_groups "$1/sys/fs/cgroup"
}

# bed_devices DIR: what a container's /dev has, and /dev/net/tun.
bed_devices() {
	local name major minor
	while read -r name major minor; do
		mknod -m 0666 "$1/$name" c "$major" "$minor" || return
	done <<-'LIST'
		null 1 3
		zero 1 5
		full 1 7
		random 1 8
		urandom 1 9
		tty 5 0
	LIST
	mkdir "$1"/{net,pts,shm} && mknod -m 0666 "$1/net/tun" c 10 200 &&
		mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$1/shm" &&
		mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$1/pts" &&
		ln -s pts/ptmx "$1/ptmx" && ln -s /proc/self/fd "$1/fd" && ln -s fd/0 "$1/stdin" &&
		ln -s fd/1 "$1/stdout" && ln -s fd/2 "$1/stderr"
}

# bed_mount_groups DIR: the hierarchies that bed_join_group entered.
bed_mount_groups() {
	local controllers
	if ! grep -q '^[0-9]*:[^:]' /proc/self/cgroup; then
		mount -t cgroup2 cgroup2 "$1"
		return
	fi
	mount -t tmpfs -o mode=0755 tmpfs "$1" || return
	while IFS=: read -r _ controllers _; do
		# Version 2 has none here. One that the host has not mounted has no group of ours.
		if [ -n "$controllers" ] && awk -v want="$controllers" '/ - cgroup / && index("," $NF ",", "," want ",") { found = 1 }
				END { exit !found }' /proc/self/mountinfo; then
			mkdir "$1/${controllers#name=}" &&
				mount -t cgroup -o "$controllers" cgroup "$1/${controllers#name=}" || return
		fi
	done </proc/self/cgroup
}

# In version 2 a group with processes cannot pass controllers on, so they move to one below.
bed_cgroup2() {
	local controller controllers pid
	[ -e /sys/fs/cgroup/cgroup.controllers ] || return 0
	mkdir /sys/fs/cgroup/init || return
	while read -r pid; do
		echo "$pid" >/sys/fs/cgroup/init/cgroup.procs || return
	done </sys/fs/cgroup/cgroup.procs
	read -ra controllers </sys/fs/cgroup/cgroup.controllers
	for controller in "${controllers[@]}"; do
		echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || return
	done
}
