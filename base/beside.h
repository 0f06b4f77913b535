/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the other programs of this build or installation. */
#ifndef PODNS_BASE_BESIDE_H
#define PODNS_BASE_BESIDE_H

#include <stddef.h>

/*
 * The path of the executable file `name` in the directory dir with place ("/", "/../net/") appended, without
 * symbolic links and "..". The caller frees it. NULL if there is none.
 */
char *program_in(const char *dir, const char *place, const char *name);

/* The same in the directory of the running program, in the first of the n places that has it. */
char *program_beside(const char *const *places, size_t n, const char *name);

#endif
