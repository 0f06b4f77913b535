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

static int too_large(const char *what, size_t max, struct error *e)
{
	return error_set(e, 0, "%s: larger than %zu bytes", what, max);
}

static int read_up_to(int fd, const struct stat *st, const char *what, size_t max, struct buf *out,
		      struct error *e)
{
	/* A pipe does not tell how much is to come: 16 KiB for a config, 1 for a state. */
	size_t had = out->len, room = max / 1024, want;
	ssize_t n;

	if (S_ISREG(st->st_mode) && st->st_size > 0 && (uintmax_t)st->st_size > max)
		return too_large(what, max, e);
	/* One more, so that the end is seen without growing. */
	if (S_ISREG(st->st_mode))
		room = (size_t)st->st_size + 1;
	for (;;) {
		if (buf_reserve(out, room) < 0)
			return error_nomem(e);
		want = out->cap - out->len - 1;
		if (want > max - (out->len - had) + 1)
			want = max - (out->len - had) + 1;
		n = read(fd, out->data + out->len, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(e, errno, "read %s", what);
		if (!n)
			break;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len - had > max)
			return too_large(what, max, e);
		/* All that the file said it has, and it had room for more. */
		if (S_ISREG(st->st_mode) && out->len - had == (size_t)st->st_size &&
		    (size_t)n < want)
			break;
		room = 1;
	}
	if (out->len == had)
		return error_set(e, 0, "%s: is empty", what);
	return 0;
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

static int not_regular(const char *name, mode_t mode, struct error *e)
{
	error_set(e, 0, "%s is %s, not a regular file", name, kind_of(mode));
	e->num = S_ISLNK(mode) ? ELOOP : EINVAL;
	return -1;
}

/* O_NONBLOCK: a FIFO must not hold us up. A socket or a dead device cannot be opened at all. */
static int open_config(int bundle_fd, const char *name, struct stat *st, struct error *e)
{
	int fd = openat(bundle_fd, CONFIG, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int num = errno;

	if (fd < 0) {
		if (!fstatat(bundle_fd, CONFIG, st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st->st_mode))
			return not_regular(name, st->st_mode, e);
		return error_set(e, num, "read %s", name);
	}
	if (fstat(fd, st) < 0)
		error_set(e, errno, "read %s", name);
	else if (!S_ISREG(st->st_mode))
		not_regular(name, st->st_mode, e);
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

/* Errors of file systems that have no extended attributes. */
static bool lacks_xattrs(int num)
{
	return num == ENOTSUP || num == ENOSYS;
}

/* The names, each with its NUL; -1 with errno. */
static ssize_t list_xattrs(int fd, char **names)
{
	ssize_t n;

	for (;;) {
		n = flistxattr(fd, NULL, 0);
		if (n <= 0)
			return n == 0 || lacks_xattrs(errno) ? 0 : -1;
		*names = malloc((size_t)n + 1);
		if (!*names)
			return -1;
		n = flistxattr(fd, *names, (size_t)n);
		if (n >= 0 || errno != ERANGE)
			return n;
		free(take_ptr(names));
	}
}

/* The value in an allocation; -1 with errno. */
static ssize_t get_xattr(int fd, const char *name, char **value)
{
	ssize_t n;

	for (;;) {
		n = fgetxattr(fd, name, NULL, 0);
		if (n < 0)
			return -1;
		*value = malloc((size_t)n + 1);
		if (!*value)
			return -1;
		n = fgetxattr(fd, name, *value, (size_t)n);
		if (n >= 0 || errno != ERANGE)
			return n;
		free(take_ptr(value));
	}
}

/* A security module may forbid us to set what the new file was born with. */
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
	ssize_t len = list_xattrs(from, &names);
	bool has_acl = false;

	if (len < 0)
		return error_set(e, errno, "read extended attributes of %s", config);
	for (char *name = names; len && name < names + len; name += strlen(name) + 1) {
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

/* chown clears set-id bits, and an ACL's mask is the group's bits: the mode comes last. */
static int copy_attributes(int from, int to, const struct stat *old, const char *name,
			   struct error *e)
{
	struct stat st;

	if (fstat(to, &st) < 0)
		return error_set(e, errno, "write %s", name);
	/* Only if need be: in a user namespace its owner may have no name. */
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

static int open_old(const struct replacement *r, struct error *e)
{
	struct stat st;
	int fd = open_config(r->bundle_fd, r->name, &st, e);

	if (fd < 0 || is_unchanged(&st, r->old))
		return fd;
	close(fd);
	return changed_meanwhile(r->name, e);
}

/* fd: the temporary file, which must be the one of its name still. */
static int put_in_place(const struct replacement *r, int fd, struct error *e)
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
	/* A write clears set-id bits and capabilities: attributes come behind it. */
	if (write_all(fd, r->text, r->len) < 0)
		return error_set(e, errno, "write %s", r->name);
	if (copy_attributes(old_fd, fd, r->old, r->name, e) < 0)
		return -1;
	if (sync_fd(fd) < 0)
		return error_set(e, errno, "write %s", r->name);
	return put_in_place(r, fd, e);
}

static int make_temporary(const struct replacement *r, struct error *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(r->bundle_fd, TEMPORARY, flags, 0600);

	/* A killed run left it: who holds the bundle's lock is the only one to make it. */
	if (fd < 0 && errno == EEXIST) {
		if (unlinkat(r->bundle_fd, TEMPORARY, 0) < 0 && errno != ENOENT)
			return error_set(e, errno, "write %s: remove " TEMPORARY, r->name);
		fd = openat(r->bundle_fd, TEMPORARY, flags, 0600);
	}
	return fd < 0 ? error_set(e, errno, "write %s", r->name) : fd;
}

static int replace(const struct replacement *r, struct error *e)
{
	cleanup_close int old_fd = -1, fd = -1;

	old_fd = open_old(r, e);
	if (old_fd < 0)
		return -1;
	fd = make_temporary(r, e);
	if (fd < 0)
		return -1;
	if (fill_and_rename(r, old_fd, fd, e) < 0) {
		unlinkat(r->bundle_fd, TEMPORARY, 0);
		return -1;
	}
	/*
	 * The new file is in its place. Where the directory cannot be synced
	 * (some file systems never can), a power cut may bring the old one
	 * back: whole, too. There is nothing to undo.
	 */
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
	return replace(&r, e);
}
