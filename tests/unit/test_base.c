/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/log.h"

#include <time.h>

#include "tests/unit/unit.h"

/* The C library's calendar is right; it is the time zone files that it opens which we do without. */
static void times_are_those_of_gmtime(void)
{
	static const uint64_t edges[] = {
		0, 86399, 86400, 68169599, 68169600, 951782399, 951782400, 951868799, 951868800,
		1709164800, 1709251199, 1709251200, 2147483647, 2147483648, 4107542399, 4107542400,
		13574563200, 253402300799,
	};
	uint64_t at = 0;
	char text[64];
	struct tm tm;
	time_t t;

	for (size_t i = 0; i < 20000; i++) {
		at = i < sizeof(edges) / sizeof(*edges) ? edges[i] : at + 12345678;
		if (i == sizeof(edges) / sizeof(*edges))
			at = 0;
		t = (time_t)at;
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
		CHECK_STR(log_time_of(at).text, text);
	}
}

/* Whatever room is left in a chunk: the text is whole, and no piece is in another's place. */
static void arenas_print_whole_texts(void)
{
	char expected[201];
	const char *texts[64];

	for (int len = 0; len <= 200; len++) {
		struct arena a = { 0 };

		memset(expected, 'x', (size_t)len);
		expected[len] = '\0';
		for (int i = 0; i < 64; i++) {
			/* So that chunks end at all kinds of places. */
			if (i % 3 == 0)
				CHECK(arena_alloc(&a, (size_t)(len % 7 + i)));
			texts[i] = arena_printf(&a, "%d:%s", i, expected);
		}
		for (int i = 0; i < 64; i++) {
			char number[16];

			snprintf(number, sizeof(number), "%d:", i);
			CHECK(texts[i] && !strncmp(texts[i], number, strlen(number)));
			CHECK_STR(texts[i] + strlen(number), expected);
		}
		arena_free(&a);
	}
}

int main(void)
{
	RUN(arenas_print_whole_texts);
	RUN(times_are_those_of_gmtime);
	return unit_done();
}
