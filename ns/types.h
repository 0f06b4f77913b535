/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of namespace types. Whatever depends on a type is a column
 * here; nothing else in the project spells the types out.
 */
#ifndef PODNS_NS_TYPES_H
#define PODNS_NS_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The order is the order of work: a user namespace is made first, because it
 * owns the others. There is no pid namespace here: it dies with its init
 * process (pid_namespaces(7)), so it is never created, joined or pinned.
 */
enum ns_type {
	NS_USER,
	NS_NET,
	NS_IPC,
	NS_UTS,
	NS_CGROUP,
	NS_TIME,
	NS_MNT,
	NS_TYPES,
	NS_NONE = -1
};

/* How a type may come into a pod when nobody has made it yet. */
enum ns_origin {
	NS_MAKE,       /* we may create it */
	NS_ADOPT_ONLY, /* only one that a runtime made: cgroup */
};

struct ns_info {
	const char *oci;     /* name in config.json: runtime-spec config-linux.md */
	const char *article; /* in front of that in a message */
	const char *brief;   /* the kernel's name in /proc/PID/ns; pins: <root>/<brief>ns */
	const char *proc;    /* what to open in /proc/PID/ns to pin it */
	int flag;            /* CLONE_NEW*: namespaces(7) */
	enum ns_origin origin;
	bool in_hook;      /* may be among the pod types of a hook */
	const char *limit; /* the file of /proc/sys/user that bounds it: namespaces(7) */
	unsigned long
		dir_propagation; /* MS_*: its directory of pins is a mount point of this kind; 0: any */
};

extern const struct ns_info ns_info[NS_TYPES];

/* A set of types: bit 1 << type. */
typedef uint32_t ns_set;
#define NS_BIT(type) ((ns_set)1 << (type))

/* net, ipc, uts: what pods share unless told otherwise. */
extern const ns_set ns_default_set;

/*
 * The type called name, by its OCI name or the kernel's short one; NS_NONE
 * where there is none of that name. "pid" is NS_NONE: use ns_is_pid().
 */
enum ns_type ns_type_by_name(const char *name);

/* Only the OCI name, as config.json must have it. */
enum ns_type ns_type_by_oci_name(const char *name);

/* Is this the name of the type that is never pinned? */
bool ns_is_pid(const char *name);

/*
 * Parse LIST, type names separated by commas or spaces (podman takes a comma in
 * --annotation for its own), as given to --namespaces and to the annotation
 * io.podns.namespaces. in_hook: refuse the types that a
 * hook may not share. Refuses pid (and says why), unknown and empty names, and
 * a type named twice. An empty LIST is an error.
 */
int ns_parse_set(const char *list, bool in_hook, ns_set *set, struct error *e);

#endif
