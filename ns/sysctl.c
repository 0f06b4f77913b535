/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define KEY_MAX 1024
/* proc_sys_call_handler() in the kernel refuses a write of a page or more. */
#define VALUE_MAX 4095

#define DOMAINNAME "kernel/domainname"

/*
 * What lives in a namespace. A pattern that ends in '/' takes everything below it. The ipc
 * keys are ipc_sysctls[] of ipc/ipc_sysctl.c and mq_sysctls[] of ipc/mq_sysctl.c; the list
 * is runtime-spec's and runc's, too.
 */
static const struct {
	const char *pattern;
	enum ns_type type;
	bool trusted_only;
} known[] = {
	{ "net/", NS_NET, false },
	{ "kernel/msgmax", NS_IPC, false },
	{ "kernel/msgmnb", NS_IPC, false },
	{ "kernel/msgmni", NS_IPC, false },
	{ "kernel/sem", NS_IPC, false },
	{ "kernel/shmall", NS_IPC, false },
	{ "kernel/shmmax", NS_IPC, false },
	{ "kernel/shmmni", NS_IPC, false },
	{ "kernel/shm_rmid_forced", NS_IPC, false },
	{ "fs/mqueue/", NS_IPC, false },
	{ DOMAINNAME, NS_UTS, false },
	{ "user/", NS_USER, true },
};

static int check_text(const char *key, const char *value, struct error *e)
{
	if (strlen(key) > KEY_MAX)
		return error_set(e, 0, "sysctl key %.64s...: longer than %d bytes", key, KEY_MAX);
	for (const unsigned char *p = (const unsigned char *)key; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return error_set(e, 0, "sysctl key '%s': only printable ASCII without spaces "
					 "is accepted", key);
	if (!*value)
		return error_set(e, 0, "sysctl %s: the value is empty", key);
	if (strlen(value) > VALUE_MAX)
		return error_set(e, 0, "sysctl %s: the value is longer than %d bytes", key,
				 VALUE_MAX);
	return 0;
}

/* sysctl(8): the first separator that appears is the one in use, the other one is turned round. */
static void turn_separators(char *path)
{
	char *first = strpbrk(path, "./");

	if (!first || *first == '/')
		return;
	for (char *p = path; *p; p++) {
		if (*p == '.')
			*p = '/';
		else if (*p == '/')
			*p = '.';
	}
}

static int check_components(const char *key, const char *path, struct error *e)
{
	size_t n;

	for (const char *p = path;; p += n + 1) {
		n = strcspn(p, "/");
		if (!n || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return error_set(e, 0, "sysctl %s: empty, '.' and '..' components are refused",
					 key);
		if (!p[n])
			return 0;
	}
}

static bool matches(const char *path, const char *pattern)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '/')
		return !strncmp(path, pattern, n);
	return !strcmp(path, pattern);
}

static int find_type(struct sysctl *s, struct error *e)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!matches(s->path, known[i].pattern))
			continue;
		if (known[i].trusted_only && !s->trusted)
			return error_set(e, 0, "sysctl %s: is accepted from --sysctl alone", s->key);
		s->type = known[i].type;
		return 0;
	}
	error_set(e, 0, "sysctl %s: does not live in a namespace, it would change the host", s->key);
	return error_hint(e, "accepted are net.*, kernel.{msg*,sem,shm*} and fs.mqueue.* (ipc), "
			  "kernel.domainname (uts)");
}

int sysctl_check(const char *key, const char *value, bool trusted, struct arena *a,
		 struct sysctl *s, struct error *e)
{
	char *path;

	if (check_text(key, value, e) < 0)
		return -1;
	path = arena_strndup(a, key, strlen(key));
	if (!path)
		return error_nomem(e);
	turn_separators(path);
	*s = (struct sysctl){ .path = path, .key = key, .value = value, .trusted = trusted };
	if (check_components(key, path, e) < 0 || find_type(s, e) < 0)
		return -1;
	if (!strcmp(path, DOMAINNAME) && strlen(value) > 64)
		return error_set(e, 0, "sysctl %s: longer than 64 bytes", key);
	return 0;
}

int sysctl_check_pair(const char *pair, bool trusted, struct arena *a, struct sysctl *s,
		      struct error *e)
{
	const char *eq = strchr(pair, '=');
	char *key;

	if (!eq || eq == pair)
		return error_set(e, 0, "sysctl '%.200s': expected KEY=VALUE", pair);
	key = arena_strndup(a, pair, (size_t)(eq - pair));
	if (!key)
		return error_nomem(e);
	return sysctl_check(key, eq + 1, trusted, a, s, e);
}

