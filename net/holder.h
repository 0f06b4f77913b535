/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process holds a port of the host? The kernel lists sockets with their inode numbers in
 * /proc/net/{tcp,tcp6,udp,udp6}, and /proc/PID/fd leads from an inode number to a process: proc(5).
 */
#ifndef PODNS_NET_HOLDER_H
#define PODNS_NET_HOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan/ports.h"

/* A socket as a line of these files shows it. */
struct holder_socket {
	unsigned char ip[16];
	uint8_t ip_len; /* 4 or 16; an IPv4 address in an IPv6 socket is 4 */
	uint16_t port;
	bool server;    /* listens (TCP) or is not connected (UDP) */
	uint64_t inode; /* 0: no process has it */
};

/* Parse a line; false if it is the heading or no such line. v6: of tcp6 or udp6. */
bool holder_parse_line(const char *line, bool v6, struct holder_socket *s);

/*
 * Is it a reason why a socket for all addresses, or for that of the range, cannot be bound to this port? An
 * IPv6 socket for all addresses holds the IPv4 ports, too, unless it is IPV6_V6ONLY, which is not shown.
 */
bool holder_conflicts(const struct holder_socket *s, const struct port_range *range, uint16_t port);

struct holder {
	/*
	 * 0: not found, or not to be seen: from inside a user namespace, processes outside of it are not, though
	 * they are of the same user (ptrace(2), "Ptrace access mode checking").
	 */
	pid_t pid;
	char name[17]; /* comm of proc(5) */
};

/* Find the process that holds this port of the range in the caller's network namespace. */
void holder_find(const struct port_range *range, uint16_t port, struct holder *found);

#endif
