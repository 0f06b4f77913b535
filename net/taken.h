/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are ports of the host free? The records of all pods are asked, since portmap takes a port that another pod
 * has published already, and the kernel, by bind(2), since a DNAT rule would take a port away from the process
 * that listens on it.
 */
#ifndef PODNS_NET_TAKEN_H
#define PODNS_NET_TAKEN_H

#include "plan/ports.h"
#include "pod/store.h"

/*
 * Fail if one of the ranges cannot be published for the pod: taken_by_records(), then taken_by_host(). The
 * caller holds the lock of attach_lock_ports().
 */
int taken_check(struct store *store, const char *pod, const struct port_range *list, size_t count,
		struct error *e);

/*
 * Has another pod published one of the ports? The error names that pod. Pods of an earlier boot hold no
 * ports. A record that cannot be read is an error: its ports are not known.
 */
int taken_by_records(struct store *store, const char *pod, const struct port_range *list,
		     size_t count, struct error *e);

/*
 * Can a socket in the caller's network namespace be bound to each port of the range? Connections in TIME_WAIT
 * do not count. The error says which process holds the port, as far as that may be seen, that the address is
 * none of the host's, or that the port is privileged. A protocol that the kernel does not have (SCTP, IPv6)
 * is free.
 */
int taken_by_host(const struct port_range *range, struct error *e);

#endif
