/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax of systemd's unit files, which Quadlet's files have as well: systemd.syntax(7). Pure
 * functions.
 *
 * Stricter than systemd, which warns and goes on: what is malformed is an error, and so is what systemd
 * and podman read differently (blanks after a backslash at the end of a line, an empty line or the end of
 * the file after it). Escapes in values and specifiers such as %i are refused, because nothing replaces
 * them here.
 */
#ifndef PODNS_POD_UNIT_FILE_H
#define PODNS_POD_UNIT_FILE_H

#include <stddef.h>

#include "base/error.h"

/* A section header or an assignment. The strings are valid during the call. */
struct unit_entry {
	const char *section;
	const char *key; /* NULL: this is the header of the section */
	char *value; /* without blanks around it; empty: earlier assignments are void. For unit_word() */
	unsigned line; /* from 1; of lines that a backslash joins the first */
};

/*
 * Call fn for each entry. If fn fails, or the syntax is wrong, the error gets "file:line: " in front. Blanks
 * are spaces and tabs, and a carriage return before the end of a line. The text must be UTF-8 without NUL.
 */
typedef int (*unit_entry_fn)(void *arg, struct unit_entry *entry, struct error *e);
int unit_parse(const char *file, const char *text, size_t len, unit_entry_fn fn, void *arg,
	       struct error *e);

/*
 * Take the next word from a value: *word, and *value is what follows. A word ends at a blank; one in double
 * or single quotes, which are removed, may contain blanks and be empty. Returns 1, 0 where there is no
 * word left, or -1: a quote inside of a word or without its counterpart, a backslash, '%', or a comment.
 */
int unit_word(char **value, char **word, struct error *e);

#endif
