/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/procs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"

/* The task is gone, or even we may not read it. */
static bool is_unreadable(int num)
{
	return process_is_gone(num) || num == EACCES || num == EPERM;
}

/*
 * Which namespace is /proc/TASK/ns/FILE? Returns 1, 0 with errno if the task is unreadable, or -1 with
 * e set.
 */
static int stat_ns(int proc_fd, const char *task, const char *file, struct ns_id *id,
		   struct error *e)
{
	char name[64];
	struct stat st;

	concat_in(name, sizeof(name), task, "/ns/", file, NULL);
	if (fstatat(proc_fd, name, &st, 0) < 0)
		return is_unreadable(errno) ? 0 : error_set(e, errno, "stat /proc/%s", name);
	*id = (struct ns_id){ .dev = st.st_dev, .ino = st.st_ino };
	return 1;
}

struct walk {
	const char *files[NS_TYPES]; /* in /proc/PID/ns; NULL: not read */
	int (*fn)(void *arg, pid_t pid, const struct ns_id in[NS_TYPES], struct error *e);
	void *arg;
	struct ns_id in[NS_TYPES];
};

/*
 * Read all files of a task; as stat_ns(). A zombie is unreadable: it has only its user namespace left.
 */
static int read_task(struct walk *w, int proc_fd, const char *task, struct error *e)
{
	struct ns_id mnt;
	int any = 0;

	memset(w->in, 0, sizeof(w->in));
	for (int t = 0; t < NS_TYPES; t++) {
		int r;

		if (!w->files[t])
			continue;
		r = stat_ns(proc_fd, task, w->files[t], &w->in[t], e);
		if (r < 0)
			return -1;
		if (r == 0 && !process_is_gone(errno))
			return any;
		any |= r && t != NS_USER; /* if r is 0, this kernel may not have the type */
	}
	errno = ENOENT;
	return any || !w->in[NS_USER].ino ? any : stat_ns(proc_fd, task, "mnt", &mnt, e);
}

/* The next process or thread. 0 with errno 0 is the end, 0 with another errno a failure. */
static pid_t next_pid(DIR *dir)
{
	struct dirent *entry;
	uint64_t pid;

	while ((entry = read_entry(dir)))
		if (parse_u64(entry->d_name, INT32_MAX, &pid) && pid)
			return (pid_t)pid;
	return 0;
}

/* If the first thread has ended, read another one, which has the same namespaces; as stat_ns(). */
static int read_thread(struct walk *w, int proc_fd, const char *process, struct error *e)
{
	char name[64];
	DIR *dir;
	pid_t tid;
	int r = 0;

	concat_in(name, sizeof(name), process, "/task", NULL);
	dir = open_dir_stream(proc_fd, name);
	if (!dir)
		return is_unreadable(errno) ? 0
					    : error_set(e, errno, "read directory /proc/%s", name);
	while (!r && (tid = next_pid(dir))) {
		concat_in(name, sizeof(name), process, "/task/", decimal((uint64_t)tid).text, NULL);
		r = read_task(w, proc_fd, name, e);
	}
	if (!r && errno && !process_is_gone(errno))
		r = error_set(e, errno, "read directory /proc/%s/task", process);
	closedir(dir);
	return r;
}

static int read_process(struct walk *w, int proc_fd, pid_t pid, struct error *e)
{
	const struct decimal process = decimal((uint64_t)pid);
	int r = read_task(w, proc_fd, process.text, e);

	return r || !process_is_gone(errno) ? r : read_thread(w, proc_fd, process.text, e);
}

static int walk_proc(struct walk *w, struct error *e)
{
	DIR *dir = open_dir_stream(AT_FDCWD, "/proc");
	pid_t pid;
	int r = 0;

	if (!dir)
		return error_set(e, errno, "read directory /proc");
	while (!r && (pid = next_pid(dir))) {
		r = read_process(w, dirfd(dir), pid, e);
		if (r > 0)
			r = w->fn(w->arg, pid, w->in, e);
	}
	/* The caller would take the processes that were not read for dead. */
	if (!r && errno)
		r = error_set(e, errno, "read directory /proc");
	closedir(dir);
	return r;
}

int procs_walk(ns_set set,
	       int (*fn)(void *arg, pid_t pid, const struct ns_id in[NS_TYPES], struct error *e),
	       void *arg, struct error *e)
{
	struct walk w = { .fn = fn, .arg = arg };

	for (int t = 0; t < NS_TYPES; t++)
		if (set & NS_BIT(t))
			w.files[t] = ns_info[t].brief;
	return walk_proc(&w, e);
}

static int is_in_ns(void *arg, pid_t pid, const struct ns_id in[NS_TYPES], struct error *e)
{
	const struct ns_id *ns = arg;

	(void)pid;
	(void)e;
	return ns_same(in[NS_MNT], *ns);
}

int procs_find(const char *file, struct ns_id ns, bool *found, struct error *e)
{
	/* The index says nothing about the file: pid has no type. */
	struct walk w = { .files = { [NS_MNT] = file }, .fn = is_in_ns, .arg = &ns };
	int r = walk_proc(&w, e);

	*found = r > 0;
	return r < 0 ? -1 : 0;
}
