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

/* Parse a hostconfig.json; false if it cannot be read. */
static bool read_hostconfig(const char *path, struct buf *text, struct json *doc)
{
	struct error ignored;

	return read_file_at(AT_FDCWD, path, HOSTCONFIG_MAX, text) == 0 &&
	       json_parse(doc, HOSTCONFIG, text->data, text->len, NULL, NULL, &ignored) == 0 &&
	       doc->nodes[0].type == JSON_OBJECT;
}

/* Find and parse it; false if there is none. */
static bool find_hostconfig(const struct config *c, const char *id, struct buf *text,
			    struct json *doc)
{
	cleanup_arena struct arena arena = { 0 };

	for (int i = 0; i < CONFIG_ETC_FILES; i++) {
		const char *source = c->etc[i].source;
		const char *path = source ? hostconfig_path(&arena, source, id) : NULL;

		if (path && read_hostconfig(path, text, doc))
			return true;
		json_free(doc);
		*doc = (struct json){ 0 };
		buf_free(text);
	}
	return false;
}

bool docker_brings_network(const struct config *c, const char *id)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_json struct json doc = { 0 };
	const char *mode = NULL;
	struct error ignored;

	if (find_hostconfig(c, id, &text, &doc) &&
	    json_member_string(&doc, 0, "NetworkMode", &mode, NULL, &ignored) == 0 && mode)
		return strcmp(mode, "none") != 0;
	return c->docker_hook;
}

bool docker_has_dns(const struct config *c, const char *id)
{
	static const char *const members[] = { "Dns", "DnsOptions", "DnsSearch" };
	cleanup_buf struct buf text = { 0 };
	cleanup_json struct json doc = { 0 };
	struct error ignored;
	uint32_t list;

	if (!find_hostconfig(c, id, &text, &doc))
		return true;
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (json_member_of(&doc, 0, members[i], JSON_ARRAY, &list, &ignored) < 0 ||
		    json_first(&doc, list) != JSON_NONE)
			return true;
	return false;
}
