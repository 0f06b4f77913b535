#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podns gc: killed runtimes, dead containers, crashes, hidden pins, a reboot.

load helpers
load podns

# gc changes nothing in a dry run, and then does what it told.
gc_does() {
	local before would
	before=$(tree)
	would=$(podns gc --dry-run)
	equal "$(tree)" "$before" "what a dry run left"
	podns gc >"$T/gc"
	cat "$T/gc"
	equal "$(sed 's/^would drop/dropped/; s/^would end/ended/; s/^would keep/kept/
		s/^would bring/brought/; s/^would remove/removed/; s/^would revert/reverted/' <<<"$would")" \
		"$(cat "$T/gc")" "what a dry run told"
}

tree() {
	find "$ROOT" "$T"/*/config.json -printf '%p %i %m %s %l\n' 2>/dev/null
	grep -F "$ROOT" /proc/self/mountinfo || true
	cat "$ROOT"/podns/*/record 2>/dev/null || true
}

@test "nothing to do: nothing is printed" {
	equal "$(podns gc)" ''
	podns create web
	gc_does
	equal "$(cat "$T/gc")" ''
	assert_pinned web net ipc uts
}

@test "a pod whose containers are dead is ended, config.json reverted" {
	live_pod web
	fails cmp "$T/a.orig" "$T/a/config.json"
	end_child
	gc_does
	contains "$(cat "$T/gc")" "dropped container $(id_of a) of pod web"
	contains "$(cat "$T/gc")" "ended pod web"
	assert_untouched a
	assert_nothing_left
}

@test "a pod with a living container is left, and so is its claim" {
	live_pod web
	make_bundle b
	hook precreate <"$T/b/config.json" >"$T/b.json"
	gc_does
	equal "$(cat "$T/gc")" ''
	assert_pinned web net ipc uts
	equal "$(inspect web '"\(.containers | length) \(.claims | length)"')" '1 1'
}

@test "one of two containers is dead: it is dropped, the pod stays" {
	local first
	live_pod web
	first=$CHILD
	sleeper nsenter --target "$first" --net --ipc --uts
	make_bundle b namespaces="$(joined_namespaces web)" hostname=
	create b "$CHILD"
	kill -KILL "$first"
	wait "$first" || true
	gc_does
	contains "$(cat "$T/gc")" "dropped container $(id_of a)"
	lacks "$(cat "$T/gc")" ended
	equal "$(inspect web '.containers[].id')" "$(id_of b)"
}

@test "a reused pid is not taken for the container" {
	live_pod web
	# The same pid with another start time, as after a reuse.
	sed -i -E 's/^(member [0-9]+) [0-9]+ /\1 1 /' "$ROOT/podns/web/record"
	equal "$(of_pod web .containers)" 0
	end_child
	gc_does
	contains "$(cat "$T/gc")" 'ended pod web'
	assert_nothing_left
}

@test "a process that is still inside keeps the pod" {
	local container
	live_pod web
	container=$CHILD
	sleeper "$PODNS" --root "$ROOT" exec web
	kill -KILL "$container"
	wait "$container" || true
	gc_does
	contains "$(cat "$T/gc")" "kept pod web: process $CHILD is still in its namespaces"
	assert_pinned web net ipc uts
	end_child
	gc_does
	assert_nothing_left
}

# /proc shows the user namespace of a zombie still, and no other. The child must outlive bash's exec: bash waits
# for its children, sleep does not.
@test "a zombie that nobody waits for keeps no pod" {
	local container zombie
	needs_userns
	in_new_namespaces --user --net --ipc --uts
	container=$CHILD
	make_bundle a namespaces='{"type":"user"},{"type":"network"},{"type":"ipc"},{"type":"uts"}'
	create a "$CHILD" --namespaces user,net,ipc,uts
	# shellcheck disable=SC2016
	sleeper bash -c '
		nsenter --target "$0" --user --net --preserve-credentials sh -c '\''until grep -qx sleep "/proc/$PPID/comm"; do :; done'\'' &
		echo $! >"$1"
		exec "${@:2}"' "$container" "$T/zombie"
	zombie=$(<"$T/zombie")
	wait_for grep -q '^State:.Z' "/proc/$zombie/status"
	equal "$(ns_ino "/proc/$zombie/ns/user")" "$(ns_ino "/proc/$container/ns/user")"
	equal "$(podns pids web)" "$container"
	kill -KILL "$container"
	wait "$container" || true
	gc_does
	contains "$(cat "$T/gc")" 'ended pod web'
	assert_nothing_left
}

