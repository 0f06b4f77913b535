/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What root has defined about a pod: podns.pod(5). A file in the syntax of Quadlet's [Pod] section, which
 * holds for the pods of the hook and of `podns create` alike. `podns create` has its options in the same
 * struct, so that both are checked by the same rules.
 */
#ifndef PODNS_POD_DEFINITION_H
#define PODNS_POD_DEFINITION_H

#include <stdbool.h>

#include "ns/maps.h"
#include "ns/sysctl.h"
#include "plan/etc.h"
#include "pod/network.h"

#define DEFINITION_DIR PODNS_CONFDIR "/pods.d"
#define DEFINITION_SUFFIX ".pod"
#define DEFINITION_SIZE_MAX 65536 /* bytes of a file */
#define DEFINITION_HOSTS_MAX 64
#define DEFINITION_SYSCTLS_MAX 256

/* Zero-initialised, it defines nothing. */
struct definition {
	ns_set namespaces;                 /* 0: not defined */
	const char *hostname, *network;    /* NULL: not defined */
	struct port_range *ports;          /* published */
	size_t port_count;                 /* at most PORT_RANGES_MAX */
	const char **dns;                  /* addresses of servers, as inet_ntop(3) writes them */
	size_t dns_count;                  /* at most NETWORK_DNS_MAX */
	struct bandwidth bandwidth;        /* a rate of 0: not defined */
	struct host_entry *hosts;          /* for /etc/hosts */
	size_t host_count;                 /* at most DEFINITION_HOSTS_MAX */
	uint64_t shm_size;                 /* of /dev/shm, in bytes; 0: not defined */
	struct id_maps uid_maps, gid_maps; /* of a user namespace; both or none */
	struct sysctl *sysctls;            /* trusted; to be set in this order */
	size_t sysctl_count;               /* at most DEFINITION_SYSCTLS_MAX */
	struct arena arena;                /* all of these but what was merged in */
};

enum definition_key {
	DEFINITION_ADD_HOST,
	DEFINITION_DNS,
	DEFINITION_EGRESS_RATE,
	DEFINITION_GID_MAP,
	DEFINITION_HOST_NAME,
	DEFINITION_INGRESS_RATE,
	DEFINITION_NAMESPACES,
	DEFINITION_NETWORK,
	DEFINITION_PUBLISH_PORT,
	DEFINITION_SHM_SIZE,
	DEFINITION_SYSCTL,
	DEFINITION_UID_MAP,
	DEFINITION_KEYS
};

/*
 * Check a value and add it, or set it if there can be only one: hostname, network, rates and size. Refused are
 * values that are not valid, and those in conflict with earlier ones: a port of the host twice, an
 * address twice. The error does not name the key. The value is copied.
 */
int definition_set(struct definition *d, enum definition_key key, const char *value,
		   struct error *e);

/*
 * Merge what was given on a command line into a definition. Namespaces, hostname, network, rates, size and
 * mappings replace the definition's (the mappings both at once); ports, DNS servers and hosts are added, and may not
 * be in conflict; sysctls come after the definition's, so that theirs is the last word. d borrows from
 * given.
 */
int definition_merge(struct definition *d, const struct definition *given, struct error *e);

/* The types to pin: those that are defined, else the default, and user where there are mappings. */
ns_set definition_types(const struct definition *d);

/*
 * Check what needs each other, for a pod with these types. If that fails, *key is what cannot be.
 */
int definition_check(const struct definition *d, ns_set types, enum definition_key *key,
		     struct error *e);

/* Fill in a request to attach the pod to the network of the definition. */
void definition_ask(const struct definition *d, const char *pod, struct network_request *request);

/* The error, if these are not types that the hook can pin: ns_parse_set() with in_hook. */
int definition_check_hook(const struct definition *d, const char *pod, struct error *e);

/*
 * Parse len bytes of text; file names the file in errors, with the line. Refused are unknown keys and
 * sections, a key that is set twice and has one value, and what definition_set() and definition_check()
 * refuse. *d need not be initialised, and is to be freed after a failure too. A pure function.
 */
int definition_parse(struct definition *d, const char *file, const char *text, size_t len,
		     struct error *e);

/*
 * Load the definition of a pod, whose name pod_check_name() has accepted, from DEFINITION_DIR. *found is
 * false if there is none. The file must be a regular one of at most DEFINITION_SIZE_MAX bytes and no
 * symbolic link; it, its directory and the one above must pass trust_check(). *d as for definition_parse().
 */
int definition_load(const char *pod, struct definition *d, bool *found, struct error *e);

/* The same, from pods.d in confdir. */
int definition_load_from(const char *confdir, const char *pod, struct definition *d, bool *found,
			 struct error *e);

void definition_free(struct definition *d);
#define cleanup_definition __attribute__((cleanup(definition_free)))

#endif
