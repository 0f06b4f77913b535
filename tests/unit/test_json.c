/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json.h"

#include <errno.h>

#include "base/utf8.h"
#include "tests/unit/unit.h"

static struct error e;

static int parse(struct json *doc, const char *text)
{
	return json_parse(doc, "doc", text, strlen(text), NULL, NULL, &e);
}

/* text must be refused with words of the message; len 0 means strlen. */
struct refusal {
	const char *text;
	size_t len;
	const char *says;
};

static const struct refusal refusals[] = {
	{ "", 0, "doc: is empty" },
	{ " \r\n\t", 0, "doc: is empty" },
	{ "{", 0, "doc: line 1, byte 2: truncated" },
	{ "{\"a\"", 0, "truncated" },
	{ "{\"a\":", 0, "truncated" },
	{ "{\"a\":1", 0, "truncated" },
	{ "{\"a\":1,", 0, "truncated" },
	{ "{\"a\":\"b", 0, "truncated" },
	{ "{\"a\":\"\\", 0, "truncated" },
	{ "{\"a\":\"\\u12", 0, "truncated" },
	{ "[[[]]", 0, "truncated" },
	{ "\"abc", 0, "truncated" },
	{ "tru", 0, "truncated" },
	{ "-", 0, "truncated" },
	{ "{}{}", 0, "trailing data" },
	{ "{} x", 0, "trailing data" },
	{ "{} ]", 0, "trailing data" },
	{ "{}\n \"abc", 0, "line 2, byte 2: trailing data" },
	{ "{}\n \"abc\"", 0, "line 2, byte" },
	{ "{} 12", 0, "trailing data" },
	{ "12 13", 0, "trailing data" },
	{ "{} /* c */", 0, "trailing data" },
	{ "/* c */ {}", 0, "line 1, byte" },
	{ "{\"a\":1,}", 0, "line 1, byte" },
	{ "[1,]", 0, "line 1, byte" },
	{ "[,1]", 0, "line 1, byte" },
	{ "{,}", 0, "line 1, byte" },
	{ "{a:1}", 0, "line 1, byte" },
	{ "{'a':1}", 0, "line 1, byte" },
	{ "{\"a\" 1}", 0, "line 1, byte" },
	{ "{1:1}", 0, "line 1, byte" },
	{ "[}", 0, "line 1, byte" },
	{ "{]", 0, "line 1, byte" },
	{ "[01]", 0, "line 1, byte" },
	{ "[1.]", 0, "line 1, byte" },
	{ "[.5]", 0, "line 1, byte" },
	{ "[+1]", 0, "line 1, byte" },
	{ "[1e]", 0, "line 1, byte" },
	{ "[0x10]", 0, "line 1, byte" },
	{ "[NaN]", 0, "line 1, byte" },
	{ "[True]", 0, "line 1, byte" },
	{ "[\"\t\"]", 0, "line 1, byte" },
	{ "[\"\n\"]", 0, "line 1, byte" },
	{ "[\"\\x41\"]", 0, "line 1, byte" },
	{ "[\"\\u12g4\"]", 0, "line 1, byte" },
	{ "\n\n  [1 2]", 0, "line 3, byte" },
	{ "\xef\xbb\xbf{}", 0, "byte order mark" },
	{ "{}\0", 3, "line 1, byte 3: a NUL byte" },
	{ "{\"a\0\":1}", 8, "a NUL byte" },
	{ "[\"\x80\"]", 0, "doc: line 1, byte 3: invalid UTF-8" },
	{ "[\"\xff\"]", 0, "invalid UTF-8" },
	{ "[\"\xc0\xaf\"]", 0, "invalid UTF-8" }, /* overlong '/' */
	{ "[\"\xc1\xbf\"]", 0, "invalid UTF-8" },
	{ "[\"\xe0\x9f\xbf\"]", 0, "invalid UTF-8" },     /* overlong */
	{ "[\"\xf0\x8f\xbf\xbf\"]", 0, "invalid UTF-8" }, /* overlong */
	{ "[\"\xed\xa0\x80\"]", 0, "invalid UTF-8" },     /* U+D800 */
	{ "[\"\xed\xbf\xbf\"]", 0, "invalid UTF-8" },     /* U+DFFF */
	{ "[\"\xf4\x90\x80\x80\"]", 0, "invalid UTF-8" }, /* U+110000 */
	{ "[\"\xf5\x80\x80\x80\"]", 0, "invalid UTF-8" },
	{ "[\"\xc3\"]", 0, "invalid UTF-8" }, /* cut by the quote */
	{ "[\"\xe2\x82\"]", 0, "invalid UTF-8" },
	{ "[\"\xf0\x9f\x98\"]", 0, "invalid UTF-8" },
	{ "[\"01234567890123456789\",\n\"0123456\xc3", 0, "line 2, byte 9: invalid UTF-8" },
	/* C's white space, and yajl's, but not JSON's */
	{ "\v{}", 0, "line 1, byte 1: " },
	{ "\f{}", 0, "line 1, byte 1: " },
	{ "{}\v", 0, "line 1, byte 3: " },
	{ "{} \f\n", 0, "line 1, byte 4: " },
	{ "[\v1]", 0, "line 1, byte 2: " },
	{ "[1\f,2]", 0, "line 1, byte 3: " },
	{ "{\"a\"\v:1}", 0, "line 1, byte 5: " },
	{ "{\"a\":\f1}", 0, "line 1, byte 6: " },
	{ "[\"\v\"]", 0, "line 1, byte" },
	{ "\v", 0, "doc: " },
	{ "\f", 0, "doc: " },
	{ "{}\xc2\xa0", 0, "line 1, byte" }, /* a no-break space is no space */
};

