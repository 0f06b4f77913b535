/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podns has one file for each subcommand. A command parses its options, calls pod/ and ns/ for
 * its work and prints on standard output; main() prints the error of a command that failed.
 */
#ifndef PODNS_CLI_CLI_H
#define PODNS_CLI_CLI_H

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "pod/view.h"

/* What a command returns. */
enum {
	CLI_DONE = 0,
	CLI_FAILED = -1, /* *e says why; exit status 1 */
	CLI_USAGE = -2,  /* *e says what is wrong with the command line; exit status 2 */
	CLI_FOUND = -3,  /* it printed the problems that it found, *e is not set; exit status 1 */
	CLI_HELPED = 1,  /* --help was printed; exit status 0 */
};

struct cli {
	const struct command *command;
	const char *root; /* --root, or NULL */
	mode_t umask;     /* as inherited: main() sets another */
	sigset_t
		signals; /* those that podns ignores and its caller did not: inherit_write_errors() */
	int status;      /* the exit status for CLI_FAILED */
	struct network_client *network; /* NULL: no pod can have a network; for store.network */
};

struct command {
	const char *name;
	const char *summary; /* for podns --help */
	const char *help;
	enum {
		CLI_CONFINED, /* by the seccomp filter, with no descriptors and no environment */
		/* Confined; the agent, its parent, attaches and detaches networks for it. */
		CLI_NETWORK_OF_POD, /* of one pod */
		CLI_NETWORKS,       /* of any */
		/*
		 * It runs other programs, which need the caller's environment and descriptors and
		 * must not inherit the filter: main() leaves all three to the command.
		 */
		CLI_RUNS_PROGRAMS,
	} way;
	/* argv[0] is the command's name. */
	int (*run)(struct cli *cli, int argc, char **argv, struct error *e);
};

extern const struct command cli_check, cli_create, cli_exec, cli_gc, cli_identify, cli_inspect,
	cli_log, cli_ls, cli_network, cli_pids, cli_rewrite, cli_rm;

/*
 * Options that every command takes. A command's own options have values from OPT_OWN on, or a flag
 * that getopt_long(3) sets to 1.
 */
enum { OPT_HELP = 256, OPT_ROOT, OPT_OWN };
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
 * Parse the options of argv (options NULL: CLI_OPTIONS alone); optind is then at the first
 * operand. set is called for each option whose value is OPT_OWN or more; NULL where there is none.
 * in_order: stop at the first operand. Returns CLI_DONE, or what the command has to return.
 */
int cli_parse(struct cli *cli, int argc, char **argv, bool in_order, const struct option *options,
	      int (*set)(void *arg, int option, char *value, struct error *e), void *arg,
	      struct error *e);

/*
 * Check that n operands are left, or at least one with CLI_SOME. what names a missing one, "NAME", and
 * is unused if n is 0.
 */
enum { CLI_SOME = -1 };
int cli_operands(struct cli *cli, int argc, char **argv, int n, const char *what, struct error *e);

/*
 * Parse the command line of a command with at most one option of its own, which takes no argument, and
 * check its operands with cli_operands(). *value is set to 1 if --flag is given; both may be NULL.
 */
int cli_parse_flag(struct cli *cli, int argc, char **argv, const char *flag, int *value, int n,
		   const char *what, struct error *e);

/* Set *e and return CLI_USAGE; the hint names the command's --help. */
int cli_usage(struct cli *cli, struct error *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Say in *e why getopt_long(3) returned option, '?' or ':': the option is unknown, lacks its
 * argument or takes none. cli_option_error() returns -1; cli_bad_option() adds cli_usage()'s hint
 * and returns CLI_USAGE.
 */
int cli_option_error(int option, const struct option *options, char **argv, struct error *e);
int cli_bad_option(struct cli *cli, int option, const struct option *options, char **argv,
		   struct error *e);

/*
 * Open the root, for a command about all of its pods; nothing is created. A directory of --root that
 * does not exist has no pods: 0, and *there is false.
 */
int cli_open_store(struct cli *cli, struct store *store, bool *there, struct error *e);

/*
 * Open the root and view the pod that is meant by the name (store_full_name()): views->list[0]. The caller
 * closes both with store_close() and views_free(), also after an error.
 */
int cli_view_pod(struct cli *cli, const char *name, struct store *store, struct views *views,
		 struct error *e);

/* The program pinns: it parses its command line itself, and returns its exit status. */
int pinns_main(int argc, char **argv);

#endif
