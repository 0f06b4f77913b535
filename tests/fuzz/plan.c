/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plan promises, written from the table of DECISIONS in oci-podns-hook(1) and the text below it,
 * not from plan.c: each check is about one verb, whatever led to it.
 */
#include "tests/fuzz/plan.h"

#include "tests/fuzz/fuzz.h"

#define NEW_ID 100 /* of what a run makes: one for each type, from here on */

static struct ns_id id(unsigned n)
{
	return (struct ns_id){ .dev = n ? 4 : 0, .ino = n };
}

static bool at_runtime(const struct plan_input *in)
{
	return in->stage == PLAN_CREATE_RUNTIME && in->has_init;
}

/* Does the container share the host's namespace by its config? */
static bool is_host(const struct plan_type *x)
{
	return !x->entry || (x->path && ns_same(x->at_path, x->own));
}

static void check_verb(const struct plan_input *in, enum ns_type t, enum plan_verb verb)
{
	const struct plan_type *x = &in->type[t];
	bool shared = in->types & NS_BIT(t) && !is_host(x);

	switch (verb) {
	case PLAN_LEAVE:
		/* Nobody is left out of a pod in silence. */
		MUST(!shared || (x->path && !in->named) ||
		     (ns_info[t].origin == NS_ADOPT_ONLY && in->stage == PLAN_PRECREATE));
		return;
	case PLAN_JOIN:
		MUST(shared && x->pin.ino && (!x->path || ns_same(x->at_path, x->pin)));
		MUST(!at_runtime(in) || ns_same(x->init, x->pin));
		return;
	case PLAN_CREATE:
		MUST(shared && !x->pin.ino && !x->path && !at_runtime(in));
		MUST(ns_info[t].origin == NS_MAKE);
		return;
	case PLAN_ADOPT_PATH:
		MUST(shared && !x->pin.ino && x->path && in->named);
		MUST(!in->has_init || ns_same(x->init, x->at_path));
		return;
	case PLAN_ADOPT_INIT:
		MUST(shared && !x->pin.ino && !x->path && at_runtime(in));
		MUST(!ns_same(x->init, x->own));
		return;
	}
	MUST(false);
}

static struct ns_id owner_of(const struct plan_input *in, const struct plan *plan, enum ns_type t)
{
	const struct plan_type *x = &in->type[t], *user = &in->type[NS_USER];

	switch (plan->verb[t]) {
	case PLAN_JOIN:
		return x->pin_owner;
	case PLAN_ADOPT_PATH:
		return x->path_owner;
	case PLAN_ADOPT_INIT:
		return x->init_owner;
	case PLAN_CREATE:
		return plan->verb[NS_USER] == PLAN_CREATE       ? id(NEW_ID + NS_USER)
		       : plan->verb[NS_USER] == PLAN_JOIN       ? user->pin
		       : plan->verb[NS_USER] == PLAN_ADOPT_PATH ? user->at_path
		       : plan->verb[NS_USER] == PLAN_ADOPT_INIT ? user->init
								: user->own;
	case PLAN_LEAVE:
		break;
	}
	return id(0);
}

/* The user namespace that the container will be in; ino 0: one that does not exist yet. */
static struct ns_id user_of(const struct plan_input *in, const struct plan *plan)
{
	const struct plan_type *user = &in->type[NS_USER];

	if (plan->verb[NS_USER] == PLAN_CREATE)
		return id(NEW_ID + NS_USER);
	if (plan->verb[NS_USER] == PLAN_JOIN)
		return user->pin;
	if (in->has_init)
		return user->init;
	if (!user->entry)
		return user->own;
	return user->path ? user->at_path : id(0);
}

/* runc and crun fail in a namespace whose owner is not the container's user namespace. */
static void check_owners(const struct plan_input *in, const struct plan *plan)
{
	const struct plan_type *own = &in->type[NS_USER];
	struct ns_id user = user_of(in, plan);

	/* No second container can enter a private user namespace. */
	if (in->named && plan->verb[NS_USER] == PLAN_LEAVE && own->entry && !own->path)
		MUST(!plan->shared || (in->has_init && ns_same(own->init, own->own)));
	for (int t = 0; t < NS_TYPES; t++)
		if (t != NS_USER && plan->verb[t] != PLAN_LEAVE)
			MUST(ns_same(owner_of(in, plan, (enum ns_type)t), user));
	if (plan->verb[NS_USER] == PLAN_CREATE)
		MUST(in->has_maps);
	if (plan->verb[NS_TIME] != PLAN_LEAVE)
		MUST(!in->time_offsets);
	if (plan->verb[NS_USER] == PLAN_JOIN && in->maps_known)
		MUST(in->maps_equal);
	if (in->brings_network && in->interface && plan->verb[NS_NET] == PLAN_JOIN)
		MUST(in->type[NS_NET].path);
	if (in->restored)
		MUST(!(plan->shared & ~NS_BIT(NS_NET)));
}

