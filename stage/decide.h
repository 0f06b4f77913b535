/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the documents to what a stage has to do: c->todo for apply(), and an edit of config.json.
 */
#ifndef PODNS_STAGE_DECIDE_H
#define PODNS_STAGE_DECIDE_H

#include "oci/edit.h"
#include "stage/container.h"

/* Read, decide, and fill in c->todo. Nothing is changed. */
int decide(struct container *c, enum plan_stage stage, struct error *e);

/*
 * Before an earlier edit is reverted: forget the decision, so that decide() can be called for the
 * original config. A /dev/shm that the edit made the pod's is to become the pod's again.
 */
int decide_reset(struct container *c, struct error *e);

/* Fill in an edit: paths, and names, /dev/shm, the claim and the hook where they apply. Strings live as long as c. */
int decide_edit(struct container *c, struct edit *edit, struct error *e);

#endif
