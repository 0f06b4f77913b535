/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lossless edit of a config.json and its undo.
 *
 * An edit is a list of changes, each at a place that struct config knows. It is applied by
 * splicing bytes; no other byte is touched. The edited document carries, in its annotation
 * io.podns.undo, what is needed to get the original back: a check sum of the original, and for
 * each splice the offset, the bytes that stood there, the name of the place and the value that we
 * put there.
 *
 * Reverting is exact (byte for byte, proved by the check sum) where nobody else edited the
 * document; where somebody did (podman parses it and writes it anew) it is done value by value: a
 * place that still holds what we wrote gets its old value back, any other is left alone.
 *
 * The undo begins with a check sum over itself. One that does not match, or does not parse, or
 * names a place or value that no edit of ours makes, has been tampered with and is refused. So is
 * one that would make of the document what config_parse() refuses.
 *
 * edit.c makes an edit, undo.c knows the undo's text, revert.c takes an edit back.
 */
#ifndef PODNS_OCI_EDIT_H
#define PODNS_OCI_EDIT_H

#include "oci/config.h"

#define ANNOTATION_UNDO "io.podns.undo"
#define ANNOTATION_CLAIM "io.podns.claim"

/*
 * What shall be different. NULL: leave as it is. All strings are borrowed. "Only where" means that
 * the document is left alone elsewhere, which is no error.
 */
struct edit {
	const char *ns_path[NS_TYPES];	/* linux.namespaces[T].path, absolute; the entry must exist */
	const char *hostname;		/* added where absent */
	const char *domainname;		/* only where the config has one */
	const char *env_hostname;	/* the value behind HOSTNAME=, in each that process.env has */
	const char *shm_source;		/* make the /dev/shm mount a bind of this; only where
					 * config.shm is a node. A bind mount keeps its options;
					 * another becomes one with bind, rprivate, nosuid, noexec
					 * and nodev */
	const char *claim;		/* annotation io.podns.claim; one with another value is
					 * replaced */
	const char *owner;		/* changes nothing: for edit_is_by(), in the undo */
};

/*
 * Apply an edit. Places that hold the wanted value already are no change; *changed tells whether
 * any was made, and *out (an empty buf) is then the whole new document, its undo included; else
 * it is left empty, and an undo that the document carries stays. Refused: a second edit of a
 * document that carries an undo (e->num is then EINVAL: revert first), a namespace path for a
 * type that has no entry, a value that is not UTF-8, a result larger than CONFIG_SIZE_MAX.
 */
int edit_apply(struct config *c, const struct edit *edit, bool *changed, struct buf *out,
	       struct error *e);

enum revert_how {
	REVERT_NOTHING,		/* no io.podns.undo in it; out is left empty */
	REVERT_EXACT,		/* out is the original, byte for byte */
	REVERT_VALUES,		/* somebody else edited it: value by value */
};

/*
 * Was the edit that this undo, the annotation's value, takes back made with this owner? Returns 0,
 * or -1 without memory.
 */
int edit_is_by(const char *undo, const char *owner, bool *is, struct error *e);

/*
 * Revert the document that c was parsed from into *out (an empty buf), the annotations of ours
 * taken out. Refuses an undo that was tampered with. On failure *out is empty.
 */
int edit_revert(struct config *c, struct buf *out, enum revert_how *how, struct error *e);

#endif
