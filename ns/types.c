/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of namespace types, and parsing of their names.
 */
#include "ns/types.h"

#include <sched.h>
#include <string.h>
#include <sys/mount.h>

/* Older versions of <sched.h> lack it. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

const struct ns_info ns_info[NS_TYPES] = {
	[NS_USER] = { "user", "a", "user", "user", CLONE_NEWUSER, NS_MAKE, true,
		      "user.max_user_namespaces", 0 },
	/* ip-netns(8) makes the directory shared, and binds it over our pins if it is not shared yet */
	[NS_NET] = { "network", "a", "net", "net", CLONE_NEWNET, NS_MAKE, true,
		     "user.max_net_namespaces", MS_SHARED },
	[NS_IPC] = { "ipc", "an", "ipc", "ipc", CLONE_NEWIPC, NS_MAKE, true,
		     "user.max_ipc_namespaces", 0 },
	[NS_UTS] = { "uts", "a", "uts", "uts", CLONE_NEWUTS, NS_MAKE, true,
		     "user.max_uts_namespaces", 0 },
	[NS_CGROUP] = { "cgroup", "a", "cgroup", "cgroup", CLONE_NEWCGROUP, NS_ADOPT_ONLY, true,
			"user.max_cgroup_namespaces", 0 },
	/* unshare(CLONE_NEWTIME) applies to the caller's children only: time_namespaces(7) */
	[NS_TIME] = { "time", "a", "time", "time_for_children", CLONE_NEWTIME, NS_MAKE, true,
		      "user.max_time_namespaces", 0 },
	/* mount(2) refuses to bind a mount namespace if that would propagate */
	[NS_MNT] = { "mount", "a", "mnt", "mnt", CLONE_NEWNS, NS_MAKE, false,
		     "user.max_mnt_namespaces", MS_UNBINDABLE },
};

const ns_set ns_default_set = NS_BIT(NS_NET) | NS_BIT(NS_IPC) | NS_BIT(NS_UTS);

enum ns_type ns_type_by_oci_name(const char *name)
{
	for (int t = 0; t < NS_TYPES; t++)
		if (!strcmp(name, ns_info[t].oci))
			return (enum ns_type)t;
	return NS_NONE;
}

enum ns_type ns_type_by_name(const char *name)
{
	for (int t = 0; t < NS_TYPES; t++)
		if (!strcmp(name, ns_info[t].brief))
			return (enum ns_type)t;
	return ns_type_by_oci_name(name);
}

bool ns_is_pid(const char *name)
{
	return !strcmp(name, "pid");
}

static int add_name(const char *name, bool in_hook, ns_set *set, struct error *e)
{
	enum ns_type t = ns_type_by_name(name);

	if (ns_is_pid(name))
		return error_set(e, 0,
				 "namespace type pid cannot be shared: a pid namespace dies "
				 "with its init process, so each container keeps its own");
	if (t == NS_NONE)
		return error_set(e, 0, "unknown namespace type '%s'", name);
	if (in_hook && !ns_info[t].in_hook)
		return error_set(e, 0,
				 "namespace type %s cannot be shared by a hook: "
				 "each container has its own root file system",
				 ns_info[t].oci);
	if (*set & NS_BIT(t))
		return error_set(e, 0, "namespace type %s is named twice", ns_info[t].oci);
	*set |= NS_BIT(t);
	return 0;
}

int ns_parse_set(const char *list, bool in_hook, ns_set *set, struct error *e)
{
	const char *p = list;
	char name[16];
	size_t n;

	*set = 0;
	for (;; p += n + 1) {
		n = strcspn(p, ", ");
		if (n >= sizeof(name))
			return error_set(e, 0, "unknown namespace type '%.*s'",
					 (int)(n > 64 ? 64 : n), p);
		memcpy(name, p, n);
		name[n] = '\0';
		if (!n)
			return error_set(e, 0, "namespace list '%.200s' has an empty name", list);
		if (add_name(name, in_hook, set, e) < 0)
			return -1;
		if (!p[n])
			return 0;
	}
}
