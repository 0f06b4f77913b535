/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a bundle's config.json and putting a new one in its place.
 */
#ifndef PODNS_OCI_FILE_H
#define PODNS_OCI_FILE_H

#include <stdbool.h>
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
 * Append <bundle>/config.json to *out. It must be a regular file and not a symlink (e->num is
 * then ELOOP); at most CONFIG_SIZE_MAX bytes. *st gets its status from before it was read, for
 * bundle_write_config(). bundle is for messages.
 */
int bundle_read_config(int bundle_fd, const char *bundle, struct buf *out, struct stat *st,
		       struct error *e);

/* Is config.json still the file that had this status, unchanged? Not knowing counts as no. */
bool bundle_config_is(int bundle_fd, const struct stat *old);

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
 * untouched and no temporary is left. A temporary left by a killed run is overwritten. The caller
 * holds the bundle's lock (pod/original.h), since the temporary file has one name.
 */
int bundle_write_config(int bundle_fd, const char *bundle, const struct stat *old, const char *text,
			size_t len, struct error *e);

#endif
