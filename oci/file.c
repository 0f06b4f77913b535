/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "oci/config.h"

#define CONFIG "config.json"
#define TEMPORARY ".config.json.podns"
#define ACL "system.posix_acl_access"

static int read_up_to(int fd, const struct stat *st, const char *what, size_t max, struct buf *out,
		      struct error *e)
{
	/* A pipe does not tell its length: 16 KiB for a config, 1 for a state. */
	uintmax_t expected = S_ISREG(st->st_mode) ? (uintmax_t)st->st_size : max / 1024;
	size_t had = out->len;

	if (expected <= max) {
		if (buf_reserve(out, (size_t)expected + 1) < 0)
			return error_nomem(e);
		if (read_all(fd, max, out) == 0)
			return out->len > had ? 0 : error_set(e, 0, "%s: is empty", what);
		if (errno != EFBIG)
			return error_set(e, errno, "read %s", what);
	}
	return error_set(e, 0, "%s: larger than %zu bytes", what, max);
}

int read_document(int fd, const char *what, size_t max, struct buf *out, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "read %s", what);
	return read_up_to(fd, &st, what, max, out, e);
}

int bundle_open(const char *bundle, struct error *e)
{
	int fd = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_set(e, errno, "open bundle %s", bundle) : fd;
}

static char *config_name(const char *bundle)
{
	size_t len = strlen(bundle);

	return concat(bundle, len && bundle[len - 1] == '/' ? "" : "/", CONFIG, NULL);
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

static int refuse_irregular(const char *name, mode_t mode, struct error *e)
{
	error_set(e, 0, "%s is %s, not a regular file", name, kind_of(mode));
	e->num = S_ISLNK(mode) ? ELOOP : EINVAL;
	return -1;
}

/* O_NONBLOCK: open(2) of a FIFO would wait for a writer. A socket cannot be opened at all. */
static int open_config(int bundle_fd, const char *name, struct stat *st, struct error *e)
{
	int fd = openat(bundle_fd, CONFIG, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int num = errno;

	if (fd < 0) {
		if (!fstatat(bundle_fd, CONFIG, st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st->st_mode))
			return refuse_irregular(name, st->st_mode, e);
		return error_set(e, num, "read %s", name);
	}
	if (fstat(fd, st) < 0)
		error_set(e, errno, "read %s", name);
	else if (!S_ISREG(st->st_mode))
		refuse_irregular(name, st->st_mode, e);
	else
		return fd;
	close(fd);
	return -1;
}

int bundle_read_config(int bundle_fd, const char *bundle, struct buf *out, struct stat *st,
		       struct error *e)
{
	cleanup_free char *name = config_name(bundle);
	cleanup_close int fd = -1;

	if (!name)
		return error_nomem(e);
	fd = open_config(bundle_fd, name, st, e);
	if (fd < 0)
		return -1;
	return read_up_to(fd, st, name, CONFIG_SIZE_MAX, out, e);
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       is_same_time(a->st_mtim, b->st_mtim) && is_same_time(a->st_ctim, b->st_ctim);
}

bool bundle_config_is(int bundle_fd, const struct stat *old)
{
	struct stat now;

	return fstatat(bundle_fd, CONFIG, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       is_unchanged(&now, old);
}

static int changed_meanwhile(const char *name, struct error *e)
{
	error_set(e, 0, "%s was changed by somebody else meanwhile", name);
	e->num = ESTALE;
	return -1;
}

/* The errors of file systems without extended attributes. */
static bool lacks_xattrs(int num)
{
	return num == ENOTSUP || num == ENOSYS;
}

/* The length of *value, which is allocated: an attribute, or all their names if name is NULL. */
static ssize_t get_xattr(int fd, const char *name, char **value)
{
	ssize_t n;

	for (;;) {
		n = name ? fgetxattr(fd, name, NULL, 0) : flistxattr(fd, NULL, 0);
		if (n < 0)
			return -1;
		*value = malloc((size_t)n + 1);
		if (!*value)
			return -1;
		/* A size of 0 would only ask for the length again. */
		n = name ? fgetxattr(fd, name, *value, (size_t)n + 1)
			 : flistxattr(fd, *value, (size_t)n + 1);
		if (n >= 0 || errno != ERANGE)
			return n;
		free(take_ptr(value));
	}
}

/* A security module may forbid setting an attribute that it has given the new file itself. */
static bool has_xattr(int fd, const char *name, const char *value, size_t len)
{
	cleanup_free char *present = NULL;
	ssize_t n = get_xattr(fd, name, &present);

	return n >= 0 && (size_t)n == len && !memcmp(present, value, len);
}

static int copy_xattr(int from, int to, const char *name)
{
	cleanup_free char *value = NULL;
	ssize_t len = get_xattr(from, name, &value);
	int num;

	if (len < 0)
		return lacks_xattrs(errno) || errno == ENODATA ? 0 : -1;
	if (fsetxattr(to, name, value, (size_t)len, 0) == 0 || lacks_xattrs(errno))
		return 0;
	num = errno;
	if (has_xattr(to, name, value, (size_t)len))
		return 0;
	errno = num;
	return -1;
}

static int copy_xattrs(int from, int to, const char *config, struct error *e)
{
	cleanup_free char *names = NULL;
	ssize_t len = get_xattr(from, NULL, &names);
	bool has_acl = false;

	if (len < 0 && !lacks_xattrs(errno))
		return error_set(e, errno, "read extended attributes of %s", config);
	for (char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
		if (copy_xattr(from, to, name) < 0)
			return error_set(e, errno, "copy extended attribute %s of %s", name,
					 config);
		has_acl |= !strcmp(name, ACL);
	}
	/* The directory's default ACL may have given the new file one. */
	if (!has_acl && fremovexattr(to, ACL) < 0 && errno != ENODATA && !lacks_xattrs(errno))
		return error_set(e, errno, "remove extended attribute " ACL " of %s", config);
	return 0;
}

/* The mode is set last: chown(2) clears set-id bits, and an ACL changes the group's bits (acl(5)). */
static int copy_attributes(int from, int to, const struct stat *old, const char *name,
			   struct error *e)
{
	struct stat st;

	if (fstat(to, &st) < 0)
		return error_set(e, errno, "write %s", name);
	/* Not if it is right already: the user namespace may have no mapping for this owner. */
	if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid) &&
	    fchown(to, old->st_uid, old->st_gid) < 0)
		return error_set(e, errno, "set owner of new %s", name);
	if (copy_xattrs(from, to, name, e) < 0)
		return -1;
	if (fchmod(to, old->st_mode & 07777) < 0)
		return error_set(e, errno, "set mode of new %s", name);
	return 0;
}

static int sync_fd(int fd)
{
	int ret;

	do
		ret = fsync(fd);
	while (ret < 0 && errno == EINTR);
	return ret;
}

void bundle_remove_temporary(int bundle_fd)
{
	unlinkat(bundle_fd, TEMPORARY, 0);
}

struct replacement {
	int bundle_fd;
	const char *name; /* of config.json, in messages */
	const struct stat *old;
	const char *text;
	size_t len;
};

static int open_replaced(const struct replacement *r, struct error *e)
{
	struct stat st;
	int fd = open_config(r->bundle_fd, r->name, &st, e);

	if (fd < 0 || is_unchanged(&st, r->old))
		return fd;
	close(fd);
	return changed_meanwhile(r->name, e);
}

/* fd is open on the temporary file, whose name must still refer to it. */
static int rename_temporary(const struct replacement *r, int fd, struct error *e)
{
	struct stat now, ours, there;

	if (fstatat(r->bundle_fd, CONFIG, &now, AT_SYMLINK_NOFOLLOW) < 0 || fstat(fd, &ours) < 0 ||
	    fstatat(r->bundle_fd, TEMPORARY, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(e, errno, "write %s", r->name);
	if (!is_unchanged(&now, r->old) || ours.st_ino != there.st_ino)
		return changed_meanwhile(r->name, e);
	if (renameat(r->bundle_fd, TEMPORARY, r->bundle_fd, CONFIG) < 0)
		return error_set(e, errno, "write %s", r->name);
	return 0;
}

static int fill_and_rename(const struct replacement *r, int old_fd, int fd, struct error *e)
{
	/* write(2) clears set-id bits and capabilities, so the attributes are copied after it. */
	if (write_all(fd, r->text, r->len) < 0)
		return error_set(e, errno, "write %s", r->name);
	if (copy_attributes(old_fd, fd, r->old, r->name, e) < 0)
		return -1;
	if (sync_fd(fd) < 0)
		return error_set(e, errno, "write %s", r->name);
	return rename_temporary(r, fd, e);
}

static int make_temporary(const struct replacement *r, struct error *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(r->bundle_fd, TEMPORARY, flags, 0600);

	/* Only the holder of the bundle's lock makes it, so a killed run has left it. */
	if (fd < 0 && errno == EEXIST) {
		if (unlinkat(r->bundle_fd, TEMPORARY, 0) < 0 && errno != ENOENT)
			return error_set(e, errno, "write %s: remove " TEMPORARY, r->name);
		fd = openat(r->bundle_fd, TEMPORARY, flags, 0600);
	}
	if (fd >= 0)
		return fd;
	error_set(e, errno, "write %s", r->name);
	return e->num == EROFS ? error_hint(e, "config.json has to be edited: copy the bundle to a "
					       "directory that is writable")
			       : -1;
}

static int replace_config(const struct replacement *r, struct error *e)
{
	cleanup_close int old_fd = -1, fd = -1;

	old_fd = open_replaced(r, e);
	if (old_fd < 0)
		return -1;
	fd = make_temporary(r, e);
	if (fd < 0)
		return -1;
	if (fill_and_rename(r, old_fd, fd, e) < 0) {
		unlinkat(r->bundle_fd, TEMPORARY, 0);
		return -1;
	}
	/* If the directory cannot be synced, a power cut may bring back the old file, which is whole. */
	sync_fd(r->bundle_fd);
	return 0;
}

int bundle_write_config(int bundle_fd, const char *bundle, const struct stat *old, const char *text,
			size_t len, struct error *e)
{
	cleanup_free char *name = config_name(bundle);
	struct replacement r = { bundle_fd, name, old, text, len };

	if (!name)
		return error_nomem(e);
	return replace_config(&r, e);
}
