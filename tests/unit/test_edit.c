/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The promises of oci/edit.h: an edit changes nothing but its places and leaves no other trace;
 * taking it back gives the text before, byte for byte or, where somebody else edited the document
 * too, place by place; and no document that an edit is taken out of is damaged, whatever it is.
 */
#include "oci/edit.h"

#include <errno.h>
#include <time.h>

#include "tests/unit/unit.h"

#define POD_DIR "/run/podns/web"

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

/* Take the edit that made `after` of `before` out of `now`. An empty buf: nothing is left of it. */
static struct buf revert(const struct buf *before, const struct buf *after, const struct buf *now,
			 enum revert_how expected)
{
	const struct edit_texts texts = { before->data, after->data, before->len, after->len };
	struct buf out = { 0 };
	enum revert_how how;

	if (!CHECK(edit_revert(&texts, now->data, now->len, &out, &how, &e) == 0))
		printf("#   %s\n", e.text);
	else if (!CHECK(how == expected))
		printf("#   %.2000s\n", now->data);
	CHECK((how == REVERT_NOTHING) == !out.len);
	return out;
}

static void check_bytes(const struct buf *is, const struct buf *should)
{
	if (!CHECK(is->len == should->len && !memcmp(is->data, should->data, is->len)))
		printf("#   is     %.2000s\n#   should %.2000s\n", is->data ? is->data : "(none)",
		       should->data);
}

/* The document `before` was edited and is `now`; back: NULL where nothing is given back. */
static void check_reverted(const char *before, const struct edit *edit, const char *now,
			   const char *back)
{
	cleanup_buf struct buf text = text_of(before), now_text = text_of(now);
	cleanup_buf struct buf edited = apply(&text, edit);

	unit_row(now);
	cleanup_buf struct buf is =
		revert(&text, &edited, &now_text, back ? REVERT_VALUES : REVERT_NOTHING);
	CHECK_STR(is.data, back);
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

static const char *const hook_args[] = { "--root", "/a \"b\"", NULL };
static const struct edit_hook our_hook = { "/usr/libexec/oci/hooks.d/oci-podns-hook", hook_args,
					   30 };

/* Each stage has exactly one hook of ours, or had one before. */
static void check_hooks_wanted(const struct config *c)
{
	const struct config_hook_list *l = c->hook_list;

	CHECK(l[HOOKS_POSTSTOP].ours != JSON_NONE);
	CHECK(l[HOOKS_CREATE_RUNTIME].ours != JSON_NONE || l[HOOKS_PRESTART].ours != JSON_NONE);
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
		CHECK(!strncmp(c.doc.nodes[i].str + 9, edit->env_hostname,
			       strlen(edit->env_hostname)));
	CHECK(config_annotation(&c, ANNOTATION_CLAIM, &claim, NULL, &e) == 0);
	for (int i = 0; i < CONFIG_ETC_FILES; i++)
		if (edit->etc_source[i] && (c.etc[i].source || c.etc[i].mount == JSON_NONE))
			CHECK_STR(c.etc[i].source, edit->etc_source[i]);
	if (edit->claim)
		CHECK_STR(claim, edit->claim);
	if (edit->hook)
		check_hooks_wanted(&c);
	config_free(&c);
}

/* The same behind the text: what somebody else did, at the least. */
static struct buf with_newline(const struct buf *text)
{
	struct buf b = { 0 };

	buf_add(&b, text->data, text->len);
	buf_adds(&b, "\n");
	return b;
}

static void check_pins_removed(const struct buf *text, const struct edit *edit)
{
	cleanup_buf struct buf out = { 0 }, again = { 0 };
	struct config c, before;
	const char *claim;
	bool changed;

	if (!parse(&before, text))
		return;
	if (!CHECK(edit_remove_pins(&before, edit->ns_path, edit->shm_source, POD_DIR, &changed,
				    &out, &e) == 0))
		printf("#   %s\n", e.text);
	CHECK(changed == (out.len > 0));
	if (!changed || !parse(&c, &out)) {
		config_free(&before);
		return;
	}
	for (int t = 0; t < NS_TYPES; t++) {
		const char *was = before.ns[t].path, *pin = edit->ns_path[t];

		CHECK(c.ns[t].entry != JSON_NONE || before.ns[t].entry == JSON_NONE);
		CHECK_STR(c.ns[t].path, was && pin && !strcmp(was, pin) ? NULL : was);
	}
	CHECK_STR(c.hostname, before.hostname);
	CHECK_STR(c.domainname, before.domainname);
	CHECK((c.shm == JSON_NONE) == (before.shm == JSON_NONE));
	if (edit->shm_source && config_shm_is_bind(&c))
		CHECK(!c.shm_source || strcmp(c.shm_source, edit->shm_source));
	CHECK(config_annotation(&c, ANNOTATION_CLAIM, &claim, NULL, &e) == 0 && !claim);
	CHECK(edit_remove_pins(&c, edit->ns_path, edit->shm_source, POD_DIR, &changed, &again,
			       &e) == 0);
	CHECK(!changed && !again.len);
	config_free(&c);
	config_free(&before);
}

/* All promises about one document and one edit of it. */
static void check_promises(const struct buf *text, const struct edit *edit)
{
	cleanup_buf struct buf edited = apply(text, edit);

	check_pins_removed(text, edit);
	if (!edited.len) {
		check_wanted(text, edit);
		return;
	}
	check_wanted(&edited, edit);
	check_pins_removed(&edited, edit);

	cleanup_buf struct buf again = apply(&edited, edit);
	CHECK(!again.len);

	cleanup_buf struct buf back = revert(text, &edited, &edited, REVERT_EXACT);
	check_bytes(&back, text);
	cleanup_buf struct buf nothing = revert(text, &edited, text, REVERT_NOTHING);
	CHECK(!nothing.len);

	/* Each other byte stays where one was added, and no space is lost around what goes. */
	cleanup_buf struct buf longer = with_newline(&edited), expected = with_newline(text);
	cleanup_buf struct buf places = revert(text, &edited, &longer, REVERT_VALUES);
	check_bytes(&places, &expected);

	cleanup_buf struct buf anew = rewritten(&edited);
	check_wanted(&anew, edit);
	cleanup_buf struct buf values = revert(text, &edited, &anew, REVERT_VALUES);
	check_alike(&values, text);
	cleanup_buf struct buf done = revert(text, &edited, &values, REVERT_NOTHING);
	CHECK(!done.len);
}

static const struct edit everything = {
	.ns_path = { [NS_NET] = "/run/netns/web",
		     [NS_IPC] = "/run/ipcns/web",
		     [NS_UTS] = "/run/utsns/web" },
	.hostname = "web",
	.domainname = "pod",
	.env_hostname = "web",
	.shm_source = "/run/podns/web/shm",
	.etc_source = { [ETC_HOSTS] = POD_DIR "/hosts@0123456789abcdef",
			[ETC_RESOLV_CONF] = POD_DIR "/resolv.conf" },
	.claim = "0123456789abcdef",
	.hook = &our_hook,
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
	"{" NAMESPACES ",\"hooks\":null}",
	"{" NAMESPACES ",\"hooks\" : { }}",
	"{" NAMESPACES ",\"hooks\":{\"createRuntime\":null,\"poststop\":[ ]}}",
	"{" NAMESPACES ",\"hooks\":{\"prestart\":[{\"path\":\"/x/oci-podns-hook\"}],"
	"\"poststop\":[\n{\"path\":\"/a\",\"args\":[\"a\"]}\n]}}",
	"{" NAMESPACES ",\"hooks\":{\"startContainer\":[{\"path\":\"/b\"}],\"createRuntime\":"
	"[null,{\"path\":\"/oci-podns-hook\"}],\"poststop\":[{\"path\":\"/oci-podns-hook\"}]}}",
	"{\"Other\":{\"hostName\":1}," NAMESPACES ",\"annotations\":{\"Io.podns.claim\":\"x\"}}",
	"{" NAMESPACES ",\"mounts\":null}",
	"{" NAMESPACES ",\"mounts\" : [ ] }",
	"{\"mounts\":[ null, {\"destination\":\"/proc\"}\n]," NAMESPACES "}",
	"{\"mounts\":[{\"destination\":\"/etc/hosts\",\"source\":\"/e\",\"type\":\"bind\"} ]," NAMESPACES
	"}",
	"{\"mounts\":[{\"destination\":\"/etc/resolv.conf\",\"source\":\"/a\"},{\"source\":\"\","
	"\"destination\":\"/etc/hosts\"},{\"destination\":\"/dev/shm\"}]," NAMESPACES "}",
	"{\"mounts\":[{\"destination\":\"/etc/hosts\"}]," NAMESPACES "}",
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
		{ .hook = &our_hook },
		{ .hook = &our_hook, .hostname = "web" },
		{ .hook = &our_hook, .claim = "c" },
		{ .etc_source = { [ETC_HOSTS] = "/h" } },
		{ .etc_source = { [ETC_RESOLV_CONF] = "/r", [ETC_HOSTS] = "/h" } },
		{ .etc_source = { [ETC_HOSTS] = "/h" }, .hostname = "web", .claim = "c" },
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
	const struct edit edits[] = { { .hostname = "web" },
				      { .claim = "c" },
				      { .hostname = "web", .claim = "c" },
				      { .hook = &our_hook },
				      { .hostname = "web", .hook = &our_hook },
				      { .hook = &our_hook, .claim = "c" },
				      { .hostname = "web", .hook = &our_hook, .claim = "c" } };

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		cleanup_buf struct buf text = text_of(roots[i]);

		unit_row(roots[i]);
		for (size_t k = 0; k < sizeof(edits) / sizeof(*edits); k++)
			check_promises(&text, &edits[k]);
	}
}

