/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser: yajl's callbacks build the node array.
 *
 * yajl is given the whole text in one call. Inside a callback
 * yajl_get_bytes_consumed() is the offset just behind the token, so the end of
 * a value is always known; its start is the end less its length, but for a
 * string with escapes, whose start is the first byte behind the token before
 * that is neither white space nor ':' nor ','. A string without escapes is
 * passed as a pointer into the text and is not copied; one with escapes lies
 * in yajl's decode buffer and goes to the arena if it is kept.
 *
 * Four things yajl is too lenient about are checked here: UTF-8 and white space
 * that JSON does not have (both before anything else), lone surrogates in
 * escapes, and text behind the value (yajl does not see an unterminated string
 * there).
 */
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/*
 * yajl does not check its allocations, so it is given a pool that is allocated
 * before it starts and holds all that yajl 2.1 can ask for:
 *
 * - four small structures and a state stack that grows by 128 bytes a time,
 *   one byte per level, to 256 with JSON_DEPTH_MAX;
 * - the decode buffer, of at least 2048 bytes, doubled while it is not larger
 *   than the longest string with escapes. It grows in place unless the stack
 *   has grown since: so twice 2048 + 2 * (len + 1) at most;
 * - the buffer for a token that the end of the text cuts: the same, once;
 * - one error message.
 *
 * Should another yajl ask for more it would write through NULL plus an offset
 * that the document's author chooses, so there we abort as yajl itself does
 * when a size overflows.
 */
#define POOL_FIXED 12288
#define POOL_PER_BYTE 6

struct pool {
	char *data;
	size_t used, size;
	char *last; /* the block that can grow in place */
};

#define POOL_HEADER sizeof(max_align_t)

static void *pool_malloc(void *ctx, size_t n)
{
	struct pool *pool = ctx;
	char *block;

	if (n > pool->size)
		abort();
	n = (n + POOL_HEADER - 1) & ~(POOL_HEADER - 1);
	if (n + POOL_HEADER > pool->size - pool->used)
		abort();
	block = pool->data + pool->used + POOL_HEADER;
	memcpy(block - POOL_HEADER, &n, sizeof(n));
	pool->used += n + POOL_HEADER;
	pool->last = block;
	return block;
}

static void *pool_realloc(void *ctx, void *old, size_t n)
{
	struct pool *pool = ctx;
	size_t had = 0;
	void *block;

	if (old)
		memcpy(&had, (char *)old - POOL_HEADER, sizeof(had));
	if (old && old == pool->last)
		pool->used -= had + POOL_HEADER;
	block = pool_malloc(pool, n);
	if (old && block != old)
		memcpy(block, old, had < n ? had : n);
	return block;
}

static void pool_free(void *ctx, void *block)
{
	(void)ctx;
	(void)block;
}

struct parser {
	struct json *doc;
	yajl_handle yajl;
	json_want_fn want;
	json_drop_fn drop;
	struct error *e;
	size_t done;        /* end of the last token outside of skipped subtrees */
	uint32_t open;      /* innermost kept container */
	unsigned depth;     /* containers open, skipped ones included */
	unsigned skip;      /* depth of the skipped subtree's top; 0: none */
	bool unwanted;      /* the value of the key just read is not kept */
	bool finishing;     /* in yajl_complete_parse(): offsets are not the text's */
	bool refused;       /* *e is set */
	uint32_t key_start; /* of the key just read, with the next three */
	const char *key;
	uint32_t key_len;
	bool key_odd;
};

static int refuse(struct parser *p, size_t at, const char *why)
{
	const char *text = p->doc->text, *nl;
	size_t line = 1, start = 0;

	for (; (nl = memchr(text + start, '\n', at - start)); line++)
		start = (size_t)(nl - text) + 1;
	error_set(p->e, 0, "%s: line %zu, byte %zu: %s", p->doc->what, line, at - start + 1, why);
	p->refused = true;
	return 0;
}

static int no_memory(struct parser *p)
{
	error_nomem(p->e);
	p->refused = true;
	return 0;
}

static size_t token_end(const struct parser *p)
{
	return p->finishing ? p->doc->len : yajl_get_bytes_consumed(p->yajl);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(const struct json *doc, size_t at)
{
	while (at < doc->len && is_space(doc->text[at]))
		at++;
	return at;
}

static unsigned hex4(const char *s)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)s[i];

		v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

/* In the raw text of a string that yajl has accepted. */
static bool has_lone_surrogate(const char *s, const char *end)
{
	unsigned u;

	while (s < end) {
		if (*s++ != '\\')
			continue;
		if (*s++ != 'u')
			continue;
		u = hex4(s);
		s += 4;
		if (u < 0xd800 || u > 0xdfff)
			continue;
		if (u >= 0xdc00 || end - s < 6 || s[0] != '\\' || s[1] != 'u')
			return true;
		u = hex4(s + 2);
		if (u < 0xdc00 || u > 0xdfff)
			return true;
		s += 6;
	}
	return false;
}

