/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims: a container that the runtime has not made yet keeps its pod alive by a claim. Its token is in
 * the record and in config.json, by which createRuntime redeems it.
 */
#ifndef PODNS_STAGE_CLAIM_H
#define PODNS_STAGE_CLAIM_H

#include "stage/container.h"

/* Choose a token for c->claim, which decide_edit() then puts into config.json. */
int claim_new(struct container *c, struct error *e);

/* The same, but the token that config.json names, if it names one. Only for a config.json that we wrote. */
int claim_keep(struct container *c, struct error *e);

/*
 * Add the claim c->claim to the record, in memory. For a container that a runtime creates: its id, its
 * claim_place() and the pid of the process that becomes the runtime; otherwise NULL, NULL and 0.
 */
int claim_record(struct container *c, const char *id, const char *place, pid_t pid,
		 struct error *e);

/*
 * What stands for the bundle in such a claim: the real runtime and its root directory, made absolute, since
 * its delete names only that and the id. Containers of two runtimes, or below two roots, may have the same
 * id. In the arena; NULL and e without memory or working directory.
 */
const char *claim_place(struct arena *a, const struct stage_create *create, struct error *e);

/*
 * Find the claim that config.json names. *token (in c->arena) is NULL if there is none that counts; *i
 * is its index in the record, or -1 if it is unknown there. Under a CRI engine pod authors write
 * annotations, so a claim that is not in the record is ignored there. (A known one counts: podman,
 * which has precreate, marks the containers of its own pods like a CRI engine.)
 */
int claim_find(struct container *c, const char **token, long *i, struct error *e);

#endif
