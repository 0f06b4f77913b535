/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM "oci-podns-hook"

static const char help_text[] =
	"Usage: " PROGRAM " [OPTIONS] [precreate|prestart|createRuntime|poststop]\n"
	"\n"
	"An OCI hook for pods without a pause process. Reads the OCI state (or, at precreate,\n"
	"config.json) on standard input, creates and pins the namespaces that the container's\n"
	"pod lacks, points config.json at them, sets sysctls, and removes all of it after the\n"
	"pod's last container. Without a stage on the command line, the document decides: a config\n"
	"means precreate, a state createRuntime or, if its status is stopped, poststop.\n"
	"\n"
	"The container's annotation io.podns.pod names the pod.\n"
	"\n"
	"  --root DIR            keep pins in DIR/netns, DIR/ipcns, ... and records in DIR/podns\n"
	"                        (default: /run, or /run/user/UID under rootless podman)\n"
	"  --namespaces LIST     types that the pod shares: net,ipc,uts,user,cgroup,time\n"
	"                        (default: net,ipc,uts; annotation io.podns.namespaces overrides)\n"
	"  --sysctl KEY=VALUE    set a sysctl in the pod's namespaces; may be repeated\n"
	"  --pod-annotation KEY  the annotation that names the pod (default: io.podns.pod)\n"
	"  --trust-annotations   obey io.podns.* annotations also under a CRI engine, and with\n"
	"                        --pod-annotation\n"
	"  --network-annotation  obey the annotation io.podns.network, which names the pod's network\n"
	"  --publish-annotation LOW-HIGH\n"
	"                        obey io.podns.publish for these ports of the host\n"
	"  --keep                leave the pins when the last container is gone\n"
	"  --log-level LEVEL     error, warn, info or debug (default: warn)\n"
	"  --log-file FILE       append messages to FILE as well\n"
	"  --no-syslog           do not send errors and warnings to syslog\n"
	"  --no-sandbox          run without the seccomp filter (for debugging)\n"
	"  --help                show this\n"
	"  --version             show the version\n"
	"\n"
	"Exit status: 0 done, 1 failed and all undone, 2 wrong usage. Most engines do not show why\n"
	"a hook failed: podns log does.\n"
	"See oci-podns-hook(1).\n";

/* getopt_long(3) returns OPT_SETTING plus the number of the row in hook_setting_rows. */
enum { OPT_HELP = 256, OPT_VERSION, OPT_SETTING };

static const char *const stage_names[] = {
	[HOOK_UNKNOWN] = "",          [HOOK_PRECREATE] = "precreate",
	[HOOK_PRESTART] = "prestart", [HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_POSTSTOP] = "poststop",
};

const char *hook_stage_name(enum hook_stage stage)
{
	return stage_names[stage];
}

static int usage_error(struct error *e, const char *what, const char *value)
{
	error_set(e, 0, "%s '%s'", what, value);
	error_hint(e, "see --help");
	return OPTIONS_WRONG;
}

static int set_setting(struct hook_options *o, const struct hook_setting *row, struct error *e)
{
	if (row->set(&o->settings, optarg, e) == 0)
		return OPTIONS_GO_ON;
	error_prefix(e, "--%s", row->name);
	error_hint(e, "see --help");
	return OPTIONS_WRONG;
}

static int set_hook_option(char **argv, int option, struct hook_options *o, struct error *e)
{
	switch (option) {
	case OPT_HELP:
		fputs(help_text, stdout);
		return 0;
	case OPT_VERSION:
		puts(PROGRAM " " PACKAGE_VERSION);
		return 0;
	case ':':
		return usage_error(e, "an argument is missing after", argv[optind - 1]);
	case '?':
		return usage_error(e, "unknown option", argv[optind - 1]);
	default:
		return set_setting(o, &hook_setting_rows[option - OPT_SETTING], e);
	}
}

static int set_stage(struct hook_options *o, const char *name, struct error *e)
{
	for (enum hook_stage s = HOOK_PRECREATE; s <= HOOK_POSTSTOP; s++) {
		if (strcmp(name, stage_names[s]))
			continue;
		o->which = s;
		return OPTIONS_GO_ON;
	}
	return usage_error(e, "no such stage", name);
}

void hook_options_free(struct hook_options *o)
{
	hook_settings_free(&o->settings);
}

#define LONG_OPTIONS (HOOK_SETTINGS + 3)

static void fill_long_options(struct option options[LONG_OPTIONS])
{
	const struct hook_setting *row;
	int i;

	for (i = 0; i < HOOK_SETTINGS; i++) {
		row = &hook_setting_rows[i];
		options[i] = (struct option){ row->name,
					      row->has_value ? required_argument : no_argument,
					      NULL, OPT_SETTING + i };
	}
	options[i++] = (struct option){ "help", no_argument, NULL, OPT_HELP };
	options[i++] = (struct option){ "version", no_argument, NULL, OPT_VERSION };
	options[i] = (struct option){ 0 };
}

int hook_parse_options(int argc, char **argv, struct hook_options *o, struct error *e)
{
	struct option long_options[LONG_OPTIONS];
	int option, r = OPTIONS_GO_ON;

	o->which = HOOK_UNKNOWN;
	hook_settings_init(&o->settings);
	fill_long_options(long_options);
	while (r == OPTIONS_GO_ON &&
	       (option = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
		r = set_hook_option(argv, option, o, e);
	if (r == OPTIONS_GO_ON && optind < argc)
		r = set_stage(o, argv[optind++], e);
	if (r == OPTIONS_GO_ON && optind < argc)
		r = usage_error(e, "more than one stage:", argv[optind]);
	return r;
}
