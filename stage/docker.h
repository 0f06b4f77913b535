/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Docker knows of a container, beyond what it writes into config.json.
 */
#ifndef PODNS_STAGE_DOCKER_H
#define PODNS_STAGE_DOCKER_H

#include "oci/config.h"

/*
 * Docker calls the first interface of a container so, and fails if the name is taken, also by an
 * interface that is down. A VPN's wg0 or tun0, which may stay when its container is killed, does not
 * disturb it.
 */
#define DOCKER_INTERFACE "eth0"

/*
 * Will Docker move interfaces into the network namespace of the container with this id? config.json does
 * not tell: its hook for that is there with --network none too. Docker's own file hostconfig.json does,
 * beside the files that it mounts on the container's /etc/hosts and others. If that cannot be read, the
 * hook decides. dockerd writes that file, so what is in it is root's.
 */
bool docker_brings_network(const struct config *c, const char *id);

/*
 * Has the user chosen name servers, a search list or options for this container (--dns and others)? Also true if
 * hostconfig.json cannot be read.
 */
bool docker_has_dns(const struct config *c, const char *id);

#endif
