/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lossless edits of a config.json, and their reversal.
 *
 * An edit is a list of values for members that struct config records. Only the spans of these values
 * are replaced, and the document does not say that it was edited. To reverse the edit, the caller
 * keeps the texts from before and after it (pod/original.h): a document is never trusted to say what
 * is to be written into it.
 */
#ifndef PODNS_OCI_EDIT_H
#define PODNS_OCI_EDIT_H

#include "oci/config.h"

#define ANNOTATION_CLAIM "io.podns.claim"

/* A hook of ours: runtime-spec config.md, "POSIX-platform Hooks". */
struct edit_hook {
	const char *path; /* absolute */
	const char *const
		*args;    /* options, between the program's name and the stage; ends with NULL */
	unsigned timeout; /* in seconds */
};

/* The wanted values; NULL leaves a member as it is. All strings are borrowed. */
struct edit {
	const char
		*ns_path[NS_TYPES]; /* linux.namespaces[T].path, absolute; the entry must exist */
	const char *hostname;       /* added where absent */
	const char *domainname;     /* ignored if the config has none */
	const char *env_hostname;   /* the value of each HOSTNAME= in process.env */
	const char *shm_source;     /* source of the /dev/shm mount; ignored if there is none. A
					 * bind mount keeps its options; any other mount becomes a
					 * bind with rprivate, nosuid, noexec and nodev */
	bool shm_read_only;         /* and with ro, if it becomes a bind mount */
	const char *etc_source[CONFIG_ETC_FILES]; /* source of the mount on each of these files; if
						   * there is none, a bind mount is added after all
						   * other mounts */
	const char *claim;                        /* annotation io.podns.claim */
	const struct edit_hook *hook; /* added to hooks.createRuntime and hooks.poststop, after the
				       * other hooks, for each stage that no hook of ours has yet */
};

/*
 * Apply an edit. *changed says whether a member had another value; *out (an empty buffer) is then the
 * whole new document, else it is left empty. Refused are a namespace path for a type that has no
 * entry, a value that is not UTF-8, a claim if the document has one that is not a string or repeated,
 * and a result larger than CONFIG_SIZE_MAX.
 */
int edit_apply(struct config *c, const struct edit *edit, bool *changed, struct buf *out,
	       struct error *e);

/* The document before and after an edit. */
struct edit_texts {
	const char *before, *after;
	size_t before_len, after_len;
};

enum revert_how {
	REVERT_NOTHING, /* nothing of the edit is left in the document; out is empty */
	REVERT_EXACT,   /* out is the text from before the edit */
	REVERT_VALUES,  /* the document was edited since; values were put back one by one */
};

/*
 * Reverse an edit in the document `now` (len bytes) by a three-way merge into *out (an empty buffer).
 * If now is the text from after the edit, out is the text from before it. Otherwise each member that
 * still has the value that the edit gave it gets its previous value back, or is removed with a comma
 * and white space if it had none; no other byte changes. A mount that was added is known by its source. HOSTNAME= strings are matched by their
 * order; our hook is removed if its path and args are those that the edit wrote. On failure (config_parse() refuses a text, no memory) *out is empty.
 */
int edit_revert(const struct edit_texts *texts, const char *now, size_t len, struct buf *out,
		enum revert_how *how, struct error *e);

/*
 * Remove what points to the pins of a pod, if the text from before the edit is not known: each
 * namespace path that equals ns_path[T], a /dev/shm mount with the source shm_source (it becomes the
 * tmpfs that `runc spec` writes), mounts on a file of config_etc_file whose source is in the directory
 * pod_dir, and any claim; a claim that is not a string or repeated is refused. Hooks of ours stay, because
 * a user may have written them.
 * *changed and *out as for edit_apply().
 */
int edit_remove_pins(struct config *c, const char *const ns_path[NS_TYPES], const char *shm_source,
		     const char *pod_dir, bool *changed, struct buf *out, struct error *e);

#endif
