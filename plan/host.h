/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that keep settings away from the host, for the stages, `podns create`, `podns rewrite` and
 * pinns. Pure functions.
 *
 * A setting (a sysctl, a hostname) belongs to a namespace type. It is allowed only where that
 * namespace is the pod's or the container's own. Otherwise it would be made in the namespace that
 * this process is in, which is the host's.
 */
#ifndef PODNS_PLAN_HOST_H
#define PODNS_PLAN_HOST_H

#include <sys/types.h>

#include "plan/plan.h"

/* In which namespace of its type a setting would be made. */
enum host_target {
	TARGET_OWN,    /* the pod's, or the container's own */
	TARGET_NONE,   /* none: the pod gets no namespace of the type */
	TARGET_SHARED, /* the host's, which the container shares */
	TARGET_PINNED, /* the host's, which is pinned under the pod's name */
};

/* The target for a container. It depends on the input of plan_make() alone. */
enum host_target host_target_of(const struct plan_input *in, enum ns_type t);

/*
 * Refuse a setting whose target is the host's, or none. what and name are the setting in the error,
 * for example "sysctl " and its key.
 */
int host_check(const char *what, const char *name, enum ns_type t, enum host_target target,
	       struct error *e);

/* The error for --from-pid with a process that shares a namespace with podns itself. Returns -1. */
int host_refuse_process(pid_t pid, enum ns_type t, struct error *e);

#endif
