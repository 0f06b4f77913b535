/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not change the host: every rule about it, for the stages, `podns create`, `podns rewrite`
 * and pinns. Pure functions.
 *
 * A setting (a sysctl, a hostname) belongs to a namespace type. It is made only in a namespace of
 * that type which is the pod's or the container's own. Anywhere else the kernel would make it in the
 * namespace that this process is in, which is the host's.
 */
#ifndef PODNS_PLAN_HOST_H
#define PODNS_PLAN_HOST_H

#include <sys/types.h>

#include "plan/plan.h"

/* In which namespace of its type a setting would be made. */
enum host_target {
	TARGET_POD,       /* the pod's */
	TARGET_CONTAINER, /* the container's own, which is not the pod's */
	TARGET_NONE,      /* none was asked for */
	TARGET_SHARED,    /* the host's, which the container shares */
	TARGET_PINNED,    /* the host's, which is pinned as the pod's */
};

/* The same for a container, by what is known before anything is decided. */
enum host_target host_target_of(const struct plan_input *in, enum ns_type t);

/*
 * Refuse a setting whose target is not the pod's or the container's. what, name: the setting in the
 * error, "sysctl " and its key, say.
 */
int host_check(const char *what, const char *name, enum ns_type t, enum host_target target,
	       struct error *e);

/* `podns rewrite`: no stage follows that could set what is in the container's own. */
int host_check_pod(const char *what, const char *name, enum ns_type t, enum host_target target,
		   struct error *e);

/* A pod must not pin what podns itself is in: the error for a process that was named. Returns -1. */
int host_refuse_process(pid_t pid, enum ns_type t, struct error *e);

#endif
