/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman's stage before the runtime reads config.json: from standard input to standard output. The
 * container's id is not known yet, so a claim keeps the pod alive until createRuntime redeems it. The
 * claim's token is in the record and in the config's annotations. After a failure apply_undo() restores
 * the record, and so drops the claim.
 */
#include <errno.h>
#include <sys/random.h>

#include "base/text.h"
#include "stage/decide.h"

struct token {
	char text[2 * CLAIM_TOKEN_BYTES + 1];
};

static int new_token(struct token *token, struct error *e)
{
	uint64_t bits[2];

	_Static_assert(sizeof(bits) == CLAIM_TOKEN_BYTES, "a token is two numbers");
	if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return error_set(e, errno, "get random bytes");
	concat_in(token->text, sizeof(token->text), hex64(bits[0]).text, hex64(bits[1]).text, NULL);
	return 0;
}

static int record_claim(struct pod *pod, const struct token *token, struct error *e)
{
	struct entrant claim = {
		.kind = ENTRANT_CLAIM,
		.token = token->text,
		.expires = pod_boot_seconds() + CLAIM_SECONDS,
	};

	return pod_note_clocks(pod, e) < 0 ? -1 : record_add_entrant(&pod->rec, &claim, e);
}

static int enter_pod(struct container *c, const char *text, size_t len, stage_deliver_fn deliver,
		     void *arg, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	struct token token;
	struct edit edit;
	bool changed;

	if (container_open(c, e) < 0 || decide(c, PLAN_PRECREATE, e) < 0)
		return -1;
	if (!c->plan.shared)
		return deliver(arg, text, len, e);
	if (new_token(&token, e) < 0 || decide_edit(c, &edit, e) < 0)
		return -1;
	edit.claim = token.text;
	if (edit_apply(c->config, &edit, &changed, &out, e) < 0 ||
	    record_claim(&c->pod, &token, e) < 0 || apply(&c->apply, &c->todo, e) < 0)
		return -1;
	return deliver(arg, out.data, out.len, e);
}

int stage_precreate(const struct stage_options *opt, const char *text, size_t len,
		    stage_deliver_fn deliver, void *arg, struct error *e)
{
	cleanup_container struct container c = CONTAINER_NONE;
	cleanup_config struct config config = { 0 };

	if (config_parse(&config, "config.json", text, len, e) < 0)
		return -1;
	c.opt = opt;
	c.config = &config;
	if (container_choose(&c, NULL, e) < 0)
		return -1;
	if (!c.choice.name)
		return deliver(arg, text, len, e);
	if (enter_pod(&c, text, len, deliver, arg, e) == 0)
		return 0;
	apply_undo(&c.apply);
	return -1;
}
