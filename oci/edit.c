/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making an edit: collect the places where the document differs from what is
 * wanted, then write it out anew with those spans exchanged and our annotations
 * put in. Where two spans begin at one offset, a hostname that is added stands
 * before the annotations that are added.
 */
#include "oci/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "oci/change.h"

static void add_change(const struct config *c, struct undo *undo, struct change change,
		       uint32_t start, uint32_t end)
{
	change.at = start;
	change.old = c->doc.text + start;
	change.old_len = end - start;
	undo->changes[undo->count++] = change;
}

static void replace_node(const struct config *c, struct undo *undo, struct change change,
			 uint32_t node)
{
	const struct json_node *n = &c->doc.nodes[node];

	add_change(c, undo, change, n->start, n->end);
}

static int collect_ns(const struct config *c, int type, const char *path, struct undo *undo,
		      struct error *e)
{
	struct change change = { .place = PLACE_NS, .index = (uint32_t)type, .value = path };
	const struct config_ns *ns = &c->ns[type];
	uint32_t node, end;

	if (!path || (ns->path && !strcmp(ns->path, path)))
		return 0;
	if (*path != '/')
		return error_set(e, EINVAL, "%s: %s namespace path '%s'", c->doc.what,
				 ns_info[type].oci, path);
	if (ns->entry == JSON_NONE)
		return error_set(e, EINVAL, "%s: no %s namespace to set the path of", c->doc.what,
				 ns_info[type].oci);
	if (ns->path_node != JSON_NONE) {
		replace_node(c, undo, change, ns->path_node);
		return 0;
	}
	if (json_member(&c->doc, ns->entry, "type", &node, e) < 0)
		return -1;
	end = c->doc.nodes[node].end;
	add_change(c, undo, change, end, end);
	return 0;
}

static void collect_names(const struct config *c, const struct edit *edit, struct undo *undo)
{
	struct change host = { .place = PLACE_HOSTNAME, .value = edit->hostname };
	struct change domain = { .place = PLACE_DOMAINNAME, .value = edit->domainname };
	uint32_t begin = c->doc.nodes[0].start + 1;

	if (edit->hostname && (!c->hostname || strcmp(c->hostname, edit->hostname))) {
		if (c->hostname_node != JSON_NONE)
			replace_node(c, undo, host, c->hostname_node);
		else
			add_change(c, undo, host, begin, begin);
	}
	if (edit->domainname && c->domainname && strcmp(c->domainname, edit->domainname))
		replace_node(c, undo, domain, c->domainname_node);
}

/* Programs differ in which of several they take, so all are set. */
static int collect_env(struct config *c, const char *hostname, struct undo *undo, struct error *e)
{
	struct change change = { .place = PLACE_ENV };
	uint32_t node = c->env_hostname;

	if (!hostname || node == JSON_NONE)
		return 0;
	change.value = arena_concat(&c->doc.arena, "HOSTNAME=", hostname, NULL);
	if (!change.value)
		return error_nomem(e);
	for (; node != JSON_NONE; node = config_next_env_hostname(c, node), change.index++)
		if (!json_str_is(&c->doc, node, change.value))
			replace_node(c, undo, change, node);
	return 0;
}

static void collect_shm(const struct config *c, const char *source, struct undo *undo)
{
	struct change change = { .place = PLACE_SHM, .value = source };

	if (!source || c->shm == JSON_NONE)
		return;
	if (!config_shm_is_bind(c) || !c->shm_source) {
		replace_node(c, undo, change, c->shm);
	} else if (strcmp(c->shm_source, source)) {
		change.place = PLACE_SHM_SOURCE;
		replace_node(c, undo, change, c->shm_source_node);
	}
}

static int collect_claim(struct config *c, const char *claim, struct undo *undo, struct error *e)
{
	struct change change = { .place = PLACE_CLAIM, .value = claim };
	const char *present;
	uint32_t node;

	if (!claim)
		return 0;
	if (config_annotation(c, ANNOTATION_CLAIM, &present, &node, e) < 0)
		return -1;
	if (!present)
		undo->claim = claim;
	else if (strcmp(present, claim))
		replace_node(c, undo, change, node);
	return 0;
}