/* Where the string token that yajl decoded into str starts in the text. */
static size_t string_start(const struct parser *p, const char *str)
{
	const struct json *doc = p->doc;
	size_t at = p->done;

	if (str > doc->text && str < doc->text + doc->len)
		return (size_t)(str - doc->text) - 1;
	while (doc->text[at] != '"')
		at++;
	return at;
}

/* Keep str, which is only valid inside of the callback if it had escapes. */
static bool keep_string(struct parser *p, size_t start, size_t end, const char **str, size_t len,
			bool *odd)
{
	struct json *doc = p->doc;

	*odd = false;
	if (*str == doc->text + start + 1)
		return true;
	*odd = has_lone_surrogate(doc->text + start + 1, doc->text + end - 1);
	*str = arena_strndup(&doc->arena, *str, len);
	return *str;
}

/* The node array begins with room for as many nodes as configs of that size have, and doubles. */
static bool make_room(struct json *doc)
{
	uint32_t cap = doc->cap ? 2 * doc->cap : 32 + (uint32_t)(doc->len / 128);

	if (doc->count < doc->cap)
		return true;
	if (buf_reserve(&doc->room, cap * sizeof(*doc->nodes)) < 0)
		return false;
	doc->nodes = (void *)doc->room.data;
	doc->cap = cap;
	return true;
}

static struct json_node *add_node(struct parser *p, enum json_type type, size_t start, size_t end)
{
	struct json *doc = p->doc;
	struct json_node *n;

	if (!make_room(doc))
		return NULL;
	n = &doc->nodes[doc->count++];
	*n = (struct json_node){
		.type = type,
		.start = (uint32_t)start,
		.end = (uint32_t)end,
		.parent = p->open,
		.next = doc->count,
		.key_start = p->key_start,
		.key = p->key,
		.key_len = p->key_len,
		.key_odd = p->key_odd,
	};
	p->key_start = JSON_NONE;
	p->key = NULL;
	p->key_len = 0;
	p->key_odd = false;
	p->done = end;
	return n;
}

/* Is the value at hand one that nobody wants? */
static bool is_skipped(struct parser *p)
{
	if (p->skip)
		return true;
	if (!p->unwanted)
		return false;
	p->unwanted = false;
	p->done = token_end(p);
	return true;
}

static int on_scalar(struct parser *p, enum json_type type, size_t len)
{
	size_t end;

	if (is_skipped(p))
		return 1;
	end = token_end(p);
	if (!add_node(p, type, end - len, end))
		return no_memory(p);
	return 1;
}

static int on_null(void *ctx)
{
	return on_scalar(ctx, JSON_NULL, strlen("null"));
}

static int on_boolean(void *ctx, int value)
{
	return on_scalar(ctx, JSON_BOOL, value ? strlen("true") : strlen("false"));
}

static int on_number(void *ctx, const char *text, size_t len)
{
	(void)text;
	return on_scalar(ctx, JSON_NUMBER, len);
}

static int on_string(void *ctx, const unsigned char *bytes, size_t len)
{
	const char *str = (const char *)bytes;
	struct parser *p = ctx;
	struct json_node *n;
	size_t start, end;
	bool odd;

	if (is_skipped(p))
		return 1;
	start = string_start(p, str);
	end = token_end(p);
	if (!keep_string(p, start, end, &str, len, &odd))
		return no_memory(p);
	n = add_node(p, JSON_STRING, start, end);
	if (!n)
		return no_memory(p);
	n->str = str;
	n->str_len = (uint32_t)len;
	n->odd = odd;
	return 1;
}

static int on_key(void *ctx, const unsigned char *bytes, size_t len)
{
	const char *key = (const char *)bytes;
	struct parser *p = ctx;
	size_t start, end;

	if (p->skip)
		return 1;
	start = string_start(p, key);
	end = token_end(p);
	p->done = end;
	p->unwanted = p->want && !p->want(p->doc, p->open, p->depth, key, len);
	if (p->unwanted)
		return 1;
	if (!keep_string(p, start, end, &key, len, &p->key_odd))
		return no_memory(p);
	p->key_start = (uint32_t)start;
	p->key = key;
	p->key_len = (uint32_t)len;
	return 1;
}

static int on_open(struct parser *p, enum json_type type)
{
	size_t end = token_end(p);

	if (++p->depth > JSON_DEPTH_MAX)
		return refuse(p, end - 1, "nested more than 128 levels deep");
	if (p->skip)
		return 1;
	if (p->unwanted) {
		p->unwanted = false;
		p->skip = p->depth;
		return 1;
	}
	if (!add_node(p, type, end - 1, end))
		return no_memory(p);
	p->open = p->doc->count - 1;
	return 1;
}

