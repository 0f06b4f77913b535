#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podns check: a right installation, and each way to break it.

load helpers
load podns

setup_file() {
	make -C "$PODNS_BUILD" install DESTDIR="$BATS_FILE_TMPDIR/sysroot" >"$BATS_FILE_TMPDIR/install.log" 2>&1
}

setup() {
	common_setup runc
	S=$T/sysroot
	cp -a "$BATS_FILE_TMPDIR/sysroot" "$S"
	engine podman
	SHARE=$S/usr/share/containers/oci/hooks.d
	PRECREATE=$S/usr/share/oci-podns/hooks.d
	CONF=$S/etc/containers/containers.conf.d
}

# As if an engine were installed.
engine() {
	printf '#!/bin/sh\n' >"$S/usr/bin/$1"
	chmod +x "$S/usr/bin/$1"
}

right() {
	run podns check --sysroot "$S"
	echo "$output"
	equal "$status" 0
	lacks "$output" PROBLEM
	equal "${lines[-1]}" "podns check: all is well$(noted "$(grep -c '^note ' <<<"$output")")"
}

# noted COUNT: how the last line ends after so many notes.
noted() {
	case $1 in
	0) ;;
	1) echo '; see the note above' ;;
	*) echo '; see the notes above' ;;
	esac
}

# wrong TEXT REMEDY
wrong() {
	local count
	run podns check --sysroot "$S"
	echo "$output"
	equal "$status" 1
	count=$(grep -c ^PROBLEM <<<"$output")
	equal "${lines[-1]}" "podns check: $count problem$([ "$count" = 1 ] || echo s), $([ "$count" = 1 ] || echo 'each ')with its remedy above"
	contains "$output" "$1"
	contains "$(grep -A1 PROBLEM <<<"$output")" "$2"
}

@test "what make install installs is right" {
	right
	contains "$output" "podman reads hooks in /usr/share/containers/oci/hooks.d, /usr/share/oci-podns/hooks.d"
	contains "$output" "$CONF/oci-podns.conf"
	contains "$output" "podman runs the hook at precreate"
	contains "$output" "CRI-O is not installed"
}

@test "a caller that ignores SIGCHLD: the hook runs all the same" {
	run env --ignore-signal=CHLD "$PODNS" check --sysroot "$S"
	echo "$output"
	equal "$status" 0
	equal "${lines[-1]}" 'podns check: all is well'
}

@test "the hook is missing" {
	rm "$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	wrong 'which is not there: engines skip such a file silently' 'install the hook'
	# Neither does any engine run it, nor does a JSON file lack.
	lacks "$output" 'podman runs the hook'
	lacks "$output" 'podman does not run the hook'
	equal "${lines[-1]}" 'podns check: 2 problems, each with its remedy above'
}

@test "one of two JSON files names a hook that is not there" {
	jq '.hook.path = "/nosuch/oci-podns-hook"' <"$SHARE/oci-podns.json" >"$T/x"
	cp "$T/x" "$SHARE/oci-podns.json"
	wrong "names $S/nosuch/oci-podns-hook, which is not there" 'install the hook'
	lacks "$output" 'podman runs the hook at createRuntime'
	contains "$output" 'podman runs the hook at precreate'
}

@test "a --sysroot that is not there is an error" {
	podns_fails 1 'open directory /nosuch: No such file or directory' check --sysroot /nosuch
	podns_fails 1 'Not a directory' check --sysroot "$S/usr/bin/podman"
}

@test "the hook may not be run, or does not run" {
	chmod -x "$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	wrong 'which cannot be run' 'chmod 0755'
	printf '#!/nosuch\n' >"$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	chmod +x "$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	wrong 'which does not run' 'install it again'
	printf '#!/bin/sh\nexit 1\n' >"$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	wrong 'which does not run' 'install it again'
}

@test "a JSON file is missing" {
	rm "$SHARE/oci-podns.json"
	wrong 'podman does not run the hook at createRuntime and poststop' 'oci-podns.json'
}

@test "the drop-in is missing" {
	rm "$CONF/oci-podns.conf"
	wrong 'podman does not run the hook at precreate' 'oci-podns.conf'
}

@test "a later drop-in takes the directory away again, or adds one" {
	printf '[engine]\nhooks_dir = ["/usr/share/containers/oci/hooks.d"]\n' >"$CONF/zz.conf"
	wrong 'podman does not run the hook at precreate' 'no later file'
	printf '[engine]\nhooks_dir = ["/opt/hooks", {append=true}]\n' >"$CONF/zz.conf"
	right
	contains "$output" '/opt/hooks'
}

