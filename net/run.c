/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program has a pipe for each of its standard streams, which poll(2) serves together, so that
 * neither side waits for the other for ever. A fourth pipe, which execve(2) closes, says why it
 * could not be executed.
 *
 * The process is reaped last. Until then its id, which is that of its process group, too, cannot be
 * used again, and kill(2) reaches nobody else.
 */
#include "net/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/inherit.h"

/* Linux before 5.3 has no pidfd_open(2): how often the end is looked for, in milliseconds. */
#define LOOK_INTERVAL 20

enum step { STEP_GROUP, STEP_STREAMS, STEP_LOCK, STEP_EXEC };

static const char *const step_name[] = {
	[STEP_GROUP] = "make a process group for",
	[STEP_STREAMS] = "set up the standard streams of",
	[STEP_LOCK] = "pass the lock to",
	[STEP_EXEC] = "execute",
};

/* What the child writes into the fourth pipe. */
struct failure {
	enum step step;
	int num; /* errno */
};

/* The pipes, by the number of the program's descriptor, and the fourth. */
enum { IN, OUT, ERR, TOLD, PIPES };

struct run {
	const struct program *p;
	struct program_result *r;
	pid_t pid;
	int pidfd;          /* -1: there is none */
	int ours[PIPES];    /* our ends; -1: closed */
	int theirs[PIPES];  /* the child's ends, in us only until it runs */
	size_t fed;         /* bytes of the input */
	bool ended;         /* but not reaped */
	int64_t until;      /* by now_ms() */
	struct failure why; /* of the child */
	size_t why_len;     /* bytes of that read */
};

static int64_t now_ms(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_pipe_end(int *fd)
{
	cleanup_closep(fd);
	*fd = -1;
}

/* --- the child ------------------------------------------------------------- */

static __attribute__((noreturn)) void give_up(int told, enum step step)
{
	const struct failure why = { .step = step, .num = errno };

	/* Smaller than PIPE_BUF, so it is written whole. If it is not, the parent sees the exit status. */
	if (write(told, &why, sizeof(why)) < 0)
		_exit(126);
	_exit(127);
}

/* Move the ends to descriptors above 2, so that no dup2(2) overwrites one of them. */
static int move_up(int *fds)
{
	for (int i = 0; i < PIPES; i++) {
		int fd = fds[i] > 2 ? fds[i] : fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

		if (fd < 0)
			return -1;
		fds[i] = fd;
	}
	return 0;
}

static int set_streams(const int *fds)
{
	for (int i = 0; i <= ERR; i++)
		if (dup2(fds[i], i) < 0)
			return -1;
	return 0;
}

/* Close all but 0 to 2, the lock and the fourth pipe. */
static void close_others(int lock, int told)
{
	int low = lock < 0 || told < lock ? told : lock;
	int high = lock < 0 || told > lock ? told : lock;

	inherit_no_descriptors_between(3, low - 1);
	inherit_no_descriptors_between(low + 1, high - 1);
	inherit_no_descriptors_between(high + 1, INT_MAX);
}

/*
 * Ignored signals and the mask survive execve(2). Those that the C library keeps for itself, which
 * sigaction(3) refuses, may have been ignored by an ancestor of ours, too. In the kernel's structure
 * zeros say SIG_DFL, no flags and an empty mask.
 */
static void reset_signals(void)
{
	static const unsigned long by_default[8];
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, by_default, NULL,
			NSIG / 8); /* not SIGKILL, SIGSTOP */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static __attribute__((noreturn)) void become(const struct program *p, int *fds)
{
	if (move_up(fds) < 0)
		give_up(fds[TOLD], STEP_STREAMS);
	if (setpgid(0, 0) < 0)
		give_up(fds[TOLD], STEP_GROUP);
	if (set_streams(fds) < 0)
		give_up(fds[TOLD], STEP_STREAMS);
	if (p->lock_fd >= 0 && fcntl(p->lock_fd, F_SETFD, 0) < 0)
		give_up(fds[TOLD], STEP_LOCK);
	close_others(p->lock_fd, fds[TOLD]);
	reset_signals();
	execve(p->path, p->argv, p->env);
	give_up(fds[TOLD], STEP_EXEC);
}

/* --- starting it ----------------------------------------------------------- */

static int open_pipes(struct run *x, struct error *e)
{
	int ends[2];

	for (int i = 0; i < PIPES; i++) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return error_set(e, errno, "make a pipe for %s", x->p->path);
		x->ours[i] = ends[i == IN ? 1 : 0];
		x->theirs[i] = ends[i == IN ? 0 : 1];
	}
	if (fcntl(x->ours[IN], F_SETFL, O_NONBLOCK) < 0)
		return error_set(e, errno, "make a pipe for %s", x->p->path);
	return 0;
}

