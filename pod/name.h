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
 * the other engine: two that differ are refused. So is a value that is no sandbox's id, which is 64
 * hexadecimal digits in CRI-O, containerd and podman: whoever writes the annotation must not be able
 * to name a pod that is known by a name.
 */
int pod_find_sandbox(int (*get)(void *doc, const char *key, const char **value, struct error *e),
		     void *doc, const char **sandbox, struct error *e);

/*
 * What a document says of the pod. Where root has named an annotation of its own
 * (--pod-annotation), images and pod authors may still write all others: then that one alone
 * counts, unless root trusts them (--trust-annotations).
 */
struct pod_clues {
	const char *sandbox;    /* a CRI engine's annotation, or NULL */
	const char *annotation; /* io.podns.pod, or what --pod-annotation names, or NULL */
	const char *id;         /* the container's own, or NULL */
	bool own_key;           /* --pod-annotation names another annotation than io.podns.pod */
	bool trust_annotations;
};

struct pod_choice {
	const char *name; /* NULL: none, leave the container alone */
	bool named;       /* by the annotation */
	bool cri;         /* a CRI engine's sandbox */
	bool annotations; /* do other io.podns.* annotations count? */
};

/* Does a sandbox's annotation count under these options? If not, it is not even looked at. */
bool pod_sandbox_counts(const char *pod_annotation, bool trust_annotations);

/*
 * Choose by the clues and check the name. An annotation cannot name what looks like a sandbox: 64
 * hexadecimal digits.
 */
int pod_choose(const struct pod_clues *clues, struct pod_choice *choice, struct error *e);

#endif
