/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/share.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ns/make.h"
#include "ns/shm.h"

typedef int (*get_annotation_fn)(void *doc, const char *key, const char **value, struct error *e);

static int find_clues(const struct stage_options *opt, get_annotation_fn get, void *doc,
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

int share_config_clues(const struct stage_options *opt, struct config *config,
		       struct pod_clues *clues, struct error *e)
{
	return find_clues(opt, get_from_config, config, clues, e);
}

int share_state_clues(const struct stage_options *opt, struct state *state, struct pod_clues *clues,
		      struct error *e)
{
	return find_clues(opt, get_from_state, state, clues, e);
}

static int agree(const char **from_config, const char *from_state, const char *what,
		 struct error *e)
{
	if (*from_config && from_state && strcmp(*from_config, from_state))
		return error_set(e, 0, "the state names the %s '%s' and config.json '%s'", what,
				 from_state, *from_config);
	if (!*from_config)
		*from_config = from_state;
	return 0;
}

int share_choose(struct share *s, const char *id, const struct pod_clues *state, struct error *e)
{
	struct pod_clues clues;

	if (share_config_clues(s->opt, s->config, &clues, e) < 0)
		return -1;
	if (state && (agree(&clues.sandbox, state->sandbox, "sandbox", e) < 0 ||
		      agree(&clues.annotation, state->annotation, "pod", e) < 0))
		return -1;
	clues.id = id;
	if (pod_choose(&clues, &s->choice, e) < 0)
		return -1;
	if (s->choice.cri && clues.annotation)
		log_info("annotation %s counts for nothing in sandbox %s", s->opt->pod_annotation,
			 s->choice.name);
	if (!s->choice.name)
		return 0;
	/* The config may be read again under the pod's lock, and its strings be freed. */
	s->choice.name = arena_strndup(&s->arena, s->choice.name, strlen(s->choice.name));
	return s->choice.name ? 0 : error_nomem(e);
}

/*
 * The value of an io.podns annotation of the config: NULL where absent, or where none counts (under
 * a CRI engine, or with --pod-annotation).
 */
static int own_annotation(struct share *s, const char *key, const char **value, struct error *e)
{
	*value = NULL;
	return s->choice.annotations ? config_annotation(s->config, key, value, NULL, e) : 0;
}

static int pod_types(struct share *s, struct error *e)
{
	const char *list;

	s->in.types = s->opt->namespaces;
	if (own_annotation(s, ANNOTATION_NAMESPACES, &list, e) < 0)
		return -1;
	if (!list || ns_parse_set(list, true, &s->in.types, e) == 0)
		return 0;
	return error_prefix(e, "annotation " ANNOTATION_NAMESPACES);
}

int share_begin(struct share *s, struct error *e)
{
	log_context(s->opt->stage, s->choice.name);
	if (pod_types(s, e) < 0 || store_open(&s->store, s->opt->root, true, e) < 0)
		return -1;
	log_keep_in(s->store.dir_fd);
	if (pod_open(&s->pod, &s->store, s->choice.name, true, e) < 0 ||
	    pod_sweep(&s->pod, s->id, s->bundle, e) < 0)
		return -1;
	s->member_already = s->id && record_find_container(&s->pod.rec, s->id, s->bundle) >= 0;
	if (record_format(&s->pod.rec, &s->swept, e) == 0)
		return 0;
	buf_free(&s->swept); /* half a record is none */
	return -1;
}

/* --- reading ------------------------------------------------------------ */

static int read_pin(struct share *s, enum ns_type t, struct error *e)
{
	struct plan_type *x = &s->in.type[t];

	if (pod_look(&s->pod, NS_BIT(t), e) < 0)
		return -1;
	x->pin = s->pod.pin[t].id;
	/* Whose child a user namespace is does not matter. */
	return x->pin.ino && t != NS_USER ? ns_owner(s->pod.pin[t].fd, &x->pin_owner, e) : 0;
}

static int read_path(struct share *s, enum ns_type t, struct error *e)
{
	struct plan_type *x = &s->in.type[t];
	const char *pin = x->pin.ino ? pod_pin_path(&s->pod, t, e) : NULL;

	/* The usual case after precreate: what is at the pin has just been looked at. */
	if (pin && !strcmp(x->path, pin)) {
		x->at_path = x->pin;
		x->path_owner = x->pin_owner;
		return 0;
	}
	s->path_fd[t] = ns_open_path(x->path, t, &x->at_path, e);
	/* Only a named pod takes an interest in what an engine put there. */
	if (s->path_fd[t] < 0)
		return s->choice.named && s->in.types & NS_BIT(t) ? -1 : 0;
	return t == NS_USER ? 0 : ns_owner(s->path_fd[t], &x->path_owner, e);
}

static int read_init(struct share *s, enum ns_type t, struct error *e)
{
	struct plan_type *x = &s->in.type[t];

	if (process_ns_id(s->init, t, &x->init, e) < 0)
		return -1;
	if (ns_same(x->init, x->pin)) {
		x->init_owner = x->pin_owner;
		return 0;
	}
	if (ns_same(x->init, x->own))
		return 0;
	s->init_fd[t] = process_open_ns(s->init, t, &x->init, e);
	if (s->init_fd[t] < 0)
		return -1;
	return t == NS_USER ? 0 : ns_owner(s->init_fd[t], &x->init_owner, e);
}

/* also: types that sysctls are for. */
static int read_type(struct share *s, enum ns_type t, bool shared, ns_set also, struct error *e)
{
	struct plan_type *x = &s->in.type[t];
	bool joins = shared && (t == NS_UTS || also & NS_BIT(t));

	if (shared && read_pin(s, t, e) < 0)
		return -1;
	/* Once: to read the pod's hostname we may have gone into its UTS namespace. */
	if ((t == NS_USER || x->path || s->init || (joins && x->pin.ino)) && !x->own.ino &&
	    ns_own_id(t, &x->own, e) < 0)
		return -1;
	if (x->path && read_path(s, t, e) < 0)
		return -1;
	return s->init ? read_init(s, t, e) : 0;
}

static int read_maps(struct share *s, struct error *e)
{
	struct id_maps uid, gid;

	bool any = s->config->uid_maps.count || s->config->gid_maps.count;

	s->in.has_maps = s->config->uid_maps.count && s->config->gid_maps.count;
	if (!any || !s->in.type[NS_USER].pin.ino)
		return 0;
	if (ns_read_maps(s->pod.pin[NS_USER].fd, &s->arena, &uid, &gid, e) < 0)
		return -1;
	s->in.maps_known = true;
	s->in.maps_equal = id_maps_equal(&uid, &s->config->uid_maps) &&
			   id_maps_equal(&gid, &s->config->gid_maps);
	return 0;
}

static int read_identities(struct share *s, ns_set also, struct error *e)
{
	for (int t = 0; t < NS_TYPES; t++) {
		struct plan_type *x = &s->in.type[t];
		bool shared;

		x->entry = s->config->ns[t].entry != JSON_NONE;
		x->path = s->config->ns[t].path;
		shared = x->entry && s->in.types & NS_BIT(t);
		/*
		 * Who owns what is asked of every container: so the user namespace is
		 * always read.
		 */
		if ((shared || t == NS_USER || (x->entry && also & NS_BIT(t))) &&
		    read_type(s, (enum ns_type)t, shared, also, e) < 0)
			return -1;
	}
	return read_maps(s, e);
}

/* --- sysctls ------------------------------------------------------------ */

static int collect_sysctls(struct share *s, ns_set *types, struct error *e)
{
	const struct config *c = s->config;
	size_t n = s->opt->sysctl_count + c->sysctl_count;
	struct sysctl *x;

	*types = 0;
	if (!n)
		return 0;
	s->sysctls = arena_alloc(&s->arena, n * sizeof(*s->sysctls));
	if (!s->sysctls)
		return error_nomem(e);
	for (size_t i = 0; i < n; i++) {
		x = &s->sysctls[i];
		if (i < s->opt->sysctl_count) {
			if (sysctl_check_pair(s->opt->sysctls[i], true, &s->arena, x, e) < 0)
				return -1;
		} else {
			const struct config_sysctl *y = &c->sysctls[i - s->opt->sysctl_count];

			if (sysctl_check(y->key, y->value, false, &s->arena, x, e) < 0)
				return error_prefix(e, "config.json: linux.sysctl");
		}
		*types |= NS_BIT(x->type);
	}
	s->sysctl_count = n;
	return 0;
}

/* Has the container a namespace of this type that is not the host's? */
static bool has_own(const struct share *s, enum ns_type type)
{
	const struct plan_type *t = &s->in.type[type];

	return t->entry && !(t->path && ns_same(t->at_path, t->own)) &&
	       !(s->init && ns_same(t->init, t->own)) &&
	       !(s->in.types & NS_BIT(type) && ns_same(t->pin, t->own));
}

/*
 * Leaves the list with what may be written. Under a CRI engine the pod's author chooses what is
 * shared with the host (hostNetwork), so root's option is left out there: it would fail such
 * pods on a node where others need it. Elsewhere root names both, the option and the container.
 */
static int check_sysctl_targets(struct share *s, struct error *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->sysctl_count; i++) {
		const struct sysctl *x = &s->sysctls[i];
		bool own = has_own(s, x->type);

		if (!own && !(s->choice.cri && x->trusted))
			return error_set(e, 0,
					 "sysctl %s: the container shares the host's %s "
					 "namespace",
					 x->key, ns_info[x->type].oci);
		if (own)
			s->sysctls[kept++] = *x;
		else
			log_info("sysctl %s is left out: the container shares the host's %s "
				 "namespace",
				 x->key, ns_info[x->type].oci);
	}
	s->sysctl_count = kept;
	return 0;
}

