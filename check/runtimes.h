/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI runtimes that Docker and containerd are configured with: daemon.json of dockerd(8),
 * containerd-config.toml(5).
 */
#ifndef PODNS_CHECK_RUNTIMES_H
#define PODNS_CHECK_RUNTIMES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

#define DOCKER_CONF "/etc/docker/daemon.json"
#define CONTAINERD_CONF "/etc/containerd/config.toml"

struct oci_runtime {
	const char *name;
	const char *program; /* an absolute path, or a name that the engine looks up in its $PATH */
	struct oci_runtime *next;
};

struct oci_runtimes {
	struct oci_runtime *list; /* those that name a program, in the file's order */
	const char *default_name; /* Docker's default-runtime, or NULL */
	bool has_file;            /* the file exists */
	bool has_members;         /* daemon.json is not an empty object */
	bool has_map;             /* daemon.json has the member runtimes */
};

/*
 * Read the runtimes of an engine. All strings are in the arena; an absent file has none. Errors: a
 * file that cannot be read, is larger than 1 MiB or malformed; the text has its path and the place.
 */
int docker_runtimes(const char *sysroot, struct arena *a, struct oci_runtimes *runtimes,
		    struct error *e);

/* The same, for the runtimes of containerd's CRI plugin, in versions 2 and 3 of the file. */
int containerd_runtimes(const char *sysroot, struct arena *a, struct oci_runtimes *runtimes,
			struct error *e);

#endif
