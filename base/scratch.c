/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scratch.h"

#include <stdlib.h>

#ifdef PODNS_NO_SCRATCH

void *scratch_resize(void *p, size_t had, size_t want)
{
	(void)had;
	return realloc(p, want);
}

void scratch_free(void *p, size_t had)
{
	(void)had;
	free(p);
}

#else

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23	/* include/uapi/asm-generic/mman-common.h; glibc has it since 2.35 */
#endif

#define ROOM ((size_t)256 * 1024)	/* a multiple of STEP */
/* Filled at one go, where the kernel can (Linux 5.14, madvise(2)): to meet each page by a fault costs more. */
#define STEP ((size_t)16 * 1024)
#define PAGE 4096

/*
 * Pieces lie one behind the other. The last one grows and goes in place; what another leaves free is
 * free again when nothing is in use any more.
 *
 * A common symbol, as the parser's pool in oci/json.c is: both lie behind all other zeroed data.
 */
char scratch_room[ROOM] __attribute__((common, aligned(PAGE)));
static size_t end, filled, in_use;

static bool is_here(const void *p)
{
	uintptr_t at = (uintptr_t)p, begin = (uintptr_t)scratch_room;

	return at >= begin && at < begin + ROOM;
}

static size_t place_of(const void *p)
{
	return (size_t)((const char *)p - scratch_room);
}

static bool is_last(const void *p, size_t had)
{
	return place_of(p) + scratch_aligned(had) == end;
}

/* The room from start on is n bytes' now; there are so many. */
static void *take(size_t start, size_t n)
{
	size_t fill;

	end = start + scratch_aligned(n);
	if (end > filled) {
		fill = (end - filled + STEP - 1) / STEP * STEP;
		/* Where this fails, the pages come one by one. */
		madvise(scratch_room + filled, fill, MADV_POPULATE_WRITE);
		filled += fill;
	}
	return scratch_room + start;
}

static void *give(size_t n)
{
	if (n > ROOM - end)
		return malloc(n);
	in_use++;
	return take(end, n);
}

void *scratch_resize(void *p, size_t had, size_t want)
{
	void *other;

	if (!p)
		return give(want);
	if (!is_here(p))
		return realloc(p, want);
	if (is_last(p, had) && want <= ROOM - place_of(p))
		return take(place_of(p), want);
	other = give(want);
	if (!other)
		return NULL;
	memcpy(other, p, had < want ? had : want);
	scratch_free(p, had);
	return other;
}

void scratch_free(void *p, size_t had)
{
	if (!is_here(p)) {
		free(p);
		return;
	}
	if (is_last(p, had))
		end = place_of(p);
	if (--in_use == 0)
		end = 0;
}

#endif
