/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci-podns-runtime before the runtime's create and run: what precreate does, in place. The runtime reads
 * config.json after that. Our hooks, which are added to it, redeem the claim and report the end. Nobody
 * reports that the runtime failed: until its delete, which names the container's id and the runtime's
 * root directory (claim_place()), or until it expires, the claim keeps the pod.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "stage/claim.h"
#include "stage/decide.h"
#include "stage/in_place.h"
#include "stage/podman.h"

/*
 * A claim that an earlier, failed create of this container left, or that precreate made: config.json names
 * that one, without an id.
 */
static int drop_earlier_claim(struct container *c, const char *place, pid_t pid, struct error *e)
{
	const struct record *rec = &c->pod.rec;
	const char *token;
	long i = record_find_claim_of(rec, c->new_id, place);

	/* Its runtime may not have read config.json yet. */
	if (i >= 0 && rec->entrants[i].pid != pid &&
	    process_alive(rec->entrants[i].pid, rec->entrants[i].start))
		return error_set(e, 0, "container %s is being created already, by process %d",
				 c->new_id, rec->entrants[i].pid);
	if (claim_find(c, &token, &i, e) < 0)
		return -1;
	if (i >= 0)
		pod_forget_entrant(&c->pod, (size_t)i);
	i = record_find_claim_of(&c->pod.rec, c->new_id, place);
	if (i >= 0)
		pod_forget_entrant(&c->pod, (size_t)i);
	return apply_begin(&c->apply, &c->pod, &c->pod.pins, e);
}

/*
 * Another container may be on its way in from the same bundle, and its runtime about to read config.json.
 * So an edit that is there stays, with its token: with a new one it would be reverted and made again, and
 * that runtime could start its container outside of the pod, from what config.json is in between.
 */
static int choose_token(struct container *c, const struct in_place *x, struct error *e)
{
	return in_place_is_edited(x, c) ? claim_keep(c, e) : claim_new(c, e);
}

/* *written: config.json was edited. */
static int claim_pod(struct container *c, struct in_place *x, const char *place, pid_t pid,
		     bool *written, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	bool changed;

	if (container_open(c, e) < 0 || in_place_lock(x, c, NULL, e) < 0 ||
	    drop_earlier_claim(c, place, pid, e) < 0 || choose_token(c, x, e) < 0 ||
	    in_place_plan(x, c, PLAN_PRECREATE, &changed, &out, e) < 0)
		return -1;
	if (!c->plan.shared)
		return 0;
	c->todo.id = c->new_id;
	c->todo.bundle = place;
	if (claim_record(c, c->new_id, place, pid, e) < 0 || apply(&c->apply, &c->todo, e) < 0 ||
	    (changed && in_place_write(x, c, &out, e) < 0))
		return -1;
	*written = changed;
	return 0;
}

static int enter_pod(struct container *c, struct in_place *x, const struct stage_create *create,
		     stage_report_fn report, void *arg, struct error *e)
{
	const char *place = claim_place(&c->arena, create, e);
	bool written = false;

	if (place && claim_pod(c, x, place, create->pid, &written, e) == 0) {
		if (report(arg, e) == 0)
			return 0;
		if (written)
			in_place_revert(x);
	}
	in_place_unlock(x);
	apply_undo(&c->apply);
	return -1;
}

int stage_create(const struct stage_options *opt, const struct stage_create *create,
		 stage_report_fn report, void *arg, struct error *e)
{
	struct in_place x = IN_PLACE_NONE;
	struct container c = CONTAINER_NONE;
	int r;

	c.opt = opt;
	c.config = &x.config;
	c.bundle = create->bundle;
	c.new_id = create->id;
	c.hook = create->hook;
	c.in.restored = create->restore;
	r = in_place_load(&x, c.bundle, e);
	if (r == 0)
		r = container_choose(&c, NULL, e);
	if (r == 0)
		r = podman_choose(&c, false, e);
	if (r == 0)
		r = c.choice.name ? enter_pod(&c, &x, create, report, arg, e) : report(arg, e);
	in_place_unlock(&x);
	container_close(&c);
	in_place_close(&x);
	return r;
}

/* --- the way back -------------------------------------------------------------- */

static void revert_bundle(struct pod *pod, const char *bundle)
{
	enum revert_how how;
	struct error e;

	if (bundle_end(pod->store, pod->name, bundle, 0, &how, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
	else
		record_drop_bundle(&pod->rec, bundle);
}

/* Containers that are on their way in from one bundle have the same token. */
static bool has_token(const struct record *rec, const char *token)
{
	for (size_t i = 0; i < rec->entrant_count; i++)
		if (rec->entrants[i].kind == ENTRANT_CLAIM &&
		    !strcmp(rec->entrants[i].token, token))
			return true;
	return false;
}

static int drop_claim(struct pod *pod, const struct stage_create *create, const char *place,
		      struct error *e)
{
	long i = record_find_claim_of(&pod->rec, create->id, place);
	const struct entrant *claim;
	const char *token;

	if (i < 0)
		return store_unindex(pod->store, create->id, place, pod->name, e);
	if (pod_check_clocks(pod, e) < 0)
		return -1;
	claim = &pod->rec.entrants[i];
	if (claim->pid != create->pid && process_alive(claim->pid, claim->start)) {
		log_info("the claim of %s stays: process %d is about to create it", create->id,
			 claim->pid);
		return 0;
	}
	token = claim->token;
	pod_forget_entrant(pod, (size_t)i);
	if (create->bundle && !has_token(&pod->rec, token))
		revert_bundle(pod, create->bundle);
	if (pod_drop_dead(pod, e) < 0)
		return -1;
	return record_is_empty(&pod->rec) ? pod_end(pod, e) : pod_save(pod, e);
}

/* *name: the pod (caller frees), NULL if there is no such claim. */
static int find_claim(struct store *store, const struct stage_options *opt,
		      const struct stage_create *create, const char *place, char **name,
		      struct error *e)
{
	*name = NULL;
	if (store_open(store, opt->root, false, e) < 0)
		return e->num == ENOENT ? 0 : -1;
	return store_find(store, create->id, place, name, e);
}

int stage_has_claim(const struct stage_options *opt, const struct stage_create *create, bool *found,
		    struct error *e)
{
	cleanup_arena struct arena arena = { 0 };
	cleanup_store struct store store = STORE_NONE;
	cleanup_free char *name = NULL;
	const char *place = claim_place(&arena, create, e);

	if (!place || find_claim(&store, opt, create, place, &name, e) < 0)
		return -1;
	*found = name != NULL;
	return 0;
}

int stage_withdraw(const struct stage_options *opt, const struct stage_create *create,
		   struct error *e)
{
	cleanup_arena struct arena arena = { 0 };
	cleanup_store struct store store = STORE_NONE;
	cleanup_free char *name = NULL;
	cleanup_pod struct pod pod = POD_NONE;
	const char *place = claim_place(&arena, create, e);

	if (!place || find_claim(&store, opt, create, place, &name, e) < 0)
		return -1;
	if (!name)
		return 0;
	log_context(opt->stage, name);
	log_keep_in(store.dir_fd);
	store.network = opt->network;
	if (pod_open(&pod, &store, name, false, e) < 0)
		return -1;
	if (pod.fd < 0)
		return store_unindex(&store, create->id, place, name, e);
	return drop_claim(&pod, create, place, e);
}
