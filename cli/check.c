/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podns check: is the installation right? Engines report no hook file that they skip, so this reads
 * the same settings and hook files as they do, and checks what they name.
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
#include "check/engines.h"
#include "check/hooks.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "ns/mounts.h"
#include "ns/nsfs.h"
#include "pod/store.h"

/* How long a program may take to print its version or its help. */
#define RUN_SECONDS 5

static const char help[] =
	"Usage: podns check [--root DIR] [--sysroot DIR]\n"
	"\n"
	"Checks the installation: which hooks directories podman and CRI-O read, that they can\n"
	"read the JSON files there, that these name the hook and that it runs, that no file with a\n"
	"precreate stage is in a directory that CRI-O or podman build reads, that CRI-O's\n"
	"pinns_path names a program that runs, that the runtimes of Docker and containerd that\n"
	"lead to oci-podns-runtime are there and find the real runtime, that root's networks and\n"
	"definitions of pods can be used and the networks' plugins are there, and that the root of\n"
	"the pins can be used and is on a shared mount. Rootless podman needs neither of these two.\n"
	"Each problem is printed with its remedy; a note is no problem. The last line says whether all\n"
	"is well, or how many problems there are. An engine that is not installed is not checked. CONTAINERS_CONF in the\n"
	"environment counts as it does for podman.\n"
	"\n"
	"  --sysroot DIR  check the files of the system installed in DIR\n"
	"\n"
	"Exit status: 0 if all is well, 1 if there is a problem.\n";

void print_finding(const char *kind, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%-9s", kind);
	print_safe(text);
	putchar('\n');
}

const char *in_sysroot(struct check *c, const char *path)
{
	const char *full = arena_concat(&c->arena, c->sysroot, path, NULL);

	return full ? full : path;
}

/* --- the hook ------------------------------------------------------------------ */

struct output {
	char line[128]; /* the first line of standard output, cut to fit */
	int status;     /* as of waitpid(2) */
};

/* Linux before 5.3 has no pidfd_open(2): there is no time limit then. */
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

/* Nothing is read before the program ends: it must print less than a pipe holds. */
static int run_program(struct check *c, const char *program, const char *option, struct output *out,
		       struct error *e)
{
	char *argv[] = { (char *)program, (char *)option, NULL }, *no_environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int fds[2], num, ended = 0;
	ssize_t n = 0;
	pid_t pid;

	out->status = -1; /* WIFEXITED(-1) is false */
	/* O_NONBLOCK: a child of the program may hold the other end open. */
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
		ended = wait_for_end(pid, &out->status);
		n = read(fds[0], out->line, sizeof(out->line) - 1);
	}
	close(fds[0]);
	if (num)
		return error_set(e, num, "run %s", program);
	out->line[n > 0 ? n : 0] = '\0';
	out->line[strcspn(out->line, "\n")] = '\0';
	return ended < 0 ? error_set(e, ETIMEDOUT, "wait for %s %s", program, option) : 0;
}

static bool is_hook(struct check *c, const char *program, struct output *out)
{
	struct error ignored;

	return run_program(c, program, "--version", out, &ignored) == 0 && WIFEXITED(out->status) &&
	       WEXITSTATUS(out->status) == 0 && !strncmp(out->line, "oci-podns-hook ", 15);
}

static void check_program(struct check *c, const struct hook_file *file)
{
	const char *program = in_sysroot(c, file->program);
	struct output out;

	if (access(program, F_OK) < 0) {
		problem(c, "%s names %s, which is not there: engines skip such a file silently",
			file->path, program);
		remedy("install the hook there, or correct hook.path");
	} else if (access(program, X_OK) < 0) {
		problem(c, "%s names %s, which cannot be run", file->path, program);
		remedy("chmod 0755 %s", program);
	} else if (!is_hook(c, program, &out)) {
		problem(c, "%s names %s, which does not run", file->path, program);
		remedy("run %s --version to see why; install it again", program);
	} else {
		good("%s runs: %s", program, out.line);
	}
}

static void check_file(struct check *c, const struct hook_file *file)
{
	if (!file->has_args) {
		problem(c, "%s has no hook.args: podman fails on that with an empty message",
			file->path);
		remedy("set it to [\"oci-podns-hook\"], or install the file again");
	}
	if (file->timeout && file->timeout <= LOCK_SECONDS) {
		problem(c, "%s has a hook.timeout of %ju s: the hook may wait %d s for a lock",
			file->path, (uintmax_t)file->timeout, LOCK_SECONDS);
		remedy("set it to 30, or install the file again");
	}
	check_program(c, file);
}

