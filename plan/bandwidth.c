/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/bandwidth.h"

#include "base/file.h"

#define BURST_MIN (UINT64_C(8) * 16384)
#define BURST_MAX (UINT64_C(8) * INT32_MAX)

static int refuse(const char *text, const char *why, struct error *e)
{
	error_set(e, 0, "'%.40s' %s", text, why);
	return error_hint(e, "bits per second, from 1K to 1000G, such as 10M");
}

int bandwidth_parse_rate(const char *text, uint64_t *rate, struct error *e)
{
	static const uint64_t times[] = { 1, 1000, 1000000, 1000000000 };
	uint64_t value;
	int unit;

	if (!parse_with_unit(text, "kmg", &value, &unit))
		return refuse(text, "is no rate", e);
	if (value > BANDWIDTH_RATE_MAX / times[unit + 1])
		return refuse(text, "is too high a rate", e);
	if (value * times[unit + 1] < BANDWIDTH_RATE_MIN)
		return refuse(text, "is too low a rate", e);
	*rate = value * times[unit + 1];
	return 0;
}

static bool is_valid(uint64_t rate)
{
	return !rate || (rate >= BANDWIDTH_RATE_MIN && rate <= BANDWIDTH_RATE_MAX);
}

bool bandwidth_is_valid(const struct bandwidth *b)
{
	return is_valid(b->ingress) && is_valid(b->egress);
}

bool bandwidth_is_limited(const struct bandwidth *b)
{
	return b->ingress || b->egress;
}

bool bandwidth_equal(const struct bandwidth *a, const struct bandwidth *b)
{
	return a->ingress == b->ingress && a->egress == b->egress;
}

uint64_t bandwidth_burst(uint64_t rate)
{
	uint64_t burst = rate / 10;

	if (burst < BURST_MIN)
		return BURST_MIN;
	return burst < BURST_MAX ? burst : BURST_MAX;
}
