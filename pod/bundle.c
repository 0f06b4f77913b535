/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/bundle.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
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

void bundle_unlock(struct bundle *b)
{
	original_close(&b->original);
}

void bundle_close(struct bundle *b)
{
	bundle_unlock(b);
	buf_free(&b->text);
	cleanup_closep(&b->fd);
	*b = (struct bundle)BUNDLE_NONE;
}

int bundle_lock(struct bundle *b, struct store *store, bool make, struct error *e)
{
	bundle_unlock(b);
	return original_open(&b->original, store, b->path, make, e);
}

int bundle_refresh(struct bundle *b, bool *again, struct error *e)
{
	*again = !bundle_config_is(b->fd, &b->st);
	return *again ? read_config(b, e) : 0;
}

/* The path of the open directory, without symbolic links. */
static int find_dir(const struct bundle *b, char path[PATH_MAX], struct original_dir *dir,
		    struct error *e)
{
	ssize_t n = readlink(fd_path(b->fd).text, path, PATH_MAX - 1);
	struct stat st;

	if (n < 0 || fstat(b->fd, &st) < 0)
		return error_set(e, errno, "find the directory of bundle %s", b->path);
	path[n] = '\0';
	*dir = (struct original_dir){ .path = path, .ino = st.st_ino };
	return 0;
}

int bundle_rewrite(struct bundle *b, const char *pod, const char *text, size_t len, struct error *e)
{
	const struct edit_texts texts = {
		.before = b->text.data,
		.before_len = b->text.len,
		.after = text,
		.after_len = len,
	};
	struct original_dir dir;
	char path[PATH_MAX];
	struct error why;

	if (find_dir(b, path, &dir, e) < 0 ||
	    original_save(&b->original, pod, b->path, &dir, &texts, e) < 0)
		return -1;
	if (bundle_write_config(b->fd, b->path, &b->st, text, len, e) == 0)
		return 0;
	if (original_drop(&b->original, &why) < 0)
		log_error(LOG_LEVEL_WARN, &why);
	return -1;
}

/* --- revert -------------------------------------------------------------------------- */

/* Is it the directory whose config.json was rewritten? */
static bool is_edited_dir(int fd, const struct original *o)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == o->dir.ino;
}

static int revert_config(struct bundle *b, const struct edit_texts *texts, enum revert_how *how,
			 struct error *e)
{
	cleanup_buf struct buf out = { 0 };

	bundle_remove_temporary(b->fd);
	if (edit_revert(texts, b->text.data, b->text.len, &out, how, e) < 0)
		return error_prefix(e, "%s", b->path);
	if (*how == REVERT_NOTHING)
		return 0;
	return bundle_write_config(b->fd, b->path, &b->st, out.data, out.len, e);
}

/*
 * The bundle's path leads to another directory now. If the edited directory is still at the path that
 * it had without symbolic links, it is reverted. Otherwise this one is, but only if its config.json is
 * exactly the text after the edit, as in a bundle restored from a backup. With any other text it may
 * be an unrelated bundle, whose author chose the values.
 */
static int revert_elsewhere(struct bundle *b, enum revert_how *how, struct error *e)
{
	const struct original *o = &b->original;
	cleanup_bundle struct bundle real = BUNDLE_NONE;
	struct error ignored;

	if (bundle_load(&real, o->dir.path, &ignored) == 0 && is_edited_dir(real.fd, o))
		return revert_config(&real, &o->texts, how, e);
	if (b->text.len != o->texts.after_len || memcmp(b->text.data, o->texts.after, b->text.len))
		return 0;
	return revert_config(b, &o->texts, how, e);
}

int bundle_revert(struct bundle *b, enum revert_how *how, struct error *e)
{
	enum revert_how done;

	if (!how)
		how = &done;
	*how = REVERT_NOTHING;
	if (!b->original.there)
		return 0;
	if (read_config(b, e) < 0 ||
	    (is_edited_dir(b->fd, &b->original) ? revert_config(b, &b->original.texts, how, e)
						: revert_elsewhere(b, how, e)) < 0 ||
	    original_drop(&b->original, e) < 0)
		return -1;
	return *how == REVERT_NOTHING ? 0 : read_config(b, e);
}

/* Did opening the bundle or reading its config.json fail because there is none? */
static bool is_absent(const struct error *e)
{
	return e->num == ENOENT || e->num == ENOTDIR;
}

static int revert_at_end(struct bundle *b, enum revert_how *how, bool *absent, struct error *e)
{
	b->fd = bundle_open(b->path, e);
	if ((b->fd < 0 || read_config(b, e) < 0) && !is_absent(e))
		return -1;
	if (is_edited_dir(b->fd, &b->original)) {
		*absent = !b->text.len;
		return *absent ? 0 : revert_config(b, &b->original.texts, how, e);
	}
	*absent = b->fd < 0;
	return revert_elsewhere(b, how, e);
}

int bundle_end(struct store *store, const char *pod, const char *path, time_t patience,
	       enum revert_how *how, struct error *e)
{
	cleanup_bundle struct bundle b = BUNDLE_NONE;
	bool absent = false;
	struct error why;
	int r;

	*how = REVERT_NOTHING;
	b.path = path;
	if (bundle_lock(&b, store, false, e) < 0)
		return -1;
	if (!b.original.there || strcmp(b.original.pod, pod))
		return 0;
	r = revert_at_end(&b, how, &absent, e);
	if (r == 0 && absent && *how == REVERT_NOTHING &&
	    clock_seconds(CLOCK_REALTIME) - b.original.kept < patience)
		return 0;
	/* Errors of the document have no errno: trying again would not help. */
	if ((r == 0 || !e->num) && original_drop(&b.original, &why) < 0) {
		*e = why;
		return -1;
	}
	return r;
}
