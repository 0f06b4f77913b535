/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reversing an edit: a three-way merge of the current document with the texts from before and after
 * the edit. A document whose texts are not known only loses what points to a pod's pins.
 */
#include "oci/edit.h"

#include <string.h>

#include "base/text.h"
#include "json/splice.h"

#define PLAIN_SHM                                                                                  \
	"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\",\"options\":"         \
	"[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]}"

/* A member in one of the three documents: its value (NULL if it has none) and node. */
struct place {
	const char *value;
	uint32_t node;
};

struct merge {
	struct config before, after, now;
	struct splices splices; /* of now */
};

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Replace node `to` of the current document by the bytes of node `from` of the text before. */
static int restore_node(struct merge *m, uint32_t to, uint32_t from)
{
	const struct json *doc = &m->before.doc;
	const struct json_node *n = &doc->nodes[from];

	return splice_replace(&m->splices, &m->now.doc, to, doc->text + n->start,
			      n->end - n->start);
}

/*
 * If the edit changed this member and it still has the value that the edit gave it, restore the
 * previous value, or remove the member if it had none.
 */
static int merge_place(struct merge *m, struct place before, struct place after, struct place now)
{
	if (is_same(before.value, after.value) || !is_same(now.value, after.value) || !now.value)
		return 0;
	if (before.node == JSON_NONE)
		return splice_remove(&m->splices, &m->now.doc, now.node);
	return restore_node(m, now.node, before.node);
}

static struct place ns_place(const struct config *c, int type)
{
	return (struct place){ c->ns[type].path, c->ns[type].path_node };
}

static struct place hostname_place(const struct config *c)
{
	return (struct place){ c->hostname, c->hostname_node };
}

static struct place domainname_place(const struct config *c)
{
	return (struct place){ c->domainname, c->domainname_node };
}

static int merge_names(struct merge *m)
{
	for (int t = 0; t < NS_TYPES; t++)
		if (merge_place(m, ns_place(&m->before, t), ns_place(&m->after, t),
				ns_place(&m->now, t)) < 0)
			return -1;
	if (merge_place(m, hostname_place(&m->before), hostname_place(&m->after),
			hostname_place(&m->now)) < 0)
		return -1;
	return merge_place(m, domainname_place(&m->before), domainname_place(&m->after),
			   domainname_place(&m->now));
}

/* Are two string nodes of two documents equal? */
static bool is_same_string(const struct config *a, uint32_t i, const struct config *b, uint32_t k)
{
	const struct json_node *x = &a->doc.nodes[i], *y = &b->doc.nodes[k];

	return x->str_len == y->str_len && !memcmp(x->str, y->str, x->str_len);
}

/* The HOSTNAME= strings are matched by their order in the three documents. */
static int merge_env(struct merge *m)
{
	uint32_t before = m->before.env_hostname, after = m->after.env_hostname;
	uint32_t now = m->now.env_hostname;

	while (before != JSON_NONE && after != JSON_NONE && now != JSON_NONE) {
		if (!is_same_string(&m->before, before, &m->after, after) &&
		    is_same_string(&m->after, after, &m->now, now) &&
		    restore_node(m, now, before) < 0)
			return -1;
		before = config_next_env_hostname(&m->before, before);
		after = config_next_env_hostname(&m->after, after);
		now = config_next_env_hostname(&m->now, now);
	}
	return 0;
}

/* An edit replaces the source of a bind mount, and any other mount as a whole. */
static int merge_shm(struct merge *m)
{
	const struct config *before = &m->before, *after = &m->after, *now = &m->now;
	bool was_bind = config_shm_is_bind(before) && before->shm_source;

	if (before->shm == JSON_NONE || !config_shm_is_bind(after) ||
	    (was_bind && is_same(before->shm_source, after->shm_source)) ||
	    !config_shm_is_bind(now) || !now->shm_source ||
	    !is_same(now->shm_source, after->shm_source))
		return 0;
	return was_bind ? restore_node(m, now->shm_source_node, before->shm_source_node)
			: restore_node(m, now->shm, before->shm);
}

/*
 * A claim that is not a string, or repeated, is not ours, since edit_apply() refuses it. It must not
 * prevent the other values from being restored.
 */
