/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runc and crun parse their command lines differently, and this file accepts what either of them does:
 *
 * - runc, to 1.4 with urfave/cli 1 over Go's package flag: one dash or two before a name of any length;
 *   the value after '=' or in the next word, whatever that is; a flag may be written --flag=true. A
 *   command's options may follow its operands.
 * - runc from 1.5 on, with urfave/cli 3: global options are accepted after the command too.
 * - crun, with argp over getopt_long(3): long options may be abbreviated, short ones joined to each other
 *   and to their value (-db DIR, -dbDIR).
 *
 * In all of them the first word that is neither a global option nor its value is the command, "--" ends
 * the options, and the last of several equal options counts.
 */
#include "runtime/command.h"

#include <stddef.h>
#include <string.h>

/* Where an option is known: before the command, or after one of these commands. */
enum {
	GLOBAL = 1U << COMMAND_OTHER,
	CREATE = 1U << COMMAND_CREATE,
	RUN = 1U << COMMAND_RUN,
	RESTORE = 1U << COMMAND_RESTORE,
	DELETE = 1U << COMMAND_DELETE,
	START = CREATE | RUN | RESTORE,
	ANY = GLOBAL | START | DELETE,
};

enum effect { SKIP, SET_ROOT, SET_LOG, SET_LOG_FORMAT, SET_BUNDLE, SET_CONFIG, SHOW_HELP };

struct option_row {
	const char *name;
	char letter; /* its short form, or 0 */
	bool has_value;
	enum effect effect;
	unsigned where;
};

/*
 * Options with a value first: an abbreviation means the first row that it fits. runc from 1.0 to 1.5,
 * crun from 1.8 to 1.29.
 */
static const struct option_row option_rows[] = {
	{ "root", 0, true, SET_ROOT, ANY },
	{ "log", 0, true, SET_LOG, ANY },
	{ "log-format", 0, true, SET_LOG_FORMAT, ANY },
	{ "log-level", 0, true, SKIP, ANY },
	{ "criu", 0, true, SKIP, ANY },
	{ "rootless", 0, true, SKIP, ANY },
	{ "cgroup-manager", 0, true, SKIP, ANY },
	{ "bundle", 'b', true, SET_BUNDLE, START },
	{ "config", 'f', true, SET_CONFIG, CREATE | RUN },
	{ "console-socket", 0, true, SKIP, START },
	{ "pidfd-socket", 0, true, SKIP, START },
	{ "pid-file", 0, true, SKIP, START },
	{ "preserve-fds", 0, true, SKIP, START },
	{ "image-path", 0, true, SKIP, RESTORE },
	{ "work-path", 0, true, SKIP, RESTORE },
	{ "parent-path", 0, true, SKIP, RESTORE },
	{ "page-server", 0, true, SKIP, RESTORE },
	{ "status-fd", 0, true, SKIP, RESTORE },
	{ "manage-cgroups-mode", 0, true, SKIP, RESTORE },
	{ "network-lock", 0, true, SKIP, RESTORE },
	{ "empty-ns", 0, true, SKIP, RESTORE },
	{ "lsm-profile", 0, true, SKIP, RESTORE },
	{ "lsm-mount-context", 0, true, SKIP, RESTORE },
	{ "debug", 0, false, SKIP, ANY },
	{ "systemd-cgroup", 0, false, SKIP, ANY },
	{ "help", 'h', false, SHOW_HELP, ANY },
	{ "usage", '?', false, SHOW_HELP, ANY },
	{ "version", 'v', false, SHOW_HELP, GLOBAL },
	{ "version", 'V', false, SHOW_HELP, ANY },
	{ "detach", 'd', false, SKIP, RUN | RESTORE },
	{ "keep", 0, false, SKIP, RUN },
	{ "no-pivot", 0, false, SKIP, START },
	{ "no-subreaper", 0, false, SKIP, START },
	{ "no-new-keyring", 0, false, SKIP, START },
	{ "tcp-established", 0, false, SKIP, RESTORE },
	{ "tcp-close", 0, false, SKIP, RESTORE },
	{ "ext-unix-sk", 0, false, SKIP, RESTORE },
	{ "shell-job", 0, false, SKIP, RESTORE },
	{ "file-locks", 0, false, SKIP, RESTORE },
	{ "auto-dedup", 0, false, SKIP, RESTORE },
	{ "lazy-pages", 0, false, SKIP, RESTORE },
	{ "force", 'f', false, SKIP, DELETE },
	{ "regex", 'r', false, SKIP, DELETE },
};

