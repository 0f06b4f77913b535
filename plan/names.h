/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hostname and domainname of a pod: HOSTNAME in oci-podns-hook(1). Pure functions.
 */
#ifndef PODNS_PLAN_NAMES_H
#define PODNS_PLAN_NAMES_H

#include "plan/plan.h"

/* __NEW_UTS_LEN of the kernel: uname(2). */
#define PLAN_HOSTNAME_MAX 64

/*
 * The hostname of a UTS namespace that is created: the annotation's; else the config's, unless that
 * is the engine's default; else the pod's name, cut to PLAN_HOSTNAME_MAX bytes in `room`, and an
 * engine's id to PLAN_SHORT_ID, as engines cut those of containers. annotation,
 * hostname and id may be NULL. The engine's default is the first 12 characters of the container's id,
 * or, if that is not known (precreate), any 12 hex digits.
 */
const char *plan_hostname(const char *annotation, const char *pod, const char *hostname,
			  const char *id, char room[PLAN_HOSTNAME_MAX + 1]);

/*
 * May this be a hostname or domainname? 1 to 64 bytes of UTF-8 without space, '/' and control
 * characters; runc and crun do not check it. `what` names it in the error, for example "hostname".
 */
int plan_check_hostname(const char *name, const char *what, struct error *e);

struct names_input {
	enum plan_verb verb;                     /* of the UTS namespace */
	const char *annotation;                  /* io.podns.hostname, or NULL */
	const char *pod, *id;                    /* the pod's name; the container's id, or NULL */
	const char *hostname, *domainname;       /* the config's, or NULL */
	const char *in_hostname, *in_domainname; /* of the namespace that is joined or adopted from
						    * a path; NULL: unknown */
};

struct names {
	const char *hostname,
		*domainname; /* of the pod's UTS namespace; NULL: unknown, or not shared */
	bool set;            /* to be set in the namespace */
	char room[PLAN_HOSTNAME_MAX + 1];
};

/* Strings are borrowed from the input, or are in names->room. */
int plan_names(const struct names_input *in, struct names *names, struct error *e);

#endif