/* A second container with the same config joins all namespaces of the first, at the same stage. */
static void check_second(const struct plan_input *first, const struct plan *plan)
{
	struct plan_input in = *first;
	struct plan second;
	struct error e;

	in.maps_known = in.maps_equal = true;
	in.brings_network = false;
	for (int t = 0; t < NS_TYPES; t++) {
		struct plan_type *x = &in.type[t];

		if (plan->verb[t] == PLAN_LEAVE)
			continue;
		x->pin_owner = owner_of(first, plan, (enum ns_type)t);
		if (plan->verb[t] == PLAN_CREATE)
			x->pin = id(NEW_ID + (unsigned)t);
		else if (plan->verb[t] == PLAN_ADOPT_PATH)
			x->pin = x->at_path;
		else if (plan->verb[t] == PLAN_ADOPT_INIT)
			x->pin = x->init;
	}
	MUST(plan_make(&in, &second, &e) == 0);
	for (int t = 0; t < NS_TYPES; t++)
		MUST(second.verb[t] == (plan->verb[t] == PLAN_LEAVE ? PLAN_LEAVE : PLAN_JOIN));
}

/* The first container as every engine makes it: it must not be refused. */
static bool is_plain(const struct plan_input *in)
{
	for (int t = 0; t < NS_TYPES; t++) {
		const struct plan_type *x = &in->type[t];

		if (x->path || x->pin.ino || (t == NS_USER && x->entry))
			return false;
	}
	return in->stage == PLAN_PRECREATE && !in->has_init && !in->time_offsets && !in->restored;
}

ns_set check_plan(const struct plan_input *in)
{
	struct plan plan, again;
	struct error e = { 0 };

	if (plan_make(in, &plan, &e) < 0) {
		MUST(!is_plain(in));
		MUST(e.text[0] && !strchr(e.text, '\n') && !strchr(e.hint, '\n'));
		return 0;
	}
	MUST(plan_make(in, &again, &e) == 0 && !memcmp(&plan, &again, sizeof(plan)));
	for (int t = 0; t < NS_TYPES; t++) {
		check_verb(in, (enum ns_type)t, plan.verb[t]);
		MUST(!!(plan.shared & NS_BIT(t)) == (plan.verb[t] != PLAN_LEAVE));
		MUST(!!(plan.created & NS_BIT(t)) == (plan.verb[t] == PLAN_CREATE));
	}
	check_owners(in, &plan);
	check_second(in, &plan);
	return plan.shared;
}

/* --- inputs ------------------------------------------------------------------ */

/* Few numbers, so that they are often equal: own is 1, and 0 is none. */
static struct ns_id some(unsigned bits)
{
	return id(bits & 3);
}

static void choose_type(struct plan_type *x, const uint8_t b[PLAN_TYPE_BYTES])
{
	x->own = id(1);
	/* For an engine's path that cannot be opened the identity is unknown: 0. */
	x->at_path = x->path ? some(b[0]) : id(0);
	x->pin = some(b[0] >> 2);
	x->init = id(1 + (b[0] >> 4 & 3u) % 3);
	/* Owners: 1 is the host's user namespace; 0 is unknown. */
	x->path_owner = some(b[1]);
	x->pin_owner = some(b[1] >> 2);
	x->init_owner = some(b[1] >> 4);
}

void choose_plan(struct plan_input *in, const uint8_t bytes[PLAN_BYTES])
{
	uint8_t flags = bytes[0];

	in->pod = "web";
	in->root = "/run";
	in->stage = flags & 1 ? PLAN_CREATE_RUNTIME : PLAN_PRECREATE;
	in->named = flags & 2;
	in->has_init = in->stage == PLAN_CREATE_RUNTIME && flags & 4;
	in->has_maps = flags & 8;
	in->maps_known = flags & 16;
	in->maps_equal = flags & 32;
	in->time_offsets = flags & 64;
	in->restored = flags & 128 && !in->time_offsets;
	in->brings_network = flags & 128;
	in->interface = flags & 128 ? "eth0" : NULL;
	in->types = (ns_set)bytes[1] & (NS_BIT(NS_TYPES) - 1) & ~NS_BIT(NS_MNT);
	for (int t = 0; t < NS_TYPES; t++)
		choose_type(&in->type[t], bytes + 2 + (size_t)t * PLAN_TYPE_BYTES);
	/* In a named pod a path that cannot be opened was refused before. */
	for (int t = 0; t < NS_TYPES; t++)
		if (in->named && in->types & NS_BIT(t) && in->type[t].path &&
		    !in->type[t].at_path.ino)
			in->type[t].at_path = id(2);
	if (!in->has_init)
		for (int t = 0; t < NS_TYPES; t++)
			in->type[t].init = in->type[t].init_owner = id(0);
}
