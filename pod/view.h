/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views show pods to podns without changing them: no lock is taken, and nothing is removed. A record
 * is replaced by rename(2), so it is always read whole. Names that only another program has pinned,
 * without a record, can be viewed as well.
 */
#ifndef PODNS_POD_VIEW_H
#define PODNS_POD_VIEW_H

#include "ns/mounts.h"
#include "pod/record.h"
#include "pod/store.h"

enum pod_state {
	POD_HELD,    /* made by podns create or podns rewrite; podns rm ends it */
	POD_LIVE,    /* one of its containers is alive */
	POD_CLAIMED, /* a container is on its way in */
	POD_STALE,   /* none of these: the next hook run or podns gc ends it */
	POD_LEAVING, /* it has ended, but its network could not be detached: see reason */
	POD_BROKEN,  /* its record cannot be read, or is not true any more: see reason */
	POD_FOREIGN, /* there is no record: another program pinned it */
};

const char *pod_state_name(enum pod_state state);

struct view {
	const char *name;
	struct record rec; /* empty where there is none, or where it cannot be read */
	bool unreadable;
	bool elsewhere; /* the record's pids or times are of another pid or time namespace */
	ns_set pinned;  /* the types with a namespace pinned under the name */
	struct ns_id pin[NS_TYPES];
	enum pod_state state;
	const char *reason; /* POD_BROKEN, POD_LEAVING: one line; else NULL */
	ns_set hidden;      /* pins of ours that a mount over their directory hides */
	size_t containers;  /* members that are alive */
	size_t claims;      /* other entrants that have not expired */
	pid_t *pids;        /* of views_find_processes(), ascending */
	size_t pid_count;
};

struct views {
	struct store *store; /* borrowed */
	struct arena arena;
	int dir[NS_TYPES]; /* <root>/<brief>ns, or -1 */
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

/* Begin with no views. Close with views_free(). */
int views_begin(struct views *v, struct store *store, struct error *e);
void views_free(struct views *v);
#define cleanup_views __attribute__((cleanup(views_free)))

/*
 * View the pod `name`: the last of the list. -1 where there is neither a record nor a pin. Pointers
 * to earlier views become invalid.
 */
int views_add(struct views *v, const char *name, struct error *e);

/* View all pods that have a record, and sort the list by name. */
int views_add_all(struct views *v, struct error *e);

/*
 * Find the processes that are in one of a pod's namespaces, for all views in one walk over /proc. A
 * namespace that podns itself is in does not count, such as one that `pinns --net=host` pinned.
 */
int views_find_processes(struct views *v, struct error *e);

/* The view of this name in a sorted list, or NULL. */
const struct view *views_find(const struct views *v, const char *name);

/* Open the pins of a view (caller closes): fds[T] for the types of x->pinned, -1 for the others. */
int views_open_pins(const struct views *v, const struct view *x, int fds[NS_TYPES],
		    struct error *e);

/* store_pin_path(), in the views' arena. */
const char *views_pin_path(struct views *v, const struct view *x, enum ns_type t, struct error *e);

/*
 * View every name that is pinned in the root, by podns or another program, and sort the list by name.
 * Records are not read.
 */
int views_add_pinned(struct views *v, struct error *e);

#endif
