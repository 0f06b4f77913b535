/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses the pod that a container belongs to, from the annotations of its document: WHICH POD in
 * oci-podns-hook(1). Makes no system calls.
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
#define ANNOTATION_NETWORK "io.podns.network"
#define ANNOTATION_PUBLISH "io.podns.publish" /* as --publish, several by commas or spaces */

/* In this CRI-O names a container's sandbox, and podman a container's pod: stage/podman.h. */
#define ANNOTATION_SANDBOX "io.kubernetes.cri-o.SandboxID"

/* In this podman ("libpod") and CRI-O ("cri-o") say that a container is theirs. */
#define ANNOTATION_MANAGER "io.container.manager"

/* In these containerd and CRI-O name a container's sandbox. */
#define POD_SANDBOX_ANNOTATIONS 2
extern const char *const pod_sandbox_annotations[POD_SANDBOX_ANNOTATIONS];

/*
 * A pod's name is 1 to 128 of A-Za-z0-9_.+- and does not start with '.'. "log" is refused too: it is
 * the name of the log file in <root>/podns. 0, or -1 with the reason.
 */
int pod_check_name(const char *name, struct error *e);

/*
 * Is the pod's name an id that begins with s, of which s has 12 digits or more? A pod whose name is an engine's id is a
 * CRI engine's sandbox, a pod of podman's or a container of its own, and was not named by io.podns.pod.
 */
bool pod_id_begins_with(const char *id, const char *s);

/*
 * Find the sandbox that a CRI engine named: *sandbox, NULL for none. get() looks up an annotation.
 * Engines pass on annotations that pod authors write, and an author may write the annotation of the
 * other engine, so two different values are an error. So is a value other than 64 hexadecimal digits,
 * which CRI-O, containerd and podman have as ids: the annotation must not lead into a pod that
 * io.podns.pod named.
 */
int pod_find_sandbox(int (*get)(void *doc, const char *key, const char **value, struct error *e),
		     void *doc, const char **sandbox, struct error *e);

/*
 * What a document says about its pod. With --pod-annotation only that annotation counts, since images
 * and pod authors can write the others; with --trust-annotations they count as well.
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
	bool cri;         /* by a CRI engine's sandbox */
	bool annotations; /* do other io.podns.* annotations count? */
};

/* Does a sandbox's annotation count under these options? If not, it is not even checked. */
bool pod_sandbox_counts(const char *pod_annotation, bool trust_annotations);

/*
 * Choose the pod and check its name. An annotation whose value looks like a sandbox's id, 64
 * hexadecimal digits, is an error.
 */
int pod_choose(const struct pod_clues *clues, struct pod_choice *choice, struct error *e);

#endif
