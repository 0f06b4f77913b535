/* SPDX-License-Identifier: Apache-2.0 */
#include "net/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/trust.h"

const char *const plugin_directories[] = { "/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni",
					   NULL };

int plugin_check_type(const char *type, struct error *e)
{
	if (!*type)
		return error_set(e, 0, "the type of a plugin is empty");
	if (strchr(type, '/') || !strcmp(type, ".") || !strcmp(type, "..")) {
		error_set(e, 0, "'%.300s' is not allowed as the type of a plugin", type);
		return error_hint(e,
				  "it is the name of a file in a directory of plugins, not a path");
	}
	if (strlen(type) > PLUGIN_TYPE_MAX)
		return error_set(e, 0, "the type of a plugin is longer than %d bytes",
				 PLUGIN_TYPE_MAX);
	return 0;
}

static int check_plugin(const struct stat *st, const char *path, struct error *e)
{
	if (S_ISLNK(st->st_mode)) {
		error_set(e, 0, "the plugin %s is a symbolic link", path);
		return error_hint(e, "it is not followed: install the file itself");
	}
	if (!S_ISREG(st->st_mode))
		return error_set(e, 0, "the plugin %s is not a regular file", path);
	if (!(st->st_mode & 0111)) {
		error_set(e, 0, "the plugin %s is not executable", path);
		return error_hint(e, "chmod +x %s", path);
	}
	if (trust_check(st, path, e) < 0)
		return error_prefix(e, "the plugin");
	return 0;
}

/*
 * Open a directory that has plugins, which may be a symbolic link to it. Returns a descriptor, or
 * -1 with e->num ENOENT if it does not exist.
 */
static int open_directory(const char *path, struct stat *st, struct error *e)
{
	cleanup_close int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, st) == 0)
		return take_fd(&fd);
	error_set(e, errno, "the directory of plugins %s", path);
	if (e->num == ENOTDIR)
		e->num = ENOENT;
	return -1;
}

/* Returns 1 if the plugin is in this directory, 0 if it is not, -1 if it must be refused. */
static int find_in(const char *directory, const char *type, const char *path, struct error *e)
{
	struct stat dir_st, st;
	cleanup_close int dir = open_directory(directory, &dir_st, e);

	if (dir < 0)
		return e->num == ENOENT ? 0 : -1;
	if (fstatat(dir, type, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 0;
		return error_set(e, errno, "the plugin %s", path);
	}
	if (trust_check(&dir_st, directory, e) < 0)
		return error_prefix(e, "the directory of plugins");
	return check_plugin(&st, path, e) < 0 ? -1 : 1;
}

static int not_found(const char *const *dirs, const char *type, struct error *e)
{
	cleanup_buf struct buf list = { 0 };

	for (size_t i = 0; dirs[i]; i++)
		if (buf_concat(&list, !i ? "" : dirs[i + 1] ? ", " : " and ", dirs[i], NULL) < 0)
			return error_nomem(e);
	error_set(e, 0, "there is no plugin %.255s in %s", type, list.len ? list.data : "");
	e->num = ENOENT;
	return error_hint(e, "install it; on Debian: apt install containernetworking-plugins");
}

int plugin_find(const char *const *dirs, const char *type, char **path, struct error *e)
{
	int found;

	if (plugin_check_type(type, e) < 0)
		return -1;
	for (size_t i = 0; dirs[i]; i++) {
		cleanup_free char *file = concat(dirs[i], "/", type, NULL);

		if (!file)
			return error_nomem(e);
		found = find_in(dirs[i], type, file, e);
		if (found < 0)
			return -1;
		if (!found)
			continue;
		*path = take_ptr(&file);
		return 0;
	}
	return not_found(dirs, type, e);
}

int plugin_path(const char *const *dirs, struct buf *out, struct error *e)
{
	size_t from = out->len;
	struct stat st;

	for (size_t i = 0; dirs[i]; i++) {
		cleanup_close int fd = open_directory(dirs[i], &st, e);

		if (fd < 0 && e->num != ENOENT)
			return -1;
		if (fd < 0 || trust_check(&st, dirs[i], e) < 0)
			continue;
		if (buf_concat(out, out->len > from ? ":" : "", dirs[i], NULL) < 0)
			return error_nomem(e);
	}
	return 0;
}
