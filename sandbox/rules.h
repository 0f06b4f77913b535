/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the system call filter, which rules.c lists and generate.c compiles.
 */
#ifndef PODNS_SANDBOX_RULES_H
#define PODNS_SANDBOX_RULES_H

#include <seccomp.h>

#define RULE_ARGS_MAX 3

struct rule {
	int call;        /* SCMP_SYS(); negative if the architecture has no such call */
	uint32_t action; /* SCMP_ACT_ALLOW, or SCMP_ACT_ERRNO(n) */
	const char *reason;
	unsigned args;
	struct scmp_arg_cmp arg[RULE_ARGS_MAX];
};

extern const struct rule rules[];
extern const unsigned rule_count;

#endif
