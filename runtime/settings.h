/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root's settings of oci-podns-runtime. Lines of SETTINGS_FILE are "KEY = VALUE", or only "KEY" for a
 * flag, whose values are true and false. A value may be in double quotes, in which nothing is special.
 * A line that begins with # is a comment. The keys are "runtime" and the options of oci-podns-hook.
 */
#ifndef PODNS_RUNTIME_SETTINGS_H
#define PODNS_RUNTIME_SETTINGS_H

#include "base/buf.h"
#include "hook/settings.h"

#define SETTINGS_NAME "runtime.conf"
#define SETTINGS_FILE PODNS_CONFDIR "/" SETTINGS_NAME

struct settings {
	struct hook_settings hook;
	const char *runtime; /* the real runtime, an absolute path or a name without '/'; or NULL */
	struct arena arena;  /* all strings */
	const char **hook_args;
	size_t hook_arg_count;
};

/*
 * Parse len bytes of text; path names the file in errors, with the line. Refuses unknown keys, a key
 * that is set twice (but for sysctl), and values that the hook would refuse. *s need not be
 * initialised, and is to be freed after a failure too.
 */
int settings_parse(struct settings *s, const char *path, const char *text, size_t len,
		   struct error *e);

/*
 * Read SETTINGS_FILE, or take the defaults if it does not exist. It and its directory must be root's
 * (or our own) and writable by nobody else. *s as for settings_parse(). sysroot is prepended to the
 * path.
 */
int settings_read(struct settings *s, const char *sysroot, struct error *e);

/*
 * The arguments of oci-podns-hook that say the same as the file: "--root", "DIR", and so on, up to a
 * NULL. Borrowed from s.
 */
const char *const *settings_hook_args(const struct settings *s);

void settings_free(struct settings *s);
#define cleanup_settings __attribute__((cleanup(settings_free)))

#endif
