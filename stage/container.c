/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/container.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Of ANNOTATION_MANAGER. */
#define MANAGER_PODMAN "libpod"

typedef int (*get_annotation_fn)(void *doc, const char *key, const char **value, struct error *e);

static int read_clues(const struct stage_options *opt, get_annotation_fn get, void *doc,
		      struct pod_clues *clues, struct error *e)
{
	*clues = (struct pod_clues){
		.trust_annotations = opt->trust_annotations,
		.own_key = strcmp(opt->pod_annotation, ANNOTATION_POD) != 0,
	};
	if (pod_sandbox_counts(opt->pod_annotation, opt->trust_annotations) &&
	    pod_find_sandbox(get, doc, &clues->sandbox, e) < 0)
		return -1;
	return get(doc, opt->pod_annotation, &clues->annotation, e);
}

static int get_from_config(void *config, const char *key, const char **value, struct error *e)
{
	return config_annotation(config, key, value, NULL, e);
}

static int get_from_state(void *state, const char *key, const char **value, struct error *e)
{
	return state_annotation(state, key, value, e);
}

int config_clues(const struct stage_options *opt, struct config *config, struct pod_clues *clues,
		 struct error *e)
{
	return read_clues(opt, get_from_config, config, clues, e);
}

int state_clues(const struct stage_options *opt, struct state *state, struct pod_clues *clues,
		struct error *e)
{
	return read_clues(opt, get_from_state, state, clues, e);
}

static int merge_clue(const char **from_config, const char *from_state, const char *what,
		      struct error *e)
{
	if (*from_config && from_state && strcmp(*from_config, from_state))
		return error_set(e, 0, "the state names the %s '%s' and config.json '%s'", what,
				 from_state, *from_config);
	if (!*from_config)
		*from_config = from_state;
	return 0;
}

int container_choose(struct container *c, const struct pod_clues *state, struct error *e)
{
	struct pod_clues clues;

	if (config_clues(c->opt, c->config, &clues, e) < 0)
		return -1;
	if (state && (merge_clue(&clues.sandbox, state->sandbox, "sandbox", e) < 0 ||
		      merge_clue(&clues.annotation, state->annotation, "pod", e) < 0))
		return -1;
	clues.id = c->id;
	if (pod_choose(&clues, &c->choice, e) < 0)
		return -1;
	if (c->choice.cri && clues.annotation)
		log_info("annotation %s is ignored in sandbox %s", c->opt->pod_annotation,
			 c->choice.name);
	if (!c->choice.name)
		return 0;
	/* in_place_lock() may parse config.json again, which frees the config's strings. */
	c->choice.name = arena_strndup(&c->arena, c->choice.name, strlen(c->choice.name));
	return c->choice.name ? 0 : error_nomem(e);
}

void container_set_pod(struct container *c, const char *name)
{
	c->alone = true;
	c->choice = (struct pod_choice){ .name = name, .named = true, .annotations = true };
}

int container_annotation(struct container *c, const char *key, const char **value, struct error *e)
{
	*value = NULL;
	return c->choice.annotations ? config_annotation(c->config, key, value, NULL, e) : 0;
}

int container_says_podman(struct container *c, bool *says, struct error *e)
{
	const char *manager;

	if (config_annotation(c->config, ANNOTATION_MANAGER, &manager, NULL, e) < 0)
		return -1;
	*says = manager && !strcmp(manager, MANAGER_PODMAN);
	return 0;
}

/* Without an agent there are no definitions, and under a CRI engine they do not count. */
static int load_definition(struct container *c, struct error *e)
{
	bool found;

	if (!c->store.network || c->choice.cri || !c->choice.named)
		return 0;
	return definition_load(c->choice.name, &c->definition, &found, e) < 0
		       ? -1
		       : definition_check_hook(&c->definition, c->choice.name, e);
}

static int read_pod_types(struct container *c, struct error *e)
{
	const char *list;

	c->in.types = c->opt->namespaces;
	if (c->definition.namespaces || c->definition.uid_maps.count) {
		c->in.types = definition_types(&c->definition);
		return 0;
	}
	if (container_annotation(c, ANNOTATION_NAMESPACES, &list, e) < 0)
		return -1;
	if (!list || ns_parse_set(list, true, &c->in.types, e) == 0)
		return 0;
	return error_prefix(e, "annotation " ANNOTATION_NAMESPACES);
}

/* An earlier stage has decided what is shared, by annotations and options that do not count here. */
static int keep_pinned_types(struct container *c, struct error *e)
{
	c->in.types = 0;
	for (int t = 0; t < NS_TYPES; t++) {
		const char *path = c->config->ns[t].path, *pin;

		if (!path)
			continue;
		pin = pins_path(&c->pod.pins, (enum ns_type)t, e);
		if (!pin)
			return -1;
		if (!strcmp(path, pin))
			c->in.types |= NS_BIT(t);
	}
	return 0;
}

int container_open(struct container *c, struct error *e)
{
	log_context(c->opt->stage, c->choice.name);
	if (store_open(&c->store, c->opt->root, true, e) < 0)
		return -1;
	log_keep_in(c->store.dir_fd);
	c->store.network = c->opt->network;
	if (load_definition(c, e) < 0 || read_pod_types(c, e) < 0)
		return -1;
	if (pod_open(&c->pod, &c->store, c->choice.name, true, e) < 0 ||
	    pod_sweep(&c->pod, c->id, c->bundle, e) < 0)
		return -1;
	if (c->pinned_alone && keep_pinned_types(c, e) < 0)
		return -1;
	c->known = c->id && record_find_container(&c->pod.rec, c->id, c->bundle) >= 0;
	return apply_begin(&c->apply, &c->pod, &c->pod.pins, e);
}

void container_close_reads(struct container *c)
{
	for (int t = 0; t < NS_TYPES; t++) {
		cleanup_closep(&c->path_fd[t]);
		cleanup_closep(&c->init_fd[t]);
		c->path_fd[t] = c->init_fd[t] = -1;
	}
}

void container_close(struct container *c)
{
	const struct pod *pod = &c->pod;
	struct error e;

	/* If an undo could not remove everything, the record stays for gc. */
	if (c->apply.pod && pod->saved.len && record_is_empty(&pod->rec) && !c->apply.stays &&
	    pod_end(&c->pod, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
	container_close_reads(c);
	apply_end(&c->apply);
	pod_close(&c->pod);
	store_close(&c->store);
	buf_free(&c->hosts_text);
	definition_free(&c->definition);
	arena_free(&c->arena);
}
