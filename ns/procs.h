/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes are in which namespaces. The kernel does not list them, so all of /proc is read,
 * once for all pods.
 */
#ifndef PODNS_NS_PROCS_H
#define PODNS_NS_PROCS_H

#include "ns/nsfs.h"

/*
 * Call fn for each process. in[] has its namespaces of the types in set (ino is 0 for the others):
 * those of its first thread, or of another one if that has ended. Zombies and processes that may not
 * be read are skipped. If fn returns non-zero, the walk stops and returns that; -1 with e set if /proc
 * cannot be read.
 */
int procs_walk(ns_set set,
	       int (*fn)(void *arg, pid_t pid, const struct ns_id in[NS_TYPES], struct error *e),
	       void *arg, struct error *e);

/* Is a process that may be read in this namespace? file is its name in /proc/PID/ns. */
int procs_find(const char *file, struct ns_id ns, bool *found, struct error *e);

#endif
