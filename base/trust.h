/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is obeyed, or executed, only if nobody but root or the user who executes this program can
 * have changed it.
 */
#ifndef PODNS_BASE_TRUST_H
#define PODNS_BASE_TRUST_H

#include <sys/stat.h>

#include "base/error.h"

/*
 * Refuse a file or directory that belongs to another user than root or our effective uid, or that
 * its group or others may write to. path is for the message. Returns 0 or -1.
 */
int trust_check(const struct stat *st, const char *path, struct error *e);

/*
 * Open the file `name` in dir_fd for reading, close-on-exec, with more open(2) flags, and
 * trust_check() it. Its last component must not be a symbolic link. *st (may be NULL) is set to
 * what fstat(2) says. Returns a descriptor, or -1 (e->num is ENOENT if it does not exist).
 */
int trust_open(int dir_fd, const char *name, int flags, const char *path, struct stat *st,
	       struct error *e);

#endif
