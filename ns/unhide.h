/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repair of pins that a later mount over their directory hides.
 *
 * If that is a bind mount of the directory over itself, as older versions of ip-netns(8) made without
 * the mounts below, it is unmounted, and pins in it are pinned again in the directory beneath: while
 * it is there, the kernel refuses to unlink mount points beneath it (EBUSY). If another file system
 * hides the pins, they are opened in a temporary mount namespace without it, and pinned again on it.
 */
#ifndef PODNS_NS_UNHIDE_H
#define PODNS_NS_UNHIDE_H

#include "ns/mounts.h"

struct hidden_pin {
	const char *name;
	struct ns_id id;
};

/*
 * Make n pins of one type visible in <root>/<brief>ns. It is no error if some are not found, so the
 * caller checks again. Returns -1, with a hint, if the mount that hides them must not be removed.
 */
int pins_unhide(int root_fd, const char *root, enum ns_type type, const struct hidden_pin *pins,
		size_t n, struct error *e);

#endif
