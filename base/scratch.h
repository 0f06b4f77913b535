/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where buffers and arenas have their memory from. A run takes some dozen kilobytes and is over: so
 * they lie side by side in the program's own zeroed data, whose pages are filled some at a time, and
 * only what finds no room there is the C library's business. To it each size is another page to get,
 * to fault in and to give back.
 *
 * With PODNS_NO_SCRATCH all is the C library's: for tools that look at each allocation.
 */
#ifndef PODNS_BASE_SCRATCH_H
#define PODNS_BASE_SCRATCH_H

#include <stddef.h>

/*
 * realloc(3) for one who knows how much it was: p is NULL (had is 0 then) or what this function
 * gave for had bytes. want is not 0. Aligned for any object, not zeroed. The caller owns what is
 * returned; NULL with ENOMEM, and p is as it was.
 */
void *scratch_resize(void *p, size_t had, size_t want);

/* n rounded up, so that what lies behind n bytes is aligned for any object. */
static inline size_t scratch_aligned(size_t n)
{
	return (n + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
}

/* Give back what scratch_resize() gave for had bytes; p may be NULL. */
void scratch_free(void *p, size_t had);

#endif
