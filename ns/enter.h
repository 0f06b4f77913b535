/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going into a pod's namespaces.
 */
#ifndef PODNS_NS_ENTER_H
#define PODNS_NS_ENTER_H

#include "ns/types.h"

/* Join one: setns(2), with a hint where it is not allowed. */
int ns_join(int fd, enum ns_type type, struct error *e);

/*
 * Go into a pod for good, as `podns exec` does before it runs a command. Join the
 * namespaces that fds are open on (-1: none of that type). With a user namespace among
 * them, those that it does not own come first, while the caller's capabilities still count
 * for them; then the caller becomes its root. A mount namespace leaves the working
 * directory at its root: setns(2). Where it fails the caller is in some of them.
 */
int ns_enter(const int fds[NS_TYPES], struct error *e);

#endif
