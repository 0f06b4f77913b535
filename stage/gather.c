/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/gather.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ns/make.h"
#include "ns/net.h"
#include "stage/docker.h"

/* --- which namespaces ------------------------------------------------------ */

static int read_pin(struct container *c, enum ns_type t, struct error *e)
{
	struct plan_type *x = &c->in.type[t];

	if (pod_look(&c->pod, NS_BIT(t), e) < 0)
		return -1;
	x->pin = c->pod.pin[t].id;
	/* The owner of a user namespace does not matter. */
	return x->pin.ino && t != NS_USER ? ns_owner(c->pod.pin[t].fd, &x->pin_owner, e) : 0;
}

static int read_path(struct container *c, enum ns_type t, struct error *e)
{
	struct plan_type *x = &c->in.type[t];
	const char *pin = x->pin.ino ? pins_path(&c->pod.pins, t, e) : NULL;

	/* The usual case after precreate: the path is that of the pin, which is open already. */
	if (pin && !strcmp(x->path, pin)) {
		x->at_path = x->pin;
		x->path_owner = x->pin_owner;
		return 0;
	}
	c->path_fd[t] = ns_open_path(x->path, t, &x->at_path, e);
	/* Unless io.podns.pod names the pod, a path that cannot be opened is left to the runtime. */
	if (c->path_fd[t] < 0)
		return c->choice.named && c->in.types & NS_BIT(t) ? -1 : 0;
	return t == NS_USER ? 0 : ns_owner(c->path_fd[t], &x->path_owner, e);
}

static int read_init(struct container *c, enum ns_type t, bool shared, struct error *e)
{
	struct plan_type *x = &c->in.type[t];

	/* What has no pin yet is adopted, and opened anyway. */
	if (!shared || x->pin.ino) {
		if (process_ns_id(c->init, t, &x->init, e) < 0)
			return -1;
		if (ns_same(x->init, x->pin))
			x->init_owner = x->pin_owner;
		if (ns_same(x->init, x->pin) || ns_same(x->init, x->own))
			return 0;
	}
	c->init_fd[t] = process_open_ns(c->init, t, &x->init, e);
	if (c->init_fd[t] < 0)
		return -1;
	if (ns_same(x->init, x->own)) {
		cleanup_closep(&c->init_fd[t]);
		c->init_fd[t] = -1;
		return 0;
	}
	return t == NS_USER ? 0 : ns_owner(c->init_fd[t], &x->init_owner, e);
}

static int read_type(struct container *c, enum ns_type t, bool shared, bool has_sysctls,
		     struct error *e)
{
	struct plan_type *x = &c->in.type[t];
	bool joins = shared && (t == NS_UTS || has_sysctls);

	if (shared && read_pin(c, t, e) < 0)
		return -1;
	/* Only once: gather_names() may have moved this process into the pod's UTS namespace since. */
	if ((t == NS_USER || x->path || c->init || (joins && x->pin.ino)) && !x->own.ino &&
	    ns_own_id(t, &x->own, e) < 0)
		return -1;
	if (x->path && read_path(c, t, e) < 0)
		return -1;
	return c->init ? read_init(c, t, shared, e) : 0;
}

static int read_maps(struct container *c, struct error *e)
{
	const struct config *config = c->config;
	struct id_maps uid = c->definition.uid_maps, gid = c->definition.gid_maps;
	bool pinned = c->in.type[NS_USER].pin.ino;

	c->in.has_maps = uid.count || (config->uid_maps.count && config->gid_maps.count);
	if ((!config->uid_maps.count && !config->gid_maps.count) || (!pinned && !uid.count))
		return 0;
	if (pinned && ns_read_maps(c->pod.pin[NS_USER].fd, &c->arena, &uid, &gid, e) < 0)
		return -1;
	c->in.maps_known = true;
	c->in.maps_equal = id_maps_equal(&uid, &config->uid_maps) &&
			   id_maps_equal(&gid, &config->gid_maps);
	return 0;
}

/*
 * Only before the runtime creates the container: at createRuntime the engine may have moved its interfaces
 * in already.
 */
static int read_network(struct container *c, struct error *e)
{
	const struct plan_type *x = &c->in.type[NS_NET];
	char name[IFNAMSIZ];

	if (!c->new_id || !x->pin.ino || !x->entry || x->path ||
	    !docker_brings_network(c->config, c->new_id))
		return 0;
	c->in.brings_network = true;
	c->in.attached = c->pod.rec.attached;
	if (net_find_network(c->pod.pin[NS_NET].fd, DOCKER_INTERFACE, name, e) < 0)
		return -1;
	c->in.interface = NULL;
	if (!*name)
		return 0;
	c->in.interface = arena_strndup(&c->arena, name, strlen(name));
	return c->in.interface ? 0 : error_nomem(e);
}

