/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/definition.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "plan/host.h"
#include "plan/names.h"
#include "plan/shm.h"

/* --- values ------------------------------------------------------------------- */

/*
 * Room for max elements, of which count are there: allocated for the first one. Pages that are not used
 * cost nothing. NULL and e if there is no room for one more.
 */
static void *make_room(struct arena *a, void *list, size_t count, size_t max, size_t size,
		       struct error *e)
{
	if (!list)
		list = arena_alloc(a, max * size);
	if (!list)
		error_nomem(e);
	else if (count < max)
		return list;
	else
		error_set(e, 0, "there may be no more than %zu", max);
	return NULL;
}

#define ROOM(d, list, count, max, e)                                                               \
	make_room(&(d)->arena, (void *)(d)->list, (d)->count, max, sizeof(*(d)->list), e)

static const char *copy_text(struct definition *d, const char *text, struct error *e)
{
	const char *copy = arena_strndup(&d->arena, text, strlen(text));

	if (!copy)
		error_nomem(e);
	return copy;
}

/* The address as inet_ntop(3) writes it, in the arena, and its family. NULL and e if it is none. */
static const char *copy_address(struct definition *d, const char *text, int *family,
				struct error *e)
{
	char name[INET6_ADDRSTRLEN];
	unsigned char bytes[16];

	*family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(*family, text, bytes) == 1 && inet_ntop(*family, bytes, name, sizeof(name)))
		return copy_text(d, name, e);
	error_set(e, 0, "'%.100s' is not an IP address", text);
	return NULL;
}

static int set_network(struct definition *d, const char *value, struct error *e)
{
	size_t len = strlen(value);

	if (!strcmp(value, "none") || !strcmp(value, "host")) {
		error_set(e, 0, "'%s' is no network that a pod can be attached to", value);
		return error_hint(e, "a pod has a network namespace of its own, and no network "
				     "unless one is named");
	}
	if (len > 8 && !strcmp(value + len - 8, ".network")) {
		error_set(e, 0, "'%.100s' is a unit of Quadlet's", value);
		return error_hint(e, "name a network of " PODNS_CONFDIR "/net.d");
	}
	if (network_check_name(value, e) < 0)
		return -1;
	d->network = copy_text(d, value, e);
	return d->network ? 0 : -1;
}

static int add_range(struct definition *d, const struct port_range *range, struct error *e)
{
	struct port_range *list = ROOM(d, ports, port_count, PORT_RANGES_MAX, e);

	if (!list)
		return -1;
	d->ports = list;
	return port_add(d->ports, &d->port_count, range, e);
}

static int add_port(struct definition *d, const char *value, struct error *e)
{
	struct port_range range;

	return port_parse(value, &range, e) < 0 ? -1 : add_range(d, &range, e);
}

static int add_server(struct definition *d, const char *address, struct error *e)
{
	const char **list;

	for (size_t i = 0; i < d->dns_count; i++)
		if (!strcmp(d->dns[i], address))
			return error_set(e, 0, "%s is given twice", address);
	list = ROOM(d, dns, dns_count, NETWORK_DNS_MAX, e);
	if (!list)
		return -1;
	d->dns = list;
	d->dns[d->dns_count++] = address;
	return 0;
}

static int add_dns(struct definition *d, const char *value, struct error *e)
{
	const char *address;
	int family;

	address = copy_address(d, value, &family, e);
	return address ? add_server(d, address, e) : -1;
}

static int set_hostname(struct definition *d, const char *value, struct error *e)
{
	if (plan_check_hostname(value, "hostname", e) < 0)
		return -1;
	d->hostname = copy_text(d, value, e);
	return d->hostname ? 0 : -1;
}

/* Resolvers take the first address of a family alone, so a second one would be ignored. */
static int add_entry(struct definition *d, const struct host_entry *entry, struct error *e)
{
	bool v6 = strchr(entry->address, ':') != NULL;
	struct host_entry *list;

	for (size_t i = 0; i < d->host_count; i++)
		if (!strcasecmp(d->hosts[i].name, entry->name) &&
		    (strchr(d->hosts[i].address, ':') != NULL) == v6)
			return error_set(e, 0, "%s has the IPv%c address %s already", entry->name,
					 v6 ? '6' : '4', d->hosts[i].address);
	list = ROOM(d, hosts, host_count, DEFINITION_HOSTS_MAX, e);
	if (!list)
		return -1;
	d->hosts = list;
	d->hosts[d->host_count++] = *entry;
	return 0;
}

/* The names of hosts(5), and underscores, which podman and Docker accept. */
static bool is_host_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-";
	size_t len = strlen(name);

	return len && len <= 253 && strspn(name, allowed) == len && *name != '.' && *name != '-';
}

