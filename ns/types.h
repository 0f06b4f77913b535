/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of namespace types. What depends on a type is a column of it; beside it only the system
 * call filter (sandbox/rules.c) and the table of sysctls (ns/sysctl.c) name types.
 */
#ifndef PODNS_NS_TYPES_H
#define PODNS_NS_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Namespaces are made in this order: a user namespace first, because it owns the others. pid is not
 * among them, because a pid namespace dies with its init process (pid_namespaces(7)) and so cannot be
 * pinned.
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

/* How a pod may get a namespace that is not pinned yet. */
enum ns_origin {
	NS_MAKE,       /* we may create it */
	NS_ADOPT_ONLY, /* we may only pin the one that a runtime has made */
};

struct ns_info {
	const char *oci;     /* name in config.json: runtime-spec config-linux.md */
	const char *article; /* before that name in a message */
	const char *brief;   /* the kernel's name in /proc/PID/ns; pins: <root>/<brief>ns */
	const char *proc;    /* what to open in /proc/PID/ns to pin it */
	int flag;            /* CLONE_NEW*: namespaces(7) */
	enum ns_origin origin;
	bool in_hook;      /* may be among the pod types of a hook */
	const char *limit; /* the file of /proc/sys/user that bounds it: namespaces(7) */
	/* MS_*: its directory of pins is a mount point of this propagation type; 0: any */
	unsigned long dir_propagation;
};

extern const struct ns_info ns_info[NS_TYPES];

/* A set of types: bit 1 << type. */
typedef uint32_t ns_set;
#define NS_BIT(type) ((ns_set)1 << (type))

/* The types that pods share by default: net, ipc, uts. */
extern const ns_set ns_default_set;

/* The type with this OCI name or kernel's name; NS_NONE if there is none, as for pid. */
enum ns_type ns_type_by_name(const char *name);

/* The same for the OCI name only, which config.json must have. */
enum ns_type ns_type_by_oci_name(const char *name);

bool ns_is_pid(const char *name);

/*
 * Parse LIST of --namespaces and of the annotation io.podns.namespaces: type names separated by commas
 * or spaces (podman splits the value of --annotation at commas). Refuses an empty list, pid (with the
 * reason), unknown, empty and repeated names, and with in_hook the types that a hook may not share.
 */
int ns_parse_set(const char *list, bool in_hook, ns_set *set, struct error *e);

#endif
