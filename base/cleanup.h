/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound release of what a function owns: the attribute runs when the
 * variable leaves its scope on any path, so no function needs a goto ladder.
 * Each helper keeps errno, so that a return value made before stays true.
 */
#ifndef PODNS_BASE_CLEANUP_H
#define PODNS_BASE_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

#define cleanup_free __attribute__((cleanup(cleanup_freep)))
#define cleanup_close __attribute__((cleanup(cleanup_closep)))

/* Give up ownership of a descriptor: returns it and leaves -1 behind. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Give up ownership of an allocation: returns it and leaves NULL behind. */
static inline void *take_ptr(void *pp)
{
	void *taken = *(void **)pp;

	*(void **)pp = NULL;
	return taken;
}

#endif
