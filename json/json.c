/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser: yajl's callbacks build the node array.
 *
 * yajl gets the whole text in one call. Inside a callback yajl_get_bytes_consumed() is the offset
 * just after the token, so the end of a value is always known. Its start is the end less its length,
 * except for a string with escapes, which starts at the first quote after the previous token. yajl
 * passes a string without escapes as a pointer into the text, which is not copied, and one with
 * escapes in its decode buffer, from which it is copied to the arena if it is kept.
 *
 * yajl is too lenient in four points, which are checked here: invalid UTF-8 and white space that JSON
 * does not have (both before parsing), lone surrogates in escapes, and trailing data (yajl does not
 * notice an unterminated string there).
 */
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/*
 * yajl does not check its allocations, so it gets them from a pool that is allocated before it starts
 * and holds all that yajl 2.1 can ask for:
 *
 * - four small structures, and a state stack of one byte per level that grows by 128 bytes at a
 *   time, to 256 with JSON_DEPTH_MAX;
 * - the decode buffer, of at least 2048 bytes, doubled until it is larger than the longest string
 *   with escapes. It grows in place unless the stack has grown since: at most twice
 *   2048 + 2 * (len + 1);
 * - the buffer for a token that the end of the text truncates: the same, once;
 * - one error message.
 *
 * If another version of yajl asked for more, NULL would make it write at an offset that the
 * document's author chooses, so the pool aborts, as yajl does when a size overflows.
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
	bool unwanted;      /* the value of the key just read is not wanted */
	bool finishing;     /* in yajl_complete_parse(), whose offsets are not those of the text */
	bool refused;       /* *e is set */
	uint32_t key_start; /* this and the next three describe the key just read */
	const char *key;
	uint32_t key_len;
	bool key_odd;
};

static int refuse_text(struct parser *p, size_t at, const char *why)
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

/* s is the raw text of a string that yajl has accepted, so each escape is complete. */
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

/* Copy *str to the arena if it is in yajl's decode buffer, which is valid only during the callback. */
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

/* The first size is what configs of this length need; after that the array doubles. */
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

/* Is the current value in a skipped subtree, or itself not wanted? */
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
		return refuse_text(p, end - 1, "nested more than 128 levels deep");
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
 * Refuse with yajl's message. What fails only in yajl_complete_parse() is truncated: yajl's message
 * would be about the space that this feeds to the lexer.
 */
static void refuse_as_yajl(struct parser *p, size_t at)
{
	char *message = (char *)yajl_get_error(p->yajl, 0, NULL, 0);

	message[strcspn(message, "\n")] = '\0';
	if (strstr(message, "trailing garbage"))
		refuse_text(p, at, "trailing data");
	else
		refuse_text(p, at, p->finishing ? "truncated" : message);
}

static bool run_yajl(struct parser *p)
{
	const struct json *doc = p->doc;
	yajl_status status;
	size_t at;

	status = yajl_parse(p->yajl, (const unsigned char *)doc->text, doc->len);
	at = yajl_get_bytes_consumed(p->yajl);
	if (status == yajl_status_ok) {
		/* Only this completes a number at the end of the text. */
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
	return at == doc->len || refuse_text(p, at, "trailing data");
}

static bool check_bytes(struct parser *p)
{
	/* yajl takes the first two for white space. */
	static const struct {
		char byte;
		const char *why;
	} bad[] = {
		{ '\v', "a vertical tab or form feed" },
		{ '\f', "a vertical tab or form feed" },
		{ '\0', "a NUL byte" },
	};
	const struct json *doc = p->doc;
	const char *at;
	size_t valid;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		at = memchr(doc->text, bad[i].byte, doc->len);
		if (at)
			return refuse_text(p, (size_t)(at - doc->text), bad[i].why);
	}
	valid = utf8_valid_prefix(doc->text, doc->len);
	if (valid != doc->len)
		return refuse_text(p, valid, "invalid UTF-8");
	if (doc->len >= 3 && !memcmp(doc->text, "\xef\xbb\xbf", 3))
		return refuse_text(p, 0, "a byte order mark, which JSON does not have");
	return true;
}

static bool parse_in_pool(struct parser *p)
{
	const size_t size = POOL_FIXED + POOL_PER_BYTE * p->doc->len;
	cleanup_free char *data = malloc(size);
	struct pool pool = { .data = data, .size = size };
	yajl_alloc_funcs funcs = { pool_malloc, pool_realloc, pool_free, &pool };

	if (!data)
		return no_memory(p);
	/* There is no yajl_free(): all that yajl allocates is in the pool. */
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
	if (check_bytes(&p) && parse_in_pool(&p))
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
