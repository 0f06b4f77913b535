/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision: what becomes of each of a container's namespaces.
 *
 * Pure functions, from what was read (the config's entries, the identities of namespaces,
 * the pod's pins) to a list of verbs. Nothing here opens, reads or changes anything, so
 * the whole table of DECISIONS in oci-podns-hook(1) is tested without root.
 */
#ifndef PODNS_PLAN_PLAN_H
#define PODNS_PLAN_PLAN_H

#include "ns/nsfs.h"

/* What is known of one type. Ids with ino 0 mean "there is none". */
struct plan_type {
	bool entry;              /* linux.namespaces has an entry of this type */
	const char *path;        /* its path; NULL where absent or empty */
	struct ns_id own;        /* the runtime's own namespace */
	struct ns_id at_path;    /* the namespace at path */
	struct ns_id path_owner; /* its owning user namespace */
	struct ns_id init;       /* the one that the container's process is in */
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
	const char *root;  /* for messages: pins are <root>/<brief>ns/<pod> */
	bool named;        /* by io.podns.pod (and not by a CRI engine's sandbox) */
	bool has_init;     /* createRuntime: the state names a process */
	bool has_maps;     /* the config maps uids and gids */
	bool maps_known;   /* the pod has a user namespace, and the config maps ids: */
	bool maps_equal;   /* do the two map alike? */
	bool time_offsets; /* the config has linux.timeOffsets */
	ns_set types;      /* the pod types */
	struct plan_type type[NS_TYPES];
};

enum plan_verb {
	PLAN_LEAVE,      /* none of our business */
	PLAN_JOIN,       /* the pod has it: set path to the pin */
	PLAN_CREATE,     /* create, pin, set path */
	PLAN_ADOPT_PATH, /* pin the namespace at path, set path */
	PLAN_ADOPT_INIT, /* pin the namespace that the runtime gave the container, set path */
};

struct plan {
	enum plan_verb verb[NS_TYPES];
	ns_set shared;  /* all types whose verb is not PLAN_LEAVE */
	ns_set created; /* those with PLAN_CREATE */
};

/* Decide. -1 where the container must not start: *e names the namespaces and the remedy. */
int plan_make(const struct plan_input *in, struct plan *plan, struct error *e);

/* What a hostname may hold: UTS names are 64 bytes at most (__NEW_UTS_LEN, uname(2)). */
#define PLAN_HOSTNAME_MAX 64

/*
 * The name of a UTS namespace that gets one: HOSTNAME in oci-podns-hook(1). annotation,
 * hostname and id may be NULL. id is the container's, where it is known; at precreate it
 * is not, and a hostname of 12 hex digits is taken for the engine's default. The pod's
 * name is cut to PLAN_HOSTNAME_MAX bytes, in `room`.
 */
const char *plan_hostname(const char *annotation, const char *pod, const char *hostname,
			  const char *id, char room[PLAN_HOSTNAME_MAX + 1]);

/*
 * May this be a hostname or domainname? 1 to 64 bytes of UTF-8 without space, '/' and control
 * characters: what can stand in config.json, where runc and crun take anything that fits in.
 * `what` is it in the error: "hostname", say.
 */
int plan_check_hostname(const char *name, const char *what, struct error *e);

/*
 * Is `source` the engine's own shm directory of a container: podman's and CRI-O's .../<64
 * hex>/userdata/shm, containerd's .../sandboxes/<64 hex>/shm?
 */
bool plan_is_engine_shm(const char *source);

/* The mount on /dev/shm in the config of a container that shares the pod's ipc namespace. */
struct plan_shm_mount {
	const char *type, *source; /* NULL where absent */
	const char *const *options;
	size_t option_count;
	bool bind;    /* it is a bind mount, by its type or its options */
	bool crowded; /* another mount lies on it or below it */
};

struct plan_shm {
	const char *keeps;    /* why the container keeps its own; NULL: it gets the pod's */
	const char *option;   /* the mount option that is the reason, or NULL */
	bool read_only;       /* the tmpfs was; a bind mount keeps its options by itself */
	bool sized_by_source; /* the size is that of the tmpfs at the source */
	uint64_t size;        /* else it is this, in bytes; 0: the kernel's default */
};

/*
 * May the container's /dev/shm be the pod's? Only where it is what an engine makes by itself, or a
 * tmpfs each of whose options is understood.
 */
struct plan_shm plan_shm(const struct plan_shm_mount *mount);

/* Parse a size: a number and b, k, m, g or nothing. 0 and nonsense are refused, with a hint. */
int plan_parse_size(const char *text, uint64_t *bytes, struct error *e);

/* What mount(2) takes beside it has room in its page of options. */
#define PLAN_LABEL_MAX 2048

/* May this be a tmpfs's SELinux context? Printable ASCII without a quote. */
int plan_check_label(const char *label, struct error *e);

#endif
