/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/bundle.h"

#include <errno.h>

#include "base/cleanup.h"
#include "oci/edit.h"
#include "oci/file.h"

int bundle_revert(const char *bundle, enum bundle_reverted *how, struct error *e)
{
	cleanup_buf struct buf text = { 0 }, out = { 0 };
	cleanup_close int fd = -1;
	struct config config;
	enum revert_how found;
	struct stat st;
	int r;

	if (how)
		*how = BUNDLE_UNTOUCHED;
	fd = bundle_open(bundle, e);
	if (fd < 0 || bundle_read_config(fd, bundle, &text, &st, e) < 0)
		return e->num == ENOENT || e->num == ENOTDIR ? 0 : -1;
	if (config_parse(&config, "config.json", text.data, text.len, e) < 0)
		return error_prefix(e, "%s", bundle);
	r = edit_revert(&config, &out, &found, e);
	config_free(&config);
	if (r < 0)
		return error_prefix(e, "%s", bundle);
	if (found == REVERT_NOTHING)
		return 0;
	if (how)
		*how = BUNDLE_REVERTED;
	return bundle_write_config(fd, bundle, &st, out.data, out.len, e);
}
