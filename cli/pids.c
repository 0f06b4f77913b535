/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/cli.h"

static const char help[] =
	"Usage: podns pids [--root DIR] NAME\n"
	"\n"
	"Prints the pids of the processes that are in one of the pod's namespaces, one on each\n"
	"line. NAME may also be a name that only another program has pinned, such as ip netns\n"
	"add. A namespace that podns itself is in does not count, such as one that\n"
	"pinns --net=host has pinned.\n";

static int list_pids(struct cli *cli, int argc, char **argv, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	cleanup_views struct views views = VIEWS_NONE;
	int r = cli_parse_flag(cli, argc, argv, NULL, NULL, 1, "NAME", e);
	const struct view *x;

	if (r != CLI_DONE)
		return r;
	if (cli_view_pod(cli, argv[optind], &store, &views, e) < 0 ||
	    views_find_processes(&views, e) < 0)
		return CLI_FAILED;
	x = views.list;
	for (size_t i = 0; i < x->pid_count; i++)
		printf("%d\n", x->pids[i]);
	return CLI_DONE;
}

const struct command cli_pids = { "pids", "list the processes in a pod", help, CLI_CONFINED,
				  list_pids };
