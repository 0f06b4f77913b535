/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "ns/pin.h"
#include "ns/unhide.h"
#include "pod/bundle.h"
#include "pod/name.h"
#include "pod/pod.h"
#include "pod/view.h"

struct gc {
	struct store *store;
	const struct gc_options *opt;
	struct views views;
	struct buf
		noted; /* what note() keeps: an action and its text with a NUL, one after the other */
	bool failed;
	struct error *e; /* the last failure */
};

static void tell(const struct gc *g, enum gc_action action, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(const struct gc *g, enum gc_action action, const char *fmt, ...)
{
	char what[sizeof(g->e->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	g->opt->report(g->opt->arg, action, what);
}

static int note(struct gc *g, enum gc_action action, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Keep for tell_noted() what is true only after the pod was saved or ended. */
static int note(struct gc *g, enum gc_action action, const char *fmt, ...)
{
	char what[sizeof(g->e->text)];
	const char byte = (char)action;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return buf_add(&g->noted, &byte, 1) < 0 ? -1 : buf_add(&g->noted, what, strlen(what) + 1);
}

static void tell_noted(const struct gc *g)
{
	for (size_t i = 0; i < g->noted.len; i += strlen(g->noted.data + i) + 1) {
		enum gc_action action = (enum gc_action)g->noted.data[i++];

		g->opt->report(g->opt->arg, action, g->noted.data + i);
	}
}

/* One thing that cannot be swept keeps nothing else from being swept. */
static void note_failure(struct gc *g, const struct error *e)
{
	if (g->failed)
		log_error(LOG_LEVEL_ERROR, g->e);
	g->failed = true;
	*g->e = *e;
}

/* --- hidden pins ----------------------------------------------------------- */

static int list_hidden(struct gc *g, enum ns_type t, struct hidden_pin **list, size_t *n,
		       struct error *e)
{
	*n = 0;
	*list = calloc(g->views.count + 1, sizeof(**list));
	if (!*list)
		return error_nomem(e);
	for (size_t i = 0; i < g->views.count; i++) {
		const struct view *x = &g->views.list[i];

		if (x->hidden & NS_BIT(t))
			(*list)[(*n)++] = (struct hidden_pin){ x->name, x->rec.pin[t].id };
	}
	return 0;
}

/* In a dry run, all that would be looked for. */
static int tell_unhidden(const struct gc *g, enum ns_type t, const struct hidden_pin *list,
			 size_t n, struct error *e)
{
	cleanup_close int dir = pin_dir_open(g->store->root_fd, g->store->root, t, false, e);
	const char *root = g->store->root, *brief = ns_info[t].brief;
	int r = dir < 0 ? -1 : 0;
	struct stat st;

	for (size_t i = 0; dir >= 0 && i < n; i++) {
		if (g->opt->dry_run || (fstatat(dir, list[i].name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
					ns_same_pin(ns_id_of(&st), list[i].id)))
			tell(g, GC_PIN, "%s/%sns/%s", root, brief, list[i].name);
		else
			r = error_set(e, 0,
				      "%s/%sns/%s is hidden by a mount, and could not be brought "
				      "back",
				      root, brief, list[i].name);
	}
	return r;
}

static int unhide_type(struct gc *g, enum ns_type t, struct error *e)
{
	cleanup_free struct hidden_pin *list = NULL;
	size_t n;

	if (list_hidden(g, t, &list, &n, e) < 0)
		return -1;
	if (n && !g->opt->dry_run &&
	    pins_unhide(g->store->root_fd, g->store->root, t, list, n, e) < 0)
		return -1;
	return tell_unhidden(g, t, list, n, e);
}

static int load_views(struct gc *g, struct error *e)
{
	views_free(&g->views);
	if (views_begin(&g->views, g->store, e) < 0 || views_add_all(&g->views, e) < 0)
		return -1;
	return views_find_processes(&g->views, e);
}

static int unhide_all(struct gc *g, struct error *e)
{
	ns_set hidden = 0;
	struct error why;

	for (size_t i = 0; i < g->views.count; i++)
		hidden |= g->views.list[i].hidden;
	for (int t = 0; t < NS_TYPES; t++)
		if (hidden & NS_BIT(t) && unhide_type(g, (enum ns_type)t, &why) < 0)
			note_failure(g, &why);
	return hidden && !g->opt->dry_run ? load_views(g, e) : 0;
}

/* --- pods ------------------------------------------------------------------ */

static int note_dead(struct gc *g, const char *pod, const struct record *rec)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];

		if (pod_entrant_lives(x))
			continue;
		if (x->kind == ENTRANT_MEMBER)
			r = note(g, GC_DROP, "container %s of pod %s: its process %d is gone",
				 x->id, pod, x->pid);
		else if (x->kind == ENTRANT_WAITING)
			r = note(g, GC_DROP, "container %s of pod %s: it never came", x->id, pod);
		else
			r = note(g, GC_DROP, "claim %s on pod %s: it has expired", x->token, pod);
	}
	return r;
}

static bool all_dead(const struct record *rec)
{
	for (size_t i = 0; i < rec->entrant_count; i++)
		if (pod_entrant_lives(&rec->entrants[i]))
			return false;
	return !rec->held;
}

static bool any_dead(const struct record *rec)
{
	for (size_t i = 0; i < rec->entrant_count; i++)
		if (!pod_entrant_lives(&rec->entrants[i]))
			return true;
	return false;
}

/* The same for a record under its lock and for one that was only looked at. */
static int note_pod(struct gc *g, const struct view *x, const struct record *rec, struct error *e)
{
	int r;

	g->noted.len = 0;
	r = note_dead(g, x->name, rec);
	if (r == 0 && all_dead(rec)) {
		if (x->pid_count)
			r = note(g, GC_KEEP,
				 "pod %s: no container is left in it, but process %d is", x->name,
				 x->pids[0]);
		else
			r = note(g, GC_END, "pod %s", x->name);
	}
	return r < 0 ? error_nomem(e) : 0;
}

static int sweep_locked(struct gc *g, const struct view *x, struct pod *pod, struct error *e)
{
	if (pod_check_clocks(pod, e) < 0)
		return -1;
	if (g->opt->dry_run)
		return 0;
	if (note_pod(g, x, &pod->rec, e) < 0 || pod_drop_dead(pod, e) < 0)
		return -1;
	if (!record_is_empty(&pod->rec) || x->pid_count)
		return pod_save(pod, e);
	return pod_end(pod, e);
}

static int sweep_pod(struct gc *g, const struct view *x, struct error *e)
{
	cleanup_pod struct pod pod = POD_NONE;

	g->noted.len = 0;
	if (!x->unreadable && !x->elsewhere && !any_dead(&x->rec) && !all_dead(&x->rec))
		return 0;
	if (g->opt->dry_run && !x->unreadable && !x->elsewhere)
		return note_pod(g, x, &x->rec, e);
	store_reset_wait(g->store);
	if (pod_open(&pod, g->store, x->name, false, e) < 0)
		return e->num == ENOENT ? 0 : -1;
	log_context("gc", x->name);
	return sweep_locked(g, x, &pod, e);
}

static void sweep_pods(struct gc *g)
{
	struct error why;

	for (size_t i = 0; i < g->views.count; i++)
		if (sweep_pod(g, &g->views.list[i], &why) == 0)
			tell_noted(g);
		else
			note_failure(g, &why);
	log_context("gc", NULL);
}

/* --- what is left without a pod --------------------------------------------- */

/*
 * Call fn with the pod's record under its lock, made for the time being where there is
 * none: nobody else is then between making it and filling it.
 */
static int with_pod(struct gc *g, const char *name,
		    int (*fn)(struct gc *g, const struct record *rec, const void *arg,
			      struct error *e),
		    const void *arg, struct error *e)
{
	cleanup_pod struct pod pod = POD_NONE;

	store_reset_wait(g->store);
	if (pod_open(&pod, g->store, name, true, e) < 0)
		return -1;
	return fn(g, &pod.rec, arg, e);
}

static bool has_entry(const struct record *rec, const char *entry)
{
	for (size_t i = 0; i < rec->entrant_count; i++)
		if (rec->entrants[i].kind != ENTRANT_CLAIM &&
		    store_entry_is(entry, rec->entrants[i].id, rec->entrants[i].bundle))
			return true;
	return false;
}

static int drop_entry(struct gc *g, const struct record *rec, const void *arg, struct error *e)
{
	const char *entry = arg;

	if (has_entry(rec, entry))
		return 0;
	if (store_drop_entry(g->store, entry, e) < 0)
		return -1;
	tell(g, GC_REMOVE, "%s/podns/%s", g->store->root, entry);
	return 0;
}

static int check_entry(void *arg, const char *entry, const char *pod, struct error *e)
{
	struct gc *g = arg;
	const struct view *x = views_find(&g->views, pod);

	if (x && (x->unreadable || has_entry(&x->rec, entry)))
		return 0;
	if (g->opt->dry_run) {
		tell(g, GC_REMOVE, "%s/podns/%s", g->store->root, entry);
		return 0;
	}
	/* What is no pod's name is no index entry of ours. */
	if (pod_check_name(pod, e) < 0 || with_pod(g, pod, drop_entry, entry, e) < 0)
		note_failure(g, e);
	return 0;
}

/* Whose copy a directory in <bundles> holds. */
struct kept {
	char *pod, *bundle; /* NULL: it holds none, and a killed run left it */
};

static void kept_free(struct kept *k)
{
	free(k->pod);
	free(k->bundle);
}

#define cleanup_kept __attribute__((cleanup(kept_free)))

/* The lock is not kept: that of the pod comes before it. */
static int read_kept(struct gc *g, const char *name, struct kept *k, struct error *e)
{
	cleanup_original struct original o = ORIGINAL_NONE;

	if (original_open_name(&o, g->store, name, e) < 0)
		return -1;
	if (!o.there)
		return 0; /* closing it removes the directory */
	k->pod = strdup(o.pod);
	k->bundle = strdup(o.bundle);
	return k->pod && k->bundle ? 0 : error_nomem(e);
}

/* Is it a directory without a copy that no run is about to fill? */
static bool is_left_over(const struct gc *g, const char *name)
{
	cleanup_close int fd =
		openat(g->store->bundles_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstatat(fd, ORIGINAL_COPY, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	       flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* original_close() warns of a directory that it could not remove. */
static void tell_left_over(const struct gc *g, const char *name)
{
	struct stat st;

	if (g->opt->dry_run || fstatat(g->store->bundles_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		tell(g, GC_REMOVE, "%s/%s", g->store->bundles, name);
}

static int revert(struct gc *g, const struct record *rec, const void *arg, struct error *e)
{
	const struct kept *k = arg;
	enum revert_how how;

	if (record_has_bundle(rec, k->bundle))
		return 0;
	if (bundle_end(g->store, k->pod, k->bundle, BUNDLE_PATIENCE, &how, e) < 0)
		return -1;
	if (how != REVERT_NOTHING)
		tell(g, GC_REVERT, "%s: its pod %s is gone", k->bundle, k->pod);
	return 0;
}

static int check_bundle(void *arg, const char *name, struct error *e)
{
	cleanup_kept struct kept k = { 0 };
	struct gc *g = arg;
	bool left_over = is_left_over(g, name);
	const struct view *x;

	store_reset_wait(g->store);
	if (!(left_over && g->opt->dry_run) && read_kept(g, name, &k, e) < 0) {
		note_failure(g, e);
		return 0;
	}
	if (!k.bundle) {
		if (left_over)
			tell_left_over(g, name);
		return 0;
	}
	x = views_find(&g->views, k.pod);
	if (x && (x->unreadable || record_has_bundle(&x->rec, k.bundle)))
		return 0;
	if (g->opt->dry_run)
		tell(g, GC_REVERT, "%s: its pod %s is gone", k.bundle, k.pod);
	else if (with_pod(g, k.pod, revert, &k, e) < 0)
		note_failure(g, e);
	return 0;
}

/* pod_open() finds no record, and removes the directory that `fd` holds. */
static int remove_record_dir(struct gc *g, const char *pod, int fd, struct error *e)
{
	cleanup_pod struct pod there = POD_NONE;

	if (pod_open(&there, g->store, pod, false, e) == 0)
		return 0;
	if (e->num != ENOENT)
		return -1;
	if (is_still_there(g->store->dir_fd, pod, fd)) {
		error_set(e, ENOTEMPTY, "remove %s/podns/%s", g->store->root, pod);
		return error_hint(e, "no record is in it; look at what is, and remove it by hand");
	}
	tell(g, GC_REMOVE, "%s/podns/%s", g->store->root, pod);
	return 0;
}

/*
 * A record's directory without a record: a run was killed before it had written one, or is
 * just about to.
 */
static int check_record(void *arg, const char *pod, struct error *e)
{
	cleanup_close int fd = -1;
	struct gc *g = arg;
	struct stat st;

	fd = openat(g->store->dir_fd, pod, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstatat(fd, POD_RECORD_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0;
	flock(fd, LOCK_UN);
	if (g->opt->dry_run)
		tell(g, GC_REMOVE, "%s/podns/%s", g->store->root, pod);
	else if (remove_record_dir(g, pod, fd, e) < 0)
		note_failure(g, e);
	return 0;
}

/*
 * An empty mount point that no record tells of stays: we record before we make one, and unlink(2)
 * would take away what another mount namespace has mounted on it.
 */
static int sweep_rest(struct gc *g, struct error *e)
{
	if (load_views(g, e) < 0 || store_each_index(g->store, check_entry, g, e) < 0 ||
	    store_each_bundle(g->store, check_bundle, g, e) < 0)
		return -1;
	return store_each_pod(g->store, check_record, g, e);
}

int pod_gc(struct store *store, const struct gc_options *opt, struct error *e)
{
	struct gc g = { .store = store, .opt = opt, .views = VIEWS_NONE, .e = e };
	struct error why;
	int r;

	r = load_views(&g, &why);
	if (r == 0)
		r = unhide_all(&g, &why);
	if (r == 0) {
		sweep_pods(&g);
		r = sweep_rest(&g, &why);
	}
	if (r < 0)
		note_failure(&g, &why);
	views_free(&g.views);
	buf_free(&g.noted);
	return g.failed ? -1 : 0;
}