/* At precreate only what has been set: in the namespaces that this run made. */
static int note_sysctls(struct share *s, struct error *e)
{
	ns_set types = s->in.stage == PLAN_PRECREATE ? s->plan.created : s->plan.shared;

	for (size_t i = 0; i < s->sysctl_count; i++) {
		struct sysctl *x = &s->sysctls[i];
		const char *before = record_sysctl(&s->pod.rec, x->path);

		/* Writing an empty value changes nothing. */
		if (!(types & NS_BIT(x->type)) || !*x->value)
			continue;
		x->was_set = before && !strcmp(before, x->value);
		if (before && !x->was_set)
			log_warn("sysctl %s: '%s' replaces '%s' for the whole pod", x->key,
				 x->value, before);
		if (record_set_sysctl(&s->pod.rec, x->path, x->value, e) < 0)
			return -1;
	}
	return 0;
}

/* --- shm ---------------------------------------------------------------- */

/* Of the annotation; 0 where there is none. */
static int read_shm_size(struct share *s, uint64_t *size, struct error *e)
{
	const char *given;

	*size = 0;
	if (own_annotation(s, ANNOTATION_SHM_SIZE, &given, e) < 0)
		return -1;
	if (!given || plan_parse_size(given, size, e) == 0)
		return 0;
	return error_prefix(e, "annotation " ANNOTATION_SHM_SIZE);
}

