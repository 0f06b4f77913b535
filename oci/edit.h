/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lossless edit of a config.json, and taking it back.
 *
 * An edit is a list of values at places that struct config knows. It is applied by exchanging the
 * spans of these values; no other byte is touched, and nothing in the document says that it was
 * edited. Whoever wants to take the edit back keeps both texts, the one before and the one after:
 * pod/original.h. A document is never a source of what is written into it.
 */
#ifndef PODNS_OCI_EDIT_H
#define PODNS_OCI_EDIT_H

#include "oci/config.h"

#define ANNOTATION_CLAIM "io.podns.claim"

/*
 * What shall be different. NULL: leave as it is. All strings are borrowed. "Only where" means that
 * the document is left alone elsewhere, which is no error.
 */
struct edit {
	const char
		*ns_path[NS_TYPES]; /* linux.namespaces[T].path, absolute; the entry must exist */
	const char *hostname;       /* added where absent */
	const char *domainname;     /* only where the config has one */
	const char *env_hostname;   /* the value of HOSTNAME=, in each that process.env has */
	const char *shm_source;     /* make the /dev/shm mount a bind of this; only where
					 * config.shm is a node. A bind mount keeps its options;
					 * another becomes one with bind, rprivate, nosuid, noexec
					 * and nodev */
	bool shm_read_only;         /* with ro as well, where it becomes one */
	const char *claim;          /* annotation io.podns.claim; one with another value is
					 * replaced */
};

/*
 * Apply an edit. Places that hold the wanted value already are no change; *changed says whether
 * any was made, and *out (an empty buf) is then the whole new document; else it is left empty.
 * Refused: a namespace path for a type that has no entry, a value that is not UTF-8, a claim in
 * place of one that is no string or there twice, a result larger than CONFIG_SIZE_MAX.
 */
int edit_apply(struct config *c, const struct edit *edit, bool *changed, struct buf *out,
	       struct error *e);

/* The texts that an edit was made from and that it made. */
struct edit_texts {
	const char *before, *after;
	size_t before_len, after_len;
};

enum revert_how {
	REVERT_NOTHING, /* nothing of the edit is left in it; out is empty */
	REVERT_EXACT,   /* out is the text before, byte for byte */
	REVERT_VALUES,  /* somebody else edited the document too: value by value */
};

/*
 * Take an edit out of the document `now` (len bytes) into *out (an empty buf): a merge of three
 * texts. Where now is the text after the edit, out is the text before it. Otherwise each place that
 * still holds the value that the edit put there gets the value back that it had before, or is
 * removed if it had none; every other byte stays, but for the comma and space beside a member that
 * is removed. The HOSTNAME= strings are told apart by their order. On failure (a text that
 * config_parse() refuses, no memory) *out is empty.
 */
int edit_revert(const struct edit_texts *texts, const char *now, size_t len, struct buf *out,
		enum revert_how *how, struct error *e);

/*
 * Take out of c what points to the pins of a pod, where no text from before the edit is known: each
 * namespace path that is ns_path[T], a /dev/shm mount whose source is shm_source (it becomes the
 * tmpfs that `runc spec` writes), and any claim; one that is no string or there twice is refused.
 * *changed and *out as for edit_apply().
 */
int edit_remove_pins(struct config *c, const char *const ns_path[NS_TYPES], const char *shm_source,
		     bool *changed, struct buf *out, struct error *e);

#endif