static int add_host(struct definition *d, const char *value, struct error *e)
{
	struct host_entry entry = { .name = copy_text(d, value, e) };
	char *colon = entry.name ? strchr(entry.name, ':') : NULL;
	int family;

	if (!entry.name)
		return -1;
	if (colon)
		*colon = '\0';
	if (!colon || !is_host_name(entry.name)) {
		error_set(e, 0, "'%.100s': expected NAME:IP", value);
		return error_hint(e, "a name has letters, digits, '-', '_' and '.'");
	}
	entry.address = copy_address(d, colon + 1, &family, e);
	return entry.address ? add_entry(d, &entry, e) : -1;
}

static int set_ingress_rate(struct definition *d, const char *value, struct error *e)
{
	return bandwidth_parse_rate(value, &d->bandwidth.ingress, e);
}

static int set_egress_rate(struct definition *d, const char *value, struct error *e)
{
	return bandwidth_parse_rate(value, &d->bandwidth.egress, e);
}

static int set_shm_size(struct definition *d, const char *value, struct error *e)
{
	return plan_parse_size(value, &d->shm_size, e);
}

/* Lists of extents are joined. */
static int add_maps(struct definition *d, struct id_maps *maps, const char *value, struct error *e)
{
	struct id_maps more;
	struct id_map *all;

	if (id_maps_parse_list(value, &d->arena, &more, e) < 0)
		return -1;
	if (!maps->count) {
		*maps = more;
		return 0;
	}
	if (maps->count + more.count > ID_MAP_MAX)
		return error_set(e, 0, "more than %d id mappings", ID_MAP_MAX);
	all = arena_alloc(&d->arena, (maps->count + more.count) * sizeof(*all));
	if (!all)
		return error_nomem(e);
	memcpy(all, maps->map, maps->count * sizeof(*all));
	memcpy(all + maps->count, more.map, more.count * sizeof(*all));
	*maps = (struct id_maps){ all, maps->count + more.count };
	return 0;
}

static int add_uid_map(struct definition *d, const char *value, struct error *e)
{
	return add_maps(d, &d->uid_maps, value, e);
}

static int add_gid_map(struct definition *d, const char *value, struct error *e)
{
	return add_maps(d, &d->gid_maps, value, e);
}

static int add_namespaces(struct definition *d, const char *value, struct error *e)
{
	ns_set set;

	if (ns_parse_set(value, false, &set, e) < 0)
		return -1;
	for (int t = 0; t < NS_TYPES; t++)
		if (set & d->namespaces & NS_BIT(t))
			return error_set(e, 0, "%s is given twice", ns_info[t].brief);
	d->namespaces |= set;
	return 0;
}

static int add_checked_sysctl(struct definition *d, const struct sysctl *s, struct error *e)
{
	struct sysctl *list = ROOM(d, sysctls, sysctl_count, DEFINITION_SYSCTLS_MAX, e);

	if (!list)
		return -1;
	d->sysctls = list;
	d->sysctls[d->sysctl_count++] = *s;
	return 0;
}

static int add_sysctl(struct definition *d, const char *value, struct error *e)
{
	const char *pair = copy_text(d, value, e);
	struct sysctl s;

	if (!pair)
		return -1;
	if (!sysctl_is_pair(pair)) {
		error_set(e, 0, "expected KEY=VALUE, not '%.200s'", pair);
		return error_hint(e, "a value with blanks in it needs quotes: \"KEY=A B\"");
	}
	return sysctl_check_pair(pair, true, &d->arena, &s, e) < 0 ? -1
								   : add_checked_sysctl(d, &s, e);
}

int definition_set(struct definition *d, enum definition_key key, const char *value,
		   struct error *e)
{
	static int (*const set[DEFINITION_KEYS])(struct definition *, const char *,
						 struct error *) = {
		[DEFINITION_ADD_HOST] = add_host,
		[DEFINITION_DNS] = add_dns,
		[DEFINITION_EGRESS_RATE] = set_egress_rate,
		[DEFINITION_GID_MAP] = add_gid_map,
		[DEFINITION_HOST_NAME] = set_hostname,
		[DEFINITION_INGRESS_RATE] = set_ingress_rate,
		[DEFINITION_NAMESPACES] = add_namespaces,
		[DEFINITION_NETWORK] = set_network,
		[DEFINITION_PUBLISH_PORT] = add_port,
		[DEFINITION_SHM_SIZE] = set_shm_size,
		[DEFINITION_SYSCTL] = add_sysctl,
		[DEFINITION_UID_MAP] = add_uid_map,
	};

	return set[key](d, value, e);
}

void definition_free(struct definition *d)
{
	arena_free(&d->arena);
	*d = (struct definition){ 0 };
}

/* --- all together --------------------------------------------------------------- */

