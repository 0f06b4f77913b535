#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# /etc/hosts and /etc/resolv.conf of containers in a pod with a network: at precreate with what engines write, and under
# runc and crun by hand. The texts of /etc/hosts: tests/unit/test_etc.c.
#
# shellcheck disable=SC2030,SC2031 # each test changes its own PATH

load helpers
load podns
load net
load runtime

ENGINE_ID=6a2eed8f365806007deecdf5b9feaacdcf10f89fce75094395c1e8bbda55b3b0

setup_file() {
	fake_plugins
}

setup() {
	common_setup runc
	rm -rf /etc/oci-podns "$CNI"
	settings "root = $ROOT" no-syslog
	mkdir -p "$NETD" /etc/oci-podns/pods.d "$CNI"
	: >"$CNI/log"
	conflist lan 1.0.0
	define Network=lan DNS=192.0.2.53
}

# define LINE...: the pod web.
define() {
	printf '%s\n' '[Pod]' "$@" >/etc/oci-podns/pods.d/web.pod
}

# engine_hosts DIRECTORY: as podman 4 writes it, in $FILE. DIRECTORY is what comes after the id.
engine_hosts() {
	mkdir -p "$T/engine/$ENGINE_ID$1"
	FILE=$T/engine/$ENGINE_ID$1/hosts
	printf '%s\n' '10.1.1.1 foo' '127.0.0.1 localhost' '127.0.0.1 6a2eed8f3658 front' >"$FILE"
}

# mount_bundle NAME DESTINATION SOURCE [OPTION=VALUE...]: as podman writes it, for precreate.
mount_bundle() {
	make_bundle "$1" hostname=6a2eed8f3658 "${@:4}"
	edit_config "$1" ".mounts += [{destination: \"$2\", type: \"bind\", source: \"$3\", options: [\"bind\", \"rprivate\"]}]"
}

# precreate NAME: in $T/NAME.new what comes out.
precreate() {
	hook --log-level info precreate <"$T/$1/config.json" >"$T/$1.new" 2>"$T/$1.err"
}

# source_of NAME DESTINATION: of the mount after precreate; empty if there is none.
source_of() {
	jq -r --arg at "$2" '.mounts[] | select(.destination == $at) | .source' <"$T/$1.new"
}

# hosts_of NAME: the text of its /etc/hosts after precreate.
hosts_of() {
	cat "$(source_of "$1" /etc/hosts)"
}

# stays NAME SOURCE [TEXT]: its mount on /etc/hosts is as before, and a line has TEXT.
stays() {
	precreate "$1"
	equal "$(source_of "$1" /etc/hosts)" "$2"
	contains "$(<"$T/$1.err")" "${3-}"
	equal "$(copies)" ''
}

# copies: the pod's /etc/hosts files, and temporary ones.
copies() {
	(cd "$ROOT/podns/web" && find . -name '*hosts@*' -printf '%P\n')
}

# --- what engines write -------------------------------------------------------

our_runtime() {
	PATH=$PODNS_BUILD/runtime:$PATH
	RUNTIME=oci-podns-runc
}

@test "podman: its /etc/hosts becomes a copy with the pod's address, and resolv.conf is added" {
	local lines
	engine_hosts /userdata
	mount_bundle a /etc/hosts "$FILE"
	precreate a
	equal "$(hosts_of a)" "$(printf '10.9.8.7\tweb 6a2eed8f3658 front\n10.1.1.1 foo\n127.0.0.1 localhost')"
	contains "$(source_of a /etc/hosts)" "$ROOT/podns/web/hosts@"
	equal "$(source_of a /etc/resolv.conf)" "$ROOT/podns/web/resolv.conf"
	contains "$(<"$ROOT/podns/web/resolv.conf")" 'nameserver 192.0.2.53'
	equal "$(jq -c '.mounts[-1]' <"$T/a.new")" "{\"destination\":\"/etc/resolv.conf\",\"type\":\"bind\",\"source\":\"$ROOT/podns/web/resolv.conf\",\"options\":[\"bind\",\"rprivate\"]}"
	equal "$(stat -c '%a %u %g' "$ROOT"/podns/web/hosts@* "$ROOT/podns/web/resolv.conf" | sort -u)" '644 0 0'
	lines=$(grep -x "hosts $FILE" "$ROOT/podns/web/record")
	equal "$(wc -l <<<"$lines")" 1
	# The engine's file is as it was.
	equal "$(wc -l <"$FILE")" 3
	expire_claims "$ROOT"
	podns gc >/dev/null
	assert_nothing_left
}

