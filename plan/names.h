/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hostname and domainname of a pod: HOSTNAME in oci-podns-hook(1). Pure functions.
 */
#ifndef PODNS_PLAN_NAMES_H
#define PODNS_PLAN_NAMES_H

#include "plan/plan.h"

/* What a hostname may hold: UTS names are 64 bytes at most (__NEW_UTS_LEN, uname(2)). */
#define PLAN_HOSTNAME_MAX 64

/*
 * The hostname of a UTS namespace that is created: the annotation's; else the config's, unless that
 * is only the engine's default; else the pod's name, cut to PLAN_HOSTNAME_MAX bytes in `room`.
 * annotation, hostname and id may be NULL. id is the container's, where it is known; at precreate
 * it is not, and a hostname of 12 hex digits counts as the engine's default.
 */
const char *plan_hostname(const char *annotation, const char *pod, const char *hostname,
			  const char *id, char room[PLAN_HOSTNAME_MAX + 1]);

/*
 * May this be a hostname or domainname? 1 to 64 bytes of UTF-8 without space, '/' and control
 * characters: what can stand in config.json, where runc and crun take anything that fits in.
 * `what` is it in the error: "hostname", say.
 */
int plan_check_hostname(const char *name, const char *what, struct error *e);

struct names_input {
	enum plan_verb verb;                     /* of the UTS namespace */
	const char *annotation;                  /* io.podns.hostname, or NULL */
	const char *pod, *id;                    /* of the pod; of the container, or NULL */
	const char *hostname, *domainname;       /* the config's, or NULL */
	const char *in_hostname, *in_domainname; /* of the namespace, where it is joined or
						    * adopted from a path; NULL: unknown */
};

struct names {
	const char *hostname,
		*domainname; /* of the pod's UTS namespace; NULL: unknown, or not shared */
	bool set;            /* they are to be set in the namespace */
	char room[PLAN_HOSTNAME_MAX + 1];
};

/* Strings are borrowed from the input, or are in names->room. */
int plan_names(const struct names_input *in, struct names *names, struct error *e);

#endif
