/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/engine.h"

#include <string.h>

bool plan_is_engine_id(const char *text)
{
	return strlen(text) == PLAN_ID_DIGITS && strspn(text, "0123456789abcdef") == PLAN_ID_DIGITS;
}

/* Cut the last component of the first *len bytes of the path, if it is this one. */
static bool cut_component(const char *path, size_t *len, const char *name)
{
	size_t n = strlen(name);

	if (*len <= n || path[*len - n - 1] != '/' || memcmp(path + *len - n, name, n))
		return false;
	*len -= n + 1;
	return true;
}

static bool ends_in_id(const char *path, size_t len)
{
	const char *id = path + len - PLAN_ID_DIGITS;

	return len > PLAN_ID_DIGITS && id[-1] == '/' &&
	       strspn(id, "0123456789abcdef") == PLAN_ID_DIGITS;
}

enum engine_file plan_engine_file(const char *source, const char *name)
{
	size_t len = source ? strlen(source) : 0;
	bool userdata;

	if (!source || !cut_component(source, &len, name))
		return ENGINE_FILE_NONE;
	userdata = cut_component(source, &len, "userdata");
	if (!ends_in_id(source, len))
		return ENGINE_FILE_NONE;
	return userdata ? ENGINE_FILE_PODMAN : ENGINE_FILE_OTHER;
}

/* The length of the path before its last component and the slash; *component is the rest. */
static size_t split_last(const char *path, size_t len, const char **component)
{
	size_t at = len;

	while (at && path[at - 1] != '/')
		at--;
	*component = path + at;
	return at ? at - 1 : 0;
}

static bool begins_with(const char *s, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len > n && !memcmp(s, prefix, n);
}

static bool ends_with(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !memcmp(s + len - n, suffix, n);
}

struct bundle_place plan_engine_bundle(const char *bundle, const char *id)
{
	struct bundle_place place = { BUNDLE_UNKNOWN, NULL, 0 };
	size_t len = strlen(bundle), before;
	bool userdata = cut_component(bundle, &len, "userdata");
	const char *component;

	if (*bundle != '/' || !*id || !cut_component(bundle, &len, id))
		return place;
	before = split_last(bundle, len, &component);
	if (userdata) {
		if (plan_is_engine_id(id) && ends_with(component, len - before - 1, "-containers"))
			place = (struct bundle_place){ BUNDLE_STORAGE, bundle, len };
		return place;
	}
	place.part = component;
	place.len = (size_t)(bundle + len - component);
	len = before;
	before = split_last(bundle, len, &component);
	if (place.len &&
	    begins_with(component, (size_t)(bundle + len - component), "io.containerd.runtime."))
		place.kind = BUNDLE_CONTAINERD;
	return place;
}

bool plan_engine_name_is_plain(const char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_.+:/@-";
	size_t n = strlen(name);

	return n > 0 && n <= 255 && strspn(name, plain) == n && !strchr(".+-:/@", *name);
}

bool plan_engine_dir(const char *source, size_t *len)
{
	const char *name = source ? strrchr(source, '/') : NULL;

	if (!name)
		return false;
	*len = (size_t)(name - source);
	if (!cut_component(source, len, "userdata") || !ends_in_id(source, *len))
		return false;
	*len -= PLAN_ID_DIGITS + 1;
	return true;
}