static void replace_values(struct definition *d, const struct definition *given)
{
	if (given->namespaces)
		d->namespaces = given->namespaces;
	if (given->hostname)
		d->hostname = given->hostname;
	if (given->network)
		d->network = given->network;
	if (given->bandwidth.ingress)
		d->bandwidth.ingress = given->bandwidth.ingress;
	if (given->bandwidth.egress)
		d->bandwidth.egress = given->bandwidth.egress;
	if (given->shm_size)
		d->shm_size = given->shm_size;
	if (!given->uid_maps.count && !given->gid_maps.count)
		return;
	d->uid_maps = given->uid_maps;
	d->gid_maps = given->gid_maps;
}

int definition_merge(struct definition *d, const struct definition *given, struct error *e)
{
	replace_values(d, given);
	for (size_t i = 0; i < given->port_count; i++)
		if (add_range(d, &given->ports[i], e) < 0)
			return -1;
	for (size_t i = 0; i < given->dns_count; i++)
		if (add_server(d, given->dns[i], e) < 0)
			return error_prefix(e, "DNS server");
	for (size_t i = 0; i < given->host_count; i++)
		if (add_entry(d, &given->hosts[i], e) < 0)
			return error_prefix(e, "host");
	for (size_t i = 0; i < given->sysctl_count; i++)
		if (add_checked_sysctl(d, &given->sysctls[i], e) < 0)
			return -1;
	return 0;
}

ns_set definition_types(const struct definition *d)
{
	bool maps = d->uid_maps.count || d->gid_maps.count;

	return d->namespaces ? d->namespaces : ns_default_set | (maps ? NS_BIT(NS_USER) : 0);
}

static int check_type(ns_set types, enum ns_type t, const char *what, const char *name,
		      struct error *e)
{
	return types & NS_BIT(t) ? 0 : host_check(what, name, t, TARGET_NONE, e);
}

static int check_network(const struct definition *d, ns_set types, enum definition_key *key,
			 struct error *e)
{
	*key = DEFINITION_NETWORK;
	if (d->network)
		return check_type(types, NS_NET, "network ", d->network, e);
	*key = DEFINITION_PUBLISH_PORT;
	if (d->port_count)
		error_set(e, 0, "port %s is published, but the pod has no network",
			  port_format(&d->ports[0]).text);
	else if (*key = DEFINITION_DNS, d->dns_count)
		error_set(e, 0, "the DNS server %s is given, but the pod has no network",
			  d->dns[0]);
	else if (*key = d->bandwidth.ingress ? DEFINITION_INGRESS_RATE : DEFINITION_EGRESS_RATE,
		 bandwidth_is_limited(&d->bandwidth))
		error_set(e, 0, "a rate is given, but the pod has no network");
	else
		return 0;
	return error_hint(e, "name a network, with Network= or --network");
}

static int check_maps(const struct definition *d, ns_set types, enum definition_key *key,
		      struct error *e)
{
	*key = d->uid_maps.count ? DEFINITION_UID_MAP : DEFINITION_GID_MAP;
	if (!d->uid_maps.count && !d->gid_maps.count)
		return 0;
	if (!d->uid_maps.count || !d->gid_maps.count)
		return error_set(e, 0, "mappings of uids and of gids need each other");
	if (types & NS_BIT(NS_USER))
		return 0;
	return error_set(e, 0, "mappings are given, but user is not among the namespaces");
}

static int check_sysctls(const struct definition *d, ns_set types, struct error *e)
{
	for (size_t i = 0; i < d->sysctl_count; i++)
		if (check_type(types, d->sysctls[i].type, "sysctl ", d->sysctls[i].key, e) < 0)
			return -1;
	return 0;
}

int definition_check(const struct definition *d, ns_set types, enum definition_key *key,
		     struct error *e)
{
	if (check_network(d, types, key, e) < 0 || check_maps(d, types, key, e) < 0)
		return -1;
	*key = DEFINITION_HOST_NAME;
	if (d->hostname && check_type(types, NS_UTS, "hostname ", d->hostname, e) < 0)
		return -1;
	*key = DEFINITION_SHM_SIZE;
	if (d->shm_size && !(types & NS_BIT(NS_IPC)))
		return error_set(e, 0,
				 "without an ipc namespace the pod has no /dev/shm of its own");
	*key = DEFINITION_SYSCTL;
	return check_sysctls(d, types, e);
}

void definition_ask(const struct definition *d, const char *pod, struct network_request *request)
{
	*request = (struct network_request){
		.verb = NETWORK_ADD,
		.port_count = (uint32_t)d->port_count,
		.dns_count = (uint32_t)d->dns_count,
		.bandwidth = d->bandwidth,
	};
	concat_in(request->pod, sizeof(request->pod), pod, NULL);
	concat_in(request->network, sizeof(request->network), d->network, NULL);
	for (size_t i = 0; i < d->port_count; i++)
		request->ports[i] = d->ports[i];
	for (size_t i = 0; i < d->dns_count; i++)
		concat_in(request->dns[i], sizeof(request->dns[i]), d->dns[i], NULL);
}
