/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of TOML (toml.io, 1.0.0) as it takes to find a list of strings in
 * containers.conf(5) or crio.conf(5).
 */
#ifndef PODNS_CHECK_TOML_H
#define PODNS_CHECK_TOML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

struct toml_list {
	const char **items; /* count of them, in the arena */
	size_t count;
	bool found; /* the key is there, if with an empty list */
	bool append; /* {append=true} is among the items: containers.conf(5) of podman 4.8 and later */
};

/*
 * The value of `key` in [table]: a string or an array of strings. Everything else in the
 * text is skipped, well-formed or not; a value of another kind is an error, with the
 * number of its line.
 */
int toml_find(const char *text, const char *table, const char *key, struct arena *a,
	      struct toml_list *list, struct error *e);

#endif
