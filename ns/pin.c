/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "ns/mounts.h"

#ifndef HAVE_STATX /* musl before 1.2.5; a later one's struct statx and the kernel's exclude each other */
#include <linux/stat.h>
#include <sys/syscall.h>

static int statx(int fd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	return (int)syscall(SYS_statx, fd, path, flags, mask, stx);
}
#endif

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000 /* include/uapi/linux/stat.h, since Linux 5.8 */
#endif

/* How many mounts on top of each other pin_remove() removes before it gives up. */
#define PIN_LAYERS 16

int pin_dir_open(int root_fd, const char *root, enum ns_type type, bool make, struct error *e)
{
	cleanup_free char *path = concat(root, "/", ns_info[type].brief, "ns", NULL);

	if (!path)
		return error_nomem(e);
	return open_own_dir(root_fd, path + strlen(root) + 1, make ? 0755 : 0, path, NULL, e);
}

/* Is fd's directory the root of a mount? -1 with ENOSYS if the kernel cannot say (before Linux 5.8). */
static int is_mount_root(int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, 0, &stx) < 0)
		return -1;
	if (!(stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)) {
		errno = ENOSYS;
		return -1;
	}
	return !!(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* As in ip-netns(8): this fails with EINVAL if the directory is no mount point. */
static int propagate(int fd, enum ns_type type)
{
	return mount(NULL, fd_path(fd).text, NULL, ns_info[type].dir_propagation, NULL);
}

static int detach(int dir_fd, const char *name)
{
	cleanup_free char *target = concat(fd_path(dir_fd).text, "/", name, NULL);

	return target ? umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) : -1;
}

/* The mounts before a directory is bound over itself, and the directory's path in mountinfo. */
struct covered {
	struct mounts mounts;
	char dir[PATH_MAX];
};

static void covered_free(struct covered *c)
{
	mounts_free(&c->mounts);
}

#define cleanup_covered __attribute__((cleanup(covered_free)))

/* False if it cannot be read. */
static bool is_empty_dir(int dir_fd)
{
	DIR *dir = open_dir_stream(dir_fd, ".");
	bool empty;
	int n = 0;

	if (!dir)
		return false;
	while (n <= 2 && read_entry(dir))
		n++;
	empty = n == 2 && !errno; /* "." and ".." */
	closedir(dir);
	return empty;
}

/* Nothing is mounted in an empty directory, so the table of mounts, which may be long, is not read. */
static int find_covered(int dir_fd, struct covered *c, struct error *e)
{
	ssize_t n;

	if (is_empty_dir(dir_fd))
		return 0;
	n = readlink(fd_path(dir_fd).text, c->dir, sizeof(c->dir) - 1);
	if (n < 0)
		return error_set(e, errno, "read /proc/self/fd/%d", dir_fd);
	c->dir[n] = '\0';
	return mounts_read(&c->mounts, e);
}

/*
 * The recursive bind has copied older pins to the new mount. The lower copies keep their mount points
 * busy, so the program that made these pins could unmount them but not remove the files. They are
 * unmounted through the directory's old descriptor, which leads below the new mount. If the lower
 * mount is shared (mount_namespaces(7)), the copies are peers: unmounting one would unmount the
 * other, so they stay.
 */
static int unmount_covered(int below_fd, const struct covered *c, struct error *e)
{
	const struct mount_entry *under = mounts_of_path(&c->mounts, c->dir);
	size_t n = strlen(c->dir);

	if (!under || under->shared)
		return 0;
	for (size_t i = c->mounts.count; i-- > 0;) {
		const char *point = c->mounts.list[i].point;

		if (strncmp(point, c->dir, n) || point[n] != '/' || strchr(point + n + 1, '/'))
			continue;
		if (detach(below_fd, point + n + 1) < 0 && errno != EINVAL && errno != ENOENT)
			return error_set(e, errno, "unmount the lower copy of %s", point);
	}
	return 0;
}

static void unmount_dir(int root_fd, enum ns_type type)
{
	cleanup_free char *name = concat(ns_info[type].brief, "ns", NULL);

	if (name)
		detach(root_fd, name);
}

static int bind_over_itself(int dir_fd, int root_fd, const char *root, enum ns_type type,
			    struct error *e)
{
	cleanup_covered struct covered covered = { .dir = "" };
	struct fd_path self = fd_path(dir_fd);
	int fd;

