/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container has ended. Its annotations and its bundle may be gone, so the index finds its pod by
 * id and bundle alone. A container that never became a member is not in the index: its pod and its
 * claim are read from config.json.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "oci/edit.h"
#include "oci/file.h"
#include "oci/state.h"
#include "pod/etc.h"
#include "pod/name.h"
#include "pod/pod.h"
#include "stage/container.h"

struct claim {
	char *pod, *token; /* NULL: none */
};

static void claim_free(struct claim *claim)
{
	free(claim->pod);
	free(claim->token);
}

#define cleanup_claim __attribute__((cleanup(claim_free)))

/* An unreadable config.json counts as one without a claim: deleting a container must not fail. */
static void read_claim(const char *bundle, const struct stage_options *opt, struct claim *claim)
{
	cleanup_config struct config config = { 0 };
	cleanup_buf struct buf text = { 0 };
	cleanup_close int fd = -1;
	struct pod_choice choice;
	struct pod_clues clues;
	struct error ignored;
	const char *token;
	struct stat st;

	fd = bundle_open(bundle, &ignored);
	if (fd < 0 || bundle_read_config(fd, bundle, &text, &st, &ignored) < 0 ||
	    config_parse(&config, "config.json", text.data, text.len, &ignored) < 0 ||
	    config_clues(opt, &config, &clues, &ignored) < 0 ||
	    config_annotation(&config, ANNOTATION_CLAIM, &token, NULL, &ignored) < 0 ||
	    pod_choose(&clues, &choice, &ignored) < 0 || !choice.name || !token)
		return;
	claim->pod = strdup(choice.name);
	claim->token = strdup(token);
}

/* Remove the container from the record, in memory. *gone: no member with its id and bundle is left. */
static void drop_container(struct pod *pod, const struct state *state, bool *gone)
{
	*gone = true;
	for (size_t i = 0; i < pod->rec.entrant_count;) {
		const struct entrant *x = &pod->rec.entrants[i];

		if (!entrant_is_of(x, state->id, state->bundle)) {
			i++;
		} else if (x->kind == ENTRANT_MEMBER && process_alive(x->pid, x->start)) {
			log_warn("container %s stays a member: its process %d lives", x->id,
				 x->pid);
			*gone = false;
			i++;
		} else {
			record_drop_entrant(&pod->rec, i);
		}
	}
}

static int end_or_save(struct pod *pod, const struct stage_options *opt, struct error *e)
{
	if (!record_is_empty(&pod->rec)) {
		/* Engines remove a bundle after this stage: missing ones are of earlier containers. */
		pod_forget_bundles(pod);
		pod_forget_hosts(pod);
		return pod_save(pod, e);
	}
	return opt->keep ? pod_hold(pod, e) : pod_end(pod, e);
}

static int leave_pod(struct pod *pod, const struct stage_options *opt, const struct state *state,
		     const char *token, struct error *e)
{
	long claim = token ? record_find_claim(&pod->rec, token, state->id) : -1;
	bool gone;

	if (pod_check_clocks(pod, e) < 0)
		return -1;
	if (claim >= 0)
		record_drop_entrant(&pod->rec, (size_t)claim);
	drop_container(pod, state, &gone);
	if (pod_drop_dead(pod, e) < 0 || end_or_save(pod, opt, e) < 0)
		return -1;
	/* Last, so that this stage finds the pod again if it was killed before. */
	return gone ? store_unindex(pod->store, state->id, state->bundle, pod->name, e) : 0;
}

int stage_poststop(const struct stage_options *opt, const char *text, size_t len, struct error *e)
{
	cleanup_state struct state state = { 0 };
	cleanup_store struct store store = STORE_NONE;
	cleanup_claim struct claim claim = { 0 };
	cleanup_free char *found = NULL;
	cleanup_pod struct pod pod = POD_NONE;
	const char *name;

	if (state_parse(&state, text, len, e) < 0)
		return -1;
	if (store_open(&store, opt->root, false, e) < 0)
		return e->num == ENOENT ? 0 : -1;
	if (store.dir_fd < 0)
		return 0;
	log_keep_in(store.dir_fd);
	store.network = opt->network;
	if (store_find(&store, state.id, state.bundle, &found, e) < 0)
		return -1;
	if (!found)
		read_claim(state.bundle, opt, &claim);
	name = found ? found : claim.pod;
	if (!name)
		return 0;
	log_context(opt->stage, name);
	if (pod_open(&pod, &store, name, false, e) < 0)
		return -1;
	if (pod.fd < 0)
		return store_unindex(&store, state.id, state.bundle, name, e);
	return leave_pod(&pod, opt, &state, claim.token, e);
}
