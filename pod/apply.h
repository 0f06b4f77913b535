/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transaction that pins namespaces: for the stages, `podns create` and pinns.
 *
 *   apply()           make the missing namespaces, save the record with the pins to come, bind them,
 *                     mount /dev/shm, attach the network, save the record with its entrants
 *   apply_settings()  set sysctls and names in namespaces that existed before; last, since other
 *                     processes may be in them
 *   apply_undo()      after any failure: restore the previous state
 *
 * The caller fills in a struct pod_plan and changes nothing itself. A pin is recorded with its inode
 * before it is bound, so that after a kill at any point the next run knows what is ours.
 */
#ifndef PODNS_POD_APPLY_H
#define PODNS_POD_APPLY_H

#include "ns/maps.h"
#include "ns/sysctl.h"
#include "pod/etc.h"
#include "pod/network.h"
#include "pod/pod.h"

/* What apply() and apply_settings() are to do. Borrowed. */
struct pod_plan {
	ns_set make;            /* types to create */
	int adopt[NS_TYPES];    /* existing namespaces to pin; -1: none */
	int existing[NS_TYPES]; /* existing namespaces that settings may go to; -1: none */
	int owner_fd; /* the user namespace that owns what is made and what settings go to;
				 * -1: our own, or the one that is made */
	const struct id_maps *uid_maps, *gid_maps; /* of a user namespace that is made */
	const char *hostname, *domainname; /* to set in the UTS namespace; NULL: leave as it is */
	struct sysctl *sysctls;            /* was_set is filled in by apply() */
	size_t sysctl_count;
	ns_set recorded; /* types whose sysctls the record keeps: the pod's */
	bool mount_shm;
	uint64_t shm_size;                     /* in bytes; 0: the kernel's default */
	const char *shm_label;                 /* SELinux context, or NULL */
	const struct network_request *network; /* NETWORK_ADD, or NULL: none is to be attached */
	const struct pod_hosts *hosts; /* the container's /etc/hosts, or NULL: none is to be made */
	bool resolv_conf;              /* the container gets the pod's */
	const char *etc_label;         /* SELinux context of these two, or NULL */
	const struct host_entry
		*host_entries; /* to be recorded for the pod, host_entry_count of them */
	size_t host_entry_count;
	const char *id, *bundle; /* of the container to add to the index; NULL: none */
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
	ns_set bound, new_files;     /* pins; those whose mount point was made too */
	bool shm_mounted, network_asked, hosts_made, indexed;
	bool stays; /* apply_undo() could not remove everything */
};

#define APPLY_NONE                                                                                 \
	{                                                                                          \
		.made = NS_FDS_NONE                                                                \
	}

/*
 * Begin for a pod that is open and locked: apply_undo() will restore the record as it is in memory
 * now. pod is NULL for pins without a record. End with apply_end().
 */
int apply_begin(struct apply *a, struct pod *pod, struct pins *pins, struct error *e);
void apply_end(struct apply *a);
#define cleanup_apply __attribute__((cleanup(apply_end)))

/* On failure the caller calls apply_undo(), as for any failure of its own after apply_begin(). */
int apply(struct apply *a, const struct pod_plan *plan, struct error *e);

/*
 * After a failure sysctls have their old values, with the exceptions that sysctl_set() names; a
 * hostname or domainname that was set stays.
 */
int apply_settings(struct apply *a, struct error *e);

/*
 * Remove what apply() made and restore the record; a pod without entrants is ended. What could not
 * be removed stays recorded, so that the pod's next run and gc know that it is ours. Failures are
 * logged. Without apply_begin() it does nothing.
 */
void apply_undo(struct apply *a);

#endif
