/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error is made once, at the lowest level that knows the object it is
 * about, is carried up unchanged, and is printed once, in main. It owns no
 * memory: an error about missing memory must not need any.
 */
#ifndef PODNS_BASE_ERROR_H
#define PODNS_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

struct error {
	int num;         /* errno, or 0 when it is not about a system call */
	char text[5120]; /* one line; holds a whole PATH_MAX path */
	char hint[768];  /* what to do about it, or empty */
};

/*
 * How many bytes at s are a control character: 0; 1; or 2 for those of ISO 6429's upper half in
 * UTF-8 (U+0080 to U+009F), which terminals obey, too. make_one_line() puts '?' in their place.
 */
size_t control_length(const char *s);
void make_one_line(char *s);

/*
 * Set *e to the formatted line; where num is not 0, ": strerror(num)" is
 * added. Control characters in the text are replaced by '?', so that hostile
 * input cannot forge a second line. A hint is cleared. Returns -1, so that
 * callers can say `return error_set(...)`.
 */
int error_set(struct error *e, int num, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Add a hint to an error that is already set. Returns -1. */
int error_hint(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put formatted text and ": " before the text of an error. Returns -1. */
int error_prefix(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Shorthand for the commonest of all: no memory. Returns -1. */
int error_nomem(struct error *e);

#endif