static void refuses_what_is_not_json(void)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		const struct refusal *r = &refusals[i];
		size_t len = r->len ? r->len : strlen(r->text);
		char *exact = malloc(len ? len : 1); /* so that reading beyond is seen */
		struct json doc;

		memcpy(exact, r->text, len);
		unit_row(r->text);
		CHECK(json_parse(&doc, "doc", exact, len, NULL, NULL, &e) == -1);
		CHECK_HAS(e.text, r->says);
		CHECK(!doc.nodes && !doc.arena.chunks);
		free(exact);
	}
}

/* Whatever the end is cut off of is refused, at every place. */
static void refuses_every_truncation(void)
{
	static const char text[] = "{\"a\":[1,-2.5e+3,true,false,null,\"x\\u00e9\\n\"],"
				   "\"b\\\"\":{\"c\":{}}}";
	struct json doc;

	CHECK(parse(&doc, text) == 0);
	json_free(&doc);
	for (size_t n = 0; n < strlen(text); n++) {
		char *exact = malloc(n ? n : 1);

		memcpy(exact, text, n);
		CHECK(json_parse(&doc, "doc", exact, n, NULL, NULL, &e) == -1);
		free(exact);
	}
}

static void accepts_all_valid_utf8(void)
{
	static const char *const good[] = {
		"\x7f",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"0123456\xc3\xa9",
		"01234567\xc3\xa9",
		"\303\25101234567",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		CHECK(utf8_valid_prefix(good[i], strlen(good[i])) == strlen(good[i]));
	CHECK(utf8_valid_prefix("abc\xff", 4) == 3);
	CHECK(utf8_valid_prefix("", 0) == 0);
}

static char *nested(size_t depth, const char *open, const char *close)
{
	cleanup_buf struct buf b = { 0 };

	for (size_t i = 0; i < depth; i++)
		buf_adds(&b, open);
	buf_adds(&b, "1");
	for (size_t i = 0; i < depth; i++)
		buf_adds(&b, close);
	return strdup(b.data);
}

static bool want_nothing(const struct json *doc, uint32_t parent, unsigned depth, const char *key,
			 size_t key_len)
{
	(void)doc;
	(void)parent;
	(void)depth;
	(void)key;
	(void)key_len;
	return false;
}

static void bounds_the_depth(void)
{
	static const char *const kinds[][2] = { { "[", "]" }, { "{\"a\":", "}" } };
	struct json doc;

	for (int k = 0; k < 2; k++) {
		char *fits = nested(JSON_DEPTH_MAX, kinds[k][0], kinds[k][1]);
		char *deep = nested(JSON_DEPTH_MAX + 1, kinds[k][0], kinds[k][1]);
		char *very = nested(1000000, kinds[k][0], kinds[k][1]);

		CHECK(parse(&doc, fits) == 0);
		json_free(&doc);
		CHECK(parse(&doc, deep) == -1);
		CHECK_HAS(e.text, "nested more than 128 levels deep");
		CHECK(parse(&doc, very) == -1);
		/* Also where nobody looks. */
		CHECK(json_parse(&doc, "doc", deep, strlen(deep), want_nothing, NULL, &e) == -1);
		CHECK_HAS(e.text, "nested more than 128 levels deep");
		free(fits);
		free(deep);
		free(very);
	}
}

/* The span of each node, printed in order, with its key's start. */
static void spans_are_exact(void)
{
	static const char text[] = " { \"a\" : [ 1 ,\t-2.5e+3 , true,false , null ] ,\r\n"
				   "\"b\\u0041\" :\"x\\\"y\" , \"c\":{ }, \"\\/d\" :\"\" } ";
	static const struct {
		const char *span, *key;
		enum json_type type;
	} expected[] = {
		{ NULL, NULL, JSON_OBJECT },
		{ "[ 1 ,\t-2.5e+3 , true,false , null ]", "\"a\"", JSON_ARRAY },
		{ "1", NULL, JSON_NUMBER },
		{ "-2.5e+3", NULL, JSON_NUMBER },
		{ "true", NULL, JSON_BOOL },
		{ "false", NULL, JSON_BOOL },
		{ "null", NULL, JSON_NULL },
		{ "\"x\\\"y\"", "\"b\\u0041\"", JSON_STRING },
		{ "{ }", "\"c\"", JSON_OBJECT },
		{ "\"\"", "\"\\/d\"", JSON_STRING },
	};
	struct json doc;

	CHECK(parse(&doc, text) == 0);
	CHECK(doc.count == sizeof(expected) / sizeof(*expected));
	CHECK(doc.nodes[0].start == 1 && doc.nodes[0].end == strlen(text) - 1);
	for (uint32_t i = 1; i < doc.count; i++) {
		const struct json_node *n = &doc.nodes[i];

		unit_row(expected[i].span);
		CHECK(n->type == expected[i].type);
		CHECK(n->end - n->start == strlen(expected[i].span) &&
		      !memcmp(text + n->start, expected[i].span, n->end - n->start));
		if (expected[i].key)
			CHECK(!strncmp(text + n->key_start, expected[i].key,
				       strlen(expected[i].key)));
		else
			CHECK(n->key_start == JSON_NONE && !n->key);
	}
	CHECK(json_key_is(&doc, 7, "bA") && json_str_is(&doc, 7, "x\"y"));
	CHECK(json_key_is(&doc, 9, "/d") && json_str_is(&doc, 9, ""));
	json_free(&doc);
}

static void roots_of_any_type(void)
{
	static const struct {
		const char *text;
		enum json_type type;
		uint32_t start, end;
	} rows[] = {
		{ "12", JSON_NUMBER, 0, 2 },      { " -1.5", JSON_NUMBER, 1, 5 },
		{ "12 \n", JSON_NUMBER, 0, 2 },   { "true", JSON_BOOL, 0, 4 },
		{ " null ", JSON_NULL, 1, 5 },    { "\"a\"", JSON_STRING, 0, 3 },
		{ "\"\\n\"", JSON_STRING, 0, 4 }, { "[]", JSON_ARRAY, 0, 2 },
		{ "{}", JSON_OBJECT, 0, 2 },
	};
	struct json doc;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].text);
		CHECK(parse(&doc, rows[i].text) == 0);
		CHECK(doc.count == 1 && doc.nodes[0].type == rows[i].type &&
		      doc.nodes[0].start == rows[i].start && doc.nodes[0].end == rows[i].end);
		CHECK(json_first(&doc, 0) == JSON_NONE && json_next(&doc, 0) == JSON_NONE);
		json_free(&doc);
	}
}

