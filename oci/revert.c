/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking an edit back. First exactly: walk over the changes in the order of the
 * document, see that each new text stands where it must, and put the old bytes
 * in its place; what comes out is the original if length and check sum say so.
 * Else somebody has edited or reformatted the document, and the places are
 * looked up in what it says now.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/change.h"
#include "oci/edit.h"

/* Exactly. */
struct walk {
	const struct config *c;
	size_t at;		/* in the edited document */
	size_t original_at;	/* where that is in the original */
	struct buf *out;
	bool off_track;		/* the document is not as we left it */
};

static int copy_unchanged(struct walk *w, size_t n)
{
	if (w->off_track || n > w->c->doc.len - w->at) {
		w->off_track = true;
		return 0;
	}
	if (buf_add(w->out, w->c->doc.text + w->at, n) < 0)
		return -1;
	w->at += n;
	w->original_at += n;
	return 0;
}

static void step_over(struct walk *w, const struct buf *text)
{
	const struct json *doc = &w->c->doc;

	if (w->off_track || text->len > doc->len - w->at ||
	    (text->len && memcmp(doc->text + w->at, text->data, text->len)))
		w->off_track = true;
	else
		w->at += text->len;
}

static int undo_change(struct walk *w, const struct change *change)
{
	cleanup_buf struct buf text = {0};

	if (copy_unchanged(w, change->at - w->original_at) < 0 || change_text(change, &text) < 0)
		return -1;
	step_over(w, &text);
	if (buf_add(w->out, change->old, change->old_len) < 0)
		return -1;
	w->original_at += change->old_len;
	return 0;
}

static int undo_annotations(struct walk *w, const struct undo *undo, uint32_t node)
{
	const struct json_node *n = &w->c->doc.nodes[node];
	cleanup_buf struct buf before = {0}, behind = {0};

	if (undo->at < w->original_at) {
		w->off_track = true;
		return 0;
	}
	if (copy_unchanged(w, undo->at - w->original_at) < 0 || undo_prefix(undo, &before) < 0 ||
	    buf_adds(&before, UNDO_KEY) < 0 || undo_suffix(undo, &behind) < 0)
		return -1;
	step_over(w, &before);
	if (w->at != n->start)
		w->off_track = true;
	else
		w->at = n->end;
	step_over(w, &behind);
	if (buf_add(w->out, "null", undo_old_len(undo)) < 0)
		return -1;
	w->original_at += undo_old_len(undo);
	return 0;
}

static bool is_the_original(const struct undo *undo, const struct buf *out)
{
	return out->len == undo->len && undo_sum(out->data, out->len) == undo->sum;
}

/* *exact tells whether it worked. */
static int revert_exactly(const struct config *c, const struct undo *undo, uint32_t node,
			  struct buf *out, bool *exact)
{
	struct walk w = { .c = c, .out = out };
	size_t i = 0;

	*exact = false;
	if (buf_reserve(out, c->doc.len) < 0)
		return -1;
	for (; i < undo->count && undo->changes[i].at <= undo->at; i++)
		if (undo_change(&w, &undo->changes[i]) < 0)
			return -1;
	if (undo_annotations(&w, undo, node) < 0)
		return -1;
	for (; i < undo->count && !w.off_track; i++) {
		if (undo->changes[i].at < w.original_at)
			w.off_track = true;
		else if (undo_change(&w, &undo->changes[i]) < 0)
			return -1;
	}
	if (w.off_track)
		return 0;
	if (copy_unchanged(&w, c->doc.len - w.at) < 0)
		return -1;
	*exact = is_the_original(undo, out);
	return 0;
}

/* Value by value. */
struct repair {
	uint32_t start, end;	/* in the document at hand */
	bool member;		/* take out the member, its comma too */
	const char *text;	/* what to put there, text_len bytes */
	uint32_t text_len;
};

struct repairs {
	struct config *c;
	struct repair *list;
	size_t count;
};

