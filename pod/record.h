/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of a pod, and its form as text: one line an item, fields separated by
 * spaces, with space, '%' and control characters in a field written as %XX. Pure but for
 * memory.
 */
#ifndef PODNS_POD_RECORD_H
#define PODNS_POD_RECORD_H

#include "base/buf.h"
#include "ns/nsfs.h"

/*
 * Who keeps a pod alive. Members are containers with an init; one that was reported
 * without a pid waits, like a claim, for a bounded time.
 */
enum entrant_kind {
	ENTRANT_MEMBER,  /* id, bundle, pid, start */
	ENTRANT_WAITING, /* id, bundle, expires */
	ENTRANT_CLAIM,   /* token, expires */
};

struct entrant {
	enum entrant_kind kind;
	const char *id, *bundle, *token;
	pid_t pid;
	uint64_t start;   /* clock ticks since boot: proc(5), stat field 22 */
	uint64_t expires; /* seconds of CLOCK_BOOTTIME */
};

/* How long a claim that nobody redeems counts as a member. */
#define CLAIM_SECONDS 120
#define CLAIM_TOKEN_BYTES 16

struct record_pin {
	bool ours; /* we bind it (or were about to), so we take it away */
	struct ns_id id;
};

struct record_sysctl {
	const char *path, *value;
};

struct record {
	struct arena arena;  /* holds all strings */
	struct ns_id mntns;  /* the mount namespace that the pins are in */
	struct ns_id pidns;  /* the pid namespace that the members' pids are of */
	struct ns_id timens; /* the time namespace of their start times and of all deadlines; ino
				 * 0: unknown, or a kernel without time namespaces */
	uint64_t created;    /* seconds of CLOCK_REALTIME */
	bool held;           /* stays with nobody in it: `podns create`, `podns rewrite`, --keep */
	bool shm;            /* we mounted (or were about to) <record>/shm */
	struct record_pin pin[NS_TYPES];
	struct entrant *entrants;
	size_t entrant_count;
	const char **bundles; /* whose config.json we rewrote */
	size_t bundle_count;
	struct record_sysctl *sysctls; /* set by us, to warn of a different later value */
	size_t sysctl_count;
};

/*
 * Parse a record's text. *r is made anew. A record that cannot be read is an error:
 * nothing is guessed.
 */
int record_parse(struct record *r, const char *text, struct error *e);

/* The same for what was read from a file, where a NUL may hide what follows. */
int record_parse_file(struct record *r, const struct buf *text, struct error *e);
int record_format(const struct record *r, struct buf *out, struct error *e);
void record_free(struct record *r);

/* All strings are copied. */
int record_add_entrant(struct record *r, const struct entrant *x, struct error *e);
void record_drop_entrant(struct record *r, size_t index);
int record_add_bundle(struct record *r, const char *bundle, struct error *e);
void record_drop_bundle(struct record *r, const char *bundle);
bool record_has_bundle(const struct record *r, const char *bundle);
int record_set_sysctl(struct record *r, const char *path, const char *value, struct error *e);

/* Is it a container, come or awaited, with this id and bundle? A claim knows neither. */
bool entrant_is_of(const struct entrant *x, const char *id, const char *bundle);

/* The index of the entrant with this id and bundle, or with this token; -1 where there is none. */
long record_find_container(const struct record *r, const char *id, const char *bundle);
long record_find_claim(const struct record *r, const char *token);

/* The value that we last set, or NULL. */
const char *record_sysctl(const struct record *r, const char *path);

/* Nobody in it, nobody on the way, not held. */
bool record_is_empty(const struct record *r);

#endif