static void siblings_and_parents(void)
{
	struct json doc;
	uint32_t a, b, c;

	CHECK(parse(&doc, "{\"a\":{\"x\":[1,[2]],\"y\":{}},\"b\":[],\"c\":3}") == 0);
	a = json_first(&doc, 0);
	b = json_next(&doc, a);
	c = json_next(&doc, b);
	CHECK(json_key_is(&doc, a, "a") && json_key_is(&doc, b, "b") && json_key_is(&doc, c, "c"));
	CHECK(json_next(&doc, c) == JSON_NONE && json_first(&doc, b) == JSON_NONE);
	CHECK(doc.nodes[a].parent == 0 && doc.nodes[json_first(&doc, a)].parent == a);
	CHECK(json_key_is(&doc, json_next(&doc, json_first(&doc, a)), "y"));
	json_free(&doc);
}

static bool want_b_c(const struct json *doc, uint32_t parent, unsigned depth, const char *key,
		     size_t key_len)
{
	CHECK(doc->nodes[parent].type == JSON_OBJECT);
	return depth == 1   ? key_len == 1 && *key == 'b'
	       : depth == 3 ? key_len == 1 && *key == 'c'
			    : false;
}

static void keeps_only_what_is_wanted(void)
{
	static const char text[] = "{\"a\":{\"b\":[1,{\"\\u0062\":2}]},\"\\u0062\":[{\"c\":1,\"d\":"
				   "[[]],\"e\\n\":\"f\\n\"},2],\"z\":\"\\n\",\"y\":{},\"b\":7}";
	struct json doc;

	CHECK(json_parse(&doc, "doc", text, strlen(text), want_b_c, NULL, &e) == 0);
	CHECK(doc.count == 6); /* root, b, its object, c, 2, the second b */
	CHECK(json_key_is(&doc, 1, "b") && doc.nodes[1].type == JSON_ARRAY);
	CHECK(!strncmp(text + doc.nodes[1].key_start, "\"\\u0062\"", 8));
	CHECK(json_key_is(&doc, 3, "c") && doc.nodes[4].type == JSON_NUMBER);
	CHECK(json_key_is(&doc, 5, "b") && json_next(&doc, 1) == 5);
	json_free(&doc);
}

