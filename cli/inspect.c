/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/one.h"
#include "cli/out.h"
#include "ns/make.h"
#include "pod/pod.h"

static const char help[] =
	"Usage: podns inspect [--root DIR] [--json] NAME\n"
	"\n"
	"Shows what a pod is made of: its pins with the inode of each namespace and of the user\n"
	"namespace that owns it, its hostname, sysctls and /dev/shm, its containers, and claims\n"
	"of containers on their way in. NAME may also be one that only another program has pinned,\n"
	"such as ip netns add; its state is then foreign.\n"
	"\n"
	"  --json  print a JSON object: name, state, reason, created, mount_namespace, hostname,\n"
	"          domainname, shm, pins (type, path, inode, user_namespace, ours), sysctls,\n"
	"          containers (id, pid, alive, bundle), claims (id or token, expires_in), bundles,\n"
	"          pids. What there is not, or could not be read, is null\n";

/* What is read of the namespaces themselves. */
struct details {
	ino_t owner[NS_TYPES]; /* 0: not pinned, or out of our sight */
	char hostname[65], domainname[65];
	bool named;
	bool shm;
};

static int read_details(struct one *one, struct details *d, struct error *e)
{
	const struct view *x = one->views.list;
	int fds[NS_TYPES], r;
	struct error ignored;
	struct ns_id owner;

	*d = (struct details){ .shm = x->rec.shm };
	r = views_open_pins(&one->views, x, fds, e);
	for (int t = 0; r == 0 && t < NS_TYPES; t++)
		if (fds[t] >= 0 && ns_owner(fds[t], &owner, &ignored) == 0)
			d->owner[t] = owner.ino;
	/* To read the name is to go there, which not everybody may. */
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

static void put_ino(struct json_out *j, const char *key, ino_t ino)
{
	if (ino)
		json_put_number(j, key, ino);
	else
		json_put_null(j, key);
}

/* One that stands there, or that the record tells of. */
static bool has_pin(const struct view *x, int t)
{
	return x->pinned & NS_BIT(t) || x->rec.pin[t].ours;
}

static int put_pins(struct json_out *j, struct one *one, const struct details *d, struct error *e)
{
	const struct view *x = one->views.list;

	json_open(j, "pins", '[');
	for (int t = 0; t < NS_TYPES; t++) {
		const char *path;

		if (!has_pin(x, t))
			continue;
		path = views_pin_path(&one->views, x, (enum ns_type)t, e);
		if (!path)
			return -1;
		json_open(j, NULL, '{');
		json_put_string(j, "type", ns_info[t].brief);
		json_put_string(j, "path", path);
		put_ino(j, "inode", x->pin[t].ino);
		put_ino(j, "user_namespace", d->owner[t]);
		if (x->unreadable)
			json_put_null(j, "ours");
		else
			json_put_bool(j, "ours", x->rec.pin[t].ours);
		json_close(j, '}');
	}
	json_close(j, ']');
	return 0;
}

static void put_containers(struct json_out *j, const struct record *rec)
{
	json_open(j, "containers", '[');
	for (size_t i = 0; i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];

		if (x->kind != ENTRANT_MEMBER)
			continue;
		json_open(j, NULL, '{');
		json_put_string(j, "id", x->id);
		json_put_number(j, "pid", (uint64_t)x->pid);
		json_put_bool(j, "alive", pod_entrant_lives(x));
		json_put_string(j, "bundle", x->bundle);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_open(j, "claims", '[');
	for (size_t i = 0; i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];

		if (x->kind == ENTRANT_MEMBER)
			continue;
		json_open(j, NULL, '{');
		json_put_string(j, "id", x->id);
		json_put_string(j, "token", x->token);
		json_put_number(j, "expires_in", expires_in(x));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_lists(struct json_out *j, const struct view *x)
{
	json_open(j, "sysctls", '{');
	for (size_t i = 0; i < x->rec.sysctl_count; i++)
		json_put_string(j, x->rec.sysctls[i].path, x->rec.sysctls[i].value);
	json_close(j, '}');
	put_containers(j, &x->rec);
	json_open(j, "bundles", '[');
	for (size_t i = 0; i < x->rec.bundle_count; i++)
		json_put_string(j, NULL, x->rec.bundles[i]);
	json_close(j, ']');
	json_open(j, "pids", '[');
	for (size_t i = 0; i < x->pid_count; i++)
		json_put_number(j, NULL, (uint64_t)x->pids[i]);
	json_close(j, ']');
}

static int print_json(struct one *one, const struct details *d, const char *shm, struct error *e)
{
	const struct view *x = one->views.list;
	bool recorded = x->state != POD_FOREIGN && !x->unreadable;
	struct json_out j = { 0 };

	json_open(&j, NULL, '{');
	json_put_string(&j, "name", x->name);
	json_put_string(&j, "state", pod_state_name(x->state));
	json_put_string(&j, "reason", x->reason);
	if (recorded)
		json_put_number(&j, "created", x->rec.created);
	else
		json_put_null(&j, "created");
	put_ino(&j, "mount_namespace", x->rec.mntns.ino);
	json_put_string(&j, "hostname", d->named ? d->hostname : NULL);
	json_put_string(&j, "domainname", d->named ? d->domainname : NULL);
	json_put_string(&j, "shm", shm);
	if (put_pins(&j, one, d, e) < 0) {
		buf_free(&j.text);
		return -1;
	}
	put_lists(&j, x);
	json_close(&j, '}');
	return json_end(&j, e);
}

/* --- for people ----------------------------------------------------------------- */

static void print_line(const char *what, const char *value)
{
	printf("%-12s", what);
	print_safe(value);
	putchar('\n');
}

static int print_pins(struct one *one, const struct details *d, struct error *e)
{
	const struct view *x = one->views.list;

	puts("Pins:");
	for (int t = 0; t < NS_TYPES; t++) {
		const char *path;

		if (!has_pin(x, t))
			continue;
		path = views_pin_path(&one->views, x, (enum ns_type)t, e);
		if (!path)
			return -1;
		printf("  %-7s %s", ns_info[t].brief, path);
		if (x->pin[t].ino)
			printf("  inode %ju", (uintmax_t)x->pin[t].ino);
		if (d->owner[t])
			printf("  user namespace %ju", (uintmax_t)d->owner[t]);
		puts(x->rec.pin[t].ours || x->unreadable ? "" : "  (pinned by another program)");
	}
	return 0;
}

static void print_entrants(const struct record *rec)
{
	bool first[2] = { true, true };

	for (size_t i = 0; i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];

		if (x->kind != ENTRANT_MEMBER)
			continue;
		if (first[0])
			puts("Containers:");
		first[0] = false;
		fputs("  ", stdout);
		print_safe(x->id);
		printf("  pid %d%s  bundle ", x->pid, pod_entrant_lives(x) ? "" : " (dead)");
		print_safe(x->bundle);
		putchar('\n');
	}
	for (size_t i = 0; i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];

		if (x->kind == ENTRANT_MEMBER)
			continue;
		if (first[1])
			puts("Claims:");
		first[1] = false;
		fputs("  ", stdout);
		print_safe(x->id ? x->id : x->token);
		printf("  expires in %" PRIu64 " s\n", expires_in(x));
	}
}

