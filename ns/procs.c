/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/procs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"

/* A task that is gone, or that even we may not look at. */
static bool is_out_of_sight(int num)
{
	return process_is_gone(num) || num == EACCES || num == EPERM;
}

/*
 * What /proc/TASK/ns/FILE is, of a task named as below /proc. 1; 0 and errno where it is out of
 * sight; -1 and e.
 */
static int stat_ns(int proc_fd, const char *task, const char *file, struct ns_id *id,
		   struct error *e)
{
	char name[64];
	struct stat st;

	concat_in(name, sizeof(name), task, "/ns/", file, NULL);
	if (fstatat(proc_fd, name, &st, 0) < 0)
		return is_out_of_sight(errno) ? 0 : error_set(e, errno, "stat /proc/%s", name);
	*id = (struct ns_id){ .dev = st.st_dev, .ino = st.st_ino };
	return 1;
}

/*
 * What a walk does. read: look at a task; as stat_ns(). seen: what was read is of process pid; stops
 * the walk where it returns non-zero.
 */
struct walk {
	int (*read)(struct walk *w, int proc_fd, const char *task, struct error *e);
	int (*seen)(struct walk *w, pid_t pid, struct error *e);
	/* procs_walk() */
	ns_set set;
	int (*fn)(void *arg, pid_t pid, const struct ns_id in[NS_TYPES], struct error *e);
	void *arg;
	struct ns_id in[NS_TYPES];
	/* procs_find() */
	const char *file;
	struct ns_id wanted, is;
};

/* The next process or thread; 0 behind the last one, with errno 0, or after a failure. */
static pid_t next_pid(DIR *dir)
{
	struct dirent *entry;
	uint64_t pid;

	while ((entry = read_entry(dir)))
		if (parse_u64(entry->d_name, INT32_MAX, &pid) && pid)
			return (pid_t)pid;
	return 0;
}

/*
 * A process whose first thread has ended lives on in the others, which are in its namespaces: the
 * first of these that can be read. As stat_ns().
 */
static int read_thread(struct walk *w, int proc_fd, const char *process, struct error *e)
{
	char name[64];
	DIR *dir;
	pid_t tid;
	int r = 0;

	concat_in(name, sizeof(name), process, "/task", NULL);
	dir = open_dir_stream(proc_fd, name);
	if (!dir)
		return is_out_of_sight(errno)
			       ? 0
			       : error_set(e, errno, "read directory /proc/%s", name);
	while (!r && (tid = next_pid(dir))) {
		concat_in(name, sizeof(name), process, "/task/", decimal((uint64_t)tid).text, NULL);
		r = w->read(w, proc_fd, name, e);
	}
	if (!r && errno && !process_is_gone(errno))
		r = error_set(e, errno, "read directory /proc/%s/task", process);
	closedir(dir);
	return r;
}

static int read_process(struct walk *w, int proc_fd, pid_t pid, struct error *e)
{
	const struct decimal process = decimal((uint64_t)pid);
	int r = w->read(w, proc_fd, process.text, e);

	return r || !process_is_gone(errno) ? r : read_thread(w, proc_fd, process.text, e);
}

static int walk(struct walk *w, struct error *e)
{
	DIR *dir = open_dir_stream(AT_FDCWD, "/proc");
	pid_t pid;
	int r = 0;

	if (!dir)
		return error_set(e, errno, "read directory /proc");
	while (!r && (pid = next_pid(dir))) {
		r = read_process(w, dirfd(dir), pid, e);
		if (r > 0)
			r = w->seen(w, pid, e);
	}
	/* One that was not seen would be taken for dead. */
	if (!r && errno)
		r = error_set(e, errno, "read directory /proc");
	closedir(dir);
	return r;
}

/* All types in the set. A zombie is out of sight, though it has its user namespace still. */
static int read_types(struct walk *w, int proc_fd, const char *task, struct error *e)
{
	struct ns_id mnt;
	int any = 0;

	memset(w->in, 0, sizeof(w->in));
	for (int t = 0; t < NS_TYPES; t++) {
		int r;

		if (!(w->set & NS_BIT(t)))
			continue;
		r = stat_ns(proc_fd, task, ns_info[t].brief, &w->in[t], e);
		if (r < 0)
			return -1;
		if (r == 0 && !process_is_gone(errno))
			return any;
		any |= r && t != NS_USER; /* where not, this kernel may not have the type */
	}
	errno = ENOENT;
	return any || !w->in[NS_USER].ino ? any : stat_ns(proc_fd, task, "mnt", &mnt, e);
}

static int call_fn(struct walk *w, pid_t pid, struct error *e)
{
	return w->fn(w->arg, pid, w->in, e);
}

int procs_walk(ns_set set,
	       int (*fn)(void *arg, pid_t pid, const struct ns_id in[NS_TYPES], struct error *e),
	       void *arg, struct error *e)
{
	struct walk w = { .read = read_types, .seen = call_fn, .set = set, .fn = fn, .arg = arg };

	return walk(&w, e);
}

static int read_one(struct walk *w, int proc_fd, const char *task, struct error *e)
{
	return stat_ns(proc_fd, task, w->file, &w->is, e);
}

static int found_it(struct walk *w, pid_t pid, struct error *e)
{
	(void)pid;
	(void)e;
	return ns_same(w->is, w->wanted);
}

int procs_find(const char *file, struct ns_id ns, bool *found, struct error *e)
{
	struct walk w = { .read = read_one, .seen = found_it, .file = file, .wanted = ns };
	int r = walk(&w, e);

	*found = r > 0;
	return r < 0 ? -1 : 0;
}
