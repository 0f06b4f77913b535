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

static void report(const struct gc *g, enum gc_action action, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void report(const struct gc *g, enum gc_action action, const char *fmt, ...)
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

/* Like report(), but delayed until report_noted(): the pod has to be saved or ended first. */
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

static void report_noted(struct gc *g)
{
	for (size_t i = 0; i < g->noted.len; i += strlen(g->noted.data + i) + 1) {
		enum gc_action action = (enum gc_action)g->noted.data[i++];

		g->opt->report(g->opt->arg, action, g->noted.data + i);
	}
	g->noted.len = 0;
}

/* The caller goes on: pod_gc() returns the last failure. */
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

/* In a dry run, all hidden pins; else those that are back, and an error for the others. */
static int report_unhidden(const struct gc *g, enum ns_type t, const struct hidden_pin *list,
			   size_t n, struct error *e)
{
	cleanup_close int dir = pin_dir_open(g->store->root_fd, g->store->root, t, false, e);
	const char *root = g->store->root, *brief = ns_info[t].brief;
	int r = dir < 0 ? -1 : 0;
	struct stat st;

	for (size_t i = 0; dir >= 0 && i < n; i++) {
		if (g->opt->dry_run || (fstatat(dir, list[i].name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
					ns_same_pin(ns_id_of(&st), list[i].id)))
			report(g, GC_PIN, "%s/%sns/%s", root, brief, list[i].name);
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
	return report_unhidden(g, t, list, n, e);
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
			r = note(g, GC_DROP, "container %s of pod %s: it was never started", x->id,
				 pod);
		else
			r = note(g, GC_DROP, "claim %s on pod %s: it has expired", x->token, pod);
	}
	return r;
}

static size_t count_dead(const struct record *rec)
{
	size_t dead = 0;

	for (size_t i = 0; i < rec->entrant_count; i++)
		dead += !pod_entrant_lives(&rec->entrants[i]);
	return dead;
}

static bool has_ended(const struct record *rec)
{
	return !rec->held && count_dead(rec) == rec->entrant_count;
}

/* rec is the record under its lock or, in a dry run, the view's. */
static int note_pod(struct gc *g, const struct view *x, const struct record *rec, struct error *e)
{
	int r;

	g->noted.len = 0;
	r = note_dead(g, x->name, rec);
	if (r == 0 && has_ended(rec)) {
		if (x->pid_count)
			r = note(g, GC_KEEP, "pod %s: process %d is still in its namespaces",
				 x->name, x->pids[0]);
		else
			r = note(g, GC_END, "pod %s", x->name);
	}
	return r < 0 ? error_nomem(e) : 0;
}

/* No container can join it any more, but its ports would stay taken until podns rm, since the pod is held. */
static int sweep_network(struct gc *g, struct pod *pod, struct error *e)
{
	bool lost;

	if (!pod->rec.held)
		return 0;
	if (pod_has_lost_network(pod, &lost, e) < 0)
		return -1;
	if (!lost)
		return 0;
	if (note(g, GC_DROP, "network %s of pod %s: its namespace is gone", pod->rec.network,
		 pod->name) < 0)
		return error_nomem(e);
	if (g->opt->dry_run)
		return 0;
	return pod_detach_lost(pod, e) < 0 ? -1 : pod_save(pod, e);
}

/* To be looked into under the lock. */
static bool may_have_lost_network(const struct view *x)
{
	return x->rec.held && x->rec.network && x->rec.attached &&
	       !((x->pinned | x->hidden) & NS_BIT(NS_NET));
}

static int sweep_locked(struct gc *g, const struct view *x, struct pod *pod, struct error *e)
{
	if (pod_check_clocks(pod, e) < 0)
		return -1;
	if (g->opt->dry_run && (x->unreadable || x->elsewhere))
		return 0;
	if (note_pod(g, x, &pod->rec, e) < 0)
		return -1;
	if (g->opt->dry_run)
		return sweep_network(g, pod, e);
	if (pod_drop_dead(pod, e) < 0)
		return -1;
	if (record_is_empty(&pod->rec) && !x->pid_count)
		return pod_end(pod, e);
	if (pod_save(pod, e) < 0)
		return -1;
	/* Whatever becomes of the network. */
	report_noted(g);
	return sweep_network(g, pod, e);
}

static int sweep_pod(struct gc *g, const struct view *x, struct error *e)
{
	cleanup_pod struct pod pod = POD_NONE;

	g->noted.len = 0;
	if (!x->unreadable && !x->elsewhere && !count_dead(&x->rec) && !has_ended(&x->rec) &&
	    !may_have_lost_network(x))
		return 0;
	if (g->opt->dry_run && !x->unreadable && !x->elsewhere && !may_have_lost_network(x))
		return note_pod(g, x, &x->rec, e);
	store_reset_wait(g->store);
	if (pod_open(&pod, g->store, x->name, false, e) < 0)
		return -1;
	if (pod.fd < 0)
		return 0;
	log_context("gc", x->name);
	return sweep_locked(g, x, &pod, e);
}

static void sweep_pods(struct gc *g)
{
	struct error why;

	for (size_t i = 0; i < g->views.count; i++)
		if (sweep_pod(g, &g->views.list[i], &why) == 0)
			report_noted(g);
		else
			note_failure(g, &why);
	log_context("gc", NULL);
}

/* --- leftovers without a pod ----------------------------------------------- */

/*
 * Call fn with the pod's record under its lock. A pod without a record is opened with `make`, since
 * the lock also keeps out a run that is just making the pod; closing it removes the directory again.
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
		if (rec->entrants[i].id &&
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
	report(g, GC_REMOVE, "%s/podns/%s", g->store->root, entry);
	return 0;
}

static int check_entry(void *arg, const char *entry, const char *pod, struct error *e)
{
	struct gc *g = arg;
	const struct view *x = views_find(&g->views, pod);

	if (x && (x->unreadable || has_entry(&x->rec, entry)))
		return 0;
	if (g->opt->dry_run) {
		report(g, GC_REMOVE, "%s/podns/%s", g->store->root, entry);
		return 0;
	}
	/* A target that is no pod's name: the entry is not ours. */
	if (pod_check_name(pod, e) < 0 || with_pod(g, pod, drop_entry, entry, e) < 0)
		note_failure(g, e);
	return 0;
}

/* The pod and bundle of a copy in <bundles>; NULL where the directory has no copy. */
struct kept {
	char *pod, *bundle;
};

static void kept_free(struct kept *k)
{
	free(k->pod);
	free(k->bundle);
}

#define cleanup_kept __attribute__((cleanup(kept_free)))

/* The bundle's lock is released again, since the pod's lock has to be taken first. */
static int read_kept(struct gc *g, const char *name, struct kept *k, struct error *e)
{
	cleanup_original struct original o = ORIGINAL_NONE;

	if (original_open_name(&o, g->store, name, e) < 0)
		return -1;
	if (!o.there)
		return 0; /* original_close() removes the directory */
	k->pod = strdup(o.pod);
	k->bundle = strdup(o.bundle);
	return k->pod && k->bundle ? 0 : error_nomem(e);
}

/* Is it a directory without a copy that no run has locked? */
static bool is_left_over(const struct gc *g, const char *name)
{
	cleanup_close int fd =
		openat(g->store->bundles_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstatat(fd, ORIGINAL_COPY, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	       flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* A directory that is still there could not be removed: original_close() has logged that. */
static void report_left_over(const struct gc *g, const char *name)
{
	struct stat st;

	if (g->opt->dry_run || fstatat(g->store->bundles_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		report(g, GC_REMOVE, "%s/%s", g->store->bundles, name);
}

static int revert_bundle(struct gc *g, const struct record *rec, const void *arg, struct error *e)
{
	const struct kept *k = arg;
	enum revert_how how;

	if (record_has_bundle(rec, k->bundle))
		return 0;
	if (bundle_end(g->store, k->pod, k->bundle, BUNDLE_PATIENCE, &how, e) < 0)
		return -1;
	if (how != REVERT_NOTHING)
		report(g, GC_REVERT, "%s: its pod %s is gone", k->bundle, k->pod);
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
			report_left_over(g, name);
		return 0;
	}
	x = views_find(&g->views, k.pod);
	if (x && (x->unreadable || record_has_bundle(&x->rec, k.bundle)))
		return 0;
	if (g->opt->dry_run)
		report(g, GC_REVERT, "%s: its pod %s is gone", k.bundle, k.pod);
	else if (with_pod(g, k.pod, revert_bundle, &k, e) < 0)
		note_failure(g, e);
	return 0;
}

/* pod_open() removes a directory without a record; fd is open on that directory. */
static int remove_record_dir(struct gc *g, const char *pod, int fd, struct error *e)
{
	cleanup_pod struct pod there = POD_NONE;

	if (pod_open(&there, g->store, pod, false, e) < 0)
		return -1;
	if (there.fd >= 0)
		return 0;
	if (is_still_there(g->store->dir_fd, pod, fd)) {
		error_set(e, ENOTEMPTY, "remove %s/podns/%s", g->store->root, pod);
		return error_hint(e, "no record is in it; look at what is, and remove it by hand");
	}
	report(g, GC_REMOVE, "%s/podns/%s", g->store->root, pod);
	return 0;
}

/* A directory without a record is of a run that was killed before it wrote one, or is about to. */
static int check_record(void *arg, const char *pod, struct error *e)
{
	struct lock_wait wait = { .seconds = 1 };
	cleanup_close int fd = -1;
	struct gc *g = arg;
	struct stat st;

	fd = openat(g->store->dir_fd, pod, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstatat(fd, POD_RECORD_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	/* The child of a killed run, which makes namespaces, holds the lock a little longer. */
	if (lock_bounded(fd, pod, &wait, e) < 0) {
		if (e->num != ETIMEDOUT)
			note_failure(g, e);
		return 0;
	}
	flock(fd, LOCK_UN);
	if (g->opt->dry_run)
		report(g, GC_REMOVE, "%s/podns/%s", g->store->root, pod);
	else if (remove_record_dir(g, pod, fd, e) < 0)
		note_failure(g, e);
	return 0;
}

/*
 * Empty mount points that are in no record stay: we record a pin before we make its mount point, so
 * they are not ours, and unlink(2) would unmount what another mount namespace has mounted on them.
 */
static int sweep_rest(struct gc *g, struct error *e)
{
	if (load_views(g, e) < 0 || store_each_index(g->store, check_entry, g, e) < 0 ||
	    store_each_bundle(g->store, check_bundle, g, e) < 0)
		return -1;
	return store_each_pod(g->store, check_record, g, e);
}

/* Networks whose pod is gone: of before a reboot, or of a killed run. podns-net prints what it does. */
static int sweep_networks(struct gc *g, struct error *e)
{
	struct network_client *client = g->store->network;
	struct network_request request = { .verb = NETWORK_SWEEP };
	struct network_answer answer;

	if (!client || g->opt->dry_run)
		return 0;
	return client->call(client, &request, -1, &answer, e);
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
	if (sweep_networks(&g, &why) < 0)
		note_failure(&g, &why);
	views_free(&g.views);
	buf_free(&g.noted);
	return g.failed ? -1 : 0;
}
