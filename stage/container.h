/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container that a stage handles, on its way into a pod. Each stage calls, in this order:
 *
 *   container_choose()   which pod do the documents name?
 *   podman_choose()      stage/podman.h: is it a pod of podman's?
 *   container_open()     open, lock and sweep that pod
 *   decide()             stage/decide.h: reads (stage/gather.h), decides (plan/), changes nothing
 *   decide_edit()        what config.json is to say
 *   apply()              pod/apply.h: the transaction
 *   container_close()    release everything, and end a pod that is neither held nor in use
 */
#ifndef PODNS_STAGE_CONTAINER_H
#define PODNS_STAGE_CONTAINER_H

#include "oci/edit.h"
#include "oci/state.h"
#include "plan/names.h"
#include "plan/plan.h"
#include "pod/apply.h"
#include "pod/definition.h"
#include "pod/name.h"
#include "stage/stage.h"

/* The token of a claim, as hexadecimal text. */
struct token {
	char text[2 * CLAIM_TOKEN_BYTES + 1];
};

struct container {
	const struct stage_options *opt;
	struct arena arena;
	struct config *config;        /* borrowed */
	const struct process *init;   /* borrowed; NULL: none */
	const char *id;               /* borrowed; NULL: not known yet, at precreate */
	const char *new_id;           /* borrowed; that it is to be created with, or NULL */
	const char *bundle;           /* borrowed; NULL: the config goes to standard output */
	const struct edit_hook *hook; /* borrowed; to add to config.json, or NULL */
	bool alone;                   /* `podns rewrite`: no createRuntime may follow */
	struct pod_choice choice;
	bool pinned_alone; /* its pod types are those whose path is the pod's pin: stage/podman.h */
	struct store store;
	struct pod pod;
	bool known;                   /* the record already lists the container */
	struct token claim;           /* that is being made; empty: none */
	struct definition definition; /* of the pod; empty if it has none */
	/* read */
	struct plan_input in;
	int path_fd[NS_TYPES], init_fd[NS_TYPES];
	struct sysctl *sysctls;
	size_t sysctl_count;
	bool etc_was_edited; /* an edit that was reverted had a file of the pod's in its /etc */
	bool shm_was_shared; /* an edit that was reverted made its /dev/shm the pod's */
	/* decided */
	struct plan plan;
	struct names names;
	bool shares_shm, shm_read_only;
	const char *etc_source[CONFIG_ETC_FILES]; /* of mounts on these; NULL: as they are */
	struct pod_hosts hosts;
	struct buf hosts_text;          /* of the engine */
	struct network_request request; /* if a network is to be attached */
	struct pod_plan todo;
	/* done */
	struct apply apply;
};

#define CONTAINER_NONE                                                                             \
	{                                                                                          \
		.store = STORE_NONE, .pod = POD_NONE, .path_fd = NS_FDS_NONE,                      \
		.init_fd = NS_FDS_NONE, .todo = POD_PLAN_NONE, .apply = APPLY_NONE                 \
	}

/*
 * The annotations that choose the pod, without those that the options rule out. clues->id is NULL.
 * Strings are the document's.
 */
int config_clues(const struct stage_options *opt, struct config *config, struct pod_clues *clues,
		 struct error *e);
int state_clues(const struct stage_options *opt, struct state *state, struct pod_clues *clues,
		struct error *e);

/*
 * Choose the pod: c->choice, whose name is NULL if the container belongs to none. state: the clues
 * of the state, or NULL. It is an error if the two documents disagree.
 */
int container_choose(struct container *c, const struct pod_clues *state, struct error *e);

/* For `podns rewrite`: the pod is the one that the caller named, whatever the config says. Borrowed. */
void container_set_pod(struct container *c, const char *name);

/*
 * The value of an io.podns annotation of the config. NULL if it is absent or if these annotations are
 * ignored (under a CRI engine, or with --pod-annotation).
 */
int container_annotation(struct container *c, const char *key, const char **value, struct error *e);

/*
 * Does the config say that podman manages the container? Under CRI-O a pod's author can write that, too.
 */
int container_says_podman(struct container *c, bool *says, struct error *e);

/*
 * Open the pod, lock it and sweep it. After any failure from here on the stage calls apply_undo(),
 * which restores the record as it is after the sweep.
 */
int container_open(struct container *c, struct error *e);

/* Close the descriptors that gather.c opened. */
void container_close_reads(struct container *c);

void container_close(struct container *c);
#define cleanup_container __attribute__((cleanup(container_close)))

#endif
