/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_BASE_HASH_H
#define PODNS_BASE_HASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * FNV-1a, 64 bits (draft-eastlake-fnv): tells accidents and hand edits, not an adversary
 * who computes it anew. Start with HASH_START and feed pieces.
 */
#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/*
 * A check sum over much text, 8 bytes a step: multiply and shift, as in wyhash and its
 * kin. The bytes are taken as little-endian words, so it is the same on all machines.
 */
static inline uint64_t hash_step(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

static inline uint64_t hash_text(const char *text, size_t n)
{
	uint64_t h = HASH_START ^ n, word;

	for (; n >= sizeof(word); n -= sizeof(word), text += sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		h = hash_step(h, le64toh(word));
	}
	word = 0;
	memcpy(&word, text, n);
	return hash_step(h, le64toh(word));
}

#endif
