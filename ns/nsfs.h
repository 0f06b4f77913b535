/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces as the kernel shows them: files of nsfs, known by device and inode
 * (namespaces(7): two processes are in the same namespace if st_dev and st_ino of the
 * files are the same).
 */
#ifndef PODNS_NS_NSFS_H
#define PODNS_NS_NSFS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "ns/types.h"

/*
 * Which namespace. ino 0: none. The kernel gives the lowest free inode number to the next
 * namespace, so among namespaces that do not live at the same time dev and ino tell
 * nothing; born does: the time when nsfs made the inode, which lives as long as a bind
 * mount or a descriptor of it.
 */
struct ns_id {
	dev_t dev;
	ino_t ino;
	uint64_t born; /* st_ctim in nanoseconds; 0 where it was not looked at */
};

static inline bool ns_same(struct ns_id a, struct ns_id b)
{
	return a.ino && a.ino == b.ino && a.dev == b.dev;
}

/* Is a pin that was seen at another time, and has been pinned since, the same? */
static inline bool ns_same_pin(struct ns_id a, struct ns_id b)
{
	return ns_same(a, b) && a.born == b.born;
}

/* A descriptor for each type, none open yet. */
#define NS_FDS_NONE                                                                                \
	{                                                                                          \
		[0 ... NS_TYPES - 1] = -1                                                          \
	}

/* The identity in a file's status: meaningful for files of nsfs only. */
struct ns_id ns_id_of(const struct stat *st);

enum ns_kind {
	NS_IS_TYPE,  /* a namespace of the wanted type */
	NS_IS_OTHER, /* a namespace of another type */
	NS_IS_NOT,   /* not a namespace */
};

/*
 * What is fd? Told by the file system's magic number and NS_GET_NSTYPE (ioctl_ns(2)). *id
 * is set for both kinds of namespace. An fd that cannot be asked is NS_IS_NOT.
 */
enum ns_kind ns_look(int fd, enum ns_type type, struct ns_id *id);

/* "path is not a network namespace": what is said where ns_look() finds another thing. Returns -1. */
int ns_refuse(const char *path, enum ns_type type, struct error *e);

/*
 * Open the namespace file at path, which must be a namespace of this type. Symbolic links
 * are followed (/proc/PID/ns/net is one). Returns a descriptor (caller closes) or -1.
 */
int ns_open_path(const char *path, enum ns_type type, struct ns_id *id, struct error *e);

/* Our own (the runtime's) namespace of this type. */
int ns_open_own(enum ns_type type, struct error *e);
int ns_own_id(enum ns_type type, struct ns_id *id, struct error *e);

/* Our own pid namespace: what pids mean here. It is never pinned, so it is no type. */
int ns_own_pidns(struct ns_id *id, struct error *e);

/*
 * The user namespace that owns fd (NS_GET_USERNS). EPERM, where it lies outside our own, is
 * reported as an id with ino 0 and no error.
 */
int ns_owner(int fd, struct ns_id *owner, struct error *e);

/* A process, held so that a reused pid is never taken for it. */
struct process {
	pid_t pid;
	int pidfd;      /* -1 on kernels before 5.3 */
	int procfd;     /* its /proc/PID */
	uint64_t start; /* start time in clock ticks since boot: proc(5), stat field 22 */
};

#define PROCESS_NONE                                                                               \
	{                                                                                          \
		.pidfd = -1, .procfd = -1                                                          \
	}

/*
 * Hold process pid. A process that is gone, or a zombie, is an error. Release with
 * process_release().
 */
int process_hold(pid_t pid, struct process *p, struct error *e);
void process_release(struct process *p);
#define cleanup_process __attribute__((cleanup(process_release)))

/* Does this errno, of what was opened or read in /proc/PID, say that there is no such process? */
bool process_is_gone(int num);

/* Is what was held still there (and no zombie)? Called after reading from it. */
bool process_lives(const struct process *p);

/*
 * Does a process with this pid and start time live? A zombie does not, unless it has threads beside
 * the first, which has ended. Unreadable counts as alive.
 */
bool process_alive(pid_t pid, uint64_t start);

/* Which namespace of this type the process is in, without opening it. */
int process_ns_id(const struct process *p, enum ns_type type, struct ns_id *id, struct error *e);

/* Open the namespace of this type of the process: its descriptor (caller closes) or -1. */
int process_open_ns(const struct process *p, enum ns_type type, struct ns_id *id, struct error *e);

#endif
