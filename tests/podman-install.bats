#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# After `make install` into a scratch system, podman works with the annotation alone: no flag, no configuration of
# the test's but what a small host needs. The scratch system is the host's /usr and /etc with what was installed
# laid over them, seen by this file alone.

load helpers
load podman
load podman-pods

setup_file() {
	mount --make-shared /run
	mkdir -p "$PM/dest" "$PM/work"
	make -C "$PODNS_BUILD" install DESTDIR="$PM/dest" >"$PM/install.log" 2>&1
	engine_rootfs "$PM/rootfs"
	# As a file of the administrator's would be: before ours in the directory, and without hooks_dir.
	podman_conf runc >"$PM/dest/etc/containers/containers.conf.d/00-host.conf"
	cat >"$PM/dest/etc/containers/storage.conf" <<-CONF
		[storage]
		driver = "overlay"
		graphroot = "$PM/storage"
		runroot = "$PM/run"
	CONF
	# bats knows no skip here: setup does that.
	T=$PM overlay_on_usr || return 0
	mount -t overlay -o "ro,lowerdir=$PM/dest/usr:/usr" overlay /usr
	mount -t overlay -o "lowerdir=/etc,upperdir=$PM/dest/etc,workdir=$PM/work" overlay /etc
	unset CONTAINERS_CONF
	tar -C "$PM/rootfs" -c . | timeout -k 5 "$LIMIT" podman "${IMPORT[@]}" >/dev/null 3>&-
}

setup() {
	podman_setup
	mountpoint -q /usr || needs_overlay_on_usr
	unset CONTAINERS_CONF
	pod_named web
}

# Without any option.
pm() {
	timeout -k 5 "$LIMIT" podman "$@" </dev/null 3>&-
}

@test "installed: the annotation alone makes a pod" {
	pm run -d --name a --annotation io.podns.pod=web --network none "$IMAGE" pause >/dev/null
	pm run -d --name b --annotation io.podns.pod=web --network none "$IMAGE" pause >/dev/null
	same_pod a b
	talk a b
	shares_ipc a b
	equal "$(in_ctr b hostname)" web
	drop a b
	nothing_left
}

@test "installed: podman knows both directories, by the drop-in" {
	contains "$(pm run --help | tr -s ' ')" --annotation
	[ -e /etc/containers/containers.conf.d/oci-podns.conf ]
	[ -e /usr/share/containers/oci/hooks.d/oci-podns.json ]
	[ -e /usr/share/oci-podns/hooks.d/oci-podns-precreate.json ]
	pm --log-level debug run --rm --network none "$IMAGE" true 2>"$T/debug.err"
	contains "$(cat "$T/debug.err")" "reading hooks from /usr/share/containers/oci/hooks.d"
	contains "$(cat "$T/debug.err")" "reading hooks from /usr/share/oci-podns/hooks.d"
}

@test "installed: a restart by policy is in the pod too" {
	local ino
	pm run -d --name b --annotation io.podns.pod=web --network none "$IMAGE" pause >/dev/null
	ino=$(ns_ino /run/netns/web)
	mkdir "$T/shared"
	# shellcheck disable=SC2016 # the container's shell expands it
	pm run -d --name a --restart=on-failure:3 --annotation io.podns.pod=web --network none -v "$T/shared:/shared" \
		"$IMAGE" sh -c 'echo x >>/shared/tries; [ $(wc -l </shared/tries) -gt 1 ] || exit 1; exec pause' >/dev/null
	wait_for has_lines 2 "$T/shared/tries"
	wait_for state_is a running
	equal "$(ctr_ns a net)" "$ino"
	drop a b
	nothing_left
}

has_lines() {
	[ "$(wc -l <"$2")" -ge "$1" ]
}

@test "installed: a container without the annotation never meets the hook" {
	# A program that cannot be run would fail it.
	pm run --rm --network none "$IMAGE" true
	[ ! -e /run/podns ]
}

@test "installed: podman build with a RUN works as root" {
	mkdir "$T/context"
	printf 'FROM %s\nRUN echo built >/built\n' "$IMAGE" >"$T/context/Containerfile"
	pm build --network none -t localhost/built "$T/context" >"$T/build.out" 2>&1 || {
		cat "$T/build.out"
		return 1
	}
	equal "$(pm run --rm --network none localhost/built cat /built)" built
	pm rmi -f localhost/built >/dev/null
}