static void close_pipes(struct run *x)
{
	for (int i = 0; i < PIPES; i++) {
		close_pipe_end(&x->ours[i]);
		close_pipe_end(&x->theirs[i]);
	}
	close_pipe_end(&x->pidfd);
}

/* Signals are blocked across fork(2), so that no handler of ours runs in the child. */
static int start(struct run *x, struct error *e)
{
	sigset_t all, mask;
	int saved;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &mask) < 0)
		return error_set(e, errno, "block signals");
	x->pid = fork();
	if (x->pid == 0)
		become(x->p, x->theirs);
	saved = errno;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (x->pid < 0)
		return error_set(e, saved, "start %s", x->p->path);
	for (int i = 0; i < PIPES; i++)
		close_pipe_end(&x->theirs[i]);
	x->pidfd = (int)syscall(SYS_pidfd_open, x->pid, 0);
	return 0;
}

/* --- while it runs --------------------------------------------------------- */

static int feed(struct run *x, struct error *e)
{
	ssize_t n = write(x->ours[IN], x->p->input + x->fed, x->p->input_len - x->fed);

	if (n < 0 && errno == EPIPE)
		close_pipe_end(&x->ours[IN]); /* it does not read its input, and need not */
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		return error_set(e, errno, "write the input of %s", x->p->path);
	if (n > 0)
		x->fed += (size_t)n;
	if (x->fed == x->p->input_len)
		close_pipe_end(&x->ours[IN]);
	return 0;
}

static int keep_output(struct run *x, const char *bytes, size_t n, struct error *e)
{
	struct buf *out = &x->r->out;
	size_t room = PROGRAM_OUTPUT_MAX - out->len;

	if (buf_add(out, bytes, n < room ? n : room) < 0)
		return error_nomem(e);
	if (n > room)
		return error_set(e, 0, "%s wrote more than %zu bytes to its standard output",
				 x->p->path, PROGRAM_OUTPUT_MAX);
	return 0;
}

static int keep_errors(struct run *x, const char *bytes, size_t n, struct error *e)
{
	struct buf *err = &x->r->err;
	size_t over;

	if (n > PROGRAM_ERRORS_MAX) {
		bytes += n - PROGRAM_ERRORS_MAX;
		n = PROGRAM_ERRORS_MAX;
	}
	over = err->len + n > PROGRAM_ERRORS_MAX ? err->len + n - PROGRAM_ERRORS_MAX : 0;
	if (over) {
		memmove(err->data, err->data + over, err->len - over);
		err->len -= over;
	}
	return buf_add(err, bytes, n) < 0 ? error_nomem(e) : 0;
}

static void keep_failure(struct run *x, const char *bytes, size_t n)
{
	size_t room = sizeof(x->why) - x->why_len;

	n = n < room ? n : room;
	memcpy((char *)&x->why + x->why_len, bytes, n);
	x->why_len += n;
}

