/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file has a line with the version; a line with the inode of the bundle's directory and the
 * lengths of what follows; a line each with the pod, the bundle's path and the directory's path; the
 * text before the edit; the text after it.
 */
#include "pod/original.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "pod/name.h"

#define COPY ORIGINAL_COPY
#define VERSION "podns-original 1\n"
#define COPY_MAX (2 * CONFIG_SIZE_MAX + 16384)
#define NUMBERS 6

static int damaged(const struct original *o, struct error *e)
{
	error_set(e, 0, "%s/" COPY " is not a copy of a config.json that we made", o->path);
	return error_hint(e, "if nothing needs it, remove %s", o->path);
}

/* Cut off a line of `len` bytes; NULL where the newline is not right after them. */
static char *cut_line(char **rest, const char *end, uint64_t len)
{
	char *s = *rest;

	if ((uint64_t)(end - s) <= len || s[len] != '\n' || memchr(s, '\0', (size_t)len))
		return NULL;
	s[len] = '\0';
	*rest = s + len + 1;
	return s;
}

static bool read_numbers(char *line, uint64_t n[NUMBERS])
{
	for (int i = 0; i < NUMBERS; i++) {
		char *number = strsep(&line, " ");

		if (!number || !parse_u64(number, i ? COPY_MAX : UINT64_MAX, &n[i]))
			return false;
	}
	return !line;
}

static bool parse_copy(struct original *o)
{
	char *rest = o->file.data, *end = rest + o->file.len, *line;
	uint64_t n[NUMBERS];
	struct error ignored;

	if (strncmp(rest, VERSION, strlen(VERSION)))
		return false;
	rest += strlen(VERSION);
	line = strchr(rest, '\n');
	line = line ? cut_line(&rest, end, (uint64_t)(line - rest)) : NULL;
	if (!line || !read_numbers(line, n))
		return false;
	o->dir.ino = n[0];
	o->pod = cut_line(&rest, end, n[1]);
	o->bundle = o->pod ? cut_line(&rest, end, n[2]) : NULL;
	o->dir.path = o->bundle ? cut_line(&rest, end, n[3]) : NULL;
	if (!o->dir.path || *o->bundle != '/' || *o->dir.path != '/' ||
	    pod_check_name(o->pod, &ignored) < 0 || !n[4] || !n[5] ||
	    (uint64_t)(end - rest) != n[4] + n[5])
		return false;
	o->texts = (struct edit_texts){
		.before = rest,
		.before_len = (size_t)n[4],
		.after = rest + n[4],
		.after_len = (size_t)n[5],
	};
	return true;
}

static int load_copy(struct original *o, struct error *e)
{
	struct stat st;

	if (read_file_at(o->fd, COPY, COPY_MAX, &o->file) < 0)
		return errno == ENOENT ? 0 : error_set(e, errno, "read %s/" COPY, o->path);
	if (!parse_copy(o))
		return damaged(o, e);
	if (fstatat(o->fd, COPY, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(e, errno, "stat %s/" COPY, o->path);
	o->kept = st.st_mtim.tv_sec;
	o->there = true;
	return 0;
}

static int lock_dir(struct original *o, bool make, struct error *e)
{
	struct store *s = o->store;

	if (store_open_bundles(s, make, e) < 0)
		return -1;
	if (s->bundles_fd < 0)
		return 0;
	o->fd = lock_own_dir(s->bundles_fd, o->name.s, make ? 0700 : 0, o->path, &s->wait, e);
	return o->fd < 0 && (make || e->num != ENOENT) ? -1 : 0;
}

/* A copy that cannot be accessed counts as one, so that the directory stays. */
static bool may_have_copy(const struct original *o)
{
	struct stat st;

	return fstatat(o->fd, COPY, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int open_name(struct original *o, struct store *store, const char *name, bool make,
		     struct error *e)
{
	int r;

	*o = (struct original)ORIGINAL_NONE;
	o->store = store;
	concat_in(o->name.s, sizeof(o->name.s), name, NULL);
	o->path = concat(store->bundles, "/", name, NULL);
	if (!o->path)
		return error_nomem(e);
	r = lock_dir(o, make, e);
	if (r == 0 && o->fd >= 0)
		r = load_copy(o, e);
	if (r == 0 && o->fd >= 0)
		return 0;
	/* A copy that cannot be read stays, so that root can inspect it. */
	o->there = o->fd >= 0 && may_have_copy(o);
	original_close(o);
	return r;
}

int original_open(struct original *o, struct store *store, const char *bundle, bool make,
		  struct error *e)
{
	if (open_name(o, store, store_bundle_name(bundle).s, make, e) < 0)
		return -1;
	if (!o->there || (o->bundle && !strcmp(o->bundle, bundle)))
		return 0;
	/* The hash is not cryptographic: somebody may choose a path that collides with another. */
	error_set(e, 0, "%s holds the copy of another bundle, %s", o->path, o->bundle);
	original_close(o);
	return -1;
}

int original_open_name(struct original *o, struct store *store, const char *name, struct error *e)
{
	return open_name(o, store, name, false, e);
}

void original_close(struct original *o)
{
	/* Not while another run fills the directory: we hold the lock. */
	if (o->fd >= 0 && !o->there &&
	    remove_own_dir(o->store->bundles_fd, o->name.s, o->fd, "." COPY ".new") < 0)
		log_warn("remove %s: %s", o->path, strerror(errno));
	cleanup_closep(&o->fd);
	buf_free(&o->file);
	free(o->path);
	*o = (struct original)ORIGINAL_NONE;
}

int original_save(struct original *o, const char *pod, const char *bundle,
		  const struct original_dir *dir, const struct edit_texts *texts, struct error *e)
{
	cleanup_buf struct buf text = { 0 };

	if (buf_reserve(&text, texts->before_len + texts->after_len + 256) < 0 ||
	    buf_concat(&text, VERSION, decimal(dir->ino).text, " ", decimal(strlen(pod)).text, " ",
		       decimal(strlen(bundle)).text, " ", decimal(strlen(dir->path)).text, " ",
		       decimal(texts->before_len).text, " ", decimal(texts->after_len).text, "\n",
		       pod, "\n", bundle, "\n", dir->path, "\n", NULL) < 0 ||
	    buf_add(&text, texts->before, texts->before_len) < 0 ||
	    buf_add(&text, texts->after, texts->after_len) < 0)
		return error_nomem(e);
	/* The directory of the copy may be new: its entry must survive a power cut, too. */
	if (replace_file_at(o->fd, COPY, text.data, text.len, true) < 0 ||
	    sync_dir(o->store->bundles_fd) < 0) {
		error_set(e, errno, "write %s/" COPY, o->path);
		unlinkat(o->fd, COPY, 0);
		o->there = false;
		return -1;
	}
	buf_free(&o->file);
	o->file = text;
	text = (struct buf){ 0 };
	o->there = true;
	return parse_copy(o) ? 0 : damaged(o, e);
}

int original_drop(struct original *o, struct error *e)
{
	if (o->fd >= 0 && unlinkat(o->fd, COPY, 0) < 0 && errno != ENOENT)
		return error_set(e, errno, "remove %s/" COPY, o->path);
	o->there = false;
	return 0;
}
