/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/log.h"
#include "base/scratch.h"
#include "base/text.h"

#include <inttypes.h>
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
static void arenas_keep_whole_texts(void)
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
			texts[i] = arena_concat(&a, decimal((uint64_t)i).text, ":", expected, NULL);
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

#define PIECES 24

struct piece {
	unsigned char *at;
	size_t size;
	unsigned char mark;
};

static bool is_whole(const struct piece *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p->at[i] != p->mark)
			return false;
	return true;
}

/* Whatever the order in which pieces come, grow, shrink and go: none has another's bytes. */
static void scratch_pieces_keep_their_bytes(void)
{
	struct piece pieces[PIECES] = { 0 };
	uint64_t seed = 1;

	for (unsigned round = 0; round < unit_rounds(20000); round++) {
		struct piece *p = &pieces[unit_pick(&seed, PIECES)];
		/* Mostly small; together more than there is room. */
		unsigned most = unit_pick(&seed, 16) ? 2000 : 60000;
		size_t size = 1 + unit_pick(&seed, most);

		CHECK(!p->at || is_whole(p, p->size));
		if (p->at && unit_pick(&seed, 3) == 0) {
			scratch_free(p->at, p->size);
			*p = (struct piece){ 0 };
			continue;
		}
		p->at = scratch_resize(p->at, p->size, size);
		CHECK(p->at && (uintptr_t)p->at % _Alignof(max_align_t) == 0);
		CHECK(is_whole(p, p->size < size ? p->size : size));
		p->size = size;
		p->mark = (unsigned char)round;
		memset(p->at, p->mark, size);
	}
	for (size_t i = 0; i < PIECES; i++) {
		CHECK(!pieces[i].at || is_whole(&pieces[i], pieces[i].size));
		scratch_free(pieces[i].at, pieces[i].size);
	}
}

#ifndef PODNS_NO_SCRATCH
static void scratch_is_used_again(void)
{
	char *first = scratch_resize(NULL, 0, 1000), *second = scratch_resize(NULL, 0, 1000), *large;

	CHECK(second == first + 1008);
	CHECK(scratch_resize(second, 1000, 9000) == second);
	/* Not the last one: it moves, and the room it had waits for the others. */
	large = scratch_resize(first, 1000, 2000);
	CHECK(large == second + 9008);
	scratch_free(large, 2000);
	CHECK(scratch_resize(NULL, 0, 10) == large);
	scratch_free(large, 10);
	scratch_free(second, 9000);
	CHECK(scratch_resize(NULL, 0, 10) == first);
	/* As large as it gets, and larger. */
	second = scratch_resize(NULL, 0, 256 * 1024 - 16);
	CHECK(second == first + 16);
	large = scratch_resize(NULL, 0, 1);
	CHECK(large && (large < first || large >= first + 256 * 1024));
	scratch_free(large, 1);
	large = scratch_resize(second, 256 * 1024 - 16, 256 * 1024);
	CHECK(large && (large < first || large >= first + 256 * 1024));
	scratch_free(large, 256 * 1024);
	CHECK(!scratch_resize(first, 10, SIZE_MAX / 2));
	scratch_free(first, 10);
}
#endif

static void strings_are_put_behind_each_other(void)
{
	char *all = concat("/run", "/", "net", "ns", NULL), *empty = concat("", NULL);
	struct buf b = { 0 };
	char room[8];

	CHECK_STR(all, "/run/netns");
	CHECK_STR(empty, "");
	concat_in(room, sizeof(room), "ab", "", "cd", NULL);
	CHECK_STR(room, "abcd");
	/* Cut, in the middle of one and before others. */
	concat_in(room, sizeof(room), "abcd", "efgh", "ijkl", NULL);
	CHECK_STR(room, "abcdefg");
	concat_in(room, 1, "abcd", NULL);
	CHECK_STR(room, "");
	free(all);
	free(empty);
	CHECK(buf_concat(&b, "ab", NULL) == 0 && buf_concat(&b, "", NULL) == 0 &&
	      buf_concat(&b, "c", "de", NULL) == 0);
	CHECK(b.len == 5);
	CHECK_STR(b.data, "abcde");
	buf_free(&b);
}

static void numbers_are_those_of_printf(void)
{
	static const uint64_t edges[] = {
		0, 9, 10, 99, 100, UINT32_MAX, INT64_MAX, 0x0123456789abcdef, UINT64_MAX - 1, UINT64_MAX,
	};
	char text[32];

	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		snprintf(text, sizeof(text), "%" PRIu64, edges[i]);
		CHECK_STR(decimal(edges[i]).text, text);
		snprintf(text, sizeof(text), "%016" PRIx64, edges[i]);
		CHECK_STR(hex64(edges[i]).text, text);
	}
}

int main(void)
{
	RUN(arenas_keep_whole_texts);
	RUN(scratch_pieces_keep_their_bytes);
#ifndef PODNS_NO_SCRATCH
	RUN(scratch_is_used_again);
#endif
	RUN(times_are_those_of_gmtime);
	RUN(strings_are_put_behind_each_other);
	RUN(numbers_are_those_of_printf);
	return unit_done();
}
