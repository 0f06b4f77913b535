/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes are in which namespaces: one walk over /proc, however many pods are asked about.
 */
#ifndef PODNS_NS_PROCS_H
#define PODNS_NS_PROCS_H

#include "ns/nsfs.h"

/*
 * Call fn for each process whose namespaces can be read, its namespaces of the types in
 * set in `in` (the others have ino 0): those of its first thread, or of another where that has
 * ended. A zombie is left out, as are processes that we may not look at. Stops where fn returns non-zero and returns that; -1 with e set
 * where /proc cannot be read.
 */
int procs_walk(ns_set set,
	       int (*fn)(void *arg, pid_t pid, const struct ns_id in[NS_TYPES], struct error *e),
	       void *arg, struct error *e);

/*
 * Is any process in this namespace, as far as /proc shows? file: its name in /proc/PID/ns, "pid"
 * or "mnt".
 */
int procs_find(const char *file, struct ns_id ns, bool *found, struct error *e);

#endif
