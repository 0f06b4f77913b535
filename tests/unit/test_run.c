/* SPDX-License-Identifier: Apache-2.0 */
#include "net/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#include "tests/unit/unit.h"

#define LIMIT 60000 /* of programs that end by themselves */

static struct error e;
static const char *const no_environment[] = { NULL };

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int run(const char *path, const char *const *argv, const char *input, size_t len,
	       unsigned limit, struct program_result *r)
{
	const struct program p = { .path = path,
				   .argv = (char *const *)argv,
				   .env = (char *const *)no_environment,
				   .input = input,
				   .input_len = len,
				   .lock_fd = -1,
				   .limit_ms = limit };

	*r = (struct program_result){ 0 };
	return program_run(&p, r, &e);
}

static int run_shell(const char *script, unsigned limit, struct program_result *r)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	return run("/bin/sh", argv, "", 0, limit, r);
}

/* No child is left, not even a zombie. */
static bool has_no_child(void)
{
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

/* Has this process ended? One that init has not reaped yet has. */
static bool is_dead(pid_t pid)
{
	struct buf stat = { 0 };
	char path[64];
	bool dead;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	dead = read_file_at(AT_FDCWD, path, 4096, &stat) < 0 || !strstr(stat.data, ") ") ||
	       strstr(stat.data, ") ")[2] == 'Z';
	buf_free(&stat);
	return dead;
}

/* Wait until a condition holds, 30 s at most. */
#define AWAIT(condition)                                                                           \
	({                                                                                         \
		int64_t until_ = milliseconds() + 30000;                                           \
		while (!(condition) && milliseconds() < until_)                                    \
			poll(NULL, 0, 5);                                                          \
		(condition);                                                                       \
	})

static void output_errors_and_status_are_kept(void)
{
	struct program_result r;

	CHECK(run_shell("echo out; echo err >&2; exit 3", LIMIT, &r) == 0);
	CHECK_STR(r.out.data, "out\n");
	CHECK_STR(r.err.data, "err\n");
	CHECK(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 3);
	program_result_free(&r);
	CHECK(run_shell("kill -9 $$", LIMIT, &r) == 0);
	CHECK(WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGKILL);
	CHECK(!r.out.len && !r.err.len);
	program_result_free(&r);
	CHECK(has_no_child());
}

static void the_input_arrives_whole(void)
{
	const char *const argv[] = { "cat", NULL };
	struct program_result r;
	char *text = malloc(PROGRAM_OUTPUT_MAX);

	if (!CHECK(text != NULL))
		return;
	for (size_t i = 0; i < PROGRAM_OUTPUT_MAX; i++)
		text[i] = (char)('a' + i % 26);
	/* As much output is read meanwhile: neither side waits for the other. */
	CHECK(run("/bin/cat", argv, text, PROGRAM_OUTPUT_MAX, LIMIT, &r) == 0);
	CHECK(r.out.len == PROGRAM_OUTPUT_MAX && !memcmp(r.out.data, text, r.out.len));
	program_result_free(&r);
	CHECK(run("/bin/cat", argv, "", 0, LIMIT, &r) == 0);
	CHECK(!r.out.len && !r.status);
	program_result_free(&r);
	free(text);
}

static void a_program_need_not_read_its_input(void)
{
	const size_t len = (size_t)4 << 20;
	char *text = calloc(1, len);
	const char *const shuts[] = { "sh", "-c", "exec <&-; echo ok", NULL };
	const char *const stays[] = { "sh", "-c", "exec sleep 1000", NULL };
	struct program_result r;

	if (!CHECK(text != NULL))
		return;
	CHECK(run("/bin/sh", shuts, text, len, LIMIT, &r) == 0);
	CHECK_STR(r.out.data, "ok\n");
	program_result_free(&r);
	CHECK(run("/bin/sh", stays, text, len, 200, &r) == -1);
	CHECK_HAS(e.text, "did not end within 200 ms");
	program_result_free(&r);
	CHECK(has_no_child());
	free(text);
}

static void the_environment_is_exact(void)
{
	const char *const argv[] = { "cat", "/proc/self/environ", NULL };
	const char *const env[] = { "CNI_COMMAND=ADD", "PATH=/usr/sbin:/usr/bin", "EMPTY=", NULL };
	const struct program p = { .path = "/bin/cat",
				   .argv = (char *const *)argv,
				   .env = (char *const *)env,
				   .lock_fd = -1,
				   .limit_ms = LIMIT };
	static const char should[] = "CNI_COMMAND=ADD\0PATH=/usr/sbin:/usr/bin\0EMPTY=";
	struct program_result r = { 0 };

	CHECK(setenv("CNI_ARGS", "of ours", 1) == 0);
	CHECK(program_run(&p, &r, &e) == 0);
	CHECK(r.out.len == sizeof(should) && !memcmp(r.out.data, should, sizeof(should)));
	program_result_free(&r);
	unsetenv("CNI_ARGS");
}

static void a_program_that_cannot_be_executed_is_named(void)
{
	const char *const argv[] = { "x", NULL };
	struct program_result r;

	CHECK(run("/nowhere/x", argv, "input", 5, LIMIT, &r) == -1);
	CHECK_STR(e.text, "execute /nowhere/x: No such file or directory");
	program_result_free(&r);
	CHECK(run("/etc/passwd", argv, "", 0, LIMIT, &r) == -1);
	CHECK_STR(e.text, "execute /etc/passwd: Permission denied");
	program_result_free(&r);
	CHECK(has_no_child());
}

static void at_the_deadline_the_whole_group_is_killed(void)
{
	const char *script =
		"trap '' TERM INT HUP; sleep 1000 & echo $!; echo 'it waits' >&2; wait";
	struct program_result r;
	int64_t from = milliseconds();
	pid_t grandchild;

	CHECK(run_shell(script, 2000, &r) == -1);
	CHECK(milliseconds() - from >= 2000);
	CHECK_STR(e.text, "/bin/sh did not end within 2 s, and was killed; it wrote: it waits");
	CHECK(WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGKILL);
	grandchild = r.out.data ? atoi(r.out.data) : 0;
	if (CHECK(grandchild > 0))
		CHECK(AWAIT(is_dead(grandchild)));
	program_result_free(&r);
	CHECK(has_no_child());
}

static void standard_output_is_bounded(void)
{
	char most[] = "exec head -c 1048576 /dev/zero", more[] = "exec head -c 1048577 /dev/zero";
	struct program_result r;

	CHECK(run_shell(most, LIMIT, &r) == 0);
	CHECK(r.out.len == PROGRAM_OUTPUT_MAX);
	program_result_free(&r);
	CHECK(run_shell(more, LIMIT, &r) == -1);
	CHECK_STR(e.text, "/bin/sh wrote more than 1048576 bytes to its standard output");
	CHECK(r.out.len == PROGRAM_OUTPUT_MAX);
	program_result_free(&r);
	/* It does not end by itself, and is killed. */
	CHECK(run_shell("trap '' PIPE; while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done",
			LIMIT, &r) == -1);
	CHECK_HAS(e.text, "wrote more than");
	CHECK(WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGKILL);
	program_result_free(&r);
	CHECK(has_no_child());
}

static void the_end_of_standard_error_is_kept(void)
{
	struct arena a = { 0 };
	struct program_result r;

	CHECK(run_shell(
		      "head -c 300000 /dev/zero >&2; echo; echo first >&2; printf ' last \\n\\n' >&2",
		      LIMIT, &r) == 0);
	CHECK(r.err.len == PROGRAM_ERRORS_MAX);
	CHECK_STR(program_last_line(&a, &r.err), "last");
	CHECK_STR(program_last_line(&a, &r.out), "");
	program_result_free(&r);
	CHECK_STR(program_last_line(&a, &r.err), "");
	arena_free(&a);
}

static void the_last_line_has_no_white_space_around_it(void)
{
	static const struct {
		const char *text;
		size_t len;
		const char *should;
	} rows[] = {
		{ "", 0, "" },
		{ " \t", 2, "" },
		{ "\n\n", 2, "" },
		{ "\t\0\0", 3, "" },
		{ "one", 3, "one" },
		{ "one\n \ttwo words\r\n\n ", 20, "two words" },
		{ "one\n\0two", 8, "two" },
	};
	struct arena a = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = { 0 };

		unit_row(rows[i].should);
		CHECK(buf_add(&b, rows[i].text, rows[i].len) == 0);
		CHECK_STR(program_last_line(&a, &b), rows[i].should);
		buf_free(&b);
	}
	arena_free(&a);
}

