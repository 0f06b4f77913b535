/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where CNI plugins are. They run as root, so only files are executed that nobody but root can have
 * written.
 */
#ifndef PODNS_NET_PLUGIN_H
#define PODNS_NET_PLUGIN_H

#include "base/buf.h"
#include "base/error.h"

#define PLUGIN_TYPE_MAX 255 /* NAME_MAX */

/*
 * The directories, up to NULL, in the order in which they are searched: /usr/lib/cni, /opt/cni/bin,
 * /usr/libexec/cni.
 */
extern const char *const plugin_directories[];

/* May this be the type of a plugin, the name of its file? Not if empty, ".", ".." or with a '/'. */
int plugin_check_type(const char *type, struct error *e);

/*
 * Find the plugin of that type in the directories dirs, which end with NULL. The first directory
 * that has a file of that name counts, even if the file must then be refused: it and its directory
 * must pass trust_check(), and it must be a regular file, no symbolic link, and executable. *path
 * is for the caller to free. e->num is ENOENT if there is none.
 */
int plugin_find(const char *const *dirs, const char *type, char **path, struct error *e);

/*
 * Append the value of CNI_PATH, where plugins search for those that they delegate to: those of the
 * directories that exist and pass trust_check(). A plugin does not check what it finds there.
 */
int plugin_path(const char *const *dirs, struct buf *out, struct error *e);

#endif