static void members(void)
{
	struct json doc;
	uint32_t n;

	CHECK(parse(&doc, "{\"linux\":1,\"process\":2,\"x\":null,\"s\":\"v\"}") == 0);
	CHECK(json_member(&doc, 0, "process", &n, &e) == 0 && n == 2);
	CHECK(json_member(&doc, 0, "proces", &n, &e) == 0 && n == JSON_NONE);
	CHECK(json_member(&doc, 0, "x", &n, &e) == 0 && n == 3);
	CHECK(json_member_of(&doc, 0, "x", JSON_STRING, &n, &e) == 0 && n == JSON_NONE);
	CHECK(json_member_of(&doc, 0, "s", JSON_STRING, &n, &e) == 0 && n == 4);
	CHECK(json_member_of(&doc, 0, "s", JSON_OBJECT, &n, &e) == -1);
	CHECK_STR(e.text, "doc: s: is a string, not an object");
	CHECK(json_member(&doc, 4, "a", &n, &e) == -1);
	CHECK_STR(e.text, "doc: s: is a string, not an object");
	json_free(&doc);
}

static void refuses_duplicates_and_lookalikes(void)
{
	static const struct {
		const char *text;
		bool as_map; /* refused there too */
		const char *says;
	} rows[] = {
		{ "{\"linux\":1,\"linux\":2}", true, "doc: linux: is there twice" },
		{ "{\"linux\":1,\"lin\\u0075x\":2}", true, "doc: linux: is there twice" },
		{ "{\"lin\\u0075x\":1,\"a\":{},\"linux\":2}", true, "doc: linux: is there twice" },
		{ "{\"Linux\":1}", false, "doc: Linux: differs from \"linux\" only in case" },
		{ "{\"linux\":1,\"LINUX\":1}", false, "only in case" },
		{ "{\"\\u004cinux\":1}", false, "only in case" },
	};
	struct json doc;
	uint32_t n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].text);
		CHECK(parse(&doc, rows[i].text) == 0);
		CHECK(json_member(&doc, 0, "linux", &n, &e) == -1);
		CHECK_HAS(e.text, rows[i].says);
		CHECK(json_map_member(&doc, 0, "linux", &n, &e) == (rows[i].as_map ? -1 : 0));
		json_free(&doc);
	}
}

