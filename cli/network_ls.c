/* SPDX-License-Identifier: Apache-2.0 */
/* podns network ls: the files of net.d, and who is attached to each network. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/network.h"
#include "cli/out.h"
#include "net/conflist.h"
#include "net/state.h"

struct attached {
	const char *pod, *network, *phase;
	bool listed; /* with the file that defines the network */
};

struct listing {
	struct arena arena;
	struct store *store;
	struct attached *pods;
	size_t pod_count;
	struct json_out json;
	bool as_json;
	int width, types_width; /* of the columns */
	size_t count;
};

static int note_pod(void *arg, const char *pod, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };
	struct listing *l = arg;
	struct attached *more;

	if (state_load(l->store, pod, &st, e) < 0)
		return -1;
	if (!st.pod)
		return 0;
	more = arena_alloc(&l->arena, (l->pod_count + 1) * sizeof(*more));
	if (!more)
		return error_nomem(e);
	if (l->pod_count)
		memcpy(more, l->pods, l->pod_count * sizeof(*more));
	l->pods = more;
	more += l->pod_count;
	more->pod = arena_strndup(&l->arena, pod, strlen(pod));
	more->network = arena_strndup(&l->arena, st.network, strlen(st.network));
	more->phase = net_phase_name[st.phase];
	more->listed = false;
	if (!more->pod || !more->network)
		return error_nomem(e);
	l->pod_count++;
	return 0;
}

static void put_pods_json(struct listing *l, const char *network)
{
	json_open(&l->json, "pods", '[');
	for (size_t i = 0; i < l->pod_count; i++)
		if (!strcmp(l->pods[i].network, network))
			json_put_string(&l->json, NULL, l->pods[i].pod);
	json_close(&l->json, ']');
}

/* c: what the file defines. name: of the network, or NULL. */
static void put_json(struct listing *l, const char *path, const char *name,
		     const struct conflist *c, const char *why)
{
	struct json_out *j = &l->json;

	json_open(j, NULL, '{');
	json_put_string(j, "name", name);
	json_put_string(j, "file", path);
	json_open(j, "plugins", '[');
	for (size_t i = 0; c && i < c->count; i++)
		json_put_string(j, NULL, c->plugins[i].type);
	json_close(j, ']');
	put_pods_json(l, name ? name : "");
	json_put_string(j, "error", why);
	json_close(j, '}');
}

static int types_width(const struct conflist *c)
{
	size_t len = c->count - 1; /* commas */

	for (size_t i = 0; i < c->count; i++)
		len += strlen(c->plugins[i].type);
	return (int)len;
}

static void print_types(const struct listing *l, const struct conflist *c)
{
	for (size_t i = 0; i < c->count; i++) {
		fputs(i ? "," : "", stdout);
		print_safe(c->plugins[i].type);
	}
	printf("%*s", l->types_width - types_width(c), "");
}

static void print_pods(const struct listing *l, const char *network)
{
	const char *comma = "";

	for (size_t i = 0; i < l->pod_count; i++) {
		if (strcmp(l->pods[i].network, network) != 0)
			continue;
		printf("%s%.*s", comma, shown_length(l->pods[i].pod), l->pods[i].pod);
		if (strcmp(l->pods[i].phase, net_phase_name[NET_UP]) != 0)
			printf(" (%s)", l->pods[i].phase);
		comma = ",";
	}
	fputs(*comma ? "" : "-", stdout);
}

static void print_row(const struct listing *l, const char *name, const struct conflist *c,
		      const char *why)
{
	printf("%-*s ", l->width, name ? name : "-");
	if (c)
		print_types(l, c);
	else
		printf("%-*s", l->types_width, "-");
	putchar(' ');
	print_pods(l, name ? name : "");
	if (why) {
		fputs("  ", stdout);
		print_safe(why);
	}
	putchar('\n');
}

static void list_network(struct listing *l, const char *path, const char *name,
			 const struct conflist *c, const char *why)
{
	if (l->as_json)
		put_json(l, path, name, c, why);
	else
		print_row(l, name, c, why);
}

static void widen(int *width, size_t len)
{
	if (*width < (int)len)
		*width = (int)len;
}

static int measure_file(void *arg, const char *path, struct conflist *c, const struct error *why,
			struct error *e)
{
	struct listing *l = arg;

	(void)path;
	(void)why;
	(void)e;
	if (c) {
		widen(&l->width, strlen(c->name));
		widen(&l->types_width, (size_t)types_width(c));
	}
	l->count++;
	return 0;
}

static int list_file(void *arg, const char *path, struct conflist *c, const struct error *why,
		     struct error *e)
{
	struct listing *l = arg;

	(void)e;
	for (size_t i = 0; c && i < l->pod_count; i++)
		l->pods[i].listed |= !strcmp(l->pods[i].network, c->name);
	list_network(l, path, c ? c->name : NULL, c, why ? why->text : NULL);
	return 0;
}

/* pasta, and networks whose file was removed. */
static void list_others(struct listing *l)
{
	for (size_t i = 0; i < l->pod_count; i++) {
		const char *network = l->pods[i].network;

		if (l->pods[i].listed)
			continue;
		for (size_t k = i; k < l->pod_count; k++)
			l->pods[k].listed |= !strcmp(l->pods[k].network, network);
		list_network(l, NULL, network, NULL,
			     strcmp(network, NETWORK_PASTA) != 0 ? "no file in " CONFLIST_DIR
								   " defines it any more"
								 : NULL);
	}
}

static int list_all(struct listing *l, struct error *e)
{
	l->width = (int)strlen("NAME");
	l->types_width = (int)strlen("PLUGINS");
	for (size_t i = 0; i < l->pod_count; i++)
		widen(&l->width, strlen(l->pods[i].network));
	if (conflist_each(CONFLIST_DIR, measure_file, l, e) < 0)
		return -1;
	if (l->as_json) {
		json_open(&l->json, NULL, '[');
	} else if (!l->count && !l->pod_count) {
		puts("There is no network in " CONFLIST_DIR
		     ". To begin with an example: cp " CONFLIST_EXAMPLE " " CONFLIST_DIR "/");
		return 0;
	} else {
		printf("%-*s %-*s PODS\n", l->width, "NAME", l->types_width, "PLUGINS");
	}
	if (conflist_each(CONFLIST_DIR, list_file, l, e) < 0)
		return -1;
	list_others(l);
	if (!l->as_json)
		return 0;
	json_close(&l->json, ']');
	return json_end(&l->json, e);
}

int network_list(struct cli *cli, bool json, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	struct listing l = { .store = &store, .as_json = json };
	bool there;
	int r = cli_open_store(cli, &store, &there, e);

	if (r == 0 && there)
		r = state_each(&store, note_pod, &l, e);
	if (r == 0)
		r = list_all(&l, e);
	buf_free(&l.json.text);
	arena_free(&l.arena);
	return r < 0 ? CLI_FAILED : CLI_DONE;
}
