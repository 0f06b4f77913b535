/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/out.h"
#include "plan/engine.h"
#include "pod/name.h"
#include "pod/pod.h"

static const char help[] =
	"Usage: podns ls [--root DIR] [--json]\n"
	"\n"
	"Lists the pods.\n"
	"\n"
	"  NAME        the name of the pod; of an engine's id the first 12 digits, which the other\n"
	"              commands take, too\n"
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
	"  MEMBERS     the containers that are alive, as their engine calls them, and the engine:\n"
	"              podman, docker, containerd, nerdctl, cri-o; none where runc or crun was\n"
	"              called by hand\n"
	"  REASON      why it is leaving or broken\n"
	"\n"
	"  --json  print a JSON array: name, namespaces, containers, pids, state, reason\n"
	"          (or null), created (seconds since 1970), members (id, engine or null, name or\n"
	"          null)\n";

static ns_set types_of(const struct view *x)
{
	ns_set set = x->pinned;

	for (int t = 0; t < NS_TYPES; t++)
		if (x->rec.pin[t].ours)
			set |= NS_BIT(t);
	return set;
}

/*
 * Which members are to be shown, as names_add_members() is given it: those that are alive. That all are is mostly known
 * from the view, and then no process is looked at again.
 */
static bool (*shown_members(const struct view *x))(const struct entrant *)
{
	size_t members = 0;

	for (size_t i = 0; i < x->rec.entrant_count; i++)
		members += x->rec.entrants[i].kind == ENTRANT_MEMBER;
	return members == x->containers ? NULL : pod_entrant_lives;
}

static void put_members(struct json_out *j, const struct view *x, struct names *names)
{
	bool (*is_shown)(const struct entrant *) = shown_members(x);

	json_open(j, "members", '[');
	for (size_t i = 0; i < x->rec.entrant_count; i++) {
		const struct entrant *member = &x->rec.entrants[i];
		struct container_name name;

		if (member->kind != ENTRANT_MEMBER || (is_shown && !is_shown(member)))
			continue;
		name = names_find(names, member);
		json_open(j, NULL, '{');
		json_put_string(j, "id", member->id);
		json_put_string(j, "engine", name.engine);
		json_put_string(j, "name", name.name);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static int print_json(const struct views *v, struct error *e)
{
	cleanup_names struct names names = { 0 };
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
		put_members(&j, x, &names);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	return json_end(&j, e);
}

/* --- the table ------------------------------------------------------------------------------- */

struct row {
	const struct view *view;
	char name[POD_NAME_MAX + 1];
	const char *members; /* in the views' arena */
};

/* The list is sorted, so names with the same beginning follow each other, and the shortest is the first. */
static bool is_unique(const struct views *v, size_t i)
{
	const char *name = v->list[i].name;

	return !(i && !strncmp(v->list[i - 1].name, name, PLAN_SHORT_ID)) &&
	       !(i + 1 < v->count && !strncmp(v->list[i + 1].name, name, PLAN_SHORT_ID));
}

static int fill_row(struct views *v, size_t i, struct names *names, struct row *row,
		    struct error *e)
{
	const struct view *x = &v->list[i];
	cleanup_buf struct buf members = { 0 };

	row->view = x;
	concat_in(row->name, sizeof(row->name), x->name, NULL);
	if (plan_is_engine_id(x->name) && is_unique(v, i))
		row->name[PLAN_SHORT_ID] = '\0';
	if (names_add_members(names, &x->rec, shown_members(x), &members) < 0)
		return error_nomem(e);
	row->members = members.len ? arena_strndup(&v->arena, members.data, members.len) : "-";
	return row->members ? 0 : error_nomem(e);
}

static int longer(int width, const char *s)
{
	int n = (int)strlen(s);

	return n > width ? n : width;
}

static void print_rows(const struct row *rows, size_t count)
{
	int name = (int)strlen("NAME"), types = (int)strlen("NAMESPACES");
	int members = (int)strlen("MEMBERS");
	bool reasons = false;

	for (size_t i = 0; i < count; i++) {
		name = longer(name, rows[i].name);
		types = longer(types, types_text(types_of(rows[i].view)).s);
		members = longer(members, rows[i].members);
		reasons |= rows[i].view->reason != NULL;
	}
	printf("%-*s %-*s CONTAINERS  PIDS STATE    AGE  MEMBERS", name, "NAME", types,
	       "NAMESPACES");
	printf(reasons ? "%*s  REASON\n" : "\n", members - (int)strlen("MEMBERS"), "");
	for (size_t i = 0; i < count; i++) {
		const struct view *x = rows[i].view;
		struct age_text age = age_text(x->rec.created);

		printf("%-*s %-*s %10zu %5zu %-8s %-4s ", name, rows[i].name, types,
		       types_text(types_of(x)).s, x->containers, x->pid_count,
		       pod_state_name(x->state), x->unreadable ? "-" : age.s);
		print_safe(rows[i].members);
		if (x->reason)
			printf("%*s  %s", members - (int)strlen(rows[i].members), "", x->reason);
		putchar('\n');
	}
}

static int print_table(struct views *v, struct error *e)
{
	cleanup_names struct names names = { 0 };
	cleanup_free struct row *rows = calloc(v->count + 1, sizeof(*rows));

	if (!rows)
		return error_nomem(e);
	for (size_t i = 0; i < v->count; i++)
		if (fill_row(v, i, &names, &rows[i], e) < 0)
			return -1;
	print_rows(rows, v->count);
	return 0;
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
	return json ? print_json(&views, e) : print_table(&views, e);
}

const struct command cli_ls = { "ls", "list the pods", help, CLI_CONFINED, list_pods };
