/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The costs of a program that noise does not change: prints to FILE, on one line, how many system calls
 * it and its children make, and its peak memory (VmHWM of proc(5), in KiB).
 *
 *   cost FILE PROGRAM ARGUMENT...
 *
 * Exits as the program does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                                    \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |   \
	 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

static int fail(const char *what)
{
	fprintf(stderr, "cost: %s: %s\n", what, strerror(errno));
	return 1;
}

static long high_water(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* Each call stops twice, except the last one, which never returns. The first execve counts. */
static int trace(pid_t child, long *calls, long *kib)
{
	int status, signal;
	long stops = 0;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0)
			return fail("wait");
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid != child)
				continue;
			*calls = (stops + 1) / 2;
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
		signal = WSTOPSIG(status);
		if (signal == (SIGTRAP | 0x80))
			stops++;
		else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8) && pid == child)
			*kib = high_water(pid);
		if (signal == (SIGTRAP | 0x80) || status >> 16 || signal == SIGSTOP ||
		    signal == SIGTRAP)
			signal = 0;
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal);
	}
}

int main(int argc, char **argv)
{
	long calls = 0, kib = 0;
	pid_t child;
	int status;
	FILE *f;

	if (argc < 3) {
		fputs("usage: cost FILE PROGRAM ARGUMENT...\n", stderr);
		return 2;
	}
	child = fork();
	if (child < 0)
		return fail("fork");
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP))
			_exit(127);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(long)OPTIONS) < 0 ||
	    ptrace(PTRACE_SYSCALL, child, NULL, NULL) < 0)
		return fail("trace the program");
	status = trace(child, &calls, &kib);
	f = fopen(argv[1], "we");
	if (!f || fprintf(f, "%ld %ld\n", calls, kib) < 0 || fclose(f))
		return fail(argv[1]);
	return status;
}
