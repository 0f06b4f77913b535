/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/trust.h"

#define SETTINGS_SIZE_MAX 65536

static const char blanks[] = " \t\r";

/*
 * Take the value out of its quotes. Without quotes, " #" could be meant as a comment or not, and is
 * refused.
 */
static int unquote(char **value, struct error *e)
{
	size_t len = strlen(*value);

	if (**value != '"') {
		if (strstr(*value, " #") || strstr(*value, "\t#") || **value == '#')
			return error_set(e, 0,
					 "a comment needs a line of its own, and a value "
					 "with a # in it quotes");
		return 0;
	}
	if (len < 2 || strchr(*value + 1, '"') != *value + len - 1)
		return error_set(e, 0, "the value must end at its second double quote");
	(*value)[len - 1] = '\0';
	++*value;
	return 0;
}

/* Room for two arguments a setting and the NULL; args is always terminated. */
static int add_hook_args(struct settings *s, const char *name, const char *value, struct error *e)
{
	const char *option = arena_concat(&s->arena, "--", name, NULL);
	const char **args =
		reallocarray((void *)s->hook_args, s->hook_arg_count + 3, sizeof(*args));

	if (args)
		s->hook_args = args;
	if (!option || !args)
		return error_nomem(e);
	args[s->hook_arg_count++] = option;
	if (value)
		args[s->hook_arg_count++] = value;
	args[s->hook_arg_count] = NULL;
	return 0;
}

static int set_hook_setting(struct settings *s, const struct hook_setting *row, const char *value,
			    struct error *e)
{
	if (!row->has_value) {
		if (value && !strcmp(value, "false"))
			return 0;
		if (value && strcmp(value, "true") != 0)
			return error_set(e, 0, "expected true or false, not '%.200s'", value);
		value = NULL;
	} else if (!value) {
		return error_set(e, 0, "it has no value");
	}
	if (row->set(&s->hook, value, e) < 0)
		return -1;
	return add_hook_args(s, row->name, value, e);
}

static int set_runtime(struct settings *s, const char *value, struct error *e)
{
	if (!value)
		return error_set(e, 0, "it has no value");
	if (!*value || (*value != '/' && strchr(value, '/')))
		return error_set(e, 0,
				 "expected an absolute path, or a name without '/', not "
				 "'%.200s'",
				 value);
	s->runtime = value;
	return 0;
}

/* Bit i of seen: row i has been set; the bit after those: runtime. */
static int set_key(struct settings *s, const char *key, const char *value, unsigned *seen,
		   struct error *e)
{
	const struct hook_setting *row = NULL;
	unsigned i = 0;

	while (i < HOOK_SETTINGS && strcmp(key, hook_setting_rows[i].name) != 0)
		i++;
	if (i < HOOK_SETTINGS)
		row = &hook_setting_rows[i];
	else if (strcmp(key, "runtime") != 0)
		return error_set(e, 0, "there is no such key");
	if (*seen & 1U << i && !(row && row->repeatable))
		return error_set(e, 0, "it is set twice");
	*seen |= 1U << i;
	return row ? set_hook_setting(s, row, value, e) : set_runtime(s, value, e);
}

static int parse_line(struct settings *s, char *line, unsigned *seen, struct error *e)
{
	char *key = trim(line, blanks), *value = strchr(key, '=');

	if (!*key || *key == '#')
		return 0;
	if (value) {
		*value = '\0';
		value = trim(value + 1, blanks);
		key = trim(key, blanks);
	}
	if (!*key)
		return error_set(e, 0, "there is no key before the =");
	if ((!value || unquote(&value, e) == 0) && set_key(s, key, value, seen, e) == 0)
		return 0;
	return error_prefix(e, "%.200s", key);
}

int settings_parse(struct settings *s, const char *path, const char *text, size_t len,
		   struct error *e)
{
	unsigned seen = 0, number = 1;
	char *rest, *line;

	*s = (struct settings){ 0 };
	hook_settings_init(&s->hook);
	if (!len)
		return 0;
	if (memchr(text, '\0', len))
		return error_set(e, 0, "%s: there is a NUL byte in it", path);
	rest = arena_strndup(&s->arena, text, len);
	if (!rest)
		return error_nomem(e);
	for (; (line = strsep(&rest, "\n")); number++)
		if (parse_line(s, line, &seen, e) < 0)
			return error_prefix(e, "%s:%u", path, number);
	return 0;
}

static int read_settings_file(const char *dir_path, const char *path, struct buf *text,
			      struct error *e)
{
	cleanup_close int dir = -1, fd = -1;

	dir = trust_open(AT_FDCWD, dir_path, O_DIRECTORY, dir_path, NULL, e);
	if (dir >= 0)
		fd = trust_open(dir, SETTINGS_NAME, O_NONBLOCK, path, NULL, e);
	if (fd < 0)
		return e->num == ENOENT ? 0 : -1;
	if (read_all(fd, SETTINGS_SIZE_MAX, text) < 0)
		return error_set(e, errno, "read %s", path);
	return 0;
}

int settings_read(struct settings *s, const char *sysroot, struct error *e)
{
	cleanup_free char *dir = concat(sysroot, PODNS_CONFDIR, NULL);
	cleanup_free char *path = concat(sysroot, SETTINGS_FILE, NULL);
	cleanup_buf struct buf text = { 0 };

	*s = (struct settings){ 0 };
	if (!dir || !path)
		return error_nomem(e);
	if (read_settings_file(dir, path, &text, e) < 0)
		return -1;
	return settings_parse(s, path, text.data, text.len, e);
}

const char *const *settings_hook_args(const struct settings *s)
{
	static const char *const none[] = { NULL };

	return s->hook_args ? s->hook_args : none;
}

void settings_free(struct settings *s)
{
	hook_settings_free(&s->hook);
	free((void *)s->hook_args);
	arena_free(&s->arena);
}
