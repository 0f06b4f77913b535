/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/maps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int by_container(const void *a, const void *b)
{
	const struct id_map *x = a, *y = b;

	return x->container < y->container ? -1 : x->container > y->container;
}

/* Sort a copy by container ids and merge adjacent extents. Returns their number. */
static size_t normalise(const struct id_maps *m, struct id_map *out)
{
	size_t n = 0;

	memcpy(out, m->map, m->count * sizeof(*out));
	qsort(out, m->count, sizeof(*out), by_container);
	for (size_t i = 0; i < m->count; i++) {
		if (n && out[n - 1].container + out[n - 1].size == out[i].container &&
		    out[n - 1].host + out[n - 1].size == out[i].host)
			out[n - 1].size += out[i].size;
		else
			out[n++] = out[i];
	}
	return n;
}

bool id_maps_equal(const struct id_maps *a, const struct id_maps *b)
{
	struct id_map x[ID_MAP_MAX], y[ID_MAP_MAX];
	size_t n;

	if (a->count > ID_MAP_MAX || b->count > ID_MAP_MAX)
		return false;
	if (!a->count || !b->count)
		return a->count == b->count;
	n = normalise(a, x);
	return n == normalise(b, y) && !memcmp(x, y, n * sizeof(*x));
}

int id_maps_text(const struct id_maps *m, struct buf *out, struct error *e)
{
	for (size_t i = 0; i < m->count; i++)
		if (buf_concat(out, decimal(m->map[i].container).text, " ",
			       decimal(m->map[i].host).text, " ", decimal(m->map[i].size).text,
			       "\n", NULL) < 0)
			return error_nomem(e);
	return 0;
}

/* The kernel pads its columns with spaces, which strtoull(3) skips. */
static bool take_column(const char **text, uint32_t *value)
{
	unsigned long long v;
	char *end;

	v = strtoull(*text, &end, 10);
	if (end == *text || v > UINT32_MAX)
		return false;
	*text = end;
	*value = (uint32_t)v;
	return true;
}

int id_maps_parse(const char *text, struct arena *a, struct id_maps *m, struct error *e)
{
	struct id_map *map;
	size_t lines = 0;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	map = arena_alloc(a, (lines + 1) * sizeof(*map));
	if (!map)
		return error_nomem(e);
	*m = (struct id_maps){ map, 0 };
	for (; *text; text++, m->count++) {
		struct id_map *x = &map[m->count];

		if (m->count == lines || !take_column(&text, &x->container) ||
		    !take_column(&text, &x->host) || !take_column(&text, &x->size) || *text != '\n')
			return error_set(e, 0, "id mapping '%s' cannot be read", text);
	}
	return 0;
}

/* Read one id and, unless it is '\0', the separator after it; *p is advanced. */
static bool take_id(const char **p, char separator, uint32_t *id)
{
	uint64_t value = 0;
	const char *from = *p;

	for (; **p >= '0' && **p <= '9' && value < UINT32_MAX; (*p)++)
		value = value * 10 + (uint64_t)(**p - '0');
	/* (uid_t)-1 is not an id: setreuid(2). */
	if (*p == from || value >= UINT32_MAX || (separator && **p != separator))
		return false;
	*p += separator != '\0';
	*id = (uint32_t)value;
	return true;
}

static bool ids_fit(uint32_t first, uint32_t size)
{
	return size <= UINT32_MAX - first;
}

int id_maps_parse_list(const char *text, struct arena *a, struct id_maps *m, struct error *e)
{
	char within = strchr(text, ':') ? ':' : '-', after = within == ':' ? ',' : '@';
	struct id_map *map = arena_alloc(a, ID_MAP_MAX * sizeof(*map));
	const char *p = text;

	if (!map)
		return error_nomem(e);
	*m = (struct id_maps){ map, 0 };
	do {
		struct id_map *x = &map[m->count];

		if (m->count == ID_MAP_MAX)
			return error_set(e, 0, "more than %d id mappings", ID_MAP_MAX);
		if (!take_id(&p, within, &x->container) || !take_id(&p, within, &x->host) ||
		    !take_id(&p, '\0', &x->size) || (*p && *p != after)) {
			error_set(e, 0, "id mapping '%.200s' cannot be read", text);
			return error_hint(e,
					  "expected CONTAINER:HOST:SIZE, such as 0:100000:65536");
		}
		if (!x->size || !ids_fit(x->container, x->size) || !ids_fit(x->host, x->size))
			return error_set(e, 0,
					 "id mapping '%.200s' maps no ids, or ids beyond 2^32 - 2",
					 text);
		m->count++;
		p += *p != '\0';
	} while (*p);
	return 0;
}
