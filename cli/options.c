/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

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

int cli_view_pod(struct cli *cli, const char *name, struct store *store, struct views *views,
		 struct error *e)
{
	struct pod_name full;

	if (store_open(store, cli->root, false, e) < 0 || views_begin(views, store, e) < 0 ||
	    store_full_name(store, name, &full, e) < 0)
		return -1;
	return views_add(views, full.s, e);
}
