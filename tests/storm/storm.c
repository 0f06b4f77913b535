/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many containers at once:
 *
 *	storm HOOK RUNTIME ROOT DIR PODS CONTAINERS ROUNDS SEED
 *
 * PODS * CONTAINERS processes each run ROUNDS container lives, doing what an engine and its runtime do,
 * with random delays, sometimes killing the hook and sometimes leaving out poststop. Containers are
 * processes that sleep in the namespaces that their config.json names. Most use precreate, or create of
 * oci-podns-runtime if RUNTIME is not "-", whose real runtime does nothing; some only
 * createRuntime, which pins their namespaces or refuses them if the pod exists already. At the
 * same time another process compares the namespaces of live containers with the pins. DIR gets a bundle for each
 * life; its config.json must be complete at any time, and DIR/ID/orig is its original if the hook
 * rewrote it.
 *
 * At the end all containers are dead. Each violation is a line "BAD ..." on stdout, and the exit status
 * is then 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TYPES 3
#define DOCUMENT_MAX 8192
#define KILL_PERCENT 8  /* of hook runs */
#define LOST_PERCENT 20 /* of poststops */
#define BARE_PERCENT 15 /* of lives without precreate */

static const struct {
	const char *dir, *proc;
	int flag;
} types[TYPES] = {
	{ "netns", "net", CLONE_NEWNET },
	{ "ipcns", "ipc", CLONE_NEWIPC },
	{ "utsns", "uts", CLONE_NEWUTS },
};

/* A container, as the process that compares sees it. */
struct slot {
	_Atomic unsigned long life; /* odd: it lives; another number is another life */
	_Atomic pid_t pid;
};

static struct shared {
	_Atomic unsigned long bad, looks, lives, members, killed, refused;
	_Atomic bool over;
	struct slot slots[];
} * shared;

static const char *hook, *runtime, *root, *dir;
static int pods, containers, rounds;

