/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podns network: about the networks that root has configured, and those of pods. What changes a network is
 * done by podns-net under the pod's lock, so this command is not confined.
 */
#include "cli/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/run.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "net/run.h"
#include "net/state.h"
#include "pod/pod.h"

static const char help[] =
	"Usage: podns network [--root DIR] ls [--json]\n"
	"       podns network [--root DIR] check POD\n"
	"       podns network [--root DIR] up POD\n"
	"       podns network [--root DIR] down POD\n"
	"       podns network [--root DIR] publish POD [+|-][IP:]HOST:POD[/PROTOCOL]...\n"
	"\n"
	"  ls       list the networks in " PODNS_CONFDIR "/net.d, with the pods attached to them\n"
	"  check    is all that was attached still there? Asks the plugins, and looks in the pod\n"
	"  down     detach the pod from its network; up attaches it again\n"
	"  up       attach it to the same network, with the same ports\n"
	"  publish  publish ports (with + or without a sign) and stop publishing others (-), while\n"
	"           containers run; the pod keeps its address\n"
	"\n"
	"  --json   print a JSON array: name, file, plugins, pods, error (null if the file is right)\n"
	"\n"
	"See podns-network(1).\n";

/* podns-net and its plugins keep to 25 s; this is for one that hangs. */
#define LIMIT_MS 30000

/* --- one pod -------------------------------------------------------------------------------- */

enum verb { VERB_CHECK, VERB_UP, VERB_DOWN, VERB_PUBLISH, VERBS };
static const char *const verb_name[VERBS] = { "check", "up", "down", "publish" };

static int open_pod(struct cli *cli, const char *name, struct store *store, struct pod *pod,
		    struct error *e)
{
	struct pod_name full;

	if (store_open(store, cli->root, false, e) < 0 ||
	    store_full_name(store, name, &full, e) < 0 ||
	    pod_open(pod, store, full.s, false, e) < 0)
		return -1;
	if (pod->fd < 0)
		return error_set(e, 0, "there is no pod %s under %s", name, store->root);
	return pod_check_clocks(pod, e);
}

static int note_addresses(struct pod *pod, const struct buf *out, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };
	cleanup_free char *lines = strdup(out->len ? out->data : "");
	char *line, *rest = lines;

	if (!lines)
		return error_nomem(e);
	if (state_load(pod->store, pod->name, &st, e) < 0 ||
	    record_set_network(&pod->rec, st.network ? st.network : pod->rec.network, e) < 0)
		return -1;
	while ((line = strsep(&rest, "\n")))
		if (*line && record_add_address(&pod->rec, line, e) < 0)
			return -1;
	pod->rec.attached = true;
	return pod_save(pod, e);
}

static int check_network(struct pod *pod, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };

	/* podns-net says that a pod has none, and what is wrong with a record that cannot be read. */
	if (!pod->rec.network || state_load(pod->store, pod->name, &st, &(struct error){ 0 }) < 0 ||
	    st.pod)
		return 0;
	error_set(e, 0, "the record of the pod's network %s is gone", pod->rec.network);
	return error_hint(e, "`podns rm --force %s`, then make the pod as before", pod->name);
}

/*
 * Before `down` and `up` the pod's record says that nothing is attached: after a kill, or if `up` fails, no container
 * starts in the pod until `up` has succeeded. Of a pod that is attached, `up` gets the addresses.
 */
static int note_detached(struct pod *pod, struct error *e)
{
	const char *network = pod->rec.network;

	if (!network)
		return 0;
	return record_set_network(&pod->rec, network, e) < 0 ? -1 : pod_save(pod, e);
}

static int run_on_pod(struct cli *cli, enum verb verb, const char *name, struct program_args *args,
		      struct error *e)
{
	cleanup_program_result struct program_result result = { 0 };
	cleanup_store struct store store = STORE_NONE;
	cleanup_pod struct pod pod = POD_NONE;
	int r;

	log_context("network", name);
	if (open_pod(cli, name, &store, &pod, e) < 0)
		return -1;
	log_context("network", pod.name);
	if (check_network(&pod, e) < 0 ||
	    ((verb == VERB_DOWN || verb == VERB_UP) && note_detached(&pod, e) < 0))
		return -1;
	program_add_args(args, "--root", store.root);
	program_add_args(args, "--lock-fd", decimal((uint64_t)pod.fd).text);
	program_add_args(args, verb_name[verb], NULL);
	program_add_args(args, "--", pod.name);
	r = podns_net_run(args, pod.fd, LIMIT_MS, &result, e);
	pod.plugins_ran = true;
	pod.lock_stays = WIFSIGNALED(result.status);
	return r == 0 && verb == VERB_UP ? note_addresses(&pod, &result.out, e) : r;
}

