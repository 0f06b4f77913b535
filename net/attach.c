/* SPDX-License-Identifier: Apache-2.0 */
#include "net/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "net/chain.h"
#include "net/link.h"
#include "net/pasta.h"
#include "net/resolv.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* What is kept at most, and of each ten seconds four. */
#define UNDO_MS 10000

uint64_t attach_keep_time(uint64_t until)
{
	uint64_t now = chain_now(), left = until > now ? until - now : 0, kept = left * 2 / 5;

	return until - (kept < UNDO_MS ? kept : UNDO_MS);
}

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

int attach_note_boot(struct net_state *st, struct error *e)
{
	cleanup_buf struct buf id = { 0 };

	if (read_boot_id(&id, e) < 0)
		return -1;
	st->boot = net_state_string(st, id.data, e);
	return st->boot ? 0 : -1;
}

int attach_load(const struct attach *a, struct net_state *st, struct error *e)
{
	if (state_load(a->store, a->pod, st, e) < 0)
		return -1;
	if (st->pod)
		return 0;
	error_set(e, 0, "the pod has no network");
	return error_hint(e, "a pod gets one when it is made");
}

int attach_recorded_chain(const struct attach *a, const struct net_state *st, struct conflist *list,
			  struct chain *chain, struct error *e)
{
	enum cni_version version;

	*chain = (struct chain){
		.list = list,
		.id = st->id,
		.netns = st->netns,
		.lock_fd = a->lock_fd,
		.until = a->until,
	};
	if (conflist_parse(list, "the recorded conflist", st->conflist.text, st->conflist.len, e) <
	    0)
		return -1;
	if (!cni_version_parse(st->version, &version))
		return error_set(e, 0, "the recorded cniVersion %s is not known", st->version);
	return conflist_select(list, CNI_BIT(version), e);
}

struct conf_extras attach_extras(const struct net_state *st, const struct net_ports *ports,
				 const struct net_text *prev)
{
	struct conf_extras x = {
		.ports = ports->list,
		.port_count = ports->count,
		.dns = st->dns,
		.dns_count = st->dns_count,
		.bandwidth = st->bandwidth,
	};

	if (prev) {
		x.prev_result = prev->text;
		x.prev_len = prev->len;
	}
	return x;
}

int attach_call_add(const struct chain *chain, const struct chain_call *call, struct buf *result,
		    struct error *e)
{
	const struct conflist *list = chain->list;
	const char *type = list->plugins[call->index].type;
	cleanup_result struct result parsed = { 0 };
	cleanup_buf struct buf out = { 0 };

	if (chain_call(chain, call, &out, e) < 0 ||
	    result_parse(&parsed, type, out.data ? out.data : "", out.len, e) < 0)
		return -1;
	if (result_complete(out.data, out.len, list->version, result, e) < 0)
		return error_prefix(e, "plugin %s: ADD: its result", type);
	return 0;
}

const struct net_text *attach_last_result(const struct net_state *st, const struct conflist *list)
{
	if (!st->result_count || list->selected < CNI_0_4_0)
		return NULL;
	return &st->results[st->result_count - 1];
}

int attach_parse_last(const struct net_state *st, struct result *result, struct error *e)
{
	const struct net_text *last = &st->results[st->result_count - 1];

	return result_parse(result, "(recorded)", last->text, last->len, e);
}

int attach_lock_ports(struct store *store, struct error *e)
{
	cleanup_free char *path = concat(store->root, "/podns", NULL);

	if (!path)
		return error_nomem(e);
	return lock_own_dir(store->root_fd, "podns", 0700, path, &store->wait, e);
}

void attach_unlock(int fd)
{
	flock(fd, LOCK_UN);
}

/* --- detaching ------------------------------------------------------------------------------------ */

/*
 * Rules for the old ports and for new ones may be there if a change of them was interrupted. Plugins delete by
 * the id of the attachment; portmap needs only to see that there are ports.
 */
static const struct net_ports *ports_to_delete(const struct net_state *st)
{
	return st->changing && !st->ports.count ? &st->next_ports : &st->ports;
}

/* The addresses of a pod that is detached, and whether another pod has one of them. */
struct reuse {
	const struct attach *a;
	const struct result *of;
	bool found;
};

static bool has_common_address(const struct result *a, const struct result *b)
{
	for (size_t i = 0; i < a->ip_count; i++)
		for (size_t k = 0; k < b->ip_count; k++)
			if (a->ips[i].pod && b->ips[k].pod && !strcmp(a->ips[i].ip, b->ips[k].ip))
				return true;
	return false;
}

/* A record that cannot be read must not keep other pods from being detached. */
static int look_for_reuse(void *arg, const char *pod, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };
	cleanup_result struct result result = { 0 };
	struct reuse *x = arg;
	struct error ignored;
	bool this_boot;

	(void)e;
	if (!strcmp(pod, x->a->pod) || state_load(x->a->store, pod, &st, &ignored) < 0 || !st.pod ||
	    !st.result_count || st.phase == NET_DOWN ||
	    attach_is_of_this_boot(&st, &this_boot, &ignored) < 0 || !this_boot ||
	    attach_parse_last(&st, &result, &ignored) < 0)
		return 0;
	x->found = has_common_address(x->of, &result);
	return x->found;
}

/*
 * After a reboot, and if only the plugin that gives addresses succeeded at an earlier DEL, another pod may have the address.
 * firewall removes by address what it finds, which would be that pod's.
 */
static bool address_is_reused(const struct attach *a, const struct net_state *st)
{
	cleanup_result struct result result = { 0 };
	struct reuse x = { .a = a, .of = &result };
	struct error ignored;

	if (!st->result_count || attach_parse_last(st, &result, &ignored) < 0)
		return false;
	return state_each(a->store, look_for_reuse, &x, &ignored) > 0;
}

