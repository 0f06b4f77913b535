#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What a config says of /dev/shm, at precreate: what is understood becomes the pod's, what is not
# stays the container's own. Each option, size and label that is refused: the tables of test_plan.c.

load helpers

# teardown also of what stands for the engine's own /dev/shm of a container.
teardown() {
	unmount_below "$T/engine"
	common_teardown
}

# shm_config NAME MOUNT [OPTION=VALUE...]: a bundle with this mount on /dev/shm. MOUNT is JSON without the destination.
shm_config() {
	local name=$1 mount=$2
	shift 2
	make_bundle "$name" "$@"
	edit_config "$name" ".mounts += [{destination: \"/dev/shm\"} + $mount]"
}

# tmpfs_config NAME OPTION...: a tmpfs with these mount options.
tmpfs_config() {
	shm_config "$1" "{type: \"tmpfs\", source: \"shm\", options: [$(json_strings "${@:2}")]}"
}

# precreate NAME: in $T/NAME.new what comes out.
precreate() {
	hook --log-level info precreate <"$T/$1/config.json" >"$T/$1.new" 2>"$T/$1.err"
}

# shm_mount NAME: the mount on /dev/shm after precreate.
shm_mount() {
	jq -c '.mounts[] | select(.destination == "/dev/shm")' <"$T/$1.new"
}

shared_mount() {
	printf '{"destination":"/dev/shm","type":"bind","source":"%s","options":["bind","rprivate","nosuid","noexec","nodev"%s]}' \
		"$ROOT/podns/web/shm" "${1-}"
}

# stays NAME TEXT: the container keeps its own /dev/shm, no tmpfs is mounted for the pod, and a line has TEXT.
stays() {
	precreate "$1"
	equal "$(shm_mount "$1")" "$(jq -c '.mounts[-1]' <"$T/$1.orig")"
	[ ! -e "$ROOT/podns/web/shm" ]
	contains "$(<"$T/$1.err")" "keeps its own /dev/shm: $2"
	equal "$(jq -r '.linux.namespaces[] | select(.type == "ipc") | .path' <"$T/$1.new")" "$ROOT/ipcns/web"
}

pod_shm_options() {
	awk -v at="$ROOT/podns/web/shm" '$5 == at { print $NF }' /proc/self/mountinfo
}

# engine_shm VARIABLE: a path as podman has for a container's own /dev/shm.
engine_shm() {
	local dir
	dir=$T/engine/$(printf '%064d' 0)/userdata
	mkdir -p "$dir"
	printf -v "$1" %s "$dir/shm"
}

@test "a tmpfs with options that are understood becomes the pod's, with its size" {
	tmpfs_config a nosuid noexec nodev mode=01777 size=8m size=4096k tmpcopyup rprivate noatime
	precreate a
	equal "$(shm_mount a)" "$(shared_mount)"
	contains "$(pod_shm_options)" size=4096k
	lacks "$(<"$T/a.err")" /dev/shm
}

@test "a read-only tmpfs stays read-only for its container, and is the pod's" {
	tmpfs_config a ro nosuid nodev
	precreate a
	equal "$(shm_mount a)" "$(shared_mount ',"ro"')"
	lacks "$(pod_shm_options)" ro,
	tmpfs_config b ro rw
	precreate b
	equal "$(shm_mount b)" "$(shared_mount)"
}

@test "a tmpfs with an option that is not understood is left alone, and a warning says why" {
	local option n=0
	for option in size=10% nr_blocks=16 'size=1m,mode=0700'; do
		n=$((n + 1))
		tmpfs_config "a$n" nosuid "$option"
		stays "a$n" "the pod's /dev/shm does not support its mount option '$option'"
	done
	contains "$(<"$ROOT/podns/log")" "mount option 'nr_blocks=16'"
}

@test "a mount that is no tmpfs, a directory of the user's own, and one with another mount below are left alone" {
	shm_config a '{type: "bind", source: "/home", options: ["rbind", "ro"]}'
	stays a "it is a directory of the user's own"
	shm_config b '{type: "ramfs", source: "shm"}'
	stays b 'it is no tmpfs'
	tmpfs_config c nosuid
	edit_config c '.mounts = .mounts[:-1] + [{destination: "/dev/shm/x", type: "tmpfs", source: "x"}] + .mounts[-1:]'
	stays c 'another mount lies on it or below it'
}

