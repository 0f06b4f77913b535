/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_PLAN_ENGINE_H
#define PODNS_PLAN_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

/* Whose file is it that is mounted into a container? */
enum engine_file {
	ENGINE_FILE_NONE,   /* not an engine's */
	ENGINE_FILE_PODMAN, /* podman's and CRI-O's .../<64 hex>/userdata/NAME */
	ENGINE_FILE_OTHER,  /* Docker's, containerd's and nerdctl's .../<64 hex>/NAME */
};

/*
 * Is `source` the file NAME that an engine keeps for the container or sandbox whose id is in the path? It
 * may be NULL. A pure function.
 */
enum engine_file plan_engine_file(const char *source, const char *name);

/*
 * podman and CRI-O keep a directory for each container, DIR/<64 hex>/userdata. If `source` (or NULL) is
 * a file in one, *len is set to the length of DIR in it. A pure function.
 */
bool plan_engine_dir(const char *source, size_t *len);

/* How many digits of an id engines show. */
#define PLAN_SHORT_ID 12

/* Is it an id as engines make them, 64 hexadecimal digits in lower case? A pure function. */
bool plan_is_engine_id(const char *text);

#endif