int gather_identities(struct container *c, ns_set sysctl_types, struct error *e)
{
	for (int t = 0; t < NS_TYPES; t++) {
		struct plan_type *x = &c->in.type[t];
		bool has_sysctls = sysctl_types & NS_BIT(t), shared;

		x->entry = c->config->ns[t].entry != JSON_NONE;
		x->path = c->config->ns[t].path;
		shared = x->entry && c->in.types & NS_BIT(t);
		/* The user namespace is always read: it owns the others. */
		if ((shared || t == NS_USER || (x->entry && has_sysctls)) &&
		    read_type(c, (enum ns_type)t, shared, has_sysctls, e) < 0)
			return -1;
	}
	return read_maps(c, e) < 0 ? -1 : read_network(c, e);
}

/* --- sysctls ---------------------------------------------------------------- */

int gather_sysctls(struct container *c, ns_set *types, struct error *e)
{
	const struct stage_options *opt = c->opt;
	const struct config *config = c->config;
	const struct definition *d = &c->definition;
	size_t n = opt->sysctl_count + d->sysctl_count + config->sysctl_count;

	*types = 0;
	c->sysctl_count = 0;
	c->sysctls = arena_alloc(&c->arena, (n + 1) * sizeof(*c->sysctls));
	if (!c->sysctls)
		return error_nomem(e);
	for (size_t i = 0; i < opt->sysctl_count; i++)
		if (sysctl_check_pair(opt->sysctls[i], true, &c->arena,
				      &c->sysctls[c->sysctl_count++], e) < 0)
			return -1;
	for (size_t i = 0; i < d->sysctl_count; i++)
		c->sysctls[c->sysctl_count++] = d->sysctls[i];
	for (size_t i = 0; i < config->sysctl_count; i++)
		if (sysctl_check(config->sysctls[i].key, config->sysctls[i].value, false, &c->arena,
				 &c->sysctls[c->sysctl_count++], e) < 0)
			return error_prefix(e, "config.json: linux.sysctl");
	for (size_t i = 0; i < n; i++)
		*types |= NS_BIT(c->sysctls[i].type);
	return 0;
}

/* --- names ------------------------------------------------------------------- */

int gather_owner_fd(const struct container *c)
{
	const struct plan_type *u = &c->in.type[NS_USER];

	switch (c->plan.verb[NS_USER]) {
	case PLAN_JOIN:
		return c->pod.pin[NS_USER].fd;
	case PLAN_CREATE:
		return -1;
	case PLAN_ADOPT_PATH:
		return c->path_fd[NS_USER];
	case PLAN_ADOPT_INIT:
		return c->init_fd[NS_USER];
	case PLAN_LEAVE:
		break;
	}
	if (c->init)
		return ns_same(u->init, u->own) ? -1 : c->init_fd[NS_USER];
	return u->path && !ns_same(u->at_path, u->own) ? c->path_fd[NS_USER] : -1;
}

/* A container may have set any bytes with sethostname(2): an invalid name counts as unknown. */
static int keep_name(struct container *c, const char *name, const char *what, const char **kept,
		     struct error *e)
{
	*kept = NULL;
	if (plan_check_hostname(name, what, e) < 0) {
		log_error(LOG_LEVEL_WARN, e);
		return 0;
	}
	*kept = arena_strndup(&c->arena, name, strlen(name));
	return *kept ? 0 : error_nomem(e);
}

int gather_names(struct container *c, const char **hostname, const char **domainname,
		 struct error *e)
{
	enum plan_verb verb = c->plan.verb[NS_UTS];
	char host[65], domain[65];

	*hostname = *domainname = NULL;
	if (verb != PLAN_JOIN && verb != PLAN_ADOPT_PATH)
		return 0;
	if (ns_uts_names(verb == PLAN_JOIN ? c->pod.pin[NS_UTS].fd : c->path_fd[NS_UTS],
			 gather_owner_fd(c), host, domain, e) < 0 ||
	    keep_name(c, host, "the pod's hostname", hostname, e) < 0)
		return -1;
	return *hostname ? keep_name(c, domain, "the pod's domainname", domainname, e) : 0;
}
