/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What edit.c, undo.c and revert.c share: the record of an edit.
 *
 * An edit is a list of changes, each of one span of the original, in the
 * order of the document, and one more change that puts our annotations in. All
 * offsets are the original's, so the undo never has to describe itself: where
 * it stands in the edited document is seen there, and its form tells what was
 * written around it.
 */
#ifndef PODNS_OCI_CHANGE_H
#define PODNS_OCI_CHANGE_H

#include "oci/config.h"

enum place {
	PLACE_NS,		/* linux.namespaces[T].path */
	PLACE_HOSTNAME,
	PLACE_DOMAINNAME,
	PLACE_ENV,		/* one of the HOSTNAME= strings in process.env, as a whole */
	PLACE_SHM,		/* the whole mount object */
	PLACE_SHM_SOURCE,	/* the source of a bind mount */
	PLACE_CLAIM,		/* the value of an io.podns.claim that was there */
};

struct change {
	enum place place;
	uint32_t index;		/* PLACE_NS: the type; PLACE_ENV: which of them, from 0 */
	uint32_t at;		/* in the original */
	const char *old;	/* the bytes that stood there; none: a member was added */
	uint32_t old_len;
	const char *value;	/* what we put there, decoded */
};

/* How our annotations were put in; the letter stands in the undo. */
enum form {
	FORM_FIRST = 'm',	/* before the first member of the annotations */
	FORM_EMPTY = 'e',	/* into annotations that had none */
	FORM_NULL = 'n',	/* as an object in place of null */
	FORM_OBJECT = 'a',	/* as an object, the first member of the root */
	FORM_ROOT = 'r',	/* as an object, the only member of the root */
};

struct undo {
	struct change *changes;
	size_t count;
	enum form form;
	uint32_t at;		/* where our annotations were put in, in the original */
	const char *claim;	/* the claim that we added beside the undo, or NULL */
	const char *owner;	/* who made the edit, or NULL; not read back */
	uint64_t sum;		/* of the original */
	uint32_t len;		/* of the original */
};

/* A check sum against accidents and careless hands, not against attack. */
uint64_t undo_sum(const char *bytes, size_t n);

/* Append what a change puts in its place. Returns 0, or -1 with errno as json_quote(). */
int change_text(const struct change *change, struct buf *b);

/* What stands before the key and behind the value of io.podns.undo. As change_text(). */
int undo_prefix(const struct undo *undo, struct buf *b);
int undo_suffix(const struct undo *undo, struct buf *b);
#define UNDO_KEY "\"" ANNOTATION_UNDO "\":"

/* Our annotations take the place of this many bytes of the original. */
size_t undo_old_len(const struct undo *undo);

/* Append the undo's text, the value of its annotation. As change_text(). */
int undo_write(const struct undo *undo, struct buf *b);

/*
 * Read the undo at node of c back, its strings in c's arena. Refuses one that undo_write()
 * cannot have written.
 */
int undo_read(struct config *c, uint32_t node, struct undo *undo, struct error *e);

/* Set *e to: the undo at node has been tampered with, and how that shows. Returns -1. */
int undo_tampered(const struct config *c, uint32_t node, struct error *e, const char *why);

#endif
