/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accessors for the tree that json_parse() makes. They refuse what runtimes would read differently,
 * in messages that name the value by its path.
 */
#include "json/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static const char *const type_names[] = {
	[JSON_NULL] = "null",       [JSON_BOOL] = "a boolean",   [JSON_NUMBER] = "a number",
	[JSON_STRING] = "a string", [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
};

uint32_t json_first(const struct json *doc, uint32_t node)
{
	return node != JSON_NONE && doc->nodes[node].next > node + 1 ? node + 1 : JSON_NONE;
}

uint32_t json_next(const struct json *doc, uint32_t node)
{
	const struct json_node *n = &doc->nodes[node];

	if (n->parent == JSON_NONE || n->next >= doc->nodes[n->parent].next)
		return JSON_NONE;
	return n->next;
}

size_t json_count_children(const struct json *doc, uint32_t node)
{
	size_t n = 0;

	for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_next(doc, i))
		n++;
	return n;
}

bool json_str_is(const struct json *doc, uint32_t node, const char *s)
{
	const struct json_node *n = &doc->nodes[node];

	return n->type == JSON_STRING && !n->odd && n->str_len == strlen(s) &&
	       !memcmp(n->str, s, n->str_len);
}

bool json_key_is(const struct json *doc, uint32_t node, const char *s)
{
	const struct json_node *n = &doc->nodes[node];

	return n->key && !n->key_odd && n->key_len == strlen(s) && !memcmp(n->key, s, n->key_len);
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The length of the character at key if it folds to the lower-case letter c, else 0. */
static size_t folds_to(const char *key, size_t len, char c)
{
	if (!len)
		return 0;
	if (ascii_lower(*key) == c)
		return 1;
	if (c == 's' && len >= 2 && !memcmp(key, "\xc5\xbf", 2))
		return 2;
	if (c == 'k' && len >= 3 && !memcmp(key, "\xe2\x84\xaa", 3))
		return 3;
	return 0;
}

bool json_key_folds(const char *key, size_t key_len, const char *name)
{
	size_t n;

	if (!key_len)
		return !*name;
	/* The first byte tells most keys apart. */
	if (!(*key & 0x80) && ascii_lower(*key) != ascii_lower(*name))
		return false;
	for (; *name; name++) {
		n = folds_to(key, key_len, ascii_lower(*name));
		if (!n)
			return false;
		key += n;
		key_len -= n;
	}
	return !key_len || !*key;
}

static int require_type(const struct json *doc, uint32_t node, enum json_type type, struct error *e)
{
	if (doc->nodes[node].type == type)
		return 0;
	return json_error(doc, node, e, "is %s, not %s", type_names[doc->nodes[node].type],
			  type_names[type]);
}

/* Is the key the name followed by a NUL? A runtime written in C reads that as the name. */
static bool has_nul_after(const struct json_node *n, const char *name)
{
	size_t len = strlen(name);

	return n->key_len > len && !n->key[len] && !memcmp(n->key, name, len);
}

static int check_lookalike(const struct json *doc, uint32_t node, const char *name, bool fold,
			   struct error *e)
{
	const struct json_node *n = &doc->nodes[node];

	if (has_nul_after(n, name))
		return json_error(doc, node, e,
				  "has a NUL in its name, and runtimes would take it for "
				  "\"%s\"",
				  name);
	if (!fold || !json_key_folds(n->key, n->key_len, name))
		return 0;
	return json_error(doc, node, e,
			  "differs from \"%s\" only in case, and runtimes would take it "
			  "for that",
			  name);
}

static int find_member(const struct json *doc, uint32_t obj, const char *name, bool fold,
		       uint32_t *node, struct error *e)
{
	*node = JSON_NONE;
	if (require_type(doc, obj, JSON_OBJECT, e) < 0)
		return -1;
	for (uint32_t i = json_first(doc, obj); i != JSON_NONE; i = json_next(doc, i)) {
		if (!json_key_is(doc, i, name)) {
			if (check_lookalike(doc, i, name, fold, e) < 0)
				return -1;
			continue;
		}
		if (*node != JSON_NONE)
			return json_error(doc, i, e, "is there twice");
		*node = i;
	}
	return 0;
}

int json_member(const struct json *doc, uint32_t obj, const char *name, uint32_t *node,
		struct error *e)
{
	return find_member(doc, obj, name, true, node, e);
}

int json_map_member(const struct json *doc, uint32_t map, const char *name, uint32_t *node,
		    struct error *e)
{
	return find_member(doc, map, name, false, node, e);
}

int json_member_of(const struct json *doc, uint32_t obj, const char *name, enum json_type type,
		   uint32_t *node, struct error *e)
{
	if (json_member(doc, obj, name, node, e) < 0)
		return -1;
	if (*node != JSON_NONE && doc->nodes[*node].type == JSON_NULL)
		*node = JSON_NONE;
	return *node == JSON_NONE ? 0 : require_type(doc, *node, type, e);
}

static int check_decoded(const struct json *doc, uint32_t node, bool odd, const char *s, size_t len,
			 struct error *e)
{
	if (odd)
		return json_error(doc, node, e, "has a lone surrogate in it");
	if (memchr(s, '\0', len))
		return json_error(doc, node, e, "has a NUL in it");
	return 0;
}

int json_check_string(const struct json *doc, uint32_t node, struct error *e)
{
	const struct json_node *n = &doc->nodes[node];

	if (require_type(doc, node, JSON_STRING, e) < 0)
		return -1;
	return check_decoded(doc, node, n->odd, n->str, n->str_len, e);
}

int json_string(struct json *doc, uint32_t node, const char **s, struct error *e)
{
	const struct json_node *n = &doc->nodes[node];

	if (json_check_string(doc, node, e) < 0)
		return -1;
	*s = arena_strndup(&doc->arena, n->str, n->str_len);
	return *s ? 0 : error_nomem(e);
}

int json_member_string(struct json *doc, uint32_t obj, const char *name, const char **s,
		       uint32_t *node, struct error *e)
{
	uint32_t found;

	*s = NULL;
	if (json_member_of(doc, obj, name, JSON_STRING, &found, e) < 0)
		return -1;
	if (node)
		*node = found;
	return found == JSON_NONE ? 0 : json_string(doc, found, s, e);
}

int json_key(struct json *doc, uint32_t node, const char **s, struct error *e)
{
	const struct json_node *n = &doc->nodes[node];

	if (!n->key)
		return json_error(doc, node, e, "has no key");
	if (check_decoded(doc, node, n->key_odd, n->key, n->key_len, e) < 0)
		return -1;
	*s = arena_strndup(&doc->arena, n->key, n->key_len);
	return *s ? 0 : error_nomem(e);
}

int json_u64(const struct json *doc, uint32_t node, uint64_t max, uint64_t *value, struct error *e)
{
	const struct json_node *n = &doc->nodes[node];
	uint64_t v = 0, digit;

	if (require_type(doc, node, JSON_NUMBER, e) < 0)
		return -1;
	for (uint32_t i = n->start; i < n->end; i++) {
		digit = (uint64_t)(unsigned char)doc->text[i] - '0';
		if (digit > 9 || digit > max || v > (max - digit) / 10)
			return json_error(doc, node, e, "is not a whole number from 0 to %llu",
					  (unsigned long long)max);
		v = v * 10 + digit;
	}
	*value = v;
	return 0;
}

/* Messages show such a key as .key, any other as [key]. */
static bool is_plain_key(const struct json_node *n)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-";

	for (uint32_t i = 0; i < n->key_len; i++)
		if (!n->key[i] || !strchr(plain, n->key[i]))
			return false;
	return n->key_len;
}

