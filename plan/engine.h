/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_PLAN_ENGINE_H
#define PODNS_PLAN_ENGINE_H

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

#endif