static void put_back(struct repairs *r, uint32_t node, const char *text, uint32_t len)
{
	const struct json_node *n = &r->c->doc.nodes[node];

	r->list[r->count++] = (struct repair){ n->start, n->end, false, text, len };
}

static void take_out(struct repairs *r, uint32_t node)
{
	const struct json_node *n = &r->c->doc.nodes[node];

	r->list[r->count++] = (struct repair){ n->key_start, n->end, true, NULL, 0 };
}

static bool is_same(const char *present, const char *value)
{
	return present && !strcmp(present, value);
}

/* The node at which the value of a change still stands, or JSON_NONE. */
static int find_value(struct repairs *r, const struct change *change, uint32_t *node,
		      struct error *e)
{
	struct config *c = r->c;
	const char *claim;

	*node = JSON_NONE;
	switch (change->place) {
	case PLACE_NS:
		if (is_same(c->ns[change->index].path, change->value))
			*node = c->ns[change->index].path_node;
		return 0;
	case PLACE_HOSTNAME:
		if (is_same(c->hostname, change->value))
			*node = c->hostname_node;
		return 0;
	case PLACE_DOMAINNAME:
		if (is_same(c->domainname, change->value))
			*node = c->domainname_node;
		return 0;
	case PLACE_SHM:
	case PLACE_SHM_SOURCE:
		if (config_shm_is_bind(c) && is_same(c->shm_source, change->value))
			*node = change->place == PLACE_SHM ? c->shm : c->shm_source_node;
		return 0;
	case PLACE_CLAIM:
		if (config_annotation(c, ANNOTATION_CLAIM, &claim, node, e) < 0)
			return -1;
		if (!is_same(claim, change->value))
			*node = JSON_NONE;
		return 0;
	case PLACE_ENV:
		return 0;	/* repair_env() */
	}
	return 0;
}

static void repair(struct repairs *r, const struct change *change, uint32_t node)
{
	if (node == JSON_NONE)
		return;
	if (change->old_len)
		put_back(r, node, change->old, change->old_len);
	else
		take_out(r, node);
}

/* Entries of the undo and of process.env are both in order: one walk over the two. */
static void repair_env(struct repairs *r, const struct undo *undo)
{
	uint32_t node = r->c->env_hostname, index = 0;
	const struct change *change;

	for (size_t i = 0; i < undo->count; i++) {
		change = &undo->changes[i];
		if (change->place != PLACE_ENV)
			continue;
		for (; node != JSON_NONE && index < change->index; index++)
			node = config_next_env_hostname(r->c, node);
		if (node != JSON_NONE && json_str_is(&r->c->doc, node, change->value))
			repair(r, change, node);
	}
}

static int repair_annotations(struct repairs *r, const struct undo *undo, uint32_t undo_node,
			      struct error *e)
{
	struct config *c = r->c;
	uint32_t claim_node, left = 0;
	const char *claim;

	if (config_annotation(c, ANNOTATION_CLAIM, &claim, &claim_node, e) < 0)
		return -1;
	if (!undo->claim || !is_same(claim, undo->claim))
		claim_node = JSON_NONE;
	for (uint32_t i = json_first(&c->doc, c->annotations); i != JSON_NONE;
	     i = json_next(&c->doc, i))
		left += i != undo_node && i != claim_node;
	if (!left && undo->form == FORM_NULL) {
		put_back(r, c->annotations, "null", strlen("null"));
	} else if (!left && (undo->form == FORM_OBJECT || undo->form == FORM_ROOT)) {
		take_out(r, c->annotations);
	} else {
		take_out(r, undo_node);
		if (claim_node != JSON_NONE)
			take_out(r, claim_node);
	}
	return 0;
}

