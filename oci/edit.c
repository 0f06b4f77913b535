/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying an edit: each function collects splices where the document differs from the edit, then all
 * are written at once. A hostname, mounts, hooks and annotations that are added are all inserted at the same
 * byte, in this order.
 */
#include "oci/edit.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "json/splice.h"

#define SHM_BEFORE "{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":"
#define SHM_OPTIONS ",\"options\":[\"bind\",\"rprivate\",\"nosuid\",\"noexec\",\"nodev\""
#define ETC_OPTIONS ",\"options\":[\"bind\",\"rprivate\"]}"
#define SHM_AFTER SHM_OPTIONS "]}"
#define SHM_AFTER_READ_ONLY SHM_OPTIONS ",\"ro\"]}"

struct work {
	struct config *c;
	const struct edit *edit;
	struct splices splices;
};

/* errno is that of json_quote(): EILSEQ for a value that is not UTF-8, or ENOMEM. */
static int cannot_edit(const struct work *w, struct error *e)
{
	return error_set(e, errno, "%s: edit", w->c->doc.what);
}

/*
 * Write `before`, the value as a JSON string and `after` in place of the node, or, if that is
 * JSON_NONE, at this byte of the document.
 */
static int splice_string(struct work *w, uint32_t node, uint32_t at, const char *before,
			 const char *value, const char *after, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	int r;

	if (buf_adds(&text, before) < 0 || json_quote(&text, value) < 0 ||
	    buf_adds(&text, after) < 0)
		return cannot_edit(w, e);
	r = node == JSON_NONE ? splice_insert(&w->splices, &w->c->doc, at, &text)
			      : splice_replace_with(&w->splices, &w->c->doc, node, &text);
	return r < 0 ? error_nomem(e) : 0;
}

static int replace_string(struct work *w, uint32_t node, const char *value, struct error *e)
{
	return splice_string(w, node, 0, "", value, "", e);
}

static int edit_ns(struct work *w, int type, const char *path, struct error *e)
{
	const struct config_ns *ns = &w->c->ns[type];
	const struct json *doc = &w->c->doc;
	uint32_t node;

	if (!path || (ns->path && !strcmp(ns->path, path)))
		return 0;
	if (*path != '/')
		return error_set(e, EINVAL, "%s: %s namespace path '%s'", doc->what,
				 ns_info[type].oci, path);
	if (ns->entry == JSON_NONE)
		return error_set(e, EINVAL, "%s: no %s namespace to set the path of", doc->what,
				 ns_info[type].oci);
	if (ns->path_node != JSON_NONE)
		return replace_string(w, ns->path_node, path, e);
	if (json_member(doc, ns->entry, "type", &node, e) < 0)
		return -1;
	return splice_string(w, JSON_NONE, doc->nodes[node].end, ",\"path\":", path, "", e);
}

static bool is_empty_object(const struct config *c, uint32_t obj)
{
	const char *p = c->doc.text + c->doc.nodes[obj].start + 1;

	return p[strspn(p, " \t\r\n")] == '}';
}

/* Where a first member is inserted. */
static uint32_t inside(const struct config *c, uint32_t obj)
{
	return c->doc.nodes[obj].start + 1;
}

/* Will edit_claim() insert an annotations object into the root? */
static bool adds_annotations(const struct work *w)
{
	return w->edit->claim && w->c->annotations == JSON_NONE &&
	       w->c->annotations_null == JSON_NONE;
}

/* Does no hook of ours run at this stage yet? prestart is the older name of createRuntime. */
static bool lacks_hook(const struct work *w, enum config_hooks which)
{
	const struct config_hook_list *list = w->c->hook_list;

	return w->edit->hook && list[which].ours == JSON_NONE &&
	       (which != HOOKS_CREATE_RUNTIME || list[HOOKS_PRESTART].ours == JSON_NONE);
}

/* Will edit_hooks() insert a hooks object into the root? */
static bool adds_hooks(const struct work *w)
{
	return w->edit->hook && w->c->hooks == JSON_NONE && w->c->hooks_null == JSON_NONE;
}