static void who_keeps_the_pipes_open_is_not_waited_for(void)
{
	struct program_result r;
	int64_t from = milliseconds();
	pid_t grandchild;

	CHECK(run_shell("sleep 1000 & echo $!", LIMIT, &r) == 0);
	CHECK(milliseconds() - from < LIMIT / 2);
	CHECK(!r.status);
	grandchild = r.out.data ? atoi(r.out.data) : 0;
	if (CHECK(grandchild > 0)) {
		/* A program may leave a daemon. */
		CHECK(!is_dead(grandchild));
		kill(grandchild, SIGKILL);
	}
	program_result_free(&r);
	CHECK(has_no_child());
}

static void a_daemon_with_the_pipes_costs_no_grace(void)
{
	const char *const argv[] = { "sh", "-c", "echo $$; sleep 1000 & echo $!", NULL };
	struct program p = { .path = "/bin/sh",
			     .argv = (char *const *)argv,
			     .env = (char *const *)no_environment,
			     .lock_fd = -1,
			     .limit_ms = LIMIT,
			     .starts_daemon = true };
	struct program_result r = { 0 };
	int64_t from = milliseconds();
	const char *second;

	CHECK(program_run(&p, &r, &e) == 0);
	CHECK(milliseconds() - from < PROGRAM_GRACE);
	second = r.out.data ? strchr(r.out.data, '\n') : NULL;
	if (CHECK(second && atoi(second + 1) > 0))
		kill(atoi(second + 1), SIGKILL);
	program_result_free(&r);
}

