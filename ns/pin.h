/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins: bind mounts of namespace files at <root>/<brief>ns/<pod>, the layout of
 * ip-netns(8) and pinns.
 *
 * Everything is relative to descriptors of directories that were checked when opened. A
 * mount point is held by an O_PATH descriptor while it is mounted on, so that nothing put
 * in its place meanwhile is ever mounted on. The one function that binds, ns_bind(), looks
 * at the descriptor that it binds with NS_GET_NSTYPE: whatever goes wrong above it, a pid
 * namespace is never pinned.
 */
#ifndef PODNS_NS_PIN_H
#define PODNS_NS_PIN_H

#include "ns/nsfs.h"

/* What stands at a pin's place. */
enum pin_state {
	PIN_ABSENT, /* nothing */
	PIN_EMPTY,  /* an empty file of our uid with mode 0, as we, pinns and ip-netns(8) make it
			 * to mount on. That does not say who made it: in another mount namespace
			 * something may be mounted on it, which unlink(2) takes away there */
	PIN_THERE,  /* a namespace of the type */
};

/*
 * Open <root>/<brief>ns, made (mode 0755) if make. A directory that is not ours or that
 * others may write to is refused. Returns a descriptor; -1 and e; or -1 with e->num ENOENT
 * where it is absent and !make.
 */
int pin_dir_open(int root_fd, const char *root, enum ns_type type, bool make, struct error *e);

/*
 * Make <root>/<brief>ns the kind of mount point that pins of this type need
 * (ns_info.dir_propagation): netns is shared as ip-netns(8) expects it, mntns unbindable.
 * dir_fd is of the directory before; the returned descriptor is of the directory to use
 * from now on (dir_fd is closed, also on failure).
 */
int pin_dir_mount(int dir_fd, int root_fd, const char *root, enum ns_type type, struct error *e);

/*
 * Look at the pin `name` in the directory. PIN_THERE: *fd is open on the namespace (fd may
 * be NULL) and *id is set. Something there that is neither a namespace of the type nor PIN_EMPTY is
 * an error ("/run/netns/web is not a network namespace"). path is for messages.
 */
int pin_look(int dir_fd, const char *name, const char *path, enum ns_type type,
	     enum pin_state *state, int *fd, struct ns_id *id, struct error *e);

/*
 * Bind ns_fd at `name`, whose mount point is made (mode 0, as ip-netns(8) and pinns do). Undone by
 * itself on failure. What is there already is an error with num EEXIST; any_file: unless it is an
 * empty regular file, which is then used as it is (pinns, whose caller makes it); *made (may be
 * NULL) says whether it was made here. A namespace that is there already is never mounted on. The
 * one place that binds: refuses anything but a namespace of `type`.
 */
int ns_bind(int ns_fd, enum ns_type type, int dir_fd, const char *name, const char *path,
	    bool any_file, bool *made, struct error *e);

/*
 * Remove the pin: umount2(MNT_DETACH | UMOUNT_NOFOLLOW), at most 16 layers of it, then unlink. Only
 * a mount of the namespace `id` is removed (ino 0: any). That it is gone, or that another namespace
 * is mounted in its place, is no error.
 */
int pin_remove(int dir_fd, const char *name, const char *path, enum ns_type type, struct ns_id id,
	       struct error *e);

/*
 * Take away the mount alone, one layer of it, and leave the file: what undoes ns_bind() on
 * a file that was there before.
 */
int pin_unmount(int dir_fd, const char *name, const char *path, struct error *e);

#endif
