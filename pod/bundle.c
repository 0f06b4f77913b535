/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/bundle.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "oci/edit.h"
#include "oci/file.h"
#include "pod/name.h"

int bundle_undo_is_for(const char *undo, const char *root, const char *pod, bool *is,
		       struct error *e)
{
	cleanup_free char *owner = pod_path(root, pod);

	return owner ? edit_is_by(undo, owner, is, e) : error_nomem(e);
}

/* Take the edit back, in memory. *how is REVERT_NOTHING where it is not one for this pod. */
static int revert_text(struct config *c, const char *root, const char *pod, struct buf *out,
		       enum revert_how *how, struct error *e)
{
	const char *undo;
	bool ours = false;

	*how = REVERT_NOTHING;
	if (config_annotation(c, ANNOTATION_UNDO, &undo, NULL, e) < 0)
		return -1;
	if (!undo)
		return 0;
	if (bundle_undo_is_for(undo, root, pod, &ours, e) < 0)
		return -1;
	return ours ? edit_revert(c, out, how, e) : 0;
}

int bundle_revert(const char *root, const char *pod, const char *bundle,
		  enum bundle_reverted *how, struct error *e)
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
	if (fd < 0)
		return e->num == ENOENT || e->num == ENOTDIR ? 0 : -1;
	if (bundle_lock(fd, bundle, e) < 0)
		return -1;
	bundle_remove_temporary(fd);
	if (bundle_read_config(fd, bundle, &text, &st, e) < 0)
		return e->num == ENOENT ? 0 : -1;
	if (config_parse(&config, "config.json", text.data, text.len, e) < 0)
		return error_prefix(e, "%s", bundle);
	r = revert_text(&config, root, pod, &out, &found, e);
	config_free(&config);
	if (r < 0)
		return error_prefix(e, "%s", bundle);
	if (found == REVERT_NOTHING)
		return 0;
	if (how)
		*how = BUNDLE_REVERTED;
	return bundle_write_config(fd, bundle, &st, out.data, out.len, e);
}
