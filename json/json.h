/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON parser that keeps the byte span of each value, so that a document can be edited without
 * changing any other byte.
 *
 * yajl parses the whole text once as a stream, and its callbacks record each value in one growing
 * array: a tree of nodes, each with its span in the text. Numbers stay text. The caller names the
 * members that it wants; yajl checks the syntax of the others, which are not recorded.
 *
 * The parser refuses truncated text, trailing data, invalid UTF-8 and nesting over JSON_DEPTH_MAX,
 * with line and byte. The accessors refuse, where they read them, duplicate members, members whose
 * name differs from the wanted one only in case (Go's encoding/json, and so runc and podman, would
 * take one for the other), wrong types and NUL in strings.
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
	uint32_t start, end; /* span of the value in the text, with quotes or braces */
	uint32_t parent;     /* JSON_NONE for the root */
	uint32_t next;       /* the node after this one's subtree */
	uint32_t key_start;  /* offset of the key's first quote; JSON_NONE in an array */
	const char *key;     /* decoded; key_len bytes, not NUL-terminated */
	const char *str;     /* of a string: decoded; str_len bytes, not NUL-terminated */
	uint32_t key_len, str_len;
	bool odd, key_odd; /* str, key has a lone surrogate, on which parsers disagree */
};

struct json {
	const char *what; /* names the document in errors: "config.json", "state" */
	const char *text; /* borrowed; must outlive this */
	size_t len;
	struct json_node *nodes; /* nodes[0] is the root; stored in room */
	struct buf room;
	uint32_t count, cap;
	struct arena arena; /* decoded strings */
};

/*
 * Is this member to be kept? Called for each member of each kept object: parent is the object's node,
 * depth is 1 for members of the root. A kept array keeps all its elements; for members of objects in
 * it this is called again.
 */
typedef bool (*json_want_fn)(const struct json *doc, uint32_t parent, unsigned depth,
			     const char *key, size_t key_len);

/*
 * Are the members of this object to be dropped? Called at the end of each kept object, whose nodes
 * are then the last in doc. The object itself stays, as if it were empty.
 */
typedef bool (*json_drop_fn)(const struct json *doc, uint32_t object, unsigned depth);

/*
 * Parse len bytes at text into *doc, which need not be initialised; what and text must outlive it.
 * want may be NULL to keep everything, drop to drop nothing. The root may be of any type. On failure
 * *e has line and byte, and *doc owns nothing.
 */
int json_parse(struct json *doc, const char *what, const char *text, size_t len, json_want_fn want,
	       json_drop_fn drop, struct error *e);

void json_free(struct json *doc);

#define cleanup_json __attribute__((cleanup(json_free)))

/*
 * Would a runtime take this key for `name`? Go's encoding/json ignores case, and treats 's' and
 * U+017F, and 'k' and U+212A, as equal. To crun, which is written in C, a key ends at a NUL. A
 * json_want_fn compares names with this, so that json_member() sees the look-alikes and refuses them.
 */
bool json_key_folds(const char *key, size_t key_len, const char *name);

/*
 * Set *node to the member `name` of object obj, or to JSON_NONE if there is none. Refuses a second
 * member of that name, and one that json_key_folds() finds equal to it.
 */
int json_member(const struct json *doc, uint32_t obj, const char *name, uint32_t *node,
		struct error *e);

/*
 * As json_member(), for maps with keys of the user's choice (annotations, sysctl), where case
 * matters: only a duplicate and a key that equals name up to a NUL are refused.
 */
int json_map_member(const struct json *doc, uint32_t map, const char *name, uint32_t *node,
		    struct error *e);

/* As json_member(); the value must be of this type, and null counts as absent. */
int json_member_of(const struct json *doc, uint32_t obj, const char *name, enum json_type type,
		   uint32_t *node, struct error *e);

/*
 * json_member_of() for a string, copied as by json_string(). *s is NULL if it is absent. node may be
 * NULL.
 */
int json_member_string(struct json *doc, uint32_t obj, const char *name, const char **s,
		       uint32_t *node, struct error *e);

/*
 * The first child of a node and the next sibling, or JSON_NONE; JSON_NONE has no children.
 * for (c = json_first(d, n); c != JSON_NONE; c = json_next(d, c))
 */
uint32_t json_first(const struct json *doc, uint32_t node);
uint32_t json_next(const struct json *doc, uint32_t node);
size_t json_count_children(const struct json *doc, uint32_t node);

/* Is the node a string that equals s? Is its key s? */
bool json_str_is(const struct json *doc, uint32_t node, const char *s);
bool json_key_is(const struct json *doc, uint32_t node, const char *s);

/*
 * Copy a string, or the key of a node, to the document's arena, NUL-terminated. Refuses another type,
 * a NUL in it, a lone surrogate. json_check_string() only checks.
 */
int json_string(struct json *doc, uint32_t node, const char **s, struct error *e);
int json_key(struct json *doc, uint32_t node, const char **s, struct error *e);
int json_check_string(const struct json *doc, uint32_t node, struct error *e);

/* Read a whole number from 0 to max, written without sign, fraction or exponent. */
int json_u64(const struct json *doc, uint32_t node, uint64_t max, uint64_t *value, struct error *e);

/* Set *e to "WHAT: PATH: TEXT", where PATH is that of the node, such as linux.namespaces[2].type. */
int json_error(const struct json *doc, uint32_t node, struct error *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Append s as a JSON string with quotes, in which only ", \ and control characters are escaped.
 * Returns 0, or -1 with errno ENOMEM, or EILSEQ if s is not UTF-8; b is then unchanged.
 */
int json_quote(struct buf *b, const char *s);

/*
 * May a string of this text, which is not parsed, be s? True also for text that is not JSON but has such
 * a string. Escapes in the text are decoded, and where that is not enough to tell, it may be s.
 */
bool json_may_have_string(const char *text, size_t len, const char *s);

#endif
