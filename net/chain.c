/* SPDX-License-Identifier: Apache-2.0 */
#include "net/chain.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "net/plugin.h"
#include "net/result.h"
#include "net/run.h"

uint64_t chain_now(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

unsigned chain_limit(uint64_t left, size_t after)
{
	uint64_t share = left / (after + 1), kept = (uint64_t)after * CHAIN_LEAST_MS;
	uint64_t limit = left > kept ? left - kept : 0;

	if (limit < share)
		limit = share;
	return (unsigned)(limit < CHAIN_PLUGIN_MS ? limit : CHAIN_PLUGIN_MS);
}

bool chain_version_from(const char *version, unsigned major, unsigned minor)
{
	char *end;
	unsigned long first = strtoul(version, &end, 10), second;

	second = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return first > major || (first == major && second >= minor);
}
