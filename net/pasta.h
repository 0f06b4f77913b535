/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of rootless pods: pasta(1) of passt connects the pinned namespace to the host by sockets of the user's.
 * One pasta process runs for each pod. It ends by itself when the pin is removed, and is ended here if the pod
 * is detached, or if it has outlived its pin. Works with pasta of 2023 (Debian 12) and later.
 */
#ifndef PODNS_NET_PASTA_H
#define PODNS_NET_PASTA_H

#include <stdbool.h>
#include <string.h>

#include "net/state.h"

/*
 * The name server at which pasta answers for the host's first one (--dns-forward): an address of link-local scope,
 * as podman uses one for it.
 */
#define PASTA_DNS "169.254.1.1"

/*
 * Is that needed? Only if no name servers were given for the pod and the host's is a local one: pasta of 2023 drops
 * the answers of a server for which it forwards, if that is asked by its own address. host: the text of the host's
 * resolv.conf. A pure function.
 */
bool pasta_forwards_dns(const struct net_state *st, const char *host);

/* Is this the record of a pod that pasta connects? */
static inline bool pasta_is_network(const struct net_state *st)
{
	return !strcmp(st->network, NETWORK_PASTA);
}

/*
 * Can pasta publish these ports, is it installed, and are we where it is needed: in the user namespace of rootless
 * podman? Before anything is recorded.
 */
int pasta_prepare(const struct net_ports *ports, struct error *e);

/*
 * Connect the pin of the record, with its ports. The process, the interface and its addresses go into the record,
 * these as a result of CNI. If the user has a systemd manager, pasta runs in a scope of its own there, so that it
 * does not end with the unit of the container that was first. until: by chain_now(). After a failure call
 * pasta_del().
 */
int pasta_add(struct net_state *st, uint64_t until, struct error *e);

/* Does the recorded process still run? */
int pasta_check(const struct net_state *st, struct error *e);

/*
 * End the recorded process, or, if none is recorded yet, that which was started for the same pin. It is no
 * error if it has ended. A process that got its pid since is never touched.
 */
int pasta_del(const struct net_state *st, struct error *e);

/* --- pure functions ------------------------------------------------------------------------------- */

/* As an argument of -t and -u: pasta(1). */
struct pasta_port {
	char text[96];
};
struct pasta_port pasta_port(const struct port_range *range);

/*
 * The line of pasta's standard error that says why it failed; "" if there is none. Old versions add lines about
 * syslog. In the arena; NULL without memory.
 */
const char *pasta_reason(struct arena *a, const struct buf *errors);

/*
 * Is it the command line, arguments each ended by a NUL, of a pasta that pasta_add() started for the pin at this
 * path?
 */
bool pasta_is_command_line(const char *text, size_t len, const char *pin);

#endif
