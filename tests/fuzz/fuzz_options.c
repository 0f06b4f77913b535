/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hook's command line: an argument a line.
 */
#include "hook/options.h"

#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define ARGS_MAX 64

static void check(const struct hook_options *options, int argc)
{
	const struct hook_settings *o = &options->settings;

	MUST(o->stage.namespaces && !(o->stage.namespaces >> NS_TYPES));
	MUST(!(o->stage.namespaces & NS_BIT(NS_MNT)));
	MUST(!o->stage.root || *o->stage.root);
	MUST(o->stage.pod_annotation && *o->stage.pod_annotation);
	MUST(o->log_level >= LOG_LEVEL_ERROR && o->log_level <= LOG_LEVEL_DEBUG);
	MUST(o->stage.sysctl_count < (size_t)argc);
	for (size_t i = 0; i < o->stage.sysctl_count; i++)
		MUST(o->stage.sysctls[i]);
	MUST(options->which == HOOK_UNKNOWN || *hook_stage_name(options->which));
}

/* The messages are discarded. */
static int parse_quietly(int argc, char **argv, struct hook_options *o)
{
	static int nowhere = -1, out, err;
	struct error e;
	int status;

	if (nowhere < 0) {
		nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
		out = dup(STDOUT_FILENO);
		err = dup(STDERR_FILENO);
	}
	MUST(dup2(nowhere, STDOUT_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0);
	optind = 0; /* getopt(3) starts over */
	status = hook_parse_options(argc, argv, o, &e);
	fflush(stdout);
	MUST(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char program[] = "oci-podns-hook", *argv[ARGS_MAX + 1] = { program };
	char *text = fuzz_string(data, size), *rest = text;
	struct hook_options o;
	int argc = 1, status;

	while (rest && *rest && argc < ARGS_MAX)
		argv[argc++] = strsep(&rest, "\n");
	status = parse_quietly(argc, argv, &o);
	MUST(status == OPTIONS_GO_ON || status == 0 || status == OPTIONS_WRONG);
	if (status == OPTIONS_GO_ON)
		check(&o, argc);
	hook_options_free(&o);
	free(text);
	return 0;
}
