/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "net/attach.h"
#include "net/pasta.h"
#include "net/result.h"
#include "ns/net.h"

/* --- the namespace -------------------------------------------------------------------------------- */

/* The command detaches a pod of which something is missing, and attaches it again. */
static int hint_up(const struct net_state *st, struct error *e)
{
	return error_hint(e, "podns network up %s", st->pod);
}

static int look_at_interface(const struct net_state *st, int ns_fd, const char *name,
			     struct net_interface *found, struct error *e)
{
	if (net_look(ns_fd, name, found, e) < 0)
		return -1;
	if (found->exists && found->up)
		return 0;
	if (!found->exists)
		error_set(e, 0, "there is no interface %s in %s", name, st->netns);
	else
		error_set(e, 0, "the interface %s in %s is down", name, st->netns);
	return hint_up(st, e);
}

static bool has_address(const struct net_interface *found, const char *text)
{
	struct net_address want = { .len = 4 };

	if (inet_pton(AF_INET, text, want.ip) != 1) {
		want.len = 16;
		if (inet_pton(AF_INET6, text, want.ip) != 1)
			return false;
	}
	for (size_t i = 0; i < found->count; i++)
		if (found->addresses[i].len == want.len &&
		    !memcmp(found->addresses[i].ip, want.ip, want.len))
			return true;
	return false;
}

/* The interface that an address of the pod is on; where a result does not say, it is CNI_IFNAME. */
static const char *interface_of(const struct result *result, const struct result_address *ip)
{
	return ip->interface < 0 ? CHAIN_IFNAME : result->interfaces[ip->interface].name;
}

static int look_at_address(const struct net_state *st, int ns_fd, const struct result *result,
			   const struct result_address *ip, struct error *e)
{
	const char *name = interface_of(result, ip);
	struct net_interface found;

	if (look_at_interface(st, ns_fd, name, &found, e) < 0)
		return -1;
	if (has_address(&found, ip->ip))
		return 0;
	error_set(e, 0, "the interface %s in %s has no address %s", name, st->netns, ip->ip);
	return hint_up(st, e);
}

static int look_at_result(const struct net_state *st, int ns_fd, struct error *e)
{
	cleanup_result struct result result = { 0 };
	struct net_interface found;

	if (attach_parse_last(st, &result, e) < 0)
		return -1;
	for (size_t i = 0; i < result.interface_count; i++)
		if (result.interfaces[i].sandbox &&
		    look_at_interface(st, ns_fd, result.interfaces[i].name, &found, e) < 0)
			return -1;
	for (size_t i = 0; i < result.ip_count; i++)
		if (result.ips[i].pod && look_at_address(st, ns_fd, &result, &result.ips[i], e) < 0)
			return -1;
	return 0;
}

int attach_look(const struct net_state *st, struct error *e)
{
	struct ns_id id;
	cleanup_close int fd = ns_open_path(st->netns, NS_NET, &id, e);

	if (fd < 0)
		return -1;
	if (!ns_same_pin(id, st->ns))
		return error_set(e, 0, "%s is another namespace than the one that was attached",
				 st->netns);
	return st->result_count ? look_at_result(st, fd, e) : 0;
}

int attach_check_families(const struct net_state *st, const struct net_ports *ports,
			  struct error *e)
{
	cleanup_result struct result result = { 0 };

	if (attach_parse_last(st, &result, e) < 0)
		return -1;
	for (size_t i = 0; i < ports->count; i++) {
		const struct port_range *port = &ports->list[i];
		bool v6 = port->ip_len == 16;

		if (!port->ip_len || result_has_family(&result, v6))
			continue;
		error_set(e, 0, "port %s: the network %s gives the pod no IPv%c address",
			  port_format(port).text, st->network, v6 ? '6' : '4');
		return error_hint(e, "publish it on an IPv%c address, or on all", v6 ? '4' : '6');
	}
	return 0;
}

/* --- the plugins ---------------------------------------------------------------------------------- */

static int check_plugins(const struct attach *a, const struct net_state *st, struct error *e)
{
	cleanup_conflist struct conflist list = { 0 };
	struct chain chain = { 0 };
	struct chain_call call = { .command = "CHECK" };

	if (attach_recorded_chain(a, st, &list, &chain, e) < 0)
		return -1;
	if (list.disable_check || list.selected < CNI_0_4_0)
		return 0;
	call.extras = attach_extras(st, &st->ports, attach_last_result(st, &list));
	for (call.index = 0; call.index < list.count; call.index++) {
		cleanup_buf struct buf out = { 0 };

		call.after = list.count - call.index - 1;
		if (chain_call(&chain, &call, &out, e) < 0)
			return -1;
	}
	return 0;
}

static int check_phase(const struct net_state *st, struct error *e)
{
	bool this_boot;

	if (attach_is_of_this_boot(st, &this_boot, e) < 0)
		return -1;
	if (!this_boot)
		error_set(e, 0, "the pod was attached to the network %s before the host was booted",
			  st->network);
	else if (st->phase == NET_ADDING)
		error_set(e, 0, "attaching the pod to the network %s was interrupted", st->network);
	else if (st->phase == NET_LEAVING)
		error_set(e, 0, "the pod could not be detached from the network %s: %s",
			  st->network, st->error ? st->error : "that was interrupted");
	else if (st->phase == NET_DOWN)
		error_set(e, 0, "the network %s is down", st->network);
	else if (st->changing)
		error_set(e, 0, "a change of the published ports was interrupted");
	else
		return 0;
	return error_hint(e,
			  this_boot && (st->phase == NET_DOWN || st->phase == NET_UP)
				  ? "podns network up %s"
				  : "podns network down %s",
			  st->pod);
}

int attach_check(const struct attach *a, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };

	if (attach_load(a, &st, e) < 0 || check_phase(&st, e) < 0 ||
	    (pasta_is_network(&st) && pasta_check(&st, e) < 0) || attach_look(&st, e) < 0)
		return -1;
	return pasta_is_network(&st) ? 0 : check_plugins(a, &st, e);
}
