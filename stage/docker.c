/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/docker.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define HOSTCONFIG "hostconfig.json"
#define HOSTCONFIG_MAX ((size_t)1 << 20)

/*
 * "<data-root>/containers/<id>/hostconfig.json", from a source like "<data-root>/containers/<id>/hosts".
 * NULL if this is no such source, or without memory.
 */
static char *hostconfig_path(struct arena *a, const char *source, const char *id)
{
	const char *file = strrchr(source, '/');
	size_t dir = file ? (size_t)(file - source) : 0, n = strlen(id);
	char *path;

	if (dir <= n || source[dir - n - 1] != '/' || memcmp(source + dir - n, id, n))
		return NULL;
	path = arena_strndup(a, source, dir);
	return path ? arena_concat(a, path, "/" HOSTCONFIG, NULL) : NULL;
}

/* Read NetworkMode of a hostconfig.json: *known is false if it cannot be read. */
static bool is_networked(const char *path, bool *known)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_json struct json doc = { 0 };
	const char *mode = NULL;
	struct error ignored;

	*known = read_file_at(AT_FDCWD, path, HOSTCONFIG_MAX, &text) == 0 &&
		 json_parse(&doc, HOSTCONFIG, text.data, text.len, NULL, NULL, &ignored) == 0 &&
		 doc.nodes[0].type == JSON_OBJECT &&
		 json_member_string(&doc, 0, "NetworkMode", &mode, NULL, &ignored) == 0 && mode;
	return *known && strcmp(mode, "none") != 0;
}

bool docker_brings_network(const struct config *c, const char *id)
{
	cleanup_arena struct arena arena = { 0 };

	for (int i = 0; i < CONFIG_ETC_FILES; i++) {
		const char *path = c->etc_source[i] ? hostconfig_path(&arena, c->etc_source[i], id)
						    : NULL;
		bool known = false, networked;

		networked = path && is_networked(path, &known);
		if (known)
			return networked;
	}
	return c->docker_hook;
}
