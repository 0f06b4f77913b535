/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program and tampers with one of its system calls, by ptrace(2):
 *
 *	tamper list FILE PROGRAM...   write down the calls, one "NAME" a line: line n is call n
 *	tamper N kill PROGRAM...      kill it when it makes its n-th call, before that has an effect; a
 *	                              child that makes the call is killed too
 *	tamper N kill-caller PROGRAM...  the same, but kill only the process that makes the call
 *	tamper N kill-first PROGRAM...   kill the program and leave a child that makes the call alive
 *	tamper N ERRNO PROGRAM...     its n-th call is not made, and fails with that number
 *	tamper CALL:N ...             the same with the n-th of the calls of this name
 *	tamper before:CALL SCRIPT PROGRAM...  when it is about to make its first CALL, have sh run
 *	                              SCRIPT with its pid as $1, then continue
 *	tamper after:CALL SCRIPT PROGRAM...   the same at the call that follows it
 *
 * Calls count from the first umask(2), with which main() of our programs begins, so that the loader's
 * calls do not count; with TAMPER_FROM=PATH in the environment, from the first openat(2) of this path. They
 * end where the program executes another one. With TAMPER_ALSO=PROGRAM they go on, also in that program if it is
 * executed; others are not traced. A call that is not made is replaced by getpid(2), which the program's seccomp
 * filter allows; strace(1) would replace it by call -1, which the filter kills, and starts much more
 * slowly. Children are followed. The exit status is the program's, 128 + signal if it was killed, 125
 * if tampering itself fails and 124 if the n-th call was never made.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

#define OPTIONS                                                                                    \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE |    \
	 PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC)

static FILE *list;
static long nth;
static int named = -1; /* count only these */
static int number;     /* errno, or 0: kill */
static enum { ALL, CALLER, FIRST } victim;
static const char *from; /* TAMPER_FROM */
static const char *also; /* TAMPER_ALSO */
static bool counting, ended, done;
static long count;
static pid_t failing;    /* this process's call is to fail when it returns */
static int awaited = -1; /* the call to run the script at */
static bool at_next;     /* or at the one that follows */
static const char *script;

static void die(const char *what)
{
	perror(what);
	exit(125);
}

/* Replace the call that pid is about to make. */
static void set_call(pid_t pid, long call)
{
#if defined(__x86_64__)
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), call) < 0)
		die("ptrace: set call");
#elif defined(__aarch64__)
	int n = (int)call;
	struct iovec v = { &n, sizeof(n) };

	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v) < 0)
		die("ptrace: set call");
#else
#error "how is a system call changed on this architecture?"
#endif
}

static void set_result(pid_t pid, long result)
{
#if defined(__x86_64__)
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), result) < 0)
		die("ptrace: set result");
#else
	struct user_regs_struct regs;
	struct iovec v = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) < 0)
		die("ptrace: read registers");
	regs.regs[0] = (unsigned long)result;
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) < 0)
		die("ptrace: set result");
#endif
}

static void write_down(unsigned long call)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)call);

	fprintf(list, "%s\n", name ? name : "unknown");
	free(name);
}

static void run_script(pid_t pid)
{
	char text[16];
	pid_t child;
	int status;

	snprintf(text, sizeof(text), "%d", pid);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		execl("/bin/sh", "sh", "-euc", script, "sh", text, (char *)NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status != 0) {
		fprintf(stderr, "tamper: the script failed\n");
		exit(125);
	}
}

/* Is it the call to run the script at? */
static bool is_awaited(unsigned long call)
{
	if (at_next && awaited < 0)
		return true;
	if (call != (unsigned long)awaited)
		return false;
	if (!at_next)
		return true;
	awaited = -1;
	return false;
}

static void read_path(pid_t pid, unsigned long address, char path[4096])
{
	char mem[32];
	int fd;

	memset(path, 0, 4096);
	snprintf(mem, sizeof(mem), "/proc/%d/mem", pid);
	fd = open(mem, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, path, 4095, (off_t)address) < 0)
		die(mem);
	close(fd);
}

/*
 * With PODNS_COVERAGE: is this call gcov's, which writes its counts when a program forks or ends? These
 * lie between the open of a file called *.gcda and the next close.
 */
static bool is_of_gcov(pid_t pid, const struct __ptrace_syscall_info *info)
{
	static pid_t busy;
	char path[4096];
	size_t len;

#ifndef PODNS_COVERAGE
	return false;
#endif
	if (busy == pid) {
		if (info->entry.nr == SYS_close)
			busy = 0;
		return true;
	}
	if (info->entry.nr != SYS_openat)
		return false;
	read_path(pid, info->entry.args[1], path);
	len = strlen(path);
	if (len < 5 || strcmp(path + len - 5, ".gcda") != 0)
		return false;
	busy = pid;
	return true;
}

