# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Helpers of the tests of podns-net with plugins that only write down what they are called with; load it after podns.

NET=$PODNS_BUILD/net/podns-net
NETD=/etc/oci-podns/net.d
CNI=/run/net-test	# what the plugins read and write

# For setup_file: /etc and /opt are those of this file's mount namespace alone. Plugins: "one" makes the interface, "two"
# and "map" pass the result on.
fake_plugins() {
	local name
	own_etc
	own_opt
	mkdir -p "$NETD" /opt/cni/bin
	for name in one two map; do
		fake_plugin >"/opt/cni/bin/$name"
		chmod 0755 "/opt/cni/bin/$name"
	done
}

# It notes its n-th call in $CNI: a line in log, its environment in N.env and its input in N.stdin. Then it does what the
# shell script $CNI/NAME-COMMAND says, if there is one, else what a plugin does.
fake_plugin() {
	cat <<-'SCRIPT'
		#!/bin/sh
		dir=/run/net-test name=${0##*/}
		n=$(($(wc -l <$dir/log) + 1))
		echo "$name $CNI_COMMAND" >>$dir/log
		tr '\0' '\n' <"/proc/$$/environ" | sort >$dir/$n.env
		ls "/proc/$$/fd" >$dir/$n.fds
		cat >$dir/$n.stdin
		result() {
			printf '{ "cniVersion": "%s", "by": "%s", "big": 18446744073709551615,\n' "${version:-1.0.0}" "$name"
			printf ' "interfaces": [ {"name":"veth\\u0030"}, {"name":"eth0", "sandbox":"%s"} ],\n' "$CNI_NETNS"
			printf ' "ips": [ {"address":"10.9.8.7/24", "interface":1} ], "dns": {} }\n'
		}
		default() {
			case $name-$CNI_COMMAND in
			one-ADD)
				nsenter "--net=$CNI_NETNS" sh -c 'ip link add eth0 type veth peer name peer0 &&
					ip address add 10.9.8.7/24 dev eth0 && ip link set eth0 up' >&2 || exit 1
				result
				;;
			one-DEL)
				[ -z "$CNI_NETNS" ] || nsenter "--net=$CNI_NETNS" ip link del eth0 2>/dev/null || true
				;;
			*-ADD)
				result
				;;
			*-VERSION)
				echo '{"cniVersion": "1.0.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0"]}'
				;;
			esac
		}
		if [ -e "$dir/$name-$CNI_COMMAND" ]; then
			. "$dir/$name-$CNI_COMMAND"
		else
			default
		fi
	SCRIPT
}

# For setup.
fresh_plugins() {
	common_setup runc
	rm -rf "$CNI" "$NETD"
	mkdir -p "$CNI" "$NETD"
	: >"$CNI/log"
	conflist web 1.0.0
	podns create web >/dev/null
}

# conflist NAME VERSION [MEMBERS]: a network with the three plugins; MEMBERS of the list end with a comma.
conflist() {
	cat >"$NETD/50-$1.conflist" <<-JSON
		{ "cniVersion": "$2", "name": "$1", ${3-}
		  "plugins": [
		    { "type": "one", "x": 18446744073709551615 , "dns": {} },
		    { "type": "two", "capabilities": { "dns": true } },
		    { "type": "map", "capabilities": {"portMappings":true}, "snat": true }
		  ] }
	JSON
}

# plugin_does NAME COMMAND SCRIPT: instead of what it does else. `default` is that.
plugin_does() {
	printf '%s\n' "$3" >"$CNI/$1-$2"
}

# net ARGUMENT...: podns-net in the test's root.
net() {
	timeout -k 5 "$LIMIT" "$NET" --root "$ROOT" "$@"
}

# net_fails TEXT ARGUMENT...
net_fails() {
	fails_line 'podns-net: ' "$1" net "${@:2}"
}

# calls: what the plugins were called with since the last call of this, in one line.
calls() {
	paste -sd, "$CNI/log"
	: >"$CNI/log"
}

# namespaces N...: the different values of CNI_NETNS in these calls; empty if plugins got none.
namespaces() {
	local n
	for n; do
		sed -n 's/^CNI_NETNS=//p' "$CNI/$n.env"
	done | sort -u
}

# lock PATH: a process of ours, $HOLDER, holds the lock. A pid namespace's /proc/locks shows no lock whose taker has ended.
lock() {
	flock --no-fork "$1" sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	HOLDER=$!
	PIDS+=("$HOLDER")
	wait_for fails flock -n "$1" true
}

unlock() {
	kill "$HOLDER"
	wait "$HOLDER" || true
}

# is_waited_for PATH: a process sleeps in flock(2) of that.
is_waited_for() {
	grep -q -- "-> FLOCK .*:$(stat -c %i "$1") " /proc/locks
}

# record [JQ-FILTER]: of the record of the pod web.
record() {
	jq -r "${1-.}" <"$ROOT/podns/network@web"
}

# no_record: neither record nor resolv.conf nor temporary files.
no_record() {
	equal "$(cd "$ROOT/podns" && find . -name '*network@*' -o -name resolv.conf)" ''
}

# edit_record JQ-FILTER
edit_record() {
	record "$1" >"$T/record" && cat "$T/record" >"$ROOT/podns/network@web"
}

# has_ended PID: it is gone, or a zombie.
has_ended() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.*[ZX] ' "/proc/$1/status"
}

# transcript: all calls since the test began, with what differs from run to run replaced.
transcript() {
	local n id
	id=$(sed -n 's/^CNI_CONTAINERID=//p' "$CNI"/*.env | sort -u)
	for n in $(cd "$CNI" && find . -name '*.env' | tr -dc '0-9\n' | sort -n); do
		echo "--- call $n"
		cat "$CNI/$n.env"
		# The shell has its script open as 10 or 255.
		echo "descriptors: $(grep -x '[0-9]' "$CNI/$n.fds" | xargs)"
		cat "$CNI/$n.stdin"
		echo
	done | sed -e "s|$ROOT|ROOT|g" -e "s|$id|ID|g" -e 's|^CNI_PATH=.*/opt/cni/bin.*|CNI_PATH=...:/opt/cni/bin:...|'
}

# as_golden NAME: the transcript is the file tests/golden/NAME.
as_golden() {
	transcript | diff -u "$PODNS_SRC/tests/golden/$1" -
}
