/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

struct reader {
	const unsigned char *p, *end;
	unsigned depth, deepest;
};

/* Beyond this it is not read on, so that the stack suffices. We refuse it at 128. */
#define DEPTH_MAX 1000

static bool value(struct reader *r);

static bool eat(struct reader *r, unsigned char c)
{
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

static void space(struct reader *r)
{
	while (eat(r, ' ') || eat(r, '\t') || eat(r, '\n') || eat(r, '\r'))
		;
}

static bool word(struct reader *r, const char *w)
{
	for (; *w; w++)
		if (!eat(r, (unsigned char)*w))
			return false;
	return true;
}

static bool digits(struct reader *r)
{
	const unsigned char *from = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p > from;
}

static bool number(struct reader *r)
{
	eat(r, '-');
	if (!eat(r, '0') && !digits(r))
		return false;
	if (eat(r, '.') && !digits(r))
		return false;
	if (!eat(r, 'e') && !eat(r, 'E'))
		return true;
	if (!eat(r, '+'))
		eat(r, '-');
	return digits(r);
}

static bool escape(struct reader *r)
{
	unsigned char c;

	if (r->p == r->end)
		return false;
	c = *r->p++;
	if (c != 'u')
		return c && strchr("\"\\/bfnrt", c);
	for (int i = 0; i < 4; i++, r->p++)
		if (r->p == r->end || !*r->p || !strchr("0123456789abcdefABCDEF", *r->p))
			return false;
	return true;
}

/* RFC 3629, section 4: the table as it stands there. */
static bool character(struct reader *r)
{
	static const struct {
		unsigned char first, last, low, high, more;
	} rows[] = {
		{ 0x20, 0x7f, 0, 0, 0 },       { 0xc2, 0xdf, 0x80, 0xbf, 0 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 1 }, { 0xe1, 0xec, 0x80, 0xbf, 1 },
		{ 0xed, 0xed, 0x80, 0x9f, 1 }, { 0xee, 0xef, 0x80, 0xbf, 1 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 2 }, { 0xf1, 0xf3, 0x80, 0xbf, 2 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 2 },
	};
	size_t i = 0;

	while (i < 9 && (*r->p < rows[i].first || *r->p > rows[i].last))
		i++;
	if (i == 9)
		return false;
	r->p++;
	if (!rows[i].low)
		return true;
	if (r->p == r->end || *r->p < rows[i].low || *r->p > rows[i].high)
		return false;
	r->p++;
	for (int n = rows[i].more; n; n--, r->p++)
		if (r->p == r->end || *r->p < 0x80 || *r->p > 0xbf)
			return false;
	return true;
}

static bool string(struct reader *r)
{
	if (!eat(r, '"'))
		return false;
	while (r->p < r->end && *r->p != '"')
		if (eat(r, '\\') ? !escape(r) : !character(r))
			return false;
	return eat(r, '"');
}

static bool member(struct reader *r)
{
	space(r);
	if (!string(r))
		return false;
	space(r);
	return eat(r, ':') && value(r);
}

static bool container(struct reader *r, unsigned char close, bool (*element)(struct reader *r))
{
	if (++r->depth > r->deepest)
		r->deepest = r->depth;
	if (r->depth > DEPTH_MAX)
		return false;
	space(r);
	if (!eat(r, close)) {
		do {
			if (!element(r))
				return false;
		} while (eat(r, ','));
		if (!eat(r, close))
			return false;
	}
	r->depth--;
	return true;
}

static bool bare_value(struct reader *r)
{
	if (r->p == r->end)
		return false;
	switch (*r->p) {
	case '{':
		r->p++;
		return container(r, '}', member);
	case '[':
		r->p++;
		return container(r, ']', value);
	case '"':
		return string(r);
	case 't':
		return word(r, "true");
	case 'f':
		return word(r, "false");
	case 'n':
		return word(r, "null");
	default:
		return number(r);
	}
}

static bool value(struct reader *r)
{
	space(r);
	if (!bare_value(r))
		return false;
	space(r);
	return true;
}

bool strict_json(const char *text, size_t len, unsigned *depth)
{
	const unsigned char *start = (const unsigned char *)text;
	struct reader r = { .p = start, .end = start + len };
	bool good = value(&r) && r.p == r.end;

	*depth = r.deepest;
	return good;
}