static struct plan_shm decide_shm(const struct config *c)
{
	struct plan_shm_mount mount = {
		.type = c->shm_type,
		.source = c->shm_source,
		.options = c->shm_options,
		.option_count = c->shm_option_count,
		.bind = config_shm_is_bind(c),
		.crowded = c->shm_below,
	};

	return plan_shm(&mount);
}

/*
 * The size for a pod's /dev/shm that is not mounted yet: the annotation's, else that of the
 * container's own. Where that cannot be read the container's own stays: a guess might be larger.
 */
static void size_shm(struct share *s, struct plan_shm *shm)
{
	if (s->shm_size || (s->pod.rec.shm && pod_shm_mounted(&s->pod)))
		return;
	s->shm_size = shm->size;
	if (shm->sized_by_source && !shm_size_of(s->config->shm_source, &s->shm_size))
		shm->keeps = "its source is no tmpfs whose size can be read";
}

static void log_kept_shm(const struct plan_shm *shm)
{
	/* An option may be as good as any for what the user wants, and still surprise him. */
	if (shm->option)
		log_warn("the container keeps its own /dev/shm: %s '%.200s'", shm->keeps,
			 shm->option);
	else
		log_info("the container keeps its own /dev/shm: %s", shm->keeps);
}

static int plan_own_shm(struct share *s, enum plan_stage stage, struct error *e)
{
	const struct config *c = s->config;
	struct plan_shm shm;

	s->shares_shm = s->shm_read_only = false;
	if ((stage != PLAN_PRECREATE && !s->shm_was_shared) || s->plan.verb[NS_IPC] == PLAN_LEAVE)
		return 0;
	if (read_shm_size(s, &s->shm_size, e) < 0)
		return -1;
	if (c->shm == JSON_NONE)
		return 0;
	shm = decide_shm(c);
	if (!shm.keeps)
		size_shm(s, &shm);
	if (shm.keeps) {
		log_kept_shm(&shm);
		return 0;
	}
	s->shares_shm = true;
	s->shm_read_only = shm.read_only;
	return c->mount_label ? plan_check_label(c->mount_label, e) : 0;
}