struct changes {
	struct program_args *args;
	struct port_range added[PORT_RANGES_MAX], dropped[PORT_RANGES_MAX];
	size_t added_count, dropped_count;
};

static int add_change(struct changes *c, const char *arg, struct error *e)
{
	bool drop = *arg == '-';
	const char *spec = arg + (drop || *arg == '+');
	struct port_range range;

	if (port_parse(spec, &range, e) < 0 ||
	    port_add(drop ? c->dropped : c->added, drop ? &c->dropped_count : &c->added_count,
		     &range, e) < 0)
		return -1;
	if (c->added_count + c->dropped_count > PORT_RANGES_MAX)
		return error_set(e, 0, "more than %d ports", PORT_RANGES_MAX);
	program_add_args(c->args, drop ? "--unpublish" : "--publish", spec);
	return 0;
}

static int do_publish(struct cli *cli, int argc, char **argv, struct program_args *args,
		      struct error *e)
{
	struct changes c = { .args = args };

	if (argc < 2)
		return cli_usage(cli, e, "publish needs a POD and ports");
	for (int i = 1; i < argc; i++)
		if (add_change(&c, argv[i], e) < 0)
			return *e->hint ? CLI_USAGE : cli_usage(cli, e, "%s", e->text);
	return run_on_pod(cli, VERB_PUBLISH, argv[0], args, e);
}

static int do_verb(struct cli *cli, enum verb verb, int argc, char **argv, struct error *e)
{
	cleanup_program_args struct program_args args = { 0 };

	program_add_args(&args, PODNS_NET, NULL);
	if (verb == VERB_PUBLISH)
		return do_publish(cli, argc, argv, &args, e);
	if (argc != 1)
		return cli_usage(cli, e, "%s needs one POD", verb_name[verb]);
	return run_on_pod(cli, verb, argv[0], &args, e);
}

static int dispatch(struct cli *cli, int argc, char **argv, bool json, struct error *e)
{
	if (!argc)
		return cli_usage(cli, e, "ls, check, up, down or publish is missing");
	if (!strcmp(argv[0], "ls"))
		return argc > 1 ? cli_usage(cli, e, "unexpected argument '%s'", argv[1])
				: network_list(cli, json, e);
	for (enum verb verb = 0; verb < VERBS; verb++)
		if (!strcmp(argv[0], verb_name[verb]))
			return json ? cli_usage(cli, e, "only ls has --json")
				    : do_verb(cli, verb, argc - 1, argv + 1, e);
	return cli_usage(cli, e, "no command 'network %s'", argv[0]);
}

static int set_network_option(void *arg, int option, char *value, struct error *e)
{
	(void)option;
	(void)value;
	(void)e;
	*(bool *)arg = true;
	return 0;
}

/* A port that is not to be published any more begins with '-': options come before the pod. */
static int parse_and_dispatch(struct cli *cli, int argc, char **argv, struct error *e)
{
	enum { OPT_JSON = OPT_OWN };
	static const struct option options[] = {
		CLI_OPTIONS,
		{ "json", no_argument, NULL, OPT_JSON },
		CLI_OPTIONS_END,
	};
	bool json = false;
	int words, r = cli_parse(cli, argc, argv, true, options, set_network_option, &json, e);
	char *command;

	if (r != CLI_DONE || optind == argc)
		return r != CLI_DONE ? r : dispatch(cli, 0, NULL, json, e);
	/* Options may follow the command, too: `podns network ls --json`. */
	words = optind;
	command = argv[words];
	argv[words] = argv[0];
	optind = 0;
	r = cli_parse(cli, argc - words, argv + words, true, options, set_network_option, &json, e);
	if (r != CLI_DONE)
		return r;
	argv[words + optind - 1] = command;
	return dispatch(cli, argc - words - optind + 1, argv + words + optind - 1, json, e);
}

const struct command cli_network = { "network", "list, attach and detach networks", help,
				     CLI_RUNS_PROGRAMS, parse_and_dispatch };
