/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pod a container belongs to: WHICH POD in oci-podns-hook(1). Pure.
 */
#ifndef PODNS_POD_NAME_H
#define PODNS_POD_NAME_H

#include <stdbool.h>

#include "base/error.h"

#define POD_NAME_MAX 128

#define ANNOTATION_POD "io.podns.pod"
#define ANNOTATION_NAMESPACES "io.podns.namespaces"
#define ANNOTATION_HOSTNAME "io.podns.hostname"
#define ANNOTATION_SHM_SIZE "io.podns.shm-size"

/*
 * Is this a pod's name: 1 to 128 of A-Za-z0-9_.+- and no '.' in front? Refused too is
 * "log", the name of the log file beside the records.
 */
int pod_check_name(const char *name, struct error *e);

/*
 * The sandbox that a CRI engine named, in *sandbox (NULL: none). get() looks an annotation
 * up. Engines pass on what pod authors write, and an author may write the annotation of
 * the other engine: two that differ are refused.
 */
int pod_find_sandbox(int (*get)(void *doc, const char *key, const char **value, struct error *e),
		     void *doc, const char **sandbox, struct error *e);

/*
 * "<root>/podns/<pod>", the directory of its record, by which an undo knows whose edit it takes
 * back. The caller frees it; NULL with ENOMEM.
 */
char *pod_path(const char *root, const char *pod);

/* What tells the pod. Each may be NULL. */
struct pod_clues {
	const char *sandbox;	/* a CRI engine's annotation */
	const char *annotation;	/* io.podns.pod, or what --pod-annotation names */
	const char *id;		/* the container's own */
	bool trust_annotations;
};

struct pod_choice {
	const char *name;	/* NULL: none, leave the container alone */
	bool named;		/* by the annotation */
	bool cri;		/* under a CRI engine: no io.podns.* annotation counts */
};

/* Choose by the clues and check the name. */
int pod_choose(const struct pod_clues *clues, struct pod_choice *choice, struct error *e);

#endif
