/* SPDX-License-Identifier: Apache-2.0 */
#include "base/beside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

char *program_in(const char *dir, const char *place, const char *name)
{
	cleanup_free char *path = concat(dir, place, name, NULL);

	return path && access(path, X_OK) == 0 ? realpath(path, NULL) : NULL;
}

char *program_beside(const char *const *places, size_t n, const char *name)
{
	cleanup_free char *exe = realpath("/proc/self/exe", NULL);
	char *found = NULL;

	if (exe)
		*strrchr(exe, '/') = '\0';
	for (size_t i = 0; exe && !found && i < n; i++)
		found = program_in(exe, places[i], name);
	return found;
}
