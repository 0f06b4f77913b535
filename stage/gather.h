/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what a decision depends on, from /proc, the pod's pins and the documents.
 */
#ifndef PODNS_STAGE_GATHER_H
#define PODNS_STAGE_GATHER_H

#include "stage/container.h"

/* Collect and check the sysctls of the options and the config: c->sysctls; their types in *types. */
int gather_sysctls(struct container *c, ns_set *types, struct error *e);

/* Read c->in, the input of plan_make(), for the pod types and the types of the sysctls. */
int gather_identities(struct container *c, ns_set sysctl_types, struct error *e);

/* A descriptor of the user namespace that owns what the container shares; -1: our own. */
int gather_owner_fd(const struct container *c);

/*
 * The names of the UTS namespace that the plan joins or adopts from a path. NULL where it does neither
 * or a name is not valid.
 */
int gather_names(struct container *c, const char **hostname, const char **domainname,
		 struct error *e);

#endif
