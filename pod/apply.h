/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one transaction by which namespaces become pins: for the stages, `podns create` and pinns.
 *
 *   apply()           make the missing namespaces, save the record with what is going to be bound,
 *                     bind, mount /dev/shm, save who is in the pod
 *   apply_settings()  set sysctls and names in namespaces that existed before. It comes last, since
 *                     other processes are in these
 *   apply_undo()      after a failure anywhere: back to what was
 *
 * Who decides fills in a struct pod_plan, and changes nothing else. The record names a pin before it
 * is bound, with its inode, so that after a kill at any point the next run knows what is ours.
 */
#ifndef PODNS_POD_APPLY_H
#define PODNS_POD_APPLY_H

#include "ns/maps.h"
#include "ns/sysctl.h"
#include "pod/pod.h"

/* All that is to be done. Borrowed. */
struct pod_plan {
	ns_set make;            /* types to create */
	int adopt[NS_TYPES];    /* existing namespaces to pin; -1: none */
	int existing[NS_TYPES]; /* existing namespaces that settings may go to; -1: none */
	int owner_fd; /* the user namespace that owns what is made and what settings go to;
				 * -1: our own, or the one that is made */
	const struct id_maps *uid_maps, *gid_maps; /* of a user namespace that is made */
	const char *hostname, *domainname; /* to be set in the UTS namespace; NULL: leave it */
	struct sysctl *sysctls;            /* was_set is filled in by apply() */
	size_t sysctl_count;
	ns_set recorded; /* types whose sysctls the record keeps: the pod's */
	bool mount_shm;
	uint64_t shm_size;       /* in bytes; 0: the kernel's default */
	const char *shm_label;   /* SELinux context, or NULL */
	const char *id, *bundle; /* the container to find the pod by: store_index(); NULL: none */
};

#define POD_PLAN_NONE                                                                              \
	{                                                                                          \
		.adopt = NS_FDS_NONE, .existing = NS_FDS_NONE, .owner_fd = -1                      \
	}

struct apply {
	struct pod *pod; /* NULL: the pins have no record */
	struct pins *pins;
	const struct pod_plan *plan; /* NULL until apply() */
	struct buf before;           /* the record's text to return to */
	int made[NS_TYPES];          /* namespaces that were made */
	ns_set bound, new_files;     /* pins; those of them whose mount point was made too */
	bool shm_mounted, indexed;
	bool stays; /* apply_undo() could not remove all */
};

#define APPLY_NONE                                                                                 \
	{                                                                                          \
		.made = NS_FDS_NONE                                                                \
	}

/*
 * Begin for a pod that is open and locked: apply_undo() returns to the record as it is now, in
 * memory. Or for pins without a record, with pod == NULL. End with apply_end().
 */
int apply_begin(struct apply *a, struct pod *pod, struct pins *pins, struct error *e);
void apply_end(struct apply *a);
#define cleanup_apply __attribute__((cleanup(apply_end)))

/* On failure the caller calls apply_undo(), as for any failure of its own after apply_begin(). */
int apply(struct apply *a, const struct pod_plan *plan, struct error *e);

/* All or nothing, but for what sysctl_set() says. */
int apply_settings(struct apply *a, struct error *e);

/*
 * Remove what apply() made and restore the record. What could not be removed stays in the record, so
 * that the pod's next run and gc know that it is ours. Failures are logged. Without apply_begin()
 * it does nothing.
 */
void apply_undo(struct apply *a);

#endif
