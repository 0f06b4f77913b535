/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON files of a hooks directory: oci-hooks(5).
 */
#ifndef PODNS_CHECK_HOOKS_H
#define PODNS_CHECK_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum hook_stages {
	STAGE_PRECREATE = 1,
	STAGE_CREATE_RUNTIME = 2,
	STAGE_POSTSTOP = 4,
};

/* What an engine does with a JSON file. */
enum hook_use {
	HOOK_IS_READ,
	HOOK_IS_SKIPPED, /* silently: a dangling symbolic link */
	HOOK_STOPS,      /* refuses to run while the file is there */
};

struct hook_file {
	const char *name, *path; /* of the JSON file */
	enum hook_use use;
	struct error why;    /* set unless it is read */
	const char *program; /* hook.path, or NULL */
	bool ours;           /* the program is called oci-podns-hook */
	bool has_args;
	bool of_pods;     /* it matches by the annotation in which podman and CRI-O name a pod */
	bool is_private;  /* not readable by all users */
	uint64_t timeout; /* seconds; 0: none */
	unsigned stages;
};

/*
 * Call fn for each *.json file of a directory, read as the engines do (pkg/hooks of
 * containers/common), but without a check that the program exists. sysroot is prepended to the
 * directory. An absent directory has no files.
 */
int hooks_each(const char *sysroot, const char *dir,
	       void (*fn)(void *arg, const struct hook_file *file), void *arg, struct error *e);

#endif
