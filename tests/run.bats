#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What tests/run.sh makes of a test that is skipped, and what it builds.

load helpers

setup() {
	T=$BATS_TEST_TMPDIR
}

teardown() {
	:
}

# count BODY: run.sh counts a file of two tests; the first has this body, the second passes. They know nothing of the
# bats that runs this.
count() {
	local PATH=${PATH//"$BATS_LIBEXEC:"/}
	printf '%s\n' "load $PODNS_SRC/tests/skips" '@test "first" {' "$1" '}' '@test "second" {' : '}' >"$T/two.bats"
	env -i PATH="$PATH" TMPDIR="$T" bats --tap "$T/two.bats" >"$T/two.tap" || true
	env -i PATH="$PATH" "$PODNS_SRC/tests/run.sh" --count "$T/two.tap" >"$T/counted"
}

@test "run.sh: a test cannot write to the host's own files, nor through a bind mount of them" {
	run ! touch "/etc/podns-test.$$"
	contains "$output" 'Read-only file system'
	mkdir "$T/etc"
	mount --bind /etc "$T/etc"
	run ! touch "$T/etc/podns-test.$$"
	umount "$T/etc"
	contains "$output" 'Read-only file system'
}

@test "run.sh: a skip without a probe is a failure, and its reason is told" {
	run ! count 'skip "there is no podman here"'
	contains "$(cat "$T/counted")" 'skipped for no reason of the host'
	contains "$(cat "$T/counted")" 'there is no podman here'
	equal "$(tail -n 1 "$T/counted")" '1 passed, 1 failed, 0 skipped'
	run ! count skip
	equal "$(tail -n 1 "$T/counted")" '1 passed, 1 failed, 0 skipped'
}

@test "run.sh: where the probe fails a test is skipped; where it succeeds the test goes on" {
	count 'skip_unless "it lacks this" false; false'
	contains "$(cat "$T/counted")" 'host: it lacks this'
	equal "$(tail -n 1 "$T/counted")" '1 passed, 0 failed, 1 skipped'
	run ! count 'skip_unless "it lacks this" true; false'
	equal "$(tail -n 1 "$T/counted")" '1 passed, 1 failed, 0 skipped'
}

@test "run.sh: a reason of an instrumented build is none for a plain one" {
	run ! count 'PODNS_MODE=sanitizers needs_plain_build "it measures time"'
	contains "$(cat "$T/counted")" 'it measures time'
	equal "$(tail -n 1 "$T/counted")" '1 passed, 1 failed, 0 skipped'
}

@test "run.sh: what a unit test skips is judged, too" {
	printf '%s\n' 'ok 1 - one # SKIP root may write anywhere' 'ok 2 - two # SKIP host: no user attributes' \
		'ok 3 - three' '1..3' >"$T/unit.tap"
	run ! "$PODNS_SRC/tests/run.sh" --count "$T/unit.tap"
	contains "$output" '1 passed, 1 failed, 1 skipped'
}

# --- what is built -------------------------------------------------------------------

# files_of DIR: what is in it, with what is in the files.
files_of() {
	(cd "$1" && find . -type f ! -name .git -print0 | sort -z | xargs -0 sha256sum)
}

@test "run.sh: a tree in which somebody has built is built from its sources alone" {
	SRC=$T/tree
	cp -a "$PODNS_SOURCES" "$SRC"
	rm -rf "$SRC"/{aclocal.m4,autom4te.cache,build-aux,configure,Makefile.in}
	files_of "$SRC" >"$T/before"
	(cd "$SRC" && { ./autogen.sh && ./configure CFLAGS=-O0 &&
		make -j"$(nproc)" all tests/unit/test_base tests/fuzz/replay_state; } >"$T/make.log" 2>&1 </dev/null)
	[ -x "$SRC/hook/oci-podns-hook" ]
	# Twice: what is no source any more goes, and what autogen.sh made stays.
	copy_sources "$T/build/src"
	touch "$T/build/src/gone.c" "$T/build/src/configure"
	copy_sources "$T/build/src"
	rm "$T/build/src/configure"
	files_of "$T/build/src" | diff "$T/before" -
	files_of "$SRC" >"$T/before"
	build "$T/build/gcc" gcc CFLAGS=-O0 || {
		tail -n 40 "$T/build/gcc/build.log"
		return 1
	}
	[ -x "$T/build/gcc/hook/oci-podns-hook" ]
	files_of "$SRC" | diff "$T/before" -
}

# --- packages ------------------------------------------------------------------

# setup COMMAND...: with the functions of setup.bash.
with_setup() {
	SRC=$PODNS_SRC bash -c '. "$SRC/tests/setup.bash"; "$@"' - "$@"
}

# names_for OS-RELEASE-LINE...: the distribution by whose names packages are asked for.
names_for() {
	printf '%s\n' "$@" >"$T/os-release"
	with_setup distribution "$T/os-release"
}

@test "run.sh and demo.sh know a distribution by its os-release" {
	equal "$(names_for ID=debian)" debian
	equal "$(names_for ID=ubuntu ID_LIKE=debian)" debian
	equal "$(names_for ID=linuxmint 'ID_LIKE="ubuntu debian"')" debian
	equal "$(names_for ID=fedora)" fedora
	equal "$(names_for 'ID="rocky"' 'ID_LIKE="rhel centos fedora"')" fedora
	equal "$(names_for 'ID="opensuse-tumbleweed"' 'ID_LIKE="opensuse suse"')" suse
	equal "$(names_for ID=alpine)" alpine
	equal "$(names_for ID=arch)" arch
	equal "$(names_for ID=nixos)" ''
	equal "$(with_setup distribution "$T/none")" ''
}

@test "run.sh and demo.sh name what is missing as the distribution does" {
	local line
	equal "$(with_setup package_name debian libyajl-dev fedora:yajl-devel arch:yajl)" libyajl-dev
	equal "$(with_setup package_name fedora libyajl-dev fedora:yajl-devel arch:yajl)" yajl-devel
	equal "$(with_setup package_name suse libyajl-dev fedora:yajl-devel arch:yajl)" libyajl-dev
	equal "$(with_setup name_packages fedora yajl-devel gcc | tail -n 1)" '    dnf install yajl-devel gcc'
	equal "$(with_setup name_packages suse libyajl-devel | tail -n 1)" '    zypper install libyajl-devel'
	equal "$(with_setup name_packages alpine yajl-dev | tail -n 1)" '    apk add yajl-dev'
	equal "$(with_setup name_packages arch yajl | tail -n 1)" '    pacman -S yajl'
	contains "$(with_setup name_packages '' libyajl-dev)" "under Debian's names: libyajl-dev"
	# Each word after the first two is DISTRIBUTION:NAME.
	while read -r line; do
		[[ $line =~ ^[^\ ]+\ [a-z0-9.+-]+(\ (fedora|suse|alpine|arch):[A-Za-z0-9.+-]+)*$ ]] || {
			echo "$line"
			return 1
		}
	done < <(with_setup packages)
}

@test "run.sh and demo.sh stop where they cannot install, and say which command would" {
	local script
	echo ID=fedora >"$T/os-release"
	mkdir "$T/no-headers"
	mount --bind "$T/os-release" /etc/os-release
	mount --bind "$T/no-headers" /usr/include/yajl
	for script in demo run; do
		run ! "$PODNS_SRC/tests/$script.sh"
		equal "$status" 2
		equal "${lines[-1]}" '    dnf install yajl-devel'
	done
	umount /etc/os-release /usr/include/yajl
}
