/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The promises of oci/edit.h: an edit changes nothing but its places, an edit
 * that is reverted leaves the original, byte for byte or, where the document
 * was written anew in between, value by value; and an undo that was tampered
 * with is refused.
 */
#include "oci/edit.h"

#include <errno.h>

#include "base/hash.h"
#include "tests/unit/unit.h"

static struct error e;
static uint64_t seed;

static unsigned pick(unsigned below)
{
	return unit_pick(&seed, below);
}

static bool parse(struct config *c, const struct buf *text)
{
	if (config_parse(c, "config.json", text->data, text->len, &e) == 0)
		return true;
	CHECK(false);
	printf("#   %s\n#   %.2000s\n", e.text, text->data);
	return false;
}

static struct buf text_of(const char *s)
{
	struct buf b = { 0 };

	buf_adds(&b, s);
	return b;
}

/* Apply; an empty buf if nothing changes. */
static struct buf apply(const struct buf *text, const struct edit *edit)
{
	struct buf out = { 0 };
	struct config c;
	bool changed;

	if (!parse(&c, text))
		return out;
	if (!CHECK(edit_apply(&c, edit, &changed, &out, &e) == 0))
		printf("#   %s\n", e.text);
	else
		CHECK(changed == (out.len > 0));
	config_free(&c);
	return out;
}

static struct buf revert(const struct buf *text, enum revert_how expected)
{
	struct buf out = { 0 };
	enum revert_how how;
	struct config c;

	if (!parse(&c, text))
		return out;
	if (!CHECK(edit_revert(&c, &out, &how, &e) == 0))
		printf("#   %s\n", e.text);
	else if (!CHECK(how == expected))
		printf("#   %.2000s\n", text->data);
	CHECK((how == REVERT_NOTHING) == !out.len);
	config_free(&c);
	return out;
}

/* Are two values alike, whatever the order of members and the spelling? */
static bool is_alike(const struct json *a, uint32_t na, const struct json *b, uint32_t nb)
{
	const struct json_node *x = &a->nodes[na], *y = &b->nodes[nb];
	uint32_t i = json_first(a, na), j = json_first(b, nb), count = 0;

	if (x->type != y->type)
		return false;
	if (x->type == JSON_STRING)
		return x->str_len == y->str_len && !memcmp(x->str, y->str, x->str_len);
	if (x->type != JSON_OBJECT && x->type != JSON_ARRAY)
		return x->end - x->start == y->end - y->start &&
		       !memcmp(a->text + x->start, b->text + y->start, x->end - x->start);
	for (; i != JSON_NONE; i = json_next(a, i), count++) {
		if (x->type == JSON_OBJECT) {
			const struct json_node *m = &a->nodes[i];

			for (j = json_first(b, nb); j != JSON_NONE; j = json_next(b, j))
				if (b->nodes[j].key_len == m->key_len &&
					!memcmp(b->nodes[j].key, m->key, m->key_len))
					break;
		}
		if (j == JSON_NONE || !is_alike(a, i, b, j))
			return false;
		if (x->type == JSON_ARRAY)
			j = json_next(b, j);
	}
	for (j = json_first(b, nb); j != JSON_NONE; j = json_next(b, j))
		count--;
	return !count;
}

static void check_alike(const struct buf *a, const struct buf *b)
{
	struct json x, y;

	if (!CHECK(json_parse(&x, "a", a->data, a->len, NULL, NULL, &e) == 0) ||
		!CHECK(json_parse(&y, "b", b->data, b->len, NULL, NULL, &e) == 0))
		return;
	if (!CHECK(is_alike(&x, 0, &y, 0)))
		printf("#   %.3000s\n#   %.3000s\n", a->data, b->data);
	json_free(&x);
	json_free(&y);
}

static void add_space(struct buf *b, bool odd)
{
	static const char *const spaces[] = { " ", "\t", "\n", "\r\n", "    ", "\r", " \n\t " };

	if (odd && !pick(4))
		buf_adds(b, spaces[pick(7)]);
}

/* A string, with some characters written as escapes. */
static void add_string(struct buf *b, const char *s, size_t len, bool odd)
{
	buf_adds(b, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)s[i];

		if (ch == '/' && odd && !pick(3))
			buf_adds(b, "\\/");
		else if (ch < 0x20 || ch == '"' || ch == '\\' || (ch < 0x7f && odd && !pick(12)))
			buf_addf(b, pick(2) ? "\\u%04x" : "\\u%04X", ch);
		else
			buf_add(b, s + i, 1);
	}
	buf_adds(b, "\"");
}

/* The same values as another library might write them: other order, spacing and escapes. */
static void write_anew(const struct json *doc, uint32_t node, struct buf *b)
{
	const struct json_node *n = &doc->nodes[node];
	uint32_t child[64];
	unsigned count = 0;

	if (n->type == JSON_STRING) {
		add_string(b, n->str, n->str_len, true);
		return;
	}
	if (n->type != JSON_OBJECT && n->type != JSON_ARRAY) {
		buf_add(b, doc->text + n->start, n->end - n->start);
		return;
	}
	for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_next(doc, i))
		child[count++] = i;
	for (unsigned i = count; n->type == JSON_OBJECT && i > 1; i--) {
		unsigned j = pick(i);
		uint32_t swap = child[j];

		child[j] = child[i - 1];
		child[i - 1] = swap;
	}
	buf_adds(b, n->type == JSON_OBJECT ? "{" : "[");
	for (unsigned i = 0; i < count; i++) {
		buf_adds(b, i ? "," : "");
		add_space(b, true);
		if (n->type == JSON_OBJECT) {
			add_string(b, doc->nodes[child[i]].key, doc->nodes[child[i]].key_len, true);
			add_space(b, true);
			buf_adds(b, ":");
			add_space(b, true);
		}
		write_anew(doc, child[i], b);
		add_space(b, true);
	}
	buf_adds(b, n->type == JSON_OBJECT ? "}" : "]");
}

static struct buf rewritten(const struct buf *text)
{
	struct buf out = { 0 };
	struct json doc;

	if (CHECK(json_parse(&doc, "doc", text->data, text->len, NULL, NULL, &e) == 0)) {
		write_anew(&doc, 0, &out);
		buf_adds(&out, "\n\n"); /* never byte for byte what it was */
		json_free(&doc);
	}
	return out;
}