# --- podman's own pods ------------------------------------------------------------------

# enable_pods [NAME]: root makes podman read the drop-in.
enable_pods() {
	cp "$S/usr/share/oci-podns/oci-podns-pods.conf" "$CONF/${1-zz-oci-podns-pods.conf}"
}

PODS_JSON=usr/share/oci-podns/podman-pods.d/oci-podns-pods.json

@test "podman's own pods: not in use, as installed, and in use" {
	right
	contains "$(grep -A1 'its own pods' <<<"$output")" 'ln -s /usr/share/oci-podns/oci-podns-pods.conf'
	contains "$output" "oci-podns-pods.conf is not in use"
	enable_pods
	right
	contains "$output" "/usr/share/oci-podns/hooks.d, /usr/share/oci-podns/podman-pods.d ($CONF/zz-oci-podns-pods.conf)"
	contains "$output" "podman runs the hook for its own pods without an infra container"
	contains "$output" "podman runs the hook at precreate"
	rm "$CONF/zz-oci-podns-pods.conf"
	ln -s ../../../usr/share/oci-podns/oci-podns-pods.conf "$CONF/zz-oci-podns-pods.conf"
	right
	contains "$output" "podman runs the hook for its own pods without an infra container"
}

@test "podman's own pods: a file that is read before another one that sets hooks_dir is none" {
	enable_pods oci-podns-pods.conf
	wrong "$CONF/oci-podns-pods.conf makes podman run the hook for its own pods, but $CONF/oci-podns.conf, which podman reads after it" \
		'rename the first'
	mv "$CONF/oci-podns-pods.conf" "$CONF/zz-oci-podns-pods.conf"
	right
}

@test "podman's own pods: the file alone is not enough" {
	enable_pods
	sed -i 's|"/usr/share/containers/oci/hooks.d", "/usr/share/oci-podns/hooks.d", ||' "$CONF/zz-oci-podns-pods.conf"
	wrong 'podman does not run the hook at createRuntime and poststop' oci-podns.json
	contains "$output" 'podman does not run the hook at precreate'
}

@test "podman's own pods: the JSON file is missing, lacks a stage or its hook" {
	enable_pods
	cp "$S/$PODS_JSON" "$T/pods.json"
	jq '.stages -= ["precreate"]' <"$T/pods.json" >"$S/$PODS_JSON"
	wrong 'podman does not run the hook at all of precreate, createRuntime and poststop for its own pods' 'oci-podns-pods.json'
	jq '.hook.path = "/nosuch/oci-podns-hook"' <"$T/pods.json" >"$S/$PODS_JSON"
	wrong "names $S/nosuch/oci-podns-hook, which is not there" 'install the hook'
	equal "${lines[-1]}" 'podns check: 1 problem, with its remedy above'
	rm "$S/$PODS_JSON"
	wrong "zz-oci-podns-pods.conf names /usr/share/oci-podns/podman-pods.d, where no file makes podman run the hook" \
		'oci-podns-pods.json'
}

@test "podman's own pods: where CRI-O reads it, the JSON file is for all of its pods" {
	engine crio
	jq '.stages -= ["precreate"]' <"$S/$PODS_JSON" >"$SHARE/oci-podns-pods.json"
	wrong "$SHARE/oci-podns-pods.json is for podman's own pods, and matches all pods of CRI-O" '/usr/share/oci-podns/podman-pods.d'
}

# --- other files --------------------------------------------------------------------------

@test "a precreate stage where CRI-O and podman build look" {
	cp "$PRECREATE/oci-podns-precreate.json" "$SHARE/"
	wrong 'CRI-O does not start' '/usr/share/oci-podns/hooks.d'
	rm "$SHARE/oci-podns-precreate.json"
	mkdir -p "$S/etc/containers/oci/hooks.d"
	cp "$PRECREATE/oci-podns-precreate.json" "$S/etc/containers/oci/hooks.d/"
	wrong 'CRI-O does not start' '/usr/share/oci-podns/hooks.d'
}

# json FILTER [NAME]: another program's JSON file, changed by jq.
json() {
	jq "$1" <<<'{"version":"1.0.0","hook":{"path":"/bin/true"},"when":{"always":true},"stages":["poststop"]}' \
		>"$SHARE/${2-other}.json"
}