static void only_the_lock_is_inherited(void)
{
	const char *script = "n=0; while [ $n -lt 100 ]; do"
			     " [ ! -e /proc/$$/fd/$n ] || echo -n \"$n \"; n=$((n+1)); done";
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct program p = { .path = "/bin/sh",
			     .argv = (char *const *)argv,
			     .env = (char *const *)no_environment,
			     .lock_fd = -1,
			     .limit_ms = LIMIT };
	struct program_result r = { 0 };
	int lock, lowest, low, high;

	/* These survive execve(2), unless they are closed. */
	lowest = fcntl(0, F_DUPFD, 3);
	low = fcntl(0, F_DUPFD, 60);
	lock = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	high = fcntl(0, F_DUPFD, 90);
	CHECK(dup2(lock, 77) == 77 && lowest >= 0 && low >= 0 && high >= 0);
	CHECK(program_run(&p, &r, &e) == 0);
	CHECK_STR(r.out.data, "0 1 2 ");
	program_result_free(&r);
	CHECK(fcntl(77, F_SETFD, FD_CLOEXEC) == 0);
	p.lock_fd = 77;
	CHECK(program_run(&p, &r, &e) == 0);
	CHECK_STR(r.out.data, "0 1 2 77 ");
	CHECK(fcntl(77, F_GETFD) == FD_CLOEXEC);
	program_result_free(&r);
	for (p.lock_fd = 0; p.lock_fd <= 2; p.lock_fd++)
		CHECK(program_run(&p, &r, &e) == -1);
	close(lock);
	close(lowest);
	close(low);
	close(high);
	close(77);
}

