/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two allocators: a growing byte buffer, and an arena whose allocations are all freed together, so
 * that parsing a document needs no allocation per member.
 */
#ifndef PODNS_BASE_BUF_H
#define PODNS_BASE_BUF_H

#include <stddef.h>

/* A byte buffer. Zero-initialised, it is empty; free it with buf_free(), not through data. */
struct buf {
	char *data; /* NULL, or len bytes and a terminating NUL */
	size_t len;
	size_t cap;
};

/* Append n bytes. Returns 0, or -1 with errno ENOMEM and the buffer unchanged. */
int buf_add(struct buf *b, const void *bytes, size_t n);

/* Append a NUL-terminated string. As buf_add. */
int buf_adds(struct buf *b, const char *s);

/* Append formatted text. As buf_add. */
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Make room for n more bytes and a NUL. Returns 0, or -1 with errno ENOMEM. */
int buf_reserve(struct buf *b, size_t n);

void buf_free(struct buf *b);

#define cleanup_buf __attribute__((cleanup(buf_free)))

/* An arena. Zero-initialised, it is empty; free all its allocations with arena_free(). */
struct arena {
	struct arena_chunk *chunks;
};

/* Allocate n bytes, aligned for any object, not zeroed; NULL with ENOMEM. */
void *arena_alloc(struct arena *a, size_t n);

/* A NUL-terminated copy of n bytes; NULL with ENOMEM. */
char *arena_strndup(struct arena *a, const char *s, size_t n);

void arena_free(struct arena *a);

#define cleanup_arena __attribute__((cleanup(arena_free)))

#endif
