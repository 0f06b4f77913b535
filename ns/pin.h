/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins: bind mounts of namespace files at <root>/<brief>ns/<pod>, the layout of ip-netns(8) and
 * pinns.
 *
 * Everything is relative to descriptors of directories that were checked when opened. ns_bind() mounts
 * on a descriptor of the mount point. If another process replaces that file, its file is not mounted on.
 * It is the only function that binds, and checks the namespace's type with NS_GET_NSTYPE, so that no
 * bug elsewhere can pin a pid namespace.
 */
#ifndef PODNS_NS_PIN_H
#define PODNS_NS_PIN_H

#include "ns/nsfs.h"

/* What is found at a pin's path. */
enum pin_state {
	PIN_ABSENT, /* nothing */
	PIN_EMPTY,  /* a mount point as we, pinns and ip-netns(8) make it: an empty file of our uid,
			 * mode 0. Who made it is unknown. In another mount namespace a namespace may
			 * be mounted on it, which unlink(2) here would unmount there */
	PIN_THERE,  /* a namespace of the type */
};

/*
 * Open <root>/<brief>ns, created (mode 0755) if make: open_own_dir(). -1 with e->num ENOENT if it is
 * absent and make is false.
 */
int pin_dir_open(int root_fd, const char *root, enum ns_type type, bool make, struct error *e);

/*
 * Make <root>/<brief>ns a mount point with the propagation that pins of this type need
 * (ns_info.dir_propagation): netns is shared, as ip-netns(8) expects, mntns is unbindable. dir_fd is
 * closed, on failure too; the returned descriptor, which may be on the new mount, replaces it.
 */
int pin_dir_mount(int dir_fd, int root_fd, const char *root, enum ns_type type, struct error *e);

/*
 * Look at the pin `name` in the directory. With PIN_THERE, *fd is open on the namespace (fd may be
 * NULL) and *id is set. A file that is none of these three is an error ("/run/netns/web is not a
 * network namespace"). path is for messages.
 */
int pin_look(int dir_fd, const char *name, const char *path, enum ns_type type,
	     enum pin_state *state, int *fd, struct ns_id *id, struct error *e);

/*
 * Bind ns_fd, which must be a namespace of `type`, at `name`. The mount point is created (mode 0, as
 * ip-netns(8) and pinns do), and is removed after a failure. If there is a file already, that is an error with
 * num EEXIST. With any_file an empty regular file is used as it is, but never a pin. *made says
 * whether there is a mount point that was created here: after a failure too, if it could not be removed.
 */
int ns_bind(int ns_fd, enum ns_type type, int dir_fd, const char *name, const char *path,
	    bool any_file, bool *made, struct error *e);

/*
 * Remove the pin: umount2(MNT_DETACH | UMOUNT_NOFOLLOW), at most 16 mounts on top of each other, then
 * unlink. Only mounts of the namespace `id` are removed (ino 0: any). It is no error if the pin is
 * gone, or if another namespace is mounted in its place.
 */
int pin_remove(int dir_fd, const char *name, const char *path, enum ns_type type, struct ns_id id,
	       struct error *e);

/* Unmount the pin once and keep its file: undoes ns_bind() on a file that existed before. */
int pin_unmount(int dir_fd, const char *name, const char *path, struct error *e);

#endif
