#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The Debian package on Debian 12: `make deb` in a release, and the life of what it makes.
#
# shellcheck disable=SC2016 # the shell in the bed expands it

load helpers
load packages

setup_file() {
	packages_begin bookworm
}

@test "Debian 12: make deb makes a package, and make clean removes it" {
	in_bed 'mkdir /tmp/b
		tar -C /tmp/b --strip-components 1 -xf oci-podns-*.tar.xz
		work=$PWD
		cd /tmp/b
		./configure --quiet
		find . | sort >/tmp/before
		DEB_BUILD_OPTIONS="nocheck noautodbgsym noopt" DEB_CFLAGS_APPEND=-g0 make deb XZ_OPT=-1
		cp oci-podns_*.deb "$work"
		make clean
		rm oci-podns-*.tar.xz
		find . | sort | diff /tmp/before -'
	[ -e "$(deb)" ]
}

@test "Debian 12: the package has what make install installs, with the same permissions, and no preset" {
	make -C "$PODNS_BUILD" install DESTDIR="$T/dest" >"$T/install.log" 2>&1
	files_of_deb "$(deb)" | sed 's| /lib| /usr/lib|' | sort -u >"$T/deb"
	files_of_install "$T/dest" | diff - "$T/deb"
}

@test "Debian 12: the control file names the sources of what is linked in statically" {
	local field
	field=$(dpkg-deb -f "$(deb)" Static-Built-Using)
	contains "$field" 'glibc (= 2.36-'
	contains "$field" 'yajl (= 2.1.0-'
	[[ $(dpkg-deb -f "$(deb)" Built-Using) =~ ^'glibc (= 2.36-'[^,]*')'$ ]]
	equal "$(dpkg-deb -f "$(deb)" Depends)" ''
}

@test "Debian 12: installed, used, upgraded while a pod runs, removed, purged and installed again" {
	lower_version "$(deb)" "$PODNS_BED/$WORK/lower.deb"
	in_bed "bash ./packages-life.bash /build/$WORK/lower.deb /build/$WORK/oci-podns_*.deb"
}
