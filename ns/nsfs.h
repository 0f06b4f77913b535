/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces as the kernel shows them, and processes, by which they are found. A namespace is a file
 * on nsfs, identified by device and inode number (namespaces(7)); a process is held by a pidfd and its
 * /proc directory, so that a reused pid is never taken for it.
 */
#ifndef PODNS_NS_NSFS_H
#define PODNS_NS_NSFS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "ns/types.h"

/*
 * The identity of a namespace. The kernel reuses the lowest free inode number, so dev and ino identify
 * only namespaces that exist at the same time. born, the time when nsfs made the inode, tells others
 * apart; the inode lives as long as a bind mount or descriptor of it.
 */
struct ns_id {
	dev_t dev;
	ino_t ino;     /* 0: none */
	uint64_t born; /* st_ctim in nanoseconds; 0 if it was not read */
};

static inline bool ns_same(struct ns_id a, struct ns_id b)
{
	return a.ino && a.ino == b.ino && a.dev == b.dev;
}

/* Is this the namespace that was seen at another time and has been pinned since? */
static inline bool ns_same_pin(struct ns_id a, struct ns_id b)
{
	return ns_same(a, b) && a.born == b.born;
}

/* A descriptor for each type, none open yet. */
#define NS_FDS_NONE                                                                                \
	{                                                                                          \
		[0 ... NS_TYPES - 1] = -1                                                          \
	}

/* The identity of the namespace whose file, on nsfs, has this status. */
struct ns_id ns_id_of(const struct stat *st);

enum ns_kind {
	NS_IS_TYPE,  /* a namespace of the wanted type */
	NS_IS_OTHER, /* a namespace of another type */
	NS_IS_NOT,   /* not a namespace */
};

/*
 * What is fd? Decided by the file system's magic number and NS_GET_NSTYPE (ioctl_ns(2)): NS_IS_NOT if
 * either fails, as the latter does for the pidfds that newer kernels have on nsfs. *id is set for a
 * namespace of any type.
 */
enum ns_kind ns_look(int fd, enum ns_type type, struct ns_id *id);

/* Set the error for another answer than NS_IS_TYPE: "PATH is not a network namespace". Returns -1. */
int ns_refuse(const char *path, enum ns_type type, struct error *e);

/*
 * Open the namespace at path, which must have this type. Symbolic links are followed (/proc/PID/ns/net
 * is one). Returns a descriptor, which the caller closes, or -1.
 */
int ns_open_path(const char *path, enum ns_type type, struct ns_id *id, struct error *e);

/* Our own namespace of this type, which in a hook is the runtime's. */
int ns_open_own(enum ns_type type, struct error *e);
int ns_own_id(enum ns_type type, struct ns_id *id, struct error *e);

/* Our own pid namespace, in which our pids are valid. It is never pinned, so it has no ns_type. */
int ns_own_pidns(struct ns_id *id, struct error *e);

/*
 * The user namespace that owns the namespace fd (NS_GET_USERNS). If it is outside our own (EPERM),
 * owner->ino is 0, which is no error.
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
 * Hold process pid until process_release(). It is an error if the process is gone or its first thread
 * has ended: the namespaces of a zombie cannot be read.
 */
int process_hold(pid_t pid, struct process *p, struct error *e);
void process_release(struct process *p);
#define cleanup_process __attribute__((cleanup(process_release)))

/* Does this errno, from a file in /proc/PID, say that there is no such process? */
bool process_is_gone(int num);

/* Is the held process still there, and no zombie? If so, what was read from procfd is its own. */
bool process_lives(const struct process *p);

/*
 * Does a process with this pid and start time live? A zombie does not, unless only its first thread
 * has ended. One that cannot be read counts as alive.
 */
bool process_alive(pid_t pid, uint64_t start);

/* The process's namespace of this type, without opening it. */
int process_ns_id(const struct process *p, enum ns_type type, struct ns_id *id, struct error *e);

/* Open it. Returns a descriptor, which the caller closes, or -1. */
int process_open_ns(const struct process *p, enum ns_type type, struct ns_id *id, struct error *e);

#endif
