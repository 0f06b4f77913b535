/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "ns/pin.h"
#include "ns/procs.h"
#include "pod/name.h"
#include "pod/pod.h"

const char *pod_state_name(enum pod_state state)
{
	static const char *const names[] = {
		[POD_HELD] = "held",       [POD_LIVE] = "live",       [POD_CLAIMED] = "claimed",
		[POD_STALE] = "stale",     [POD_LEAVING] = "leaving", [POD_BROKEN] = "broken",
		[POD_FOREIGN] = "foreign",
	};

	return names[state];
}

int views_begin(struct views *v, struct store *store, struct error *e)
{
	*v = (struct views)VIEWS_NONE;
	v->store = store;
	for (int t = 0; t < NS_TYPES; t++) {
		v->dir[t] = pin_dir_open(store->root_fd, store->root, (enum ns_type)t, false, e);
		if (v->dir[t] < 0 && e->num != ENOENT)
			return -1;
		/* ENOENT: this kernel does not have the type. */
		if (ns_own_id((enum ns_type)t, &v->own[t], e) < 0 && e->num != ENOENT)
			return -1;
	}
	return ns_own_pidns(&v->pidns, e);
}

void views_free(struct views *v)
{
	for (size_t i = 0; i < v->count; i++)
		record_free(&v->list[i].rec);
	for (int t = 0; t < NS_TYPES; t++)
		cleanup_closep(&v->dir[t]);
	mounts_free(&v->mounts);
	arena_free(&v->arena);
	free(v->list);
	*v = (struct views)VIEWS_NONE;
}

const char *views_pin_path(struct views *v, const struct view *x, enum ns_type t, struct error *e)
{
	return store_pin_path(v->store, &v->arena, t, x->name, e);
}

/* --- pins and members --------------------------------------------------- */

static void set_broken(struct views *v, struct view *x, const char *why)
{
	const char *copy = arena_strndup(&v->arena, why, strlen(why));

	if (x->state == POD_BROKEN)
		return;
	x->state = POD_BROKEN;
	x->reason = copy ? copy : "no memory to say why";
}

/* Find out why a pin of the record is not at its path. */
static int explain_missing(struct views *v, struct view *x, enum ns_type t, const char *path,
			   struct error *e)
{
	const struct ns_id *should = &x->rec.pin[t].id;
	struct error why;

	if (!v->mounts_read && mounts_read(&v->mounts, e) < 0)
		return -1;
	v->mounts_read = true;
	/* mountinfo has no birth times: an inode number may be of a new namespace, seen at the path. */
	if (!ns_same(x->pin[t], *should) && mounts_has_pin(&v->mounts, *should, path)) {
		error_set(&why, 0, "%s is hidden by a mount over %s/%sns or over the pin", path,
			  v->store->root, ns_info[t].brief);
		x->hidden |= NS_BIT(t);
	} else if (x->pin[t].ino) {
		error_set(&why, 0, "%s is another %s namespace than the pod's", path,
			  ns_info[t].oci);
	} else if (!ns_same(x->rec.mntns, v->own[NS_MNT])) {
		error_set(&why, 0, "%s was pinned in mount namespace [%ju], this is [%ju]", path,
			  (uintmax_t)x->rec.mntns.ino, (uintmax_t)v->own[NS_MNT].ino);
	} else {
		error_set(&why, 0, "%s is gone", path);
	}
	set_broken(v, x, why.text);
	return 0;
}

