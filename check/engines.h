/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What podman and CRI-O are configured to: containers.conf(5) and crio.conf(5).
 */
#ifndef PODNS_CHECK_ENGINES_H
#define PODNS_CHECK_ENGINES_H

#include "check/toml.h"

struct engine {
	const char *name;
	const char *program;
	const char *table; /* of its configuration, where hooks_dir is */
	const char
		*env; /* a variable that names a file to be read instead of all others, or NULL */
	const char
		*conf[4]; /* its files, a later one counts more; one in .d is a directory of them */
	bool reads_tree;  /* of such a directory it reads all files, not *.conf alone */
	bool has_precreate;  /* and so needs that stage's JSON file, too */
	bool has_users;      /* ordinary users run it, and it reads the same files then */
	bool has_pinns;      /* pinns_path is a setting of its */
	const char *refuses; /* what follows where it cannot read a hook's JSON file */
};

#define ENGINES 2
extern const struct engine engines[ENGINES];

struct setting {
	struct toml_list list;
	const char *from; /* the file that says so; NULL: the default */
};

/* sysroot stands before every path; "" for our own system, whose environment alone counts. */
bool engine_is_installed(const struct engine *engine, const char *sysroot);

/* Strings are in the arena. A file that cannot be read or understood is an error. */
int engine_hooks_dirs(const struct engine *engine, const char *sysroot, struct arena *a,
		      struct setting *dirs, struct error *e);

/* The same for pinns_path. *path is NULL where it is not set. */
int engine_pinns_path(const struct engine *engine, const char *sysroot, struct arena *a,
		      const char **path, const char **from, struct error *e);

#endif
