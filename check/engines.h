/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of podman (containers.conf(5)) and CRI-O (crio.conf(5)) that matter to the hook.
 */
#ifndef PODNS_CHECK_ENGINES_H
#define PODNS_CHECK_ENGINES_H

#include "check/toml.h"

struct engine {
	const char *name;
	const char *program;
	const char *table[2]; /* the keys of the TOML table with hooks_dir */
	const char *env;      /* a variable that names a file to read instead of conf, or NULL */
	/* Its files; a later one overrides an earlier one. NAME.d is a directory of files. */
	const char *conf[4];
	bool reads_tree;     /* reads all files in and below such a directory, not only *.conf */
	bool has_precreate;  /* knows that stage, and so needs its JSON file too */
	bool has_users;      /* ordinary users run it too, with the same files */
	bool has_pinns;      /* has the setting pinns_path */
	const char *refuses; /* the consequence if it cannot read a hook's JSON file */
};

#define ENGINES 2
extern const struct engine engines[ENGINES];

struct setting {
	struct toml_list list;
	const char *from;    /* the file that sets it; NULL: the default */
	const char *watch;   /* a value to watch for, or NULL */
	const char *seen_in; /* the last file whose list had that value; NULL: none */
};

/*
 * Find a program in the directories of the usual $PATH. Returns its path below sysroot, which the
 * caller frees, or NULL.
 */
char *find_program(const char *sysroot, const char *name);

/* sysroot is prepended to each path; only if it is "" is the environment read. */
bool engine_is_installed(const struct engine *engine, const char *sysroot);

/*
 * Read the setting hooks_dir. Strings are in the arena. A file that cannot be read or parsed is an
 * error. dirs->watch is used, and all else of *dirs is set.
 */
int engine_hooks_dirs(const struct engine *engine, const char *sysroot, struct arena *a,
		      struct setting *dirs, struct error *e);

/* The same for pinns_path. *path is NULL if it is not set. */
int engine_pinns_path(const struct engine *engine, const char *sysroot, struct arena *a,
		      const char **path, const char **from, struct error *e);

#endif
