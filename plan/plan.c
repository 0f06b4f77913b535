/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <stdio.h>
#include <string.h>

struct text {
	char s[64];
};

static struct text id_text(struct ns_id id)
{
	struct text t = { "" };

	if (id.ino)
		snprintf(t.s, sizeof(t.s), "[%lu]", (unsigned long)id.ino);
	else
		snprintf(t.s, sizeof(t.s), "[unknown]");
	return t;
}

static int refuse_outside(const struct plan_input *in, enum ns_type t, struct error *e)
{
	const struct plan_type *x = &in->type[t];

	error_set(e, 0,
		  "the container's %s namespace %s is not the pod's %s at %s/%sns/%s: it would "
		  "start outside its pod",
		  ns_info[t].oci, id_text(x->init).s, id_text(x->pin).s, in->root, ns_info[t].brief,
		  in->pod);
	return error_hint(
		e, "let the precreate stage (podman) or `podns rewrite` set the paths before "
		   "the runtime reads config.json");
}

static int refuse_host(const struct plan_input *in, enum ns_type t, struct error *e)
{
	error_set(e, 0,
		  "the container's process is in the runtime's own %s namespace %s although "
		  "its config asks for one of its own",
		  ns_info[t].oci, id_text(in->type[t].own).s);
	return error_hint(e, "the state's pid must be the container's init");
}

static int refuse_other(const struct plan_input *in, enum ns_type t, struct error *e)
{
	const struct plan_type *x = &in->type[t];

	error_set(e, 0,
		  "the container was given the %s namespace %s at %s, but its pod has %s at "
		  "%s/%sns/%s",
		  ns_info[t].oci, id_text(x->at_path).s, x->path, id_text(x->pin).s, in->root,
		  ns_info[t].brief, in->pod);
	if (t == NS_NET)
		return error_hint(e,
				  "start it with --network none, or with --network ns:%s/netns/%s, "
				  "or leave net out by the annotation io.podns.namespaces",
				  in->root, in->pod);
	return error_hint(e,
			  "start it without the option that chooses its %s namespace, or leave %s "
			  "out by the annotation io.podns.namespaces",
			  ns_info[t].oci, ns_info[t].brief);
}

static int refuse_moved(const struct plan_input *in, enum ns_type t, struct error *e)
{
	const struct plan_type *x = &in->type[t];

	return error_set(e, 0,
			 "the container's process is in the %s namespace %s, not in %s at %s "
			 "that its config names",
			 ns_info[t].oci, id_text(x->init).s, id_text(x->at_path).s, x->path);
}

static int decide_no_path(const struct plan_input *in, enum ns_type t, enum plan_verb *verb,
			  struct error *e)
{
	const struct plan_type *x = &in->type[t];
	bool made_here = in->stage == PLAN_PRECREATE || !in->has_init;

	if (made_here && x->pin.ino) {
		*verb = PLAN_JOIN;
		return 0;
	}
	if (made_here) {
		/* A cgroup namespace made here would have the engine's cgroup as its root. */
		bool adopt_only = ns_info[t].origin == NS_ADOPT_ONLY;

		if (adopt_only && in->stage == PLAN_CREATE_RUNTIME)
			return error_set(e, 0,
					 "%s %s namespace can only be adopted from a running "
					 "container, and the state has no pid",
					 ns_info[t].article, ns_info[t].oci);
		*verb = adopt_only ? PLAN_LEAVE : PLAN_CREATE;
		return 0;
	}
	if (x->pin.ino && ns_same(x->init, x->pin)) {
		*verb = PLAN_JOIN;
		return 0;
	}
	if (ns_same(x->init, x->own))
		return refuse_host(in, t, e);
	if (x->pin.ino)
		return refuse_outside(in, t, e);
	*verb = PLAN_ADOPT_INIT;
	return 0;
}

static int decide_path(const struct plan_input *in, enum ns_type t, enum plan_verb *verb,
		       struct error *e)
{
	const struct plan_type *x = &in->type[t];

