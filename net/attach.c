/* SPDX-License-Identifier: Apache-2.0 */
#include "net/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "net/chain.h"
#include "net/result.h"
#include "net/taken.h"
#include "ns/net.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define RESOLV_CONF "resolv.conf"

/* Of the time for add, what is kept for DEL after a failure. */
#define UNDO_MS 10000

static int read_boot_id(struct buf *id, struct error *e)
{
	if (read_file_at(AT_FDCWD, BOOT_ID, 64, id) < 0)
		return error_set(e, errno, "read " BOOT_ID);
	if (id->len && id->data[id->len - 1] == '\n')
		id->data[--id->len] = '\0';
	return id->len ? 0 : error_set(e, 0, BOOT_ID " is empty");
}

int attach_is_of_this_boot(const struct net_state *st, bool *is, struct error *e)
{
	cleanup_buf struct buf id = { 0 };

	if (read_boot_id(&id, e) < 0)
		return -1;
	*is = !strcmp(id.data, st->boot);
	return 0;
}

bool attach_pin_is_there(const struct net_state *st)
{
	struct error ignored;
	struct ns_id id;
	cleanup_close int fd = ns_open_path(st->netns, NS_NET, &id, &ignored);

	return fd >= 0 && ns_same_pin(id, st->ns);
}

int attach_recorded_conflist(struct conflist *list, const struct net_state *st, struct error *e)
{
	return conflist_parse(list, "the recorded network", st->conflist.text, st->conflist.len, e);
}

int attach_lock_ports(struct store *store, struct error *e)
{
	cleanup_free char *path = concat(store->root, "/podns", NULL);

	if (!path)
		return error_nomem(e);
	return lock_own_dir(store->root_fd, "podns", 0700, path, &store->wait, e);
}

/* --- detaching ------------------------------------------------------------------------------------ */

/* The result that DEL and CHECK get: the last one. Before 0.4.0 they get none. */
static const struct net_text *last_result(const struct net_state *st)
{
	if (!st->result_count || !chain_version_from(st->version, 0, 4))
		return NULL;
	return &st->results[st->result_count - 1];
}

/* DEL for all plugins in reverse. The first error is returned, the others are logged. */
static int del_plugins(const struct chain *chain, const struct net_state *st, struct error *e)
{
	struct chain_call call = { .command = "DEL", .prev = last_result(st), .dns = st };
	struct error each;
	int r = 0;

	call.ports = st->changing ? &st->next_ports : &st->ports;
	for (size_t i = chain->list->count; i-- > 0;) {
		cleanup_buf struct buf out = { 0 };

		call.index = call.after = i;
		if (chain_call(chain, &call, &out, &each) == 0)
			continue;
		if (!r)
			*e = each;
		else
			log_error(LOG_LEVEL_WARN, &each);
		r = -1;
	}
	return r;
}

static int detach_plugins(const struct attach *a, const struct net_state *st, bool this_boot,
			  struct error *e)
{
	cleanup_conflist struct conflist list = { 0 };
	struct chain chain = {
		.list = &list, .id = st->id, .lock_fd = a->lock_fd, .until = a->until
	};

	if (attach_recorded_conflist(&list, st, e) < 0)
		return -1;
	/* Another namespace may be pinned at the path by now, and is none of the plugins' business. */
	chain.netns = this_boot && attach_pin_is_there(st) ? st->netns : "";
	return del_plugins(&chain, st, e);
}

/*
 * Of another boot only files are left (host-local's addresses): one DEL is tried, whatever it says. Its
 * plugins may never succeed, since what they look for is gone.
 */
static int detach_any(const struct attach *a, const struct net_state *st, struct error *e)
{
	bool this_boot;

	if (attach_is_of_this_boot(st, &this_boot, e) < 0)
		return -1;
	if (!st->version)
		return this_boot ? detach_pasta(st, e) : 0;
	if (detach_plugins(a, st, this_boot, e) == 0)
		return 0;
	if (this_boot)
		return -1;
	log_error(LOG_LEVEL_WARN, e);
	return 0;
}

static void save_reason(const struct attach *a, struct net_state *st, const struct error *why)
{
	struct error e;

	net_state_set_error(st, why);
	if (state_save(a->store, st, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
}

int attach_detach(const struct attach *a, struct net_state *st, struct error *e)
{
	struct error unsaved;

	/* With a full disk the pod must be detached all the same. */
	st->phase = NET_LEAVING;
	if (state_save(a->store, st, &unsaved) < 0)
		log_error(LOG_LEVEL_WARN, &unsaved);
	unlinkat(a->lock_fd, RESOLV_CONF, 0);
	if (detach_any(a, st, e) == 0)
		return state_remove(a->store, a->pod, e);
	save_reason(a, st, e);
	return -1;
}

int attach_del(const struct attach *a, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };

	if (state_load(a->store, a->pod, &st, e) < 0)
		return -1;
	if (st.pod)
		return attach_detach(a, &st, e);
	unlinkat(a->lock_fd, RESOLV_CONF, 0);
	/* A temporary file that a killed run left. */
	return state_remove(a->store, a->pod, e);
}
