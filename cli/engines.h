/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hooks directories podman and CRI-O read: containers.conf(5) and crio.conf(5).
 */
#ifndef PODNS_CLI_ENGINES_H
#define PODNS_CLI_ENGINES_H

#include "cli/toml.h"

struct engine {
	const char *name;
	const char *program;
	const char *table;	/* of its configuration, where hooks_dir is */
	const char *env;	/* a variable that names a file to be read instead of all others, or NULL */
	const char *conf[4];	/* its files, a later one counts more; one in .d stands for its *.conf */
	bool has_precreate;	/* and so needs that stage's JSON file, too */
};

#define ENGINES 2
extern const struct engine engines[ENGINES];

struct hooks_dirs {
	struct toml_list list;
	const char *from;	/* the file that says so; NULL: the default */
};

/* sysroot stands before every path; "" for our own system, whose environment alone counts. */
bool engine_is_installed(const struct engine *engine, const char *sysroot);

/* Strings are in the arena. A file that cannot be read or understood is an error. */
int engine_hooks_dirs(const struct engine *engine, const char *sysroot, struct arena *a,
		      struct hooks_dirs *dirs, struct error *e);

#endif