static int print_text(struct one *one, const struct details *d, const char *shm, struct error *e)
{
	const struct view *x = one->views.list;

	print_line("Name:", x->name);
	print_line("State:", pod_state_name(x->state));
	if (x->reason)
		print_line("Reason:", x->reason);
	if (x->rec.created)
		print_line("Age:", age_text(x->rec.created).s);
	if (d->named)
		print_line("Hostname:", d->hostname);
	if (shm)
		print_line("Shm:", shm);
	if (print_pins(one, d, e) < 0)
		return -1;
	for (size_t i = 0; i < x->rec.sysctl_count; i++) {
		printf("%s  %s = ", i ? "" : "Sysctls:\n", x->rec.sysctls[i].path);
		print_safe(x->rec.sysctls[i].value);
		putchar('\n');
	}
	print_entrants(&x->rec);
	for (size_t i = 0; i < x->rec.bundle_count; i++) {
		fputs(i ? "  " : "Rewritten bundles:\n  ", stdout);
		print_safe(x->rec.bundles[i]);
		putchar('\n');
	}
	printf("Processes:  %zu\n", x->pid_count);
	return 0;
}

static int run(struct cli *cli, int argc, char **argv, struct error *e)
{
	static const struct option options[] = {
		CLI_OPTIONS,
		{ "json", no_argument, NULL, OPT_JSON },
		CLI_OPTIONS_END,
	};
	cleanup_one struct one one = ONE_NONE;
	cleanup_free char *shm = NULL;
	struct details d;
	int r = cli_parse(cli, argc, argv, false, options, NULL, NULL, e);

	if (r == CLI_DONE)
		r = cli_operands(cli, argc, 1, "one NAME", e);
	if (r != CLI_DONE)
		return r;
	if (one_open(&one, cli, argv[optind], e) < 0 || views_find_processes(&one.views, e) < 0 ||
	    read_details(&one, &d, e) < 0)
		return CLI_FAILED;
	if (d.shm && asprintf(&shm, "%s/podns/%s/shm", one.store.root, one.views.list->name) < 0) {
		shm = NULL;
		return error_nomem(e);
	}
	return cli->json ? print_json(&one, &d, shm, e) : print_text(&one, &d, shm, e);
}

const struct command cli_inspect = { "inspect", "show what a pod is made of", help, false, run };
