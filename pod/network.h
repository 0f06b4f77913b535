/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a confined process asks the agent (agent/agent.h) to do with a pod's network. The agent is not
 * confined, and runs podns-net. A request is one message of fixed size.
 */
#ifndef PODNS_POD_NETWORK_H
#define PODNS_POD_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/bandwidth.h"
#include "plan/ports.h"
#include "pod/name.h"

#define NETWORK_NAME_MAX 64
#define NETWORK_ADDRESS_MAX 46 /* INET6_ADDRSTRLEN */
#define NETWORK_ADDRESSES_MAX 16
#define NETWORK_DNS_MAX 8

/* The network that is made with pasta(1) instead of CNI plugins. */
#define NETWORK_PASTA "pasta"

enum network_verb {
	NETWORK_ADD = 1, /* attach the pod to its network */
	NETWORK_DEL,     /* detach it; it is no error if it is not attached */
	NETWORK_SWEEP,   /* detach what belongs to no pod any more */
	NETWORK_FORGET,  /* remove the network's record, without detaching anything */
	NETWORK_VERBS
};

struct network_request {
	uint32_t verb;
	char pod[POD_NAME_MAX + 1];
	/* NETWORK_ADD: what was asked for. An empty name: what the pod's definition says. */
	char network[NETWORK_NAME_MAX + 1];
	uint32_t port_count, dns_count;
	struct bandwidth bandwidth;
	struct port_range ports[PORT_RANGES_MAX];
	char dns[NETWORK_DNS_MAX][NETWORK_ADDRESS_MAX];
};

struct network_answer {
	uint32_t address_count;                                   /* of NETWORK_ADD */
	char address[NETWORK_ADDRESSES_MAX][NETWORK_ADDRESS_MAX]; /* without prefix length */
};

/* How a process asks the agent; NULL where no network is configured. */
struct network_client {
	/*
	 * lock_fd: the pod's directory, on which the lock is held; -1 for NETWORK_SWEEP. After a
	 * failure of NETWORK_ADD nothing is attached, as far as the plugins could undo it; the caller
	 * sends NETWORK_DEL nevertheless.
	 */
	int (*call)(struct network_client *client, const struct network_request *request,
		    int lock_fd, struct network_answer *answer, struct error *e);
	int fd; /* of the connection */
	/*
	 * podns-net, or the agent itself, was killed: a plugin may still run, which holds the pod's lock by the
	 * same open file description.
	 */
	bool killed;
};

/*
 * May this be the name of a network? The name rule of the CNI specification: a letter or digit, then
 * letters, digits, '_', '.' and '-'; at most NETWORK_NAME_MAX bytes.
 */
int network_check_name(const char *name, struct error *e);

#endif
