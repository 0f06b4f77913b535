/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/pins.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

void pins_close(struct pins *p)
{
	for (int t = 0; t < NS_TYPES; t++) {
		cleanup_closep(&p->dir[t]);
		free(p->path[t]);
	}
	*p = (struct pins)PINS_NONE;
}

const char *pins_path(struct pins *p, enum ns_type t, struct error *e)
{
	if (!p->path[t])
		p->path[t] = concat(p->root, "/", ns_info[t].brief, "ns/", p->name, NULL);
	if (!p->path[t])
		error_nomem(e);
	return p->path[t];
}

int pins_open_dir(struct pins *p, enum ns_type t, bool make, struct error *e)
{
	if (p->dir[t] < 0)
		p->dir[t] = pin_dir_open(p->root_fd, p->root, t, make, e);
	return p->dir[t] < 0 && (make || e->num != ENOENT) ? -1 : 0;
}

int pins_bind(struct pins *p, enum ns_type t, int ns_fd, bool *made, struct error *e)
{
	const char *path = pins_path(p, t, e);

	*made = false;
	if (!path || pins_open_dir(p, t, true, e) < 0)
		return -1;
	p->dir[t] = pin_dir_mount(p->dir[t], p->root_fd, p->root, t, e);
	if (p->dir[t] < 0)
		return -1;
	return ns_bind(ns_fd, t, p->dir[t], p->name, path, p->use_files, made, e);
}

int pins_remove(struct pins *p, enum ns_type t, struct ns_id id, struct error *e)
{
	const char *path = pins_path(p, t, e);

	if (!path || pins_open_dir(p, t, false, e) < 0)
		return -1;
	return p->dir[t] < 0 ? 0 : pin_remove(p->dir[t], p->name, path, t, id, e);
}

int pins_unmount(struct pins *p, enum ns_type t, struct error *e)
{
	const char *path = pins_path(p, t, e);

	return path ? pin_unmount(p->dir[t], p->name, path, e) : -1;
}
