/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sysctls of a pod's namespaces.
 *
 * CRI-O's pinns once wrote whatever text it was given, after splitting it at '+': a pod
 * author could set kernel.core_pattern of the host and be root there (CVE-2022-0811). So a
 * key is accepted only where the kernel keeps it per namespace, all keys are checked
 * before anything is touched, a value is one write and never split, and the file is opened
 * beneath /proc/sys with no symbolic link and no other mount in its way.
 */
#ifndef PODNS_NS_SYSCTL_H
#define PODNS_NS_SYSCTL_H

#include "base/buf.h"
#include "ns/types.h"

struct sysctl {
	enum ns_type type; /* the namespace that it lives in */
	const char *path;  /* beneath /proc/sys: "net/ipv4/conf/eth0.100/rp_filter" */
	const char *key;   /* as it was given, for messages */
	const char *value;
	bool trusted; /* from --sysctl, not from a container's config */
	bool was_set; /* by us, to this value, earlier in the pod's life */
};

/*
 * Check a key and value; a pure function. Keys have '.' or '/' between their components as
 * in sysctl(8): the first of the two in the key is the separator, and the other one then
 * stands for itself turned round (net.ipv4.conf.eth0/100.rp_filter and
 * net/ipv4/conf/eth0.100/rp_filter are the same file). Accepted: the table in sysctl.c; of net.*
 * all where trusted, else what the kernel is known to keep per namespace; user.* where trusted.
 * Refused: anything else, empty, "." and ".." components, control characters, a key over 1024
 * bytes, a value over 4095 bytes (a sysctl takes a page at the most). An empty value is written
 * as it is, which changes nothing: so do runc and crun. path is in the arena; key and value
 * are borrowed. Returns 0 or -1.
 */
int sysctl_check(const char *key, const char *value, bool trusted, struct arena *a,
		 struct sysctl *s, struct error *e);

/* As above, from one "KEY=VALUE" as --sysctl takes it. White space around '=' is not removed. */
int sysctl_check_pair(const char *pair, bool trusted, struct arena *a, struct sysctl *s,
		      struct error *e);

/* Sysctls to set. Borrowed. */
struct sysctl_list {
	const struct sysctl *list;
	size_t count;
	ns_set types; /* only those of these types */
	bool is_new;  /* nobody else is in the namespaces: nothing to put back */
};

/*
 * Set them in the namespaces that the caller is in, in their order; where one fails, those before it
 * get their old values back, as far as these can be read and written: the -1 of an unused
 * kernel.*_next_id cannot. kernel.domainname is set by setdomainname(2); any other value goes
 * out in one write(2). One that was set before and still is what the kernel shows is left
 * alone. /proc must be procfs (statfs magic); openat2(2) with RESOLVE_BENEATH, NO_SYMLINKS,
 * NO_XDEV, and on kernels before 5.6 an open of each component with O_NOFOLLOW and a check
 * that all are on one mount. Where the kernel refuses, a hint says what to do.
 */
int sysctl_set(const struct sysctl_list *list, struct error *e);

#endif
