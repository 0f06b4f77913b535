/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "pod/gc.h"

static const char help[] =
	"Usage: podns gc [--root DIR] [--dry-run]\n"
	"\n"
	"Sweeps what no hook reports any more, and lists what it did: ends pods whose\n"
	"containers are all dead, drops claims that nobody used, brings back pins that a mount\n"
	"over their directory hides, gives the config.json of bundles whose pod is gone its\n"
	"original entries back (as at boot), and removes what a killed run left. A pod that\n"
	"is held stays, and so does one that a process is still in.\n"
	"\n"
	"  --dry-run  change nothing, list what would be done\n";

struct options {
	bool dry_run;
};

enum { OPT_DRY_RUN = OPT_OWN };

static int set_option(void *arg, int option, char *value, struct error *e)
{
	struct options *o = arg;

	(void)option, (void)value, (void)e;
	o->dry_run = true;
	return 0;
}

static void tell(void *arg, enum gc_deed deed, const char *what)
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
	const struct options *o = arg;

	printf("%s ", o->dry_run ? words[deed].would : words[deed].done);
	print_safe(what);
	putchar('\n');
}

static int run(struct cli *cli, int argc, char **argv, struct error *e)
{
	static const struct option options[] = {
		CLI_OPTIONS,
		{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
		CLI_OPTIONS_END,
	};
	cleanup_store struct store store = STORE_NONE;
	struct options o = { 0 };
	struct gc_options gc = { .tell = tell, .arg = &o };
	int r = cli_parse(cli, argc, argv, false, options, set_option, &o, e);
	bool there;

	if (r == CLI_DONE)
		r = cli_operands(cli, argc, 0, "no argument", e);
	if (r != CLI_DONE)
		return r;
	gc.dry_run = o.dry_run;
	if (cli_open_store(cli, &store, &there, e) < 0)
		return CLI_FAILED;
	if (!there)
		return CLI_DONE;
	/* At boot bundles are noted and <root>/podns, where the locks are, is not there yet. */
	if (!o.dry_run && store.dir_fd < 0) {
		store_close(&store);
		if (store_open(&store, cli->root, true, e) < 0)
			return CLI_FAILED;
	}
	return pod_gc(&store, &gc, e);
}

const struct command cli_gc = { "gc", "sweep what was left behind", help, false, run };