	if (find_covered(dir_fd, &covered, e) < 0)
		return -1;
	if (mount(self.text, self.text, NULL, MS_BIND | MS_REC, NULL) < 0) {
		error_set(e, errno, "make %s/%sns a mount point", root, ns_info[type].brief);
		if (e->num == EPERM)
			error_hint(e, "this needs CAP_SYS_ADMIN");
		return -1;
	}
	fd = pin_dir_open(root_fd, root, type, false, e);
	if (fd < 0) {
		unmount_dir(root_fd, type);
		return -1;
	}
	if (propagate(fd, type) < 0) {
		error_set(e, errno, "set the propagation of %s/%sns", root, ns_info[type].brief);
		umount2(fd_path(fd).text, MNT_DETACH);
	} else if (unmount_covered(dir_fd, &covered, e) == 0) {
		return fd;
	}
	/* The new mount stays: pins whose lower copy was unmounted exist only in it. */
	close(fd);
	return -1;
}

/*
 * If netns is a mount point already, its propagation is left as it is. mntns must be unbindable in any
 * case.
 */
static bool is_mounted_well(int fd, enum ns_type type)
{
	int is_root = is_mount_root(fd);

	if (is_root > 0 && ns_info[type].dir_propagation == MS_SHARED)
		return true;
	return is_root && propagate(fd, type) == 0;
}

int pin_dir_mount(int dir_fd, int root_fd, const char *root, enum ns_type type, struct error *e)
{
	struct lock_wait wait = { .seconds = LOCK_NETNS_SECONDS };
	cleanup_close int before = dir_fd, fd = -1;
	cleanup_free char *what = NULL;

	if (!ns_info[type].dir_propagation || is_mounted_well(before, type))
		return take_fd(&before);
	what = concat(root, "/", ns_info[type].brief, "ns", NULL);
	if (!what)
		return error_nomem(e);
	/*
	 * ip-netns(8) takes the same lock for the same purpose. Any user can open the directory and
	 * hold the lock, so the wait is short. Without the lock the worst result is a second mount.
	 */
	if (lock_bounded(before, what, &wait, e) < 0 && e->num != ETIMEDOUT)
		return -1;
	fd = pin_dir_open(root_fd, root, type, false, e);
	if (fd < 0)
		return -1;
	if (is_mounted_well(fd, type))
		return take_fd(&fd);
	return bind_over_itself(fd, root_fd, root, type, e);
}

/* A file as we, pinns and ip-netns(8) make it to mount on. */
static bool is_own_mount_point(const struct stat *st)
{
	return S_ISREG(st->st_mode) && !(st->st_mode & 07777) && st->st_size == 0 &&
	       st->st_uid == geteuid();
}

int pin_look(int dir_fd, const char *name, const char *path, enum ns_type type,
	     enum pin_state *state, int *fd, struct ns_id *id, struct error *e)
{
	cleanup_close int ns =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	*state = PIN_ABSENT;
	*id = (struct ns_id){ 0 };
	if (fd)
		*fd = -1;
	if (ns < 0 && errno == ENOENT)
		return 0;
	if (ns < 0 && (errno == ELOOP || errno == ENXIO))
		return ns_refuse(path, type, e);
	if (ns < 0)
		return error_set(e, errno, "open %s", path);
	switch (ns_look(ns, type, id)) {
	case NS_IS_TYPE:
		*state = PIN_THERE;
		if (fd)
			*fd = take_fd(&ns);
		return 0;
	case NS_IS_NOT:
		if (fstat(ns, &st) == 0 && is_own_mount_point(&st)) {
			*state = PIN_EMPTY;
			return 0;
		}
		break;
	case NS_IS_OTHER:
		break;
	}
	*id = (struct ns_id){ 0 };
	ns_refuse(path, type, e);
	return error_hint(e, "remove it if nothing needs it, or give the pod another name");
}

/* An empty file of any owner. A pinned namespace looks like one too, apart from its file system. */
static bool is_empty_file(int fd, const struct stat *st)
{
	struct statfs fs;

	return S_ISREG(st->st_mode) && st->st_size == 0 && fstatfs(fd, &fs) == 0 &&
	       fs.f_type != NSFS_MAGIC;
}

static int refuse_existing(enum ns_type type, const char *path, struct error *e)
{
	error_set(e, EEXIST, "pin %s at %s", ns_info[type].oci, path);
	return error_hint(e, "it may be a pin, here or in another mount namespace: choose another "
			     "name, or remove it if nothing needs it");
}

