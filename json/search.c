/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * The ASCII character that begins at p, and its length in bytes, 0 if there is none. The other short
 * escapes are control characters, which s does not have.
 */
static size_t decode_char(const char *p, const char *end, char *c)
{
	int code = 0;

	if (p == end || *p == '"')
		return 0;
	*c = *p;
	if (*p != '\\')
		return 1;
	if (end - p < 2)
		return 0;
	*c = p[1];
	if (*c != 'u')
		return *c == '/' || *c == '"' || *c == '\\' ? 2 : 0;
	if (end - p < 6)
		return 0;
	for (int i = 2; i < 6; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return 0;
		code = code << 4 | digit;
	}
	*c = (char)code;
	return code < 0x80 ? 6 : 0;
}

/* An escape that decode_char() does not read may be any byte but a printable one of ASCII. */
static bool is_doubtful(const char *p, const char *end, char c)
{
	return end - p >= 2 && *p == '\\' && ((unsigned char)c >= 0x7f || c < ' ');
}

/* A runtime written in C takes a NUL, which can only be an escape, for the end. */
static bool is_string_at(const char *p, const char *end, const char *s)
{
	for (; *s; s++) {
		char c;
		size_t n = decode_char(p, end, &c);

		if (!n && is_doubtful(p, end, *s))
			return true;
		if (!n || c != *s)
			return false;
		p += n;
	}
	return p < end && (*p == '"' || *p == '\\');
}

bool json_may_have_string(const char *text, size_t len, const char *s)
{
	const char *end = text + len;

	for (const char *p = text; (p = memchr(p, '"', (size_t)(end - p))); p++)
		if (is_string_at(p + 1, end, s))
			return true;
	return false;
}