/* One system call where all is well, instead of pin_look()'s five: 10,000 pods would be slow. */
static bool is_as_recorded(const struct views *v, const struct view *x, enum ns_type t)
{
	struct stat st;

	return x->rec.pin[t].ours && v->dir[t] >= 0 &&
	       fstatat(v->dir[t], x->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ns_same_pin(ns_id_of(&st), x->rec.pin[t].id);
}

static int view_pins(struct views *v, struct view *x, struct error *e)
{
	for (int t = 0; t < NS_TYPES; t++) {
		bool ours = x->rec.pin[t].ours;
		enum pin_state state;
		const char *path;

		if (is_as_recorded(v, x, (enum ns_type)t)) {
			x->pin[t] = x->rec.pin[t].id;
			x->pinned |= NS_BIT(t);
			continue;
		}
		if (v->dir[t] < 0 && !ours)
			continue;
		path = views_pin_path(v, x, (enum ns_type)t, e);
		if (!path)
			return -1;
		if (v->dir[t] >= 0 && pin_look(v->dir[t], x->name, path, (enum ns_type)t, &state,
					       NULL, &x->pin[t], e) < 0)
			set_broken(v, x, e->text);
		if (x->pin[t].ino)
			x->pinned |= NS_BIT(t);
		if (ours && !ns_same_pin(x->pin[t], x->rec.pin[t].id) &&
		    explain_missing(v, x, (enum ns_type)t, path, e) < 0)
			return -1;
	}
	return 0;
}

/* Members whose pids or start times are of another namespace cannot be checked: they count as alive. */
static void count_entrants(struct views *v, struct view *x)
{
	bool time_known = !x->rec.timens.ino || ns_same(v->own[NS_TIME], x->rec.timens);
	bool pids_known = ns_same(v->pidns, x->rec.pidns);

	for (size_t i = 0; i < x->rec.entrant_count; i++) {
		bool member = x->rec.entrants[i].kind == ENTRANT_MEMBER;
		bool known = time_known && (pids_known || !member);

		if (!known) {
			set_broken(v, x,
				   time_known
					   ? "its containers are known by pids of another pid "
					     "namespace"
					   : "its containers are known by start times of another "
					     "time namespace");
			x->elsewhere = true;
		}
		if (!known || pod_entrant_lives(&x->rec.entrants[i]))
			*(member ? &x->containers : &x->claims) += 1;
	}
}

static void set_state(struct views *v, struct view *x)
{
	count_entrants(v, x);
	if (x->state == POD_BROKEN || x->state == POD_FOREIGN)
		return;
	x->state = x->rec.held      ? POD_HELD
		   : x->containers  ? POD_LIVE
		   : x->claims      ? POD_CLAIMED
		   : x->rec.leaving ? POD_LEAVING
				    : POD_STALE;
	if (x->state == POD_LEAVING)
		x->reason = x->rec.leaving;
}

/* --- views ---------------------------------------------------------------- */

/* Sets POD_FOREIGN where there is no record, POD_BROKEN where it cannot be read, else POD_STALE. */
static int read_record(struct views *v, struct view *x, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	char path[POD_NAME_MAX + 16];

	x->state = POD_FOREIGN;
	concat_in(path, sizeof(path), x->name, "/" POD_RECORD_FILE, NULL);
	if (v->store->dir_fd < 0)
		return 0;
	if (read_file_at(v->store->dir_fd, path, POD_RECORD_MAX, &text) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		error_set(e, errno, "read %s/podns/%s", v->store->root, path);
	} else if (record_parse_file(&x->rec, &text, e) == 0) {
		x->state = POD_STALE;
		return 0;
	}
	if (e->num == ENOMEM)
		return -1;
	x->unreadable = true;
	set_broken(v, x, e->text);
	return 0;
}

static struct view *new_view(struct views *v, const char *name, struct error *e)
{
	size_t cap = v->cap ? 2 * v->cap : 16;
	struct view *bigger;
	const char *copy = arena_strndup(&v->arena, name, strlen(name));

	if (copy && v->count == v->cap) {
		bigger = realloc(v->list, cap * sizeof(*bigger));
		if (!bigger)
			copy = NULL;
		else
			v->list = bigger;
		v->cap = bigger ? cap : v->cap;
	}
	if (!copy) {
		error_nomem(e);
		return NULL;
	}
	v->list[v->count] = (struct view){ .name = copy };
	return &v->list[v->count++];
}

/* A name without a record is added only if `foreign` is set and a namespace is pinned under the name. */
static int add_view(struct views *v, const char *name, bool foreign, struct error *e)
{
	struct view *x = new_view(v, name, e);

	if (!x || read_record(v, x, e) < 0)
		return -1;
	if ((foreign || x->state != POD_FOREIGN) && view_pins(v, x, e) < 0)
		return -1;
	set_state(v, x);
	if (x->state == POD_FOREIGN && !x->pinned)
		v->count--;
	return 0;
}

int views_add(struct views *v, const char *name, struct error *e)
{
	size_t count = v->count;

	if (pod_check_name(name, e) < 0 || add_view(v, name, true, e) < 0)
		return -1;
	return v->count > count
		       ? 0
		       : error_set(e, 0, "there is no pod %s under %s", name, v->store->root);
}

static int add_recorded(void *arg, const char *pod, struct error *e)
{
	return add_view(arg, pod, false, e);
}

static int compare_names(const void *a, const void *b)
{
	const struct view *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void sort_views(struct views *v)
{
	if (v->count)
		qsort(v->list, v->count, sizeof(*v->list), compare_names);
}

int views_add_all(struct views *v, struct error *e)
{
	if (store_each_pod(v->store, add_recorded, v, e) < 0)
		return -1;
	sort_views(v);
	return 0;
}

const struct view *views_find(const struct views *v, const char *name)
{
	struct view key = { .name = name };

	return v->count ? bsearch(&key, v->list, v->count, sizeof(key), compare_names) : NULL;
}

static int add_names_of(struct views *v, enum ns_type t, struct error *e)
{
	DIR *dir = open_dir_stream(v->dir[t], ".");
	struct error ignored;
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return error_set(e, errno, "read directory %s/%sns", v->store->root,
				 ns_info[t].brief);
	while (!r && (entry = read_entry(dir)))
		if (pod_check_name(entry->d_name, &ignored) == 0 && !new_view(v, entry->d_name, e))
			r = -1;
	if (!r && errno)
		r = error_set(e, errno, "read directory %s/%sns", v->store->root, ns_info[t].brief);
	closedir(dir);
	return r;
}

int views_add_pinned(struct views *v, struct error *e)
{
	size_t kept = 0;

	for (int t = 0; t < NS_TYPES; t++)
		if (v->dir[t] >= 0 && add_names_of(v, (enum ns_type)t, e) < 0)
			return -1;
	sort_views(v);
	for (size_t i = 0; i < v->count; i++)
		if (!kept || strcmp(v->list[kept - 1].name, v->list[i].name))
			v->list[kept++] = v->list[i];
	v->count = kept;
	for (size_t i = 0; i < v->count; i++)
		if (view_pins(v, &v->list[i], e) < 0)
			return -1;
	return 0;
}

int views_open_pins(const struct views *v, const struct view *x, int fds[NS_TYPES], struct error *e)
{
	enum pin_state state;
	struct ns_id id;

	for (int t = 0; t < NS_TYPES; t++)
		fds[t] = -1;
	for (int t = 0; t < NS_TYPES; t++)
		if (x->pinned & NS_BIT(t) && pin_look(v->dir[t], x->name, x->name, (enum ns_type)t,
						      &state, &fds[t], &id, e) < 0)
			return -1;
	return 0;
}

/* --- processes ------------------------------------------------------------ */

/* A hash table from namespaces to views, with open addressing. Several pods may pin one namespace. */
struct slot {
	struct ns_id id;
	struct view *view;
};

struct table {
	struct slot *slots;
	size_t mask;
	struct arena *arena;
	ns_set types; /* that any pod has pinned */
};

static size_t slot_of(const struct table *tab, struct ns_id id)
{
	return (size_t)(id.ino * UINT64_C(0x9e3779b97f4a7c15) >> 20) & tab->mask;
}

static void table_add(struct table *tab, struct ns_id id, struct view *x)
{
	size_t i = slot_of(tab, id);

	while (tab->slots[i].view)
		i = (i + 1) & tab->mask;
	tab->slots[i] = (struct slot){ id, x };
}

static int table_fill(struct table *tab, struct views *v, struct error *e)
{
	size_t size = 64;

	while (size < 2 * v->count * NS_TYPES)
		size *= 2;
	tab->mask = size - 1;
	tab->slots = calloc(size, sizeof(*tab->slots));
	if (!tab->slots)
		return error_nomem(e);
	for (size_t i = 0; i < v->count; i++) {
		struct view *x = &v->list[i];

		for (int t = 0; t < NS_TYPES; t++) {
			struct ns_id id = (x->hidden & NS_BIT(t)) ? x->rec.pin[t].id : x->pin[t];

			if (!id.ino || ns_same(id, v->own[t]))
				continue;
			table_add(tab, id, x);
			tab->types |= NS_BIT(t);
		}
	}
	return 0;
}

static int add_pid(struct table *tab, struct view *x, pid_t pid, struct error *e)
{
	size_t n = x->pid_count;
	pid_t *bigger;

	/* A process may be in several of the pod's namespaces; its calls follow each other. */
	if (n && x->pids[n - 1] == pid)
		return 0;
	if (!(n & (n - 1))) {
		bigger = arena_alloc(tab->arena, (n ? 2 * n : 1) * sizeof(*bigger));
		if (!bigger)
			return error_nomem(e);
		if (n)
			memcpy(bigger, x->pids, n * sizeof(*bigger));
		x->pids = bigger;
	}
	x->pids[x->pid_count++] = pid;
	return 0;
}

static int add_process(void *arg, pid_t pid, const struct ns_id in[NS_TYPES], struct error *e)
{
	struct table *tab = arg;

	for (int t = 0; t < NS_TYPES; t++) {
		if (!in[t].ino)
			continue;
		for (size_t i = slot_of(tab, in[t]); tab->slots[i].view; i = (i + 1) & tab->mask)
			if (ns_same(tab->slots[i].id, in[t]) &&
			    add_pid(tab, tab->slots[i].view, pid, e) < 0)
				return -1;
	}
	return 0;
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int views_find_processes(struct views *v, struct error *e)
{
	struct table tab = { .arena = &v->arena };
	int r;

	if (table_fill(&tab, v, e) < 0)
		return -1;
	r = tab.types ? procs_walk(tab.types, add_process, &tab, e) : 0;
	free(tab.slots);
	for (size_t i = 0; i < v->count; i++)
		if (v->list[i].pid_count)
			qsort(v->list[i].pids, v->list[i].pid_count, sizeof(pid_t), compare_pids);
	return r;
}
