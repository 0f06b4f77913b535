# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What run.sh, demo.sh and the bats files share: be root, have the packages, build, make a
# container's root. Sourced; $SRC is the top of the source tree and $SCRATCH a directory.

# podman 5 warns at each command where control groups are of version 1, as on hosts of the tests.
export PODMAN_IGNORE_CGROUPSV1_WARNING=yes

# One probe a line: what must exist (a command, or a file if it has a slash, which may be in /usr/lib or /usr/libexec),
# Debian's package that has it, and other distributions' names where they differ.
packages() {
	cat <<-'LIST'
		autoconf autoconf
		automake automake
		bats bats arch:bash-bats
		busybox busybox-static fedora:busybox arch:busybox
		cni/bridge containernetworking-plugins suse:cni-plugins alpine:cni-plugins arch:cni-plugins
		clang clang
		clang-format clang-format fedora:clang-tools-extra suse:clang-tools alpine:clang-extra-tools arch:clang
		clang-tidy clang-tidy fedora:clang-tools-extra suse:clang-tools alpine:clang-extra-tools arch:clang
		codespell codespell
		cppcheck cppcheck
		crun crun
		debootstrap debootstrap
		/usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring fedora:debian-keyring
		dnsmasq dnsmasq-base fedora:dnsmasq suse:dnsmasq alpine:dnsmasq arch:dnsmasq
		fuse-overlayfs fuse-overlayfs
		gcc gcc
		/usr/include/stdio.h libc6-dev fedora:glibc-devel suse:glibc-devel alpine:musl-dev arch:glibc
		/usr/include/seccomp.h libseccomp-dev fedora:libseccomp-devel suse:libseccomp-devel arch:libseccomp
		/usr/include/yajl/yajl_parse.h libyajl-dev fedora:yajl-devel suse:libyajl-devel alpine:yajl-dev arch:yajl
		podman/aardvark-dns aardvark-dns
		podman/netavark netavark
		getfattr attr
		ip iproute2 fedora:iproute
		iptables iptables fedora:iptables-nft
		jq jq
		make make
		musl-gcc musl-tools fedora:musl-gcc suse:musl-devel alpine:musl-dev arch:musl
		nft nftables
		newuidmap uidmap fedora:shadow-utils suse:shadow alpine:shadow-uidmap arch:shadow
		nsenter util-linux
		pasta passt
		pgrep procps fedora:procps-ng arch:procps-ng
		podman podman
		runc runc
		shellcheck shellcheck fedora:ShellCheck suse:ShellCheck
		slirp4netns slirp4netns
		strace strace
		valgrind valgrind
		xz xz-utils fedora:xz suse:xz alpine:xz arch:xz
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

# Entering a mount namespace leads to its root directory, even if it is our own.
in_chroot() {
	local top
	top=$(nsenter --mount=/proc/self/ns/mnt stat -c %d:%i / 2>/dev/null) && [ "$top" != "$(stat -c %d:%i /)" ]
}

# Each bats file's mount namespace has a mount on the directory of copied config.json files, so that must
# exist. If nothing is installed a run creates it and marks it as the tests' own; the last run to end
# removes it. Runs hold a shared lock on the parent directory.
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

# distribution OS-RELEASE: by whose names packages go here: debian, fedora, suse, alpine, arch; or nothing.
distribution() {
	local ID='' ID_LIKE='' id
	# shellcheck source=/dev/null
	[ ! -r "$1" ] || . "$1"
	for id in $ID $ID_LIKE; do
		case $id in
		debian | fedora | suse | alpine | arch) echo "$id" ;;
		rhel | centos) echo fedora ;;
		opensuse*) echo suse ;;
		*) continue ;;
		esac
		return
	done
}

# package_name DISTRIBUTION NAME...: the last words of a line of packages().
package_name() {
	local name=$2 other
	for other in "${@:3}"; do
		[ "${other%%:*}" != "$1" ] || name=${other#*:}
	done
	echo "$name"
}

# missing_packages DISTRIBUTION
missing_packages() {
	local probe names
	while read -r probe names; do
		case $probe in
		/*) [ -e "$probe" ] ;;
		*/*) [ -e "/usr/lib/$probe" ] || [ -e "/usr/libexec/$probe" ] ;;
		*) command -v "$probe" >/dev/null ;;
		esac && continue
		# shellcheck disable=SC2086 # a list of words
		package_name "$1" $names
	done < <(packages) | sort -u
	clang_links_fuzzers || clang_rt_package "$1"
}

# clang prints the path of its library.
clang_links_fuzzers() {
	local library
	library=$(clang -fsanitize=fuzzer -### -x c /dev/null -o /dev/null 2>&1 |
		grep -o '"[^"]*libclang_rt\.fuzzer[^"]*\.a"' | head -n 1 | tr -d '"')
	[ -n "$library" ] && [ -e "$library" ]
}

# Debian's package has a version in its name: of the installed clang, else of the one that apt would install.
clang_rt_package() {
	local version
	if [ "$1" != debian ]; then
		echo compiler-rt
		return
	fi
	version=$(clang -dumpversion 2>/dev/null) ||
		version=$(apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: clang-\([0-9]\)/\1/p')
	echo "libclang-rt-${version%%.*}-dev"
}

# name_packages DISTRIBUTION PACKAGE...: where they are not installed by this script.
name_packages() {
	local command
	case $1 in
	fedora) command='dnf install' ;;
	suse) command='zypper install' ;;
	alpine) command='apk add' ;;
	arch) command='pacman -S' ;;
	*)
		echo "missing, under Debian's names: ${*:2}"
		echo "install them with your distribution's tools, then run this again"
		return
		;;
	esac
	echo "programs or headers are missing; install them, then run this again:"
	echo "    $command ${*:2}"
}

