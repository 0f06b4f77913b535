/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "stage/share.h"

/* A config that carries our undo is planned from what it was before, so that undos never stack. */
static int parse_original(struct config *c, const char *text, size_t len, struct buf *original,
			  struct error *e)
{
	enum revert_how how;
	int r;

	if (config_parse(c, "config.json", text, len, e) < 0)
		return -1;
	r = edit_revert(c, original, &how, e);
	if (r == 0 && how == REVERT_NOTHING)
		return 0;
	config_free(c);
	return r < 0 ? -1 : config_parse(c, "config.json", original->data, original->len, e);
}

static int new_token(char token[2 * CLAIM_TOKEN_BYTES + 1], struct error *e)
{
	unsigned char bytes[CLAIM_TOKEN_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return error_set(e, errno, "get random bytes");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* Say in the record who is coming: a claim, or for `podns rewrite` that a pod which it made is held. */
static int record_comer(struct share *s, const char *token, struct error *e)
{
	struct entrant claim = {
		.kind = ENTRANT_CLAIM, .token = token,
		.expires = pod_boot_seconds() + CLAIM_SECONDS,
	};

	if (!token)
		s->pod.rec.held |= record_is_empty(&s->pod.rec);
	else if (record_add_entrant(&s->pod.rec, &claim, e) < 0)
		return -1;
	return pod_save(&s->pod, e);
}

static int run(struct share *s, const char *pod, const char *text, size_t len,
	       stage_deliver_fn deliver, void *arg, struct error *e)
{
	char token[2 * CLAIM_TOKEN_BYTES + 1];
	cleanup_buf struct buf out = { 0 };
	struct edit edit;
	bool changed;

	if (share_begin(s, e) < 0 || share_plan(s, PLAN_PRECREATE, e) < 0)
		return -1;
	if (!s->plan.shared)
		return deliver(arg, text, len, e);
	if (share_edit(s, &edit, e) < 0)
		return -1;
	if (!pod) {
		if (new_token(token, e) < 0)
			return -1;
		edit.claim = token;
	}
	if (edit_apply(s->config, &edit, &changed, &out, e) < 0 || share_act(s, e) < 0 ||
	    record_comer(s, edit.claim, e) < 0)
		return -1;
	return changed ? deliver(arg, out.data, out.len, e) : deliver(arg, text, len, e);
}

int stage_precreate(const struct stage_options *opt, const char *pod, const char *text, size_t len,
		    stage_deliver_fn deliver, void *arg, struct error *e)
{
	cleanup_share struct share s = SHARE_NONE;
	cleanup_buf struct buf original = { 0 };
	cleanup_config struct config config;
	int r;

	if (parse_original(&config, text, len, &original, e) < 0) {
		config = (struct config){ 0 };
		return -1;
	}
	if (original.len) {
		text = original.data;
		len = original.len;
	}
	s.opt = opt;
	s.config = &config;
	if (pod) {
		s.choice = (struct pod_choice){ .name = pod, .named = true };
		if (pod_check_name(pod, e) < 0)
			return -1;
	} else if (share_choose(&s, NULL, NULL, NULL, e) < 0) {
		return -1;
	}
	if (!s.choice.name)
		return deliver(arg, text, len, e);
	r = run(&s, pod, text, len, deliver, arg, e);
	if (r < 0)
		share_undo(&s);
	return r;
}
