/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of oci-podns-hook.
 */
#ifndef PODNS_HOOK_OPTIONS_H
#define PODNS_HOOK_OPTIONS_H

#include "hook/settings.h"

enum hook_stage {
	HOOK_UNKNOWN, /* to be detected from the document on standard input */
	HOOK_PRECREATE,
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_POSTSTOP,
};

struct hook_options {
	struct hook_settings settings;
	enum hook_stage which;
};

/*
 * Parse argv, of which argv[0] may be any text: in the JSON files it is for people. Returns OPTIONS_GO_ON or an exit
 * status: 0 after --help and --version, whose text has been printed, OPTIONS_WRONG with *e set after wrong usage.
 */
enum { OPTIONS_GO_ON = -1, OPTIONS_WRONG = 2 };
int hook_parse_options(int argc, char **argv, struct hook_options *o, struct error *e);
void hook_options_free(struct hook_options *o);
#define cleanup_hook_options __attribute__((cleanup(hook_options_free)))

/* The stage's name as OCI writes it; "" for HOOK_UNKNOWN. */
const char *hook_stage_name(enum hook_stage stage);

#endif