# Install missing packages on Debian and derivatives; elsewhere name them.
have_packages() {
	local missing distribution
	distribution=$(distribution /etc/os-release)
	mapfile -t missing < <(missing_packages "$distribution")
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$distribution" != debian ] || ! command -v apt-get >/dev/null; then
		name_packages "$distribution" "${missing[@]}" >&2
		exit 2
	fi
	export DEBIAN_FRONTEND=noninteractive
	if ! apt-get update -q >"$SCRATCH/apt.log" 2>&1 </dev/null; then
		cat "$SCRATCH/apt.log" >&2
		echo "apt-get could not update its lists" >&2
		exit 2
	fi
	# Now apt knows which clang it has.
	mapfile -t missing < <(missing_packages debian)
	echo "# installing ${missing[*]}"
	if ! apt-get install -q -y --no-install-recommends "${missing[@]}" \
		>"$SCRATCH/apt.log" 2>&1 </dev/null; then
		cat "$SCRATCH/apt.log" >&2
		echo "apt-get could not install: ${missing[*]}" >&2
		exit 2
	fi
	mapfile -t missing < <(missing_packages debian)
	if [ ${#missing[@]} -gt 0 ]; then
		echo "still missing after apt-get: ${missing[*]}" >&2
		exit 2
	fi
}

# All sources in $SRC, each followed by a NUL: the files that autogen.sh, configure and make do not create.
# A release has no list of its sources, and git may be missing.
sources() {
	find . \( -path ./.git -o -path ./autom4te.cache -o -path './build*' -o -path './oci-podns[-_]*' \
		-o -name .deps -o -samefile "$1" \) -prune \
		-o \( -path ./configure -o -path './configure~' -o -path ./aclocal.m4 -o -path './config.*' \
		-o -path ./Makefile -o -path ./Makefile.in -o -name .dirstamp -o -name '*.o' -o -name '*.a' \
		-o -name '*.gc??' -o -name '*.log' -o -name '*.trs' -o -name '*.tmp' -o -name '*~' \
		-o -path ./hook/oci-podns-hook -o -path ./cli/podns -o -path ./net/podns-net -o -path './runtime/oci-podns-*' \
		-o -path ./sandbox/generate -o -path ./sandbox/program.h -o -path './hooks.d/*' ! -name '*.in' \
		-o -path './units/podns*.service' -o -path './tests/unit/test_*' ! -name '*.*' \
		-o -path './tests/fuzz/replay_*' ! -name '*.*' \) -o ! -type d -print0
}

# copy_sources DIR: builds use a copy of the sources, $PODNS_SOURCES, because configure and make fail outside a source
# tree in which a build was made. Times and the output of autogen.sh in DIR are kept, so that make rebuilds only what
# changed.
copy_sources() {
	local dir=$1 made
	rm -rf "$dir.new" && mkdir -p "$dir.new" || return
	dir=$(realpath "$dir.new") && dir=${dir%.new} || return
	(cd "$SRC" && sources "${dir%/*}" | tar --null --no-recursion -T - -c) |
		tar -C "$dir.new" --no-same-owner -x || return
	for made in aclocal.m4 autom4te.cache build-aux configure Makefile.in; do
		[ ! -e "$dir/$made" ] || mv "$dir/$made" "$dir.new/" || return
	done
	rm -rf "$dir" && mv "$dir.new" "$dir" || return
	export PODNS_SOURCES=$dir
}

# If it does not exist. Another build may be creating it at the same time.
make_configure() {
	flock 9 && { [ -x "$PODNS_SOURCES/configure" ] || "$PODNS_SOURCES/autogen.sh"; }
} 9<"$PODNS_SOURCES"

# build DIR CC [CONFIGURE OPTION...]: configure unless that was done before, then make. The output is in
# DIR/build.log. Two bats files may need the same build.
build() {
	local dir=$1 cc=$2
	shift 2
	# The host's other libraries are linked with glibc: see docs/building.md.
	if [ "$cc" = musl-gcc ]; then
		set -- CC_FOR_BUILD=gcc \
			"CPPFLAGS=-idirafter /usr/include -idirafter /usr/include/$(gcc -print-multiarch)" \
			"YAJL_LIBS=$(gcc -print-file-name=libyajl_s.a)" "$@"
	fi
	mkdir -p "$dir" || return 1
	# shellcheck disable=SC2094 # a lock on the directory is no read of its files
	{
		flock 8 && make_configure || return 1
		cd "$dir" || return 1
		if ! grep -qsx "srcdir='$PODNS_SOURCES'" config.status; then
			"$PODNS_SOURCES/configure" --quiet CC="$cc" --enable-werror --prefix=/usr \
				--sysconfdir=/etc --localstatedir=/var "$@" || return 1
		fi
		make -j"$(nproc)" all || return 1
	} >"$dir/build.log" 2>&1 </dev/null 8<"$dir"
}

# make_rootfs DIR: a root file system for containers, with busybox.
make_rootfs() {
	local dir=$1 applet lib
	mkdir -p "$dir"/{bin,proc,dev,sys,tmp}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	# Debian has a static busybox and a dynamic one, which needs its libraries.
	while read -r lib; do
		mkdir -p "$dir$(dirname "$lib")"
		cp "$lib" "$dir$lib"
	done < <(ldd "$dir/bin/busybox" 2>/dev/null | grep -o '/[^ ]*')
	for applet in sh cat echo hostname ip nc readlink sleep; do
		ln -s busybox "$dir/bin/$applet"
	done
}

# podman_engine_conf RUNTIME: the settings in containers.conf that podman needs on a host without systemd,
# without some capabilities and with cgroups v1. It ends in the table [engine].
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
