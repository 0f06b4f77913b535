/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/engines.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define CONF_MAX ((size_t)1 << 20)

/* The default of both: containers.conf(5) of podman 4.3, crio.conf(5). */
#define DEFAULT_HOOKS_DIR "/usr/share/containers/oci/hooks.d"

const struct engine engines[ENGINES] = {
	{
		"podman", "podman", "engine", "CONTAINERS_CONF",
		{ "/usr/share/containers/containers.conf", "/etc/containers/containers.conf",
		  "/etc/containers/containers.conf.d" }, true,
	},
	{
		"CRI-O", "crio", "crio.runtime", NULL,
		{ "/etc/crio/crio.conf", "/etc/crio/crio.conf.d" }, false,
	},
};

bool engine_is_installed(const struct engine *engine, const char *sysroot)
{
	static const char *const bins[] = {
		"/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/usr/local/sbin", "/sbin",
	};

	for (size_t i = 0; i < sizeof(bins) / sizeof(*bins); i++) {
		cleanup_free char *path = NULL;

		if (asprintf(&path, "%s%s/%s", sysroot, bins[i], engine->program) < 0) {
			path = NULL;
			return false;
		}
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static int append(struct arena *a, struct toml_list *list, const struct toml_list *more,
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

/* What a configuration file says of hooks_dir, if it says anything. */
static int read_conf(const struct engine *engine, const char *path, struct arena *a,
		     struct hooks_dirs *dirs, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct toml_list list;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || read_all(fd, CONF_MAX, &text) < 0)
		return error_set(e, errno, "read %s", path);
	if (toml_find(text.data, engine->table, "hooks_dir", a, &list, e) < 0)
		return error_prefix(e, "%s", path);
	if (!list.found)
		return 0;
	dirs->from = arena_strndup(a, path, strlen(path));
	if (!dirs->from)
		return error_nomem(e);
	if (list.append)
		return append(a, &dirs->list, &list, e);
	dirs->list = list;
	return 0;
}

static int is_conf(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 5 && entry->d_name[0] != '.' && !strcmp(entry->d_name + n - 5, ".conf");
}

static int read_conf_dir(const struct engine *engine, const char *path, struct arena *a,
			 struct hooks_dirs *dirs, struct error *e)
{
	struct dirent **names;
	int n = scandir(path, &names, is_conf, alphasort), r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : error_set(e, errno, "read directory %s", path);
	for (int i = 0; i < n; i++) {
		const char *file = arena_concat(a, path, "/", names[i]->d_name, NULL);

		if (r == 0)
			r = file ? read_conf(engine, file, a, dirs, e) : error_nomem(e);
		free(names[i]);
	}
	free(names);
	return r;
}

int engine_hooks_dirs(const struct engine *engine, const char *sysroot, struct arena *a,
		      struct hooks_dirs *dirs, struct error *e)
{
	static const char *by_default[] = { DEFAULT_HOOKS_DIR };
	const char *instead = engine->env && !*sysroot ? getenv(engine->env) : NULL;
	int r = 0;

	*dirs = (struct hooks_dirs){ .list = { .items = by_default, .count = 1 } };
	if (instead && *instead)
		return read_conf(engine, instead, a, dirs, e);
	for (size_t i = 0; r == 0 && engine->conf[i]; i++) {
		const char *path = arena_concat(a, sysroot, engine->conf[i], NULL);
		size_t n = path ? strlen(path) : 0;

		if (!path)
			return error_nomem(e);
		r = !strcmp(path + n - 2, ".d") ? read_conf_dir(engine, path, a, dirs, e) :
		    read_conf(engine, path, a, dirs, e);
	}
	return r;
}
