/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which code a program runs: writes to FILE the address of each instruction that it runs, once and in
 * ascending order, as 0x and 16 digits a line. For static programs at fixed addresses; what is above
 * 16 MiB (the vdso) is left out. One step at a time, so a second for each 200,000 or so.
 *
 *   steps FILE PROGRAM ARGUMENT...
 *
 * Exits as the program does.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOP (16UL << 20)

static unsigned char ran[TOP];

static int fail(const char *what)
{
	fprintf(stderr, "steps: %s: %s\n", what, strerror(errno));
	return 127;
}

static int note(pid_t pid)
{
	struct user_regs_struct regs;
	struct iovec v = { &regs, sizeof(regs) };
	unsigned long long pc;

	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &v) < 0)
		return -1;
#if defined(__x86_64__)
	pc = regs.rip;
#elif defined(__aarch64__)
	pc = regs.pc;
#else
#error "which register is the program counter of this architecture?"
#endif
	if (pc < TOP)
		ran[pc] = 1;
	return 0;
}

static int step_through(pid_t child)
{
	int status, signal;

	for (;;) {
		if (waitpid(child, &status, 0) < 0)
			return fail("wait");
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
		if (note(child) < 0 ||
		    ptrace(PTRACE_SINGLESTEP, child, NULL, (void *)(long)signal) < 0)
			return fail("step");
	}
}

int main(int argc, char **argv)
{
	int status;
	pid_t child;
	FILE *f;

	if (argc < 3) {
		fputs("usage: steps FILE PROGRAM ARGUMENT...\n", stderr);
		return 2;
	}
	child = fork();
	if (child < 0)
		return fail("fork");
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			execv(argv[2], argv + 2);
		_exit(127);
	}
	status = step_through(child);
	f = fopen(argv[1], "we");
	for (unsigned long pc = 0; f && pc < TOP; pc++)
		if (ran[pc])
			fprintf(f, "0x%016lx\n", pc);
	return f && fclose(f) == 0 ? status : fail(argv[1]);
}
