# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Test cases for every runtime, called by hook-runc.bats and hook-crun.bats. The containers are real. A case
# checks what the container itself reported, the bundle and the root.

case_pins_and_gives_back() {
	make_bundle a
	start a
	assert_in_pins a web
	# All other types are the container's own, above all pid.
	[ -z "$(find "$ROOT" -name 'pid*' -o -name 'mnt*' -o -name 'user*' -o -name 'cgroup*')" ]
	differ "$(saw a pid)" "$(ns_ino /proc/self/ns/pid)"
	equal "$(ns_path a network)" "$ROOT/netns/web"
	equal "$(ns_path a ipc)" "$ROOT/ipcns/web"
	equal "$(ns_path a uts)" "$ROOT/utsns/web"
	equal "$(ns_path a pid)" ''
	equal "$(ns_path a mount)" ''
	stop a
	assert_untouched a
	assert_nothing_left
}

case_create_start_delete() {
	make_bundle a
	CONTAINERS+=(a)
	rt create --bundle "$T/a" "$(id_of a)" >"$T/a.out" 2>"$T/a.err"
	# Pinned at createRuntime, before the program runs.
	assert_pinned web net ipc uts
	equal "$(cat "$T/a.out")" ''
	rt start "$(id_of a)"
	wait_for grep -qx ready "$T/a.out"
	assert_in_pins a web
	stop a
	assert_untouched a
	assert_nothing_left
}

case_deleted_before_its_start() {
	make_bundle a
	CONTAINERS+=(a)
	rt create --bundle "$T/a" "$(id_of a)" >"$T/a.out" 2>"$T/a.err"
	assert_pinned web net ipc uts
	rt delete --force "$(id_of a)"
	assert_untouched a
	assert_nothing_left
}

case_prestart() {
	make_bundle a stages='prestart poststop'
	start a
	assert_in_pins a web
	stop a
	assert_untouched a
	assert_nothing_left
}

case_stage_is_given() {
	make_bundle a stages=createRuntime arg=createRuntime
	edit_config a ".hooks += {$(hooks_json poststop --root "$ROOT" poststop)}"
	start a
	assert_in_pins a web
	stop a
	assert_untouched a
	assert_nothing_left
}

case_two_containers_in_one_pod() {
	local type
	make_bundle a
	start a
	make_bundle b namespaces="$(joined_namespaces web)" hostname=
	start b
	assert_in_pins b web
	for type in net ipc uts; do
		equal "$(saw b $type)" "$(saw a $type)" "b's $type"
	done
	differ "$(saw b pid)" "$(saw a pid)"
	differ "$(saw b mnt)" "$(saw a mnt)"
	# The pod stays until the last container ends, in either order.
	stop a
	assert_pinned web net ipc uts
	equal "$(ns_ino "$ROOT/netns/web")" "$(saw b net)"
	stop b
	assert_untouched a
	assert_untouched b
	assert_nothing_left
}

# 127.0.0.1 is the same for both: one receives there what the other sends. busybox's nc exits with 0 when
# the other side shuts its end down, even if nothing was sent, so the receiver tries until it has the text.
case_loopback_is_shared() {
	make_bundle a program='report; while :; do echo hello from a | nc -l -p 4711; done'
	start a
	equal "$(saw a lo)" up
	# shellcheck disable=SC2016 # for the container's shell
	make_bundle b namespaces="$(joined_namespaces web)" hostname= \
		program='until [ "$(nc -w 5 127.0.0.1 4711 </dev/null)" = "hello from a" ]; do sleep 0.1; done; echo ready'
	start b
}

case_outside_its_pod_is_refused() {
	make_bundle a
	start a
	make_bundle b
	start_fails b
	assert_untouched b
	# The first container is unchanged.
	equal "$(ns_ino "$ROOT/netns/web")" "$(saw a net)"
	stop a
	assert_untouched a
	assert_nothing_left
}

case_restart_in_a_living_pod() {
	local net
	make_bundle a
	start a
	make_bundle b namespaces="$(joined_namespaces web)" hostname=
	start b
	net=$(saw b net)
	stop a
	# Its config.json still names the pod's pins, so it joins the pod again.
	start a
	equal "$(saw a net)" "$net"
	assert_in_pins a web
	stop b
	stop a
	assert_untouched a
	assert_untouched b
	assert_nothing_left
}

case_restart_after_the_pod() {
	make_bundle a
	start a
	stop a
	assert_untouched a
	start a
	assert_in_pins a web
	stop a
	assert_untouched a
	assert_nothing_left
}

case_host_network_is_left() {
	make_bundle a namespaces="$(entry pid), $(entry ipc), $(entry uts), $(entry mount)"
	start a
	equal "$(saw a net)" "$(ns_ino /proc/self/ns/net)"
	assert_not_pinned web net
	assert_in_pins a web ipc uts
	stop a
	assert_untouched a
	assert_nothing_left
}

