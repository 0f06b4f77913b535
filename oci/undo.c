/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The undo's text: 16 hexadecimal digits, the check sum of the rest, and the
 * rest is an array
 *
 *	[1, "<sum of the original>", <its length>, "<form>", <at>, <claim or null>,
 *	 [["<place>", <at>, "<old bytes>", "<value>"], ...]]
 *
 * that is read strictly: what no edit of ours writes is refused. The check sum
 * catches accidents; who forges it can still only name places and values of
 * the kinds that an edit has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "oci/change.h"
#include "oci/edit.h"

#define VERSION 1
#define SHM_BEFORE "{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":"
#define SHM_BEHIND ",\"options\":[\"bind\",\"rprivate\",\"nosuid\",\"noexec\",\"nodev\"]}"

uint64_t undo_sum(const char *bytes, size_t n)
{
	return hash_text(bytes, n);
}

static int quote_between(struct buf *b, const char *before, const char *s, const char *behind)
{
	if (buf_adds(b, before) < 0 || json_quote(b, s) < 0)
		return -1;
	return buf_adds(b, behind);
}

int change_text(const struct change *change, struct buf *b)
{
	if (change->place == PLACE_NS && !change->old_len)
		return quote_between(b, ",\"path\":", change->value, "");
	if (change->place == PLACE_HOSTNAME && !change->old_len)
		return quote_between(b, "\"hostname\":", change->value, ",");
	if (change->place == PLACE_SHM)
		return quote_between(b, SHM_BEFORE, change->value, SHM_BEHIND);
	return json_quote(b, change->value);
}

int undo_prefix(const struct undo *undo, struct buf *b)
{
	switch (undo->form) {
	case FORM_FIRST:
	case FORM_EMPTY:
		return 0;
	case FORM_NULL:
		return buf_adds(b, "{");
	case FORM_OBJECT:
	case FORM_ROOT:
		return buf_adds(b, "\"annotations\":{");
	}
	return -1;
}

int undo_suffix(const struct undo *undo, struct buf *b)
{
	if (undo->claim && quote_between(b, ",\"" ANNOTATION_CLAIM "\":", undo->claim, "") < 0)
		return -1;
	switch (undo->form) {
	case FORM_EMPTY:
		return 0;
	case FORM_FIRST:
		return buf_adds(b, ",");
	case FORM_NULL:
	case FORM_ROOT:
		return buf_adds(b, "}");
	case FORM_OBJECT:
		return buf_adds(b, "},");
	}
	return -1;
}

size_t undo_old_len(const struct undo *undo)
{
	return undo->form == FORM_NULL ? strlen("null") : 0;
}

static int add_place(const struct change *change, struct buf *b)
{
	switch (change->place) {
	case PLACE_NS:
		return buf_concat(b, "\"", ns_info[change->index].oci, "\"", NULL);
	case PLACE_ENV:
		return buf_concat(b, "\"env:", decimal(change->index).text, "\"", NULL);
	case PLACE_HOSTNAME:
		return buf_adds(b, "\"hostname\"");
	case PLACE_DOMAINNAME:
		return buf_adds(b, "\"domainname\"");
	case PLACE_SHM:
		return buf_adds(b, "\"shm\"");
	case PLACE_SHM_SOURCE:
		return buf_adds(b, "\"shm-source\"");
	case PLACE_CLAIM:
		return buf_adds(b, "\"claim\"");
	}
	return -1;
}

/* The old bytes are a part of the document: they end where old_len says. */
static int add_old(const struct change *change, struct buf *b)
{
	cleanup_buf struct buf old = {0};

	if (buf_add(&old, change->old, change->old_len) < 0)
		return -1;
	return json_quote(b, old.data);
}

static int add_entry(const struct change *change, struct buf *b)
{
	if (buf_adds(b, "[") < 0 || add_place(change, b) < 0 ||
	    buf_concat(b, ",", decimal(change->at).text, ",", NULL) < 0 || add_old(change, b) < 0)
		return -1;
	return quote_between(b, ",", change->value, "]");
}

static int add_string_or_null(const char *s, struct buf *b)
{
	return s ? json_quote(b, s) : buf_adds(b, "null");
}

