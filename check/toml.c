/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader that goes through the text line by line, and parses a value only at the key that is
 * searched for.
 */
#include "check/toml.h"

#include <stdint.h>
#include <string.h>

/* The characters of a key that needs no quotes. */
#define BARE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

struct reader {
	const char *p;
	int line;
	struct arena *arena;
	struct error *e;
	const char *const *path;
	const char *any; /* the key that "*" stood for last, any_len bytes; NULL: none */
	size_t any_len;
	toml_fn fn;
	void *arg;
};

static int syntax_error(struct reader *r, const char *what)
{
	return error_set(r->e, 0, "line %d: %s", r->line, what);
}

static void skip_blanks(struct reader *r)
{
	r->p += strspn(r->p, " \t");
}

static void skip_line(struct reader *r)
{
	r->p += strcspn(r->p, "\n");
	if (*r->p) {
		r->p++;
		r->line++;
	}
}

/* Skip white space, newlines and comments, all of which TOML allows anywhere in an array. */
static void skip_array_space(struct reader *r)
{
	for (;;) {
		r->p += strspn(r->p, " \t\r");
		if (*r->p == '#')
			r->p += strcspn(r->p, "\n");
		if (*r->p != '\n')
			return;
		r->p++;
		r->line++;
	}
}

/* The character of an escape sequence in a basic string; 0 for those that no path needs. */
static char unescape(char c)
{
	static const char from[] = "\"\\nt", to[] = "\"\\\n\t";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : '\0';
}

static int read_string(struct reader *r, const char **s)
{
	char quote = *r->p++, *out;
	size_t n = 0;

	out = arena_alloc(r->arena, strcspn(r->p, "\n") + 1);
	if (!out)
		return error_nomem(r->e);
	for (; *r->p != quote; r->p++) {
		if (!*r->p || *r->p == '\n')
			return syntax_error(r, "a string is not terminated");
		out[n] = *r->p;
		if (quote == '"' && *r->p == '\\') {
			out[n] = unescape(*++r->p);
			if (!out[n])
				return syntax_error(
					r, "a string has an escape sequence that is not supported");
		}
		n++;
	}
	out[n] = '\0';
	r->p++;
	*s = out;
	return 0;
}

static int add_item(struct reader *r, struct toml_list *list)
{
	const char **bigger, *s = NULL;

	if (read_string(r, &s) < 0)
		return -1;
	bigger = arena_alloc(r->arena, (list->count + 1) * sizeof(*bigger));
	if (!bigger)
		return error_nomem(r->e);
	if (list->count)
		memcpy(bigger, list->items, list->count * sizeof(*bigger));
	bigger[list->count++] = s;
	list->items = bigger;
	return 0;
}

/* Only {append=true} has a meaning here. */
static int read_inline_table(struct reader *r, struct toml_list *list)
{
	size_t n = strcspn(r->p, "}\n");
	char text[32] = "";
	size_t kept = 0;

	if (r->p[n] != '}')
		return syntax_error(r, "an inline table is not terminated");
	for (size_t i = 0; i < n && kept < sizeof(text) - 1; i++)
		if (r->p[i] != ' ' && r->p[i] != '\t')
			text[kept++] = r->p[i];
	list->append = !strcmp(text, "{append=true");
	r->p += n + 1;
	return 0;
}

static int read_array(struct reader *r, struct toml_list *list)
{
	int n = 0;

	for (r->p++;; r->p++) {
		skip_array_space(r);
		if (*r->p == ']')
			break;
		if (*r->p == '"' || *r->p == '\'')
			n = add_item(r, list);
		else if (*r->p == '{')
			n = read_inline_table(r, list);
		else
			return syntax_error(r, "the array has an element that is not a string");
		if (n < 0)
			return -1;
		skip_array_space(r);
		if (*r->p == ']')
			break;
		if (*r->p != ',')
			return syntax_error(r, "the array is not terminated");
	}
	r->p++;
	return 0;
}

static int read_value(struct reader *r, struct toml_list *list)
{
	*list = (struct toml_list){ .found = true };
	skip_blanks(r);
	if (*r->p == '[')
		return read_array(r, list);
	if (*r->p == '"' || *r->p == '\'')
		return add_item(r, list);
	return syntax_error(r, "the value is neither a string nor an array of strings");
}

/* Take a key, bare or in quotes, with the blanks after it. Escapes in it stay as they are. */
static bool take_key(struct reader *r, const char **key, size_t *len)
{
	char quote = *r->p == '"' || *r->p == '\'' ? *r->p : '\0';
	const char until[] = { quote, '\n', '\0' };

	*key = r->p += quote != '\0';
	*len = quote ? strcspn(r->p, until) : strspn(r->p, BARE);
	r->p += *len;
	if (quote ? *r->p != quote : !*len)
		return false;
	r->p += quote != '\0';
	skip_blanks(r);
	return true;
}

