/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concatenation of strings, as most paths are made: into memory of the right size, with no
 * format to read and no length to check.
 */
#ifndef PODNS_BASE_TEXT_H
#define PODNS_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The strings up to NULL, in memory that the caller frees; NULL with ENOMEM. */
char *concat(const char *first, ...) __attribute__((sentinel));

/* The same in `room`, which has size > 0 bytes, cut to fit. */
void concat_in(char *room, size_t size, const char *first, ...) __attribute__((sentinel));

/* The same in an arena; NULL with ENOMEM. */
char *arena_concat(struct arena *a, const char *first, ...) __attribute__((sentinel));

/* The same at the end of a buf. As buf_add(). */
int buf_concat(struct buf *b, const char *first, ...) __attribute__((sentinel));

/* A number in decimal. */
struct decimal {
	char text[21];
};
struct decimal decimal(uint64_t n);

/* A number in 16 hexadecimal digits, small letters. */
#define HEX64_DIGITS 16
struct hex64 {
	char text[HEX64_DIGITS + 1];
};
struct hex64 hex64(uint64_t n);

#endif
