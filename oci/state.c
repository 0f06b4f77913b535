/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/state.h"

#include <string.h>

#define ID_MAX 1024
#define PID_MAX_LIMIT 4194304 /* include/linux/threads.h, 64-bit */

static bool is_one_of(const char *key, size_t key_len, const char *const *names)
{
	for (; *names; names++)
		if (json_key_folds(key, key_len, *names))
			return true;
	return false;
}

static bool want_of_state(const struct json *doc, uint32_t parent, unsigned depth, const char *key,
			  size_t key_len)
{
	static const char *const names[] = { "id",  "bundle",      "bundlePath", "status",
					     "pid", "annotations", NULL };

	if (depth == 1)
		return is_one_of(key, key_len, names);
	return depth == 2 && json_key_is(doc, parent, "annotations");
}

static int check_id(const struct state *s, uint32_t node, struct error *e)
{
	size_t len = strlen(s->id);

	if (len < 1 || len > ID_MAX)
		return json_error(&s->doc, node, e, "is not 1 to %d bytes long", ID_MAX);
	if (strchr(s->id, '/') || !strcmp(s->id, ".") || !strcmp(s->id, ".."))
		return json_error(&s->doc, node, e, "cannot be a file name");
	return 0;
}

static int read_id(struct state *s, struct error *e)
{
	uint32_t node;

	if (json_member_string(&s->doc, 0, "id", &s->id, &node, e) < 0)
		return -1;
	return s->id ? check_id(s, node, e) : json_error(&s->doc, 0, e, "has no id");
}

static int read_bundle_path(struct state *s, const char *name, const char **path, struct error *e)
{
	uint32_t node;

	if (json_member_string(&s->doc, 0, name, path, &node, e) < 0)
		return -1;
	if (*path && **path != '/')
		return json_error(&s->doc, node, e, "is not an absolute path");
	return 0;
}

/* Before 1.0 of the specification it was called bundlePath. */
static int read_bundle(struct state *s, struct error *e)
{
	const char *old;

	if (read_bundle_path(s, "bundle", &s->bundle, e) < 0 ||
	    read_bundle_path(s, "bundlePath", &old, e) < 0)
		return -1;
	if (s->bundle && old && strcmp(s->bundle, old))
		return json_error(&s->doc, 0, e, "bundle and bundlePath differ");
	if (!s->bundle)
		s->bundle = old;
	return s->bundle ? 0 : json_error(&s->doc, 0, e, "has no bundle");
}

static int read_optional(struct state *s, struct error *e)
{
	uint64_t pid = 0;
	uint32_t node;

	if (json_member_string(&s->doc, 0, "status", &s->status, NULL, e) < 0 ||
	    json_member_of(&s->doc, 0, "pid", JSON_NUMBER, &node, e) < 0)
		return -1;
	if (node != JSON_NONE && json_u64(&s->doc, node, PID_MAX_LIMIT, &pid, e) < 0)
		return -1;
	s->pid = (pid_t)pid;
	return json_member_of(&s->doc, 0, "annotations", JSON_OBJECT, &s->annotations, e);
}

int state_parse(struct state *s, const char *text, size_t len, struct error *e)
{
	*s = (struct state){ .annotations = JSON_NONE };
	if (len > STATE_SIZE_MAX)
		return error_set(e, 0, "state: larger than %zu bytes", STATE_SIZE_MAX);
	if (json_parse(&s->doc, "state", text, len, want_of_state, NULL, e) < 0)
		return -1;
	if (read_id(s, e) == 0 && read_bundle(s, e) == 0 && read_optional(s, e) == 0)
		return 0;
	state_free(s);
	return -1;
}

void state_free(struct state *s)
{
	json_free(&s->doc);
}

int state_annotation(struct state *s, const char *key, const char **value, struct error *e)
{
	uint32_t node;

	*value = NULL;
	if (s->annotations == JSON_NONE)
		return 0;
	if (json_map_member(&s->doc, s->annotations, key, &node, e) < 0)
		return -1;
	return node == JSON_NONE ? 0 : json_string(&s->doc, node, value, e);
}

static const char *const telltales[] = { "id", "bundle", "bundlePath", "ociVersion", NULL };

static bool want_of_either(const struct json *doc, uint32_t parent, unsigned depth, const char *key,
			   size_t key_len)
{
	(void)doc;
	(void)parent;
	return depth == 1 && is_one_of(key, key_len, telltales);
}

int document_is_state(const char *text, size_t len, bool *is_state, struct error *e)
{
	cleanup_json struct json doc = { 0 };
	bool has_id, has_bundle;
	uint32_t node[4];

	if (json_parse(&doc, "standard input", text, len, want_of_either, NULL, e) < 0)
		return -1;
	for (int i = 0; telltales[i]; i++)
		if (json_member(&doc, 0, telltales[i], &node[i], e) < 0)
			return -1;
	has_id = node[0] != JSON_NONE;
	has_bundle = node[1] != JSON_NONE || node[2] != JSON_NONE;
	*is_state = has_id && has_bundle;
	if (*is_state || (!has_id && !has_bundle && node[3] != JSON_NONE))
		return 0;
	return error_set(e, 0,
			 "standard input: neither an OCI state (id and bundle) nor "
			 "an OCI config (ociVersion)");
}
