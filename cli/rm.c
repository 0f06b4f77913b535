/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/out.h"
#include "net/state.h"
#include "pod/name.h"
#include "pod/pod.h"

static const char help[] =
	"Usage: podns rm [--root DIR] [--force] NAME...\n"
	"\n"
	"Ends pods: gives the config.json of their containers its original entries back and\n"
	"removes the pins, the shared /dev/shm and the record. A pod with a living container, or\n"
	"with one on its way in, is refused. Pins that another program made, such as\n"
	"ip netns add, are never removed.\n"
	"\n"
	"NAME may be the beginning of an engine's id, 12 digits or more.\n"
	"\n"
	"  --force  end such a pod too, and print which containers are cut off: they keep running\n"
	"           in namespaces that nothing pins any more, so no other container can join them.\n"
	"           If a pod is leaving because its network cannot be detached, and that fails\n"
	"           again, forget the network, and print what it may have left on the host\n";

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
	cleanup_names struct names names = { 0 };
	cleanup_buf struct buf who = { 0 };

	for (size_t i = 0; i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];
		struct container_name name;
		int r;

		if (x->kind == ENTRANT_MEMBER) {
			name = names_find(&names, x);
			r = buf_addf(&who, "%scontainer %s (%s%spid %d)", i ? ", " : "", name.shown,
				     name.engine ? name.engine : "", name.engine ? ", " : "",
				     x->pid);
		} else {
			r = buf_addf(&who, "%sa container on its way in%s%s", i ? ", " : "",
				     x->id ? ": " : "", x->id ? x->id : "");
		}
		if (r < 0)
			return error_nomem(e);
	}
	error_set(e, 0, "pod %s is in use: %s", pod->name, who.data);
	return error_hint(e, "stop its containers first, or use --force");
}

/* --- a network that cannot be detached ------------------------------------------------------ */

/* Where to look for what is left: plugins note the id of the attachment, or the address. */
static void print_places(const struct net_state *st, const struct record *rec)
{
	printf("  to find it: iptables-save | grep -e %s", st->id);
	for (size_t i = 0; i < rec->address_count; i++) {
		printf(" -e ");
		print_safe(rec->addresses[i]);
	}
	printf("; grep -rsl %s /var/lib/cni /run; a reboot removes the rules\n", st->id);
}

/* Before it is forgotten, since afterwards nothing knows it. */
static void print_left(const struct pod *pod, const struct net_state *st, const struct error *why)
{
	const struct record *rec = &pod->rec;

	printf("%s: the network %s is forgotten, though it could not be detached: ", pod->name,
	       rec->network);
	print_safe(why->text);
	puts("\n  what may be left: its address and rules of the host's firewall, also for published "
	     "ports");
	for (size_t i = 0; i < rec->address_count; i++) {
		printf("%s", i ? " " : "  addresses: ");
		print_safe(rec->addresses[i]);
	}
	printf("%s", rec->address_count ? "\n" : "");
	for (size_t i = 0; i < st->ports.count; i++)
		printf("%s%s", i ? " " : "  ports: ", port_format(&st->ports.list[i]).text);
	printf("%s", st->ports.count ? "\n" : "");
	if (st->id && !st->pasta_pid)
		print_places(st, rec);
}

/*
 * Its plugin may be gone for good, and then the pod would stay until a reboot. Only a pod whose detaching had failed before is
 * forgotten: a first failure may pass, and what is left of a network may disturb the next one.
 */
static int forget_network(struct pod *pod, const struct error *why, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };
	struct error unread;

	/* A record that cannot be read may be what keeps it from being detached. */
	if (state_load(pod->store, pod->name, &st, &unread) < 0)
		log_error(LOG_LEVEL_WARN, &unread);
	print_left(pod, &st, why);
	return pod_forget_network(pod, e);
}

static int end_pod(struct pod *pod, bool force, struct error *e)
{
	bool had_failed = pod->rec.leaving != NULL;
	struct error why;

	if (pod_end(pod, e) == 0)
		return 0;
	if (!pod->rec.network || !pod->rec.leaving)
		return -1;
	if (!force || !had_failed)
		return *e->hint ? -1
				: error_hint(e,
					     "podns gc tries again; so does podns rm --force %s, "
					     "and forgets the network if that fails",
					     pod->name);
	why = *e;
	return forget_network(pod, &why, e) < 0 ? -1 : pod_end(pod, e);
}

/* End the pod, and say which of its containers run on. Their names cannot be found any more once it has ended. */
static int end_and_report(struct pod *pod, bool force, struct error *e)
{
	cleanup_names struct names names = { 0 };
	cleanup_buf struct buf who = { 0 };
	int r;

	if (names_add_members(&names, &pod->rec, NULL, &who) < 0)
		return error_nomem(e);
	r = end_pod(pod, force, e);
	/* Also after a failure: pod_end() goes on, and only what hides a pin stops it before the containers. */
	if (who.len && !pod->rec.entrant_count) {
		printf("%s: cut off ", pod->name);
		print_safe(who.data);
		putchar('\n');
	}
	return r;
}

static int remove_pod(struct store *store, const char *given, bool force, struct error *e)
{
	cleanup_pod struct pod pod = POD_NONE;
	struct pod_name name;

	if (store_full_name(store, given, &name, e) < 0 ||
	    pod_open(&pod, store, name.s, false, e) < 0)
		return -1;
	if (pod.fd < 0)
		return refuse_unrecorded(store, name.s, e);
	if (pod_drop_dead(&pod, e) < 0 && !force)
		return -1;
	if (pod.rec.entrant_count && !force)
		return refuse_living(&pod, e);
	return end_and_report(&pod, force, e);
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