static int drain(struct run *x, int which, struct error *e)
{
	char bytes[16384];
	ssize_t n = read(x->ours[which], bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return error_set(e, errno, "read the output of %s", x->p->path);
	if (n == 0)
		close_pipe_end(&x->ours[which]);
	else if (which == OUT)
		return keep_output(x, bytes, (size_t)n, e);
	else if (which == ERR)
		return keep_errors(x, bytes, (size_t)n, e);
	else
		keep_failure(x, bytes, (size_t)n);
	return 0;
}

/* Has the process ended? It stays a zombie. */
static int look_for_end(struct run *x, struct error *e)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)x->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
		if (errno == EINTR)
			return 0;
		return error_set(e, errno, "wait for %s", x->p->path);
	}
	x->ended = info.si_pid == x->pid;
	return 0;
}

/* Wait for any event until x->until. Returns 1 if that has passed. */
static int await_event(struct run *x, struct pollfd *fds, struct error *e)
{
	int64_t left = x->until - now_ms();
	bool looks = x->pidfd < 0 && !x->ended;

	for (int i = 0; i < PIPES; i++)
		fds[i] = (struct pollfd){ .fd = x->ours[i], .events = i == IN ? POLLOUT : POLLIN };
	fds[PIPES] = (struct pollfd){ .fd = x->ended ? -1 : x->pidfd, .events = POLLIN };
	if (left <= 0)
		return 1;
	if (left > INT_MAX)
		left = INT_MAX;
	if (looks && left > LOOK_INTERVAL)
		left = LOOK_INTERVAL;
	if (poll(fds, PIPES + 1, (int)left) >= 0)
		return 0;
	for (int i = 0; i <= PIPES; i++)
		fds[i].revents = 0;
	return errno == EINTR ? 0 : error_set(e, errno, "wait for %s", x->p->path);
}

static int too_late(const struct run *x, struct error *e)
{
	cleanup_arena struct arena a = { 0 };
	const char *line = program_last_line(&a, &x->r->err);
	unsigned limit = x->p->limit_ms;
	bool seconds = limit >= 1000;

	return error_set(e, 0, "%s did not end within %u%s, and was killed%s%s", x->p->path,
			 seconds ? limit / 1000 : limit, seconds ? " s" : " ms",
			 *line ? "; it wrote: " : "", line);
}

/* One round: 0 to go on, 1 if nothing more is expected. */
static int serve(struct run *x, struct error *e)
{
	struct pollfd fds[PIPES + 1];
	int late = await_event(x, fds, e);

	if (late < 0)
		return -1;
	if (late)
		return x->ended ? 1 : too_late(x, e);
	if (fds[IN].revents && feed(x, e) < 0)
		return -1;
	for (int i = OUT; i < PIPES; i++)
		if (fds[i].revents && drain(x, i, e) < 0)
			return -1;
	if (!x->ended && (x->pidfd < 0 || fds[PIPES].revents)) {
		if (look_for_end(x, e) < 0)
			return -1;
		if (x->ended) {
			x->until = now_ms() +
				   (x->p->starts_daemon ? PROGRAM_DAEMON_GRACE : PROGRAM_GRACE);
			close_pipe_end(&x->ours[IN]);
		}
	}
	return x->ended && x->ours[OUT] < 0 && x->ours[ERR] < 0 && x->ours[TOLD] < 0;
}

static int serve_all(struct run *x, struct error *e)
{
	int r;

	x->until = now_ms() + x->p->limit_ms;
	if (!x->p->input_len)
		close_pipe_end(&x->ours[IN]);
	do
		r = serve(x, e);
	while (r == 0);
	if (r > 0 && x->why_len == sizeof(x->why))
		return error_set(e, x->why.num, "%s %s", step_name[x->why.step], x->p->path);
	return r < 0 ? -1 : 0;
}

/* --- its end --------------------------------------------------------------- */

/*
 * Returns 1 if the process was reaped, 0 if it still runs, -1 with errno. A process that has ended
 * is reaped at once; others have PROGRAM_KILL_GRACE to die after a SIGKILL, which a system call
 * that cannot be interrupted delays.
 */
