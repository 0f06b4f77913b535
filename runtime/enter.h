/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What oci-podns-runtime does for a container of a pod, before the real runtime is executed. A child does
 * it, which is confined before it reads config.json and ends before the runtime begins. The parent only
 * searches the bytes of config.json for the annotations that name pods; without one there is no child.
 */
#ifndef PODNS_RUNTIME_ENTER_H
#define PODNS_RUNTIME_ENTER_H

#include <stdbool.h>

#include "base/error.h"
#include "runtime/command.h"
#include "runtime/settings.h"

/* Borrowed. */
struct enter {
	const char *program; /* for messages */
	const char *real;    /* path of the real runtime */
	const struct command *command;
	struct settings *settings; /* a child changes its copy */
};

/*
 * Before create, run and restore: put the container into its pod, and edit config.json. *entered: a child
 * did that or found that there is nothing to do, so enter_undo() is needed if the runtime cannot be
 * executed. What the runtime itself will report, such as a missing config.json, is no error.
 */
int enter_pod(const struct enter *x, bool *entered, struct error *e);

/* Undo enter_pod(). Failures are logged. */
void enter_undo(const struct enter *x);

/* Before delete: drop the claim of a container that the runtime failed to create. Failures are logged. */
void enter_forget(const struct enter *x);

#endif
