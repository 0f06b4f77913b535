#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Sysctls: what is accepted is in force in the pod, and what is refused is refused
# before anything is touched. What the host has does not change by any of it. Each key and component that is
# refused: the table of test_sysctl.c.

load helpers

# What no test may change.
host_values() {
	cat /proc/sys/kernel/{core_pattern,shm_rmid_forced,msgmax,domainname} \
		/proc/sys/net/ipv4/ip_default_ttl /proc/sys/vm/swappiness
}

setup() {
	common_setup runc
	HOST_VALUES=$(host_values)
}

teardown() {
	common_teardown
	equal "$(host_values)" "$HOST_VALUES" "the host's values"
}

# refused KEY=VALUE TEXT: by option and in config.json.
refused() {
	local text=${2-${1%%=*}} status=0
	make_bundle a
	create a '' --sysctl "$1" >"$T/stdout" 2>"$T/stderr" || status=$?
	cat "$T/stderr"
	[ "$status" = 1 ] || [ "$status" = 2 ]
	equal "$(wc -l <"$T/stderr")" 1
	contains "$(<"$T/stderr")" "$text"
	assert_untouched a
	assert_nothing_left
	make_bundle a sysctl="$(json_strings "${1%%=*}"): $(json_strings "${1#*=}")"
	fails_with "$text" create a ''
	assert_untouched a
	assert_nothing_left
}

# --- accepted ----------------------------------------------------------------------

@test "sysctls of network, ipc and uts, with either separator" {
	make_bundle a
	create a '' --sysctl net.ipv4.ip_default_ttl=70 --sysctl net/ipv4/tcp_fin_timeout=33 \
		--sysctl kernel.msgmax=10000 --sysctl kernel/msgmnb=20000 --sysctl kernel.msgmni=300 \
		--sysctl kernel.shmall=4000 --sysctl kernel.shmmax=50000000 --sysctl kernel.shmmni=600 \
		--sysctl kernel.shm_rmid_forced=1 --sysctl fs.mqueue.msg_max=20 \
		--sysctl 'kernel.sem=100 20000 50 60' --sysctl kernel.domainname=pods.example
	in_net() { in_pin net web cat "/proc/sys/$1"; }
	in_ipc() { in_pin ipc web cat "/proc/sys/$1"; }
	equal "$(in_net net/ipv4/ip_default_ttl)" 70
	equal "$(in_net net/ipv4/tcp_fin_timeout)" 33
	equal "$(in_ipc kernel/msgmax)" 10000
	equal "$(in_ipc kernel/msgmnb)" 20000
	equal "$(in_ipc kernel/msgmni)" 300
	equal "$(in_ipc kernel/shmall)" 4000
	equal "$(in_ipc kernel/shmmax)" 50000000
	equal "$(in_ipc kernel/shmmni)" 600
	equal "$(in_ipc kernel/shm_rmid_forced)" 1
	equal "$(in_ipc kernel/sem | tr '\t' ' ')" '100 20000 50 60'
	equal "$(in_ipc fs/mqueue/msg_max)" 20
	equal "$(in_pin uts web cat /proc/sys/kernel/domainname)" pods.example
}

@test "linux.sysctl comes after --sysctl" {
	make_bundle a sysctl='"net.ipv4.ip_default_ttl": "72", "kernel.msgmax":"10001"'
	create a '' --sysctl net.ipv4.ip_default_ttl=73
	equal "$(in_pin net web cat /proc/sys/net/ipv4/ip_default_ttl)" 72
	equal "$(in_pin ipc web cat /proc/sys/kernel/msgmax)" 10001
	poststop a
	assert_untouched a
	assert_nothing_left
}

@test "an interface with a dot in its name" {
	ip netns add web
	ip -n web link add name eth0.100 type veth peer name peer
	make_bundle a root= namespaces="$(entry network)"
	state_doc a '' | "$HOOK" --no-syslog --sysctl net.ipv4.conf.eth0/100.rp_filter=2 createRuntime
	equal "$(ip netns exec web cat /proc/sys/net/ipv4/conf/eth0.100/rp_filter)" 2
	state_doc a '' stopped | "$HOOK" --no-syslog
	ip netns del web
}

@test "a later container's other value wins, with a warning" {
	make_bundle a
	create a '' --sysctl net.ipv4.ip_default_ttl=74
	make_bundle b
	create b '' --sysctl net.ipv4.ip_default_ttl=75 2>"$T/stderr"
	equal "$(in_pin net web cat /proc/sys/net/ipv4/ip_default_ttl)" 75
	contains "$(<"$T/stderr")" net.ipv4.ip_default_ttl
	make_bundle c
	create c '' --sysctl net.ipv4.ip_default_ttl=75 2>"$T/stderr"
	equal "$(<"$T/stderr")" ''
}

@test "one that somebody changed meanwhile is set again; one that was not is not written again" {
	local ttl=net/ipv4/ip_default_ttl
	make_bundle a
	create a '' --sysctl net.ipv4.ip_default_ttl=74 --sysctl net.ipv4.ping_group_range='7 9'
	in_pin net web bash -c "echo 75 >/proc/sys/$ttl"
	make_bundle b
	create b '' --sysctl net.ipv4.ip_default_ttl=74 --sysctl net.ipv4.ping_group_range='7 9'
	equal "$(in_pin net web cat /proc/sys/$ttl)" 74
	make_bundle c
	state_doc c '' creating >"$T/state"
	under_strace -e trace=openat2,write -o "$T/calls" "$HOOK" --root "$ROOT" --no-syslog --no-sandbox \
		--sysctl net.ipv4.ip_default_ttl=74 --sysctl net.ipv4.ping_group_range='7 8' \
		createRuntime <"$T/state"
	cat "$T/calls"
	grep -q 'write([0-9]*, "7 8"' "$T/calls"
	! grep 'write([0-9]*, "74"' "$T/calls" || false
}

@test "one that can only be written" {
	make_bundle a
	create a '' --sysctl net.ipv4.ip_default_ttl=74
	make_bundle b
	create b '' --sysctl net.ipv4.route.flush=1
}

@test "where a later container's are refused, the pod has its own back" {
	make_bundle a
	create a '' --sysctl net.ipv4.ip_default_ttl=74 --sysctl kernel.domainname=one
	make_bundle b
	! create b '' --sysctl net.ipv4.ip_default_ttl=75 --sysctl kernel.domainname=two \
		--sysctl net.ipv4.conf.all.rp_filter=many || false
	equal "$(in_pin net web cat /proc/sys/net/ipv4/ip_default_ttl)" 74
	equal "$(in_pin uts web cat /proc/sys/kernel/domainname)" one
}

@test "in a mapped user namespace they are written inside of it" {
	needs_userns
	make_bundle a namespaces="$(entry network), $(entry ipc), $(entry uts), $(entry user)" \
		linux="$(mappings)"
	create a '' --namespaces net,ipc,uts,user --sysctl net.ipv4.ip_default_ttl=79 \
		--sysctl kernel.domainname=pods.example --sysctl user.max_net_namespaces=7
	equal "$(in_pin net web cat /proc/sys/net/ipv4/ip_default_ttl)" 79
	equal "$(in_pin uts web cat /proc/sys/kernel/domainname)" pods.example
	equal "$(in_pin user web cat /proc/sys/user/max_net_namespaces)" 7
}

@test "the ids of the next objects of ipc" {
	needs_next_id
	make_bundle a sysctl='"kernel.msg_next_id": "11", "kernel.sem_next_id": "12", "kernel.shm_next_id": "13"'
	create a ''
	equal "$(in_pin ipc web cat /proc/sys/kernel/{msg,sem,shm}_next_id)" $'11\n12\n13'
	equal "$(cat /proc/sys/kernel/{msg,sem,shm}_next_id)" $'-1\n-1\n-1'
}

@test "an empty value is written as runc and crun do, and changes nothing" {
	make_bundle a
	create a '' --sysctl net.ipv4.ip_default_ttl=74 --sysctl kernel.domainname=one \
		--sysctl net.ipv4.tcp_fin_timeout=
	make_bundle b sysctl='"net.ipv4.ip_default_ttl": "", "kernel.domainname": "", "kernel.msgmax": ""'
	state_doc b '' creating >"$T/state"
	under_strace -e trace=write -o "$T/calls" "$HOOK" --root "$ROOT" --no-syslog --no-sandbox \
		createRuntime <"$T/state" 2>"$T/stderr"
	equal "$(<"$T/stderr")" ''
	equal "$(grep -c '^write([0-9]*, "", 0)  *= 0' "$T/calls")" 2
	equal "$(in_pin net web cat /proc/sys/net/ipv4/ip_default_ttl)" 74
	equal "$(in_pin uts web cat /proc/sys/kernel/domainname)" one
	# The record still has the values that are in force.
	make_bundle c
	create c '' --sysctl net.ipv4.ip_default_ttl=75 --sysctl kernel.msgmax=10000 2>"$T/stderr"
	equal "$(wc -l <"$T/stderr")" 1
	contains "$(<"$T/stderr")" "'75' replaces '74'"
	# There has to be such a sysctl all the same.
	fails_with net.ipv4.no_such_thing create c '' --sysctl net.ipv4.no_such_thing=
}

# --- refused -----------------------------------------------------------------------

@test "of net.* a config may set only what the kernel keeps per namespace" {
	local key
	# What these have is what is written, so that a hole here would change nothing.
	for key in net.netfilter.nf_hooks_lwtunnel net.nothing.there; do
		make_bundle a sysctl="\"$key\": \"0\""
		fails_with "sysctl $key: is accepted neither from a config nor by pinns, but from the --sysctl" create a ''
		contains "$(<"$T/stderr")" 'accepted are net.{core,ipv4,'
		assert_untouched a
		assert_nothing_left
	done
	key=net.netfilter.nf_conntrack_max
	make_bundle a sysctl="\"$key\": \"\""
	fails_with "sysctl $key: is accepted neither from a config nor by pinns, since it would change the host" create a ''
	contains "$(<"$T/stderr")" 'set it on the host'
	assert_untouched a
	assert_nothing_left
	# By --sysctl it is the kernel alone that refuses.
	make_bundle a
	fails_with 'open /proc/sys/net/nothing/there' create a '' --sysctl net.nothing.there=0
	assert_untouched a
	assert_nothing_left
}

@test "where the kernel refuses, the hint says what to do" {
	make_bundle a
	fails_with 'does not have it: set it on the host' create a '' \
		--sysctl net.core.netdev_max_backlog=1000
	# Newer kernels let it be read, older ones do not show it.
	fails_with 'it then applies to all pods' create a '' --sysctl net.core.rmem_max=1000
	fails_with 'the pod may not have an interface eth7 yet' create a '' \
		--sysctl net.ipv4.conf.eth7.rp_filter=1
	fails_with 'takes two group ids' create a '' --sysctl net.ipv4.ping_group_range='0 4294967295'
	fails_with 'load the module' create a '' --sysctl net.ipv4.tcp_congestion_control=nosuch
	assert_untouched a
	assert_nothing_left
	if [ -e /proc/sys/net/netfilter/nf_conntrack_max ]; then
		fails_with 'set it on the host' create a '' --sysctl net.netfilter.nf_conntrack_max=1000
	fi
}

@test "net.ipv4.ping_group_range with ids that the pod's user namespace does not map" {
	needs_userns
	make_bundle a namespaces="$(entry network), $(entry user)" \
		linux="$(mappings)" \
		sysctl='"net.ipv4.ping_group_range": "0 1000"'
	fails_with 'takes two group ids' create a '' --namespaces net,user
	assert_nothing_left
}

@test "the host's own sysctls: refused" {
	refused kernel.core_pattern=evil
	refused kernel/core_pattern=evil
}

@test "a value with a second sysctl in it is one value, and the kernel refuses it" {
	refused 'kernel.shm_rmid_forced=1+kernel.core_pattern=evil' kernel.shm_rmid_forced
	refused 'net.ipv4.ip_default_ttl=64+kernel.core_pattern=evil' net.ipv4.ip_default_ttl
}

@test "components that lead elsewhere: refused" {
	refused net/ipv4/../../kernel/core_pattern=evil
	refused net..ipv4.ip_default_ttl=64
}

@test "a sysctl that does not exist: refused by the kernel, and nothing is left" {
	refused net.ipv4.no_such_thing=1
	refused net.ipv4=1
}

@test "a value that the kernel refuses: everything of the run is undone" {
	refused net.ipv4.ip_default_ttl=many
}

@test "a net sysctl of a container on the host's network: refused" {
	make_bundle a namespaces="$(entry ipc), $(entry uts)" sysctl='"net.ipv4.ip_default_ttl": "80"'
	fails_with net.ipv4.ip_default_ttl create a ''
	assert_untouched a
	assert_nothing_left
	make_bundle a namespaces="$(entry ipc), $(entry uts)"
	fails_with net.ipv4.ip_default_ttl create a '' --sysctl net.ipv4.ip_default_ttl=80
	assert_untouched a
	assert_nothing_left
}

@test "under a CRI engine: --sysctl of a type that the container shares with the host is left out" {
	local id network
	id=$(printf '%064d' 7)
	for network in '' ", $(entry network "/proc/$$/ns/net")"; do
		in_new_namespaces --ipc --uts
		make_bundle a pod= annotations=", \"io.kubernetes.cri.sandbox-id\": \"$id\"" \
			namespaces="$(entry ipc), $(entry uts)$network"
		create a "$CHILD" --log-level info --sysctl net.ipv4.ip_default_ttl=80 \
			--sysctl kernel.msgmax=10000 2>"$T/stderr"
		contains "$(<"$T/stderr")" "sysctl net.ipv4.ip_default_ttl is left out"
		equal "$(in_pin ipc "$id" cat /proc/sys/kernel/msgmax)" 10000
		equal "$(host_values)" "$HOST_VALUES"
		equal "$(grep '^sysctl ' "$ROOT/podns/$id/record")" 'sysctl kernel/msgmax 10000'
		# It is no error, and no warning.
		create a "$CHILD" --sysctl net.ipv4.ip_default_ttl=80 2>"$T/stderr"
		equal "$(<"$T/stderr")" ''
		end_child
		poststop a
		assert_nothing_left
	done
	# One that has a network of its own gets it.
	make_bundle a pod= annotations=", \"io.kubernetes.cri.sandbox-id\": \"$id\""
	create a '' --sysctl net.ipv4.ip_default_ttl=80
	equal "$(in_pin net "$id" cat /proc/sys/net/ipv4/ip_default_ttl)" 80
}

@test "under a CRI engine: a net sysctl of the config's for the host's network is refused" {
	make_bundle a pod= annotations=", \"io.kubernetes.cri.sandbox-id\": \"$(printf '%064d' 7)\"" \
		namespaces="$(entry ipc), $(entry uts)" sysctl='"net.ipv4.ip_default_ttl": "80"'
	fails_with "shares the host's network" create a ''
	fails_with "shares the host's network" create a '' --sysctl net.ipv4.ip_default_ttl=80
	assert_untouched a
	assert_nothing_left
}

@test "an ipc or uts sysctl of a container that shares the host's: refused" {
	make_bundle a namespaces="$(entry network)" sysctl='"kernel.msgmax": "10000"'
	fails_with kernel.msgmax create a ''
	make_bundle a namespaces="$(entry network)" sysctl='"kernel.domainname": "x"'
	fails_with kernel.domainname create a ''
	fails_with user.max_net_namespaces create a '' --sysctl user.max_net_namespaces=7
	assert_untouched a
	assert_nothing_left
}

@test "one bad key among good ones: nothing is touched" {
	make_bundle a
	create a ''
	make_bundle b sysctl='"net.ipv4.ip_default_ttl": "81", "kernel.core_pattern": "evil"'
	fails_with kernel.core_pattern create b ''
	differ "$(in_pin net web cat /proc/sys/net/ipv4/ip_default_ttl)" 81
	assert_untouched b
	# Nor by --sysctl before a bad one of the config.
	fails_with kernel.core_pattern create b '' --sysctl net.ipv4.ip_default_ttl=82
	differ "$(in_pin net web cat /proc/sys/net/ipv4/ip_default_ttl)" 82
	poststop a
	assert_nothing_left
}
