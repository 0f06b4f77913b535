/* SPDX-License-Identifier: Apache-2.0 */
/*
 * createRuntime and prestart: the runtime has made the container, and starts its program after this
 * stage. Order: choose and open the pod, redeem the claim, decide, compute the new config.json in
 * memory, apply, write config.json, and set sysctls last, since other containers see them. A failure
 * undoes all of it, with three exceptions: the claim stays redeemed, an earlier edit that was reverted
 * stays reverted, and a hostname that was set stays.
 */
#include <string.h>

#include "base/log.h"
#include "oci/state.h"
#include "stage/claim.h"
#include "stage/etc.h"
#include "stage/in_place.h"
#include "stage/podman.h"

struct run {
	struct container container;
	struct in_place file;
	struct pod_clues clues; /* of the state */
	const char *claim;      /* the token in config.json, or NULL; in the container's arena */
	bool claim_known;       /* it was in the record */
};

/*
 * Remove the claim from the record, in memory. apply_begin() is called again after that, so that an undo
 * does not restore the claim.
 */
static int redeem_claim(struct run *r, struct error *e)
{
	struct container *c = &r->container;
	long i;

	if (claim_find(c, &r->claim, &i, e) < 0)
		return -1;
	r->claim_known = i >= 0;
	if (r->claim_known)
		pod_forget_entrant(&c->pod, (size_t)i);
	return apply_begin(&c->apply, &c->pod, &c->pod.pins, e);
}

/* A container with an unknown claim may start only if it is in the pod's namespaces already. */
static int check_claim(const struct run *r, struct error *e)
{
	const struct container *c = &r->container;
	bool inside = c->init != NULL || c->known;

	if (!r->claim || r->claim_known)
		return 0;
	for (int t = 0; t < NS_TYPES; t++)
		inside &= c->plan.verb[t] == PLAN_LEAVE || c->plan.verb[t] == PLAN_JOIN;
	if (inside)
		return 0;
	error_set(e, 0, "the container's claim %.64s on the pod is unknown or expired", r->claim);
	return error_hint(e, "a claim holds for %d seconds; create the container again",
			  CLAIM_SECONDS);
}

static bool is_recorded(const struct record *rec, const struct entrant *member)
{
	for (size_t i = 0; i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];

		if (member->kind == ENTRANT_MEMBER && x->kind == ENTRANT_MEMBER &&
		    x->pid == member->pid && x->start == member->start &&
		    entrant_is_of(x, member->id, member->bundle))
			return true;
	}
	return false;
}

static int record_member(struct container *c, struct error *e)
{
	struct record *rec = &c->pod.rec;
	struct entrant x = { .id = c->id, .bundle = c->bundle };
	long old = record_find_container(rec, c->id, c->bundle);

	if (!c->plan.shared)
		return 0;
	c->todo.id = c->id;
	c->todo.bundle = c->bundle;
	if (pod_note_clocks(&c->pod, e) < 0)
		return -1;
	if (c->init) {
		x.kind = ENTRANT_MEMBER;
		x.pid = c->init->pid;
		x.start = c->init->start;
	} else {
		x.kind = ENTRANT_WAITING;
		x.expires = pod_boot_seconds() + CLAIM_SECONDS;
	}
	if (is_recorded(rec, &x))
		return 0;
	/* A live member with the same id is another container: that of a runtime with another root. */
	if (old >= 0 && rec->entrants[old].kind == ENTRANT_WAITING)
		record_drop_entrant(rec, (size_t)old);
	return record_add_entrant(rec, &x, e);
}

static int open_pod(struct run *r, struct error *e)
{
	struct container *c = &r->container;

	return container_open(c, e) < 0 || in_place_lock(&r->file, c, &r->clues, e) < 0
		       ? -1
		       : redeem_claim(r, e);
}

static int enter_pod(struct run *r, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	struct container *c = &r->container;
	bool changed;

	if (open_pod(r, e) < 0 ||
	    in_place_plan(&r->file, c, PLAN_CREATE_RUNTIME, &changed, &out, e) < 0 ||
	    check_claim(r, e) < 0 || record_member(c, e) < 0 || apply(&c->apply, &c->todo, e) < 0 ||
	    (changed && in_place_write(&r->file, c, &out, e) < 0))
		return -1;
	if (apply_settings(&c->apply, e) == 0)
		return 0;
	if (changed)
		in_place_revert(&r->file);
	return -1;
}

/* The bundle is unlocked first: apply_undo() may end the pod, which locks each bundle to revert it. */
static void undo(struct run *r)
{
	in_place_unlock(&r->file);
	apply_undo(&r->container.apply);
}

/* If the process has died, the stage fails and also drops the claim, since the container will not start. */
static int hold_init(struct run *r, pid_t pid, struct process *init, struct error *e)
{
	struct error ignored;

	if (process_hold(pid, init, e) == 0) {
		r->container.init = init;
		return 0;
	}
	if (open_pod(r, &ignored) == 0)
		undo(r);
	return -1;
}

static int choose_pod(struct run *r, const struct stage_options *opt, struct state *state,
		      struct error *e)
{
	struct container *c = &r->container;

	c->opt = opt;
	c->config = &r->file.config;
	c->id = state->id;
	c->bundle = state->bundle;
	if (in_place_load(&r->file, c->bundle, e) < 0 ||
	    state_clues(opt, state, &r->clues, e) < 0 || container_choose(c, &r->clues, e) < 0 ||
	    podman_choose(c, false, e) < 0)
		return -1;
	if (c->choice.name)
		log_context(opt->stage, c->choice.name);
	return 0;
}

static int enter_and_follow(struct run *r, const struct state *state, struct process *init,
			    struct error *e)
{
	if (state->pid && hold_init(r, state->pid, init, e) < 0)
		return -1;
	if (enter_pod(r, e) < 0) {
		undo(r);
		return -1;
	}
	etc_follow_podman(&r->container);
	return 0;
}

int stage_create_runtime(const struct stage_options *opt, const char *text, size_t len,
			 struct error *e)
{
	cleanup_state struct state state = { 0 };
	cleanup_process struct process init = PROCESS_NONE;
	struct run r = { .container = CONTAINER_NONE, .file = IN_PLACE_NONE };
	int result;

	if (state_parse(&state, text, len, e) < 0)
		return -1;
	result = choose_pod(&r, opt, &state, e);
	if (result == 0 && r.container.choice.name)
		result = enter_and_follow(&r, &state, &init, e);
	in_place_unlock(&r.file);
	container_close(&r.container);
	in_place_close(&r.file);
	return result;
}