	if (x->pin.ino && !ns_same(x->at_path, x->pin))
		return in->named ? refuse_other(in, t, e) : 0;
	if (!x->pin.ino && !in->named)
		return 0;
	if (in->has_init && !ns_same(x->init, x->at_path))
		return x->pin.ino ? refuse_outside(in, t, e) : refuse_moved(in, t, e);
	*verb = x->pin.ino ? PLAN_JOIN : PLAN_ADOPT_PATH;
	return 0;
}

static int decide_type(const struct plan_input *in, enum ns_type t, enum plan_verb *verb,
		       struct error *e)
{
	const struct plan_type *x = &in->type[t];

	*verb = PLAN_LEAVE;
	if (!(in->types & NS_BIT(t)) || !x->entry)
		return 0;
	if (!x->path)
		return decide_no_path(in, t, verb, e);
	if (ns_same(x->at_path, x->own))
		return 0;
	return decide_path(in, t, verb, e);
}

/* The user namespace that the container will be in. */
struct user {
	bool fresh; /* private: it does not exist yet, or no other container can be in it */
	bool made;  /* the pod's, and apply() will make it */
	struct ns_id id;
};

static struct user container_user(const struct plan_input *in, enum plan_verb verb)
{
	const struct plan_type *u = &in->type[NS_USER];
	struct user user = { 0 };

	if (verb == PLAN_JOIN)
		user.id = u->pin;
	else if (verb == PLAN_CREATE)
		user.made = true;
	else if (in->has_init)
		user.id = u->init;
	else if (!u->entry)
		user.id = u->own;
	else if (u->path)
		user.id = u->at_path;
	user.fresh = verb == PLAN_LEAVE && u->entry && !u->path &&
		     (!in->has_init || (in->named && !ns_same(u->init, u->own)));
	return user;
}

static int refuse_private_user(const struct plan_input *in, enum ns_type t, struct error *e)
{
	error_set(e, 0,
		  "the container has a private user namespace, which cannot own the pod's %s "
		  "namespace at %s/%sns/%s",
		  ns_info[t].oci, in->root, ns_info[t].brief, in->pod);
	return error_hint(
		e,
		"name user among the pod types: annotation io.podns.namespaces='net ipc uts user'");
}

static int refuse_owner(const struct plan_input *in, enum ns_type t, struct ns_id owner,
			struct error *e)
{
	error_set(e, 0,
		  "the pod's %s namespace at %s/%sns/%s belongs to the user namespace %s and the "
		  "container is in another one",
		  ns_info[t].oci, in->root, ns_info[t].brief, in->pod, id_text(owner).s);
	return error_hint(
		e, "all containers of a pod need the same user namespace: name user among the "
		   "pod types, or give the container none of its own");
}

/*
 * A container can join a pin only if its user namespace owns the pinned one: otherwise runc fails on
 * mqueue and crun on sethostname(2).
 */
static int check_owner(const struct plan_input *in, const struct plan *plan, enum ns_type t,
		       struct user user, struct error *e)
{
	const struct plan_type *x = &in->type[t];
	struct ns_id owner = { 0 };

	if (user.fresh)
		return refuse_private_user(in, t, e);
	switch (plan->verb[t]) {
	case PLAN_LEAVE:
		return 0;
	case PLAN_CREATE:
		if (plan->verb[NS_USER] != PLAN_LEAVE)
			return 0;
		owner = in->type[NS_USER].own;
		break;
	case PLAN_JOIN:
		owner = x->pin_owner;
		break;
	case PLAN_ADOPT_PATH:
		owner = x->path_owner;
		break;
	case PLAN_ADOPT_INIT:
		owner = x->init_owner;
		break;
	}
	if (user.made || !ns_same(owner, user.id))
		return refuse_owner(in, t, owner, e);
	return 0;
}

