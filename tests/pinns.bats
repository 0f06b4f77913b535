#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# pinns: the command line of CRI-O's, its layout, and what it lacks.

load helpers
load podns

setup() {
	common_setup runc
	ln -s "$PODNS" "$T/pinns"
	MAPS=(--uid-mapping=0-100000-65536@ --gid-mapping=0-200000-65536@)
}

pinns() {
	timeout -k 5 "$LIMIT" "$T/pinns" "$@"
}

# pinns_fails TEXT ARGUMENT...: with status 1 and one line; nothing is pinned in $ROOT.
pinns_fails() {
	local text=$1 status=0
	shift
	pinns "$@" >"$T/stdout" 2>"$T/stderr" || status=$?
	cat "$T/stderr"
	equal "$status" 1 "exit status" && equal "$(cat "$T/stdout")" '' stdout &&
		equal "$(wc -l <"$T/stderr")" 1 "lines on stderr" &&
		contains "$(cat "$T/stderr")" "$text" &&
		equal "$(grep -F " $ROOT/" /proc/self/mountinfo | grep -F ' - nsfs ')" '' "what is pinned"
}

# As CRI-O does with mappings: the files are made before, and given to the pod's root.
crio_files() {
	local type
	for type in net ipc uts user; do
		mkdir -p "$ROOT/${type}ns"
		: >"$ROOT/${type}ns/$1"
		chown 100000:200000 "$ROOT/${type}ns/$1"
	done
}

# CRI-O's way of removing them.
crio_removes() {
	local type name=$1
	shift
	for type; do
		umount -l "$ROOT/${type}ns/$name"
		rm "$ROOT/${type}ns/$name"
	done
}

@test "short options, alone and in a cluster" {
	pinns -d "$ROOT" -f a -n -i -u
	assert_pinned a net ipc uts
	pinns -d "$ROOT" -f b -niu
	assert_pinned b net ipc uts
	differ "$(ns_ino "$ROOT/netns/a")" "$(ns_ino "$ROOT/netns/b")"
	pinns -c -d "$ROOT" -f c
	assert_pinned c cgroup
	crio_removes a net ipc uts
	crio_removes b net ipc uts
	crio_removes c cgroup
	assert_nothing_left
}

@test "as CRI-O runs it" {
	needs_userns
	crio_files pod
	pinns -d "$ROOT" -f pod -s net.ipv4.ip_default_ttl=77 -s kernel.msgmax=16384 \
		--ipc --uts --user --net "${MAPS[@]}"
	assert_pinned pod net ipc uts user
	equal "$(nsenter --user="$ROOT/userns/pod" cat /proc/self/uid_map | xargs)" '0 100000 65536'
	equal "$(nsenter --user="$ROOT/userns/pod" cat /proc/self/gid_map | xargs)" '0 200000 65536'
	equal "$(in_pin net pod cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	equal "$(in_pin ipc pod cat /proc/sys/kernel/msgmax)" 16384
	differ "$(cat /proc/sys/net/ipv4/ip_default_ttl)" 77
	# The new user namespace owns the others.
	equal "$(podns inspect pod --json | jq '[.pins[] | select(.type != "user") | .user_namespace] | unique | .[]')" \
		"$(ns_ino "$ROOT/userns/pod")"
	crio_removes pod net ipc uts user
	assert_nothing_left
}

@test "=host pins the namespace of pinns itself" {
	pinns -d "$ROOT" -f pod --ipc --uts --net=host
	equal "$(ns_ino "$ROOT/netns/pod")" "$(ns_ino /proc/self/ns/net)"
	differ "$(ns_ino "$ROOT/ipcns/pod")" "$(ns_ino /proc/self/ns/ipc)"
	pinns -d "$ROOT" -f short -n=host -i
	equal "$(ns_ino "$ROOT/netns/short")" "$(ns_ino /proc/self/ns/net)"
}

