/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the installation right? Engines tell nobody what they skip, so what they read is read
 * here in their way.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inherit.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/engines.h"
#include "cli/hooks.h"
#include "cli/out.h"
#include "ns/mounts.h"
#include "ns/nsfs.h"
#include "pod/store.h"

#ifndef PODNS_OCIHOOKSDIR
#define PODNS_OCIHOOKSDIR "/usr/share/containers/oci/hooks.d"
#endif
#ifndef PODNS_PRECREATEDIR
#define PODNS_PRECREATEDIR "/usr/share/oci-podns/hooks.d"
#endif
#ifndef PODNS_ENGINESCONFDIR
#define PODNS_ENGINESCONFDIR "/etc/containers/containers.conf.d"
#endif

/*
 * The hook waits this long for a pod's lock; an engine that kills it before leaves the pod
 * to gc.
 */
#define TIMEOUT_MIN LOCK_SECONDS

static const char help[] =
	"Usage: podns check [--root DIR] [--sysroot DIR]\n"
	"\n"
	"Looks whether the installation is right: which hooks directories podman and CRI-O read,\n"
	"that the JSON files there name the hook and that it runs, that no precreate stage lies\n"
	"where it stops CRI-O and podman build, and that the root of the pins is a shared\n"
	"mount, which rootless podman has no need of. Each problem is printed with its remedy. An\n"
	"engine that is not installed is not looked at. With CONTAINERS_CONF in the environment\n"
	"that file counts, as for podman.\n"
	"\n"
	"  --sysroot DIR  look at the files of the system installed in DIR\n"
	"\n"
	"Exit status: 0 where all is well, 1 where there is a problem.\n";

struct check {
	const char *sysroot;	/* "" for our own */
	sigset_t signals;	/* those that a program which is run does not ignore */
	struct arena arena;
	int problems;
};

__attribute__((format(printf, 2, 0)))
static void print_finding(const char *kind, const char *fmt, va_list ap)
{
	char text[4096];

	vsnprintf(text, sizeof(text), fmt, ap);
	printf("%-9s", kind);
	print_safe(text);
	putchar('\n');
}

