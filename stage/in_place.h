/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config.json of a bundle that a stage edits in place: read, planned, written and, where the
 * stage fails later, put back.
 *
 * It is read twice where that matters. The first time it says which pod the container belongs to.
 * Once the pod is locked and swept it may be another file, since the sweep itself gives a bundle
 * its original entries back when it ends the pod's previous life.
 *
 * Edits never stack. A config.json that we edited before is left as it is while that edit is valid:
 * while its pod is still the one that it was made for, and the pins that its paths name exist.
 * Otherwise the original is put back first, and that is edited.
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
 * Lock the bundle, after container_open(), until in_place_release(). *again: config.json was another
 * file by now, and x->config is parsed from that.
 */
int in_place_hold(struct in_place *x, struct container *c, bool *again, struct error *e);

/* Before the pod may end: its end locks each bundle that it gives back, this one too. */
void in_place_release(struct in_place *x);

/*
 * Decide, and compute into *out (an empty buf) what config.json shall be; *changed says whether it
 * differs, and the bundle is then noted in the record, in memory. The config is x->config. Nothing
 * of the pod is touched; but an earlier edit that is not valid any more, or that would become
 * another one, is taken back first.
 */
int in_place_plan(struct in_place *x, struct container *c, enum plan_stage stage, bool *changed,
		  struct buf *out, struct error *e);

/* Put the new text in place, after apply(). */
int in_place_write(struct in_place *x, const struct container *c, const struct buf *out,
		   struct error *e);

/* Undo that. A failure is logged; the copy then stays, and gc tries again. */
void in_place_put_back(struct in_place *x);

#endif