/* --- names -------------------------------------------------------------- */

/*
 * A descriptor of the user namespace that owns what the container shares, where that is
 * not our own; else -1.
 */
static int owner_fd(const struct share *s)
{
	const struct plan_type *u = &s->in.type[NS_USER];

	switch (s->plan.verb[NS_USER]) {
	case PLAN_JOIN:
		return s->pod.pin[NS_USER].fd;
	case PLAN_CREATE:
		return s->made_fd[NS_USER];
	case PLAN_ADOPT_PATH:
		return s->path_fd[NS_USER];
	case PLAN_ADOPT_INIT:
		return s->init_fd[NS_USER];
	case PLAN_LEAVE:
		break;
	}
	if (s->init)
		return ns_same(u->init, u->own) ? -1 : s->init_fd[NS_USER];
	return u->path && !ns_same(u->at_path, u->own) ? s->path_fd[NS_USER] : -1;
}

static int read_names(struct share *s, int uts_fd, struct error *e)
{
	char hostname[65], domainname[65];

	if (ns_uts_names(uts_fd, owner_fd(s), hostname, domainname, e) < 0)
		return -1;
	/* A container that may call sethostname(2) can have left anything there. */
	if (plan_check_hostname(hostname, "the pod's hostname", e) < 0) {
		log_error(LOG_LEVEL_WARN, e);
		return 0;
	}
	s->hostname = arena_strndup(&s->arena, hostname, strlen(hostname));
	if (!s->hostname)
		return error_nomem(e);
	if (plan_check_hostname(domainname, "the pod's domainname", e) < 0) {
		log_error(LOG_LEVEL_WARN, e);
		return 0;
	}
	s->domainname = arena_strndup(&s->arena, domainname, strlen(domainname));
	return s->domainname ? 0 : error_nomem(e);
}

static int choose_names(struct share *s, struct error *e)
{
	const char *annotation, *hostname = s->config->hostname;
	char *room = arena_alloc(&s->arena, PLAN_HOSTNAME_MAX + 1);

	if (!room)
		return error_nomem(e);
	if (own_annotation(s, ANNOTATION_HOSTNAME, &annotation, e) < 0)
		return -1;
	if (annotation && plan_check_hostname(annotation, "annotation " ANNOTATION_HOSTNAME, e) < 0)
		return -1;
	/* The runtime has read the config by now, and will set what that says. */
	if (s->plan.verb[NS_UTS] == PLAN_ADOPT_INIT && hostname)
		s->hostname = hostname;
	else
		s->hostname = plan_hostname(annotation, s->choice.name, hostname, s->id, room);
	s->domainname = s->config->domainname;
	if (plan_check_hostname(s->hostname, "hostname", e) < 0)
		return -1;
	return s->domainname ? plan_check_hostname(s->domainname, "domainname", e) : 0;
}

static int plan_names(struct share *s, struct error *e)
{
	switch (s->plan.verb[NS_UTS]) {
	case PLAN_LEAVE:
		return 0;
	case PLAN_JOIN:
		return read_names(s, s->pod.pin[NS_UTS].fd, e);
	case PLAN_ADOPT_PATH:
		return read_names(s, s->path_fd[NS_UTS], e);
	case PLAN_CREATE:
	case PLAN_ADOPT_INIT:
		break;
	}
	return choose_names(s, e);
}

