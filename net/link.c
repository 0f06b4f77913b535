/* SPDX-License-Identifier: Apache-2.0 */
#include "net/link.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define MAC_BYTES 6

/* netdevice(7) and ethtool(8). False also if there is no such interface. */
static bool is_veth(int fd, const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, name, strlen(name));
	ifr.ifr_data = &info;
	return ioctl(fd, SIOCETHTOOL, &ifr) == 0 &&
	       !strncmp(info.driver, "veth", sizeof(info.driver));
}

static bool has_mac(int fd, const char *name, const char *mac)
{
	char text[3 * MAC_BYTES];
	struct ifreq ifr = { 0 };
	unsigned char b[MAC_BYTES];

	memcpy(ifr.ifr_name, name, strlen(name));
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return false;
	memcpy(b, ifr.ifr_hwaddr.sa_data, sizeof(b));
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		 b[5]);
	return !strcasecmp(text, mac);
}

struct del_request {
	struct nlmsghdr header;
	struct ifinfomsg link;
};

struct del_answer {
	struct nlmsghdr header;
	struct nlmsgerr error;
};

/* RTM_DELLINK: rtnetlink(7). Returns 0 or an errno. */
static int delete_link(int index)
{
	cleanup_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct del_request request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_DELLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.link = { .ifi_family = AF_UNSPEC, .ifi_index = index },
	};
	struct del_answer answer = { 0 };

	/* The kernel answers before send(2) returns. */
	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) < 0)
		return errno;
	return answer.header.nlmsg_type == NLMSG_ERROR ? -answer.error.error : EPROTO;
}

static int remove_link(int fd, const char *name, struct error *e)
{
	struct ifreq ifr = { 0 };
	int num;

	memcpy(ifr.ifr_name, name, strlen(name));
	num = ioctl(fd, SIOCGIFINDEX, &ifr) < 0 ? errno : delete_link(ifr.ifr_ifindex);
	if (num && num != ENODEV)
		return error_set(e, num, "remove the interface %s, which the plugins have left",
				 name);
	log_warn("the interface %s was still there after DEL, and is removed: a process of the pod "
		 "may have renamed or moved its other end",
		 name);
	return 0;
}

int link_remove_left(const struct result *result, struct error *e)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd < 0)
		return error_set(e, errno, "open a socket to look for interfaces");
	for (size_t i = 0; r == 0 && i < result->interface_count; i++) {
		const struct result_interface *x = &result->interfaces[i];

		if (!x->sandbox && x->mac && strlen(x->name) < IFNAMSIZ && is_veth(fd, x->name) &&
		    has_mac(fd, x->name, x->mac))
			r = remove_link(fd, x->name, e);
	}
	return r;
}
