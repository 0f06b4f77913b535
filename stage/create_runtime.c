/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime has made the container and waits for us before it starts the container's
 * program. Order: decide, then compute the new config.json in memory, then act, then
 * record, then put the new config.json in its place, and last touch what others use too,
 * the sysctls: whatever fails, what came before is taken back.
 *
 * config.json is read twice where that matters. The first time it tells which pod; once
 * the pod is locked and swept it may be another file: the sweep itself gives a bundle its
 * original entries back when it ends the pod's former life.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "oci/file.h"
#include "oci/state.h"
#include "pod/bundle.h"
#include "stage/share.h"

/* A config and the bytes that it was parsed from. */
struct document {
	struct buf text;
	struct config config;
	bool parsed;
};

static void document_free(struct document *d)
{
	if (d->parsed)
		config_free(&d->config);
	d->parsed = false;
	buf_free(&d->text);
}

static int document_parse(struct document *d, const char *bundle, struct error *e)
{
	if (config_parse(&d->config, "config.json", d->text.data, d->text.len, e) < 0)
		return error_prefix(e, "%s", bundle);
	d->parsed = true;
	return 0;
}

struct bundle {
	const char *path;
	int fd;
	struct stat st;		/* of config.json when it was read */
	struct document now;	/* as it is on disk */
	struct document original; /* reverted, where that was needed */
};

static void bundle_close(struct bundle *b)
{
	document_free(&b->now);
	document_free(&b->original);
	cleanup_closep(&b->fd);
}

static int read_config(struct bundle *b, struct error *e)
{
	document_free(&b->now);
	if (bundle_read_config(b->fd, b->path, &b->now.text, &b->st, e) < 0)
		return -1;
	return document_parse(&b->now, b->path, e);
}