/* --- hooks directories ------------------------------------------------------------ */

/*
 * A JSON file, known by its name: engines let a file in a later directory replace the file of the
 * same name in an earlier one.
 */
struct named {
	const char *name;
	unsigned stages; /* at which the file has the hook run */
	unsigned right;  /* = stages, or 0 where a problem was found in the file */
	bool of_pods;    /* as of struct hook_file */
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
	x->of_pods = false;
	x->next = s->files;
	s->files = x;
	return x;
}

/* Other programs' files count too: an engine that cannot read one of them does not run our hook. */
static void check_readers(struct survey *s, const struct hook_file *file)
{
	if (!s->engine->has_users || !file->is_private)
		return;
	problem(s->check, "%s cannot be read by ordinary users: their %s", file->path,
		s->engine->refuses);
	remedy("chmod 0644 %s", file->path);
}

/* An engine skips a dangling link; any other file that it cannot read stops it. */
static void report_unread(struct survey *s, const struct hook_file *file)
{
	if (file->use == HOOK_IS_SKIPPED) {
		note(s->check, "%s: a link that leads nowhere, which %s skips silently", file->path,
		     s->engine->name);
		remedy("remove the link, or install what it leads to");
	} else {
		problem(s->check, "%s: as long as it exists, %s", file->why.text,
			s->engine->refuses);
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
	named->of_pods = file->of_pods;
}

static void survey_file(void *arg, const struct hook_file *file)
{
	struct survey *s = arg;
	int before = s->check->problems, num;

	if (file->use != HOOK_IS_READ) {
		report_unread(s, file);
		return;
	}
	num = access(in_sysroot(s->check, file->program), F_OK) < 0 ? errno : 0;
	if (num && num != ENOENT) {
		problem(s->check,
			"%s names %s, which cannot be accessed (%s): as long as it exists, %s",
			file->path, file->program, strerror(num), s->engine->refuses);
		remedy("correct hook.path, or remove the file");
		return;
	}
	check_readers(s, file);
	if (file->ours)
		check_file(s->check, file);
	if (file->ours && file->of_pods && !s->engine->has_precreate) {
		problem(s->check, "%s is for podman's own pods, and matches all pods of %s",
			file->path, s->engine->name);
		remedy("move it to %s", PODNS_PODHOOKSDIR);
	}
	/* Engines skip a file whose program is missing, so it replaces no other. */
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

static void add_stages(const struct survey *s, bool of_pods, unsigned *stages, unsigned *right)
{
	*stages = *right = 0;
	for (const struct named *x = s->files; x; x = x->next) {
		if (x->of_pods != of_pods)
			continue;
		*stages |= x->stages;
		*right |= x->right;
	}
}

/* A stage that only a file with a problem names is not reported as missing, too. */
static void check_stages(struct check *c, const struct engine *engine, const struct survey *s)
{
	unsigned both = STAGE_CREATE_RUNTIME | STAGE_POSTSTOP, stages, right;

	add_stages(s, false, &stages, &right);
	if ((right & both) == both) {
		good("%s runs the hook at createRuntime and poststop", engine->name);
	} else if ((stages & both) != both) {
		problem(c,
			"%s does not run the hook at createRuntime and poststop: no JSON file in its "
			"hooks directories names these stages",
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

/* For podman's own pods, which are left alone unless root has linked a drop-in. */
static void check_pods(struct check *c, const struct survey *s, const struct setting *dirs)
{
	unsigned all = STAGE_PRECREATE | STAGE_CREATE_RUNTIME | STAGE_POSTSTOP, stages, right;

	add_stages(s, true, &stages, &right);
	if ((right & all) == all) {
		good("podman runs the hook for its own pods without an infra container");
	} else if (stages && (stages & all) != all) {
		problem(c,
			"podman does not run the hook at all of precreate, createRuntime and poststop for "
			"its own pods");
		remedy("install oci-podns-pods.json in %s", PODNS_PODHOOKSDIR);
	} else if (!stages && toml_list_has(&dirs->list, PODNS_PODHOOKSDIR)) {
		problem(c, "%s names %s, where no file makes podman run the hook for its own pods",
			dirs->from, PODNS_PODHOOKSDIR);
		remedy("install oci-podns-pods.json there");
	} else if (!stages && dirs->seen_in) {
		problem(c,
			"%s makes podman run the hook for its own pods, but %s, which podman reads after it, "
			"sets hooks_dir again",
			dirs->seen_in, dirs->from);
		remedy("rename the first so that it comes last, such as zz-oci-podns-pods.conf");
	} else if (!stages) {
		good("podman leaves its own pods to themselves: oci-podns-pods.conf is not in use");
		usage("ln -s %s/oci-podns-pods.conf %s/zz-oci-podns-pods.conf", PODNS_PKGDATADIR,
		      PODNS_ENGINESCONFDIR);
	}
}

/* --- CRI-O's pinns ------------------------------------------------------------------- */

static void pinns_problem(struct check *c, const char *from, const char *path, const char *what)
{
	problem(c, "%s has pinns_path = \"%s\", which %s", from, path, what);
	remedy("set it to \"%s\", and restart CRI-O", PODNS_LIBEXECDIR "/pinns");
}

/* CRI-O's own pinns exits with 1 on --help and prints nothing: that counts as running. */
static void check_pinns_runs(struct check *c, const char *from, const char *path)
{
	struct error why;
	struct output out;

	/* Shells and the dynamic linker exit with 126 or more where they cannot run a program. */
	if (run_program(c, in_sysroot(c, path), "--help", &out, &why) < 0 ||
	    !WIFEXITED(out.status) || WEXITSTATUS(out.status) >= 126)
		pinns_problem(c, from, path, "does not run: no pod starts");
	else if (!strncmp(out.line, "Usage: pinns -d DIR", 19))
		good("CRI-O pins by %s, which is oci-podns's (%s)", path, from);
	else if (!strncmp(out.line, "Usage: podns", 12))
		pinns_problem(
			c, from, path,
			"is podns, which works as pinns only if it is called pinns: no pod starts");
	else
		note(c, "CRI-O pins by %s, which is not oci-podns's (%s)", path, from);
}

/* The same checks as ValidatePinnsPath() in CRI-O's pkg/config. */
static int check_pinns(struct check *c, const struct engine *engine, struct error *e)
{
	const char *path, *from;
	struct stat st;

	if (engine_pinns_path(engine, c->sysroot, &c->arena, &path, &from, e) < 0)
		return -1;
	if (!path)
		note(c, "CRI-O pins by the pinns in its $PATH: pinns_path is not set");
	else if (*path != '/')
		pinns_problem(c, from, path,
			      "is no absolute path: CRI-O looks for it in its working directory");
	else if (stat(in_sysroot(c, path), &st) < 0)
		pinns_problem(c, from, path,
			      errno == ENOENT ? "is not there: CRI-O does not start"
					      : "cannot be accessed: CRI-O does not start");
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
	struct setting dirs = { .watch = PODNS_PODHOOKSDIR };

	if (!engine_is_installed(engine, c->sysroot)) {
		good("%s is not installed", engine->name);
		return 0;
	}
	c->has_engine = true;
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
	if (engine->has_precreate)
		check_pods(c, &s, &dirs);
	return engine->has_pinns ? check_pinns(c, engine, e) : 0;
}

/* CRI-O and podman build read these by default, and may be installed later. */
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
		good("no file with a precreate stage is in a directory that CRI-O or podman build reads");
	return 0;
}

/* --- the root ------------------------------------------------------------------------ */

/* The inode of the initial user namespace: PROC_USER_INIT_INO in include/linux/proc_ns.h. */
#define INITIAL_USERNS 0xEFFFFFFDU

static int is_rootless(bool *is, struct error *e)
{
	struct ns_id user;

	if (ns_own_id(NS_USER, &user, e) < 0)
		return -1;
	*is = user.ino != INITIAL_USERNS;
	return 0;
}

static int check_root(struct check *c, const char *root, struct error *e)
{
	cleanup_mounts struct mounts mounts = { 0 };
	const struct mount_entry *m;
	bool rootless, is_root;

	if (is_rootless(&rootless, e) < 0)
		return -1;
	/*
	 * Rootless: mounts of this namespace never propagate to the host's (mount_namespaces(7)),
	 * and podman runs all containers in this one.
	 */
	if (rootless)
		return 0;
	if (mounts_read(&mounts, e) < 0)
		return -1;
	m = mounts_of_path(&mounts, root);
	if (!m || m->shared) {
		good("%s is on a shared mount", root);
		return 0;
	}
	is_root = !strcmp(m->point, root);
	problem(c,
		"the mount %s%s%s%s is not shared: a service with a mount namespace of its own does "
		"not see pins that are made after its start",
		m->point, is_root ? "" : ", which contains ", is_root ? "" : root,
		is_root ? "" : ",");
	remedy("mount --make-rshared %s", m->point);
	return 0;
}

/* A missing directory would otherwise pass all checks. */
static int check_sysroot(const struct check *c, struct error *e)
{
	cleanup_close int fd = -1;

	if (!*c->sysroot)
		return 0;
	fd = open(c->sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set(e, errno, "open directory %s", c->sysroot) : 0;
}

/* The root of the pins: how it is mounted on another system cannot be seen in its files. */
static int check_own_root(struct check *c, const char *given, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;

	if (*c->sysroot)
		return 0;
	return store_open(&store, given, false, e) < 0 ? -1 : check_root(c, store.root, e);
}

/* A part that could not be checked is a problem, too, and the others are checked nevertheless. */
static int go_on(struct check *c, int r, const char *instead, struct error *e)
{
	if (r == 0 || e->num == ENOMEM)
		return r;
	problem(c, "%s", e->text);
	remedy("%s", *e->hint ? e->hint : instead);
	return 0;
}

static int check_all(struct check *c, struct cli *cli, struct error *e)
{
	bool rootless = false;

	if (check_sysroot(c, e) < 0)
		return -1;
	for (size_t i = 0; i < ENGINES; i++)
		if (go_on(c, check_engine(c, &engines[i], e), "correct it", e) < 0)
			return -1;
	if (go_on(c, check_common_dirs(c, e), "correct it", e) < 0 ||
	    go_on(c, check_runtimes(c, e), "correct it", e) < 0 ||
	    go_on(c, is_rootless(&rootless, e), "correct it", e) < 0)
		return -1;
	if (!c->has_engine)
		note(c,
		     "no engine is installed that is checked here: runc and crun by hand need no "
		     "setting");
	/* Rootless podman has the network pasta alone. */
	if (!rootless && go_on(c, check_networks(c, e), "correct it", e) < 0)
		return -1;
	return go_on(c, check_own_root(c, cli->root, e),
		     "correct it, or name another directory with --root", e);
}

/* The last line says whether anything is to be done. */
static int sum_up(const struct check *c)
{
	if (c->problems) {
		printf("podns check: %d problem%s, %s\n", c->problems, c->problems > 1 ? "s" : "",
		       c->problems > 1 ? "each with its remedy above" : "with its remedy above");
		return CLI_FOUND;
	}
	if (c->notes)
		printf("podns check: all is well; see the note%s above\n", c->notes > 1 ? "s" : "");
	else
		puts("podns check: all is well");
	return CLI_DONE;
}

enum { OPT_SYSROOT = OPT_OWN };

static int set_sysroot(void *arg, int option, char *value, struct error *e)
{
	struct check *c = arg;

	(void)option;
	if (!*value)
		return error_set(e, 0, "--sysroot is empty");
	c->sysroot = strcmp(value, "/") ? value : "";
	return 0;
}

static int check_installation(struct cli *cli, int argc, char **argv, struct error *e)
{
	static const struct option options[] = {
		CLI_OPTIONS,
		{ "sysroot", required_argument, NULL, OPT_SYSROOT },
		CLI_OPTIONS_END,
	};
	struct check c = { .sysroot = "", .signals = cli->signals };
	int r = cli_parse(cli, argc, argv, false, options, set_sysroot, &c, e);

	if (r == CLI_DONE)
		r = cli_operands(cli, argc, argv, 0, NULL, e);
	if (r != CLI_DONE)
		return r;
	/* The programs that are run must not have them. */
	inherit_no_descriptors(STDERR_FILENO + 1);
	/* While SIGCHLD is ignored, as by some callers, waitpid(2) returns no status. */
	signal(SIGCHLD, SIG_DFL);
	r = check_all(&c, cli, e);
	arena_free(&c.arena);
	return r < 0 ? r : sum_up(&c);
}

const struct command cli_check = { "check", "is the installation right?", help, CLI_RUNS_PROGRAMS,
				   check_installation };
