/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/bandwidth.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

#define BURST_MIN (UINT64_C(8) * 16384)
#define BURST_MAX (UINT64_C(8) * INT32_MAX)

static int refuse(const char *text, const char *why, struct error *e)
{
	error_set(e, 0, "'%.40s' %s", text, why);
	return error_hint(e, "bits per second, from 1K to 1000G, such as 10M");
}

int bandwidth_parse_rate(const char *text, uint64_t *rate, struct error *e)
{
	static const char units[] = "kmg";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits, *power = NULL;
	uint64_t value = 0, times = 1;

	if (*unit && !unit[1])
		power = strchr(units, tolower((unsigned char)*unit));
	if (!digits || (*unit && !power))
		return refuse(text, "is no rate", e);
	for (const char *p = units; power && p <= power; p++)
		times *= 1000;
	for (size_t i = 0; i < digits && value <= BANDWIDTH_RATE_MAX; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	if (value > BANDWIDTH_RATE_MAX / times)
		return refuse(text, "is too high a rate", e);
	if (value * times < BANDWIDTH_RATE_MIN)
		return refuse(text, "is too low a rate", e);
	*rate = value * times;
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
