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

# runtime_fails TEXT COMMAND...: it exits with 1 and prints nothing on stdout and one line with TEXT on stderr.
runtime_fails() {
	local text=$1 status=0 line
	shift
	"$@" >"$T/stdout" 2>"$T/stderr" || status=$?
	line=$(<"$T/stderr")
	echo "$line"
	equal "$status" 1 "exit status" && equal "$(<"$T/stdout")" '' stdout && contains "$line" "$text" || return 1
	if [[ $line != 'oci-podns-'* || $line == *$'\n'* ]]; then
		echo "that is not one line of oci-podns-runtime's"
		return 1
	fi
}
