/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader that goes through the text line by line, and parses a value only at the key that is
 * searched for.
 */
#include "check/toml.h"

#include <string.h>

struct reader {
	const char *p;
	int line;
	struct arena *arena;
	struct error *e;
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

/* If this word, bare or in quotes, is next, skip it with the blanks after it. */
static bool take_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);
	const char *p = r->p;
	char quote = *p == '"' || *p == '\'' ? *p : '\0';

	p += quote != '\0';
	if (strncmp(p, word, n) || (quote && p[n] != quote))
		return false;
	p += n + (quote != '\0');
	if (!strchr(" \t=]", *p))
		return false;
	r->p = p;
	skip_blanks(r);
	return true;
}

int toml_find(const char *text, const char *table, const char *key, struct arena *a,
	      struct toml_list *list, struct error *e)
{
	struct reader r = { .p = text, .line = 1, .arena = a, .e = e };
	bool inside = false;

	*list = (struct toml_list){ 0 };
	for (; *r.p; skip_line(&r)) {
		skip_blanks(&r);
		if (*r.p == '[') {
			r.p++;
			skip_blanks(&r);
			inside = take_word(&r, table) && *r.p == ']';
		} else if (inside && take_word(&r, key) && *r.p == '=') {
			r.p++;
			return read_value(&r, list);
		}
	}
	return 0;
}