@test "the second container of the pod, and the same one again" {
	local first
	engine_hosts /userdata
	mount_bundle a /etc/hosts "$FILE"
	precreate a
	first=$(source_of a /etc/hosts)
	echo '10.1.1.2 bar' >>"$FILE"
	precreate a
	equal "$(source_of a /etc/hosts)" "$first"
	contains "$(hosts_of a)" '10.1.1.2 bar'
	equal "$(copies | wc -l)" 1
	ENGINE_ID=${ENGINE_ID/6/7}
	engine_hosts /userdata
	mount_bundle b /etc/hosts "$FILE"
	precreate b
	differ "$(source_of b /etc/hosts)" "$first"
	equal "$(grep -c '^hosts ' "$ROOT/podns/web/record")" 2
	equal "$(calls)" 'one ADD,two ADD,map ADD'
}

@test "Docker: /etc/hosts of a directory with the container's id; resolv.conf stays if it is not known who chose it" {
	engine_hosts ''
	mount_bundle a /etc/hosts "$FILE"
	edit_config a ".mounts += [{destination: \"/etc/resolv.conf\", type: \"bind\", source: \"${FILE%hosts}resolv.conf\"}]"
	precreate a
	equal "$(hosts_of a)" "$(printf '10.9.8.7\tweb\n10.1.1.1 foo\n127.0.0.1 localhost\n127.0.0.1 6a2eed8f3658 front')"
	equal "$(source_of a /etc/resolv.conf)" "${FILE%hosts}resolv.conf"
}

@test "the user's own mounts stay" {
	echo '1.1.1.1 mine' >"$T/mine"
	mount_bundle a /etc/hosts "$T/mine"
	edit_config a ".mounts += [{destination: \"/etc/resolv.conf\", type: \"bind\", source: \"$T/mine\"}]"
	stays a "$T/mine"
	equal "$(source_of a /etc/resolv.conf)" "$T/mine"
	make_bundle b
	edit_config b ".mounts += [{destination: \"/etc/\", type: \"bind\", source: \"$T\"}]"
	stays b ''
	equal "$(source_of b /etc/resolv.conf)" ''
}

@test "--no-hosts: no /etc/hosts is added, but resolv.conf is" {
	make_bundle a
	stays a ''
	equal "$(source_of a /etc/resolv.conf)" "$ROOT/podns/web/resolv.conf"
}

@test "entries of the definition and of podns create" {
	define Network=lan AddHost=db:192.0.2.1 AddHost=foo:192.0.2.2
	engine_hosts /userdata
	mount_bundle a /etc/hosts "$FILE"
	precreate a
	equal "$(hosts_of a | cut -f1 | xargs)" '10.9.8.7 192.0.2.1 10.1.1.1 foo 127.0.0.1 localhost'
	podns rm --force web
	podns create --add-host cache:192.0.2.3 web >/dev/null
	precreate a
	contains "$(hosts_of a)" "$(printf '192.0.2.1\tdb\n192.0.2.3\tcache')"
	podns rm --force web
	assert_nothing_left
}

@test "the hostname is the container's own where it does not share the pod's" {
	engine_hosts /userdata
	sed -i 's/6a2eed8f3658/own/' "$FILE"
	mount_bundle a /etc/hosts "$FILE" annotations=', "io.podns.namespaces": "net"'
	edit_config a '.hostname = "own"'
	precreate a
	equal "$(hosts_of a | head -n 1)" "$(printf '10.9.8.7\town front')"
}

@test "a container that does not share the network keeps all" {
	engine_hosts /userdata
	podns create web >/dev/null
	mount_bundle a /etc/hosts "$FILE" annotations=', "io.podns.namespaces": "ipc,uts"'
	stays a "$FILE"
	equal "$(source_of a /etc/resolv.conf)" ''
}

