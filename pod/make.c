/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/make.h"

#include <errno.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

/* What is at hand for each type: made or opened here, or pinned before (borrowed of the pod). */
struct work {
	int fd[NS_TYPES];    /* to be pinned */
	int there[NS_TYPES]; /* pinned already */
	char name[65];       /* room for the hostname */
};

static void work_free(struct work *w)
{
	for (int t = 0; t < NS_TYPES; t++)
		cleanup_closep(&w->fd[t]);
}

#define cleanup_work __attribute__((cleanup(work_free)))

/* --- whose namespaces ---------------------------------------------------- */

/* Is the process in our own namespace of this type? */
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

static int refuse_own(const struct process *from, enum ns_type t, struct error *e)
{
	error_set(e, 0, "process %d is in the %s namespace that podns itself is in", from->pid,
		  ns_info[t].oci);
	return error_hint(e,
			  "a pod of the host's own namespaces would be no pod; leave %s out of "
			  "--namespaces",
			  ns_info[t].brief);
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
			return refuse_own(from, (enum ns_type)t, e);
		if (!ours)
			*set |= NS_BIT(t);
	}
	if (*set & ~NS_BIT(NS_USER) || named)
		return 0;
	error_set(e, 0, "process %d has no network, ipc or uts namespace of its own", from->pid);
	return error_hint(e, "name the types to pin with --namespaces");
}

/* --- checking, before anything is touched -------------------------------- */

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
	if (spec->hostname && !(spec->types & NS_BIT(NS_UTS)))
		return error_set(e, 0, "--hostname: uts is not among the pod's namespaces");
	for (size_t i = 0; i < spec->sysctl_count; i++)
		if (!(spec->types & NS_BIT(spec->sysctls[i].type)))
			return error_set(e, 0,
					 "sysctl %s: %s is not among the pod's namespaces, it "
					 "would change the host",
					 spec->sysctls[i].key, ns_info[spec->sysctls[i].type].oci);
	return 0;
}

static int check_new(struct pod *p, struct error *e)
{
	if (!p->saved.len)
		return 0;
	if (pod_sweep(p, NULL, NULL, e) < 0)
		return -1;
	if (record_is_empty(&p->rec))
		return 0;
	error_set(e, 0, "it exists already");
	return error_hint(e, "`podns rm %s` ends it", p->name);
}

/* Does the user name something to be set in namespaces of this type? */
static bool sets(const struct pod_spec *spec, enum ns_type t)
{
	if (t == NS_UTS && spec->hostname)
		return true;
	for (size_t i = 0; i < spec->sysctl_count; i++)
		if (spec->sysctls[i].type == t)
			return true;
	return false;
}

/* pinns can pin the host's own: such a pod may be, but what is set in it is set on the host. */
static int check_not_own(struct pod *p, const struct pod_spec *spec, enum ns_type t,
			 struct error *e)
{
	const char *path;
	struct ns_id own;

	if (!sets(spec, t))
		return 0;
	if (ns_own_id(t, &own, e) < 0)
		return -1;
	if (!ns_same(p->pin[t].id, own))
		return 0;
	path = pod_pin_path(p, t, e);
	if (!path)
		return -1;
	error_set(e, 0,
		  "%s is the %s namespace that podns itself is in: what is set in it would "
		  "change the host",
		  path, ns_info[t].oci);
	return error_hint(e, "leave its --sysctl and --hostname out, or name the pod otherwise");
}

static int check_pinned(struct pod *p, const struct pod_spec *spec, struct work *w, struct error *e)
{
	if (pod_look(p, spec->types, e) < 0)
		return -1;
	for (int t = 0; t < NS_TYPES; t++) {
		const char *path;

		if (!(spec->types & NS_BIT(t)) || p->pin[t].fd < 0)
			continue;
		if (check_not_own(p, spec, (enum ns_type)t, e) < 0)
			return -1;
		w->there[t] = p->pin[t].fd;
		if (!spec->from && !(spec->types & NS_BIT(NS_USER)))
			continue;
		path = pod_pin_path(p, (enum ns_type)t, e);
		if (!path)
			return -1;
		error_set(e, EEXIST, "pin %s at %s", ns_info[t].oci, path);
		return error_hint(
			e, "it was pinned by another program; `ip netns delete` or umount(8) and "
			   "rm(1) take it away, or name the pod otherwise");
	}
	return 0;
}

