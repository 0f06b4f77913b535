/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_SANDBOX_RULES_H
#define PODNS_SANDBOX_RULES_H

#include <seccomp.h>

#define RULE_ARGS_MAX 3

struct rule {
	int call;        /* SCMP_SYS(); negative where this architecture has none */
	uint32_t action; /* SCMP_ACT_ALLOW, or SCMP_ACT_ERRNO(n) */
	const char *reason;
	unsigned args;
	struct scmp_arg_cmp arg[RULE_ARGS_MAX];
};

extern const struct rule rules[];
extern const unsigned rule_count;

#endif