/* The owner is last, so that edit_is_by() finds it without reading what is before. */
static int add_end(const char *owner, struct buf *b)
{
	if (buf_adds(b, ",") < 0 || add_string_or_null(owner, b) < 0)
		return -1;
	return buf_adds(b, "]");
}

int edit_is_by(const char *undo, const char *owner, bool *is, struct error *e)
{
	cleanup_buf struct buf end = { 0 };
	size_t n = strlen(undo);

	*is = false;
	if (add_end(owner, &end) < 0)
		return error_nomem(e);
	*is = n >= end.len && !memcmp(undo + n - end.len, end.data, end.len);
	return 0;
}

static int write_body(const struct undo *undo, struct buf *b)
{
	const char form[] = { (char)undo->form, '\0' };

	if (buf_concat(b, "[", decimal(VERSION).text, ",\"", hex64(undo->sum).text, "\",",
		       decimal(undo->len).text, ",\"", form, "\",", decimal(undo->at).text, ",",
		       NULL) < 0)
		return -1;
	if (add_string_or_null(undo->claim, b) < 0 || buf_adds(b, ",[") < 0)
		return -1;
	for (size_t i = 0; i < undo->count; i++)
		if ((i && buf_adds(b, ",") < 0) || add_entry(&undo->changes[i], b) < 0)
			return -1;
	return buf_adds(b, "]") < 0 ? -1 : add_end(undo->owner, b);
}

int undo_write(const struct undo *undo, struct buf *b)
{
	size_t start = b->len;
	uint64_t sum;

	if (buf_adds(b, hex64(0).text) < 0 || write_body(undo, b) < 0)
		return -1;
	start += HEX64_DIGITS;
	sum = undo_sum(b->data + start, b->len - start);
	memcpy(b->data + start - HEX64_DIGITS, hex64(sum).text, HEX64_DIGITS);
	return 0;
}

int undo_tampered(const struct config *c, uint32_t node, struct error *e, const char *why)
{
	return json_error(&c->doc, node, e, "has been tampered with: %s", why);
}

/* Reading. The JSON in the undo is a document of its own. */
struct reader {
	struct config *c;
	uint32_t node;
	struct json doc;
	struct error *e;
};

static int bad(struct reader *r, const char *why)
{
	undo_tampered(r->c, r->node, r->e, why);
	return -1;
}

/* Turn an error of json_*() about the undo's own document into one about the undo. */
static int bad_json(struct reader *r)
{
	char why[160];

	if (r->e->num == ENOMEM)
		return -1;
	snprintf(why, sizeof(why), "%.150s", r->e->text);
	return bad(r, why);
}

static bool get_elements(const struct json *doc, uint32_t node, uint32_t *out, size_t n)
{
	if (doc->nodes[node].type != JSON_ARRAY)
		return false;
	for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_next(doc, i)) {
		if (!n--)
			return false;
		*out++ = i;
	}
	return !n;
}

static int read_number(struct reader *r, uint32_t node, uint64_t max, uint32_t *value)
{
	uint64_t v;

	if (json_u64(&r->doc, node, max, &v, r->e) < 0) {
		bad_json(r);
		return -1;
	}
	*value = (uint32_t)v;
	return 0;
}

static int read_string(struct reader *r, uint32_t node, const char **s)
{
	const struct json_node *n = &r->doc.nodes[node];

	if (json_check_string(&r->doc, node, r->e) < 0) {
		bad_json(r);
		return -1;
	}
	*s = arena_strndup(&r->c->doc.arena, n->str, n->str_len);
	if (*s)
		return 0;
	error_nomem(r->e);
	return -1;
}

static bool read_hex(const char *s, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < HEX64_DIGITS; i++) {
		if (*s >= '0' && *s <= '9')
			*value = *value << 4 | (uint64_t)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			*value = *value << 4 | (uint64_t)(*s - 'a' + 10);
		else
			return false;
		s++;
	}
	return true;
}

/* "env:N", N as "%u" writes it. */
static bool read_env_place(const char *name, uint32_t *index)
{
	char again[16];
	char *end;

	if (strncmp(name, "env:", 4))
		return false;
	*index = (uint32_t)strtoul(name + 4, &end, 10);
	concat_in(again, sizeof(again), "env:", decimal(*index).text, NULL);
	return !strcmp(name, again);
}