/* Is a mount to be added on this file? */
static bool adds_etc_mount(const struct work *w, int file)
{
	return w->edit->etc_source[file] && w->c->etc[file].mount == JSON_NONE;
}

/* Will edit_etc() insert a list of mounts into the root? */
static bool adds_mounts(const struct work *w)
{
	bool any = false;

	for (int i = 0; i < CONFIG_ETC_FILES; i++)
		any |= adds_etc_mount(w, i);
	return any && w->c->mounts == JSON_NONE && w->c->mounts_null == JSON_NONE;
}

static int edit_names(struct work *w, struct error *e)
{
	const struct edit *edit = w->edit;
	struct config *c = w->c;
	bool first = is_empty_object(c, 0) && !adds_mounts(w) && !adds_hooks(w) &&
		     !adds_annotations(w);
	const char *comma = first ? "" : ",";

	if (edit->hostname && (!c->hostname || strcmp(c->hostname, edit->hostname))) {
		bool add = c->hostname_node == JSON_NONE;

		if (splice_string(w, c->hostname_node, inside(c, 0), add ? "\"hostname\":" : "",
				  edit->hostname, add ? comma : "", e) < 0)
			return -1;
	}
	if (edit->domainname && c->domainname && strcmp(c->domainname, edit->domainname))
		return replace_string(w, c->domainname_node, edit->domainname, e);
	return 0;
}

/* If there are several, programs differ in which one they use, so all are set. */
static int edit_env(struct work *w, struct error *e)
{
	struct config *c = w->c;
	const char *value;

	if (!w->edit->env_hostname || c->env_hostname == JSON_NONE)
		return 0;
	value = arena_concat(&c->doc.arena, "HOSTNAME=", w->edit->env_hostname, NULL);
	if (!value)
		return error_nomem(e);
	for (uint32_t i = c->env_hostname; i != JSON_NONE; i = config_next_env_hostname(c, i))
		if (!json_str_is(&c->doc, i, value) && replace_string(w, i, value, e) < 0)
			return -1;
	return 0;
}

static int edit_shm(struct work *w, struct error *e)
{
	const char *source = w->edit->shm_source;
	const struct config *c = w->c;

	if (!source || c->shm == JSON_NONE)
		return 0;
	if (!config_shm_is_bind(c) || !c->shm_source)
		return splice_string(w, c->shm, 0, SHM_BEFORE, source,
				     w->edit->shm_read_only ? SHM_AFTER_READ_ONLY : SHM_AFTER, e);
	return strcmp(c->shm_source, source) ? replace_string(w, c->shm_source_node, source, e) : 0;
}

static int add_etc_text(const struct work *w, int file, struct buf *text)
{
	if (text->len && buf_adds(text, ",") < 0)
		return -1;
	if (buf_concat(text, "{\"destination\":\"", config_etc_file[file],
		       "\",\"type\":\"bind\",\"source\":", NULL) < 0 ||
	    json_quote(text, w->edit->etc_source[file]) < 0)
		return -1;
	return buf_adds(text, ETC_OPTIONS);
}

/* Insert mounts after all others, or as a list of their own. */
static int insert_mounts(struct work *w, const struct buf *mounts, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	struct config *c = w->c;
	struct json *doc = &c->doc;
	bool last = is_empty_object(c, 0) && !adds_hooks(w) && !adds_annotations(w);
	uint32_t mount = JSON_NONE;
	int r;

	for (uint32_t i = json_first(doc, c->mounts); i != JSON_NONE; i = json_next(doc, i))
		mount = i;
	if (c->mounts != JSON_NONE)
		r = buf_concat(&text, mount == JSON_NONE ? "" : ",", mounts->data, NULL);
	else if (c->mounts_null != JSON_NONE)
		r = buf_concat(&text, "[", mounts->data, "]", NULL);
	else
		r = buf_concat(&text, "\"mounts\":[", mounts->data, last ? "]" : "],", NULL);
	if (r < 0)
		return error_nomem(e);
	if (mount != JSON_NONE)
		r = splice_insert(&w->splices, doc, doc->nodes[mount].end, &text);
	else if (c->mounts_null != JSON_NONE)
		r = splice_replace_with(&w->splices, doc, c->mounts_null, &text);
	else
		r = splice_insert(&w->splices, doc,
				  inside(c, c->mounts == JSON_NONE ? 0 : c->mounts), &text);
	return r < 0 ? error_nomem(e) : 0;
}