static void folds_as_go_does(void)
{
	static const struct {
		const char *key, *name;
		bool folds;
	} rows[] = {
		{ "mounts", "mounts", true },
		{ "MOUNTS", "mounts", true },
		{ "mount\xc5\xbf", "mounts", true }, /* U+017F */
		{ "net\xe2\x84\xaa", "netk", true }, /* U+212A */
		{ "hostID", "hostid", true },
		{ "HOSTid", "hostID", true },
		{ "mount", "mounts", false },
		{ "mountss", "mounts", false },
		{ "", "a", false },
		{ "mount\xc5\xbe", "mounts", false },
		{ "mount\xc5", "mounts", false },
		{ "\xe2\x84", "k", false },
		{ "a[", "a{", false },      /* 0x20 apart, but no letters */
		{ "\xc4\xb1", "i", false }, /* dotless i folds to itself */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].key);
		CHECK(json_key_folds(rows[i].key, strlen(rows[i].key), rows[i].name) ==
		      rows[i].folds);
	}
}

static void strings_to_use(void)
{
	static const struct {
		const char *text, *value, *says;
	} rows[] = {
		{ "[\"\"]", "", NULL },
		{ "[\"a/b\"]", "a/b", NULL },
		{ "[\"a\\/b\"]", "a/b", NULL },
		{ "[\"\\\"\\\\\\b\\f\\n\\r\\t\"]", "\"\\\b\f\n\r\t", NULL },
		{ "[\"\\u00e9\\u20AC\"]", "\xc3\xa9\xe2\x82\xac", NULL },
		{ "[\"\\ud83d\\ude00\"]", "\xf0\x9f\x98\x80", NULL },
		{ "[\"\\\\ud800\"]", "\\ud800", NULL },
		{ "[\"\xf0\x9f\x98\x80\"]", "\xf0\x9f\x98\x80", NULL },
		{ "[\"a\\u0000b\"]", NULL, "doc: [0]: has a NUL in it" },
		{ "[\"\\ud800\"]", NULL, "doc: [0]: has a lone surrogate in it" },
		{ "[\"\\udc00\"]", NULL, "lone surrogate" },
		{ "[\"\\ud800x\"]", NULL, "lone surrogate" },
		{ "[\"\\ud800\\n\"]", NULL, "lone surrogate" },
		{ "[\"\\ud800\\u0041\"]", NULL, "lone surrogate" },
		{ "[\"\\ud800\\ud800\\udc00\"]", NULL, "lone surrogate" },
		{ "[\"\\\\\\uDFFF\"]", NULL, "lone surrogate" },
		{ "[1]", NULL, "doc: [0]: is a number, not a string" },
		{ "[null]", NULL, "doc: [0]: is null, not a string" },
		{ "[[]]", NULL, "doc: [0]: is an array, not a string" },
		{ "[true]", NULL, "doc: [0]: is a boolean, not a string" },
	};
	struct json doc;
	const char *s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].text);
		CHECK(parse(&doc, rows[i].text) == 0);
		if (rows[i].value) {
			CHECK(json_string(&doc, 1, &s, &e) == 0);
			CHECK_STR(s, rows[i].value);
			CHECK(json_str_is(&doc, 1, rows[i].value));
		} else {
			CHECK(json_string(&doc, 1, &s, &e) == -1);
			CHECK(json_check_string(&doc, 1, &e) == -1);
			CHECK_HAS(e.text, rows[i].says);
		}
		json_free(&doc);
	}
}

static void keys_to_use(void)
{
	struct json doc;
	const char *s;

	CHECK(parse(&doc, "{\"a\\u0041\":1,\"b\\u0000\":2,\"\\udc00\":\"\\udc00\"}") == 0);
	CHECK(json_key(&doc, 1, &s, &e) == 0);
	CHECK_STR(s, "aA");
	CHECK(json_key(&doc, 2, &s, &e) == -1);
	CHECK_HAS(e.text, "has a NUL in it");
	CHECK(json_key(&doc, 3, &s, &e) == -1 && json_string(&doc, 3, &s, &e) == -1);
	CHECK(json_key(&doc, 0, &s, &e) == -1);
	json_free(&doc);
}

