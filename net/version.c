/* SPDX-License-Identifier: Apache-2.0 */
#include "net/version.h"

#include <string.h>

const char *const cni_version_name[CNI_VERSIONS] = {
	[CNI_0_3_0] = "0.3.0", [CNI_0_3_1] = "0.3.1", [CNI_0_4_0] = "0.4.0",
	[CNI_1_0_0] = "1.0.0", [CNI_1_1_0] = "1.1.0",
};

bool cni_version_parse(const char *name, enum cni_version *version)
{
	for (unsigned v = 0; v < CNI_VERSIONS; v++) {
		if (strcmp(name, cni_version_name[v]) != 0)
			continue;
		*version = (enum cni_version)v;
		return true;
	}
	return false;
}

enum cni_version cni_version_highest(unsigned set)
{
	unsigned v = CNI_VERSIONS - 1;

	while (v && !(set & CNI_BIT(v)))
		v--;
	return (enum cni_version)v;
}
