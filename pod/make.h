/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod that a person makes: `podns create`. What the hook makes for containers is decided in stage/.
 */
#ifndef PODNS_POD_MAKE_H
#define PODNS_POD_MAKE_H

#include "pod/apply.h"

struct pod_spec {
	ns_set types;                      /* what is to be pinned */
	const struct process *from;        /* pin this process's; NULL: make them */
	struct id_maps uid_maps, gid_maps; /* of a user namespace to be made */
	const char
		*hostname; /* NULL: the pod's name in a UTS namespace that is made, else as it is */
	struct sysctl *sysctls;
	size_t sysctl_count;
};

/*
 * The types to pin of a process where the user did not name any: the default ones that it does not
 * share with us, and its user namespace where that owns them. None is an error. named: only check
 * that set, of which none may be our own.
 */
int pod_types_of(const struct process *from, bool named, ns_set *set, struct error *e);

/*
 * Make the pod `name` and hold it. A pod of that name of which only the record is left is swept
 * first; one that exists is an error. Namespaces that are pinned under the name already, by
 * `ip netns add` say, are joined and stay somebody else's. All or nothing: after a failure nothing
 * of it is left. *p is open afterwards (pod_close()), on failure too.
 */
int pod_make(struct pod *p, struct store *store, const char *name, const struct pod_spec *spec,
	     struct error *e);

#endif