/* --- making --------------------------------------------------------------- */

static int open_from(const struct pod_spec *spec, struct work *w, struct error *e)
{
	struct ns_id id;

	for (int t = 0; t < NS_TYPES; t++) {
		if (!(spec->types & NS_BIT(t)))
			continue;
		w->fd[t] = process_open_ns(spec->from, (enum ns_type)t, &id, e);
		if (w->fd[t] < 0)
			return -1;
	}
	if (!process_lives(spec->from))
		return error_set(e, 0, "process %d died", spec->from->pid);
	return 0;
}

static const char *new_hostname(const struct pod *p, const struct pod_spec *spec, struct work *w)
{
	if (spec->hostname)
		return spec->hostname;
	concat_in(w->name, sizeof(w->name), p->name, NULL);
	return w->name;
}

static int make_missing(struct pod *p, const struct pod_spec *spec, struct work *w, struct error *e)
{
	ns_set missing = spec->types;
	struct ns_setup setup = {
		.sysctls = { .list = spec->sysctls, .count = spec->sysctl_count, .is_new = true },
	};

	for (int t = 0; t < NS_TYPES; t++)
		if (w->there[t] >= 0)
			missing &= ~NS_BIT(t);
	if (!missing)
		return 0;
	setup.sysctls.types = missing;
	setup.loopback = missing & NS_BIT(NS_NET);
	if (missing & NS_BIT(NS_UTS))
		setup.hostname = new_hostname(p, spec, w);
	return ns_make(missing, -1, &spec->uid_maps, &spec->gid_maps, &setup, w->fd, e);
}

/* What was not made here gets only what the user named. */
static int set_up_others(const struct pod_spec *spec, const struct work *w, struct error *e)
{
	const int *fds = spec->from ? w->fd : w->there;
	struct ns_setup setup = { .sysctls = { .list = spec->sysctls,
					       .count = spec->sysctl_count } };
	int join[NS_TYPES] = NS_FDS_NONE;
	bool any = false;

	for (size_t i = 0; i < spec->sysctl_count; i++) {
		enum ns_type t = spec->sysctls[i].type;

		if (fds[t] < 0)
			continue;
		join[t] = fds[t];
		setup.sysctls.types |= NS_BIT(t);
		any = true;
	}
	if (spec->hostname && fds[NS_UTS] >= 0) {
		join[NS_UTS] = fds[NS_UTS];
		setup.hostname = spec->hostname;
		any = true;
	}
	/* The child that works for another user namespace joins that one by itself. */
	join[NS_USER] = -1;
	return any ? ns_setup_in(join, fds[NS_USER], &setup, e) : 0;
}

/* Held comes last: a run that is killed before leaves a pod that gc takes away. */
static int hold(struct pod *p, const struct pod_spec *spec, struct work *w, struct error *e)
{
	ns_set bound;

	/* So that a container that sets another value later is told. */
	for (size_t i = 0; i < spec->sysctl_count; i++) {
		const struct sysctl *x = &spec->sysctls[i];

		/* To write nothing changes nothing. */
		if (*x->value && record_set_sysctl(&p->rec, x->path, x->value, e) < 0)
			return -1;
	}
	if (pod_pin(p, w->fd, &bound, e) < 0)
		return -1;
	p->rec.held = true;
	return pod_save(p, e);
}

static int fill(struct pod *p, const struct pod_spec *spec, struct error *e)
{
	cleanup_work struct work w = { .fd = NS_FDS_NONE, .there = NS_FDS_NONE };

	p->rec.created = (uint64_t)clock_seconds(CLOCK_REALTIME);
	if (check_pinned(p, spec, &w, e) < 0)
		return -1;
	if ((spec->from ? open_from(spec, &w, e) : make_missing(p, spec, &w, e)) < 0)
		return -1;
	return set_up_others(spec, &w, e) < 0 ? -1 : hold(p, spec, &w, e);
}

int pod_make(struct pod *p, struct store *store, const char *name, const struct pod_spec *spec,
	     struct error *e)
{
	struct error why;

	*p = (struct pod)POD_NONE;
	if (check_spec(spec, e) < 0 || pod_open(p, store, name, true, e) < 0 || check_new(p, e) < 0)
		return -1;
	if (fill(p, spec, e) == 0)
		return 0;
	if (p->saved.len && pod_end(p, &why) < 0)
		log_error(LOG_LEVEL_WARN, &why);
	return -1;
}
