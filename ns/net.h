/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network devices of a new network namespace.
 */
#ifndef PODNS_NS_NET_H
#define PODNS_NS_NET_H

#include "base/error.h"

/*
 * Set `lo` up in the caller's network namespace (netdevice(7), SIOCSIFFLAGS). The kernel creates it
 * down, and runc and crun set it up only in a namespace that they have made.
 */
int net_loopback_up(struct error *e);

#endif
