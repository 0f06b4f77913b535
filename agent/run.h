/* SPDX-License-Identifier: Apache-2.0 */
/* Runs podns-net for a request that was granted. */
#ifndef PODNS_AGENT_RUN_H
#define PODNS_AGENT_RUN_H

#include "agent/agent.h"

/*
 * Run podns-net with the lock's descriptor (-1: none). Its standard output becomes the answer, its line on
 * standard error the error. Notes in *agent if podns-net was killed.
 */
int agent_run(struct agent *agent, const struct network_request *request, int lock_fd,
	      struct network_answer *answer, struct error *e);

/* The path of podns-net; the caller frees it. NULL and e where it is not installed. */
char *agent_podns_net(struct error *e);

#endif
