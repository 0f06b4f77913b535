/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A build-time program: libseccomp compiles the rows of rules.c, and the result is printed as a C
 * array for sandbox.c.
 */
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/rules.h"

static int report_failure(const char *what, int r)
{
	fprintf(stderr, "generate: %s: %s\n", what, strerror(-r));
	return 1;
}

static int add_rules(scmp_filter_ctx ctx)
{
	for (unsigned i = 0; i < rule_count; i++) {
		const struct rule *rule = &rules[i];
		int r;

		/* This architecture does not have the call. */
		if (rule->call < 0)
			continue;
		r = seccomp_rule_add_exact_array(ctx, rule->action, rule->call, rule->args,
						 rule->arg);
		if (r < 0)
			return report_failure(rule->reason, r);
	}
	return 0;
}

static int print_program(scmp_filter_ctx ctx)
{
	FILE *tmp = tmpfile();
	struct sock_filter x;
	int r;

	if (!tmp)
		return report_failure("make a temporary file", -errno);
	r = seccomp_export_bpf(ctx, fileno(tmp));
	if (r < 0) {
		fclose(tmp);
		return report_failure("compile the filter", r);
	}
	rewind(tmp);
	puts("/* Made by sandbox/generate.c from sandbox/rules.c: do not edit. */");
	puts("static const struct sock_filter program[] = {");
	while (fread(&x, sizeof(x), 1, tmp) == 1)
		printf("\t{ 0x%04x, %u, %u, 0x%08x },\n", x.code, x.jt, x.jf, x.k);
	puts("};");
	fclose(tmp);
	return fflush(stdout) ? report_failure("write", -errno) : 0;
}

int main(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!ctx)
		return report_failure("begin a filter", -ENOMEM);
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r < 0)
		return report_failure("kill on foreign system calls", r);
	/* 2: a balanced tree by system call number. */
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r < 0)
		return report_failure("shape the filter as a tree", r);
	r = add_rules(ctx) || print_program(ctx);
	seccomp_release(ctx);
	return r;
}