#define HOOK "{\"path\":\"/oci-podns-hook\",\"args\":[\"oci-podns-hook\","
#define CREATE "\"createRuntime\":[" HOOK "\"createRuntime\"],\"timeout\":30}]"
#define STOP "\"poststop\":[" HOOK "\"poststop\"],\"timeout\":30}]"

static void splices_exactly(void)
{
	static const char *const no_args[] = { NULL };
	static const struct edit_hook plain_hook = { "/oci-podns-hook", no_args, 30 };
	static const struct {
		const char *text;
		struct edit edit;
		const char *result;
	} rows[] = {
		{ "{\"a\":1}", { .hostname = "web" }, "{\"hostname\":\"web\",\"a\":1}" },
		{ "{ \"hostname\" : null }", { .hostname = "web" }, "{ \"hostname\" : \"web\" }" },
		{ "{ \"a\":1 }",
		  { .claim = "c" },
		  "{\"annotations\":{\"io.podns.claim\":\"c\"}, \"a\":1 }" },
		{ "{\"annotations\":{}}",
		  { .claim = "c" },
		  "{\"annotations\":{\"io.podns.claim\":\"c\"}}" },
		{ "{\"annotations\": null }",
		  { .claim = "c" },
		  "{\"annotations\": {\"io.podns.claim\":\"c\"} }" },
		{ "{\"annotations\": { \"a\":\"b\"}}",
		  { .claim = "c" },
		  "{\"annotations\": {\"io.podns.claim\":\"c\", \"a\":\"b\"}}" },
		{ "{\"annotations\":{\"io.podns.claim\": \"d\"}}",
		  { .claim = "c" },
		  "{\"annotations\":{\"io.podns.claim\": \"c\"}}" },
		{ "{}", { .hostname = "h" }, "{\"hostname\":\"h\"}" },
		{ "{}", { .claim = "c" }, "{\"annotations\":{\"io.podns.claim\":\"c\"}}" },
		{ "{}",
		  { .hostname = "h", .claim = "c" },
		  "{\"hostname\":\"h\",\"annotations\":{\"io.podns.claim\":\"c\"}}" },
		{ "{}", { .hook = &plain_hook }, "{\"hooks\":{" CREATE "," STOP "}}" },
		{ "{\"a\":1}",
		  { .hook = &plain_hook, .hostname = "h", .claim = "c" },
		  "{\"hostname\":\"h\",\"hooks\":{" CREATE "," STOP "},"
		  "\"annotations\":{\"io.podns.claim\":\"c\"},\"a\":1}" },
		{ "{\"hooks\":null}",
		  { .hook = &plain_hook },
		  "{\"hooks\":{" CREATE "," STOP "}}" },
		{ "{\"hooks\":{\"prestart\":[{\"path\":\"/p\"}]}}",
		  { .hook = &plain_hook },
		  "{\"hooks\":{" CREATE "," STOP ",\"prestart\":[{\"path\":\"/p\"}]}}" },
		{ "{\"hooks\":{\"poststop\":[{\"path\":\"/p\"} ],\"createRuntime\": null}}",
		  { .hook = &plain_hook },
		  "{\"hooks\":{\"poststop\":[{\"path\":\"/p\"}," HOOK
		  "\"poststop\"],\"timeout\":30} ],\"createRuntime\": [" HOOK
		  "\"createRuntime\"],\"timeout\":30}]}}" },
		/* A hook of the user's runs at this stage already. */
		{ "{\"hooks\":{\"prestart\":[{\"path\":\"/x/oci-podns-hook\"}]}}",
		  { .hook = &plain_hook },
		  "{\"hooks\":{" STOP ",\"prestart\":[{\"path\":\"/x/oci-podns-hook\"}]}}" },
		{ "{\"annotations\":null}",
		  { .hostname = "h", .claim = "c" },
		  "{\"hostname\":\"h\",\"annotations\":{\"io.podns.claim\":\"c\"}}" },
		{ "{\"linux\":{\"namespaces\":[{\"type\": \"uts\" ,\"x\":1}]}}",
		  { .ns_path = { [NS_UTS] = "/u" } },
		  "{\"linux\":{\"namespaces\":[{\"type\": \"uts\",\"path\":\"/u\" ,\"x\":1}]}}" },
		{ "{\"process\":{\"env\":[\"HOSTNAME=\" , \"HOSTNAME=w\",\"HOSTNAME=v\"]}}",
		  { .env_hostname = "w" },
		  "{\"process\":{\"env\":[\"HOSTNAME=w\" , \"HOSTNAME=w\",\"HOSTNAME=w\"]}}" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\"} ]}",
		  { .shm_source = "/s" },
		  "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"/s\","
		  "\"options\":[\"bind\",\"rprivate\",\"nosuid\",\"noexec\",\"nodev\"]} ]}" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\"} ]}",
		  { .shm_source = "/s", .shm_read_only = true },
		  "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"/s\","
		  "\"options\":[\"bind\",\"rprivate\",\"nosuid\",\"noexec\",\"nodev\",\"ro\"]} ]}" },
		/* A bind mount says itself whether it is read-only. */
		{ "{\"mounts\":[{\"options\":[\"rbind\"],\"source\" :\"/a\","
		  "\"destination\":\"/dev/shm/\"}]}",
		  { .shm_source = "/s", .shm_read_only = true },
		  "{\"mounts\":[{\"options\":[\"rbind\"],\"source\" :\"/s\","
		  "\"destination\":\"/dev/shm/\"}]}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf text = text_of(rows[i].text);
		cleanup_buf struct buf edited = apply(&text, &rows[i].edit);

		unit_row(rows[i].text);
		CHECK_STR(edited.data, rows[i].result);
	}
}

#define HOSTS                                                                                      \
	"{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"/h\","                     \
	"\"options\":[\"bind\",\"rprivate\"]}"
#define RESOLV                                                                                     \
	"{\"destination\":\"/etc/resolv.conf\",\"type\":\"bind\",\"source\":\"/r\","               \
	"\"options\":[\"bind\",\"rprivate\"]}"

/* Also what is given back where another program has added a member to the root since. */
static void mounts_files_of_etc(void)
{
	static const struct edit edit = { .etc_source = {
						  [ETC_HOSTS] = "/h", [ETC_RESOLV_CONF] = "/r" } };
	static const struct {
		const char *text, *result;
	} rows[] = {
		{ "{}", "{\"mounts\":[" RESOLV "," HOSTS "]}" },
		{ "{\"a\":1}", "{\"mounts\":[" RESOLV "," HOSTS "],\"a\":1}" },
		{ "{\"mounts\":null}", "{\"mounts\":[" RESOLV "," HOSTS "]}" },
		{ "{\"mounts\": [ ] }", "{\"mounts\": [" RESOLV "," HOSTS " ] }" },
		{ "{\"mounts\":[{} ]}", "{\"mounts\":[{}," RESOLV "," HOSTS " ]}" },
		{ "{\"mounts\":[{\"source\":\"/e\",\"destination\":\"/etc/hosts\"},null]}",
		  "{\"mounts\":[{\"source\":\"/h\",\"destination\":\"/etc/hosts\"},null," RESOLV
		  "]}" },
		/* A mount without a source is no bind mount, and is left. */
		{ "{\"mounts\":[{\"destination\":\"/etc/hosts\"}]}",
		  "{\"mounts\":[{\"destination\":\"/etc/hosts\"}," RESOLV "]}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf text = text_of(rows[i].text);
		cleanup_buf struct buf edited = apply(&text, &edit);

		unit_row(rows[i].text);
		CHECK_STR(edited.data, rows[i].result);
		check_promises(&text, &edit);
	}
}

/* What other programs did to the mounts since stays. */
static void gives_mounts_back(void)
{
	static const struct edit edit = { .etc_source = {
						  [ETC_HOSTS] = "/h", [ETC_RESOLV_CONF] = "/r" } };

	check_reverted("{}", &edit, "{\"mounts\":[" RESOLV "," HOSTS ",{\"x\":1}]}",
		       "{\"mounts\":[{\"x\":1}]}");
	check_reverted("{}", &edit, "{ \"mounts\":[" HOSTS "]}", "{ }");
	check_reverted("{\"mounts\":null}", &edit, "{\"mounts\":[" RESOLV "," HOSTS "],\"a\":1}",
		       "{\"mounts\":null,\"a\":1}");
	check_reverted("{\"mounts\":[]}", &edit, "{\"mounts\":[{\"x\":1}, " HOSTS "]}",
		       "{\"mounts\":[{\"x\":1}]}");
	/* Another source, or none of ours any more. */
	check_reverted("{}", &edit,
		       "{\"mounts\":[{\"destination\":\"/etc/hosts\",\"source\":\"/u\"}]}", NULL);
	check_reverted("{\"mounts\":[{\"destination\":\"/etc/hosts\",\"source\":\"/e\"}]}", &edit,
		       "{\"mounts\":[{\"destination\":\"/etc/hosts\",\"source\":\"/h\"},{}]}",
		       "{\"mounts\":[{\"destination\":\"/etc/hosts\",\"source\":\"/e\"},{}]}");
}

static void changes_nothing_when_all_is_there(void)
{
	cleanup_buf struct buf text = text_of(
		"{\"hostname\":\"w\\u0065b\",\"domainname\":\"pod\",\"process\":{\"env\":"
		"[\"HOSTNAME=web\"]},\"annotations\":{\"io.podns.claim\":\"0123456789abcdef\","
		"\"a\":\"kept as it is\"},\"mounts\":[{\"destination\":\"/dev/shm\","
		"\"type\":\"bind\",\"source\":\"/run/podns/web/shm\"},{\"destination\":\"/etc/hosts\","
		"\"source\":\"" POD_DIR "/hosts@0123456789abcdef\"},{\"destination\":"
		"\"/etc/resolv.conf\",\"source\":\"\\/run/podns/web/resolv.conf\"}],\"linux\":{"
		"\"namespaces\":["
		"{\"type\":\"network\",\"path\":\"\\/run/netns/web\"},{\"type\":\"ipc\",\"path\":"
		"\"/run/ipcns/web\"},{\"type\":\"uts\",\"path\":\"/run/utsns/web\"}]},"
		"\"hooks\":{\"createRuntime\":[{\"path\":\"/a/oci-podns-hook\"}],"
		"\"poststop\":[{\"path\":\"/b/oci-podns-hook\"}]}}");
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
		{ { .claim = "c" }, "annotations[io.podns.claim]: is a number, not a string" },
	};
	cleanup_buf struct buf text =
		text_of("{\"annotations\":{\"io.podns.claim\":1}," NAMESPACES "}");

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
		"{\"hostname\":\"h\",\"domainname\":\"d\",\"process\":{\"env\":[\"HOSTNAME=h\","
		"\"HOSTNAME=i\"]},\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\"}],"
		"\"linux\":{\"namespaces\":[{\"type\":\"network\"},{\"type\":\"ipc\"},"
		"{\"type\":\"uts\",\"path\":\"\"}]}}";
	struct edit edit = everything; /* without the hook, which has a table of its own */
	static const struct {
		const char *from, *to; /* what they do to the edited document */
		const char *was, *is;  /* and how the original differs from what comes out */
	} rows[] = {
		{ "{\"annotations\"", "{ \"annotations\"", "{\"hostname\"", "{ \"hostname\"" },
		{ "\"hostname\":\"web\"", "\"hostname\":\"other\"", "\"hostname\":\"h\"",
		  "\"hostname\":\"other\"" },
		{ "\"hostname\":\"web\",", "", "\"hostname\":\"h\",", "" },
		{ "\"hostname\":\"web\"", "\"hostname\":null", "\"hostname\":\"h\"",
		  "\"hostname\":null" },
		{ "\"domainname\":\"pod\"", "\"domainname\":\"\"", "\"domainname\":\"d\"",
		  "\"domainname\":\"\"" },
		{ "{\"annotations\"", "{\"new\":[1],\"annotations\"", "{\"hostname\"",
		  "{\"new\":[1],\"hostname\"" },
		{ "\"HOSTNAME=web\",", "\"HOSTNAME=other\",", "\"HOSTNAME=h\",",
		  "\"HOSTNAME=other\"," },
		{ "\"HOSTNAME=web\",", "\"A=b\",\"HOSTNAME=web\",", "\"HOSTNAME=h\",",
		  "\"A=b\",\"HOSTNAME=h\"," },
		{ "\"HOSTNAME=web\"]", "\"HOSTNAME=web\",\"HOSTNAME=web\"]", "\"HOSTNAME=i\"]",
		  "\"HOSTNAME=i\",\"HOSTNAME=web\"]" },
		{ ",\"HOSTNAME=web\"]", "]", ",\"HOSTNAME=i\"]", "]" },
		{ "\"env\":[\"HOSTNAME=web\",\"HOSTNAME=web\"]", "\"env\":null",
		  "\"env\":[\"HOSTNAME=h\",\"HOSTNAME=i\"]", "\"env\":null" },
		{ ",\"path\":\"/run/netns/web\"", ",\"path\":\"/x\"", "\"network\"",
		  "\"network\",\"path\":\"/x\"" },
		{ ",\"path\":\"/run/netns/web\"", "", "\"network\"", "\"network\"" },
		{ ",\"path\":\"/run/netns/web\"", ",\"path\":null", "\"network\"",
		  "\"network\",\"path\":null" },
		{ "{\"type\":\"ipc\",\"path\":\"/run/ipcns/web\"},", "", "{\"type\":\"ipc\"},",
		  "" },
		{ "\"source\":\"/run/podns/web/shm\"", "\"source\":\"/mine\"",
		  "{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\"}",
		  "{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"/mine\","
		  "\"options\":"
		  "[\"bind\",\"rprivate\",\"nosuid\",\"noexec\",\"nodev\"]}" },
		{ "\"type\":\"bind\",\"source\":\"/run/podns/web/shm\",\"options\":[\"bind\",",
		  "\"type\":\"tmpfs\",\"source\":\"/run/podns/web/shm\",\"options\":[",
		  "\"type\":\"tmpfs\"}",
		  "\"type\":\"tmpfs\",\"source\":\"/run/podns/web/shm\","
		  "\"options\":[\"rprivate\",\"nosuid\",\"noexec\",\"nodev\"]}" },
		{ "\"nodev\"]}", "\"nodev\"]},{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\"}",
		  "{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\"}",
		  "{\"destination\":\"/dev/shm\",\"type\":\"bind\","
		  "\"source\":\"/run/podns/web/shm\","
		  "\"options\":[\"bind\",\"rprivate\",\"nosuid\",\"noexec\",\"nodev\"]},"
		  "{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\"}" },
		{ "\"annotations\":{", "\"annotations\":{\"a\":\"b\",", "{\"hostname\"",
		  "{\"annotations\":{\"a\":\"b\"},\"hostname\"" },
		{ "\"io.podns.claim\":\"0123456789abcdef\"", "\"io.podns.claim\":\"x\"",
		  "{\"hostname\"", "{\"annotations\":{\"io.podns.claim\":\"x\"},\"hostname\"" },
		{ "\"io.podns.claim\":\"0123456789abcdef\"", "", "{\"hostname\"",
		  "{\"annotations\":{},\"hostname\"" },
		{ "{\"io.podns.claim\":\"0123456789abcdef\"}", "null", "{\"hostname\"",
		  "{\"annotations\":null,\"hostname\"" },
		{ "\"annotations\":{\"io.podns.claim\":\"0123456789abcdef\"},", "", "{", "{" },
		/* What is no claim of ours keeps nothing else from going back. */
		{ "\"io.podns.claim\":\"0123456789abcdef\"", "\"io.podns.claim\":null",
		  "{\"hostname\"", "{\"annotations\":{\"io.podns.claim\":null},\"hostname\"" },
	};
	edit.hook = NULL;
	cleanup_buf struct buf text = text_of(original);
	cleanup_buf struct buf edited = apply(&text, &edit);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].from);
		cleanup_buf struct buf theirs = replaced(&edited, rows[i].from, rows[i].to);
		cleanup_buf struct buf back = revert(&text, &edited, &theirs, REVERT_VALUES);
		cleanup_buf struct buf expected = replaced(&text, rows[i].was, rows[i].is);

		CHECK_STR(back.data, expected.data);
	}
}