static void bad(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void bad(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* In one write, since many processes write. */
	dprintf(STDOUT_FILENO, "BAD %.*s\n", n, line);
	shared->bad++;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void path_of(char path[PATH_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void path_of(char path[PATH_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(path, PATH_MAX, fmt, ap) >= PATH_MAX)
		die("path");
	va_end(ap);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
}

static void read_file(const char *path, char text[DOCUMENT_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, DOCUMENT_MAX - 1);

	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

/* --- a life -------------------------------------------------------------- */

struct life {
	char id[64], pod[32], bundle[PATH_MAX - 64];
	unsigned seed;
	struct slot *slot;
};

static bool chance(struct life *x, int percent)
{
	return rand_r(&x->seed) % 100 < percent;
}

static void delay(struct life *x, int milliseconds)
{
	usleep((useconds_t)(rand_r(&x->seed) % (milliseconds * 1000)));
}

/*
 * Run a program with a document, its output in <bundle>/WHAT.out; killed now and then. Returns its wait
 * status.
 */
static int run_program(struct life *x, const char *what, char *const argv[], const char *document)
{
	char in[PATH_MAX], out[PATH_MAX], err[PATH_MAX];
	int status;
	pid_t pid;

	path_of(in, "%s/%s.in", x->bundle, what);
	path_of(out, "%s/%s.out", x->bundle, what);
	path_of(err, "%s/%s.err", x->bundle, what);
	write_file(in, document);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (dup2(open(in, O_RDONLY), STDIN_FILENO) < 0 ||
		    dup2(open(out, O_WRONLY | O_CREAT | O_TRUNC, 0644), STDOUT_FILENO) < 0 ||
		    dup2(open(err, O_WRONLY | O_CREAT | O_TRUNC, 0644), STDERR_FILENO) < 0)
			_exit(126);
		execv(argv[0], argv);
		_exit(127);
	}
	if (chance(x, KILL_PERCENT)) {
		delay(x, 25);
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		shared->killed++;
	return status;
}

static int run_hook(struct life *x, const char *stage, const char *document)
{
	char *const argv[] = { (char *)hook, "--no-syslog", "--root",
			       (char *)root, (char *)stage, NULL };

	return run_program(x, stage, argv, document);
}

/*
 * There is no container yet, so the only other child is the one that a killed runtime has left, which
 * undoes what it did.
 */
static int run_runtime(struct life *x, const char *command)
{
	char *const create[] = { (char *)runtime, "create", "--bundle", x->bundle, x->id, NULL };
	char *const delete[] = { (char *)runtime, "delete", x->id, NULL };
	int status = run_program(x, command, strcmp(command, "create") ? delete : create, "");

	while (waitpid(-1, NULL, __WALL) > 0)
		;
	return status;
}

static bool was_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void complain(const struct life *x, const char *stage, int status)
{
	char err[PATH_MAX], text[DOCUMENT_MAX];

	path_of(err, "%s/%s.err", x->bundle, stage);
	read_file(err, text);
	bad("%s of %s: status %#x: %.600s", stage, x->id, (unsigned)status, text);
}

static bool same_namespace(const char *a, const char *b, bool *is_there)
{
	struct stat x, y;

	*is_there = stat(a, &x) == 0 && stat(b, &y) == 0;
	return *is_there && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The name of the first type of which the process is not in the pinned namespace, or NULL. */
static const char *not_pinned(const char *pod, pid_t pid)
{
	char pin[PATH_MAX], own[PATH_MAX];
	bool there;

	for (int t = 0; t < TYPES; t++) {
		path_of(pin, "%s/%s/%s", root, types[t].dir, pod);
		path_of(own, "/proc/%d/ns/%s", pid, types[t].proc);
		if (!same_namespace(pin, own, &there))
			return types[t].proc;
	}
	return NULL;
}

/* As a runtime does: join the namespaces that config.json names, and make the others. */
static void be_container(const struct life *x, const char *config, int ready)
{
	char pin[PATH_MAX], quoted[PATH_MAX + 2];
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int t = 0; t < TYPES; t++) {
		path_of(pin, "%s/%s/%s", root, types[t].dir, x->pod);
		snprintf(quoted, sizeof(quoted), "\"%s\"", pin);
		if (!strstr(config, quoted)) {
			if (unshare(types[t].flag) < 0)
				die("unshare");
			continue;
		}
		fd = open(pin, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, types[t].flag) < 0) {
			bad("%s cannot join %s: %s", x->id, pin, strerror(errno));
			_exit(1);
		}
		close(fd);
	}
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* Its pid; 0 if it could not start. */
static pid_t start_container(const struct life *x, const char *config)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		close(ready[0]);
		be_container(x, config, ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = 0;
	}
	close(ready[0]);
	return pid;
}

static void end_container(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void state_of(char text[DOCUMENT_MAX], const struct life *x, const char *status, pid_t pid)
{
	snprintf(text, DOCUMENT_MAX,
		 "{\"ociVersion\":\"1.0.2\",\"id\":\"%s\",\"status\":\"%s\",\"pid\":%d,\"bundle\":"
		 "\"%s\"}",
		 x->id, status, pid, x->bundle);
}

/* Is it the old or the new one, complete? The document ends as it begins. */
static void check_config(const struct life *x)
{
	char path[PATH_MAX], text[DOCUMENT_MAX];
	size_t n;

	path_of(path, "%s/config.json", x->bundle);
	read_file(path, text);
	n = strlen(text);
	if (n < 2 || text[0] != '{' || strcmp(text + n - 2, "}\n"))
		bad("config.json of %s is not whole: %zu bytes", x->id, n);
}

static void end_life(struct life *x)
{
	char state[DOCUMENT_MAX];
	int status;

	check_config(x);
	if (chance(x, LOST_PERCENT))
		return;
	delay(x, 10);
	state_of(state, x, "stopped", 0);
	status = run_hook(x, "poststop", state);
	if (was_killed(status) && chance(x, 50))
		status = run_hook(x, "poststop", state);
	if (status && !was_killed(status))
		complain(x, "poststop", status);
}

static void live(struct life *x, pid_t pid)
{
	const char *type = not_pinned(x->pod, pid);

	if (type)
		bad("%s is a member, and its %s namespace is not the pod's pin", x->id, type);
	shared->members++;
	x->slot->pid = pid;
	x->slot->life++;
	delay(x, 60);
	x->slot->life++;
}

static bool create(struct life *x, const char *original)
{
	char path[PATH_MAX];
	int status;

	path_of(path, "%s/orig", x->bundle);
	write_file(path, original);
	status = run_runtime(x, "create");
	if (!status)
		return true;
	check_config(x);
	if (!was_killed(status))
		complain(x, "create", status);
	if (!chance(x, 50))
		return false;
	/* Engines try again, or delete what they could not create. */
	if (chance(x, 50))
		return run_runtime(x, "create") == 0;
	status = run_runtime(x, "delete");
	if (status && !was_killed(status))
		complain(x, "delete", status);
	return false;
}

/* Write its config.json, by precreate, by the runtime, or unchanged. False if there will be no container. */
static bool make_config(struct life *x, bool bare, const char *original)
{
	char path[PATH_MAX], config[DOCUMENT_MAX];
	int status;

	path_of(path, "%s/config.json", x->bundle);
	write_file(path, original);
	if (bare) {
		path_of(path, "%s/orig", x->bundle);
		write_file(path, original);
		return true;
	}
	if (runtime)
		return create(x, original);
	status = run_hook(x, "precreate", original);
	if (status) {
		if (!was_killed(status))
			complain(x, "precreate", status);
		return false;
	}
	path_of(path, "%s/precreate.out", x->bundle);
	read_file(path, config);
	path_of(path, "%s/config.json", x->bundle);
	write_file(path, config);
	return true;
}

static void lead_life(struct life *x)
{
	char path[PATH_MAX], config[DOCUMENT_MAX], original[512], state[DOCUMENT_MAX];
	bool bare = chance(x, BARE_PERCENT);
	int status;
	pid_t pid;

	shared->lives++;
	if (mkdir(x->bundle, 0755) < 0)
		die(x->bundle);
	snprintf(original, sizeof(original),
		 "{\"ociVersion\":\"1.0.2\",\"annotations\":{\"io.podns.pod\":\"%s\"},"
		 "\"hostname\":\"%s\",\"linux\":{\"namespaces\":[{\"type\":\"network\"},{\"type\":"
		 "\"ipc\"},{\"type\":\"uts\"},"
		 "{\"type\":\"mount\"}]}}\n",
		 x->pod, x->id);
	delay(x, 20);
	if (!make_config(x, bare, original))
		return;
	path_of(path, "%s/config.json", x->bundle);
	read_file(path, config);
	pid = start_container(x, config);
	if (!pid)
		return;
	delay(x, 10);
	state_of(state, x, "creating", pid);
	status = run_hook(x, "createRuntime", state);
	if (status == 0)
		live(x, pid);
	else if (bare && WIFEXITED(status) && WEXITSTATUS(status) == 1)
		shared->refused++; /* the pod lives already */
	else if (!was_killed(status))
		complain(x, "createRuntime", status);
	end_container(pid);
	end_life(x);
}

static void lead_lives(int pod, int container, unsigned seed)
{
	struct life x = { .slot = &shared->slots[pod * containers + container] };

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("prctl");
	x.seed = seed * 1000003U + (unsigned)(pod * containers + container);
	snprintf(x.pod, sizeof(x.pod), "pod%d", pod);
	for (int round = 0; round < rounds; round++) {
		snprintf(x.id, sizeof(x.id), "c%d-%d-%d", pod, container, round);
		snprintf(x.bundle, sizeof(x.bundle), "%s/%s", dir, x.id);
		lead_life(&x);
	}
}

/* --- who looks on ---------------------------------------------------------- */

static void look_at(int i)
{
	struct slot *s = &shared->slots[i];
	unsigned long life = s->life;
	const char *type;
	char pod[32];

	if (!(life & 1))
		return;
	snprintf(pod, sizeof(pod), "pod%d", i / containers);
	type = not_pinned(pod, s->pid);
	if (s->life != life)
		return;
	shared->looks++;
	if (type)
		bad("%s: a member lives (pid %d), and the pin of its %s namespace is gone or "
		    "another",
		    pod, s->pid, type);
}

static void look_on(void)
{
	while (!shared->over) {
		for (int i = 0; i < pods * containers; i++)
			look_at(i);
		usleep(2000);
	}
}

static pid_t begin(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

int main(int argc, char **argv)
{
	unsigned seed;
	pid_t looker;
	int status, n;

	if (argc != 9) {
		fprintf(stderr, "usage: storm HOOK RUNTIME ROOT DIR PODS CONTAINERS ROUNDS SEED\n");
		return 2;
	}
	hook = argv[1];
	runtime = strcmp(argv[2], "-") ? argv[2] : NULL;
	root = argv[3];
	dir = argv[4];
	pods = atoi(argv[5]);
	containers = atoi(argv[6]);
	rounds = atoi(argv[7]);
	seed = (unsigned)strtoul(argv[8], NULL, 10);
	n = pods * containers;
	shared = mmap(NULL, sizeof(*shared) + (size_t)n * sizeof(struct slot),
		      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	looker = begin();
	if (looker == 0) {
		look_on();
		_exit(0);
	}
	for (int i = 0; i < n; i++) {
		if (begin() == 0) {
			lead_lives(i / containers, i % containers, seed);
			_exit(0);
		}
	}
	while (n > 0) {
		pid_t pid = wait(&status);

		if (pid == looker || status)
			bad("process %d of the storm itself: status %#x", pid, (unsigned)status);
		n--;
	}
	shared->over = true;
	waitpid(looker, NULL, 0);
	printf("# seed %u: %lu lives, %lu members, %lu looks at them, %lu hooks killed, %lu "
	       "refused\n",
	       seed, shared->lives, shared->members, shared->looks, shared->killed,
	       shared->refused);
	if (!shared->members || !shared->looks)
		bad("no container ever lived");
	return shared->bad != 0;
}
