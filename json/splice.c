/* SPDX-License-Identifier: Apache-2.0 */
#include "json/splice.h"

#include <string.h>

static int add_splice(struct splices *s, struct json *doc, struct splice next)
{
	size_t cap = s->cap ? 2 * s->cap : 16;
	struct splice *bigger;

	if (s->count == s->cap) {
		bigger = arena_alloc(&doc->arena, cap * sizeof(*bigger));
		if (!bigger)
			return -1;
		if (s->count)
			memcpy(bigger, s->list, s->count * sizeof(*bigger));
		s->list = bigger;
		s->cap = cap;
	}
	s->list[s->count++] = next;
	return 0;
}

static int add_copy(struct splices *s, struct json *doc, struct splice next, const struct buf *text)
{
	next.text = arena_strndup(&doc->arena, text->data, text->len);
	next.text_len = text->len;
	return next.text ? add_splice(s, doc, next) : -1;
}

int splice_insert(struct splices *s, struct json *doc, uint32_t at, const struct buf *text)
{
	return add_copy(s, doc, (struct splice){ .start = at, .end = at }, text);
}

static struct splice value_of(const struct json *doc, uint32_t node)
{
	const struct json_node *n = &doc->nodes[node];

	return (struct splice){ .start = n->start, .end = n->end };
}

int splice_replace(struct splices *s, struct json *doc, uint32_t node, const char *text, size_t n)
{
	struct splice next = value_of(doc, node);

	next.text = text;
	next.text_len = n;
	return add_splice(s, doc, next);
}

int splice_replace_with(struct splices *s, struct json *doc, uint32_t node, const struct buf *text)
{
	return add_copy(s, doc, value_of(doc, node), text);
}

int splice_remove(struct splices *s, struct json *doc, uint32_t node)
{
	struct splice next = value_of(doc, node);

	if (doc->nodes[node].key_start != JSON_NONE)
		next.start = doc->nodes[node].key_start;
	next.member = true;
	next.text = "";
	return add_splice(s, doc, next);
}

/* An insertion sort: the list is short, and the sort must be stable, which qsort(3) is not. */
static void sort_splices(struct splices *s)
{
	for (size_t i = 1; i < s->count; i++) {
		struct splice x = s->list[i];
		size_t k = i;

		for (; k && s->list[k - 1].start > x.start; k--)
			s->list[k] = s->list[k - 1];
		s->list[k] = x;
	}
}

static uint32_t back_over_space(const char *text, uint32_t at)
{
	while (strchr(" \t\r\n", text[at - 1]))
		at--;
	return at;
}

static uint32_t forward_over_space(const char *text, uint32_t at)
{
	return at + (uint32_t)strspn(text + at, " \t\r\n");
}

/*
 * Extend the span of a removed member to the comma that has to be removed with it. If the previous
 * member stays, this is the comma before: removing b from {"a":1, "b":2} leaves {"a":1}. Otherwise it
 * is the comma after: removing a leaves { "b":2}. The previous splice ends at `taken`, and may already
 * have removed the comma before. If `last`, the output's byte before the gap, is white space, the white
 * space after the comma is removed too.
 */
static void widen_to_comma(const char *text, struct splice *m, uint32_t taken, char last)
{
	uint32_t before = back_over_space(text, m->start);
	uint32_t after = forward_over_space(text, m->end);

	if (text[before - 1] == ',' && before > taken) {
		m->start = back_over_space(text, before - 1);
	} else if (text[after] == ',') {
		m->end = after + 1;
		if (strchr(" \t\r\n", last))
			m->end = forward_over_space(text, m->end);
	}
}

int splice_write(struct splices *s, const struct json *doc, struct buf *out)
{
	size_t grown = 0;
	uint32_t at = 0;

	for (size_t i = 0; i < s->count; i++)
		grown += s->list[i].text_len;
	if (buf_reserve(out, doc->len + grown) < 0)
		return -1;
	sort_splices(s);
	for (size_t i = 0; i < s->count; i++) {
		struct splice *next = &s->list[i];

		if (next->member)
			widen_to_comma(doc->text, next, at,
				       next->start > at ? doc->text[next->start - 1]
							: out->data[out->len - 1]);
		if (buf_add(out, doc->text + at, next->start - at) < 0 ||
		    buf_add(out, next->text, next->text_len) < 0)
			return -1;
		at = next->end;
	}
	return buf_add(out, doc->text + at, doc->len - at);
}
