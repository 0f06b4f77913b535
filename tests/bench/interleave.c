/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares the times of programs on a noisy host. They run one after the other in each round, so that
 * noise affects all alike, and are compared by the medians of all rounds and of the ratios within each
 * round.
 *
 *   interleave ROUNDS <PLAN
 *
 * The plan has one action a line, in words separated by blanks. The other contenders are compared with
 * the first.
 *
 *   ordinary
 *       No real-time priority (below): a cgroup may refuse it.
 *   contender NAME DIRECTORY
 *       Runs the actions that follow, in this working directory.
 *   time ROW COUNT STDIN STDOUT PROGRAM ARGUMENT...
 *       COUNT processes at once, timed from the first one's start to the last one's end.
 *   run COUNT STDIN STDOUT PROGRAM ARGUMENT...
 *       The same, not timed.
 *   enter DIRECTORY POD
 *       A process ("container") in the pins DIRECTORY/{net,ipc,uts}ns/POD.
 *   fresh
 *       One in new namespaces.
 *   gone
 *       Ends it.
 *
 * "-" as STDIN or STDOUT is /dev/null. In arguments and in STDIN files, @PID@ is that process, and @I@ is
 * the round followed by the number among COUNT, from 1, unique in a run. Output, separated by tabs:
 *
 *   ROW CONTENDER MICROSECONDS RATIO CPU-MICROSECONDS CPU-RATIO PAGE-FAULTS COUNT MICROSECONDS-MORE
 *
 * CPU time is that of the processes themselves, on which other load of the host has little effect. If
 * permitted, they run with a real-time priority, so that they do not wait on a busy host.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 48
#define ACTIONS_MAX 1024
#define CONTENDERS_MAX 12
#define ROWS_MAX 32
#define WARM_UP 2 /* rounds that are not counted */

struct action {
	char *word[WORDS_MAX + 1];
	int words;
	int contender, row; /* row: -1 where it is not timed */
};

struct samples {
	double *us, *cpu_us; /* by round, 0: none */
	long faults;         /* of the last round */
};

static struct action actions[ACTIONS_MAX];
static int action_count;
static char *contenders[CONTENDERS_MAX], *directories[CONTENDERS_MAX];
static int contender_count;
static char *rows[ROWS_MAX];
static int row_processes[ROWS_MAX];
static int row_count;
static struct samples samples[ROWS_MAX][CONTENDERS_MAX];
static pid_t container;
static bool ordinary;

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void end_container(void)
{
	if (container <= 0)
		return;
	kill(container, SIGKILL);
	waitpid(container, NULL, 0);
	container = 0;
}

static void die(const char *fmt, ...)
{
	int num = errno;
	va_list ap;

	fputs("interleave: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (%s)\n", strerror(num));
	end_container();
	exit(1);
}

/* --- the plan --- */

static int row_of(char *name, int processes)
{
	for (int i = 0; i < row_count; i++)
		if (!strcmp(rows[i], name))
			return i;
	if (row_count == ROWS_MAX)
		die("more than %d rows", ROWS_MAX);
	rows[row_count] = name;
	row_processes[row_count] = processes;
	return row_count++;
}

static int min_words(const char *verb)
{
	static const struct {
		const char *verb;
		int words;
	} verbs[] = {
		{ "ordinary", 1 }, { "contender", 3 }, { "time", 6 }, { "run", 5 },
		{ "enter", 3 },    { "fresh", 1 },     { "gone", 1 },
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verb, verbs[i].verb))
			return verbs[i].words;
	die("no action '%s'", verb);
}

static void add_action(char *line)
{
	struct action *a = &actions[action_count];
	char *save;

	*a = (struct action){ .row = -1 };
	for (char *w = strtok_r(line, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
		if (a->words == WORDS_MAX)
			die("more than %d words in a line", WORDS_MAX);
		a->word[a->words++] = w;
	}
	if (!a->words || a->word[0][0] == '#')
		return;
	if (a->words < min_words(a->word[0]))
		die("too few words after '%s'", a->word[0]);
	if (!strcmp(a->word[0], "ordinary")) {
		ordinary = true;
		return;
	}
	if (!strcmp(a->word[0], "contender")) {
		if (contender_count == CONTENDERS_MAX)
			die("more than %d contenders", CONTENDERS_MAX);
		contenders[contender_count] = a->word[1];
		directories[contender_count++] = a->word[2];
		return;
	}
	if (!contender_count)
		die("'%s' before the first contender", a->word[0]);
	if (!strcmp(a->word[0], "time"))
		a->row = row_of(a->word[1], atoi(a->word[2]));
	a->contender = contender_count - 1;
	if (++action_count == ACTIONS_MAX)
		die("more than %d actions", ACTIONS_MAX);
}

static void read_plan(void)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		add_action(line);
		line = NULL; /* its words stay */
		size = 0;
	}
	free(line);
}

