/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which network is to be attached to a pod for a container? A pure function.
 */
#ifndef PODNS_PLAN_NETWORK_H
#define PODNS_PLAN_NETWORK_H

#include "plan/host.h"

struct plan_network_input {
	enum plan_verb verb;     /* of the network namespace */
	enum host_target target; /* where the network would be attached: host_target_of() */
	const char *pod;
	const char *defined;   /* by root, in the pod's definition; or NULL */
	const char *annotated; /* io.podns.network, if root allows it; or NULL */
	bool publishes;        /* io.podns.publish is there */
	const char *recorded;  /* of the pod's record, or NULL */
	bool attached;         /* it is attached */
};

/*
 * *network is NULL if none is to be attached: nobody asked for one, or it is attached already. A network is
 * attached when the pod gets its network namespace, or when the run that attached it was killed. The
 * definition comes before the annotation; it is an error if they disagree, with each other or with what
 * the pod has, and if the container does not share the pod's network namespace.
 */
int plan_network(const struct plan_network_input *in, const char **network, struct error *e);

#endif
