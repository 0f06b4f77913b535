/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_RUNTIME_HOOK_PATH_H
#define PODNS_RUNTIME_HOOK_PATH_H

#include "base/error.h"

/*
 * The path of oci-podns-hook, which the caller frees: in the build tree or the installed tree that this
 * program is in, else where it is installed by default. It is an error if there is none: a runtime that
 * cannot execute a hook does not start the container.
 */
char *hook_path(struct error *e);

#endif
