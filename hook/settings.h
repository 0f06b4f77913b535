/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What root decides about the stages. oci-podns-hook has an option for each setting, and
 * oci-podns-runtime a key in its file.
 */
#ifndef PODNS_HOOK_SETTINGS_H
#define PODNS_HOOK_SETTINGS_H

#include "agent/agent.h"
#include "base/log.h"
#include "stage/stage.h"

struct hook_settings {
	struct stage_options stage; /* owns the array of sysctls; all strings are borrowed */
	enum log_level log_level;
	const char *log_file; /* or NULL */
	bool syslog;
	bool sandbox;
};

/* Set everything to its default. */
void hook_settings_init(struct hook_settings *s);
void hook_settings_free(struct hook_settings *s);

/* What the agent may do for a stage under these settings. */
struct agent_policy hook_settings_policy(const struct hook_settings *s);

struct hook_setting {
	const char *name; /* of the option, without dashes */
	bool has_value;   /* else it is a flag, which set() sets; value is then NULL */
	bool repeatable;
	/* Borrows value. Refuses one that is not valid; the error does not have the name. */
	int (*set)(struct hook_settings *s, const char *value, struct error *e);
};

#define HOOK_SETTINGS 12
extern const struct hook_setting hook_setting_rows[HOOK_SETTINGS];

#endif
