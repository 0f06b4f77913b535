/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of our mount namespace as /proc/self/mountinfo lists them (proc(5)): also
 * those that a later mount hides, which no path leads to.
 */
#ifndef PODNS_NS_MOUNTS_H
#define PODNS_NS_MOUNTS_H

#include "base/buf.h"
#include "ns/nsfs.h"

struct mount_entry {
	int id, parent;
	const char *dev;   /* of the file system: "0:25" */
	const char *root;  /* what of it is mounted: "/", or "net:[4026531840]" for a namespace */
	const char *point; /* decoded */
	const char *fs;    /* "nsfs" */
	bool shared;       /* its propagation */
	ino_t ns_ino;      /* of the namespace, where it is one; else 0 */
};

struct mounts {
	struct arena arena;
	struct mount_entry *list; /* in the order of mountinfo */
	size_t count;
	struct mount_entry **by_ns; /* those of namespaces, by inode */
	size_t ns_count;
};

int mounts_read(struct mounts *m, struct error *e);
void mounts_free(struct mounts *m);
#define cleanup_mounts __attribute__((cleanup(mounts_free)))

/* Is this namespace mounted at this path, seen or hidden? */
bool mounts_has_pin(const struct mounts *m, struct ns_id id, const char *path);

/* The mount whose point is path and that path leads to: the last one on top; NULL for none. */
const struct mount_entry *mounts_top(const struct mounts *m, const char *path);

/* The mount that a file at path (absolute, without symbolic links) is on; NULL for none. */
const struct mount_entry *mounts_of_path(const struct mounts *m, const char *path)
	__attribute__((nonnull));

/*
 * Is x a bind mount of the very directory that it hides: of the same file system and the
 * same place in it?
 */
bool mounts_hides_itself(const struct mounts *m, const struct mount_entry *x);

/* The mount with this id, or NULL. */
const struct mount_entry *mounts_by_id(const struct mounts *m, int id);

#endif
