/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container is gone. It is found by id and bundle alone, since its annotations and its
 * bundle may be gone too; only a container that never became a member is looked for by the
 * claim in its config.json.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "oci/edit.h"
#include "oci/file.h"
#include "oci/state.h"
#include "pod/name.h"
#include "pod/pod.h"
#include "stage/container.h"

/*
 * What the bundle's config.json tells of a container that is no member. All empty where it
 * cannot be read.
 */
struct trace {
	char *pod, *token;
};

static void trace_free(struct trace *t)
{
	free(t->pod);
	free(t->token);
}

#define cleanup_trace __attribute__((cleanup(trace_free)))

static void trace_config(struct config *c, const struct stage_options *opt, struct trace *t)
{
	struct pod_clues clues;
	struct pod_choice choice;
	struct error ignored;
	const char *token;

	if (config_clues(opt, c, &clues, &ignored) < 0 ||
	    config_annotation(c, ANNOTATION_CLAIM, &token, NULL, &ignored) < 0 ||
	    pod_choose(&clues, &choice, &ignored) < 0 || !choice.name || !token)
		return;
	t->pod = strdup(choice.name);
	t->token = strdup(token);
}

/*
 * Deletion must not fail for what is gone or broken already: whatever cannot be read tells
 * nothing.
 */
static void read_trace(const char *bundle, const struct stage_options *opt, struct trace *t)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_close int fd = -1;
	struct config config;
	struct error ignored;
	struct stat st;

	fd = bundle_open(bundle, &ignored);
	if (fd < 0 || bundle_read_config(fd, bundle, &text, &st, &ignored) < 0 ||
	    config_parse(&config, "config.json", text.data, text.len, &ignored) < 0)
		return;
	trace_config(&config, opt, t);
	config_free(&config);
}

/* Take the container out of the record, in memory; false where it, or one of its name, stays. */
static bool drop_member(struct pod *pod, const struct state *state)
{
	bool gone = true;

	for (size_t i = 0; i < pod->rec.entrant_count;) {
		const struct entrant *x = &pod->rec.entrants[i];

		if (!entrant_is_of(x, state->id, state->bundle)) {
			i++;
		} else if (x->kind == ENTRANT_MEMBER && process_alive(x->pid, x->start)) {
			log_warn("container %s stays a member: its process %d lives", x->id,
				 x->pid);
			gone = false;
			i++;
		} else {
			record_drop_entrant(&pod->rec, i);
		}
	}
	return gone;
}

static int end_or_save(struct pod *pod, const struct stage_options *opt, struct error *e)
{
	if (!record_is_empty(&pod->rec)) {
		/* Engines remove a bundle behind this stage: it is those of others. */
		pod_forget_bundles(pod);
		return pod_save(pod, e);
	}
	if (!opt->keep)
		return pod_end(pod, e);
	/* Pins that are to stay make it a pod that somebody holds. */
	return pod_hold(pod, e);
}

/* The index goes last: a run that was killed before can be done over. */
static int leave(struct pod *pod, const struct stage_options *opt, const struct state *state,
		 const char *token, struct error *e)
{
	long claim = token ? record_find_claim(&pod->rec, token) : -1;
	bool gone;

	if (pod_check_clocks(pod, e) < 0)
		return -1;
	if (claim >= 0)
		record_drop_entrant(&pod->rec, (size_t)claim);
	gone = drop_member(pod, state);
	if (pod_drop_dead(pod, e) < 0 || end_or_save(pod, opt, e) < 0)
		return -1;
	return gone ? store_unindex(pod->store, state->id, state->bundle, pod->name, e) : 0;
}

static int with_state(const struct stage_options *opt, const struct state *state, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	cleanup_trace struct trace trace = { 0 };
	cleanup_free char *found = NULL;
	cleanup_pod struct pod pod = POD_NONE;
	const char *name;

	if (store_open(&store, opt->root, false, e) < 0)
		return e->num == ENOENT ? 0 : -1;
	if (store.dir_fd < 0)
		return 0;
	log_keep_in(store.dir_fd);
	if (store_find(&store, state->id, state->bundle, &found, e) < 0)
		return -1;
	if (!found)
		read_trace(state->bundle, opt, &trace);
	name = found ? found : trace.pod;
	if (!name)
		return 0;
	log_context(opt->stage, name);
	if (pod_open(&pod, &store, name, false, e) < 0) {
		if (e->num != ENOENT)
			return -1;
		return store_unindex(&store, state->id, state->bundle, name, e);
	}
	return leave(&pod, opt, state, trace.token, e);
}

int stage_poststop(const struct stage_options *opt, const char *text, size_t len, struct error *e)
{
	struct state state;
	int r;

	if (state_parse(&state, text, len, e) < 0)
		return -1;
	r = with_state(opt, &state, e);
	state_free(&state);
	return r;
}
