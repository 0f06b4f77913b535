/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the config.json of a bundle was before we rewrote it.
 *
 * Whoever can write into a document could forge what stands in it, so the way back is kept where
 * only root writes: <bundles>/bundle@<hash of the bundle's path>/copy holds the texts before and
 * after the edit, and the pod that it was made for. It is written, and synced, before config.json
 * is replaced. So after a kill or a power cut config.json either still is the text before the edit,
 * or has a copy.
 *
 * The directory is the lock of the bundle; its mode is 0700, so that nobody but root can open and
 * lock it. A run that needs a pod's lock takes that first, and holds one bundle's lock at a time.
 */
#ifndef PODNS_POD_ORIGINAL_H
#define PODNS_POD_ORIGINAL_H

#include "oci/edit.h"
#include "pod/store.h"

/* The file in the directory. */
#define ORIGINAL_COPY "copy"

/*
 * Which directory a bundle's path led to when its config.json was rewritten: the path goes through
 * links, and who owns a part of it can have it lead elsewhere later. The device's number is not kept,
 * since that may be another after a boot.
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
	bool there;             /* it holds a copy: */
	struct buf file;        /* the file, which what follows points into */
	const char *pod, *bundle;
	struct original_dir dir;
	time_t kept; /* since when, by CLOCK_REALTIME */
	struct edit_texts texts;
};

#define ORIGINAL_NONE                                                                              \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/*
 * Lock a bundle and read its copy. Where the directory is absent it is made, or, without `make`,
 * o->fd is -1, which is no error. A copy that cannot be read is an error. Close with
 * original_close(), which removes a directory without a copy.
 */
int original_open(struct original *o, struct store *store, const char *bundle, bool make,
		  struct error *e);

/* The same by the directory's name: store_each_bundle(). */
int original_open_name(struct original *o, struct store *store, const char *name, struct error *e);

void original_close(struct original *o);
#define cleanup_original __attribute__((cleanup(original_close)))

/* Keep these texts for the bundle, synced. The directory is open. */
int original_save(struct original *o, const char *pod, const char *bundle,
		  const struct original_dir *dir, const struct edit_texts *texts, struct error *e);

/* Remove the copy. */
int original_drop(struct original *o, struct error *e);

#endif
