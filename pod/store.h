/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where everything is kept: <root>/podns.
 *
 *   <root>/podns/<pod>/record     what the pod owns and who is in it; the directory is its lock
 *   <root>/podns/<pod>/shm        its /dev/shm
 *   <root>/podns/@<hash>          symlink: which pod the container with this id and bundle is in
 *   <root>/podns/log              the last errors and warnings
 *   <bundles>/bundle@<hash>/copy  what the config.json of a bundle was: pod/original.h
 *
 * <bundles> is $(localstatedir)/lib/oci-podns for the root /run, so that it outlives a
 * boot, and <root>/podns for any other. A pod's name has no '@', so none of these collide;
 * the hash is of id and bundle, or of the bundle. A symlink is made and removed in one
 * system call, and finding a container's pod by it costs the same however many pods there
 * are.
 */
#ifndef PODNS_POD_STORE_H
#define PODNS_POD_STORE_H

#include <stdbool.h>

#include "base/file.h"
#include "ns/types.h"

/* What the directory of a pod's /dev/shm is called in the pod's own. */
#define STORE_SHM_DIR "shm"

struct store {
	char *root; /* absolute */
	int root_fd;
	int dir_fd;            /* <root>/podns; -1 while it does not exist */
	char *bundles;         /* path of <bundles> */
	int bundles_fd;        /* opened when first needed, else -1 */
	struct lock_wait wait; /* of all locks of pods and bundles that this run takes */
};

/* For a command that works on one pod after the other: each gets the whole wait. */
static inline void store_reset_wait(struct store *s)
{
	s->wait.until = 0;
}

#define STORE_NONE                                                                                 \
	{                                                                                          \
		.root_fd = -1, .dir_fd = -1, .bundles_fd = -1, .wait = {.seconds = LOCK_SECONDS }  \
	}

/*
 * Find and open the root: `root` where given (made absolute; made, mode 0755, where it is
 * absent and `make`); else /run where that belongs to our own uid 0; else /run/user/N
 * where N is what uid 0 is outside (rootless podman). Never from the environment. make:
 * also make <root>/podns. Close with store_close().
 */
int store_open(struct store *s, const char *root, bool make, struct error *e);
void store_close(struct store *s);
#define cleanup_store __attribute__((cleanup(store_close)))

/* "<root>/<brief>ns/<pod>", in the arena; NULL and e without memory. */
const char *store_pin_path(const struct store *s, struct arena *a, enum ns_type t, const char *pod,
			   struct error *e);
/* "<root>/podns/<pod>/shm" likewise. */
const char *store_shm_path(const struct store *s, struct arena *a, const char *pod,
			   struct error *e);

/*
 * Which pod is the container with this id and bundle in? Its name in *pod (caller frees),
 * NULL for none.
 */
int store_find(const struct store *s, const char *id, const char *bundle, char **pod,
	       struct error *e);
/* Say that it is in this pod; *made tells whether that was new. Or in none. */
int store_index(const struct store *s, const char *id, const char *bundle, const char *pod,
		bool *made, struct error *e);
int store_unindex(const struct store *s, const char *id, const char *bundle, const char *pod,
		  struct error *e);

/*
 * Open <bundles>, made if `make`. 0, or -1 (e->num ENOENT where it is absent and !make); the
 * descriptor is s->bundles_fd.
 */
int store_open_bundles(struct store *s, bool make, struct error *e);

/* "bundle@<hash>": what the directory of this bundle's copy is called in <bundles>. */
struct store_name {
	char s[32];
};
struct store_name store_bundle_name(const char *bundle);

/*
 * Call fn with the name of each directory of a copy in <bundles>; fn may remove it. Stops where fn
 * returns non-zero and returns that; -1 with e set where the list cannot be read.
 */
int store_each_bundle(struct store *s, int (*fn)(void *arg, const char *name, struct error *e),
		      void *arg, struct error *e);

/* Call fn for each pod that has a record directory, in no order. As store_each_bundle. */
int store_each_pod(const struct store *s, int (*fn)(void *arg, const char *pod, struct error *e),
		   void *arg, struct error *e);

/* Call fn for each index entry: the name of the symlink, and the pod that it points to. */
int store_each_index(const struct store *s,
		     int (*fn)(void *arg, const char *entry, const char *pod, struct error *e),
		     void *arg, struct error *e);

/* Is this the index entry of the container with this id and bundle? Remove an entry by its name. */
bool store_entry_is(const char *entry, const char *id, const char *bundle);
int store_drop_entry(const struct store *s, const char *entry, struct error *e);

#endif