int share_plan(struct share *s, enum plan_stage stage, struct error *e)
{
	ns_set sysctl_types;

	s->in.stage = stage;
	s->in.pod = s->choice.name;
	s->in.root = s->store.root;
	s->in.named = s->choice.named;
	s->in.has_init = s->init != NULL;
	s->in.time_offsets = s->config->time_offsets;
	if (collect_sysctls(s, &sysctl_types, e) < 0 || read_identities(s, sysctl_types, e) < 0 ||
	    check_sysctl_targets(s, e) < 0 || plan_make(&s->in, &s->plan, e) < 0)
		return -1;
	if (s->init && !process_lives(s->init))
		return error_set(e, 0, "the container's process %d died", s->init->pid);
	return plan_names(s, e) < 0 ? -1 : plan_own_shm(s, stage, e);
}

static void close_reads(struct share *s)
{
	for (int t = 0; t < NS_TYPES; t++) {
		cleanup_closep(&s->path_fd[t]);
		cleanup_closep(&s->init_fd[t]);
		s->path_fd[t] = s->init_fd[t] = -1;
	}
}

int share_forget(struct share *s, struct error *e)
{
	const char *source = s->config->shm_source, *ours = pod_shm_path(&s->pod, e);

	if (!ours)
		return -1;
	s->shm_was_shared = source && !strcmp(source, ours);
	close_reads(s);
	for (int t = 0; t < NS_TYPES; t++)
		s->in.type[t] = (struct plan_type){ .own = s->in.type[t].own };
	s->in.maps_known = s->in.maps_equal = false;
	s->sysctl_count = 0;
	s->hostname = s->domainname = NULL;
	return 0;
}

/* --- acting ------------------------------------------------------------- */

static int create(struct share *s, struct error *e)
{
	struct ns_setup setup = {
		.loopback = s->plan.created & NS_BIT(NS_NET),
		.sysctls = { s->sysctls, s->sysctl_count, s->plan.created, true },
	};

	if (!s->plan.created)
		return 0;
	if (s->plan.created & NS_BIT(NS_UTS)) {
		setup.hostname = s->hostname;
		setup.domainname = s->domainname;
	}
	return ns_make(s->plan.created, s->plan.created & NS_BIT(NS_USER) ? -1 : owner_fd(s),
		       &s->config->uid_maps, &s->config->gid_maps, &setup, s->made_fd, e);
}

/* What this run has to bind for type t: a descriptor, or -1 for nothing. */
static int fd_to_bind(const struct share *s, enum ns_type t)
{
	switch (s->plan.verb[t]) {
	case PLAN_CREATE:
		return s->made_fd[t];
	case PLAN_ADOPT_PATH:
		return s->path_fd[t];
	case PLAN_ADOPT_INIT:
		return s->init_fd[t];
	case PLAN_JOIN:
	case PLAN_LEAVE:
		break;
	}
	return -1;
}

static int pin(struct share *s, struct error *e)
{
	bool mounts_shm = s->shares_shm && !(s->pod.rec.shm && pod_shm_mounted(&s->pod));
	int fds[NS_TYPES];
	bool any = mounts_shm || (s->shares_shm && !s->pod.rec.shm);

	for (int t = 0; t < NS_TYPES; t++) {
		fds[t] = fd_to_bind(s, (enum ns_type)t);
		any |= fds[t] >= 0;
	}
	if (!any)
		return 0;
	s->pod.rec.shm |= s->shares_shm;
	if (pod_pin(&s->pod, fds, &s->bound, e) < 0)
		return -1;
	if (!mounts_shm)
		return 0;
	if (pod_shm_mount(&s->pod, s->shm_size, s->config->mount_label, e) < 0)
		return -1;
	s->shm_mounted = true;
	return 0;
}

int share_set_up(struct share *s, struct error *e)
{
	struct ns_setup setup = {
		.sysctls = { .list = s->sysctls, .count = s->sysctl_count },
	};
	int join[NS_TYPES] = NS_FDS_NONE;
	bool any = false;

	for (size_t i = 0; i < s->sysctl_count; i++) {
		enum ns_type t = s->sysctls[i].type;

		if (s->plan.created & NS_BIT(t))
			continue;
		join[t] = s->plan.verb[t] == PLAN_JOIN ? s->pod.pin[t].fd
			  : s->init                    ? s->init_fd[t]
						       : s->path_fd[t];
		if (join[t] < 0)
			continue;
		setup.sysctls.types |= NS_BIT(t);
		any = true;
	}
	if (s->plan.verb[NS_UTS] == PLAN_ADOPT_INIT) {
		join[NS_UTS] = s->init_fd[NS_UTS];
		setup.hostname = s->hostname;
		setup.domainname = s->domainname;
		any = true;
	}
	/* The child that works for another user namespace joins that one by itself. */
	join[NS_USER] = -1;
	return any ? ns_setup_in(join, owner_fd(s), &setup, e) : 0;
}

