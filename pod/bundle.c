/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "oci/edit.h"
#include "oci/file.h"

/* Does the undo tell of a path to one of this pod's pins? */
static int names_pin(const char *undo, const char *root, const char *pod, struct error *e)
{
	cleanup_free char *path = NULL;
	bool found = false;

	for (int t = 0; t < NS_TYPES && !found; t++) {
		free(take_ptr(&path));
		if (asprintf(&path, "\"%s/%sns/%s\"", root, ns_info[t].brief, pod) < 0) {
			path = NULL;
			return error_nomem(e);
		}
		found = strstr(undo, path);
	}
	return found;
}

/* Take the edit back, in memory. *how is REVERT_NOTHING where it is not one for this pod. */
static int revert_text(struct config *c, const char *root, const char *pod, struct buf *out,
		       enum revert_how *how, struct error *e)
{
	const char *undo;
	int ours;

	*how = REVERT_NOTHING;
	if (config_annotation(c, ANNOTATION_UNDO, &undo, NULL, e) < 0)
		return -1;
	if (!undo)
		return 0;
	ours = names_pin(undo, root, pod, e);
	if (ours < 0)
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
	if (fd < 0 || bundle_read_config(fd, bundle, &text, &st, e) < 0)
		return e->num == ENOENT || e->num == ENOTDIR ? 0 : -1;
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