static bool read_place(const char *name, struct change *change)
{
	static const struct {
		const char *name;
		enum place place;
	} places[] = {
		{ "hostname", PLACE_HOSTNAME }, { "domainname", PLACE_DOMAINNAME },
		{ "shm", PLACE_SHM }, { "shm-source", PLACE_SHM_SOURCE },
		{ "claim", PLACE_CLAIM },
	};
	enum ns_type type = ns_type_by_oci_name(name);

	if (type != NS_NONE) {
		change->place = PLACE_NS;
		change->index = (uint32_t)type;
		return true;
	}
	if (read_env_place(name, &change->index)) {
		change->place = PLACE_ENV;
		return true;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!strcmp(name, places[i].name)) {
			change->place = places[i].place;
			return true;
		}
	}
	return false;
}

static bool is_env_hostname(const char *s, size_t len)
{
	return len >= strlen("HOSTNAME=") && !memcmp(s, "HOSTNAME=", strlen("HOSTNAME="));
}

static bool value_fits(const struct change *change)
{
	switch (change->place) {
	case PLACE_NS:
		return *change->value == '/';
	case PLACE_ENV:
		return is_env_hostname(change->value, strlen(change->value));
	default:
		return true;
	}
}

/* May nothing, or null, or an empty string have stood at the place? */
static bool may_be_absent(enum place place)
{
	return place == PLACE_NS || place == PLACE_HOSTNAME;
}

static bool old_node_fits(const struct change *change, const struct json *doc)
{
	const struct json_node *n = &doc->nodes[0];

	if (change->place == PLACE_SHM)
		return n->type == JSON_OBJECT;
	if (n->type == JSON_NULL)
		return may_be_absent(change->place);
	if (n->type != JSON_STRING || n->odd)
		return false;
	if (change->place == PLACE_ENV)
		return is_env_hostname(n->str, n->str_len);
	return change->place != PLACE_NS || !n->str_len || n->str[0] == '/';
}

/* The old bytes must be one JSON value of the right kind, and nothing around it. */
static int check_old(struct reader *r, const struct change *change)
{
	enum mount_place where = MOUNT_ON_SHM;
	cleanup_json struct json doc = {0};

	if (!change->old_len)
		return may_be_absent(change->place) ? 0 : bad(r, "an original value is missing");
	if (json_parse(&doc, "an original value", change->old, change->old_len, NULL, NULL, r->e) < 0)
		return bad_json(r);
	if (doc.nodes[0].start || doc.nodes[0].end != change->old_len ||
	    !old_node_fits(change, &doc))
		return bad(r, "an original value is of the wrong kind");
	if (change->place == PLACE_SHM && config_mount_place(&doc, 0, &where, r->e) < 0)
		return bad_json(r);
	return where == MOUNT_ON_SHM ? 0 : bad(r, "an original mount is not on /dev/shm");
}

static int read_change(struct reader *r, uint32_t node, const struct undo *undo,
		       struct change *change)
{
	const char *name;
	uint32_t part[4] = {0};

	*change = (struct change){0};
	if (!get_elements(&r->doc, node, part, 4))
		return bad(r, "an entry does not have four parts");
	if (read_string(r, part[0], &name) < 0 ||
	    read_number(r, part[1], undo->len, &change->at) < 0 ||
	    read_string(r, part[2], &change->old) < 0 ||
	    read_string(r, part[3], &change->value) < 0)
		return -1;
	change->old_len = r->doc.nodes[part[2]].str_len;
	if (!read_place(name, change) || !value_fits(change))
		return bad(r, "no edit writes such an entry");
	return check_old(r, change);
}

/* One bit for each place but the strings of process.env; those that exclude each other share it. */
static uint32_t place_bit(const struct change *change)
{
	if (change->place == PLACE_NS)
		return (uint32_t)1 << change->index;
	if (change->place == PLACE_SHM_SOURCE)
		return (uint32_t)1 << (NS_TYPES + PLACE_SHM);
	return (uint32_t)1 << (NS_TYPES + (int)change->place);
}

