/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "net/attach.h"
#include "net/pasta.h"
#include "net/result.h"
#include "net/taken.h"

struct publish {
	const struct attach *a;
	struct net_state *st;
	struct conflist *list;
	struct chain chain;
	struct net_ports interrupted; /* the new ports of an earlier change */
};

/* --- the new ports -------------------------------------------------------------------------------- */

static int remove_port(struct net_ports *ports, const struct port_range *range, struct error *e)
{
	for (size_t i = 0; i < ports->count; i++) {
		if (!port_equal(&ports->list[i], range))
			continue;
		ports->count--;
		memmove(&ports->list[i], &ports->list[i + 1],
			(ports->count - i) * sizeof(*ports->list));
		return 0;
	}
	return error_set(e, 0, "%s is not published", port_format(range).text);
}

int net_ports_change(struct net_ports *ports, const struct net_ports *drop,
		     const struct net_ports *add, struct error *e)
{
	for (size_t i = 0; i < drop->count; i++)
		if (remove_port(ports, &drop->list[i], e) < 0)
			return -1;
	for (size_t i = 0; i < add->count; i++)
		if (port_add(ports->list, &ports->count, &add->list[i], e) < 0)
			return -1;
	return 0;
}

/* --- the plugins ---------------------------------------------------------------------------------- */

static bool publishes(const struct publish *p, size_t i)
{
	return p->list->plugins[i].port_mappings;
}

/* The first plugin makes the interface: it would get another address. */
static int check_plugins(const struct publish *p, struct error *e)
{
	if (!conflist_maps_ports(p->list)) {
		error_set(e, 0, "the network %s cannot publish ports", p->st->network);
		return error_hint(e,
				  "add a plugin with \"capabilities\": {\"portMappings\": true} to "
				  "its conflist, such as portmap, and attach the pod again");
	}
	if (!publishes(p, 0))
		return 0;
	error_set(
		e, 0,
		"plugin %s publishes the ports and makes the interface, so they cannot be changed",
		p->list->plugins[0].type);
	return error_hint(e, "detach the pod and attach it again with other ports");
}

static int unpublish(const struct publish *p, const struct net_ports *ports, struct error *e)
{
	struct chain_call call = {
		.command = "DEL",
		.extras = attach_extras(p->st, ports, attach_last_result(p->st, p->list)),
	};
	struct error each;
	int r = 0;

	for (size_t i = p->list->count; i-- > 0;) {
		cleanup_buf struct buf out = { 0 };

		call.index = i;
		if (!publishes(p, i) || chain_call(&p->chain, &call, &out, &each) == 0)
			continue;
		if (!r)
			*e = each;
		r = -1;
	}
	return r;
}

static int publish_by(const struct publish *p, size_t i, const struct net_ports *ports,
		      struct error *e)
{
	const struct chain_call call = {
		.command = "ADD",
		.index = i,
		.extras = attach_extras(p->st, ports, &p->st->results[i - 1]),
	};
	cleanup_buf struct buf result = { 0 };

	if (attach_call_add(&p->chain, &call, &result, e) < 0)
		return -1;
	if (net_state_put_result(p->st, i, result.data, result.len, e) < 0)
		return error_prefix(e, "plugin %s: ADD: its result", p->list->plugins[i].type);
	return 0;
}

static int publish_ports(const struct publish *p, const struct net_ports *ports, struct error *e)
{
	for (size_t i = 1; i < p->list->count; i++)
		if (publishes(p, i) && publish_by(p, i, ports, e) < 0)
			return -1;
	return 0;
}

/* pasta takes its ports when it starts. Its addresses are the host's, and stay. */
static int start_pasta(const struct publish *p, const struct net_ports *ports, struct error *e)
{
	const struct net_ports old = p->st->ports;
	int r;

	p->st->pasta_pid = 0;
	p->st->result_count = 0;
	p->st->ports = *ports;
	r = pasta_add(p->st, p->chain.until, e);
	p->st->ports = old;
	return r;
}

/* pasta does not say that it cannot have a port, as long as it can have another one of the same range. */
static int replace_pasta(const struct publish *p, struct error *e)
{
	const struct net_ports *ports = &p->st->next_ports;

	if (pasta_del(p->st, e) < 0)
		return -1;
	for (size_t i = 0; i < ports->count; i++)
		if (taken_by_host(&ports->list[i], e) < 0)
			return -1;
	return start_pasta(p, ports, e);
}

static int replace_ports(const struct publish *p, struct error *e)
{
	if (pasta_is_network(p->st))
		return replace_pasta(p, e);
	if (unpublish(p, p->st->ports.count ? &p->st->ports : &p->st->next_ports, e) < 0)
		return -1;
	return publish_ports(p, &p->st->next_ports, e);
}