static int edit_etc(struct work *w, struct error *e)
{
	cleanup_buf struct buf added = { 0 };

	for (int i = 0; i < CONFIG_ETC_FILES; i++) {
		const struct config_etc_mount *x = &w->c->etc[i];
		const char *source = w->edit->etc_source[i];

		if (adds_etc_mount(w, i)) {
			if (add_etc_text(w, i, &added) < 0)
				return cannot_edit(w, e);
		} else if (source && x->source && strcmp(x->source, source) &&
			   replace_string(w, x->source_node, source, e) < 0) {
			return -1;
		}
	}
	return added.len ? insert_mounts(w, &added, e) : 0;
}

static int add_hook_text(const struct work *w, enum config_hooks which, struct buf *text)
{
	const struct edit_hook *hook = w->edit->hook;

	if (buf_adds(text, "{\"path\":") < 0 || json_quote(text, hook->path) < 0 ||
	    buf_adds(text, ",\"args\":[\"" HOOK_PROGRAM "\",") < 0)
		return -1;
	for (const char *const *arg = hook->args; *arg; arg++)
		if (json_quote(text, *arg) < 0 || buf_adds(text, ",") < 0)
			return -1;
	return buf_concat(text, "\"", config_hooks_name[which],
			  "\"],\"timeout\":", decimal(hook->timeout).text, "}", NULL);
}

/* "createRuntime":[{...}] */
static int add_list_text(const struct work *w, enum config_hooks which, struct buf *text)
{
	return buf_concat(text, "\"", config_hooks_name[which], "\":[", NULL) < 0 ||
			       add_hook_text(w, which, text) < 0
		       ? -1
		       : buf_adds(text, "]");
}

/* The config has no hooks: add the object with both lists. */
static int add_hooks(struct work *w, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	struct config *c = w->c;
	bool in_root = adds_hooks(w);
	bool last = is_empty_object(c, 0) && !adds_annotations(w);
	int r;

	if (buf_adds(&text, in_root ? "\"hooks\":{" : "{") < 0 ||
	    add_list_text(w, HOOKS_CREATE_RUNTIME, &text) < 0 || buf_adds(&text, ",") < 0 ||
	    add_list_text(w, HOOKS_POSTSTOP, &text) < 0 || buf_adds(&text, "}") < 0 ||
	    (in_root && !last && buf_adds(&text, ",") < 0))
		return cannot_edit(w, e);
	r = in_root ? splice_insert(&w->splices, &c->doc, inside(c, 0), &text)
		    : splice_replace_with(&w->splices, &c->doc, c->hooks_null, &text);
	return r < 0 ? error_nomem(e) : 0;
}

static bool lacks_list(const struct work *w, enum config_hooks which)
{
	const struct config_hook_list *x = &w->c->hook_list[which];

	return lacks_hook(w, which) && x->list == JSON_NONE && x->null == JSON_NONE;
}

/* The config has hooks, but no list for this stage. createRuntime comes before poststop. */
static int insert_list(struct work *w, enum config_hooks which, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	struct config *c = w->c;
	bool last = is_empty_object(c, c->hooks) &&
		    (which == HOOKS_POSTSTOP || !lacks_list(w, HOOKS_POSTSTOP));

	if (add_list_text(w, which, &text) < 0 || (!last && buf_adds(&text, ",") < 0))
		return cannot_edit(w, e);
	return splice_insert(&w->splices, &c->doc, inside(c, c->hooks), &text) < 0 ? error_nomem(e)
										   : 0;
}

