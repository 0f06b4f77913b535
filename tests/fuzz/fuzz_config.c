/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json: what is read, the plans for it, an edit of it, and the way back. Which plans and
 * which edit is told by a check sum of the input, so that seeds are plain documents.
 */
#include <errno.h>

#include "base/hash.h"
#include "oci/change.h"
#include "oci/edit.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/plan.h"

#define PLANS 16	/* for each document */
#define SUM_DIGITS 16	/* in front of an undo */

struct input {
	const char *text;
	size_t len;
	struct json tree;	/* all of it */
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

/* A /dev/shm that becomes the pod's asks for nothing that the pod's has not. */
static void check_shm(const struct config *c)
{
	struct plan_shm_mount mount = {
		.type = c->shm_type, .source = c->shm_source, .options = c->shm_options,
		.option_count = c->shm_option_count, .bind = config_shm_is_bind(c),
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

/* Half of the places stay as they are; the rest get a value, some of which need escapes. */
static const char *choose(uint64_t *seed, const char *const values[4])
{
	unsigned bits = *seed & 7;

	*seed >>= 3;
	return bits < 4 ? values[bits] : NULL;
}

static void choose_edit(const struct config *c, ns_set shared, uint64_t seed, struct edit *edit)
{
	static const char *const paths[] = { "/run/netns/web", "/", "/a\"b\\c", "/\x01\xc3\xa9/" };
	static const char *const names[] = { "web", "a", "\"\\", "caf\xc3\xa9\n" };
	static const char *const claims[] = { "00112233445566778899aabbccddeeff", "", "\"", "c" };

	*edit = (struct edit){ 0 };
	/* By the plan where that has something to do, else any. */
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
	edit->claim = choose(&seed, claims);
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
	MUST(config_annotation(c, ANNOTATION_CLAIM, &claim, NULL, &e) == 0);
	MUST(is_wanted(claim, edit->claim));
}

/* A span that an edit replaces is a whole value, or empty. */
static void check_span(const struct json *tree, uint32_t at, uint32_t len)
{
	bool whole = !len;

	for (uint32_t i = 0; i < tree->count && !whole; i++)
		whole = tree->nodes[i].start == at && tree->nodes[i].end == at + len;
	MUST(whole);
}

/* The next piece of the original that must have been kept, after what was put before it. */
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
 * All but the spans that the undo names is there, in order. Where two spans begin at one
 * offset (a hostname and the annotations, both added) nothing lies between them.
 */
static void check_kept(const struct input *in, const struct undo *undo, const struct buf *edited)
{
	const char *at = edited->data, *end = edited->data + edited->len;
	size_t from = 0;
	bool placed = false;

	for (size_t i = 0; i < undo->count || !placed;) {
		bool ours = !placed && (i == undo->count || undo->changes[i].at > undo->at);
		size_t span = ours ? undo->at : undo->changes[i].at;
		size_t len = ours ? undo_old_len(undo) : undo->changes[i].old_len;

		MUST(span >= from && span + len <= in->len);
		check_span(&in->tree, (uint32_t)span, (uint32_t)len);
		at = find_kept(at, end, in->text + from, span - from, !from, false);
		from = span + len;
		if (ours)
			placed = true;
		else
			i++;
	}
	find_kept(at, end, in->text + from, in->len - from, false, true);
}

static void check_second_edit(struct config *c, const struct edit *edit)
{
	const struct edit other = { .claim = "another" };
	cleanup_buf struct buf out = { 0 };
	bool changed;
	struct error e;

	MUST(edit_apply(c, edit, &changed, &out, &e) == 0 && !changed && !out.len);
	MUST(edit_apply(c, &other, &changed, &out, &e) < 0 && e.num == EINVAL);
	MUST(!changed && !out.len);
}

static void check_exact_revert(const struct input *in, struct config *c)
{
	cleanup_buf struct buf out = { 0 };
	enum revert_how how;
	struct error e;

	MUST(edit_revert(c, &out, &how, &e) == 0 && how == REVERT_EXACT);
	MUST(out.len == in->len && !memcmp(out.data, in->text, in->len));
}

/* Somebody else wrote the document anew; this much is left of him. */
static void check_revert_by_values(struct config *original, const struct buf *edited)
{
	cleanup_buf struct buf touched = { 0 }, out = { 0 };
	cleanup_config struct config c = { 0 }, back = { 0 };
	const char *claim, *old_claim, *undo;
	enum revert_how how;
	struct error e;

	MUST(buf_add(&touched, edited->data, edited->len) == 0 && buf_adds(&touched, "\n") == 0);
	parse(&c, &touched);
	MUST(edit_revert(&c, &out, &how, &e) == 0 && how == REVERT_VALUES);
	parse(&back, &out);
	for (int t = 0; t < NS_TYPES; t++)
		MUST(is_same(back.ns[t].path, original->ns[t].path));
	MUST(is_same(back.hostname, original->hostname));
	MUST(is_same(back.domainname, original->domainname));
	MUST(is_same(back.shm_source, original->shm_source));
	MUST(is_same(back.shm_type, original->shm_type));
	MUST(back.shm_option_count == original->shm_option_count);
	MUST(config_annotation(original, ANNOTATION_CLAIM, &old_claim, NULL, &e) == 0);
	MUST(config_annotation(&back, ANNOTATION_CLAIM, &claim, NULL, &e) == 0);
	MUST(is_same(claim, old_claim));
	MUST(config_annotation(&back, ANNOTATION_UNDO, &undo, NULL, &e) == 0 && !undo);
}

static void check_edit(const struct input *in, struct config *c, ns_set shared)
{
	cleanup_config struct config edited = { 0 };
	cleanup_buf struct buf out = { 0 };
	struct edit edit;
	struct undo undo;
	struct error e;
	uint32_t node;
	bool changed;

	choose_edit(c, shared, hash_text(in->text, in->len), &edit);
	if (edit_apply(c, &edit, &changed, &out, &e) < 0 || !changed) {
		MUST(!changed && !out.len);
		return;
	}
	parse(&edited, &out);
	check_wanted(&edited, &edit);
	MUST(config_annotation(&edited, ANNOTATION_UNDO, &(const char *){ 0 }, &node, &e) == 0);
	MUST(undo_read(&edited, node, &undo, &e) == 0);
	check_kept(in, &undo, &out);
	check_second_edit(&edited, &edit);
	check_exact_revert(in, &edited);
	check_revert_by_values(c, &out);
}

/* --- an undo that the input brought along ------------------------------------ */

static void check_revert(struct config *c)
{
	cleanup_config struct config result = { 0 };
	cleanup_buf struct buf out = { 0 };
	enum revert_how how;
	struct error e;

	if (edit_revert(c, &out, &how, &e) < 0)
		MUST(!out.len && strstr(e.text, ANNOTATION_UNDO));
	else if (how == REVERT_NOTHING)
		MUST(!out.len);
	else
		parse(&result, &out);
}

/* The same with its check sum made right, else nothing behind that would ever be reached. */
static void check_forged_revert(struct config *c)
{
	cleanup_config struct config forged = { 0 };
	cleanup_buf struct buf text = { 0 }, undo = { 0 };
	const struct json_node *n;
	const char *value;
	uint32_t node;
	struct error e;

	if (config_annotation(c, ANNOTATION_UNDO, &value, &node, &e) < 0 || !value ||
	    strlen(value) < SUM_DIGITS)
		return;
	n = &c->doc.nodes[node];
	value += SUM_DIGITS;
	MUST(buf_addf(&undo, "%016llx%s", (unsigned long long)undo_sum(value, strlen(value)),
		      value) == 0);
	MUST(buf_add(&text, c->doc.text, n->start) == 0 && json_quote(&text, undo.data) == 0 &&
	     buf_add(&text, c->doc.text + n->end, c->doc.len - n->end) == 0);
	parse(&forged, &text);
	check_revert(&forged);
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
		check_revert(&c);
		check_forged_revert(&c);
		config_free(&c);
	}
	json_free(&in.tree);
	return 0;
}