# podman-install.bats asks podman itself.
@test "JSON files with which engines refuse to work" {
	json .
	right
	echo '{' >"$SHARE/other.json"
	wrong "$SHARE/other.json" 'correct or remove it'
	contains "$output" 'as long as it exists, podman starts no container'
	: >"$SHARE/other.json"
	wrong "$SHARE/other.json" 'correct or remove it'
	echo '[]' >"$SHARE/other.json"
	wrong 'is not a JSON object' 'correct or remove it'
	json '.version = "3.0.0"'
	wrong 'neither 1.0.0 nor 0.1.0' 'correct or remove it'
	json 'del(.hook)'
	wrong 'names no program' 'correct or remove it'
	json 'del(.stages)'
	wrong 'stages is missing' 'correct or remove it'
	json '.stages = "poststop"'
	wrong "$SHARE/other.json" 'correct or remove it'
	json '.stages = ["nosuch"]'
	wrong 'stages names an unknown stage' 'correct or remove it'
	json 'del(.version)'
	wrong "$SHARE/other.json" 'correct or remove it'
	ln -s usr/bin/podman "$S/bin"
	json '.hook.path = "/bin/x"'
	wrong '(Not a directory): as long as it exists, podman starts no container' 'correct hook.path'
	rm "$S/bin" "$SHARE/other.json"
	mkdir "$SHARE/other.json"
	wrong 'Is a directory' 'correct or remove it'
	rmdir "$SHARE/other.json"
	ln -s other.json "$SHARE/other.json"
	wrong 'ymbolic link' 'correct or remove it'
	engine crio
	wrong 'as long as it exists, CRI-O does not start' 'correct or remove it'
}

@test "JSON files that engines skip, or read for another program" {
	ln -s /nosuch "$SHARE/other.json"
	right
	contains "$(grep -A1 "^note *$SHARE/other.json: a link that leads nowhere" <<<"$output")" 'remove the link'
	rm "$SHARE/other.json"
	json '.hook.path = "/nosuch"'
	right
	echo '{"hook":"/bin/true","arguments":["x"],"stage":["prestart"]}' >"$SHARE/other.json"
	right
	# The hook's own, as such a link.
	mv "$SHARE/oci-podns.json" "$T/moved.json"
	ln -s nosuch.json "$SHARE/oci-podns.json"
	wrong 'podman does not run the hook at createRuntime' 'oci-podns.json'
	contains "$output" 'leads nowhere'
}

@test "a file of the same name in a later directory takes the place" {
	printf '[engine]\nhooks_dir = ["%s", "/usr/share/oci-podns/hooks.d", "/later"]\n' \
		/usr/share/containers/oci/hooks.d >"$CONF/zz.conf"
	mkdir -m 0755 "$S/later"
	right
	SHARE=$S/later json '.hook.path = "/usr/bin/podman"' oci-podns
	wrong 'podman does not run the hook at createRuntime' 'oci-podns.json'
	# Where its program is missing it does not.
	SHARE=$S/later json '.hook.path = "/nosuch"' oci-podns
	right
}

@test "hooks that ordinary users cannot read stop their podman" {
	chmod 0600 "$SHARE/oci-podns.json"
	wrong "$SHARE/oci-podns.json cannot be read by ordinary users: their podman" "chmod 0644 $SHARE/oci-podns.json"
	chmod 0644 "$SHARE/oci-podns.json"
	chmod 0700 "$PRECREATE"
	wrong "$PRECREATE cannot be read by ordinary users" "chmod 0755 $PRECREATE"
}

@test "a hooks directory that is none" {
	printf '[engine]\nhooks_dir = ["%s", "/usr/share/oci-podns/hooks.d", "/usr/bin/podman"]\n' \
		/usr/share/containers/oci/hooks.d >"$CONF/zz.conf"
	wrong "$S/usr/bin/podman: Not a directory" 'take it out of hooks_dir'
}

@test "a hook that does not end is not waited for long" {
	printf '#!/bin/sh\nexec sleep 98765\n' >"$S/usr/libexec/oci/hooks.d/oci-podns-hook"
	SECONDS=0
	wrong 'which does not run' 'install it again'
	[ "$SECONDS" -lt 15 ]
	equal "$(pgrep -fx 'sleep 98765' | wc -l)" 0
}

