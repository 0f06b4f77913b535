/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before the runtime reads config.json: from standard input to standard output at the precreate
 * stage and for `podns rewrite`, or in place for `podns rewrite --bundle`.
 */
#include <errno.h>
#include <sys/random.h>

#include "base/text.h"
#include "stage/in_place.h"

static int new_token(char token[2 * CLAIM_TOKEN_BYTES + 1], struct error *e)
{
	uint64_t bits[2];

	_Static_assert(sizeof(bits) == CLAIM_TOKEN_BYTES, "a token is two numbers");
	if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return error_set(e, errno, "get random bytes");
	concat_in(token, 2 * CLAIM_TOKEN_BYTES + 1, hex64(bits[0]).text, hex64(bits[1]).text, NULL);
	return 0;
}

/*
 * Add to the record, in memory, what keeps the pod until the container is a member: a claim, or,
 * for `podns rewrite`, that a pod which it made is held.
 */
static int record_entrant(struct share *s, const char *token, struct error *e)
{
	struct entrant claim = {
		.kind = ENTRANT_CLAIM,
		.token = token,
		.expires = pod_boot_seconds() + CLAIM_SECONDS,
	};

	if (!token) {
		s->pod.rec.held |= record_is_empty(&s->pod.rec);
		return 0;
	}
	return pod_note_clocks(&s->pod, e) < 0 ? -1 : record_add_entrant(&s->pod.rec, &claim, e);
}

/* `podns rewrite`: no stage follows that could set them in what is the container's alone. */
static int check_sysctls(const struct share *s, struct error *e)
{
	for (size_t i = 0; i < s->sysctl_count; i++) {
		const struct sysctl *x = &s->sysctls[i];

		if (x->trusted && !(s->plan.shared & NS_BIT(x->type)))
			return error_set(e, 0,
					 "sysctl %s: the container shares no %s namespace with "
					 "the pod",
					 x->key, ns_info[x->type].oci);
	}
	return 0;
}

static int run(struct share *s, bool claims, const char *text, size_t len, stage_deliver_fn deliver,
	       void *arg, struct error *e)
{
	char token[2 * CLAIM_TOKEN_BYTES + 1];
	cleanup_buf struct buf out = { 0 };
	struct edit edit;
	bool changed;

	if (share_begin(s, e) < 0 || share_plan(s, PLAN_PRECREATE, e) < 0 ||
	    (!claims && check_sysctls(s, e) < 0))
		return -1;
	if (!s->plan.shared)
		return deliver(arg, text, len, e);
	if (share_edit(s, &edit, e) < 0)
		return -1;
	if (claims) {
		if (new_token(token, e) < 0)
			return -1;
		edit.claim = token;
	}
	if (edit_apply(s->config, &edit, &changed, &out, e) < 0 ||
	    record_entrant(s, edit.claim, e) < 0 || share_act(s, e) < 0 || share_save(s, e) < 0)
		return -1;
	return changed ? deliver(arg, out.data, out.len, e) : deliver(arg, text, len, e);
}

static struct pod_choice choice_of_caller(const char *name)
{
	return (struct pod_choice){ .name = name, .named = true, .annotations = true };
}

/* With a name the pod is that one, and no claim is made; without, the config says which it is. */
static int edit_config(const struct stage_options *opt, const char *name, const char *text,
		       size_t len, stage_deliver_fn deliver, void *arg, struct error *e)
{
	cleanup_share struct share s = SHARE_NONE;
	cleanup_config struct config config = { 0 };
	int r;

	if (config_parse(&config, "config.json", text, len, e) < 0)
		return -1;
	s.opt = opt;
	s.config = &config;
	if (name)
		s.choice = choice_of_caller(name);
	else if (share_choose(&s, NULL, NULL, e) < 0)
		return -1;
	if (!s.choice.name)
		return deliver(arg, text, len, e);
	r = run(&s, !name, text, len, deliver, arg, e);
	if (r < 0)
		share_undo(&s);
	return r;
}

int stage_precreate(const struct stage_options *opt, const char *text, size_t len,
		    stage_deliver_fn deliver, void *arg, struct error *e)
{
	return edit_config(opt, NULL, text, len, deliver, arg, e);
}

int stage_rewrite(const struct stage_options *opt, const char *pod, const char *text, size_t len,
		  stage_deliver_fn deliver, void *arg, struct error *e)
{
	if (pod_check_name(pod, e) < 0)
		return -1;
	return edit_config(opt, pod, text, len, deliver, arg, e);
}

static int run_in_place(struct share *s, struct in_place *x, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	bool again, changed;

	if (share_begin(s, e) < 0 || in_place_hold(x, s, &again, e) < 0 ||
	    in_place_plan(x, s, PLAN_PRECREATE, &changed, &out, e) < 0 || check_sysctls(s, e) < 0)
		return -1;
	if (!s->plan.shared)
		return 0;
	if (record_entrant(s, NULL, e) < 0 || share_act(s, e) < 0 || share_save(s, e) < 0)
		return -1;
	return changed ? in_place_write(x, s, &out, e) : 0;
}

int stage_rewrite_bundle(const struct stage_options *opt, const char *pod, const char *bundle,
			 struct error *e)
{
	struct in_place x = IN_PLACE_NONE;
	struct share s = SHARE_NONE;
	int r;

	if (pod_check_name(pod, e) < 0)
		return -1;
	s.opt = opt;
	s.config = &x.config;
	s.bundle = bundle;
	s.choice = choice_of_caller(pod);
	r = in_place_load(&x, bundle, e);
	if (r == 0)
		r = run_in_place(&s, &x, e);
	in_place_release(&x);
	if (r < 0)
		share_undo(&s);
	share_end(&s);
	in_place_close(&x);
	return r;
}
