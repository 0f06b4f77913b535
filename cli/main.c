/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program podns. main() finds the subcommand in a table, confines it by the seccomp filter, and
 * prints its error. A link called pinns is CRI-O's helper instead: cli/pinns.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/cleanup.h"
#include "base/inherit.h"
#include "base/log.h"
#include "cli/cli.h"
#include "net/state.h"
#include "sandbox/sandbox.h"

#define PROGRAM "podns"

static const struct command *const commands[] = {
	&cli_create, &cli_ls,      &cli_inspect, &cli_pids, &cli_identify, &cli_exec, &cli_rm,
	&cli_gc,     &cli_rewrite, &cli_check,   &cli_log,  &cli_network,  NULL,
};

static void print_help(void)
{
	printf("Usage: " PROGRAM " [--root DIR] COMMAND [OPTIONS] [ARGUMENTS]\n"
	       "\n"
	       "Pods without a pause process: sets of namespaces that are pinned in DIR/netns,\n"
	       "DIR/ipcns, DIR/utsns, ... and outlive the processes in them.\n"
	       "\n");
	for (const struct command *const *c = commands; *c; c++)
		printf("  %-10s %s\n", (*c)->name, (*c)->summary);
	printf("\n"
	       "  --root DIR   where pins and records are (default: /run, or /run/user/UID\n"
	       "               in the user namespace of rootless podman)\n"
	       "  --help       show this; after COMMAND, show the help of COMMAND\n"
	       "  --version    show the version\n"
	       "\n"
	       "Exit status: 0 done, 1 failed, 2 wrong usage.\n"
	       "See podns(1).\n");
}

static const struct command *find_command(const char *name)
{
	const struct command *const *c = commands;

	while (*c && strcmp((*c)->name, name) != 0)
		c++;
	return *c;
}

/* Parse the options before the command. */
static int parse_front(struct cli *cli, int argc, char **argv, struct error *e)
{
	enum { OPT_VERSION = OPT_OWN };
	static const struct option options[] = {
		CLI_OPTIONS,
		{ "version", no_argument, NULL, OPT_VERSION },
		CLI_OPTIONS_END,
	};
	int option;

	while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		switch (option) {
		case OPT_HELP:
			print_help();
			return CLI_HELPED;
		case OPT_VERSION:
			puts(PROGRAM " " PACKAGE_VERSION);
			return CLI_HELPED;
		case OPT_ROOT:
			cli->root = optarg;
			if (!*optarg)
				return cli_usage(cli, e, "--root is empty");
			break;
		default:
			return cli_bad_option(cli, option, options, argv, e);
		}
	}
	if (optind == argc)
		return cli_usage(cli, e, "a command is missing");
	return CLI_DONE;
}

/* pinns and confined commands must not depend on what their caller passes. */
static void inherit_nothing(void)
{
	inherit_no_descriptors(STDERR_FILENO + 1);
	inherit_no_environment();
}

/* In the user namespace of rootless podman, pasta needs no file that could tell. */
static bool is_rootless(void)
{
	struct stat st;

	return stat("/", &st) == 0 && st.st_uid != 0;
}

/* --network NAME, --network=NAME, or an abbreviation */
static bool names_network(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], "--ne", 4))
			return true;
	return false;
}

/*
 * The agent needs --root before the command parses its own options: --root DIR, --root=DIR, or an abbreviation; the
 * last one counts.
 */
static const char *find_root(const struct cli *cli, int argc, char **argv)
{
	const char *root = cli->root;

	for (int i = optind + 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		size_t len = strcspn(argv[i], "=");

		if (len < strlen("--r") || len > strlen("--root") ||
		    strncmp(argv[i], "--root", len) != 0)
			continue;
		if (argv[i][len])
			root = argv[i] + len + 1;
		else if (i + 1 < argc)
			root = argv[++i];
	}
	return root;
}

static int stop_walk(void *arg, const char *pod, struct error *e)
{
	(void)arg;
	(void)pod;
	(void)e;
	return 1;
}

/* Is a pod attached to a network, though none is configured any more? */
static int has_networks(const char *root, bool *has, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	struct error ignored;
	int r;

	*has = false;
	/* The command opens it, too, and reports the error. */
	if (store_open(&store, root, false, &ignored) < 0)
		return 0;
	r = state_each(&store, stop_walk, NULL, e);
	*has = r > 0;
	return r < 0 ? -1 : 0;
}

static int needs_agent(const struct agent *agent, int argc, char **argv, bool *needs,
		       struct error *e)
{
	*needs = agent_is_needed(&agent->policy, PODNS_CONFDIR) || names_network(argc, argv) ||
		 is_rootless();
	return *needs || !agent->policy.sweep ? 0 : has_networks(agent->root, needs, e);
}

/* As a child, whose parent is the agent, before the command is confined. */
static int get_agent(struct cli *cli, int argc, char **argv, struct error *e)
{
	static struct network_client client;
	struct agent agent = {
		.root = find_root(cli, argc, argv),
		.policy = { .anything = true,
			    .sweep = cli->command->way == CLI_NETWORKS,
			    .adds = true },
	};
	bool needs;

	if (cli->command->way == CLI_CONFINED)
		return 0;
	if (needs_agent(&agent, argc, argv, &needs, e) < 0)
		return -1;
	if (!needs)
		return 0;
	cli->network = &client;
	return agent_open(&agent, &client, e) < 0 ? -1 : agent_become(&agent, &client, e);
}

static int run_command(struct cli *cli, int argc, char **argv, struct error *e)
{
	const struct command *command;
	int r = parse_front(cli, argc, argv, e);

	if (r != CLI_DONE)
		return r;
	command = find_command(argv[optind]);
	if (!command)
		return cli_usage(cli, e, "no command '%s'", argv[optind]);
	cli->command = command;
	log_context(command->name, NULL);
	if (command->way != CLI_RUNS_PROGRAMS) {
		inherit_nothing();
		if (get_agent(cli, argc, argv, e) < 0 || sandbox_enter(e) < 0)
			return CLI_FAILED;
	}
	return command->run(cli, argc - optind, argv + optind, e);
}

static int run_and_flush(struct cli *cli, int argc, char **argv, struct error *e)
{
	int r = run_command(cli, argc, argv, e);

	/* Before main() writes an error, since both may lead to the same file. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && (r >= 0 || r == CLI_FOUND))
		return error_set(e, errno, "write to standard output");
	return r;
}

int main(int argc, char **argv)
{
	struct cli cli = { .status = 1 };
	struct error e;
	const char *base;

	if (inherit_standard_streams() < 0) {
		perror(PROGRAM ": open /dev/null");
		return 1;
	}
	/* So that directories get the modes that mkdir(2) is called with. */
	cli.umask = umask(022);
	inherit_write_errors(&cli.signals);
	base = argc > 0 ? strrchr(argv[0], '/') : NULL;
	if (argc > 0 && !strcmp(base ? base + 1 : argv[0], "pinns")) {
		inherit_nothing();
		return pinns_main(argc, argv);
	}
	if (log_begin(PROGRAM, LOG_LEVEL_WARN, NULL, false, &e) < 0)
		return 1;
	switch (run_and_flush(&cli, argc, argv, &e)) {
	case CLI_DONE:
	case CLI_HELPED:
		return 0;
	case CLI_FOUND:
		return 1;
	case CLI_USAGE:
		log_error(LOG_LEVEL_ERROR, &e);
		return 2;
	default:
		log_error(LOG_LEVEL_ERROR, &e);
		return cli.status;
	}
}
