/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/nsfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

struct ns_id ns_id_of(const struct stat *st)
{
	return (struct ns_id){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.born = (uint64_t)st->st_ctim.tv_sec * UINT64_C(1000000000) +
			(uint64_t)st->st_ctim.tv_nsec,
	};
}

/* The kernel has one nsfs, whose device number no other file system ever gets. */
static bool is_on_nsfs(int fd, dev_t dev)
{
	static dev_t nsfs = (dev_t)-1; /* none yet */
	struct statfs fs;

	if (dev == nsfs)
		return true;
	if (fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
		return false;
	nsfs = dev;
	return true;
}

enum ns_kind ns_look(int fd, enum ns_type type, struct ns_id *id)
{
	struct stat st;
	int flag;

	*id = (struct ns_id){ 0 };
	if (fstat(fd, &st) < 0 || !is_on_nsfs(fd, st.st_dev))
		return NS_IS_NOT;
	flag = ioctl(fd, NS_GET_NSTYPE);
	if (flag < 0)
		return NS_IS_NOT;
	*id = ns_id_of(&st);
	return flag == ns_info[type].flag ? NS_IS_TYPE : NS_IS_OTHER;
}

int ns_refuse(const char *path, enum ns_type type, struct error *e)
{
	return error_set(e, 0, "%s is not %s %s namespace", path, ns_info[type].article,
			 ns_info[type].oci);
}

int ns_open_path(const char *path, enum ns_type type, struct ns_id *id, struct error *e)
{
	cleanup_close int place = -1, fd = -1;
	struct statfs fs;

	/* O_PATH first: a config may name any file, and opening a device or FIFO has effects. */
	place = open(path, O_PATH | O_CLOEXEC);
	if (place < 0)
		return error_set(e, errno, "open %s namespace %s", ns_info[type].oci, path);
	if (fstatfs(place, &fs) < 0 || fs.f_type != NSFS_MAGIC)
		return ns_refuse(path, type, e);
	fd = open(fd_path(place).text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(e, errno, "open %s namespace %s", ns_info[type].oci, path);
	if (ns_look(fd, type, id) != NS_IS_TYPE)
		return ns_refuse(path, type, e);
	return take_fd(&fd);
}

int ns_open_own(enum ns_type type, struct error *e)
{
	char path[64];
	int fd;

	concat_in(path, sizeof(path), "/proc/self/ns/", ns_info[type].proc, NULL);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_set(e, errno, "open %s", path) : fd;
}

static int own_id(const char *name, struct ns_id *id, struct error *e)
{
	char path[64];
	struct stat st;

	concat_in(path, sizeof(path), "/proc/self/ns/", name, NULL);
	if (stat(path, &st) < 0)
		return error_set(e, errno, "stat %s", path);
	*id = ns_id_of(&st);
	return 0;
}

int ns_own_id(enum ns_type type, struct ns_id *id, struct error *e)
{
	/* Not ns_info.proc, which for time is the namespace of future children. */
	return own_id(ns_info[type].brief, id, e);
}

int ns_own_pidns(struct ns_id *id, struct error *e)
{
	return own_id("pid", id, e);
}

int ns_owner(int fd, struct ns_id *owner, struct error *e)
{
	cleanup_close int user = ioctl(fd, NS_GET_USERNS);
	struct stat st;

	*owner = (struct ns_id){ 0 };
	if (user < 0 && errno == EPERM)
		return 0;
	if (user < 0 || fstat(user, &st) < 0)
		return error_set(e, errno, "get the user namespace that owns a namespace");
	*owner = ns_id_of(&st);
	return 0;
}

bool process_is_gone(int num)
{
	return num == ENOENT || num == ESRCH;
}

struct proc_stat {
	char state;
	uint64_t threads, start;
};

/* proc(5): fields 3, 20 and 22. */
static int parse_stat(const char *text, struct proc_stat *st)
{
	const char *p = strrchr(text, ')'); /* the command's name may hold anything */
	char *end;

	if (!p || p[1] != ' ')
		return -1;
	st->state = p[2];
	p += 2;
	for (int field = 3; field < 22; field++) {
		p = strchr(p, ' ');
		if (!p)
			return -1;
		p++;
		if (field + 1 == 20)
			st->threads = strtoull(p, NULL, 10);
	}
	st->start = strtoull(p, &end, 10);
	return end == p ? -1 : 0;
}

/* State Z with other threads means that only the first thread has ended. */
static bool is_dead(const struct proc_stat *st)
{
	return st->state == 'X' || st->state == 'x' || (st->state == 'Z' && st->threads <= 1);
}

static int read_stat(int dir_fd, const char *name, struct proc_stat *st)
{
	cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t n;

	if (fd < 0)
		return -1;
	do
		n = read(fd, text, sizeof(text) - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	text[n] = '\0';
	if (parse_stat(text, st) < 0) {
		errno = EPROTO;
		return -1;
	}
	return 0;
}

int process_hold(pid_t pid, struct process *p, struct error *e)
{
	struct proc_stat st;
	char name[32];

	*p = (struct process){ .pid = pid, .pidfd = -1, .procfd = -1 };
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd < 0 && errno == ESRCH)
		return error_set(e, 0, "process %d does not exist", pid);
	if (p->pidfd < 0 && errno != ENOSYS && errno != EPERM)
		return error_set(e, errno, "open a pidfd of process %d", pid);
	concat_in(name, sizeof(name), "/proc/", decimal((uint64_t)pid).text, NULL);
	p->procfd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->procfd < 0 || read_stat(p->procfd, "stat", &st) < 0) {
		if (process_is_gone(errno))
			error_set(e, 0, "process %d does not exist", pid);
		else
			error_set(e, errno, "read /proc/%d/stat", pid);
		process_release(p);
		return -1;
	}
	p->start = st.start;
	if (st.state == 'Z' || is_dead(&st) || !process_lives(p)) {
		process_release(p);
		return error_set(e, 0,
				 st.threads > 1 ? "process %d: its first thread has ended, and "
						  "/proc shows only that thread's namespaces"
						: "process %d is dead",
				 pid);
	}
	return 0;
}

void process_release(struct process *p)
{
	cleanup_closep(&p->pidfd);
	cleanup_closep(&p->procfd);
	*p = (struct process)PROCESS_NONE;
}

bool process_lives(const struct process *p)
{
	struct pollfd poll_fd = { .fd = p->pidfd, .events = POLLIN };
	struct proc_stat st;

	/* A pidfd becomes readable when its process ends: pidfd_open(2). */
	if (p->pidfd >= 0)
		return poll(&poll_fd, 1, 0) == 0;
	return read_stat(p->procfd, "stat", &st) == 0 && !is_dead(&st);
}

bool process_alive(pid_t pid, uint64_t start)
{
	struct proc_stat st;
	char name[40];

	concat_in(name, sizeof(name), "/proc/", decimal((uint64_t)pid).text, "/stat", NULL);
	if (read_stat(AT_FDCWD, name, &st) < 0)
		return !process_is_gone(errno);
	return st.start == start && !is_dead(&st);
}

int process_ns_id(const struct process *p, enum ns_type type, struct ns_id *id, struct error *e)
{
	char name[32];
	struct stat st;

	concat_in(name, sizeof(name), "ns/", ns_info[type].brief, NULL);
	if (fstatat(p->procfd, name, &st, 0) < 0)
		return error_set(e, errno, "stat /proc/%d/%s", p->pid, name);
	*id = ns_id_of(&st);
	return 0;
}

int process_open_ns(const struct process *p, enum ns_type type, struct ns_id *id, struct error *e)
{
	cleanup_close int fd = -1;
	char name[32], path[64];

	concat_in(name, sizeof(name), "ns/", ns_info[type].brief, NULL);
	concat_in(path, sizeof(path), "/proc/", decimal((uint64_t)p->pid).text, "/", name, NULL);
	fd = openat(p->procfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(e, errno, "open %s", path);
	if (ns_look(fd, type, id) != NS_IS_TYPE)
		return ns_refuse(path, type, e);
	return take_fd(&fd);
}
