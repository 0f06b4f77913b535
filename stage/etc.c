/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/etc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "plan/engine.h"
#include "stage/docker.h"

/* The id outside of the container of its root. */
static uint32_t root_of(const struct id_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (maps->map[i].container == 0 && maps->map[i].size)
			return maps->map[i].host;
	return 0;
}

static const char *hostname_of(const struct container *c)
{
	return c->plan.verb[NS_UTS] != PLAN_LEAVE && c->names.hostname ? c->names.hostname
								       : c->config->hostname;
}

void etc_fill_in_hosts(struct container *c, const char *key)
{
	c->hosts = (struct pod_hosts){
		.key = key,
		.text = { .hostname = hostname_of(c), .engine_name = c->config->hostname },
		.uid = root_of(&c->config->uid_maps),
		.gid = root_of(&c->config->gid_maps),
		.mode = 0644,
	};
}

/* --- the engine's file ------------------------------------------------------------------- */

/* Whoever else owns a file might not be allowed to read what its path leads to. */
bool etc_is_trusted(const struct container *c, uid_t uid)
{
	return uid == 0 || uid == (uid_t)getauxval(AT_EUID) || uid == root_of(&c->config->uid_maps);
}

/* Returns what speaks against using it, or NULL. */
static const char *read_hosts(struct container *c, const char *source, struct stat *st)
{
	cleanup_close int fd =
		open(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	buf_free(&c->hosts_text);
	if (fd < 0 || fstat(fd, st) < 0)
		return strerror(errno);
	if (!S_ISREG(st->st_mode))
		return "it is not a regular file";
	if (!etc_is_trusted(c, st->st_uid))
		return "it belongs to another user";
	return read_all(fd, HOSTS_MAX, &c->hosts_text) < 0 ? strerror(errno) : NULL;
}

static int replace_hosts(struct container *c, const char *source, struct error *e)
{
	bool podman = plan_engine_file(source, "hosts") == ENGINE_FILE_PODMAN;
	const char *why;
	struct stat st = { 0 };

	why = read_hosts(c, source, &st);
	/* etc_follow_podman() waits for podman's text. */
	if (!why && !c->hosts_text.len && podman)
		return 0;
	if (!why && !c->hosts_text.len)
		why = "it is empty";
	if (why) {
		log_warn("the container keeps its own /etc/hosts, %s: %s", source, why);
		return 0;
	}
	etc_fill_in_hosts(c, source);
	c->todo.hosts = &c->hosts;
	c->hosts.text.text = c->hosts_text.data;
	c->hosts.text.len = c->hosts_text.len;
	c->hosts.text.podman = podman;
	c->hosts.uid = st.st_uid;
	c->hosts.gid = st.st_gid;
	c->hosts.mode = st.st_mode & 0777;
	c->etc_source[ETC_HOSTS] = pod_hosts_path(&c->pod, source, e);
	return c->etc_source[ETC_HOSTS] ? 0 : -1;
}

/* --- a file of our own --------------------------------------------------------------------- */

static void add_hosts(struct container *c, const char *path)
{
	static const char localhost[] = "127.0.0.1\tlocalhost\n"
					"::1\tlocalhost ip6-localhost ip6-loopback\n";

	etc_fill_in_hosts(c, c->bundle);
	c->todo.hosts = &c->hosts;
	c->hosts.text.text = localhost;
	c->hosts.text.len = sizeof(localhost) - 1;
	c->etc_source[ETC_HOSTS] = path;
}

static int choose_hosts(struct container *c, enum etc_verb verb, struct error *e)
{
	const char *source = c->config->etc[ETC_HOSTS].source, *ours = NULL;

	if (verb == ETC_REPLACE)
		return replace_hosts(c, source, e);
	if (c->bundle) {
		ours = pod_hosts_path(&c->pod, c->bundle, e);
		if (!ours)
			return -1;
	}
	/* An earlier edit that stays added a mount: the pod may have another address now. */
	if (verb == ETC_ADD || (ours && source && !strcmp(source, ours)))
		add_hosts(c, ours);
	return 0;
}

static int choose_resolv_conf(struct container *c, enum etc_verb verb, struct error *e)
{
	struct stat st;

	if (verb == ETC_LEAVE)
		return 0;
	if (!c->todo.network && fstatat(c->pod.fd, RESOLV_CONF, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		log_warn("the container gets no " RESOLV_CONF ": the pod has none");
		return 0;
	}
	c->todo.resolv_conf = true;
	c->etc_source[ETC_RESOLV_CONF] = pod_resolv_conf_path(&c->pod, e);
	return c->etc_source[ETC_RESOLV_CONF] ? 0 : -1;
}

/* --- the choice ------------------------------------------------------------------------------ */

static struct etc_mount mount_on(const struct config *config, enum config_etc file)
{
	const struct config_etc_mount *x = &config->etc[file];

	return (struct etc_mount){ x->count, x->bind, x->source };
}

static int ask_etc(struct container *c, struct etc_plan *plan, struct error *e)
{
	const char *id = c->id ? c->id : c->new_id;
	struct etc_input in = {
		.hosts = mount_on(c->config, ETC_HOSTS),
		.resolv_conf = mount_on(c->config, ETC_RESOLV_CONF),
		.covered = c->config->etc_covered,
		.bundle = c->bundle != NULL,
		.dns_chosen = !id || docker_has_dns(c->config, id),
	};

	if (container_says_podman(c, &in.managed, e) < 0)
		return -1;
	*plan = plan_etc(&in);
	return 0;
}

int etc_choose(struct container *c, struct error *e)
{
	struct etc_plan plan;

	memset(c->etc_source, 0, sizeof(c->etc_source));
	if ((c->in.stage != PLAN_PRECREATE && !c->etc_was_edited) ||
	    c->plan.verb[NS_NET] == PLAN_LEAVE || !(c->todo.network || c->pod.rec.network))
		return 0;
	if (c->todo.network && !c->pod.rec.host_count) {
		c->todo.host_entries = c->definition.hosts;
		c->todo.host_entry_count = c->definition.host_count;
	}
	c->todo.etc_label = c->config->mount_label;
	if (ask_etc(c, &plan, e) < 0 || choose_resolv_conf(c, plan.resolv_conf, e) < 0)
		return -1;
	return choose_hosts(c, plan.hosts, e);
}

void etc_reset(struct container *c)
{
	c->etc_was_edited = false;
	for (int i = 0; i < CONFIG_ETC_FILES; i++) {
		const char *source = c->config->etc[i].source;

		c->etc_was_edited |= source && is_below(source, c->pod.path);
	}
}
