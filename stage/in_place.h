/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config.json of a bundle that a stage edits in place: in_place_load(), _lock(), _plan(),
 * _write() and, if the stage fails after that, _revert().
 *
 * config.json is read before the pod is locked, to learn which pod to lock. It is read again if it
 * was replaced before the lock was held: the sweep in container_open() reverts it where it ends a
 * previous pod of the same name.
 *
 * Edits never stack. An earlier edit of ours is kept while it is valid: it was made for this pod, in
 * the pod's present life, and the pins that it names exist. Otherwise it is reverted before the
 * new edit is computed.
 */
#ifndef PODNS_STAGE_IN_PLACE_H
#define PODNS_STAGE_IN_PLACE_H

#include "pod/bundle.h"
#include "stage/container.h"

struct in_place {
	struct bundle bundle;
	struct config config; /* parsed from bundle.text */
	bool parsed;
};

#define IN_PLACE_NONE                                                                              \
	{                                                                                          \
		.bundle = BUNDLE_NONE                                                              \
	}

/* Open the bundle and parse its config.json. Close with in_place_close(). */
int in_place_load(struct in_place *x, const char *bundle, struct error *e);
void in_place_close(struct in_place *x);

/*
 * Lock the bundle, after container_open(), until in_place_unlock(). If config.json had been replaced,
 * it is parsed again into x->config; it is an error if it names another pod now. state: the clues of
 * the state, or NULL.
 */
int in_place_lock(struct in_place *x, struct container *c, const struct pod_clues *state,
		  struct error *e);

/* Unlock it, before anything that may end the pod: that locks each bundle to revert it. */
void in_place_unlock(struct in_place *x);

/*
 * Is config.json exactly what an earlier edit wrote, for this pod in its present life? A runtime that was
 * executed after that edit may be about to read it.
 */
bool in_place_is_edited(const struct in_place *x, const struct container *c);

/*
 * Decide, and compute the new config.json into *out (an empty buf). *changed: it differs; the bundle
 * is then added to the record, in memory. The pod is not changed, but config.json may be: an earlier
 * edit is reverted if it is no longer valid or differs from the new one.
 */
int in_place_plan(struct in_place *x, struct container *c, enum plan_stage stage, bool *changed,
		  struct buf *out, struct error *e);

/* Replace config.json, after apply(). */
int in_place_write(struct in_place *x, const struct container *c, const struct buf *out,
		   struct error *e);

/* Undo that. A failure is logged; the copy of the original then stays, and gc tries again. */
void in_place_revert(struct in_place *x);

#endif
