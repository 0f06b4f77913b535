/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods of `podns create`. For those of the hook see stage/.
 */
#ifndef PODNS_POD_MAKE_H
#define PODNS_POD_MAKE_H

#include "pod/apply.h"
#include "pod/definition.h"

struct pod_spec {
	ns_set types;                      /* to pin */
	const struct process *from;        /* pin its namespaces; NULL: make them */
	struct id_maps uid_maps, gid_maps; /* of a user namespace to be made */
	const char
		*hostname; /* NULL: the pod's name in a UTS namespace that is made, else as it is */
	struct sysctl *sysctls;
	size_t sysctl_count;
	const struct network_request *network; /* to attach, or NULL */
	const struct host_entry *hosts;        /* for /etc/hosts of the pod's containers */
	size_t host_count;
	bool hold; /* hold a pod that exists already, if it has these types and this network */
};

/*
 * Which namespaces of a process to pin. named: those in *set, and it is an error if one of them is
 * our own. Otherwise *set becomes network, ipc, uts and user without those that are our own; it is an
 * error if only user is left, or none.
 */
int pod_types_of(const struct process *from, bool named, ns_set *set, struct error *e);

/*
 * Make the pod `name` and hold it. A pod of that name is swept first; if it is still held or in use,
 * that is an error. With spec->hold it is not: such a pod is held as it is, and *made is false. Namespaces that
 * another program (`ip netns add`) pinned under the name become part of the pod, but not its own. After a failure nothing is left. *p is to be closed with pod_close(),
 * on failure too.
 */
int pod_make(struct pod *p, struct store *store, const char *name, const struct pod_spec *spec,
	     bool *made, struct error *e);

#endif
