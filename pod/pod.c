/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/pod.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "ns/shm.h"

static int lock_dir(struct pod *p, bool make, struct error *e)
{
	struct store *store = p->store;

	if (store->dir_fd < 0)
		return 0;
	p->fd = lock_own_dir(store->dir_fd, p->name, make ? 0700 : 0, p->path, &store->wait, e);
	return p->fd < 0 && (make || e->num != ENOENT) ? -1 : 0;
}

static int read_record(struct pod *p, struct error *e)
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
	if (lock_dir(p, make, e) < 0 || (p->fd >= 0 && read_record(p, e) < 0))
		goto failed;
	/* A directory without a record is what a killed run left; pod_close() removes it. */
	if (!make && !p->saved.len)
		pod_close(p);
	return 0;
failed:
	pod_close(p);
	return -1;
}

int pod_remove_dir(const struct pod *p)
{
	return remove_own_dir(p->store->dir_fd, p->name, p->fd, "." POD_RECORD_FILE ".new");
}

void pod_close(struct pod *p)
{
	/* The lock is held, so no other run is about to save a record in it. */
	if (p->fd >= 0 && !p->ended && !p->saved.len)
		pod_remove_dir(p);
	for (int t = 0; t < NS_TYPES; t++)
		cleanup_closep(&p->pin[t].fd);
	pins_close(&p->pins);
	record_free(&p->rec);
	buf_free(&p->saved);
	if (p->plugins_ran && !p->lock_stays)
		flock(p->fd, LOCK_UN);
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
		return -1;
	if (p->pins.dir[t] < 0)
		return 0;
	path = pins_path(&p->pins, t, e);
	if (!path || pin_look(p->pins.dir[t], p->name, path, t, &state, &pin->fd, &pin->id, e) < 0)
		return -1;
	/* A recorded one is ours: a run was killed before the bind. */
	if (state != PIN_EMPTY || p->rec.pin[t].ours)
		return 0;
	error_set(e, 0, "%s is not %s %s namespace, but an empty file that this pod did not make",
		  path, ns_info[t].article, ns_info[t].oci);
	return error_hint(
		e, "it may be a mount point in another mount namespace; if nothing needs it, "
		   "remove it, or give the pod another name");
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

int pod_hold(struct pod *p, struct error *e)
{
	p->rec.held = true;
	return pod_save(p, e);
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
