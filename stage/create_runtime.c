/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime has made the container and waits for us before it starts the container's program. Order: decide, then compute
 * the new config.json in memory, then act, then record, and the rename of config.json last: whatever fails, what came
 * before is taken back.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "oci/file.h"
#include "oci/state.h"
#include "stage/share.h"

/* What belongs to the bundle: its directory, and config.json as it was read. */
struct bundle {
	const char *path;
	int fd;
	struct buf text;	/* as it is on disk */
	struct buf original;	/* reverted, where that was needed */
	struct stat st;
	struct config config;
	bool parsed;
};

static void bundle_close(struct bundle *b)
{
	if (b->parsed)
		config_free(&b->config);
	buf_free(&b->text);
	buf_free(&b->original);
	cleanup_closep(&b->fd);
}

#define cleanup_bundle __attribute__((cleanup(bundle_close)))

static int read_bundle(struct bundle *b, const char *path, struct error *e)
{
	b->path = path;
	b->fd = bundle_open(path, e);
	if (b->fd < 0 || bundle_read_config(b->fd, path, &b->text, &b->st, e) < 0)
		return -1;
	if (config_parse(&b->config, "config.json", b->text.data, b->text.len, e) < 0)
		return error_prefix(e, "%s", path);
	b->parsed = true;
	return 0;
}

/* Go on with the config as it was before we ever edited it. */
static int use_original(struct bundle *b, struct error *e)
{
	enum revert_how how;

	if (edit_revert(&b->config, &b->original, &how, e) < 0)
		return -1;
	config_free(&b->config);
	b->parsed = false;
	if (config_parse(&b->config, "config.json", b->original.data, b->original.len, e) < 0)
		return -1;
	b->parsed = true;
	return 0;
}

static bool bundle_is_noted(const struct share *s)
{
	for (size_t i = 0; i < s->pod.rec.bundle_count; i++)
		if (!strcmp(s->pod.rec.bundles[i], s->bundle))
			return true;
	return false;
}

/*
 * Under a CRI engine pod authors write annotations. An undo is acted on there only if it is known to be ours: else it could put any
 * path into a config.json.
 */
static int check_undo(struct share *s, bool *present, struct error *e)
{
	const char *undo;

	if (config_annotation(s->config, ANNOTATION_UNDO, &undo, NULL, e) < 0)
		return -1;
	*present = undo != NULL;
	if (undo && s->choice.cri && !bundle_is_noted(s))
		return error_set(e, 0, "config.json has an annotation " ANNOTATION_UNDO " that we did "
				 "not write");
	return 0;
}

static void forget_reads(struct share *s)
{
	for (int t = 0; t < NS_TYPES; t++) {
		cleanup_closep(&s->path_fd[t]);
		cleanup_closep(&s->init_fd[t]);
		s->path_fd[t] = s->init_fd[t] = -1;
		s->in.type[t] = (struct plan_type){ 0 };
	}
	s->sysctl_count = 0;
}

static int plan_edit(struct share *s, struct bundle *b, bool *changed, struct buf *out,
		     struct error *e)
{
	struct edit edit;
	bool undo;

	if (check_undo(s, &undo, e) < 0 || share_plan(s, PLAN_CREATE_RUNTIME, e) < 0 ||
	    share_edit(s, &edit, e) < 0)
		return -1;
	if (edit_apply(s->config, &edit, changed, out, e) == 0)
		return 0;
	/* An edited config that needs more is edited from what it was, so that undos never stack. */
	if (!undo || e->num != EINVAL || use_original(b, e) < 0)
		return -1;
	forget_reads(s);
	if (share_plan(s, PLAN_CREATE_RUNTIME, e) < 0 || share_edit(s, &edit, e) < 0)
		return -1;
	return edit_apply(s->config, &edit, changed, out, e);
}

/* The claim that precreate left for this container, or NULL. */
static int read_claim(struct share *s, const char **token, struct error *e)
{
	return share_annotation(s, ANNOTATION_CLAIM, token, e);
}