static int compare_repairs(const void *a, const void *b)
{
	const struct repair *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static uint32_t back_over_space(const char *text, uint32_t at)
{
	while (strchr(" \t\r\n", text[at - 1]))
		at--;
	return at;
}

static uint32_t skip_space(const char *text, uint32_t at)
{
	return at + (uint32_t)strspn(text + at, " \t\r\n");
}

/*
 * Widen the span of a member to the comma that goes with it: the one before it,
 * if a member that stays stands before that; else the one behind it. taken is
 * the end of the repair before, which may have been of the member before and
 * have taken the comma between the two.
 */
static void widen_to_comma(const char *text, struct repair *m, uint32_t taken)
{
	uint32_t before = back_over_space(text, m->start);
	uint32_t behind = skip_space(text, m->end);

	if (text[before - 1] == ',' && m->start != taken)
		m->start = back_over_space(text, before - 1);
	else if (text[behind] == ',')
		m->end = skip_space(text, behind + 1);
}

static int write_repaired(struct repairs *r, struct buf *out)
{
	const struct json *doc = &r->c->doc;
	uint32_t at = 0;

	qsort(r->list, r->count, sizeof(*r->list), compare_repairs);
	for (size_t i = 0; i < r->count; i++) {
		struct repair *next = &r->list[i];

		if (next->member)
			widen_to_comma(doc->text, next, at);
		if (buf_add(out, doc->text + at, next->start - at) < 0 ||
		    buf_add(out, next->text, next->text_len) < 0)
			return -1;
		at = next->end;
	}
	return buf_add(out, doc->text + at, doc->len - at);
}

static int revert_values(struct config *c, const struct undo *undo, uint32_t undo_node,
			 struct buf *out, struct error *e)
{
	struct repairs r = { .c = c };
	uint32_t node;

	/* One for each change; for the undo and the claim two more. */
	r.list = arena_alloc(&c->doc.arena, (undo->count + 2) * sizeof(*r.list));
	if (!r.list)
		return error_nomem(e);
	for (size_t i = 0; i < undo->count; i++) {
		if (find_value(&r, &undo->changes[i], &node, e) < 0)
			return -1;
		repair(&r, &undo->changes[i], node);
	}
	repair_env(&r, undo);
	if (repair_annotations(&r, undo, undo_node, e) < 0)
		return -1;
	return write_repaired(&r, out) < 0 ? error_nomem(e) : 0;
}

/* An undo may not turn the document into something that no edit was made from. */
static int check_result(struct config *c, uint32_t undo_node, const struct buf *out,
			struct error *e)
{
	cleanup_config struct config result = {0};
	const char *value;
	uint32_t node;
	char why[512];

	if (config_parse(&result, "the original", out->data, out->len, e) < 0 ||
	    config_annotation(&result, ANNOTATION_UNDO, &value, &node, e) < 0) {
		if (e->num == ENOMEM)
			return -1;
		snprintf(why, sizeof(why), "%.500s", e->text);
		return undo_tampered(c, undo_node, e, why);
	}
	if (value)
		return undo_tampered(c, undo_node, e, "it hides another undo");
	return 0;
}

static int revert(struct config *c, uint32_t node, struct buf *out, enum revert_how *how,
		  struct error *e)
{
	struct undo undo;
	bool exact;

	if (undo_read(c, node, &undo, e) < 0)
		return -1;
	if (revert_exactly(c, &undo, node, out, &exact) < 0)
		return error_set(e, errno, "%s: revert", c->doc.what);
	*how = REVERT_EXACT;
	if (!exact) {
		*how = REVERT_VALUES;
		buf_free(out);
		if (revert_values(c, &undo, node, out, e) < 0)
			return -1;
	}
	/* By length and check sum it is the very document that an edit was made from. */
	return exact ? 0 : check_result(c, node, out, e);
}

int edit_revert(struct config *c, struct buf *out, enum revert_how *how, struct error *e)
{
	uint32_t node = JSON_NONE;

	*how = REVERT_NOTHING;
	if (c->annotations != JSON_NONE &&
	    json_map_member(&c->doc, c->annotations, ANNOTATION_UNDO, &node, e) < 0)
		return -1;
	if (node == JSON_NONE)
		return 0;
	if (revert(c, node, out, how, e) == 0)
		return 0;
	buf_free(out);
	return -1;
}
