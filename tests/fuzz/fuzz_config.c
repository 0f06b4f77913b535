/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json: parsing, plans, an edit and its reversal, also in a document that was edited by another
 * program since. A checksum of the input chooses the plans, the edit and the other program's edit, so
 * that seeds are plain documents.
 */
#include <endian.h>
#include <errno.h>

#include "oci/edit.h"
#include "tests/fuzz/fuzz.h"
#include "plan/shm.h"
#include "tests/fuzz/plan.h"

#define PLANS 16 /* for each document */
#define OTHERS 2 /* edits by another program */

struct input {
	const char *text;
	size_t len;
	struct json tree; /* all of it */
};

static bool is_strict(const char *text, size_t len)
{
	unsigned depth;

	return strict_json(text, len, &depth) && depth <= JSON_DEPTH_MAX;
}

static void parse(struct config *c, const struct buf *text)
{
	struct error e;

	MUST(is_strict(text->data, text->len));
	MUST(config_parse(c, "config", text->data, text->len, &e) == 0);
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* A checksum, 8 bytes a step as little-endian words: a seed means the same on all machines. */
static uint64_t hash_step(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

static uint64_t hash_text(const char *text, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ n, word;

	for (; n >= sizeof(word); n -= sizeof(word), text += sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		h = hash_step(h, le64toh(word));
	}
	word = 0;
	memcpy(&word, text, n);
	return hash_step(h, le64toh(word));
}

/* --- the plan ---------------------------------------------------------------- */

/* The same document in other pods, on other hosts, at both stages. Returns what the last one shares. */
static ns_set check_plans(const struct config *c, uint64_t seed)
{
	uint8_t bytes[PLAN_BYTES];
	ns_set shared = 0;

	for (int n = 0; n < PLANS; n++) {
		struct plan_input in = { 0 };

		for (size_t i = 0; i < sizeof(bytes); i++) {
			/* xorshift64 */
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			bytes[i] = (uint8_t)(seed >> 32);
		}
		for (int t = 0; t < NS_TYPES; t++) {
			in.type[t].entry = c->ns[t].entry != JSON_NONE;
			in.type[t].path = c->ns[t].path;
			MUST(in.type[t].entry || !in.type[t].path);
			MUST(!in.type[t].path || in.type[t].path[0] == '/');
		}
		choose_plan(&in, bytes);
		in.has_maps = c->uid_maps.count && c->gid_maps.count;
		shared = check_plan(&in);
	}
	return shared;
}

/* A /dev/shm that the pod's replaces has no option that the pod's lacks. */
static void check_shm(const struct config *c)
{
	struct plan_shm_mount mount = {
		.type = c->shm_type,
		.source = c->shm_source,
		.options = c->shm_options,
		.option_count = c->shm_option_count,
		.bind = config_shm_is_bind(c),
		.crowded = c->shm_below,
	};
	struct plan_shm shm = plan_shm(&mount);
	bool read_only = false;

	if (shm.keeps) {
		MUST(!shm.size && !shm.read_only && !shm.sized_by_source);
		return;
	}
	MUST(!mount.crowded && shm.sized_by_source == mount.bind);
	for (size_t i = 0; i < mount.option_count && !mount.bind; i++) {
		const char *option = mount.options[i];
		const char *value = strchr(option, '=');

		MUST(!value || !strncmp(option, "size=", 5) || !strncmp(option, "mode=", 5));
		MUST(!value || strspn(value + 1, "0123456789kmgKMG") == strlen(value + 1));
		if (!strcmp(option, "ro") || !strcmp(option, "rw"))
			read_only = option[1] == 'o';
	}
	MUST(shm.read_only == read_only);
}

/* --- the edit ---------------------------------------------------------------- */

/* Half of the members stay as they are; the rest get a value, some of which need escapes. */
static const char *choose(uint64_t *seed, const char *const values[4])
{
	unsigned bits = *seed & 7;

	*seed >>= 3;
	return bits < 4 ? values[bits] : NULL;
}

#define POD_DIR "/run/podns/web"

static const char *const hook_args[] = { "--root", "/a \"b\"", NULL };
static const struct edit_hook our_hook = { "/usr/libexec/oci/hooks.d/oci-podns-hook", hook_args,
					   30 };

static void choose_edit(const struct config *c, ns_set shared, uint64_t seed, struct edit *edit)
{
	static const char *const paths[] = { "/run/netns/web", "/", "/a\"b\\c", "/\x01\xc3\xa9/" };
	static const char *const names[] = { "web", "a", "\"\\", "caf\xc3\xa9\n" };
	static const char *const files[] = { POD_DIR "/hosts@1", "/", "/a\"b\\c", POD_DIR "/r" };
	static const char *const claims[] = { "00112233445566778899aabbccddeeff", "", "\"", "c" };

	*edit = (struct edit){ 0 };
	/* The plan's edit if it has one, else a random one. */
	for (int t = 0; t < NS_TYPES; t++) {
		const char *path = choose(&seed, paths);

		if (shared & NS_BIT(t))
			edit->ns_path[t] = paths[0];
		else if (!shared && c->ns[t].entry != JSON_NONE)
			edit->ns_path[t] = path;
	}
	edit->hostname = choose(&seed, names);
	edit->domainname = choose(&seed, names);
	edit->env_hostname = choose(&seed, names);
	edit->shm_source = choose(&seed, paths);
	edit->shm_read_only = seed & 1;
	seed >>= 1;
	for (int i = 0; i < CONFIG_ETC_FILES; i++)
		edit->etc_source[i] = choose(&seed, files);
	edit->claim = choose(&seed, claims);
	edit->hook = seed & 1 ? &our_hook : NULL;
}

static bool lacks_hook(const struct config *c, enum config_hooks which)
{
	return c->hook_list[which].ours == JSON_NONE &&
	       (which == HOOKS_POSTSTOP || c->hook_list[HOOKS_PRESTART].ours == JSON_NONE);
}

/* --- what an edit promises --------------------------------------------------- */

static bool is_wanted(const char *is, const char *wanted)
{
	return !wanted || is_same(is, wanted);
}

static void check_wanted(struct config *c, const struct edit *edit)
{
	const char *claim;
	struct error e;

	for (int t = 0; t < NS_TYPES; t++)
		MUST(is_wanted(c->ns[t].path, edit->ns_path[t]));
	MUST(is_wanted(c->hostname, edit->hostname));
	MUST(!c->domainname || is_wanted(c->domainname, edit->domainname));
	MUST(c->shm == JSON_NONE || is_wanted(c->shm_source, edit->shm_source));
	MUST(c->shm == JSON_NONE || !edit->shm_source || config_shm_is_bind(c));
	for (uint32_t i = c->env_hostname; i != JSON_NONE; i = config_next_env_hostname(c, i))
		MUST(!edit->env_hostname ||
		     !strncmp(c->doc.nodes[i].str + strlen("HOSTNAME="), edit->env_hostname,
			      strlen(edit->env_hostname)));
	for (int i = 0; i < CONFIG_ETC_FILES; i++)
		MUST(is_wanted(c->etc[i].source, edit->etc_source[i]) ||
		     (c->etc[i].count && !c->etc[i].source));
	if (edit->claim) {
		MUST(config_annotation(c, ANNOTATION_CLAIM, &claim, NULL, &e) == 0);
		MUST(is_same(claim, edit->claim));
	}
	if (edit->hook)
		MUST(!lacks_hook(c, HOOKS_CREATE_RUNTIME) && !lacks_hook(c, HOOKS_POSTSTOP));
}

/* --- no other byte ------------------------------------------------------------ */

/* The part of the original that an edit may replace: a value, or nothing if it inserts one. */
struct span {
	uint32_t start, end;
};

struct spans {
	struct span *list;
	size_t count;
};

static void add_span(struct spans *s, uint32_t start, uint32_t end)
{
	struct span *list = realloc(s->list, (s->count + 1) * sizeof(*s->list));

	MUST(list);
	s->list = list;
	s->list[s->count++] = (struct span){ start, end };
}

static void add_value(struct spans *s, const struct config *c, uint32_t node)
{
	add_span(s, c->doc.nodes[node].start, c->doc.nodes[node].end);
}

/* The value of `node`, or if there is none the place after the brace of `object`. */
static void add_member(struct spans *s, const struct config *c, uint32_t node, uint32_t object)
{
	uint32_t at = c->doc.nodes[object].start + 1;

	if (node != JSON_NONE)
		add_value(s, c, node);
	else
		add_span(s, at, at);
}

static void add_ns_span(struct spans *s, const struct config *c, enum ns_type t)
{
	uint32_t type;
	struct error e;

	if (c->ns[t].path_node != JSON_NONE) {
		add_value(s, c, c->ns[t].path_node);
		return;
	}
	MUST(json_member(&c->doc, c->ns[t].entry, "type", &type, &e) == 0);
	add_span(s, c->doc.nodes[type].end, c->doc.nodes[type].end);
}

static void add_env_spans(struct spans *s, const struct config *c, const char *hostname)
{
	for (uint32_t i = c->env_hostname; i != JSON_NONE; i = config_next_env_hostname(c, i)) {
		const struct json_node *n = &c->doc.nodes[i];

		if (n->str_len != strlen("HOSTNAME=") + strlen(hostname) ||
		    memcmp(n->str + strlen("HOSTNAME="), hostname, strlen(hostname)))
			add_value(s, c, i);
	}
}

static void add_claim_span(struct spans *s, struct config *c, const char *wanted)
{
	const char *claim;
	uint32_t node;
	struct error e;

	MUST(config_annotation(c, ANNOTATION_CLAIM, &claim, &node, &e) == 0);
	if (is_same(claim, wanted))
		return;
	if (c->annotations != JSON_NONE)
		add_member(s, c, node, c->annotations);
	else
		add_member(s, c, c->annotations_null, 0);
}

/* A hook is added after the last one of the list. */
static void add_hook_span(struct spans *s, const struct config *c, enum config_hooks which)
{
	const struct config_hook_list *x = &c->hook_list[which];
	uint32_t at;

	if (!lacks_hook(c, which))
		return;
	if (x->list == JSON_NONE) {
		add_member(s, c, x->null, c->hooks);
		return;
	}
	at = c->doc.nodes[x->list].start + 1;
	for (uint32_t i = json_first(&c->doc, x->list); i != JSON_NONE; i = json_next(&c->doc, i))
		at = c->doc.nodes[i].end;
	add_span(s, at, at);
}

static void add_hook_spans(struct spans *s, const struct config *c)
{
	if (c->hooks == JSON_NONE) {
		add_member(s, c, c->hooks_null, 0);
		return;
	}
	add_hook_span(s, c, HOOKS_CREATE_RUNTIME);
	add_hook_span(s, c, HOOKS_POSTSTOP);
}

/* Mounts that are added are one span, after the last mount. */
static void add_etc_spans(struct spans *s, const struct config *c, const struct edit *edit)
{
	uint32_t at = c->mounts == JSON_NONE ? 0 : c->doc.nodes[c->mounts].start + 1;
	bool adds = false;

	for (int i = 0; i < CONFIG_ETC_FILES; i++) {
		const char *source = edit->etc_source[i];

		if (source && !c->etc[i].count)
			adds = true;
		else if (source && c->etc[i].source && !is_same(c->etc[i].source, source))
			add_value(s, c, c->etc[i].source_node);
	}
	for (uint32_t i = json_first(&c->doc, c->mounts); i != JSON_NONE; i = json_next(&c->doc, i))
		at = c->doc.nodes[i].end;
	if (adds && c->mounts == JSON_NONE)
		add_member(s, c, c->mounts_null, 0);
	else if (adds)
		add_span(s, at, at);
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* By the header alone: the members that differ from the edit. */
static void find_spans(struct spans *s, struct config *c, const struct edit *edit)
{
	for (int t = 0; t < NS_TYPES; t++)
		if (edit->ns_path[t] && !is_same(c->ns[t].path, edit->ns_path[t]))
			add_ns_span(s, c, (enum ns_type)t);
	if (edit->hostname && !is_same(c->hostname, edit->hostname))
		add_member(s, c, c->hostname_node, 0);
	if (edit->domainname && c->domainname && !is_same(c->domainname, edit->domainname))
		add_value(s, c, c->domainname_node);
	if (edit->shm_source && c->shm != JSON_NONE) {
		if (!config_shm_is_bind(c) || !c->shm_source)
			add_value(s, c, c->shm);
		else if (!is_same(c->shm_source, edit->shm_source))
			add_value(s, c, c->shm_source_node);
	}
	add_etc_spans(s, c, edit);
	if (edit->env_hostname)
		add_env_spans(s, c, edit->env_hostname);
	if (edit->claim)
		add_claim_span(s, c, edit->claim);
	if (edit->hook)
		add_hook_spans(s, c);
	if (s->count)
		qsort(s->list, s->count, sizeof(*s->list), compare_spans);
}

/* The next piece of the original that must have been kept, after an inserted value. */
static const char *find_kept(const char *from, const char *end, const char *kept, size_t len,
			     bool first, bool last)
{
	const char *at = from;

	MUST((size_t)(end - from) >= len);
	if (last)
		at = end - len;
	else if (!first)
		at = memmem(from, (size_t)(end - from), kept, len);
	MUST(at && !memcmp(at, kept, len));
	return at + len;
}

/*
 * Everything except these spans is kept, in order. If two begin at one offset (a hostname and the
 * annotations, both added) there is nothing between them.
 */
static void check_kept(const struct input *in, const struct spans *s, const struct buf *edited)
{
	const char *at = edited->data, *end = edited->data + edited->len;
	size_t from = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct span *x = &s->list[i];

		MUST(x->start >= from && x->end <= in->len);
		at = find_kept(at, end, in->text + from, x->start - from, !from, false);
		from = x->end;
	}
	find_kept(at, end, in->text + from, in->len - from, false, true);
}

static void check_spans(const struct input *in, struct config *c, const struct edit *edit,
			bool changed, const struct buf *edited)
{
	struct spans spans = { 0 };

	find_spans(&spans, c, edit);
	MUST(changed == (spans.count > 0));
	if (changed)
		check_kept(in, &spans, edited);
	free(spans.list);
}

/* --- the way back -------------------------------------------------------------- */

static void check_second_edit(struct config *c, const struct edit *edit)
{
	cleanup_buf struct buf out = { 0 };
	bool changed;
	struct error e;

	MUST(edit_apply(c, edit, &changed, &out, &e) == 0 && !changed && !out.len);
}

/* The reverted text, or an empty buf if nothing of the edit is left. */
static struct buf revert(const struct edit_texts *texts, const struct buf *now, enum revert_how how)
{
	struct buf out = { 0 };
	enum revert_how is;
	struct error e;

	MUST(edit_revert(texts, now->data, now->len, &out, &is, &e) == 0 && is == how);
	MUST((how == REVERT_NOTHING) == !out.len);
	return out;
}

static void check_revert(const struct edit_texts *texts, const struct buf *now, enum revert_how how,
			 const struct buf *expected)
{
	cleanup_buf struct buf out = revert(texts, now, how);

	MUST(out.len == expected->len);
	MUST(!out.len || !memcmp(out.data, expected->data, out.len));
}

static void copy(struct buf *b, const char *text, size_t len)
{
	MUST(buf_add(b, text, len) == 0);
}

/* Each text has one more byte, which is not of the edit. */
static void check_reverts(const struct edit_texts *texts)
{
	cleanup_buf struct buf before = { 0 }, after = { 0 };
	const struct buf none = { 0 };

	copy(&before, texts->before, texts->before_len);
	copy(&after, texts->after, texts->after_len);
	check_revert(texts, &after, REVERT_EXACT, &before);
	check_revert(texts, &before, REVERT_NOTHING, &none);
	copy(&before, "\n", 1);
	copy(&after, " ", 1);
	before.data[before.len - 1] = ' ';
	check_revert(texts, &after, REVERT_VALUES, &before);
	check_revert(texts, &before, REVERT_NOTHING, &none);
}

/* The rule for a member with one value. A missing member holds nothing of an edit. */
static const char *merged(const char *before, const char *after, const char *now)
{
	return now && !is_same(before, after) && is_same(now, after) ? before : now;
}

static const char *claim_of(struct config *c)
{
	const char *claim;
	struct error e;

	return config_annotation(c, ANNOTATION_CLAIM, &claim, NULL, &e) < 0 ? NULL : claim;
}

static void check_merged(struct config *before, struct config *after, struct config *now,
			 struct config *is)
{
	for (int t = 0; t < NS_TYPES; t++) {
		MUST((is->ns[t].entry == JSON_NONE) == (now->ns[t].entry == JSON_NONE));
		MUST(is_same(is->ns[t].path,
			     merged(before->ns[t].path, after->ns[t].path, now->ns[t].path)));
	}
	MUST(is_same(is->hostname, merged(before->hostname, after->hostname, now->hostname)));
	MUST(is_same(is->domainname,
		     merged(before->domainname, after->domainname, now->domainname)));
	MUST(is_same(claim_of(is), merged(claim_of(before), claim_of(after), claim_of(now))));
	MUST((is->shm == JSON_NONE) == (now->shm == JSON_NONE));
	for (int i = 0; i < HOOKS_LISTS; i++) {
		uint32_t was = before->hook_list[i].ours, added = after->hook_list[i].ours;
		uint32_t here = now->hook_list[i].ours, left = is->hook_list[i].ours;
		bool goes = was == JSON_NONE && added != JSON_NONE && here != JSON_NONE &&
			    config_same_hook(after, added, now, here);

		/* A second one of ours, which somebody else added, may be left. */
		MUST(goes || (left == JSON_NONE) == (here == JSON_NONE));
		MUST(!goes || left == JSON_NONE ||
		     json_count_children(&is->doc, is->hook_list[i].list) + 1 ==
			     json_count_children(&now->doc, now->hook_list[i].list));
	}
}

/*
 * Another program replaced a value by another one of the document, or removed or duplicated a member
 * or an element.
 */
static void change_somehow(struct buf *out, const struct json *tree, uint64_t seed)
{
	const struct json_node *a = &tree->nodes[seed % tree->count];
	const struct json_node *b = &tree->nodes[(seed >> 20) % tree->count];
	uint32_t start = a->key_start != JSON_NONE ? a->key_start : a->start, end = a->end;

	if (seed >> 40 & 1 && a->parent != JSON_NONE) {
		while (strchr(" \t\r\n", tree->text[end]))
			end++;
		if (tree->text[end] == ',')
			end++;
		copy(out, tree->text, start);
	} else {
		start = a->start;
		copy(out, tree->text, start);
		copy(out, tree->text + b->start, b->end - b->start);
		if (seed >> 41 & 1 && a->key_start == JSON_NONE && a->parent != JSON_NONE) {
			copy(out, ",", 1);
			end = start;
		}
	}
	copy(out, tree->text + end, tree->len - end);
}

static void check_merge(const struct edit_texts *texts, struct config *before, struct config *after,
			const struct buf *text)
{
	cleanup_config struct config now = { 0 }, result = { 0 };
	cleanup_buf struct buf out = { 0 };
	enum revert_how how;
	struct error e;

	if (config_parse(&now, "config", text->data, text->len, &e) < 0) {
		MUST(edit_revert(texts, text->data, text->len, &out, &how, &e) < 0);
		MUST(how == REVERT_NOTHING && !out.len);
		return;
	}
	MUST(edit_revert(texts, text->data, text->len, &out, &how, &e) == 0);
	/* Its edit changed nothing. */
	if (how == REVERT_EXACT)
		return;
	if (how == REVERT_NOTHING)
		copy(&out, text->data, text->len);
	parse(&result, &out);
	check_merged(before, after, &now, &result);
}

static void check_merges(const struct edit_texts *texts, struct config *before,
			 struct config *after, uint64_t seed)
{
	cleanup_json struct json tree = { 0 };
	struct error e;

	MUST(json_parse(&tree, "edited", texts->after, texts->after_len, NULL, NULL, &e) == 0);
	for (int i = 0; i < OTHERS; i++) {
		cleanup_buf struct buf now = { 0 };

		seed = hash_step(seed, (uint64_t)i);
		change_somehow(&now, &tree, seed);
		check_merge(texts, before, after, &now);
	}
}

/* --- without the texts ---------------------------------------------------------- */

static void check_remove_pins(struct config *c, const struct edit *edit)
{
	cleanup_buf struct buf out = { 0 }, again = { 0 };
	cleanup_config struct config result = { 0 };
	bool changed;
	struct error e;

	if (edit_remove_pins(c, edit->ns_path, edit->shm_source, POD_DIR, &changed, &out, &e) < 0) {
		MUST(!changed && !out.len && strstr(e.text, ANNOTATION_CLAIM));
		return;
	}
	MUST(changed == (out.len > 0));
	if (!changed)
		copy(&out, c->doc.text, c->doc.len);
	parse(&result, &out);
	for (int t = 0; t < NS_TYPES; t++) {
		const char *was = c->ns[t].path;

		MUST((result.ns[t].entry == JSON_NONE) == (c->ns[t].entry == JSON_NONE));
		MUST(is_same(result.ns[t].path, is_same(was, edit->ns_path[t]) ? NULL : was));
	}
	MUST(is_same(result.hostname, c->hostname) && is_same(result.domainname, c->domainname));
	MUST((result.shm == JSON_NONE) == (c->shm == JSON_NONE));
	MUST(!edit->shm_source || !config_shm_is_bind(&result) ||
	     !is_same(result.shm_source, edit->shm_source));
	MUST(!claim_of(&result));
	MUST(edit_remove_pins(&result, edit->ns_path, edit->shm_source, POD_DIR, &changed, &again,
			      &e) == 0);
	MUST(!changed && !again.len);
}

static void check_edit(const struct input *in, struct config *c, ns_set shared)
{
	uint64_t seed = hash_text(in->text, in->len);
	cleanup_config struct config edited = { 0 };
	cleanup_buf struct buf out = { 0 };
	struct edit_texts texts;
	struct edit edit;
	struct error e;
	bool changed;

	choose_edit(c, shared, seed, &edit);
	check_remove_pins(c, &edit);
	if (edit_apply(c, &edit, &changed, &out, &e) < 0) {
		MUST(!changed && !out.len);
		return;
	}
	check_spans(in, c, &edit, changed, &out);
	if (!changed) {
		MUST(!out.len);
		return;
	}
	parse(&edited, &out);
	check_wanted(&edited, &edit);
	check_second_edit(&edited, &edit);
	check_remove_pins(&edited, &edit);
	texts = (struct edit_texts){ in->text, out.data, in->len, out.len };
	check_reverts(&texts);
	check_merges(&texts, c, &edited, seed);
	/* No text that is the edit of another text is mistaken for an original. */
	texts = (struct edit_texts){ out.data, in->text, out.len, in->len };
	check_merges(&texts, &edited, c, seed);
}

/* --- the tree ---------------------------------------------------------------- */

static void check_tree(const struct json *tree)
{
	for (uint32_t i = 0; i < tree->count; i++) {
		const struct json_node *n = &tree->nodes[i], *parent;

		MUST(n->start < n->end && n->end <= tree->len && n->next > i);
		MUST(is_strict(tree->text + n->start, n->end - n->start));
		if (n->parent == JSON_NONE)
			continue;
		parent = &tree->nodes[n->parent];
		MUST(n->parent < i && parent->start < n->start && n->end < parent->end);
		MUST((n->key_start != JSON_NONE) == (parent->type == JSON_OBJECT));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .text = (const char *)data, .len = size };
	struct config c;
	struct error e;

	if (json_parse(&in.tree, "tree", in.text, in.len, NULL, NULL, &e) < 0) {
		MUST(!is_strict(in.text, in.len));
		MUST(config_parse(&c, "config", in.text, in.len, &e) < 0);
		return 0;
	}
	MUST(is_strict(in.text, in.len));
	check_tree(&in.tree);
	if (config_parse(&c, "config", in.text, in.len, &e) == 0) {
		check_shm(&c);
		check_edit(&in, &c, check_plans(&c, hash_text(in.text, in.len) | 1));
		config_free(&c);
	}
	json_free(&in.tree);
	return 0;
}
