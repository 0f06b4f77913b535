/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages of a container's life that a pod has a part in: STAGES in oci-podns-hook(1).
 * Documents come in as bytes; what the outside world is given goes out through a callback,
 * which is the last step: where it fails, all is undone.
 */
#ifndef PODNS_STAGE_STAGE_H
#define PODNS_STAGE_STAGE_H

#include <stddef.h>

#include "ns/types.h"

struct stage_options {
	const char *stage;          /* its name, for messages */
	const char *root;           /* NULL: the default root */
	ns_set namespaces;          /* the pod types, unless an annotation says otherwise */
	const char *const *sysctls; /* KEY=VALUE, sysctl_count of them */
	size_t sysctl_count;
	const char *pod_annotation; /* normally ANNOTATION_POD */
	bool trust_annotations;
	bool keep; /* poststop leaves the pins */
};

/* Takes the finished document. Returns 0, or -1 and *e. */
typedef int (*stage_deliver_fn)(void *arg, const char *text, size_t len, struct error *e);

/*
 * precreate: the config at text goes to deliver(), edited, or as it is where it belongs to
 * no pod.
 */
int stage_precreate(const struct stage_options *opt, const char *text, size_t len,
		    stage_deliver_fn deliver, void *arg, struct error *e);

/*
 * `podns rewrite`: the same for this pod, whatever the annotations say. No claim is made,
 * since no hook may ever redeem it; a pod that this makes is held.
 */
int stage_rewrite(const struct stage_options *opt, const char *pod, const char *text, size_t len,
		  stage_deliver_fn deliver, void *arg, struct error *e);

/*
 * `podns rewrite --bundle`: the same for the config.json of this directory (absolute), in place. The
 * pod's end gives it back what it was.
 */
int stage_rewrite_bundle(const struct stage_options *opt, const char *pod, const char *bundle,
			 struct error *e);

/* createRuntime and prestart: text is the OCI state. */
int stage_create_runtime(const struct stage_options *opt, const char *text, size_t len,
			 struct error *e);

/* poststop: text is the OCI state. */
int stage_poststop(const struct stage_options *opt, const char *text, size_t len, struct error *e);

#endif
