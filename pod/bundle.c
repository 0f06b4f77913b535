/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/bundle.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "oci/file.h"

static int read_config(struct bundle *b, struct error *e)
{
	buf_free(&b->text);
	return bundle_read_config(b->fd, b->path, &b->text, &b->st, e);
}

int bundle_load(struct bundle *b, const char *path, struct error *e)
{
	*b = (struct bundle)BUNDLE_NONE;
	b->path = path;
	b->fd = bundle_open(path, e);
	return b->fd < 0 ? -1 : read_config(b, e);
}

void bundle_release(struct bundle *b)
{
	original_close(&b->original);
}

void bundle_close(struct bundle *b)
{
	bundle_release(b);
	buf_free(&b->text);
	cleanup_closep(&b->fd);
	*b = (struct bundle)BUNDLE_NONE;
}

int bundle_hold(struct bundle *b, struct store *store, bool make, struct error *e)
{
	bundle_release(b);
	return original_open(&b->original, store, b->path, make, e);
}

int bundle_refresh(struct bundle *b, bool *again, struct error *e)
{
	*again = !bundle_config_is(b->fd, &b->st);
	return *again ? read_config(b, e) : 0;
}

int bundle_rewrite(struct bundle *b, const char *pod, const char *text, size_t len,
		   struct error *e)
{
	const struct edit_texts texts = {
		.before = b->text.data, .before_len = b->text.len,
		.after = text, .after_len = len,
	};
	struct error why;

	if (original_save(&b->original, pod, b->path, &texts, e) < 0)
		return -1;
	if (bundle_write_config(b->fd, b->path, &b->st, text, len, e) == 0)
		return 0;
	if (original_drop(&b->original, &why) < 0)
		log_error(LOG_LEVEL_WARN, &why);
	return -1;
}

/* What is on disk now becomes what it was before the edit. Nothing is done where nothing of it is left. */
static int revert(struct bundle *b, enum revert_how *how, struct error *e)
{
	cleanup_buf struct buf out = { 0 };

	if (edit_revert(&b->original.texts, b->text.data, b->text.len, &out, how, e) < 0)
		return error_prefix(e, "%s", b->path);
	if (*how == REVERT_NOTHING)
		return 0;
	return bundle_write_config(b->fd, b->path, &b->st, out.data, out.len, e);
}

int bundle_give_back(struct bundle *b, enum revert_how *how, struct error *e)
{
	enum revert_how done;

	if (!how)
		how = &done;
	*how = REVERT_NOTHING;
	if (!b->original.there)
		return 0;
	if (read_config(b, e) < 0 || revert(b, how, e) < 0 || original_drop(&b->original, e) < 0)
		return -1;
	return *how == REVERT_NOTHING ? 0 : read_config(b, e);
}

static int end_held(struct bundle *b, enum revert_how *how, struct error *e)
{
	b->fd = bundle_open(b->path, e);
	if (b->fd < 0)
		return e->num == ENOENT || e->num == ENOTDIR ? 0 : -1;
	bundle_remove_temporary(b->fd);
	if (read_config(b, e) < 0)
		return e->num == ENOENT ? 0 : -1;
	return revert(b, how, e);
}

int bundle_end(struct store *store, const char *pod, const char *path, enum revert_how *how,
	       struct error *e)
{
	cleanup_bundle struct bundle b = BUNDLE_NONE;
	enum revert_how done;
	struct error why;
	int r;

	if (!how)
		how = &done;
	*how = REVERT_NOTHING;
	b.path = path;
	if (bundle_hold(&b, store, false, e) < 0)
		return -1;
	if (!b.original.there || strcmp(b.original.pod, pod))
		return 0;
	r = end_held(&b, how, e);
	/* An error without a number is about the document. */
	if ((r == 0 || !e->num) && original_drop(&b.original, &why) < 0) {
		*e = why;
		return -1;
	}
	return r;
}