case_a_network_of_ones_own_is_adopted() {
	local net
	ip netns add "mine-$$"
	net=$(ns_ino "/run/netns/mine-$$")
	make_bundle a namespaces="$(entry pid), $(entry ipc), $(entry uts), $(entry mount),
		$(entry network "/run/netns/mine-$$")"
	start a
	equal "$(saw a net)" "$net"
	equal "$(ns_ino "$ROOT/netns/web")" "$net"
	equal "$(ns_path a network)" "$ROOT/netns/web"
	stop a
	assert_untouched a
	assert_not_pinned web net ipc uts
	# It existed before the pod.
	equal "$(ns_ino "/run/netns/mine-$$")" "$net"
	ip netns del "mine-$$"
	assert_nothing_left
}

case_another_network_is_refused() {
	local joined
	make_bundle a
	start a
	ip netns add "other-$$"
	joined=$(joined_namespaces web)
	make_bundle b hostname= namespaces="${joined/"$ROOT/netns/web"/"/run/netns/other-$$"}"
	start_fails b
	assert_untouched b
	stop a
	ip netns del "other-$$"
	assert_nothing_left
}

case_a_prepared_network_is_joined_and_stays() {
	local net
	ip netns add web
	net=$(ns_ino /run/netns/web)
	make_bundle a root= namespaces="$(entry pid), $(entry ipc), $(entry uts), $(entry mount),
		$(entry network /run/netns/web)"
	start a
	equal "$(saw a net)" "$net"
	equal "$(saw a ipc)" "$(ns_ino /run/ipcns/web)"
	stop a
	assert_untouched a
	equal "$(ns_ino /run/netns/web)" "$net"
	[ ! -e /run/ipcns/web ]
	[ ! -e /run/utsns/web ]
	ip netns del web
	[ ! -e /run/podns/web ]
}

case_default_root() {
	make_bundle a root=
	start a
	equal "$(saw a net)" "$(ns_ino /run/netns/web)"
	equal "$(saw a ipc)" "$(ns_ino /run/ipcns/web)"
	equal "$(saw a uts)" "$(ns_ino /run/utsns/web)"
	equal "$(ns_path a network)" /run/netns/web
	# Other tools use that name.
	contains "$(ip netns list)" web
	contains "$(ip netns pids web)" "$(init_pid a)"
	equal "$(ip netns identify "$(init_pid a)")" web
	stop a
	assert_untouched a
	[ ! -e /run/netns/web ] && [ ! -e /run/ipcns/web ] && [ ! -e /run/utsns/web ]
	[ ! -e /run/podns/web ]
	equal "$(find /var/lib/oci-podns ! -type d)" ''
}

case_sysctls_are_set_before_the_program() {
	make_bundle a arg=--sysctl arg=net.ipv4.ip_default_ttl=77 arg=--sysctl \
		arg=kernel/msgmax=16384 arg=--sysctl arg=kernel.domainname=pods.example
	differ "$(cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	start a
	equal "$(saw a ttl)" 77
	equal "$(saw a msgmax)" 16384
	equal "$(saw a domainname)" pods.example
	# The host's values are unchanged.
	differ "$(cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	differ "$(cat /proc/sys/kernel/msgmax)" 16384
	differ "$(cat /proc/sys/kernel/domainname)" pods.example
}

# The container's program does not exist: the runtime fails after createRuntime has succeeded.
case_failed_start() {
	make_bundle a
	edit_config a '.process.args = ["/no/such/program"]'
	CONTAINERS+=(a)
	fails rt run --bundle "$T/a" "$(id_of a)" >"$T/a.out" 2>"$T/a.err"
	rt delete --force "$(id_of a)" >/dev/null 2>&1 || true
	# Whether or not the runtime ran poststop, the next container gets a new pod.
	make_bundle b
	start b
	assert_in_pins b web
	assert_untouched a
	stop b
	assert_untouched b
	assert_nothing_left
}

case_poststop_that_never_comes() {
	make_bundle a stages=createRuntime
	start a
	stop a
	# No hook ran, so everything is still there.
	assert_pinned web net ipc uts
	make_bundle b
	start b
	# b is not in the dead pod: that was ended, and a new one was made.
	assert_in_pins b web
	assert_untouched a
	stop b
	assert_untouched b
	assert_nothing_left
}

case_cgroup_namespace() {
	make_bundle a arg=--namespaces arg=cgroup,net annotations=', "io.podns.unknown": "x"' \
		namespaces="$(entry pid), $(entry network), $(entry ipc), $(entry uts),
			$(entry cgroup), $(entry mount)"
	start a
	assert_in_pins a web cgroup net
	assert_not_pinned web ipc uts
	equal "$(ns_path a cgroup)" "$ROOT/cgroupns/web"
	equal "$(ns_path a ipc)" ''
	stop a
	assert_untouched a
	assert_nothing_left
}

case_user_namespace() {
	needs_userns
	make_bundle a arg=--namespaces arg=net,ipc,uts,user \
		linux="$(mappings)" \
		namespaces="$(entry pid), $(entry network), $(entry ipc), $(entry uts),
			$(entry user), $(entry mount)"
	start a
	assert_in_pins a web net ipc uts user
	stop a
	assert_untouched a
	assert_nothing_left
}
