/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "pod/name.h"

static const char help[] =
	"Usage: podns log [--root DIR] [NAME]\n"
	"\n"
	"Prints the last errors and warnings of hook runs, which engines show nobody, the newest\n"
	"last; with NAME only those about this pod. An ordinary user gets those of their own rootless\n"
	"pods, also outside `podman unshare`.\n";

/* "TIME PROGRAM[PID]: STAGE: pod NAME: TEXT". The words after that are not ours alone, so they do not count. */
static bool is_about(const char *line, const char *pod)
{
	const char *stage = strstr(line, "]: ");
	const char *rest = stage ? strstr(stage + 3, ": ") : NULL;
	char name[POD_NAME_MAX + 1] = "";
	size_t len;

	if (!rest || strncmp(rest, ": pod ", 6) != 0)
		return false;
	rest += 6;
	len = strcspn(rest, ":");
	if (len > POD_NAME_MAX)
		return false;
	memcpy(name, rest, len);
	return !strcmp(name, pod) || pod_id_begins_with(name, pod);
}

/* Returns whether a line was printed. */
static bool print_lines(char *text, const char *pod)
{
	bool printed = false;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (!*line || (pod && !is_about(line, pod)))
			continue;
		print_safe(line);
		putchar('\n');
		printed = true;
	}
	return printed;
}

/* Those who came here by the words of an engine are led on. */
static void say_nothing_is_there(const char *root, const char *pod)
{
	bool ordinary = geteuid() != 0;

	fprintf(stderr, "podns: log: %s/podns/" LOG_KEPT_FILE " has no message%s%s%s\n", root,
		pod ? " about pod " : "", pod ? pod : "",
		ordinary ? " (those of root's engines: sudo podns log)" : "");
}

static int refuse_missing_directory(const char *root, struct error *e)
{
	error_set(e, 0, "there is no %s, in which hook runs of this user keep pods and messages",
		  root);
	return error_hint(e, "it is made when the user logs in; `loginctl enable-linger` keeps it");
}

/*
 * The pins of rootless pods are seen in podman's user and mount namespaces only, but the log lies in the user's
 * own directory.
 */
static int open_store(const char *given, const char *own, struct store *store, struct error *e)
{
	if (store_open(store, given ? given : own, false, e) == 0)
		return 0;
	if (e->num != ENOENT || !(given || own))
		return -1;
	return given ? 0 : refuse_missing_directory(own, e);
}

static int read_log(const struct store *store, struct buf *text, struct error *e)
{
	if (store->dir_fd < 0 ||
	    read_file_at(store->dir_fd, LOG_KEPT_FILE, (size_t)16 * LOG_KEPT_BYTES, text) == 0 ||
	    errno == ENOENT)
		return 0;
	return error_set(e, errno, "read %s/podns/" LOG_KEPT_FILE, store->root);
}

static int print_log(struct cli *cli, int argc, char **argv, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	cleanup_buf struct buf text = { 0 };
	cleanup_free char *own = NULL;
	int r = cli_parse(cli, argc, argv, false, NULL, NULL, NULL, e);
	const char *pod = NULL;

	if (r == CLI_DONE && optind < argc)
		pod = argv[optind++];
	if (r == CLI_DONE)
		r = cli_operands(cli, argc, argv, 0, NULL, e);
	if (r != CLI_DONE)
		return r;
	if (pod && pod_check_name(pod, e) < 0)
		return CLI_FAILED;
	if (geteuid() != 0) {
		own = store_user_root(geteuid());
		if (!own)
			return error_nomem(e);
	}
	if (open_store(cli->root, own, &store, e) < 0 || read_log(&store, &text, e) < 0)
		return CLI_FAILED;
	if (!text.data || !print_lines(text.data, pod))
		say_nothing_is_there(store.root ? store.root : cli->root, pod);
	return CLI_DONE;
}

const struct command cli_log = { "log", "show the errors and warnings of hook runs", help,
				 CLI_CONFINED, print_log };