static void check_wanted(const struct buf *text, const struct edit *edit)
{
	const char *claim;
	struct config c;

	if (!parse(&c, text))
		return;
	for (int t = 0; t < NS_TYPES; t++)
		if (edit->ns_path[t])
			CHECK_STR(c.ns[t].path, edit->ns_path[t]);
	if (edit->hostname)
		CHECK_STR(c.hostname, edit->hostname);
	if (edit->domainname && c.domainname)
		CHECK_STR(c.domainname, edit->domainname);
	if (edit->shm_source && c.shm != JSON_NONE) {
		CHECK(config_shm_is_bind(&c));
		CHECK_STR(c.shm_source, edit->shm_source);
	}
	for (uint32_t i = c.env_hostname; edit->env_hostname && i != JSON_NONE;
		i = config_next_env_hostname(&c, i))
		CHECK(!strncmp(
			c.doc.nodes[i].str + 9, edit->env_hostname, strlen(edit->env_hostname)));
	CHECK(config_annotation(&c, ANNOTATION_CLAIM, &claim, NULL, &e) == 0);
	if (edit->claim)
		CHECK_STR(claim, edit->claim);
	config_free(&c);
}

/* All promises about one document and one edit of it. */
static void check_promises(const struct buf *text, const struct edit *edit)
{
	cleanup_buf struct buf edited = apply(text, edit);
	const struct edit others = { .hostname = "another" };
	bool changed;
	struct config c;

	if (!edited.len) {
		check_wanted(text, edit);
		return;
	}
	check_wanted(&edited, edit);

	cleanup_buf struct buf again = apply(&edited, edit);
	CHECK(!again.len);
	if (parse(&c, &edited)) {
		CHECK(edit_apply(&c, &others, &changed, &again, &e) == -1 && e.num == EINVAL);
		CHECK(!changed && !again.len);
		config_free(&c);
	}

	cleanup_buf struct buf back = revert(&edited, REVERT_EXACT);
	CHECK_STR(back.data, text->data);

	cleanup_buf struct buf anew = rewritten(&edited);
	check_wanted(&anew, edit);
	cleanup_buf struct buf values = revert(&anew, REVERT_VALUES);
	check_alike(&values, text);
}

static const struct edit everything = {
	.ns_path = { [NS_NET] = "/run/netns/web",
		[NS_IPC] = "/run/ipcns/web",
		[NS_UTS] = "/run/utsns/web" },
	.hostname = "web",
	.domainname = "pod",
	.env_hostname = "web",
	.shm_source = "/run/podns/web/shm",
	.claim = "0123456789abcdef",
};

#define NAMESPACES                                                                                 \
	"\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},"                    \
	"{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"mount\"}]}"

static const char *const documents[] = {
	"{" NAMESPACES "}",
	"{\"annotations\":{}," NAMESPACES "}",
	"{\"annotations\":{ \n}," NAMESPACES "}",
	"{\"annotations\":null," NAMESPACES "}",
	"{" NAMESPACES ",\"annotations\":{\"a\":\"b\"}}",
	"{" NAMESPACES ",\"annotations\" :\r\n{ \"a\" : \"b\" , \"c\":\"d\" } }\r\n",
	" { " NAMESPACES ", \"hostname\" : \"h\" } ",
	"{" NAMESPACES ",\"hostname\":null}",
	"{" NAMESPACES ",\"hostname\":\"\"}",
	"{" NAMESPACES ",\"h\\u006fstname\":\"a\\u00e9\\/\",\"domainname\":\"d\\\"\"}",
	"{" NAMESPACES ",\"process\":{\"env\":[\"HOSTNAME=a\"]}}",
	"{" NAMESPACES
	",\"process\":{\"env\":[\"A=b\",\"HOSTNAME=a\",\"HOSTNAME=web\",\"HOSTNAME=\"]}}",
	"{" NAMESPACES ",\"process\":{\"rlimits\":[{\"hard\":18446744073709551615,\"soft\":1e400}],"
	"\"x\":\"\\ud800\",\"args\":[\"\\u0000\"]}}",
	"{" NAMESPACES
	",\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\","
	"\"options\":[\"size=1\"],\"x\":[1.50,\"\\u0041\"]}]}",
	"{" NAMESPACES
	",\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"\\/a\","
	"\"options\":[\"rbind\",\"ro\"]},{\"destination\":\"/x\"}]}",
	"{" NAMESPACES ",\"mounts\":[{\"destination\":\"dev//shm\",\"options\":[\"bind\"]}]}",
	"{" NAMESPACES ",\"annotations\":{\"io.podns.claim\":\"old\"}}",
	"{" NAMESPACES ",\"annotations\":{\"x\":\"y\",\"io.podns.cl\\u0061im\" : \"old\"}}",
	"{" NAMESPACES ",\"annotations\":{\"io.podns.claim\":\"0123456789abcdef\"}}",
	"{\"linux\":{\"namespaces\":[{\"path\":null,\"type\":\"network\"},{\"type\":\"ipc\","
	"\"path\":\"\"},"
	"{\"p\\u0061th\":\"\\/x\",\"a\":1,\"type\" : \"uts\" , \"b\":2}]}}",
	"{\"linux\":{\"namespaces\":[\r\n\t{ \"type\" : \"net\\u0077ork\" } "
	",{\"type\":\"ipc\",\"z\":[]},"
	"{\"a\":\"\",\"type\":\"uts\"\n}]}}",
	"\n{\n  \"hostname\": \"h\",\n  \"annotations\": {\n    \"a\": \"\xc3\xa9\"\n  },\n "
	" " NAMESPACES "\n}\n",
	"{\"Other\":{\"hostName\":1}," NAMESPACES ",\"annotations\":{\"Io.podns.undo\":\"x\"}}",
};

static void keeps_its_promises(void)
{
	struct edit each[] = {
		everything,
		{ .hostname = "web" },
		{ .claim = "c" },
		{ .domainname = "x" },
		{ .env_hostname = "web" },
		{ .shm_source = "/s" },
		{ .shm_source = "/s", .shm_read_only = true },
		{ .ns_path = { [NS_NET] = "/n" } },
		{ .ns_path = { [NS_UTS] = "/u" }, .claim = "c" },
		{ .hostname = "w\xc3\xa9\"\\\n/" },
		{ .hostname = "web", .claim = "c" },
		{ .hostname = NULL },
	};

	seed = 1;
	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		cleanup_buf struct buf text = text_of(documents[i]);

		unit_row(documents[i]);
		for (size_t k = 0; k < sizeof(each) / sizeof(*each); k++)
			check_promises(&text, &each[k]);
	}
}

