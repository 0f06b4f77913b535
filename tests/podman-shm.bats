#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# /dev/shm: shared where it is the engine's own, left alone where the user has said what it is to be.

load helpers
load podman

# shm_is NAME: bytes of the container's /dev/shm.
shm_size() {
	in_ctr "$1" df -k /dev/shm | awk 'END { print $2 }'
}

# shares_shm NAME NAME: what one writes the other reads.
shares_shm() {
	in_ctr "$1" ipc shm put "/mark-$1-$2" "from $1"
	[ "$(in_ctr "$2" ipc shm get "/mark-$1-$2" 2>/dev/null)" = "from $1" ]
}

@test "podman: /dev/shm is one tmpfs for the pod, with the options that an engine gives it" {
	local mount
	pod_wait a
	pod_wait b
	shares_shm a b
	shares_shm b a
	equal "$(in_ctr a stat -c %a /dev/shm)" 1777
	mount=$(in_ctr b grep ' /dev/shm ' /proc/mounts)
	contains "$mount" ' tmpfs '
	contains "$mount" nosuid,nodev,noexec
	# podman's default.
	equal "$(shm_size a)" 64000
	drop a b
	nothing_left
}

@test "podman: it stays for the second when the first is gone, and goes with the last" {
	pod_wait a
	pod_wait b
	in_ctr a ipc shm put /memory text
	drop a
	equal "$(in_ctr b ipc shm get /memory)" text
	pod_wait c
	equal "$(in_ctr c ipc shm get /memory)" text
	drop b c
	nothing_left
	# The next pod of that name has nothing of it.
	pod_wait d
	fails in_ctr d ipc shm get /memory
	drop d
	nothing_left
}

@test "podman: --shm-size of the first container is the pod's" {
	pod_wait a --ipc=shareable --shm-size 3mb
	pod_wait b --ipc=private --shm-size 5m
	equal "$(shm_size a)" 3072
	equal "$(shm_size b)" 3072
	shares_shm a b
	drop a b
	nothing_left
}

@test "podman: io.podns.shm-size comes before that" {
	pod_wait a --shm-size 3m --annotation io.podns.shm-size=7m
	pod_wait b
	equal "$(shm_size a)" 7168
	equal "$(shm_size b)" 7168
	drop a b
	nothing_left
}

@test "podman: --ipc=host has the host's, makes nothing for the pod, and the others have their own" {
	pod_wait b --ipc=host
	[ ! -e /run/ipcns/web ]
	[ ! -e /run/podns/web/shm ]
	pod_wait a
	equal "$(ctr_ns b ipc)" "$(ns_ino /proc/self/ns/ipc)"
	differ "$(ctr_ns a ipc)" "$(ns_ino /proc/self/ns/ipc)"
	equal "$(ctr_ns a net)" "$(ctr_ns b net)"
	fails shares_shm a b
	drop a b
	nothing_left
}

@test "podman: --ipc=none: the namespace is the pod's and /dev/shm is not there" {
	pod_wait a
	pod_wait b --ipc=none
	equal "$(ctr_ns a ipc)" "$(ctr_ns b ipc)"
	fails shares_shm a b
	drop a b
	nothing_left
}

@test "podman: a directory of the user's own at /dev/shm is left alone" {
	mkdir -m 1777 "$T/mine"
	pod_wait a
	pod_wait b -v "$T/mine:/dev/shm"
	equal "$(ctr_ns a ipc)" "$(ctr_ns b ipc)"
	fails shares_shm a b
	in_ctr b touch /dev/shm/file
	[ -e "$T/mine/file" ]
	drop a b
	nothing_left
	[ -e "$T/mine/file" ]
}

@test "podman: a read-only tmpfs on /dev/shm stays read-only, and sees what the others write" {
	pod_wait a
	pod_wait b --mount type=tmpfs,target=/dev/shm,ro=true
	shares_shm a b
	fails in_ctr b touch /dev/shm/file
	contains "$(in_ctr b grep ' /dev/shm ' /proc/mounts)" ' ro,'
	in_ctr a touch /dev/shm/file
	drop a b
	# The first is no other.
	pod_wait c --tmpfs /dev/shm:ro,size=2m
	pod_wait d --read-only
	fails in_ctr c touch /dev/shm/file
	shares_shm d c
	equal "$(shm_size d)" 2048
	drop c d
	nothing_left
}

@test "podman: a tmpfs on /dev/shm with what the pod's cannot have is left as it is, and the log says so" {
	pod_wait a
	pod_wait percent --mount type=tmpfs,target=/dev/shm,tmpfs-size=10%
	pod_wait mode --mount type=tmpfs,target=/dev/shm,tmpfs-mode=0755
	pod_wait exec --tmpfs /dev/shm:exec
	fails shares_shm a percent
	equal "$(in_ctr mode stat -c %a /dev/shm)" 755
	in_ctr exec cp /bin/busybox /dev/shm/busybox
	in_ctr exec /dev/shm/busybox true
	equal "$(ctr_ns a ipc)" "$(ctr_ns exec ipc)"
	contains "$(cat /run/podns/log)" "keeps its own /dev/shm: the pod's /dev/shm does not support its mount option 'size=10%'"
	contains "$(cat /run/podns/log)" "'mode=0755'"
	drop a percent mode exec
	nothing_left
}

@test "podman: /dev/shm is not shared where ipc is not" {
	pod_wait a "$(share net,uts)"
	pod_wait b "$(share net,uts)"
	differ "$(ctr_ns a ipc)" "$(ctr_ns b ipc)"
	fails shares_shm a b
	[ ! -e /run/podns/web/shm ]
	drop a b
	nothing_left
}

# --- by the filter, for runc and crun -----------------------------------------------

# through_filter NAME: as `podns rewrite` or a script of one's own would do it, before the runtime reads config.json.
through_filter() {
	hook precreate <"$T/$1/config.json" >"$T/$1.new"
	cat "$T/$1.new" >"$T/$1/config.json"
	keep_original "$1"
}

# shm_bundle NAME [OPTION]: with the tmpfs entry that `runc spec` writes, and one more option in JSON.
shm_bundle() {
	make_bundle "$1" pod=web
	edit_config "$1" '.process.args = ["pause"] | .root.path = "'"$PM/rootfs"'" | .mounts += [
		{"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
		 "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=4096k"'"${2+, $2}"']},
		{"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue"}]'
	through_filter "$1"
}

# A container with a tmpfs that can be written to, beside one with a read-only tmpfs.
runtime_shares_shm() {
	# shellcheck disable=SC2034 # rt() of helpers.bash runs it
	RUNTIME=$1
	ids_begin_with "podns-$$-$BATS_TEST_NUMBER"
	shm_bundle a
	shm_bundle b '"ro"'
	rt run --detach --bundle "$T/a" "$(id_of a)" >"$T/a.out" 2>&1 3>&-
	rt run --detach --bundle "$T/b" "$(id_of b)" >"$T/b.out" 2>&1 3>&-
	rt exec "$(id_of a)" ipc shm put /memory text
	equal "$(rt exec "$(id_of b)" ipc shm get /memory)" text
	equal "$(rt exec "$(id_of b)" df -k /dev/shm | awk 'END { print $2 }')" 4096
	fails rt exec "$(id_of b)" touch /dev/shm/file
	stop a
	stop b
	nothing_left
}

@test "runc: a tmpfs entry for /dev/shm becomes the pod's, and a read-only one stays read-only" {
	runtime_shares_shm runc
}

@test "crun: a tmpfs entry for /dev/shm becomes the pod's, and a read-only one stays read-only" {
	runtime_shares_shm crun
}