static int claim_place(struct config *c, struct place *place, struct error *e)
{
	if (config_annotation(c, ANNOTATION_CLAIM, &place->value, &place->node, e) == 0)
		return 0;
	*place = (struct place){ .node = JSON_NONE };
	return e->num ? -1 : 0;
}

/* If the edit added the annotations object, it is removed too, unless it has other members now. */
static int merge_claim(struct merge *m, struct error *e)
{
	struct config *now = &m->now;
	struct place before, after, is;
	int r;

	if (claim_place(&m->before, &before, e) < 0 || claim_place(&m->after, &after, e) < 0 ||
	    claim_place(now, &is, e) < 0)
		return -1;
	if (before.value || m->before.annotations != JSON_NONE || !after.value ||
	    !is_same(is.value, after.value) || json_count_children(&now->doc, now->annotations) > 1)
		r = merge_place(m, before, after, is);
	else if (m->before.annotations_null != JSON_NONE)
		r = restore_node(m, now->annotations, m->before.annotations_null);
	else
		r = splice_remove(&m->splices, &now->doc, now->annotations);
	return r < 0 ? error_nomem(e) : 0;
}

enum list_merge { LIST_STAYS, LIST_LOSES_OURS, LIST_GOES };

/* If the edit added the list, it goes with our hook, unless it has other hooks now. */
static enum list_merge judge_list(const struct merge *m, int which)
{
	const struct config_hook_list *before = &m->before.hook_list[which];
	const struct config_hook_list *now = &m->now.hook_list[which];
	uint32_t after = m->after.hook_list[which].ours;

	if (before->ours != JSON_NONE || after == JSON_NONE || now->ours == JSON_NONE ||
	    !config_same_hook(&m->after, after, &m->now, now->ours))
		return LIST_STAYS;
	return before->list == JSON_NONE && json_count_children(&m->now.doc, now->list) == 1
		       ? LIST_GOES
		       : LIST_LOSES_OURS;
}

static int merge_list(struct merge *m, int which, enum list_merge how)
{
	const struct config_hook_list *before = &m->before.hook_list[which];
	const struct config_hook_list *now = &m->now.hook_list[which];

	if (how == LIST_STAYS)
		return 0;
	if (how == LIST_LOSES_OURS)
		return splice_remove(&m->splices, &m->now.doc, now->ours);
	return before->null == JSON_NONE ? splice_remove(&m->splices, &m->now.doc, now->list)
					 : restore_node(m, now->list, before->null);
}

/* The same for the hooks object, unless it has other lists now. */
static int merge_hooks(struct merge *m)
{
	enum list_merge how[HOOKS_LISTS];
	size_t gone = 0;

	for (int i = 0; i < HOOKS_LISTS; i++) {
		how[i] = judge_list(m, i);
		gone += how[i] == LIST_GOES;
	}
	if (gone && gone == json_count_children(&m->now.doc, m->now.hooks) &&
	    m->before.hooks == JSON_NONE)
		return m->before.hooks_null == JSON_NONE
			       ? splice_remove(&m->splices, &m->now.doc, m->now.hooks)
			       : restore_node(m, m->now.hooks, m->before.hooks_null);
	for (int i = 0; i < HOOKS_LISTS; i++)
		if (merge_list(m, i, how[i]) < 0)
			return -1;
	return 0;
}

/* Did the edit add this mount, and is it still there? */
static bool was_added(const struct merge *m, int file)
{
	return m->before.etc[file].mount == JSON_NONE && m->after.etc[file].source &&
	       is_same(m->now.etc[file].source, m->after.etc[file].source);
}

static int merge_etc_mount(struct merge *m, int file)
{
	const struct config_etc_mount *before = &m->before.etc[file];
	const struct config_etc_mount *after = &m->after.etc[file], *now = &m->now.etc[file];

	if (was_added(m, file))
		return splice_remove(&m->splices, &m->now.doc, now->mount);
	if (!before->source || !after->source || !now->source)
		return 0;
	return merge_place(m, (struct place){ before->source, before->source_node },
			   (struct place){ after->source, after->source_node },
			   (struct place){ now->source, now->source_node });
}