static void edits_a_root_without_members(void)
{
	static const char *const roots[] = { "{}", "{ }", " {\r\n} ", "{\"annotations\":null}",
		"{\"annotations\":{}}" };
	const struct edit edits[] = { { .hostname = "web" }, { .claim = "c" },
		{ .hostname = "web", .claim = "c" } };

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		cleanup_buf struct buf text = text_of(roots[i]);

		unit_row(roots[i]);
		for (size_t k = 0; k < 3; k++)
			check_promises(&text, &edits[k]);
	}
}

/* The exact bytes, with the undo's own text taken out. */
static void splices_exactly(void)
{
	static const struct {
		const char *text;
		struct edit edit;
		const char *result;
	} rows[] = {
		{ "{\"a\":1}", { .hostname = "web" },
			"{\"hostname\":\"web\",\"annotations\":{\"io.podns.undo\":@},\"a\":1}" },
		{ "{ \"hostname\" : null }", { .hostname = "web" },
			"{\"annotations\":{\"io.podns.undo\":@}, \"hostname\" : \"web\" }" },
		{ "{\"annotations\":{}}", { .claim = "c" },
			"{\"annotations\":{\"io.podns.undo\":@,\"io.podns.claim\":\"c\"}}" },
		{ "{\"annotations\": { \"a\":\"b\"}}", { .claim = "c" },
			"{\"annotations\": {\"io.podns.undo\":@,\"io.podns.claim\":\"c\", "
			"\"a\":\"b\"}}" },
		{ "{\"annotations\":{\"io.podns.claim\": \"d\"}}", { .claim = "c" },
			"{\"annotations\":{\"io.podns.undo\":@,\"io.podns.claim\": \"c\"}}" },
		{ "{}", { .hostname = "h", .claim = "c" },
			"{\"hostname\":\"h\",\"annotations\":{\"io.podns.undo\":@,\"io.podns."
			"claim\":\"c\"}}" },
		{ "{\"annotations\":{},\"linux\":{\"namespaces\":[{\"type\": \"uts\" ,\"x\":1}]}}",
			{ .ns_path = { [NS_UTS] = "/u" } },
			"{\"annotations\":{\"io.podns.undo\":@},\"linux\":{\"namespaces\":[{"
			"\"type\": "
			"\"uts\",\"path\":\"/u\" ,\"x\":1}]}}" },
		{ "{\"annotations\":{},\"process\":{\"env\":[\"HOSTNAME=\" , "
		  "\"HOSTNAME=w\",\"HOSTNAME=v\"]}}",
			{ .env_hostname = "w" },
			"{\"annotations\":{\"io.podns.undo\":@},\"process\":{\"env\":[\"HOSTNAME="
			"w\" , "
			"\"HOSTNAME=w\",\"HOSTNAME=w\"]}}" },
		{ "{\"annotations\":null,\"mounts\":[{\"destination\":\"/dev/"
		  "shm\",\"type\":\"tmpfs\"} ]}",
			{ .shm_source = "/s" },
			"{\"annotations\":{\"io.podns.undo\":@},\"mounts\":[{\"destination\":\"/"
			"dev/shm\","
			"\"type\":\"bind\",\"source\":\"/"
			"s\",\"options\":[\"bind\",\"rprivate\",\"nosuid\","
			"\"noexec\",\"nodev\"]} ]}" },
		{ "{\"annotations\":null,\"mounts\":[{\"destination\":\"/dev/shm\"} ]}",
			{ .shm_source = "/s", .shm_read_only = true },
			"{\"annotations\":{\"io.podns.undo\":@},\"mounts\":[{\"destination\":\"/"
			"dev/shm\",\"type\":\"bind\",\"source\":\"/s\",\"options\":[\"bind\","
			"\"rprivate\",\"nosuid\",\"noexec\",\"nodev\",\"ro\"]} ]}" },
		/* A bind mount says itself whether it is read-only. */
		{ "{\"annotations\":{},\"mounts\":[{\"options\":[\"rbind\"],\"source\" :\"/a\","
		  "\"destination\":\"/dev/shm/\"}]}",
			{ .shm_source = "/s", .shm_read_only = true },
			"{\"annotations\":{\"io.podns.undo\":@},\"mounts\":[{\"options\":["
			"\"rbind\"],"
			"\"source\" :\"/s\",\"destination\":\"/dev/shm/\"}]}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf text = text_of(rows[i].text), shown = { 0 };
		cleanup_buf struct buf edited = apply(&text, &rows[i].edit);
		struct config c;
		const char *undo;
		uint32_t node;

		unit_row(rows[i].text);
		if (!parse(&c, &edited))
			continue;
		CHECK(config_annotation(&c, ANNOTATION_UNDO, &undo, &node, &e) == 0 && undo);
		buf_add(&shown, edited.data, c.doc.nodes[node].start);
		buf_adds(&shown, "@");
		buf_adds(&shown, edited.data + c.doc.nodes[node].end);
		CHECK_STR(shown.data, rows[i].result);
		config_free(&c);
	}
}

static void changes_nothing_when_all_is_there(void)
{
	cleanup_buf struct buf text = text_of(
		"{\"hostname\":\"w\\u0065b\",\"domainname\":\"pod\",\"process\":{\"env\":"
		"[\"HOSTNAME=web\"]},\"annotations\":{\"io.podns.claim\":\"0123456789abcdef\","
		"\"io.podns.undo\":\"kept as it is\"},\"mounts\":[{\"destination\":\"/dev/shm\","
		"\"type\":\"bind\",\"source\":\"/run/podns/web/shm\"}],\"linux\":{\"namespaces\":["
		"{\"type\":\"network\",\"path\":\"\\/run/netns/web\"},{\"type\":\"ipc\",\"path\":"
		"\"/run/ipcns/web\"},{\"type\":\"uts\",\"path\":\"/run/utsns/web\"}]}}");
	cleanup_buf struct buf out = apply(&text, &everything);

	CHECK(!out.len);
}

static void leaves_out_what_is_not_there(void)
{
	cleanup_buf struct buf text = text_of("{\"domainname\":\"\",\"process\":{\"env\":[]}}");
	const struct edit edit = { .domainname = "d", .env_hostname = "h", .shm_source = "/s" };
	cleanup_buf struct buf out = apply(&text, &edit);

	CHECK(!out.len);
}

static void refuses_what_it_cannot_write(void)
{
	static const struct {
		struct edit edit;
		const char *says;
	} rows[] = {
		{ { .ns_path = { [NS_USER] = "/u" } }, "no user namespace to set the path of" },
		{ { .ns_path = { [NS_NET] = "relative" } }, "network namespace path 'relative'" },
		{ { .ns_path = { [NS_NET] = "/a\xff" } }, "config.json: edit: " },
		{ { .hostname = "\xed\xa0\x80" }, "config.json: edit: " },
	};
	cleanup_buf struct buf text = text_of(documents[0]);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf out = { 0 };
		struct config c;
		bool changed;

		unit_row(rows[i].says);
		CHECK(parse(&c, &text));
		CHECK(edit_apply(&c, &rows[i].edit, &changed, &out, &e) == -1);
		CHECK_HAS(e.text, rows[i].says);
		CHECK(!changed && !out.data);
		config_free(&c);
	}
}

