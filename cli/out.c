/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "base/utf8.h"
#include "json/json.h"
#include "plan/engine.h"

static void json_add(struct json_out *j, int r)
{
	if (r < 0)
		j->failed = true;
}

static void add_quoted(struct json_out *j, const char *s)
{
	cleanup_buf struct buf plain = { 0 };

	if (json_quote(&j->text, s) == 0)
		return;
	if (errno != EILSEQ) {
		j->failed = true;
		return;
	}
	json_add(j, buf_adds(&plain, s));
	for (size_t i = 0; i < plain.len; i++)
		if ((unsigned char)plain.data[i] >= 0x80)
			plain.data[i] = '?';
	if (plain.data)
		json_add(j, json_quote(&j->text, plain.data));
}

static void begin_line(struct json_out *j)
{
	if (j->text.len)
		json_add(j, buf_adds(&j->text, "\n"));
	for (unsigned i = 0; i < j->depth; i++)
		json_add(j, buf_adds(&j->text, "  "));
}

/* Is nothing in the object or array yet? At the top, too. */
static bool is_first(const struct json_out *j)
{
	char last = j->text.len ? j->text.data[j->text.len - 1] : '{';

	return last == '{' || last == '[';
}

static void begin_value(struct json_out *j, const char *key)
{
	if (!is_first(j))
		json_add(j, buf_adds(&j->text, ","));
	begin_line(j);
	if (!key)
		return;
	add_quoted(j, key);
	json_add(j, buf_adds(&j->text, ": "));
}

void json_open(struct json_out *j, const char *key, char bracket)
{
	begin_value(j, key);
	json_add(j, buf_add(&j->text, &bracket, 1));
	j->depth++;
}

void json_close(struct json_out *j, char bracket)
{
	j->depth--;
	if (!is_first(j))
		begin_line(j);
	json_add(j, buf_add(&j->text, &bracket, 1));
}

void json_put_string(struct json_out *j, const char *key, const char *s)
{
	if (!s) {
		json_put_null(j, key);
		return;
	}
	begin_value(j, key);
	add_quoted(j, s);
}

/* A number, or one of JSON's words. */
static void put_word(struct json_out *j, const char *key, const char *word)
{
	begin_value(j, key);
	json_add(j, buf_adds(&j->text, word));
}

void json_put_number(struct json_out *j, const char *key, uint64_t value)
{
	put_word(j, key, decimal(value).text);
}

void json_put_bool(struct json_out *j, const char *key, bool value)
{
	put_word(j, key, value ? "true" : "false");
}

void json_put_null(struct json_out *j, const char *key)
{
	put_word(j, key, "null");
}

void json_put_types(struct json_out *j, const char *key, ns_set set)
{
	json_open(j, key, '[');
	for (int t = 0; t < NS_TYPES; t++)
		if (set & NS_BIT(t))
			json_put_string(j, NULL, ns_info[t].brief);
	json_close(j, ']');
}

int json_end(struct json_out *j, struct error *e)
{
	int r = 0;

	json_add(j, buf_adds(&j->text, "\n"));
	if (j->failed)
		r = error_nomem(e);
	else
		fwrite(j->text.data, 1, j->text.len, stdout);
	buf_free(&j->text);
	return r;
}

struct types_text types_text(ns_set set)
{
	struct types_text text = { "" };
	size_t n = 0;

	for (int t = 0; t < NS_TYPES && n < sizeof(text.s); t++)
		if (set & NS_BIT(t))
			n += (size_t)snprintf(text.s + n, sizeof(text.s) - n, "%s%s", n ? "," : "",
					      ns_info[t].brief);
	if (!n)
		text.s[0] = '-';
	return text;
}

int shown_length(const char *name)
{
	return plan_is_engine_id(name) ? PLAN_SHORT_ID : (int)strlen(name);
}

struct age_text age_text(uint64_t created)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	uint64_t now = (uint64_t)time(NULL);
	uint64_t age = now > created ? now - created : 0;
	struct age_text text = { "0s" };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (age < units[i].seconds)
			continue;
		snprintf(text.s, sizeof(text.s), "%" PRIu64 "%c", age / units[i].seconds,
			 units[i].unit);
		break;
	}
	return text;
}

void print_safe(const char *s)
{
	const char *valid = s + utf8_valid_prefix(s, strlen(s));

	for (size_t n; *s; s += n) {
		n = control_length(s);
		if (!n && s == valid) { /* some terminals obey a lone 0x9b as a control character */
			valid = s + 1 + utf8_valid_prefix(s + 1, strlen(s + 1));
			n = 1;
		}
		putchar(n ? '?' : *s);
		n = n ? n : 1;
	}
}
