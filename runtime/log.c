/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inherit.h"
#include "base/log.h"
#include "base/text.h"
#include "base/utf8.h"
#include "json/json.h"

/* A path may be of any bytes, but JSON is UTF-8. */
static void make_utf8(char *s)
{
	for (;;) {
		s += utf8_valid_prefix(s, strlen(s));
		if (!*s)
			return;
		*s++ = '?';
	}
}

static int format_entry(struct buf *entry, const char *message, bool json)
{
	struct log_time now = log_time_of((uint64_t)clock_seconds(CLOCK_REALTIME));

	if (json)
		return buf_adds(entry, "{\"level\":\"error\",\"msg\":") < 0 ||
				       json_quote(entry, message) < 0 ||
				       buf_concat(entry, ",\"time\":\"", now.text, "\"}\n", NULL) <
					       0
			       ? -1
			       : 0;
	return buf_concat(entry, "time=\"", now.text, "\" level=error msg=", NULL) < 0 ||
			       json_quote(entry, message) < 0 || buf_adds(entry, "\n") < 0
		       ? -1
		       : 0;
}

/* With O_NONBLOCK a FIFO that nobody reads is an error. */
static void append_entry(const char *path, const char *message, bool json)
{
	cleanup_close int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0644);
	cleanup_buf struct buf entry = { 0 };

	if (fd >= 0 && format_entry(&entry, message, json) == 0)
		write_all(fd, entry.data, entry.len);
}

void runtime_log_error(const struct command *c, const char *program, const struct error *e)
{
	const char *file = command_log_file(c);
	struct error whole = *e;
	char message[sizeof(e->text) + sizeof(e->hint) + 4];

	inherit_write_errors(NULL);
	error_prefix(&whole, "%s", program);
	concat_in(message, sizeof(message), whole.text, *e->hint ? " (" : "", e->hint,
		  *e->hint ? ")" : "", NULL);
	dprintf(STDERR_FILENO, "%s\n", message);
	make_utf8(message);
	if (file)
		append_entry(file, message, c->log_json);
}
