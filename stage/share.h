/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a container comes to share a pod's namespaces: what precreate and createRuntime have
 * in common.
 *
 *   share_begin()   which pod; open, lock and sweep it
 *   share_plan()    read identities, decide, check sysctls: nothing has been touched yet
 *   share_edit()    what config.json shall say
 *   share_act()     create, save the record with what will be bound, bind. The caller has put
 *                   the container into the record, in memory, before
 *   share_save()    save the record, make the index entry of a member
 *   share_set_up()  sysctls and names in namespaces that were there before: the last step,
 *                   since others are in them
 *   share_undo()    take all of this run back
 *
 * Whatever acts notes in struct share what undoes it, before the next step.
 */
#ifndef PODNS_STAGE_SHARE_H
#define PODNS_STAGE_SHARE_H

#include "ns/sysctl.h"
#include "oci/edit.h"
#include "oci/state.h"
#include "plan/plan.h"
#include "pod/name.h"
#include "pod/pod.h"
#include "stage/stage.h"

struct share {
	const struct stage_options *opt;
	struct arena arena;
	struct config *config;      /* borrowed */
	const struct process *init; /* borrowed; NULL: none */
	const char *id;             /* borrowed; NULL at precreate */
	const char *bundle;         /* borrowed; NULL where the config goes to standard output */
	struct pod_choice choice;
	struct store store;
	struct pod pod;
	struct buf swept; /* the record after the sweep: what an undo goes back to */
	struct plan_input in;
	struct plan plan;
	int path_fd[NS_TYPES], init_fd[NS_TYPES], made_fd[NS_TYPES];
	struct sysctl *sysctls;
	size_t sysctl_count;
	bool member_already;
	const char *hostname,
		*domainname; /* of the pod's UTS namespace; NULL: unknown or not shared */
	bool shares_shm;
	bool shm_read_only;  /* for this container */
	bool shm_was_shared; /* an edit that was taken back made its /dev/shm the pod's */
	uint64_t shm_size;
	/* what has been done */
	ns_set bound;
	bool shm_mounted, indexed;
	bool stays;    /* share_undo() could not remove all */
	bool to_index; /* what share_save() is to make */
};

#define SHARE_NONE                                                                                 \
	{                                                                                          \
		.store = STORE_NONE, .pod = POD_NONE, .path_fd = NS_FDS_NONE,                      \
		.init_fd = NS_FDS_NONE, .made_fd = NS_FDS_NONE,                                    \
	}

/*
 * What a document's annotations say of the pod, as far as the options let them count: all of *clues
 * but the id, which is NULL. Strings are the document's. 0, or -1 with e.
 */
int share_config_clues(const struct stage_options *opt, struct config *config,
		       struct pod_clues *clues, struct error *e);
int share_state_clues(const struct stage_options *opt, struct state *state, struct pod_clues *clues,
		      struct error *e);

/*
 * Which pod does the config belong to: fills s->choice (name NULL: none). id may be NULL, and so may
 * state, the clues of the state; what both documents name must be the same.
 */
int share_choose(struct share *s, const char *id, const struct pod_clues *state, struct error *e);

int share_begin(struct share *s, struct error *e);
int share_plan(struct share *s, enum plan_stage stage, struct error *e);

/*
 * Forget what share_plan() read, so that another config can be planned, the original of this one:
 * a /dev/shm that was the pod's in this one will be the pod's again.
 */
int share_forget(struct share *s, struct error *e);
int share_act(struct share *s, struct error *e);

/*
 * Set sysctls, and the names of an adopted UTS namespace, in what the container is in. At
 * precreate that is left alone: a pod's namespaces keep their values until the container
 * really comes. All or nothing.
 */
int share_set_up(struct share *s, struct error *e);

/* Fill an edit: paths, and names and shm where they apply. Strings live as long as s. */
int share_edit(struct share *s, struct edit *edit, struct error *e);

/*
 * Save the record, and then make what it names: the index entry of a member. In that order, since
 * what no record names would be left behind by a kill.
 */
int share_save(struct share *s, struct error *e);

/*
 * Take back what this run did and restore the record to what it was after the sweep. What could not
 * be removed stays in the record, so that the pod's next run and gc know that it is ours. Failures
 * are logged.
 */
void share_undo(struct share *s);

/* Release everything; a pod with nobody in it is ended first. */
void share_end(struct share *s);
#define cleanup_share __attribute__((cleanup(share_end)))

#endif