@test "files that are there are used as they are, and stay when it fails" {
	needs_userns
	crio_files pod
	pinns -d "$ROOT" -f pod --ipc --uts --user --net=host "${MAPS[@]}"
	crio_files again
	run pinns -d "$ROOT" -f again --ipc --uts --net --user "${MAPS[@]}" -s net.ipv4.ip_default_ttl=0x
	equal "$status" 1
	equal "$(stat -c '%U:%u:%g:%a:%s' "$ROOT/ipcns/again")" "UNKNOWN:100000:200000:644:0"
	equal "$(grep -c "/again " /proc/self/mountinfo)" 0
	umount "$ROOT"/{ipc,uts,user,net}ns/pod
	equal "$(stat -c '%u:%g:%a:%s' "$ROOT/utsns/pod")" "100000:200000:644:0"
}

@test "without mappings a file that is there is an error: it may be another's mount point" {
	local ino mode hint='choose another name, or remove it if nothing needs it'
	mkdir -m 0755 "$ROOT/utsns"
	for mode in 0000 0644; do
		install -m "$mode" /dev/null "$ROOT/utsns/pod"
		ino=$(stat -c '%i %a %s' "$ROOT/utsns/pod")
		pinns_fails "pin uts at $ROOT/utsns/pod: File exists" -d "$ROOT" -f pod -i -u
		contains "$(cat "$T/stderr")" "$hint"
		equal "$(stat -c '%i %a %s' "$ROOT/utsns/pod")" "$ino"
		[ ! -e "$ROOT/ipcns/pod" ]
	done
	rm "$ROOT/utsns/pod"
	# What it may be.
	# shellcheck disable=SC2016 # for that shell
	sleeper unshare --mount --propagation private bash -c '"$1" -d "$2" -f pod --uts && shift 2 && exec "$@"' \
		bash "$T/pinns" "$ROOT"
	pinns_fails 'it may be a pin, here or in another mount namespace' -d "$ROOT" -f pod -u
	equal "$(nsenter -t "$CHILD" -m stat -fL -c %T "$ROOT/utsns/pod")" nsfs
	# A pin, and a file that is not empty, with mappings, too.
	pinns -d "$ROOT" -f there -u
	run pinns -d "$ROOT" -f there -u
	equal "$status" 1
	contains "$output" "$hint"
	umount "$ROOT/utsns/there"
	needs_userns
	echo mine >"$ROOT/utsns/text"
	pinns_fails "pin uts at $ROOT/utsns/text: File exists" -d "$ROOT" -f text -u -U "${MAPS[@]}"
	contains "$(cat "$T/stderr")" "$hint"
}

@test "files that it makes have mode 0" {
	pinns -d "$ROOT" -f pod --ipc
	umount "$ROOT/ipcns/pod"
	equal "$(stat -c '%a:%s:%u' "$ROOT/ipcns/pod")" 0:0:0
}

@test "the directory may be a symbolic link, and may be absent" {
	mkdir -m 0755 "$T/real"
	ln -s real "$T/link"
	pinns -d "$T/link" -f pod --uts
	ns_ino "$T/real/utsns/pod"
	pinns -d "$T/real/new" -f pod --uts
	ns_ino "$T/real/new/utsns/pod"
	umount "$T/real/utsns/pod" "$T/real/new/utsns/pod"
}

@test "a mount namespace is pinned under an unbindable directory" {
	where_mounts_bind "$T/pinns" -d "$ROOT" -f pod -m
	equal "$(stat -fc %T "$ROOT/mntns/pod")" nsfs
	grep -qE " $ROOT/mntns [^-]* unbindable " /proc/self/mountinfo
	where_mounts_bind "$T/pinns" -d "$ROOT" -f more --mnt
	equal "$(grep -c " $ROOT/mntns " /proc/self/mountinfo)" 1
	differ "$(nsenter --mount="$ROOT/mntns/pod" readlink /proc/self/ns/mnt)" "$(readlink /proc/self/ns/mnt)"
}

@test "what is pinned already is not pinned over" {
	local net
	pinns -d "$ROOT" -f pod -n
	net=$(ns_ino "$ROOT/netns/pod")
	run pinns -d "$ROOT" -f pod -i -n
	equal "$status" 1
	contains "$output" "$ROOT/netns/pod: File exists"
	equal "$(ns_ino "$ROOT/netns/pod")" "$net"
	[ ! -e "$ROOT/ipcns/pod" ]
}

