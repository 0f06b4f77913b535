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

/* One extent: `size` ids from `container` are ids from `host` outside. */
struct id_map {
	uint32_t container, host, size;
};

/* The kernel takes at most 340 extents: user_namespaces(7). */
#define ID_MAP_MAX 340

struct id_maps {
	struct id_map *map; /* borrowed, or in an arena */
	size_t count;
};

/* Do both map the same ids? The order of extents does not matter, nor how a run of ids is cut. */
bool id_maps_equal(const struct id_maps *a, const struct id_maps *b);

/* The text that /proc/PID/uid_map takes: a line an extent. */
int id_maps_text(const struct id_maps *m, struct buf *out, struct error *e);

/* Parse what /proc/PID/uid_map shows. */
int id_maps_parse(const char *text, struct arena *a, struct id_maps *m, struct error *e);

/*
 * Parse what a command line takes: "CONTAINER:HOST:SIZE,..." as podman has it, or
 * "CONTAINER-HOST-SIZE@..." as pinns does. A separator at the end is allowed, for CRI-O
 * writes one. At least one extent, at most ID_MAP_MAX, each of size 1 or more and with ids
 * below 2^32 - 1 alone.
 */
int id_maps_parse_list(const char *text, struct arena *a, struct id_maps *m, struct error *e);

#endif
