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

/* Is the cniVersion, as "1.0.0", at least major.minor? */
bool chain_version_from(const char *version, unsigned major, unsigned minor);

struct chain {
	const struct conflist *list;
	const char *id;    /* CNI_CONTAINERID */
	const char *netns; /* CNI_NETNS; "" if the namespace is gone */
	int lock_fd;       /* the pod's lock, which plugins inherit; -1: none */
	uint64_t until;    /* by chain_now() */
};

struct chain_call {
	const char *command;           /* CNI_COMMAND */
	size_t index;                  /* of the plugin */
	size_t after;                  /* how many plugins are still to run after it */
	const struct net_text *prev;   /* prevResult, or NULL */
	const struct net_ports *ports; /* runtimeConfig.portMappings, or NULL */
	const struct net_state *dns;   /* its dns: runtimeConfig.dns, or NULL */
	const char *attachments;       /* GC: the value of cni.dev/valid-attachments, or NULL */
};

/*
 * Run one plugin, which succeeds with exit status 0. What it printed is appended to out. The error names
 * plugin and command: "plugin bridge: ADD: ...".
 */
int chain_call(const struct chain *chain, const struct chain_call *call, struct buf *out,
	       struct error *e);

/* Does the plugin's VERSION list the cniVersion of the network? */
int chain_knows_version(const struct chain *chain, size_t index, bool *knows, struct error *e);

#endif
