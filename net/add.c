/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "net/attach.h"
#include "net/chain.h"
#include "net/pasta.h"
#include "net/plugin.h"
#include "net/resolv.h"
#include "net/result.h"
#include "net/taken.h"
#include "ns/net.h"

struct add {
	const struct attach *a;
	const struct network_request *request;
	struct net_state st;
	struct conflist list;
	struct chain chain; /* until is that of the ADDs */
};

static int new_id(struct net_state *st, struct error *e)
{
	uint64_t bits[2];

	_Static_assert(2 * HEX64_DIGITS == NET_ID_DIGITS, "an id is two numbers");
	if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return error_set(e, errno, "get random bytes");
	st->id = arena_concat(&st->arena, hex64(bits[0]).text, hex64(bits[1]).text, NULL);
	return st->id ? 0 : error_nomem(e);
}

/* --- an earlier record ---------------------------------------------------------------------------- */

static bool same_ports(const struct net_ports *ports, const struct network_request *request)
{
	if (ports->count != request->port_count)
		return false;
	for (size_t i = 0; i < ports->count; i++)
		if (!port_equal(&ports->list[i], &request->ports[i]))
			return false;
	return true;
}

static bool same_request(const struct net_state *st, const struct network_request *request)
{
	if (st->changing || strcmp(st->network, request->network) != 0 ||
	    !same_ports(&st->ports, request) ||
	    !bandwidth_equal(&st->bandwidth, &request->bandwidth) ||
	    st->dns_count != request->dns_count)
		return false;
	for (size_t i = 0; i < st->dns_count; i++)
		if (strcmp(st->dns[i], request->dns[i]) != 0)
			return false;
	return true;
}

/*
 * Detach what an earlier run left. *attached: the pod is attached as asked for already, as after a run that
 * was killed before its answer arrived. An interface that somebody removed is made again.
 */
static int settle_earlier(struct add *x, bool *attached, struct error *e)
{
	struct net_state *st = &x->st;
	struct error gone;
	bool this_boot;

	*attached = false;
	if (state_load(x->a->store, x->a->pod, st, e) < 0)
		return -1;
	if (!st->pod)
		return 0;
	if (attach_is_of_this_boot(st, &this_boot, e) < 0)
		return -1;
	if (st->phase == NET_UP && this_boot && attach_pin_is_there(st) &&
	    !(st->changing && x->a->keep)) {
		if (!same_request(st, x->request)) {
			error_set(e, 0, "the pod is attached to the network %s already",
				  st->network);
			return error_hint(e, "detach it before: podns network down %s", st->pod);
		}
		*attached = attach_look(st, &gone) == 0;
		if (*attached)
			return 0;
	}
	if (!(st->phase == NET_DOWN && this_boot) && attach_detach(x->a, st, e) < 0)
		return error_prefix(e,
				    "detach the pod from the network %s, which an earlier run left",
				    st->network);
	net_state_free(st);
	return 0;
}

/* --- before the first plugin ---------------------------------------------------------------------- */

/* All that the record has before the first plugin runs. */
static int fill_record(struct add *x, struct error *e)
{
	const struct network_request *request = x->request;
	struct net_state *st = &x->st;

	st->phase = NET_ADDING;
	st->pod = net_state_string(st, x->a->pod, e);
	st->network = st->pod ? net_state_string(st, request->network, e) : NULL;
	st->ifname = st->network ? net_state_string(st, CHAIN_IFNAME, e) : NULL;
	if (!st->ifname || new_id(st, e) < 0 || attach_note_boot(st, e) < 0)
		return -1;
	memcpy(st->ports.list, request->ports, request->port_count * sizeof(*request->ports));
	st->ports.count = request->port_count;
	st->bandwidth = request->bandwidth;
	for (uint32_t i = 0; i < request->dns_count; i++) {
		st->dns[i] = net_state_string(st, request->dns[i], e);
		if (!st->dns[i])
			return -1;
		st->dns_count++;
	}
	return 0;
}

static int find_pin(struct add *x, struct error *e)
{
	struct net_state *st = &x->st;
	struct net_interface eth0;
	cleanup_close int fd = -1;

	st->netns = store_pin_path(x->a->store, &st->arena, NS_NET, x->a->pod, e);
	if (!st->netns)
		return -1;
	fd = ns_open_path(st->netns, NS_NET, &st->ns, e);
	if (fd < 0 && e->num == ENOENT) {
		error_set(e, 0, "the pod has no network namespace at %s", st->netns);
		return error_hint(e, "`podns rm --force %s`, then make the pod as before", st->pod);
	}
	if (fd < 0 || net_look(fd, CHAIN_IFNAME, &eth0, e) < 0)
		return -1;
	if (!eth0.exists)
		return 0;
	error_set(e, 0, "there is an interface " CHAIN_IFNAME " in %s already", st->netns);
	/* ip -n finds pins below /run/netns alone. */
	return error_hint(e, "nsenter --net=%s ip link del " CHAIN_IFNAME, st->netns);
}

