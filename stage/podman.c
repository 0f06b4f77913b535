/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/podman.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "plan/engine.h"

enum infra {
	INFRA_NONE, /* the sandbox is no container: it is a pod without an infra container */
	INFRA_IS_THERE,
	INFRA_UNKNOWN, /* none of the container's mounts shows where podman's directories are */
};

/* Is it a file of the pod's, which an earlier run of the hook has put in the place of podman's? */
static bool is_of_pod(const struct container *c, const char *source)
{
	const char *name = source ? strstr(source, c->choice.name) : NULL;
	static const char records[] = "/podns/";
	size_t n = sizeof(records) - 1;

	return name && (size_t)(name - source) >= n && !memcmp(name - n, records, n) &&
	       name[strlen(c->choice.name)] == '/';
}

static int look_for_infra(struct container *c, const char *source, size_t len, enum infra *infra,
			  struct error *e)
{
	const char *dir = arena_strndup(&c->arena, source, len);
	const char *path = dir ? arena_concat(&c->arena, dir, "/", c->choice.name, NULL) : NULL;
	struct stat st;

	if (!path)
		return error_nomem(e);
	*infra = INFRA_IS_THERE;
	if (lstat(path, &st) == 0)
		return 0;
	*infra = INFRA_NONE;
	return errno == ENOENT ? 0 : error_set(e, errno, "look for podman's container at %s", path);
}

static int find_infra(struct container *c, enum infra *infra, struct error *e)
{
	const struct config *config = c->config;
	const char *sources[CONFIG_ETC_FILES + 1] = { config->shm_source };
	size_t len;

	for (int i = 0; i < CONFIG_ETC_FILES; i++)
		sources[i + 1] = config->etc[i].source;
	*infra = INFRA_UNKNOWN;
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		if (plan_engine_dir(sources[i], &len))
			return look_for_infra(c, sources[i], len, infra, e);
		if (is_of_pod(c, sources[i]))
			*infra = INFRA_NONE;
	}
	return 0;
}

static int refuse_unknown(const struct container *c, struct error *e)
{
	error_set(
		e, 0,
		"whether podman's pod %.12s has an infra container cannot be seen: no file of podman's is "
		"mounted on /etc/hostname, /etc/hosts, /etc/resolv.conf or /dev/shm",
		c->choice.name);
	return error_hint(e, "let podman mount one of them");
}

static void leave_alone(struct container *c)
{
	log_debug("the container is in podman's pod with the infra container %s", c->choice.name);
	c->choice.name = NULL;
}

/* The user of podman writes its annotations, as for a pod that io.podns.pod names. */
static void choose_podmans(struct container *c)
{
	c->choice.cri = false;
	c->choice.named = true;
	c->choice.annotations = true;
}

static int is_in_podmans(struct container *c, bool *is, struct error *e)
{
	const char *sandbox;

	*is = false;
	if (!c->choice.cri)
		return 0;
	if (config_annotation(c->config, ANNOTATION_SANDBOX, &sandbox, NULL, e) < 0)
		return -1;
	return sandbox ? container_says_podman(c, is, e) : 0;
}

/*
 * In a stage that CRI-O may run, too: has precreate decided, or is the container left alone? If neither, it is
 * treated as CRI-O's, which all of podman's are where precreate is not installed.
 */
static int choose_later(struct container *c, struct error *e)
{
	const char *claim;
	enum infra infra = INFRA_UNKNOWN;

	if (config_annotation(c->config, ANNOTATION_CLAIM, &claim, NULL, e) < 0)
		return -1;
	if (!claim && find_infra(c, &infra, e) < 0)
		return -1;
	c->pinned_alone = claim || infra == INFRA_IS_THERE;
	if (!claim && c->pinned_alone && !c->opt->sysctl_count)
		leave_alone(c);
	return 0;
}

static int choose_first(struct container *c, struct error *e)
{
	enum infra infra;

	if (find_infra(c, &infra, e) < 0)
		return -1;
	if (infra == INFRA_UNKNOWN)
		return refuse_unknown(c, e);
	if (infra == INFRA_IS_THERE)
		leave_alone(c);
	else
		choose_podmans(c);
	return 0;
}

int podman_choose(struct container *c, bool only_podman, struct error *e)
{
	bool is;

	if (is_in_podmans(c, &is, e) < 0)
		return -1;
	if (!is)
		return 0;
	return only_podman ? choose_first(c, e) : choose_later(c, e);
}