static void never_grows_beyond_the_limit(void)
{
	cleanup_buf struct buf text = text_of("{}"), out = { 0 };
	const struct edit edit = { .hostname = "web" };
	struct config c;
	bool changed;

	while (text.len < CONFIG_SIZE_MAX)
		buf_adds(&text, " ");
	CHECK(parse(&c, &text));
	CHECK(edit_apply(&c, &edit, &changed, &out, &e) == -1 && !changed && !out.len);
	CHECK_STR(e.text, "config.json: would grow larger than 16777216 bytes");
	config_free(&c);
}

static void nothing_to_revert(void)
{
	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		cleanup_buf struct buf text = text_of(documents[i]);
		cleanup_buf struct buf out = revert(&text, REVERT_NOTHING);

		CHECK(!out.len);
	}
}

/* Replace the first `from` by `to`. */
static struct buf replaced(const struct buf *text, const char *from, const char *to)
{
	const char *at = strstr(text->data, from);
	struct buf out = { 0 };

	if (!CHECK(at != NULL))
		return out;
	buf_add(&out, text->data, (size_t)(at - text->data));
	buf_adds(&out, to);
	buf_adds(&out, at + strlen(from));
	return out;
}

/* Somebody else edited the document: what they wrote stays, the rest goes back. */
static void respects_the_edits_of_others(void)
{
	static const char original[] =
		"{\"hostname\":\"h\",\"process\":{\"env\":[\"HOSTNAME=h\",\"HOSTNAME=i\"]},"
		"\"mounts\":[{\"destination\":\"/dev/"
		"shm\",\"type\":\"tmpfs\"}],\"linux\":{\"namespaces\":["
		"{\"type\":\"network\"},{\"type\":\"ipc\"},{\"type\":\"uts\",\"path\":\"\"}]}}";
	static const struct {
		const char *from, *to; /* what they do to the edited document */
		const char *was, *is; /* and how the original differs from what comes out */
	} rows[] = {
		{ "{\"annotations\"", "{ \"annotations\"", "{\"hostname\"", "{ \"hostname\"" },
		{ "\"hostname\":\"web\"", "\"hostname\":\"other\"", "\"hostname\":\"h\"",
			"\"hostname\":\"other\"" },
		{ "{\"annotations\"", "{\"new\":[1],\"annotations\"", "{\"hostname\"",
			"{\"new\":[1],\"hostname\"" },
		{ "\"HOSTNAME=web\",", "\"HOSTNAME=other\",", "\"HOSTNAME=h\",",
			"\"HOSTNAME=other\"," },
		{ ",\"path\":\"/run/netns/web\"", ",\"path\":\"/x\"", "\"network\"",
			"\"network\",\"path\":\"/x\"" },
		{ ",\"path\":\"/run/netns/web\"", "", "\"network\"", "\"network\"" },
		{ "{\"type\":\"ipc\",\"path\":\"/run/ipcns/web\"},", "", "{\"type\":\"ipc\"},",
			"" },
		{ "\"source\":\"/run/podns/web/shm\"", "\"source\":\"/mine\"",
			"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\"}",
			"{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"/"
			"mine\",\"options\":"
			"[\"bind\",\"rprivate\",\"nosuid\",\"noexec\",\"nodev\"]}" },
		{ "\"annotations\":{", "\"annotations\":{\"a\":\"b\",", "{\"hostname\"",
			"{\"annotations\":{\"a\":\"b\"},\"hostname\"" },
		{ "\"io.podns.claim\":\"0123456789abcdef\"", "\"io.podns.claim\":\"x\"",
			"{\"hostname\"",
			"{\"annotations\":{\"io.podns.claim\":\"x\"},\"hostname\"" },
		{ ",\"io.podns.claim\":\"0123456789abcdef\"", "", "{\"hostname\"",
			"{\"hostname\"" },
	};
	cleanup_buf struct buf text = text_of(original);
	cleanup_buf struct buf edited = apply(&text, &everything);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].from);
		cleanup_buf struct buf theirs = replaced(&edited, rows[i].from, rows[i].to);
		cleanup_buf struct buf back = revert(&theirs, REVERT_VALUES);
		cleanup_buf struct buf expected = replaced(&text, rows[i].was, rows[i].is);

		CHECK_STR(back.data, expected.data);
	}
}

