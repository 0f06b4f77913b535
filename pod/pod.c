/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/pod.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "ns/mounts.h"
#include "ns/procs.h"
#include "ns/shm.h"
#include "pod/bundle.h"

uint64_t pod_boot_seconds(void)
{
	return (uint64_t)clock_seconds(CLOCK_BOOTTIME);
}

static int lock_dir(struct pod *p, bool make, struct error *e)
{
	struct store *store = p->store;

	if (store->dir_fd < 0)
		return error_set(e, ENOENT, "open pod %s", p->name);
	p->fd = lock_own_dir(store->dir_fd, p->name, make ? 0700 : 0, p->path, &store->wait, e);
	return p->fd < 0 ? -1 : 0;
}

static int load(struct pod *p, struct error *e)
{
	if (read_file_at(p->fd, POD_RECORD_FILE, POD_RECORD_MAX, &p->saved) < 0) {
		if (errno != ENOENT)
			return error_set(e, errno, "read %s/" POD_RECORD_FILE, p->path);
		p->rec.created = (uint64_t)clock_seconds(CLOCK_REALTIME);
		return 0;
	}
	if (record_parse_file(&p->rec, &p->saved, e) == 0)
		return 0;
	error_prefix(e, "%s/" POD_RECORD_FILE, p->path);
	return error_hint(e, "remove the pod's pins by hand, then %s", p->path);
}

int pod_open(struct pod *p, struct store *store, const char *name, bool make, struct error *e)
{
	*p = (struct pod)POD_NONE;
	p->store = store;
	p->name = strdup(name);
	p->path = concat(store->root, "/podns/", name, NULL);
	if (!p->name || !p->path) {
		error_nomem(e);
		goto failed;
	}
	p->pins.root_fd = store->root_fd;
	p->pins.root = store->root;
	p->pins.name = p->name;
	if (lock_dir(p, make, e) < 0 || load(p, e) < 0)
		goto failed;
	if (make || p->saved.len)
		return 0;
	/* An empty directory is what a kill between two steps leaves; pod_close() removes it. */
	error_set(e, ENOENT, "open pod %s", name);
failed:
	pod_close(p);
	return -1;
}

/* The pod's own, without a record. A run that was killed may have left a part of one. */
static int remove_dir(const struct pod *p)
{
	return remove_own_dir(p->store->dir_fd, p->name, p->fd, "." POD_RECORD_FILE ".new");
}

void pod_close(struct pod *p)
{
	/*
	 * While we hold the lock of the directory that is at the path,
	 * nobody else can be between making it and its record.
	 */
	if (p->fd >= 0 && !p->ended && !p->saved.len)
		remove_dir(p);
	for (int t = 0; t < NS_TYPES; t++)
		cleanup_closep(&p->pin[t].fd);
	pins_close(&p->pins);
	record_free(&p->rec);
	buf_free(&p->saved);
	cleanup_closep(&p->fd);
	free(p->name);
	free(p->path);
	*p = (struct pod)POD_NONE;
}

const char *pod_shm_path(struct pod *p, struct error *e)
{
	return store_shm_path(p->store, &p->rec.arena, p->name, e);
}

static int look_at(struct pod *p, enum ns_type t, struct error *e)
{
	struct pod_pin *pin = &p->pin[t];
	enum pin_state state;
	const char *path;

	if (pins_open_dir(&p->pins, t, false, e) < 0)
		return e->num == ENOENT ? 0 : -1;
	path = pins_path(&p->pins, t, e);
	if (!path || pin_look(p->pins.dir[t], p->name, path, t, &state, &pin->fd, &pin->id, e) < 0)
		return -1;
	/* Ours is what the record names: a run that was killed before it could bind. */
	if (state != PIN_EMPTY || p->rec.pin[t].ours)
		return 0;
	error_set(e, 0, "%s is not %s %s namespace, but an empty file that this pod did not make",
		  path, ns_info[t].article, ns_info[t].oci);
	return error_hint(
		e, "it may be a mount point in another mount namespace; if nothing needs it, "
		   "remove it, else name the pod otherwise");
}

int pod_look(struct pod *p, ns_set set, struct error *e)
{
	for (int t = 0; t < NS_TYPES; t++) {
		if (!(set & NS_BIT(t)) || p->pin[t].looked)
			continue;
		if (look_at(p, (enum ns_type)t, e) < 0)
			return -1;
		p->pin[t].looked = true;
	}
	return 0;
}

