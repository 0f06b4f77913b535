/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The versions of the CNI specification that are known here. Version 0.3.0 occurs only in results:
 * it is the same as 0.3.1.
 */
#ifndef PODNS_NET_VERSION_H
#define PODNS_NET_VERSION_H

#include <stdbool.h>

enum cni_version { CNI_0_3_0, CNI_0_3_1, CNI_0_4_0, CNI_1_0_0, CNI_1_1_0, CNI_VERSIONS };
extern const char *const cni_version_name[CNI_VERSIONS];

/* A set of versions is a mask of these bits. */
#define CNI_BIT(version) (1U << (version))

/* Set *version to the one of that name; false if it is unknown here. */
bool cni_version_parse(const char *name, enum cni_version *version);

/* The highest version of a set, which is not empty. */
enum cni_version cni_version_highest(unsigned set);

#endif
