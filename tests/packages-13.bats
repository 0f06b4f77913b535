#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Releases, and packages on Debian 13: the tarball, the Debian package and its life, the rpm, lintian and rpmlint.
#
# shellcheck disable=SC2016 # the shell in the bed expands it

load helpers
load packages

setup_file() {
	packages_begin trixie elfutils lintian rpm rpmlint
}

@test "releases: configure.ac, NEWS and the packages have one version" {
	local version
	version=$(sed -n 's/^AC_INIT(\[oci-podns\], \[\(.*\)\])$/\1/p' "$PODNS_SRC/configure.ac")
	[[ $version =~ ^[0-9]+[.][0-9]+[.][0-9]+$ ]]
	equal "$("$HOOK" --version)" "oci-podns-hook $version"
	equal "$(sed -n '1s/.*(\(.*\)-[0-9]*).*/\1/p' "$PODNS_SRC/packaging/debian/changelog")" "$version" debian/changelog
	equal "$(sed -n 's/^Version: *//p' "$PODNS_SRC/packaging/oci-podns.spec")" "$version" oci-podns.spec
	contains "$(sed -n '/^%changelog/{n;p}' "$PODNS_SRC/packaging/oci-podns.spec")" " - $version-1"
	equal "$(grep -m 1 -oE '^[0-9]+[.][0-9]+[.][0-9]+' "$PODNS_SRC/NEWS")" "$version" NEWS
}

@test "releases: a release makes the same tarball again, whatever the umask and the time" {
	mkdir "$T/release"
	tar -C "$T/release" --strip-components 1 --no-same-permissions -xf "$BATS_FILE_TMPDIR"/dist/*.tar.xz
	chmod -R g+w "$T/release"
	umask 077
	make_tarball "$T/release" "$T/dist"
	cmp "$T"/dist/*.tar.xz "$BATS_FILE_TMPDIR"/dist/*.tar.xz
	equal "$(tar -tvf "$T"/dist/*.tar.xz | awk '{ print $2, $4, $5 }' | sort -u | wc -l)" 1 "owners and times"
}

@test "packages: what is missing for them is named" {
	local sh
	sh=$(command -v sh)
	run ! env PATH=/nonexistent "$sh" "$PODNS_SRC/packaging/build.sh" deb x.tar.xz "$T/deb"
	contains "$output" 'the program dpkg-buildpackage is missing: install the package dpkg-dev'
	run ! env PATH=/nonexistent "$sh" "$PODNS_SRC/packaging/build.sh" rpm x.tar.xz "$T/rpm"
	contains "$output" 'the program rpmbuild is missing: install the package rpm (Fedora, openSUSE: rpm-build)'
}

@test "Debian 13: two builds of a tarball, at other places and times, make the same package" {
	in_bed '
		mkdir -p /tmp/release /tmp/some/other/place
		tar -C /tmp/release --strip-components 1 -xf oci-podns-*.tar.xz
		cp oci-podns-*.tar.xz /tmp/some/other/place
		export DEB_BUILD_OPTIONS="nocheck noautodbgsym noopt"
		/tmp/release/packaging/build.sh deb oci-podns-*.tar.xz build-deb
		cd /tmp/some/other/place
		umask 077
		TZ=Asia/Tokyo LC_ALL=C.UTF-8 HOME=/nonexistent /tmp/release/packaging/build.sh deb oci-podns-*.tar.xz x
		cmp oci-podns_*.deb "$OLDPWD"/oci-podns_*.deb'
	[ -e "$(deb)" ]
}

@test "Debian 13: no program of the package has the path of its build" {
	dpkg-deb -x "$(deb)" "$T/x"
	[ -x "$T/x/usr/bin/podns" ]
	run ! grep -rlE '/tmp/|/build/' "$T/x/usr/bin" "$T/x/usr/libexec"
}

@test "Debian 13: lintian finds nothing" {
	in_bed 'lintian --allow-root --fail-on error,warning,info --display-info build-deb/*.changes'
	# Each override follows a comment that gives its reason.
	equal "$(awk '/^$/ { reason = 0 } /^#/ { reason = 1 } /^[^#]/ && !reason' \
		"$PODNS_SRC/packaging/debian/oci-podns.lintian-overrides")" ''
}

@test "Debian 13: installed, used, upgraded while a pod runs, removed, purged and installed again" {
	lower_version "$(deb)" "$PODNS_BED/$WORK/lower.deb"
	in_bed "bash ./packages-life.bash /build/$WORK/lower.deb /build/$WORK/oci-podns_*.deb"
}

# --- the rpm ---------------------------------------------------------------------------

@test "rpm: it is built, and rpmlint finds nothing" {
	in_bed 'mkdir /tmp/release
		tar -C /tmp/release --strip-components 1 -xf oci-podns-*.tar.xz
		cd /tmp/release
		CFLAGS="-O0 -g0" RPMBUILD_FLAGS=--nocheck packaging/build.sh rpm "$OLDPWD"/oci-podns-*.tar.xz build-rpm
		rpmlint --rpmlintrc packaging/oci-podns.rpmlintrc packaging/oci-podns.spec "$OLDPWD"/oci-podns-*.rpm
		cd "$OLDPWD"
		rpm -qp --qf "[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]" oci-podns-*.rpm >rpm.files
		rpm -qp --qf "[%{FILEFLAGS:fflags} %{FILENAMES}\n]" oci-podns-*.rpm >rpm.flags
		rpm -qp --scripts oci-podns-*.rpm >rpm.scripts'
}

@test "rpm: it has the files of the Debian package, with the same permissions" {
	# The links in .build-id lead debuggers to the programs.
	grep -v /.build-id "$PODNS_BED/$WORK/rpm.files" | without_marks >"$T/rpm"
	# A package of Debian has all directories above its files.
	files_of_deb "$(deb)" | grep -vE ' /(etc|usr|var|usr/(bin|lib|libexec|share)|var/lib|usr/lib/systemd|usr/lib/systemd/system)$' |
		grep -vE ' /usr/share/(bash-completion|bash-completion/completions|doc|man|man/man[158])$' | diff "$T/rpm" -
	grep -q '^drwx------ root/root /var/lib/oci-podns$' "$T/rpm"
	equal "$(grep -E '^[a-z]*c' "$PODNS_BED/$WORK/rpm.flags")" 'cn /etc/containers/containers.conf.d/oci-podns.conf'
}

@test "rpm: it is installed, verified and erased, with a warning while a pod is left" {
	in_bed '
		rpm -i --nodeps oci-podns-*.rpm
		podns check
		[ -z "$(find /etc/systemd/system -name "podns*")" ]
		rpm -V --nodeps oci-podns
		podns create web
		rpm -e --nodeps oci-podns 2>/tmp/err
		grep -q "these pods are left: web" /tmp/err
		[ ! -e /usr/bin/podns ]
		find /usr /etc /var -name "*podns*" | diff /dev/null -'
}
