/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one pod that a command is about, looked at: what inspect, pids and exec have in common.
 */
#ifndef PODNS_CLI_ONE_H
#define PODNS_CLI_ONE_H

#include "cli/cli.h"
#include "pod/view.h"

struct one {
	struct store store;
	struct views views; /* of one pod: list[0] */
};

#define ONE_NONE                                                                                   \
	{                                                                                          \
		.store = STORE_NONE, .views = VIEWS_NONE                                           \
	}

int one_open(struct one *o, struct cli *cli, const char *name, struct error *e);
void one_close(struct one *o);
#define cleanup_one __attribute__((cleanup(one_close)))

#endif
