/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"

static const char help[] =
	"Usage: podns identify [--root DIR] PID\n"
	"\n"
	"Prints the pod that a process is in: the name under which one of its namespaces is\n"
	"pinned, by podns or another program. Several names are printed one on each line. That\n"
	"the process is in no pod is an error. A namespace that podns itself is in does not\n"
	"count.\n";

static bool is_in(const struct views *v, const struct view *x, const struct ns_id of[NS_TYPES])
{
	for (int t = 0; t < NS_TYPES; t++)
		if (ns_same(x->pin[t], of[t]) && !ns_same(x->pin[t], v->own[t]))
			return true;
	return false;
}

static int read_ids(pid_t pid, struct ns_id of[NS_TYPES], struct error *e)
{
	cleanup_process struct process process = PROCESS_NONE;

	memset(of, 0, NS_TYPES * sizeof(*of));
	if (process_hold(pid, &process, e) < 0)
		return -1;
	for (int t = 0; t < NS_TYPES; t++) {
		int fd = process_open_ns(&process, (enum ns_type)t, &of[t], e);

		/* This kernel does not have the type. */
		if (fd < 0 && e->num == ENOENT)
			continue;
		if (fd < 0)
			return -1;
		close(fd);
	}
	return process_lives(&process) ? 0 : error_set(e, 0, "process %d died", pid);
}

static int print_pods(struct cli *cli, pid_t pid, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	cleanup_views struct views views = VIEWS_NONE;
	struct ns_id of[NS_TYPES];
	size_t found = 0;

	if (store_open(&store, cli->root, false, e) < 0 || read_ids(pid, of, e) < 0 ||
	    views_begin(&views, &store, e) < 0 || views_add_pinned(&views, e) < 0)
		return CLI_FAILED;
	for (size_t i = 0; i < views.count; i++) {
		if (!is_in(&views, &views.list[i], of))
			continue;
		printf("%s\n", views.list[i].name);
		found++;
	}
	return found ? CLI_DONE
		     : error_set(e, 0, "process %d is in no pod under %s", pid, store.root);
}

static int identify_process(struct cli *cli, int argc, char **argv, struct error *e)
{
	int r = cli_parse_flag(cli, argc, argv, NULL, NULL, 1, "PID", e);
	uint64_t pid;

	if (r != CLI_DONE)
		return r;
	if (!parse_u64(argv[optind], INT32_MAX, &pid) || !pid)
		return cli_usage(cli, e, "'%s' is not a pid", argv[optind]);
	return print_pods(cli, (pid_t)pid, e);
}

const struct command cli_identify = { "identify", "print the pod of a process", help, CLI_CONFINED,
				      identify_process };
