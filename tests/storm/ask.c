/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In place of a confined process that was taken over: ask PID VERB POD [NETWORK [PORT]] takes a copy of the connection that
 * process PID has to its agent, sends one request and prints the answer, "granted" or the error. The process must not
 * be waiting for an answer itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/serve.h"

/* The only socket of this type that a program of ours has. */
static int take_connection(const char *pid)
{
	int process = (int)syscall(SYS_pidfd_open, atoi(pid), 0U), type;
	socklen_t len = sizeof(type);

	for (int fd = 3; process >= 0 && fd < 64; fd++) {
		int copy = (int)syscall(SYS_pidfd_getfd, process, fd, 0U);

		if (copy >= 0 && getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
		    type == SOCK_SEQPACKET)
			return copy;
		close(copy);
	}
	return -1;
}

int main(int argc, char **argv)
{
	static const char *const verbs[NETWORK_VERBS] = {
		[NETWORK_ADD] = "add",
		[NETWORK_DEL] = "del",
		[NETWORK_SWEEP] = "sweep",
		[NETWORK_FORGET] = "forget",
	};
	struct agent_message m = { .version = AGENT_VERSION, .lock_fd = -1 };
	struct network_request *r = &m.request;
	struct agent_reply reply;
	int fd;

	if (argc < 4)
		return 2;
	for (r->verb = NETWORK_ADD; r->verb < NETWORK_VERBS; r->verb++)
		if (!strcmp(argv[2], verbs[r->verb]))
			break;
	strncpy(r->pod, argv[3], sizeof(r->pod) - 1);
	strncpy(r->network, argc > 4 ? argv[4] : "", sizeof(r->network) - 1);
	if (argc > 5) {
		r->ports[0].host = r->ports[0].pod = (uint16_t)atoi(argv[5]);
		r->ports[0].count = 1;
		r->port_count = 1;
	}
	fd = take_connection(argv[1]);
	if (fd < 0 || write(fd, &m, sizeof(m)) != (ssize_t)sizeof(m) ||
	    read(fd, &reply, sizeof(reply)) != (ssize_t)sizeof(reply)) {
		perror("ask");
		return 1;
	}
	puts(reply.failed ? reply.error.text : "granted");
	return 0;
}
