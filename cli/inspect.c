/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/out.h"
#include "net/state.h"
#include "ns/make.h"
#include "pod/pod.h"

static const char help[] =
	"Usage: podns inspect [--root DIR] [--json] NAME\n"
	"\n"
	"Shows what a pod is made of: its pins with the inode of each namespace and of the user\n"
	"namespace that owns it, its hostname, sysctls and /dev/shm, its containers, and claims\n"
	"of containers on their way in. A container is shown by the name that it has in its engine.\n"
	"NAME may be the beginning of an engine's id, 12 digits or more. It may also be a name that\n"
	"only another program has pinned, such as ip netns add; its state is then foreign.\n"
	"\n"
	"  --json  print a JSON object: name, state, reason, created, mount_namespace, hostname,\n"
	"          domainname, shm, network (name, state, error, addresses, ports, ingress_rate,\n"
	"          egress_rate), pins (type, path, inode, user_namespace, ours), sysctls,\n"
	"          containers (id, engine, name, pid, alive, bundle), claims (id, token, expires_in), bundles,\n"
	"          pids. What does not exist, or could not be read, is null\n";

/* What podns inspect prints besides the view itself. */
struct details {
	const char *path[NS_TYPES]; /* of the pin; NULL: neither pinned nor recorded */
	ino_t owner[NS_TYPES];      /* 0: not pinned, or outside our own user namespace */
	char hostname[65], domainname[65];
	bool named;               /* these two could be read */
	const char *shm;          /* path of the shared /dev/shm, or NULL */
	struct net_state network; /* if the pod has one and its record can be read */
	struct names names;       /* of its containers */
};

static int find_paths(struct views *v, struct details *d, struct error *e)
{
	const struct view *x = v->list;

	*d = (struct details){ 0 };
	for (int t = 0; t < NS_TYPES; t++) {
		if (!(x->pinned & NS_BIT(t)) && !x->rec.pin[t].ours)
			continue;
		d->path[t] = views_pin_path(v, x, (enum ns_type)t, e);
		if (!d->path[t])
			return -1;
	}
	if (!x->rec.shm)
		return 0;
	d->shm = store_shm_path(v->store, &v->arena, x->name, e);
	return d->shm ? 0 : -1;
}

static int read_details(struct views *v, struct details *d, struct error *e)
{
	int fds[NS_TYPES], r;
	struct error ignored;
	struct ns_id owner;

	if (find_paths(v, d, e) < 0)
		return -1;
	if (v->list->rec.network && state_load(v->store, v->list->name, &d->network, &ignored) < 0)
		log_error(LOG_LEVEL_WARN, &ignored);
	r = views_open_pins(v, v->list, fds, e);
	for (int t = 0; r == 0 && t < NS_TYPES; t++)
		if (fds[t] >= 0 && ns_owner(fds[t], &owner, &ignored) == 0)
			d->owner[t] = owner.ino;
	/* Reading the names takes setns(2), which may be refused. */
	if (r == 0 && fds[NS_UTS] >= 0)
		d->named = ns_uts_names(fds[NS_UTS], -1, d->hostname, d->domainname, &ignored) == 0;
	for (int t = 0; t < NS_TYPES; t++)
		cleanup_closep(&fds[t]);
	return r;
}

static uint64_t expires_in(const struct entrant *x)
{
	uint64_t now = pod_boot_seconds();

	return x->expires > now ? x->expires - now : 0;
}

/* --- JSON --------------------------------------------------------------------- */

static void put_number_or_null(struct json_out *j, const char *key, uint64_t number)
{
	if (number)
		json_put_number(j, key, number);
	else
		json_put_null(j, key);
}

