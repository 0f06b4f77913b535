/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_HOOK_OPTIONS_H
#define PODNS_HOOK_OPTIONS_H

#include "base/log.h"
#include "stage/stage.h"

enum hook_stage {
	HOOK_UNKNOWN, /* the document on stdin tells */
	HOOK_PRECREATE,
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_POSTSTOP,
};

struct hook_options {
	struct stage_options stage;
	enum hook_stage which;
	enum log_level log_level;
	const char *log_file;
	bool syslog;
	bool sandbox;
};

/* What parsing came to: go on, or exit with this status (usage and version have been printed). */
enum { OPTIONS_GO_ON = -1 };

/*
 * Parse argv. Returns OPTIONS_GO_ON or an exit status: 0 for --help and --version, 2 for
 * wrong usage.
 */
int hook_parse_options(int argc, char **argv, struct hook_options *o);

/* The stage's name as OCI writes it. */
const char *hook_stage_name(enum hook_stage stage);

#endif