/* DEL for all plugins in reverse. The first error is returned, the others are logged. */
static int del_plugins(const struct chain *chain, const struct net_state *st,
		       const struct net_text *last, struct error *e)
{
	struct chain_call call = {
		.command = "DEL",
		.extras = attach_extras(st, ports_to_delete(st), last),
	};
	struct error each;
	bool failed = false;

	for (size_t i = chain->list->count; i-- > 0;) {
		cleanup_buf struct buf out = { 0 };

		call.index = call.after = i;
		if (chain_call(chain, &call, &out, &each) < 0)
			log_all_but_first(&failed, e, &each);
	}
	return failed ? -1 : 0;
}

/* A result that cannot be read any more must not keep the pod from being detached. */
static int remove_left(const struct net_state *st, struct error *e)
{
	cleanup_result struct result result = { 0 };
	struct error ignored;

	if (!st->result_count || attach_parse_last(st, &result, &ignored) < 0)
		return 0;
	return link_remove_left(&result, e);
}

/* released: the address may be another pod's by now. Else no other record is read, of which there may be thousands. */
static int detach_plugins(const struct attach *a, const struct net_state *st, bool this_boot,
			  bool released, struct error *e)
{
	cleanup_conflist struct conflist list = { 0 };
	const struct net_text *last;
	struct chain chain = { 0 };

	if (attach_recorded_chain(a, st, &list, &chain, e) < 0)
		return -1;
	/* Another namespace may be pinned at the path by now, and must be left alone. */
	if (!this_boot || !attach_pin_is_there(st))
		chain.netns = "";
	last = released && address_is_reused(a, st) ? NULL : attach_last_result(st, &list);
	if (del_plugins(&chain, st, last, e) < 0)
		return -1;
	return this_boot ? remove_left(st, e) : 0;
}

/*
 * deleted: plugins' DEL has been called before. Of another boot only files are left (host-local's addresses): one
 * DEL is tried, whatever it says, since its plugins may never succeed where what they look for is gone.
 */
static int detach_any(const struct attach *a, const struct net_state *st, bool deleted,
		      struct error *e)
{
	bool this_boot;

	if (attach_is_of_this_boot(st, &this_boot, e) < 0)
		return -1;
	if (pasta_is_network(st))
		return this_boot ? pasta_del(st, e) : 0;
	if (detach_plugins(a, st, this_boot, deleted || !this_boot, e) == 0)
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

static int remove_resolv_conf(const struct attach *a, struct error *e)
{
	/* The temporary file of a killed run would keep the pod's directory from being removed. */
	unlinkat(a->lock_fd, "." RESOLV_CONF ".new", 0);
	if (unlinkat(a->lock_fd, RESOLV_CONF, 0) == 0 || errno == ENOENT)
		return 0;
	return error_set(e, errno, "remove %s/podns/%s/" RESOLV_CONF, a->store->root, a->pod);
}

static int save_down(const struct attach *a, struct net_state *st, struct error *e)
{
	st->phase = NET_DOWN;
	st->changing = false;
	st->error = NULL;
	/* What another boot has left is detached, too. */
	return attach_note_boot(st, e) < 0 ? -1 : state_save(a->store, st, e);
}

int attach_detach(const struct attach *a, struct net_state *st, struct error *e)
{
	const bool deleted = st->phase == NET_LEAVING || st->phase == NET_DOWN;
	struct error unsaved;

	/* A pod can be detached even if the disk is full and the record cannot be saved. */
	st->phase = NET_LEAVING;
	if (state_save(a->store, st, &unsaved) < 0)
		log_error(LOG_LEVEL_WARN, &unsaved);
	if (detach_any(a, st, deleted, e) < 0 || remove_resolv_conf(a, e) < 0) {
		save_reason(a, st, e);
		return -1;
	}
	return a->keep ? save_down(a, st, e) : state_remove(a->store, a->pod, e);
}

/* --- down and up ---------------------------------------------------------------------------------- */

int attach_down(const struct attach *a, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };
	struct attach kept = *a;

	kept.keep = true;
	if (attach_load(a, &st, e) < 0)
		return -1;
	return st.phase == NET_DOWN ? 0 : attach_detach(&kept, &st, e);
}

static struct network_request request_again(const struct net_state *st)
{
	struct network_request r = { .verb = NETWORK_ADD };

	concat_in(r.pod, sizeof(r.pod), st->pod, NULL);
	concat_in(r.network, sizeof(r.network), st->network, NULL);
	memcpy(r.ports, st->ports.list, st->ports.count * sizeof(*r.ports));
	r.port_count = (uint32_t)st->ports.count;
	for (size_t i = 0; i < st->dns_count; i++)
		concat_in(r.dns[i], sizeof(r.dns[i]), st->dns[i], NULL);
	r.dns_count = (uint32_t)st->dns_count;
	r.bandwidth = st->bandwidth;
	return r;
}

int attach_up(const struct attach *a, int out_fd, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };
	struct network_request request;
	struct attach kept = *a;

	kept.keep = true;
	if (attach_load(a, &st, e) < 0)
		return -1;
	request = request_again(&st);
	return attach_add(&kept, &request, out_fd, e);
}

/* --- del -------------------------------------------------------------------------------------------- */

int attach_del(const struct attach *a, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };

	if (state_load(a->store, a->pod, &st, e) < 0)
		return -1;
	if (st.pod)
		return attach_detach(a, &st, e);
	/* A temporary file that a killed run left. */
	return attach_forget(a, e);
}

int attach_forget(const struct attach *a, struct error *e)
{
	if (remove_resolv_conf(a, e) < 0)
		return -1;
	return state_remove(a->store, a->pod, e);
}