#define NO_MATCH SIZE_MAX

/*
 * Take a dotted key. Returns how many keys of the path have matched, of which n had done so before,
 * or NO_MATCH.
 */
static size_t match_keys(struct reader *r, size_t n)
{
	const char *key;
	size_t len;

	for (;; r->p++, skip_blanks(r)) {
		if (!take_key(r, &key, &len) || !r->path[n])
			return NO_MATCH;
		if (!strcmp(r->path[n], "*")) {
			r->any = key;
			r->any_len = len;
		} else if (strlen(r->path[n]) != len || memcmp(r->path[n], key, len)) {
			return NO_MATCH;
		}
		n++;
		if (*r->p != '.')
			return n;
	}
}

/* Skip the value of a member of an inline table, or what is left of it. */
static void skip_member(struct reader *r)
{
	char quote = '\0';
	int depth = 0;

	for (; *r->p && *r->p != '\n'; r->p++) {
		if (quote) {
			if (*r->p == quote)
				quote = '\0';
			else if (*r->p == '\\' && quote == '"' && r->p[1])
				r->p++;
		} else if (*r->p == '"' || *r->p == '\'') {
			quote = *r->p;
		} else if (*r->p == '[' || *r->p == '{') {
			depth++;
		} else if (!depth && strchr(",]}", *r->p)) {
			return;
		} else if (*r->p == ']' || *r->p == '}') {
			depth--;
		}
	}
}

static int report_value(struct reader *r)
{
	struct toml_list list;
	const char *any = NULL;

	if (read_value(r, &list) < 0)
		return -1;
	if (r->any) {
		any = arena_strndup(r->arena, r->any, r->any_len);
		if (!any)
			return error_nomem(r->e);
	}
	return r->fn(r->arg, any, &list, r->e);
}

/*
 * Take `key = value`, in a table whose keys have matched the first n of the path. Returns how many
 * have matched where the value is an inline table that may have the rest, else 0, or -1.
 */
static int take_value(struct reader *r, size_t n)
{
	n = match_keys(r, n);
	if (n == NO_MATCH || *r->p != '=')
		return 0;
	r->p++;
	skip_blanks(r);
	if (!r->path[n])
		return report_value(r);
	return *r->p == '{' ? (int)n : 0;
}

/*
 * After a value: leave the inline tables that end here, of which *depth are open. Returns 1 at the
 * next member, 0 at the end of all tables, or -1.
 */
static int leave_tables(struct reader *r, size_t *depth)
{
	for (; *depth; r->p++, --*depth) {
		skip_member(r);
		if (*r->p == ',')
			return 1;
		if (*r->p != '}')
			return syntax_error(r, "an inline table is not terminated");
	}
	return 0;
}

/* Take a line's value, and, if it is an inline table, its members'. */
static int take_line(struct reader *r, size_t table)
{
	/* Each inline table that is entered has matched one more key at least. */
	size_t tables[TOML_PATH_MAX] = { table }, depth = 0;

	for (;;) {
		int n = take_value(r, tables[depth]);

		if (n > 0)
			tables[++depth] = (size_t)n;
		else if (n == 0)
			n = leave_tables(r, &depth);
		if (n <= 0)
			return n;
		r->p++;
		skip_blanks(r);
	}
}

static size_t match_header(struct reader *r)
{
	size_t n;

	r->p++;
	skip_blanks(r);
	n = match_keys(r, 0);
	return *r->p == ']' ? n : NO_MATCH;
}

int toml_each(const char *text, const char *const *path, struct arena *a, toml_fn fn, void *arg,
	      struct error *e)
{
	struct reader r = {
		.p = text, .line = 1, .arena = a, .e = e, .path = path, .fn = fn, .arg = arg
	};
	size_t table = 0;

	for (; *r.p; skip_line(&r)) {
		skip_blanks(&r);
		if (*r.p == '[')
			table = match_header(&r);
		else if (table != NO_MATCH && take_line(&r, table) < 0)
			return -1;
	}
	return 0;
}

static int keep_first(void *arg, const char *any, const struct toml_list *list, struct error *e)
{
	struct toml_list *first = arg;

	(void)any;
	(void)e;
	if (!first->found)
		*first = *list;
	return 0;
}

int toml_find(const char *text, const char *const *path, struct arena *a, struct toml_list *list,
	      struct error *e)
{
	*list = (struct toml_list){ 0 };
	return toml_each(text, path, a, keep_first, list, e);
}

bool toml_list_has(const struct toml_list *list, const char *item)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i], item))
			return true;
	return false;
}
