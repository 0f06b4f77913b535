/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolv.conf(5) of a pod with a network. As podman's, it has the addresses that were given for the pod, else
 * those of the CNI result, else the host's name servers without those that a pod cannot reach. It has no public
 * name servers if nothing is left, as podman and Docker would add: names of private networks would leak to
 * strangers.
 */
#ifndef PODNS_NET_RESOLV_H
#define PODNS_NET_RESOLV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/result.h"
#include "pod/etc.h"

#define RESOLV_SIZE_MAX ((size_t)1 << 16)

struct resolv_input {
	const char *const *dns; /* addresses given for the pod */
	size_t dns_count;
	const struct result *cni; /* NULL: none */
	const char *host;         /* the text of the host's file; "": none */
	/* An address at which the host's own local name server answers, asked first; NULL: none. */
	const char *forward;
	bool v6; /* has the pod an IPv6 address? Else the host's IPv6 name servers are left out */
};

/*
 * Append the pod's text. Name servers, search list and options are each those of the first of the three that
 * has any. Lines and words that are not understood are left out, as are words with control characters. *servers
 * is the number of name servers: with none, the C library asks 127.0.0.1.
 */
int resolv_compose(const struct resolv_input *in, struct buf *out, size_t *servers,
		   struct error *e);

/*
 * The file that has the real name servers if those of the text are local ones: of systemd-resolved (127.0.0.53
 * or 127.0.0.54), else of NetworkManager (another loopback address). NULL if a name server is not local, or if
 * there is none.
 */
const char *resolv_behind(const char *text);

/* Is the first IPv4 name server of the text a local one? No pod reaches it by its address. */
bool resolv_begins_local(const char *text);

/*
 * Read <sysroot>/etc/resolv.conf into text, which may stay empty; and into real what resolv_behind() names, else
 * the same. One that is absent is empty, one larger than RESOLV_SIZE_MAX is an error.
 */
int resolv_read_host(const char *sysroot, struct buf *text, struct buf *real, struct error *e);

/* Write the file into the pod's directory, readable by all users: containers may have user namespaces. */
int resolv_write(int pod_fd, const struct buf *text, struct error *e);

#endif