static int open_proc_sys(struct error *e)
{
	cleanup_close int fd = open("/proc/sys", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return error_set(e, errno, "open /proc/sys");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return error_set(e, 0, "/proc/sys is not procfs");
	return take_fd(&fd);
}

/* By what /proc/self/fdinfo tells of it: proc(5), since Linux 3.15. */
static bool mount_of(int fd, uint64_t *id)
{
	cleanup_buf struct buf text = { 0 };
	char path[64], *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (read_file_at(AT_FDCWD, path, 4096, &text) < 0)
		return false;
	line = strstr(text.data, "mnt_id:");
	if (!line)
		return false;
	line += strlen("mnt_id:");
	line += strspn(line, "\t ");
	line[strcspn(line, "\n")] = '\0';
	return parse_u64(line, UINT64_MAX, id);
}

/* The rules of openat2() below, for kernels before 5.6: a component at a time. */
static int open_by_components(int base, const char *path, int flags)
{
	cleanup_close int dir = fcntl(base, F_DUPFD_CLOEXEC, 3);
	uint64_t mount, base_mount;
	char name[256];
	size_t n;
	int next;

	if (dir < 0 || !mount_of(base, &base_mount)) {
		errno = EXDEV;
		return -1;
	}
	for (;; path += n + 1) {
		n = strcspn(path, "/");
		if (n >= sizeof(name)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, n);
		name[n] = '\0';
		next = openat(dir, name, O_NOFOLLOW | O_CLOEXEC |
			      (path[n] ? O_PATH | O_DIRECTORY : flags));
		if (next < 0)
			return -1;
		close(dir);
		dir = next;
		/* /proc/sys/kernel bound over /proc/sys/net is on the same device. */
		if (!mount_of(dir, &mount) || mount != base_mount) {
			errno = EXDEV;
			return -1;
		}
		if (!path[n])
			return take_fd(&dir);
	}
}

static int open_beneath(int base, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, base, path, &how, sizeof(how));

	/* EPERM: seccomp filters of container managers older than the call answer that. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_by_components(base, path, flags);
	return fd;
}

static int open_file(const struct sysctl *s, int flags, struct error *e)
{
	cleanup_close int base = open_proc_sys(e), fd = -1;
	struct statfs fs;

	if (base < 0)
		return -1;
	fd = open_beneath(base, s->path, flags);
	if (fd < 0)
		return error_set(e, errno, "sysctl %s: open /proc/sys/%s", s->key, s->path);
	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return error_set(e, 0, "sysctl %s: /proc/sys/%s is not procfs", s->key, s->path);
	return take_fd(&fd);
}

/* One that cannot be read (net.ipv4.route.flush) cannot be put back either. */
static void read_old(const struct sysctl *s, struct buf *old)
{
	struct error ignored;
	cleanup_close int fd = open_file(s, O_RDONLY, &ignored);

	if (fd < 0 || read_all(fd, VALUE_MAX, old) < 0)
		old->len = 0;
}

static int write_file(const struct sysctl *s, const char *value, size_t len, struct error *e)
{
	cleanup_close int fd = open_file(s, O_WRONLY, e);
	ssize_t n;

	if (fd < 0)
		return -1;
	do
		n = write(fd, value, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(e, errno, "sysctl %s: write '%s'", s->key, value);
	if ((size_t)n != len)
		return error_set(e, 0, "sysctl %s: the kernel took only a part of '%s'", s->key,
				 value);
	return 0;
}

static int set_domainname(const struct sysctl *s, const char *value, size_t len, struct error *e)
{
	if (setdomainname(value, len) == 0)
		return 0;
	return error_set(e, errno, "sysctl %s: set it to '%s'", s->key, value);
}

int sysctl_write(const struct sysctl *s, struct buf *old, struct error *e)
{
	if (old)
		read_old(s, old);
	if (!strcmp(s->path, DOMAINNAME))
		return set_domainname(s, s->value, strlen(s->value), e);
	return write_file(s, s->value, strlen(s->value), e);
}

int sysctl_restore(const struct sysctl *s, const struct buf *old, struct error *e)
{
	if (!old->len)
		return 0;
	if (!strcmp(s->path, DOMAINNAME))
		return set_domainname(s, old->data, strcspn(old->data, "\n"), e);
	return write_file(s, old->data, old->len, e);
}
