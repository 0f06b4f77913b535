/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The logger, the only global state. podman does not show the standard error of a precreate hook,
 * and crun that of no hook, so errors and warnings also go to syslog and to a bounded file,
 * <root>/podns/log.
 */
#ifndef PODNS_BASE_LOG_H
#define PODNS_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The level called name; -1 if there is none. */
int log_level_by_name(const char *name);

/*
 * Start logging. Each line on standard error begins with program. With file (may be NULL), messages
 * are also appended to that file, which is opened now. With syslog, errors and warnings are also sent
 * to the syslog daemon; it is no error if there is none. Returns 0, or -1 if the file cannot be opened.
 */
int log_begin(const char *program, enum log_level level, const char *file, bool syslog,
	      struct error *e);

/* Stop writing to standard error; syslog and the files still get each message. */
void log_leave_stderr(void);

/*
 * Set the prefix of all further messages: "createRuntime: pod web", or only `what` if pod is NULL.
 * The strings are copied, and truncated if too long.
 */
void log_context(const char *what, const char *pod);

/* Prepend the context to the text of an error that another process is to print. */
void log_add_context(struct error *e);

/*
 * Append further errors and warnings also to the file LOG_KEPT_FILE in this directory, whose
 * descriptor is duplicated. log_is_kept() tells whether this has succeeded.
 */
void log_keep_in(int dir_fd);
bool log_is_kept(void);

/* Format a time in seconds since the Epoch as UTC: "2026-01-31T12:00:00Z". */
struct log_time {
	char text[64];
};
struct log_time log_time_of(uint64_t seconds);

/* Log a message; control characters in it are replaced, so that it stays one line. */
void log_msg(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Log an error in one line: its text, then its hint in parentheses. */
void log_error(enum log_level level, const struct error *e);

/*
 * Of several errors the first is to be returned: it is copied to *first if nothing has *failed yet. Another is logged
 * as a warning.
 */
void log_all_but_first(bool *failed, struct error *first, const struct error *next);

#define log_warn(...) log_msg(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_msg(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_msg(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* A file that is larger than LOG_KEPT_BYTES is cut to the newer half of that before a line is added. */
#define LOG_KEPT_FILE "log"
#define LOG_KEPT_BYTES 65536

#endif
