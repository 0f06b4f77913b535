/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <paths.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

static struct {
	const char *program;
	enum log_level level;
	int file_fd;
	int keep_dir_fd;
	int syslog_fd;
	bool leaves_stderr;
	char context[320];
} logger = { "podns", LOG_LEVEL_WARN, -1, -1, -1, false, "" };

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_DAEMON | LOG_ERR },
	[LOG_LEVEL_WARN] = { "warn", LOG_DAEMON | LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_DAEMON | LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DAEMON | LOG_DEBUG },
};

int log_level_by_name(const char *name)
{
	for (int i = 0; i < (int)(sizeof(levels) / sizeof(*levels)); i++)
		if (!strcmp(name, levels[i].name))
			return i;
	return -1;
}

/*
 * gmtime(3) of glibc opens /etc/localtime, which in a pod's mount namespace is not the host's. Days
 * are counted from 1 March of year 0, so that a leap day is the last of its year; 400 years have
 * 146097 days, and from March on the lengths of the months repeat every five months (153 days).
 */
struct log_time log_time_of(uint64_t seconds)
{
	uint64_t day = seconds / 86400 + 719468, year, of_year, month;
	unsigned s = (unsigned)(seconds % 86400);
	struct log_time t;

	year = 400 * (day / 146097);
	day %= 146097;
	of_year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * of_year + of_year / 4 - of_year / 100;
	year += of_year;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	month += 3;
	if (month > 12) {
		month -= 12;
		year++;
	}
	snprintf(t.text, sizeof(t.text),
		 "%04" PRIu64 "-%02" PRIu64 "-%02" PRIu64 "T%02u:%02u:%02uZ", year, month, day + 1,
		 s / 3600, s / 60 % 60, s % 60);
	return t;
}

/*
 * syslog(3) would reconnect after a restart of the daemon, which the seccomp filter forbids, and read
 * the time zone. The daemon adds the time to a line without one.
 */
static int connect_syslog(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return take_fd(&fd);
}

static void send_syslog(enum log_level level, const char *text)
{
	cleanup_buf struct buf line = { 0 };

	if (buf_addf(&line, "<%d>%s[%d]: %s", levels[level].priority, logger.program, getpid(),
		     text) == 0)
		send(logger.syslog_fd, line.data, line.len, MSG_NOSIGNAL);
}

int log_begin(const char *program, enum log_level level, const char *file, bool syslog_too,
	      struct error *e)
{
	logger.program = program;
	logger.level = level;
	if (file) {
		logger.file_fd = open(file,
				      O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY |
					      O_NONBLOCK | O_CLOEXEC,
				      0600);
		if (logger.file_fd < 0)
			return error_set(e, errno, "open log file %s", file);
	}
	if (syslog_too)
		logger.syslog_fd = connect_syslog();
	return 0;
}

void log_context(const char *what, const char *pod)
{
	concat_in(logger.context, sizeof(logger.context), what, pod ? ": pod " : NULL, pod, NULL);
}

void log_add_context(struct error *e)
{
	if (*logger.context)
		error_prefix(e, "%s", logger.context);
}

void log_leave_stderr(void)
{
	logger.leaves_stderr = true;
}

void log_keep_in(int dir_fd)
{
	int copy = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return;
	cleanup_closep(&logger.keep_dir_fd);
	logger.keep_dir_fd = copy;
}

bool log_is_kept(void)
{
	return logger.keep_dir_fd >= 0;
}

/* Keep the last LOG_KEPT_BYTES / 2 bytes of the file, from the start of a line on. */
static void halve(int fd)
{
	cleanup_buf struct buf all = { 0 };
	const char *from;

	if (read_all(fd, (size_t)16 * LOG_KEPT_BYTES, &all) < 0 || all.len < LOG_KEPT_BYTES / 2)
		return;
	from = memchr(all.data + all.len - LOG_KEPT_BYTES / 2, '\n', LOG_KEPT_BYTES / 2);
	if (!from || ftruncate(fd, 0) < 0)
		return;
	from++;
	write_all(fd, from, (size_t)(all.data + all.len - from));
}

/* The log is not worth waiting for: if it is locked, the line is appended without the lock. */
static void keep_line(const struct buf *line)
{
	cleanup_close int fd =
		openat(logger.keep_dir_fd, LOG_KEPT_FILE,
		       O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (st.st_size > LOG_KEPT_BYTES && flock(fd, LOCK_EX | LOCK_NB) == 0)
		halve(fd);
	write_all(fd, line->data, line->len);
}

static void emit_line(enum log_level level, const char *text)
{
	cleanup_buf struct buf line = { 0 };
	cleanup_buf struct buf stamped = { 0 };
	struct log_time now;

	if (buf_addf(&line, "%s%s%s%s", logger.context, *logger.context ? ": " : "",
		     level == LOG_LEVEL_WARN ? "warning: " : "", text) < 0)
		return;
	if (level <= logger.level && !logger.leaves_stderr)
		dprintf(STDERR_FILENO, "%s: %s\n", logger.program, line.data);
	if (logger.syslog_fd >= 0 && level <= LOG_LEVEL_WARN)
		send_syslog(level, line.data);
	if (logger.file_fd < 0 && (logger.keep_dir_fd < 0 || level > LOG_LEVEL_WARN))
		return;
	now = log_time_of((uint64_t)clock_seconds(CLOCK_REALTIME));
	if (buf_addf(&stamped, "%s %s[%d]: %s\n", now.text, logger.program, getpid(), line.data) <
	    0)
		return;
	if (logger.file_fd >= 0 && level <= logger.level)
		write_all(logger.file_fd, stamped.data, stamped.len);
	if (logger.keep_dir_fd >= 0 && level <= LOG_LEVEL_WARN)
		keep_line(&stamped);
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	char text[sizeof(((struct error *)0)->text)];
	va_list ap;

	if (level > logger.level && level > LOG_LEVEL_WARN)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	make_one_line(text);
	emit_line(level, text);
}

void log_error(enum log_level level, const struct error *e)
{
	if (e->hint[0])
		log_msg(level, "%s (%s)", e->text, e->hint);
	else
		log_msg(level, "%s", e->text);
}

void log_all_but_first(bool *failed, struct error *first, const struct error *next)
{
	if (*failed)
		log_error(LOG_LEVEL_WARN, next);
	else
		*first = *next;
	*failed = true;
}
