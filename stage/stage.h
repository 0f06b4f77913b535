/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages, one function each: STAGES in oci-podns-hook(1). After a failure all that the stage did
 * is undone; poststop goes on instead, and keeps in the record what it could not remove.
 */
#ifndef PODNS_STAGE_STAGE_H
#define PODNS_STAGE_STAGE_H

#include <stddef.h>
#include <sys/types.h>

#include "ns/types.h"
#include "oci/edit.h"
#include "pod/network.h"

struct stage_options {
	const char *stage;          /* its name, for messages */
	const char *root;           /* NULL: the default root */
	ns_set namespaces;          /* the pod types, unless an annotation says otherwise */
	const char *const *sysctls; /* KEY=VALUE, sysctl_count of them */
	size_t sysctl_count;
	const char *pod_annotation; /* normally ANNOTATION_POD */
	bool trust_annotations;
	bool keep;               /* poststop leaves the pins */
	bool network_annotation; /* obey ANNOTATION_NETWORK */
	uint16_t publish_low,
		publish_high; /* obey ANNOTATION_PUBLISH for these ports of the host; 0: not */
	struct network_client *network; /* borrowed; NULL: no network is configured */
};

/* Outputs the config. Called once, as the last step; its failure undoes the stage as well. */
typedef int (*stage_deliver_fn)(void *arg, const char *text, size_t len, struct error *e);

/* precreate: delivers the config at text, edited, or unchanged if it belongs to no pod. */
int stage_precreate(const struct stage_options *opt, const char *text, size_t len,
		    stage_deliver_fn deliver, void *arg, struct error *e);

/*
 * `podns rewrite`: the same for this pod, whatever the annotations say. No claim is made, since no
 * hook may ever redeem it. A pod that is made here is held.
 */
int stage_rewrite(const struct stage_options *opt, const char *pod, const char *text, size_t len,
		  stage_deliver_fn deliver, void *arg, struct error *e);

/*
 * `podns rewrite --bundle`: the same for config.json in this directory (absolute), in place. The end
 * of the pod reverts it.
 */
int stage_rewrite_bundle(const struct stage_options *opt, const char *pod, const char *bundle,
			 struct error *e);

/* What oci-podns-runtime is asked to create. */
struct stage_create {
	const char *id;
	const char *runtime;          /* path of the real runtime */
	const char *runtime_root;     /* its option --root, or NULL */
	const char *bundle;           /* absolute; for stage_withdraw(), NULL: unknown */
	const struct edit_hook *hook; /* added to config.json */
	bool restore;                 /* from a checkpoint */
	pid_t pid;                    /* of the process that asks, and then becomes the runtime */
};

/* Says that all is done. Called once, as the last step; its failure undoes the stage as well. */
typedef int (*stage_report_fn)(void *arg, struct error *e);

/*
 * Before a runtime's create: what precreate does, for config.json in the bundle, in place, with a claim
 * that knows the container's id. Nothing is changed if config.json names no pod, or if the container
 * would share nothing with it.
 */
int stage_create(const struct stage_options *opt, const struct stage_create *create,
		 stage_report_fn report, void *arg, struct error *e);

/*
 * Undo that, before a runtime's delete or if the runtime could not be executed: drop the claim, if it
 * was not redeemed, and revert config.json if the bundle is known. A pod that nobody uses any more is
 * ended. The claim stays while another process, which made it, lives: its runtime may be about to read
 * config.json. It is no error if there is no such claim.
 */
int stage_withdraw(const struct stage_options *opt, const struct stage_create *create,
		   struct error *e);

/* Is there such a claim? Reads no document. */
int stage_has_claim(const struct stage_options *opt, const struct stage_create *create, bool *found,
		    struct error *e);

/* createRuntime and prestart: text is the OCI state. */
int stage_create_runtime(const struct stage_options *opt, const char *text, size_t len,
			 struct error *e);

/* poststop: text is the OCI state. */
int stage_poststop(const struct stage_options *opt, const char *text, size_t len, struct error *e);

#endif