static void good(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void good(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_finding("ok", fmt, ap);
	va_end(ap);
}

static void problem(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void problem(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_finding("PROBLEM", fmt, ap);
	va_end(ap);
	c->problems++;
}

static void remedy(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void remedy(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_finding("  remedy", fmt, ap);
	va_end(ap);
}

static const char *in_sysroot(struct check *c, const char *path)
{
	const char *full = arena_concat(&c->arena, c->sysroot, path, NULL);

	return full ? full : path;
}

/* --- the hook ------------------------------------------------------------------ */

/* Run `program --version` and read the beginning of what it prints. */
static int read_version(const char *program, const sigset_t *signals, char *text, size_t size,
			struct error *e)
{
	char *argv[] = { (char *)program, (char *)"--version", NULL }, *no_environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int fds[2], status, num;
	ssize_t n = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set(e, errno, "make a pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attributes, signals);
	num = posix_spawn(&pid, program, &actions, &attributes, argv, no_environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (num == 0)
		n = read(fds[0], text, size - 1);
	close(fds[0]);
	if (num)
		return error_set(e, num, "run %s", program);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 :
	       error_set(e, 0, "%s --version fails", program);
}

static void check_program(struct check *c, const struct hook_file *file)
{
	const char *program = in_sysroot(c, file->program);
	char version[128];
	struct error why;

	if (access(program, F_OK) < 0) {
		problem(c, "%s names %s, which is not there: engines skip such a file silently",
			file->path, program);
		remedy("install the hook there, or correct hook.path");
	} else if (access(program, X_OK) < 0) {
		problem(c, "%s names %s, which cannot be run", file->path, program);
		remedy("chmod 0755 %s", program);
	} else if (read_version(program, &c->signals, version, sizeof(version), &why) < 0 ||
		   strncmp(version, "oci-podns-hook ", 15)) {
		problem(c, "%s names %s, which does not run", file->path, program);
		remedy("run %s --version to see why; install it anew", program);
	} else {
		good("%s runs: %s", program, version);
	}
}

static void check_file(struct check *c, const struct hook_file *file)
{
	if (!file->has_args) {
		problem(c, "%s has no hook.args: podman fails on that with an empty message",
			file->path);
		remedy("set it to [\"oci-podns-hook\"], or install the file anew");
	}
	if (file->timeout && file->timeout <= TIMEOUT_MIN) {
		problem(c, "%s has a hook.timeout of %ju s: the hook may wait %d s for a lock", file->path,
			(uintmax_t)file->timeout, TIMEOUT_MIN);
		remedy("set it to 30, or install the file anew");
	}
	check_program(c, file);
}

/* --- hooks directories ------------------------------------------------------------ */

struct survey {
	struct check *check;
	const char *dir;
	unsigned stages;	/* at which JSON files name the hook */
	unsigned right;		/* those of files in which no problem was found */
};

static void survey_file(void *arg, const struct hook_file *file, const struct error *why)
{
	struct survey *s = arg;

	if (!file) {
		problem(s->check, "%s", why->text);
		remedy("correct or remove it: with it in %s no container starts", s->dir);
	} else if (file->ours) {
		int before = s->check->problems;

		check_file(s->check, file);
		s->stages |= file->stages;
		if (s->check->problems == before)
			s->right |= file->stages;
	}
}

static void find_precreate(void *arg, const struct hook_file *file, const struct error *why)
{
	struct survey *s = arg;

	(void)why;
	if (!file || !(file->stages & STAGE_PRECREATE))
		return;
	problem(s->check, "%s has a precreate stage: CRI-O does not start with it, nor does podman "
		"build run", file->path);
	remedy("move it to %s, which %s makes podman read", PODNS_PRECREATEDIR, "oci-podns.conf");
}

/* What a file with a problem names is neither right nor missing: the problem was told. */
static void check_stages(struct check *c, const struct engine *engine, const struct survey *s)
{
	unsigned both = STAGE_CREATE_RUNTIME | STAGE_POSTSTOP;

	if ((s->right & both) == both) {
		good("%s runs the hook at createRuntime and poststop", engine->name);
	} else if ((s->stages & both) != both) {
		problem(c, "%s does not run the hook at createRuntime and poststop: no JSON file in the "
			"directories that it reads says so", engine->name);
		remedy("install oci-podns.json in %s, and have hooks_dir name that directory",
		       PODNS_OCIHOOKSDIR);
	}
	if (!engine->has_precreate)
		return;
	if (s->right & STAGE_PRECREATE) {
		good("%s runs the hook at precreate", engine->name);
	} else if (!(s->stages & STAGE_PRECREATE)) {
		problem(c, "%s does not run the hook at precreate: the second container of a pod will not "
			"start", engine->name);
		remedy("install oci-podns.conf in %s and oci-podns-precreate.json in %s; no later file there "
		       "may set hooks_dir", PODNS_ENGINESCONFDIR, PODNS_PRECREATEDIR);
	}
}

static int check_engine(struct check *c, const struct engine *engine, struct error *e)
{
	struct survey s = { .check = c };
	cleanup_buf struct buf names = { 0 };
	struct hooks_dirs dirs;

	if (!engine_is_installed(engine, c->sysroot)) {
		good("%s is not installed", engine->name);
		return 0;
	}
	if (engine_hooks_dirs(engine, c->sysroot, &c->arena, &dirs, e) < 0)
		return -1;
	for (size_t i = 0; i < dirs.list.count; i++)
		if (buf_addf(&names, "%s%s", i ? ", " : "", dirs.list.items[i]) < 0)
			return error_nomem(e);
	good("%s reads hooks in %s (%s)", engine->name, names.len ? names.data : "no directory",
	     dirs.from ? dirs.from : "its default");
	for (size_t i = 0; i < dirs.list.count; i++) {
		s.dir = dirs.list.items[i];
		if (hooks_each(c->sysroot, s.dir, survey_file, &s, e) < 0 ||
		    (!engine->has_precreate &&
		     hooks_each(c->sysroot, s.dir, find_precreate, &s, e) < 0))
			return -1;
	}
	check_stages(c, engine, &s);
	return 0;
}

/* Where CRI-O and podman build look, whether or not they are installed here. */
static int check_common_dirs(struct check *c, struct error *e)
{
	static const char *const dirs[] = {
		"/usr/share/containers/oci/hooks.d", "/usr/local/share/containers/oci/hooks.d",
		"/etc/containers/oci/hooks.d",
	};
	struct survey s = { .check = c };
	int before = c->problems;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (hooks_each(c->sysroot, dirs[i], find_precreate, &s, e) < 0)
			return -1;
	if (c->problems == before)
		good("no precreate stage lies where it stops CRI-O or podman build");
	return 0;
}

/* --- the root ------------------------------------------------------------------------ */

/* The inode of the initial user namespace: PROC_USER_INIT_INO in include/linux/proc_ns.h. */
#define INITIAL_USERNS 0xEFFFFFFDU

static int check_root(struct check *c, const char *root, struct error *e)
{
	cleanup_mounts struct mounts mounts = { 0 };
	const struct mount_entry *m;
	struct ns_id user;

	if (ns_own_id(NS_USER, &user, e) < 0)
		return -1;
	/*
	 * Rootless: what is mounted here can never be seen in the host's mount namespace
	 * (mount_namespaces(7)), and all that podman runs is in this one.
	 */
	if (user.ino != INITIAL_USERNS)
		return 0;
	if (mounts_read(&mounts, e) < 0)
		return -1;
	m = mounts_of_path(&mounts, root);
	if (!m || m->shared) {
		good("%s is on a shared mount", root);
		return 0;
	}
	problem(c, "%s is on the mount %s, which is not shared: a service with a mount namespace of its "
		"own does not see pins that are made after its start", root, m->point);
	remedy("mount --make-rshared %s", m->point);
	return 0;
}

/* Nothing is installed in a directory that is not there: that would be all right. */
static int check_sysroot(const struct check *c, struct error *e)
{
	cleanup_close int fd = -1;

	if (!*c->sysroot)
		return 0;
	fd = open(c->sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set(e, errno, "open directory %s", c->sysroot) : 0;
}

static int check_all(struct check *c, struct cli *cli, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;

	if (check_sysroot(c, e) < 0)
		return -1;
	for (size_t i = 0; i < ENGINES; i++)
		if (check_engine(c, &engines[i], e) < 0)
			return -1;
	if (check_common_dirs(c, e) < 0)
		return -1;
	/* Of another system's files there is no telling how it is mounted. */
	if (*c->sysroot)
		return 0;
	if (store_open(&store, cli->root, false, e) < 0)
		return -1;
	return check_root(c, store.root, e);
}

enum { OPT_SYSROOT = OPT_OWN };

static int set_option(void *arg, int option, char *value, struct error *e)
{
	struct check *c = arg;

	(void)option;
	if (!*value)
		return error_set(e, 0, "--sysroot is empty");
	c->sysroot = strcmp(value, "/") ? value : "";
	return 0;
}

static int run(struct cli *cli, int argc, char **argv, struct error *e)
{
	static const struct option options[] = {
		CLI_OPTIONS, { "sysroot", required_argument, NULL, OPT_SYSROOT }, CLI_OPTIONS_END,
	};
	struct check c = { .sysroot = "", .signals = cli->signals };
	int r = cli_parse(cli, argc, argv, false, options, set_option, &c, e);

	if (r == CLI_DONE)
		r = cli_operands(cli, argc, 0, "no argument", e);
	if (r != CLI_DONE)
		return r;
	/* Not for the programs that it runs. */
	inherit_no_descriptors(STDERR_FILENO + 1);
	r = check_all(&c, cli, e);
	arena_free(&c.arena);
	if (r < 0 || !c.problems)
		return r;
	return error_set(e, 0, "%d problem%s", c.problems, c.problems > 1 ? "s were found" : " was found");
}

const struct command cli_check = { "check", "is the installation right?", help, true, run };
