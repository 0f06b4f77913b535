/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CNI plugins answer: results of ADD, errors, and the versions that they know. "Section 5:
 * Result Types" of the CNI specification. Pure functions of the text.
 */
#ifndef PODNS_NET_RESULT_H
#define PODNS_NET_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/run.h"
#include "net/version.h"
#include "pod/network.h"

#define RESULT_INTERFACES_MAX 256
#define RESULT_DNS_MAX 64 /* of each kind */
#define RESULT_STRING_MAX 255

struct result_address {
	char ip[NETWORK_ADDRESS_MAX]; /* as inet_ntop(3) writes it, without prefix length */
	unsigned prefix;
	int interface; /* its index; -1: not said */
	bool pod;      /* of an interface in the pod's namespace, or of none: not of the host's */
};

struct result_interface {
	const char *name;
	const char *mac;     /* NULL: none */
	const char *sandbox; /* the path of its namespace; NULL: the host's */
};

struct result_strings {
	const char **list;
	size_t count;
};

struct result {
	struct arena arena; /* holds all that follows */
	struct result_address *ips;
	size_t ip_count; /* at most NETWORK_ADDRESSES_MAX */
	struct result_interface *interfaces;
	size_t interface_count;
	struct result_strings nameservers; /* IP addresses */
	struct result_strings search, options;
	const char *domain; /* NULL: none */
};

/*
 * Parse the result of an ADD, of any version from 0.3.0 to 1.1.0. plugin is its type, for errors.
 * All strings are single words without control characters, so that they can be written into a
 * resolv.conf. No output at all is an error, too. Free with result_free(); after an error *r is
 * empty.
 */
int result_parse(struct result *r, const char *plugin, const char *text, size_t len,
		 struct error *e);
/* Has the pod an address of IPv6, or without v6 of IPv4? */
bool result_has_family(const struct result *r, bool v6);

void result_free(struct result *r);
#define cleanup_result __attribute__((cleanup(result_free)))

/*
 * Append a result that result_parse() has accepted, byte for byte; with the version of the configuration
 * in it, if it has none, as libcni does. Plugins may refuse a prevResult that has no version.
 */
int result_complete(const char *text, size_t len, const char *version, struct buf *out,
		    struct error *e);

/*
 * Set *e to what a plugin said that ended with another status than 0: "plugin bridge: ADD: msg:
 * details (code 11)", or, if it printed no error object, its status and the last line of its
 * standard error. Returns -1.
 */
int plugin_error(const char *plugin, const char *command, const struct program_result *r,
		 struct error *e);

/*
 * Set *versions to the mask of the versions known here that a plugin supports, by its answer to
 * VERSION. The mask may be empty.
 */
int plugin_versions(const char *plugin, const char *text, size_t len, unsigned *versions,
		    struct error *e);

#endif
