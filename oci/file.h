/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a bundle. config.json is read, and replaced by way of a temporary file and rename(2),
 * so that a reader or a power cut sees either the old file or the new one.
 */
#ifndef PODNS_OCI_FILE_H
#define PODNS_OCI_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Append everything that can be read from fd (a pipe or a file) to *out. what names it in errors.
 * Refused are more than max bytes, of which max + 1 are read, and an empty document.
 */
int read_document(int fd, const char *what, size_t max, struct buf *out, struct error *e);

/*
 * Open the bundle directory. Symbolic links in its path are followed, as runtimes do. Returns a
 * descriptor, which the caller closes, or -1.
 */
int bundle_open(const char *bundle, struct error *e);

/*
 * Append <bundle>/config.json to *out: a regular file (e->num is ELOOP if it is a symbolic link) of
 * at most CONFIG_SIZE_MAX bytes. *st gets its status from before it was read, for
 * bundle_write_config(). bundle is for messages.
 */
int bundle_read_config(int bundle_fd, const char *bundle, struct buf *out, struct stat *st,
		       struct error *e);

/* Is config.json still the file that had this status, unchanged? False if that cannot be read. */
bool bundle_config_is(int bundle_fd, const struct stat *old);

/* Remove the temporary file of a killed run, if there is one. The caller holds the bundle's lock. */
void bundle_remove_temporary(int bundle_fd);

/*
 * Replace <bundle>/config.json by these len bytes: write a temporary file, copy mode, owner and
 * extended attributes, fsync, rename, fsync the directory. old is the status of the file that the new
 * bytes were made from; if config.json is another file now, or was changed since, the edit is refused
 * (e->num is ESTALE). On failure the old file is untouched and no temporary file is left. The caller
 * holds the bundle's lock (pod/original.h), because all runs use one name for the temporary file.
 */
int bundle_write_config(int bundle_fd, const char *bundle, const struct stat *old, const char *text,
			size_t len, struct error *e);

#endif