static void put_pins(struct json_out *j, const struct view *x, const struct details *d)
{
	json_open(j, "pins", '[');
	for (int t = 0; t < NS_TYPES; t++) {
		if (!d->path[t])
			continue;
		json_open(j, NULL, '{');
		json_put_string(j, "type", ns_info[t].brief);
		json_put_string(j, "path", d->path[t]);
		put_number_or_null(j, "inode", x->pin[t].ino);
		put_number_or_null(j, "user_namespace", d->owner[t]);
		if (x->unreadable)
			json_put_null(j, "ours");
		else
			json_put_bool(j, "ours", x->rec.pin[t].ours);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_rate(struct json_out *j, const char *key, uint64_t rate)
{
	if (rate)
		json_put_number(j, key, rate);
	else
		json_put_null(j, key);
}

static void put_network(struct json_out *j, const struct view *x, const struct details *d)
{
	const struct net_state *st = &d->network;

	if (!x->rec.network) {
		json_put_null(j, "network");
		return;
	}
	json_open(j, "network", '{');
	json_put_string(j, "name", x->rec.network);
	json_put_string(j, "state", st->pod ? net_phase_name[st->phase] : NULL);
	json_put_string(j, "error", st->error ? st->error : x->rec.leaving);
	json_open(j, "addresses", '[');
	for (size_t i = 0; i < x->rec.address_count; i++)
		json_put_string(j, NULL, x->rec.addresses[i]);
	json_close(j, ']');
	json_open(j, "ports", '[');
	for (size_t i = 0; i < st->ports.count; i++)
		json_put_string(j, NULL, port_format(&st->ports.list[i]).text);
	json_close(j, ']');
	put_rate(j, "ingress_rate", st->bandwidth.ingress);
	put_rate(j, "egress_rate", st->bandwidth.egress);
	json_close(j, '}');
}

static void put_entrants(struct json_out *j, const struct record *rec, struct names *names,
			 bool members)
{
	json_open(j, members ? "containers" : "claims", '[');
	for (size_t i = 0; i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];

		if ((x->kind == ENTRANT_MEMBER) != members)
			continue;
		json_open(j, NULL, '{');
		json_put_string(j, "id", x->id);
		if (members) {
			struct container_name name = names_find(names, x);

			json_put_string(j, "engine", name.engine);
			json_put_string(j, "name", name.name);
			json_put_number(j, "pid", (uint64_t)x->pid);
			json_put_bool(j, "alive", pod_entrant_lives(x));
			json_put_string(j, "bundle", x->bundle);
		} else {
			json_put_string(j, "token", x->token);
			json_put_number(j, "expires_in", expires_in(x));
		}
		json_close(j, '}');
	}
	json_close(j, ']');
}

static int print_json(const struct view *x, struct details *d, struct error *e)
{
	struct json_out j = { 0 };

	json_open(&j, NULL, '{');
	json_put_string(&j, "name", x->name);
	json_put_string(&j, "state", pod_state_name(x->state));
	json_put_string(&j, "reason", x->reason);
	put_number_or_null(&j, "created", x->rec.created);
	put_number_or_null(&j, "mount_namespace", x->rec.mntns.ino);
	json_put_string(&j, "hostname", d->named ? d->hostname : NULL);
	json_put_string(&j, "domainname", d->named ? d->domainname : NULL);
	json_put_string(&j, "shm", d->shm);
	put_network(&j, x, d);
	put_pins(&j, x, d);
	json_open(&j, "sysctls", '{');
	for (size_t i = 0; i < x->rec.sysctl_count; i++)
		json_put_string(&j, x->rec.sysctls[i].path, x->rec.sysctls[i].value);
	json_close(&j, '}');
	put_entrants(&j, &x->rec, &d->names, true);
	put_entrants(&j, &x->rec, &d->names, false);
	json_open(&j, "bundles", '[');
	for (size_t i = 0; i < x->rec.bundle_count; i++)
		json_put_string(&j, NULL, x->rec.bundles[i]);
	json_close(&j, ']');
	json_open(&j, "pids", '[');
	for (size_t i = 0; i < x->pid_count; i++)
		json_put_number(&j, NULL, (uint64_t)x->pids[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	return json_end(&j, e);
}

/* --- text ----------------------------------------------------------------------- */

static void print_line(const char *what, const char *value)
{
	printf("%-12s", what);
	print_safe(value);
	putchar('\n');
}

static void print_pins(const struct view *x, const struct details *d)
{
	puts("Pins:");
	for (int t = 0; t < NS_TYPES; t++) {
		if (!d->path[t])
			continue;
		printf("  %-7s %s", ns_info[t].brief, d->path[t]);
		if (x->pin[t].ino)
			printf("  inode %ju", (uintmax_t)x->pin[t].ino);
		if (d->owner[t])
			printf("  user namespace %ju", (uintmax_t)d->owner[t]);
		puts(x->rec.pin[t].ours || x->unreadable ? "" : "  (pinned by another program)");
	}
}

static void print_network(const struct view *x, const struct details *d)
{
	const struct net_state *st = &d->network;

	if (!x->rec.network)
		return;
	printf("Network:    %s", x->rec.network);
	for (size_t i = 0; i < x->rec.address_count; i++)
		printf("  %s", x->rec.addresses[i]);
	printf("%s%s\n", st->pod ? "  " : "", st->pod ? net_phase_name[st->phase] : "");
	for (size_t i = 0; i < st->ports.count; i++)
		printf("%s%s", i ? " " : "Ports:      ", port_format(&st->ports.list[i]).text);
	fputs(st->ports.count ? "\n" : "", stdout);
	if (st->bandwidth.ingress)
		printf("Ingress:    at most %ju bit/s\n", (uintmax_t)st->bandwidth.ingress);
	if (st->bandwidth.egress)
		printf("Egress:     at most %ju bit/s\n", (uintmax_t)st->bandwidth.egress);
	if (st->error)
		print_line("Net error:", st->error);
}

/* "www (podman)  id ...": its name first, unless the id is the name. */
static void print_name(struct names *names, const struct entrant *x)
{
	struct container_name name = names_find(names, x);

	print_safe(name.shown);
	if (name.engine)
		printf(" (%s)", name.engine);
	if (strcmp(name.shown, x->id) != 0) {
		printf("  id ");
		print_safe(x->id);
	}
}

static void print_entrants(const struct record *rec, struct names *names, bool members)
{
	const char *heading = members ? "Containers:\n  " : "Claims:\n  ";

	for (size_t i = 0; i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];

		if ((x->kind == ENTRANT_MEMBER) != members)
			continue;
		fputs(heading, stdout);
		heading = "  ";
		if (members)
			print_name(names, x);
		else
			print_safe(x->id ? x->id : x->token);
		if (members) {
			printf("  pid %d%s  bundle ", x->pid,
			       pod_entrant_lives(x) ? "" : " (dead)");
			print_safe(x->bundle);
			putchar('\n');
		} else {
			printf("  expires in %" PRIu64 " s\n", expires_in(x));
		}
	}
}

static void print_text(const struct view *x, struct details *d)
{
	print_line("Name:", x->name);
	print_line("State:", pod_state_name(x->state));
	if (x->reason)
		print_line("Reason:", x->reason);
	if (x->rec.created)
		print_line("Age:", age_text(x->rec.created).s);
	if (d->named)
		print_line("Hostname:", d->hostname);
	if (d->shm)
		print_line("Shm:", d->shm);
	print_network(x, d);
	print_pins(x, d);
	for (size_t i = 0; i < x->rec.sysctl_count; i++) {
		printf("%s  %s = ", i ? "" : "Sysctls:\n", x->rec.sysctls[i].path);
		print_safe(x->rec.sysctls[i].value);
		putchar('\n');
	}
	print_entrants(&x->rec, &d->names, true);
	print_entrants(&x->rec, &d->names, false);
	for (size_t i = 0; i < x->rec.bundle_count; i++) {
		fputs(i ? "  " : "Rewritten bundles:\n  ", stdout);
		print_safe(x->rec.bundles[i]);
		putchar('\n');
	}
	printf("Processes:  %zu\n", x->pid_count);
}

static int inspect_pod(struct cli *cli, int argc, char **argv, struct error *e)
{
	int json = 0;
	cleanup_store struct store store = STORE_NONE;
	cleanup_views struct views views = VIEWS_NONE;
	struct details d;
	int r = cli_parse_flag(cli, argc, argv, "json", &json, 1, "NAME", e);

	if (r != CLI_DONE)
		return r;
	if (cli_view_pod(cli, argv[optind], &store, &views, e) < 0 ||
	    views_find_processes(&views, e) < 0 || read_details(&views, &d, e) < 0)
		return CLI_FAILED;
	r = CLI_DONE;
	if (json)
		r = print_json(views.list, &d, e);
	else
		print_text(views.list, &d);
	net_state_free(&d.network);
	names_free(&d.names);
	return r;
}

const struct command cli_inspect = {
	"inspect", "show what a pod is made of", help, CLI_CONFINED, inspect_pod,
};
