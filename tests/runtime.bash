# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Helpers of the tests of oci-podns-runtime. Sourced after helpers.bash and podns.bash.

CONF=/etc/oci-podns/runtime.conf

# settings LINE...: the whole of runtime.conf.
settings() {
	# Never the host's.
	mountpoint -q /etc || return
	rm -rf "${CONF%/*}"
	mkdir -m 0755 "${CONF%/*}"
	printf '%s\n' "$@" >"$CONF"
}

# fake_runtime: a real runtime, $T/real, that appends its command line to $T/ran, keeps what config.json is then as
# $T/seen.json, and exits with the number in $T/status.
fake_runtime() {
	echo 0 >"$T/status"
	cat >"$T/real" <<-SCRIPT
		#!/bin/sh
		echo "\$*" >>"$T/ran"
		for last; do :; done
		cp "$T/\${last#$ID_PREFIX-}/config.json" "$T/seen.json" 2>/dev/null
		exit "\$(cat "$T/status")"
	SCRIPT
	chmod 0755 "$T/real"
}

# runtime_fails TEXT COMMAND...: oci-podns-runtime, under one of its names, fails with one line that has TEXT.
runtime_fails() {
	fails_line oci-podns- "$@"
}
