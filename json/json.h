/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON without losing its bytes.
 *
 * yajl runs once over the whole text as a streaming parser and we note, in one
 * growing array, where each value of interest begins and ends: a tree whose
 * leaves are byte spans. Numbers stay text. A caller names the members that it
 * wants; what lies under any other is checked by yajl and then forgotten.
 *
 * What is refused, by name and place: truncated text, text behind
 * the value, invalid UTF-8 (yajl lets overlong forms and surrogates pass, so
 * we look ourselves), depth over JSON_DEPTH_MAX. Duplicate members, members
 * that differ from one we read only in case (Go's encoding/json, and so runc
 * and podman, would take them for the same), wrong types and NUL in strings
 * are refused by the accessors, where they are read.
 */
#ifndef PODNS_JSON_JSON_H
#define PODNS_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define JSON_DEPTH_MAX 128
#define JSON_NONE UINT32_MAX

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_ARRAY };

struct json_node {
	enum json_type type;
	uint32_t start, end; /* the value's span in the text, quotes and braces included */
	uint32_t parent;     /* JSON_NONE for the root */
	uint32_t next;       /* the node behind this one's subtree */
	uint32_t key_start;  /* the key's first quote; JSON_NONE outside of objects */
	const char *key;     /* decoded, key_len bytes, no NUL behind */
	const char *str;     /* a string's decoded bytes, str_len of them */
	uint32_t key_len, str_len;
	bool odd, key_odd; /* string, key has a lone surrogate: parsers disagree on it */
};

struct json {
	const char *what; /* names the document in errors: "config.json", "state" */
	const char *text; /* borrowed; must outlive this */
	size_t len;
	struct json_node *nodes; /* nodes[0] is the root; in room */
	struct buf room;
	uint32_t count, cap;
	struct arena arena; /* decoded strings */
};

/*
 * Which members to keep. Asked for each member of each kept object: depth is 1
 * for members of the root; parent is the node of the object. Arrays that are kept
 * keep all their elements, and objects in them are asked about again.
 */
typedef bool (*json_want_fn)(const struct json *doc, uint32_t parent, unsigned depth,
			     const char *key, size_t key_len);

/*
 * Is the object that has just been read, doc's last, of interest to nobody? Asked at the end of
 * each kept object. Then its members are forgotten: it stays in its place as if empty.
 */
typedef bool (*json_drop_fn)(const struct json *doc, uint32_t object, unsigned depth);

/*
 * Parse len bytes at text into *doc, which need not be initialised. what
 * must outlive doc. want may be NULL: keep everything. drop may be NULL: forget nothing that was
 * wanted. The root may be of any type.
 * On failure -1, *e says what and where (line and byte), and *doc owns nothing.
 */
int json_parse(struct json *doc, const char *what, const char *text, size_t len, json_want_fn want,
	       json_drop_fn drop, struct error *e);

void json_free(struct json *doc);

#define cleanup_json __attribute__((cleanup(json_free)))

/*
 * Would a runtime take this key for `name`? To Go's encoding/json letters of either case are one, and
 * so are 's' and U+017F, 'k' and U+212A. To crun, which is written in C, a key ends before a NUL.
 * What a json_want_fn must ask, so that json_member() gets to see the look-alikes.
 */
bool json_key_folds(const char *key, size_t key_len, const char *name);

/*
 * The member `name` of object node obj: its index in *node, or JSON_NONE where there is
 * none. Refuses a second member of that name, and one that differs from it in case
 * alone (Unicode's simple folds of 's' and 'k' included) or has a NUL behind it.
 */
int json_member(const struct json *doc, uint32_t obj, const char *name, uint32_t *node,
		struct error *e);

/* As json_member, for maps with free keys (annotations, sysctl): case matters. A true
 * duplicate is refused, and one with a NUL behind it. */
int json_map_member(const struct json *doc, uint32_t map, const char *name, uint32_t *node,
		    struct error *e);

/* Like json_member, and the value must be of this type; null counts as absent. */
int json_member_of(const struct json *doc, uint32_t obj, const char *name, enum json_type type,
		   uint32_t *node, struct error *e);

/*
 * First child of a node, or JSON_NONE; the next sibling, or JSON_NONE.
 * for (c = json_first(d, n); c != JSON_NONE; c = json_next(d, c))
 */
uint32_t json_first(const struct json *doc, uint32_t node);
uint32_t json_next(const struct json *doc, uint32_t node);

/* The node is a string and equals s. */
bool json_str_is(const struct json *doc, uint32_t node, const char *s);
/* The node's key equals s. */
bool json_key_is(const struct json *doc, uint32_t node, const char *s);

/*
 * A string that we are going to use: NUL-terminated in the document's arena.
 * Refuses another type, NUL in it, a lone surrogate. json_key: the same for a node's key.
 */
int json_string(struct json *doc, uint32_t node, const char **s, struct error *e);
int json_key(struct json *doc, uint32_t node, const char **s, struct error *e);

/* The same refusals as json_string, without the copy. */
int json_check_string(const struct json *doc, uint32_t node, struct error *e);

/* A whole number from 0 to max, written without sign, fraction or exponent. */
int json_u64(const struct json *doc, uint32_t node, uint64_t max, uint64_t *value, struct error *e);

/* Set *e to "<what>: <path of node>: <text>" where the path reads like linux.namespaces[2].type */
int json_error(const struct json *doc, uint32_t node, struct error *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Append s as a JSON string with its quotes: only ", \ and control characters are escaped.
 * Returns 0, or -1 with errno ENOMEM, or EILSEQ where s is not UTF-8 (b is then unchanged).
 */
int json_quote(struct buf *b, const char *s);

#endif
