/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

/* The number of mounts on top of each other that are removed. */
#define SHM_LAYERS 16

static int mount_data(uint64_t size, const char *label, char **data, struct error *e)
{
	/*
	 * MCS labels contain commas, so the context is quoted: mount(8). The kernel has no escapes
	 * within quotes (opt_len() in security/selinux/hooks.c).
	 */
	if (label && strchr(label, '"'))
		return error_set(e, 0, "linux.mountLabel '%s' has a quote in it", label);
	*data = concat("mode=1777", size ? ",size=" : "", size ? decimal(size).text : "",
		       label ? ",context=\"" : "", label ? label : "", label ? "\"" : "", NULL);
	return *data ? 0 : error_nomem(e);
}

int shm_mount(int dir_fd, const char *name, const char *path, uint64_t size, const char *label,
	      struct error *e)
{
	cleanup_free char *data = NULL;
	cleanup_close int point = -1;

	if (mount_data(size, label, &data, e) < 0)
		return -1;
	point = open_own_dir(dir_fd, name, 0700, path, NULL, e);
	if (point < 0)
		return -1;
	if (mount("shm", fd_path(point).text, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, data) == 0)
		return 0;
	error_set(e, errno, "mount a tmpfs at %s", path);
	/* The label is the only option that we have not made ourselves. */
	if (e->num == EINVAL && label)
		error_hint(e,
			   "linux.mountLabel is '%.200s': a host without SELinux accepts none, and "
			   "SELinux only those that its policy knows",
			   label);
	unlinkat(dir_fd, name, AT_REMOVEDIR);
	return -1;
}

static bool is_tmpfs_mount(int dir_fd, int fd)
{
	struct stat above, st;
	struct statfs fs;

	return fstat(dir_fd, &above) == 0 && fstat(fd, &st) == 0 && fstatfs(fd, &fs) == 0 &&
	       st.st_dev != above.st_dev && fs.f_type == TMPFS_MAGIC;
}

bool shm_is_mounted(int dir_fd, const char *name)
{
	cleanup_close int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && is_tmpfs_mount(dir_fd, fd);
}

int shm_unmount(int dir_fd, const char *name, const char *path, struct error *e)
{
	cleanup_free char *target = concat(fd_path(dir_fd).text, "/", name, NULL);

	if (!target)
		return error_nomem(e);
	for (int layer = 0; layer < SHM_LAYERS && shm_is_mounted(dir_fd, name); layer++) {
		if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return error_set(e, errno, "unmount %s", path);
		if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)
			return 0;
	}
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_set(e, errno, "remove %s", path);
	return 0;
}

bool shm_size_of(const char *path, uint64_t *size)
{
	/* The path comes from a document, so a FIFO or device there must not be opened. */
	cleanup_close int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
		return false;
	*size = (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize;
	return true;
}
