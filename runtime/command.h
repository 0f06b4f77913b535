/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of an OCI runtime, read only as far as oci-podns-runtime must know it. The real
 * runtime parses it again, from the same words.
 */
#ifndef PODNS_RUNTIME_COMMAND_H
#define PODNS_RUNTIME_COMMAND_H

#include <stdbool.h>

enum command_verb {
	COMMAND_OTHER, /* any other command, --help and --version, and what is not understood */
	COMMAND_CREATE,
	COMMAND_RUN,
	COMMAND_RESTORE,
	COMMAND_DELETE,
};

/* All strings are borrowed from argv. */
struct command {
	enum command_verb verb;
	const char *root;   /* --root, or NULL */
	const char *log;    /* --log as it was written, or NULL: see command_log_file() */
	bool log_json;      /* --log-format json */
	const char *bundle; /* create, run, restore: --bundle; NULL: the working directory */
	const char *config; /* create, run: crun's --config, or NULL */
	const char *id;     /* create, run, restore, delete: the container, or NULL */
};

/*
 * Fill in *c from argv. It never fails, since the real runtime reports what is wrong. Where runtimes
 * differ, or where an option is unknown, it rather sees a create that is none than miss one, because a
 * container whose create is missed starts outside of its pod.
 */
void command_parse(int argc, char *const argv[], struct command *c);

/*
 * The file that --log names, borrowed: crun also takes "file:PATH". NULL if there is none: no --log, an
 * empty one, or crun's "syslog:ID" and "journald:ID".
 */
const char *command_log_file(const struct command *c);

#endif
