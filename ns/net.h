/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_NS_NET_H
#define PODNS_NS_NET_H

#include "base/error.h"

/*
 * Raise `lo` in the new network namespace that the caller is in (netdevice(7), SIOCSIFFLAGS).
 * The kernel makes it down, and runc and crun raise it only in a namespace that they made
 * themselves.
 */
int net_loopback_up(struct error *e);

#endif
