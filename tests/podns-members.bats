#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The names of containers in podns ls, inspect and rm, from files that engines keep, written here as they write them:
# podman-members.bats, docker.bats and containerd.bats do the same with the engines. And what others may have written.

load helpers
load podns

ID=$(printf '5a%062d' 1)

# member ID BUNDLE: a pod web with the process $CHILD in it, as the container ID of this bundle.
member() {
	[ -n "${CHILD-}" ] || live_pod web
	sed -i "s|^\(member [0-9]* [0-9]*\) .*|\1 $1 $2|" "$ROOT/podns/web/record"
	grep -q "^member .* $1 $2\$" "$ROOT/podns/web/record"
}

# shows TEXT ENGINE NAME: `podns ls` and `inspect` show the member as TEXT, and in JSON by ENGINE and NAME, which may be
# null.
shows() {
	local json
	equal "$(podns ls | awk 'NR == 1 { at = index($0, "MEMBERS") } NR == 2 { print substr($0, at) }')" "$1"
	json=$(of_pod web '.members[] | "\(.id) \(.engine) \(.name)"')
	equal "${json#* }" "$2 $3"
	equal "$(inspect web '.containers[] | "\(.id) \(.engine) \(.name)"')" "$json"
	contains "$(podns inspect web | grep -A 1 '^Containers:')" "  $1  "
}

# storage DRIVER [FILE]: podman's directory of containers in $T/storage, with the container $ID.
storage() {
	STORAGE=$T/storage/$1-containers
	mkdir -p "$STORAGE/$ID/userdata"
	cat >"$STORAGE/${2-containers.json}" <<-JSON
		[{"id":"$(printf 'b%063d' 0)","names":["other"],"image":"x"},
		{"id":"$ID","names":["www","alias"],"image":"x","layer":"y","metadata":"{\"name\":\"meta\"}",
		 "created":"2026-01-01T00:00:00Z","flags":{"names":"x"}},
		{"id":"$(printf 'a%063d' 0)","image":"x"}]
	JSON
}

# config DIR FILTER: a config.json.
config() {
	mkdir -p "$1"
	jq -n "$2" >"$1/config.json"
}

@test "runc and crun by hand: the id is the name" {
	live_pod web
	shows "$(id_of a)" null "$(id_of a)"
	podns_fails 1 "pod web is in use: container $(id_of a) (pid $CHILD)" rm web
	equal "$(podns rm --force web)" "web: cut off $(id_of a)"
}

@test "podman: the name is in containers.json beside the bundle, whatever the storage driver" {
	local driver
	for driver in overlay vfs btrfs; do
		storage "$driver"
		member "$ID" "$STORAGE/$ID/userdata"
		shows 'www (podman)' podman www
	done
	podns_fails 1 "pod web is in use: container www (podman, pid $CHILD)" rm web
	equal "$(podns rm --force web)" 'web: cut off www (podman)'
}

@test "podman: a container of podman run --rm is in volatile-containers.json" {
	storage overlay volatile-containers.json
	member "$ID" "$STORAGE/$ID/userdata"
	shows 'www (podman)' podman www
}

@test "podman: without a name, the first digits of the id" {
	storage overlay
	echo '[]' >"$STORAGE/containers.json"
	member "$ID" "$STORAGE/$ID/userdata"
	shows "${ID:0:12} (podman)" podman null
	contains "$(podns inspect web)" "  ${ID:0:12} (podman)  id $ID  pid $CHILD"
	rm "$STORAGE/containers.json"
	shows "${ID:0:12}" null null
}

@test "podman: a file that is none of root's, no file, or no JSON tells nothing, and holds up nothing" {
	storage overlay
	member "$ID" "$STORAGE/$ID/userdata"
	shows 'www (podman)' podman www
	chown 12345 "$STORAGE/containers.json"
	shows "${ID:0:12}" null null
	chown 0 "$STORAGE/containers.json"
	chmod 0666 "$STORAGE/containers.json"
	shows "${ID:0:12}" null null
	chmod 0600 "$STORAGE/containers.json"
	mv "$STORAGE/containers.json" "$T/there.json"
	ln -s "$T/there.json" "$STORAGE/containers.json"
	shows "${ID:0:12}" null null
	rm "$STORAGE/containers.json"
	mkfifo -m 0600 "$STORAGE/containers.json"
	shows "${ID:0:12}" null null
	rm "$STORAGE/containers.json"
	truncate -s 1G "$STORAGE/containers.json"
	shows "${ID:0:12}" null null
	head -c 100 "$T/there.json" >"$STORAGE/containers.json"
	shows "${ID:0:12} (podman)" podman null
	echo '[1, [], {"id": 1}, {"id": "x", "names": 1}, {"id": "y", "names": []}, {"names": ["x"]}]' >"$STORAGE/containers.json"
	shows "${ID:0:12} (podman)" podman null
}

