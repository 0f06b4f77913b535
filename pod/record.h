/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's record and its text format: one item per line, its fields separated by spaces. Space, '%'
 * and control characters in a field are written as %XX. Nothing here makes system calls, except to
 * allocate memory.
 */
#ifndef PODNS_POD_RECORD_H
#define PODNS_POD_RECORD_H

#include "base/buf.h"
#include "ns/nsfs.h"
#include "plan/etc.h"

/*
 * Entrants keep a pod alive. A member is a container whose init was reported. A container that was
 * reported without a pid, and a claim, count for a limited time. A claim that oci-podns-runtime made
 * knows the container's id; its `bundle` is instead claim_place(), that is, the runtime and its root
 * directory, since that and the id are all that the runtime's delete names. Its pid is that of the process
 * that becomes the runtime.
 */
enum entrant_kind {
	ENTRANT_MEMBER,  /* id, bundle, pid, start */
	ENTRANT_WAITING, /* id, bundle, expires */
	ENTRANT_CLAIM,   /* token, expires; id, bundle, pid and start, or none of these */
};

struct entrant {
	enum entrant_kind kind;
	const char *id, *bundle, *token; /* NULL: none */
	pid_t pid;
	uint64_t start;   /* clock ticks since boot: proc(5), stat field 22 */
	uint64_t expires; /* seconds of CLOCK_BOOTTIME */
};

/* How long a claim counts that no container has redeemed; a container without a pid likewise. */
#define CLAIM_SECONDS 120
#define CLAIM_TOKEN_BYTES 16

struct record_pin {
	bool ours; /* we bound it or were about to, so we remove it */
	struct ns_id id;
};

struct record_sysctl {
	const char *path, *value;
};

struct record {
	struct arena arena; /* holds all strings */
	struct ns_id mntns; /* the mount namespace that the pins are in */
	struct ns_id pidns; /* the pid namespace that the members' pids are of */
	struct ns_id
		timens;   /* the time namespace of start times and deadlines; ino 0: unknown, or a
				 * kernel without time namespaces */
	uint64_t created; /* seconds of CLOCK_REALTIME */
	bool held;        /* stays without entrants: `podns create`, `podns rewrite`, --keep */
	bool shm;         /* we mounted (or were about to) <record>/shm */
	struct record_pin pin[NS_TYPES];
	struct entrant *entrants;
	size_t entrant_count;
	const char **bundles; /* paths of the bundles whose config.json we rewrote */
	size_t bundle_count;
	struct record_sysctl *sysctls; /* set by us; a different value later gives a warning */
	size_t sysctl_count;
	const char *network; /* attached, or about to be; NULL: none */
	bool attached;       /* it is attached, with these addresses */
	const char *leaving; /* why it could not be detached, or NULL */
	const char **addresses;
	size_t address_count;
	struct host_entry *hosts; /* for /etc/hosts of the containers: `podns create --add-host` */
	size_t host_count;
	const char **hosts_keys; /* what each of our /etc/hosts files was made for: pod/etc.h */
	size_t hosts_key_count;
};

/*
 * Parse a record's text into *r, whose old content is not freed. A line that is not recognized is an
 * error. Free with record_free(); after an error *r is empty.
 */
int record_parse(struct record *r, const char *text, struct error *e);

/* The same for bytes from a file: a NUL byte, which would hide what follows it, is an error. */
int record_parse_file(struct record *r, const struct buf *text, struct error *e);
int record_format(const struct record *r, struct buf *out, struct error *e);
void record_free(struct record *r);

/* Strings are copied into the arena. Without memory: -1. */
int record_add_entrant(struct record *r, const struct entrant *x, struct error *e);
void record_drop_entrant(struct record *r, size_t index);
int record_add_bundle(struct record *r, const char *bundle, struct error *e);
void record_drop_bundle(struct record *r, const char *bundle);
bool record_has_bundle(const struct record *r, const char *bundle);
int record_set_sysctl(struct record *r, const char *path, const char *value, struct error *e);

/*
 * The network: before it is attached, an address that it gave the pod, and why it could not be detached.
 * record_forget_network() drops all of that. record_copy_network() copies it from another record.
 */
int record_set_network(struct record *r, const char *network, struct error *e);
int record_add_address(struct record *r, const char *address, struct error *e);
int record_set_leaving(struct record *r, const char *reason, struct error *e);
void record_forget_network(struct record *r);
int record_copy_network(struct record *to, const struct record *from, struct error *e);

int record_add_host(struct record *r, const struct host_entry *host, struct error *e);

/* *added: it was not there yet. */
int record_add_hosts_key(struct record *r, const char *key, bool *added, struct error *e);
void record_drop_hosts_key(struct record *r, size_t index);

/* Is it a container with this id and bundle? A claim is not. */
bool entrant_is_of(const struct entrant *x, const char *id, const char *bundle);

/* The index of the entrant with this id and bundle; -1 where there is none. */
long record_find_container(const struct record *r, const char *id, const char *bundle);
/*
 * The claim with this token, likewise. Containers that are created from one bundle have the same token,
 * so a claim with an id counts only for the container of that id. id NULL: there is none.
 */
long record_find_claim(const struct record *r, const char *token, const char *id);
/* The claim with this id and claim_place(), likewise. */
long record_find_claim_of(const struct record *r, const char *id, const char *place);

/* The value that we set last, or NULL; valid until record_free(). */
const char *record_sysctl(const struct record *r, const char *path);

/* Without entrants, and not held. */
bool record_is_empty(const struct record *r);

#endif
