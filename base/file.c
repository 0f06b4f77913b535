/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"

struct fd_path fd_path(int fd)
{
	struct fd_path p = { "" };

	concat_in(p.text, sizeof(p.text), "/proc/self/fd/", decimal((unsigned)fd).text, NULL);
	return p;
}

int write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;
	ssize_t done;

	while (n) {
		done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

int read_all(int fd, size_t max, struct buf *out)
{
	size_t from = out->len, room;
	ssize_t got;

	for (;;) {
		if (out->cap - out->len < 2 && buf_reserve(out, 1000) < 0)
			return -1;
		/* One byte more than max is read, to see that there is more. */
		room = max + 1 - (out->len - from);
		if (room > out->cap - out->len - 1)
			room = out->cap - out->len - 1;
		got = read(fd, out->data + out->len, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		out->len += (size_t)got;
		out->data[out->len] = '\0';
		if (out->len - from > max) {
			errno = EFBIG;
			return -1;
		}
		if (!got)
			return 0;
	}
}

int read_file_at(int dir_fd, const char *name, size_t max, struct buf *out)
{
	cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return read_all(fd, max, out);
}

int sync_dir(int fd)
{
	return fsync(fd) < 0 && errno != EINVAL ? -1 : 0;
}

int replace_file_at(int dir_fd, const char *name, const void *bytes, size_t n, bool sync)
{
	cleanup_close int fd = -1;
	cleanup_free char *tmp = concat(".", name, ".new", NULL);
	int saved;

	if (!tmp)
		return -1;
	/* O_TRUNC: a killed run may have left one. Writers hold the directory's lock. */
	fd = openat(dir_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (write_all(fd, bytes, n) == 0 && (!sync || fsync(fd) == 0) &&
	    renameat(dir_fd, tmp, dir_fd, name) == 0)
		return sync ? sync_dir(dir_fd) : 0;
	saved = errno;
	unlinkat(dir_fd, tmp, 0);
	errno = saved;
	return -1;
}

static int check_own_dir(int fd, const char *path, struct error *e)
{
	/* The effective uid at execve(2), without a system call. */
	uid_t uid = (uid_t)getauxval(AT_EUID);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "stat %s", path);
	if (st.st_uid != uid)
		return error_set(e, 0, "directory %s belongs to uid %u, not to us (uid %u)", path,
				 st.st_uid, uid);
	if (!(st.st_mode & 022))
		return 0;
	error_set(e, 0, "directory %s may be written to by others (mode %04o)", path,
		  st.st_mode & 07777);
	return error_hint(e, "chmod go-w %s", path);
}

/* Reports errno. With O_NOFOLLOW and O_DIRECTORY, open(2) says ENOTDIR of a symbolic link. */
static void refuse_dir(int dir_fd, const char *name, const char *path, struct error *e)
{
	struct stat st;

	error_set(e, errno, "open directory %s", path);
	if (e->num == ENOTDIR && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		error_hint(e, "it is a symbolic link, and is not followed");
}

int open_own_dir(int dir_fd, const char *name, mode_t make, const char *path, bool *made,
		 struct error *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	cleanup_close int fd = -1;
	bool created = false;

	/* Another process may remove the directory between the two calls. */
	for (int tries = 0; tries < 16; tries++) {
		fd = openat(dir_fd, name, flags);
		if (fd >= 0 || errno != ENOENT || !make)
			break;
		if (mkdirat(dir_fd, name, make) == 0)
			created = true;
		else if (errno != EEXIST)
			return error_set(e, errno, "make directory %s", path);
	}
	if (made)
		*made = created;
	if (fd < 0)
		refuse_dir(dir_fd, name, path, e);
	if (fd >= 0 && check_own_dir(fd, path, e) == 0)
		return take_fd(&fd);
	if (created)
		unlinkat(dir_fd, name, AT_REMOVEDIR);
	return -1;
}

time_t clock_seconds(clockid_t clock)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now);
	return now.tv_sec;
}

static void on_alarm(int sig)
{
	(void)sig; /* the signal only has to interrupt flock(2) */
}

/* flock(2) has no timeout: on_alarm() interrupts it once a second. */
static int lock_until(int fd, time_t until)
{
	while (flock(fd, LOCK_EX) < 0) {
		int saved = errno;

		if (saved != EINTR || clock_seconds(CLOCK_MONOTONIC) >= until) {
			errno = saved == EINTR ? ETIMEDOUT : saved;
			return -1;
		}
	}
	return 0;
}

static int lock_with_alarm(int fd, time_t until)
{
	/* The timer repeats, because a signal just before flock(2) sleeps does not interrupt it. */
	const struct itimerval on = { .it_value.tv_sec = 1, .it_interval.tv_sec = 1 };
	const struct itimerval off = { 0 };
	struct sigaction alarm = { .sa_handler = on_alarm }, old;
	sigset_t set, mask;
	int r = -1;

	/* The parent process may have blocked the signal. */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	if (sigaction(SIGALRM, &alarm, &old) < 0 || sigprocmask(SIG_UNBLOCK, &set, &mask) < 0)
		return -1;
	if (setitimer(ITIMER_REAL, &on, NULL) == 0)
		r = lock_until(fd, until);
	setitimer(ITIMER_REAL, &off, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGALRM, &old, NULL);
	return r;
}

int lock_bounded(int fd, const char *what, struct lock_wait *wait, struct error *e)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK && errno != EINTR)
		return error_set(e, errno, "lock %s", what);
	if (!wait->until)
		wait->until = clock_seconds(CLOCK_MONOTONIC) + wait->seconds;
	if (lock_with_alarm(fd, wait->until) == 0)
		return 0;
	error_set(e, errno, "lock %s", what);
	if (e->num == ETIMEDOUT)
		error_hint(e, "another process holds the lock: fuser(1) shows which have %s open",
			   what);
	return -1;
}