static int compare_changes(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static int collect(struct config *c, const struct edit *edit, struct undo *undo, struct error *e)
{
	size_t most = NS_TYPES + 4;	/* host and domain name, shm, claim */

	for (uint32_t i = c->env_hostname; i != JSON_NONE; i = config_next_env_hostname(c, i))
		most++;
	undo->changes = arena_alloc(&c->doc.arena, most * sizeof(*undo->changes));
	if (!undo->changes)
		return error_nomem(e);
	for (int t = 0; t < NS_TYPES; t++)
		if (collect_ns(c, t, edit->ns_path[t], undo, e) < 0)
			return -1;
	collect_names(c, edit, undo);
	collect_shm(c, edit->shm_source, undo);
	if (collect_env(c, edit->env_hostname, undo, e) < 0 ||
	    collect_claim(c, edit->claim, undo, e) < 0)
		return -1;
	qsort(undo->changes, undo->count, sizeof(*undo->changes), compare_changes);
	return 0;
}

/* The first byte behind the brace of object obj that is not white space is its end. */
static bool is_empty_object(const struct config *c, uint32_t obj)
{
	const char *p = c->doc.text + c->doc.nodes[obj].start + 1;

	return p[strspn(p, " \t\r\n")] == '}';
}

static void place_annotations(const struct config *c, struct undo *undo)
{
	if (c->annotations != JSON_NONE) {
		undo->form = is_empty_object(c, c->annotations) ? FORM_EMPTY : FORM_FIRST;
		undo->at = c->doc.nodes[c->annotations].start + 1;
	} else if (c->annotations_null != JSON_NONE) {
		undo->form = FORM_NULL;
		undo->at = c->doc.nodes[c->annotations_null].start;
	} else {
		undo->form = is_empty_object(c, 0) ? FORM_ROOT : FORM_OBJECT;
		undo->at = c->doc.nodes[0].start + 1;
	}
}

static int annotations_text(const struct undo *undo, struct buf *b)
{
	cleanup_buf struct buf text = {0};

	if (undo_write(undo, &text) < 0 || undo_prefix(undo, b) < 0 || buf_adds(b, UNDO_KEY) < 0)
		return -1;
	return json_quote(b, text.data) < 0 || undo_suffix(undo, b) < 0 ? -1 : 0;
}

static int copy_up_to(const struct config *c, uint32_t *from, size_t to, struct buf *out)
{
	size_t n = to - *from;

	if (buf_add(out, c->doc.text + *from, n) < 0)
		return -1;
	*from = (uint32_t)to;
	return 0;
}

static int render(const struct config *c, const struct undo *undo, struct buf *out)
{
	cleanup_buf struct buf ours = {0};
	uint32_t from = 0;
	size_t i = 0;

	if (annotations_text(undo, &ours) < 0 ||
	    buf_reserve(out, c->doc.len + 2 * ours.len) < 0)
		return -1;
	for (bool placed = false; i < undo->count || !placed;) {
		if (!placed && (i == undo->count || undo->changes[i].at > undo->at)) {
			if (copy_up_to(c, &from, undo->at, out) < 0 ||
			    buf_add(out, ours.data, ours.len) < 0)
				return -1;
			from += (uint32_t)undo_old_len(undo);
			placed = true;
			continue;
		}
		if (copy_up_to(c, &from, undo->changes[i].at, out) < 0 ||
		    change_text(&undo->changes[i], out) < 0)
			return -1;
		from += undo->changes[i++].old_len;
	}
	return copy_up_to(c, &from, c->doc.len, out);
}

static int refuse_second_edit(struct config *c, struct error *e)
{
	const char *present;
	uint32_t node;

	if (config_annotation(c, ANNOTATION_UNDO, &present, &node, e) < 0)
		return -1;
	if (node == JSON_NONE)
		return 0;
	json_error(&c->doc, node, e, "has been edited before; that must be reverted first");
	e->num = EINVAL;
	return -1;
}

static int check_output(const struct config *c, const struct buf *out, struct error *e)
{
	if (out->len <= CONFIG_SIZE_MAX)
		return 0;
	return error_set(e, 0, "%s: would grow larger than %zu bytes", c->doc.what,
			 CONFIG_SIZE_MAX);
}

int edit_apply(struct config *c, const struct edit *edit, bool *changed, struct buf *out,
	       struct error *e)
{
	struct undo undo = { .owner = edit->owner };

	*changed = false;
	if (collect(c, edit, &undo, e) < 0)
		return -1;
	if (!undo.count && !undo.claim)
		return 0;
	if (refuse_second_edit(c, e) < 0)
		return -1;
	place_annotations(c, &undo);
	undo.sum = undo_sum(c->doc.text, c->doc.len);
	undo.len = (uint32_t)c->doc.len;
	if (render(c, &undo, out) < 0) {
		error_set(e, errno, "%s: edit", c->doc.what);
		buf_free(out);
		return -1;
	}
	if (check_output(c, out, e) < 0) {
		buf_free(out);
		return -1;
	}
	*changed = true;
	return 0;
}
