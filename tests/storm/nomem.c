/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded: one allocation of a program fails. Two variables of the environment:
 *
 *	NOMEM_COUNT=FILE   of 8 bytes: a number that each allocation adds 1 to
 *	NOMEM_AT=N         the allocation that makes it N fails
 *
 * The file is mapped before main() begins, so that the program may close, clear and forbid what it
 * likes, and so that its children count on.
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

/* What follows is not the program's: gcov's, in a build that counts. */
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