@test "the last pin fails: the others are taken back" {
	mkdir -m 0755 "$ROOT/utsns"
	echo mine >"$ROOT/utsns/pod"
	pinns_fails "pin uts at $ROOT/utsns/pod" -d "$ROOT" -f pod -n -i -u
	equal "$(find "$ROOT" ! -type d)" "$ROOT/utsns/pod"
}

@test "CVE-2022-0811: a sysctl of the host is refused before anything is touched" {
	local before
	before=$(cat /proc/sys/kernel/core_pattern)
	pinns_fails 'would change the host' -d "$ROOT" -f pod -n -i -u -s 'kernel.core_pattern=|/tmp/evil'
	pinns_fails 'would change the host' -d "$ROOT" -f pod -n -i -u -s 'kernel/core_pattern=|/tmp/evil'
	equal "$(find "$ROOT" -mindepth 1)" ''
	equal "$(cat /proc/sys/kernel/core_pattern)" "$before"
}

@test "a sysctl that changes the host from a namespace: refused, since pod authors choose what CRI-O passes" {
	local key
	for key in net.netfilter.nf_hooks_lwtunnel net.netfilter.nf_conntrack_max net.bridge.bridge-nf-call-iptables \
		user.max_user_namespaces; do
		pinns_fails "sysctl $key: is accepted neither from a config nor by pinns" -d "$ROOT" -f pod -n -i -u -s "$key=1"
		equal "$(find "$ROOT" -mindepth 1)" ''
	done
}

@test "CVE-2022-0811: a + in a value is a part of the value" {
	local before
	before=$(cat /proc/sys/kernel/core_pattern)
	pinns_fails "write '1+kernel.core_pattern=|/tmp/evil'" -d "$ROOT" -f pod -n -i -u \
		-s 'kernel.shm_rmid_forced=1+kernel.core_pattern=|/tmp/evil'
	equal "$(cat /proc/sys/kernel/core_pattern)" "$before"
	equal "$(find "$ROOT" ! -type d)" ''
	# And where the kernel takes any text, it is written whole.
	pinns -d "$ROOT" -f pod -u -s 'kernel.domainname=a+kernel.hostname=b'
	equal "$(in_pin uts pod cat /proc/sys/kernel/domainname)" 'a+kernel.hostname=b'
}

@test "a sysctl for a =host namespace, or one that is not made, is refused" {
	local before
	before=$(cat /proc/sys/net/ipv4/ip_default_ttl)
	pinns_fails 'the pod has no network namespace of its own' -d "$ROOT" -f pod --net=host --ipc \
		-s net.ipv4.ip_default_ttl=77
	pinns_fails 'the pod has no network namespace of its own' -d "$ROOT" -f pod --ipc -s net.ipv4.ip_default_ttl=77
	equal "$(cat /proc/sys/net/ipv4/ip_default_ttl)" "$before"
}

@test "pinns's own mount namespace is refused with the reason, before anything is touched" {
	pinns_fails '--mnt=host: the kernel cannot bind a mount namespace inside itself' -d "$ROOT" -f pod --net --mnt=host
	pinns_fails '--mnt=host: the kernel cannot bind a mount namespace inside itself' -d "$ROOT/new" -f pod -m=host
	equal "$(find "$ROOT" -mindepth 1)" ''
}

@test "a pid namespace is refused with the reason" {
	pinns_fails 'dies with its init process' -d "$ROOT" -f pod --pid --net
	pinns_fails 'dies with its init process' -d "$ROOT" -f pod -n -p
}

@test "mistakes are told" {
	needs_userns
	pinns_fails '--dir is missing' -f pod -n
	pinns_fails '--filename is missing' -d "$ROOT" -n
	pinns_fails 'no namespace type is given (use --net,' -d "$ROOT" -f pod
	pinns_fails "'net' is no option, and pinns takes nothing else (see pinns --help)" -d "$ROOT" -f pod net
	pinns_fails 'needs --uid-mapping and --gid-mapping' -d "$ROOT" -f pod -U
	pinns_fails 'need a new user namespace' -d "$ROOT" -f pod -n "${MAPS[@]}"
	pinns_fails 'cannot be read' -d "$ROOT" -f pod -U --uid-mapping=0-1 --gid-mapping=0-1-1
	pinns_fails 'is not the name of a file' -d "$ROOT" -f ../pod -n
	pinns_fails "expected KEY=VALUE" -d "$ROOT" -f pod -n -s net
	pinns_fails "'=guest' is not understood" -d "$ROOT" -f pod --net=guest
	pinns_fails "unknown option '--bogus'" -d "$ROOT" -f pod --bogus
	pinns_fails "unknown option '-X'" -Xn
	pinns_fails "unknown option '-X'" -d "$ROOT" -nXi
	pinns_fails "option '--help' takes no argument" --help=1
	pinns_fails "an argument is missing after '-nf'" -d "$ROOT" -nf
}

