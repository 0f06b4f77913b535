/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/procs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

/* A process that is gone, or that even we may not look at. */
static bool is_out_of_sight(int num)
{
	return num == ENOENT || num == ESRCH || num == EACCES || num == EPERM;
}

/* 1; 0 where there was nothing to read, from a zombie or what is out of sight; -1 and e. */
static int read_process(int proc_fd, pid_t pid, ns_set set, struct ns_id in[NS_TYPES],
			struct error *e)
{
	char name[64];
	struct stat st;
	bool any = false;

	for (int t = 0; t < NS_TYPES; t++) {
		in[t] = (struct ns_id){ 0 };
		if (!(set & NS_BIT(t)))
			continue;
		concat_in(name, sizeof(name), decimal((uint64_t)pid).text, "/ns/", ns_info[t].brief, NULL);
		if (fstatat(proc_fd, name, &st, 0) < 0) {
			if (errno == ENOENT && any)
				continue;	/* a type that this kernel does not have */
			if (is_out_of_sight(errno))
				return any;
			return error_set(e, errno, "stat /proc/%s", name);
		}
		in[t] = (struct ns_id){ .dev = st.st_dev, .ino = st.st_ino };
		any = true;
	}
	return any;
}

static DIR *open_proc(struct error *e)
{
	DIR *dir = opendir("/proc");

	if (!dir)
		error_set(e, errno, "read directory /proc");
	return dir;
}

/* The next process; 0 behind the last one, with errno 0, or after a failure. */
static pid_t next_pid(DIR *dir)
{
	struct dirent *entry;
	uint64_t pid;

	while ((entry = read_entry(dir)))
		if (parse_u64(entry->d_name, INT32_MAX, &pid) && pid)
			return (pid_t)pid;
	return 0;
}

int procs_walk(ns_set set,
	       int (*fn)(void *arg, pid_t pid, const struct ns_id in[NS_TYPES], struct error *e),
	       void *arg, struct error *e)
{
	struct ns_id in[NS_TYPES];
	DIR *dir = open_proc(e);
	pid_t pid;
	int r = 0;

	if (!dir)
		return -1;
	while (!r && (pid = next_pid(dir))) {
		r = read_process(dirfd(dir), pid, set, in, e);
		if (r > 0)
			r = fn(arg, pid, in, e);
	}
	/* One that was not seen would be taken for dead. */
	if (!r && errno)
		r = error_set(e, errno, "read directory /proc");
	closedir(dir);
	return r;
}

int procs_find(const char *file, struct ns_id ns, bool *found, struct error *e)
{
	DIR *dir = open_proc(e);
	char name[64];
	struct stat st;
	pid_t pid;
	int r = 0;

	*found = false;
	if (!dir)
		return -1;
	while (!r && !*found && (pid = next_pid(dir))) {
		concat_in(name, sizeof(name), decimal((uint64_t)pid).text, "/ns/", file, NULL);
		if (fstatat(dirfd(dir), name, &st, 0) == 0)
			*found = ns_same(ns_id_of(&st), ns);
		else if (!is_out_of_sight(errno))
			r = error_set(e, errno, "stat /proc/%s", name);
	}
	if (!r && !*found && errno)
		r = error_set(e, errno, "read directory /proc");
	closedir(dir);
	return r;
}