#define OPTION_ROWS (sizeof(option_rows) / sizeof(*option_rows))

/* The commands of runc and crun; "help" and "h" are urfave/cli's. */
static const struct {
	const char *name;
	enum command_verb verb;
} command_rows[] = {
	{ "create", COMMAND_CREATE },    { "run", COMMAND_RUN },
	{ "restore", COMMAND_RESTORE },  { "delete", COMMAND_DELETE },
	{ "checkpoint", COMMAND_OTHER }, { "events", COMMAND_OTHER },
	{ "exec", COMMAND_OTHER },       { "features", COMMAND_OTHER },
	{ "h", COMMAND_OTHER },          { "help", COMMAND_OTHER },
	{ "init", COMMAND_OTHER },       { "kill", COMMAND_OTHER },
	{ "list", COMMAND_OTHER },       { "mounts", COMMAND_OTHER },
	{ "pause", COMMAND_OTHER },      { "ps", COMMAND_OTHER },
	{ "resume", COMMAND_OTHER },     { "spec", COMMAND_OTHER },
	{ "start", COMMAND_OTHER },      { "state", COMMAND_OTHER },
	{ "update", COMMAND_OTHER },
};

#define COMMAND_ROWS (sizeof(command_rows) / sizeof(*command_rows))

/* The words that are left, and where they are: before the command, or after which. */
struct words {
	int argc, at;
	char *const *argv;
	unsigned where;
	bool help;
};

static const char *next_word(struct words *w)
{
	return w->at < w->argc ? w->argv[w->at++] : NULL;
}

static int command_row(const char *name)
{
	for (size_t i = 0; i < COMMAND_ROWS; i++)
		if (!strcmp(name, command_rows[i].name))
			return (int)i;
	return -1;
}

/* A lone "-" is an operand. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

static const struct option_row *row_by_name(const char *name, size_t len, unsigned where)
{
	const struct option_row *row = option_rows;

	for (; row < option_rows + OPTION_ROWS; row++)
		if (row->where & where && !strncmp(name, row->name, len) && !row->name[len])
			return row;
	return NULL;
}

/* crun, which allows abbreviations, has no global options after the command. */
static const struct option_row *row_by_abbreviation(const char *name, size_t len, unsigned where)
{
	const struct option_row *row = option_rows;

	for (; len && row < option_rows + OPTION_ROWS; row++)
		if (row->where & where && !(row->where & ~where & GLOBAL) &&
		    !strncmp(name, row->name, len))
			return row;
	return NULL;
}

static const struct option_row *row_by_letter(char letter, unsigned where)
{
	const struct option_row *row = option_rows;

	for (; row < option_rows + OPTION_ROWS; row++)
		if (row->where & where && row->letter == letter)
			return row;
	return NULL;
}

/* value is NULL for a flag without one, and where the command line ends before the value. */
static void apply_option(struct command *c, struct words *w, const struct option_row *row,
			 const char *value)
{
	switch (row->effect) {
	case SET_ROOT:
		c->root = value;
		break;
	case SET_LOG:
		c->log = value;
		break;
	case SET_LOG_FORMAT:
		c->log_json = value && !strcmp(value, "json");
		break;
	case SET_BUNDLE:
		/* To runc an empty one is the working directory; crun refuses it. */
		c->bundle = value && *value ? value : NULL;
		break;
	case SET_CONFIG:
		c->config = value;
		break;
	case SHOW_HELP:
		/* Go takes --help=false. */
		w->help = !value;
		break;
	case SKIP:
		break;
	}
}

