/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real OCI runtime, which oci-podns-runtime runs: oci-podns-X runs X, unless root's file names
 * another one. It is looked for in fixed directories, because $PATH is the caller's.
 */
#ifndef PODNS_OCI_REAL_H
#define PODNS_OCI_REAL_H

#include "base/buf.h"
#include "base/error.h"

/*
 * Read `runtime = PATH or NAME` from $(sysconfdir)/oci-podns/runtime.conf; `#` begins a comment, and
 * other keys are skipped. *setting is in the arena, NULL if the file or the key is absent. Returns -1
 * if the file cannot be read or is larger than 64 KiB, or if the key has no value.
 */
int real_setting(const char *sysroot, struct arena *a, const char **setting, struct error *e);

/*
 * Find the runtime for a program that is called by this path. setting is as from real_setting().
 * *path, which is in the arena, is without sysroot. The file must be regular, executable, owned by root
 * and writable by no other user; files that are not are passed over. Returns -1 with a hint if there
 * is none.
 */
int real_find(const char *sysroot, const char *called, const char *setting, struct arena *a,
	      const char **path, struct error *e);

#endif
