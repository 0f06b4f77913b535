/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network devices of a pod's network namespace.
 */
#ifndef PODNS_NS_NET_H
#define PODNS_NS_NET_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * Set `lo` up in the caller's network namespace (netdevice(7), SIOCSIFFLAGS). The kernel creates it
 * down, and runc and crun set it up only in a namespace that they have made.
 */
int net_loopback_up(struct error *e);

/*
 * Set name to an interface by which the network namespace ns_fd has a network, or to "" if there is none:
 * the interface `wanted`, up or down, or any Ethernet interface that is up. The caller is in ns_fd for a
 * moment; if it cannot return, that is an error.
 */
int net_find_network(int ns_fd, const char *wanted, char name[IFNAMSIZ], struct error *e);

/* An IPv4 (len 4) or IPv6 (len 16) address in network order. */
struct net_address {
	unsigned char ip[16];
	unsigned char len;
	unsigned char prefix; /* of its network, in bits */
};

#define NET_ADDRESSES_MAX 64

struct net_interface {
	bool exists, up;
	struct net_address addresses[NET_ADDRESSES_MAX]; /* without those of link-local scope */
	size_t count;
};

/*
 * Look at the interface `name` in the network namespace ns_fd: getifaddrs(3). Addresses beyond
 * NET_ADDRESSES_MAX are left out. The caller is in ns_fd for a moment, as in net_find_network().
 */
int net_look(int ns_fd, const char *name, struct net_interface *found, struct error *e);

#endif
