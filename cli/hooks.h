/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON files of a hooks directory, as oci-hooks(5) has them.
 */
#ifndef PODNS_CLI_HOOKS_H
#define PODNS_CLI_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum hook_stages {
	STAGE_PRECREATE = 1,
	STAGE_CREATE_RUNTIME = 2,
	STAGE_POSTSTOP = 4,
};

struct hook_file {
	const char *path;	/* of the JSON file */
	const char *program;	/* hook.path, or NULL */
	bool ours;		/* the program is called oci-podns-hook */
	bool has_args;
	uint64_t timeout;	/* seconds; 0: none */
	unsigned stages;
};

/*
 * Call fn for each *.json of the directory: with the file; or with NULL and the error
 * where it cannot be read, as which it stops the engines, too. sysroot is put before the
 * directory to open it. An absent directory has no files.
 */
int hooks_each(const char *sysroot, const char *dir,
	       void (*fn)(void *arg, const struct hook_file *file, const struct error *why),
	       void *arg, struct error *e);

#endif
