/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's ends of the pod's interfaces. Plugins find these by the other end, eth0 in the pod's namespace, which a
 * process of the pod with CAP_NET_ADMIN can rename or move: their DEL succeeds then, and the pod is still connected.
 */
#ifndef PODNS_NET_LINK_H
#define PODNS_NET_LINK_H

#include "net/result.h"

/*
 * Remove those of the result's interfaces on the host that are still there: a veth(4) with the name and the hardware
 * address that the plugin has printed. A bridge is shared, and stays.
 */
int link_remove_left(const struct result *result, struct error *e);

#endif
