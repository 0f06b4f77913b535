#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What `make install` puts where, and whether podman and CRI-O can read it.

load helpers

setup_file() {
	make -C "$PODNS_BUILD" install DESTDIR="$BATS_FILE_TMPDIR/dest" >"$BATS_FILE_TMPDIR/install.log" 2>&1
}

setup() {
	DEST=$BATS_FILE_TMPDIR/dest
	INSTALLED_HOOK=/usr/libexec/oci/hooks.d/oci-podns-hook
}

teardown() {
	:
}

# The JSON schema of oci-hooks(5) 1.0.0, said in jq.
valid_hook() {
	jq -e '
		def strings: type == "array" and all(.[]; type == "string");
		def only($names): (keys - $names) == [];
		type == "object" and only(["version", "hook", "when", "stages"])
		and .version == "1.0.0"
		and (.hook | type == "object" and only(["path", "args", "env", "timeout"])
			and (.path | type == "string" and startswith("/"))
			and (.args | strings and length > 0)
			and ((.env // []) | strings)
			and (.timeout | type == "number" and . == floor and . > 0))
		and (.when | type == "object" and length > 0
			and only(["always", "annotations", "commands", "hasBindMounts"])
			and (.annotations | type == "object"
				and all(to_entries[]; .value | type == "string")
				and all(keys[], .[]; . as $regex | "" | test($regex) | type == "boolean")))
		and (.stages | strings and length > 0
			and all(.[]; IN("precreate", "prestart", "createRuntime", "createContainer",
				"startContainer", "poststart", "poststop")))
	' <"$1" >/dev/null
}

@test "the hook is where the JSON files say, and runs" {
	local file
	[ -x "$DEST$INSTALLED_HOOK" ]
	contains "$("$DEST$INSTALLED_HOOK" --version)" oci-podns
	for file in "$DEST"/usr/share/containers/oci/hooks.d/*.json "$DEST"/usr/share/oci-podns/hooks.d/*.json; do
		equal "$(jq -r .hook.path <"$file")" "$INSTALLED_HOOK"
	done
}

@test "oci-podns.json is valid by oci-hooks(5), for createRuntime and poststop" {
	local file=$DEST/usr/share/containers/oci/hooks.d/oci-podns.json
	valid_hook "$file"
	equal "$(jq -c .stages <"$file")" '["createRuntime","poststop"]'
	equal "$(jq -c .when <"$file")" '{"annotations":{"^io\\.podns\\.pod$":".*"}}'
}

@test "oci-podns-precreate.json is valid by oci-hooks(5), for precreate alone" {
	local file=$DEST/usr/share/oci-podns/hooks.d/oci-podns-precreate.json
	valid_hook "$file"
	equal "$(jq -c .stages <"$file")" '["precreate"]'
	equal "$(jq -c .when <"$file")" '{"annotations":{"^io\\.podns\\.pod$":".*"}}'
}

@test "oci-podns-pods.json is valid by oci-hooks(5), for podman's annotation with an id, and no engine reads it as installed" {
	local file=$DEST/usr/share/oci-podns/podman-pods.d/oci-podns-pods.json conf=$DEST/usr/share/oci-podns/oci-podns-pods.conf
	valid_hook "$file"
	equal "$(jq -c .stages <"$file")" '["precreate","createRuntime","poststop"]'
	equal "$(jq -r .hook.path <"$file")" "$INSTALLED_HOOK"
	jq -e --arg id "$(printf '%064x' 12)" '.when.annotations | keys[0] as $k | .[$k] as $v
		| ("io.kubernetes.cri-o.SandboxID" | test($k)) and ($id | test($v))
		and ("io.kubernetes.cri-oXSandboxID" | test($k) | not)
		and ("web" | test($v) | not) and ($id + "0" | test($v) | not)' <"$file" >/dev/null
	grep -qx 'hooks_dir = \["/usr/share/containers/oci/hooks.d", "/usr/share/oci-podns/hooks.d", "/usr/share/oci-podns/podman-pods.d"\]' "$conf"
	# What it says is to be typed.
	contains "$(cat "$conf")" 'ln -s /usr/share/oci-podns/oci-podns-pods.conf /etc/containers/containers.conf.d/zz-oci-podns-pods.conf'
	equal "$(grep -rl podman-pods.d "$DEST/etc")" ''
}

@test "no directory called containers/oci/hooks.d has a precreate stage" {
	equal "$(find "$DEST" -path '*/containers/oci/hooks.d/*' -exec grep -l precreate {} +)" ''
}

@test "only containers with the annotation match" {
	local file
	for file in "$DEST"/usr/share/containers/oci/hooks.d/*.json "$DEST"/usr/share/oci-podns/hooks.d/*.json; do
		jq -e '.when.annotations | keys[0] as $k | .[$k] as $v
			| ("io.podns.pod" | test($k)) and ("web" | test($v))
			and ("ioXpodns.pod" | test($k) | not) and ("io.podns.pods" | test($k) | not)
			and ("x.io.podns.pod" | test($k) | not)' <"$file" >/dev/null
	done
}

@test "the hook's time limit is above the one that it waits for a lock" {
	jq -e '.hook.timeout > 20' <"$DEST/usr/share/containers/oci/hooks.d/oci-podns.json"
}

@test "the drop-in for containers.conf names both directories" {
	local file=$DEST/etc/containers/containers.conf.d/oci-podns.conf
	grep -qx '\[engine\]' "$file"
	grep -qx 'hooks_dir = \["/usr/share/containers/oci/hooks.d", "/usr/share/oci-podns/hooks.d"\]' "$file"
}

@test "the documents are installed, and with them every file that README.md links to" {
	local file doc=$DEST/usr/share/doc/oci-podns
	[ -f "$doc/README.md" ]
	while IFS= read -r file; do
		[ -f "$doc/$file" ] || { echo "$file is missing"; return 1; }
	done < <(grep -oP '\]\(\K[^)#:]+(?=[)#])' "$doc/README.md" | sort -u)
}

@test "the directory of the list of bundles is there, for root alone" {
	equal "$(stat -c %a "$DEST/var/lib/oci-podns")" 700
}

@test "the example of a network is there and not in use, and the directories of root's files are empty" {
	jq -e '.name == "podns" and .disableCheck and ([.plugins[].type] == ["bridge", "portmap", "firewall"])' \
		<"$DEST/usr/share/oci-podns/net.d/podns.conflist"
	equal "$(find "$DEST/etc/oci-podns" -printf '%P %y %m\n' | sort)" $' d 755\nnet.d d 755\npods.d d 755'
}

@test "another prefix is in the files too" {
	local dest=$BATS_TEST_TMPDIR/dest
	mkdir "$BATS_TEST_TMPDIR/build"
	cd "$BATS_TEST_TMPDIR/build"
	"$PODNS_SOURCES/configure" --quiet --prefix=/opt/podns --libexecdir=/opt/podns/lib >/dev/null
	make install-nodist_ocihooksDATA DESTDIR="$dest" >/dev/null
	equal "$(jq -r .hook.path <"$dest/opt/podns/share/containers/oci/hooks.d/oci-podns.json")" \
		/opt/podns/lib/oci/hooks.d/oci-podns-hook
}

@test "uninstall takes everything away" {
	make -C "$PODNS_BUILD" install DESTDIR="$BATS_TEST_TMPDIR/dest" >/dev/null
	make -C "$PODNS_BUILD" uninstall DESTDIR="$BATS_TEST_TMPDIR/dest" >/dev/null
	equal "$(find "$BATS_TEST_TMPDIR/dest" ! -type d)" ''
}

# --- how the programs are linked -------------------------------------------------------

# configured_as LINE [ARGUMENT...]: it is the last one that configure prints.
configured_as() {
	mkdir -p "$BATS_TEST_TMPDIR/build"
	OUT=$BATS_TEST_TMPDIR/configure.out
	(cd "$BATS_TEST_TMPDIR/build" && "$PODNS_SOURCES/configure" "${@:2}" >"$OUT" 2>&1)
	equal "$(tail -n 1 "$OUT")" "configure: $1"
}

@test "by default the programs are static, at random addresses, and configure says so" {
	local program
	needs_plain_build "it is linked otherwise"
	configured_as "programs are linked: static-pie"
	for program in hook/oci-podns-hook cli/podns; do
		readelf --file-header --program-headers "$PODNS_BUILD/$program" >"$BATS_TEST_TMPDIR/headers"
		grep -q '^ *Type: *DYN ' "$BATS_TEST_TMPDIR/headers"
		run ! grep -w INTERP "$BATS_TEST_TMPDIR/headers"
	done
}

@test "where a static library is missing they are dynamic, and configure says which" {
	local shared
	needs_plain_build "it has a configuration of its own"
	shared=YAJL_LIBS=$(gcc -print-file-name=libyajl.so)
	configured_as "programs are linked dynamically: libyajl's static library is missing" "$shared"
	run ! configured_as '' "$shared" --enable-static=pie
	contains "$(<"$OUT")" "--enable-static=pie: libyajl's static library is missing"
}

@test "the sanitizers' build is dynamic unless it is asked to be static" {
	needs_plain_build "it has a configuration of its own"
	configured_as "programs are linked dynamically: --enable-sanitizers" --enable-sanitizers
	run ! configured_as '' --enable-sanitizers --enable-static
	contains "$(<"$OUT")" "exclude each other"
}
