/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_BASE_HASH_H
#define PODNS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * FNV-1a, 64 bits (draft-eastlake-fnv), to derive a short name from a long one. An attacker who
 * chooses the bytes can make collisions. Start with HASH_START and pass the result on for each piece.
 */
#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

#endif