/* --- documents and words with something put in --- */

struct text {
	char *s;
	size_t len;
};

static struct text put_in(const char *s, size_t len, long number)
{
	struct text out = { malloc(len * 4 + 64), 0 };
	size_t room = len * 4 + 64;
	int n;

	if (!out.s)
		die("memory");
	for (size_t i = 0; i < len;) {
		if (len - i >= 5 && !memcmp(s + i, "@PID@", 5)) {
			n = snprintf(out.s + out.len, room - out.len, "%d", container);
			i += 5;
		} else if (len - i >= 3 && !memcmp(s + i, "@I@", 3)) {
			n = snprintf(out.s + out.len, room - out.len, "%ld", number);
			i += 3;
		} else {
			out.s[out.len] = s[i++];
			n = 1;
		}
		out.len += (size_t)n;
	}
	out.s[out.len] = '\0';
	return out;
}

static struct text read_file(const char *path)
{
	struct text t = { NULL, 0 };
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		die("open %s", path);
	t.s = malloc((size_t)st.st_size + 1);
	while (t.s && (n = read(fd, t.s + t.len, (size_t)st.st_size - t.len)) > 0)
		t.len += (size_t)n;
	if (!t.s || t.len != (size_t)st.st_size)
		die("read %s", path);
	close(fd);
	return t;
}

/* The document's descriptor: a full pipe, as engines use, or a file if it does not fit. */
static int open_input(const char *path, long number)
{
	struct text file, doc;
	int fds[2];

	if (!strcmp(path, "-"))
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	file = read_file(path);
	doc = put_in(file.s, file.len, number);
	free(file.s);
	if (doc.len <= 65536) {
		if (pipe2(fds, O_CLOEXEC) < 0)
			die("make a pipe");
	} else {
		fds[0] = fds[1] = memfd_create("document", MFD_CLOEXEC);
	}
	if (write(fds[1], doc.s, doc.len) != (ssize_t)doc.len)
		die("write the document of %zu bytes", doc.len);
	if (fds[1] != fds[0])
		close(fds[1]);
	else
		lseek(fds[0], 0, SEEK_SET);
	free(doc.s);
	return fds[0];
}

/* --- processes --- */

struct job {
	char *argv[WORDS_MAX + 1];
	int in, out;
};

