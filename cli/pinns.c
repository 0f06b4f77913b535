/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaces pinns, the program with which CRI-O makes the namespaces of its pods (pinns_path in
 * crio.conf(5)): the same command line, layout DIR/<short>ns/FILENAME and exit statuses. CRI-O removes
 * the pins itself, with umount2(MNT_DETACH) and unlink, so there is no record of them.
 *
 * With id mappings CRI-O creates the mount points first and chowns them to the pod's root: they are
 * used as they are, and stay after a failure. Without mappings an existing file is an error: it may be
 * a mount point in another mount namespace. Unlike CRI-O's pinns, this one undoes everything after a
 * failure, checks sysctls before anything is touched (CVE-2022-0811), and writes them only in the
 * namespaces that it made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "plan/host.h"
#include "plan/names.h"
#include "pod/apply.h"
#include "sandbox/sandbox.h"

#define PROGRAM "pinns"
#define FILENAME_LENGTH_MAX 255

static const char help_text[] =
	"Usage: " PROGRAM " -d DIR -f FILENAME [OPTIONS]\n"
	"\n"
	"Creates namespaces and pins them at DIR/netns/FILENAME, DIR/ipcns/FILENAME, ...\n"
	"Takes the command line of CRI-O's pinns; it is the value of pinns_path in crio.conf.\n"
	"\n"
	"  -d, --dir DIR            the directory of the directories of pins\n"
	"  -f, --filename FILENAME  the name of the pins\n"
	"  -n, --net[=host]         a network namespace; with =host, the one that pinns is in\n"
	"  -i, --ipc[=host]         an ipc namespace\n"
	"  -u, --uts[=host]         a uts namespace\n"
	"  -U, --user[=host]        a user namespace, which owns the others; needs both mappings\n"
	"  -c, --cgroup[=host]      a cgroup namespace\n"
	"  -m, --mnt                a mount namespace; DIR/mntns is made an unbindable mount;\n"
	"                           =host is refused, since the kernel refuses to pin that one\n"
	"      --uid-mapping MAP, --gid-mapping MAP\n"
	"                           id mappings of the user namespace: CONTAINER-HOST-SIZE[@...]\n"
	"  -s, --sysctl KEY=VALUE   set a sysctl in the new namespaces; may be repeated\n"
	"  -h, --help               show this\n"
	"\n"
	"There is no pid namespace: it dies with its init process and cannot be pinned.\n"
	"\n"
	"Exit status: 0 done, 1 failed and everything undone.\n"
	"See pinns(1).\n";

struct pinns {
	struct arena arena;
	const char *dir, *name;
	ns_set types;      /* to pin */
	ns_set host;       /* those of which pinns's own is pinned */
	enum ns_type last; /* the last type on the command line, to which a "=host" belongs */
	struct id_maps uid_maps, gid_maps;
	struct sysctl *sysctls; /* argc elements */
	size_t sysctl_count;
	bool helped;
};

static void pinns_free(struct pinns *p)
{
	arena_free(&p->arena);
	free(p->sysctls);
}

#define cleanup_pinns __attribute__((cleanup(pinns_free)))

/* --- the command line -------------------------------------------------------- */

enum { OPT_UID_MAPPING = 256, OPT_GID_MAPPING, OPT_PID = 'p', OPT_VALUE = '=' };

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "dir", required_argument, NULL, 'd' },
	{ "filename", required_argument, NULL, 'f' },
	{ "net", optional_argument, NULL, 'n' },
	{ "ipc", optional_argument, NULL, 'i' },
	{ "uts", optional_argument, NULL, 'u' },
	{ "user", optional_argument, NULL, 'U' },
	{ "cgroup", optional_argument, NULL, 'c' },
	{ "mnt", optional_argument, NULL, 'm' },
	{ "pid", optional_argument, NULL, OPT_PID },
	{ "uid-mapping", required_argument, NULL, OPT_UID_MAPPING },
	{ "gid-mapping", required_argument, NULL, OPT_GID_MAPPING },
	{ "sysctl", required_argument, NULL, 's' },
	{ NULL, 0, NULL, 0 },
};

/* The namespace type of an option's letter, which is the name of its long form. */
static enum ns_type type_of_option(int option)
{
	for (const struct option *o = long_options; o->name; o++)
		if (o->val == option && o->has_arg == optional_argument)
			return ns_type_by_name(o->name);
	return NS_NONE;
}

static int set_host(struct pinns *p, const char *value, struct error *e)
{
	if (p->last == NS_NONE || strcmp(value, "host"))
		return error_set(
			e, 0, "'=%s' is not understood: a namespace is a new one, or =host", value);
	p->host |= NS_BIT(p->last);
	return 0;
}

static int set_type(struct pinns *p, int option, const char *value, struct error *e)
{
	p->last = type_of_option(option);
	if (p->last == NS_NONE)
		return error_set(e, 0, "unknown option");
	p->types |= NS_BIT(p->last);
	p->host &= ~NS_BIT(p->last);
	return value ? set_host(p, value, e) : 0;
}

