/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tmpfs at <record>/shm that is bind-mounted on /dev/shm in all containers of a pod.
 */
#ifndef PODNS_NS_SHM_H
#define PODNS_NS_SHM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Make the directory `name` in dir_fd and mount a tmpfs on it (nosuid, nodev, noexec, mode 1777). size
 * is in bytes; 0 is the kernel's default, half of the memory. label is an SELinux context that
 * plan_check_label() accepts, or NULL. A failure leaves neither mount nor directory.
 */
int shm_mount(int dir_fd, const char *name, const char *path, uint64_t size, const char *label,
	      struct error *e);

/* Unmount the tmpfs and remove the directory. It is no error if they are gone. */
int shm_unmount(int dir_fd, const char *name, const char *path, struct error *e);

/* Is a tmpfs mounted on it? */
bool shm_is_mounted(int dir_fd, const char *name);

/*
 * The size in bytes of the tmpfs at path; 0 if it has no limit. False if it cannot be read, or path is
 * not a directory (a symbolic link is none) on a tmpfs.
 */
bool shm_size_of(const char *path, uint64_t *size);

#endif