/* In a child process: all standard streams are closed, so that the pipes get their numbers. */
static void streams_that_are_closed_here_are_there(void)
{
	const char *const argv[] = { "cat", NULL };
	struct program_result r;
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(0);
		close(1);
		close(2);
		_exit(run("/bin/cat", argv, "hello", 5, LIMIT, &r) == 0 && r.out.data &&
				      !strcmp(r.out.data, "hello")
			      ? 0
			      : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
}

static void signals_are_as_at_boot(void)
{
	const char *const argv[] = { "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction old_child, old_term, old_pipe, now;
	/* The kernel's structures, for a signal that sigaction(3) refuses: the C library's own. */
	const unsigned long raw[8] = { (unsigned long)SIG_IGN };
	unsigned long old_raw[8] = { 0 };
	sigset_t block, old;
	struct program_result r;

	syscall(SYS_rt_sigaction, 33, raw, old_raw, NSIG / 8);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigaddset(&block, SIGCHLD);
	CHECK(sigaction(SIGCHLD, &ignore, &old_child) == 0);
	CHECK(sigaction(SIGTERM, &ignore, &old_term) == 0);
	CHECK(sigaction(SIGPIPE, &ignore, &old_pipe) == 0);
	CHECK(sigprocmask(SIG_BLOCK, &block, &old) == 0);
	CHECK(run("/bin/grep", argv, "", 0, LIMIT, &r) == 0);
	CHECK_STR(r.out.data, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	program_result_free(&r);
	/* Where SIGCHLD is ignored the kernel reaps children, and their status is lost. */
	CHECK(run_shell("exit 7", LIMIT, &r) == 0);
	CHECK(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 7);
	program_result_free(&r);
	CHECK(sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == SIG_IGN);
	CHECK(sigaction(SIGPIPE, &old_pipe, &now) == 0 && now.sa_handler == SIG_IGN);
	CHECK(sigprocmask(SIG_SETMASK, &old, &block) == 0 && sigismember(&block, SIGUSR1) == 1);
	sigaction(SIGCHLD, &old_child, NULL);
	sigaction(SIGTERM, &old_term, NULL);
	syscall(SYS_rt_sigaction, 33, old_raw, NULL, NSIG / 8);
}

static void it_has_a_process_group_of_its_own(void)
{
	const char *const argv[] = { "cut", "-d ", "-f1,5", "/proc/self/stat", NULL };
	struct program_result r;
	int pid = 0, group = 0;

	CHECK(run("/usr/bin/cut", argv, "", 0, LIMIT, &r) == 0);
	CHECK(r.out.data && sscanf(r.out.data, "%d %d", &pid, &group) == 2);
	CHECK(pid > 0 && pid == group);
	program_result_free(&r);
}

static void it_survives_us(void)
{
	char dir[] = "/tmp/test_run.XXXXXX", script[256];
	cleanup_close int fd = -1, fifo = -1;
	struct program_result r;
	pid_t pid;

	if (!CHECK(mkdtemp(dir) != NULL))
		return;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(mkfifoat(fd, "go", 0600) == 0);
	snprintf(script, sizeof(script), "cd %s; : > started; read x < go; : > done", dir);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(run_shell(script, LIMIT, &r) == 0 ? 0 : 1);
	CHECK(AWAIT(faccessat(fd, "started", F_OK, 0) == 0));
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	/* Opened for both, so that this waits for nobody. */
	fifo = openat(fd, "go", O_RDWR | O_CLOEXEC);
	CHECK(write(fifo, "\n", 1) == 1);
	CHECK(AWAIT(faccessat(fd, "done", F_OK, 0) == 0));
	unlinkat(fd, "go", 0);
	unlinkat(fd, "started", 0);
	unlinkat(fd, "done", 0);
	CHECK(rmdir(dir) == 0);
}

static void leaves_no_signal_pending(void)
{
	sigset_t chld, old, pending;
	struct program_result r = { 0 };

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &old);
	CHECK(run_shell("exit 0", LIMIT, &r) == 0);
	sigpending(&pending);
	CHECK(!sigismember(&pending, SIGCHLD));
	sigprocmask(SIG_SETMASK, &old, NULL);
	program_result_free(&r);
}

int main(void)
{
	RUN(output_errors_and_status_are_kept);
	RUN(the_input_arrives_whole);
	RUN(a_program_need_not_read_its_input);
	RUN(the_environment_is_exact);
	RUN(a_program_that_cannot_be_executed_is_named);
	RUN(at_the_deadline_the_whole_group_is_killed);
	RUN(standard_output_is_bounded);
	RUN(the_end_of_standard_error_is_kept);
	RUN(the_last_line_has_no_white_space_around_it);
	RUN(who_keeps_the_pipes_open_is_not_waited_for);
	RUN(a_daemon_with_the_pipes_costs_no_grace);
	RUN(only_the_lock_is_inherited);
	RUN(streams_that_are_closed_here_are_there);
	RUN(signals_are_as_at_boot);
	RUN(it_has_a_process_group_of_its_own);
	RUN(it_survives_us);
	RUN(leaves_no_signal_pending);
	return unit_done();
}
