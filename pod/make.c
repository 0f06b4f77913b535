/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/make.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "plan/host.h"
#include "plan/names.h"

/* --- whose namespaces ---------------------------------------------------- */

/* Is this namespace of the process our own? */
static int is_ours(const struct process *from, enum ns_type t, bool *ours, struct error *e)
{
	cleanup_close int fd = -1;
	struct ns_id id, own;

	fd = process_open_ns(from, t, &id, e);
	if (fd < 0 || ns_own_id(t, &own, e) < 0)
		return -1;
	*ours = ns_same(id, own);
	return 0;
}

int pod_types_of(const struct process *from, bool named, ns_set *set, struct error *e)
{
	ns_set asked = named ? *set : ns_default_set | NS_BIT(NS_USER);
	bool ours;

	*set = 0;
	for (int t = 0; t < NS_TYPES; t++) {
		if (!(asked & NS_BIT(t)))
			continue;
		if (is_ours(from, (enum ns_type)t, &ours, e) < 0)
			return -1;
		if (ours && named)
			return host_refuse_process(from->pid, (enum ns_type)t, e);
		if (!ours)
			*set |= NS_BIT(t);
	}
	if (*set & ~NS_BIT(NS_USER) || named)
		return 0;
	error_set(e, 0, "process %d has no network, ipc or uts namespace of its own", from->pid);
	return error_hint(e, "name the types to pin with --namespaces");
}

/* --- deciding, before anything is touched ------------------------------- */

/* Refuse settings for types outside of `fine`, whose target is this one. */
static int check_settings(const struct pod_spec *spec, ns_set fine, enum host_target target,
			  struct error *e)
{
	for (size_t i = 0; i < spec->sysctl_count; i++) {
		const struct sysctl *x = &spec->sysctls[i];

		if (!(fine & NS_BIT(x->type)) &&
		    host_check("sysctl ", x->key, x->type, target, e) < 0)
			return -1;
	}
	if (spec->network && !(fine & NS_BIT(NS_NET)) &&
	    host_check("network ", spec->network->network, NS_NET, target, e) < 0)
		return -1;
	return spec->hostname && !(fine & NS_BIT(NS_UTS))
		       ? host_check("hostname ", spec->hostname, NS_UTS, target, e)
		       : 0;
}

static int check_spec(const struct pod_spec *spec, struct error *e)
{
	if (!spec->from && spec->types & NS_BIT(NS_CGROUP)) {
		error_set(e, 0,
			  "a cgroup namespace cannot be made here: its root would be podns's own "
			  "cgroup");
		return error_hint(e, "pin a running process's with --from-pid");
	}
	if (!spec->from && spec->types & NS_BIT(NS_USER) &&
	    !(spec->uid_maps.count && spec->gid_maps.count))
		return error_set(e, 0, "a user namespace needs --uid-map and --gid-map");
	return check_settings(spec, spec->types, TARGET_NONE, e);
}

static int refuse_existing(const struct pod *p, struct error *e)
{
	return error_hint(e, "`podns rm %s` ends it", p->name);
}

/* Has the pod the types and the network that are asked for? */
static int check_existing(struct pod *p, const struct pod_spec *spec, struct error *e)
{
	const char *network = spec->network ? spec->network->network : NULL;

	if (pod_look(p, spec->types, e) < 0)
		return -1;
	for (int t = 0; t < NS_TYPES; t++)
		if (spec->types & NS_BIT(t) && p->pin[t].fd < 0) {
			error_set(e, 0, "it exists already, without a %s namespace",
				  ns_info[t].oci);
			return refuse_existing(p, e);
		}
	if (!network || (p->rec.network && !strcmp(p->rec.network, network)))
		return 0;
	error_set(e, 0, "it exists already, with%s%s",
		  p->rec.network ? " the network " : "out a network",
		  p->rec.network ? p->rec.network : "");
	return refuse_existing(p, e);
}

/* *there: the pod exists, and is as it is asked for. */
static int look_for_pod(struct pod *p, const struct pod_spec *spec, bool *there, struct error *e)
{
	*there = false;
	if (!p->saved.len)
		return 0;
	if (pod_sweep(p, NULL, NULL, e) < 0)
		return -1;
	if (record_is_empty(&p->rec))
		return 0;
	*there = true;
	if (spec->hold)
		return check_existing(p, spec, e);
	error_set(e, 0, "it exists already");
	return refuse_existing(p, e);
}