/* Open or create the file to mount on. The descriptor stays on the file that was checked. */
static int open_mount_point(int dir_fd, const char *name, const char *path, enum ns_type type,
			    bool any_file, bool *made, struct error *e)
{
	cleanup_close int fd =
		openat(dir_fd, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat st;

	*made = fd >= 0;
	if (*made)
		return take_fd(&fd);
	if (errno != EEXIST)
		return error_set(e, errno, "make mount point %s", path);
	if (!any_file)
		return refuse_existing(type, path, e);
	fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(e, errno, "open mount point %s", path);
	if (is_empty_file(fd, &st))
		return take_fd(&fd);
	return refuse_existing(type, path, e);
}

static void hint_mount_failure(enum ns_type type, struct error *e)
{
	if (e->num == EPERM)
		error_hint(e, "mounting needs CAP_SYS_ADMIN");
	else if (e->num == ENOSPC)
		error_hint(
			e,
			"this mount namespace holds as many mounts as sysctl fs.mount-max allows");
	/*
	 * mnt_ns_loop() in fs/namespace.c: a mount namespace can be bound only in an older one. Age is
	 * compared by number, and Linux 6.18 hands out numbers in batches for each CPU.
	 */
	else if (e->num == EINVAL && type == NS_MNT)
		error_hint(
			e,
			"the kernel refuses one that it numbers as older than the mount namespace that "
			"this runs in; run it in the host's, or on another CPU (taskset)");
}

int ns_bind(int ns_fd, enum ns_type type, int dir_fd, const char *name, const char *path,
	    bool any_file, bool *made, struct error *e)
{
	cleanup_close int point = -1;
	struct fd_path source, target;
	struct ns_id id;

	*made = false;
	if (ns_look(ns_fd, type, &id) != NS_IS_TYPE)
		return error_set(e, 0, "pin %s at %s: the descriptor is not %s %s namespace",
				 ns_info[type].oci, path, ns_info[type].article, ns_info[type].oci);
	point = open_mount_point(dir_fd, name, path, type, any_file, made, e);
	if (point < 0)
		return -1;
	source = fd_path(ns_fd);
	target = fd_path(point);
	if (mount(source.text, target.text, NULL, MS_BIND, NULL) == 0)
		return 0;
	error_set(e, errno, "pin %s at %s", ns_info[type].oci, path);
	hint_mount_failure(type, e);
	if (*made && unlinkat(dir_fd, name, 0) == 0)
		*made = false;
	return -1;
}

int pin_unmount(int dir_fd, const char *name, const char *path, struct error *e)
{
	if (detach(dir_fd, name) < 0 && errno != EINVAL && errno != ENOENT)
		return error_set(e, errno, "unmount %s", path);
	return 0;
}

enum pin_top {
	TOP_NONE,    /* nothing is mounted */
	TOP_OURS,    /* the namespace `id`, or any if id.ino is 0 */
	TOP_FOREIGN, /* another namespace: another program has replaced ours */
};

static int look_at_top(int dir_fd, const char *name, const char *path, enum ns_type type,
		       struct ns_id id, enum pin_top *top, struct error *e)
{
	enum pin_state state;
	struct ns_id found;
	struct stat st;

	*top = TOP_OURS;
	/* The usual case takes one system call: no file outside nsfs has this identity. */
	if (id.ino && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ns_same_pin(ns_id_of(&st), id))
		return 0;
	if (pin_look(dir_fd, name, path, type, &state, NULL, &found, e) < 0)
		return -1;
	if (state != PIN_THERE)
		*top = TOP_NONE;
	else if (id.ino && !ns_same_pin(found, id))
		*top = TOP_FOREIGN;
	return 0;
}

int pin_remove(int dir_fd, const char *name, const char *path, enum ns_type type, struct ns_id id,
	       struct error *e)
{
	enum pin_top top;

	for (int layer = 0; layer < PIN_LAYERS; layer++) {
		if (look_at_top(dir_fd, name, path, type, id, &top, e) < 0)
			return -1;
		if (top == TOP_FOREIGN)
			return 0;
		if (top == TOP_OURS && detach(dir_fd, name) < 0 && errno != EINVAL)
			return error_set(e, errno, "unmount %s", path);
		if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
			return 0;
		/* EBUSY: another mount is left; before Linux 3.18, in any mount namespace. */
		if (errno != EBUSY)
			return error_set(e, errno, "remove %s", path);
	}
	return error_set(e, EBUSY, "remove %s", path);
}
