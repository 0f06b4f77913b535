/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/ports.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

const char *const port_proto_name[PROTO_COUNT] = { "tcp", "udp", "sctp" };

/* The longest: an IPv6 address in brackets, two ranges and a protocol. */
#define SPEC_MAX 95

#define NO_BRACKETS "an IPv6 address needs brackets, [IP]:HOST:POD"

static int parse_proto(char *spec, struct port_range *range, struct error *e)
{
	char *slash = strchr(spec, '/');

	range->proto = PROTO_TCP;
	if (!slash)
		return 0;
	*slash++ = '\0';
	for (unsigned i = 0; i < PROTO_COUNT; i++) {
		if (strcmp(slash, port_proto_name[i]) != 0)
			continue;
		range->proto = (uint8_t)i;
		return 0;
	}
	return error_set(e, 0, "no protocol '%s'; there are tcp, udp and sctp", slash);
}

/* Take the address from the beginning of the text: *rest is what follows its colon. */
static int parse_address(char *spec, struct port_range *range, char **rest, struct error *e)
{
	/* ::ffff:0:0/96, IPv4-mapped addresses: port_overlaps() would not see that they are of IPv4. */
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char *end, *address = spec;
	bool v6 = *spec == '[';

	*rest = spec;
	if (v6) {
		end = strstr(++address, "]:");
		if (!end)
			return error_set(e, 0, NO_BRACKETS);
		*end++ = '\0';
	} else {
		end = strchr(spec, ':');
		if (!end || !strchr(end + 1, ':'))
			return 0;
	}
	*end = '\0';
	*rest = end + 1;
	range->ip_len = v6 ? 16 : 4;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, address, range->ip) != 1) {
		/* As in ::1:80:80. */
		if (!v6 && strchr(*rest, ':') != strrchr(*rest, ':'))
			return error_set(e, 0, NO_BRACKETS);
		return error_set(e, 0, "'%s' is not an IP%s address", address, v6 ? "v6" : "v4");
	}
	if (v6 && !memcmp(range->ip, mapped, sizeof(mapped)))
		return error_set(e, 0, "'%s': write it as an IPv4 address", address);
	return 0;
}

static int parse_port(const char *text, uint16_t *port, struct error *e)
{
	uint64_t n;

	if (!parse_u64(text, UINT16_MAX, &n) || !n)
		return error_set(e, 0, "'%s' is not a port from 1 to 65535", text);
	*port = (uint16_t)n;
	return 0;
}

/* FIRST or FIRST-LAST. */
static int parse_range(char *text, uint16_t *first, unsigned *count, struct error *e)
{
	char *dash = strchr(text, '-');
	uint16_t last = 0;

	if (dash)
		*dash++ = '\0';
	if (parse_port(text, first, e) < 0 || parse_port(dash ? dash : text, &last, e) < 0)
		return -1;
	if (last < *first)
		return error_set(e, 0, "the range %u-%u ends before it begins", *first, last);
	*count = (unsigned)(last - *first) + 1;
	return 0;
}

static int parse_ranges(char *text, struct port_range *range, struct error *e)
{
	char *colon = strchr(text, ':');
	unsigned host_count = 0, pod_count = 0;

	if (!colon)
		return error_set(e, 0, "expected [IP:]HOST:POD[/PROTOCOL]");
	*colon = '\0';
	if (parse_range(text, &range->host, &host_count, e) < 0 ||
	    parse_range(colon + 1, &range->pod, &pod_count, e) < 0)
		return -1;
	if (host_count != pod_count)
		return error_set(e, 0, "%u ports of the host cannot lead to %u of the pod",
				 host_count, pod_count);
	range->count = (uint16_t)host_count;
	return 0;
}