@test "no args, or a timeout below the wait for a lock" {
	jq 'del(.hook.args)' <"$SHARE/oci-podns.json" >"$T/x"
	cp "$T/x" "$SHARE/oci-podns.json"
	wrong 'has no hook.args' 'oci-podns-hook'
	jq '.hook.args = ["x"] | .hook.timeout = 5' <"$T/x" >"$SHARE/oci-podns.json"
	wrong 'hook.timeout of 5 s' 'set it to 30'
}

@test "CRI-O: its own configuration counts" {
	engine crio
	right
	contains "$output" 'CRI-O runs the hook at createRuntime and poststop'
	mkdir -p "$S/etc/crio/crio.conf.d"
	printf '[crio.runtime]\nhooks_dir = [\n  "/etc/hooks", # ours\n]\n' >"$S/etc/crio/crio.conf"
	wrong 'CRI-O does not run the hook' 'oci-podns.json'
	printf '[crio.runtime]\nhooks_dir = ["/usr/share/containers/oci/hooks.d"]\n' \
		>"$S/etc/crio/crio.conf.d/50.conf"
	right
	printf '[crio.runtime]\nhooks_dir = ["/usr/share/containers/oci/hooks.d", "/usr/share/oci-podns/hooks.d"]\n' \
		>"$S/etc/crio/crio.conf.d/50.conf"
	wrong 'CRI-O does not start' 'move it'
}

@test "CRI-O: every file in its directory counts, and in those below" {
	engine crio
	mkdir -p "$S/etc/crio/crio.conf.d/x"
	printf '[crio.runtime]\nhooks_dir = ["/one"]\n' >"$S/etc/crio/crio.conf.d/a"
	wrong 'CRI-O does not run the hook' 'oci-podns.json'
	printf '[crio.runtime]\nhooks_dir = ["/usr/share/containers/oci/hooks.d"]\n' >"$S/etc/crio/crio.conf.d/x/b.old"
	right
	ln -s /nosuch "$S/etc/crio/crio.conf.d/zz.conf"
	wrong "read $S/etc/crio/crio.conf.d/zz.conf: No such file" 'correct it'
}

# pinns_path VALUE: in a later file, which counts.
pinns_path() {
	mkdir -p "$S/etc/crio/crio.conf.d"
	printf '[crio.runtime]\npinns_path = "/nosuch"\n' >"$S/etc/crio/crio.conf"
	printf '[crio.api]\npinns_path = "no"\n[crio.runtime]\npinns_path = "%s"\n' "$1" >"$S/etc/crio/crio.conf.d/50.conf"
}

@test "CRI-O: a pinns_path that leads to ours, to another pinns, or is not set" {
	engine crio
	right
	contains "$output" 'pinns_path is not set'
	pinns_path /usr/libexec/oci-podns/pinns
	right
	contains "$output" "ok       CRI-O pins by /usr/libexec/oci-podns/pinns, which is oci-podns's ($S/etc/crio/crio.conf.d/50.conf)"
	# As CRI-O's own answers --help.
	printf '#!/bin/sh\nexit 1\n' >"$S/usr/bin/pinns"
	chmod +x "$S/usr/bin/pinns"
	pinns_path /usr/bin/pinns
	right
	contains "$output" "note     CRI-O pins by /usr/bin/pinns, which is not oci-podns's"
	pinns_path ''
	right
	contains "$output" 'pinns_path is not set'
}

@test "CRI-O: a pinns_path that leads nowhere, or to what does not run" {
	local remedy='set it to "/usr/libexec/oci-podns/pinns", and restart CRI-O'
	engine crio
	pinns_path /usr/libexec/oci-podns/nosuch
	wrong 'pinns_path = "/usr/libexec/oci-podns/nosuch", which is not there: CRI-O does not start' "$remedy"
	contains "$output" "$S/etc/crio/crio.conf.d/50.conf has"
	pinns_path pinns
	wrong 'is no absolute path' "$remedy"
	pinns_path /usr/libexec
	wrong 'cannot be run: no pod starts' "$remedy"
	printf '#!/nosuch\n' >"$S/usr/bin/pinns"
	pinns_path /usr/bin/pinns
	wrong 'cannot be run: no pod starts' "$remedy"
	chmod +x "$S/usr/bin/pinns"
	wrong 'does not run: no pod starts' "$remedy"
	pinns_path /usr/bin/podns
	wrong 'is podns, which works as pinns only if it is called pinns' "$remedy"
}

