/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands print: JSON for programs, and small texts for people.
 */
#ifndef PODNS_CLI_OUT_H
#define PODNS_CLI_OUT_H

#include "base/buf.h"
#include "ns/types.h"

/*
 * A JSON document on its way out. All zero is an empty one. Without memory it fails at the
 * end alone.
 */
struct json_out {
	struct buf text;
	unsigned depth;
	bool failed;
};

/*
 * Begin and end an object or an array, as a member of this name; key is NULL in an array
 * and at the top.
 */
void json_open(struct json_out *j, const char *key, char bracket);
void json_close(struct json_out *j, char bracket);

/* A NULL string is null. What is not UTF-8 is shown with '?' for each byte of it. */
void json_put_string(struct json_out *j, const char *key, const char *s);
void json_put_number(struct json_out *j, const char *key, uint64_t value);
void json_put_bool(struct json_out *j, const char *key, bool value);
void json_put_null(struct json_out *j, const char *key);

/* The types of a set by their short names, as an array. */
void json_put_types(struct json_out *j, const char *key, ns_set set);

/* Print the document and free it. */
int json_end(struct json_out *j, struct error *e);

/* "net,ipc,uts"; "-" for none. */
struct types_text {
	char s[64];
};
struct types_text types_text(ns_set set);

/* "12s", "5m", "3h", "40d": since that time of CLOCK_REALTIME. */
struct age_text {
	char s[24];
};
struct age_text age_text(uint64_t created);

/*
 * Print s with '?' for control characters and for what is not UTF-8: other programs' strings must
 * not move a terminal's cursor.
 */
void print_safe(const char *s);

#endif