static int add_step(const struct json *doc, uint32_t node, struct buf *b)
{
	const struct json_node *n = &doc->nodes[node];
	int shown = n->key_len < 80 ? (int)n->key_len : 80;
	unsigned index = 0;

	if (n->key) {
		if (is_plain_key(n))
			return buf_addf(b, "%s%.*s", b->len ? "." : "", shown, n->key);
		return buf_addf(b, "[%.*s]", shown, n->key);
	}
	for (uint32_t i = json_first(doc, n->parent); i != node; i = json_next(doc, i))
		index++;
	return buf_addf(b, "[%u]", index);
}

static int add_path(const struct json *doc, uint32_t node, struct buf *b)
{
	uint32_t steps[JSON_DEPTH_MAX + 1];
	size_t n = 0;

	for (; doc->nodes[node].parent != JSON_NONE; node = doc->nodes[node].parent)
		steps[n++] = node;
	while (n)
		if (add_step(doc, steps[--n], b) < 0)
			return -1;
	return 0;
}

int json_error(const struct json *doc, uint32_t node, struct error *e, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	cleanup_buf struct buf path = { 0 };
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return error_nomem(e);
	}
	if (add_path(doc, node, &path) < 0)
		return error_nomem(e);
	if (!path.len)
		return error_set(e, 0, "%s: %s", doc->what, text);
	return error_set(e, 0, "%s: %s: %s", doc->what, path.data, text);
}

static int add_escape(struct buf *b, char c)
{
	const char pair[] = { '\\', c == '\n' ? 'n' : c };

	if (c == '"' || c == '\\' || c == '\n')
		return buf_add(b, pair, sizeof(pair));
	return buf_addf(b, "\\u%04x", (unsigned)(unsigned char)c);
}

static int add_quoted(struct buf *b, const char *s)
{
	const char *p = s;

	if (buf_add(b, "\"", 1) < 0)
		return -1;
	for (;; p++) {
		if (*p && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
			continue;
		if (buf_add(b, s, (size_t)(p - s)) < 0)
			return -1;
		if (!*p)
			return buf_add(b, "\"", 1);
		if (add_escape(b, *p) < 0)
			return -1;
		s = p + 1;
	}
}

int json_quote(struct buf *b, const char *s)
{
	size_t len = strlen(s), had = b->len;

	if (utf8_valid_prefix(s, len) != len) {
		errno = EILSEQ;
		return -1;
	}
	if (add_quoted(b, s) == 0)
		return 0;
	b->len = had;
	if (b->data)
		b->data[had] = '\0';
	return -1;
}
