#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What bash completion offers. The words are given as bash splits them: at '=', too.

load helpers
load podns

setup() {
	common_setup runc
	# shellcheck source=/dev/null
	. "$PODNS_SRC/cli/completion/podns"
	podns create web >/dev/null
	"$PODNS" create other >/dev/null
}

# offers WHAT WORD...: these, with spaces between, where the last word is to be completed.
offers() {
	local what=$1 COMP_WORDS=(podns "${@:2}") COMP_CWORD COMPREPLY
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_podns
	equal "${COMPREPLY[*]}" "$what" "${*:2}"
}

# The completion asks the podns that is in PATH: in the default root, unless it says another. PORTS: those of each pod.
podns() {
	if [ -n "${PORTS-}" ]; then
		echo "Ports:      $PORTS"
	elif [ "$1" = --root ] || [ "$1" = ls ]; then
		"$PODNS" "$@"
	else
		"$PODNS" --root "$ROOT" "$@"
	fi
}

@test "pods are those of the root that is named, wherever it stands" {
	offers other rm ''
	offers web --root "$ROOT" rm ''
	offers web --root = "$ROOT" rm ''
	offers web --root="$ROOT" rm ''
	offers web rm --root "$ROOT" ''
	offers web rm --root = "$ROOT" ''
	offers web rm --root = "$ROOT" --force w
	offers '' rm --root "$ROOT" x
	offers web exec --root "$ROOT" ''
	offers web exec --root = "$ROOT" -- ''
	offers web rewrite --namespaces = net --root = "$ROOT" --bundle . ''
}

@test "exec: a pod first, then a command, whose arguments are no concern of podns" {
	offers other exec ''
	offers other exec -- ''
	offers --root exec --r
	mkdir "$T/bin"
	printf '#!/bin/sh\n' >"$T/bin/podns-test-command"
	chmod +x "$T/bin/podns-test-command"
	PATH=$T/bin:$PATH
	offers podns-test-command exec other podns-test
	offers podns-test-command exec other -- podns-test
	touch "$T/file"
	offers "$T/file" exec other cat --root "$T/fi"
}

@test "one pod where one is taken, several where several are" {
	offers other inspect --json ''
	offers '' inspect other ''
	offers '' pids other ''
	offers web --root "$ROOT" log ''
	offers '' log other ''
	offers '' rewrite other ''
	offers '' ls ''
	offers other rm web ''
	offers '' rm -- --f
	offers --force rm web --f
}

@test "network: what to do, then one pod; ports to publish no more begin with -" {
	offers 'ls check up down publish' network ''
	offers publish network p
	offers other network check ''
	offers web network --root "$ROOT" down ''
	offers '' network check other ''
	offers '' network ls ''
	offers '--root --help --json' network -
	offers '--root --help --json' network ls -
	offers '--root --help' network up -
	offers '' network publish other 80
	offers '' network publish other -
	PORTS='8080:80/tcp 9000:90/udp'
	offers '-8080:80/tcp -9000:90/udp' network publish other -
	offers '-9000:90/udp' network publish other +8081:80 -9
}

@test "options and their arguments" {
	offers '--root --help --version' -
	offers '--root --help --dry-run' gc -
	mkdir "$T/dir"
	offers "$T/dir" rm --root = "$T/di"
	offers "$T/dir" check --sysroot "$T/di"
	offers 'net,uts net,user' create --namespaces net,u
	offers 'net,uts net,user' create --namespaces = net,u
	offers '' create --hostname = =
	offers '' create --publish = =
	offers --dns create --publish 8080:80 --dn
	offers pasta create --network past
	offers 'rm rewrite' r
}
