/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a setting in an engine's configuration: its files are read in the engine's order, and a
 * later one overrides or extends an earlier one.
 */
#include "check/engines.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define CONF_MAX ((size_t)1 << 20)

/* The default of both engines: containers.conf(5) of podman 4.3, crio.conf(5). */
#define DEFAULT_HOOKS_DIR "/usr/share/containers/oci/hooks.d"

/* The walk of CRI-O's directories fails beyond this depth. */
#define CONF_DEPTH 8

const struct engine engines[ENGINES] = {
	{
		.name = "podman",
		.program = "podman",
		.table = { "engine" },
		.env = "CONTAINERS_CONF",
		.conf = { "/usr/share/containers/containers.conf",
			  "/etc/containers/containers.conf", "/etc/containers/containers.conf.d" },
		.has_precreate = true,
		.has_users = true,
		.refuses = "podman starts no container",
	},
	{
		.name = "CRI-O",
		.program = "crio",
		.table = { "crio", "runtime" },
		.conf = { "/etc/crio/crio.conf", "/etc/crio/crio.conf.d" },
		.reads_tree = true,
		.has_pinns = true,
		.refuses = "CRI-O does not start",
	},
};

char *find_program(const char *sysroot, const char *name)
{
	static const char *const bins[] = {
		"/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/usr/local/sbin", "/sbin",
	};

	for (size_t i = 0; i < sizeof(bins) / sizeof(*bins); i++) {
		char *path = concat(sysroot, bins[i], "/", name, NULL);

		if (path && access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

bool engine_is_installed(const struct engine *engine, const char *sysroot)
{
	cleanup_free char *path = find_program(sysroot, engine->program);

	return path != NULL;
}

static int append_list(struct arena *a, struct toml_list *list, const struct toml_list *more,
		       struct error *e)
{
	size_t n = list->count + more->count;
	const char **items = arena_alloc(a, (n + 1) * sizeof(*items));

	if (!items)
		return error_nomem(e);
	if (list->count)
		memcpy(items, list->items, list->count * sizeof(*items));
	if (more->count)
		memcpy(items + list->count, more->items, more->count * sizeof(*items));
	list->items = items;
	list->count = n;
	return 0;
}

/* A key to search for, and its value so far. */
struct search {
	const struct engine *engine;
	const char *key;
	struct arena *arena;
	struct setting *setting;
};

/* Apply what a configuration file says about the key, if anything. */
static int read_conf(const struct search *s, const char *path, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct setting *setting = s->setting;
	const char *const *table = s->engine->table;
	const char *const keys[] = { table[0], table[1] ? table[1] : s->key,
				     table[1] ? s->key : NULL, NULL };
	struct toml_list list;

	if (fd < 0 || read_all(fd, CONF_MAX, &text) < 0)
		return error_set(e, errno, "read %s", path);
	if (toml_find(text.data, keys, s->arena, &list, e) < 0)
		return error_prefix(e, "%s", path);
	if (!list.found)
		return 0;
	setting->from = arena_strndup(s->arena, path, strlen(path));
	if (!setting->from)
		return error_nomem(e);
	if (setting->watch && toml_list_has(&list, setting->watch))
		setting->seen_in = setting->from;
	if (list.append)
		return append_list(s->arena, &setting->list, &list, e);
	setting->list = list;
	return 0;
}

/* A stack of the files and directories that are still to be read. */
struct pending {
	const char *path;
	int depth;
	struct pending *next;
};

static int push_conf(const struct search *s, struct pending **first, const char *path, int depth,
		     struct error *e)
{
	struct pending *p = path ? arena_alloc(s->arena, sizeof(*p)) : NULL;

	if (!p)
		return error_nomem(e);
	*p = (struct pending){ path, depth, *first };
	*first = p;
	return 0;
}

/* Push the entries of a directory so that they are read next, in order of their names. */
static int push_conf_dir(const struct search *s, struct pending **first, const struct pending *dir,
			 struct error *e)
{
	struct dirent **names;
	int n = scandir(dir->path, &names, NULL, alphasort), r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : error_set(e, errno, "read directory %s", dir->path);
	if (dir->depth > CONF_DEPTH)
		r = error_set(e, ELOOP, "read directory %s", dir->path);
	while (n-- > 0) {
		const char *name = names[n]->d_name;

		if (r == 0 && strcmp(name, ".") && strcmp(name, ".."))
			r = push_conf(s, first, arena_concat(s->arena, dir->path, "/", name, NULL),
				      dir->depth + 1, e);
		free(names[n]);
	}
	free(names);
	return r;
}

/*
 * podman reads the *.conf files in the directory, CRI-O all files in it and below it
 * (UpdateFromPath() in its pkg/config). Neither starts if it cannot read one.
 */
static int read_conf_entry(const struct search *s, struct pending **first,
			   const struct pending *entry, struct error *e)
{
	struct stat st;

	if (lstat(entry->path, &st) < 0)
		return error_set(e, errno, "read %s", entry->path);
	if (S_ISDIR(st.st_mode))
		return s->engine->reads_tree ? push_conf_dir(s, first, entry, e) : 0;
	return s->engine->reads_tree || has_suffix(entry->path, ".conf")
		       ? read_conf(s, entry->path, e)
		       : 0;
}

static int read_conf_dir(const struct search *s, const char *path, struct error *e)
{
	const struct pending top = { .path = path }, *entry;
	struct pending *first = NULL;

	if (push_conf_dir(s, &first, &top, e) < 0)
		return -1;
	while (first) {
		entry = first;
		first = first->next;
		if (read_conf_entry(s, &first, entry, e) < 0)
			return -1;
	}
	return 0;
}

static int read_all_conf(const struct search *s, const char *sysroot, struct error *e)
{
	const char *instead = s->engine->env && !*sysroot ? getenv(s->engine->env) : NULL;
	int r = 0;

	if (instead && *instead)
		return access(instead, F_OK) < 0 ? 0 : read_conf(s, instead, e);
	for (size_t i = 0; r == 0 && s->engine->conf[i]; i++) {
		const char *path = arena_concat(s->arena, sysroot, s->engine->conf[i], NULL);

		if (!path)
			return error_nomem(e);
		if (has_suffix(path, ".d"))
			r = read_conf_dir(s, path, e);
		else if (access(path, F_OK) == 0)
			r = read_conf(s, path, e);
	}
	return r;
}

int engine_hooks_dirs(const struct engine *engine, const char *sysroot, struct arena *a,
		      struct setting *dirs, struct error *e)
{
	static const char *by_default[] = { DEFAULT_HOOKS_DIR };
	const struct search search = { engine, "hooks_dir", a, dirs };

	*dirs = (struct setting){
		.list = { .items = by_default, .count = 1 },
		.watch = dirs->watch,
	};
	return read_all_conf(&search, sysroot, e);
}

int engine_pinns_path(const struct engine *engine, const char *sysroot, struct arena *a,
		      const char **path, const char **from, struct error *e)
{
	struct setting setting = { 0 };
	const struct search search = { engine, "pinns_path", a, &setting };

	if (read_all_conf(&search, sysroot, e) < 0)
		return -1;
	/* CRI-O treats an empty path as not set. */
	*path = setting.list.count == 1 && *setting.list.items[0] ? setting.list.items[0] : NULL;
	*from = setting.from;
	return 0;
}