static int set_pinns_option(struct pinns *p, int option, char *value, struct error *e)
{
	switch (option) {
	case 'd':
		p->dir = value;
		return 0;
	case 'f':
		p->name = value;
		return 0;
	case 's':
		if (sysctl_check_pair(value, false, &p->arena, &p->sysctls[p->sysctl_count], e) < 0)
			return -1;
		p->sysctl_count++;
		return 0;
	case OPT_UID_MAPPING:
		return id_maps_parse_list(value, &p->arena, &p->uid_maps, e);
	case OPT_GID_MAPPING:
		return id_maps_parse_list(value, &p->arena, &p->gid_maps, e);
	case OPT_VALUE:
		return set_host(p, value, e);
	case OPT_PID:
		return error_set(
			e, 0,
			"a pid namespace cannot be pinned: it dies with its init process, so "
			"each container keeps its own");
	default:
		return set_type(p, option, value, e);
	}
}

/* mnt_ns_loop() in fs/namespace.c: a mount namespace cannot be bound in itself. */
static int refuse_own_mnt(struct error *e)
{
	return error_set(e, 0,
			 "--mnt=host: the kernel cannot bind a mount namespace inside itself");
}

/* getopt(3) reads "-net=host" as -n -e -t... */
static int check_dashes(const char *word, struct error *e)
{
	for (const struct option *o = long_options; o->name; o++) {
		size_t n = strlen(o->name);

		if (strncmp(word + 1, o->name, n) || (word[1 + n] && word[1 + n] != '='))
			continue;
		error_set(e, 0, "'%s' is not understood: a long option begins with two dashes",
			  word);
		return error_hint(e, "write -%s", word);
	}
	return 0;
}

/* getopt(3) reads "-nhost" as -n -h: help would be printed and nothing pinned. */
static int check_cluster(const char *word, struct error *e)
{
	const char *p = word + 1;
	enum ns_type type;

	/* The rest of the word is an argument after d, f, s and '='; p is refused elsewhere. */
	while (*p && *p != 'h' && !strchr("dfsp=", *p))
		p++;
	if (*p != 'h')
		return 0;
	type = p > word + 1 ? type_of_option(p[-1]) : NS_NONE;
	if (type == NS_NONE || strcmp(p, "host")) {
		error_set(e, 0, "'%s' is not understood: -h cannot be combined with other options",
			  word);
		return error_hint(e, "see " PROGRAM " --help");
	}
	if (type == NS_MNT)
		return refuse_own_mnt(e);
	error_set(e, 0, "'%s' is not understood: a type is followed by =host", word);
	return error_hint(e, "write --%s=host", ns_info[type].brief);
}

/* Is the next word the argument of an option in this one? It may then look like an option. */
static bool takes_next(const char *word)
{
	const char *p = word[0] == '-' && word[1] != '-' ? strpbrk(word, "dfs") : NULL;

	if (p)
		return !p[1];
	for (const struct option *o = long_options; o->name; o++)
		if (o->has_arg == required_argument && !strncmp(word, "--", 2) &&
		    !strcmp(word + 2, o->name))
			return true;
	return false;
}

/* Refuse words that getopt(3) would misread. */
static int check_words(int argc, char **argv, struct error *e)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		const char *word = argv[i];

		if (word[0] == '-' && word[1] && word[1] != '-' && word[2] &&
		    strcmp(word, "-help") &&
		    (check_dashes(word, e) < 0 || check_cluster(word, e) < 0))
			return -1;
		if (takes_next(word))
			i++;
	}
	return 0;
}

static int parse_options(struct pinns *p, int argc, char **argv, struct error *e)
{
	int option;

	if (check_words(argc, argv, e) < 0)
		return -1;
	while ((option = getopt_long(argc, argv, ":hd:f:niuUcmps:=:", long_options, NULL)) != -1) {
		if (option == 'h') {
			p->helped = true;
			return 0;
		}
		if (option == '?' || option == ':') {
			cli_option_error(option, long_options, argv, e);
			return error_hint(e, "see " PROGRAM " --help");
		}
		if (set_pinns_option(p, option, optarg, e) < 0)
			return -1;
	}
	if (optind < argc) {
		error_set(e, 0, "'%s' is no option, and pinns takes nothing else", argv[optind]);
		return error_hint(e, "see " PROGRAM " --help");
	}
	return 0;
}

/* --- checking, before anything is touched ------------------------------------- */

static int check_name(const char *name, struct error *e)
{
	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ||
	    strlen(name) > FILENAME_LENGTH_MAX)
		return error_set(e, 0, "--filename '%.80s' is not the name of a file", name);
	return 0;
}

