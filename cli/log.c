/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"

static const char help[] =
	"Usage: podns log [--root DIR]\n"
	"\n"
	"Prints the last errors and warnings of hook runs, which engines show nobody.\n";

static int print_log(struct cli *cli, int argc, char **argv, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	cleanup_buf struct buf text = { 0 };
	int r = cli_parse_flag(cli, argc, argv, NULL, NULL, 0, NULL, e);
	bool there;

	if (r != CLI_DONE)
		return r;
	if (cli_open_store(cli, &store, &there, e) < 0)
		return CLI_FAILED;
	if (store.dir_fd < 0)
		return CLI_DONE;
	if (read_file_at(store.dir_fd, LOG_KEPT_FILE, (size_t)16 * LOG_KEPT_BYTES, &text) < 0)
		return errno == ENOENT
			       ? CLI_DONE
			       : error_set(e, errno, "read %s/podns/" LOG_KEPT_FILE, store.root);
	fwrite(text.data, 1, text.len, stdout);
	return CLI_DONE;
}

const struct command cli_log = { "log", "show the errors and warnings of hook runs", help,
				 CLI_CONFINED, print_log };
