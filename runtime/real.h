/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real runtime, which oci-podns-runtime is put before.
 */
#ifndef PODNS_RUNTIME_REAL_H
#define PODNS_RUNTIME_REAL_H

#include "base/error.h"

/*
 * Find the real runtime: setting (an absolute path or a name), or, if that is NULL, the X of a program
 * that is called oci-podns-X. A name is looked up in fixed directories, never by $PATH. It must be an
 * executable regular file that trust_check() accepts, and not self, the path of oci-podns-runtime
 * itself. sysroot is prepended to all paths but self. Returns 0 with *path, which the caller frees, or
 * -1.
 */
int real_find(const char *sysroot, const char *self, const char *program, const char *setting,
	      char **path, struct error *e);

#endif
