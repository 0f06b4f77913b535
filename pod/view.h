/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at pods without touching them: no lock is taken and nothing is swept. A record
 * is replaced by rename, so what is read is always whole. What was pinned under a name by
 * another program, with no record, can be looked at, too.
 */
#ifndef PODNS_POD_VIEW_H
#define PODNS_POD_VIEW_H

#include "ns/mounts.h"
#include "pod/record.h"
#include "pod/store.h"

enum pod_state {
	POD_HELD,    /* somebody made it, and it stays until somebody ends it */
	POD_LIVE,    /* a container lives in it */
	POD_CLAIMED, /* one is on its way in */
	POD_STALE,   /* neither: the next hook run or gc ends it */
	POD_BROKEN,  /* what it owns is not where its record says: see reason */
	POD_FOREIGN, /* there is no record: another program pinned it */
};

const char *pod_state_name(enum pod_state state);

struct view {
	const char *name;
	struct record rec; /* empty where there is none, or where it cannot be read */
	bool unreadable;
	bool elsewhere; /* its members are known by pids or times of another namespace */
	ns_set pinned;  /* the types that stand at their places */
	struct ns_id pin[NS_TYPES];
	enum pod_state state;
	const char *reason; /* POD_BROKEN: one line; else NULL */
	ns_set hidden;      /* pins of ours that a mount over their directory hides */
	size_t containers;  /* members that live */
	size_t claims;      /* claims, and containers waited for, that have not expired */
	pid_t *pids;        /* views_find_processes(): ascending */
	size_t pid_count;
};

struct views {
	struct store *store; /* borrowed */
	struct arena arena;
	int dir[NS_TYPES]; /* of pins; -1: not there */
	struct ns_id own[NS_TYPES], pidns;
	struct mounts mounts;
	bool mounts_read;
	struct view *list;
	size_t count, cap;
};

#define VIEWS_NONE                                                                                 \
	{                                                                                          \
		.dir = NS_FDS_NONE                                                                 \
	}

int views_begin(struct views *v, struct store *store, struct error *e);
void views_free(struct views *v);
#define cleanup_views __attribute__((cleanup(views_free)))

/*
 * Look at the pod `name`. ENOENT: neither a record nor a pin. Pointers to earlier views
 * are no longer valid.
 */
int views_add(struct views *v, const char *name, struct error *e);

/* Look at all pods that have a record, and sort them by name. */
int views_add_all(struct views *v, struct error *e);

/*
 * Find the processes of all pods that were looked at, in one walk over /proc: those that
 * are in one of a pod's namespaces. One that podns itself is in does not count: `pinns
 * --net=host` pins the host's.
 */
int views_find_processes(struct views *v, struct error *e);

/* The view of this name among sorted ones, or NULL. */
const struct view *views_find(const struct views *v, const char *name);

/* Open the pins of a view: fds[T] for each type that stands at its place, -1 for the others. */
int views_open_pins(const struct views *v, const struct view *x, int fds[NS_TYPES],
		    struct error *e);

/* Where the pin is, or would be; in the arena. NULL without memory. */
const char *views_pin_path(struct views *v, const struct view *x, enum ns_type t, struct error *e);

/*
 * Look at the pins alone of every name that is pinned in the root, by whomever, and sort
 * them by name.
 */
int views_add_pinned(struct views *v, struct error *e);

#endif
