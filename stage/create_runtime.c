/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime has made the container and waits for us before it starts the container's
 * program. Order: decide, then compute the new config.json in memory, then act, then
 * record, then put the new config.json in its place, and last touch what others use too,
 * the sysctls: whatever fails, what came before is taken back.
 */
#include <string.h>

#include "base/log.h"
#include "oci/state.h"
#include "stage/in_place.h"

struct run {
	struct share share;
	struct in_place file;
	struct pod_clues clues; /* of the state */
	const char *claim;      /* in the share's arena, or NULL */
};

/* Config.json may be another file than the one that named the pod, but not of another pod. */
static int hold_bundle(struct run *r, struct error *e)
{
	struct share *s = &r->share;
	const char *pod = s->choice.name;
	bool again;

	if (in_place_hold(&r->file, s, &again, e) < 0)
		return -1;
	if (!again)
		return 0;
	if (share_choose(s, s->id, &r->clues, e) < 0)
		return -1;
	if (strcmp(pod, s->choice.name))
		return error_set(e, 0,
				 "config.json was changed by somebody else: it names the pod '%s' "
				 "now",
				 s->choice.name);
	return 0;
}

/*
 * Under a CRI engine pod authors write annotations, and a claim that the record does not know is
 * theirs: it counts for nothing. (podman marks containers of its own pods like a CRI engine, and has
 * precreate.)
 */
static int read_claim(struct run *r, struct error *e)
{
	struct share *s = &r->share;

	if (config_annotation(s->config, ANNOTATION_CLAIM, &r->claim, NULL, e) < 0)
		return -1;
	if (r->claim && s->choice.cri && record_find_claim(&s->pod.rec, r->claim) < 0)
		r->claim = NULL;
	if (!r->claim)
		return 0;
	r->claim = arena_strndup(&s->arena, r->claim, strlen(r->claim));
	return r->claim ? 0 : error_nomem(e);
}

/* A claim that the record does not know is fine only for a container that is in the pins already. */
static int check_claim(const struct run *r, struct error *e)
{
	const struct share *s = &r->share;
	bool inside = s->init != NULL || s->member_already;

	if (!r->claim || record_find_claim(&s->pod.rec, r->claim) >= 0)
		return 0;
	for (int t = 0; t < NS_TYPES; t++)
		inside &= s->plan.verb[t] == PLAN_LEAVE || s->plan.verb[t] == PLAN_JOIN;
	if (inside)
		return 0;
	error_set(e, 0, "the container's claim %.64s on the pod is unknown or expired", r->claim);
	return error_hint(e, "a claim holds for %d seconds; create the container again",
			  CLAIM_SECONDS);
}

static void drop_claim(struct run *r)
{
	struct record *rec = &r->share.pod.rec;
	long i = r->claim ? record_find_claim(rec, r->claim) : -1;

	if (i >= 0)
		record_drop_entrant(rec, (size_t)i);
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

static int record_member(struct share *s, struct error *e)
{
	struct entrant x = {
		.kind = s->init ? ENTRANT_MEMBER : ENTRANT_WAITING,
		.id = s->id,
		.bundle = s->bundle,
	};
	long old = record_find_container(&s->pod.rec, s->id, s->bundle);

	if (!s->plan.shared)
		return 0;
	s->to_index = true;
	if (pod_note_clocks(&s->pod, e) < 0)
		return -1;
	if (s->init) {
		x.pid = s->init->pid;
		x.start = s->init->start;
	} else {
		x.expires = pod_boot_seconds() + CLAIM_SECONDS;
	}
	if (is_recorded(&s->pod.rec, &x))
		return 0;
	/* One that lives is another container: of a runtime with another root, say. */
	if (old >= 0 && s->pod.rec.entrants[old].kind == ENTRANT_WAITING)
		record_drop_entrant(&s->pod.rec, (size_t)old);
	return record_add_entrant(&s->pod.rec, &x, e);
}

static int steps(struct run *r, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	struct share *s = &r->share;
	bool changed = false;

	if (share_begin(s, e) < 0 || hold_bundle(r, e) < 0 || read_claim(r, e) < 0 ||
	    in_place_plan(&r->file, s, PLAN_CREATE_RUNTIME, &changed, &out, e) < 0 ||
	    check_claim(r, e) < 0)
		return -1;
	drop_claim(r);
	if (record_member(s, e) < 0 || share_act(s, e) < 0)
		return -1;
	if (!record_is_empty(&s->pod.rec) && share_save(s, e) < 0)
		return -1;
	if (changed && in_place_write(&r->file, s, &out, e) < 0)
		return -1;
	if (share_set_up(s, e) == 0)
		return 0;
	if (changed)
		in_place_put_back(&r->file);
	return -1;
}

/* After a failure the container will not come: nothing waits for it any more. */
static void fail(struct run *r)
{
	struct share *s = &r->share;
	struct error e;

	in_place_release(&r->file);
	share_undo(s);
	if (s->pod.fd < 0 || !r->claim || record_find_claim(&s->pod.rec, r->claim) < 0)
		return;
	drop_claim(r);
	if ((!record_is_empty(&s->pod.rec) || s->stays) && pod_save(&s->pod, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
}

/* The same for one whose process has died: which claim was its is yet to be read. */
static void give_up(struct run *r)
{
	struct error ignored;

	if (share_begin(&r->share, &ignored) == 0 && hold_bundle(r, &ignored) == 0 &&
	    read_claim(r, &ignored) == 0)
		fail(r);
}

static int prepare(struct run *r, const struct stage_options *opt, struct state *state,
		   struct error *e)
{
	struct share *s = &r->share;

	s->opt = opt;
	s->config = &r->file.config;
	s->id = state->id;
	s->bundle = state->bundle;
	if (in_place_load(&r->file, s->bundle, e) < 0 ||
	    share_state_clues(opt, state, &r->clues, e) < 0 ||
	    share_choose(s, s->id, &r->clues, e) < 0)
		return -1;
	log_context(opt->stage, s->choice.name);
	return 0;
}

static int with_state(const struct stage_options *opt, struct state *state, struct error *e)
{
	cleanup_process struct process init = PROCESS_NONE;
	struct run r = { .share = SHARE_NONE, .file = IN_PLACE_NONE };
	int result = prepare(&r, opt, state, e);

	if (result == 0 && state->pid) {
		result = process_hold(state->pid, &init, e);
		r.share.init = &init;
		if (result < 0)
			give_up(&r);
	}
	if (result == 0) {
		result = steps(&r, e);
		if (result < 0)
			fail(&r);
	}
	in_place_release(&r.file);
	share_end(&r.share);
	in_place_close(&r.file);
	return result;
}

int stage_create_runtime(const struct stage_options *opt, const char *text, size_t len,
			 struct error *e)
{
	struct state state;
	int r;

	if (state_parse(&state, text, len, e) < 0)
		return -1;
	r = with_state(opt, &state, e);
	state_free(&state);
	return r;
}