static int check_ports(const struct add *x, struct error *e)
{
	if (!x->request->port_count || conflist_maps_ports(&x->list))
		return 0;
	error_set(e, 0, "the network %s cannot publish ports", x->list.name);
	return error_hint(e, "add a plugin with \"capabilities\": {\"portMappings\": true} to its "
			     "conflist, such as portmap");
}

static int check_bandwidth(const struct add *x, struct error *e)
{
	if (!bandwidth_is_limited(&x->request->bandwidth) || conflist_limits_rates(&x->list))
		return 0;
	error_set(e, 0, "the network %s cannot limit rates", x->list.name);
	return error_hint(
		e, "add the plugin bandwidth with \"capabilities\": {\"bandwidth\": true} to "
		   "its conflist");
}

/*
 * Of several versions in a conflist, the highest that all plugins know is used. Plugins that know only older
 * ones than 1.1.0 are asked as well, since they would take a newer one for an older.
 */
static int select_version(struct add *x, struct error *e)
{
	unsigned all = x->list.versions, known;

	if (x->list.selected < CNI_1_1_0 && x->list.versions == CNI_BIT(x->list.selected))
		return 0;
	for (size_t i = 0; i < x->list.count; i++) {
		if (chain_versions(&x->chain, i, &known, e) < 0)
			return -1;
		all &= known;
		if (!all)
			return error_set(e, 0,
					 "plugin %s knows no cniVersion of the network %s that the "
					 "plugins before it know",
					 x->list.plugins[i].type, x->list.name);
	}
	return conflist_select(&x->list, all, e);
}

/* Since 1.1.0 plugins tell whether they are ready. */
static int ask_status(const struct add *x, struct error *e)
{
	for (size_t i = 0; x->list.selected >= CNI_1_1_0 && i < x->list.count; i++) {
		const struct chain_call call = { .command = "STATUS", .index = i };
		cleanup_buf struct buf out = { 0 };

		if (chain_call(&x->chain, &call, &out, e) < 0)
			return -1;
	}
	return 0;
}

/* From here on all plugins can be undone, and the ports are taken. */
static int save_intent(struct add *x, struct error *e)
{
	cleanup_close int lock = attach_lock_ports(x->a->store, e);

	if (lock < 0 ||
	    taken_check(x->a->store, x->a->pod, x->st.ports.list, x->st.ports.count, e) < 0)
		return -1;
	return state_save(x->a->store, &x->st, e);
}

/*
 * Plugins connect the pod with the network namespace that they run in. The user namespace of rootless podman does
 * not own the host's, so the first plugin would fail, and some plugins fail to undo that.
 */
static int check_owner(const struct add *x, struct error *e)
{
	struct ns_id owner;
	cleanup_close int fd = ns_open_own(NS_NET, e);

	if (fd < 0 || ns_owner(fd, &owner, e) < 0)
		return -1;
	if (owner.ino)
		return 0;
	error_set(e, 0, "a rootless pod cannot be attached to the network %s", x->request->network);
	return error_hint(e, "its network is " NETWORK_PASTA);
}

static int prepare_plugins(struct add *x, struct error *e)
{
	struct net_state *st = &x->st;

	if (check_owner(x, e) < 0 ||
	    conflist_load(&x->list, CONFLIST_DIR, x->request->network, e) < 0 ||
	    check_ports(x, e) < 0 || check_bandwidth(x, e) < 0)
		return -1;
	/* Without one of them what the others did could not be undone. */
	if (conflist_find_plugins(&x->list, plugin_directories, e) < 0)
		return -1;
	x->chain = (struct chain){
		.list = &x->list,
		.id = st->id,
		.netns = st->netns,
		.lock_fd = x->a->lock_fd,
		.until = attach_keep_time(x->a->until),
	};
	if (select_version(x, e) < 0 || ask_status(x, e) < 0)
		return -1;
	st->version = net_state_string(st, x->list.version, e);
	if (!st->version)
		return -1;
	return net_state_set_conflist(st, x->list.text.data, x->list.text.len, e);
}

/* --- the plugins ---------------------------------------------------------------------------------- */