/* Members that we added and that now stand anywhere take one comma with them. */
static void takes_members_out_cleanly(void)
{
#define OURS "\"annotations\":{\"io.podns.claim\":\"c\"}"
	static const struct {
		const char *original, *now, *back;
	} rows[] = {
		{ "{\"a\":1}", "{\"a\":1 , \"hostname\":\"web\", " OURS "}", "{\"a\":1}" },
		{ "{\"a\":1}", "{ \"hostname\":\"web\" ,\n " OURS " , \"a\":1}", "{ \"a\":1}" },
		{ "{\"a\":1}", "{ \"hostname\":\"web\"," OURS ", \"a\":1}", "{ \"a\":1}" },
		{ "{\"a\":1}", "{\"hostname\":\"web\", " OURS ", \"a\":1}", "{ \"a\":1}" },
		{ "{\"a\":1}", "{\"hostname\":\"web\" , " OURS " ,\"a\":1}", "{ \"a\":1}" },
		{ "{\"a\":1}", "{" OURS ",\"a\":1,\"hostname\":\"web\"}", "{\"a\":1}" },
		{ "{\"a\":1}", "{\"x\":0,\"hostname\":\"web\"," OURS ",\"a\":1}",
		  "{\"x\":0,\"a\":1}" },
		{ "{}", "{\n  \"hostname\": \"web\",\n  " OURS ",\n  \"a\": 1\n}\n",
		  "{\n  \"a\": 1\n}\n" },
		{ "{}", "{\n  \"a\": 1,\n  \"hostname\": \"web\",\n  " OURS "\n}\n",
		  "{\n  \"a\": 1\n}\n" },
		{ "{}", "{\n  \"a\": 1,\n  \"hostname\": \"web\",\n  \"b\": 2,\n  " OURS "\n}\n",
		  "{\n  \"a\": 1,\n  \"b\": 2\n}\n" },
		{ "{}", "{ " OURS " , \"hostname\" : \"web\" }", "{  }" },
		{ "{}", "{" OURS ",\"hostname\":\"web\"} ", "{} " },
		{ "{}", "{" OURS ",  \"hostname\":\"web\"}", "{  }" },
		{ "{\"annotations\":{\"k\":\"v\"}}",
		  "{\"hostname\":\"web\","
		  "\"annotations\":{\"k\":\"v\" , \"io.podns.claim\":\"c\" }}",
		  "{\"annotations\":{\"k\":\"v\" }}" },
		{ "{\"annotations\":{\"k\":\"v\"}}",
		  "{\"annotations\":{\"a\":\"b\",\"io.podns.claim\":\"c\",\"k\":\"v\"},"
		  "\"hostname\":\"web\"}",
		  "{\"annotations\":{\"a\":\"b\",\"k\":\"v\"}}" },
		{ "{\"annotations\":null}",
		  "{\"annotations\":{ \"io.podns.claim\":\"c\" },\"hostname\":\"web\"}",
		  "{\"annotations\":null}" },
		{ "{\"annotations\":{}}",
		  "{\"annotations\":{ \"io.podns.claim\":\"c\" },\"hostname\":\"web\"}",
		  "{\"annotations\":{  }}" },
	};
	const struct edit edit = { .hostname = "web", .claim = "c" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf text = text_of(rows[i].original), now = text_of(rows[i].now);
		cleanup_buf struct buf edited = apply(&text, &edit);

		unit_row(rows[i].now);
		cleanup_buf struct buf back = revert(&text, &edited, &now, REVERT_VALUES);
		CHECK_STR(back.data, rows[i].back);
	}
#undef OURS
}

