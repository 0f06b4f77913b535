/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much a pod may receive and send: the capability "bandwidth" of CNI's CONVENTIONS.md. Pure functions.
 */
#ifndef PODNS_PLAN_BANDWIDTH_H
#define PODNS_PLAN_BANDWIDTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* In bits per second; 0: no limit. */
struct bandwidth {
	uint64_t ingress; /* into the pod */
	uint64_t egress;  /* out of it */
};

/* From 1 kbit/s to 1 Tbit/s, which is more than any interface has. */
#define BANDWIDTH_RATE_MIN 1000
#define BANDWIDTH_RATE_MAX 1000000000000

/*
 * Parse a rate: a number of bits per second, and K, M, G or nothing, which are powers of 1000 as in Kubernetes'
 * annotations of bandwidths and in tc(8). Refused is what is not in the bounds above.
 */
int bandwidth_parse_rate(const char *text, uint64_t *rate, struct error *e);

/* Is each rate 0 or in the bounds? */
bool bandwidth_is_valid(const struct bandwidth *b);

bool bandwidth_is_limited(const struct bandwidth *b);
bool bandwidth_equal(const struct bandwidth *a, const struct bandwidth *b);

/*
 * How many bits may pass at once at this rate: what passes in a tenth of a second. It is at least 16 KiB, since a
 * token bucket drops packets that are larger than it (tc-tbf(8)), and below 2 GiB, since CNI's plugin refuses 4 GiB.
 */
uint64_t bandwidth_burst(uint64_t rate);

#endif