static int check_maps(const struct pinns *p, struct error *e)
{
	bool makes_user = p->types & ~p->host & NS_BIT(NS_USER);

	if (makes_user && !(p->uid_maps.count && p->gid_maps.count))
		return error_set(e, 0,
				 "a new user namespace needs --uid-mapping and --gid-mapping");
	if (!makes_user && (p->uid_maps.count || p->gid_maps.count))
		return error_set(
			e, 0, "--uid-mapping and --gid-mapping need a new user namespace (--user)");
	return 0;
}

static int check_sysctls(const struct pinns *p, struct error *e)
{
	ns_set made = p->types & ~p->host;

	for (size_t i = 0; i < p->sysctl_count; i++) {
		const struct sysctl *x = &p->sysctls[i];

		if (host_check("sysctl ", x->key, x->type,
			       made & NS_BIT(x->type) ? TARGET_OWN : TARGET_NONE, e) < 0)
			return -1;
	}
	return 0;
}

static int check_options(const struct pinns *p, struct error *e)
{
	if (!p->dir || !*p->dir)
		return error_set(e, 0, "--dir is missing");
	if (!p->name)
		return error_set(e, 0, "--filename is missing");
	if (check_name(p->name, e) < 0)
		return -1;
	if (!p->types) {
		error_set(e, 0, "no namespace type is given");
		return error_hint(e, "use --net, --ipc, --uts, --user, --cgroup, --mnt");
	}
	if (p->types & p->host & NS_BIT(NS_MNT))
		return refuse_own_mnt(e);
	return check_maps(p, e) < 0 ? -1 : check_sysctls(p, e);
}

/* --- pinning -------------------------------------------------------------------- */

/* Opens "DIR/.", since CRI-O's default is /var/run, a symbolic link, which is not followed. */
static int open_root(const char *dir, struct error *e)
{
	cleanup_free char *itself = concat(dir, "/.", NULL);
	int fd;

	if (!itself)
		return error_nomem(e);
	fd = open_own_dir(AT_FDCWD, itself, 0, dir, NULL, e);
	if (fd >= 0 || e->num != ENOENT)
		return fd;
	if (mkdirat(AT_FDCWD, dir, 0755) < 0 && errno != EEXIST)
		return error_set(e, errno, "make directory %s", dir);
	return open_own_dir(AT_FDCWD, itself, 0, dir, NULL, e);
}

static int open_host_namespaces(const struct pinns *p, struct pod_plan *plan, struct error *e)
{
	for (int t = 0; t < NS_TYPES; t++) {
		if (!(p->types & p->host & NS_BIT(t)))
			continue;
		plan->adopt[t] = ns_open_own((enum ns_type)t, e);
		if (plan->adopt[t] < 0)
			return -1;
	}
	return 0;
}

static void fill_in_plan(const struct pinns *p, struct pod_plan *plan,
			 char hostname[PLAN_HOSTNAME_MAX + 1])
{
	plan->make = p->types & ~p->host;
	plan->uid_maps = &p->uid_maps;
	plan->gid_maps = &p->gid_maps;
	plan->hostname = plan_hostname(NULL, p->name, NULL, NULL, hostname);
	plan->sysctls = p->sysctls;
	plan->sysctl_count = p->sysctl_count;
}

/* The descriptors are closed at exit. */
static int pin_all(const struct pinns *p, struct error *e)
{
	char hostname[PLAN_HOSTNAME_MAX + 1];
	struct pod_plan plan = POD_PLAN_NONE;
	struct pins pins = PINS_NONE;
	cleanup_apply struct apply a = APPLY_NONE;
	int r = -1;

	pins.root = p->dir;
	pins.name = p->name;
	/* CRI-O makes the files where it passes mappings, and nowhere else. */
	pins.use_files = p->uid_maps.count != 0;
	pins.root_fd = open_root(p->dir, e);
	if (pins.root_fd >= 0 && open_host_namespaces(p, &plan, e) == 0 &&
	    apply_begin(&a, NULL, &pins, e) == 0) {
		fill_in_plan(p, &plan, hostname);
		r = apply(&a, &plan, e);
		if (r < 0)
			apply_undo(&a);
	}
	pins_close(&pins);
	return r;
}

static int parse_and_pin(int argc, char **argv, struct error *e)
{
	cleanup_pinns struct pinns p = { .last = NS_NONE };

	p.sysctls = calloc((size_t)argc, sizeof(*p.sysctls));
	if (!p.sysctls)
		return error_nomem(e);
	if (parse_options(&p, argc, argv, e) < 0)
		return -1;
	if (p.helped)
		return fputs(help_text, stdout) < 0 || fflush(stdout) != 0
			       ? error_set(e, errno, "write to standard output")
			       : 0;
	return check_options(&p, e) < 0 ? -1 : pin_all(&p, e);
}

int pinns_main(int argc, char **argv)
{
	struct error e;

	if (log_begin(PROGRAM, LOG_LEVEL_WARN, NULL, false, &e) == 0 && sandbox_enter(&e) == 0 &&
	    parse_and_pin(argc, argv, &e) == 0)
		return 0;
	log_error(LOG_LEVEL_ERROR, &e);
	return 1;
}
