/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef PODNS_BASE_UTF8_H
#define PODNS_BASE_UTF8_H

#include <stddef.h>

/* The length of the longest prefix of the len bytes at s that is valid UTF-8. */
size_t utf8_valid_prefix(const char *s, size_t len);

#endif
