/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void put(char *room, size_t size, const char *first, va_list ap)
{
	size_t left = size - 1, n;

	for (const char *s = first; s; s = va_arg(ap, const char *)) {
		n = strlen(s);
		if (n > left)
			n = left;
		memcpy(room, s, n);
		room += n;
		left -= n;
	}
	*room = '\0';
}

/* How many bytes they take, without a NUL. */
static size_t length(const char *first, va_list ap)
{
	size_t n = 0;

	for (const char *s = first; s; s = va_arg(ap, const char *))
		n += strlen(s);
	return n;
}

/* Into an arena, or where that is NULL into memory of its own. */
static char *concat_new(struct arena *a, const char *first, va_list ap)
{
	va_list again;
	char *text;
	size_t size;

	va_copy(again, ap);
	size = length(first, ap) + 1;
	text = a ? arena_alloc(a, size) : malloc(size);
	if (text)
		put(text, size, first, again);
	va_end(again);
	return text;
}

char *concat(const char *first, ...)
{
	va_list ap;
	char *text;

	va_start(ap, first);
	text = concat_new(NULL, first, ap);
	va_end(ap);
	return text;
}

char *arena_concat(struct arena *a, const char *first, ...)
{
	va_list ap;
	char *text;

	va_start(ap, first);
	text = concat_new(a, first, ap);
	va_end(ap);
	return text;
}

void concat_in(char *room, size_t size, const char *first, ...)
{
	va_list ap;

	va_start(ap, first);
	put(room, size, first, ap);
	va_end(ap);
}

int buf_concat(struct buf *b, const char *first, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, first);
	n = length(first, ap);
	va_end(ap);
	if (buf_reserve(b, n) < 0)
		return -1;
	va_start(ap, first);
	put(b->data + b->len, n + 1, first, ap);
	va_end(ap);
	b->len += n;
	return 0;
}

struct decimal decimal(uint64_t n)
{
	struct decimal d;
	char digits[sizeof(d.text)], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	memcpy(d.text, p, (size_t)(digits + sizeof(digits) - p));
	return d;
}

struct hex64 hex64(uint64_t n)
{
	struct hex64 h;

	for (int i = HEX64_DIGITS; i-- > 0; n >>= 4)
		h.text[i] = "0123456789abcdef"[n & 15];
	h.text[HEX64_DIGITS] = '\0';
	return h;
}