@test "a pod without a network changes nothing in /etc, and opens nothing for it" {
	rm /etc/oci-podns/pods.d/web.pod
	engine_hosts /userdata
	mount_bundle a /etc/hosts "$FILE"
	under_strace -f -o "$T/trace" "$HOOK" --root "$ROOT" --no-syslog precreate <"$T/a/config.json" >"$T/a.new"
	equal "$(source_of a /etc/hosts)" "$FILE"
	equal "$(source_of a /etc/resolv.conf)" ''
	lacks "$(<"$T/trace")" "$FILE"
	lacks "$(<"$T/trace")" resolv.conf
}

# --- what is no file of an engine's ------------------------------------------------

@test "a link, a FIFO, a directory, a stranger's and a huge file: the container keeps it, and a warning says why" {
	local dir
	engine_hosts /userdata
	dir=${FILE%/hosts}
	mount_bundle a /etc/hosts "$FILE"
	mv "$FILE" "$dir/real" && ln -s real "$FILE"
	stays a "$FILE" 'Too many levels of symbolic links'
	rm "$FILE" && mkfifo "$FILE"
	stays a "$FILE" 'it is not a regular file'
	rm "$FILE" && mkdir "$FILE"
	stays a "$FILE" 'it is not a regular file'
	rmdir "$FILE"
	stays a "$FILE" 'No such file or directory'
	cp "$dir/real" "$FILE" && chown 12345 "$FILE"
	stays a "$FILE" 'it belongs to another user'
	rm "$FILE" && truncate -s 17M "$FILE"
	stays a "$FILE" 'File too large'
}

@test "podman 5 fills its file when the container is there: the addresses are put into it, and no lock is held meanwhile" {
	engine_hosts /userdata
	mv "$FILE" "$T/text"
	: >"$FILE"
	mount_bundle a /etc/hosts "$FILE"
	stays a "$FILE"
	cp "$T/a.new" "$T/a/config.json"
	start a
	podns exec web true
	cat "$T/text" >"$FILE"
	wait_for grep -q '# the pod' "$FILE"
	equal "$(<"$FILE")" "$(printf '10.9.8.7\tweb\t# the pod\n'; cat "$T/text")"
	equal "$(rt exec "$(id_of a)" cat /etc/hosts)" "$(<"$FILE")"
	# Its next start finds that text.
	mount_bundle a /etc/hosts "$FILE"
	precreate a
	equal "$(hosts_of a)" "$(printf '10.9.8.7\tweb 6a2eed8f3658 front\n10.1.1.1 foo\n127.0.0.1 localhost')"
	stop a
}

@test "a user namespace: its root owns the file" {
	engine_hosts /userdata
	chown 100000:100000 "$FILE"
	mount_bundle a /etc/hosts "$FILE" linux="\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],
		\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}]," \
		annotations=', "io.podns.namespaces": "net,ipc,uts,user"'
	edit_config a '.linux.namespaces += [{"type": "user"}]'
	precreate a
	equal "$(stat -c '%u %g' "$ROOT"/podns/web/hosts@*)" '100000 100000'
}

@test "the label of linux.mountLabel is that of the files" {
	engine_hosts /userdata
	mount_bundle a /etc/hosts "$FILE" linux='"mountLabel": "system_u:object_r:container_file_t:s0:c1,c2",'
	precreate a
	for file in "$ROOT"/podns/web/{hosts@*,resolv.conf}; do
		equal "$(getfattr --only-values -n security.selinux "$file")" system_u:object_r:container_file_t:s0:c1,c2
	done
}

# --- the end ----------------------------------------------------------------------------

@test "a run that fails leaves no file, and one that is there stays" {
	local file
	engine_hosts /userdata
	mount_bundle a /etc/hosts "$FILE"
	fails hook precreate <"$T/a/config.json" >/dev/full
	[ ! -e "$ROOT/podns/web" ]
	precreate a
	file=$(source_of a /etc/hosts)
	fails hook precreate <"$T/a/config.json" >/dev/full
	[ -e "$file" ]
	equal "$(grep -c '^hosts ' "$ROOT/podns/web/record")" 1
}

@test "a file goes when the engine's is gone, at the next poststop" {
	engine_hosts /userdata
	mount_bundle a /etc/hosts "$FILE"
	podns create web >/dev/null
	precreate a
	equal "$(copies | wc -l)" 1
	our_runtime
	make_bundle b stages=''
	start b
	stop b
	# Also that of b, whose bundle stays.
	equal "$(copies | wc -l)" 2
	rm "$FILE"
	start b
	stop b
	equal "$(copies | wc -l)" 1
	lacks "$(<"$ROOT/podns/web/record")" "$FILE"
}

