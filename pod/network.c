/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/network.h"

#include <string.h>

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

int network_check_name(const char *name, struct error *e)
{
	size_t len = strlen(name);

	if (len && len <= NETWORK_NAME_MAX && strspn(name, ALNUM "_.-") == len &&
	    strspn(name, ALNUM) > 0)
		return 0;
	error_set(e, 0, "'%.100s' is not the name of a network", name);
	return error_hint(e, "1 to %d letters, digits, '_', '.' and '-', a letter or digit first",
			  NETWORK_NAME_MAX);
}
