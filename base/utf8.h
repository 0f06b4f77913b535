/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing
 * above U+10FFFF.
 */
#ifndef PODNS_BASE_UTF8_H
#define PODNS_BASE_UTF8_H

#include <stddef.h>

/* How many of the len bytes at s stand before the first that is not UTF-8; len: all are. */
size_t utf8_valid_prefix(const char *s, size_t len);

#endif