/* Members that we added and that now stand anywhere take one comma with them. */
static void takes_members_out_cleanly(void)
{
	static const struct {
		const char *original, *edited, *back; /* @: the undo's text */
	} rows[] = {
		{ "{\"a\":1}",
			"{\"a\":1 , \"hostname\":\"web\", \"annotations\":{\"io.podns.undo\":@}}",
			"{\"a\":1}" },
		{ "{\"a\":1}",
			"{ \"hostname\":\"web\" ,\n \"annotations\":{\"io.podns.undo\":@} , "
			"\"a\":1}",
			"{ \"a\":1}" },
		{ "{\"a\":1}",
			"{\"annotations\":{\"io.podns.undo\":@},\"a\":1,\"hostname\":\"web\"}",
			"{\"a\":1}" },
		{ "{\"a\":1}",
			"{\"x\":0,\"hostname\":\"web\",\"annotations\":{\"io.podns.undo\":@},\"a\":"
			"1}",
			"{\"x\":0,\"a\":1}" },
		{ "{}", "{ \"annotations\" : { \"io.podns.undo\" : @ } , \"hostname\" : \"web\" }",
			"{  }" },
		{ "{\"annotations\":{\"k\":\"v\"}}",
			"{\"hostname\":\"web\",\"annotations\":{\"k\":\"v\" , \"io.podns.undo\":@ "
			"}}",
			"{\"annotations\":{\"k\":\"v\" }}" },
		{ "{\"annotations\":{\"k\":\"v\"}}",
			"{\"annotations\":{\"a\":\"b\",\"io.podns.undo\":@,\"k\":\"v\"},"
			"\"hostname\":\"web\"}",
			"{\"annotations\":{\"a\":\"b\",\"k\":\"v\"}}" },
		{ "{\"annotations\":null}",
			"{\"annotations\":{ \"io.podns.undo\":@ },\"hostname\":\"web\"}",
			"{\"annotations\":null}" },
		{ "{\"annotations\":{}}",
			"{\"annotations\":{ \"io.podns.undo\":@ },\"hostname\":\"web\"}",
			"{\"annotations\":{  }}" },
	};
	const struct edit edit = { .hostname = "web" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf text = text_of(rows[i].original), undo = { 0 };
		cleanup_buf struct buf edited = apply(&text, &edit),
				       frame = text_of(rows[i].edited);
		struct config c;
		const char *value;
		uint32_t node;

		unit_row(rows[i].edited);
		if (!parse(&c, &edited))
			continue;
		config_annotation(&c, ANNOTATION_UNDO, &value, &node, &e);
		buf_add(&undo, edited.data + c.doc.nodes[node].start,
			c.doc.nodes[node].end - c.doc.nodes[node].start);
		config_free(&c);
		cleanup_buf struct buf moved = replaced(&frame, "@", undo.data);
		cleanup_buf struct buf back = revert(&moved, REVERT_VALUES);
		CHECK_STR(back.data, rows[i].back);
	}
}

/* A document that carries this undo. raw: the annotation's value as it stands in the text. */
static struct buf with_undo(const char *raw)
{
	struct buf b = { 0 };

	buf_addf(&b,
		"{\"hostname\":\"web\",\"annotations\":{\"io.podns.undo\":%s},"
		"\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"/s\"}],"
		"\"process\":{\"env\":[\"HOSTNAME=web\"]}," NAMESPACES "}",
		raw);
	return b;
}

static void check_refused(const char *raw, const char *says)
{
	cleanup_buf struct buf text = with_undo(raw), out = { 0 };
	enum revert_how how;
	struct config c;

	if (!parse(&c, &text))
		return;
	CHECK(edit_revert(&c, &out, &how, &e) == -1);
	CHECK(!out.data);
	CHECK_HAS(e.text, "config.json: annotations[io.podns.undo]: has been tampered with: ");
	CHECK_HAS(e.text, says);
	config_free(&c);
}

static void refuses_what_is_no_undo(void)
{
	static const struct {
		const char *raw, *says;
	} rows[] = {
		{ "\"\"", "no check sum" },
		{ "5", "is not a string" },
		{ "null", "is not a string" },
		{ "[]", "is not a string" },
		{ "\"0123456789abcde\"", "no check sum" },
		{ "\"0123456789abcdef\"", "does not match" },
		{ "\"0123456789ABCDEF[]\"", "no check" },
		{ "\"f8bb92c91b3f5cc0\"", "the undo: is empty" }, /* the sum of nothing */
		{ "\"\\u0000123456789abcde[]\"", "no check sum" },
		{ "\"\\ud800\"", "no check sum" },
	};
	cleanup_buf struct buf deep = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].raw);
		check_refused(rows[i].raw, rows[i].says);
	}
	for (int i = 0; i < 100; i++)
		buf_adds(&deep, "[{\"a\":");
	unit_row("deep");
	buf_adds(&deep, "1");
	cleanup_buf struct buf text = with_undo(deep.data);
	struct config c;
	CHECK(config_parse(&c, "config.json", text.data, text.len, &e) == -1);
}

/* An undo with a right check sum around a body that we make up. */
static struct buf forged(const char *body)
{
	struct buf raw = { 0 }, text = { 0 };

	buf_addf(&text, "%016llx%s", (unsigned long long)hash_text(body, strlen(body)),
		body);
	json_quote(&raw, text.data);
	buf_free(&text);
	return raw;
}

#define SUM "\"0123456789abcdef\""

