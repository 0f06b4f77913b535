/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people call a container: the engine that made it, and its name there. A record knows the id and the bundle; the
 * rest is in files that engines write for themselves. They belong to root, or in rootless podman to the user, and a name is
 * never taken from what an image's author can write.
 *
 * Names are for people to read. If one cannot be found, for whatever reason, nothing fails.
 */
#ifndef PODNS_CLI_NAMES_H
#define PODNS_CLI_NAMES_H

#include "base/buf.h"
#include "pod/record.h"

/* All zero is an empty one. It keeps what it has read, so one is enough for all containers of a command. */
struct names {
	struct arena arena;
	struct storage *storages;
};

struct container_name {
	const char *
		engine; /* "podman", "cri-o", "docker", "containerd", "nerdctl"; NULL: unknown, as runc's by hand */
	const char *name;  /* NULL: nothing tells */
	const char *shown; /* the name; else the beginning of an engine's id; else the id */
};

void names_free(struct names *n);
#define cleanup_names __attribute__((cleanup(names_free)))

/* Find the name of a member; the strings are in the arena or x's own. `shown` may have any byte that an id has. */
struct container_name names_find(struct names *n, const struct entrant *x);

/*
 * Append the names of those members that `is_one` accepts (NULL: all): "www, client (podman), c1". Returns as buf_add().
 */
int names_add_members(struct names *n, const struct record *rec,
		      bool (*is_one)(const struct entrant *x), struct buf *out);

#endif