/* A namespace's path anywhere in its entry, first, last or alone with the type. */
static void takes_paths_out_cleanly(void)
{
	static const struct {
		const char *now, *back; /* the entry */
	} rows[] = {
		{ "{\"path\":\"/n\",\"type\":\"network\"}", "{\"type\":\"network\"}" },
		{ "{ \"path\" : \"/n\" , \"type\":\"network\"}", "{ \"type\":\"network\"}" },
		{ "{\"type\":\"network\" ,\t\"path\":\"/n\" }", "{\"type\":\"network\" }" },
		{ "{\"a\":1,\"path\":\"/n\",\"type\":\"network\"}",
		  "{\"a\":1,\"type\":\"network\"}" },
	};
	const struct edit edit = { .ns_path = { [NS_NET] = "/n" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf text =
			text_of("{\"linux\":{\"namespaces\":[{\"type\":\"network\"}]}}");
		cleanup_buf struct buf now = replaced(&text, "{\"type\":\"network\"}", rows[i].now);
		cleanup_buf struct buf expected =
			replaced(&text, "{\"type\":\"network\"}", rows[i].back);
		cleanup_buf struct buf edited = apply(&text, &edit), out = { 0 };
		struct config c;
		bool changed;

		unit_row(rows[i].now);
		cleanup_buf struct buf back = revert(&text, &edited, &now, REVERT_VALUES);
		check_bytes(&back, &expected);
		if (!parse(&c, &now))
			continue;
		CHECK(edit_remove_pins(&c, edit.ns_path, NULL, NULL, &changed, &out, &e) == 0 &&
		      changed);
		check_bytes(&out, &expected);
		config_free(&c);
	}
}

/* Only what the edit changed is its own: what it found as it wanted it is not. */
static void leaves_alone_what_it_did_not_change(void)
{
	static const struct {
		const char *before, *now, *back; /* NULL: nothing is left of it */
	} rows[] = {
		/* The hostname was web already. */
		{ "{\"hostname\":\"web\"}",
		  "{\"hostname\":\"web\",\"annotations\":"
		  "{\"io.podns.claim\":\"c\"},\"x\":1}",
		  "{\"hostname\":\"web\",\"x\":1}" },
		{ "{\"hostname\":\"web\"}", "{\"hostname\":\"other\"}", NULL },
		{ "{\"hostname\":\"web\"}", "{}", NULL },
		/* The claim was c already, and the annotations were there for it alone. */
		{ "{\"annotations\":{\"io.podns.claim\":\"c\"}}",
		  "{\"annotations\":{\"io.podns.claim\":\"c\"},\"hostname\":\"web\"}",
		  "{\"annotations\":{\"io.podns.claim\":\"c\"}}" },
		{ "{\"annotations\":{\"io.podns.claim\":\"c\"}}",
		  "{\"annotations\":{\"io.podns.claim\":\"d\"},\"a\":1}", NULL },
		/* One of the strings was HOSTNAME=web already. */
		{ "{\"process\":{\"env\":[\"HOSTNAME=web\",\"HOSTNAME=a\"]}}",
		  "{\"process\":{\"env\":[\"HOSTNAME=web\",\"HOSTNAME=web\"]}} ",
		  "{\"process\":{\"env\":[\"HOSTNAME=web\",\"HOSTNAME=a\"]}} " },
		{ "{\"process\":{\"env\":[\"HOSTNAME=web\",\"HOSTNAME=a\"]}}",
		  "{\"process\":{\"env\":[\"HOSTNAME=b\",\"HOSTNAME=web\"]}}",
		  "{\"process\":{\"env\":[\"HOSTNAME=b\",\"HOSTNAME=a\"]}}" },
		/* /dev/shm was bound from there already. */
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"bind\","
		  "\"source\":\"/s\"}]}",
		  "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"bind\","
		  "\"source\":\"/s\"}],"
		  "\"hostname\":\"web\"}",
		  "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"bind\","
		  "\"source\":\"/s\"}]}" },
		/* The domain name is only replaced, so one that is there now is not ours. */
		{ "{\"a\":1}", "{\"domainname\":\"pod\"}", NULL },
		{ "{\"a\":1}", "{\"process\":{\"env\":[\"HOSTNAME=web\"]}}", NULL },
		{ "{\"a\":1}",
		  "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"bind\","
		  "\"source\":\"/s\"}]}",
		  NULL },
	};
	const struct edit edit = { .hostname = "web",
				   .domainname = "pod",
				   .env_hostname = "web",
				   .shm_source = "/s",
				   .claim = "c" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_reverted(rows[i].before, &edit, rows[i].now, rows[i].back);
}

/* A bind mount gets its source back, another mount is given back whole, with all that it had. */
static void gives_each_kind_of_shm_back(void)
{
#define OURS                                                                                       \
	"{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"/s\",\"options\":[\"ro\"]}"
	static const struct {
		const char *before, *now, *back; /* the mount */
	} rows[] = {
		{ "{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\","
		  "\"x\":[1.0]}",
		  OURS,
		  "{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\","
		  "\"x\":[1.0]}" },
		{ "{ \"destination\" : \"/dev/shm\" }", OURS,
		  "{ \"destination\" : \"/dev/shm\" }" },
		/* A bind mount without a source is none that could keep its options. */
		{ "{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":null}", OURS,
		  "{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":null}" },
		{ "{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"\\/a\"}", OURS,
		  "{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"\\/a\","
		  "\"options\":[\"ro\"]}" },
		{ "{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"\"}", OURS,
		  "{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"\","
		  "\"options\":[\"ro\"]}" },
	};
	const struct edit edit = { .shm_source = "/s" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf frame = text_of("{\"mounts\":[@]}");
		cleanup_buf struct buf text = replaced(&frame, "@", rows[i].before);
		cleanup_buf struct buf now = replaced(&frame, "@", rows[i].now);
		cleanup_buf struct buf expected = replaced(&frame, "@", rows[i].back);
		cleanup_buf struct buf edited = apply(&text, &edit);

		unit_row(rows[i].before);
		cleanup_buf struct buf back = revert(&text, &edited, &now, REVERT_VALUES);
		check_bytes(&back, &expected);
	}
#undef OURS
}

