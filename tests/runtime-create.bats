#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# oci-podns-runtime before create, run and delete, in front of a fake runtime.

load helpers
load podns
load runtime

setup_file() {
	own_etc
}

setup() {
	common_setup runc
	fake_runtime
	settings "runtime = $T/real" "root = $ROOT" no-syslog
}

# runtime COMMAND NAME [GLOBAL OPTION...]
runtime() {
	timeout -k 5 "$LIMIT" "$RUNC" --root "$T/state" "${@:3}" "$1" --bundle "$T/$2" "$(id_of "$2")" </dev/null
}

delete_container() {
	timeout -k 5 "$LIMIT" "$RUNC" --root "${2-$T/state}" delete --force "$(id_of "$1")" </dev/null
}

has_run() {
	[ -e "$T/ran" ]
}

# plain_bundle NAME [OPTION=VALUE...]: without hooks of ours.
plain_bundle() {
	make_bundle "$@" stages=
}

claims() {
	podns inspect --json "${1-web}" | jq -c "[.claims[] | ${2-.id}]"
}

seen() {
	jq -c "$1" <"$T/seen.json"
}

# --- the edit --------------------------------------------------------------------

@test "create: the runtime finds the paths, a claim and both hooks, and the record has the claim" {
	plain_bundle a
	runtime create a
	equal "$(<"$T/ran")" "--root $T/state create --bundle $T/a $(id_of a)"
	equal "$(seen '[.linux.namespaces[] | select(.path).path]')" \
		"[\"$ROOT/netns/web\",\"$ROOT/ipcns/web\",\"$ROOT/utsns/web\"]"
	equal "$(seen '.hooks | map_values([.[] | .args[-1]])')" '{"createRuntime":["createRuntime"],"poststop":["poststop"]}'
	equal "$(seen '[.hooks[][].path] | unique')" "[\"$HOOK\"]"
	equal "$(claims web .id)" "[\"$(id_of a)\"]"
	equal "$(claims web .token)" "[$(seen '.annotations["io.podns.claim"]')]"
	equal "$(podns inspect --json web | jq -c .bundles)" "[\"$T/a\"]"
	equal "$(of_pod web .state)" claimed
}

@test "the hooks get the options of runtime.conf, so that all stages agree" {
	settings "runtime = $T/real" "root = $ROOT" 'namespaces = net,uts' 'sysctl = net.ipv4.ip_default_ttl=77' no-syslog
	plain_bundle a
	runtime create a
	equal "$(seen '.hooks.createRuntime[0].args')" \
		"[\"oci-podns-hook\",\"--root\",\"$ROOT\",\"--namespaces\",\"net,uts\",\"--sysctl\",\"net.ipv4.ip_default_ttl=77\",\"--no-syslog\",\"createRuntime\"]"
	assert_not_pinned web ipc
	equal "$(in_pin net web cat /proc/sys/net/ipv4/ip_default_ttl)" 77
}

# A process in the pod's namespaces; its pid is in $CHILD.
sleep_in_pod() {
	nsenter --net="$ROOT/netns/web" --ipc="$ROOT/ipcns/web" --uts="$ROOT/utsns/web" sleep 1000 3>&- &
	CHILD=$!
	PIDS+=("$CHILD")
	wait_for program_is "$CHILD" sleep
}

@test "the hooks that were added redeem the claim and end the pod: byte for byte as before" {
	plain_bundle a
	runtime run a
	sleep_in_pod
	state_doc a "$CHILD" | "$HOOK" --root "$ROOT" --no-syslog createRuntime
	equal "$(claims)" '[]'
	equal "$(of_pod web .state)" live
	end_child
	state_doc a '' stopped | "$HOOK" --root "$ROOT" --no-syslog poststop
	assert_untouched a
	assert_nothing_left
}

@test "without --bundle it is the working directory" {
	plain_bundle a
	(cd "$T/a" && "$RUNC" --root "$T/state" create "$(id_of a)")
	equal "$(claims)" "[\"$(id_of a)\"]"
	equal "$(ns_path a network)" "$ROOT/netns/web"
}

@test "a second container joins, and a hostname that is only the engine's default becomes the pod's" {
	local net
	plain_bundle a
	runtime create a
	net=$(ns_ino "$ROOT/netns/web")
	ids_begin_with 0123456789abcdef
	plain_bundle b hostname=0123456789ab
	runtime create b
	equal "$(seen .hostname)" '"first"'
	equal "$(ns_ino "$ROOT/netns/web")" "$net"
	equal "$(claims | jq length)" 2
}

