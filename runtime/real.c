/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/real.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/trust.h"
#include "runtime/settings.h"

/* Where podman looks for runc: [engine.runtimes] in containers.conf(5). */
static const char *const directories[] = {
	"/usr/bin", "/usr/sbin", "/usr/local/bin",           "/usr/local/sbin",
	"/sbin",    "/bin",      "/usr/lib/cri-o-runc/sbin",
};

#define DIRECTORIES (sizeof(directories) / sizeof(*directories))
#define DIRECTORIES_TEXT                                                                           \
	"/usr/bin, /usr/sbin, /usr/local/bin, /usr/local/sbin, /sbin, /bin and "                   \
	"/usr/lib/cri-o-runc/sbin"

static int check_real(const struct stat *st, const char *path, struct error *e)
{
	if (!S_ISREG(st->st_mode))
		return error_set(e, 0, "the runtime %s is not a regular file", path);
	if (!(st->st_mode & 0111))
		return error_set(e, 0, "the runtime %s is not executable", path);
	if (trust_check(st, path, e) < 0)
		return error_prefix(e, "the runtime");
	return 0;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int find_by_path(const char *sysroot, const char *setting, const struct stat *self,
			char **path, struct error *e)
{
	cleanup_free char *file = concat(sysroot, setting, NULL);
	struct stat st;

	if (!file)
		return error_nomem(e);
	if (stat(file, &st) < 0) {
		error_set(e, errno, "the runtime %s", file);
		return error_hint(e, "it is set in %s", SETTINGS_FILE);
	}
	if (is_same_file(&st, self)) {
		error_set(e, 0, "the runtime %s is this program itself", file);
		return error_hint(e, "set runtime to the real one in %s", SETTINGS_FILE);
	}
	if (check_real(&st, file, e) < 0)
		return -1;
	*path = take_ptr(&file);
	return 0;
}

/* The first file of that name counts, even if it must be refused; this program itself does not. */
static int find_by_name(const char *sysroot, const char *name, const struct stat *self, char **path,
			struct error *e)
{
	bool found_self = false;
	struct stat st;

	for (size_t i = 0; i < DIRECTORIES; i++) {
		cleanup_free char *file = concat(sysroot, directories[i], "/", name, NULL);

		if (!file)
			return error_nomem(e);
		if (stat(file, &st) < 0) {
			if (errno == ENOENT || errno == ENOTDIR)
				continue;
			return error_set(e, errno, "the runtime %s", file);
		}
		if (is_same_file(&st, self)) {
			found_self = true;
			continue;
		}
		if (check_real(&st, file, e) < 0)
			return -1;
		*path = take_ptr(&file);
		return 0;
	}
	error_set(e, 0, "there is no runtime %.200s%s in " DIRECTORIES_TEXT, name,
		  found_self ? " but this program itself" : "");
	return error_hint(e, "install it, or set runtime in %s to its path", SETTINGS_FILE);
}

int real_find(const char *sysroot, const char *self, const char *program, const char *setting,
	      char **path, struct error *e)
{
	static const char prefix[] = "oci-podns-";
	const char *name = setting;
	struct stat st;

	if (!name && !strncmp(program, prefix, sizeof(prefix) - 1))
		name = program + sizeof(prefix) - 1;
	if (!name || !*name || (!setting && !strcmp(name, "runtime"))) {
		error_set(e, 0, "the name '%.200s' does not say which runtime is the real one",
			  program);
		return error_hint(e,
				  "call this program as oci-podns-runc or oci-podns-crun, or "
				  "set runtime in %s",
				  SETTINGS_FILE);
	}
	if (stat(self, &st) < 0)
		return error_set(e, errno, "stat %s", self);
	return *name == '/' ? find_by_path(sysroot, name, &st, path, e)
			    : find_by_name(sysroot, name, &st, path, e);
}
