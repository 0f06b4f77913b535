/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/one.h"

static const char help[] =
	"Usage: podns pids [--root DIR] NAME\n"
	"\n"
	"Prints the processes that are in one of the pod's namespaces, a pid a line. NAME may\n"
	"also be one that only another program has pinned, such as ip netns add.\n"
	"A namespace that podns itself is in, as pinns --net=host pins one, does not count.\n";

static int run(struct cli *cli, int argc, char **argv, struct error *e)
{
	static const struct option options[] = { CLI_OPTIONS, CLI_OPTIONS_END };
	cleanup_one struct one one = ONE_NONE;
	int r = cli_parse(cli, argc, argv, false, options, NULL, NULL, e);
	const struct view *x;

	if (r == CLI_DONE)
		r = cli_operands(cli, argc, 1, "one NAME", e);
	if (r != CLI_DONE)
		return r;
	if (one_open(&one, cli, argv[optind], e) < 0 || views_find_processes(&one.views, e) < 0)
		return CLI_FAILED;
	x = one.views.list;
	for (size_t i = 0; i < x->pid_count; i++)
		printf("%d\n", x->pids[i]);
	return CLI_DONE;
}

const struct command cli_pids = { "pids", "list the processes in a pod", help, false, run };