int pod_save(struct pod *p, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	struct buf old;

	if (record_format(&p->rec, &text, e) < 0)
		return -1;
	if (text.len == p->saved.len && !memcmp(text.data, p->saved.data, text.len))
		return 0;
	/* pod_open() would refuse it, so the pod could never be removed. */
	if (text.len > POD_RECORD_MAX)
		return error_set(e, 0, "%s/" POD_RECORD_FILE " would be larger than %zu bytes",
				 p->path, POD_RECORD_MAX);
	if (replace_file_at(p->fd, POD_RECORD_FILE, text.data, text.len, false) < 0)
		return error_set(e, errno, "write %s/" POD_RECORD_FILE, p->path);
	old = p->saved;
	p->saved = text;
	text = old;
	return 0;
}

static void forget_pin(struct pod *p, enum ns_type t)
{
	p->rec.pin[t] = (struct record_pin){ 0 };
	cleanup_closep(&p->pin[t].fd);
	p->pin[t] = (struct pod_pin){ .fd = -1 };
}

int pod_hold(struct pod *p, struct error *e)
{
	p->rec.held = true;
	return pod_save(p, e);
}

bool pod_entrant_lives(const struct entrant *x)
{
	uint64_t now;

	if (x->kind == ENTRANT_MEMBER)
		return process_alive(x->pid, x->start);
	/* One that seems to come from the future is of an earlier boot. */
	now = pod_boot_seconds();
	return x->expires > now && x->expires - now <= CLAIM_SECONDS;
}

