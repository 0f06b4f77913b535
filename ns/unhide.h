/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing back pins that a later mount over their directory hides.
 *
 * Where that is a bind mount of the directory over itself, as ip-netns(8) once made them
 * without what was mounted below, it is taken away, and pins that came after it are pinned
 * anew in the directory beneath: as long as it stays, the kernel refuses to unlink what is
 * mounted on beneath (EBUSY). Where another file system hides the pins, they are found in
 * a mount namespace of our own in which it is taken away, and pinned anew on it.
 */
#ifndef PODNS_NS_UNHIDE_H
#define PODNS_NS_UNHIDE_H

#include "ns/mounts.h"

struct hidden_pin {
	const char *name;
	struct ns_id id;
};

/*
 * Bring n pins of one type back to <root>/<brief>ns. Those that could not be found are
 * left alone: look again. -1 where the mount that hides them is none that we may take
 * away, with a hint.
 */
int pins_unhide(int root_fd, const char *root, enum ns_type type, const struct hidden_pin *pins,
		size_t n, struct error *e);

#endif
