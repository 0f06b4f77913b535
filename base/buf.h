/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two kinds of memory: a byte buffer that grows, and an arena whose pieces
 * all live until it is freed, so that reading a document costs no allocation
 * per member.
 */
#ifndef PODNS_BASE_BUF_H
#define PODNS_BASE_BUF_H

#include <stddef.h>

/* Growing bytes. All zero is an empty one; free with buf_free(), never data by itself. */
struct buf {
	char *data; /* len bytes and, once not NULL, a NUL behind them */
	size_t len;
	size_t cap;
};

/* Append n bytes. Returns 0, or -1 with errno ENOMEM and the buf unchanged. */
int buf_add(struct buf *b, const void *bytes, size_t n);

/* Append a NUL-terminated string. As buf_add. */
int buf_adds(struct buf *b, const char *s);

/* Append formatted text. As buf_add. */
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Make room for n more bytes behind len. Returns 0, or -1 with ENOMEM. */
int buf_reserve(struct buf *b, size_t n);

void buf_free(struct buf *b);

#define cleanup_buf __attribute__((cleanup(buf_free)))

/* An arena. All zero is an empty one; free everything with arena_free(). */
struct arena {
	struct arena_chunk *chunks;
};

/* n bytes, aligned for any object, not zeroed; NULL with ENOMEM. */
void *arena_alloc(struct arena *a, size_t n);

/* A NUL-terminated copy of n bytes; NULL with ENOMEM. */
char *arena_strndup(struct arena *a, const char *s, size_t n);

void arena_free(struct arena *a);

#define cleanup_arena __attribute__((cleanup(arena_free)))

#endif