static int reap(struct run *x)
{
	int64_t until = now_ms() + PROGRAM_KILL_GRACE;
	pid_t pid;

	for (;;) {
		struct pollfd fd = { .fd = x->pidfd, .events = POLLIN };

		pid = waitpid(x->pid, &x->r->status, WNOHANG);
		if (pid == x->pid)
			return 1;
		if (pid < 0 && errno == ECHILD)
			return -1;
		if (now_ms() >= until)
			return 0;
		poll(&fd, 1, LOOK_INTERVAL);
	}
}

static void kill_group(const struct run *x)
{
	/* The child may not have its process group yet. */
	kill(-x->pid, SIGKILL);
	kill(x->pid, SIGKILL);
}

static int finish(struct run *x, int done, struct error *e)
{
	struct error ignored;
	int reaped;

	if (done < 0)
		kill_group(x);
	reaped = reap(x);
	if (reaped < 0 && done == 0)
		return error_set(e, errno, "wait for %s", x->p->path);
	if (reaped == 0) {
		x->r->status = SIGKILL; /* as waitpid(2) will say, whenever that is */
		ignored = *e;
		return error_set(e, 0, "%.2000s (SIGKILL did not end it)",
				 done < 0 ? ignored.text : x->p->path);
	}
	return done;
}

static bool is_pending(int signal)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && sigismember(&pending, signal) == 1;
}

/* Where SIGCHLD is blocked, that of the program must not stay pending: it would survive our execve(2). */
static void take_signal(int signal)
{
	const struct timespec now = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	sigtimedwait(&set, NULL, &now);
}

int program_run(const struct program *p, struct program_result *r, struct error *e)
{
	struct run x = { .p = p,
			 .r = r,
			 .pidfd = -1,
			 .ours = { -1, -1, -1, -1 },
			 .theirs = { -1, -1, -1, -1 } };
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction child, sigpipe;
	bool was_pending = is_pending(SIGCHLD);
	int done = -1;

	if (p->lock_fd >= 0 && p->lock_fd <= 2)
		return error_set(e, EBADF, "pass the lock to %s", p->path);
	/* With SIGCHLD ignored the kernel reaps the process, and its status is lost: wait(2). */
	if (sigaction(SIGCHLD, &by_default, &child) < 0)
		return error_set(e, errno, "set the disposition of SIGCHLD");
	if (sigaction(SIGPIPE, &ignore, &sigpipe) < 0) {
		error_set(e, errno, "set the disposition of SIGPIPE");
	} else {
		if (open_pipes(&x, e) == 0 && start(&x, e) == 0)
			done = finish(&x, serve_all(&x, e), e);
		close_pipes(&x);
		sigaction(SIGPIPE, &sigpipe, NULL);
	}
	if (!was_pending && is_pending(SIGCHLD))
		take_signal(SIGCHLD);
	sigaction(SIGCHLD, &child, NULL);
	return done;
}

static void add_arg(struct program_args *a, const char *text)
{
	char *copy = a->count < PROGRAM_ARGS_MAX ? arena_strndup(&a->arena, text, strlen(text))
						 : NULL;

	a->failed |= !copy;
	if (copy)
		a->argv[a->count++] = copy;
}

void program_add_args(struct program_args *a, const char *first, const char *second)
{
	add_arg(a, first);
	if (second)
		add_arg(a, second);
}

void program_args_free(struct program_args *a)
{
	arena_free(&a->arena);
}

void program_result_free(struct program_result *r)
{
	buf_free(&r->out);
	buf_free(&r->err);
	*r = (struct program_result){ 0 };
}

static bool is_blank(char c)
{
	return !c || strchr(" \t\r\n", c);
}

const char *program_last_line(struct arena *a, const struct buf *output)
{
	const char *start = output->data, *end, *line;

	if (!start)
		return "";
	end = start + output->len;
	while (end > start && is_blank(end[-1]))
		end--;
	if (end == start)
		return "";
	for (const char *at = start; at < end; at++)
		if (*at == '\n')
			start = at + 1;
	while (is_blank(*start))
		start++;
	line = arena_strndup(a, start, (size_t)(end - start));
	return line ? line : "";
}
