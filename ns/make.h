/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making namespaces and doing things inside of them.
 *
 * Without a user namespace of its own a pod's namespaces are made in this very process,
 * with one unshare(2), and it stays in them: it is short-lived, and the mount namespace,
 * the only one that matters to its further work, is not among them. With a user namespace
 * a child does it: only a process left outside can write its uid_map (user_namespaces(7));
 * and with a mount namespace too, since the pin has to be made outside of it.
 */
#ifndef PODNS_NS_MAKE_H
#define PODNS_NS_MAKE_H

#include "ns/maps.h"
#include "ns/nsfs.h"
#include "ns/sysctl.h"

/* What to set inside of a pod's namespaces. All borrowed. */
struct ns_setup {
	bool loopback;          /* raise lo */
	const char *hostname;   /* sethostname(2), NULL: leave */
	const char *domainname; /* setdomainname(2), NULL: leave */
	struct sysctl_list sysctls;
};

/*
 * Make the types in `set` and do the setup in them. user_fd: the user namespace that shall
 * own them, or -1 for our own; with NS_USER in set a new one is made first, with these
 * maps, and owns the others. fds[T] are open on the new ones, -1 for the rest; on failure
 * all are -1. They hold the namespaces: no process needs to stay in them.
 */
int ns_make(ns_set set, int user_fd, const struct id_maps *uid_maps, const struct id_maps *gid_maps,
	    const struct ns_setup *setup, int fds[NS_TYPES], struct error *e);

/*
 * Do the setup inside namespaces that exist: fds[T] >= 0 says which; those at -1 are our
 * own. user_fd: the user namespace that owns them where it is not ours, else -1.
 */
int ns_setup_in(const int fds[NS_TYPES], int user_fd, const struct ns_setup *setup,
		struct error *e);

/*
 * hostname and domainname of the UTS namespace; buffers of 65 bytes. user_fd as above. The
 * caller may be in that namespace afterwards: rootless podman's root could not come back from it.
 */
int ns_uts_names(int uts_fd, int user_fd, char hostname[65], char domainname[65], struct error *e);

/* The mappings of a user namespace, read inside of it, in the arena. */
int ns_read_maps(int user_fd, struct arena *a, struct id_maps *uid, struct id_maps *gid,
		 struct error *e);

#endif