bool is_still_there(int dir_fd, const char *name, int fd)
{
	struct stat held, now;

	return fstat(fd, &held) == 0 && fstatat(dir_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == now.st_dev && held.st_ino == now.st_ino;
}

/* The number of retries if the directory is removed or replaced while we wait for its lock. */
#define LOCK_TRIES 1000

int lock_own_dir(int dir_fd, const char *name, mode_t make, const char *path,
		 struct lock_wait *wait, struct error *e)
{
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		bool made = false;
		cleanup_close int fd = open_own_dir(dir_fd, name, make, path, &made, e);

		if (fd < 0)
			return -1;
		if (lock_bounded(fd, path, wait, e) < 0) {
			/* After a timeout the holder of the lock may be about to use the directory. */
			if (made && e->num != ETIMEDOUT)
				unlinkat(dir_fd, name, AT_REMOVEDIR);
			return -1;
		}
		if (is_still_there(dir_fd, name, fd))
			return take_fd(&fd);
	}
	return error_set(e, EBUSY, "lock %s", path);
}

int remove_own_dir(int dir_fd, const char *name, int fd, const char *leftover)
{
	int r = unlinkat(dir_fd, name, AT_REMOVEDIR);

	if (r < 0 && errno == ENOTEMPTY) {
		if (unlinkat(fd, leftover, 0) == 0)
			r = unlinkat(dir_fd, name, AT_REMOVEDIR);
		else
			errno = ENOTEMPTY; /* unlinkat() may have said ENOENT */
	}
	return r < 0 && errno != ENOENT ? -1 : 0;
}

bool parse_u64(const char *s, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;
	unsigned digit;

	if (!*s)
		return false;
	for (; *s; s++) {
		digit = (unsigned)(unsigned char)*s - '0';
		if (digit > 9 || digit > max || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value = v;
	return true;
}

bool parse_with_unit(const char *text, const char *units, uint64_t *value, int *unit)
{
	size_t digits = strspn(text, "0123456789");
	const char *letter = text + digits, *found = NULL;
	char number[24];

	if (*letter && !letter[1])
		found = strchr(units, tolower((unsigned char)*letter));
	if (!digits || (*letter && !found))
		return false;
	*unit = found ? (int)(found - units) : -1;
	*value = UINT64_MAX;
	if (digits >= sizeof(number))
		return true;
	memcpy(number, text, digits);
	number[digits] = '\0';
	parse_u64(number, UINT64_MAX, value);
	return true;
}

DIR *open_dir_stream(int dir_fd, const char *name)
{
	cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		take_fd(&fd);
	return dir;
}

struct dirent *read_entry(DIR *dir)
{
	errno = 0;
	return readdir(dir);
}
