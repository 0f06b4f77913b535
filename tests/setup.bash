# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What run.sh, demo.sh and the bats files share: be root, have the packages, build, make a
# container's root. Sourced; $SRC is the top of the source tree and $SCRATCH a directory.

# Probes, one a line: what must be there (a command, or a file if it has a
# slash) and the Debian package that brings it.
packages() {
	cat <<-'LIST'
		autoconf autoconf
		automake automake
		bats bats
		busybox busybox-static
		clang clang
		clang-tidy clang-tidy
		cppcheck cppcheck
		crun crun
		fuse-overlayfs fuse-overlayfs
		gcc gcc
		/usr/include/stdio.h libc6-dev
		/usr/include/seccomp.h libseccomp-dev
		/usr/include/yajl/yajl_parse.h libyajl-dev
		/usr/share/doc/libclang-rt-14-dev libclang-rt-14-dev
		/usr/lib/podman/aardvark-dns aardvark-dns
		/usr/lib/podman/netavark netavark
		getfattr attr
		ip iproute2
		jq jq
		make make
		musl-gcc musl-tools
		newuidmap uidmap
		nsenter util-linux
		podman podman
		runc runc
		shellcheck shellcheck
		slirp4netns slirp4netns
		strace strace
		valgrind valgrind
		xz xz-utils
	LIST
}

# private_mounts COMMAND...: first thing in a mount namespace of one's own, before any mount: nothing
# of it is to reach the host. COMMAND is what runs now: in a chroot whose / is no mount point it is
# run again, where / is one.
private_mounts() {
	local slash
	mount --make-rprivate / 2>/dev/null && return
	slash=$(mktemp -d "${TMPDIR:-/tmp}/slash.XXXXXX") || exit 1
	mount --rbind / "$slash" && mount --make-rprivate "$slash" || exit 1
	exec chroot "$slash" "$@"
}

# The directory of noted bundles is mounted over in each bats file's mount namespace, so it must be
# there. A run makes it where nothing is installed, and marks it as the tests' own; the last one to
# end takes it away. Runs hold a shared lock on the directory above.
STATE_DIR=/var/lib/oci-podns
STATE_DIR_MARK=.made-by-tests

state_dir_begin() {
	exec {state_lock}<"${STATE_DIR%/*}" && flock -s "$state_lock" || return
	if mkdir "$STATE_DIR" 2>/dev/null; then
		: >"$STATE_DIR/$STATE_DIR_MARK"
	fi
	[ -d "$STATE_DIR" ]
}

state_dir_end() {
	[ -n "${state_lock-}" ] || return 0
	if flock -n -x "$state_lock" && [ -e "$STATE_DIR/$STATE_DIR_MARK" ]; then
		rm "$STATE_DIR/$STATE_DIR_MARK" && rmdir "$STATE_DIR"
	fi
	exec {state_lock}>&-
	state_lock=''
}

be_root() {
	if [ "$(id -u)" != 0 ]; then
		echo "$1: must be root, because it makes namespaces and containers: sudo $1" >&2
		exit 2
	fi
	# sudo and CI may leave these out.
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
}

missing_packages() {
	local probe package
	while read -r probe package; do
		case $probe in
		*/*) [ -e "$probe" ] ;;
		*) command -v "$probe" >/dev/null ;;
		esac || echo "$package"
	done < <(packages)
}

# Install what is missing, on Debian and its kin; elsewhere say what it is.
have_packages() {
	local missing
	mapfile -t missing < <(missing_packages)
	[ ${#missing[@]} -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null || ! grep -qsE '^ID(_LIKE)?=.*debian' /etc/os-release; then
		echo "missing, under Debian's names: ${missing[*]}" >&2
		echo "install them with your distribution's tools, then run this again" >&2
		exit 2
	fi
	echo "# installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	if ! { apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"; } \
		>"$SCRATCH/apt.log" 2>&1 </dev/null; then
		cat "$SCRATCH/apt.log" >&2
		echo "apt-get could not install: ${missing[*]}" >&2
		exit 2
	fi
	mapfile -t missing < <(missing_packages)
	if [ ${#missing[@]} -gt 0 ]; then
		echo "still missing after apt-get: ${missing[*]}" >&2
		exit 2
	fi
}

# Where it is not there; another run may make it just now.
make_configure() {
	flock 9 && { [ -x "$SRC/configure" ] || "$SRC/autogen.sh"; }
} 9<"$SRC"

# build DIR CC [CONFIGURE OPTION...]: configure where that was not done yet,
# then make. What it prints goes to DIR/build.log.
build() {
	local dir=$1 cc=$2
	shift 2
	# Where a host's other libraries are for glibc: README.md tells this, too.
	if [ "$cc" = musl-gcc ]; then
		set -- CC_FOR_BUILD=gcc \
			"CPPFLAGS=-idirafter /usr/include -idirafter /usr/include/$(gcc -print-multiarch)" \
			"YAJL_LIBS=$(gcc -print-file-name=libyajl_s.a)" "$@"
	fi
	mkdir -p "$dir" || return 1
	{
		make_configure || return 1
		cd "$dir" || return 1
		if [ ! -e config.status ]; then
			"$SRC/configure" --quiet CC="$cc" --enable-werror --prefix=/usr \
				--sysconfdir=/etc --localstatedir=/var "$@" || return 1
		fi
		make -j"$(nproc)" all || return 1
	} >"$dir/build.log" 2>&1 </dev/null
}

# make_rootfs DIR: what a container can have as its root: busybox.
make_rootfs() {
	local dir=$1 applet lib
	mkdir -p "$dir"/{bin,proc,dev,sys,tmp}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	# Debian has a static busybox, and one that wants its libraries.
	while read -r lib; do
		mkdir -p "$dir$(dirname "$lib")"
		cp "$lib" "$dir$lib"
	done < <(ldd "$dir/bin/busybox" 2>/dev/null | grep -o '/[^ ]*')
	for applet in sh cat echo hostname ip nc readlink sleep; do
		ln -s busybox "$dir/bin/$applet"
	done
}

# podman_engine_conf RUNTIME: what podman needs in its containers.conf on a host without systemd,
# with little privilege and old cgroups. It ends in the table [engine].
podman_engine_conf() {
	cat <<-CONF
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		[engine]
		runtime = "$1"
		cgroup_manager = "cgroupfs"
		events_logger = "file"
	CONF
}
