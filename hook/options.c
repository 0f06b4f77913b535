/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ns/sysctl.h"
#include "pod/name.h"

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
	"  --keep                leave the pins when the last container is gone\n"
	"  --log-level LEVEL     error, warn, info or debug (default: warn)\n"
	"  --log-file FILE       append messages to FILE as well\n"
	"  --no-syslog           do not send errors and warnings to syslog\n"
	"  --no-sandbox          run without the seccomp filter (for debugging)\n"
	"  --help                show this\n"
	"  --version             show the version\n"
	"\n"
	"Exit status: 0 done, 1 failed and all undone, 2 wrong usage.\n"
	"See oci-podns-hook(1).\n";

enum {
	OPT_ROOT = 256,
	OPT_NAMESPACES,
	OPT_SYSCTL,
	OPT_POD_ANNOTATION,
	OPT_TRUST,
	OPT_KEEP,
	OPT_LOG_LEVEL,
	OPT_LOG_FILE,
	OPT_NO_SYSLOG,
	OPT_NO_SANDBOX,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "namespaces", required_argument, NULL, OPT_NAMESPACES },
	{ "sysctl", required_argument, NULL, OPT_SYSCTL },
	{ "pod-annotation", required_argument, NULL, OPT_POD_ANNOTATION },
	{ "trust-annotations", no_argument, NULL, OPT_TRUST },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "log-file", required_argument, NULL, OPT_LOG_FILE },
	{ "no-syslog", no_argument, NULL, OPT_NO_SYSLOG },
	{ "no-sandbox", no_argument, NULL, OPT_NO_SANDBOX },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char *const stage_names[] = {
	[HOOK_UNKNOWN] = "",          [HOOK_PRECREATE] = "precreate",
	[HOOK_PRESTART] = "prestart", [HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_POSTSTOP] = "poststop",
};

const char *hook_stage_name(enum hook_stage stage)
{
	return stage_names[stage];
}

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, PROGRAM ": %s%s%s%s (see --help)\n", what, value ? " '" : "",
		value ? value : "", value ? "'" : "");
	return 2;
}

static int set_namespaces(struct hook_options *o, const char *list)
{
	struct error e;

	if (ns_parse_set(list, true, &o->stage.namespaces, &e) == 0)
		return OPTIONS_GO_ON;
	fprintf(stderr, PROGRAM ": --namespaces: %s\n", e.text);
	return 2;
}

static int set_log_level(struct hook_options *o, const char *name)
{
	int level = log_level_by_name(name);

	if (level < 0)
		return usage_error("--log-level: no such level", name);
	o->log_level = (enum log_level)level;
	return OPTIONS_GO_ON;
}

/* The list is as long as argv, so that it never grows. */
static int add_sysctl(struct hook_options *o, int argc, const char *pair)
{
	const char **list = (const char **)o->stage.sysctls;

	if (!sysctl_is_pair(pair))
		return usage_error("--sysctl takes KEY=VALUE, not", pair);
	if (!list)
		list = calloc((size_t)argc, sizeof(*list));
	if (!list)
		return usage_error("no memory", NULL);
	list[o->stage.sysctl_count++] = pair;
	o->stage.sysctls = list;
	return OPTIONS_GO_ON;
}

static int set_hook_option(int argc, char **argv, int option, struct hook_options *o)
{
	switch (option) {
	case OPT_ROOT:
		o->stage.root = optarg;
		return *optarg ? OPTIONS_GO_ON : usage_error("--root is empty", NULL);
	case OPT_NAMESPACES:
		return set_namespaces(o, optarg);
	case OPT_SYSCTL:
		return add_sysctl(o, argc, optarg);
	case OPT_POD_ANNOTATION:
		o->stage.pod_annotation = optarg;
		return *optarg ? OPTIONS_GO_ON : usage_error("--pod-annotation is empty", NULL);
	case OPT_TRUST:
		o->stage.trust_annotations = true;
		return OPTIONS_GO_ON;
	case OPT_KEEP:
		o->stage.keep = true;
		return OPTIONS_GO_ON;
	case OPT_LOG_LEVEL:
		return set_log_level(o, optarg);
	case OPT_LOG_FILE:
		o->log_file = optarg;
		return OPTIONS_GO_ON;
	case OPT_NO_SYSLOG:
		o->syslog = false;
		return OPTIONS_GO_ON;
	case OPT_NO_SANDBOX:
		o->sandbox = false;
		return OPTIONS_GO_ON;
	case OPT_HELP:
		fputs(help_text, stdout);
		return 0;
	case OPT_VERSION:
		puts(PROGRAM " " PACKAGE_VERSION);
		return 0;
	case ':':
		return usage_error("an argument is missing after", argv[optind - 1]);
	default:
		return usage_error("unknown option", argv[optind - 1]);
	}
}

static int set_stage(struct hook_options *o, const char *name)
{
	for (enum hook_stage s = HOOK_PRECREATE; s <= HOOK_POSTSTOP; s++) {
		if (strcmp(name, stage_names[s]))
			continue;
		o->which = s;
		return OPTIONS_GO_ON;
	}
	return usage_error("no such stage", name);
}

void hook_options_free(struct hook_options *o)
{
	free((void *)o->stage.sysctls);
	o->stage.sysctls = NULL;
}

int hook_parse_options(int argc, char **argv, struct hook_options *o)
{
	int option, r = OPTIONS_GO_ON;

	*o = (struct hook_options){
		.stage = { .namespaces = ns_default_set, .pod_annotation = ANNOTATION_POD },
		.log_level = LOG_LEVEL_WARN,
		.syslog = true,
		.sandbox = true,
	};
	while (r == OPTIONS_GO_ON &&
	       (option = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
		r = set_hook_option(argc, argv, option, o);
	if (r == OPTIONS_GO_ON && optind < argc)
		r = set_stage(o, argv[optind++]);
	if (r == OPTIONS_GO_ON && optind < argc)
		r = usage_error("more than one stage:", argv[optind]);
	return r;
}
