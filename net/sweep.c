/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "net/attach.h"
#include "net/gc.h"
#include "pod/pod.h"

/* The time for all pods together whose lock another process holds. */
#define LOCKED_SECONDS 2

/*
 * In milliseconds: with less time left no pod is begun with. Its plugins would be killed, and of an earlier boot
 * they are called only once.
 */
#define DETACH_LEAST_MS 3000

struct sweep {
	struct store *store;
	uint64_t until;
	int out_fd;
	struct lock_wait wait;
	struct error *e; /* the first error */
	bool failed;
};

static int has_pod(const struct store *store, const char *pod, bool *has, struct error *e)
{
	cleanup_free char *record = concat(pod, "/" POD_RECORD_FILE, NULL);
	struct stat st;

	*has = false;
	if (!record)
		return error_nomem(e);
	*has = fstatat(store->dir_fd, record, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!*has && errno != ENOENT)
		return error_set(e, errno, "look for %s/podns/%s", store->root, record);
	return 0;
}

/* *why: the reason for detaching the pod, or NULL. */
static int judge(const struct sweep *s, const struct net_state *st, const char **why,
		 struct error *e)
{
	bool this_boot = false, has = false;

	*why = NULL;
	if (attach_is_of_this_boot(st, &this_boot, e) < 0 ||
	    has_pod(s->store, st->pod, &has, e) < 0)
		return -1;
	if (!this_boot)
		*why = "the host was booted";
	else if (!has)
		*why = "the pod has ended";
	else if (st->phase == NET_LEAVING)
		*why = "that had failed before";
	else if (st->phase == NET_ADDING)
		*why = "attaching it was interrupted";
	return 0;
}

/*
 * Does the pod go on, and is that its network? `podns network up` needs the record then. No pod survives a reboot.
 */
static int needs_record(const struct sweep *s, const struct net_state *st, int pod_fd, bool *needs,
			struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	struct record rec;

	if (attach_is_of_this_boot(st, needs, e) < 0)
		return -1;
	if (!*needs)
		return 0;
	*needs = false;
	if (read_file_at(pod_fd, POD_RECORD_FILE, POD_RECORD_MAX, &text) < 0)
		return errno == ENOENT ? 0
				       : error_set(e, errno, "read %s/podns/%s/" POD_RECORD_FILE,
						   s->store->root, st->pod);
	if (record_parse_file(&rec, &text, e) < 0)
		return error_prefix(e, "%s/podns/%s/" POD_RECORD_FILE, s->store->root, st->pod);
	*needs = rec.network && !strcmp(rec.network, st->network);
	record_free(&rec);
	return 0;
}

/* Under the pod's lock: another process may have done it meanwhile, or have made the pod again. */
static int detach(const struct sweep *s, const char *pod, int lock_fd, struct error *e)
{
	struct attach a = { .store = s->store, .pod = pod, .lock_fd = lock_fd, .until = s->until };
	cleanup_net_state struct net_state st = { 0 };
	const char *why;

	if (state_load(s->store, pod, &st, e) < 0)
		return -1;
	if (!st.pod)
		return 0;
	if (judge(s, &st, &why, e) < 0)
		return -1;
	if (!why)
		return 0;
	if (needs_record(s, &st, lock_fd, &a.keep, e) < 0)
		return -1;
	if (attach_detach(&a, &st, e) < 0)
		return error_prefix(e, "pod %s: detach it from the network %s", pod, st.network);
	dprintf(s->out_fd, "%s: detached from the network %s: %s\n", pod, st.network, why);
	return 0;
}

static int lock_and_detach(struct sweep *s, const char *pod, struct error *e)
{
	cleanup_free char *path = concat(s->store->root, "/podns/", pod, NULL);
	cleanup_close int fd = -1;
	bool has = false;
	int r;

	if (!path)
		return error_nomem(e);
	if (chain_now() + DETACH_LEAST_MS > s->until) {
		error_set(e, 0, "pod %s: no time is left to detach it", pod);
		return error_hint(e, "podns gc does it when it runs again");
	}
	fd = lock_own_dir(s->store->dir_fd, pod, 0700, path, &s->wait, e);
	/* Another run is about to attach it, or to detach it. */
	if (fd < 0 && e->num == ETIMEDOUT)
		return has_pod(s->store, pod, &has, &(struct error){ 0 }) == 0 && has ? 0 : -1;
	if (fd < 0)
		return -1;
	r = detach(s, pod, fd, e);
	/* The lock's directory was made for this, or is what a killed run left. */
	if (has_pod(s->store, pod, &has, &(struct error){ 0 }) == 0 && !has)
		remove_own_dir(s->store->dir_fd, pod, fd, "." POD_RECORD_FILE ".new");
	attach_unlock(fd);
	return r;
}

static int sweep_pod(void *arg, const char *pod, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };
	struct sweep *s = arg;
	const char *why = NULL;
	struct error own;

	(void)e;
	if (state_load(s->store, pod, &st, &own) < 0 || (st.pod && judge(s, &st, &why, &own) < 0) ||
	    (why && lock_and_detach(s, pod, &own) < 0))
		log_all_but_first(&s->failed, s->e, &own);
	return 0;
}

int attach_sweep(struct store *store, uint64_t until, int out_fd, struct error *e)
{
	struct sweep s = {
		.store = store,
		.until = until,
		.out_fd = out_fd,
		.wait = { .seconds = LOCKED_SECONDS },
		.e = e,
	};
	struct error own;

	if (state_each(store, sweep_pod, &s, &own) < 0)
		log_all_but_first(&s.failed, e, &own);
	if (gc_networks(store, until, &own) < 0)
		log_all_but_first(&s.failed, e, &own);
	return s.failed ? -1 : 0;
}
