/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining a pod's namespaces.
 */
#ifndef PODNS_NS_ENTER_H
#define PODNS_NS_ENTER_H

#include "ns/types.h"

/* Join one namespace by setns(2). The error has a hint if this is not permitted. */
int ns_join(int fd, enum ns_type type, struct error *e);

/*
 * Join all namespaces that fds are open on (-1: none of that type), as `podns exec` does. If there is
 * a user namespace, those that it does not own are joined first, while the caller's capabilities apply
 * to them; then the caller becomes its root. After joining a mount namespace the working directory is
 * its root: setns(2). After a failure the caller is in some of them.
 */
int ns_enter(const int fds[NS_TYPES], struct error *e);

#endif