static void whole_numbers(void)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t value;
	} rows[] = {
		{ "[0]", 0, true, 0 },
		{ "[1]", 0, false, 0 },
		{ "[9]", 5, false, 0 },
		{ "[4294967295]", UINT32_MAX, true, UINT32_MAX },
		{ "[4294967296]", UINT32_MAX, false, 0 },
		{ "[18446744073709551615]", UINT64_MAX, true, UINT64_MAX },
		{ "[18446744073709551616]", UINT64_MAX, false, 0 },
		{ "[99999999999999999999999]", UINT64_MAX, false, 0 },
		{ "[-1]", 10, false, 0 },
		{ "[-0]", 10, false, 0 },
		{ "[1.0]", 10, false, 0 },
		{ "[1e0]", 10, false, 0 },
		{ "[\"1\"]", 10, false, 0 },
		{ "[true]", 10, false, 0 },
	};
	struct json doc;
	uint64_t v;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].text);
		CHECK(parse(&doc, rows[i].text) == 0);
		CHECK(json_u64(&doc, 1, rows[i].max, &v, &e) == (rows[i].good ? 0 : -1));
		CHECK(!rows[i].good || v == rows[i].value);
		json_free(&doc);
	}
}

static void errors_name_the_place(void)
{
	struct json doc;

	CHECK(parse(&doc,
		    "{\"a\":{\"b\":[0,{\"c d\":{\"e\\n\":1}}]},\"io.podns.undo\":2,\"\":3}") == 0);
	json_error(&doc, 0, &e, "x %d", 1);
	CHECK_STR(e.text, "doc: x 1");
	json_error(&doc, 2, &e, "x");
	CHECK_STR(e.text, "doc: a.b: x");
	json_error(&doc, 6, &e, "x");
	CHECK_STR(e.text, "doc: a.b[1][c d][e?]: x");
	json_error(&doc, 7, &e, "x");
	CHECK_STR(e.text, "doc: [io.podns.undo]: x");
	json_error(&doc, 8, &e, "x");
	CHECK_STR(e.text, "doc: []: x");
	json_free(&doc);
}

static void quotes_what_it_reads(void)
{
	static const char *const values[] = {
		"", "plain", "\"\\", "\n\r\t\b\f\x01\x1f\x7f", "\xc3\xa9\xf0\x9f\x98\x80", "a/b<&>",
	};
	struct json doc;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		cleanup_buf struct buf b = { 0 };

		CHECK(json_quote(&b, values[i]) == 0);
		CHECK(json_parse(&doc, "doc", b.data, b.len, NULL, NULL, &e) == 0);
		CHECK(json_str_is(&doc, 0, values[i]));
		json_free(&doc);
	}
}

static void quotes_no_invalid_utf8(void)
{
	cleanup_buf struct buf b = { 0 };

	errno = 0;
	CHECK(json_quote(&b, "a\xff") == -1 && errno == EILSEQ && !b.len);
	CHECK(json_quote(&b, "a/") == 0);
	CHECK_STR(b.data, "\"a/\"");
}

/* Long strings with escapes make yajl's decode buffer grow, a cut one its token buffer. */
static void long_strings(void)
{
	for (size_t n = 1000; n < 3000000; n = n * 2 + 37) {
		cleanup_buf struct buf b = { 0 };
		struct json doc;

		buf_adds(&b, "[\"\\n");
		for (size_t i = 0; i < n; i++)
			buf_adds(&b, i % 100 ? "x" : "\\u0041");
		buf_adds(&b, "\",\"\\t");
		for (size_t i = 0; i < n * 2; i++)
			buf_adds(&b, "y");
		CHECK(parse(&doc, b.data) == -1);
		CHECK_HAS(e.text, "truncated");
		buf_adds(&b, "\"]");
		CHECK(parse(&doc, b.data) == 0);
		CHECK(doc.count == 3 && doc.nodes[1].str_len == n + 1 &&
		      doc.nodes[2].str_len == 2 * n + 1);
		json_free(&doc);
	}
}

