/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concatenation of strings, as most paths are made: into memory of the right size, with no
 * format to read and no length to check.
 */
#ifndef PODNS_BASE_TEXT_H
#define PODNS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Concatenate the strings up to NULL in memory that the caller frees; NULL with ENOMEM. */
#define concat(...) arena_concat(NULL, __VA_ARGS__)

/* The same in an arena, or, with a NULL arena, in memory that the caller frees. */
char *arena_concat(struct arena *a, const char *first, ...) __attribute__((sentinel));

/* The same in `room`, which has size > 0 bytes; truncated to fit. */
void concat_in(char *room, size_t size, const char *first, ...) __attribute__((sentinel));

/* The same, appended to a buffer. Returns as buf_add(). */
int buf_concat(struct buf *b, const char *first, ...) __attribute__((sentinel));

/* Format a number in decimal. */
struct decimal {
	char text[21];
};
struct decimal decimal(uint64_t n);

/* Format a number as 16 lower-case hexadecimal digits. */
#define HEX64_DIGITS 16
struct hex64 {
	char text[HEX64_DIGITS + 1];
};
struct hex64 hex64(uint64_t n);

/*
 * len bytes of a path, read as absolute, without empty, "." and ".." components; of "/" nothing is left.
 * Symbolic links are not followed. In the arena; NULL with ENOMEM.
 */
char *arena_clean_path(struct arena *a, const char *s, size_t len);

/* Remove these characters from both ends of s, in place. Returns the new beginning. */
char *trim(char *s, const char *blanks);

/* Is it a path below this directory, whose path does not end in a slash? Compares names alone. */
bool is_below(const char *path, const char *dir);

bool has_suffix(const char *s, const char *suffix);

#endif
