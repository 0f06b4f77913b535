/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload, which makes one allocation of a program fail. Two environment variables:
 *
 *	NOMEM_COUNT=FILE   of 8 bytes: a number that each allocation adds 1 to
 *	NOMEM_AT=N         the allocation that makes it N fails
 *
 * The file is mapped before main() begins, so that the program's seccomp filter and closed descriptors
 * do not matter, and its children continue the count.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static uint64_t *count, at;

/* What follows is not the program's, but gcov's in a build with --enable-coverage. */
static void end(void)
{
	count = NULL;
}

__attribute__((constructor)) static void begin(void)
{
	const char *file = getenv("NOMEM_COUNT"), *n = getenv("NOMEM_AT");
	int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
	void *map = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || !n || atexit(end) != 0)
		_exit(125);
	at = strtoull(n, NULL, 10);
	count = map;
}

static int fails(void)
{
	if (!count || __atomic_add_fetch(count, 1, __ATOMIC_RELAXED) != at)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails() ? NULL : __libc_realloc(p, size);
}