static void prepare(struct job *job, const struct action *a, int first, long number)
{
	const char *out = a->word[first + 1];

	for (int i = first + 2; i < a->words; i++)
		job->argv[i - first - 2] = put_in(a->word[i], strlen(a->word[i]), number).s;
	job->argv[a->words - first - 2] = NULL;
	job->in = open_input(a->word[first], number);
	job->out = open(strcmp(out, "-") ? out : "/dev/null",
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (job->in < 0 || job->out < 0)
		die("open %s or %s", a->word[first], out);
}

static void release(struct job *job)
{
	for (int i = 0; job->argv[i]; i++)
		free(job->argv[i]);
	close(job->in);
	close(job->out);
}

static pid_t start(const struct job *job, const char *directory)
{
	/* As small as an engine's, and not the tester's. */
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char *const environment[] = { path, NULL };
	posix_spawn_file_actions_t files;
	pid_t pid;
	int r;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addchdir_np(&files, directory);
	posix_spawn_file_actions_adddup2(&files, job->in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, job->out, STDOUT_FILENO);
	r = posix_spawnp(&pid, job->argv[0], &files, NULL, job->argv, environment);
	posix_spawn_file_actions_destroy(&files);
	errno = r;
	if (r)
		die("start %s", job->argv[0]);
	return pid;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct result {
	double us, cpu_us;
	long faults;
};

static double cpu_us(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e6 +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

/* `first` is the word STDIN; COUNT precedes it. */
static struct result run_jobs(const struct action *a, int first, int round)
{
	int count = atoi(a->word[first - 1]), status, left;
	struct job *jobs = calloc((size_t)count, sizeof(*jobs));
	struct result r = { 0 };
	struct rusage usage;
	double begin;

	if (count < 1 || !jobs)
		die("a count of '%s'", a->word[first - 1]);
	for (int i = 0; i < count; i++)
		prepare(&jobs[i], a, first, (long)round * 1000000 + i + 1);
	begin = now_us();
	for (int i = 0; i < count; i++)
		start(&jobs[i], directories[a->contender]);
	for (left = count; left; left--) {
		pid_t pid = wait4(-1, &status, 0, &usage);

		if (pid == container)
			die("the container ended");
		if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
			die("%s of %s ended with status 0x%x", a->word[first + 2],
			    contenders[a->contender], status);
		r.cpu_us += cpu_us(&usage);
		r.faults += usage.ru_minflt + usage.ru_majflt;
	}
	r.us = now_us() - begin;
	for (int i = 0; i < count; i++)
		release(&jobs[i]);
	free(jobs);
	r.faults /= count;
	return r;
}

/* --- the container --- */

static int join_pins(const char *directory, const char *pod)
{
	static const char *const dirs[] = { "netns", "ipcns", "utsns" };
	char path[4096];
	int fd;

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", directory, dirs[i], pod);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, 0) < 0)
			return -1;
	}
	return 0;
}

/* directory NULL: new namespaces. */
static void begin_container(const char *directory, const char *pod)
{
	int ready[2];
	char byte;

	end_container();
	if (pipe2(ready, O_CLOEXEC) < 0)
		die("make a pipe");
	container = fork();
	if (container < 0)
		die("fork");
	if (container == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if ((directory ? join_pins(directory, pod)
			       : unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("the container cannot enter its namespaces");
	close(ready[0]);
}

/* --- rounds and results --- */

static void act(const struct action *a, int round)
{
	struct samples *s = a->row < 0 ? NULL : &samples[a->row][a->contender];
	const char *verb = a->word[0];
	struct result r;

	if (!strcmp(verb, "enter")) {
		char *pod = put_in(a->word[2], strlen(a->word[2]), (long)round * 1000000 + 1).s;

		begin_container(a->word[1], pod);
		free(pod);
	} else if (!strcmp(verb, "fresh")) {
		begin_container(NULL, NULL);
	} else if (!strcmp(verb, "gone")) {
		end_container();
	} else {
		r = run_jobs(a, s ? 3 : 2, round);
		if (s && round >= WARM_UP) {
			s->us[round - WARM_UP] = r.us;
			s->cpu_us[round - WARM_UP] = r.cpu_us;
			s->faults = r.faults;
		}
	}
}

static void run_contender(int contender, int round)
{
	for (int i = 0; i < action_count; i++)
		if (actions[i].contender == contender)
			act(&actions[i], round);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double *some(int n)
{
	double *v = calloc((size_t)n, sizeof(*v));

	if (!v)
		die("memory");
	return v;
}

static double median(const double *of, int n)
{
	double *v = some(n), m;

	memcpy(v, of, (size_t)n * sizeof(*v));
	qsort(v, (size_t)n, sizeof(*v), by_value);
	m = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
	free(v);
	return m;
}

/* The median of v over that of the first contender, pair by pair; 0 where it has none. */
static double median_ratio(const double *v, const double *first, int rounds)
{
	double *ratio = some(rounds), r;

	for (int i = 0; i < rounds; i++)
		ratio[i] = first[i] > 0 ? v[i] / first[i] : 0;
	r = median(ratio, rounds);
	free(ratio);
	return r;
}

static double median_more(const double *v, const double *first, int rounds)
{
	double *more = some(rounds), r;

	for (int i = 0; i < rounds; i++)
		more[i] = v[i] - first[i];
	r = median(more, rounds);
	free(more);
	return r;
}

static void report(int row, int contender, int rounds)
{
	const struct samples *s = &samples[row][contender], *first = &samples[row][0];
	double ratio = median_ratio(s->us, first->us, rounds);
	double cpu_ratio = median_ratio(s->cpu_us, first->cpu_us, rounds);
	double more = median_more(s->us, first->us, rounds);

	printf("%s\t%s\t%.1f\t%.3f\t%.1f\t%.3f\t%ld\t%d\t%.1f\n", rows[row], contenders[contender],
	       median(s->us, rounds), ratio, median(s->cpu_us, rounds), cpu_ratio, s->faults,
	       row_processes[row], more);
}

static void prepare_samples(int rounds)
{
	for (int r = 0; r < ROWS_MAX; r++)
		for (int c = 0; c < CONTENDERS_MAX; c++) {
			samples[r][c].us = some(rounds);
			samples[r][c].cpu_us = some(rounds);
		}
}

int main(int argc, char **argv)
{
	int rounds = argc == 2 ? atoi(argv[1]) : 0;

	if (rounds < 1) {
		fputs("usage: interleave ROUNDS <PLAN\n", stderr);
		return 2;
	}
	read_plan();
	prepare_samples(rounds);
	if (ordinary)
		setpriority(PRIO_PROCESS, 0, -20);
	else
		sched_setscheduler(0, SCHED_RR, &(struct sched_param){ .sched_priority = 1 });
	/* Forwards and backwards, so that no contender always runs after the same other. */
	for (int round = 0; round < rounds + WARM_UP; round++)
		for (int i = 0; i < contender_count; i++)
			run_contender(round % 2 ? contender_count - 1 - i : i, round);
	end_container();
	for (int r = 0; r < row_count; r++)
		for (int c = 0; c < contender_count; c++)
			if (samples[r][c].us[0] > 0)
				report(r, c, rounds);
	return 0;
}