@test "a container whose first thread has ended lives as long as the others" {
	cc -pthread -o "$T/leader" "$PODNS_SRC/tests/storm/leader.c"
	SLEEPER=$T/leader live_pod web
	# From its second thread on it waits for SIGUSR1.
	wait_for grep -q '^Threads:.2$' "/proc/$CHILD/status"
	kill -USR1 "$CHILD"
	wait_for grep -q '^State:.Z' "/proc/$CHILD/status"
	[ ! -e "/proc/$CHILD/ns/net" ]
	gc_does
	equal "$(cat "$T/gc")" ''
	equal "$(of_pod web .containers)" 1
	equal "$(podns pids web)" "$CHILD"
	sed -i '/^member /d' "$ROOT/podns/web/record"
	gc_does
	contains "$(cat "$T/gc")" "kept pod web: process $CHILD is still in its namespaces"
	podns_fails 1 'its first thread has ended' identify "$CHILD"
	end_child
	podns gc
	assert_nothing_left
}

# Its process may come after the place where reading failed.
@test "a directory that cannot be read to its end ends no pod with a process in it" {
	local tamper=$T/tamper container n status
	build_tamper "$tamper"
	live_pod web
	container=$CHILD
	sleeper "$PODNS" --root "$ROOT" exec web
	kill -KILL "$container"
	wait "$container" || true
	for ((n = 1; n < 50; n++)); do
		status=0
		# The leak sanitizer cannot work under ptrace(2).
		ASAN_OPTIONS=detect_leaks=0 "$tamper" "getdents64:$n" 5 "$PODNS" --root "$ROOT" gc 2>"$T/stderr" || status=$?
		assert_pinned web net ipc uts
		[ "$status" != 124 ] || break	# there is none any more
		equal "$status" 1 "exit status"
		contains "$(cat "$T/stderr")" 'read directory'
	done
	[ "$n" -gt 4 ]
	[ "$n" -lt 50 ]
	end_child
	podns gc
	assert_nothing_left
}

@test "an expired claim is dropped, and with it the pod" {
	make_bundle a
	hook precreate <"$T/a/config.json" >"$T/a.json"
	gc_does
	equal "$(of_pod web .state)" claimed
	sed -i -E 's/^claim [0-9]+/claim 1/' "$ROOT/podns/web/record"
	gc_does
	contains "$(cat "$T/gc")" 'dropped claim'
	assert_nothing_left
}

@test "a runtime that was killed: its container is swept" {
	make_bundle a stages=createRuntime
	start a
	kill -KILL "$(init_pid a)"
	wait_for stopped a
	gc_does
	assert_untouched a
	assert_nothing_left
}

@test "a run of create that was killed leaves nothing that gc does not take" {
	# As the kill leaves it: intents are recorded, held is not, one pin is bound.
	podns create web
	sed -i '/^held$/d' "$ROOT/podns/web/record"
	umount "$ROOT/utsns/web"
	gc_does
	assert_nothing_left
}

@test "leftovers of crashes are removed" {
	podns create web
	podns rm web
	mkdir -m 0700 "$ROOT/podns/empty" "$ROOT/podns/half"
	touch "$ROOT/podns/half/.record.new"
	ln -s nosuch "$ROOT/podns/@0123456789abcdef"
	(umask 0777 && : >"$ROOT/netns/point")
	gc_does
	contains "$(cat "$T/gc")" "removed $ROOT/podns/empty"
	contains "$(cat "$T/gc")" "removed $ROOT/podns/half"
	contains "$(cat "$T/gc")" "removed $ROOT/podns/@0123456789abcdef"
	# Of whom that is no record tells.
	[ -e "$ROOT/netns/point" ]
	rm -f "$ROOT/netns/point"
	assert_nothing_left
}

@test "what is pinned in another mount namespace alone stays" {
	local ino
	mkdir -m 0755 "$ROOT/netns"
	ln -s "$PODNS" "$T/pinns"
	# shellcheck disable=SC2016 # for that shell
	sleeper unshare --mount --propagation private bash -c '"$1" -d "$2" -f theirs --net && shift 2 && exec "$@"' \
		bash "$T/pinns" "$ROOT"
	ino=$(nsenter -t "$CHILD" -m stat -L -c %i "$ROOT/netns/theirs")
	gc_does
	equal "$(cat "$T/gc")" ''
	equal "$(nsenter -t "$CHILD" -m stat -fL -c %T "$ROOT/netns/theirs")" nsfs
	equal "$(nsenter -t "$CHILD" -m stat -L -c %i "$ROOT/netns/theirs")" "$ino"
}