/* Foreign pins can be joined, but neither replaced (--from-pid) nor given another owner (user). */
static int check_pinned(struct pod *p, const struct pod_spec *spec, struct error *e)
{
	if (pod_look(p, spec->types, e) < 0)
		return -1;
	if (!spec->from && !(spec->types & NS_BIT(NS_USER)))
		return 0;
	for (int t = 0; t < NS_TYPES; t++) {
		const char *path;

		if (!(spec->types & NS_BIT(t)) || p->pin[t].fd < 0)
			continue;
		path = pins_path(&p->pins, (enum ns_type)t, e);
		if (!path)
			return -1;
		error_set(e, EEXIST, "pin %s at %s", ns_info[t].oci, path);
		return error_hint(
			e, "it was pinned by another program; `ip netns delete` or umount(8) "
			   "and rm(1) remove it, or give the pod another name");
	}
	return 0;
}

/* pinns may have pinned the host's namespace under the pod's name. */
static int check_not_own(struct pod *p, const struct pod_spec *spec, struct error *e)
{
	struct ns_id own;

	for (int t = 0; t < NS_TYPES; t++) {
		const char *path;

		if (p->pin[t].fd < 0)
			continue;
		if (ns_own_id((enum ns_type)t, &own, e) < 0)
			return -1;
		if (!ns_same(p->pin[t].id, own))
			continue;
		path = pins_path(&p->pins, (enum ns_type)t, e);
		if (!path)
			return -1;
		if (check_settings(spec, ~NS_BIT(t), TARGET_PINNED, e) < 0)
			return error_prefix(e, "%s", path);
	}
	return 0;
}

/* --- making --------------------------------------------------------------- */

struct work {
	struct pod_plan plan;
	struct apply apply;
	int from[NS_TYPES];               /* namespaces of the process */
	char name[PLAN_HOSTNAME_MAX + 1]; /* the pod's, cut to a hostname's length */
};

static void work_free(struct work *w)
{
	for (int t = 0; t < NS_TYPES; t++)
		cleanup_closep(&w->from[t]);
	apply_end(&w->apply);
}

#define cleanup_work __attribute__((cleanup(work_free)))

static int open_from(const struct pod_spec *spec, struct work *w, struct error *e)
{
	struct ns_id id;

	for (int t = 0; t < NS_TYPES; t++) {
		if (!(spec->types & NS_BIT(t)))
			continue;
		w->from[t] = process_open_ns(spec->from, (enum ns_type)t, &id, e);
		if (w->from[t] < 0)
			return -1;
		w->plan.adopt[t] = w->plan.existing[t] = w->from[t];
	}
	w->plan.owner_fd = w->from[NS_USER];
	if (!process_lives(spec->from))
		return error_set(e, 0, "process %d died", spec->from->pid);
	return 0;
}

static void fill_in_plan(const struct pod *p, const struct pod_spec *spec, struct work *w)
{
	struct pod_plan *plan = &w->plan;

	for (int t = 0; t < NS_TYPES && !spec->from; t++) {
		if (p->pin[t].fd >= 0)
			plan->existing[t] = p->pin[t].fd;
		else
			plan->make |= spec->types & NS_BIT(t);
	}
	plan->uid_maps = &spec->uid_maps;
	plan->gid_maps = &spec->gid_maps;
	plan->hostname = spec->hostname;
	if (!spec->hostname && plan->make & NS_BIT(NS_UTS))
		plan->hostname = plan_hostname(NULL, p->name, NULL, NULL, w->name);
	plan->sysctls = spec->sysctls;
	plan->sysctl_count = spec->sysctl_count;
	plan->recorded = spec->types;
	plan->network = spec->network;
	plan->host_entries = spec->hosts;
	plan->host_entry_count = spec->host_count;
}

static int make_and_hold(struct pod *p, const struct pod_spec *spec, struct work *w,
			 struct error *e)
{
	p->rec.created = (uint64_t)clock_seconds(CLOCK_REALTIME);
	if (check_pinned(p, spec, e) < 0 || check_not_own(p, spec, e) < 0 ||
	    (spec->from && open_from(spec, w, e) < 0))
		return -1;
	fill_in_plan(p, spec, w);
	/* Settings last: in a namespace of another program nothing puts them back. */
	return apply(&w->apply, &w->plan, e) < 0 || pod_hold(p, e) < 0 ||
			       apply_settings(&w->apply, e) < 0
		       ? -1
		       : 0;
}

int pod_make(struct pod *p, struct store *store, const char *name, const struct pod_spec *spec,
	     bool *made, struct error *e)
{
	cleanup_work struct work w = { POD_PLAN_NONE, APPLY_NONE, .from = NS_FDS_NONE };
	bool there;

	*p = (struct pod)POD_NONE;
	if (check_spec(spec, e) < 0 || pod_open(p, store, name, true, e) < 0 ||
	    look_for_pod(p, spec, &there, e) < 0)
		return -1;
	*made = !there;
	if (there)
		return pod_hold(p, e);
	if (apply_begin(&w.apply, p, &p->pins, e) < 0)
		return -1;
	if (make_and_hold(p, spec, &w, e) == 0)
		return 0;
	apply_undo(&w.apply);
	return -1;
}
