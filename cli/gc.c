/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "pod/gc.h"

static const char help[] =
	"Usage: podns gc [--root DIR] [--dry-run]\n"
	"\n"
	"Removes what is left where no hook reported that a container ended, and lists what it\n"
	"did: ends pods whose containers are all dead, drops claims that expired, brings back\n"
	"pins that a mount over their directory hides, gives the config.json of bundles whose\n"
	"pod is gone its original entries back (as at boot), and removes what a killed run left.\n"
	"A pod that is held stays, and so does a pod that a process is still in. If the network\n"
	"namespace of a held pod is gone, the pod is detached from its network.\n"
	"\n"
	"  --dry-run  change nothing, list what would be done\n";

static void print_action(void *arg, enum gc_action action, const char *what)
{
	static const struct {
		const char *done, *would;
	} words[] = {
		[GC_DROP] = { "dropped", "would drop" },
		[GC_END] = { "ended", "would end" },
		[GC_KEEP] = { "kept", "would keep" },
		[GC_PIN] = { "brought back", "would bring back" },
		[GC_REMOVE] = { "removed", "would remove" },
		[GC_REVERT] = { "reverted", "would revert" },
	};
	const int *dry_run = arg;

	printf("%s ", *dry_run ? words[action].would : words[action].done);
	print_safe(what);
	putchar('\n');
}

static int collect_garbage(struct cli *cli, int argc, char **argv, struct error *e)
{
	int dry_run = 0;
	cleanup_store struct store store = STORE_NONE;
	struct gc_options gc = { .report = print_action, .arg = &dry_run };
	int r = cli_parse_flag(cli, argc, argv, "dry-run", &dry_run, 0, NULL, e);
	bool there;

	if (r != CLI_DONE)
		return r;
	gc.dry_run = dry_run;
	if (cli_open_store(cli, &store, &there, e) < 0)
		return CLI_FAILED;
	if (!there)
		return CLI_DONE;
	/* At boot there may be copies of config.json, but no <root>/podns yet, which holds the locks. */
	if (!dry_run && store.dir_fd < 0) {
		store_close(&store);
		if (store_open(&store, cli->root, true, e) < 0)
			return CLI_FAILED;
	}
	store.network = cli->network;
	return pod_gc(&store, &gc, e);
}

const struct command cli_gc = { "gc", "remove what dead containers and killed runs left", help,
				CLI_NETWORKS, collect_garbage };
