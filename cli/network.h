/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_CLI_NETWORK_H
#define PODNS_CLI_NETWORK_H

#include "cli/cli.h"

/* podns network ls: returns what the command returns. */
int network_list(struct cli *cli, bool json, struct error *e);

#endif
