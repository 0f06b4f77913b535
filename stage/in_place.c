/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/in_place.h"

#include <string.h>

#include "base/log.h"
#include "stage/decide.h"

static void forget_config(struct in_place *x)
{
	if (x->parsed)
		config_free(&x->config);
	x->parsed = false;
}

static int parse_config(struct in_place *x, struct error *e)
{
	struct bundle *b = &x->bundle;

	forget_config(x);
	if (config_parse(&x->config, "config.json", b->text.data, b->text.len, e) < 0)
		return error_prefix(e, "%s", b->path);
	x->parsed = true;
	return 0;
}

int in_place_load(struct in_place *x, const char *bundle, struct error *e)
{
	return bundle_load(&x->bundle, bundle, e) < 0 ? -1 : parse_config(x, e);
}

void in_place_close(struct in_place *x)
{
	forget_config(x);
	bundle_close(&x->bundle);
}

/* The pod is locked already, so it cannot be another one now. */
static int choose_again(struct container *c, const struct pod_clues *state, struct error *e)
{
	const char *pod = c->choice.name;

	if (container_choose(c, state, e) < 0)
		return -1;
	if (c->choice.name && !strcmp(pod, c->choice.name))
		return 0;
	return error_set(e, 0,
			 "config.json was changed by somebody else: it names the pod '%s' now",
			 c->choice.name ? c->choice.name : "");
}

int in_place_lock(struct in_place *x, struct container *c, const struct pod_clues *state,
		  struct error *e)
{
	bool again;

	if (bundle_lock(&x->bundle, &c->store, false, e) < 0 ||
	    bundle_refresh(&x->bundle, &again, e) < 0)
		return -1;
	if (!again)
		return 0;
	/* The caller of `podns rewrite` named the pod. */
	return parse_config(x, e) < 0 ? -1 : c->alone ? 0 : choose_again(c, state, e);
}

void in_place_unlock(struct in_place *x)
{
	bundle_unlock(&x->bundle);
}

/* Clears *valid if the config names a pin of the pod that does not exist. */
static int check_pins(const struct in_place *x, struct container *c, bool *valid, struct error *e)
{
	for (int t = 0; t < NS_TYPES && *valid; t++) {
		const char *path = x->config.ns[t].path, *pin;

		if (!path)
			continue;
		pin = pins_path(&c->pod.pins, (enum ns_type)t, e);
		if (!pin)
			return -1;
		if (strcmp(path, pin))
			continue;
		if (pod_look(&c->pod, NS_BIT(t), e) < 0)
			return -1;
		*valid = c->pod.pin[t].id.ino != 0;
	}
	return 0;
}

/* The record lists the bundles that were rewritten in the pod's present life. */
static bool is_of_pod(const struct in_place *x, const struct container *c)
{
	return !strcmp(x->bundle.original.pod, c->choice.name) &&
	       record_has_bundle(&c->pod.rec, x->bundle.path);
}

bool in_place_is_edited(const struct in_place *x, const struct container *c)
{
	const struct original *o = &x->bundle.original;
	const struct buf *text = &x->bundle.text;

	return o->there && is_of_pod(x, c) && text->len == o->texts.after_len &&
	       !memcmp(text->data, o->texts.after, text->len);
}

static int check_edit(const struct in_place *x, struct container *c, bool *valid, struct error *e)
{
	*valid = is_of_pod(x, c);
	return check_pins(x, c, valid, e);
}

static int revert_edit(struct in_place *x, struct container *c, struct error *e)
{
	if (decide_reset(c, e) < 0)
		return -1;
	forget_config(x);
	return bundle_revert(&x->bundle, NULL, e) < 0 ? -1 : parse_config(x, e);
}

static int plan_edit(struct in_place *x, struct container *c, enum plan_stage stage, bool *changed,
		     struct buf *out, struct error *e)
{
	struct edit edit;

	if (decide(c, stage, e) < 0 || decide_edit(c, &edit, e) < 0)
		return -1;
	return edit_apply(&x->config, &edit, changed, out, e);
}

/* Lock the bundle to write it. in_place_lock() locks none that has no copy, so check again. */
static int lock_to_write(struct in_place *x, struct container *c, struct error *e)
{
	struct bundle *b = &x->bundle;
	bool again;

	if (bundle_lock(b, &c->store, true, e) < 0 || bundle_refresh(b, &again, e) < 0)
		return -1;
	if (!again && !b->original.there)
		return 0;
	return error_set(e, 0, "%s/config.json was changed by somebody else", b->path);
}

int in_place_plan(struct in_place *x, struct container *c, enum plan_stage stage, bool *changed,
		  struct buf *out, struct error *e)
{
	bool valid = true;

	if (x->bundle.original.there &&
	    (check_edit(x, c, &valid, e) < 0 || (!valid && revert_edit(x, c, e) < 0)))
		return -1;
	if (plan_edit(x, c, stage, changed, out, e) < 0)
		return -1;
	/* The earlier edit was valid, but the new one differs from it. */
	if (*changed && x->bundle.original.there) {
		buf_free(out);
		if (revert_edit(x, c, e) < 0 || plan_edit(x, c, stage, changed, out, e) < 0)
			return -1;
	}
	if (!*changed)
		return 0;
	if (lock_to_write(x, c, e) < 0)
		return -1;
	return record_add_bundle(&c->pod.rec, x->bundle.path, e);
}

int in_place_write(struct in_place *x, const struct container *c, const struct buf *out,
		   struct error *e)
{
	return bundle_rewrite(&x->bundle, c->choice.name, out->data, out->len, e);
}

void in_place_revert(struct in_place *x)
{
	struct error e;

	if (bundle_revert(&x->bundle, NULL, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
}
