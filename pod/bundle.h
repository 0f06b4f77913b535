/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewriting the config.json of a bundle in place, with a copy of the original (pod/original.h), and
 * reverting that.
 */
#ifndef PODNS_POD_BUNDLE_H
#define PODNS_POD_BUNDLE_H

#include <sys/stat.h>

#include "pod/original.h"

struct bundle {
	const char *path; /* absolute; borrowed */
	int fd;           /* the directory */
	struct buf text;  /* config.json as it was read */
	struct stat st;   /* its status at that time */
	struct original original;
};

#define BUNDLE_NONE                                                                                \
	{                                                                                          \
		.fd = -1, .original = ORIGINAL_NONE                                                \
	}

/* Open a bundle and read its config.json. Close with bundle_close(). */
int bundle_load(struct bundle *b, const char *path, struct error *e);
void bundle_close(struct bundle *b);
#define cleanup_bundle __attribute__((cleanup(bundle_close)))

/* Lock the bundle until bundle_unlock(), and read its copy: original_open(). */
int bundle_lock(struct bundle *b, struct store *store, bool make, struct error *e);
void bundle_unlock(struct bundle *b);

/* Read config.json again if it has changed since it was read. *again: it has. */
int bundle_refresh(struct bundle *b, bool *again, struct error *e);

/*
 * Save the copy, for this pod, then replace config.json by the text. The bundle must be held with
 * `make`. On failure config.json is unchanged and no copy is left.
 */
int bundle_rewrite(struct bundle *b, const char *pod, const char *text, size_t len,
		   struct error *e);

/*
 * Revert the edit, remove the copy, and read config.json again. The bundle must be held; without a
 * copy nothing is done. *how (may be NULL) says what was done.
 */
int bundle_revert(struct bundle *b, enum revert_how *how, struct error *e);

/*
 * The same at the end of the pod, and for `podns gc`. It is no error if the bundle is gone, or has no
 * copy for this pod because it was rewritten for another pod since. The copy of a missing bundle is
 * kept until it is `patience` seconds old (0: not kept), since after a boot the bundle's file system
 * may be mounted later. If config.json cannot be parsed, that is an error and the copy is removed
 * nevertheless: a later attempt would fail as well.
 */
#define BUNDLE_PATIENCE ((time_t)7 * 24 * 3600)
int bundle_end(struct store *store, const char *pod, const char *path, time_t patience,
	       enum revert_how *how, struct error *e);

#endif
