/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: the files of all pods of one root.
 *
 *   <root>/podns/<pod>/record     what the pod owns and who is in it; the directory is its lock
 *   <root>/podns/<pod>/shm        its /dev/shm
 *   <root>/podns/@<hash>          index entry: a symlink to the name of a container's pod
 *   <root>/podns/log              the last errors and warnings
 *   <bundles>/bundle@<hash>/copy  a bundle's original config.json: pod/original.h
 *
 * <bundles> is $(localstatedir)/lib/oci-podns for the root /run, so that it survives a reboot, and
 * <root>/podns for other roots. A pod's name contains no '@', so none of these collide. The hash of an
 * index entry is of the container's id and bundle, or of what a claim has instead of a bundle
 * (pod/record.h); that of a copy is of the bundle. Index entries are
 * symlinks because one system call makes, reads or removes one, and because finding a container's pod
 * costs the same however many pods there are.
 */
#ifndef PODNS_POD_STORE_H
#define PODNS_POD_STORE_H

#include <stdbool.h>

#include "base/file.h"
#include "ns/types.h"
#include "pod/name.h"
#include "pod/network.h"

/* The name of the directory <root>/podns/<pod>/shm. */
#define STORE_SHM_DIR "shm"

struct store {
	char *root; /* absolute */
	int root_fd;
	int dir_fd;                     /* <root>/podns; -1 while it does not exist */
	char *bundles;                  /* path of <bundles> */
	int bundles_fd;                 /* opened when first needed, else -1 */
	struct network_client *network; /* borrowed; NULL: no network can be attached or detached */
	struct lock_wait wait;          /* for all locks of pods and bundles that this run takes */
};

/* A command that works on many pods calls this before each, which then gets the whole wait. */
static inline void store_reset_wait(struct store *s)
{
	s->wait.until = 0;
}

#define STORE_NONE                                                                                 \
	{                                                                                          \
		.root_fd = -1, .dir_fd = -1, .bundles_fd = -1, .wait = {.seconds = LOCK_SECONDS }  \
	}

/*
 * Find and open the root: `root` if not NULL (made absolute); else /run if that belongs to our own
 * uid 0; else /run/user/N, where N is uid 0 outside our user namespace (rootless podman). The
 * environment does not count: podman runs the stages with different ones. With make, a given root
 * (mode 0755) and <root>/podns are created where absent. -1 with e->num ENOENT where a given root does
 * not exist. Close with store_close().
 */
int store_open(struct store *s, const char *root, bool make, struct error *e);
void store_close(struct store *s);
#define cleanup_store __attribute__((cleanup(store_close)))

/* The directory that an ordinary user's pods are under by default. The caller frees it; NULL: no memory. */
char *store_user_root(uint64_t uid);

/* The uid outside our user namespace of its uid 0, which in rootless podman is the user's: user_namespaces(7). */
int store_outer_uid(uint64_t *uid, struct error *e);

/*
 * Find the name of the pod that a person means by `given`: that name, if anything is recorded or pinned under it; else the
 * one recorded name that is an engine's id and begins with it (pod_id_begins_with()); else `given` again. -1 if several begin
 * with it, or if it is no name at all.
 */
struct pod_name {
	char s[POD_NAME_MAX + 1];
};
int store_full_name(const struct store *s, const char *given, struct pod_name *name,
		    struct error *e);

/* "<root>/<brief>ns/<pod>", in the arena; NULL and e without memory. */
const char *store_pin_path(const struct store *s, struct arena *a, enum ns_type t, const char *pod,
			   struct error *e);
/* "<root>/podns/<pod>/shm" likewise. */
const char *store_shm_path(const struct store *s, struct arena *a, const char *pod,
			   struct error *e);

/* Find the pod of the container with this id and bundle: *pod (caller frees), NULL for none. */
int store_find(const struct store *s, const char *id, const char *bundle, char **pod,
	       struct error *e);
/*
 * Make the index entry of a container, replacing one that leads to another pod: *made is false where
 * it led to this pod already. Remove it, if it leads to this pod.
 */
int store_index(const struct store *s, const char *id, const char *bundle, const char *pod,
		bool *made, struct error *e);
int store_unindex(const struct store *s, const char *id, const char *bundle, const char *pod,
		  struct error *e);

/* Open <bundles>, created if `make`: s->bundles_fd, which stays -1 where it does not exist. */
int store_open_bundles(struct store *s, bool make, struct error *e);

/* "bundle@<hash>", the directory of this bundle's copy in <bundles>. */
struct store_name {
	char s[32];
};
struct store_name store_bundle_name(const char *bundle);

/*
 * Call fn with what pick() returns for the name of each file in <bundles>, in no order; NULL: it is left out. fn
 * may remove the file. A non-zero result of fn ends the walk and is returned. -1 with e set where the
 * directory cannot be read.
 */
int store_each_in_bundles(struct store *s, const char *(*pick)(const char *entry),
			  int (*fn)(void *arg, const char *picked, struct error *e), void *arg,
			  struct error *e);

/* The same for the directories of copies, with their names. */
int store_each_bundle(struct store *s, int (*fn)(void *arg, const char *name, struct error *e),
		      void *arg, struct error *e);

/* Call fn for each pod that has a directory here, in no order. As store_each_bundle(). */
int store_each_pod(const struct store *s, int (*fn)(void *arg, const char *pod, struct error *e),
		   void *arg, struct error *e);

/*
 * Call fn for each index entry: the name of the symlink, and its target cut to 255 bytes, more than a
 * pod's name has. As store_each_bundle().
 */
int store_each_index(const struct store *s,
		     int (*fn)(void *arg, const char *entry, const char *pod, struct error *e),
		     void *arg, struct error *e);

/* Is this the index entry of the container with this id and bundle? */
bool store_entry_is(const char *entry, const char *id, const char *bundle);
/* Remove an index entry; that it is gone already is no error. */
int store_drop_entry(const struct store *s, const char *entry, struct error *e);

#endif
