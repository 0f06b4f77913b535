/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/decide.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "ns/shm.h"
#include "plan/host.h"
#include "plan/network.h"
#include "plan/shm.h"
#include "stage/etc.h"
#include "stage/gather.h"

/* --- sysctls ---------------------------------------------------------------- */

/*
 * Under a CRI engine the pod's author chooses what the container shares with the host (hostNetwork).
 * So --sysctl, which is for all pods of a node, is left out for such a container instead of failing
 * it.
 */
static int choose_sysctls(struct container *c, struct error *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->sysctl_count; i++) {
		const struct sysctl *x = &c->sysctls[i];
		enum host_target target = host_target_of(&c->in, x->type);

		if (target == TARGET_SHARED && c->choice.cri && x->trusted) {
			log_info("sysctl %s is left out: the container shares the host's %s "
				 "namespace",
				 x->key, ns_info[x->type].oci);
			continue;
		}
		if (host_check("sysctl ", x->key, x->type, target, e) < 0)
			return -1;
		c->sysctls[kept++] = *x;
	}
	c->sysctl_count = kept;
	return 0;
}

/* No stage follows `podns rewrite` that could set --sysctl in the container's own namespaces. */
static int check_sysctls_alone(const struct container *c, struct error *e)
{
	for (size_t i = 0; i < c->sysctl_count && c->alone; i++) {
		const struct sysctl *x = &c->sysctls[i];

		if (x->trusted && !(c->plan.shared & NS_BIT(x->type)))
			return error_set(e, 0,
					 "sysctl %s: the container shares no %s namespace with the "
					 "pod",
					 x->key, ns_info[x->type].oci);
	}
	return 0;
}

/* --- names ------------------------------------------------------------------ */

static int choose_names(struct container *c, struct error *e)
{
	struct names_input in = {
		.verb = c->plan.verb[NS_UTS],
		.pod = c->choice.name,
		.id = c->id ? c->id : c->new_id,
		.hostname = c->config->hostname,
		.domainname = c->config->domainname,
	};

	if (gather_names(c, &in.in_hostname, &in.in_domainname, e) < 0)
		return -1;
	in.annotation = c->definition.hostname;
	/* Only the container that brings the UTS namespace may name it. */
	if (!in.annotation && (in.verb == PLAN_CREATE || in.verb == PLAN_ADOPT_INIT) &&
	    container_annotation(c, ANNOTATION_HOSTNAME, &in.annotation, e) < 0)
		return -1;
	return plan_names(&in, &c->names, e);
}

/* --- /dev/shm ---------------------------------------------------------------- */

static int read_shm_size(struct container *c, uint64_t *size, struct error *e)
{
	const char *given;

	*size = c->definition.shm_size;
	if (*size)
		return 0;
	if (container_annotation(c, ANNOTATION_SHM_SIZE, &given, e) < 0)
		return -1;
	if (!given || plan_parse_size(given, size, e) == 0)
		return 0;
	return error_prefix(e, "annotation " ANNOTATION_SHM_SIZE);
}

static struct plan_shm ask_shm(const struct config *config)
{
	struct plan_shm_mount mount = {
		.type = config->shm_type,
		.source = config->shm_source,
		.options = config->shm_options,
		.option_count = config->shm_option_count,
		.bind = config_shm_is_bind(config),
		.crowded = config->shm_below,
	};

	return plan_shm(&mount);
}

static void log_kept_shm(const struct plan_shm *shm)
{
	/* The user chose the mount option, but may not expect that it keeps /dev/shm out of the pod. */
	if (shm->option)
		log_warn("the container keeps its own /dev/shm: %s '%.200s'", shm->keeps,
			 shm->option);
	else
		log_info("the container keeps its own /dev/shm: %s", shm->keeps);
}

