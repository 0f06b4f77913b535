/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the installation right? Engines tell nobody what they skip, so what they read is read
 * here in their way.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inherit.h"
#include "base/text.h"
#include "cli/cli.h"
#include "check/engines.h"
#include "check/hooks.h"
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
#ifndef PODNS_PINNS
#define PODNS_PINNS "/usr/libexec/oci-podns/pinns"
#endif
#ifndef PODNS_ENGINESCONFDIR
#define PODNS_ENGINESCONFDIR "/etc/containers/containers.conf.d"
#endif

/*
 * The hook waits this long for a pod's lock; an engine that kills it before leaves the pod
 * to gc.
 */
#define TIMEOUT_MIN LOCK_SECONDS

/* How long a program may take to print its version or its help. */
#define RUN_SECONDS 5

static const char help[] =
	"Usage: podns check [--root DIR] [--sysroot DIR]\n"
	"\n"
	"Looks whether the installation is right: which hooks directories podman and CRI-O read,\n"
	"that they can read the JSON files there, that these name the hook and that it runs, that\n"
	"no precreate stage lies where it stops CRI-O and podman build, that CRI-O's pinns_path\n"
	"names a program that runs, and that the root of the pins is a shared mount, which\n"
	"rootless podman has no need of. Each problem is printed with its remedy; a note is no\n"
	"problem. The last line says whether there are any. An engine that is not installed is\n"
	"not looked at. With CONTAINERS_CONF in the environment that file counts, as for podman.\n"
	"\n"
	"  --sysroot DIR  look at the files of the system installed in DIR\n"
	"\n"
	"Exit status: 0 where all is well, 1 where there is a problem.\n";

struct check {
	const char *sysroot; /* "" for our own */
	sigset_t signals;    /* those that a program which is run does not ignore */
	struct arena arena;
	int problems;
};