@test "installed: it would not with precreate in a directory that builds read" {
	# Why the JSON file for precreate lies elsewhere. Builds read these two, whatever hooks_dir says.
	local status=0
	mkdir -p "$T/context" /etc/containers/oci/hooks.d
	cp /usr/share/oci-podns/hooks.d/*.json /etc/containers/oci/hooks.d/
	printf 'FROM %s\nRUN echo built >/built\n' "$IMAGE" >"$T/context/Containerfile"
	pm build --network none -t localhost/built "$T/context" >"$T/build.out" 2>&1 || status=$?
	rm -r /etc/containers/oci
	needs_failed_build "$status"
	contains "$(cat "$T/build.out")" precreate
}

@test "installed: podns check is content" {
	podns check
}

@test "installed: podman's own pods share nothing until root links the drop-in, as it says" {
	local link
	link=$(sed -n 's/^# *\(ln -s .*\)/\1/p' /usr/share/oci-podns/oci-podns-pods.conf)
	quiet pm pod create --infra=false --name web
	pod_of_podman web
	member web a
	member web b
	differ "$(ctr_ns a net)" "$(ctr_ns b net)"
	[ ! -e /run/podns ]
	drop a b
	# In this order it is without effect: podman reads oci-podns.conf after it.
	ln -s /usr/share/oci-podns/oci-podns-pods.conf /etc/containers/containers.conf.d/oci-podns-pods.conf
	member web a
	[ ! -e /run/podns ]
	fails podns check >"$T/check"
	drop a
	rm /etc/containers/containers.conf.d/oci-podns-pods.conf
	$link
	podns check
	member web a
	member web b
	same_pod a b
	talk a b
	# The other two directories count as before.
	pod_named other
	quiet pm run -d --name c --pidfile "$PID_D/c.pid" --annotation io.podns.pod=other --network none "$IMAGE" pause
	same_pod c
	quiet pm pod rm -f -t 0 web
	drop c
	rm /etc/containers/containers.conf.d/zz-oci-podns-pods.conf
	nothing_left
}

# agree WHAT: podman runs no container where podns check finds a problem in the file, and runs one where not.
agree() {
	local podman=runs check=well
	pm run --rm --network none "$IMAGE" true 2>"$T/podman.err" || podman=refuses
	podns check >"$T/check" || check=refuses
	if [ "$check" = refuses ]; then
		contains "$(cat "$T/check")" "$PM/more"
	fi
	equal "$podman" "${check/well/runs}" "$1: $(cat "$T/podman.err" "$T/check")"
}

@test "installed: podns check and podman agree on JSON files" {
	local more=$PM/more filter
	mkdir -m 0755 "$more"
	printf '[engine]\nhooks_dir = ["%s", "%s", "%s"]\n' /usr/share/containers/oci/hooks.d \
		/usr/share/oci-podns/hooks.d "$more" >/etc/containers/containers.conf.d/zz-more.conf
	agree none
	for filter in . 'del(.hook)' 'del(.stages)' 'del(.when)' 'del(.version)' '.version = "2.0.0"' '.stages = ["nosuch"]' \
		'.stages = []' '.stages = "poststop"' '.hook.path = "/nosuch"' '.hook.path = "/etc/passwd/x"' \
		'.hook.path = ""' '.hook.timeout = "x"' '[]' 'null' '{hook: "/bin/true", stage: ["prestart"]}' \
		'{hook: "/bin/true"}' '.stages = ["startContainer", "createContainer", "poststart"]'; do
		jq "$filter" <<'JSON' >"$more/x.json"
{"version":"1.0.0","hook":{"path":"/bin/true"},"when":{"annotations":{"no":"such"}},"stages":["poststop"]}
JSON
		agree "$filter"
	done
	echo '{"version' >"$more/x.json"
	agree "half of a file"
	mv "$more/x.json" "$more/.json"
	agree "a name that is all suffix"
	rm "$more/.json"
	mkdir "$more/x.json"
	agree "a directory"
	rmdir "$more/x.json"
	ln -s /nosuch "$more/x.json"
	agree "a link that leads nowhere"
	ln -sfn x.json "$more/x.json"
	agree "a link to itself"
	ln -sfn /etc/passwd/x "$more/x.json"
	agree "a link through a file"
	rm -r "$more"
	agree "no directory"
	: >"$more"
	agree "a file"
	rm "$more" /etc/containers/containers.conf.d/zz-more.conf
}
