/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network devices of a pod's network namespace.
 */
#ifndef PODNS_NS_NET_H
#define PODNS_NS_NET_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Set `lo` up in the caller's network namespace (netdevice(7), SIOCSIFFLAGS). The kernel creates it
 * down, and runc and crun set it up only in a namespace that they have made.
 */
int net_loopback_up(struct error *e);

/*
 * Has the network namespace ns_fd an interface of this name, up or down? The caller is in ns_fd for a
 * moment; if it cannot return, that is an error.
 */
int net_has_interface(int ns_fd, const char *name, bool *has, struct error *e);

#endif
