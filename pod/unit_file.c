/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/unit_file.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/utf8.h"

static const char blanks[] = " \t";

struct reader {
	unit_entry_fn fn;
	void *arg;
	struct buf section; /* its name */
	struct buf joined;  /* the lines so far, where a backslash joins them */
	bool continues;     /* the line before ends in a backslash */
	unsigned line;      /* the number of the line, or of the first of those that are joined */
};

static int take_section(struct reader *r, char *line, struct error *e)
{
	struct unit_entry entry = { .line = r->line };
	size_t len = strlen(line);

	if (line[len - 1] != ']' || len < 3 || strcspn(line + 1, "[]") != len - 2)
		return error_set(e, 0, "expected [SECTION], not '%.100s'", line);
	r->section.len = 0;
	if (buf_add(&r->section, line + 1, len - 2) < 0)
		return error_nomem(e);
	entry.section = r->section.data;
	return r->fn(r->arg, &entry, e);
}

static int take_assignment(struct reader *r, char *line, struct error *e)
{
	struct unit_entry entry = { .section = r->section.data, .line = r->line };
	char *equals = strchr(line, '=');

	if (!equals)
		return error_set(e, 0, "expected KEY=VALUE or [SECTION], not '%.100s'", line);
	*equals = '\0';
	entry.key = trim(line, blanks);
	entry.value = trim(equals + 1, blanks);
	if (!*entry.key)
		return error_set(e, 0, "there is no key before the '='");
	if (!entry.section)
		return error_set(e, 0, "'%.100s' is before the first [SECTION]", entry.key);
	return r->fn(r->arg, &entry, e);
}

static int take_joined(struct reader *r, struct error *e)
{
	char *line = r->joined.data;

	r->joined.len = 0;
	return *line == '[' ? take_section(r, line, e) : take_assignment(r, line, e);
}

/* Does the line end in a backslash? systemd takes "\\" at the end for an escaped backslash; that is no value. */
static int ends_in_backslash(const char *line, size_t len, bool *backslash, struct error *e)
{
	size_t end = len;

	while (end && strchr(blanks, line[end - 1]))
		end--;
	*backslash = end && line[end - 1] == '\\';
	if (!*backslash || end == len)
		return 0;
	error_set(e, 0, "there are blanks after the backslash at the end of the line");
	return error_hint(e, "a backslash joins lines only as the last character");
}

static int take_line(struct reader *r, unsigned number, char *line, struct error *e)
{
	size_t len = strlen(line);
	bool backslash;

	if (len && line[len - 1] == '\r')
		line[--len] = '\0';
	line += strspn(line, blanks);
	/* Also between lines that are joined. */
	if (*line == '#' || *line == ';')
		return 0;
	if (!r->continues)
		r->line = number;
	if (!*line)
		return r->continues ? error_set(e, 0, "an empty line follows a backslash") : 0;
	if (ends_in_backslash(line, strlen(line), &backslash, e) < 0)
		return -1;
	/* It is replaced by a space. */
	if (backslash)
		line[strlen(line) - 1] = ' ';
	else
		line = trim(line, blanks);
	if (buf_adds(&r->joined, line) < 0)
		return error_nomem(e);
	r->continues = backslash;
	return backslash ? 0 : take_joined(r, e);
}

/* A line, of len bytes at text. It is copied, since it is taken apart. */
static int check_and_take(struct reader *r, unsigned number, const char *text, size_t len,
			  struct error *e)
{
	cleanup_buf struct buf copy = { 0 };

	if (memchr(text, '\0', len))
		return error_set(e, 0, "there is a NUL byte in it");
	if (utf8_valid_prefix(text, len) != len)
		return error_set(e, 0, "it is not UTF-8");
	if (buf_add(&copy, text, len) < 0)
		return error_nomem(e);
	return take_line(r, number, copy.data, e);
}

static int take_all(struct reader *r, const char *text, size_t len, struct error *e)
{
	const char *end = text + len, *next;
	unsigned number = 1;

	for (; text < end; text = next + 1, number++) {
		next = memchr(text, '\n', (size_t)(end - text));
		if (!next)
			next = end;
		/* For an error before the line is looked at. */
		if (!r->continues)
			r->line = number;
		if (check_and_take(r, number, text, (size_t)(next - text), e) < 0)
			return -1;
	}
	return r->continues ? error_set(e, 0, "the file ends after a backslash") : 0;
}

int unit_parse(const char *file, const char *text, size_t len, unit_entry_fn fn, void *arg,
	       struct error *e)
{
	struct reader r = { .fn = fn, .arg = arg, .line = 1 };
	int status = len ? take_all(&r, text, len, e) : 0;

	buf_free(&r.section);
	buf_free(&r.joined);
	return status < 0 ? error_prefix(e, "%s:%u", file, r.line) : 0;
}

/* --- words -------------------------------------------------------------------- */

static int refuse_quote(struct error *e)
{
	error_set(e, 0, "a quote inside of a value, or without a second one");
	return error_hint(e, "quotes go around a whole value: \"KEY=A B\"");
}

static int check_word(const char *word, struct error *e)
{
	if (strchr(word, '\\'))
		return error_set(e, 0, "'%.100s': a backslash is not supported in a value", word);
	if (strchr(word, '%'))
		return error_set(e, 0,
				 "'%.100s': specifiers (%%i and the like) are not supported here",
				 word);
	return 0;
}

static int quoted_word(char **value, char **word, struct error *e)
{
	char *end = strchr(*value + 1, **value);

	if (!end || (end[1] && !strchr(blanks, end[1])))
		return refuse_quote(e);
	*word = *value + 1;
	*value = end + 1;
	*end = '\0';
	return check_word(*word, e) < 0 ? -1 : 1;
}

int unit_word(char **value, char **word, struct error *e)
{
	char *s = *value + strspn(*value, blanks);
	size_t len = strcspn(s, blanks);

	*value = s;
	if (!*s)
		return 0;
	if (*s == '"' || *s == '\'')
		return quoted_word(value, word, e);
	if (*s == '#' || *s == ';')
		return error_set(e, 0, "a comment needs a line of its own");
	*word = s;
	*value = s + len + (s[len] != '\0');
	s[len] = '\0';
	if (strpbrk(s, "\"'"))
		return refuse_quote(e);
	return check_word(s, e) < 0 ? -1 : 1;
}
