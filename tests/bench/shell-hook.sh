#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The hook as a shell script with jq and util-linux, to compare times with. It does what oci-podns-hook
# does if nothing fails, but undoes nothing, trusts its input and reformats config.json: do not use it.
#
#     shell-hook.sh ROOT SYSCTL=VALUE STAGE    with STAGE precreate, createRuntime or poststop

set -eu

root=$1 sysctl=$2 stage=$3
types="net:network ipc:ipc uts:uts"

set_sysctl() {
	nsenter --net="$root/netns/$pod" sysctl -q -w "$sysctl"
}

# One unshare(1) makes and pins everything.
make_pod() {
	mkdir -m 0700 "$record"
	touch "$root/netns/$pod" "$root/ipcns/$pod" "$root/utsns/$pod"
	# shellcheck disable=SC2016 # that shell is to expand them
	unshare --net="$root/netns/$pod" --ipc="$root/ipcns/$pod" --uts="$root/utsns/$pod" \
		sh -c 'ip link set lo up; hostname "$1"; sysctl -q -w "$2"' sh "$pod" "$sysctl"
	mkdir -m 0700 "$record/shm"
	mount -t tmpfs -o nosuid,nodev,noexec,mode=1777 shm "$record/shm"
}

# The document with the pins in it.
edited() {
	jq -c --arg root "$root" --arg pod "$pod" --arg hostname "$(nsenter --uts="$root/utsns/$pod" hostname)" '
		{network: "netns", ipc: "ipcns", uts: "utsns"} as $dirs
		| .linux.namespaces |= map(if $dirs[.type] then .path = "\($root)/\($dirs[.type])/\($pod)" else . end)
		| if .hostname then .hostname = $hostname else . end
		| .process.env |= map(if startswith("HOSTNAME=") then "HOSTNAME=\($hostname)" else . end)
		| .mounts |= map(if .destination == "/dev/shm" then .source = "\($root)/podns/\($pod)/shm" else . end)'
}

precreate() {
	config=$(cat)
	pod=$(printf '%s' "$config" | jq -r '.annotations["io.podns.pod"] // empty')
	record=$root/podns/$pod
	[ -n "$pod" ]
	exec 9>"$root/podns/$pod.lock"
	flock 9
	[ -d "$record" ] || make_pod
	printf '%s' "$config" | edited
}

# Adopts the container's namespaces if the pod does not exist yet.
adopt_pod() {
	mkdir -m 0700 "$record"
	for type in $types; do
		touch "$root/${type%:*}ns/$pod"
		mount --bind "/proc/$pid/ns/${type%:*}" "$root/${type%:*}ns/$pod"
	done
	nsenter --uts="$root/utsns/$pod" hostname "$pod"
	cp "$bundle/config.json" "$bundle/config.json.orig"
	edited <"$bundle/config.json" >"$bundle/config.json.new"
	sync "$bundle/config.json.new"
	mv "$bundle/config.json.new" "$bundle/config.json"
	sync "$bundle"
	printf '%s\n' "$bundle" >"$record/bundle"
}

create_runtime() {
	for type in $types; do
		if [ "$(readlink "/proc/$pid/ns/${type%:*}")" = "$(readlink "/proc/self/ns/${type%:*}")" ]; then
			echo "container $id is in the host's ${type#*:} namespace" >&2
			exit 1
		fi
	done
	[ -d "$record" ] || adopt_pod
	for type in $types; do
		if [ "$(stat -Lc %i "/proc/$pid/ns/${type%:*}")" != "$(stat -c %i "$root/${type%:*}ns/$pod")" ]; then
			echo "container $id is not in pod $pod" >&2
			exit 1
		fi
	done
	set_sysctl
	printf '%s\n' "$pid" >"$record/member.$id"
}

poststop() {
	[ -d "$record" ] || return 0
	rm -f "$record/member.$id"
	for member in "$record"/member.*; do
		[ ! -e "$member" ] || return 0
	done
	for type in $types; do
		umount -l "$root/${type%:*}ns/$pod"
		rm "$root/${type%:*}ns/$pod"
	done
	[ ! -d "$record/shm" ] || umount -l "$record/shm"
	if [ -e "$record/bundle" ]; then
		read -r edited_bundle <"$record/bundle"
		mv "$edited_bundle/config.json.orig" "$edited_bundle/config.json"
	fi
	rm -r "$record"
}

if [ "$stage" = precreate ]; then
	precreate
	exit
fi
state=$(cat)
# One line each. A bundle's path with a newline is not supported.
{
	read -r id
	read -r pid
	read -r bundle
	read -r pod
} <<FIELDS
$(printf '%s' "$state" | jq -r '.id, .pid // 0, .bundle, .annotations["io.podns.pod"]')
FIELDS
record=$root/podns/$pod
exec 9>"$root/podns/$pod.lock"
flock 9
case $stage in
createRuntime) create_runtime ;;
poststop) poststop ;;
esac
