/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the kernel takes to load the seccomp program as a tree and as a linear list of the same
 * calls: it runs a program once for each system call number, to find the calls that are always allowed.
 * A program of one instruction shows what loading any program costs, most of the time on some hosts.
 * Prints
 *
 *   SHAPE INSTRUCTIONS MICROSECONDS
 *
 * with the median of interleaved loads, each in a process of its own.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/rules.h"

#define LOADS 201
#define SHAPES 3
#define INSTRUCTIONS_MAX 4096 /* BPF_MAXINSNS */

struct shape {
	const char *name;
	unsigned optimize; /* SCMP_FLTATR_CTL_OPTIMIZE of seccomp_attr_set(3) */
	struct sock_filter program[INSTRUCTIONS_MAX];
	unsigned short len;
	double us[LOADS];
};

static int fail(const char *what, int r)
{
	fprintf(stderr, "filter: %s: %s\n", what, strerror(-r));
	return 1;
}

static int add_rules(scmp_filter_ctx ctx)
{
	for (unsigned i = 0; i < rule_count; i++) {
		int r = rules[i].call < 0
				? 0
				: seccomp_rule_add_exact_array(ctx, rules[i].action, rules[i].call,
							       rules[i].args, rules[i].arg);

		if (r < 0)
			return fail(rules[i].reason, r);
	}
	return 0;
}

static int read_program(scmp_filter_ctx ctx, struct shape *s)
{
	FILE *tmp = tmpfile();
	int r;

	if (!tmp)
		return fail("make a temporary file", -errno);
	r = seccomp_export_bpf(ctx, fileno(tmp));
	rewind(tmp);
	s->len = (unsigned short)fread(s->program, sizeof(*s->program), INSTRUCTIONS_MAX, tmp);
	fclose(tmp);
	return r < 0 ? fail("compile the filter", r) : 0;
}

static int compile(struct shape *s)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!ctx)
		return fail("begin a filter", -ENOMEM);
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, s->optimize);
	r = r < 0 ? fail("shape the filter", r) : add_rules(ctx) || read_program(ctx, s);
	seccomp_release(ctx);
	return r;
}

static void load(const struct shape *s, double *us)
{
	struct sock_fprog filter = { s->len, (struct sock_filter *)s->program };
	struct timespec a, b;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(1);
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &filter) < 0)
		_exit(1);
	clock_gettime(CLOCK_MONOTONIC, &b);
	*us = (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
	_exit(0);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static struct shape shapes[SHAPES] = {
		{ .name = "one",
		  .len = 1,
		  .program = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) } },
		{ .name = "tree", .optimize = 2 },
		{ .name = "list", .optimize = 1 },
	};
	double *us =
		mmap(NULL, sizeof(*us), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	if (us == MAP_FAILED || compile(&shapes[1]) || compile(&shapes[2]))
		return 1;
	for (int i = 0; i < SHAPES * LOADS; i++) {
		struct shape *s = &shapes[i % SHAPES];
		pid_t pid = fork();

		if (pid == 0)
			load(s, us);
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
			return fail("load the filter", -errno);
		s->us[i / SHAPES] = *us;
	}
	for (int i = 0; i < SHAPES; i++) {
		qsort(shapes[i].us, LOADS, sizeof(double), by_value);
		printf("%s %u %.1f\n", shapes[i].name, shapes[i].len, shapes[i].us[LOADS / 2]);
	}
	return 0;
}
