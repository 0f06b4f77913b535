/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The logger: the only global state. podman shows nothing of a precreate hook's stderr and
 * crun nothing of any hook's, so errors and warnings also go to syslog and to a bounded
 * file, <root>/podns/log.
 */
#ifndef PODNS_BASE_LOG_H
#define PODNS_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The level called name; -1 for none. */
int log_level_by_name(const char *name);

/*
 * Begin: program is put before each line on stderr. file: also append all messages there
 * (NULL: none), opened now. syslog: connect to it now; absent is fine. -1 where the file
 * cannot be opened.
 */
int log_begin(const char *program, enum log_level level, const char *file, bool syslog,
	      struct error *e);

/* Write nothing to standard error from now on; syslog and the files have it still. */
void log_leave_stderr(void);

/*
 * What stands before each message from now on: "createRuntime: pod web", or `what` alone where
 * pod is NULL. Copied, cut where too long.
 */
void log_context(const char *what, const char *pod);

/*
 * From now on errors and warnings are also kept in the file `log` of this directory (the
 * descriptor is duplicated).
 */
void log_keep_in(int dir_fd);
bool log_is_kept(void);

/* A time in seconds since 1970, by UTC: "2026-01-31T12:00:00Z". */
struct log_time {
	char text[64];
};
struct log_time log_time_of(uint64_t seconds);

/* A message of one line. */
void log_msg(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The error as one line: its text, and the hint behind it in parentheses. */
void log_error(enum log_level level, const struct error *e);

#define log_warn(...) log_msg(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_msg(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_msg(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* The name of that file. It loses its older half when it has grown larger than this. */
#define LOG_KEPT_FILE "log"
#define LOG_KEPT_BYTES 65536

#endif
