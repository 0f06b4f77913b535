/* SPDX-License-Identifier: Apache-2.0 */
#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/cleanup.h"
#include "base/file.h"

/* What user_namespaces(7) calls the overflow uid, by its default: the owner that has no uid here. */
#define UNMAPPED_UID 65534

/*
 * In a user namespace of rootless containers the host's root has no uid, and its files seem to belong
 * to 65534. Outside of user namespaces that is an ordinary user, nobody.
 */
static bool is_unmapped(uid_t uid)
{
	static const char all[] = "         0          0 4294967295\n";
	cleanup_buf struct buf map = { 0 };

	return uid == UNMAPPED_UID &&
	       read_file_at(AT_FDCWD, "/proc/self/uid_map", 65536, &map) == 0 && map.len &&
	       strcmp(map.data, all) != 0;
}

int trust_check(const struct stat *st, const char *path, struct error *e)
{
	/* The effective uid at execve(2), without a system call. */
	uid_t us = (uid_t)getauxval(AT_EUID);

	if (st->st_uid != 0 && st->st_uid != us && !is_unmapped(st->st_uid)) {
		error_set(e, 0, "%s belongs to uid %u, neither to root nor to us (uid %u)", path,
			  st->st_uid, us);
		return error_hint(e, "chown root %s", path);
	}
	if (st->st_mode & 022) {
		error_set(e, 0, "%s may be written to by others (mode %04o)", path,
			  st->st_mode & 07777);
		return error_hint(e, "chmod go-w %s", path);
	}
	return 0;
}

/* "Too many levels of symbolic links", of a single one, has misled people. */
static int refuse_open(const char *path, int num, struct error *e)
{
	if (num == ELOOP) {
		error_set(e, 0, "%s is a symbolic link, which is not followed", path);
		return error_hint(e, "put a copy of the file in its place");
	}
	error_set(e, num, "open %s", path);
	return num == ENOTDIR ? error_hint(e, "a symbolic link is not followed") : -1;
}

int trust_open(int dir_fd, const char *name, int flags, const char *path, struct stat *st,
	       struct error *e)
{
	cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
	struct stat own;

	if (!st)
		st = &own;
	if (fd < 0)
		return refuse_open(path, errno, e);
	if (fstat(fd, st) < 0)
		return error_set(e, errno, "stat %s", path);
	if (trust_check(st, path, e) < 0)
		return -1;
	return take_fd(&fd);
}
