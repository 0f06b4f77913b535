/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the plugins of a network as libcni does: environment, configuration on standard input, result on
 * standard output. What is run, in which order and with which earlier result, is in attach.c.
 */
#ifndef PODNS_NET_CHAIN_H
#define PODNS_NET_CHAIN_H

#include "net/conflist.h"
#include "net/state.h"

/* CNI_IFNAME of every attachment. */
#define CHAIN_IFNAME "eth0"

/* How long one plugin may run, in milliseconds; and what is kept for each that runs after it. */
#define CHAIN_PLUGIN_MS 10000
#define CHAIN_LEAST_MS 2000

/* Now by CLOCK_MONOTONIC, in milliseconds. */
uint64_t chain_now(void);

/*
 * How long the next plugin may run if `left` milliseconds remain for it and the `after` plugins that run
 * after it: each of these must have a chance, though an earlier one takes all the time that it gets.
 */
unsigned chain_limit(uint64_t left, size_t after);

struct chain {
	struct conflist *list;
	const char *id;    /* CNI_CONTAINERID */
	const char *netns; /* CNI_NETNS; "" if the namespace is gone */
	int lock_fd;       /* the pod's lock, which plugins inherit; -1: none */
	uint64_t until;    /* by chain_now() */
};

struct chain_call {
	const char *command; /* CNI_COMMAND */
	size_t index;        /* of the plugin */
	size_t after;        /* how many plugins are still to run after it */
	struct conf_extras extras;
};

/*
 * Run one plugin, which succeeds with exit status 0. What it printed is appended to out. The error names
 * plugin and command: "plugin bridge: ADD: ...".
 */
int chain_call(const struct chain *chain, const struct chain_call *call, struct buf *out,
	       struct error *e);

/* Set *versions to the mask of the versions that the plugin knows, by its answer to VERSION. */
int chain_versions(const struct chain *chain, size_t index, unsigned *versions, struct error *e);

#endif
