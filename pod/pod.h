/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod, open and locked: its record, its pins, its members and its end.
 *
 * The lock is flock(2) on the record's directory, which the kernel releases when the process ends.
 * The pod may end and be created again before the lock is held, so lock_own_dir() looks the
 * directory up again.
 *
 * A pin's type and inode are in the record before it is bound, so that after a crash the next run
 * knows which pins are ours.
 */
#ifndef PODNS_POD_POD_H
#define PODNS_POD_POD_H

#include "pod/network.h"
#include "pod/pins.h"
#include "pod/record.h"
#include "pod/store.h"

/* The record's file in the pod's directory, and its largest size. */
#define POD_RECORD_FILE "record"
#define POD_RECORD_MAX ((size_t)16 << 20)

/* What is mounted where a pin belongs. */
struct pod_pin {
	bool looked;
	int fd;          /* on the namespace, or -1 */
	struct ns_id id; /* ino 0: not pinned */
};

struct pod {
	struct store *store;
	char *name;
	char *path;       /* <root>/podns/<name> */
	int fd;           /* the directory, locked; -1: not open, or there is no such pod */
	bool ended;       /* by pod_end(): the record and its directory are removed */
	bool plugins_ran; /* they have inherited the lock */
	bool lock_stays;  /* a plugin may still run that needs the lock: network_client.killed */
	struct record rec;
	struct buf saved; /* the record's text as it is on disk; empty: none */
	struct pins pins;
	struct pod_pin pin[NS_TYPES];
	bool clocks_read;
	struct ns_id pidns, timens; /* our own, once they are read */
};

#define POD_NONE                                                                                   \
	{                                                                                          \
		.fd = -1, .pins = PINS_NONE, .pin = { [0 ... NS_TYPES - 1] = { .fd = -1 } }        \
	}

/*
 * Open and lock the pod `name` and read its record. With make it is created if it does not exist;
 * without, the result is then 0 and p->fd is -1. An invalid record is an error. Close with
 * pod_close(), which removes a directory that has no record. If plugins have run, it releases the lock
 * explicitly, since a process that one has left behind has the descriptor, too; but see p->lock_stays.
 */
int pod_open(struct pod *p, struct store *store, const char *name, bool make, struct error *e);
void pod_close(struct pod *p);
#define cleanup_pod __attribute__((cleanup(pod_close)))

/* "<root>/podns/<name>/shm", in the record's arena; NULL and e without memory. */
const char *pod_shm_path(struct pod *p, struct error *e);

/*
 * The record identifies members by pid and start time, and gives claims a deadline by the boot clock.
 * In another pid or time namespace than the recorded ones these values mean nothing: an error with
 * num EXDEV.
 */
int pod_check_clocks(struct pod *p, struct error *e);

/* Record our own pid and time namespaces as those in which pids, start times and deadlines hold. */
int pod_note_clocks(struct pod *p, struct error *e);

/*
 * pod_drop_dead(), then remove what the pod owns if it is neither held nor in use. It is an error if
 * a recorded pin is not visible here and the pod may still be in use; the message names both mount
 * namespaces. The container (id and bundle, NULL for none) does not count as a user.
 */
int pod_sweep(struct pod *p, const char *id, const char *bundle, struct error *e);

/* Drop dead members and expired claims. */
int pod_drop_dead(struct pod *p, struct error *e);

/* Drop an entrant and its index entry. If that fails, gc removes the index entry later. */
void pod_forget_entrant(struct pod *p, size_t index);

/*
 * Drop the recorded bundles that no longer exist: in a pod that outlives many containers their list
 * would grow without limit. Failures are logged.
 */
void pod_forget_bundles(struct pod *p);

/*
 * A member: is its process alive? Another entrant: is its deadline still to come, or, for a claim of
 * oci-podns-runtime, does the process live that made it?
 */
bool pod_entrant_lives(const struct entrant *x);

/* Fill in p->pin for the types in set, once each. */
int pod_look(struct pod *p, ns_set set, struct error *e);

/*
 * Is no process in this namespace? False where that cannot be known, which is outside the initial pid
 * namespace. file: the type's name in /proc/PID/ns.
 */
bool pod_is_deserted(const char *file, struct ns_id ns, struct ns_id own_pidns);

/* Write the record, if it differs from what is on disk. */
int pod_save(struct pod *p, struct error *e);

/*
 * Hold the pod, and save that: it stays without members. A run that makes a held pod calls this after all
 * pins exist, so that gc can remove what a killed run left.
 */
int pod_hold(struct pod *p, struct error *e);

/* Remove the pod's directory, which has no record, and a temporary file that a killed run left. */
int pod_remove_dir(const struct pod *p);

/*
 * End the pod: revert bundles, remove our pins and shm, drop members, remove the record. After a
 * failure it continues with the rest; the first error is returned, and what could not be removed
 * stays recorded.
 */
int pod_end(struct pod *p, struct error *e);

/*
 * *lost: the pod is attached to a network, has neither containers nor claims, and its network namespace is gone. That
 * happens if the mount namespace ends in which it was pinned, as at `podman system migrate`, or if somebody unmounts the
 * pin. A pin that is hidden is an error.
 */
int pod_has_lost_network(struct pod *p, bool *lost, struct error *e);

/*
 * Detach a pod from a network that is lost, to free its ports of the host. The pod's record keeps the network's name: a
 * container must not take the pod for one without a network. The caller saves the record.
 */
int pod_detach_lost(struct pod *p, struct error *e);

/*
 * The pod's network: pod/network.h. pod_note_network() records, in memory, which one is about to be
 * attached. pod_attach() attaches it and records the addresses. pod_detach() detaches the recorded one and
 * forgets it; after a failure the record has the reason (`leaving`). Without a recorded network it does
 * nothing.
 */
int pod_note_network(struct pod *p, const struct network_request *request, struct error *e);
int pod_attach(struct pod *p, const struct network_request *request, struct error *e);
int pod_detach(struct pod *p, struct error *e);

/* Forget a network that could not be detached, and its record; what it has left on the host stays. */
int pod_forget_network(struct pod *p, struct error *e);

/* Is the pod's shm mounted? */
bool pod_shm_mounted(const struct pod *p);
/* Mount it: shm_mount(). rec.shm must be saved before. */
int pod_shm_mount(struct pod *p, uint64_t size, const char *label, struct error *e);
/* Undo pod_shm_mount. False where it stays; why is logged. */
bool pod_shm_unmount(struct pod *p);

/* Now in seconds of CLOCK_BOOTTIME. */
uint64_t pod_boot_seconds(void);

#endif