static bool is_beginning(pid_t pid, const struct __ptrace_syscall_info *info)
{
	char path[4096];

	if (!from)
		return info->entry.nr == SYS_umask;
	if (info->entry.nr != SYS_openat)
		return false;
	read_path(pid, info->entry.args[1], path);
	return !strcmp(path, from);
}

/* Waits for the program, whose descriptors are then closed. It is in *result, as a shell's $?. */
static void kill_victims(pid_t pid, pid_t first, int *result)
{
	int status;

	if (victim != CALLER || pid == first) {
		kill(first, SIGKILL);
		while (waitpid(first, &status, __WALL) == first && WIFSTOPPED(status))
			;
		*result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	if (victim != FIRST && pid != first)
		kill(pid, SIGKILL);
}

/* pid is about to make a call. */
static void on_entry(pid_t pid, const struct __ptrace_syscall_info *info, pid_t first, int *result)
{
	unsigned long call = info->entry.nr;

	if (done || ended)
		return;
	counting |= !counting && is_beginning(pid, info);
	if (!counting)
		return;
	if (script) {
		done = is_awaited(call);
		if (done)
			run_script(pid);
		return;
	}
	if (named >= 0 && call != (unsigned long)named)
		return;
	count++;
	if (list)
		write_down(call);
	if (list || count != nth)
		return;
	/*
	 * With two processes the order differs from run to run. close(2) closes a descriptor even if
	 * it fails, and an exit cannot be undone.
	 */
	if (number && (call == SYS_close || call == SYS_exit || call == SYS_exit_group))
		return;
	done = true;
	if (!number) {
		kill_victims(pid, first, result);
		return;
	}
	set_call(pid, SYS_getpid);
	failing = pid;
}

static void on_call(pid_t pid, pid_t first, int *result)
{
	struct __ptrace_syscall_info info;

	/* It may have died. */
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		if (!is_of_gcov(pid, &info))
			on_entry(pid, &info, first, result);
	} else if (pid == failing) {
		set_result(pid, -number);
		failing = 0;
	}
}

/* pid has executed a program. Is it traced any longer? */
static bool on_exec(pid_t pid)
{
	char link[32], path[4096];
	ssize_t n;

	if (!also) {
		ended = counting;
		return true;
	}
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return !counting || !strcmp(path, also);
}

/*
 * After the tampering the program runs without ptrace, which is much faster. If some of its processes were
 * killed, the others are still waited for.
 */
static enum __ptrace_request how_to_go_on(void)
{
	if ((!done && !ended) || failing)
		return PTRACE_SYSCALL;
	return number || script || ended ? PTRACE_DETACH : PTRACE_CONT;
}

static int follow(pid_t first)
{
	int status, result = 125;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		int signal = 0;
		bool traced = true;

		if (!WIFSTOPPED(status)) {
			if (pid == first)
				result = WIFEXITED(status) ? WEXITSTATUS(status)
							   : 128 + WTERMSIG(status);
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			on_call(pid, first, &result);
		else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
			traced = on_exec(pid);
		else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP)
			signal = WSTOPSIG(status);
		ptrace(traced ? how_to_go_on() : PTRACE_DETACH, pid, 0, signal);
	}
	return result;
}

int main(int argc, char **argv)
{
	pid_t pid;
	int status, result;

	if (argc < 4)
		return 125;
	from = getenv("TAMPER_FROM");
	also = getenv("TAMPER_ALSO");
	if (!strcmp(argv[1], "list")) {
		list = fopen(argv[2], "we");
		if (!list)
			die(argv[2]);
	} else if (!strncmp(argv[1], "before:", 7) || !strncmp(argv[1], "after:", 6)) {
		awaited = seccomp_syscall_resolve_name(strchr(argv[1], ':') + 1);
		if (awaited < 0)
			die(argv[1]);
		at_next = argv[1][0] == 'a';
		script = argv[2];
	} else {
		char *colon = strchr(argv[1], ':');

		if (colon) {
			*colon = '\0';
			named = seccomp_syscall_resolve_name(argv[1]);
			if (named < 0)
				die(argv[1]);
		}
		nth = atol(colon ? colon + 1 : argv[1]);
		number = atoi(argv[2]);
		if (!strcmp(argv[2], "kill-caller"))
			victim = CALLER;
		else if (!strcmp(argv[2], "kill-first"))
			victim = FIRST;
	}
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execv(argv[3], argv + 3);
		_exit(125);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, OPTIONS) < 0 || ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0)
		die("ptrace");
	result = follow(pid);
	if (list && fclose(list) != 0)
		die(argv[2]);
	return list || done ? result : 124;
}