int port_parse(const char *text, struct port_range *range, struct error *e)
{
	char copy[SPEC_MAX + 1], *rest;
	size_t len = strlen(text);

	memset(range, 0, sizeof(*range));
	if (len > SPEC_MAX)
		return error_set(e, 0, "port '%.40s...' is too long", text);
	memcpy(copy, text, len + 1);
	if (parse_proto(copy, range, e) == 0 && parse_address(copy, range, &rest, e) == 0 &&
	    parse_ranges(rest, range, e) == 0)
		return 0;
	return error_prefix(e, "port '%s'", text);
}

/* "8080" or "8080-8089" */
static void format_range(char *room, size_t size, uint16_t first, uint16_t count)
{
	if (count == 1)
		snprintf(room, size, "%u", first);
	else
		snprintf(room, size, "%u-%u", first, first + count - 1U);
}

struct port_prefix port_prefix(const struct port_range *range)
{
	char ip[INET6_ADDRSTRLEN];
	bool v6 = range->ip_len == 16;
	struct port_prefix out = { "" };

	if (!range->ip_len)
		return out;
	inet_ntop(v6 ? AF_INET6 : AF_INET, range->ip, ip, sizeof(ip));
	snprintf(out.text, sizeof(out.text), v6 ? "[%s]:" : "%s:", ip);
	return out;
}

struct port_text port_format(const struct port_range *range)
{
	char host[16], pod[16];
	struct port_text out;

	format_range(host, sizeof(host), range->host, range->count);
	format_range(pod, sizeof(pod), range->pod, range->count);
	snprintf(out.text, sizeof(out.text), "%s%s:%s/%s", port_prefix(range).text, host, pod,
		 range->proto < PROTO_COUNT ? port_proto_name[range->proto] : "?");
	return out;
}

/* A range has no padding. */
_Static_assert(sizeof(struct port_range) == 16 + 2 + 3 * sizeof(uint16_t), "no padding");

bool port_equal(const struct port_range *a, const struct port_range *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool port_is_any_address(const struct port_range *range)
{
	static const unsigned char zeros[16];

	return !memcmp(range->ip, zeros, sizeof(zeros));
}

/* 0.0.0.0 and [::] are addresses of one family each: many publish a port for both. */
static bool same_addresses(const struct port_range *a, const struct port_range *b)
{
	if (!a->ip_len || !b->ip_len)
		return true;
	if (a->ip_len != b->ip_len)
		return false;
	return port_is_any_address(a) || port_is_any_address(b) ||
	       !memcmp(a->ip, b->ip, sizeof(a->ip));
}

bool port_overlaps(const struct port_range *a, const struct port_range *b)
{
	return a->proto == b->proto && a->host < b->host + b->count &&
	       b->host < a->host + a->count && same_addresses(a, b);
}

int port_add(struct port_range *list, size_t *count, const struct port_range *range,
	     struct error *e)
{
	for (size_t i = 0; i < *count; i++)
		if (port_overlaps(&list[i], range))
			return error_set(e, 0, "port %s is published already, by %s",
					 port_format(range).text, port_format(&list[i]).text);
	if (*count == PORT_RANGES_MAX)
		return error_set(e, 0, "more than %d published ports or ranges", PORT_RANGES_MAX);
	list[(*count)++] = *range;
	return 0;
}

int port_check_bounds(const struct port_range *range, uint16_t low, uint16_t high, struct error *e)
{
	unsigned last = range->host + range->count - 1U;

	if (range->host >= low && last <= high)
		return 0;
	return error_set(e, 0, "port %u of the host is not in the allowed range %u-%u",
			 range->host < low ? range->host : last, low, high);
}

int port_parse_bounds(const char *text, uint16_t *low, uint16_t *high, struct error *e)
{
	char copy[16];
	unsigned count = 0;
	size_t len = strlen(text);

	if (len >= sizeof(copy) || !strchr(text, '-'))
		return error_set(e, 0, "expected LOW-HIGH, not '%.40s'", text);
	memcpy(copy, text, len + 1);
	if (parse_range(copy, low, &count, e) < 0)
		return -1;
	*high = (uint16_t)(*low + count - 1);
	return 0;
}