/* What the claim's annotations were before it: absent, null, empty, full, with another claim. */
static void gives_each_kind_of_annotations_back(void)
{
	static const struct {
		const char *before, *now, *back; /* NULL: nothing is left of it */
	} rows[] = {
		{ "{}", "{\"annotations\":{\"io.podns.claim\":\"c\"}} ", "{} " },
		{ "{}", "{\"annotations\":{\"a\":\"b\",\"io.podns.claim\":\"c\"}}",
		  "{\"annotations\":{\"a\":\"b\"}}" },
		{ "{}", "{\"annotations\":{}}", NULL },
		{ "{}", "{\"annotations\":{\"io.podns.claim\":\"d\"}}", NULL },
		{ "{\"annotations\":null}", "{\"annotations\":{\"io.podns.claim\":\"c\"}} ",
		  "{\"annotations\":null} " },
		{ "{\"annotations\":null}",
		  "{\"annotations\":{\"io.podns.claim\":\"c\",\"a\":\"b\"}}",
		  "{\"annotations\":{\"a\":\"b\"}}" },
		{ "{\"annotations\":{}}", "{\"annotations\":{\"io.podns.claim\":\"c\"}} ",
		  "{\"annotations\":{}} " },
		{ "{\"annotations\":{\"a\":\"b\"}}", "{\"annotations\":{\"io.podns.claim\":\"c\"}}",
		  "{\"annotations\":{}}" },
		{ "{\"annotations\":{\"a\":\"b\"}}",
		  "{\"annotations\":{\"io.podns.claim\":\"c\",\"a\":\"c\"}}",
		  "{\"annotations\":{\"a\":\"c\"}}" },
		{ "{\"annotations\":{\"io.podns.claim\":\"\\u0064\"}}",
		  "{\"annotations\":{\"io.podns.claim\":\"c\"}} ",
		  "{\"annotations\":{\"io.podns.claim\":\"\\u0064\"}} " },
		{ "{\"annotations\":{\"io.podns.claim\":\"\"}}",
		  "{\"annotations\":{\"io.podns.claim\":\"c\"}} ",
		  "{\"annotations\":{\"io.podns.claim\":\"\"}} " },
	};
	const struct edit edit = { .claim = "c" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_reverted(rows[i].before, &edit, rows[i].now, rows[i].back);
}

/* One that an edit without a claim of its own found there: the rest still goes back. */
static void is_not_stopped_by_a_strange_claim(void)
{
	static const char *const documents_with_one[] = {
		"{\"annotations\":{\"io.podns.claim\":null}}",
		"{\"annotations\":{\"io.podns.claim\":{\"a\":1}}}",
		"{\"annotations\":{\"io.podns.claim\":\"c\",\"io.podns.claim\":\"c\"}}",
	};
	const struct edit edit = { .hostname = "web" };

	for (size_t i = 0; i < sizeof(documents_with_one) / sizeof(*documents_with_one); i++) {
		cleanup_buf struct buf text = text_of(documents_with_one[i]), out = { 0 };
		cleanup_buf struct buf edited = apply(&text, &edit);
		cleanup_buf struct buf longer = with_newline(&edited);
		cleanup_buf struct buf expected = with_newline(&text);
		struct config c;
		bool changed;

		unit_row(documents_with_one[i]);
		cleanup_buf struct buf back = revert(&text, &edited, &longer, REVERT_VALUES);
		check_bytes(&back, &expected);
		/* Any claim is to go here, so that one which cannot be read is an error. */
		if (!parse(&c, &text))
			continue;
		CHECK(edit_remove_pins(&c, edit.ns_path, NULL, NULL, &changed, &out, &e) < 0);
		CHECK_HAS(e.text, "config.json: annotations[io.podns.claim]: is ");
		CHECK(!changed && !out.len);
		config_free(&c);
	}
}

static void reverts_no_unrelated_document(void)
{
	static const char *const unrelated[] = {
		"{}",
		" {\"a\":[]} ",
		"{\"hostname\":\"x\"}",
		"{\"annotations\":null,\"mounts\":[]}",
	};
	cleanup_buf struct buf text = text_of(documents[14]);
	cleanup_buf struct buf edited = apply(&text, &everything);

	for (size_t i = 0; i < sizeof(unrelated) / sizeof(*unrelated); i++) {
		cleanup_buf struct buf now = text_of(unrelated[i]);

		unit_row(unrelated[i]);
		cleanup_buf struct buf back = revert(&text, &edited, &now, REVERT_NOTHING);
		CHECK(!back.len);
	}
}

static void check_revert_fails(const struct buf *before, const struct buf *after,
			       const struct buf *now, const char *says)
{
	const struct edit_texts texts = { before->data, after->data, before->len, after->len };
	cleanup_buf struct buf out = { 0 };
	enum revert_how how;

	CHECK(edit_revert(&texts, now->data, now->len, &out, &how, &e) == -1);
	CHECK(how == REVERT_NOTHING && !out.len && !out.data && !e.num);
	CHECK_HAS(e.text, says);
}

static void refuses_what_it_cannot_read(void)
{
	static const char *const bad[] = {
		"x",
		"[1]",
		"{",
		"{\"hostname\":\"web\"",
		"{\"hostname\":1}",
		"{\"hostname\":\"web\",\"Hostname\":\"web\"}",
		"{\"linux\":{\"namespaces\":[{\"type\":\"network\"},{\"type\":\"network\"}]}}",
		"{\"hostname\":\"web\"}\n}",
		"\xef\xbb\xbf{}",
		"\xff",
	};
	cleanup_buf struct buf text = text_of(documents[0]);
	cleanup_buf struct buf edited = apply(&text, &everything), other = text_of("{\"a\":1}");

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cleanup_buf struct buf b = text_of(bad[i]), none = { 0 };

		unit_row(bad[i]);
		check_revert_fails(&text, &edited, &b, "config.json: ");
		check_revert_fails(&text, &edited, &none, "config.json: ");
		check_revert_fails(&b, &edited, &other, "the kept config.json: ");
		check_revert_fails(&text, &b, &other, "the config.json that was written: ");
	}
}

