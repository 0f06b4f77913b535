/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci-podns-runtime obeys a file, and executes a program, only if nobody but root or the user who
 * executes it can have changed it.
 */
#ifndef PODNS_RUNTIME_TRUST_H
#define PODNS_RUNTIME_TRUST_H

#include <sys/stat.h>

#include "base/error.h"

/*
 * Refuse a file or directory that belongs to another user than root or our effective uid, or that its
 * group or others may write to. path is for the message. Returns 0 or -1.
 */
int trust_check(const struct stat *st, const char *path, struct error *e);

#endif