@test "the engine's own: its options stay, ro too, and the size is that of its tmpfs" {
	local shm
	engine_shm shm
	mkdir "$shm"
	mount -t tmpfs -o size=3m shm "$shm"
	shm_config a "{type: \"bind\", source: \"$shm\", options: [\"bind\", \"ro\", \"nosuid\", \"size=10%\"]}"
	precreate a
	equal "$(shm_mount a | jq -r .source)" "$ROOT/podns/web/shm"
	equal "$(shm_mount a | jq -c .options)" '["bind","ro","nosuid","size=10%"]'
	contains "$(pod_shm_options)" size=3072k
}

@test "a source that looks like the engine's own and is no tmpfs: left alone, and never waited for" {
	local shm kind
	engine_shm shm
	mount -t tmpfs -o size=5m shm "$T/engine"
	mkdir -p "${shm%/*}" "$T/engine/elsewhere"
	for kind in nothing fifo device file symlink; do
		rm -f "$shm"
		case $kind in
		fifo) mkfifo "$shm" ;;
		device) mknod "$shm" c 1 3 ;;
		file) : >"$shm" ;;
		symlink) ln -s "$T/engine/elsewhere" "$shm" ;;
		esac
		shm_config "$kind" "{type: \"bind\", source: \"$shm\", options: [\"bind\"]}"
		stays "$kind" 'its source is no tmpfs whose size can be read'
	done
	# A size that is given is enough, and so is a /dev/shm that the pod has already.
	shm_config a "{type: \"bind\", source: \"$shm\", options: [\"bind\"]}" annotations=', "io.podns.shm-size": "2m"'
	precreate a
	contains "$(pod_shm_options)" size=2048k
	precreate symlink
	equal "$(shm_mount symlink | jq -r .source)" "$ROOT/podns/web/shm"
}

@test "io.podns.shm-size: nonsense is refused, whatever is mounted on /dev/shm" {
	local size mount n=0
	for mount in '{type: "tmpfs", source: "shm"}' '{type: "bind", source: "/home"}'; do
		for size in 64mb 0 ''; do
			n=$((n + 1))
			shm_config "a$n" "$mount" annotations=", \"io.podns.shm-size\": \"$size\""
			fails_with "annotation io.podns.shm-size: '$size' is" hook precreate <"$T/a$n/config.json"
			contains "$(<"$T/stderr")" 'such as 64m'
		done
	done
	assert_nothing_left
}

@test "linux.mountLabel on a host that takes none: the error says what it may be" {
	needs_no_selinux
	tmpfs_config a nosuid
	edit_config a '.linux.mountLabel = "system_u:object_r:container_file_t:s0:c1,c2"'
	fails_with 'mount a tmpfs at' hook precreate <"$T/a/config.json"
	contains "$(<"$T/stderr")" 'Invalid argument (linux.mountLabel is '
	contains "$(<"$T/stderr")" SELinux
	assert_nothing_left
	# A pod that has its /dev/shm needs no label.
	tmpfs_config b nosuid
	precreate b
	precreate a
	equal "$(shm_mount a)" "$(shared_mount)"
}

@test "linux.mountLabel with a quote, a control character or endless: refused" {
	local label n=0
	for label in 'a\"b' 'a\nb' "$(printf '%03000d' 0)"; do
		n=$((n + 1))
		tmpfs_config "a$n" nosuid
		edit_config "a$n" ".linux.mountLabel = \"$label\""
		fails_with 'linux.mountLabel' hook precreate <"$T/a$n/config.json"
		lacks "$(<"$T/stderr")" 'mount a tmpfs'
	done
	assert_nothing_left
}

@test "linux.mountLabel with a comma or a backslash adds no option to the mount" {
	local label n=0
	for label in 'a,size=1g' '\\\",size=1g'; do
		n=$((n + 1))
		tmpfs_config "a$n" nosuid
		edit_config "a$n" ".linux.mountLabel = \"$label\""
		fails_with 'linux.mountLabel' hook precreate <"$T/a$n/config.json"
	done
	assert_nothing_left
}