static int choose_shm(struct container *c, struct error *e)
{
	const struct config *config = c->config;
	struct plan_shm shm;
	uint64_t size;

	c->shares_shm = c->shm_read_only = false;
	if ((c->in.stage != PLAN_PRECREATE && !c->shm_was_shared) ||
	    c->plan.verb[NS_IPC] == PLAN_LEAVE)
		return 0;
	if (read_shm_size(c, &size, e) < 0)
		return -1;
	if (config->shm == JSON_NONE)
		return 0;
	shm = ask_shm(config);
	if (!shm.keeps && !(c->pod.rec.shm && pod_shm_mounted(&c->pod))) {
		c->todo.mount_shm = true;
		c->todo.shm_size = size ? size : shm.size;
		/* Without its size, the pod's might be larger than the container's own. */
		if (!size && shm.sized_by_source &&
		    !shm_size_of(config->shm_source, &c->todo.shm_size))
			shm.keeps = "its source is no tmpfs whose size can be read";
	}
	if (shm.keeps) {
		c->todo.mount_shm = false;
		log_kept_shm(&shm);
		return 0;
	}
	c->shares_shm = true;
	c->shm_read_only = shm.read_only;
	c->todo.shm_label = config->mount_label;
	return config->mount_label ? plan_check_label(config->mount_label, e) : 0;
}

/* --- the network --------------------------------------------------------------- */

/* Split at commas and spaces, in place: podman splits its option --annotation at commas. */
static int read_published(char *list, struct network_request *r, struct error *e)
{
	struct port_range range;
	char *next;
	size_t count = 0;

	for (; list; list = next) {
		next = strpbrk(list, ", ");
		if (next)
			*next++ = '\0';
		if (port_parse(list, &range, e) < 0 || port_add(r->ports, &count, &range, e) < 0)
			return error_prefix(e, "annotation " ANNOTATION_PUBLISH);
	}
	r->port_count = (uint32_t)count;
	return 0;
}

/* An annotation that root has not allowed is ignored, since images can write annotations. */
static int allowed_annotation(struct container *c, const char *key, const char *option,
			      bool allowed, const char **value, struct error *e)
{
	if (container_annotation(c, key, value, e) < 0)
		return -1;
	if (*value && !allowed) {
		log_warn("annotation %s is ignored: root allows it with the hook's option %s", key,
			 option);
		*value = NULL;
	}
	return 0;
}

static int read_annotations(struct container *c, const char **network, char **published,
			    struct error *e)
{
	const char *ports = NULL;

	if (allowed_annotation(c, ANNOTATION_NETWORK, "--network-annotation",
			       c->opt->network_annotation, network, e) < 0 ||
	    allowed_annotation(c, ANNOTATION_PUBLISH, "--publish-annotation LOW-HIGH",
			       c->opt->publish_low != 0, &ports, e) < 0)
		return -1;
	if (*network && network_check_name(*network, e) < 0)
		return error_prefix(e, "annotation " ANNOTATION_NETWORK);
	*published = ports ? arena_strndup(&c->arena, ports, strlen(ports)) : NULL;
	return ports && !*published ? error_nomem(e) : 0;
}

static int choose_network(struct container *c, struct error *e)
{
	struct plan_network_input in = {
		.verb = c->plan.verb[NS_NET],
		.target = host_target_of(&c->in, NS_NET),
		.pod = c->choice.name,
		.defined = c->definition.network,
		.recorded = c->pod.rec.network,
		.attached = c->pod.rec.attached,
	};
	const char *network = NULL;
	char *published = NULL;

	if (read_annotations(c, &in.annotated, &published, e) < 0)
		return -1;
	in.publishes = published != NULL;
	if (plan_network(&in, &network, e) < 0)
		return -1;
	if (in.verb == PLAN_JOIN && in.defined && !in.recorded)
		log_warn(
			"the definition names the network %s, but the pod began without it, and the "
			"container has none; end the pod first",
			in.defined);
	if (!network)
		return 0;
	c->request = (struct network_request){ .verb = NETWORK_ADD };
	concat_in(c->request.network, sizeof(c->request.network), network, NULL);
	concat_in(c->request.pod, sizeof(c->request.pod), c->choice.name, NULL);
	c->todo.network = &c->request;
	if (in.defined)
		definition_ask(&c->definition, c->choice.name, &c->request);
	else if (published)
		return read_published(published, &c->request, e);
	return 0;
}

/* --- what is to be done ------------------------------------------------------- */

/*
 * The existing namespace of this type that settings go to. At precreate there is none: the container
 * may never be created, so the pod's namespaces keep their values.
 */
static int existing_fd(const struct container *c, enum ns_type t)
{
	enum plan_verb verb = c->plan.verb[t];

	if (c->in.stage == PLAN_PRECREATE || verb == PLAN_CREATE)
		return -1;
	if (verb == PLAN_JOIN)
		return c->pod.pin[t].fd;
	return c->init ? c->init_fd[t] : c->path_fd[t];
}

