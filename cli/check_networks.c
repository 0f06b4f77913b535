/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podns check, the part about networks and definitions of pods. A file that is wrong is not reported before
 * a pod needs it, which may be at boot.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/check.h"
#include "net/conflist.h"
#include "net/plugin.h"
#include "pod/definition.h"

#define DIRECTORIES_MAX 8
#define NET_PROGRAM PODNS_LIBEXECDIR "/podns-net"

/* The name of a network that a file defines. */
struct network {
	const char *name;
	struct network *next;
};

struct networks {
	struct check *check;
	const char *dirs[DIRECTORIES_MAX]; /* of plugins, up to NULL */
	struct network *list;
	bool refused; /* a file or the directory */
	bool no_memory;
};

static void report(struct check *c, const struct error *why, const char *instead)
{
	problem(c, "%s", why->text);
	remedy("%s", *why->hint ? why->hint : instead);
}

/* --- net.d ------------------------------------------------------------------------------ */

static void add_network(struct networks *n, const char *name)
{
	struct network *x = arena_alloc(&n->check->arena, sizeof(*x));

	if (x)
		x->name = arena_strndup(&n->check->arena, name, strlen(name));
	if (!x || !x->name) {
		n->no_memory = true;
		return;
	}
	x->next = n->list;
	n->list = x;
}

static int print_network(const char *path, const struct conflist *list, struct error *e)
{
	cleanup_buf struct buf types = { 0 };

	for (size_t i = 0; i < list->count; i++)
		if (buf_concat(&types, i ? ", " : "", list->plugins[i].type, NULL) < 0)
			return error_nomem(e);
	good("network %s: plugins %s (%s)", list->name, types.data, path);
	return 0;
}

/* Of the PATH that plugins get: net/plugin.c. */
static bool has_iptables(struct check *c)
{
	static const char *const paths[] = { "/usr/sbin/iptables", "/usr/bin/iptables",
					     "/sbin/iptables", "/bin/iptables" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (access(in_sysroot(c, paths[i]), X_OK) == 0)
			return true;
	return false;
}

/* Without it a pod cannot be attached, and what the plugins did before that cannot be undone. */
static void check_iptables(struct check *c, const struct conflist *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *type = list->plugins[i].type;

		if ((strcmp(type, "portmap") != 0 && strcmp(type, "firewall") != 0) ||
		    has_iptables(c))
			continue;
		note(c,
		     "network %s: the plugin %s needs iptables, unless its backend is another; it "
		     "is not installed",
		     list->name, type);
		remedy("install it; on Debian: apt install iptables");
		return;
	}
}

static int check_network(void *arg, const char *path, struct conflist *list,
			 const struct error *why, struct error *e)
{
	struct networks *n = arg;
	struct error missing;

	if (why) {
		n->refused = true;
		report(n->check, why,
		       "correct or remove it: no pod can be attached to its network");
		return 0;
	}
	add_network(n, list->name);
	check_iptables(n->check, list);
	if (conflist_find_plugins(list, n->dirs, &missing) == 0)
		return print_network(path, list, e);
	if (missing.num == ENOMEM)
		return error_nomem(e);
	error_prefix(&missing, "network %s (%s)", list->name, path);
	report(n->check, &missing, "install the plugin again");
	return 0;
}

static void find_directories(struct networks *n)
{
	size_t i = 0;

	for (; plugin_directories[i] && i + 1 < DIRECTORIES_MAX; i++)
		n->dirs[i] = in_sysroot(n->check, plugin_directories[i]);
	n->dirs[i] = NULL;
}

/* CNI's other suffixes, .conf and .json, are for files with a single plugin. */
static void note_other_files(struct networks *n)
{
	const char *path = in_sysroot(n->check, CONFLIST_DIR);
	cleanup_dir DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = read_entry(dir)))
		if (entry->d_name[0] != '.' && !has_suffix(entry->d_name, CONFLIST_SUFFIX))
			note(n->check,
			     "%s/%s is not read: its name does not end with " CONFLIST_SUFFIX, path,
			     entry->d_name);
}

static int check_net_d(struct networks *n, struct error *e)
{
	const char *program = in_sysroot(n->check, NET_PROGRAM);
	struct error why;

	find_directories(n);
	if (conflist_each(in_sysroot(n->check, CONFLIST_DIR), check_network, n, &why) < 0) {
		if (why.num == ENOMEM)
			return error_nomem(e);
		n->refused = true;
		report(n->check, &why, "make it a directory that only root can write to");
	}
	if (n->no_memory)
		return error_nomem(e);
	note_other_files(n);
	if (!n->list && n->refused)
		return 0;
	if (!n->list) {
		good("no network is defined in " CONFLIST_DIR "; an example is installed");
		usage("cp " CONFLIST_EXAMPLE " " CONFLIST_DIR "/");
	} else if (access(program, X_OK) < 0) {
		problem(n->check, "%s is missing or cannot be run: no pod gets a network", program);
		remedy("install oci-podns again");
	}
	return 0;
}

/* --- pods.d ------------------------------------------------------------------------------ */

static bool is_defined(const struct networks *n, const char *name)
{
	for (const struct network *x = n->list; x; x = x->next)
		if (!strcmp(x->name, name))
			return true;
	return false;
}

static void check_definition(struct networks *n, const char *confdir, const char *pod,
			     const char *path)
{
	cleanup_definition struct definition d = { 0 };
	struct error why;
	bool found;

	if (pod_check_name(pod, &why) < 0) {
		error_prefix(&why, "%s", path);
		report(n->check, &why, "call the file POD.pod");
	} else if (definition_load_from(confdir, pod, &d, &found, &why) < 0) {
		report(n->check, &why, "correct it: the pod is not made until then");
	} else if (d.network && strcmp(d.network, NETWORK_PASTA) != 0 &&
		   !is_defined(n, d.network)) {
		problem(n->check, "%s: Network=%s: no right file in " CONFLIST_DIR " defines it",
			path, d.network);
		remedy("name another network, or define it");
	} else {
		good("pod %s is defined (%s)", pod, path);
	}
}

static int check_entry(struct networks *n, const char *confdir, const char *name, struct error *e)
{
	cleanup_free char *path = concat(confdir, "/pods.d/", name, NULL);
	cleanup_free char *pod = concat(name, NULL);

	if (!path || !pod)
		return error_nomem(e);
	if (!has_suffix(name, DEFINITION_SUFFIX)) {
		note(n->check, "%s is not read: its name does not end with " DEFINITION_SUFFIX,
		     path);
		return 0;
	}
	pod[strlen(pod) - strlen(DEFINITION_SUFFIX)] = '\0';
	check_definition(n, confdir, pod, path);
	return 0;
}

static int check_pods_d(struct networks *n, struct error *e)
{
	const char *confdir = in_sysroot(n->check, PODNS_CONFDIR);
	const char *path = in_sysroot(n->check, DEFINITION_DIR);
	cleanup_dir DIR *dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return error_set(e, errno, "read directory %s", path);
	while (r == 0 && (entry = read_entry(dir)))
		if (entry->d_name[0] != '.')
			r = check_entry(n, confdir, entry->d_name, e);
	if (r == 0 && errno)
		r = error_set(e, errno, "read directory %s", path);
	return r;
}

int check_networks(struct check *c, struct error *e)
{
	struct networks n = { .check = c };

	return check_net_d(&n, e) < 0 ? -1 : check_pods_d(&n, e);
}
