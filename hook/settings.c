/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/settings.h"

#include <stdlib.h>

#include "ns/sysctl.h"
#include "pod/name.h"

void hook_settings_init(struct hook_settings *s)
{
	*s = (struct hook_settings){
		.stage = { .namespaces = ns_default_set, .pod_annotation = ANNOTATION_POD },
		.log_level = LOG_LEVEL_WARN,
		.syslog = true,
		.sandbox = true,
	};
}

void hook_settings_free(struct hook_settings *s)
{
	free((void *)s->stage.sysctls);
	s->stage.sysctls = NULL;
	s->stage.sysctl_count = 0;
}

struct agent_policy hook_settings_policy(const struct hook_settings *s)
{
	return (struct agent_policy){
		.network_annotation = s->stage.network_annotation,
		.publish_low = s->stage.publish_low,
		.publish_high = s->stage.publish_high,
		.adds = true,
	};
}

static int set_text(const char **to, const char *value, struct error *e)
{
	if (!*value)
		return error_set(e, 0, "must not be empty");
	*to = value;
	return 0;
}

static int set_root(struct hook_settings *s, const char *value, struct error *e)
{
	return set_text(&s->stage.root, value, e);
}

static int set_namespaces(struct hook_settings *s, const char *value, struct error *e)
{
	return ns_parse_set(value, true, &s->stage.namespaces, e);
}

static int add_sysctl(struct hook_settings *s, const char *value, struct error *e)
{
	const char **list;

	if (!sysctl_is_pair(value))
		return error_set(e, 0, "expected KEY=VALUE, not '%.200s'", value);
	list = reallocarray((void *)s->stage.sysctls, s->stage.sysctl_count + 1, sizeof(*list));
	if (!list)
		return error_nomem(e);
	list[s->stage.sysctl_count++] = value;
	s->stage.sysctls = list;
	return 0;
}

static int set_pod_annotation(struct hook_settings *s, const char *value, struct error *e)
{
	return set_text(&s->stage.pod_annotation, value, e);
}

static int set_trust(struct hook_settings *s, const char *value, struct error *e)
{
	(void)value;
	(void)e;
	s->stage.trust_annotations = true;
	return 0;
}

static int set_keep(struct hook_settings *s, const char *value, struct error *e)
{
	(void)value;
	(void)e;
	s->stage.keep = true;
	return 0;
}

static int set_network_annotation(struct hook_settings *s, const char *value, struct error *e)
{
	(void)value;
	(void)e;
	s->stage.network_annotation = true;
	return 0;
}

static int set_publish_annotation(struct hook_settings *s, const char *value, struct error *e)
{
	return port_parse_bounds(value, &s->stage.publish_low, &s->stage.publish_high, e);
}

static int set_log_level(struct hook_settings *s, const char *value, struct error *e)
{
	int level = log_level_by_name(value);

	if (level < 0)
		return error_set(e, 0, "no such level '%.200s'", value);
	s->log_level = (enum log_level)level;
	return 0;
}

static int set_log_file(struct hook_settings *s, const char *value, struct error *e)
{
	return set_text(&s->log_file, value, e);
}

static int set_no_syslog(struct hook_settings *s, const char *value, struct error *e)
{
	(void)value;
	(void)e;
	s->syslog = false;
	return 0;
}

static int set_no_sandbox(struct hook_settings *s, const char *value, struct error *e)
{
	(void)value;
	(void)e;
	s->sandbox = false;
	return 0;
}

const struct hook_setting hook_setting_rows[HOOK_SETTINGS] = {
	{ "root", true, false, set_root },
	{ "namespaces", true, false, set_namespaces },
	{ "sysctl", true, true, add_sysctl },
	{ "pod-annotation", true, false, set_pod_annotation },
	{ "trust-annotations", false, false, set_trust },
	{ "network-annotation", false, false, set_network_annotation },
	{ "publish-annotation", true, false, set_publish_annotation },
	{ "keep", false, false, set_keep },
	{ "log-level", true, false, set_log_level },
	{ "log-file", true, false, set_log_file },
	{ "no-syslog", false, false, set_no_syslog },
	{ "no-sandbox", false, false, set_no_sandbox },
};
