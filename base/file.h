/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File access: whole files and directories, relative to descriptors, and locks with a time limit.
 * Reads, writes and locks are retried after EINTR.
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

/* "/proc/self/fd/N": a path to the file of a descriptor, for system calls that take only paths. */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);

/* Write all n bytes. Returns 0, or -1 with errno. */
int write_all(int fd, const void *bytes, size_t n);

/*
 * Append everything that can be read from fd to a buffer. Returns 0, or -1 with errno: EFBIG if that
 * is more than max bytes, of which one is read.
 */
int read_all(int fd, size_t max, struct buf *out);

/* As read_all(), for the file `name` in dir_fd, which must not be a symbolic link. */
int read_file_at(int dir_fd, const char *name, size_t max, struct buf *out);

/*
 * Replace the file `name` in dir_fd by one of mode 0600 with these n bytes: write ".<name>.new", then
 * rename it. With sync, file and directory are synced, so that the new file survives a power cut.
 * Returns 0, or -1 with errno. After a failure the old file is in place, unless only the sync of the
 * directory has failed: then the new one is.
 */
int replace_file_at(int dir_fd, const char *name, const void *bytes, size_t n, bool sync);

/*
 * Sync a directory. It is no error if the file system cannot sync directories (EINVAL). Returns 0, or
 * -1 with errno.
 */
int sync_dir(int fd);

/* Is fd still open on the file that is called `name` in dir_fd? */
bool is_still_there(int dir_fd, const char *name, int fd);

/*
 * Open the directory `name` in dir_fd. It must belong to our effective uid, be writable by no other
 * user and not be a symbolic link. If it is absent it is made with mode `make`, unless that is 0.
 * path is for messages. *made (may be NULL) says whether it was made. Returns a descriptor, or -1
 * (e->num is ENOENT if it is absent and make is 0).
 */
int open_own_dir(int dir_fd, const char *name, mode_t make, const char *path, bool *made,
		 struct error *e);

/* The time limit of a wait for locks. It is shared by all calls that are given the same one. */
struct lock_wait {
	time_t seconds;
	time_t until; /* by CLOCK_MONOTONIC; 0 before the first wait */
};

/*
 * flock(fd, LOCK_EX) with a time limit, after which e->num is ETIMEDOUT. what names the lock in the
 * error. A run waits LOCK_SECONDS for the locks of pods and bundles together (struct store has the
 * wait) and LOCK_NETNS_SECONDS for <root>/netns: together less than the timeout in the hooks' JSON
 * files, 30 s.
 */
#define LOCK_SECONDS 20
#define LOCK_NETNS_SECONDS 2
int lock_bounded(int fd, const char *what, struct lock_wait *wait, struct error *e);

/*
 * Open a directory as open_own_dir() does, and lock it until the descriptor is closed. The previous
 * holder of the lock may have removed the directory, so the name is looked up again once the lock is
 * held. After a failure a directory that was made here is removed, unless that failure was a
 * timeout: then another run holds its lock.
 */
int lock_own_dir(int dir_fd, const char *name, mode_t make, const char *path,
		 struct lock_wait *wait, struct error *e);

/*
 * Remove the directory `name` in dir_fd, on which fd is open and holds the lock, and the file
 * `leftover` in it, which a killed run may have left. It is no error if the directory is gone.
 * Returns 0, or -1 with errno: ENOTEMPTY if it contains another file.
 */
int remove_own_dir(int dir_fd, const char *name, int fd, const char *leftover);

/* The time of a clock in seconds: clock_gettime(2). */
time_t clock_seconds(clockid_t clock);

/* Parse s as a decimal number from 0 to max; false if it is anything else. */
bool parse_u64(const char *s, uint64_t max, uint64_t *value);

/*
 * Parse a decimal number and one of the letters in units, of either case, or none. *unit is the letter's index, -1 for
 * none. *value is UINT64_MAX if the number is too large or has more than 23 digits. False if text is anything else.
 */
bool parse_with_unit(const char *text, const char *units, uint64_t *value, int *unit);

/*
 * Open a stream on the directory `name` in dir_fd ("." is dir_fd itself), with an offset of its own.
 * The caller closes it with closedir(3). NULL with errno.
 */
DIR *open_dir_stream(int dir_fd, const char *name);

static inline void cleanup_closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define cleanup_dir __attribute__((cleanup(cleanup_closedirp)))

/* readdir(3) with errno set: NULL with errno 0 is the end, NULL with another errno a failure. */
struct dirent *read_entry(DIR *dir);

#endif
