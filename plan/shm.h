/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can the pod's /dev/shm replace a container's own? Pure functions.
 */
#ifndef PODNS_PLAN_SHM_H
#define PODNS_PLAN_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The mount on /dev/shm in the config of a container that shares the pod's ipc namespace. */
struct plan_shm_mount {
	const char *type, *source; /* NULL where absent */
	const char *const *options;
	size_t option_count;
	bool bind;    /* it is a bind mount, by its type or its options */
	bool crowded; /* there is another mount on it or below it */
};

struct plan_shm {
	const char *keeps;    /* why the container keeps its own; NULL: it gets the pod's */
	const char *option;   /* the mount option that is the reason, or NULL */
	bool read_only;       /* of a tmpfs; the edit keeps a bind mount's options */
	bool sized_by_source; /* the size is that of the tmpfs at the source */
	uint64_t size;        /* otherwise the size, in bytes; 0: the kernel's default */
};

/* The container gets the pod's if its own is the engine's, or a tmpfs whose options are all known. */
struct plan_shm plan_shm(const struct plan_shm_mount *mount);

/* Parse a size: a number and b, k, m, g or nothing. 0 and nonsense are refused, with a hint. */
int plan_parse_size(const char *text, uint64_t *bytes, struct error *e);

/* The kernel limits the options of mount(2) to one page; this leaves room for the other options. */
#define PLAN_LABEL_MAX 2048

/* May this be a tmpfs's SELinux context? Printable ASCII without a quote. */
int plan_check_label(const char *label, struct error *e);

#endif
