/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The definition of a pod: one that is accepted keeps the limits of the header, and reads the same after
 * it was written.
 */
#include <arpa/inet.h>

#include "base/text.h"
#include "plan/names.h"
#include "pod/definition.h"
#include "tests/fuzz/fuzz.h"

static void check_address(const char *address)
{
	unsigned char bytes[16];
	char again[INET6_ADDRSTRLEN];
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;

	MUST(inet_pton(family, address, bytes) == 1);
	MUST(inet_ntop(family, bytes, again, sizeof(again)) && !strcmp(address, again));
}

static void check_maps(const struct id_maps *maps)
{
	MUST(maps->count <= ID_MAP_MAX);
	for (size_t i = 0; i < maps->count; i++)
		MUST(maps->map[i].size &&
		     (uint64_t)maps->map[i].container + maps->map[i].size <= UINT32_MAX);
}

static void check_lists(const struct definition *d)
{
	MUST(d->port_count <= PORT_RANGES_MAX && d->dns_count <= NETWORK_DNS_MAX);
	MUST(d->host_count <= DEFINITION_HOSTS_MAX && d->sysctl_count <= DEFINITION_SYSCTLS_MAX);
	for (size_t i = 0; i < d->port_count; i++)
		for (size_t k = 0; k < i; k++)
			MUST(!port_overlaps(&d->ports[i], &d->ports[k]));
	for (size_t i = 0; i < d->dns_count; i++)
		check_address(d->dns[i]);
	for (size_t i = 0; i < d->host_count; i++) {
		check_address(d->hosts[i].address);
		MUST(*d->hosts[i].name && !strpbrk(d->hosts[i].name, " \t\r\n#:/"));
	}
	for (size_t i = 0; i < d->sysctl_count; i++)
		MUST(d->sysctls[i].trusted);
}

static void check_limits(const struct definition *d)
{
	ns_set types = definition_types(d);
	enum definition_key key;
	struct error e;

	MUST(types && !(types >> NS_TYPES));
	MUST(!d->hostname || plan_check_hostname(d->hostname, "hostname", &e) == 0);
	MUST(!d->network || network_check_name(d->network, &e) == 0);
	MUST(d->network ||
	     (!d->port_count && !d->dns_count && !bandwidth_is_limited(&d->bandwidth)));
	MUST(bandwidth_is_valid(&d->bandwidth));
	MUST(d->shm_size <= INT64_MAX);
	MUST(!d->uid_maps.count == !d->gid_maps.count);
	check_maps(&d->uid_maps);
	check_maps(&d->gid_maps);
	check_lists(d);
	MUST(definition_check(d, types, &key, &e) == 0);
}

/* A request has room for all that a definition may have. */
static void check_request(const struct definition *d)
{
	struct network_request r;

	if (!d->network)
		return;
	definition_ask(d, "web", &r);
	MUST(!strcmp(r.network, d->network) && r.port_count == d->port_count);
	MUST(bandwidth_equal(&r.bandwidth, &d->bandwidth));
	for (size_t i = 0; i < d->dns_count; i++)
		MUST(!strcmp(r.dns[i], d->dns[i]));
}

static void write_maps(struct buf *out, const char *key, const struct id_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		MUST(buf_addf(out, "%s=%u:%u:%u\n", key, maps->map[i].container, maps->map[i].host,
			      maps->map[i].size) == 0);
}

static void write_rate(struct buf *out, const char *key, uint64_t rate)
{
	if (rate)
		MUST(buf_addf(out, "%s=%llu\n", key, (unsigned long long)rate) == 0);
}

static void write_lists(struct buf *out, const struct definition *d)
{
	for (size_t i = 0; i < d->port_count; i++)
		MUST(buf_addf(out, "PublishPort=%s\n", port_format(&d->ports[i]).text) == 0);
	for (size_t i = 0; i < d->dns_count; i++)
		MUST(buf_addf(out, "DNS=%s\n", d->dns[i]) == 0);
	for (size_t i = 0; i < d->host_count; i++)
		MUST(buf_addf(out, "AddHost=%s:%s\n", d->hosts[i].name, d->hosts[i].address) == 0);
	for (size_t i = 0; i < d->sysctl_count; i++) {
		const struct sysctl *s = &d->sysctls[i];
		char quote = strchr(s->value, '"') ? '\'' : '"';

		MUST(buf_addf(out, "Sysctl=%c%s=%s%c\n", quote, s->key, s->value, quote) == 0);
	}
	write_maps(out, "UIDMap", &d->uid_maps);
	write_maps(out, "GIDMap", &d->gid_maps);
}

static void write_definition(struct buf *out, const struct definition *d)
{
	MUST(buf_adds(out, "[Pod]\n") == 0);
	for (int t = 0; t < NS_TYPES; t++)
		if (d->namespaces & NS_BIT(t))
			MUST(buf_addf(out, "Namespaces=%s\n", ns_info[t].brief) == 0);
	if (d->hostname)
		MUST(buf_addf(out, "HostName=%c%s%c\n", strchr(d->hostname, '"') ? '\'' : '"',
			      d->hostname, strchr(d->hostname, '"') ? '\'' : '"') == 0);
	if (d->network)
		MUST(buf_addf(out, "Network=%s\n", d->network) == 0);
	write_rate(out, "IngressRate", d->bandwidth.ingress);
	write_rate(out, "EgressRate", d->bandwidth.egress);
	if (d->shm_size)
		MUST(buf_addf(out, "ShmSize=%llu\n", (unsigned long long)d->shm_size) == 0);
	write_lists(out, d);
}

static void check_round_trip(const struct definition *d)
{
	cleanup_buf struct buf first = { 0 }, second = { 0 };
	struct definition again;
	struct error e;

	write_definition(&first, d);
	MUST(definition_parse(&again, "again", first.data, first.len, &e) == 0);
	write_definition(&second, &again);
	MUST(first.len == second.len && !memcmp(first.data, second.data, first.len));
	definition_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct definition d;
	struct error e;

	if (definition_parse(&d, "file", text, size, &e) == 0) {
		check_limits(&d);
		check_request(&d);
		check_round_trip(&d);
	} else {
		MUST(!strncmp(e.text, "file:", 5));
	}
	definition_free(&d);
	free(text);
	return 0;
}
