/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI state, as a runtime gives it to its hooks (runtime-spec runtime.md "State"):
 * runc's, crun's old and pretty-printed ones, and bundlePath of runtimes older than 1.0.
 */
#ifndef PODNS_OCI_STATE_H
#define PODNS_OCI_STATE_H

#include <sys/types.h>

#include "json/json.h"

#define STATE_SIZE_MAX ((size_t)1 << 20)

struct state {
	struct json doc;      /* kept: annotations are looked up in it */
	const char *id;       /* 1 to 1024 bytes; no '/', not "." or ".." */
	const char *bundle;   /* absolute */
	const char *status;   /* NULL where absent */
	pid_t pid;            /* 0: none */
	uint32_t annotations; /* node, or JSON_NONE */
};

/*
 * Parse an OCI state. id and bundle (or bundlePath; both, and different, is refused) are
 * required; status, pid and annotations optional (null counts as absent). pid: 0 to 4194304 (the
 * kernel's PID_MAX_LIMIT). text must outlive *s. On failure *s owns nothing.
 */
int state_parse(struct state *s, const char *text, size_t len, struct error *e);
void state_free(struct state *s);

#define cleanup_state __attribute__((cleanup(state_free)))

/* The annotation `key` of the state, NULL in *value where absent. */
int state_annotation(struct state *s, const char *key, const char **value, struct error *e);

/*
 * What is on stdin? *is_state is true for an object with id and bundle or bundlePath, false for
 * one with ociVersion and neither of those; anything else is refused.
 */
int document_is_state(const char *text, size_t len, bool *is_state, struct error *e);

#endif
