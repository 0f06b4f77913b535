/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of networks. */
#include "net/conflist.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/trust.h"

/* Names of files, or networks and the files that define them. */
struct names {
	const char **list;
	size_t count, cap;
};

static int add_name(struct names *n, const char *name, struct arena *a)
{
	size_t cap = n->cap ? 2 * n->cap : 16;
	const char **bigger;

	name = arena_strndup(a, name, strlen(name));
	if (name && n->count == n->cap) {
		bigger = arena_alloc(a, cap * sizeof(*bigger));
		if (!bigger)
			return -1;
		if (n->count)
			memcpy(bigger, n->list, n->count * sizeof(*bigger));
		n->list = bigger;
		n->cap = cap;
	}
	if (!name)
		return -1;
	n->list[n->count++] = name;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the files *.conflist, sorted. */
static int list_files(int dir, const char *path, struct arena *a, struct names *files,
		      struct error *e)
{
	cleanup_dir DIR *stream = open_dir_stream(dir, ".");
	struct dirent *entry;
	int r = 0;

	if (!stream)
		return error_set(e, errno, "read directory %s", path);
	while (r == 0 && (entry = read_entry(stream)))
		if (*entry->d_name != '.' && has_suffix(entry->d_name, CONFLIST_SUFFIX) &&
		    add_name(files, entry->d_name, a) < 0)
			r = error_nomem(e);
	if (r == 0 && errno)
		r = error_set(e, errno, "read directory %s", path);
	if (files->count)
		qsort(files->list, files->count, sizeof(*files->list), compare_names);
	return r;
}

static int read_conflist(struct conflist *c, int dir, const char *name, const char *path,
			 struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_close int fd = -1;
	struct stat st;

	fd = trust_open(dir, name, O_NONBLOCK, path, &st, e);
	if (fd < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return error_set(e, 0, "%s is not a regular file", path);
	if (read_all(fd, CONFLIST_SIZE_MAX, &text) < 0) {
		if (errno == EFBIG)
			return error_set(e, 0, "%s: larger than %zu bytes", path,
					 CONFLIST_SIZE_MAX);
		return error_set(e, errno, "read %s", path);
	}
	return conflist_parse(c, path, text.data, text.len, e);
}

/* A walk over the directory. */
struct walk {
	conflist_fn fn;
	void *arg;
	struct arena arena;
	struct names networks, paths; /* of the files so far */
};

/* Has an earlier file defined this network? Returns 1 and sets *why, 0, or -1 without memory. */
static int note_network(struct walk *w, const char *name, const char *path, struct error *why)
{
	for (size_t i = 0; i < w->networks.count; i++) {
		if (strcmp(w->networks.list[i], name) != 0)
			continue;
		error_set(why, 0, "network %s is in two files: %s and %s", name, w->paths.list[i],
			  path);
		error_hint(why, "remove one of them, or give it another name");
		return 1;
	}
	if (add_name(&w->networks, name, &w->arena) < 0 || add_name(&w->paths, path, &w->arena) < 0)
		return -1;
	return 0;
}

static int visit(struct walk *w, int dir, const char *name, const char *path, struct error *e)
{
	cleanup_conflist struct conflist c = { 0 };
	struct error why;
	int twice;

	if (read_conflist(&c, dir, name, path, &why) < 0 || !c.name)
		return w->fn(w->arg, path, NULL, &why, e);
	twice = note_network(w, c.name, path, &why);
	if (twice < 0)
		return error_nomem(e);
	return w->fn(w->arg, path, &c, twice ? &why : NULL, e);
}

int conflist_each(const char *dir, conflist_fn fn, void *arg, struct error *e)
{
	struct walk w = { .fn = fn, .arg = arg };
	struct names files = { 0 };
	cleanup_close int fd = trust_open(AT_FDCWD, dir, O_DIRECTORY, dir, NULL, e);
	int r = 0;

	if (fd < 0)
		return e->num == ENOENT ? 0 : -1;
	r = list_files(fd, dir, &w.arena, &files, e);
	for (size_t i = 0; r == 0 && i < files.count; i++) {
		cleanup_free char *path = concat(dir, "/", files.list[i], NULL);

		r = path ? visit(&w, fd, files.list[i], path, e) : error_nomem(e);
	}
	arena_free(&w.arena);
	return r;
}

/* The search for a network of this name. */
struct search {
	const char *name;
	struct conflist *found; /* empty: not found yet */
	struct buf others;      /* the names of other networks, separated by commas */
	struct error refused;   /* why the first file was refused; an empty text: none was */
};

static int look_at_file(void *arg, const char *path, struct conflist *c, const struct error *why,
			struct error *e)
{
	struct search *s = arg;

	(void)path;
	if (!c) {
		if (!*s->refused.text)
			s->refused = *why;
		return 0;
	}
	if (strcmp(c->name, s->name) != 0) {
		if (why || buf_concat(&s->others, s->others.len ? ", " : "", c->name, NULL) == 0)
			return 0;
		return error_nomem(e);
	}
	if (why) {
		*e = *why;
		return -1;
	}
	*s->found = *c;
	*c = (struct conflist){ 0 };
	return 0;
}

static int no_network(const struct search *s, const char *dir, struct error *e)
{
	error_set(e, 0,
		  "there is no network %.100s in %s/*" CONFLIST_SUFFIX " (networks there: %s)",
		  s->name, dir, s->others.len ? s->others.data : "none");
	e->num = ENOENT;
	if (*s->refused.text)
		return error_hint(e, "refused: %s", s->refused.text);
	return s->others.len ? -1 : error_hint(e, "an example is " CONFLIST_EXAMPLE);
}

int conflist_load(struct conflist *c, const char *dir, const char *name, struct error *e)
{
	struct search s = { .name = name, .found = c };
	int r;

	*c = (struct conflist){ 0 };
	r = conflist_each(dir, look_at_file, &s, e);
	if (r == 0 && !c->name)
		r = no_network(&s, dir, e);
	if (r < 0)
		conflist_free(c);
	buf_free(&s.others);
	return r;
}
