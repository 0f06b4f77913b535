/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports: [IP:]HOST[-LAST]:POD[-LAST][/PROTO], as podman and Docker write them. Pure functions.
 */
#ifndef PODNS_PLAN_PORTS_H
#define PODNS_PLAN_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum port_proto { PROTO_TCP, PROTO_UDP, PROTO_SCTP, PROTO_COUNT };
extern const char *const port_proto_name[PROTO_COUNT];

/* `count` ports of the host from `host` on lead to those of the pod from `pod` on. */
struct port_range {
	unsigned char ip[16]; /* of the host, in network order */
	uint8_t ip_len;       /* 0: all addresses of the host; 4: IPv4; 16: IPv6 */
	uint8_t proto;        /* enum port_proto */
	uint16_t host, pod, count;
};

#define PORT_RANGES_MAX 64

/*
 * Parse one --publish. IPv6 addresses are in brackets. Refused with a reason: port 0, a range that ends
 * before it begins, ranges of different lengths, an unknown protocol, an address that is none.
 */
int port_parse(const char *text, struct port_range *range, struct error *e);

/* The same range as text, which port_parse() reads again. */
struct port_text {
	char text[96];
};
struct port_text port_format(const struct port_range *range);

/* "127.0.0.1:" or "[::1]:", before a port; "" for all addresses of the host. */
struct port_prefix {
	char text[50]; /* INET6_ADDRSTRLEN and "[]:" */
};
struct port_prefix port_prefix(const struct port_range *range);

bool port_equal(const struct port_range *a, const struct port_range *b);

/* Is it for all addresses of the host, or all of one family (0.0.0.0 or [::])? */
bool port_is_any_address(const struct port_range *range);

/*
 * Would both need the same port of the host? No address (all of the host's) overlaps with each; 0.0.0.0 and
 * [::] with those of their family.
 */
bool port_overlaps(const struct port_range *a, const struct port_range *b);

/* Add a range to a list of at most PORT_RANGES_MAX; one that overlaps with another is refused. */
int port_add(struct port_range *list, size_t *count, const struct port_range *range,
	     struct error *e);

/* Are all ports of the host in the range from low to high? Else the error names the port. */
int port_check_bounds(const struct port_range *range, uint16_t low, uint16_t high, struct error *e);

/* Parse LOW-HIGH. */
int port_parse_bounds(const char *text, uint16_t *low, uint16_t *high, struct error *e);

#endif
