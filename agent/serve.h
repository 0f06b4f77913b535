/* SPDX-License-Identifier: Apache-2.0 */
/* How the agent serves one request: agent/agent.h. */
#ifndef PODNS_AGENT_SERVE_H
#define PODNS_AGENT_SERVE_H

#include "agent/agent.h"

/* What the agent answers. */
struct agent_reply {
	struct network_answer answer;
	struct error error;
	bool failed;
	bool killed; /* podns-net was killed, in this request or an earlier one */
};

/* From now on the agent has the whole time again. */
void agent_begin_time(struct agent *agent);

/* Wait for a request, serve and answer it. False if there will be no more. */
bool agent_serve_one(struct agent *agent);

#endif
