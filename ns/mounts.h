/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of our mount namespace, from /proc/self/mountinfo (proc(5)). That lists hidden mounts,
 * which no path leads to, as well.
 */
#ifndef PODNS_NS_MOUNTS_H
#define PODNS_NS_MOUNTS_H

#include "base/buf.h"
#include "ns/nsfs.h"

struct mount_entry {
	int id, parent;
	const char *dev;   /* of the file system: "0:25" */
	const char *root;  /* mounted part: "/", or "net:[4026531840]" for a namespace */
	const char *point; /* decoded */
	const char *fs;    /* "nsfs" */
	bool shared;       /* is in a peer group */
	ino_t ns_ino;      /* inode number of the namespace; 0 if it is none */
};

struct mounts {
	struct arena arena;
	struct mount_entry *list; /* in the order of mountinfo */
	size_t count;
	struct mount_entry **by_ns; /* the mounts of namespaces, sorted by ns_ino */
	size_t ns_count;
};

int mounts_read(struct mounts *m, struct error *e);
void mounts_free(struct mounts *m);
#define cleanup_mounts __attribute__((cleanup(mounts_free)))

/* Is this namespace mounted at this path, visible or hidden? */
bool mounts_has_pin(const struct mounts *m, struct ns_id id, const char *path);

/* The topmost mount whose mount point is path, or NULL. */
const struct mount_entry *mounts_top(const struct mounts *m, const char *path);

/* The mount that a file at path (absolute, without symbolic links) is on, or NULL. */
const struct mount_entry *mounts_of_path(const struct mounts *m, const char *path)
	__attribute__((nonnull));

/* Is x a bind mount of a directory over itself? */
bool mounts_hides_itself(const struct mounts *m, const struct mount_entry *x);

#endif
