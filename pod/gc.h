/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `podns gc` removes what is left where no hook reported that a container ended.
 *
 *   pins that a mount over their directory hides	are brought back
 *   members that are dead, claims that expired		are dropped
 *   pods without entrants, not held			are ended, unless a process is still inside
 *   networks of held pods whose namespace is gone	are detached
 *   index entries of containers in no pod		are removed
 *   bundles whose pod is gone				get their config.json back
 *   record directories that a killed run left		are removed
 *
 * A member counts until its process is dead, a claim until it expires. Everything is examined first
 * without a lock; before anything is changed it is examined again under the pod's lock, since hooks
 * run at the same time.
 */
#ifndef PODNS_POD_GC_H
#define PODNS_POD_GC_H

#include "pod/store.h"

enum gc_action { GC_DROP, GC_END, GC_KEEP, GC_PIN, GC_REMOVE, GC_REVERT };

struct gc_options {
	bool dry_run; /* change nothing, report what would be done */
	/* Called after each action; in a dry run, for each action that would be taken. */
	void (*report)(void *arg, enum gc_action action, const char *what);
	void *arg;
};

/* Goes on after a failure: -1 with the last error; the earlier ones are logged. */
int pod_gc(struct store *store, const struct gc_options *opt, struct error *e);

#endif
