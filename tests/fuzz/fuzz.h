/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the fuzz targets. A target is fuzz_NAME.c; it is linked with libFuzzer by run.sh, and with
 * replay.c for `make check`, where it gets only the seeds in corpus/NAME.
 *
 * A target checks the promises of the headers with MUST, not only that nothing crashes.
 */
#ifndef PODNS_TESTS_FUZZ_H
#define PODNS_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer's entry: https://llvm.org/docs/LibFuzzer.html */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_must(bool good, const char *file, int line, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s:%d: a promise is broken: %s\n", file, line, what);
	abort();
}

#define MUST(cond) fuzz_must(cond, __FILE__, __LINE__, #cond)

/* The input as a string of exactly its size, so that sanitizers see reads past its end. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	MUST(s != NULL);
	if (size)
		memcpy(s, data, size);
	s[size] = '\0';
	return s;
}

/*
 * Is this one JSON text by RFC 8259, in UTF-8 and without a byte order mark? Written from the RFC's
 * grammar, to be compared with what we accept. *depth is its nesting depth.
 */
bool strict_json(const char *text, size_t len, unsigned *depth);

#endif