static void removes_pins_exactly(void)
{
#define SHM                                                                                        \
	"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\",\"options\":"         \
	"[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]}"
	static const struct {
		const char *text, *result; /* NULL: no change */
	} rows[] = {
		{ "{}", NULL },
		{ "{\"hostname\":\"web\",\"annotations\":{\"io.podns.pod\":\"web\"}}", NULL },
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"network\",\"path\":\"/run/netns/web\"},"
		  "{\"type\":\"ipc\",\"path\":\"/run/ipcns/other\"},{\"path\":\"/run\\/utsns/web\","
		  "\"type\":\"uts\"}]}}",
		  "{\"linux\":{\"namespaces\":[{\"type\":\"network\"},"
		  "{\"type\":\"ipc\",\"path\":\"/run/ipcns/other\"},{\"type\":\"uts\"}]}}" },
		/* The pin of another type is not where this type's would be. */
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"ipc\","
		  "\"path\":\"/run/netns/web\"}]}}",
		  NULL },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"bind\","
		  "\"source\":\"/run/podns/web/shm\",\"options\":[\"ro\"]} ]}",
		  "{\"mounts\":[" SHM " ]}" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",\"options\":[\"rbind\"],"
		  "\"source\":\"/run/podns/web/shm\"}]}",
		  "{\"mounts\":[" SHM "]}" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\","
		  "\"source\":\"/run/podns/web/shm\"}]}",
		  NULL },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":\"bind\","
		  "\"source\":\"/run/podns/other/shm\"}]}",
		  NULL },
		{ "{\"annotations\":{\"a\":\"b\" , \"io.podns.claim\":\"any\"}}",
		  "{\"annotations\":{\"a\":\"b\"}}" },
		{ "{\"annotations\":{\"io.podns.claim\":\"\"}}", "{\"annotations\":{}}" },
		{ "{\"mounts\":[{\"destination\":\"/a\"}, {\"destination\":\"/etc/hosts\","
		  "\"source\":\"/run/podns/web/hosts@1\"}]}",
		  "{\"mounts\":[{\"destination\":\"/a\"}]}" },
		{ "{\"mounts\":[{\"destination\":\"/etc/hosts\",\"source\":\"/run/podns/web/hosts@1\"},"
		  "{\"source\":\"/run/podns/web/resolv.conf\",\"destination\":\"etc//resolv.conf\"}]}",
		  "{\"mounts\":[]}" },
		{ "{\"mounts\":[{\"destination\":\"/etc/hosts\",\"source\":\"/run/podns/webs/hosts@1\"},"
		  "{\"destination\":\"/etc/motd\",\"source\":\"/run/podns/web/resolv.conf\"}]}",
		  NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf text = text_of(rows[i].text), out = { 0 };
		struct config c;
		bool changed;

		unit_row(rows[i].text);
		if (!parse(&c, &text))
			continue;
		CHECK(edit_remove_pins(&c, everything.ns_path, everything.shm_source, POD_DIR,
				       &changed, &out, &e) == 0);
		CHECK(changed == (rows[i].result != NULL));
		CHECK_STR(out.data, rows[i].result);
		config_free(&c);
	}