# --- runc and crun by hand ------------------------------------------------------------------

NAMES='report; hostname -i; cat /etc/hosts /etc/resolv.conf; exec sleep 1000'

# by_hand CASE: with both names of the program. The hook and the runtime are those of this build.
by_hand() {
	our_runtime
	for RUNTIME in oci-podns-runc oci-podns-crun; do
		echo "# $RUNTIME"
		"$1"
		assert_nothing_left
	done
}

@test "runc and crun: the hostname is the pod's address, and config.json is as it was afterwards" {
	by_hand resolves
}

resolves() {
	make_bundle a stages='' program="$NAMES"
	start a
	wait_for grep -q nameserver "$T/a.out"
	grep -qx 10.9.8.7 "$T/a.out"
	grep -qx "$(printf '10.9.8.7\tfirst')" "$T/a.out"
	grep -qx "$(printf '127.0.0.1\tlocalhost')" "$T/a.out"
	grep -qx 'nameserver 192.0.2.53' "$T/a.out"
	make_bundle b stages='' program="$NAMES" hostname=second
	start b
	wait_for grep -q nameserver "$T/b.out"
	grep -qx "$(printf '10.9.8.7\tfirst')" "$T/b.out"
	stop a
	start a
	wait_for grep -q nameserver "$T/a.out"
	grep -qx 10.9.8.7 "$T/a.out"
	stop b
	stop a
	assert_untouched a
	assert_untouched b
}

@test "runc and crun: the user's own files, and mounts of others on the way back" {
	by_hand keeps_own
}

keeps_own() {
	echo '1.1.1.1 mine' >"$T/mine"
	make_bundle a stages='' program="$NAMES"
	edit_config a ".mounts += [{destination: \"/etc/hosts\", type: \"bind\", source: \"$T/mine\", options: [\"bind\"]}]"
	start a
	wait_for grep -q nameserver "$T/a.out"
	grep -qx '1.1.1.1 mine' "$T/a.out"
	lacks "$(<"$T/a.out")" localhost
	# Another program adds a mount while the pod is there.
	jq -c '.mounts += [{destination: "/x", type: "tmpfs"}]' <"$T/a/config.json" >"$T/edited"
	cat "$T/edited" >"$T/a/config.json"
	stop a
	equal "$(jq -c '[.mounts[].destination]' <"$T/a/config.json")" '["/proc","/dev","/etc/hosts","/x"]'
}

@test "podns rewrite --revert of a copied bundle takes the mounts out" {
	make_bundle a hostname=first
	podns create web >/dev/null
	podns rewrite --bundle "$T/a" web
	equal "$(jq -c '[.mounts[].destination]' <"$T/a/config.json")" '["/proc","/dev","/etc/resolv.conf","/etc/hosts"]'
	cp -r "$T/a" "$T/b"
	podns rewrite --revert --bundle "$T/b" web 2>"$T/b.err"
	equal "$(jq -c '[.mounts[].destination]' <"$T/b/config.json")" '["/proc","/dev"]'
	podns rm web
	assert_untouched a
	assert_nothing_left
}

# The engine's hook has 30 seconds, and others who wait for the lock 20.
@test "an /etc/hosts of many megabytes, which a container may have written, does not hold the pod's lock for long" {
	local byte
	# shellcheck disable=SC2046 # words
	define Network=lan $(seq -f 'AddHost=name%g:10.0.0.1' 1 64)
	engine_hosts /userdata
	mount_bundle a /etc/hosts "$FILE"
	# Empty lines, one word, and short words.
	for byte in '\n' a 'a '; do
		printf "%0.s$byte" {1..10000} >"$T/block"
		for _ in {1..800}; do
			cat "$T/block"
		done >"$FILE"
		timeout 10 "$HOOK" --root "$ROOT" --no-syslog precreate <"$T/a/config.json" >"$T/a.new"
		contains "$(source_of a /etc/hosts)" 'hosts@'
		equal "$(head -n 2 "$(source_of a /etc/hosts)" | tail -n 1)" $'10.0.0.1\tname1'
	done
}
