/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's /dev/shm: one tmpfs at <record>/shm.
 */
#ifndef PODNS_NS_SHM_H
#define PODNS_NS_SHM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Mount a tmpfs (nosuid, nodev, noexec, mode 1777) on the directory `name` of dir_fd,
 * which is made. size in bytes, 0: the kernel's default of half the memory. label: an
 * SELinux context (plan_check_label() has checked it) or NULL. Undone by itself on failure.
 */
int shm_mount(int dir_fd, const char *name, const char *path, uint64_t size, const char *label,
	      struct error *e);

/* Take the tmpfs and the directory away again. Gone already is no error. */
int shm_unmount(int dir_fd, const char *name, const char *path, struct error *e);

/* Is there a tmpfs mounted on it? */
bool shm_is_mounted(int dir_fd, const char *name);

/*
 * The size in bytes of the tmpfs at path, 0 for one without a limit. False where it cannot be read,
 * path is not a directory, a symlink say, or lies on another file system.
 */
bool shm_size_of(const char *path, uint64_t *size);

#endif
