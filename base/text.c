/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void copy_strings(char *room, size_t size, const char *first, va_list ap)
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

static size_t total_length(const char *first, va_list ap)
{
	size_t n = 0;

	for (const char *s = first; s; s = va_arg(ap, const char *))
		n += strlen(s);
	return n;
}

char *arena_concat(struct arena *a, const char *first, ...)
{
	va_list ap;
	char *text;
	size_t size;

	va_start(ap, first);
	size = total_length(first, ap) + 1;
	va_end(ap);
	text = a ? arena_alloc(a, size) : malloc(size);
	if (!text)
		return NULL;
	va_start(ap, first);
	copy_strings(text, size, first, ap);
	va_end(ap);
	return text;
}

void concat_in(char *room, size_t size, const char *first, ...)
{
	va_list ap;

	va_start(ap, first);
	copy_strings(room, size, first, ap);
	va_end(ap);
}

int buf_concat(struct buf *b, const char *first, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, first);
	n = total_length(first, ap);
	va_end(ap);
	if (buf_reserve(b, n) < 0)
		return -1;
	va_start(ap, first);
	copy_strings(b->data + b->len, n + 1, first, ap);
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

bool has_suffix(const char *s, const char *suffix)
{
	size_t len = strlen(s), n = strlen(suffix);

	return len >= n && !strcmp(s + len - n, suffix);
}

char *arena_clean_path(struct arena *arena, const char *s, size_t len)
{
	const char *end = s + len, *next;
	char *out = arena_alloc(arena, len + 2), *to = out;
	size_t n;

	if (!out)
		return NULL;
	for (; s < end; s = next + 1) {
		next = memchr(s, '/', (size_t)(end - s));
		if (!next)
			next = end;
		n = (size_t)(next - s);
		if (n == 2 && !memcmp(s, "..", 2)) {
			while (to > out && *--to != '/')
				;
		} else if (n && (n != 1 || *s != '.')) {
			*to++ = '/';
			memcpy(to, s, n);
			to += n;
		}
	}
	*to = '\0';
	return out;
}

char *trim(char *s, const char *blanks)
{
	size_t len;

	s += strspn(s, blanks);
	len = strlen(s);
	while (len && strchr(blanks, s[len - 1]))
		len--;
	s[len] = '\0';
	return s;
}

bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && path[n] == '/';
}
