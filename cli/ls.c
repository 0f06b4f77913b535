/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/out.h"

static const char help[] =
	"Usage: podns ls [--root DIR] [--json]\n"
	"\n"
	"Lists the pods.\n"
	"\n"
	"  NAME        the name of the pod; of one of podman's or of a CRI engine, the first 12\n"
	"              digits of the id, by which the other commands know it, too\n"
	"  NAMESPACES  the types that are pinned\n"
	"  CONTAINERS  how many of its containers are alive\n"
	"  PIDS        how many processes are in one of its namespaces\n"
	"  STATE       held     podns create or podns rewrite made it, podns rm ends it\n"
	"              live     a container is in it\n"
	"              claimed  a container is on its way in\n"
	"              stale    neither: the next hook run or podns gc ends it\n"
	"              leaving  it has ended, but its network could not be detached; the next\n"
	"                       run or podns gc tries again\n"
	"              broken   something that it owns is not where it should be\n"
	"  AGE         the time since it was made\n"
	"  REASON      why it is leaving or broken\n"
	"\n"
	"  --json  print a JSON array: name, namespaces, containers, pids, state, reason\n"
	"          (or null), created (seconds since 1970)\n";

static ns_set types_of(const struct view *x)
{
	ns_set set = x->pinned;

	for (int t = 0; t < NS_TYPES; t++)
		if (x->rec.pin[t].ours)
			set |= NS_BIT(t);
	return set;
}

static int print_json(const struct views *v, struct error *e)
{
	struct json_out j = { 0 };

	json_open(&j, NULL, '[');
	for (size_t i = 0; i < v->count; i++) {
		const struct view *x = &v->list[i];

		json_open(&j, NULL, '{');
		json_put_string(&j, "name", x->name);
		json_put_types(&j, "namespaces", types_of(x));
		json_put_number(&j, "containers", x->containers);
		json_put_number(&j, "pids", x->pid_count);
		json_put_string(&j, "state", pod_state_name(x->state));
		json_put_string(&j, "reason", x->reason);
		json_put_number(&j, "created", x->rec.created);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	return json_end(&j, e);
}

static void print_table(const struct views *v)
{
	int name = (int)strlen("NAME"), types = (int)strlen("NAMESPACES");
	bool reasons = false;

	for (size_t i = 0; i < v->count; i++) {
		const struct view *x = &v->list[i];
		int n = shown_length(x->name), m = (int)strlen(types_text(types_of(x)).s);

		name = n > name ? n : name;
		types = m > types ? m : types;
		reasons |= x->reason != NULL;
	}
	printf("%-*s %-*s CONTAINERS  PIDS STATE    AGE%s\n", name, "NAME", types, "NAMESPACES",
	       reasons ? "  REASON" : "");
	for (size_t i = 0; i < v->count; i++) {
		const struct view *x = &v->list[i];
		struct age_text age = age_text(x->rec.created);

		printf("%-*.*s %-*s %10zu %5zu %-8s %s", name, shown_length(x->name), x->name,
		       types, types_text(types_of(x)).s, x->containers, x->pid_count,
		       pod_state_name(x->state), x->unreadable ? "-" : age.s);
		if (x->reason)
			printf("%*s%s", x->unreadable ? 4 : 5 - (int)strlen(age.s), "", x->reason);
		putchar('\n');
	}
}

static int list_pods(struct cli *cli, int argc, char **argv, struct error *e)
{
	int json = 0;
	cleanup_store struct store store = STORE_NONE;
	cleanup_views struct views views = VIEWS_NONE;
	int r = cli_parse_flag(cli, argc, argv, "json", &json, 0, NULL, e);
	bool there;

	if (r != CLI_DONE)
		return r;
	if (cli_open_store(cli, &store, &there, e) < 0)
		return CLI_FAILED;
	if (there && (views_begin(&views, &store, e) < 0 || views_add_all(&views, e) < 0 ||
		      views_find_processes(&views, e) < 0))
		return CLI_FAILED;
	if (json)
		return print_json(&views, e);
	print_table(&views);
	return CLI_DONE;
}

const struct command cli_ls = { "ls", "list the pods", help, CLI_CONFINED, list_pods };