#undef SHM
}

/* Our hooks are removed, and what the edit made for them, but nothing that others added. */
static void gives_each_kind_of_hooks_back(void)
{
	static const char *const no_args[] = { NULL };
	static const struct edit_hook plain_hook = { "/oci-podns-hook", no_args, 30 };
	const struct edit edit = { .hook = &plain_hook };
	static const struct {
		const char *before, *now, *back;
	} rows[] = {
		{ "{}", "{ \"hooks\":{" CREATE "," STOP "}}", "{ }" },
		{ "{\"hooks\":null}", "{ \"hooks\":{" CREATE "," STOP "}}", "{ \"hooks\":null}" },
		/* Another program added a hook to our list, a list, or removed one of ours. */
		{ "{}",
		  "{\"hooks\":{\"poststop\":[{\"path\":\"/p\"}," HOOK
		  "\"poststop\"],\"timeout\":30}]," CREATE "}}",
		  "{\"hooks\":{\"poststop\":[{\"path\":\"/p\"}]}}" },
		{ "{}", "{\"hooks\":{\"startContainer\":[]," CREATE "," STOP "}}",
		  "{\"hooks\":{\"startContainer\":[]}}" },
		{ "{}", "{\"hooks\":{" STOP "}}", "{}" },
		{ "{}", "{\"hooks\":{}}", NULL },
		{ "{}", "{}", NULL },
		/* It changed ours, so it is not ours any more. */
		{ "{}",
		  "{\"hooks\":{\"poststop\":[{\"path\":\"/oci-podns-hook\",\"args\":[\"x\"]}]}}",
		  NULL },
		{ "{}", "{\"hooks\":{\"poststop\":[{\"path\":\"/z/oci-podns-hook\"}]}}", NULL },
		{ "{\"hooks\":{}}", "{\"hooks\":{ " CREATE "," STOP "}}", "{\"hooks\":{ }}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_reverted(rows[i].before, &edit, rows[i].now, rows[i].back);
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
	static const char *const some[] = { "",           "a",
					    "/x/y",       "h\xc3\xa9",
					    "\"q\"",      "tab\t",
					    "\\",         "\xf0\x9f\x98\x80",
					    "HOSTNAME=z", "io.podns.claim" };
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
	static const char *const scalars[] = {
		"18446744073709551615", "-0.0e-5",     "null", "true",
		"\"\\ud800\"",          "\"\\u0000\"", "[ ]",  "{\t}"
	};

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

static void add_hook(struct buf *b)
{
	struct parts p = { 0 };

	if (!pick(6)) {
		buf_adds(b, "null");
		return;
	}
	add_member_string(&p, "path", pick(3) ? "/bin/x" : "/opt/oci-podns-hook");
	if (pick(2))
		buf_adds(add_part(&p, "args"), pick(2) ? "[ \"a\",\"b\" ]" : "[]");
	if (pick(2))
		add_anything(add_part(&p, "timeout"), 1);
	add_object(b, &p);
}

static void add_hook_list(struct parts *hooks, const char *name)
{
	struct buf *b;

	if (!pick(3))
		return;
	b = add_part(hooks, name);
	if (!pick(4)) {
		buf_adds(b, "null");
		return;
	}
	buf_adds(b, "[");
	add_space(b, true);
	for (unsigned n = pick(3); n; n--) {
		add_hook(b);
		buf_adds(b, n > 1 ? "," : "");
		add_space(b, true);
	}
	buf_adds(b, "]");
}

static void add_hooks(struct parts *root)
{
	struct parts p = { 0 };

	if (!pick(3))
		return;
	if (!pick(4)) {
		buf_adds(add_part(root, "hooks"), "null");
		return;
	}
	add_hook_list(&p, "prestart");
	add_hook_list(&p, "createRuntime");
	add_hook_list(&p, "poststop");
	if (!pick(3))
		add_anything(add_part(&p, "createContainer"), 2);
	add_object(add_part(root, "hooks"), &p);
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
	add_hooks(&root);
	add_anything(add_part(&root, "unknown"), 3);
	add_space(&b, true);
	add_object(&b, &root);
	add_space(&b, true);

	*edit = (struct edit){ .hostname = pick(2) ? "web" : NULL,
			       .domainname = pick(2) ? "pod" : NULL,
			       .env_hostname = pick(2) ? "web" : NULL,
			       .shm_source = pick(2) ? "/run/shm" : NULL,
			       .shm_read_only = pick(2),
			       .claim = pick(2) ? "token" : NULL,
			       .hook = pick(2) ? &our_hook : NULL };
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
		cleanup_buf struct buf out = { 0 }, now = { 0 };
		struct edit_texts texts;
		enum revert_how how;
		struct edit edit;
		struct config c;

		seed = i * UINT64_C(0xd1342543de82ef95);
		cleanup_buf struct buf text = random_document(&edit);
		cleanup_buf struct buf edited = apply(&text, &edit);
		if (!edited.len)
			continue;
		buf_add(&now, edited.data, edited.len);
		for (unsigned n = 1 + pick(3); n; n--)
			now.data[pick((unsigned)now.len)] = "\"\\{}[],:0a \xc3"[pick(12)];
		texts = (struct edit_texts){ text.data, edited.data, text.len, edited.len };
		if (edit_revert(&texts, now.data, now.len, &out, &how, &e) < 0) {
			CHECK(!out.len);
			if (config_parse(&c, "config.json", now.data, now.len, &e) == 0) {
				CHECK(false);
				config_free(&c);
			}
		} else if (how == REVERT_VALUES && parse(&c, &out)) {
			config_free(&c);
		}
	}
}

/* Even if the three texts have nothing to do with each other, the result is a valid config. */
static void survives_unrelated_texts(void)
{
	for (unsigned i = unit_rounds(1500); i && !unit.bad; i--) {
		cleanup_buf struct buf out = { 0 };
		struct edit_texts texts;
		enum revert_how how;
		struct edit edit;
		struct config c;

		seed = i * UINT64_C(0xaef17502108ef2d9);
		cleanup_buf struct buf before = random_document(&edit);
		cleanup_buf struct buf after = random_document(&edit), now = random_document(&edit);
		texts = (struct edit_texts){ before.data, after.data, before.len, after.len };
		if (!CHECK(edit_revert(&texts, now.data, now.len, &out, &how, &e) == 0))
			printf("#   %s\n", e.text);
		else if (how != REVERT_NOTHING && parse(&c, &out))
			config_free(&c);
	}
}

/* What is quadratic takes minutes here, and not a second. */
static void is_linear_in_the_document(void)
{
	const unsigned many = unit_rounds(200000);
	const struct edit edit = { .env_hostname = "web", .hostname = "web", .claim = "c" };
	cleanup_buf struct buf text = text_of("{\"process\":{\"env\":[\"A\"");
	clock_t start = clock();

	for (unsigned i = 0; i < many; i++)
		buf_addf(&text, ",\"HOSTNAME=%u\"", i);
	buf_adds(&text, "]},\"annotations\":{\"a\":\"b\"");
	for (unsigned i = 0; i < many; i++)
		buf_addf(&text, ",\"k%u\":\"v\"", i);
	buf_adds(&text, "},\"linux\":{\"namespaces\":[]}}");
	cleanup_buf struct buf edited = apply(&text, &edit);
	cleanup_buf struct buf back = revert(&text, &edited, &edited, REVERT_EXACT);
	check_bytes(&back, &text);
	cleanup_buf struct buf longer = with_newline(&edited), expected = with_newline(&text);
	cleanup_buf struct buf values = revert(&text, &edited, &longer, REVERT_VALUES);
	check_bytes(&values, &expected);
	CHECK((clock() - start) / CLOCKS_PER_SEC < 20);
}

int main(void)
{
	RUN(keeps_its_promises);
	RUN(edits_a_root_without_members);
	RUN(splices_exactly);
	RUN(mounts_files_of_etc);
	RUN(gives_mounts_back);
	RUN(changes_nothing_when_all_is_there);
	RUN(leaves_out_what_is_not_there);
	RUN(refuses_what_it_cannot_write);
	RUN(never_grows_beyond_the_limit);
	RUN(respects_the_edits_of_others);
	RUN(takes_members_out_cleanly);
	RUN(takes_paths_out_cleanly);
	RUN(leaves_alone_what_it_did_not_change);
	RUN(gives_each_kind_of_shm_back);
	RUN(gives_each_kind_of_annotations_back);
	RUN(gives_each_kind_of_hooks_back);
	RUN(is_not_stopped_by_a_strange_claim);
	RUN(reverts_no_unrelated_document);
	RUN(refuses_what_it_cannot_read);
	RUN(removes_pins_exactly);
	RUN(keeps_its_promises_on_random_documents);
	RUN(survives_random_damage);
	RUN(survives_unrelated_texts);
	RUN(is_linear_in_the_document);
	return unit_done();
}