/* If the edit added the list of mounts, it is removed too, unless it has other mounts now. */
static int merge_etc(struct merge *m)
{
	size_t added = 0;

	for (int i = 0; i < CONFIG_ETC_FILES; i++)
		added += was_added(m, i);
	if (added && m->before.mounts == JSON_NONE &&
	    added == json_count_children(&m->now.doc, m->now.mounts))
		return m->before.mounts_null == JSON_NONE
			       ? splice_remove(&m->splices, &m->now.doc, m->now.mounts)
			       : restore_node(m, m->now.mounts, m->before.mounts_null);
	for (int i = 0; i < CONFIG_ETC_FILES; i++)
		if (merge_etc_mount(m, i) < 0)
			return -1;
	return 0;
}

static int merge_members(struct merge *m, struct buf *out, struct error *e)
{
	if (merge_names(m) < 0 || merge_shm(m) < 0 || merge_etc(m) < 0 || merge_env(m) < 0 ||
	    merge_hooks(m) < 0)
		return error_nomem(e);
	if (merge_claim(m, e) < 0)
		return -1;
	if (m->splices.count && splice_write(&m->splices, &m->now.doc, out) < 0)
		return error_nomem(e);
	return 0;
}

static int merge_texts(const struct edit_texts *texts, const char *now, size_t len, struct buf *out,
		       struct error *e)
{
	struct merge m = { 0 };
	int r = -1;

	if (config_parse(&m.now, "config.json", now, len, e) == 0 &&
	    config_parse(&m.before, "the kept config.json", texts->before, texts->before_len, e) ==
		    0 &&
	    config_parse(&m.after, "the config.json that was written", texts->after,
			 texts->after_len, e) == 0)
		r = merge_members(&m, out, e);
	/* One that was not parsed is empty. */
	config_free(&m.after);
	config_free(&m.before);
	config_free(&m.now);
	return r;
}

int edit_revert(const struct edit_texts *texts, const char *now, size_t len, struct buf *out,
		enum revert_how *how, struct error *e)
{
	*how = REVERT_NOTHING;
	if (len == texts->after_len && !memcmp(now, texts->after, len)) {
		if (buf_add(out, texts->before, texts->before_len) < 0)
			return error_nomem(e);
		*how = REVERT_EXACT;
		return 0;
	}
	if (merge_texts(texts, now, len, out, e) < 0) {
		buf_free(out);
		return -1;
	}
	*how = out->len ? REVERT_VALUES : REVERT_NOTHING;
	return 0;
}

static int remove_etc_mounts(struct config *c, const char *pod_dir, struct splices *splices)
{
	for (int i = 0; i < CONFIG_ETC_FILES; i++)
		if (pod_dir && c->etc[i].source && is_below(c->etc[i].source, pod_dir) &&
		    splice_remove(splices, &c->doc, c->etc[i].mount) < 0)
			return -1;
	return 0;
}

int edit_remove_pins(struct config *c, const char *const ns_path[NS_TYPES], const char *shm_source,
		     const char *pod_dir, bool *changed, struct buf *out, struct error *e)
{
	struct splices splices = { 0 };
	struct place claim;

	*changed = false;
	if (config_annotation(c, ANNOTATION_CLAIM, &claim.value, &claim.node, e) < 0)
		return -1;
	for (int t = 0; t < NS_TYPES; t++)
		if (c->ns[t].path && is_same(c->ns[t].path, ns_path[t]) &&
		    splice_remove(&splices, &c->doc, c->ns[t].path_node) < 0)
			return error_nomem(e);
	if (config_shm_is_bind(c) && c->shm_source && is_same(c->shm_source, shm_source) &&
	    splice_replace(&splices, &c->doc, c->shm, PLAIN_SHM, strlen(PLAIN_SHM)) < 0)
		return error_nomem(e);
	if (remove_etc_mounts(c, pod_dir, &splices) < 0)
		return error_nomem(e);
	if (claim.value && splice_remove(&splices, &c->doc, claim.node) < 0)
		return error_nomem(e);
	if (!splices.count)
		return 0;
	if (splice_write(&splices, &c->doc, out) < 0) {
		buf_free(out);
		return error_nomem(e);
	}
	*changed = true;
	return 0;
}