@test "a name that a terminal would obey, or that looks like more than a name, is none" {
	local name
	storage overlay
	member "$ID" "$STORAGE/$ID/userdata"
	for name in 'a\u001b[31m' 'a b' 'a\nb' 'x (docker)' '-rf' "$(printf '%0256d' 0)" 'é' ''; do
		printf '[{"id":"%s","names":["%s"]}]' "$ID" "$name" >"$STORAGE/containers.json"
		shows "${ID:0:12} (podman)" podman null
	done
}

@test "annotations of an image do not name a container of podman's" {
	storage overlay
	member "$ID" "$STORAGE/$ID/userdata"
	config "$STORAGE/$ID/userdata" '{annotations: {"io.container.manager": "cri-o",
		"io.kubernetes.pod.namespace": "kube-system", "io.kubernetes.pod.name": "dns",
		"io.kubernetes.container.name": "x", "nerdctl/name": "y"}}'
	shows 'www (podman)' podman www
	echo '[]' >"$STORAGE/containers.json"
	shows "${ID:0:12} (podman)" podman null
}

@test "CRI-O: pod and container, from the labels that CRI-O writes as annotations" {
	local bundle=$T/run/overlay-containers/$ID/userdata
	config "$bundle" '{annotations: {"io.container.manager": "cri-o", "io.kubernetes.pod.namespace": "default",
		"io.kubernetes.pod.name": "web-1", "io.kubernetes.container.name": "app"}}'
	member "$ID" "$bundle"
	shows 'default/web-1/app (cri-o)' cri-o default/web-1/app
	config "$bundle" '{annotations: {"io.container.manager": "cri-o", "io.kubernetes.pod.namespace": "default",
		"io.kubernetes.pod.name": "web 1", "io.kubernetes.container.name": "app"}}'
	shows "${ID:0:12} (cri-o)" cri-o null
	chown 12345 "$bundle/config.json"
	shows "${ID:0:12}" null null
}

# docker DATA-ROOT [FILE]: the container www of a Docker whose files are there, of which FILE is mounted.
docker_files() {
	mkdir -p "$1/containers/$ID"
	printf '{"ID":"%s","Name":"/www","Config":{"Labels":{"Name":"label"}}}' "$ID" >"$1/containers/$ID/config.v2.json"
	config "$T/io.containerd.runtime.v2.task/moby/$ID" "{mounts: [{destination: \"/etc/hostname\", type: \"bind\",
		source: \"${2-$1/containers/$ID/hostname}\", options: [\"rbind\"]}]}"
}

@test "Docker: the name is in its own directory of the container, wherever that is" {
	local bundle=$T/io.containerd.runtime.v2.task/moby/$ID
	docker_files "$T/data"
	member "$ID" "$bundle"
	shows 'www (docker)' docker www
	# --network container:NAME mounts another container's files.
	docker_files "$T/data" "$T/data/containers/$(printf 'c%063d' 0)/hostname"
	shows 'www (docker)' docker www
	# Another container's file, or another user's.
	printf '{"ID":"%s","Name":"/other"}' "$(printf 'c%063d' 0)" >"$T/data/containers/$ID/config.v2.json"
	shows "${ID:0:12} (docker)" docker null
	docker_files "$T/data"
	chown 12345 "$T/data/containers/$ID/config.v2.json"
	shows "${ID:0:12} (docker)" docker null
	docker_files "$T/data" "$T/some/hostname"
	shows "${ID:0:12} (docker)" docker null
	rm -r "$bundle"
	shows "${ID:0:12} (docker)" docker null
}

@test "containerd: the id of ctr, the name of nerdctl, and the pod of a CRI engine" {
	local task=$T/io.containerd.runtime.v2.task
	member c1 "$task/default/c1"
	shows 'c1 (containerd)' containerd c1
	member c1 "$task/other/c1"
	shows 'other/c1 (containerd)' containerd other/c1
	config "$task/default/$ID" '{annotations: {"nerdctl/name": "www"}}'
	member "$ID" "$task/default/$ID"
	shows 'www (nerdctl)' nerdctl www
	config "$task/k8s.io/$ID" '{annotations: {"io.kubernetes.cri.sandbox-namespace": "default",
		"io.kubernetes.cri.sandbox-name": "web-1", "io.kubernetes.cri.container-name": "app"}}'
	member "$ID" "$task/k8s.io/$ID"
	shows 'default/web-1/app (containerd)' containerd default/web-1/app
	config "$task/k8s.io/$ID" '{}'
	shows "${ID:0:12} (containerd)" containerd null
}

