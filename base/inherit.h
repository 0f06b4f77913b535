/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process inherits descriptors, signal dispositions and an environment from its parent. These
 * functions bring them into a known state.
 */
#ifndef PODNS_BASE_INHERIT_H
#define PODNS_BASE_INHERIT_H

#include <signal.h>

/*
 * Open /dev/null on those of the descriptors 0 to 2 that are closed, so that no file of ours gets
 * one of these numbers. It is opened for reading, so that a write to a closed standard output still
 * fails, and close-on-exec, so that a program executed later finds them closed again. Returns 0, or
 * -1 with errno.
 */
int inherit_standard_streams(void);

/* Close all descriptors from `first` on, or from `first` to `last`, if there are any. */
void inherit_no_descriptors(int first);
void inherit_no_descriptors_between(int first, int last);

/*
 * Ignore SIGPIPE and SIGXFSZ, so that write(2) fails with EPIPE or EFBIG instead of killing the
 * process, which could then not roll back. Ignored signals survive execve(2), so *were (may be NULL)
 * is set to those that this changed.
 */
void inherit_write_errors(sigset_t *were);

/* Before execve(2): undo inherit_write_errors(). */
void inherit_signals_back(const sigset_t *were);

/* Drop the environment. clearenv(3) would also free variables that setenv(3) made; there are none. */
void inherit_no_environment(void);

#endif
