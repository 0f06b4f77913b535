/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci-podns-hook: options, standard input, the stage, one line about what went wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inherit.h"
#include "hook/options.h"
#include "oci/config.h"
#include "oci/file.h"
#include "oci/state.h"
#include "pod/store.h"
#include "sandbox/sandbox.h"

#define PROGRAM "oci-podns-hook"

static int to_stdout(void *arg, const char *text, size_t len, struct error *e)
{
	(void)arg;
	if (write_all(STDOUT_FILENO, text, len) < 0)
		return error_set(e, errno, "write the config to standard output");
	return 0;
}

/*
 * crun appends a hook's messages to the file that the annotation run.oci.hooks.stderr names, any file
 * of the host's. Images and pods' authors can write that annotation, and shape the words of a message
 * too: a name in it may be a line of shell. Then nothing is written but to a pipe or a socket, as an
 * engine has it. A longer name, or a value, that has this text in it counts too.
 */
static void distrust_stderr(const struct buf *doc)
{
	static const char annotation[] = "run.oci.hooks.std";
	struct stat st;

	if (memmem(doc->data, doc->len, annotation, sizeof(annotation) - 1) &&
	    (fstat(STDERR_FILENO, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))))
		log_leave_stderr();
}

static int tell_stage(struct hook_options *o, const struct buf *doc, struct error *e)
{
	struct state state;
	bool is_state;

	if (o->which != HOOK_UNKNOWN)
		return 0;
	if (document_is_state(doc->data, doc->len, &is_state, e) < 0)
		return -1;
	o->which = HOOK_PRECREATE;
	if (!is_state)
		return 0;
	if (state_parse(&state, doc->data, doc->len, e) < 0)
		return -1;
	o->which = state.status && !strcmp(state.status, "stopped") ? HOOK_POSTSTOP
								    : HOOK_CREATE_RUNTIME;
	state_free(&state);
	return 0;
}

static int run_stage(struct hook_options *o, const struct buf *doc, struct error *e)
{
	o->stage.stage = hook_stage_name(o->which);
	log_context(o->stage.stage, NULL);
	switch (o->which) {
	case HOOK_PRECREATE:
		return stage_precreate(&o->stage, doc->data, doc->len, to_stdout, NULL, e);
	case HOOK_POSTSTOP:
		return stage_poststop(&o->stage, doc->data, doc->len, e);
	case HOOK_PRESTART:
	case HOOK_CREATE_RUNTIME:
	case HOOK_UNKNOWN:
		break;
	}
	return stage_create_runtime(&o->stage, doc->data, doc->len, e);
}

static int run(struct hook_options *o, struct error *e)
{
	cleanup_buf struct buf doc = { 0 };
	bool config = o->which == HOOK_PRECREATE || o->which == HOOK_UNKNOWN;

	log_context(hook_stage_name(o->which), NULL);
	if (read_document(STDIN_FILENO, "standard input", config ? CONFIG_SIZE_MAX : STATE_SIZE_MAX,
			  &doc, e) < 0)
		return -1;
	distrust_stderr(&doc);
	if (tell_stage(o, &doc, e) < 0)
		return -1;
	return run_stage(o, &doc, e);
}

/*
 * An error from before the store was opened goes to its log, too: engines show nobody our
 * stderr.
 */
static void find_log(const struct hook_options *o)
{
	cleanup_store struct store store = STORE_NONE;
	struct error ignored;

	if (!log_is_kept() && store_open(&store, o->stage.root, true, &ignored) == 0)
		log_keep_in(store.dir_fd);
}

/* After --help or --version, or after an error in the options: its message has been written. */
static int end_early(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror(PROGRAM ": write to standard output");
	return 1;
}

int main(int argc, char **argv)
{
	struct hook_options o;
	struct error e;
	int status;

	if (inherit_standard_streams() < 0) {
		perror(PROGRAM ": open /dev/null");
		return 1;
	}
	inherit_no_descriptors(STDERR_FILENO + 1);
	umask(022);
	/*
	 * Engines differ in what they pass (podman: nothing at precreate), and none of it
	 * may matter.
	 */
	inherit_no_environment();
	inherit_write_errors(NULL);
	status = hook_parse_options(argc, argv, &o);
	if (status != OPTIONS_GO_ON)
		return end_early(status);
	if (log_begin(PROGRAM, o.log_level, o.log_file, o.syslog, &e) == 0 &&
	    (!o.sandbox || sandbox_enter(&e) == 0) && run(&o, &e) == 0)
		return 0;
	find_log(&o);
	log_error(LOG_LEVEL_ERROR, &e);
	return 1;
}
