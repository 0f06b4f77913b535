/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/hook_path.h"

#include "base/beside.h"
#include "oci/config.h"

/* From the directory of this program: in the build tree, and below $(libexecdir). */
static const char *const places[] = { "/../hook/", "/../oci/hooks.d/" };

char *hook_path(struct error *e)
{
	char *found = program_beside(places, sizeof(places) / sizeof(*places), HOOK_PROGRAM);

	if (!found)
		found = program_in(PODNS_HOOKDIR, "/", HOOK_PROGRAM);
	if (found)
		return found;
	error_set(e, 0, "%s/" HOOK_PROGRAM " is missing or not executable", PODNS_HOOKDIR);
	error_hint(e, "the container's hooks need it; install oci-podns again");
	return NULL;
}
