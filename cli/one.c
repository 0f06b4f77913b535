/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/one.h"

#include <errno.h>

#include "base/log.h"

int one_open(struct one *o, struct cli *cli, const char *name, struct error *e)
{
	if (store_open(&o->store, cli->root, false, e) < 0 ||
	    views_begin(&o->views, &o->store, e) < 0)
		return -1;
	if (views_add(&o->views, name, e) == 0)
		return 0;
	if (e->num == ENOENT)
		error_set(e, 0, "there is no pod %s under %s", name, o->store.root);
	return -1;
}

void one_close(struct one *o)
{
	views_free(&o->views);
	store_close(&o->store);
}
