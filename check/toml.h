/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of TOML (toml.io, 1.0.0) that is needed to find a string or a list of strings in
 * containers.conf(5), crio.conf(5) and containerd-config.toml(5).
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

/* Is it one of the list's items? */
bool toml_list_has(const struct toml_list *list, const char *item);

/*
 * Called with the value at a path. any is the key that "*" stood for, in the arena, or NULL. Returns
 * 0, or -1 with *e set.
 */
typedef int (*toml_fn)(void *arg, const char *any, const struct toml_list *list, struct error *e);

/* The most keys that a path may have. */
#define TOML_PATH_MAX 8

/*
 * Call fn for each value at a path: the keys of its table and its own, up to NULL, whether the text
 * has them in a table's header, a dotted key or an inline table. The key "*" stands for any. A value
 * there that is neither a string nor an array of strings is an error, with its line number. The rest
 * of the text is skipped without a check of its syntax.
 */
int toml_each(const char *text, const char *const *path, struct arena *a, toml_fn fn, void *arg,
	      struct error *e);

/* Find the first value at a path. */
int toml_find(const char *text, const char *const *path, struct arena *a, struct toml_list *list,
	      struct error *e);

#endif