/* Deep nesting between two growths of the decode buffer: the pool's worst case. */
static void pool_holds_the_worst(void)
{
	for (size_t n = 2000; n < 1 << 20; n = n * 2 - 1) {
		cleanup_buf struct buf b = { 0 };
		char *deep = nested(JSON_DEPTH_MAX - 1, "[", "]");
		struct json doc;

		buf_adds(&b, "[\"\\n");
		for (size_t i = 0; i < n; i++)
			buf_adds(&b, "x");
		buf_adds(&b, "\",");
		buf_adds(&b, deep);
		buf_adds(&b, ",\"\\n");
		for (size_t i = 0; i < 3 * n; i++)
			buf_adds(&b, "x");
		buf_adds(&b, "\",\"\\n");
		for (size_t i = 0; i < 6 * n; i++)
			buf_adds(&b, "x");
		CHECK(parse(&doc, b.data) == -1);
		buf_adds(&b, "\"]");
		CHECK(parse(&doc, b.data) == 0);
		json_free(&doc);
		free(deep);
	}
}

static void searches_without_parsing(void)
{
	static const struct {
		const char *text;
		bool has;
	} rows[] = {
		{ "{\"io.x/y\":1}", true },
		{ "[\"io.x/y\"", true }, /* no JSON, but it has the string */
		{ "{\"io.x\\/y\":1}", true },
		{ "{\"\\u0069o.\\u0078\\u002Fy\":1}", true },
		{ "{\"a\":\"\\\"\",\"b\":\"io.x\\u002fy\"}", true },
		{ "{\"io.x/y", false },
		{ "{\"io.x/y \":1}", false },
		{ "{\"xio.x/y\":1,\"io.x\":2}", false },
		{ "{\"\\u0169o.x/y\":1}", false },
		{ "{\"\\u00\"}", false },
		{ "{\"\\u00g9o.x/y\"}", false },
		{ "{\"\\", false },
		{ "\"io.x\\ny\"", false },
		{ "{\"io.x/y\\u0000z\":1}", true },
		{ "\"", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		/* Without the NUL, so that the sanitizers find it if a read goes further. */
		size_t n = strlen(rows[i].text);
		char *text = malloc(n ? n : 1);

		unit_row(rows[i].text);
		if (n)
			memcpy(text, rows[i].text, n);
		CHECK(json_may_have_string(text, n, "io.x/y") == rows[i].has);
		free(text);
	}
}

/* Such a key can come from --pod-annotation. */
static void searches_keys_beyond_ascii(void)
{
	static const char doc[] = "{\"p\\u00f6d\":1}", other[] = "{\"p\\u006fd\":1}";
	static const char tab[] = "{\"a\\tb\":1}";

	CHECK(json_may_have_string(doc, strlen(doc),
				   "p\xc3\xb6"
				   "d"));
	CHECK(!json_may_have_string(other, strlen(other),
				    "p\xc3\xb6"
				    "d"));
	CHECK(!json_may_have_string(doc, strlen(doc), "pod"));
	CHECK(json_may_have_string(tab, strlen(tab), "a\tb"));
}

int main(void)
{
	RUN(refuses_what_is_not_json);
	RUN(refuses_every_truncation);
	RUN(accepts_all_valid_utf8);
	RUN(bounds_the_depth);
	RUN(spans_are_exact);
	RUN(roots_of_any_type);
	RUN(siblings_and_parents);
	RUN(keeps_only_what_is_wanted);
	RUN(members);
	RUN(refuses_duplicates_and_lookalikes);
	RUN(folds_as_go_does);
	RUN(strings_to_use);
	RUN(keys_to_use);
	RUN(whole_numbers);
	RUN(errors_name_the_place);
	RUN(quotes_what_it_reads);
	RUN(quotes_no_invalid_utf8);
	RUN(long_strings);
	RUN(pool_holds_the_worst);
	RUN(searches_without_parsing);
	RUN(searches_keys_beyond_ascii);
	return unit_done();
}
