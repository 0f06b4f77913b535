#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds a package of the release tarball that `make dist` has made:
#
#     packaging/build.sh deb|rpm TARBALL DIR
#
# Everything happens in DIR, which is emptied first. The package is put beside the tarball. `make deb` and `make rpm` call this.
# RPMBUILD_FLAGS in the environment: more options of rpmbuild.
set -eu

fail() {
	echo "packaging/build.sh: $*" >&2
	exit 1
}

# need PROGRAM PACKAGE [OTHER]: PACKAGE is Debian's name of what has it, OTHER that of Fedora and openSUSE.
need() {
	command -v "$1" >/dev/null ||
		fail "the program $1 is missing: install the package $2${3:+ (Fedora, openSUSE: $3)}"
}

# As Debian's tools expect it: the tarball has their name, and debian/ is in the unpacked sources.
build_deb() {
	cp "$tarball" "$dir/oci-podns_${release#oci-podns-}.orig.tar.xz"
	tar -C "$dir" -xf "$tarball"
	cp -R "$dir/$release/packaging/debian" "$dir/$release/debian"
	(cd "$dir/$release" && dpkg-buildpackage --build=binary --unsigned-changes --unsigned-buildinfo)
	for package in "$dir"/oci-podns_*.deb; do
		cp "$package" "$top/"
		echo "$top/${package##*/}"
	done
}

# rpm of a Debian knows no installed package, so it cannot check the dependencies of the build.
build_rpm() {
	unknown=''
	rpm -q rpm >/dev/null 2>&1 || unknown=--nodeps
	# shellcheck disable=SC2086 # several words
	rpmbuild -bb $unknown ${RPMBUILD_FLAGS-} --define "_topdir $dir" --define "_sourcedir $top" \
		"$(dirname "$0")/oci-podns.spec"
	for package in "$dir"/RPMS/*/oci-podns-[0-9]*.rpm; do
		cp "$package" "$top/"
		echo "$top/${package##*/}"
	done
}

case ${1-} in
deb)
	need dpkg-buildpackage dpkg-dev
	need dh debhelper
	;;
rpm)
	need rpmbuild rpm rpm-build
	need eu-strip elfutils elfutils
	;;
*)
	fail "usage: build.sh deb|rpm TARBALL DIR"
	;;
esac
tarball=$2
[ -f "$tarball" ] || fail "there is no $tarball"
release=${tarball##*/}
release=${release%.tar.xz}
top=$(cd "$(dirname "$tarball")" && pwd)
rm -rf "$3"
mkdir -p "$3"
dir=$(cd "$3" && pwd)
"build_$1"
