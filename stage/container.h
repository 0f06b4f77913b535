/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container that a stage is about, on its way into a pod.
 *
 *   container_choose()   which pod the documents name
 *   container_open()     open, lock and sweep that pod
 *   container_begin()    after a failure from here on, apply_undo()
 *   decide()             stage/decide.h: what config.json shall say and what apply() shall do
 *   apply()              pod/apply.h: the transaction
 *   container_close()    release everything; a pod that nobody is in ends
 *
 * What is read (stage/gather.h), what is decided (plan/) and what is done (pod/apply.h) stand apart.
 */
#ifndef PODNS_STAGE_CONTAINER_H
#define PODNS_STAGE_CONTAINER_H

#include "oci/edit.h"
#include "oci/state.h"
#include "plan/names.h"
#include "plan/plan.h"
#include "pod/apply.h"
#include "pod/name.h"
#include "stage/stage.h"

struct container {
	const struct stage_options *opt;
	struct arena arena;
	struct config *config;      /* borrowed */
	const struct process *init; /* borrowed; NULL: none */
	const char *id;             /* borrowed; NULL: not known yet, at precreate */
	const char *bundle;         /* borrowed; NULL: the config goes to standard output */
	bool alone;                 /* `podns rewrite`: no stage comes after this run */
	struct pod_choice choice;
	struct store store;
	struct pod pod;
	bool known; /* the record has the container already */
	/* read */
	struct plan_input in;
	int path_fd[NS_TYPES], init_fd[NS_TYPES];
	struct sysctl *sysctls;
	size_t sysctl_count;
	bool shm_was_shared; /* an edit that was undone made its /dev/shm the pod's */
	/* decided */
	struct plan plan;
	struct names names;
	bool shares_shm, shm_read_only;
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
 * What a document's annotations say of the pod, as far as the options let them count; clues->id is
 * NULL. Strings are the document's.
 */
int config_clues(const struct stage_options *opt, struct config *config, struct pod_clues *clues,
		 struct error *e);
int state_clues(const struct stage_options *opt, struct state *state, struct pod_clues *clues,
		struct error *e);

/*
 * Choose the pod: c->choice, whose name is NULL where the container belongs to none. state: the clues
 * of the state, or NULL; what both documents name must be the same.
 */
int container_choose(struct container *c, const struct pod_clues *state, struct error *e);

/* For `podns rewrite`: the pod is the one that the caller named. name is borrowed. */
void container_belongs_to(struct container *c, const char *name);

/*
 * The value of an io.podns annotation of the config; NULL where it is absent, or where none counts
 * (under a CRI engine, or with --pod-annotation).
 */
int container_annotation(struct container *c, const char *key, const char **value, struct error *e);

/* Open the pod, lock it and sweep it. */
int container_open(struct container *c, struct error *e);

/* From here on apply_undo() restores the pod's record as it is now, in memory. */
int container_begin(struct container *c, struct error *e);

/* Close what gather.c opened. */
void container_close_reads(struct container *c);

void container_close(struct container *c);
#define cleanup_container __attribute__((cleanup(container_close)))

#endif
