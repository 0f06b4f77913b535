/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision: what is done with each of a container's namespaces.
 *
 * Pure functions, from the config's entries, the identities of namespaces and the pod's pins to a
 * verb for each type, so the whole table of DECISIONS in oci-podns-hook(1) is tested without root.
 */
#ifndef PODNS_PLAN_PLAN_H
#define PODNS_PLAN_PLAN_H

#include "ns/nsfs.h"

/* What is known of one type. An id with ino 0 means that there is none, or that it is unknown. */
struct plan_type {
	bool entry;              /* linux.namespaces has an entry of this type */
	const char *path;        /* its path; NULL where absent or empty */
	struct ns_id own;        /* the runtime's own namespace */
	struct ns_id at_path;    /* the namespace at path */
	struct ns_id path_owner; /* its owning user namespace */
	struct ns_id init;       /* the namespace of the container's process */
	struct ns_id init_owner;
	struct ns_id pin; /* the pod's pin */
	struct ns_id pin_owner;
};

enum plan_stage {
	PLAN_PRECREATE,      /* no container yet */
	PLAN_CREATE_RUNTIME, /* the runtime has made it */
};

struct plan_input {
	enum plan_stage stage;
	const char *pod;
	const char *root; /* for messages: pins are <root>/<brief>ns/<pod> */
	bool named;       /* by io.podns.pod, not by a CRI engine's sandbox */
	bool has_init;    /* createRuntime: the state names a process */
	bool has_maps;    /* the config or the pod's definition maps uids and gids */
	bool maps_known; /* the config and the pod's user namespace, or its definition, both have id
				* mappings */
	bool maps_equal; /* these are the same */
	bool time_offsets;     /* the config has linux.timeOffsets */
	bool restored;         /* from a checkpoint, by CRIU */
	bool brings_network;   /* the engine will move interfaces into its network namespace */
	const char *interface; /* one that is in the way in the pod's network namespace, or NULL;
				  * read only if brings_network */
	bool attached; /* the pod is attached to a network of its own, whose interface that is */
	ns_set types;  /* the pod types */
	struct plan_type type[NS_TYPES];
};

enum plan_verb {
	PLAN_LEAVE,      /* leave the entry as it is */
	PLAN_JOIN,       /* the pod has a pin: set path to it */
	PLAN_CREATE,     /* create, pin, set path */
	PLAN_ADOPT_PATH, /* pin the namespace at path, set path */
	PLAN_ADOPT_INIT, /* pin the namespace that the runtime gave the container, set path */
};

struct plan {
	enum plan_verb verb[NS_TYPES];
	ns_set shared;  /* the types whose verb is not PLAN_LEAVE */
	ns_set created; /* the types whose verb is PLAN_CREATE */
};

/* Decide. -1 where the container must not start: *e names the namespaces and the remedy. */
int plan_make(const struct plan_input *in, struct plan *plan, struct error *e);

#endif
