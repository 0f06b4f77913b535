/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making namespaces and working inside them.
 *
 * If the pod has no user namespace of its own, this process makes its namespaces with one unshare(2)
 * and stays in them: it is short-lived, and its mount namespace stays the same. A child makes them if
 * there is a user namespace, because only a process outside can write its uid_map
 * (user_namespaces(7)), or a mount namespace, which has to be pinned from outside.
 */
#ifndef PODNS_NS_MAKE_H
#define PODNS_NS_MAKE_H

#include "ns/maps.h"
#include "ns/nsfs.h"
#include "ns/sysctl.h"

/* Settings inside a pod's namespaces. Borrowed. */
struct ns_setup {
	bool loopback;          /* set lo up */
	const char *hostname;   /* sethostname(2); NULL: leave as it is */
	const char *domainname; /* setdomainname(2); NULL: leave as it is */
	struct sysctl_list sysctls;
};

/*
 * Make namespaces of the types in `set` and do the setup in them. user_fd is the user namespace that
 * is to own them, -1 for our own. With NS_USER in set a new one is made first, with these maps, and
 * owns the others. fds[T] is open on the new namespace, or -1; on failure all are -1.
 */
int ns_make(ns_set set, int user_fd, const struct id_maps *uid_maps, const struct id_maps *gid_maps,
	    const struct ns_setup *setup, int fds[NS_TYPES], struct error *e);

/*
 * Do the setup inside the existing namespaces fds[T]; -1 stands for our own. user_fd is the user
 * namespace that owns them, -1 for our own. The caller may be in them afterwards.
 */
int ns_setup_in(const int fds[NS_TYPES], int user_fd, const struct ns_setup *setup,
		struct error *e);

/*
 * hostname and domainname of a UTS namespace. user_fd as above. The caller may be in that namespace
 * afterwards: root of rootless podman has no privilege to return.
 */
int ns_uts_names(int uts_fd, int user_fd, char hostname[65], char domainname[65], struct error *e);

/* The mappings of a user namespace, read inside it, in the arena. */
int ns_read_maps(int user_fd, struct arena *a, struct id_maps *uid, struct id_maps *gid,
		 struct error *e);

#endif