/* Short options as getopt(3) takes them: the value is the rest of the word, or the next word. */
static bool parse_letters(struct command *c, struct words *w, const char *letters)
{
	for (; *letters; letters++) {
		const struct option_row *row = row_by_letter(*letters, w->where);

		/* Help among others is no help, but an option that is not known. */
		if (!row || row->effect == SHOW_HELP)
			return false;
		if (row->has_value) {
			apply_option(c, w, row, letters[1] ? letters + 1 : next_word(w));
			return true;
		}
		apply_option(c, w, row, NULL);
	}
	return true;
}

/* Parse the option `word` and take its value from w. False if it is unknown, and may have a value. */
static bool parse_option(struct command *c, struct words *w, const char *word)
{
	const char *name = word + (word[1] == '-' ? 2 : 1), *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct option_row *row = row_by_name(name, len, w->where);

	if (!row && len == 1)
		row = row_by_letter(*name, w->where);
	if (!row && name == word + 1 && parse_letters(c, w, name))
		return true;
	if (!row && name == word + 2)
		row = row_by_abbreviation(name, len, w->where);
	if (!row)
		return equals;
	if (equals)
		apply_option(c, w, row, equals + 1);
	else
		apply_option(c, w, row, row->has_value ? next_word(w) : NULL);
	return true;
}

/*
 * The word after an unknown option is its value, unless it is a command: so `--new VALUE create` is a
 * create, and so is `--new create`.
 */
static void skip_unknown_value(struct words *w)
{
	if (w->at < w->argc && !is_option(w->argv[w->at]) && command_row(w->argv[w->at]) < 0)
		w->at++;
}

static const char *parse_global_options(struct command *c, struct words *w)
{
	const char *word;

	while ((word = next_word(w)) && is_option(word)) {
		if (!strcmp(word, "--"))
			return next_word(w);
		if (!parse_option(c, w, word))
			skip_unknown_value(w);
	}
	return word;
}

/*
 * Each of these commands has one operand. If there are two and the first follows an unknown option, it
 * was that option's value.
 */
static void parse_command_options(struct command *c, struct words *w)
{
	bool options = true, unknown = false, doubtful = false;
	const char *word;

	while ((word = next_word(w))) {
		if (options && !strcmp(word, "--")) {
			options = false;
		} else if (options && is_option(word)) {
			unknown = !parse_option(c, w, word);
			continue;
		} else if (!c->id || doubtful) {
			c->id = word;
			doubtful = unknown;
		}
		unknown = false;
	}
}

void command_parse(int argc, char *const argv[], struct command *c)
{
	struct words w = { .argc = argc, .at = 1, .argv = argv, .where = GLOBAL };
	const char *name;
	int row;

	*c = (struct command){ .verb = COMMAND_OTHER };
	name = parse_global_options(c, &w);
	row = name && !w.help ? command_row(name) : -1;
	if (row < 0 || command_rows[row].verb == COMMAND_OTHER)
		return;
	c->verb = command_rows[row].verb;
	w.where = 1U << c->verb;
	parse_command_options(c, &w);
	if (w.help)
		c->verb = COMMAND_OTHER;
}

const char *command_log_file(const struct command *c)
{
	static const char file[] = "file:", syslog[] = "syslog:", journald[] = "journald:";
	const char *log = c->log;

	if (!log || !strncmp(log, syslog, sizeof(syslog) - 1) ||
	    !strncmp(log, journald, sizeof(journald) - 1))
		return NULL;
	if (!strncmp(log, file, sizeof(file) - 1))
		log += sizeof(file) - 1;
	return *log ? log : NULL;
}