static int publish_old(const struct publish *p, struct error *e)
{
	if (pasta_is_network(p->st))
		return pasta_del(p->st, e) < 0 ? -1 : start_pasta(p, &p->st->ports, e);
	if (unpublish(p, &p->st->next_ports, e) < 0)
		return -1;
	return publish_ports(p, &p->st->ports, e);
}

/* Publish the old ports again, after the error e. */
static int put_back(struct publish *p, struct error *e)
{
	struct error again;

	p->chain.until = p->a->until;
	if (publish_old(p, &again) == 0) {
		p->st->changing = false;
		p->st->error = NULL;
		if (state_save(p->a->store, p->st, &again) == 0)
			return error_prefix(e, "the ports are as before");
	}
	net_state_set_error(p->st, &again);
	error_prefix(e, "the old ports could not be published again (%s)", again.text);
	if (state_save(p->a->store, p->st, &again) < 0)
		log_error(LOG_LEVEL_WARN, &again);
	return -1;
}

/* --- the change ----------------------------------------------------------------------------------- */

static int load(struct publish *p, struct error *e)
{
	struct net_state *st = p->st;
	bool this_boot;

	if (attach_load(p->a, st, e) < 0 || attach_is_of_this_boot(st, &this_boot, e) < 0)
		return -1;
	if (st->phase != NET_UP || !this_boot || !attach_pin_is_there(st)) {
		error_set(e, 0, "the pod is not attached to the network %s any more", st->network);
		return error_hint(e, "podns network up %s", st->pod);
	}
	if (pasta_is_network(st))
		return 0;
	if (attach_recorded_chain(p->a, st, p->list, &p->chain, e) < 0)
		return -1;
	if (st->result_count != p->list->count)
		return error_set(e, 0,
				 "the network record does not have the results of all plugins");
	return check_plugins(p, e);
}

static bool overlaps(const struct net_ports *ports, const struct port_range *range)
{
	for (size_t i = 0; i < ports->count; i++)
		if (port_overlaps(&ports->list[i], range))
			return true;
	return false;
}

/* Are the ports of the range free, but for those that the pod's own pasta holds? */
static int check_others(const struct publish *p, const struct port_range *range, struct error *e)
{
	struct port_range one = *range;

	one.count = 1;
	for (unsigned i = 0; i < range->count; i++) {
		one.host = (uint16_t)(range->host + i);
		if (!overlaps(&p->st->ports, &one) && !overlaps(&p->interrupted, &one) &&
		    taken_by_host(&one, e) < 0)
			return -1;
	}
	return 0;
}

static int check_ports(const struct publish *p, const struct net_ports *add, struct error *e)
{
	if (!pasta_is_network(p->st))
		return taken_check(p->a->store, p->a->pod, add->list, add->count, e);
	if (taken_by_records(p->a->store, p->a->pod, add->list, add->count, e) < 0)
		return -1;
	for (size_t i = 0; i < add->count; i++)
		if (check_others(p, &add->list[i], e) < 0)
			return -1;
	return 0;
}

/* From here on both the old and the new ports are taken. */
static int save_intent(const struct publish *p, const struct net_ports *add, struct error *e)
{
	cleanup_close int lock = attach_lock_ports(p->a->store, e);

	if (lock < 0 || check_ports(p, add, e) < 0)
		return -1;
	p->st->changing = true;
	return state_save(p->a->store, p->st, e);
}

static int save_change(const struct publish *p, struct error *e)
{
	struct net_state *st = p->st;
	const struct net_ports old = st->ports;

	st->ports = st->next_ports;
	st->changing = false;
	st->error = NULL;
	if (state_save(p->a->store, st, e) == 0)
		return 0;
	st->ports = old;
	st->changing = true;
	return -1;
}

/*
 * If publishing the first ports of a pod was interrupted, some of them may be published. portmap removes none if it
 * gets none, so they are removed while the record still has them.
 */
static int unpublish_interrupted(const struct publish *p, struct error *e)
{
	const struct net_state *st = p->st;

	if (!st->changing || st->ports.count || pasta_is_network(st))
		return 0;
	return unpublish(p, &st->next_ports, e);
}

int attach_publish(const struct attach *a, const struct net_ports *drop,
		   const struct net_ports *add, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };
	cleanup_conflist struct conflist list = { 0 };
	struct publish p = { .a = a, .st = &st, .list = &list };
	struct net_ports next;

	if (load(&p, e) < 0)
		return -1;
	next = st.ports;
	if (net_ports_change(&next, drop, add, e) < 0 || attach_check_families(&st, add, e) < 0 ||
	    (pasta_is_network(&st) && pasta_prepare(&next, e) < 0) ||
	    unpublish_interrupted(&p, e) < 0)
		return -1;
	p.interrupted = st.next_ports;
	st.next_ports = next;
	if (save_intent(&p, add, e) < 0)
		return -1;
	p.chain.until = attach_keep_time(a->until);
	if (replace_ports(&p, e) < 0 || save_change(&p, e) < 0)
		return put_back(&p, e);
	return 0;
}
