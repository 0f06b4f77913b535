/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/real.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define REAL_CONF_MAX ((size_t)1 << 16)
#define REAL_PREFIX "oci-podns-"

/* The last one is where Debian's and Ubuntu's packages of CRI-O had their runc. */
static const char *const real_dirs[] = {
	"/usr/bin", "/usr/sbin", "/usr/local/bin",           "/usr/local/sbin",
	"/sbin",    "/bin",      "/usr/lib/cri-o-runc/sbin",
};

#define REAL_DIRS (sizeof(real_dirs) / sizeof(*real_dirs))

/* If the line is `runtime = VALUE`, return the value, cut off from the rest. */
static char *real_value(char *line)
{
	size_t n;

	line[strcspn(line, "#\r")] = '\0';
	line += strspn(line, " \t");
	if (strncmp(line, "runtime", 7))
		return NULL;
	line += 7 + strspn(line + 7, " \t");
	if (*line != '=')
		return NULL;
	line += 1 + strspn(line + 1, " \t");
	for (n = strlen(line); n && strchr(" \t", line[n - 1]); n--)
		;
	line[n] = '\0';
	return line;
}

int real_setting(const char *sysroot, struct arena *a, const char **setting, struct error *e)
{
	cleanup_free char *path = concat(sysroot, PODNS_RUNTIMECONF, NULL);
	cleanup_buf struct buf text = { 0 };
	cleanup_close int fd = -1;
	char *rest, *line, *value;

	*setting = NULL;
	if (!path)
		return error_nomem(e);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || read_all(fd, REAL_CONF_MAX, &text) < 0)
		return error_set(e, errno, "read %s", path);
	for (rest = text.data; (line = strsep(&rest, "\n"));) {
		value = real_value(line);
		if (!value)
			continue;
		if (!*value)
			return error_set(e, 0, "%s: runtime has no value", path);
		*setting = arena_strndup(a, value, strlen(value));
		if (!*setting)
			return error_nomem(e);
	}
	return 0;
}

/* Returns 0 if the file may be run, else an errno: EPERM if it is there, but not as it must be. */
static int real_test(const char *sysroot, const char *path)
{
	cleanup_free char *full = concat(sysroot, path, NULL);
	struct stat st;

	if (!full || stat(full, &st) < 0)
		return errno;
	return S_ISREG(st.st_mode) && st.st_uid == 0 && (st.st_mode & 0111) && !(st.st_mode & 022)
		       ? 0
		       : EPERM;
}

static int real_none(const char *what, const char *refused, struct error *e)
{
	if (refused)
		error_set(e, 0,
			  "%s is not an executable regular file that belongs to root and that no "
			  "other user may write to",
			  refused);
	else
		error_set(e, 0, "%s is in none of the directories in which it is looked for", what);
	return error_hint(e, "install %s, or write runtime = PATH to " PODNS_RUNTIMECONF, what);
}

static int real_search(const char *sysroot, const char *name, struct arena *a, const char **path,
		       struct error *e)
{
	const char *refused = NULL;

	for (size_t i = 0; i < REAL_DIRS; i++) {
		const char *candidate = arena_concat(a, real_dirs[i], "/", name, NULL);
		int num;

		if (!candidate)
			return error_nomem(e);
		num = real_test(sysroot, candidate);
		if (!num) {
			*path = candidate;
			return 0;
		}
		if (num == EPERM && !refused)
			refused = candidate;
	}
	return real_none(name, refused, e);
}

static int real_by_path(const char *sysroot, const char *setting, const char **path,
			struct error *e)
{
	int num = *setting == '/' ? real_test(sysroot, setting) : EINVAL;

	if (!num) {
		*path = setting;
		return 0;
	}
	if (num == EPERM)
		return real_none("a runtime", setting, e);
	return error_set(e, num, PODNS_RUNTIMECONF ": runtime = %s", setting);
}

int real_find(const char *sysroot, const char *called, const char *setting, struct arena *a,
	      const char **path, struct error *e)
{
	const char *slash = strrchr(called, '/'), *name = slash ? slash + 1 : called;

	if (setting && strchr(setting, '/'))
		return real_by_path(sysroot, setting, path, e);
	if (setting)
		return real_search(sysroot, setting, a, path, e);
	if (!strncmp(name, REAL_PREFIX, strlen(REAL_PREFIX)))
		return real_search(sysroot, name + strlen(REAL_PREFIX), a, path, e);
	error_set(e, 0, "no runtime follows from the name %s", name);
	return error_hint(e, "call it by the name " REAL_PREFIX
			     "runc, or write runtime = PATH to " PODNS_RUNTIMECONF);
}
