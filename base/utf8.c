/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* The length of the multi-byte character at p, 0 if it is not valid. */
static size_t utf8_sequence(const unsigned char *p, size_t room)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (*p >= 0xc2 && *p <= 0xdf) {
		len = 2;
	} else if (*p >= 0xe0 && *p <= 0xef) {
		len = 3;
		low = *p == 0xe0 ? 0xa0 : low;   /* overlong below */
		high = *p == 0xed ? 0x9f : high; /* surrogates above */
	} else if (*p >= 0xf0 && *p <= 0xf4) {
		len = 4;
		low = *p == 0xf0 ? 0x90 : low;   /* overlong below */
		high = *p == 0xf4 ? 0x8f : high; /* beyond U+10FFFF above */
	} else {
		return 0;
	}
	if (room < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

size_t utf8_valid_prefix(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	uint64_t eight;
	size_t at = 0, n;

	while (at < len) {
		if (len - at >= sizeof(eight)) {
			memcpy(&eight, p + at, sizeof(eight));
			if (!(eight & 0x8080808080808080)) {
				at += sizeof(eight);
				continue;
			}
		}
		if (p[at] < 0x80) {
			at++;
			continue;
		}
		n = utf8_sequence(p + at, len - at);
		if (!n)
			return at;
		at += n;
	}
	return len;
}
