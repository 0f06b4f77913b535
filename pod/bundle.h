/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_POD_BUNDLE_H
#define PODNS_POD_BUNDLE_H

#include <stdbool.h>

#include "base/error.h"

/* Is the undo (the annotation's value) one of an edit that was made for this pod? */
int bundle_undo_is_for(const char *undo, const char *root, const char *pod, bool *is,
		       struct error *e);

enum bundle_reverted {
	BUNDLE_REVERTED,	/* its config.json has its original entries back */
	BUNDLE_UNTOUCHED,	/* nothing of ours in it, or it is gone */
};

/*
 * Give the config.json of a bundle its original entries back, if it was rewritten for this
 * pod. One that is gone, carries no undo, or was rewritten for another pod since, is no
 * error. *how may be NULL.
 */
int bundle_revert(const char *root, const char *pod, const char *bundle,
		  enum bundle_reverted *how, struct error *e);

#endif
