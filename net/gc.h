/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GC of CNI 1.1.0: each plugin of a network gets the list of the attachments that exist, and removes what it
 * has of others, such as addresses whose DEL never came.
 */
#ifndef PODNS_NET_GC_H
#define PODNS_NET_GC_H

#include "net/attach.h"

/*
 * Run GC for each network of version 1.1.0 in net.d/ that does not have disableGC, by the plugins that know
 * that version. Only in the root /run, since the records of other roots are not seen here. No pod can be
 * attached while it runs. A failure does not keep the other networks from it; the first error is returned.
 */
int gc_networks(struct store *store, uint64_t until, struct error *e);

#endif
