/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `podns rewrite`: what precreate does, for a pod that the caller names; from standard input to
 * standard output, or in place. No hook may ever report the container, so there is no claim, and a
 * pod that is made here is held.
 */
#include "stage/decide.h"
#include "stage/in_place.h"

static int apply_and_hold(struct container *c, struct error *e)
{
	bool is_new = record_is_empty(&c->pod.rec);

	if (apply(&c->apply, &c->todo, e) < 0)
		return -1;
	return is_new ? pod_hold(&c->pod, e) : 0;
}

static int rewrite_text(struct container *c, const char *text, size_t len, stage_deliver_fn deliver,
			void *arg, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	bool changed = false;
	struct edit edit;

	if (container_open(c, e) < 0 || decide(c, PLAN_PRECREATE, e) < 0)
		return -1;
	if (c->plan.shared &&
	    (decide_edit(c, &edit, e) < 0 || edit_apply(c->config, &edit, &changed, &out, e) < 0 ||
	     apply_and_hold(c, e) < 0))
		return -1;
	return changed ? deliver(arg, out.data, out.len, e) : deliver(arg, text, len, e);
}

int stage_rewrite(const struct stage_options *opt, const char *pod, const char *text, size_t len,
		  stage_deliver_fn deliver, void *arg, struct error *e)
{
	cleanup_container struct container c = CONTAINER_NONE;
	cleanup_config struct config config = { 0 };

	if (pod_check_name(pod, e) < 0 || config_parse(&config, "config.json", text, len, e) < 0)
		return -1;
	c.opt = opt;
	c.config = &config;
	container_set_pod(&c, pod);
	if (rewrite_text(&c, text, len, deliver, arg, e) == 0)
		return 0;
	apply_undo(&c.apply);
	return -1;
}

static int rewrite_in_place(struct container *c, struct in_place *x, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	bool changed;

	if (container_open(c, e) < 0 || in_place_lock(x, c, NULL, e) < 0 ||
	    in_place_plan(x, c, PLAN_PRECREATE, &changed, &out, e) < 0)
		return -1;
	if (!c->plan.shared)
		return 0;
	if (apply_and_hold(c, e) < 0)
		return -1;
	return changed ? in_place_write(x, c, &out, e) : 0;
}

int stage_rewrite_bundle(const struct stage_options *opt, const char *pod, const char *bundle,
			 struct error *e)
{
	struct in_place x = IN_PLACE_NONE;
	struct container c = CONTAINER_NONE;
	int r;

	if (pod_check_name(pod, e) < 0)
		return -1;
	c.opt = opt;
	c.config = &x.config;
	c.bundle = bundle;
	container_set_pod(&c, pod);
	r = in_place_load(&x, bundle, e);
	if (r == 0)
		r = rewrite_in_place(&c, &x, e);
	in_place_unlock(&x);
	if (r < 0)
		apply_undo(&c.apply);
	container_close(&c);
	in_place_close(&x);
	return r;
}
