/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error is set once, at the lowest level that knows the object it is about, passed up unchanged,
 * and printed once, in main. It allocates nothing, so that it can report that memory is exhausted.
 */
#ifndef PODNS_BASE_ERROR_H
#define PODNS_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

struct error {
	int num;         /* errno, or 0 if no system call failed */
	char text[5120]; /* one line, large enough for a path of PATH_MAX bytes */
	char hint[768];  /* the remedy, or empty */
};

/*
 * The length in bytes of the control character at s, 0 if there is none: 1, or 2 for a C1 control
 * (U+0080 to U+009F) in UTF-8, which terminals obey too. make_one_line() replaces each of these
 * bytes by '?'.
 */
size_t control_length(const char *s);
void make_one_line(char *s);

/*
 * Set *e to the formatted text, with ": strerror(num)" appended if num is not 0, and clear its hint.
 * Control characters are replaced by '?', so that hostile input cannot forge a second line.
 * Returns -1, so that callers can write `return error_set(...)`.
 */
int error_set(struct error *e, int num, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Add a hint to an error that is already set. Returns -1. */
int error_hint(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prepend formatted text and ": " to the text of an error. Returns -1. */
int error_prefix(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Set *e to the error for ENOMEM. Returns -1. */
int error_nomem(struct error *e);

#endif