int share_act(struct share *s, struct error *e)
{
	return create(s, e) < 0 || note_sysctls(s, e) < 0 ? -1 : pin(s, e);
}

int share_edit(struct share *s, struct edit *edit, struct error *e)
{
	const struct config *c = s->config;
	bool joins = s->plan.verb[NS_UTS] != PLAN_LEAVE &&
		     s->plan.verb[NS_UTS] != PLAN_ADOPT_INIT && !s->member_already;

	*edit = (struct edit){ 0 };
	for (int t = 0; t < NS_TYPES; t++) {
		if (s->plan.verb[t] == PLAN_LEAVE)
			continue;
		edit->ns_path[t] = pod_pin_path(&s->pod, (enum ns_type)t, e);
		if (!edit->ns_path[t])
			return -1;
	}
	if (joins && (c->hostname || s->in.stage == PLAN_PRECREATE))
		edit->hostname = s->hostname;
	if (joins && c->domainname)
		edit->domainname = s->domainname;
	if (joins && c->env_hostname != JSON_NONE)
		edit->env_hostname = s->hostname;
	if (!s->shares_shm)
		return 0;
	edit->shm_read_only = s->shm_read_only;
	edit->shm_source = pod_shm_path(&s->pod, e);
	return edit->shm_source ? 0 : -1;
}

int share_save(struct share *s, struct error *e)
{
	if (pod_save(&s->pod, e) < 0)
		return -1;
	return s->to_index ? store_index(&s->store, s->id, s->bundle, s->pod.name, &s->indexed, e)
			   : 0;
}

/* --- undoing ------------------------------------------------------------ */

/* stay, shm_stays: what this run made and could not remove. */
static int restore_record(struct share *s, ns_set stay, bool shm_stays, struct error *e)
{
	struct record rec;

	/* Not into the pod's own: an empty record would be the end of a living pod. */
	if (record_parse(&rec, s->swept.data, e) < 0)
		return -1;
	for (int t = 0; t < NS_TYPES; t++)
		if (stay & NS_BIT(t))
			rec.pin[t] = s->pod.rec.pin[t];
	if (stay || shm_stays)
		rec.mntns = s->pod.rec.mntns;
	rec.shm |= shm_stays;
	record_free(&s->pod.rec);
	s->pod.rec = rec;
	/* With nobody in it gc ends it, and tries once more to remove what stayed. */
	if (stay || shm_stays)
		return pod_save(&s->pod, e);
	return record_is_empty(&s->pod.rec) ? pod_end(&s->pod, e) : pod_save(&s->pod, e);
}

void share_undo(struct share *s)
{
	bool shm_stays;
	ns_set stay = 0;
	struct error e;

	if (s->pod.fd < 0)
		return;
	if (s->indexed && store_unindex(&s->store, s->id, s->bundle, s->pod.name, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
	shm_stays = s->shm_mounted && !pod_shm_unmount(&s->pod);
	for (int t = NS_TYPES - 1; t >= 0; t--)
		if (s->bound & NS_BIT(t) && !pod_unbind(&s->pod, (enum ns_type)t))
			stay |= NS_BIT(t);
	s->stays = stay || shm_stays;
	if (s->swept.len && restore_record(s, stay, shm_stays, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
}

static void end_empty(struct share *s)
{
	struct error e;

	if (pod_end(&s->pod, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
}

void share_end(struct share *s)
{
	if (s->pod.fd >= 0 && s->pod.saved.len && record_is_empty(&s->pod.rec) && !s->stays)
		end_empty(s);
	close_reads(s);
	for (int t = 0; t < NS_TYPES; t++)
		cleanup_closep(&s->made_fd[t]);
	pod_close(&s->pod);
	store_close(&s->store);
	buf_free(&s->swept);
	arena_free(&s->arena);
}
