#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podns check: a right installation, and each way to break it.

load helpers
load podns

setup() {
	common_setup runc
	S=$T/sysroot
	make -C "$PODNS_BUILD" install DESTDIR="$S" >/dev/null
	mkdir -p "$S/usr/bin"
	engine podman
	SHARE=$S/usr/share/containers/oci/hooks.d
	PRECREATE=$S/usr/share/oci-podns/hooks.d
	CONF=$S/etc/containers/containers.conf.d
}

# As if an engine were installed.
engine() {
	printf '#!/bin/sh\n' >"$S/usr/bin/$1"
	chmod +x "$S/usr/bin/$1"
}

right() {
	run podns check --sysroot "$S"
	echo "$output"
	equal "$status" 0
	lacks "$output" PROBLEM
}

# wrong TEXT REMEDY
wrong() {
	run podns check --sysroot "$S"
	echo "$output"
	equal "$status" 1
	contains "$output" "$1"
	contains "$(grep -A1 PROBLEM <<<"$output")" "$2"
}

@test "what make install installs is right" {
	right
	contains "$output" "podman reads hooks in /usr/share/containers/oci/hooks.d, /usr/share/oci-podns/hooks.d"
	contains "$output" "$CONF/oci-podns.conf"
	contains "$output" "podman runs the hook at precreate"
	contains "$output" "CRI-O is not installed"
}

@test "the hook is missing" {
	rm "$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	wrong 'which is not there: engines skip such a file silently' 'install the hook'
	# Neither does any engine run it, nor does a JSON file lack.
	lacks "$output" 'podman runs the hook'
	lacks "$output" 'podman does not run the hook'
	contains "$output" '2 problems were found'
}

@test "one of two JSON files names a hook that is not there" {
	jq '.hook.path = "/nosuch/oci-podns-hook"' <"$SHARE/oci-podns.json" >"$T/x"
	cp "$T/x" "$SHARE/oci-podns.json"
	wrong "names $S/nosuch/oci-podns-hook, which is not there" 'install the hook'
	lacks "$output" 'podman runs the hook at createRuntime'
	contains "$output" 'podman runs the hook at precreate'
}

@test "a --sysroot that is not there is an error" {
	podns_fails 1 'open directory /nosuch: No such file or directory' check --sysroot /nosuch
	podns_fails 1 'Not a directory' check --sysroot "$S/usr/bin/podman"
}

@test "the hook may not be run, or does not run" {
	chmod -x "$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	wrong 'which cannot be run' 'chmod 0755'
	printf '#!/nosuch\n' >"$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	chmod +x "$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	wrong 'which does not run' 'install it anew'
	printf '#!/bin/sh\nexit 1\n' >"$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	wrong 'which does not run' 'install it anew'
}

@test "a JSON file is missing" {
	rm "$SHARE/oci-podns.json"
	wrong 'podman does not run the hook at createRuntime and poststop' 'oci-podns.json'
}

@test "the drop-in is missing" {
	rm "$CONF/oci-podns.conf"
	wrong 'podman does not run the hook at precreate' 'oci-podns.conf'
}

@test "a later drop-in takes the directory away again, or adds one" {
	printf '[engine]\nhooks_dir = ["/usr/share/containers/oci/hooks.d"]\n' >"$CONF/zz.conf"
	wrong 'podman does not run the hook at precreate' 'no later file'
	printf '[engine]\nhooks_dir = ["/opt/hooks", {append=true}]\n' >"$CONF/zz.conf"
	right
	contains "$output" '/opt/hooks'
}

@test "a precreate stage where CRI-O and podman build look" {
	cp "$PRECREATE/oci-podns-precreate.json" "$SHARE/"
	wrong 'CRI-O does not start' '/usr/share/oci-podns/hooks.d'
	rm "$SHARE/oci-podns-precreate.json"
	mkdir -p "$S/etc/containers/oci/hooks.d"
	cp "$PRECREATE/oci-podns-precreate.json" "$S/etc/containers/oci/hooks.d/"
	wrong 'CRI-O does not start' '/usr/share/oci-podns/hooks.d'
}

@test "a JSON file that engines cannot read" {
	echo '{' >"$SHARE/broken.json"
	wrong "$SHARE/broken.json" 'correct or remove it'
}

@test "no args, or a timeout below the wait for a lock" {
	jq 'del(.hook.args)' <"$SHARE/oci-podns.json" >"$T/x"
	cp "$T/x" "$SHARE/oci-podns.json"
	wrong 'has no hook.args' 'oci-podns-hook'
	jq '.hook.args = ["x"] | .hook.timeout = 5' <"$T/x" >"$SHARE/oci-podns.json"
	wrong 'hook.timeout of 5 s' 'set it to 30'
}

@test "CRI-O: its own configuration counts" {
	engine crio
	right
	contains "$output" 'CRI-O runs the hook at createRuntime and poststop'
	mkdir -p "$S/etc/crio/crio.conf.d"
	printf '[crio.runtime]\nhooks_dir = [\n  "/etc/hooks", # ours\n]\n' >"$S/etc/crio/crio.conf"
	wrong 'CRI-O does not run the hook' 'oci-podns.json'
	printf '[crio.runtime]\nhooks_dir = ["/usr/share/containers/oci/hooks.d"]\n' \
		>"$S/etc/crio/crio.conf.d/50.conf"
	right
	printf '[crio.runtime]\nhooks_dir = ["/usr/share/containers/oci/hooks.d", "/usr/share/oci-podns/hooks.d"]\n' \
		>"$S/etc/crio/crio.conf.d/50.conf"
	wrong 'CRI-O does not start' 'move it'
}

@test "a configuration that cannot be read is an error with its line" {
	printf '[engine]\n\nhooks_dir = [1]\n' >"$CONF/zz.conf"
	podns check --sysroot "$S" >/dev/null 2>"$T/err" && return 1
	contains "$(cat "$T/err")" "$CONF/zz.conf: line 3"
}

@test "the mount of the root: shared is right, private is not" {
	mount -t tmpfs -o mode=0755 tmpfs "$ROOT"
	run podns check
	contains "$output" "PROBLEM  $ROOT is on the mount $ROOT, which is not shared"
	contains "$output" "mount --make-rshared $ROOT"
	equal "$status" 1
	mount --make-shared "$ROOT"
	run podns check
	contains "$output" "$ROOT is on a shared mount"
	umount "$ROOT"
}

@test "rootless: the root need not be on a shared mount" {
	needs_userns
	mount -t tmpfs -o mode=0755 tmpfs "$ROOT"
	run timeout -k 5 "$LIMIT" unshare --user --map-root-user --mount --propagation private \
		"$PODNS" --root "$ROOT" check
	echo "$output"
	contains "$output" 'no precreate stage lies'
	lacks "$output" "$ROOT is on"
	umount "$ROOT"
}
