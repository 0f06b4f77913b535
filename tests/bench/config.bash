# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A config.json as podman 4.3 writes it: on one line, with a seccomp profile, about 10 KB. It is
# the same bytes on every host, so that instructions can be compared. Where podman has mounted the
# container's own /dev/shm is in /run, which must be private to the test.

CONFIG_ID=$(printf '%.0s0123456789abcdef' 1 2 3 4)
CONFIG_SHM=/run/overlay-containers/$CONFIG_ID/userdata/shm

make_config_shm() {
	mkdir -p "$CONFIG_SHM" && mount -t tmpfs -o size=65536k shm "$CONFIG_SHM"
}

# members N FORMAT: print FORMAT for each number from 1 to N, which it may use twice.
members() {
	awk -v n="$1" -v format="$2" 'BEGIN { for (i = 1; i <= n; i++) printf format, i, i }'
}

capabilities() {
	local cap all=''
	for cap in CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT; do
		all+=",\"CAP_$cap\""
	done
	printf '%s' "${all#,}"
}

config_process() {
	local set
	printf '"process":{"user":{"uid":0,"gid":0,"additionalGids":[10]},"args":["sleep","1000"],'
	printf '"env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","TERM=xterm",'
	printf '"container=podman","HOME=/root","HOSTNAME=0123456789ab"],"cwd":"/","capabilities":{'
	for set in bounding effective inheritable; do
		printf '"%s":[%s],' "$set" "$(capabilities)"
	done
	printf '"permitted":[%s]},"rlimits":[{"type":"RLIMIT_NOFILE","hard":1048576,"soft":1048576},' "$(capabilities)"
	printf '{"type":"RLIMIT_NPROC","hard":18446744073709551615,"soft":18446744073709551615}],"oomScoreAdj":0},'
}

# config_mounts MORE
config_mounts() {
	local dir file
	dir=/var/lib/containers/storage/overlay-containers/$CONFIG_ID/userdata
	printf '"mounts":[{"destination":"/proc","type":"proc","source":"proc","options":["nosuid","noexec","nodev"]},'
	printf '{"destination":"/dev","type":"tmpfs","source":"tmpfs",'
	printf '"options":["nosuid","strictatime","mode=755","size=65536k"]},'
	printf '{"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]},'
	printf '{"destination":"/dev/pts","type":"devpts","source":"devpts",'
	printf '"options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620","gid=5"]},'
	printf '{"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","options":["nosuid","noexec","nodev"]},'
	for file in etc/hosts etc/hostname etc/resolv.conf run/.containerenv; do
		printf '{"destination":"/%s","type":"bind","source":"%s/%s","options":["bind","rprivate"]},' \
			"$file" "$dir" "${file#*/}"
	done
	printf '{"destination":"/dev/shm","type":"bind","source":"%s",' "$CONFIG_SHM"
	printf '"options":["bind","rprivate","nosuid","noexec","nodev"]},'
	printf '{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup",'
	printf '"options":["rprivate","nosuid","noexec","nodev","relatime","ro"]}'
	members "$1" ',{"destination":"/mnt/%d","type":"bind","source":"/srv/data/%d","options":["rbind","ro"]}'
	printf '],'
}

# config_annotations POD MORE
config_annotations() {
	printf '"annotations":{"io.container.manager":"libpod","io.kubernetes.cri-o.Created":"2026-01-31T12:00:00Z",'
	printf '"io.kubernetes.cri-o.TTY":"false","io.podman.annotations.autoremove":"FALSE",'
	printf '"io.podman.annotations.init":"FALSE","io.podman.annotations.privileged":"FALSE",'
	printf '"org.opencontainers.image.stopSignal":"15","io.podns.pod":"%s"' "$1"
	members "$2" ',"org.example.annotation.%d":"a value of some length, as operators like to write them"'
	printf '},'
}

# config_seccomp: a profile of some 300 calls.
config_seccomp() {
	local n
	printf '"seccomp":{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,'
	printf '"architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],"syscalls":['
	printf '{"names":["accept","access","bind","brk"'
	members 300 ',"system_call_%03d"'
	printf '],"action":"SCMP_ACT_ALLOW"}'
	for n in 0 8 131072 131080 4294967295; do
		printf ',{"names":["personality"],"action":"SCMP_ACT_ALLOW",'
		printf '"args":[{"index":0,"value":%s,"op":"SCMP_CMP_EQ"}]}' "$n"
	done
	printf ']}'
}

# config POD [MORE-MOUNTS [MORE-ANNOTATIONS]]: without namespace paths, as precreate reads it.
config() {
	printf '{"ociVersion":"1.0.2-dev",'
	config_process
	printf '"root":{"path":"/var/lib/containers/storage/overlay/0123456789abcdef/merged"},"hostname":"0123456789ab",'
	config_mounts "${2-0}"
	config_annotations "$1" "${3-0}"
	printf '"linux":{"resources":{"devices":[{"allow":false,"access":"rwm"}],"memory":{},"cpu":{},'
	printf '"pids":{"limit":2048},"blockIO":{}},"sysctl":{"net.ipv4.ping_group_range":"0 0"},'
	printf '"cgroupsPath":"/libpod_parent/libpod-0123456789ab",'
	printf '"namespaces":[{"type":"pid"},{"type":"network"},{"type":"ipc"},{"type":"uts"},{"type":"mount"},'
	printf '{"type":"cgroup"}],'
	config_seccomp
	printf ',"maskedPaths":["/proc/acpi","/proc/kcore","/proc/keys","/proc/latency_stats","/proc/timer_list",'
	printf '"/proc/timer_stats","/proc/sched_debug","/proc/scsi","/sys/firmware","/sys/fs/selinux","/sys/dev/block"],'
	printf '"readonlyPaths":["/proc/asound","/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]}}'
}
