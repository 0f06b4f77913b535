/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podns: one file a subcommand. A command parses its options, does its work by the rooms
 * below and prints on standard output; an error goes up to main, which prints it once.
 */
#ifndef PODNS_CLI_CLI_H
#define PODNS_CLI_CLI_H

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "pod/store.h"

/* What a command returns. */
enum {
	CLI_DONE = 0,
	CLI_FAILED = -1, /* *e says why; exit status 1 */
	CLI_USAGE = -2,  /* *e says what is wrong with the command line; exit status 2 */
	CLI_TOLD = -3,   /* what it printed says what is wrong; exit status 1 */
	CLI_HELPED = 1,  /* --help was printed; exit status 0 */
};

struct cli {
	const struct command *command;
	const char *root; /* --root, or NULL */
	bool json;        /* --json */
	mode_t umask;     /* as it was when podns was started */
	sigset_t signals; /* those that podns ignores, and its caller did not */
	int status;       /* the exit status of a command that failed, where it is not 1 */
};

struct command {
	const char *name;
	const char *summary; /* for podns --help */
	const char *help;
	/*
	 * It runs other programs: so it is not confined from the start, and
	 * does itself what it can.
	 */
	bool runs_programs;
	/* argv[0] is the command's name. */
	int (*run)(struct cli *cli, int argc, char **argv, struct error *e);
};

extern const struct command cli_check, cli_create, cli_exec, cli_gc, cli_identify, cli_inspect,
	cli_log, cli_ls, cli_pids, cli_rewrite, cli_rm;

/* Options that every command takes; those of a command's own begin at OPT_OWN. */
enum { OPT_HELP = 256, OPT_ROOT, OPT_JSON, OPT_OWN };
#define CLI_OPTIONS                                                                                \
	{ "help", no_argument, NULL, OPT_HELP },                                                   \
	{                                                                                          \
		"root", required_argument, NULL, OPT_ROOT                                          \
	}
#define CLI_OPTIONS_END                                                                            \
	{                                                                                          \
		NULL, 0, NULL, 0                                                                   \
	}

/*
 * Parse the options of argv; optind is then at the first operand. set is called with each
 * option of the command's own, and may be NULL. in_order: stop at the first operand.
 * Returns CLI_DONE to go on, else what the command has to return.
 */
int cli_parse(struct cli *cli, int argc, char **argv, bool in_order, const struct option *options,
	      int (*set)(void *arg, int option, char *value, struct error *e), void *arg,
	      struct error *e);

/* Exactly n operands are left, or else a usage error that says what should be there. */
int cli_operands(struct cli *cli, int argc, int n, const char *what, struct error *e);

/* Set *e and return CLI_USAGE; the hint names the command's --help. */
int cli_usage(struct cli *cli, struct error *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * What getopt_long(3) returned '?' or ':' for, in *e: an option that is unknown, lacks its argument
 * or takes none. cli_option_error() returns -1; cli_bad_option() adds cli_usage()'s hint and
 * returns CLI_USAGE.
 */
int cli_option_error(int option, const struct option *options, char **argv, struct error *e);
int cli_bad_option(struct cli *cli, int option, const struct option *options, char **argv,
		   struct error *e);

/*
 * Open the root, without making anything, for what is about all of its pods. One that was named and
 * is not there has none: 0, and *there is false.
 */
int cli_open_store(struct cli *cli, struct store *store, bool *there, struct error *e);

/* pinns has a command line of its own. */
int pinns_main(int argc, char **argv);

#endif