# As if Docker were installed, with runc.
docker_host() {
	LIBEXEC=$S/usr/libexec/oci-podns
	engine runc
	engine dockerd
	mkdir -p "$S/etc/docker"
	DOCKER=$S/etc/docker/daemon.json
}

# docker JQ-FILTER: daemon.json with one runtime of ours, changed by jq.
docker() {
	jq "$1" <<<'{"runtimes":{"podns":{"path":"/usr/libexec/oci-podns/oci-podns-runc"}}}' >"$DOCKER"
}

@test "Docker and containerd: neither is there" {
	right
	contains "$output" 'ok       Docker is not installed'
	contains "$output" 'ok       containerd is not installed'
	lacks "$output" note
	lacks "$output" oci-podns-runtime
}

@test "Docker: a runtime that leads to ours" {
	docker_host
	docker .
	right
	contains "$output" "ok       $DOCKER: runtime \"podns\" is oci-podns-runtime, which runs $S/usr/bin/runc"
	contains "$output" '  use    docker run --runtime podns --annotation io.podns.pod=POD IMAGE'
	lacks "$output" note
	# The file alone, without a dockerd in $PATH.
	rm "$S/usr/bin/dockerd"
	right
	contains "$output" 'runtime "podns" is oci-podns-runtime'
	docker '.runtimes.podns = {runtimeType: "io.containerd.runc.v2", options: {BinaryName: .runtimes.podns.path}}'
	right
	contains "$output" 'runtime "podns" is oci-podns-runtime'
	# By another name, and by one that Docker looks up.
	ln -s ../libexec/oci-podns/oci-podns-runc "$S/usr/bin/oci-podns-runc"
	docker '.runtimes.podns.path = "oci-podns-runc" | .runtimes.other.path = "/usr/bin/runc"'
	right
	contains "$output" 'runtime "podns" is oci-podns-runtime'
	lacks "$output" other
}

@test "Docker: ours is its default" {
	docker_host
	docker '.["default-runtime"] = "podns"'
	right
	contains "$output" "note     podns is Docker's default: containers without an annotation"
	docker '.["default-runtime"] = "runc"'
	right
	lacks "$output" note
}

@test "Docker: no runtime leads to ours, and what to write" {
	local entry='"podns": {"path": "/usr/libexec/oci-podns/oci-podns-runc"}'
	docker_host
	for text in '' '{}' ' '; do
		if [ -n "$text" ]; then
			echo "$text" >"$DOCKER"
		fi
		right
		contains "$(grep -A1 '^note     Docker has no runtime' <<<"$output")" \
			"  remedy write {\"runtimes\": {$entry}} to /etc/docker/daemon.json, then: systemctl reload docker"
	done
	docker '{debug: true, runtimes: null}'
	right
	contains "$output" "  remedy add \"runtimes\": {$entry} to /etc/docker/daemon.json"
	docker '.runtimes = {other: {path: "/usr/bin/runc"}}'
	right
	contains "$output" "  remedy add $entry to \"runtimes\" in /etc/docker/daemon.json"
}

@test "Docker: a runtime that does not lead to ours" {
	local set='set it to "/usr/libexec/oci-podns/oci-podns-runc", then: systemctl reload docker'
	docker_host
	docker '.runtimes.podns.path = "/opt/oci-podns-runc"'
	wrong "$DOCKER: runtime \"podns\" leads to /opt/oci-podns-runc, which is not there" "$set"
	lacks "$output" 'Docker has no runtime'
	docker '.runtimes.podns.path = "oci-podns-runc"'
	wrong 'leads to oci-podns-runc, which is not there' "$set"
	docker '.runtimes.podns.path = "/usr/bin/runc/oci-podns-runc"'
	wrong 'which cannot be accessed' "$set"
	cp "$S/usr/bin/runc" "$S/usr/bin/oci-podns-runc"
	docker '.runtimes.podns.path = "/usr/bin/oci-podns-runc"'
	wrong 'which is not oci-podns-runtime' "$set"
	docker .
	chmod -x "$LIBEXEC/oci-podns-runtime"
	wrong 'which cannot be run' "$set"
	rm "$LIBEXEC/oci-podns-runtime"
	wrong "$LIBEXEC/oci-podns-runtime: No such file or directory" 'install oci-podns again'
	contains "$output" 'leads to /usr/libexec/oci-podns/oci-podns-runc, which is not there'
}

