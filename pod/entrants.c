/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entrants that keep a pod alive: members, known by pid and start time, and claims, which have a
 * deadline. These values hold only in the pid and time namespaces that the record names.
 */
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "ns/procs.h"
#include "pod/bundle.h"
#include "pod/pod.h"

uint64_t pod_boot_seconds(void)
{
	return (uint64_t)clock_seconds(CLOCK_BOOTTIME);
}

bool pod_entrant_lives(const struct entrant *x)
{
	uint64_t now;

	if (x->kind == ENTRANT_MEMBER)
		return process_alive(x->pid, x->start);
	/* The runtime that it was made for may be slow, and must find config.json as it was edited. */
	if (x->pid && process_alive(x->pid, x->start))
		return true;
	/* A deadline further away than any claim's is of an earlier boot. */
	now = pod_boot_seconds();
	return x->expires > now && x->expires - now <= CLAIM_SECONDS;
}

void pod_forget_entrant(struct pod *p, size_t index)
{
	const struct entrant *x = &p->rec.entrants[index];
	struct error e;

	if (x->id && store_unindex(p->store, x->id, x->bundle, p->name, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
	record_drop_entrant(&p->rec, index);
}

static bool has_members(const struct record *rec)
{
	for (size_t i = 0; i < rec->entrant_count; i++)
		if (rec->entrants[i].kind == ENTRANT_MEMBER)
			return true;
	return false;
}

/*
 * The inode of the initial pid namespace, whose /proc shows all processes: PROC_PID_INIT_INO in
 * include/linux/proc_ns.h.
 */
#define INITIAL_PIDNS 0xEFFFFFFCU

bool pod_is_deserted(const char *file, struct ns_id ns, struct ns_id own_pidns)
{
	bool found = false;
	struct error ignored;

	return own_pidns.ino == INITIAL_PIDNS && procs_find(file, ns, &found, &ignored) == 0 &&
	       !found;
}

/* By EXDEV gc and `podns ls` recognize a pod whose members they cannot judge. */
static int refuse_clock(const char *what, const char *type, struct ns_id recorded,
			struct ns_id here, struct error *e)
{
	error_set(
		e, 0,
		"the pod's containers are known by their %s in %s namespace [%ju], and this is [%ju]",
		what, type, (uintmax_t)recorded.ino, (uintmax_t)here.ino);
	error_hint(e, "run this in that %s namespace, or give this one a root of its own", type);
	e->num = EXDEV;
	return -1;
}

/* A kernel before 5.6 has no time namespaces: ino 0. */
static int read_clocks(struct pod *p, struct error *e)
{
	if (p->clocks_read)
		return 0;
	if (ns_own_pidns(&p->pidns, e) < 0 ||
	    (ns_own_id(NS_TIME, &p->timens, e) < 0 && e->num != ENOENT))
		return -1;
	p->clocks_read = true;
	return 0;
}

/* *gone: the members' pid namespace has no process, so they are dead. */
static int check_clocks(struct pod *p, bool *gone, struct error *e)
{
	const struct record *rec = &p->rec;

	*gone = false;
	if (!rec->entrant_count)
		return 0;
	if (read_clocks(p, e) < 0)
		return -1;
	/* Start times in /proc and CLOCK_BOOTTIME are shifted in a time namespace: time_namespaces(7). */
	if (rec->timens.ino && !ns_same(p->timens, rec->timens))
		return refuse_clock("start times", "time", rec->timens, p->timens, e);
	if (!has_members(rec) || ns_same(p->pidns, rec->pidns))
		return 0;
	*gone = pod_is_deserted("pid", rec->pidns, p->pidns);
	return *gone ? 0 : refuse_clock("pids", "pid", rec->pidns, p->pidns, e);
}

int pod_note_clocks(struct pod *p, struct error *e)
{
	if (read_clocks(p, e) < 0)
		return -1;
	p->rec.pidns = p->pidns;
	p->rec.timens = p->timens;
	return 0;
}

int pod_check_clocks(struct pod *p, struct error *e)
{
	bool gone;

	return check_clocks(p, &gone, e);
}

int pod_drop_dead(struct pod *p, struct error *e)
{
	bool gone;

	if (check_clocks(p, &gone, e) < 0)
		return -1;
	for (size_t i = 0; i < p->rec.entrant_count;) {
		const struct entrant *x = &p->rec.entrants[i];

		if (pod_entrant_lives(x) && !(gone && x->kind == ENTRANT_MEMBER)) {
			i++;
			continue;
		}
		log_debug("pod %s: sweep %s", p->name, x->id ? x->id : "an expired claim");
		pod_forget_entrant(p, i);
	}
	return 0;
}

void pod_forget_bundles(struct pod *p)
{
	enum revert_how how;
	struct error e;
	struct stat st;

	for (size_t i = 0; i < p->rec.bundle_count;) {
		const char *bundle = p->rec.bundles[i];

		if (stat(bundle, &st) == 0 || errno != ENOENT) {
			i++;
			continue;
		}
		/* There is no bundle to revert: this removes the copy of its config.json. */
		if (bundle_end(p->store, p->name, bundle, 0, &how, &e) < 0) {
			log_error(LOG_LEVEL_WARN, &e);
			i++;
			continue;
		}
		record_drop_bundle(&p->rec, bundle);
	}
}
