/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small pieces of file access that every room needs. All of them retry EINTR.
 */
#ifndef PODNS_BASE_FILE_H
#define PODNS_BASE_FILE_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/error.h"

/* "/proc/self/fd/N": names what a descriptor is open on, for system calls that take only paths. */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);

/* Write all n bytes. 0, or -1 with errno. */
int write_all(int fd, const void *bytes, size_t n);

/*
 * Append everything that can be read from fd, at most max bytes (EFBIG beyond). 0, or -1
 * with errno.
 */
int read_all(int fd, size_t max, struct buf *out);

/* Append the file `name` of a directory (AT_FDCWD too), never through a symlink. As read_all. */
int read_file_at(int dir_fd, const char *name, size_t max, struct buf *out);

/*
 * Put n bytes in place of the file `name` of a directory, mode 0600: a temporary file
 * called ".<name>.new", then rename. sync: file and directory are synced, so that it is there after
 * a power cut; run-time state, which does not outlive a boot, does without. 0, or -1 with errno and
 * the old file, but for one failure: where only the directory could not be synced, the new file is
 * in its place.
 */
int replace_file_at(int dir_fd, const char *name, const void *bytes, size_t n, bool sync);

/*
 * Sync the directory that fd is open on; one on a file system that cannot sync directories (EINVAL)
 * is left as it is. 0, or -1 with errno.
 */
int sync_dir(int fd);

/* Is the directory that fd is open on still the one called `name` in dir_fd? */
bool is_still_there(int dir_fd, const char *name, int fd);

/*
 * Open the directory `name` below dir_fd, which must belong to us and be writable by
 * nobody else; its last component is never followed as a symlink. make: with this mode
 * where it is absent (0: do not make). path is for messages. *made (may be NULL) tells
 * whether it was made. Returns a descriptor, or -1 (e->num ENOENT where absent and make is
 * 0).
 */
int open_own_dir(int dir_fd, const char *name, mode_t make, const char *path, bool *made,
		 struct error *e);

/* How long to wait for locks: for all together that are given the same one. */
struct lock_wait {
	time_t seconds;
	time_t until; /* by CLOCK_MONOTONIC; 0: the waiting has not begun */
};

/*
 * flock(fd, LOCK_EX), waiting as long as that. what names the lock in the error, whose num
 * is ETIMEDOUT after that. A run waits LOCK_SECONDS for the locks of pods and bundles together
 * (struct store has the wait), and LOCK_NETNS_SECONDS for <root>/netns: below the timeout in the
 * hooks' JSON files, 30 s.
 */
#define LOCK_SECONDS 20
#define LOCK_NETNS_SECONDS 2
int lock_bounded(int fd, const char *what, struct lock_wait *wait, struct error *e);

/*
 * Open the directory `name` below dir_fd as open_own_dir() does, and lock it until the descriptor is
 * closed. The holder of the lock may remove the directory, so the path is looked up again once it is
 * locked: the descriptor is of the directory that is there now. After a failure one that was made
 * here is removed, unless that failure was a timeout: then another run holds its lock.
 */
int lock_own_dir(int dir_fd, const char *name, mode_t make, const char *path,
		 struct lock_wait *wait, struct error *e);

/*
 * Remove the directory `name` of dir_fd, which fd is open on and holds the lock of, and which may
 * hold one more file, `leftover`: what a killed run left. Gone already is no error. 0, or -1 with
 * errno: ENOTEMPTY where another file is in it.
 */
int remove_own_dir(int dir_fd, const char *name, int fd, const char *leftover);

/* The time by this clock, in seconds. */
time_t clock_seconds(clockid_t clock);

/* Parse all of s as a decimal number up to max. */
bool parse_u64(const char *s, uint64_t max, uint64_t *value);

/*
 * Read the directory `name` below dir_fd ("." is that one itself) through a stream of its own, so
 * that the descriptor's offset is nobody's concern. NULL with errno. closedir(3) ends it.
 */
DIR *open_dir_stream(int dir_fd, const char *name);

/* readdir(3). NULL with errno 0 is the end; another one is a failure, not to be taken for it. */
struct dirent *read_entry(DIR *dir);

#endif
