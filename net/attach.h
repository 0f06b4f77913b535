/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaches a pod's pinned network namespace to a network, and detaches it.
 *
 * The order is that of libcni, with what killed runs need: the record is written before the first plugin
 * runs and after each of them, each attachment has an id of its own, and DEL goes through all plugins in
 * reverse though one fails, with the configuration and the result of ADD. What could not be detached stays
 * recorded, as leaving, and is tried again by the next add, del or sweep.
 *
 * The caller holds the pod's lock. The plugins inherit its descriptor, so that the lock is held until the
 * last of them has ended, though this process was killed.
 */
#ifndef PODNS_NET_ATTACH_H
#define PODNS_NET_ATTACH_H

#include "net/chain.h"
#include "net/result.h"
#include "net/state.h"

struct attach {
	struct store *store;
	const char *pod;
	int lock_fd;    /* the pod's directory */
	uint64_t until; /* by chain_now(): the time for all of it */
	/* The pod goes on: once it is detached, its record stays, as down, for attach_up(). */
	bool keep;
};

/*
 * Attach the pod and write its addresses to out_fd, one a line. If it is attached to that network already,
 * with the same ports, name servers and rates, only its addresses are written; with others it is an error. After a
 * failure all plugins' DEL have run; if one of them failed, the record stays, as leaving. A change of ports that was
 * interrupted is an error, too, but with a->keep it is undone: the pod is detached and attached with the old ones.
 */
int attach_add(const struct attach *a, const struct network_request *request, int out_fd,
	       struct error *e);

/* Detach the pod. It is no error if it is not attached. */
int attach_del(const struct attach *a, struct error *e);

/* Remove the record, and leave what plugins have made. For a pod that cannot be detached. */
int attach_forget(const struct attach *a, struct error *e);

/*
 * Detach the pod and keep the record; attach it again with what the record has, as attach_add() does with a->keep.
 * It is an error if the pod has no record of a network.
 */
int attach_down(const struct attach *a, struct error *e);
int attach_up(const struct attach *a, int out_fd, struct error *e);

/*
 * Is all that was attached still there? Asks the plugins (CHECK), unless the network is disableCheck or
 * older than 0.4.0, and looks at the interfaces and addresses in the namespace.
 */
int attach_check(const struct attach *a, struct error *e);

/*
 * Change the published ports: remove `drop`, add `add`. Only the plugins that publish ports run. After a
 * failure the old ones are published again; the error says if that fails too.
 */
int attach_publish(const struct attach *a, const struct net_ports *drop,
		   const struct net_ports *add, struct error *e);

/*
 * Detach all pods that have no record in the store any more, or are of another boot, or whose detaching
 * failed. Then run GC with the attachments that are left, for plugins that have it. A line for each pod that was
 * detached is written to out_fd. A failure does not keep the other pods from being detached; the first error is
 * returned.
 */
int attach_sweep(struct store *store, uint64_t until, int out_fd, struct error *e);

/*
 * Remove the ranges `drop` from the ports and add others. A range that is not there, and one that overlaps with
 * what stays, are errors. Makes no system calls.
 */
int net_ports_change(struct net_ports *ports, const struct net_ports *drop,
		     const struct net_ports *add, struct error *e);

/* --- shared by the files of this room ------------------------------------------------------------- */

/* "<root>/netns/<pod>" as recorded: is it still the namespace that was attached? */
bool attach_pin_is_there(const struct net_state *st);

/* Was the record written since the host was booted? */
int attach_is_of_this_boot(const struct net_state *st, bool *is, struct error *e);

/* Note this boot in the record. */
int attach_note_boot(struct net_state *st, struct error *e);

/* Load the pod's record. It is an error if it has none. Free st with net_state_free(), also after an error. */
int attach_load(const struct attach *a, struct net_state *st, struct error *e);

/*
 * Parse the recorded conflist, select the recorded version, and fill in a chain for it, whose strings are
 * borrowed from st. After a failure there is nothing to free.
 */
int attach_recorded_chain(const struct attach *a, const struct net_state *st, struct conflist *list,
			  struct chain *chain, struct error *e);

/* When to stop, so that there is time for undoing it: until and the result are by chain_now(). */
uint64_t attach_keep_time(uint64_t until);

/* What each plugin of the attachment gets, with these ports and this prevResult (NULL: none). Borrowed. */
struct conf_extras attach_extras(const struct net_state *st, const struct net_ports *ports,
				 const struct net_text *prev);

/* Run a plugin's ADD, check what it prints, and append that to `result`, with a cniVersion. */
int attach_call_add(const struct chain *chain, const struct chain_call *call, struct buf *result,
		    struct error *e);

/* The last result, which DEL and CHECK get since 0.4.0, or NULL. */
const struct net_text *attach_last_result(const struct net_state *st, const struct conflist *list);

/* Parse the last result, of which there must be one. */
int attach_parse_last(const struct net_state *st, struct result *result, struct error *e);

/*
 * Fail if a port is published on an IPv6 address of the host and the pod has no IPv6 address, or the same with IPv4:
 * portmap leaves out such a port, and says nothing.
 */
int attach_check_families(const struct net_state *st, const struct net_ports *ports,
			  struct error *e);

/* Are the interfaces and addresses of the last result in the pin? */
int attach_look(const struct net_state *st, struct error *e);

/* Detach what the record is about, and then remove it or, with a->keep, save it as down; if that fails, save why. */
int attach_detach(const struct attach *a, struct net_state *st, struct error *e);

/*
 * Lock the ports of all pods (<root>/podns itself) until the descriptor is closed. Held while they are
 * compared and a record with new ones is written. Returns a descriptor or -1.
 */
int attach_lock_ports(struct store *store, struct error *e);

/*
 * Release the lock of the descriptor, which is closed soon. Closing alone would not release it while a process that
 * a plugin has left behind has the descriptor, too.
 */
void attach_unlock(int fd);

#endif