static void refuses_a_forged_undo(void)
{
	static const struct {
		const char *body, *says;
	} rows[] = {
		{ "x", "the undo: line 1, byte" },
		{ "[1", "truncated" },
		{ "{}", "eight parts" },
		{ "[]", "eight parts" },
		{ "[1," SUM ",10,\"m\",0,null,[],null,1]", "eight parts" },
		{ "[2," SUM ",10,\"m\",0,null,[],null]", "another version" },
		{ "[\"1\"," SUM ",10,\"m\",0,null,[],null]", "is a string, not a number" },
		{ "[1,\"0123456789abcde\",10,\"m\",0,null,[],null]", "check sum of the original" },
		{ "[1,\"0123456789abcdeg\",10,\"m\",0,null,[],null]", "check sum of the original" },
		{ "[1," SUM ",-1,\"m\",0,null,[],null]", "not a whole number" },
		{ "[1," SUM ",16777217,\"m\",0,null,[],null]", "not a whole number" },
		{ "[1," SUM ",10,\"x\",0,null,[],null]", "unknown form" },
		{ "[1," SUM ",10,\"mm\",0,null,[],null]", "unknown form" },
		{ "[1," SUM ",10,\"\",0,null,[],null]", "unknown form" },
		{ "[1," SUM ",10,\"m\",11,null,[],null]", "not a whole number" },
		{ "[1," SUM ",10,\"m\",0,5,[],null]", "is a number, not a string" },
		{ "[1," SUM ",10,\"m\",0,null,{},null]", "entries are no array" },
		{ "[1," SUM ",10,\"m\",0,null,[1],null]", "four parts" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"hostname\",0,\"\"]],null]", "four parts" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"root\",0,\"\",\"/\"]],null]", "no edit writes" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"pid\",0,\"\",\"/\"]],null]", "no edit writes" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"net\",0,\"\",\"/\"]],null]", "no edit writes" },
		{ "[1," SUM
		  ",10,\"m\",0,null,[[\"env:01\",0,\"\\\"HOSTNAME=\\\"\",\"HOSTNAME=\"]],null]",
			"no edit writes" },
		{ "[1," SUM
		  ",10,\"m\",0,null,[[\"env:-1\",0,\"\\\"HOSTNAME=\\\"\",\"HOSTNAME=\"]],null]",
			"no edit writes" },
		{ "[1," SUM
		  ",10,\"m\",0,null,[[\"env:4294967296\",0,\"\\\"HOSTNAME=\\\"\",\"HOSTNAME=\"]],null]",
			"no edit writes" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"env:0\",0,\"\\\"PATH=\\\"\",\"HOSTNAME=\"]],null]",
			"wrong kind" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"env:0\",0,\"\\\"HOSTNAME=\\\"\",\"PATH=\"]],null]",
			"no edit writes" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"network\",0,\"\",\"relative\"]],null]",
			"no edit writes" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"network\",0,\"\\\"rel\\\"\",\"/n\"]],null]",
			"wrong kind" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"network\",0,\"1\",\"/n\"]],null]", "wrong kind" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"network\",0,\" null\",\"/n\"]],null]", "wrong kind" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"network\",0,\"null \",\"/n\"]],null]", "wrong kind" },
		{ "[1," SUM
		  ",99,\"m\",0,null,[[\"hostname\",0,\"\\\"a\\\",\\\"x\\\":1\",\"web\"]],null]",
			"text behind the value" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"hostname\",0,\"{}\",\"web\"]],null]", "wrong kind" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"hostname\",0,\"\\\"\\\\ud800\\\"\",\"web\"]],null]",
			"wrong kind" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"domainname\",0,\"\",\"web\"]],null]", "missing" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"domainname\",0,\"null\",\"web\"]],null]",
			"wrong kind" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"shm\",0,\"\",\"/s\"]],null]", "missing" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"shm\",0,\"[]\",\"/s\"]],null]", "wrong kind" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"shm\",0,\"{}\",\"/s\"]],null]", "not on /dev/shm" },
		{ "[1," SUM
		  ",99,\"m\",0,null,[[\"shm\",0,\"{\\\"destination\\\":\\\"/\\\"}\",\"/s\"]],null]",
			"not on /dev/shm" },
		{ "[1," SUM ",99,\"m\",0,null,[[\"shm\",0,\"{\\\"destination\\\":1}\",\"/s\"]],null]",
			"is a number" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"shm-source\",0,\"null\",\"/s\"]],null]",
			"wrong kind" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"claim\",0,\"null\",\"c\"]],null]", "wrong kind" },
		{ "[1," SUM ",10,\"m\",0,\"c\",[[\"claim\",0,\"\\\"d\\\"\",\"c\"]],null]",
			"two claims" },
		{ "[1," SUM ",10,\"a\",0,null,[[\"claim\",0,\"\\\"d\\\"\",\"c\"]],null]", "two claims" },
		{ "[1," SUM
		  ",10,\"m\",0,null,[[\"hostname\",5,\"\",\"a\"],[\"network\",4,\"\",\"/\"]],null]",
			"out of order" },
		{ "[1," SUM
		  ",10,\"m\",0,null,[[\"hostname\",0,\"null\",\"a\"],[\"network\",3,\"\",\"/\"]],null]",
			"out of order" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"hostname\",8,\"null\",\"a\"]],null]", "out of order" },
		{ "[1," SUM ",10,\"m\",0,null,[[\"hostname\",11,\"\",\"a\"]],null]",
			"not a whole number" },
		{ "[1," SUM
		  ",10,\"m\",0,null,[[\"hostname\",0,\"\",\"a\"],[\"hostname\",0,\"\",\"a\"]],null]",
			"twice" },
		{ "[1," SUM ",99,\"m\",0,null,[[\"shm-source\",0,\"\\\"a\\\"\",\"/s\"],[\"shm\",9,"
		  "\"{\\\"destination\\\":\\\"/dev/shm\\\"}\",\"/s\"]],null]",
			"twice" },
		{ "[1," SUM ",99,\"m\",0,null,[[\"env:1\",0,\"\\\"HOSTNAME=\\\"\",\"HOSTNAME=\"],"
		  "[\"env:1\",20,\"\\\"HOSTNAME=\\\"\",\"HOSTNAME=\"]],null]",
			"out of order" },
		/* What it would restore is no config: a type of source that we refuse to read. */
		{ "[1," SUM ",999,\"m\",0,null,[[\"shm\",0,\"{\\\"destination\\\":\\\"/dev/shm\\\","
		  "\\\"source\\\":1}\",\"/s\"]],null]",
			"the original: mounts[0].source: is a number" },
		{ "[1," SUM ",999,\"m\",0,null,[[\"shm\",0,\"{\\\"destination\\\":\\\"/dev/shm\\\","
		  "\\\"Type\\\":1}\",\"/s\"]],null]",
			"only in case" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf raw = forged(rows[i].body);

		unit_row(rows[i].body);
		check_refused(raw.data, rows[i].says);
	}
}

static void refuses_a_deep_undo(void)
{
	cleanup_buf struct buf body = { 0 };

	for (int i = 0; i < 100000; i++)
		buf_adds(&body, "[");
	cleanup_buf struct buf raw = forged(body.data);
	check_refused(raw.data, "nested more than 128 levels deep");
}

/* Whoever changes one byte of the undo's text, or cuts it anywhere, is found out. */
static void notices_every_changed_byte(void)
{
	cleanup_buf struct buf text = text_of(documents[13]);
	cleanup_buf struct buf edited = apply(&text, &everything);
	const char *value;
	struct config c;

	if (!parse(&c, &edited))
		return;
	CHECK(config_annotation(&c, ANNOTATION_UNDO, &value, NULL, &e) == 0);
	for (size_t i = 0; i < strlen(value); i++) {
		cleanup_buf struct buf changed = text_of(value), raw = { 0 }, cut = { 0 },
				       rawcut = { 0 };

		changed.data[i] = value[i] == 'x' ? 'y' : 'x';
		json_quote(&raw, changed.data);
		check_refused(raw.data, i < 16 ? "check sum" : "its check sum does not match");
		buf_add(&cut, value, i);
		json_quote(&rawcut, cut.data ? cut.data : "");
		check_refused(rawcut.data, "check sum");
	}
	config_free(&c);
}

/* Only an undo of ours can have been in the original, so it is no original. */
static void refuses_an_undo_in_an_undo(void)
{
	cleanup_buf struct buf raw = forged(
		"[1," SUM ",99,\"m\",0,null,[[\"claim\",0,\"\\\"d\\\"\","
		"\"c\"]]]");
	cleanup_buf struct buf text = { 0 }, out = { 0 };
	enum revert_how how;
	struct config c;

	buf_addf(&text, "{\"annotations\":{\"io.podns.undo\":%s,\"io.podns.und\\u006f\":\"\"}}",
		raw.data);
	CHECK(parse(&c, &text));
	CHECK(edit_revert(&c, &out, &how, &e) == -1);
	CHECK_HAS(e.text, "annotations[io.podns.undo]: is there twice");
	config_free(&c);
}

/* Random documents. */
struct parts {
	struct buf part[16];
	unsigned count;
};

static struct buf *add_part(struct parts *p, const char *key)
{
	struct buf *b = &p->part[p->count++];

	add_space(b, true);
	add_string(b, key, strlen(key), true);
	add_space(b, true);
	buf_adds(b, ":");
	add_space(b, true);
	return b;
}

static void add_any_string(struct buf *b)
{
	static const char *const some[] = { "", "a", "/x/y", "h\xc3\xa9", "\"q\"", "tab\t", "\\",
		"\xf0\x9f\x98\x80", "HOSTNAME=z", "io.podns.undo" };
	const char *s = some[pick(10)];

	add_string(b, s, strlen(s), true);
}

static void add_member_string(struct parts *p, const char *key, const char *value)
{
	add_string(add_part(p, key), value, strlen(value), true);
}

/* Absent, null, empty or this. */
static void add_loose_string(struct parts *p, const char *key, const char *value)
{
	switch (pick(5)) {
	case 0:
		buf_adds(add_part(p, key), "null");
		break;
	case 1:
		buf_adds(add_part(p, key), "\"\"");
		break;
	case 2:
		break;
	default:
		add_member_string(p, key, value);
	}
}

/* Put the members together in any order. Frees them. */
static void add_object(struct buf *b, struct parts *p)
{
	buf_adds(b, "{");
	add_space(b, true);
	for (bool first = true; p->count; first = false) {
		unsigned i = pick(p->count);

		buf_adds(b, first ? "" : ",");
		buf_add(b, p->part[i].data, p->part[i].len);
		add_space(b, true);
		buf_free(&p->part[i]);
		p->part[i] = p->part[--p->count];
		p->part[p->count] = (struct buf){ 0 };
	}
	buf_adds(b, "}");
}

static void add_anything(struct buf *b, int depth)
{
	static const char *const scalars[] = { "18446744073709551615", "-0.0e-5", "null", "true",
		"\"\\ud800\"", "\"\\u0000\"", "[ ]", "{\t}" };

	if (depth && !pick(2)) {
		buf_adds(b, "[");
		for (unsigned n = pick(4); n; n--) {
			add_anything(b, depth - 1);
			add_space(b, true);
			buf_adds(b, n > 1 ? "," : "");
		}
		buf_adds(b, "]");
	} else if (depth && !pick(2)) {
		struct parts p = { 0 };

		add_anything(add_part(&p, "hostname"), depth - 1);
		add_anything(add_part(&p, "path"), depth - 1);
		add_object(b, &p);
	} else {
		buf_adds(b, scalars[pick(8)]);
	}
}

static void add_namespaces(struct buf *b, bool *has)
{
	buf_adds(b, "[");
	for (int t = 0, first = 1; t < NS_TYPES; t++) {
		struct parts p = { 0 };

		has[t] = pick(3);
		if (!has[t])
			continue;
		add_member_string(&p, "type", ns_info[t].oci);
		add_loose_string(&p, "path", "/proc/1/ns/x");
		if (!pick(3))
			add_anything(add_part(&p, "other"), 2);
		buf_adds(b, first ? "" : ",");
		add_space(b, true);
		add_object(b, &p);
		add_space(b, true);
		first = 0;
	}
	buf_adds(b, "]");
}

static void add_mounts(struct buf *b)
{
	static const char *const kinds[] = { "tmpfs", "bind", "none" };

	buf_adds(b, "[{\"destination\":\"/proc\"}");
	for (unsigned n = pick(3); n; n--) {
		struct parts p = { 0 };

		add_member_string(&p, "destination", pick(2) ? "/dev/shm" : "/dev//./shm/");
		if (pick(4))
			add_member_string(&p, "type", kinds[pick(3)]);
		if (pick(4))
			add_member_string(&p, "source", "/var/shm");
		if (pick(3))
			buf_adds(add_part(&p, "options"), pick(2) ? "[\"rbind\" ]" : "[]");
		if (!pick(3))
			add_anything(add_part(&p, "other"), 2);
		buf_adds(b, ",");
		add_space(b, true);
		add_object(b, &p);
	}
	buf_adds(b, "]");
}

static void add_annotations(struct parts *root)
{
	struct parts p = { 0 };
	unsigned kind = pick(6);

	if (kind == 0)
		return;
	if (kind == 1) {
		buf_adds(add_part(root, "annotations"), "null");
		return;
	}
	if (kind > 2 && pick(2))
		add_any_string(add_part(&p, "a.b/c"));
	if (kind > 2 && pick(2))
		add_any_string(add_part(&p, "io.podns.pod"));
	if (kind > 2 && !pick(3))
		add_member_string(&p, ANNOTATION_CLAIM, pick(2) ? "token" : "older");
	if (kind > 2 && !pick(4))
		add_anything(add_part(&p, "odd"), 1);
	add_object(add_part(root, "annotations"), &p);
}

static void add_process(struct buf *b)
{
	struct parts p = { 0 };
	struct buf *env = add_part(&p, "env");

	buf_adds(env, "[\"A=b\"");
	for (unsigned n = pick(4); n; n--) {
		buf_adds(env, ",");
		add_space(env, true);
		add_string(env, "HOSTNAME=web", 9 + pick(4), true);
	}
	buf_adds(env, "]");
	add_anything(add_part(&p, "rlimits"), 2);
	add_object(b, &p);
}

static struct buf random_document(struct edit *edit)
{
	struct parts root = { 0 }, lin = { 0 };
	bool has[NS_TYPES] = { 0 };
	struct buf b = { 0 };

	add_loose_string(&root, "hostname", "host\xc3\xa9");
	add_loose_string(&root, "domainname", "domain");
	add_annotations(&root);
	if (pick(3))
		add_process(add_part(&root, "process"));
	if (pick(3))
		add_mounts(add_part(&root, "mounts"));
	if (pick(5)) {
		add_namespaces(add_part(&lin, "namespaces"), has);
		add_anything(add_part(&lin, "seccomp"), 3);
		add_object(add_part(&root, "linux"), &lin);
	}
	add_anything(add_part(&root, "unknown"), 3);
	add_space(&b, true);
	add_object(&b, &root);
	add_space(&b, true);

	*edit = (struct edit){ .hostname = pick(2) ? "web" : NULL,
		.domainname = pick(2) ? "pod" : NULL,
		.env_hostname = pick(2) ? "web" : NULL,
		.shm_source = pick(2) ? "/run/shm" : NULL,
		.shm_read_only = pick(2),
		.claim = pick(2) ? "token" : NULL };
	for (int t = 0; t < NS_TYPES; t++)
		edit->ns_path[t] = has[t] && pick(2) ? "/run/ns/web" : NULL;
	return b;
}

static void keeps_its_promises_on_random_documents(void)
{
	for (unsigned i = unit_rounds(1500); i && !unit.bad; i--) {
		struct edit edit;
		char row[32];

		seed = i * UINT64_C(0x9e3779b97f4a7c15);
		cleanup_buf struct buf text = random_document(&edit);
		snprintf(row, sizeof(row), "seed %u", i);
		unit_row(row);
		check_promises(&text, &edit);
		if (unit.bad)
			printf("#   %s\n", text.data);
	}
}

/* No damage to the text may crash us; what parses is reverted to a config or refused. */
static void survives_random_damage(void)
{
	for (unsigned i = unit_rounds(1500); i; i--) {
		cleanup_buf struct buf out = { 0 };
		enum revert_how how;
		struct edit edit;
		struct config c;

		seed = i * UINT64_C(0xd1342543de82ef95);
		cleanup_buf struct buf text = random_document(&edit);
		cleanup_buf struct buf edited = apply(&text, &edit);
		if (!edited.len)
			continue;
		for (unsigned n = 1 + pick(3); n; n--)
			edited.data[pick((unsigned)edited.len)] = "\"\\{}[],:0a \xc3"[pick(12)];
		if (config_parse(&c, "config.json", edited.data, edited.len, &e) < 0)
			continue;
		if (edit_revert(&c, &out, &how, &e) == 0 && how != REVERT_NOTHING) {
			struct config result;

			CHECK(parse(&result, &out));
			config_free(&result);
		}
		config_free(&c);
	}
}

/* As random_damage, but of the undo alone, with its check sum made right again. */
static void survives_random_forgeries(void)
{
	static const char *const words[] = { "0", "1", "9", "null", "\"\"", "\"shm\"", "\"claim\"",
		"\"m\"", "\"a\"", "\"n\"", "\"hostname\"", "," };

	for (unsigned i = unit_rounds(3000); i; i--) {
		cleanup_buf struct buf out = { 0 }, body = { 0 }, forgery = { 0 };
		enum revert_how how;
		struct edit edit;
		const char *undo;
		struct config c;
		uint32_t node;
		size_t at;

		seed = i * UINT64_C(0xaef17502108ef2d9);
		cleanup_buf struct buf text = random_document(&edit);
		cleanup_buf struct buf edited = apply(&text, &edit);
		if (!edited.len || !parse(&c, &edited))
			continue;
		config_annotation(&c, ANNOTATION_UNDO, &undo, &node, &e);
		undo += 16;
		at = pick((unsigned)strlen(undo));
		at = (size_t)(strpbrk(undo + at, "\",]") - undo);
		buf_add(&body, undo, at);
		buf_adds(&body, words[pick(12)]);
		buf_adds(&body, undo + at + strcspn(undo + at, pick(2) ? "," : "]"));
		cleanup_buf struct buf raw = forged(body.data);
		buf_add(&forgery, edited.data, c.doc.nodes[node].start);
		buf_add(&forgery, raw.data, raw.len);
		buf_adds(&forgery, edited.data + c.doc.nodes[node].end);
		config_free(&c);
		if (!parse(&c, &forgery))
			continue;
		if (edit_revert(&c, &out, &how, &e) == 0) {
			struct config result;

			CHECK(how != REVERT_NOTHING && parse(&result, &out));
			config_free(&result);
		} else {
			CHECK_HAS(e.text, "annotations[io.podns.undo]: has been tampered with: ");
		}
		config_free(&c);
	}
}

static void is_linear_in_the_document(void)
{
	cleanup_buf struct buf text = text_of("{\"process\":{\"env\":[\"A\"");
	const struct edit edit = { .env_hostname = "web", .claim = "c" };

	for (int i = 0; i < 10000; i++)
		buf_addf(&text, ",\"HOSTNAME=%d\"", i);
	buf_adds(&text, "]},\"annotations\":{\"a\":\"b\"");
	for (int i = 0; i < 10000; i++)
		buf_addf(&text, ",\"k%d\":\"v\"", i);
	buf_adds(&text, "}}");
	cleanup_buf struct buf edited = apply(&text, &edit);
	cleanup_buf struct buf back = revert(&edited, REVERT_EXACT);
	CHECK(back.len == text.len && !memcmp(back.data, text.data, text.len));
	buf_adds(&edited, "\n");
	buf_adds(&text, "\n");
	cleanup_buf struct buf values = revert(&edited, REVERT_VALUES);
	CHECK(values.len == text.len && !memcmp(values.data, text.data, text.len));
}

int main(void)
{
	RUN(keeps_its_promises);
	RUN(edits_a_root_without_members);
	RUN(splices_exactly);
	RUN(changes_nothing_when_all_is_there);
	RUN(leaves_out_what_is_not_there);
	RUN(refuses_what_it_cannot_write);
	RUN(never_grows_beyond_the_limit);
	RUN(nothing_to_revert);
	RUN(respects_the_edits_of_others);
	RUN(takes_members_out_cleanly);
	RUN(refuses_what_is_no_undo);
	RUN(refuses_a_forged_undo);
	RUN(refuses_a_deep_undo);
	RUN(notices_every_changed_byte);
	RUN(refuses_an_undo_in_an_undo);
	RUN(keeps_its_promises_on_random_documents);
	RUN(survives_random_damage);
	RUN(survives_random_forgeries);
	RUN(is_linear_in_the_document);
	return unit_done();
}