static int add_plugin(struct add *x, size_t i, struct error *e)
{
	struct net_state *st = &x->st;
	const struct chain_call call = {
		.command = "ADD",
		.index = i,
		.extras = attach_extras(st, &st->ports, i ? &st->results[i - 1] : NULL),
	};
	cleanup_buf struct buf result = { 0 };

	if (attach_call_add(&x->chain, &call, &result, e) < 0)
		return -1;
	if (net_state_add_result(st, result.data, result.len, e) < 0)
		return error_prefix(e, "plugin %s: ADD: its result", x->list.plugins[i].type);
	return state_save(x->a->store, st, e);
}

static int add_plugins(struct add *x, struct error *e)
{
	for (size_t i = 0; i < x->list.count; i++)
		if (add_plugin(x, i, e) < 0)
			return -1;
	return 0;
}

/* --- the end -------------------------------------------------------------------------------------- */

static int write_resolv_conf(const struct add *x, const struct result *result, struct error *e)
{
	cleanup_buf struct buf host = { 0 }, real = { 0 }, text = { 0 };
	struct resolv_input in = {
		.dns = x->st.dns,
		.dns_count = x->st.dns_count,
		.cni = result,
		.v6 = result_has_family(result, true),
	};
	size_t servers;

	if (resolv_read_host("", &host, &real, e) < 0)
		return -1;
	if (pasta_is_network(&x->st) && pasta_forwards_dns(&x->st, host.data))
		in.forward = PASTA_DNS;
	in.host = real.len ? real.data : "";
	if (resolv_compose(&in, &text, &servers, e) < 0)
		return -1;
	if (!servers)
		log_warn("there is no name server for the pod; --dns can give it one");
	return resolv_write(x->a->lock_fd, &text, e);
}

/* The addresses of the pod, one a line. */
static int write_addresses(const struct result *result, int out_fd, struct error *e)
{
	cleanup_buf struct buf lines = { 0 };

	for (size_t i = 0; i < result->ip_count; i++)
		if (result->ips[i].pod && buf_concat(&lines, result->ips[i].ip, "\n", NULL) < 0)
			return error_nomem(e);
	if (write_all(out_fd, lines.data ? lines.data : "", lines.len) < 0)
		return error_set(e, errno, "write the addresses to standard output");
	return 0;
}

static int write_addresses_again(const struct net_state *st, int out_fd, struct error *e)
{
	cleanup_result struct result result = { 0 };

	return attach_parse_last(st, &result, e) < 0 ? -1 : write_addresses(&result, out_fd, e);
}

/* The error of ADD is what the caller needs; that of DEL is recorded, and logged. */
static int undo(struct add *x, struct error *e)
{
	struct error left;

	net_state_set_error(&x->st, e);
	if (attach_detach(x->a, &x->st, &left) == 0)
		return -1;
	error_prefix(&left, "detach the pod after a failure");
	log_error(LOG_LEVEL_WARN, &left);
	return -1;
}

static int add_pasta(struct add *x, struct error *e)
{
	if (pasta_add(&x->st, attach_keep_time(x->a->until), e) < 0)
		return -1;
	return state_save(x->a->store, &x->st, e);
}

static int add_network(struct add *x, int out_fd, struct error *e)
{
	cleanup_result struct result result = { 0 };

	if ((pasta_is_network(&x->st) ? add_pasta(x, e) : add_plugins(x, e)) < 0 ||
	    attach_parse_last(&x->st, &result, e) < 0 ||
	    attach_check_families(&x->st, &x->st.ports, e) < 0 ||
	    write_resolv_conf(x, &result, e) < 0)
		return -1;
	x->st.phase = NET_UP;
	if (state_save(x->a->store, &x->st, e) < 0)
		return -1;
	return write_addresses(&result, out_fd, e);
}

static int prepare(struct add *x, struct error *e)
{
	if (!pasta_is_network(&x->st))
		return prepare_plugins(x, e);
	if (bandwidth_is_limited(&x->request->bandwidth))
		return error_set(e, 0, "pasta cannot limit rates");
	return pasta_prepare(&x->st.ports, e);
}

static int attach_pod(struct add *x, int out_fd, struct error *e)
{
	if (fill_record(x, e) < 0 || find_pin(x, e) < 0 || prepare(x, e) < 0 ||
	    save_intent(x, e) < 0)
		return -1;
	return add_network(x, out_fd, e) < 0 ? undo(x, e) : 0;
}

int attach_add(const struct attach *a, const struct network_request *request, int out_fd,
	       struct error *e)
{
	struct add x = { .a = a, .request = request };
	bool attached;
	int r = settle_earlier(&x, &attached, e);

	if (r == 0)
		r = attached ? write_addresses_again(&x.st, out_fd, e) : attach_pod(&x, out_fd, e);
	conflist_free(&x.list);
	net_state_free(&x.st);
	return r;
}