@test "Docker: the real runtime is missing, or is not to be trusted" {
	local runc=$S/usr/bin/runc
	docker_host
	docker .
	rm "$runc"
	wrong 'leads to oci-podns-runtime, which runs nothing: there is no runtime runc in' \
		'install it, or set runtime in /etc/oci-podns/runtime.conf to its path'
	lacks "$output" 'docker run'
	mkdir -p "$S/usr/sbin"
	engine ../sbin/runc
	right
	contains "$output" "which runs $S/usr/sbin/runc"
	engine runc
	chmod 0775 "$runc"
	wrong "which runs nothing: the runtime: $runc may be written to by others" "chmod go-w $runc"
	rm "$runc"
	ln -s ../libexec/oci-podns/oci-podns-runtime "$runc"
	rm "$S/usr/sbin/runc"
	wrong 'no runtime runc but this program itself' 'install it'
	docker '.runtimes.podns.path = "/usr/libexec/oci-podns/oci-podns-runtime"'
	wrong "the name 'oci-podns-runtime' does not say which runtime" 'call this program as oci-podns-runc'
}

@test "Docker: the real runtime that root's file names" {
	local conf=$S/etc/oci-podns/runtime.conf
	docker_host
	docker .
	rm "$S/usr/bin/runc"
	mkdir -p "${conf%/*}"
	echo 'runtime = crun' >"$conf"
	wrong 'there is no runtime crun in' 'install it'
	engine crun
	right
	contains "$output" "which runs $S/usr/bin/crun"
	echo 'runtime = /opt/youki' >"$conf"
	wrong "the runtime $S/opt/youki: No such file or directory" 'it is set in /etc/oci-podns/runtime.conf'
	mkdir "$S/opt"
	engine ../../opt/youki
	right
	contains "$output" "which runs $S/opt/youki"
	echo 'nosuch = 1' >>"$conf"
	wrong "which runs nothing: $conf:2: nosuch: there is no such key" 'correct it'
}

@test "Docker: a malformed daemon.json is a problem with its place" {
	local remedy='correct it, then: systemctl reload docker'
	docker_host
	printf '{\n"runtimes": }\n' >"$DOCKER"
	wrong "$DOCKER: line 2" "$remedy"
	docker '.runtimes.podns.path = 7'
	wrong "$DOCKER: runtimes.podns.path: is a number" "$remedy"
	docker '.runtimes = []'
	wrong "$DOCKER: runtimes: is an array" "$remedy"
	echo '[]' >"$DOCKER"
	wrong "$DOCKER: is an array" "$remedy"
	head -c 1048577 /dev/zero | tr '\0' ' ' >"$DOCKER"
	wrong "read $DOCKER: File too large" "$remedy"
	rm "$DOCKER"
	mkfifo "$DOCKER"
	right
	contains "$output" 'Docker has no runtime'
}

@test "containerd: its runtimes, in both versions of the file" {
	local conf=$S/etc/containerd/config.toml plugin
	docker_host
	docker .
	engine containerd
	right
	contains "$output" "ok       ctr and nerdctl need no setting of containerd's"
	contains "$output" '  use    ctr run --runc-binary /usr/libexec/oci-podns/oci-podns-runc --annotation io.podns.pod=POD'
	contains "$output" '  use    nerdctl run --runtime /usr/libexec/oci-podns/oci-podns-runc --annotation io.podns.pod=POD'
	rm "$S/usr/bin/containerd"
	mkdir "$S/etc/containerd"
	for plugin in '"io.containerd.grpc.v1.cri"' "'io.containerd.cri.v1.runtime'"; do
		printf '[plugins.%s.containerd.runtimes.podns]\n%s\n[plugins.%s.containerd.runtimes.podns.options]\nBinaryName = "%s"\n' \
			"$plugin" 'runtime_type = "io.containerd.runc.v2"' "$plugin" /usr/libexec/oci-podns/oci-podns-runc >"$conf"
		right
		contains "$output" "ok       $conf: runtime \"podns\" is oci-podns-runtime, which runs $S/usr/bin/runc"
		sed -i 's,/usr/libexec/,/opt/,' "$conf"
		wrong "$conf: runtime \"podns\" leads to /opt/oci-podns/oci-podns-runc, which is not there" \
			'set it to "/usr/libexec/oci-podns/oci-podns-runc", then: systemctl restart containerd'
		sed -i 's,BinaryName.*,BinaryName = 7,' "$conf"
		wrong "$conf: line 4: the value is neither" 'correct it, then: systemctl restart containerd'
	done
}