static void print_finding(const char *kind, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

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

/* What may be intended, and is worth knowing. */
static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_finding("note", fmt, ap);
	va_end(ap);
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

/* What a program said on its standard output, and how it ended. */
struct said {
	char line[128]; /* the first line, or its beginning */
	int status;     /* as of waitpid(2) */
};

/* Wait for the program's end, a bounded time; before Linux 5.3 as long as it takes. */
static int wait_for_end(pid_t pid, int *status)
{
	cleanup_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };
	int ready = fd < 0 ? 1 : poll(&end, 1, RUN_SECONDS * 1000);

	if (ready == 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return ready == 0 ? -1 : 0;
}

/* Run `program option`, which prints less than a pipe holds, and ends. */
static int run_program(struct check *c, const char *program, const char *option, struct said *said,
		       struct error *e)
{
	char *argv[] = { (char *)program, (char *)option, NULL }, *no_environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int fds[2], num, ended = 0;
	ssize_t n = 0;
	pid_t pid;

	said->status = -1; /* of a program that did not exit: wait(2) */
	/* Without blocking: what the program started may hold the other end open. */
	if (pipe2(fds, O_CLOEXEC) < 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
		return error_set(e, errno, "make a pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attributes, &c->signals);
	num = posix_spawn(&pid, program, &actions, &attributes, argv, no_environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (num == 0) {
		ended = wait_for_end(pid, &said->status);
		n = read(fds[0], said->line, sizeof(said->line) - 1);
	}
	close(fds[0]);
	if (num)
		return error_set(e, num, "run %s", program);
	said->line[n > 0 ? n : 0] = '\0';
	said->line[strcspn(said->line, "\n")] = '\0';
	return ended < 0 ? error_set(e, ETIMEDOUT, "wait for %s %s", program, option) : 0;
}

static bool is_hook(struct check *c, const char *program, struct said *said)
{
	struct error ignored;

	return run_program(c, program, "--version", said, &ignored) == 0 &&
	       WIFEXITED(said->status) && WEXITSTATUS(said->status) == 0 &&
	       !strncmp(said->line, "oci-podns-hook ", 15);
}

static void check_program(struct check *c, const struct hook_file *file)
{
	const char *program = in_sysroot(c, file->program);
	struct said said;

	if (access(program, F_OK) < 0) {
		problem(c, "%s names %s, which is not there: engines skip such a file silently",
			file->path, program);
		remedy("install the hook there, or correct hook.path");
	} else if (access(program, X_OK) < 0) {
		problem(c, "%s names %s, which cannot be run", file->path, program);
		remedy("chmod 0755 %s", program);
	} else if (!is_hook(c, program, &said)) {
		problem(c, "%s names %s, which does not run", file->path, program);
		remedy("run %s --version to see why; install it again", program);
	} else {
		good("%s runs: %s", program, said.line);
	}
}

static void check_file(struct check *c, const struct hook_file *file)
{
	if (!file->has_args) {
		problem(c, "%s has no hook.args: podman fails on that with an empty message",
			file->path);
		remedy("set it to [\"oci-podns-hook\"], or install the file again");
	}
	if (file->timeout && file->timeout <= TIMEOUT_MIN) {
		problem(c, "%s has a hook.timeout of %ju s: the hook may wait %d s for a lock",
			file->path, (uintmax_t)file->timeout, TIMEOUT_MIN);
		remedy("set it to 30, or install the file again");
	}
	check_program(c, file);
}

/* --- hooks directories ------------------------------------------------------------ */

/* A JSON file by its name: one in a later directory takes the place of one in an earlier. */
struct named {
	const char *name;
	unsigned stages; /* at which it names the hook */
	unsigned right;  /* the same, where no problem was found in it */
	struct named *next;
};

struct survey {
	struct check *check;
	const struct engine *engine;
	struct named *files;
	bool no_memory;
};

static struct named *find_named(struct survey *s, const char *name)
{
	struct named *x = s->files;

	while (x && strcmp(x->name, name))
		x = x->next;
	if (x)
		return x;
	x = arena_alloc(&s->check->arena, sizeof(*x));
	if (x)
		x->name = arena_strndup(&s->check->arena, name, strlen(name));
	if (!x || !x->name) {
		s->no_memory = true;
		return NULL;
	}
	x->stages = x->right = 0;
	x->next = s->files;
	s->files = x;
	return x;
}

/* Whatever program a file names: an engine that cannot read it does not run our hook either. */
static void check_readers(struct survey *s, const struct hook_file *file)
{
	if (!s->engine->has_users || !file->is_private)
		return;
	problem(s->check, "%s cannot be read by ordinary users: their %s", file->path,
		s->engine->refuses);
	remedy("chmod 0644 %s", file->path);
}

/* An engine skips a link that leads nowhere; any other file that it cannot read stops it. */
static void tell_unread(struct survey *s, const struct hook_file *file)
{
	if (file->use == HOOK_IS_SKIPPED) {
		note("%s: a link that leads nowhere, which %s skips silently", file->path,
		     s->engine->name);
		remedy("remove the link, or install what it leads to");
	} else {
		problem(s->check, "%s: with it there %s", file->why.text, s->engine->refuses);
		remedy("correct or remove it");
	}
}

static void add_named(struct survey *s, const struct hook_file *file, bool right)
{
	struct named *named = find_named(s, file->name);

	if (!named)
		return;
	named->stages = file->ours ? file->stages : 0;
	named->right = right ? named->stages : 0;
}

static void survey_file(void *arg, const struct hook_file *file)
{
	struct survey *s = arg;
	int before = s->check->problems, num;

	if (file->use != HOOK_IS_READ) {
		tell_unread(s, file);
		return;
	}
	num = access(in_sysroot(s->check, file->program), F_OK) < 0 ? errno : 0;
	if (num && num != ENOENT) {
		problem(s->check, "%s names %s, which cannot be looked at (%s): with it there %s",
			file->path, file->program, strerror(num), s->engine->refuses);
		remedy("correct hook.path, or remove the file");
		return;
	}
	check_readers(s, file);
	if (file->ours)
		check_file(s->check, file);
	/* Engines skip it where its program is missing: it takes no other's place. */
	if (!num || file->ours)
		add_named(s, file, s->check->problems == before);
}

static void find_precreate(void *arg, const struct hook_file *file)
{
	struct check *c = arg;

	if (file->use != HOOK_IS_READ || !(file->stages & STAGE_PRECREATE))
		return;
	problem(c,
		"%s has a precreate stage: CRI-O does not start with it, nor does podman "
		"build run",
		file->path);
	remedy("move it to %s, which %s makes podman read", PODNS_PRECREATEDIR, "oci-podns.conf");
}

static int survey_dir(struct survey *s, const char *dir, struct error *e)
{
	const struct engine *engine = s->engine;
	struct check *c = s->check;
	struct stat st;

	if (engine->has_users && stat(in_sysroot(c, dir), &st) == 0 && S_ISDIR(st.st_mode) &&
	    (st.st_mode & 05) != 05) {
		problem(c, "%s cannot be read by ordinary users: their %s", in_sysroot(c, dir),
			engine->refuses);
		remedy("chmod 0755 %s", in_sysroot(c, dir));
	}
	if (hooks_each(c->sysroot, dir, survey_file, s, e) < 0) {
		if (e->num != ENOTDIR)
			return -1;
		problem(c, "%s: %s", e->text,
			engine->reads_tree ? "CRI-O skips it"
					   : "with it in hooks_dir podman starts no container");
		remedy("make it a directory, or take it out of hooks_dir");
		return 0;
	}
	if (s->no_memory)
		return error_nomem(e);
	return engine->has_precreate ? 0 : hooks_each(c->sysroot, dir, find_precreate, c, e);
}

/* A stage that only a file with a problem names is not reported again, as missing. */
static void check_stages(struct check *c, const struct engine *engine, const struct survey *s)
{
	unsigned both = STAGE_CREATE_RUNTIME | STAGE_POSTSTOP, stages = 0, right = 0;

	for (const struct named *x = s->files; x; x = x->next) {
		stages |= x->stages;
		right |= x->right;
	}
	if ((right & both) == both) {
		good("%s runs the hook at createRuntime and poststop", engine->name);
	} else if ((stages & both) != both) {
		problem(c,
			"%s does not run the hook at createRuntime and poststop: no JSON file in the "
			"directories that it reads says so",
			engine->name);
		remedy("install oci-podns.json in %s, and have hooks_dir name that directory",
		       PODNS_OCIHOOKSDIR);
	}
	if (!engine->has_precreate)
		return;
	if (right & STAGE_PRECREATE) {
		good("%s runs the hook at precreate", engine->name);
	} else if (!(stages & STAGE_PRECREATE)) {
		problem(c,
			"%s does not run the hook at precreate: the second container of a pod will not "
			"start",
			engine->name);
		remedy("install oci-podns.conf in %s and oci-podns-precreate.json in %s; no later file there "
		       "may set hooks_dir",
		       PODNS_ENGINESCONFDIR, PODNS_PRECREATEDIR);
	}
}

/* --- CRI-O's pinns ------------------------------------------------------------------- */

static void pinns_problem(struct check *c, const char *from, const char *path, const char *what)
{
	problem(c, "%s has pinns_path = \"%s\", which %s", from, path, what);
	remedy("set it to \"%s\", and restart CRI-O", PODNS_PINNS);
}

/* CRI-O's own says nothing at all for --help, and fails. */
static void check_pinns_runs(struct check *c, const char *from, const char *path)
{
	struct error why;
	struct said said;

	/* A shell and the dynamic linker exit like this where they cannot run a program. */
	if (run_program(c, in_sysroot(c, path), "--help", &said, &why) < 0 ||
	    !WIFEXITED(said.status) || WEXITSTATUS(said.status) >= 126)
		pinns_problem(c, from, path, "does not run: no pod starts");
	else if (!strncmp(said.line, "Usage: pinns -d DIR", 19))
		good("CRI-O pins by %s, which is oci-podns's (%s)", path, from);
	else if (!strncmp(said.line, "Usage: podns", 12))
		pinns_problem(c, from, path,
			      "is podns, and pinns only where it is called that: no pod starts");
	else
		note("CRI-O pins by %s, which is not oci-podns's (%s)", path, from);
}

/* As ValidatePinnsPath() in CRI-O's pkg/config has it. */
static int check_pinns(struct check *c, const struct engine *engine, struct error *e)
{
	const char *path, *from;
	struct stat st;

	if (engine_pinns_path(engine, c->sysroot, &c->arena, &path, &from, e) < 0)
		return -1;
	if (!path)
		note("CRI-O pins by the pinns in its $PATH: pinns_path is not set");
	else if (*path != '/')
		pinns_problem(c, from, path,
			      "is no absolute path: CRI-O does not start, or not from everywhere");
	else if (stat(in_sysroot(c, path), &st) < 0)
		pinns_problem(c, from, path,
			      errno == ENOENT ? "is not there: CRI-O does not start"
					      : "cannot be looked at: CRI-O does not start");
	else if (!S_ISREG(st.st_mode) || access(in_sysroot(c, path), X_OK) < 0)
		pinns_problem(c, from, path, "cannot be run: no pod starts");
	else
		check_pinns_runs(c, from, path);
	return 0;
}

/* --- engines -------------------------------------------------------------------------- */

static int check_engine(struct check *c, const struct engine *engine, struct error *e)
{
	struct survey s = { .check = c, .engine = engine };
	cleanup_buf struct buf names = { 0 };
	struct setting dirs = { 0 };

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
	for (size_t i = 0; i < dirs.list.count; i++)
		if (survey_dir(&s, dirs.list.items[i], e) < 0)
			return -1;
	check_stages(c, engine, &s);
	return engine->has_pinns ? check_pinns(c, engine, e) : 0;
}

/* Where CRI-O and podman build look, whether or not they are installed here. */
static int check_common_dirs(struct check *c, struct error *e)
{
	static const char *const dirs[] = {
		"/usr/share/containers/oci/hooks.d",
		"/usr/local/share/containers/oci/hooks.d",
		"/etc/containers/oci/hooks.d",
	};
	int before = c->problems;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (hooks_each(c->sysroot, dirs[i], find_precreate, c, e) < 0 && e->num != ENOTDIR)
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
	problem(c,
		"%s is on the mount %s, which is not shared: a service with a mount namespace of its "
		"own does not see pins that are made after its start",
		root, m->point);
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
		CLI_OPTIONS,
		{ "sysroot", required_argument, NULL, OPT_SYSROOT },
		CLI_OPTIONS_END,
	};
	struct check c = { .sysroot = "", .signals = cli->signals };
	int r = cli_parse(cli, argc, argv, false, options, set_option, &c, e);

	if (r == CLI_DONE)
		r = cli_operands(cli, argc, 0, "no argument", e);
	if (r != CLI_DONE)
		return r;
	/* Not for the programs that it runs. */
	inherit_no_descriptors(STDERR_FILENO + 1);
	/* Where the caller ignores it, waitpid(2) has no status of a program that ended. */
	signal(SIGCHLD, SIG_DFL);
	r = check_all(&c, cli, e);
	arena_free(&c.arena);
	if (r < 0)
		return r;
	if (!c.problems) {
		puts("podns check: all is well");
		return CLI_DONE;
	}
	printf("podns check: %d problem%s\n", c.problems, c.problems > 1 ? "s" : "");
	return CLI_TOLD;
}

const struct command cli_check = { "check", "is the installation right?", help, true, run };
