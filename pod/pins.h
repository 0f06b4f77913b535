/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pins of one name below a root: <root>/<brief>ns/<name> for each type. A pod has a record of
 * its pins; those of pinns(1) have none.
 */
#ifndef PODNS_POD_PINS_H
#define PODNS_POD_PINS_H

#include "ns/pin.h"

struct pins {
	int root_fd;             /* borrowed */
	const char *root, *name; /* borrowed */
	bool use_files;          /* bind on existing empty files, which CRI-O makes for pinns */
	int dir[NS_TYPES];       /* <root>/<brief>ns; -1 until it is needed */
	char *path[NS_TYPES];    /* of each pin; NULL until it is needed */
};

#define PINS_NONE                                                                                  \
	{                                                                                          \
		.root_fd = -1, .dir = NS_FDS_NONE                                                  \
	}

void pins_close(struct pins *p);

/* "<root>/<brief>ns/<name>", valid until pins_close(); NULL and e without memory. */
const char *pins_path(struct pins *p, enum ns_type t, struct error *e);

/* Open p->dir[t]: pin_dir_open(). If it is absent and not made, the result is 0 and p->dir[t] is -1. */
int pins_open_dir(struct pins *p, enum ns_type t, bool make, struct error *e);

/* Pin the namespace ns_fd: pin_dir_mount(), ns_bind(). *made: its mount point was made here. */
int pins_bind(struct pins *p, enum ns_type t, int ns_fd, bool *made, struct error *e);

/* Unmount and remove the pin if it is of this namespace (ino 0: of any): pin_remove(). */
int pins_remove(struct pins *p, enum ns_type t, struct ns_id id, struct error *e);

/* Unmount the pin and keep its mount point: undoes pins_bind() where *made was false. */
int pins_unmount(struct pins *p, enum ns_type t, struct error *e);

#endif