/* Has config.json been replaced since we read it? Not knowing counts as yes. */
static bool is_stale(const struct bundle *b)
{
	struct stat st;

	return fstatat(b->fd, "config.json", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	       st.st_ino != b->st.st_ino || st.st_dev != b->st.st_dev ||
	       st.st_size != b->st.st_size || st.st_ctim.tv_sec != b->st.st_ctim.tv_sec ||
	       st.st_ctim.tv_nsec != b->st.st_ctim.tv_nsec;
}

struct run {
	struct share share;
	struct bundle bundle;
	struct share_clues clues;
	const char *claim;	/* in the share's arena, or NULL */
	bool has_undo;
	bool undo_is_ours;	/* it is of an edit for this pod */
	bool trusted;		/* an undo may be acted on */
};

static int read_again(struct run *r, struct error *e)
{
	struct share *s = &r->share;
	const char *pod = s->choice.name;

	/* Until we are done: other pods may want to give this bundle its entries back. */
	if (bundle_lock(r->bundle.fd, r->bundle.path, e) < 0)
		return -1;
	if (!is_stale(&r->bundle))
		return 0;
	if (read_config(&r->bundle, e) < 0 || share_choose(s, s->id, &r->clues, e) < 0)
		return -1;
	if (strcmp(pod, s->choice.name))
		return error_set(e, 0, "config.json was changed meanwhile: it names the pod '%s' now",
				 s->choice.name);
	return 0;
}

/*
 * Read the annotations of ours. Under a CRI engine pod authors write annotations. A claim
 * counts there only if the record knows its token, which nobody can guess; and an undo is
 * acted on only if it came with such a claim or the bundle is noted, else it could put any
 * path into a config.json. With another one the container is fine where its config.json is to
 * stay as it is: the claim has been redeemed or has expired, say. (podman marks containers of
 * its own pods like a CRI engine, and has precreate.)
 */
static int read_marks(struct run *r, struct error *e)
{
	struct share *s = &r->share;
	const char *undo;

	if (config_annotation(s->config, ANNOTATION_CLAIM, &r->claim, NULL, e) < 0 ||
	    config_annotation(s->config, ANNOTATION_UNDO, &undo, NULL, e) < 0)
		return -1;
	if (r->claim && s->choice.cri && record_find_claim(&s->pod.rec, r->claim) < 0)
		r->claim = NULL;
	r->trusted = !s->choice.cri || r->claim || share_bundle_is_noted(s);
	r->has_undo = undo && r->trusted;
	if (r->has_undo && bundle_undo_is_for(undo, s->store.root, s->choice.name, &r->undo_is_ours, e) < 0)
		return -1;
	if (!r->claim)
		return 0;
	r->claim = arena_strndup(&s->arena, r->claim, strlen(r->claim));
	return r->claim ? 0 : error_nomem(e);
}

/* Decide, and compute what config.json shall be. Nothing is touched. */
static int plan_config(struct share *s, bool *changed, struct buf *out, struct error *e)
{
	struct edit edit;

	if (share_plan(s, PLAN_CREATE_RUNTIME, e) < 0 || share_edit(s, &edit, e) < 0)
		return -1;
	return edit_apply(s->config, &edit, changed, out, e);
}

/* A config without an undo, or with one that is not to be acted on. */
static int plan_now(struct run *r, bool *changed, struct buf *out, struct error *e)
{
	if (plan_config(&r->share, changed, out, e) == 0)
		return 0;
	/* EINVAL is edit_apply()'s: there is something to change, and an undo in the way. */
	if (r->trusted || e->num != EINVAL)
		return -1;
	return error_set(e, 0, "config.json has an annotation " ANNOTATION_UNDO " that we did not write");
}

/*
 * A config that we edited before is good as it is, or else is edited from what it was at
 * first, so that undos never stack. The latter also where its paths lead nowhere any more:
 * the pod's former life ended without us, in a reboot say; and where they are another
 * pod's.
 */
static int plan_edited(struct run *r, bool *changed, struct buf *out, struct error *e)
{
	struct bundle *b = &r->bundle;
	struct share *s = &r->share;
	enum revert_how how;

	if (r->undo_is_ours) {
		if (plan_config(s, changed, out, e) == 0)
			return 0;
		/* EINVAL is edit_apply()'s: there is something to change. */
		if (e->num != ENOENT && e->num != EINVAL)
			return -1;
	}
	if (edit_revert(s->config, &b->original.text, &how, e) < 0 ||
	    document_parse(&b->original, b->path, e) < 0)
		return -1;
	if (share_forget(s, e) < 0)
		return -1;
	s->config = &b->original.config;
	return plan_config(s, changed, out, e);
}

/*
 * A claim that nobody knows: fine only for a container that is in the pod's namespaces all
 * the same.
 */
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
	return error_hint(e, "a claim holds for %d seconds; create the container anew", CLAIM_SECONDS);
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
		.id = s->id, .bundle = s->bundle,
	};
	long old = record_find_container(&s->pod.rec, s->id, s->bundle);

	if (!s->plan.shared)
		return 0;
	s->to_index = true;
	if (s->init) {
		x.pid = s->init->pid;
		x.start = s->init->start;
		if (ns_own_pidns(&s->pod.rec.pidns, e) < 0)
			return -1;
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

/*
 * Note the bundle for reverting where we rewrite it, and where it came rewritten: a copy.
 * Not one with a claim: that was written by an engine that writes it anew at every start.
 */
static int note_bundle(struct run *r, bool changed, struct error *e)
{
	struct share *s = &r->share;
	bool copy = r->has_undo && !r->claim && s->plan.shared;

	return changed || copy ? share_note_bundle(s, e) : 0;
}

/* The config.json that we have just replaced. */
static seldom void put_back(struct bundle *b)
{
	cleanup_buf struct buf ours = { 0 };
	struct error e;
	struct stat st;

	if (bundle_read_config(b->fd, b->path, &ours, &st, &e) < 0 ||
	    bundle_write_config(b->fd, b->path, &st, b->now.text.data, b->now.text.len, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
}

static int steps(struct run *r, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	struct bundle *b = &r->bundle;
	struct share *s = &r->share;
	bool changed = false;

	if (share_begin(s, e) < 0 || read_again(r, e) < 0 || read_marks(r, e) < 0 ||
	    (r->has_undo ? plan_edited(r, &changed, &out, e) : plan_now(r, &changed, &out, e)) < 0 ||
	    check_claim(r, e) < 0)
		return -1;
	drop_claim(r);
	if (record_member(s, e) < 0 || note_bundle(r, changed, e) < 0 || share_act(s, e) < 0)
		return -1;
	if (!record_is_empty(&s->pod.rec) && share_save(s, e) < 0)
		return -1;
	if (changed && bundle_write_config(b->fd, b->path, &b->st, out.data, out.len, e) < 0)
		return -1;
	if (share_set_up(s, e) == 0)
		return 0;
	if (changed)
		put_back(b);
	return -1;
}

/* After a failure the container will not come: nothing waits for it any more. */
static seldom void fail(struct run *r)
{
	struct share *s = &r->share;
	struct error e;

	/* The pod may end now, and give its bundles their entries back, this one too. */
	bundle_unlock(r->bundle.fd);
	share_undo(s);
	if (s->pod.fd < 0 || !r->claim || record_find_claim(&s->pod.rec, r->claim) < 0)
		return;
	drop_claim(r);
	if (!record_is_empty(&s->pod.rec) && pod_save(&s->pod, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
}

/* The same for one whose process has died: which claim was its is yet to be read. */
static seldom void give_up(struct run *r)
{
	struct error ignored;

	if (share_begin(&r->share, &ignored) == 0 && read_again(r, &ignored) == 0 &&
	    read_marks(r, &ignored) == 0)
		fail(r);
}

static int get_annotation(void *state, const char *key, const char **value, struct error *e)
{
	return state_annotation(state, key, value, e);
}

static int prepare(struct run *r, const struct stage_options *opt, struct state *state,
		   struct error *e)
{
	struct share *s = &r->share;
	struct bundle *b = &r->bundle;

	s->opt = opt;
	s->config = &b->now.config;
	s->id = state->id;
	s->bundle = b->path = state->bundle;
	b->fd = bundle_open(b->path, e);
	if (b->fd < 0 || read_config(b, e) < 0 ||
	    pod_find_sandbox(get_annotation, state, &r->clues.sandbox, e) < 0 ||
	    get_annotation(state, opt->pod_annotation, &r->clues.pod, e) < 0 ||
	    share_choose(s, s->id, &r->clues, e) < 0)
		return -1;
	log_context(opt->stage, s->choice.name);
	return 0;
}

static int with_state(const struct stage_options *opt, struct state *state, struct error *e)
{
	cleanup_process struct process init = PROCESS_NONE;
	struct run r = { .share = SHARE_NONE, .bundle = { .fd = -1 } };
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
	share_end(&r.share);
	bundle_close(&r.bundle);
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
