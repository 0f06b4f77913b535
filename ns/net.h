/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network devices of a pod's network namespace.
 */
#ifndef PODNS_NS_NET_H
#define PODNS_NS_NET_H

#include <net/if.h>

#include "base/error.h"

/*
 * Set `lo` up in the caller's network namespace (netdevice(7), SIOCSIFFLAGS). The kernel creates it
 * down, and runc and crun set it up only in a namespace that they have made.
 */
int net_loopback_up(struct error *e);

/*
 * Set name to an interface of the network namespace ns_fd that is up and not the loopback, or to "" if
 * it has none. Interfaces that are down do not count, since some kernels create sit0 and others in each
 * namespace: net.core.fb_tunnels_only_for_init_net in Documentation/admin-guide/sysctl/net.rst. The
 * caller is in ns_fd for a moment; if it cannot return, that is an error.
 */
int net_find_interface(int ns_fd, char name[IFNAMSIZ], struct error *e);

#endif
