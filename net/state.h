/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a pod's network, <bundles>/network@<pod> (pod/store.h): all that is needed to detach the
 * pod, whatever has become of the configuration and of the pod since. It is JSON. The network's
 * configuration and the results of its plugins are in it byte for byte; a result without a cniVersion has
 * got one.
 *
 * Only podns-net writes it, and holds the pod's lock meanwhile. Others may read it without the lock, since
 * it is replaced by rename(2).
 */
#ifndef PODNS_NET_STATE_H
#define PODNS_NET_STATE_H

#include "base/buf.h"
#include "net/conflist.h"
#include "ns/nsfs.h"
#include "pod/network.h"
#include "pod/store.h"

enum net_phase {
	NET_ADDING,  /* plugins' ADD may have run, and results has what is known of them */
	NET_UP,      /* attached */
	NET_LEAVING, /* plugins' DEL may have run; error says why it did not succeed */
	NET_DOWN,    /* detached by attach_down(); the record is kept for attach_up() */
	NET_PHASES
};
extern const char *const net_phase_name[NET_PHASES];

/* The largest record: the conflist and each plugin's result have at most 1 MiB. */
#define NET_STATE_MAX ((size_t)(CONFLIST_PLUGINS_MAX + 2) << 20)

/* 16 random bytes in hexadecimal digits. */
#define NET_ID_DIGITS 32

struct net_text {
	const char *text; /* NULL: none; not NUL-terminated */
	size_t len;
};

struct net_ports {
	struct port_range list[PORT_RANGES_MAX];
	size_t count;
};

struct net_state {
	struct arena arena; /* holds all strings */
	const char *pod, *network;
	enum net_phase phase;
	const char
		*id; /* CNI_CONTAINERID: of this attachment alone, since plugins take an id that was
			     * used before for what they know by it */
	const char *ifname; /* CNI_IFNAME */
	const char *boot;   /* the boot id: random(4) */
	const char *netns;  /* path of the pin */
	struct ns_id ns;
	const char *version; /* cniVersion that was used; NULL: no plugins, but pasta */
	struct net_ports ports;
	/*
	 * While published ports are being changed: the new ones. Rules of plugins may then be there for both.
	 */
	bool changing;
	struct net_ports next_ports;
	const char *dns[NETWORK_DNS_MAX];
	size_t dns_count;
	struct bandwidth bandwidth;
	struct net_text conflist;
	struct net_text results[CONFLIST_PLUGINS_MAX]; /* after each plugin */
	size_t result_count;
	const char *error;    /* what went wrong, one line; NULL: nothing */
	pid_t pasta_pid;      /* 0: none */
	uint64_t pasta_start; /* clock ticks since boot */
};

/*
 * Parse the record of the pod into *st. A member that is unknown, missing, twice there or of the wrong
 * type is an error, since the record can then not be trusted to detach anything. what names it in errors
 * and is borrowed by nothing. Free with net_state_free(); after an error *st is empty.
 */
int net_state_parse(struct net_state *st, const char *pod, const char *what, const char *text,
		    size_t len, struct error *e);
int net_state_format(const struct net_state *st, struct buf *out, struct error *e);
void net_state_free(struct net_state *st);
#define cleanup_net_state __attribute__((cleanup(net_state_free)))

/* A copy of s in the record's arena; NULL and e without memory. */
const char *net_state_string(struct net_state *st, const char *s, struct error *e);

/*
 * Set the conflist, or append a plugin's result: JSON texts, which are copied without the white space
 * around them. One that is nested so deeply that the record could not be read again is an error.
 */
int net_state_set_conflist(struct net_state *st, const char *text, size_t len, struct error *e);
int net_state_add_result(struct net_state *st, const char *text, size_t len, struct error *e);
/* The same in the place of a result that is there. */
int net_state_put_result(struct net_state *st, size_t index, const char *text, size_t len,
			 struct error *e);

/* Record why; bytes that are not UTF-8 become '?'. Without memory there is no reason. */
void net_state_set_error(struct net_state *st, const struct error *why);

/*
 * Read the record of a pod; st->pod is NULL if there is none. A broken one is an error that names the
 * file.
 */
int state_load(struct store *store, const char *pod, struct net_state *st, struct error *e);

/*
 * Write it and sync it to disk. A record that state_load() would refuse is an error, and is not written.
 */
int state_save(struct store *store, const struct net_state *st, struct error *e);

/* Remove the record of the pod; it is no error if there is none. */
int state_remove(struct store *store, const char *pod, struct error *e);

/*
 * Call fn with the name of each pod that has a record, in no order; fn may remove it. A non-zero result of
 * fn ends the walk and is returned. -1 with e set if the directory cannot be read.
 */
int state_each(struct store *store, int (*fn)(void *arg, const char *pod, struct error *e),
	       void *arg, struct error *e);

#endif
