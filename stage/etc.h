/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_STAGE_ETC_H
#define PODNS_STAGE_ETC_H

#include <sys/types.h>

#include "stage/container.h"

/* Of an /etc/hosts that is read. Lists of blocked hosts have some megabytes. */
#define HOSTS_MAX ((size_t)16 << 20)

/*
 * Decide what becomes of /etc/resolv.conf and /etc/hosts, if the container is to share a network of the pod's:
 * c->etc_source for the edit, and c->todo. After the network is decided on. The engine's /etc/hosts is read; if
 * that cannot be, a warning says so and the container keeps it.
 */
int etc_choose(struct container *c, struct error *e);

/* Fill in c->hosts, for the file with this key, but for the engine's text. */
void etc_fill_in_hosts(struct container *c, const char *key);

/* Does this user own files whose content the container may see? Root, ourselves and the container's root. */
bool etc_is_trusted(const struct container *c, uid_t uid);

/*
 * podman 5 writes /etc/hosts when the runtime has created the container, after all hooks, and then has it started.
 * So at createRuntime, if podman's file is empty, a process stays that waits until podman has written it, for at
 * most some seconds, and puts the pod's addresses into it. It holds no lock. A failure is logged.
 */
void etc_follow_podman(struct container *c);

/* Before an edit is reverted: c->etc_was_edited. */
void etc_reset(struct container *c);

#endif