@test "what getopt would take for other options is refused, and says what to write" {
	local type
	for type in net ipc uts user cgroup; do
		pinns_fails "write --$type=host" -d "$ROOT" -f pod "-$(letter_of "$type")host"
		pinns_fails "write --$type=host" -d "$ROOT" -f pod "-$type=host"
		pinns_fails "write --$type)" -d "$ROOT" -f pod "-$type"
	done
	pinns_fails "'-nhost' is not understood: a type is followed by =host (write --net=host)" -nhost
	pinns_fails 'write --ipc=host' -d "$ROOT" -f pod -nihost
	pinns_fails '--mnt=host: the kernel cannot bind a mount namespace inside itself' -d "$ROOT" -f pod -mhost
	pinns_fails 'dies with its init process' -d "$ROOT" -f pod -phost
	pinns_fails '-h cannot be combined with other options (see pinns --help)' -d "$ROOT" -f pod -nh
	pinns_fails '-h cannot be combined with other options' -d "$ROOT" -f pod -hn
	pinns_fails '-h cannot be combined with other options' -d "$ROOT" -f pod -nihosts
	pinns_fails 'write --uid-mapping=0-1-1' -d "$ROOT" -f pod -n -uid-mapping=0-1-1
	pinns_fails "write --filename=pod" -d "$ROOT" -n -filename=pod
	pinns_fails 'write --dir' -dir "$ROOT" -f pod -n
	pinns_fails "unknown option '-x'" -d "$ROOT" -f pod -nx
	pinns_fails "'=hos' is not understood" -d "$ROOT" -f pod -n=hos
	equal "$(find "$ROOT" -mindepth 1)" ''
	# An option's argument may look like anything.
	pinns -d "$ROOT" -f -nhost -u
	pinns -d "$ROOT" --filename -net -u
	pinns -d "$ROOT" -ufhost
	pinns -d "$ROOT" -uf -ihost
	umount "$ROOT"/utsns/{-nhost,-net,host,-ihost}
}

letter_of() {
	case $1 in
	user) echo U ;;
	*) echo "${1:0:1}" ;;
	esac
}

@test "usage, and the options that it names are in the manual page" {
	local option
	run -0 pinns --help
	contains "$output" 'Usage: pinns'
	while read -r option; do
		grep -qF -- "${option//-/\\-}" "$PODNS_SRC/man/pinns.1"
	done < <(grep -oE -- '--[a-z-]+' <<<"$output" | sort -u)
	equal "$(pinns -h)" "$output"
	equal "$(pinns -d "$ROOT" -h -n)" "$output"
	equal "$(pinns -help)" "$output"
}

@test "a lo that is up, and a hostname that is not the host's" {
	pinns -d "$ROOT" -f pod -n -u
	contains "$(in_pin net pod ip addr show lo)" LOWER_UP
	equal "$(in_pin uts pod hostname)" pod
}

@test "make install links pinns to podns" {
	make -C "$PODNS_BUILD" install DESTDIR="$T/dest" >/dev/null
	[ -L "$T/dest/usr/libexec/oci-podns/pinns" ]
	"$T/dest/usr/libexec/oci-podns/pinns" -d "$ROOT" -f pod -u
	assert_pinned pod uts
}

@test "a container runs in what pinns pinned" {
	pinns -d "$ROOT" -f pod -n -i -u
	make_bundle a pod= stages= namespaces="$(joined_namespaces pod)" hostname=
	start a
	assert_in_pins a pod
	rt delete --force "$(id_of a)"
}
