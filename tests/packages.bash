# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # bats sets BATS_*, helpers.bash the rest
#
# Helpers of the tests of packages, which are built, installed and removed in a fresh system of their own (bed.bash): in the bed of the
# engines' tests is what a package brings. A file begins with
#
#     load helpers
#     load packages
#
# and calls packages_begin in setup_file.

load bed

SRC=$PODNS_SRC
# What a package is built with, and what a user needs for README.md's first recipe.
PACKAGES=(build-essential busybox-static conmon crun debhelper iproute2 jq libseccomp-dev libyajl-dev podman runc)

VERSION=$(sed -n 's/^AC_INIT(\[oci-podns\], \[\(.*\)\])$/\1/p' "$PODNS_SRC/configure.ac")

# packages_begin SUITE [PACKAGE...]: make the Debian and the release tarball. In the Debian /build/$WORK is a directory of this run.
packages_begin() {
	export SRC PODNS_BED=${PODNS_BUILD%/*}/packages-$1 WORK=work-$PODNS_TEST_RUN
	# bats knows no skip here: setup does that.
	bed_make_of "$1" "$PODNS_BED" "${PACKAGES[*]} ${*:2}" bed_install "${PACKAGES[@]}" "${@:2}" || return 0
	make_tarball "$PODNS_SOURCES" "$BATS_FILE_TMPDIR/dist"
	mkdir "$PODNS_BED/$WORK"
	cp "$PODNS_SRC/tests/setup.bash" "$PODNS_SRC/tests/packages-life.bash" "$BATS_FILE_TMPDIR"/dist/*.tar.xz "$PODNS_BED/$WORK"
}

teardown_file() {
	rm -rf "${PODNS_BED:?}/$WORK"
}

setup() {
	# shellcheck disable=SC2034 # the tests use it
	T=$BATS_TEST_TMPDIR
	needs_packages
}

teardown() {
	:
}

# make_tarball SOURCES DIR: in DIR. It is compressed fast.
make_tarball() {
	mkdir "$2"
	(cd "$2" && "$1/configure" --quiet && make dist XZ_OPT=-1) >"$2.log" 2>&1 || {
		tail -n 20 "$2.log"
		return 1
	}
}

# in_bed SCRIPT: run bash's SCRIPT in a fresh view of the Debian, from /build/$WORK on. What it prints is in $OUT, and shown if it fails.
in_bed() {
	OUT=$BATS_TEST_TMPDIR/bed.out
	# shellcheck disable=SC2016 # the inner shell expands it
	TMPDIR=$BATS_TEST_TMPDIR timeout -k 5 600 bash -c '. "$SRC/tests/bed.bash" && bed_run "$PODNS_BED" bash -e -o pipefail -c "$1"' \
		- "cd /build/$WORK; $1" >"$OUT" 2>&1 </dev/null 3>&- || {
		tail -n 60 "$OUT"
		return 1
	}
}

# The package that has been built.
deb() {
	echo "$PODNS_BED/$WORK/oci-podns_$VERSION"-1_*.deb
}

# lower_version DEB NEW: as NEW, a package of version 0.1.9-1 with other bytes in its programs.
lower_version() {
	local dir=$BATS_TEST_TMPDIR/lower
	dpkg-deb -R "$1" "$dir"
	sed -i 's/^Version: .*/Version: 0.1.9-1/' "$dir/DEBIAN/control"
	find "$dir/usr" -type f -perm -u+x -exec sh -c 'printf older >>"$1"' - {} \;
	dpkg-deb --root-owner-group -Znone -b "$dir" "$2" >/dev/null
}

# without_marks: from lines "MODE PATH", what a user gets: without what one kind of package or another says of itself.
without_marks() {
	sed -E -e 's|/$||' -e 's|([.][1-8])[.]gz$|\1|' |
		grep -vE '/(changelog[^/]*|copyright|LICENSE|licenses|lintian)(/|$)|system-preset' | sort -u
}

files_of_deb() {
	dpkg-deb --fsys-tarfile "$1" | tar -tv | awk '{ path = $6; sub(/^[.]/, "", path); print $1, $2, path }' |
		grep -v ' /*$' | without_marks
}

files_of_install() {
	(cd "$1" && find . -mindepth 1 -printf '%M root/root %P\n') | sed 's| \([^ ]*\)$| /\1|' | without_marks
}
