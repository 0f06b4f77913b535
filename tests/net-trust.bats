#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Whoever is not root tries to have a program run, a network attached or a port published. The table in SECURITY.md names
# each.

load helpers
load podns
load net

PODS=/etc/oci-podns/pods.d
STRANGER=12345

setup_file() {
	fake_plugins
}

setup() {
	common_setup runc
	rm -rf "$CNI" /etc/oci-podns
	mkdir -p "$CNI" "$NETD" "$PODS"
	: >"$CNI/log"
	conflist lan 1.0.0
}

# refused TEXT: neither podns nor the hook makes a pod with the network, and no plugin runs.
refused() {
	podns_fails 1 "$1" create --network lan web
	make_bundle a annotations=', "io.podns.network": "lan"'
	fails_with "$1" hook --network-annotation precreate <"$T/a/config.json"
	equal "$(calls)" ''
	assert_nothing_left
}

@test "a type of plugin that is a path: refused, and nothing is run" {
	local type
	install -m 0755 /opt/cni/bin/one "$T/evil"
	for type in ../../../..$T/evil "$T/evil" ./one . .. ''; do
		jq --arg type "$type" '.plugins[1].type = $type' <"$NETD/50-lan.conflist" >"$T/conflist"
		cp "$T/conflist" "$NETD/50-lan.conflist"
		refused 'type'
	done
}

@test "a plugin that others may write: refused, and nothing is run" {
	chmod 0757 /opt/cni/bin/two
	refused '/opt/cni/bin/two may be written to by others'
	chmod 0755 /opt/cni/bin/two
	chown "$STRANGER" /opt/cni/bin/two
	refused "/opt/cni/bin/two belongs to uid $STRANGER"
	chown 0 /opt/cni/bin/two
	chmod 0777 /opt/cni/bin
	refused '/opt/cni/bin'
	chmod 0755 /opt/cni/bin
	podns create --network lan web
}

@test "a plugin that is a symbolic link to what others own: refused, and nothing is run" {
	install -m 0755 -o "$STRANGER" /opt/cni/bin/two "$T/evil"
	mv /opt/cni/bin/two "$T/two"
	ln -s "$T/evil" /opt/cni/bin/two
	refused 'two'
	rm /opt/cni/bin/two
	mv "$T/two" /opt/cni/bin/two
}

@test "a plugin that others may write after it was attached: DEL does not run it" {
	podns create --network lan web
	calls >/dev/null
	chmod 0757 /opt/cni/bin/two
	podns_fails 1 '/opt/cni/bin/two may be written to by others' rm web
	equal "$(calls)" 'map DEL,one DEL'
	chmod 0755 /opt/cni/bin/two
	podns rm web
	equal "$(calls)" 'map DEL,two DEL,one DEL'
	assert_nothing_left
}

@test "a network's file that is a symbolic link, or that others may write: refused" {
	mv "$NETD/50-lan.conflist" "$T/lan"
	ln -s "$T/lan" "$NETD/50-lan.conflist"
	refused 50-lan.conflist
	rm "$NETD/50-lan.conflist"
	install -m 0646 "$T/lan" "$NETD/50-lan.conflist"
	refused "$NETD/50-lan.conflist may be written to by others"
	chmod 0644 "$NETD/50-lan.conflist"
	chmod 0757 "$NETD"
	refused "$NETD may be written to by others"
	chmod 0755 "$NETD"
	podns create --network lan web
}

@test "a network's record that others could have made: refused, and nothing of it is run" {
	podns create --network lan web
	calls >/dev/null
	cp "$ROOT/podns/network@web" "$T/record"
	rm "$ROOT/podns/network@web"
	ln -s "$T/record" "$ROOT/podns/network@web"
	fails podns rm web
	equal "$(calls)" ''
	rm "$ROOT/podns/network@web"
	install -m 0600 "$T/record" "$ROOT/podns/network@web"
	podns rm web
	assert_nothing_left
}

@test "a definition that others may write: the hook makes no pod of it" {
	printf '%s\n' '[Pod]' Network=lan PublishPort=8080:80 >"$PODS/web.pod"
	make_bundle a
	chmod 0646 "$PODS/web.pod"
	fails_with "$PODS/web.pod may be written to by others" hook precreate <"$T/a/config.json"
	rm "$PODS/web.pod"
	ln -s "$T/web.pod" "$PODS/web.pod"
	fails_with "$PODS/web.pod is a symbolic link, which is not followed" hook precreate <"$T/a/config.json"
	equal "$(calls)" ''
	assert_nothing_left
}

@test "an image asks for a network and a port: without root's options both are ignored, with a warning" {
	make_bundle a annotations=', "io.podns.network": "lan", "io.podns.publish": "22:22"'
	hook precreate <"$T/a/config.json" >"$T/a.json" 2>"$T/a.err"
	contains "$(<"$T/a.err")" 'annotation io.podns.network is ignored'
	contains "$(<"$T/a.err")" 'annotation io.podns.publish is ignored'
	equal "$(calls)" ''
	[ ! -e "$ROOT/podns/network@web" ]
}

@test "an image asks for another network than root has defined, or for more ports: refused" {
	conflist other 1.0.0
	printf '%s\n' '[Pod]' Network=lan PublishPort=8080:80 >"$PODS/web.pod"
	make_bundle a annotations=', "io.podns.network": "other"'
	fails_with 'annotation io.podns.network names other, but pod web has the network lan' \
		hook --network-annotation precreate <"$T/a/config.json"
	equal "$(calls)" ''
	make_bundle a annotations=', "io.podns.publish": "8022:22"'
	hook --network-annotation --publish-annotation=8000-8099 precreate <"$T/a/config.json" >"$T/a.json"
	equal "$(record '.ports | join(" ")')" 8080:80/tcp
}

@test "under a CRI engine annotations bring neither network nor port, whatever the options say" {
	make_bundle a pod= annotations=", \"io.kubernetes.cri.sandbox-id\": \"$SANDBOX_ID\", \"io.podns.network\": \"lan\", \"io.podns.publish\": \"8080:80\""
	hook --network-annotation --publish-annotation=8000-8099 precreate <"$T/a/config.json" >"$T/a.json"
	equal "$(calls)" ''
	[ ! -e "$ROOT/podns/network@$SANDBOX_ID" ]
}

@test "a port outside of root's range, in any form: refused, and no plugin runs" {
	local ports
	for ports in 22:22 7999:80 8100:80 8090-8100:90-100 127.0.0.1:443:443 8080:80,22:22 0:80 8080:0 65536:1 -1:1 8080; do
		make_bundle a annotations=", \"io.podns.network\": \"lan\", \"io.podns.publish\": \"$ports\""
		fails_with port hook --network-annotation --publish-annotation=8000-8099 precreate <"$T/a/config.json"
		equal "$(calls)" ''
		assert_nothing_left
	done
}

@test "the name of a network that is a path, or has control characters: refused" {
	local name
	for name in ../net.d/50-lan /etc/passwd . .. '' 'lan\u0000' 'lan\n' 'lan --root /'; do
		make_bundle a annotations=", \"io.podns.network\": \"$name\""
		fails hook --network-annotation precreate <"$T/a/config.json" >"$T/stdout" 2>"$T/stderr"
		equal "$(<"$T/stdout")" ''
		equal "$(wc -l <"$T/stderr")" 1
		equal "$(calls)" ''
		assert_nothing_left
	done
}