static int append_to_list(struct work *w, enum config_hooks which, struct error *e)
{
	const struct config_hook_list *x = &w->c->hook_list[which];
	cleanup_buf struct buf text = { 0 };
	struct json *doc = &w->c->doc;
	uint32_t last = JSON_NONE;

	for (uint32_t i = json_first(doc, x->list); i != JSON_NONE; i = json_next(doc, i))
		last = i;
	if ((last != JSON_NONE && buf_adds(&text, ",") < 0) || add_hook_text(w, which, &text) < 0)
		return cannot_edit(w, e);
	return splice_insert(&w->splices, doc,
			     last == JSON_NONE ? inside(w->c, x->list) : doc->nodes[last].end,
			     &text) < 0
		       ? error_nomem(e)
		       : 0;
}

static int replace_null_list(struct work *w, enum config_hooks which, struct error *e)
{
	cleanup_buf struct buf text = { 0 };

	if (buf_adds(&text, "[") < 0 || add_hook_text(w, which, &text) < 0 ||
	    buf_adds(&text, "]") < 0)
		return cannot_edit(w, e);
	return splice_replace_with(&w->splices, &w->c->doc, w->c->hook_list[which].null, &text) < 0
		       ? error_nomem(e)
		       : 0;
}

static int edit_hook_list(struct work *w, enum config_hooks which, struct error *e)
{
	if (!lacks_hook(w, which))
		return 0;
	if (w->c->hook_list[which].list != JSON_NONE)
		return append_to_list(w, which, e);
	return lacks_list(w, which) ? insert_list(w, which, e) : replace_null_list(w, which, e);
}

static int edit_hooks(struct work *w, struct error *e)
{
	if (!w->edit->hook)
		return 0;
	if (w->c->hooks == JSON_NONE)
		return add_hooks(w, e);
	return edit_hook_list(w, HOOKS_CREATE_RUNTIME, e) < 0
		       ? -1
		       : edit_hook_list(w, HOOKS_POSTSTOP, e);
}

#define CLAIM_MEMBER "\"" ANNOTATION_CLAIM "\":"

static int edit_claim(struct work *w, struct error *e)
{
	const char *present, *claim = w->edit->claim;
	struct config *c = w->c;
	uint32_t node;

	if (!claim)
		return 0;
	if (config_annotation(c, ANNOTATION_CLAIM, &present, &node, e) < 0)
		return -1;
	if (present)
		return strcmp(present, claim) ? replace_string(w, node, claim, e) : 0;
	if (c->annotations != JSON_NONE)
		return splice_string(w, JSON_NONE, inside(c, c->annotations), CLAIM_MEMBER, claim,
				     is_empty_object(c, c->annotations) ? "" : ",", e);
	if (c->annotations_null != JSON_NONE)
		return splice_string(w, c->annotations_null, 0, "{" CLAIM_MEMBER, claim, "}", e);
	return splice_string(w, JSON_NONE, inside(c, 0), "\"annotations\":{" CLAIM_MEMBER, claim,
			     is_empty_object(c, 0) ? "}" : "},", e);
}

static int collect_splices(struct work *w, struct error *e)
{
	for (int t = 0; t < NS_TYPES; t++)
		if (edit_ns(w, t, w->edit->ns_path[t], e) < 0)
			return -1;
	if (edit_names(w, e) < 0 || edit_shm(w, e) < 0 || edit_etc(w, e) < 0 ||
	    edit_env(w, e) < 0 || edit_hooks(w, e) < 0)
		return -1;
	return edit_claim(w, e);
}

int edit_apply(struct config *c, const struct edit *edit, bool *changed, struct buf *out,
	       struct error *e)
{
	struct work w = { .c = c, .edit = edit };

	*changed = false;
	if (collect_splices(&w, e) < 0)
		return -1;
	if (!w.splices.count)
		return 0;
	if (splice_write(&w.splices, &c->doc, out) < 0) {
		buf_free(out);
		return error_nomem(e);
	}
	if (out->len > CONFIG_SIZE_MAX) {
		buf_free(out);
		return error_set(e, 0, "%s: would grow larger than %zu bytes", c->doc.what,
				 CONFIG_SIZE_MAX);
	}
	*changed = true;
	return 0;
}
