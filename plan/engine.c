/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/engine.h"

#include <string.h>

#define ID_DIGITS 64

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
	const char *id = path + len - ID_DIGITS;

	return len > ID_DIGITS && id[-1] == '/' && strspn(id, "0123456789abcdef") == ID_DIGITS;
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

bool plan_engine_dir(const char *source, size_t *len)
{
	const char *name = source ? strrchr(source, '/') : NULL;

	if (!name)
		return false;
	*len = (size_t)(name - source);
	if (!cut_component(source, len, "userdata") || !ends_in_id(source, *len))
		return false;
	*len -= ID_DIGITS + 1;
	return true;
}

bool plan_is_engine_id(const char *text)
{
	return strlen(text) == ID_DIGITS && strspn(text, "0123456789abcdef") == ID_DIGITS;
}
