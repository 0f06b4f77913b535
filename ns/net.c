/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/net.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "ns/enter.h"
#include "ns/nsfs.h"

int net_loopback_up(struct error *e)
{
	/* IFF_UP is enough: the kernel keeps IFF_LOOPBACK itself (__dev_change_flags() in net/core/dev.c). */
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(e, errno, "open a socket to raise lo");
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		return error_set(e, errno, "raise lo");
	return 0;
}

/* ARPHRD_ETHER: veth, bridge, macvlan. A VPN's tun0 or wg0 has ARPHRD_NONE. */
static bool is_ethernet_and_up(int fd, const char *name)
{
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, name, strlen(name));
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0 || !(ifr.ifr_flags & IFF_UP))
		return false;
	return ioctl(fd, SIOCGIFHWADDR, &ifr) == 0 && ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

/* The name of the interface at the start of a line of /proc/net/dev, cut off at its colon. */
static char *cut_name(char *line)
{
	char *name = line + strspn(line, " "), *colon = strchr(name, ':');

	if (!colon || colon - name >= IFNAMSIZ)
		return NULL;
	*colon = '\0';
	return name;
}

/* The file shows the network namespace of the process that reads it: proc_pid_net(5). */
static int find_here(const char *wanted, char name[IFNAMSIZ], struct error *e)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cleanup_buf struct buf text = { 0 };
	char *line, *rest, *found;

	if (fd < 0)
		return error_set(e, errno, "open a socket to list interfaces");
	if (read_file_at(AT_FDCWD, "/proc/self/net/dev", (size_t)1 << 20, &text) < 0)
		return error_set(e, errno, "read /proc/self/net/dev");
	for (rest = text.data; (line = strsep(&rest, "\n"));) {
		found = cut_name(line);
		if (!found || (strcmp(found, wanted) != 0 && !is_ethernet_and_up(fd, found)))
			continue;
		memcpy(name, found, strlen(found) + 1);
		return 0;
	}
	return 0;
}

int net_find_network(int ns_fd, const char *wanted, char name[IFNAMSIZ], struct error *e)
{
	cleanup_close int own = ns_open_own(NS_NET, e);
	int r;

	name[0] = '\0';
	if (own < 0 || ns_join(ns_fd, NS_NET, e) < 0)
		return -1;
	r = find_here(wanted, name, e);
	if (setns(own, CLONE_NEWNET) < 0)
		return error_set(e, errno, "return from the pod's network namespace");
	return r;
}

/* Copy the bytes of the address; returns their number, 0 for another family. */
static unsigned char address_bytes(const struct sockaddr *address, unsigned char ip[16])
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address && address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		memcpy(ip, &v4.sin_addr, 4);
		return 4;
	}
	if (address && address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		memcpy(ip, &v6.sin6_addr, 16);
		return 16;
	}
	return 0;
}

static bool is_link_local(const struct net_address *a)
{
	return a->len == 16 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static void note_address(struct net_interface *found, const struct ifaddrs *from)
{
	struct net_address a = { 0 };
	unsigned char mask[16] = { 0 };

	a.len = address_bytes(from->ifa_addr, a.ip);
	if (!a.len || is_link_local(&a) || found->count == NET_ADDRESSES_MAX)
		return;
	address_bytes(from->ifa_netmask, mask);
	for (int i = 0; i < 16; i++)
		a.prefix = (unsigned char)(a.prefix + __builtin_popcount(mask[i]));
	found->addresses[found->count++] = a;
}

static int look_here(const char *name, struct net_interface *found, struct error *e)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return error_set(e, errno, "list the pod's network interfaces");
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		if (strcmp(a->ifa_name, name) != 0)
			continue;
		found->exists = true;
		found->up = a->ifa_flags & IFF_UP;
		note_address(found, a);
	}
	freeifaddrs(all);
	return 0;
}

int net_look(int ns_fd, const char *name, struct net_interface *found, struct error *e)
{
	cleanup_close int own = ns_open_own(NS_NET, e);
	int r;

	*found = (struct net_interface){ 0 };
	if (own < 0 || ns_join(ns_fd, NS_NET, e) < 0)
		return -1;
	r = look_here(name, found, e);
	if (setns(own, CLONE_NEWNET) < 0)
		return error_set(e, errno, "return from the pod's network namespace");
	return r;
}
