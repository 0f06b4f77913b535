#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Docker: the first container brings the pod's network, as one with a VPN does, and its neighbours have none of their own.
# Under Docker's `--network container:NAME` they would lose it for good when that container is restarted or replaced.
#
# bats file_tags=bed

load helpers
load docker

# The network namespace of another host.
OUTSIDE=$DK/outside

outside() {
	nsenter --net="$OUTSIDE" "$@"
}

setup_file() {
	docker_file_setup
	[ -n "${PODNS_IN_BED-}" ] || return 0
	touch "$OUTSIDE"
	unshare --net="$OUTSIDE" true
	ip link add outside type veth peer name eth0 netns "$OUTSIDE"
	ip addr add 192.0.2.1/24 dev outside
	ip link set outside up
	outside ip addr add 192.0.2.2/24 dev eth0
	outside ip link set eth0 up
}

setup() {
	engine_setup
	mkdir "$T/www"
	echo "the neighbour's page" >"$T/www/index.html"
}

# vpn [OPTION...]: the container with the network and the published port.
vpn() {
	dk network inspect outer >/dev/null 2>&1 || dk network create outer >/dev/null
	pod_wait vpn --network outer -p 8080:80 "$@"
}

# neighbour [OPTION...]: it serves the port that the other one publishes.
neighbour() {
	pod_run neighbour --stop-signal KILL --dns 127.0.0.11 -v "$T/www:/www:ro" "$@" "$IMAGE" httpd -f -p 80 -h /www
}

page() {
	"$@" busybox wget -T 5 -q -O - "http://$ADDRESS:8080/"
}

# serves NAMESPACE: the neighbour is the process that it was, in the namespace that it was in, with the pod's present
# interface; the published port leads to it from the host and from the outside; Docker's name server answers it.
serves() {
	local address
	keeps "$1"
	equal "$(ctr_ns neighbour net)" "$1" "the neighbour's network"
	equal "$(ctr_ns vpn net)" "$1" "the first container's network"
	address=$(dk inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' vpn)
	contains "$(in_ctr neighbour ip -o -4 addr show)" " $address/"
	equal "$(in_ctr neighbour ls /sys/class/net)" "$(in_ctr vpn ls /sys/class/net)"
	ADDRESS=127.0.0.1
	wait_for page
	equal "$(page)" "the neighbour's page" "the port on the host"
	ADDRESS=192.0.2.1
	equal "$(page outside)" "the neighbour's page" "the port from the outside"
	contains "$(in_ctr neighbour nslookup vpn 127.0.0.11)" "$address"
}

@test "vpn: the neighbour is reached through the first container's port, and has its interface and names" {
	vpn
	neighbour
	serves "$(pin_ino net)"
	drop neighbour vpn
	pod_has_ended
}

@test "vpn: the first container is restarted" {
	local ino pid
	vpn
	neighbour
	ino=$(pin_ino net)
	pid=$(pid_of neighbour)
	dk restart -t 0 vpn >/dev/null
	serves "$ino"
	dk stop -t 0 vpn >/dev/null
	keeps "$ino"
	dk start vpn >/dev/null
	serves "$ino"
	equal "$(pid_of neighbour)" "$pid"
	drop vpn neighbour
	pod_has_ended
}

@test "vpn: the first container is killed, and what it made in the pod's network stays: it starts again" {
	local ino
	vpn
	neighbour
	ino=$(pin_ino net)
	nsenter --net=/run/netns/web ip tuntap add wg0 mode tun
	nsenter --net=/run/netns/web ip link set wg0 up
	dk kill vpn >/dev/null
	dk start vpn >/dev/null
	nsenter --net=/run/netns/web ip link show wg0 >/dev/null
	serves "$ino"
	drop vpn neighbour
	pod_has_ended
}

@test "vpn: the first container is killed under --restart=always" {
	local ino before
	vpn --restart=always
	neighbour
	ino=$(pin_ino net)
	before=$(pid_of vpn)
	kill -KILL "$before"
	wait_for runs_again vpn "$before"
	serves "$ino"
	drop vpn neighbour
	pod_has_ended
}

@test "vpn: the first container is removed and made again" {
	local ino pid
	vpn
	neighbour
	ino=$(pin_ino net)
	pid=$(pid_of neighbour)
	drop vpn
	keeps "$ino"
	only_members 1
	vpn
	serves "$ino"
	equal "$(pid_of neighbour)" "$pid"
	only_members 2
	# The neighbour may be replaced as well.
	drop neighbour
	neighbour
	serves "$ino"
	drop vpn neighbour
	pod_has_ended
}

@test "vpn: the neighbour may be first" {
	local ino
	neighbour
	ino=$(pin_ino net)
	vpn
	serves "$ino"
	drop vpn neighbour
	pod_has_ended
}

@test "vpn: with Compose, the first service is recreated" {
	local ino
	cat >"$T/compose.yaml" <<-YAML
		services:
		  vpn:
		    image: $IMAGE
		    container_name: vpn
		    runtime: podns
		    annotations:
		      io.podns.pod: web
		    ports:
		      - "8080:80"
		  neighbour:
		    image: $IMAGE
		    container_name: neighbour
		    command: httpd -f -p 80 -h /www
		    runtime: podns
		    annotations:
		      io.podns.pod: web
		    network_mode: none
		    dns: 127.0.0.11
		    volumes:
		      - ./www:/www:ro
	YAML
	compose up -d
	ino=$(pin_ino net)
	serves "$ino"
	compose up -d --force-recreate -t 0 vpn
	serves "$ino"
	compose restart -t 0 vpn
	serves "$ino"
	compose down -t 0
	pod_has_ended
}

# --- dockerd is restarted ----------------------------------------------------

@test "vpn: dockerd is restarted, and its containers with it" {
	local before
	vpn --restart=always
	neighbour --restart=always
	before=$(pid_of neighbour)
	end_daemon dockerd
	pod_has_ended
	start_dockerd
	wait_for runs_again neighbour "$before"
	wait_for state_is vpn running
	serves "$(pin_ino net)"
	only_members 2
	drop vpn neighbour
	pod_has_ended
}

@test "vpn: dockerd is killed, and ends its containers when it starts again" {
	local before
	vpn --restart=always
	neighbour --restart=always
	before=$(pid_of neighbour)
	end_daemon dockerd KILL
	start_dockerd
	wait_for runs_again neighbour "$before"
	wait_for state_is vpn running
	serves "$(pin_ino net)"
	only_members 2
	drop vpn neighbour
	pod_has_ended
}

@test "vpn: dockerd with live-restore is restarted and killed, and the containers go on" {
	local ino signal pid
	end_daemon dockerd
	start_dockerd --live-restore
	vpn
	neighbour
	ino=$(pin_ino net)
	pid=$(pid_of neighbour)
	for signal in TERM KILL; do
		end_daemon dockerd "$signal"
		only_members 2
		start_dockerd --live-restore
		serves "$ino"
	done
	dk restart -t 0 vpn >/dev/null
	serves "$ino"
	equal "$(pid_of neighbour)" "$pid"
	drop vpn neighbour
	pod_has_ended
	end_daemon dockerd
	start_dockerd
}
