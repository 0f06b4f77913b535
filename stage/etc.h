/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_STAGE_ETC_H
#define PODNS_STAGE_ETC_H

#include "stage/container.h"

/*
 * Decide what becomes of /etc/resolv.conf and /etc/hosts, if the container is to share a network of the pod's:
 * c->etc_source for the edit, and c->todo. After the network is decided on. The engine's /etc/hosts is read; if
 * that cannot be, a warning says so and the container keeps it.
 */
int etc_choose(struct container *c, struct error *e);

/* Before an edit is reverted: c->etc_was_edited. */
void etc_reset(struct container *c);

#endif
