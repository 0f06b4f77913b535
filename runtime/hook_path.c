/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/hook_path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "oci/config.h"

/* From the directory of this program: in the build tree, and below $(libexecdir). */
static const char *const places[] = { "/../hook/", "/../oci/hooks.d/" };

/* The path without symbolic links and "..", or NULL if there is no program. */
static char *find_program(const char *dir, const char *place)
{
	cleanup_free char *path = concat(dir, place, HOOK_PROGRAM, NULL);

	return path && access(path, X_OK) == 0 ? realpath(path, NULL) : NULL;
}

char *hook_path(struct error *e)
{
	cleanup_free char *exe = realpath("/proc/self/exe", NULL);
	char *found = NULL;

	if (exe)
		*strrchr(exe, '/') = '\0';
	for (size_t i = 0; exe && !found && i < sizeof(places) / sizeof(*places); i++)
		found = find_program(exe, places[i]);
	if (!found)
		found = find_program(PODNS_HOOKDIR, "/");
	if (found)
		return found;
	error_set(e, 0, "%s/" HOOK_PROGRAM " is missing or not executable", PODNS_HOOKDIR);
	error_hint(e, "the container's hooks need it; install oci-podns again");
	return NULL;
}