@test "a pin that another namespace is mounted over: gc touches neither" {
	local net
	podns create web
	net=$(ns_ino "$ROOT/netns/web")
	in_new_namespaces --net
	mount --bind "/proc/$CHILD/ns/net" "$ROOT/netns/web"
	podns_fails 1 'another mount on top' gc
	equal "$(ns_ino "$ROOT/netns/web")" "$(ns_ino "/proc/$CHILD/ns/net")"
	umount "$ROOT/netns/web"
	equal "$(ns_ino "$ROOT/netns/web")" "$net"
	equal "$(of_pod web .state)" held
	podns rm web
	assert_nothing_left
}

@test "what gc could not do is not told as done" {
	live_pod web
	end_child
	in_new_namespaces --net
	mount --bind "/proc/$CHILD/ns/net" "$ROOT/netns/web"
	contains "$(podns gc --dry-run 2>&1)" 'would end pod web'
	run podns gc
	equal "$status" 1
	contains "$output" 'another mount on top'
	lacks "$output" 'ended'
	lacks "$output" 'dropped'
	umount "$ROOT/netns/web"
	gc_does
	contains "$(cat "$T/gc")" 'ended pod web'
	# A pin that stays: a file that is no namespace is in its place.
	live_pod web
	end_child
	umount "$ROOT/utsns/web"
	echo mine >"$ROOT/utsns/web"
	run podns gc
	equal "$status" 1
	contains "$output" "$ROOT/utsns/web is not a uts namespace"
	lacks "$output" 'ended'
	rm "$ROOT/utsns/web"
	# A directory of records with something in it that is not of ours.
	podns gc
	mkdir -m 0700 "$ROOT/podns/half"
	echo mine >"$ROOT/podns/half/theirs"
	run podns gc
	equal "$status" 1
	contains "$output" "remove $ROOT/podns/half: Directory not empty (no record is in it"
	lacks "$output" 'removed'
	rm "$ROOT/podns/half/theirs"
	equal "$(podns gc)" "removed $ROOT/podns/half"
	# The same in a directory for a bundle's copy.
	mkdir -m 0700 "$ROOT/podns/bundle@0123456789abcdef"
	echo mine >"$ROOT/podns/bundle@0123456789abcdef/theirs"
	run podns gc
	contains "$output" "remove $ROOT/podns/bundle@0123456789abcdef: Directory not empty"
	lacks "$output" 'removed'
	rm "$ROOT/podns/bundle@0123456789abcdef/theirs"
	equal "$(podns gc)" "removed $ROOT/podns/bundle@0123456789abcdef"
	assert_nothing_left
}

@test "what is not ours is left: pins, files, and links of members" {
	live_pod web
	touch "$ROOT/netns/foreign"
	mount --bind "/proc/$CHILD/ns/net" "$ROOT/netns/foreign"
	echo mine >"$ROOT/netns/file"
	gc_does
	equal "$(cat "$T/gc")" ''
	ns_ino "$ROOT/netns/foreign"
	equal "$(cat "$ROOT/netns/file")" mine
	# The index entry finds the container at its end.
	end_child
	poststop a
	[ ! -e "$ROOT/podns/web" ]
}

@test "pins hidden by a bind mount of their directory over itself come back" {
	local net
	podns create web
	net=$(ns_ino "$ROOT/netns/web")
	mount --bind "$ROOT/netns" "$ROOT/netns"
	touch "$ROOT/netns/later"
	in_new_namespaces --net
	mount --bind "/proc/$CHILD/ns/net" "$ROOT/netns/later"
	equal "$(of_pod web .state)" broken
	gc_does
	equal "$(cat "$T/gc")" "brought back $ROOT/netns/web"
	equal "$(of_pod web .state)" held
	equal "$(ns_ino "$ROOT/netns/web")" "$net"
	# What came later is there, too.
	equal "$(ns_ino "$ROOT/netns/later")" "$(ns_ino "/proc/$CHILD/ns/net")"
	umount "$ROOT/netns/later"
	rm "$ROOT/netns/later"
	podns rm web
	assert_nothing_left
}

@test "pins hidden by another file system come back on it" {
	local ipc
	podns create web
	ipc=$(ns_ino "$ROOT/ipcns/web")
	mount -t tmpfs -o mode=0755 tmpfs "$ROOT/ipcns"
	equal "$(of_pod web .state)" broken
	podns gc
	equal "$(of_pod web .state)" held
	equal "$(ns_ino "$ROOT/ipcns/web")" "$ipc"
}

