/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod, open and locked: its record, its pins, its life and its end.
 *
 * The lock is flock(2) on the record's directory, so it goes with the process whatever
 * happens to it. Between opening the directory and having the lock, the pod may have ended
 * and begun anew: so the path is looked up again after locking, and if it names another
 * directory by then, all is done over.
 *
 * What a run is about to bind is written into the record before the bind (pod_save), with
 * type and inode. Whoever comes after a crash therefore knows which pins are ours.
 */
#ifndef PODNS_POD_POD_H
#define PODNS_POD_POD_H

#include "pod/pins.h"
#include "pod/record.h"
#include "pod/store.h"

/* The file in the pod's directory that holds the record, and the most that is read of it. */
#define POD_RECORD_FILE "record"
#define POD_RECORD_MAX ((size_t)16 << 20)

/* What stands at a pin's place now. */
struct pod_pin {
	bool looked;
	int fd;          /* on the namespace, or -1 */
	struct ns_id id; /* ino 0: not pinned */
};

struct pod {
	struct store *store;
	char *name;
	char *path; /* <root>/podns/<name> */
	int fd;     /* the directory, locked */
	bool ended; /* the record and its directory are gone: pod_end() */
	struct record rec;
	struct buf saved; /* the record's text as it is on disk; empty: none */
	struct pins pins;
	struct pod_pin pin[NS_TYPES];
};

#define POD_NONE                                                                                   \
	{                                                                                          \
		.fd = -1, .pins = PINS_NONE, .pin = { [0 ... NS_TYPES - 1] = { .fd = -1 } }        \
	}

/*
 * Open and lock the pod `name`, made if `make`. Without make, one that has no record is -1
 * with e->num ENOENT. The record is read; a record that cannot be read is an error. Close
 * with pod_close(): a directory that is left without a record is removed then.
 */
int pod_open(struct pod *p, struct store *store, const char *name, bool make, struct error *e);
void pod_close(struct pod *p);
#define cleanup_pod __attribute__((cleanup(pod_close)))

/* "<root>/podns/<name>/shm", in the record's arena; NULL and e without memory. */
const char *pod_shm_path(struct pod *p, struct error *e);

/*
 * Members are known by pid and start time, claims by a deadline of the boot clock. All three mean
 * something else in another pid or time namespace than the one that the record names: an error with
 * num EXDEV.
 */
int pod_check_clocks(const struct pod *p, struct error *e);

/* Say in the record that pids, start times and deadlines are those of our own namespaces. */
int pod_note_clocks(struct pod *p, struct error *e);

/*
 * Drop the members that are dead and the claims that expired. Then, if nobody is left and
 * it is not held, what it owned is taken away. A pod with live members whose pins cannot
 * be seen from here is an error that names both mount namespaces; the container (id,
 * bundle), which may be NULL, does not count for that. All pins are looked at.
 */
int pod_sweep(struct pod *p, const char *id, const char *bundle, struct error *e);

/* Drop the members that are dead and the claims that expired, and nothing else. */
int pod_drop_dead(struct pod *p, struct error *e);

/* Drop an entrant and its index entry. gc removes an entry that cannot be removed now. */
void pod_forget_entrant(struct pod *p, size_t index);

/*
 * Forget the noted bundles that are not there any more: in a pod that outlives many containers
 * their list would grow without an end. Failures are logged.
 */
void pod_forget_bundles(struct pod *p);

/* Does its process live, or has its deadline not passed? */
bool pod_entrant_lives(const struct entrant *x);

/* Look at the pins of the types in set, unless that was done before. */
int pod_look(struct pod *p, ns_set set, struct error *e);

/*
 * Is no process in this namespace any more? False where that cannot be known: outside the initial pid
 * namespace. file: the type's name in /proc/PID/ns.
 */
bool pod_is_deserted(const char *file, struct ns_id ns, struct ns_id own_pidns);

/* Write the record, if it differs from what is on disk. */
int pod_save(struct pod *p, struct error *e);

/*
 * Hold the pod, and save that: it stays when nobody is in it. The last step of a run that makes a
 * held pod, so that gc removes what a run leaves that is killed before.
 */
int pod_hold(struct pod *p, struct error *e);

/* Remove the pod's directory, which has no record, with the part of one that a killed run left. */
int pod_remove_dir(const struct pod *p);

/*
 * Take away what the pod owns: revert bundles, remove our pins and shm, forget members, remove the
 * record. Goes on after a failure, so that as much as can be is taken away; the first error is
 * returned and what could not be removed stays recorded.
 */
int pod_end(struct pod *p, struct error *e);

/* Is the shm that the record tells of mounted? */
bool pod_shm_mounted(const struct pod *p);
/* Mount it: shm_mount(). The record must say so already. */
int pod_shm_mount(struct pod *p, uint64_t size, const char *label, struct error *e);
/* Undo pod_shm_mount. False where it stays; why is logged. */
bool pod_shm_unmount(struct pod *p);

/* Now in seconds of CLOCK_BOOTTIME. */
uint64_t pod_boot_seconds(void);

#endif
