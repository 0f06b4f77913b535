/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI state that a runtime passes to its hooks (runtime-spec runtime.md, "State"). Accepted are
 * those of runc and of old and new crun, and bundlePath, the name of bundle before version 1.0.
 */
#ifndef PODNS_OCI_STATE_H
#define PODNS_OCI_STATE_H

#include <sys/types.h>

#include "json/json.h"

#define STATE_SIZE_MAX ((size_t)1 << 20)

struct state {
	struct json doc;      /* state_annotation() reads it */
	const char *id;       /* 1 to 1024 bytes; no '/', not "." or ".." */
	const char *bundle;   /* absolute */
	const char *status;   /* NULL if absent */
	pid_t pid;            /* 0 if absent */
	uint32_t annotations; /* node, or JSON_NONE */
};

/*
 * Parse an OCI state. id and bundle or bundlePath are required (if both are there they must be
 * equal); status, pid and annotations are optional, and null counts as absent. A pid is 0 to 4194304,
 * the kernel's PID_MAX_LIMIT. text must outlive *s. On failure *s owns nothing.
 */
int state_parse(struct state *s, const char *text, size_t len, struct error *e);
void state_free(struct state *s);

#define cleanup_state __attribute__((cleanup(state_free)))

/* Set *value to the annotation `key` of the state, NULL if it is absent. */
int state_annotation(struct state *s, const char *key, const char **value, struct error *e);

/*
 * Is the document on standard input a state (with id and bundle or bundlePath) or a config (with
 * ociVersion and neither of these)? Anything else is refused.
 */
int document_is_state(const char *text, size_t len, bool *is_state, struct error *e);

#endif
