/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ID mappings of user namespaces: user_namespaces(7).
 */
#ifndef PODNS_NS_MAPS_H
#define PODNS_NS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* An extent: the `size` ids from `container` on are the ids from `host` on outside. */
struct id_map {
	uint32_t container, host, size;
};

/* The kernel takes at most 340 extents: user_namespaces(7). */
#define ID_MAP_MAX 340

struct id_maps {
	struct id_map *map; /* borrowed, or in an arena */
	size_t count;
};

/* Do both map the same ids, whatever the order of their extents and the ids at which these are split? */
bool id_maps_equal(const struct id_maps *a, const struct id_maps *b);

/* Append the text for /proc/PID/uid_map, one line per extent. */
int id_maps_text(const struct id_maps *m, struct buf *out, struct error *e);

/* Parse the text of /proc/PID/uid_map. */
int id_maps_parse(const char *text, struct arena *a, struct id_maps *m, struct error *e);

/*
 * Parse an option's value: "CONTAINER:HOST:SIZE,..." as in podman, or "CONTAINER-HOST-SIZE@..." as in
 * pinns, with an optional separator at the end, as CRI-O writes it. There must be 1 to ID_MAP_MAX
 * extents, each with a size of at least 1 and ids of at most 2^32 - 2.
 */
int id_maps_parse_list(const char *text, struct arena *a, struct id_maps *m, struct error *e);

#endif