@test "hooks of ours that are there already are not added again" {
	make_bundle a
	runtime create a
	equal "$(seen '.hooks | map_values(length)')" '{"createRuntime":1,"poststop":1}'
	plain_bundle b
	edit_config b '.hooks = {"prestart": [{"path": "/x/oci-podns-hook"}], "poststop": [{"path": "/bin/true"}]}'
	runtime create b
	equal "$(seen '[.hooks.createRuntime, [.hooks.poststop[].path]]')" "[null,[\"/bin/true\",\"$HOOK\"]]"
}

# --- nothing to do -----------------------------------------------------------------

@test "without an annotation: no child, no write, and nothing is read but runtime.conf and config.json" {
	local opened
	needs_plain_build "the sanitizers make calls of their own"
	plain_bundle a pod=
	touch -d '2020-01-01' "$T/a/config.json"
	under_strace -f -o "$T/trace" "$RUNC" --root "$T/state" create --bundle "$T/a" "$(id_of a)" </dev/null
	has_run
	# What follows is the fake runtime's.
	sed -n '1,/execve("'"${T//\//\\/}"'\/real"/p' "$T/trace" >"$T/ours"
	fails grep -E '(clone|fork|write|unlink|rename|mkdir|mount|socket)[a-z0-9]*\(' "$T/ours"
	opened=$(sed -n 's/.*open[a-z0-9]*([A-Z_0-9]*,* *"\([^"]*\)".*/\1/p' "$T/ours" | grep -v '^/proc/self\|^/sys\|^/etc/ld' | sort -u)
	equal "$opened" "$(printf '%s\n' "$T/a" "${CONF%/*}" config.json runtime.conf | sort -u)"
	assert_untouched a
	equal "$(stat -c %y "$T/a/config.json" | cut -c1-10)" 2020-01-01
	[ ! -e "$ROOT/podns" ]
}

@test "an annotation that is only mentioned, or written with escapes" {
	plain_bundle a pod=
	edit_config a '.process.args += ["io.podns.pod"]'
	runtime create a
	assert_untouched a
	plain_bundle b pod= annotations=', "\u0069o.podns\u002epod": "web"'
	runtime create b
	equal "$(claims)" "[\"$(id_of b)\"]"
}

@test "an annotation that only some parsers would read as ours is refused" {
	plain_bundle a pod= annotations=', "io.podns.pod\u0000x": "web"'
	runtime_fails 'has a NUL in its name' runtime create a
	[ ! -e "$T/ran" ]
	assert_untouched a
}

@test "an annotation that runtime.conf names, beyond ASCII and written with an escape" {
	settings "runtime = $T/real" "root = $ROOT" 'pod-annotation = org.pöd' no-syslog
	plain_bundle a pod= annotations=', "org.p\u00f6d": "web"'
	runtime create a
	equal "$(claims)" "[\"$(id_of a)\"]"
}

@test "a container that shares nothing with its pod: no claim, no hooks" {
	plain_bundle a namespaces="$(entry pid), $(entry mount)"
	runtime create a
	has_run
	assert_untouched a
	assert_nothing_left
}

@test "what the runtime itself reports is left to it: no bundle, no config.json, no id" {
	echo 7 >"$T/status"
	run "$RUNC" create --bundle "$T/nosuch" x
	equal "$status$output" 7
	mkdir "$T/empty"
	run "$RUNC" create --bundle "$T/empty" x
	equal "$status$output" 7
	plain_bundle a
	run "$RUNC" create --bundle "$T/a"
	equal "$status$output" 7
	assert_untouched a
	assert_nothing_left
}

# --- failures ---------------------------------------------------------------------

@test "the runtime fails after the edit: its delete drops the claim, whatever the working directory" {
	plain_bundle a
	echo 3 >"$T/status"
	run runtime create a
	equal "$status$output" 3
	equal "$(of_pod web .state)" claimed
	echo 0 >"$T/status"
	# Another container of this name, below another root.
	delete_container a "$T/other"
	equal "$(of_pod web .state)" claimed
	(cd / && delete_container a)
	contains "$(tail -n 1 "$T/ran")" 'delete --force'
	assert_untouched a
	assert_nothing_left
}

# Its runtime may not have read config.json yet, and would start it outside of the pod.
@test "delete of another container with this id leaves the claim: another runtime's, or below a relative root" {
	mkdir "$T/here" "$T/there"
	plain_bundle a
	runtime create a
	cp "$T/real" "$T/another"
	settings "runtime = $T/another" "root = $ROOT" no-syslog
	delete_container a
	equal "$(claims)" "[\"$(id_of a)\"]"
	settings "runtime = $T/real" "root = $ROOT" no-syslog
	delete_container a
	assert_untouched a
	(cd "$T/here" && "$RUNC" --root state create --bundle "$T/a" "$(id_of a)")
	(cd "$T/there" && delete_container a state)
	equal "$(claims)" "[\"$(id_of a)\"]"
	(cd "$T/here" && delete_container a state)
	assert_untouched a
	assert_nothing_left
}

@test "delete finds the claim however the runtime's root is written" {
	local written
	plain_bundle a
	cd "$T"
	for written in "$T/state/" "$T//state" "$T/x/../state" state ./state/.; do
		runtime create a
		equal "$(claims)" "[\"$(id_of a)\"]"
		delete_container a "$written"
		assert_untouched a
	done
	assert_nothing_left
}

@test "the runtime fails in a pod that others use: delete drops this claim alone" {
	plain_bundle a
	runtime create a
	plain_bundle b
	echo 3 >"$T/status"
	run runtime create b
	delete_container b || true
	equal "$(claims)" "[\"$(id_of a)\"]"
	assert_pinned web net ipc uts
}

@test "the runtime fails and delete never comes: gc gives config.json back when the claim has expired" {
	plain_bundle a
	echo 3 >"$T/status"
	run runtime create a
	podns gc
	equal "$(of_pod web .state)" claimed
	expire_claims "$ROOT"
	podns gc
	assert_untouched a
	assert_nothing_left
}

@test "create again after a failure: one claim, and one edit" {
	local first
	plain_bundle a
	runtime create a
	first=$(seen '.annotations["io.podns.claim"]')
	runtime create a
	equal "$(seen '.annotations["io.podns.claim"]')" "$first"
	equal "$(claims | jq length)" 1
	equal "$(seen '.hooks | map_values(length)')" '{"createRuntime":1,"poststop":1}'
	delete_container a
	assert_untouched a
	assert_nothing_left
}

# The runtime of the first may be about to read config.json while the second is created.
@test "two containers of one bundle: the second leaves the edit where it is, also if it fails" {
	local token written
	plain_bundle a
	runtime create a
	token=$(seen '.annotations["io.podns.claim"]')
	written=$(stat -c '%i %z' "$T/a/config.json")
	"$RUNC" --root "$T/state" create --bundle "$T/a" "$(id_of b)"
	equal "$(claims)" "[\"$(id_of a)\",\"$(id_of b)\"]"
	equal "$(claims web .token)" "[$token,$token]"
	equal "$(stat -c '%i %z' "$T/a/config.json")" "$written"
	mv "$T/real" "$T/away"
	echo '#!/nonexistent' >"$T/real"
	chmod 0755 "$T/real"
	runtime_fails "execute the runtime $T/real" "$RUNC" --root "$T/state" create --bundle "$T/a" "$(id_of c)"
	mv "$T/away" "$T/real"
	equal "$(claims | jq length)" 2
	equal "$(stat -c '%i %z' "$T/a/config.json")" "$written"
	delete_container a
	equal "$(claims)" "[\"$(id_of b)\"]"
	equal "$(stat -c '%i %z' "$T/a/config.json")" "$written"
	delete_container b
	assert_untouched a
	assert_nothing_left
}

# create_and_wait NAME: the runtime waits for $T/go before it would read config.json. Its pid is in $CHILD.
create_and_wait() {
	mkfifo "$T/go"
	cat >"$T/real" <<-SCRIPT
		#!/bin/sh
		[ "\$3" != create ] || read go <"$T/go"
	SCRIPT
	"$RUNC" --root "$T/state" create --bundle "$T/$1" "$(id_of "$1")" </dev/null 3>&- &
	CHILD=$!
	PIDS+=("$CHILD")
	wait_for program_is "$CHILD" real
}

@test "delete while the runtime is about to read config.json: the claim and the edit stay" {
	plain_bundle a
	create_and_wait a
	delete_container a
	equal "$(claims)" "[\"$(id_of a)\"]"
	equal "$(ns_path a network)" "$ROOT/netns/web"
	echo >"$T/go"
	wait "$CHILD"
	delete_container a
	assert_untouched a
	assert_nothing_left
}

@test "while the runtime is about to read config.json: the claim does not expire, and no other create takes it over" {
	plain_bundle a
	create_and_wait a
	expire_claims "$ROOT"
	podns gc
	equal "$(claims)" "[\"$(id_of a)\"]"
	equal "$(ns_path a network)" "$ROOT/netns/web"
	runtime_fails "is being created already, by process $CHILD" runtime create a
	equal "$(claims)" "[\"$(id_of a)\"]"
	equal "$(ns_path a network)" "$ROOT/netns/web"
	echo >"$T/go"
	wait "$CHILD"
	podns gc
	assert_untouched a
	assert_nothing_left
}

@test "delete of a container without a claim makes no child" {
	under_strace -f -o "$T/trace" "$RUNC" --root "$T/state" delete x </dev/null
	sed -n '1,/execve("'"${T//\//\\/}"'\/real"/p' "$T/trace" >"$T/ours"
	fails grep -E '(clone|fork|write)[a-z0-9]*\(' "$T/ours"
	equal "$(<"$T/ran")" "--root $T/state delete x"
}

@test "the runtime cannot be executed: everything is undone" {
	plain_bundle a
	printf '#!/nosuch/interpreter\n' >"$T/real"
	runtime_fails "execute the runtime $T/real: No such file or directory" runtime create a
	assert_untouched a
	assert_nothing_left
	# In a pod that others use.
	fake_runtime
	plain_bundle b
	runtime create b
	printf '#!/nosuch/interpreter\n' >"$T/real"
	runtime_fails 'execute the runtime' runtime create a
	assert_untouched a
	equal "$(claims)" "[\"$(id_of b)\"]"
	equal "$(podns inspect --json web | jq -c .bundles)" "[\"$T/b\"]"
}

@test "the real runtime is missing: nothing is written" {
	plain_bundle a
	settings "runtime = $T/nosuch" "root = $ROOT"
	runtime_fails "$T/nosuch" runtime create a
	assert_untouched a
	[ ! -e "$ROOT/podns" ]
}

@test "a bundle that cannot be written to: refused, with the reason, and nothing is left" {
	plain_bundle a
	mount --bind "$T/a" "$T/a"
	mount -o remount,bind,ro "$T/a"
	runtime_fails 'Read-only file system' runtime create a
	contains "$(<"$T/stderr")" "$T/a"
	contains "$(<"$T/stderr")" 'copy the bundle to a directory that is writable)'
	fails has_run
	umount "$T/a"
	assert_untouched a
	assert_nothing_left
}

# --- messages ------------------------------------------------------------------------

@test "a pod name that is not allowed: on stderr, in the log as JSON or text, nothing on stdout, no runtime" {
	local expected
	plain_bundle a pod=../x
	expected="oci-podns-runc: create: pod name '../x' may contain only A-Z a-z 0-9 _ . + - and must not start with '.'"
	runtime_fails "$expected" runtime create a --log "$T/log.json" --log-format json
	equal "$(jq -r '.level, .msg' <"$T/log.json")" "error
$expected"
	jq -r .time <"$T/log.json" | grep -qE '^20[0-9-]+T[0-9:.]+Z$'
	runtime_fails "$expected" runtime create a --log="$T/log.text"
	grep -qE '^time="[^"]+" level=error msg="' "$T/log.text"
	contains "$(<"$T/log.text")" "$expected"
	contains "$(podns log)" "${expected#*: }"
	fails has_run
	assert_untouched a
}

@test "run names itself in its errors, and so does the program" {
	plain_bundle a pod=a/b
	ln -s "$(realpath "$RUNC")" "$T/oci-podns-mine"
	runtime_fails "oci-podns-mine: run: pod name 'a/b'" "$T/oci-podns-mine" run --bundle "$T/a" "$(id_of a)"
}

@test "warnings go to standard error only without --log: that may be the container's" {
	plain_bundle a
	runtime create a
	settings "runtime = $T/real" "root = $ROOT" 'sysctl = net.ipv4.ip_default_ttl=77' no-syslog
	plain_bundle b annotations=', "io.podns.shm-size": "1m"'
	edit_config b '.mounts += [{"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["huge=never"]}]'
	runtime create b --log "$T/log" 2>"$T/err"
	equal "$(<"$T/err")" ''
	contains "$(podns log)" 'keeps its own /dev/shm'
	delete_container b
	runtime create b 2>"$T/err"
	contains "$(<"$T/err")" 'oci-podns-runc: create: pod web: warning: the container keeps its own /dev/shm'
}

@test "crun's --config: refused if that file names a pod" {
	plain_bundle a
	mv "$T/a/config.json" "$T/a/other.json"
	plain_bundle a pod=
	runtime_fails 'only the bundle'"'"'s config.json can be edited' \
		"$RUNC" create --bundle "$T/a" --config other.json "$(id_of a)"
	rm "$T/a/other.json"
	cp "$T/a/config.json" "$T/plain.json"
	"$RUNC" create --bundle "$T/a" -f "$T/plain.json" "$(id_of a)"
	has_run
	assert_untouched a
}

@test "restore: into a pod's network namespace alone" {
	plain_bundle a
	runtime_fails "restore: pod web: a container cannot be restored into the pod's ipc namespace (checkpoints work in a pod that shares only net" \
		runtime restore a
	fails has_run
	assert_untouched a
	assert_nothing_left
	plain_bundle b annotations=', "io.podns.namespaces": "net"'
	runtime restore b
	equal "$(ns_path b network)" "$ROOT/netns/web"
	equal "$(claims)" "[\"$(id_of b)\"]"
}

@test "a config.json that is a FIFO, a link or too large: refused, and never waited for" {
	plain_bundle a
	mv "$T/a/config.json" "$T/elsewhere"
	mkfifo "$T/a/config.json"
	runtime_fails "config.json is a FIFO, not a regular file" runtime create a
	rm "$T/a/config.json"
	ln -s "$T/elsewhere" "$T/a/config.json"
	runtime_fails "config.json is a symbolic link, not a regular file" runtime create a
	ln -sf /dev/zero "$T/a/config.json"
	runtime_fails "config.json is a symbolic link, not a regular file" runtime create a
	rm "$T/a/config.json"
	truncate -s 16777217 "$T/a/config.json"
	runtime_fails "larger than" runtime create a
	fails has_run
	assert_nothing_left
}

# --- a network of the container's own ----------------------------------------------------

# with_docker_hook NAME: as Docker 26 writes it, for --network none too.
with_docker_hook() {
	edit_config "$1" '.hooks.prestart = [{"path": "/proc/1/exe", "args": ["libnetwork-setkey", "-exec-root=/var/run/docker", "x"]}]'
}

# with_docker_files NAME MODE: the files that Docker mounts, and hostconfig.json beside them.
with_docker_files() {
	local dir
	dir=$T/docker/containers/$(id_of "$1")
	mkdir -p "$dir"
	printf '{"Binds":null,"NetworkMode":"%s"}' "$2" >"$dir/hostconfig.json"
	edit_config "$1" '.mounts += [{"destination": "/etc/hosts", "type": "bind", "source": "'"$dir"'/hosts", "options": ["rbind"]}]'
}

# pod_with_interface NAME: the pod web, with this interface.
pod_with_interface() {
	needs_veth
	podns create web >/dev/null
	in_pin net web ip link add "$1" type veth peer name peer0
	in_pin net web ip link set "$1" up
}

@test "a container that brings a network into a pod with an interface is refused, and told of --network none" {
	pod_with_interface eth0
	plain_bundle a
	with_docker_hook a
	runtime_fails "already has the interface eth0 (start it with --network none" runtime create a
	fails has_run
	assert_untouched a
	equal "$(of_pod web .state)" held
	# Docker cannot rename its own to eth0 then either.
	in_pin net web ip link set eth0 down
	runtime_fails "already has the interface eth0" runtime create a
	podns rm web
}

@test "any Ethernet interface that is up is a network; one that is down, or a VPN's, is none" {
	pod_with_interface veth0
	plain_bundle a
	with_docker_hook a
	runtime_fails "already has the interface veth0 (start it with --network none" runtime create a
	fails has_run
	in_pin net web ip link set veth0 down
	runtime create a
	has_run
	delete_container a
	needs_tun
	in_pin net web ip tuntap add wg0 mode tun
	in_pin net web ip link set wg0 up
	runtime create a
	podns rm --force web
}

@test "Docker's hook is there with --network none too: its hostconfig.json decides" {
	pod_with_interface eth0
	plain_bundle a
	with_docker_hook a
	with_docker_files a none
	runtime create a
	plain_bundle b
	with_docker_files b bridge
	runtime_fails "already has the interface eth0" runtime create b
	# Not another container's.
	plain_bundle c
	with_docker_files c none
	with_docker_hook c
	sed -i "s|/containers/$(id_of c)/|/containers/$(id_of a)/|" "$T/c/config.json"
	runtime_fails "already has the interface eth0" runtime create c
	podns rm --force web
}

@test "the first container may bring the pod's network, and bring it again after a restart" {
	plain_bundle a
	with_docker_hook a
	runtime create a
	has_run
	delete_container a
	podns create web >/dev/null
	runtime create a
	podns rm --force web
}