/* A claim that nobody knows: fine only for a container that is in the pod's namespaces all the same. */
static int check_claim(const struct share *s, const char *token, struct error *e)
{
	bool inside = s->init != NULL || s->member_already;

	if (!token || record_find_claim(&s->pod.rec, token) >= 0)
		return 0;
	for (int t = 0; t < NS_TYPES; t++)
		inside &= s->plan.verb[t] == PLAN_LEAVE || s->plan.verb[t] == PLAN_JOIN;
	if (inside)
		return 0;
	error_set(e, 0, "the container's claim %.64s on the pod is unknown or expired", token);
	return error_hint(e, "a claim holds for %d seconds; create the container anew", CLAIM_SECONDS);
}

static void drop_claim(struct share *s, const char *token)
{
	long i = token ? record_find_claim(&s->pod.rec, token) : -1;

	if (i >= 0)
		record_drop_entrant(&s->pod.rec, (size_t)i);
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
	if (s->init) {
		x.pid = s->init->pid;
		x.start = s->init->start;
	} else {
		x.expires = pod_boot_seconds() + CLAIM_SECONDS;
	}
	if (old >= 0 && s->init && s->pod.rec.entrants[old].kind == ENTRANT_MEMBER &&
	    s->pod.rec.entrants[old].pid == x.pid && s->pod.rec.entrants[old].start == x.start)
		return 0;
	if (old >= 0)
		record_drop_entrant(&s->pod.rec, (size_t)old);
	if (record_add_entrant(&s->pod.rec, &x, e) < 0)
		return -1;
	return store_index(&s->store, s->id, s->bundle, s->pod.name, &s->indexed, e);
}

static int note_bundle(struct share *s, struct error *e)
{
	if (bundle_is_noted(s))
		return 0;
	if (store_add_bundle(&s->store, s->pod.name, s->bundle, e) < 0)
		return -1;
	s->bundle_noted = true;
	return record_add_bundle(&s->pod.rec, s->bundle, e);
}

static int run(struct share *s, struct bundle *b, const char **token, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	bool changed;

	if (share_begin(s, e) < 0 || read_claim(s, token, e) < 0 ||
	    plan_edit(s, b, &changed, &out, e) < 0 || check_claim(s, *token, e) < 0 ||
	    share_act(s, e) < 0)
		return -1;
	drop_claim(s, *token);
	if (record_member(s, e) < 0 || (changed && note_bundle(s, e) < 0))
		return -1;
	if (!record_is_empty(&s->pod.rec) && pod_save(&s->pod, e) < 0)
		return -1;
	if (!changed)
		return 0;
	return bundle_write_config(b->fd, b->path, &b->st, out.data, out.len, e);
}

/* After a failure the container will not come: nothing waits for it any more. */
static void fail_claim(struct share *s, const char *token)
{
	struct error e;

	share_undo(s);
	if (s->pod.fd < 0 || !token || record_find_claim(&s->pod.rec, token) < 0)
		return;
	drop_claim(s, token);
	if (!record_is_empty(&s->pod.rec) && pod_save(&s->pod, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
}

static int state_clues(struct state *state, const struct stage_options *opt, const char **pod,
		       const char **sandbox, struct error *e)
{
	*sandbox = NULL;
	for (size_t i = 0; pod_cri_annotations[i] && !*sandbox; i++)
		if (state_annotation(state, pod_cri_annotations[i], sandbox, e) < 0)
			return -1;
	return state_annotation(state, opt->pod_annotation, pod, e);
}

static int with_state(const struct stage_options *opt, struct state *state, struct error *e)
{
	cleanup_process struct process init = PROCESS_NONE;
	cleanup_bundle struct bundle b = { .fd = -1 };
	cleanup_share struct share s = SHARE_NONE;
	const char *pod, *sandbox, *token = NULL;

	if (read_bundle(&b, state->bundle, e) < 0 ||
	    state_clues(state, opt, &pod, &sandbox, e) < 0)
		return -1;
	s.opt = opt;
	s.config = &b.config;
	s.id = state->id;
	s.bundle = state->bundle;
	if (share_choose(&s, s.id, pod, sandbox, e) < 0)
		return -1;
	log_context("%s: pod %s", opt->stage, s.choice.name);
	if (state->pid) {
		if (process_hold(state->pid, &init, e) < 0)
			return -1;
		s.init = &init;
	}
	if (run(&s, &b, &token, e) == 0)
		return 0;
	fail_claim(&s, token);
	return -1;
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