@test "several members: an engine stands after the last of its containers" {
	storage overlay
	member "$ID" "$STORAGE/$ID/userdata"
	sed -i "s|^\(member [0-9]* [0-9]*\) .*|&\n\1 $(printf 'b%063d' 0) $STORAGE/$(printf 'b%063d' 0)/userdata\n\1 r1 /x\n\1 c1 /io.containerd.runtime.v2.task/default/c1|" \
		"$ROOT/podns/web/record"
	contains "$(podns ls)" ' www, other (podman), r1, c1 (containerd)'
	equal "$(podns rm --force web)" 'web: cut off www, other (podman), r1, c1 (containerd)'
}

@test "10,000 containers of one storage are read once" {
	local i
	storage overlay
	member "$ID" "$STORAGE/$ID/userdata"
	jq -n --arg id "$ID" '[range(10000) | {id: "\(.)-x", names: ["n\(.)"]}, {id: $id, names: ["www"]}]' >"$STORAGE/containers.json"
	for ((i = 0; i < 50; i++)); do
		mkdir -m 0700 "$ROOT/podns/p$i"
		cp "$ROOT/podns/web/record" "$ROOT/podns/p$i/record"
	done
	under_strace -qq -e trace=openat -o "$T/trace" "$PODNS" --root "$ROOT" ls >"$T/ls"
	equal "$(grep -c ' www (podman)' "$T/ls")" 51
	[ "$(grep -c '/containers\.json' "$T/trace")" -le 1 ]
}

# --- long names of pods ----------------------------------------------------------------------------

# sandbox_pod ID: a pod whose name is an engine's id.
sandbox_pod() {
	in_new_namespaces --net --ipc --uts
	make_bundle "b${1:0:13}" pod= annotations=", \"io.kubernetes.cri-o.SandboxID\": \"$1\""
	create "b${1:0:13}" "$CHILD"
}

@test "a pod whose name is an engine's id is listed, and known to the commands, by its first 12 digits" {
	local id
	id=$(printf 'abc%061d' 1)
	sandbox_pod "$id"
	equal "$(podns ls | awk 'NR == 2 { print $1 }')" "${id:0:12}"
	equal "$(podns ls --json | jq -r '.[].name')" "$id"
	equal "$(podns inspect "${id:0:12}" --json | jq -r .name)" "$id"
	equal "$(podns inspect "${id:0:40}" --json | jq -r .name)" "$id"
	equal "$(podns pids "${id:0:12}")" "$CHILD"
	equal "$(podns exec "${id:0:12}" readlink /proc/self/ns/uts)" "uts:[$(ns_ino "$ROOT/utsns/$id")]"
	podns_fails 1 "pod $id: the pod has no network" network check "${id:0:12}"
	podns_fails 1 "there is no pod ${id:0:11}" inspect "${id:0:11}"
	podns_fails 1 "there is no pod ${id:1:12}" inspect "${id:1:12}"
	podns_fails 1 "pod $id is in use" rm "${id:0:12}"
	podns rm --force "${id:0:12}" >/dev/null
	assert_nothing_left
}

@test "a beginning of two ids names neither, and a pod of just that name wins" {
	local one two short
	one=$(printf 'abcdefabcdef%052d' 1)
	two=$(printf 'abcdefabcdef%052d' 2)
	short=${one:0:12}
	sandbox_pod "$one"
	make_bundle two pod= annotations=", \"io.kubernetes.cri-o.SandboxID\": \"$two\""
	in_new_namespaces --net --ipc --uts
	create two "$CHILD"
	podns_fails 1 "the ids of 2 pods begin with $short (give more digits" rm --force "$short"
	equal "$(podns ls | awk 'NR > 1 { print $1 }' | xargs)" "$one $two"
	podns rm --force "$two" >/dev/null
	equal "$(podns ls | awk 'NR > 1 { print $1 }')" "$short"
	podns create "$short" >/dev/null
	equal "$(podns ls | awk 'NR > 1 { print $1 }' | xargs)" "$short $one"
	equal "$(podns inspect "$short" --json | jq -r .name)" "$short"
	podns rm "$short"
	# As is what another program has pinned.
	mkdir -p "$ROOT/netns"
	touch "$ROOT/netns/$short"
	unshare --net="$ROOT/netns/$short" true
	equal "$(inspect "$short" '"\(.name) \(.state)"')" "$short foreign"
	umount "$ROOT/netns/$short"
	rm "$ROOT/netns/$short"
	podns rm --force "$one" >/dev/null
	assert_nothing_left
}
