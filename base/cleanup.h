/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Release at the end of a scope: the cleanup attribute runs a helper on every path out of the
 * variable's scope, so no function needs a goto ladder. The helpers preserve errno, which the
 * caller may still need.
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

/* Transfer ownership of a descriptor: returns it and sets the variable to -1. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Transfer ownership of an allocation: returns it and sets the variable to NULL. */
static inline void *take_ptr(void *pp)
{
	void *taken = *(void **)pp;

	*(void **)pp = NULL;
	return taken;
}

#endif
