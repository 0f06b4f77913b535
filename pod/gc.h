/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sweeping what no hook reports any more: `podns gc`.
 *
 *   pins that a mount over their directory hides	are brought back
 *   members that are dead, claims that expired		are dropped
 *   pods with nobody left, not held			are ended, unless a process is still inside
 *   index entries of containers in no pod		are removed
 *   bundles whose pod is gone				get their config.json back
 *   records and mount points that a killed run left	are removed
 *
 * What decides is whether processes live; a claim alone has a time limit. Everything is
 * looked at first without a lock; what is then found to be done is looked at once more
 * under the pod's lock, since hooks run meanwhile.
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

/* Goes on after a failure; errors before the last are logged, and -1 is returned for the last. */
int pod_gc(struct store *store, const struct gc_options *opt, struct error *e);

#endif