@test "a configuration that cannot be read is a problem with its line" {
	printf '[engine]\n\nhooks_dir = [1]\n' >"$CONF/zz.conf"
	wrong "$CONF/zz.conf: line 3" 'correct it'
}

@test "the mount of the root: shared is right, private is not" {
	mount -t tmpfs -o mode=0755 tmpfs "$ROOT"
	run podns check
	contains "$output" "PROBLEM  the mount $ROOT is not shared"
	contains "$output" "mount --make-rshared $ROOT"
	equal "$status" 1
	mkdir "$ROOT/below"
	run "$PODNS" --root "$ROOT/below" check
	contains "$output" "PROBLEM  the mount $ROOT, which contains $ROOT/below, is not shared"
	mount --make-shared "$ROOT"
	run podns check
	contains "$output" "$ROOT is on a shared mount"
	umount "$ROOT"
}

@test "a root that cannot be used is one problem, and the other checks are made" {
	chmod 1777 "$ROOT"
	run podns check
	echo "$output"
	contains "$output" 'no file with a precreate stage is in'
	contains "$(grep -A1 "^PROBLEM  directory $ROOT may be written to by others (mode 1777)" <<<"$output")" \
		"remedy chmod go-w $ROOT"
	[[ ${lines[-1]} == 'podns check: '*' problem'* ]]
	equal "$status" 1
	run "$PODNS" --root "$ROOT/nosuch" check
	echo "$output"
	contains "$(grep -A1 "^PROBLEM  open directory $ROOT/nosuch: No such file" <<<"$output")" \
		'name another directory with --root'
	contains "${lines[-1]}" 'podns check: '
	equal "$status" 1
}

@test "a part that cannot be checked is a problem, and the other checks are made" {
	rm -r "$S/etc/oci-podns/pods.d"
	: >"$S/etc/oci-podns/pods.d"
	wrong "read directory $S/etc/oci-podns/pods.d: Not a directory" 'correct it'
	printf '[engine]\nhooks_dir = 1\n' >"$CONF/zz.conf"
	wrong "$CONF/zz.conf: line 2: the value is neither a string nor an array of strings" 'correct it'
	contains "$output" 'no network is defined'
	equal "$(grep -c ^PROBLEM <<<"$output")" 2
	rm "$CONF/zz.conf"
}

@test "without any engine all is well, with a note that says so" {
	rm "$S/usr/bin/podman"
	right
	contains "$output" 'note     no engine is installed that is checked here'
	equal "${lines[-1]}" 'podns check: all is well; see the note above'
	engine dockerd
	right
	lacks "$output" 'no engine is installed'
	contains "$output" 'note     Docker has no runtime'
}

@test "rootless: the root need not be on a shared mount" {
	needs_userns
	mount -t tmpfs -o mode=0755 tmpfs "$ROOT"
	run timeout -k 5 "$LIMIT" unshare --user --map-root-user --mount --propagation private \
		"$PODNS" --root "$ROOT" check
	echo "$output"
	contains "$output" 'no file with a precreate stage is in'
	lacks "$output" "$ROOT is on"
	lacks "$output" 'is not shared'
	umount "$ROOT"
}

# --- networks and definitions --------------------------------------------------

NETD=etc/oci-podns/net.d
PODSD=etc/oci-podns/pods.d

# The example in use, with its plugins in the sysroot.
example_network() {
	local name
	cp "$S/usr/share/oci-podns/net.d/podns.conflist" "$S/$NETD/"
	mkdir -p "$S/opt/cni/bin"
	for name in bridge host-local portmap firewall; do
		printf '#!/bin/sh\n' >"$S/opt/cni/bin/$name"
		chmod 0755 "$S/opt/cni/bin/$name"
	done
	mkdir -p "$S/usr/sbin"
	install -m 0755 "$S/opt/cni/bin/bridge" "$S/usr/sbin/iptables"
}

@test "no network: podns check says how to begin with the example" {
	right
	contains "$output" 'ok       no network is defined in /etc/oci-podns/net.d'
	contains "$output" 'use    cp /usr/share/oci-podns/net.d/podns.conflist /etc/oci-podns/net.d/'
}

