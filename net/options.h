/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of podns-net. Nothing comes from the environment.
 */
#ifndef PODNS_NET_OPTIONS_H
#define PODNS_NET_OPTIONS_H

#include "net/state.h"

enum net_command {
	NET_ADD,
	NET_DEL,
	NET_CHECK,
	NET_PUBLISH,
	NET_GO_DOWN,
	NET_GO_UP,
	NET_FORGET,
	NET_SWEEP,
	NET_COMMANDS /* none */
};
extern const char *const net_command_name[NET_COMMANDS];

struct net_options {
	const char *root; /* NULL: the default */
	int lock_fd;      /* -1: none was given */
	unsigned seconds; /* for all that the command does */
	enum net_command command;
	const char *pod;                /* NULL for NET_SWEEP */
	struct net_ports publish, drop; /* --publish and --unpublish */
	struct network_request request; /* of NET_ADD; it has the published ports, too */
};

#define NET_SECONDS 25

/*
 * Parse the command line; the strings are borrowed from argv. Returns NET_OPTIONS_GO_ON, or the exit
 * status after --help, --version and wrong usage, which are printed.
 */
#define NET_OPTIONS_GO_ON (-1)
int net_parse_options(int argc, char **argv, struct net_options *o);

#endif
