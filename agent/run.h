/* SPDX-License-Identifier: Apache-2.0 */
/* Runs podns-net for a request that was granted. */
#ifndef PODNS_AGENT_RUN_H
#define PODNS_AGENT_RUN_H

#include "agent/agent.h"
#include "net/run.h"

/*
 * Run podns-net with the lock's descriptor (-1: none). Its standard output becomes the answer, its line on
 * standard error the error. Notes in *agent if podns-net was killed.
 */
int agent_run(struct agent *agent, const struct network_request *request, int lock_fd,
	      struct network_answer *answer, struct error *e);

/* The path of podns-net; the caller frees it. NULL and e where it is not installed. */
char *podns_net_path(struct error *e);

#define PODNS_NET "podns-net"

/*
 * Run it with these arguments, of which the first is PODNS_NET, and with the lock's descriptor (-1: none). -1 also
 * if it failed: its line on standard error is the error. limit_ms and *r as for program_run().
 */
int podns_net_run(const struct program_args *args, int lock_fd, unsigned limit_ms,
		  struct program_result *r, struct error *e);

#endif
