/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy of a bundle's original config.json, by which a rewrite is undone.
 *
 * Authors of images and pods can write annotations of config.json, and could forge an undo that is kept
 * there. So the copy is in a file that only root writes: <bundles>/bundle@<hash of the bundle's path>/copy has the
 * texts before and after the edit, and the pod's name. It is written and synced before config.json is
 * replaced. So after a kill or a power cut config.json either still is the text before the edit, or
 * has a copy.
 *
 * The directory is the lock of the bundle; its mode is 0700, so that only root can open and lock it.
 * A run that needs a pod's lock takes that first, and holds one bundle's lock at a time.
 */
#ifndef PODNS_POD_ORIGINAL_H
#define PODNS_POD_ORIGINAL_H

#include "oci/edit.h"
#include "pod/store.h"

/* The name of the file. */
#define ORIGINAL_COPY "copy"

/*
 * The directory whose config.json was rewritten. The bundle's own path may contain symbolic links,
 * which their owners can redirect later, so an undo needs the resolved path and the inode. The device
 * number is not kept, since it may change at a reboot.
 */
struct original_dir {
	const char *path; /* without symbolic links */
	uint64_t ino;
};

struct original {
	struct store *store;    /* borrowed */
	char *path;             /* of the directory, for messages */
	struct store_name name; /* of the directory in <bundles> */
	int fd;                 /* the directory, locked; -1: there is none */
	bool there;             /* the directory has a copy; what follows is its content */
	struct buf file;        /* the strings below point into it */
	const char *pod, *bundle;
	struct original_dir dir;
	time_t kept; /* when the copy was written: seconds of CLOCK_REALTIME */
	struct edit_texts texts;
};

#define ORIGINAL_NONE                                                                              \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/*
 * Lock a bundle and read its copy. A directory that does not exist is created if `make`; otherwise
 * o->fd is -1, which is no error. A copy that cannot be read is an error. Close with original_close(),
 * which removes a directory without a copy.
 */
int original_open(struct original *o, struct store *store, const char *bundle, bool make,
		  struct error *e);

/* The same for a directory that store_each_bundle() found, which is never created. */
int original_open_name(struct original *o, struct store *store, const char *name, struct error *e);

void original_close(struct original *o);
#define cleanup_original __attribute__((cleanup(original_close)))

/*
 * Write and sync the copy; o was opened with `make`. On failure no copy is left.
 */
int original_save(struct original *o, const char *pod, const char *bundle,
		  const struct original_dir *dir, const struct edit_texts *texts, struct error *e);

/* Remove the copy, if there is one. */
int original_drop(struct original *o, struct error *e);

#endif
