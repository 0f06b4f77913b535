/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sysctls of a pod's namespaces.
 *
 * CRI-O's pinns once wrote any text that it was given, after splitting it at '+': a pod author could
 * set kernel.core_pattern and become root on the host (CVE-2022-0811). So a key is accepted only if
 * the kernel keeps it per namespace, all keys are checked before anything is changed, a value is
 * written whole in one write, and the file is opened beneath /proc/sys without following a symbolic
 * link or crossing into another mount.
 */
#ifndef PODNS_NS_SYSCTL_H
#define PODNS_NS_SYSCTL_H

#include "base/buf.h"
#include "ns/types.h"

struct sysctl {
	enum ns_type type; /* the namespace that has it */
	const char *path;  /* beneath /proc/sys: "net/ipv4/conf/eth0.100/rp_filter" */
	const char *key;   /* as given, for messages */
	const char *value;
	bool trusted; /* from --sysctl, not from a container's config */
	bool was_set; /* we have set it to this value earlier in the pod's life */
};

/*
 * Check a key and value; a pure function. As in sysctl(8), the first '.' or '/' in a key is its
 * separator, and the other one stands for the separator's character inside a component:
 * net.ipv4.conf.eth0/100.rp_filter and net/ipv4/conf/eth0.100/rp_filter are the same file. Accepted is
 * the table in sysctl.c: if trusted, all of net.* and user.*; else those of net.* that the kernel is
 * known to keep per namespace, and none of user.*. Refused are all other keys, empty, "." and ".."
 * components, control characters, a key of more than 1024 bytes and a value of more than 4095 (the
 * kernel refuses a page or more). An empty value is accepted and changes nothing, as in runc and crun.
 * path is in the arena; key and value are borrowed.
 */
int sysctl_check(const char *key, const char *value, bool trusted, struct arena *a,
		 struct sysctl *s, struct error *e);

/* Is this "KEY=VALUE", as --sysctl takes it? The value may be empty. */
bool sysctl_is_pair(const char *pair);

/* As sysctl_check(), for "KEY=VALUE" as --sysctl takes it. White space is not removed. */
int sysctl_check_pair(const char *pair, bool trusted, struct arena *a, struct sysctl *s,
		      struct error *e);

/* Sysctls to set. Borrowed. */
struct sysctl_list {
	const struct sysctl *list;
	size_t count;
	ns_set types; /* those of other types are skipped */
	bool is_new;  /* the namespaces are new, so no old values need to be put back */
};

/*
 * Set sysctls in the caller's namespaces, in their order. If one fails, those before it get their old
 * values back, as far as these can be read and written; the -1 of an unused kernel.*_next_id cannot.
 * kernel.domainname is set by setdomainname(2), any other value in one write(2), unless it was set
 * before and the kernel still shows it. /proc/sys must be procfs (statfs magic). Files are opened by
 * openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV; before Linux 5.6 one
 * component at a time, with O_NOFOLLOW and a check that all are on one mount. If the kernel refuses a
 * value, the hint has the remedy.
 */
int sysctl_set(const struct sysctl_list *list, struct error *e);

#endif
