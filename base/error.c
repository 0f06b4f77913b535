/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

size_t control_length(const char *s)
{
	unsigned char c = (unsigned char)*s, next = c ? (unsigned char)s[1] : 0;

	if (c == 0xc2 && next >= 0x80 && next < 0xa0)
		return 2;
	return c && (c < 0x20 || c == 0x7f);
}

void make_one_line(char *s)
{
	for (; *s; s++)
		for (size_t n = control_length(s); n; n--)
			s[n - 1] = '?';
}

int error_set(struct error *e, int num, const char *fmt, ...)
{
	va_list ap;
	int n;

	e->num = num;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (num && n >= 0 && (size_t)n < sizeof(e->text))
		snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", strerror(num));
	make_one_line(e->text);
	return -1;
}

int error_hint(struct error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	make_one_line(e->hint);
	return -1;
}

int error_prefix(struct error *e, const char *fmt, ...)
{
	size_t len = strlen(e->text);
	char prefix[512];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	make_one_line(prefix);
	n = strlen(prefix) + 2;
	if (n + len >= sizeof(e->text))
		len = sizeof(e->text) - n - 1;
	memmove(e->text + n, e->text, len);
	e->text[n + len] = '\0';
	memcpy(e->text, prefix, n - 2);
	memcpy(e->text + n - 2, ": ", 2);
	return -1;
}

int error_nomem(struct error *e)
{
	return error_set(e, ENOMEM, "allocate memory");
}
