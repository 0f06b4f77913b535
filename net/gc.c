/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gc.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

#define GC_ROOT "/run"

/* How long pods wait at most that are to be attached, in milliseconds. */
#define GC_MS 8000

struct gc {
	struct store *store;
	uint64_t until;
	int lock; /* that of the ports; plugins inherit it */
	const char *network;
	struct buf list; /* of struct conf_attachment, of that network */
	struct arena arena;
	struct error *e; /* the first error */
	bool failed;
};

/* What is recorded counts as existing, also what is still to be detached: DEL is tried for that. */
static int add_attachment(void *arg, const char *pod, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };
	struct gc *g = arg;
	struct conf_attachment attachment;

	if (state_load(g->store, pod, &st, e) < 0)
		return -1;
	if (!st.pod || strcmp(st.network, g->network) != 0)
		return 0;
	attachment.id = arena_strndup(&g->arena, st.id, strlen(st.id));
	attachment.ifname = arena_strndup(&g->arena, st.ifname, strlen(st.ifname));
	if (!attachment.id || !attachment.ifname ||
	    buf_add(&g->list, &attachment, sizeof(attachment)) < 0)
		return error_nomem(e);
	return 0;
}

static int gc_plugin(const struct chain *chain, struct chain_call *call, struct error *e)
{
	cleanup_buf struct buf out = { 0 };
	unsigned known;

	/* A plugin that does not answer to VERSION knows no GC. */
	if (chain_versions(chain, call->index, &known, &(struct error){ 0 }) < 0 ||
	    !(known & CNI_BIT(CNI_1_1_0)))
		return 0;
	return chain_call(chain, call, &out, e);
}

/* The caller holds the lock under which each attachment is recorded before its first plugin runs. */
static int gc_network(struct gc *g, struct conflist *list, struct error *e)
{
	/* A plugin whose podns-net was killed must not remove what is attached after its list was made. */
	struct chain chain = { .list = list, .lock_fd = g->lock, .until = g->until };
	struct chain_call call = { .command = "GC", .extras.gc = true };
	struct error own;
	int r = 0;

	g->network = list->name;
	g->list.len = 0;
	/* A record that cannot be read may be of this network: GC would remove what it is about. */
	if (state_each(g->store, add_attachment, g, e) < 0)
		return -1;
	call.extras.attachments = (const struct conf_attachment *)(const void *)g->list.data;
	call.extras.attachment_count = g->list.len / sizeof(*call.extras.attachments);
	for (call.index = 0; call.index < list->count; call.index++) {
		call.after = list->count - call.index - 1;
		if (gc_plugin(&chain, &call, &own) == 0)
			continue;
		if (!r)
			*e = own;
		r = -1;
	}
	return r;
}

static int visit(void *arg, const char *path, struct conflist *list, const struct error *why,
		 struct error *e)
{
	struct gc *g = arg;
	struct error own;

	(void)path;
	(void)e;
	if (!list || why || list->selected < CNI_1_1_0 || list->disable_gc)
		return 0;
	if (gc_network(g, list, &own) < 0) {
		error_prefix(&own, "network %s", list->name);
		log_all_but_first(&g->failed, g->e, &own);
	}
	return 0;
}

int gc_networks(struct store *store, uint64_t until, struct error *e)
{
	struct gc g = { .store = store, .until = until, .e = e };
	struct error own;
	cleanup_close int lock = -1;

	if (strcmp(store->root, GC_ROOT) != 0)
		return 0;
	lock = attach_lock_ports(store, e);
	if (lock < 0)
		return -1;
	g.lock = lock;
	if (g.until > chain_now() + GC_MS)
		g.until = chain_now() + GC_MS;
	if (conflist_each(CONFLIST_DIR, visit, &g, &own) < 0)
		log_all_but_first(&g.failed, e, &own);
	attach_unlock(lock);
	buf_free(&g.list);
	arena_free(&g.arena);
	return g.failed ? -1 : 0;
}
