/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process gets from whoever started it, and what becomes of that.
 */
#ifndef PODNS_BASE_INHERIT_H
#define PODNS_BASE_INHERIT_H

#include <signal.h>

/*
 * Open those of the descriptors 0 to 2 that are closed, so that no file of ours gets one of
 * these numbers: on /dev/null, for reading, since what is written to a standard output that
 * was closed is to be an error, not lost. A program that is run later finds them closed as
 * they were. Returns -1 with errno.
 */
int inherit_standard_streams(void);

/* Close all descriptors from `first` on. */
void inherit_no_descriptors(int first);

/*
 * Make write(2) fail where a signal would end the process: EPIPE after a pipe's reader is gone
 * (SIGPIPE), EFBIG beyond RLIMIT_FSIZE (SIGXFSZ). What was made can then be undone. execve(2) passes
 * ignored signals on, so *were (may be NULL) is set to those that this changed.
 */
void inherit_write_errors(sigset_t *were);

/* Before execve(2): what inherit_write_errors() changed is as it was. */
void inherit_signals_back(const sigset_t *were);

/* Forget the environment, as clearenv(3) does for who has set no variable. */
void inherit_no_environment(void);

#endif
