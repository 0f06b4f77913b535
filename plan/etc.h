/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of /etc/resolv.conf and /etc/hosts in a container whose pod has a network: NAMES in
 * oci-podns-hook(1). Pure functions.
 */
#ifndef PODNS_PLAN_ETC_H
#define PODNS_PLAN_ETC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* A line of /etc/hosts. */
struct host_entry {
	const char *name;
	const char *address; /* IPv4 or IPv6, as inet_ntop(3) writes it */
};

/* The mounts of a config on one file. */
struct etc_mount {
	size_t count;
	bool bind;          /* the last is a bind mount */
	const char *source; /* of the last; NULL: none */
};

struct etc_input {
	struct etc_mount hosts, resolv_conf;
	bool covered;    /* there is a mount on / or /etc */
	bool bundle;     /* config.json is edited in a bundle */
	bool managed;    /* an engine makes /etc/hosts unless its user wants none: podman */
	bool dns_chosen; /* the user chose name servers, or that is not known */
};

enum etc_verb {
	ETC_LEAVE,
	ETC_ADD,     /* add a mount of the pod's */
	ETC_REPLACE, /* the engine's own file by the pod's */
};

struct etc_plan {
	enum etc_verb hosts, resolv_conf;
};

/*
 * A file of the user's own is left. So is a resolv.conf of podman's, because it does not show whether it has
 * the name servers of --dns; with --network none podman writes none. Without a mount on /etc/hosts one is added
 * in a bundle only, since podman's precreate gives no mount only to those who want none.
 */
struct etc_plan plan_etc(const struct etc_input *in);

struct etc_hosts {
	const char *text; /* the engine's, len bytes */
	size_t len;
	bool podman; /* podman wrote it, with the container's names at a loopback address */
	const char *hostname;         /* the container's; NULL: unknown */
	const char *engine_name;      /* the hostname that the engine knows; NULL: none */
	const char *const *addresses; /* the pod's */
	size_t address_count;
	const struct host_entry *entries; /* root's */
	size_t entry_count;
	bool marked; /* mark the lines with the pod's addresses, for a text that replaces the engine's */
};

/*
 * Append the text of the container's /etc/hosts: the pod's addresses with the hostname, root's entries, then the
 * engine's lines. The names that podman gave a loopback address move to the pod's addresses. A name that the
 * user gave an address (--add-host) keeps that alone: such lines come first in podman's text, before those for
 * localhost, and in other engines' texts all names are the user's. A marked line is the container's, too: the
 * pod may have had another address. Returns 0, or -1 without memory.
 */
int plan_hosts(const struct etc_hosts *in, struct buf *out);

#endif