@test "a hook run does not forget a hidden pin of dead containers" {
	live_pod web
	end_child
	mount -t tmpfs -o mode=0755 tmpfs "$ROOT/utsns"
	make_bundle b
	fails_with 'is hidden by a mount' hook precreate <"$T/b/config.json"
	umount "$ROOT/utsns"
	hook precreate <"$T/b/config.json" >"$T/out"
	sed -i '/^claim/d' "$ROOT/podns/web/record"
	podns gc >/dev/null
	assert_nothing_left
}

@test "a pod with a hidden pin does not end, with the pin left behind" {
	podns create web >"$T/pins"
	mount -t tmpfs -o mode=0755 tmpfs "$ROOT/utsns"
	podns_fails 1 'is hidden by a mount' rm web
	contains "$(cat "$T/stderr")" 'podns gc brings it back'
	umount "$ROOT/utsns"
	podns rm web
	assert_nothing_left
}

@test "hidden pins come back in a root with a space and a backslash in its name" {
	local ipc odd="$ROOT/a \\ b"
	mkdir -m 0755 "$odd"
	"$PODNS" --root "$odd" create web >"$T/pins"
	ipc=$(ns_ino "$odd/ipcns/web")
	mount --bind "$odd/ipcns" "$odd/ipcns"
	equal "$("$PODNS" --root "$odd" gc)" "brought back $odd/ipcns/web"
	equal "$(ns_ino "$odd/ipcns/web")" "$ipc"
	"$PODNS" --root "$odd" rm web
	umount "$odd/netns"
}

@test "what another program mounted over hidden pins is named, and stays" {
	podns create web
	mount --bind "$ROOT/ipcns" "$ROOT/ipcns"
	mkdir "$ROOT/ipcns/theirs"
	mount -t tmpfs tmpfs "$ROOT/ipcns/theirs"
	podns_fails 1 "is mounted in $ROOT/ipcns" gc
	mountpoint -q "$ROOT/ipcns/theirs"
	umount "$ROOT/ipcns/theirs"
	podns gc
	equal "$(of_pod web .state)" held
}

@test "after a reboot: bundles get their config.json back" {
	in_new_namespaces --net --ipc --uts
	make_bundle a root=
	state_doc a "$CHILD" creating | "$HOOK" --no-syslog createRuntime
	fails cmp "$T/a.orig" "$T/a/config.json"
	end_child
	# What a reboot takes away.
	unmount_below /run/netns
	umount /run/ipcns/* /run/utsns/*
	rm -rf /run/podns /run/{net,ipc,uts}ns
	contains "$("$PODNS" gc --dry-run)" "would revert $T/a"
	equal "$("$PODNS" gc)" "reverted $T/a: its pod web is gone"
	assert_untouched a
	equal "$(find /var/lib/oci-podns ! -type d)" ''
	equal "$("$PODNS" gc)" ''
}

@test "one pod that cannot be swept keeps no other from it, and gc fails" {
	live_pod web
	podns create bad
	echo nonsense >"$ROOT/podns/bad/record"
	end_child
	run podns gc
	equal "$status" 1
	contains "$output" 'ended pod web'
	contains "$output" 'the record does not begin with'
}

@test "the units run what is installed, and the preset enables them" {
	local dest=$BATS_TEST_TMPDIR/dest
	make -C "$PODNS_BUILD" install DESTDIR="$dest" >/dev/null
	grep -qx 'ExecStart=/usr/bin/podns gc' "$dest/usr/lib/systemd/system/podns-gc.service"
	[ -x "$dest/usr/bin/podns" ]
	grep -q '^OnUnitInactiveSec=' "$dest/usr/lib/systemd/system/podns-gc.timer"
	contains "$(cat "$dest"/usr/lib/systemd/system-preset/*-oci-podns.preset)" 'enable podns-gc.timer'
	contains "$(cat "$dest"/usr/lib/systemd/system-preset/*-oci-podns.preset)" 'enable podns-gc.service'
	# It would unmount in a mount namespace of its own, and nothing on the host.
	fails grep -E '^(Private(Tmp|Mounts|Devices)|Protect|ReadOnly|TemporaryFileSystem|BindPaths)' \
		"$dest/usr/lib/systemd/system/podns-gc.service"
	# What the plugins of a network need to detach a pod: netlink, raw sockets of iptables, kernel modules.
	fails grep -E '^(RestrictAddressFamilies|IPAddressDeny|SystemCallFilter|RestrictNamespaces|CapabilityBoundingSet|MemoryDeny)' \
		"$dest"/usr/lib/systemd/system/podns{-gc,@}.service
}