static int check_maps(const struct plan_input *in, enum plan_verb verb, struct error *e)
{
	if (verb == PLAN_CREATE && !in->has_maps)
		return error_set(e, 0,
				 "the pod's user namespace needs linux.uidMappings and "
				 "linux.gidMappings");
	if ((verb != PLAN_JOIN && verb != PLAN_CREATE) || !in->maps_known || in->maps_equal)
		return 0;
	error_set(e, 0,
		  "linux.uidMappings and linux.gidMappings differ from those of the pod's user "
		  "namespace at %s/userns/%s",
		  in->root, in->pod);
	return error_hint(e, "give all containers of the pod the same --uidmap and --gidmap");
}

/*
 * Offsets can be set only before the first process enters a time namespace (time_namespaces(7)), so a
 * runtime sets them when it makes one. With a path in the config crun 1.8.1 ignores them, and other
 * runtimes refuse them.
 */
static int check_time_offsets(const struct plan_input *in, enum plan_verb verb, struct error *e)
{
	if (verb == PLAN_LEAVE || !in->time_offsets)
		return 0;
	error_set(e, 0,
		  "linux.timeOffsets cannot be set in the pod's time namespace at %s/timens/%s",
		  in->root, in->pod);
	return error_hint(e, "leave time out of the pod types (io.podns.namespaces), or leave "
			     "linux.timeOffsets out of config.json");
}

/*
 * A container with CAP_NET_ADMIN gives the pod's interfaces their names, which may have characters that a
 * shell takes for more than a name.
 */
static bool is_plain_name(const char *name)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	return *name != '-' && !name[strspn(name, plain)];
}

static int check_network(const struct plan_input *in, enum plan_verb verb, struct error *e)
{
	if (verb != PLAN_JOIN || in->type[NS_NET].path || !in->brings_network || !in->interface)
		return 0;
	error_set(e, 0,
		  "the container brings a network of its own, but the pod's network namespace at "
		  "%s/netns/%s already has the interface %s",
		  in->root, in->pod, in->interface);
	if (in->attached || !is_plain_name(in->interface))
		return error_hint(e, "start it with --network none");
	return error_hint(e,
			  "start it with --network none; if the container that brought %s is gone, "
			  "remove it: ip -n %s link delete %s",
			  in->interface, in->pod, in->interface);
}

/*
 * CRIU makes the namespaces of a restored container, but for the network namespace, which runc and crun
 * pass to it: handleRestoringExternalNamespaces() in libcontainer/criu_linux.go.
 */
static int check_restored(const struct plan_input *in, const struct plan *plan, struct error *e)
{
	for (int t = 0; t < NS_TYPES && in->restored; t++) {
		if (t == NS_NET || !(plan->shared & NS_BIT(t)))
			continue;
		error_set(e, 0, "a container cannot be restored into the pod's %s namespace",
			  ns_info[t].oci);
		return error_hint(e, "checkpoints work in a pod that shares only net: annotation "
				     "io.podns.namespaces");
	}
	return 0;
}

int plan_make(const struct plan_input *in, struct plan *plan, struct error *e)
{
	struct user user;

	*plan = (struct plan){ 0 };
	for (int t = 0; t < NS_TYPES; t++) {
		if (decide_type(in, (enum ns_type)t, &plan->verb[t], e) < 0)
			return -1;
		if (plan->verb[t] != PLAN_LEAVE)
			plan->shared |= NS_BIT(t);
		if (plan->verb[t] == PLAN_CREATE)
			plan->created |= NS_BIT(t);
	}
	if (check_maps(in, plan->verb[NS_USER], e) < 0 ||
	    check_time_offsets(in, plan->verb[NS_TIME], e) < 0 ||
	    check_network(in, plan->verb[NS_NET], e) < 0 || check_restored(in, plan, e) < 0)
		return -1;
	user = container_user(in, plan->verb[NS_USER]);
	for (int t = 0; t < NS_TYPES; t++)
		if (t != NS_USER && plan->shared & NS_BIT(t) &&
		    check_owner(in, plan, (enum ns_type)t, user, e) < 0)
			return -1;
	return 0;
}