static void fill_in_todo(struct container *c)
{
	struct pod_plan *todo = &c->todo;

	for (int t = 0; t < NS_TYPES; t++) {
		enum plan_verb verb = c->plan.verb[t];

		todo->existing[t] = existing_fd(c, (enum ns_type)t);
		todo->adopt[t] = verb == PLAN_ADOPT_PATH   ? c->path_fd[t]
				 : verb == PLAN_ADOPT_INIT ? c->init_fd[t]
							   : -1;
	}
	todo->make = c->plan.created;
	todo->owner_fd = gather_owner_fd(c);
	todo->uid_maps = c->definition.uid_maps.count ? &c->definition.uid_maps
						      : &c->config->uid_maps;
	todo->gid_maps = c->definition.gid_maps.count ? &c->definition.gid_maps
						      : &c->config->gid_maps;
	todo->hostname = c->names.set ? c->names.hostname : NULL;
	todo->domainname = c->names.set ? c->names.domainname : NULL;
	todo->sysctls = c->sysctls;
	todo->sysctl_count = c->sysctl_count;
	/* At precreate sysctls are set only in namespaces that are made. */
	todo->recorded = c->in.stage == PLAN_PRECREATE ? c->plan.created : c->plan.shared;
}

int decide(struct container *c, enum plan_stage stage, struct error *e)
{
	ns_set sysctl_types;

	c->todo = (struct pod_plan)POD_PLAN_NONE;
	c->in.stage = stage;
	c->in.pod = c->choice.name;
	c->in.root = c->store.root;
	c->in.named = c->choice.named;
	c->in.has_init = c->init != NULL;
	c->in.time_offsets = c->config->time_offsets;
	if (gather_sysctls(c, &sysctl_types, e) < 0 || gather_identities(c, sysctl_types, e) < 0 ||
	    choose_sysctls(c, e) < 0 || plan_make(&c->in, &c->plan, e) < 0)
		return -1;
	if (c->init && !process_lives(c->init))
		return error_set(e, 0, "the container's process %d died", c->init->pid);
	if (choose_names(c, e) < 0 || choose_shm(c, e) < 0 || choose_network(c, e) < 0 ||
	    etc_choose(c, e) < 0 || check_sysctls_alone(c, e) < 0)
		return -1;
	fill_in_todo(c);
	return 0;
}

int decide_reset(struct container *c, struct error *e)
{
	const char *source = c->config->shm_source, *ours = pod_shm_path(&c->pod, e);

	if (!ours)
		return -1;
	c->shm_was_shared = source && !strcmp(source, ours);
	etc_reset(c);
	container_close_reads(c);
	for (int t = 0; t < NS_TYPES; t++)
		c->in.type[t] = (struct plan_type){ .own = c->in.type[t].own };
	c->in.maps_known = c->in.maps_equal = false;
	return 0;
}

int decide_edit(struct container *c, struct edit *edit, struct error *e)
{
	const struct config *config = c->config;
	enum plan_verb uts = c->plan.verb[NS_UTS];
	bool renames = uts != PLAN_LEAVE && uts != PLAN_ADOPT_INIT && !c->known;

	*edit = (struct edit){ 0 };
	if (c->plan.shared) {
		edit->claim = *c->claim.text ? c->claim.text : NULL;
		edit->hook = c->hook;
	}
	for (int t = 0; t < NS_TYPES; t++) {
		if (c->plan.verb[t] == PLAN_LEAVE)
			continue;
		edit->ns_path[t] = pins_path(&c->pod.pins, (enum ns_type)t, e);
		if (!edit->ns_path[t])
			return -1;
	}
	if (renames && (config->hostname || c->in.stage == PLAN_PRECREATE))
		edit->hostname = c->names.hostname;
	if (renames && config->domainname)
		edit->domainname = c->names.domainname;
	if (renames && config->env_hostname != JSON_NONE)
		edit->env_hostname = c->names.hostname;
	memcpy(edit->etc_source, c->etc_source, sizeof(edit->etc_source));
	if (!c->shares_shm)
		return 0;
	edit->shm_read_only = c->shm_read_only;
	edit->shm_source = pod_shm_path(&c->pod, e);
	return edit->shm_source ? 0 : -1;
}