static int on_open_map(void *ctx)
{
	return on_open(ctx, JSON_OBJECT);
}

static int on_open_array(void *ctx)
{
	return on_open(ctx, JSON_ARRAY);
}

static int on_close(void *ctx)
{
	struct parser *p = ctx;
	struct json_node *n;

	if (p->depth-- == p->skip) {
		p->skip = 0;
		p->done = token_end(p);
		return 1;
	}
	if (p->skip)
		return 1;
	p->done = token_end(p);
	n = &p->doc->nodes[p->open];
	n->end = (uint32_t)p->done;
	n->next = p->doc->count;
	if (p->drop && n->type == JSON_OBJECT && p->drop(p->doc, p->open, p->depth + 1))
		n->next = p->doc->count = p->open + 1;
	p->open = n->parent;
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_open_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_close,
	.yajl_start_array = on_open_array,
	.yajl_end_array = on_close,
};

/*
 * With yajl's own message, without its newline. What only fails once the text
 * is known to end there is cut off, whatever the lexer thinks of the blank that
 * yajl_complete_parse() feeds it.
 */
static void refuse_as_yajl(struct parser *p, size_t at)
{
	char *message = (char *)yajl_get_error(p->yajl, 0, NULL, 0);

	message[strcspn(message, "\n")] = '\0';
	if (strstr(message, "trailing garbage"))
		refuse(p, at, "text behind the value");
	else if (p->finishing)
		refuse(p, at, "truncated");
	else
		refuse(p, at, message);
}

static bool run_yajl(struct parser *p)
{
	const struct json *doc = p->doc;
	yajl_status status;
	size_t at;

	status = yajl_parse(p->yajl, (const unsigned char *)doc->text, doc->len);
	at = yajl_get_bytes_consumed(p->yajl);
	if (status == yajl_status_ok) {
		/* A number that ends the text is only complete now. */
		p->finishing = true;
		status = yajl_complete_parse(p->yajl);
		at = doc->len;
	}
	if (p->refused)
		return false;
	if (status != yajl_status_ok) {
		refuse_as_yajl(p, at < doc->len ? at : doc->len);
		return false;
	}
	at = skip_space(doc, p->done);
	if (at != doc->len) {
		refuse(p, at, "text behind the value");
		return false;
	}
	return true;
}

static bool check_text(struct parser *p)
{
	const struct json *doc = p->doc;
	const char *nul = memchr(doc->text, '\0', doc->len), *blank;
	size_t valid;

	/* Nowhere in JSON, but to yajl they are white space. */
	for (const char *c = "\v\f"; *c; c++) {
		blank = memchr(doc->text, *c, doc->len);
		if (!blank)
			continue;
		refuse(p, (size_t)(blank - doc->text), "a vertical tab or form feed");
		return false;
	}
	if (nul) {
		refuse(p, (size_t)(nul - doc->text), "a NUL byte");
		return false;
	}
	valid = utf8_valid_prefix(doc->text, doc->len);
	if (valid != doc->len) {
		refuse(p, valid, "invalid UTF-8");
		return false;
	}
	if (doc->len >= 3 && !memcmp(doc->text, "\xef\xbb\xbf", 3)) {
		refuse(p, 0, "a byte order mark, which JSON does not have");
		return false;
	}
	return true;
}

static bool parse(struct parser *p)
{
	const size_t size = POOL_FIXED + POOL_PER_BYTE * p->doc->len;
	cleanup_free char *data = malloc(size);
	struct pool pool = { .data = data, .size = size };
	yajl_alloc_funcs funcs = { pool_malloc, pool_realloc, pool_free, &pool };

	if (!data)
		return no_memory(p);
	/* Without yajl_free(): all it holds is the pool's. */
	p->yajl = yajl_alloc(&callbacks, &funcs, p);
	yajl_config(p->yajl, yajl_dont_validate_strings, 1);
	return run_yajl(p);
}

int json_parse(struct json *doc, const char *what, const char *text, size_t len, json_want_fn want,
	       json_drop_fn drop, struct error *e)
{
	struct parser p = {
		.doc = doc,
		.want = want,
		.drop = drop,
		.e = e,
		.open = JSON_NONE,
		.key_start = JSON_NONE,
	};

	*doc = (struct json){ .what = what, .text = text, .len = len };
	if (len > INT32_MAX)
		return error_set(e, 0, "%s: larger than 2 GiB", what);
	if (skip_space(doc, 0) == len)
		return error_set(e, 0, "%s: is empty", what);
	if (check_text(&p) && parse(&p))
		return 0;
	json_free(doc);
	return -1;
}

void json_free(struct json *doc)
{
	buf_free(&doc->room);
	arena_free(&doc->arena);
	doc->nodes = NULL;
	doc->count = doc->cap = 0;
}