/* In the order of the document, apart, and no place twice. */
static int check_order(struct reader *r, const struct undo *undo)
{
	uint32_t seen = 0, next_env = 0;
	uint64_t end = 0;

	for (size_t i = 0; i < undo->count; i++) {
		const struct change *change = &undo->changes[i];

		if (change->at < end || (uint64_t)change->at + change->old_len > undo->len ||
		    (change->place == PLACE_ENV && change->index < next_env))
			return bad(r, "the entries are out of order");
		end = (uint64_t)change->at + change->old_len;
		/* A claim to replace stood in annotations, and then none was added. */
		if (change->place == PLACE_CLAIM && (undo->claim || undo->form != FORM_FIRST))
			return bad(r, "there are two claims");
		if (change->place == PLACE_ENV) {
			next_env = change->index + 1;
			continue;
		}
		if (seen & place_bit(change))
			return bad(r, "a place is there twice");
		seen |= place_bit(change);
	}
	return 0;
}

static int read_changes(struct reader *r, uint32_t node, struct undo *undo)
{
	const struct json *doc = &r->doc;
	size_t n = 0;

	if (doc->nodes[node].type != JSON_ARRAY)
		return bad(r, "the entries are no array");
	for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_next(doc, i))
		n++;
	undo->changes = arena_alloc(&r->c->doc.arena, n * sizeof(*undo->changes));
	if (!undo->changes)
		return error_nomem(r->e);
	for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_next(doc, i))
		if (read_change(r, i, undo, &undo->changes[undo->count++]) < 0)
			return -1;
	return check_order(r, undo);
}

static int read_form(struct reader *r, uint32_t node, struct undo *undo)
{
	const char *s;

	if (read_string(r, node, &s) < 0)
		return -1;
	if (strlen(s) != 1 || !strchr("menar", *s))
		return bad(r, "unknown form");
	undo->form = (enum form)*s;
	return 0;
}

static int read_string_or_null(struct reader *r, uint32_t node, const char **s)
{
	*s = NULL;
	return r->doc.nodes[node].type == JSON_NULL ? 0 : read_string(r, node, s);
}

static int read_body(struct reader *r, struct undo *undo)
{
	uint32_t part[8], version = 0;
	const char *sum, *owner;

	if (!get_elements(&r->doc, 0, part, 8))
		return bad(r, "it does not have eight parts");
	if (read_number(r, part[0], UINT32_MAX, &version) < 0)
		return -1;
	if (version != VERSION)
		return bad(r, "it is of another version of oci-podns");
	if (read_string(r, part[1], &sum) < 0 ||
	    read_number(r, part[2], CONFIG_SIZE_MAX, &undo->len) < 0 ||
	    read_form(r, part[3], undo) < 0 ||
	    read_number(r, part[4], undo->len, &undo->at) < 0)
		return -1;
	if (strlen(sum) != HEX64_DIGITS || !read_hex(sum, &undo->sum))
		return bad(r, "the check sum of the original is none");
	if (read_string_or_null(r, part[5], &undo->claim) < 0 ||
	    read_string_or_null(r, part[7], &owner) < 0)
		return -1;
	return read_changes(r, part[6], undo);
}

int undo_read(struct config *c, uint32_t node, struct undo *undo, struct error *e)
{
	struct reader r = { .c = c, .node = node, .e = e };
	const struct json_node *n = &c->doc.nodes[node];
	uint64_t sum;
	int ret;

	*undo = (struct undo){0};
	if (n->type != JSON_STRING)
		return bad(&r, "it is not a string");
	if (n->odd || n->str_len < HEX64_DIGITS || !read_hex(n->str, &sum))
		return bad(&r, "it has no check sum");
	if (undo_sum(n->str + HEX64_DIGITS, n->str_len - HEX64_DIGITS) != sum)
		return bad(&r, "its check sum does not match");
	if (json_parse(&r.doc, "the undo", n->str + HEX64_DIGITS, n->str_len - HEX64_DIGITS, NULL, NULL,
		       e) < 0)
		return bad_json(&r);
	ret = read_body(&r, undo);
	json_free(&r.doc);
	return ret;
}
