/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "plan/engine.h"

static int usage_hint(struct cli *cli, struct error *e)
{
	error_hint(e, "see podns %s%s--help", cli->command ? cli->command->name : "",
		   cli->command ? " " : "");
	return CLI_USAGE;
}

int cli_usage(struct cli *cli, struct error *e, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	error_set(e, 0, "%s", text);
	return usage_hint(cli, e);
}

/* The long option with this value, or NULL. */
static const struct option *find_option(const struct option *options, int value)
{
	for (; options->name; options++)
		if (options->val == value)
			return options;
	return NULL;
}

int cli_option_error(int option, const struct option *options, char **argv, struct error *e)
{
	const struct option *known = find_option(options, optopt);

	/* musl's getopt(3) advances optind once more where a short option lacks its argument. */
	if (option == ':')
		return error_set(e, 0, "an argument is missing after '%s'",
				 argv[optind - 1] ? argv[optind - 1] : argv[optind - 2]);
	/* optind is past the word for certain only after an unknown long option: optopt is then 0. */
	if (!optopt)
		return error_set(e, 0, "unknown option '%s'", argv[optind - 1]);
	if (known)
		return error_set(e, 0, "option '--%s' takes no argument", known->name);
	return error_set(e, 0, "unknown option '-%c'",
			 optopt > ' ' && optopt < 0x7f ? optopt : '?');
}

int cli_bad_option(struct cli *cli, int option, const struct option *options, char **argv,
		   struct error *e)
{
	cli_option_error(option, options, argv, e);
	return usage_hint(cli, e);
}

static int set_common(struct cli *cli, int option, const struct option *options, char **argv,
		      struct error *e)
{
	switch (option) {
	case 0: /* a flag, which getopt_long(3) has set */
		return CLI_DONE;
	case OPT_HELP:
		fputs(cli->command->help, stdout);
		return CLI_HELPED;
	case OPT_ROOT:
		cli->root = optarg;
		return *optarg ? CLI_DONE : cli_usage(cli, e, "--root is empty");
	default:
		return cli_bad_option(cli, option, options, argv, e);
	}
}

int cli_parse(struct cli *cli, int argc, char **argv, bool in_order, const struct option *options,
	      int (*set)(void *arg, int option, char *value, struct error *e), void *arg,
	      struct error *e)
{
	static const struct option common[] = { CLI_OPTIONS, CLI_OPTIONS_END };
	int option, r = CLI_DONE;

	if (!options)
		options = common;
	optind = 0; /* makes getopt(3) of glibc and musl start over: parse_front() has used it */
	while (r == CLI_DONE &&
	       (option = getopt_long(argc, argv, in_order ? "+:" : ":", options, NULL)) != -1) {
		if (option < OPT_OWN || !set)
			r = set_common(cli, option, options, argv, e);
		else if (set(arg, option, optarg, e) < 0)
			r = e->hint[0] ? CLI_USAGE : usage_hint(cli, e);
	}
	return r;
}

int cli_operands(struct cli *cli, int argc, char **argv, int n, const char *what, struct error *e)
{
	int given = argc - optind, least = n == CLI_SOME ? 1 : n;

	if (given < least)
		return cli_usage(cli, e, "%s is missing", what);
	if (given == least || n == CLI_SOME)
		return CLI_DONE;
	return cli_usage(cli, e, "unexpected argument '%s'", argv[optind + n]);
}

int cli_parse_flag(struct cli *cli, int argc, char **argv, const char *flag, int *value, int n,
		   const char *what, struct error *e)
{
	/* Without a flag the list ends there. */
	const struct option options[] = {
		CLI_OPTIONS,
		{ flag, no_argument, value, 1 },
		CLI_OPTIONS_END,
	};
	int r = cli_parse(cli, argc, argv, false, options, NULL, NULL, e);

	return r == CLI_DONE ? cli_operands(cli, argc, argv, n, what, e) : r;
}

int cli_open_store(struct cli *cli, struct store *store, bool *there, struct error *e)
{
	*there = store_open(store, cli->root, false, e) == 0;
	return *there || (cli->root && e->num == ENOENT) ? 0 : -1;
}

struct search {
	const char *given;
	size_t len;
	struct cli_pod_name *name;
	int found; /* pods whose id begins with what is given */
	bool exact;
};

static int compare_name(void *arg, const char *pod, struct error *e)
{
	struct search *s = arg;

	(void)e;
	if (!strcmp(pod, s->given)) {
		s->exact = true;
	} else if (plan_is_engine_id(pod) && !strncmp(pod, s->given, s->len)) {
		s->found++;
		concat_in(s->name->text, sizeof(s->name->text), pod, NULL);
	}
	return 0;
}

int cli_find_pod(const struct store *store, const char *given, struct cli_pod_name *name,
		 struct error *e)
{
	struct search s = { .given = given, .len = strlen(given), .name = name };

	if (s.len >= PLAN_SHORT_ID && strspn(given, "0123456789abcdef") == s.len &&
	    store_each_pod(store, compare_name, &s, e) < 0)
		return -1;
	if (s.found > 1 && !s.exact) {
		error_set(e, 0, "the ids of %d pods begin with %s", s.found, given);
		return error_hint(e, "give more digits; `podns ls --json` shows all of them");
	}
	if (s.found && !s.exact)
		return 0;
	/* What is longer than any pod's name is refused by name. */
	if (pod_check_name(given, e) < 0)
		return -1;
	concat_in(name->text, sizeof(name->text), given, NULL);
	return 0;
}

int cli_view_pod(struct cli *cli, const char *name, struct store *store, struct views *views,
		 struct error *e)
{
	struct cli_pod_name whole;

	if (store_open(store, cli->root, false, e) < 0 || views_begin(views, store, e) < 0 ||
	    cli_find_pod(store, name, &whole, e) < 0)
		return -1;
	return views_add(views, whole.text, e);
}
