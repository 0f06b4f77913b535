/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sweep before each run, and the end of a pod: what it owns is removed, unless a container lives
 * in what cannot be seen from here.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "ns/mounts.h"
#include "ns/shm.h"
#include "pod/bundle.h"
#include "pod/etc.h"
#include "pod/pod.h"

/*
 * A bundle that cannot be reverted does not keep the pod from ending. bundle_end() keeps the copy if
 * another attempt may succeed, and gc finds it without the record.
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

static void forget_pin(struct pod *p, enum ns_type t)
{
	p->rec.pin[t] = (struct record_pin){ 0 };
	cleanup_closep(&p->pin[t].fd);
	p->pin[t] = (struct pod_pin){ .fd = -1 };
}

/* The record is emptied in memory; the caller saves or removes it. */
static int remove_owned(struct pod *p, struct error *e)
{
	struct error next;
	bool failed = false;
	const char *shm;

	revert_bundles(p);
	/* While its namespace is pinned. If that fails, the pin stays for another attempt. */
	if (pod_detach(p, &next) < 0)
		log_all_but_first(&failed, e, &next);
	/* In reverse: a user namespace is removed after those that it owns. */
	for (int t = NS_TYPES - 1; t >= 0; t--) {
		if (!p->rec.pin[t].ours || (t == NS_NET && p->rec.network))
			continue;
		if (pins_remove(&p->pins, (enum ns_type)t, p->rec.pin[t].id, &next) < 0)
			log_all_but_first(&failed, e, &next);
		else
			forget_pin(p, (enum ns_type)t);
	}
	shm = pod_shm_path(p, &next);
	if (!shm || (p->rec.shm && shm_unmount(p->fd, STORE_SHM_DIR, shm, &next) < 0))
		log_all_but_first(&failed, e, &next);
	else
		p->rec.shm = false;
	if (pod_remove_all_hosts(p, &next) < 0)
		log_all_but_first(&failed, e, &next);
	while (p->rec.entrant_count)
		pod_forget_entrant(p, p->rec.entrant_count - 1);
	p->rec.sysctl_count = p->rec.host_count = 0;
	p->rec.held = false;
	return failed ? -1 : 0;
}

/* This takes one system call; reading the table of mounts takes many. */
static bool is_visible(const struct pod *p, enum ns_type t)
{
	struct stat st;

	return p->pins.dir[t] >= 0 &&
	       fstatat(p->pins.dir[t], p->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ns_same(ns_id_of(&st), p->rec.pin[t].id);
}

/* A pin that another mount hides would outlive its pod's record. */
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
		if (pins_open_dir(&p->pins, (enum ns_type)t, false, e) < 0 ||
		    (!is_visible(p, (enum ns_type)t) && check_hidden(p, (enum ns_type)t, e) < 0))
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
	if (remove_owned(p, e) < 0) {
		save_what_stays(p);
		return -1;
	}
	if (unlinkat(p->fd, POD_RECORD_FILE, 0) < 0 && errno != ENOENT)
		return error_set(e, errno, "remove %s/" POD_RECORD_FILE, p->path);
	buf_free(&p->saved);
	if (pod_remove_dir(p) < 0)
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

/* Is the pod in use or held, and was it pinned in another mount namespace that still exists? */
static int is_used_elsewhere(const struct pod *p, struct ns_id here, bool *used, struct error *e)
{
	struct ns_id pidns;

	*used = false;
	if (record_is_empty(&p->rec) || !p->rec.mntns.ino || ns_same(p->rec.mntns, here))
		return 0;
	if (ns_own_pidns(&pidns, e) < 0)
		return -1;
	*used = !pod_is_deserted("mnt", p->rec.mntns, pidns);
	return 0;
}

int pod_has_lost_network(struct pod *p, bool *lost, struct error *e)
{
	struct ns_id here = { 0 };
	bool used;

	*lost = false;
	if (!p->rec.network || !p->rec.attached || p->rec.entrant_count || !p->rec.pin[NS_NET].ours)
		return 0;
	if (pod_look(p, NS_BIT(NS_NET), e) < 0)
		return -1;
	if (ns_same_pin(p->pin[NS_NET].id, p->rec.pin[NS_NET].id))
		return 0;
	if (check_hidden(p, NS_NET, e) < 0 || ns_own_id(NS_MNT, &here, e) < 0 ||
	    is_used_elsewhere(p, here, &used, e) < 0)
		return -1;
	*lost = !used;
	return 0;
}

int pod_detach_lost(struct pod *p, struct error *e)
{
	const char *network = p->rec.network;

	return pod_detach(p, e) < 0 ? -1 : record_set_network(&p->rec, network, e);
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
	return error_hint(
		e,
		"end the pod first, with `podns rm --force %s`, or run this in that mount "
		"namespace",
		p->name);
}

/* The mount is gone, but its mount point may be left. */
static int forget_lost(struct pod *p, enum ns_type t, struct error *e)
{
	if (pins_remove(&p->pins, t, p->rec.pin[t].id, e) < 0)
		return -1;
	p->rec.pin[t] = (struct record_pin){ 0 };
	return 0;
}

/*
 * If a recorded pin is not visible here, a new namespace is made for the next container. That is
 * wrong while containers live in the old one, or while another mount namespace in which the pin is
 * visible is in use: a container on its way in or the holder of the pod may rely on the pin there.
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

/* A pod that has ended, but whose network could not be detached, may stay so until somebody looks into it. */
static int remove_ended(struct pod *p, struct error *e)
{
	if (check_all_hidden(p, e) < 0)
		return -1;
	if (remove_owned(p, e) == 0)
		return 0;
	if (!p->rec.network || !p->rec.leaving)
		return -1;
	error_prefix(e, "it has ended, but cannot be detached");
	return *e->hint ? -1
			: error_hint(e, "remove the reason, or forget it: `podns rm --force %s`",
				     p->name);
}

int pod_sweep(struct pod *p, const char *id, const char *bundle, struct error *e)
{
	if (pod_drop_dead(p, e) < 0)
		return -1;
	if (record_is_empty(&p->rec) && p->saved.len) {
		if (remove_ended(p, e) < 0)
			return -1;
		p->rec.created = (uint64_t)clock_seconds(CLOCK_REALTIME);
	}
	return check_visible(p, id, bundle, e);
}
