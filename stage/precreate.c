/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman's stage before the runtime reads config.json: from standard input to standard output. The
 * container's id is not known yet, so a claim keeps the pod alive until createRuntime redeems it. The
 * claim's token is in the record and in the config's annotations. After a failure apply_undo() restores
 * the record, and so drops the claim.
 */
#include "stage/claim.h"
#include "stage/decide.h"
#include "stage/podman.h"

/*
 * podman runs the hook once for each JSON file that matches the container, and the second run reads what
 * the first has written. One claim is enough, and only one would be redeemed.
 */
static int take_earlier_claim(struct container *c, struct error *e)
{
	const char *token;
	long i;

	if (claim_find(c, &token, &i, e) < 0)
		return -1;
	if (i < 0)
		return 0;
	pod_forget_entrant(&c->pod, (size_t)i);
	return apply_begin(&c->apply, &c->pod, &c->pod.pins, e) < 0 ? -1 : claim_keep(c, e);
}

static int enter_pod(struct container *c, const char *text, size_t len, stage_deliver_fn deliver,
		     void *arg, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	struct edit edit;
	bool changed;

	if (container_open(c, e) < 0 || take_earlier_claim(c, e) < 0 ||
	    decide(c, PLAN_PRECREATE, e) < 0)
		return -1;
	if (!c->plan.shared)
		return deliver(arg, text, len, e);
	if ((!*c->claim.text && claim_new(c, e) < 0) || decide_edit(c, &edit, e) < 0 ||
	    edit_apply(c->config, &edit, &changed, &out, e) < 0 ||
	    claim_record(c, NULL, NULL, 0, e) < 0 || apply(&c->apply, &c->todo, e) < 0)
		return -1;
	return changed ? deliver(arg, out.data, out.len, e) : deliver(arg, text, len, e);
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
	if (container_choose(&c, NULL, e) < 0 || podman_choose(&c, true, e) < 0)
		return -1;
	if (!c.choice.name)
		return deliver(arg, text, len, e);
	if (enter_pod(&c, text, len, deliver, arg, e) == 0)
		return 0;
	apply_undo(&c.apply);
	return -1;
}
