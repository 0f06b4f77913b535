/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent runs podns-net for a confined process, which cannot execute programs. It is the parent of that
 * process: it forks before the child enters the sandbox, and then serves the child's requests until the
 * child ends.
 *
 * The child parses hostile documents and may have been taken over. So the agent believes nothing: a request
 * has a fixed size, it names the one pod that earlier requests named, it asks for what root wrote in the
 * pod's definition or allowed for annotations, and it names a descriptor on the pod's locked directory,
 * which the agent copies with pidfd_getfd(2) and checks. What a request can and cannot achieve is in
 * SECURITY.md.
 */
#ifndef PODNS_AGENT_AGENT_H
#define PODNS_AGENT_AGENT_H

#include <sys/types.h>

#include "pod/definition.h"

/* What requests may ask for. */
struct agent_policy {
	bool network_annotation; /* a network that no definition names */
	uint16_t publish_low,
		publish_high; /* the ports of the host that may be published without a definition;
			       * 0: none */
	bool anything;        /* podns: all that its caller typed */
	bool sweep; /* NETWORK_SWEEP, NETWORK_FORGET, and requests for any number of pods */
	bool adds;  /* NETWORK_ADD */
};

struct agent {
	struct agent_policy policy;
	const char *root; /* as for store_open(); borrowed */
	int fd;           /* the agent's end of the connection */
	pid_t child;
	time_t until; /* by CLOCK_MONOTONIC: podns-net has ended by then */
	char *pod;    /* the pod of the first request */
	unsigned requests;
	bool killed; /* podns-net was, and its plugin may still run */
};

/*
 * May a stage need the agent? If net.d and pods.d in confdir have no files, and the policy allows no
 * annotation, no pod can get a network.
 */
bool agent_is_needed(const struct agent_policy *policy, const char *confdir);

/*
 * Make the connection, before the fork: agent->fd, and client->fd for the child. Both are close-on-exec.
 * The agent's time starts now.
 */
int agent_open(struct agent *agent, struct network_client *client, struct error *e);

/* Close both ends. */
void agent_close(struct agent *agent, struct network_client *client);

/* In the parent: serve requests until the child has closed its end, which is that of no other process. */
void agent_serve(struct agent *agent, struct network_client *client, pid_t child);

/*
 * The whole for a program whose only work is the child's: fork, serve, wait. In the child it returns 0. In
 * the parent it does not return: the process ends as the child ended. -1 with *e: it could not
 * fork or wait, or this is a child that cannot go on.
 */
int agent_become(struct agent *agent, struct network_client *client, struct error *e);

/* --- for tests --------------------------------------------------------------------- */

/* What the child sends. */
struct agent_message {
	uint32_t version;
	int32_t lock_fd; /* in the child */
	struct network_request request;
};
#define AGENT_VERSION 3

/*
 * May this request be granted? A pure function. agent->pod and agent->requests are what earlier requests
 * left behind. Each string must end within its field.
 */
int agent_check(const struct agent *agent, const struct network_request *request,
		const struct definition *definition, struct error *e);

#endif
