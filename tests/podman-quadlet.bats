#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The units of docs/quadlet.md, through Quadlet's generator. There is no systemd here: the commands of the services are
# run in its order.

load helpers
load podns
load podman
load podman-pods

setup_file() {
	podman_file_setup
	pods_hook_file "$HOOKS_D"
}

setup() {
	needs_quadlet
	podman_setup
	pod_named web
	mkdir "$T/units" "$T/run"
}

# unit_of FILE: the indented block after the line of the document that ends with this path.
unit_of() {
	awk -v file="\`$1\`:" '
		index($0, file) == length($0) - length(file) + 1 { found = 1; next }
		found && /^    / { block = 1; print substr($0, 5); next }
		found && block && /./ { exit }
		found && block { print "" }' "$PODNS_SRC/docs/quadlet.md"
}

# write_unit NAME: the unit of the document, with the tests' image.
write_unit() {
	unit_of "/etc/containers/systemd/$1" | sed "s|^Image=.*|Image=$IMAGE|" >"$T/units/$1"
	[ -s "$T/units/$1" ]
}

# generate: the services, one file each, with the drop-in of the document.
generate() {
	QUADLET_UNIT_DIRS=$T/units timeout -k 5 "$LIMIT" "$(quadlet)" -dryrun >"$T/generated" 2>"$T/generator.err"
	awk -v dir="$T/run" '/^---.*---$/ { gsub(/---/, ""); file = dir "/" $0; next } file { print >file }' "$T/generated"
}

# commands_of SERVICE KEY: as systemd does, in which an empty line forgets all before. Some hosts have no control groups that
# could be split, and no journal.
commands_of() {
	awk -v key="$2=" 'index($0, key) == 1 { line = substr($0, length(key) + 1)
			if (line == "") n = 0; else lines[n++] = line }
		END { for (i = 0; i < n; i++) print lines[i] }' "$T/run/$1" |
		sed -e 's|^-||' -e "s|%t|$T/run|g" -e "s|%N|${1%.service}|g" -e 's|--cgroups=split ||' -e 's|[$][$]|$|g'
}

# run_commands SERVICE KEY: podman with the tests' storage.
run_commands() {
	local line words
	while IFS= read -r line; do
		read -ra words <<<"$line"
		if [ "${words[0]}" = /usr/bin/podman ]; then
			quiet pm "${words[@]:1}" || return
		else
			quiet sh -c "$line" || return
		fi
	done < <(commands_of "$1" "$2")
}

@test "Quadlet: container units with the annotation are a pod" {
	write_unit www.container
	sed 's/^ContainerName=.*//' "$T/units/www.container" >"$T/units/cache.container"
	generate
	contains "$(commands_of www.service ExecStart)" '--annotation io.podns.pod=web'
	contains "$(commands_of www.service ExecStart)" '--network none'
	contains "$(cat "$T/run/www.service")" 'Requires=podns@web.service'
	run_commands www.service ExecStart
	run_commands cache.service ExecStart
	same_pod systemd-www systemd-cache
	# systemctl restart www
	run_commands www.service ExecStop
	run_commands www.service ExecStart
	same_pod systemd-www systemd-cache
	run_commands www.service ExecStop
	run_commands cache.service ExecStop
	nothing_left
}

@test "Quadlet: a pod unit without an infra container, with the drop-in for its service" {
	write_unit shop.pod
	write_unit till.container
	sed 's/^ContainerName=.*//' "$T/units/till.container" >"$T/units/stock.container"
	generate
	unit_of /etc/systemd/system/shop-pod.service.d/no-infra.conf >>"$T/run/shop-pod.service"
	equal "$(commands_of shop-pod.service Type)" $'forking\noneshot'
	equal "$(commands_of shop-pod.service PIDFile)" ''
	run_commands shop-pod.service ExecStartPre
	run_commands shop-pod.service ExecStart
	run_commands till.service ExecStart
	run_commands stock.service ExecStart
	pod_of_podman shop
	same_pod systemd-till systemd-stock
	run_commands till.service ExecStop
	same_pod systemd-stock
	run_commands till.service ExecStart
	same_pod systemd-till systemd-stock
	run_commands till.service ExecStop
	run_commands stock.service ExecStop
	run_commands shop-pod.service ExecStop
	run_commands shop-pod.service ExecStopPost
	fails pm pod exists shop
	nothing_left
}

# Why the document says so. If one of these succeeds, it can say less.
@test "Quadlet: without them podman makes no such pod, and the service does not start" {
	write_unit shop.pod
	sed -i 's/ --infra-name=$//' "$T/units/shop.pod"
	generate
	fails run_commands shop-pod.service ExecStartPre
	write_unit shop.pod
	generate
	run_commands shop-pod.service ExecStartPre
	fails run_commands shop-pod.service ExecStart
	quiet pm pod rm -f shop
}
