/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a bundle's config.json and putting a new one in its place.
 */
#ifndef PODNS_OCI_FILE_H
#define PODNS_OCI_FILE_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Append everything that can be read from fd (a pipe or a file) to *out, at most max bytes. what
 * names it in errors: more than max bytes is refused ("larger than N bytes", and no more is
 * read), so is an empty document.
 */
int read_document(int fd, const char *what, size_t max, struct buf *out, struct error *e);

/*
 * Open the bundle directory. Symlinks in its path are followed, the last component's too, as
 * runtimes follow them. Returns a descriptor, which the caller closes, or -1.
 */
int bundle_open(const char *bundle, struct error *e);

/*
 * Lock the bundle's directory (flock(2), for LOCK_BUNDLE_SECONDS at most) against other writers
 * of ours, until the descriptor is closed. Who holds a pod's lock too takes that first.
 */
int bundle_lock(int bundle_fd, const char *bundle, struct error *e);
void bundle_unlock(int bundle_fd);

/*
 * Append <bundle>/config.json to *out. It must be a regular file and not a symlink (e->num is
 * then ELOOP); at most CONFIG_SIZE_MAX bytes. *st gets its status from before it was read, for
 * bundle_write_config(). bundle is for messages.
 */
int bundle_read_config(int bundle_fd, const char *bundle, struct buf *out, struct stat *st,
		       struct error *e);

/*
 * Remove the temporary file that a killed writer left, if there is one. The caller holds the
 * bundle's lock.
 */
void bundle_remove_temporary(int bundle_fd);

/*
 * Put len bytes in place of <bundle>/config.json: a temporary file beside it, mode, owner and
 * extended attributes copied, fsync, rename over it, fsync of the directory. old is the status of
 * the file that the new bytes were made from: if config.json is another file by then, or was
 * changed since, the edit is refused (e->num is then ESTALE). On failure the old file stands
 * untouched and no temporary is left. A temporary left by a killed run is overwritten. Takes the
 * bundle's lock.
 */
int bundle_write_config(int bundle_fd, const char *bundle, const struct stat *old,
			const char *text, size_t len, struct error *e);

#endif
