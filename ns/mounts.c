/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

#define MOUNTINFO "/proc/self/mountinfo"
#define MOUNTINFO_MAX ((size_t)256 << 20)

/* Space, tab, newline and backslash are written as \ooo: proc(5). */
static void decode_escapes(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* "36 35 98:0 /root /point options optional... - fs source options" */
static bool parse_mount_line(char *line, struct mount_entry *x)
{
	char *field[5], *rest = line, *options, *bracket;

	for (size_t i = 0; i < 5; i++) {
		field[i] = strsep(&rest, " ");
		if (!rest)
			return false;
	}
	options = rest;
	rest = strstr(rest, " - ");
	if (!rest)
		return false;
	*rest = '\0';
	x->shared = strstr(options, " shared:");
	x->id = atoi(field[0]);
	x->parent = atoi(field[1]);
	x->dev = field[2];
	x->root = field[3];
	x->point = field[4];
	decode_escapes(field[3]);
	decode_escapes(field[4]);
	rest += 3;
	x->fs = strsep(&rest, " ");
	bracket = !strcmp(x->fs, "nsfs") ? strchr(x->root, '[') : NULL;
	x->ns_ino = bracket ? strtoul(bracket + 1, NULL, 10) : 0;
	return true;
}

static int compare_ns(const void *a, const void *b)
{
	const struct mount_entry *x = *(struct mount_entry *const *)a;
	const struct mount_entry *y = *(struct mount_entry *const *)b;

	return x->ns_ino < y->ns_ino ? -1 : x->ns_ino > y->ns_ino;
}

static int index_namespaces(struct mounts *m, struct error *e)
{
	m->by_ns = arena_alloc(&m->arena, (m->count + 1) * sizeof(struct mount_entry *));
	if (!m->by_ns)
		return error_nomem(e);
	for (size_t i = 0; i < m->count; i++)
		if (m->list[i].ns_ino)
			m->by_ns[m->ns_count++] = &m->list[i];
	if (m->ns_count)
		qsort(m->by_ns, m->ns_count, sizeof(struct mount_entry *), compare_ns);
	return 0;
}

int mounts_read(struct mounts *m, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	size_t lines = 0;
	char *all, *line;

	*m = (struct mounts){ 0 };
	if (read_file_at(AT_FDCWD, MOUNTINFO, MOUNTINFO_MAX, &text) < 0)
		return error_set(e, errno, "read " MOUNTINFO);
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	all = arena_strndup(&m->arena, text.data, text.len);
	m->list = arena_alloc(&m->arena, (lines + 1) * sizeof(*m->list));
	if (!all || !m->list) {
		mounts_free(m);
		return error_nomem(e);
	}
	while (m->count < lines && (line = strsep(&all, "\n")))
		if (parse_mount_line(line, &m->list[m->count]))
			m->count++;
		else
			lines--;
	if (index_namespaces(m, e) == 0)
		return 0;
	mounts_free(m);
	return -1;
}

void mounts_free(struct mounts *m)
{
	arena_free(&m->arena);
	*m = (struct mounts){ 0 };
}

bool mounts_has_pin(const struct mounts *m, struct ns_id id, const char *path)
{
	size_t low = 0, high = m->ns_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (m->by_ns[middle]->ns_ino < id.ino)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < m->ns_count && m->by_ns[low]->ns_ino == id.ino; low++)
		if (!strcmp(m->by_ns[low]->point, path))
			return true;
	return false;
}

/* Is another mount on top of x, at the same mount point? */
static bool is_covered(const struct mounts *m, const struct mount_entry *x)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->list[i].parent == x->id && m->list[i].id != x->id &&
		    !strcmp(m->list[i].point, x->point))
			return true;
	return false;
}

const struct mount_entry *mounts_top(const struct mounts *m, const char *path)
{
	for (size_t i = m->count; i-- > 0;)
		if (!strcmp(m->list[i].point, path) && !is_covered(m, &m->list[i]))
			return &m->list[i];
	return NULL;
}

/* The rest of path below the directory dir; NULL if it is not below. */
static const char *path_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (!strcmp(dir, "/"))
		return path;
	return !strncmp(path, dir, n) && (path[n] == '/' || !path[n]) ? path + n : NULL;
}

const struct mount_entry *mounts_of_path(const struct mounts *m, const char *path)
{
	const struct mount_entry *best = NULL;

	for (size_t i = 0; i < m->count; i++) {
		const struct mount_entry *x = &m->list[i];

		if (path_below(path, x->point) && !is_covered(m, x) &&
		    (!best || strlen(x->point) >= strlen(best->point)))
			best = x;
	}
	return best;
}

static const struct mount_entry *find_mount(const struct mounts *m, int id)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->list[i].id == id)
			return &m->list[i];
	return NULL;
}

bool mounts_hides_itself(const struct mounts *m, const struct mount_entry *x)
{
	const struct mount_entry *under = find_mount(m, x->parent);
	const char *rest, *inside;

	if (!under || strcmp(under->dev, x->dev))
		return false;
	rest = path_below(x->point, under->point);
	inside = path_below(x->root, under->root);
	return rest && inside && !strcmp(*rest ? rest : "/", *inside ? inside : "/");
}
