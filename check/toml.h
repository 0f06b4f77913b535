/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of TOML (toml.io, 1.0.0) that is needed to find a string or a list of strings in
 * containers.conf(5) and crio.conf(5).
 */
#ifndef PODNS_CHECK_TOML_H
#define PODNS_CHECK_TOML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

struct toml_list {
	const char **items; /* in the arena */
	size_t count;
	bool found;  /* the key is there, even if its list is empty */
	bool append; /* the list has {append=true}: containers.conf(5) since podman 4.8 */
};

/*
 * Find the value of `key` in [table]: a string or an array of strings. Any other value of the key is
 * an error, with its line number. The rest of the text is skipped without a check of its syntax.
 */
int toml_find(const char *text, const char *table, const char *key, struct arena *a,
	      struct toml_list *list, struct error *e);

#endif