/* An index entry that cannot be removed is left to gc. */
static void forget_entrant(struct pod *p, size_t i)
{
	const struct entrant *x = &p->rec.entrants[i];
	struct error e;

	if (x->kind != ENTRANT_CLAIM && store_unindex(p->store, x->id, x->bundle, p->name, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
	record_drop_entrant(&p->rec, i);
}

static bool has_members(const struct record *rec)
{
	for (size_t i = 0; i < rec->entrant_count; i++)
		if (rec->entrants[i].kind == ENTRANT_MEMBER)
			return true;
	return false;
}

/*
 * The inode of the initial pid namespace: PROC_PID_INIT_INO in include/linux/proc_ns.h.
 * From there all processes are seen.
 */
#define INITIAL_PIDNS 0xEFFFFFFCU

/*
 * Is nobody in this namespace any more? Told from the initial pid namespace alone. file: its name
 * in /proc/PID/ns.
 */
static bool is_deserted(const char *file, struct ns_id ns, struct ns_id own_pidns)
{
	bool found = false;
	struct error ignored;

	return own_pidns.ino == INITIAL_PIDNS && procs_find(file, ns, &found, &ignored) == 0 &&
	       !found;
}

static int check_pidns(const struct pod *p, bool *gone, struct error *e)
{
	struct ns_id here;

	*gone = false;
	if (!has_members(&p->rec))
		return 0;
	if (ns_own_pidns(&here, e) < 0)
		return -1;
	if (ns_same(here, p->rec.pidns))
		return 0;
	*gone = is_deserted("pid", p->rec.pidns, here);
	if (*gone)
		return 0;
	error_set(e, 0,
		  "the pod's containers are known by their pids in pid namespace [%ju], and "
		  "this is [%ju]",
		  (uintmax_t)p->rec.pidns.ino, (uintmax_t)here.ino);
	error_hint(e, "run this in that pid namespace, or give this one a root of its own");
	e->num = EXDEV;
	return -1;
}

/* A kernel before 5.6 has no time namespaces: ino 0. */
static int own_timens(struct ns_id *id, struct error *e)
{
	if (ns_own_id(NS_TIME, id, e) == 0)
		return 0;
	*id = (struct ns_id){ 0 };
	return e->num == ENOENT ? 0 : -1;
}

/* Start times in /proc and CLOCK_BOOTTIME are shifted in a time namespace: time_namespaces(7). */
static int check_timens(const struct pod *p, struct error *e)
{
	struct ns_id here;

	if (!p->rec.entrant_count || !p->rec.timens.ino)
		return 0;
	if (own_timens(&here, e) < 0)
		return -1;
	if (ns_same(here, p->rec.timens))
		return 0;
	error_set(e, 0,
		  "the pod's containers are known by their start times in time namespace [%ju], "
		  "and this is [%ju]",
		  (uintmax_t)p->rec.timens.ino, (uintmax_t)here.ino);
	error_hint(e, "run this in that time namespace, or give this one a root of its own");
	e->num = EXDEV;
	return -1;
}

int pod_note_clocks(struct pod *p, struct error *e)
{
	return ns_own_pidns(&p->rec.pidns, e) < 0 ? -1 : own_timens(&p->rec.timens, e);
}

static int check_clocks(const struct pod *p, bool *gone, struct error *e)
{
	return check_timens(p, e) < 0 ? -1 : check_pidns(p, gone, e);
}

int pod_check_clocks(const struct pod *p, struct error *e)
{
	bool gone;

	return check_clocks(p, &gone, e);
}

int pod_drop_dead(struct pod *p, struct error *e)
{
	bool gone;

	if (check_clocks(p, &gone, e) < 0)
		return -1;
	for (size_t i = 0; i < p->rec.entrant_count;) {
		const struct entrant *x = &p->rec.entrants[i];

		if (pod_entrant_lives(x) && !(gone && x->kind == ENTRANT_MEMBER)) {
			i++;
			continue;
		}
		log_debug("pod %s: sweep %s", p->name, x->id ? x->id : "an expired claim");
		forget_entrant(p, i);
	}
	return 0;
}

/* Of several errors the first is told; the others are logged. */
static void keep_first(bool *failed, struct error *first, const struct error *next)
{
	if (*failed)
		log_error(LOG_LEVEL_WARN, next);
	else
		*first = *next;
	*failed = true;
}

/*
 * A bundle that cannot be reverted does not keep the pod from ending: its copy stays where trying
 * again may help, and gc finds that by itself.
 */
static void revert_bundles(struct pod *p)
{
	enum revert_how how;
	struct error e;

	for (size_t i = 0; i < p->rec.bundle_count; i++)
		if (bundle_end(p->store, p->name, p->rec.bundles[i], 0, &how, &e) < 0)
			log_error(LOG_LEVEL_WARN, &e);
	p->rec.bundle_count = 0;
}

void pod_forget_bundles(struct pod *p)
{
	enum revert_how how;
	struct error e;
	struct stat st;

	for (size_t i = 0; i < p->rec.bundle_count;) {
		const char *bundle = p->rec.bundles[i];

		if (stat(bundle, &st) == 0 || errno != ENOENT) {
			i++;
			continue;
		}
		/* It is not there, so that only its copy goes. */
		if (bundle_end(p->store, p->name, bundle, 0, &how, &e) < 0) {
			log_error(LOG_LEVEL_WARN, &e);
			i++;
			continue;
		}
		record_drop_bundle(&p->rec, bundle);
	}
}

/* The record stays, empty, until it is saved or removed. */
static int clear(struct pod *p, struct error *e)
{
	struct error next;
	bool failed = false;
	const char *shm;

	revert_bundles(p);
	/* Backwards: a user namespace goes after those that it owns. */
	for (int t = NS_TYPES - 1; t >= 0; t--) {
		if (!p->rec.pin[t].ours)
			continue;
		if (pins_remove(&p->pins, (enum ns_type)t, p->rec.pin[t].id, &next) < 0)
			keep_first(&failed, e, &next);
		else
			forget_pin(p, (enum ns_type)t);
	}
	shm = pod_shm_path(p, &next);
	if (!shm || (p->rec.shm && shm_unmount(p->fd, STORE_SHM_DIR, shm, &next) < 0))
		keep_first(&failed, e, &next);
	else
		p->rec.shm = false;
	while (p->rec.entrant_count)
		forget_entrant(p, p->rec.entrant_count - 1);
	p->rec.sysctl_count = 0;
	p->rec.held = false;
	return failed ? -1 : 0;
}

bool pod_shm_mounted(const struct pod *p)
{
	return shm_is_mounted(p->fd, STORE_SHM_DIR);
}

int pod_shm_mount(struct pod *p, uint64_t size, const char *label, struct error *e)
{
	const char *path = pod_shm_path(p, e);

	return path ? shm_mount(p->fd, STORE_SHM_DIR, path, size, label, e) : -1;
}

bool pod_shm_unmount(struct pod *p)
{
	struct error e;
	const char *path = pod_shm_path(p, &e);

	if (path && shm_unmount(p->fd, STORE_SHM_DIR, path, &e) == 0)
		return true;
	log_error(LOG_LEVEL_WARN, &e);
	return false;
}

/*
 * One system call for each pin where all is well. The table of mounts, which tells the rest, knows
 * no birth time: a number that is used again is not hidden.
 */
static bool is_visible(const struct pod *p, enum ns_type t)
{
	struct stat st;

	return p->pins.dir[t] >= 0 &&
	       fstatat(p->pins.dir[t], p->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ns_same(ns_id_of(&st), p->rec.pin[t].id);
}

/* A pin that a mount hides: who takes that away later would find it, with no record to tell of it. */
static int check_hidden(struct pod *p, enum ns_type t, struct error *e)
{
	cleanup_mounts struct mounts m = { 0 };
	const char *path = pins_path(&p->pins, t, e);

	if (!path || mounts_read(&m, e) < 0)
		return -1;
	if (!mounts_has_pin(&m, p->rec.pin[t].id, path))
		return 0;
	error_set(e, 0, "%s is hidden by a mount over %s/%sns or over the pin", path,
		  p->store->root, ns_info[t].brief);
	return error_hint(e, "podns gc brings it back");
}

static int check_all_hidden(struct pod *p, struct error *e)
{
	for (int t = 0; t < NS_TYPES; t++) {
		if (!p->rec.pin[t].ours)
			continue;
		if (pins_open_dir(&p->pins, (enum ns_type)t, false, e) < 0 && e->num != ENOENT)
			return -1;
		if (!is_visible(p, (enum ns_type)t) && check_hidden(p, (enum ns_type)t, e) < 0)
			return -1;
	}
	return 0;
}

static void save_what_stays(struct pod *p)
{
	struct error e;

	if (pod_save(p, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
}

int pod_end(struct pod *p, struct error *e)
{
	if (check_all_hidden(p, e) < 0)
		return -1;
	if (clear(p, e) < 0) {
		save_what_stays(p);
		return -1;
	}
	if (unlinkat(p->fd, POD_RECORD_FILE, 0) < 0 && errno != ENOENT)
		return error_set(e, errno, "remove %s/" POD_RECORD_FILE, p->path);
	buf_free(&p->saved);
	if (remove_dir(p) < 0)
		return error_set(e, errno, "remove %s", p->path);
	p->ended = true;
	return 0;
}

static bool has_live_members(const struct pod *p, const char *id, const char *bundle)
{
	for (size_t i = 0; i < p->rec.entrant_count; i++) {
		const struct entrant *x = &p->rec.entrants[i];

		if (x->kind == ENTRANT_MEMBER && !(id && entrant_is_of(x, id, bundle)))
			return true;
	}
	return false;
}

/* Is the pod somebody's in the mount namespace that it was pinned in, which is not ours? */
static int is_used_elsewhere(const struct pod *p, struct ns_id here, bool *used, struct error *e)
{
	struct ns_id pidns;

	*used = false;
	if (record_is_empty(&p->rec) || !p->rec.mntns.ino || ns_same(p->rec.mntns, here))
		return 0;
	if (ns_own_pidns(&pidns, e) < 0)
		return -1;
	*used = !is_deserted("mnt", p->rec.mntns, pidns);
	return 0;
}

static int refuse_invisible(struct pod *p, enum ns_type t, struct ns_id here, bool live,
			    struct error *e)
{
	const char *path = pins_path(&p->pins, t, e);
	const char *who = live ? "has live containers"
			       : "is held, or a container is on its way in,";
	uintmax_t ino = p->rec.pin[t].id.ino;

	if (!path)
		return -1;
	if (ns_same(p->rec.mntns, here)) {
		error_set(e, 0, "the pod %s but its %s namespace [%ju] is not at %s any more", who,
			  ns_info[t].oci, ino, path);
		return error_hint(e, "stop the pod's containers first");
	}
	error_set(e, 0,
		  "the pod %s but its %s namespace [%ju] is not at %s: it was pinned in mount "
		  "namespace [%ju], this is [%ju]",
		  who, ns_info[t].oci, ino, path, (uintmax_t)p->rec.mntns.ino, (uintmax_t)here.ino);
	return error_hint(e, "end the pod first, or run this in that mount namespace");
}

/* A pin that nobody can see and nobody needs: its mount point may be left, and the record names it. */
static int forget_lost(struct pod *p, enum ns_type t, struct error *e)
{
	if (pins_remove(&p->pins, t, p->rec.pin[t].id, e) < 0)
		return -1;
	p->rec.pin[t] = (struct record_pin){ 0 };
	return 0;
}

/*
 * Pins that the record tells of and nobody can see. Live containers are in the ones that
 * were: a new one would not be with them. In another mount namespace that is in use those may
 * be that are on their way in, too, and whoever holds the pod.
 */
static int check_visible(struct pod *p, const char *id, const char *bundle, struct error *e)
{
	struct ns_id here = { 0 };
	bool live, used;

	for (int t = 0; t < NS_TYPES; t++) {
		if (!p->rec.pin[t].ours)
			continue;
		if (pod_look(p, NS_BIT(t), e) < 0)
			return -1;
		if (ns_same_pin(p->pin[t].id, p->rec.pin[t].id))
			continue;
		live = has_live_members(p, id, bundle);
		if (ns_own_id(NS_MNT, &here, e) < 0 || is_used_elsewhere(p, here, &used, e) < 0)
			return -1;
		if (live || used)
			return refuse_invisible(p, (enum ns_type)t, here, live, e);
		if (forget_lost(p, (enum ns_type)t, e) < 0)
			return -1;
	}
	return 0;
}

int pod_sweep(struct pod *p, const char *id, const char *bundle, struct error *e)
{
	if (pod_drop_dead(p, e) < 0)
		return -1;
	if (record_is_empty(&p->rec) && p->saved.len) {
		if (clear(p, e) < 0)
			return -1;
		p->rec.created = (uint64_t)clock_seconds(CLOCK_REALTIME);
	}
	return check_visible(p, id, bundle, e);
}
