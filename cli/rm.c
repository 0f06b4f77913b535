/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "pod/pod.h"

static const char help[] =
	"Usage: podns rm [--root DIR] [--force] NAME...\n"
	"\n"
	"Ends pods: gives the config.json of their containers its original entries back and\n"
	"removes the pins, the shared /dev/shm and the record. A pod with a living container, or\n"
	"with one on its way in, is refused. Pins that another program made, such as\n"
	"ip netns add, are never removed.\n"
	"\n"
	"  --force  end such a pod too; its containers keep running in namespaces that nothing\n"
	"           pins any more\n";

static int refuse_unrecorded(struct store *store, const char *name, struct error *e)
{
	cleanup_views struct views views = VIEWS_NONE;

	if (views_begin(&views, store, e) < 0 || views_add(&views, name, e) < 0)
		return -1;
	error_set(e, 0, "%s was not pinned by podns or its hook", name);
	return error_hint(
		e, "remove it with the program that pinned it, such as ip netns delete %s", name);
}

static int refuse_living(const struct pod *pod, struct error *e)
{
	const struct record *rec = &pod->rec;
	cleanup_buf struct buf who = { 0 };

	for (size_t i = 0; i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];
		int r;

		if (x->kind == ENTRANT_MEMBER)
			r = buf_addf(&who, "%scontainer %s (pid %d)", i ? ", " : "", x->id, x->pid);
		else
			r = buf_addf(&who, "%sa container on its way in%s%s", i ? ", " : "",
				     x->id ? ": " : "", x->id ? x->id : "");
		if (r < 0)
			return error_nomem(e);
	}
	error_set(e, 0, "pod %s is in use: %s", pod->name, who.data);
	return error_hint(e, "stop its containers first, or use --force");
}

static int remove_pod(struct store *store, const char *name, bool force, struct error *e)
{
	cleanup_pod struct pod pod = POD_NONE;
	struct cli_pod_name whole;

	if (cli_find_pod(store, name, &whole, e) < 0 ||
	    pod_open(&pod, store, whole.text, false, e) < 0)
		return -1;
	if (pod.fd < 0)
		return refuse_unrecorded(store, name, e);
	if (pod_drop_dead(&pod, e) < 0 && !force)
		return -1;
	if (pod.rec.entrant_count && !force)
		return refuse_living(&pod, e);
	return pod_end(&pod, e);
}

static int remove_pods(struct cli *cli, int argc, char **argv, struct error *e)
{
	int force = 0;
	cleanup_store struct store store = STORE_NONE;
	bool failed = false;
	struct error why;
	int r = cli_parse_flag(cli, argc, argv, "force", &force, CLI_SOME, "NAME", e);

	if (r != CLI_DONE)
		return r;
	if (store_open(&store, cli->root, false, e) < 0)
		return CLI_FAILED;
	store.network = cli->network;
	for (; optind < argc; optind++) {
		if (remove_pod(&store, argv[optind], force, &why) == 0)
			continue;
		if (failed)
			log_error(LOG_LEVEL_ERROR, e);
		failed = true;
		*e = why;
	}
	return failed ? CLI_FAILED : CLI_DONE;
}

const struct command cli_rm = { "rm", "end pods", help, CLI_NETWORKS, remove_pods };
