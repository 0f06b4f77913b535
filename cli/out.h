/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output of the commands: JSON for programs, and small texts for people.
 */
#ifndef PODNS_CLI_OUT_H
#define PODNS_CLI_OUT_H

#include "base/buf.h"
#include "ns/types.h"

/*
 * A JSON document that is being made. All zero is an empty one. Only json_end() reports that memory
 * was missing.
 */
struct json_out {
	struct buf text;
	unsigned depth;
	bool failed;
};

/*
 * Begin and end an object ('{', '}') or an array ('[', ']'). key is its name in the enclosing object;
 * NULL in an array and at the top.
 */
void json_open(struct json_out *j, const char *key, char bracket);
void json_close(struct json_out *j, char bracket);

/* NULL becomes null. In a string that is not UTF-8 each byte above 0x7f becomes '?'. */
void json_put_string(struct json_out *j, const char *key, const char *s);
void json_put_number(struct json_out *j, const char *key, uint64_t value);
void json_put_bool(struct json_out *j, const char *key, bool value);
void json_put_null(struct json_out *j, const char *key);

/* An array of the types' short names. */
void json_put_types(struct json_out *j, const char *key, ns_set set);

/* Print the document and free it. */
int json_end(struct json_out *j, struct error *e);

/* "net,ipc,uts"; "-" for none. */
struct types_text {
	char s[64];
};
struct types_text types_text(ns_set set);

/*
 * How many bytes of a pod's name a table shows: 12 of the id of an engine's pod, as the engines do, and all
 * of any other.
 */
int shown_length(const char *name);

/* The time since created (seconds of CLOCK_REALTIME): "12s", "5m", "3h", "40d". */
struct age_text {
	char s[24];
};
struct age_text age_text(uint64_t created);

/*
 * Print s with '?' for control characters and for bytes that are not UTF-8: a terminal must not obey
 * strings that other programs chose.
 */
void print_safe(const char *s);

#endif