@test "a network whose plugins are there is right" {
	example_network
	right
	contains "$output" "network podns: plugins bridge, portmap, firewall ($S/$NETD/podns.conflist)"
	lacks "$output" 'no network is'
}

@test "a network whose plugins need iptables, and there is none: a note says so" {
	example_network
	right
	lacks "$output" iptables
	rm "$S/usr/sbin/iptables"
	right
	contains "$output" 'note     network podns: the plugin portmap needs iptables, unless its backend is another; it is not installed'
	contains "$output" 'apt install iptables'
	sed -i 's/"portmap"/"bridge"/; s/"firewall"/"bridge"/' "$S/$NETD/podns.conflist"
	right
	lacks "$output" iptables
}

@test "a plugin of a network is missing, or one for its addresses: the remedy names the package" {
	example_network
	rm "$S/opt/cni/bin/portmap"
	wrong "network podns ($S/$NETD/podns.conflist): there is no plugin portmap in $S/usr/lib/cni, $S/opt/cni/bin" \
		'apt install containernetworking-plugins'
	example_network
	rm "$S/opt/cni/bin/host-local"
	wrong 'there is no plugin host-local' 'apt install containernetworking-plugins'
}

@test "a plugin that others may write to, or that cannot be executed" {
	example_network
	chmod o+w "$S/opt/cni/bin/bridge"
	wrong "$S/opt/cni/bin/bridge may be written to by others" 'chmod go-w'
	chmod 0644 "$S/opt/cni/bin/bridge"
	wrong "the plugin $S/opt/cni/bin/bridge is not executable" 'chmod +x'
}

@test "a file of net.d that is malformed, or that others may write to; a network in two files" {
	example_network
	printf '{' >"$S/$NETD/bad.conflist"
	wrong "$S/$NETD/bad.conflist: line 1" 'correct or remove it'
	contains "$output" 'network podns: plugins'
	cp "$S/$NETD/podns.conflist" "$S/$NETD/bad.conflist"
	wrong 'network podns is in two files' 'remove one of them'
	rm "$S/$NETD/bad.conflist"
	chmod g+w "$S/$NETD/podns.conflist"
	wrong "$S/$NETD/podns.conflist may be written to by others" 'chmod go-w'
	chmod g-w "$S/$NETD/podns.conflist"
	chmod g+w "$S/$NETD"
	wrong "$S/$NETD may be written to by others" 'chmod go-w'
	lacks "$output" 'no network is defined'
}

@test "a file of net.d whose name does not end with .conflist: a note says that it is not read" {
	example_network
	mv "$S/$NETD/podns.conflist" "$S/$NETD/podns.json"
	right
	contains "$output" "note     $S/$NETD/podns.json is not read: its name does not end with .conflist"
}

@test "podns-net is missing, where there is a network" {
	rm "$S/usr/libexec/oci-podns/podns-net"
	right
	example_network
	wrong "$S/usr/libexec/oci-podns/podns-net is missing" 'install oci-podns again'
}

@test "definitions of pods: right ones, one that is wrong, and one whose network nobody defines" {
	example_network
	printf '[Pod]\nNetwork=podns\nPublishPort=8080:80\n' >"$S/$PODSD/web.pod"
	printf '[Pod]\nNetwork=pasta\n' >"$S/$PODSD/user.pod"
	right
	contains "$output" "pod web is defined ($S/$PODSD/web.pod)"
	contains "$output" "pod user is defined"
	printf '[Pod]\nPublishPort=80\n' >"$S/$PODSD/web.pod"
	wrong "$S/$PODSD/web.pod:2: PublishPort: port '80': expected" 'correct it'
	printf '[Pod]\nNetwork=lan\n' >"$S/$PODSD/web.pod"
	wrong "$S/$PODSD/web.pod: Network=lan" 'name another network'
	rm "$S/$PODSD/web.pod"
	printf '[Pod]\n' >"$S/$PODSD/a b.pod"
	wrong "$S/$PODSD/a b.pod: " 'call the file'
	mv "$S/$PODSD/a b.pod" "$S/$PODSD/web.container"
	right
	contains "$output" 'note     '"$S/$PODSD/web.container is not read"
}

@test "pods.d that others may write to" {
	printf '[Pod]\n' >"$S/$PODSD/web.pod"
	chmod g+w "$S/$PODSD"
	wrong "$S/$PODSD may be written to by others" 'chmod go-w'
}
