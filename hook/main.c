/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program oci-podns-hook. main() parses the options, loads the seccomp filter, reads the document
 * on standard input, runs the stage and prints the error, if any, as one line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
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

static int write_config(void *arg, const char *text, size_t len, struct error *e)
{
	(void)arg;
	if (write_all(STDOUT_FILENO, text, len) < 0)
		return error_set(e, errno, "write the config to standard output");
	return 0;
}

/*
 * crun appends a hook's standard error to the file that the annotation run.oci.hooks.stderr names,
 * which may be any file of the host. Authors of images and pods can write that annotation, and choose
 * words of a message too: a pod's name may be a line of shell. With that annotation nothing is written
 * unless standard error is a pipe or a socket, which engines use. The document is searched without
 * being parsed, so a longer name or a value that contains the text counts too.
 */
static void protect_stderr_file(const struct buf *doc)
{
	static const char annotation[] = "run.oci.hooks.std";
	struct stat st;

	if (memmem(doc->data, doc->len, annotation, sizeof(annotation) - 1) &&
	    (fstat(STDERR_FILENO, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))))
		log_leave_stderr();
}

static int detect_stage(struct hook_options *o, const struct buf *doc, struct error *e)
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
	o->settings.stage.stage = hook_stage_name(o->which);
	log_context(o->settings.stage.stage, NULL);
	if (o->which == HOOK_PRECREATE)
		return stage_precreate(&o->settings.stage, doc->data, doc->len, write_config, NULL,
				       e);
	if (o->which == HOOK_POSTSTOP)
		return stage_poststop(&o->settings.stage, doc->data, doc->len, e);
	return stage_create_runtime(&o->settings.stage, doc->data, doc->len, e);
}

static int run_hook(struct hook_options *o, struct error *e)
{
	cleanup_buf struct buf doc = { 0 };
	bool config = o->which == HOOK_PRECREATE || o->which == HOOK_UNKNOWN;

	log_context(hook_stage_name(o->which), NULL);
	if (read_document(STDIN_FILENO, "standard input", config ? CONFIG_SIZE_MAX : STATE_SIZE_MAX,
			  &doc, e) < 0)
		return -1;
	protect_stderr_file(&doc);
	if (detect_stage(o, &doc, e) < 0)
		return -1;
	return run_stage(o, &doc, e);
}

/*
 * The stages keep a log in the store once they have opened it. An error from before that belongs
 * there too, since engines do not show the hook's standard error.
 */
static void keep_log(const struct hook_options *o)
{
	cleanup_store struct store store = STORE_NONE;
	struct error ignored;

	if (!log_is_kept() && store_open(&store, o->settings.stage.root, true, &ignored) == 0)
		log_keep_in(store.dir_fd);
}

/* --help and --version have printed to standard output: an error of that changes the exit status. */
static int exit_status(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror(PROGRAM ": write to standard output");
	return 1;
}

/*
 * If a network may be configured, go on as a child, whose parent runs podns-net for it. Nothing from
 * outside has been read yet.
 */
static int get_agent(struct hook_options *o, struct agent *agent, struct network_client *client,
		     struct error *e)
{
	struct hook_settings *s = &o->settings;

	*agent = (struct agent){ .root = s->stage.root, .policy = hook_settings_policy(s) };
	agent->policy.adds = o->which != HOOK_POSTSTOP;
	if (!agent_is_needed(&agent->policy, PODNS_CONFDIR))
		return 0;
	s->stage.network = client;
	return agent_open(agent, client, e) < 0 ? -1 : agent_become(agent, client, e);
}

static int begin(struct hook_options *o, struct agent *agent, struct network_client *client,
		 struct error *e)
{
	const struct hook_settings *s = &o->settings;

	if (log_begin(PROGRAM, s->log_level, s->log_file, s->syslog, e) < 0 ||
	    get_agent(o, agent, client, e) < 0)
		return -1;
	return s->sandbox ? sandbox_enter(e) : 0;
}

/* Options come from the JSON files, too, so this error is kept like those of the stages. */
static int refuse_options(const struct hook_options *o, const struct error *e)
{
	struct error ignored;

	if (log_begin(PROGRAM, LOG_LEVEL_ERROR, NULL, o->settings.syslog, &ignored) < 0)
		return OPTIONS_WRONG;
	keep_log(o);
	log_error(LOG_LEVEL_ERROR, e);
	return OPTIONS_WRONG;
}

int main(int argc, char **argv)
{
	cleanup_hook_options struct hook_options o = { 0 };
	struct network_client client;
	struct agent agent;
	struct error e;
	int status;

	if (inherit_standard_streams() < 0) {
		perror(PROGRAM ": open /dev/null");
		return 1;
	}
	inherit_no_descriptors(STDERR_FILENO + 1);
	umask(022);
	/*
	 * All stages must behave alike, and engines pass different environments: podman an empty
	 * one at precreate and poststop, and its own at createRuntime.
	 */
	inherit_no_environment();
	inherit_write_errors(NULL);
	status = hook_parse_options(argc, argv, &o, &e);
	if (status == OPTIONS_WRONG)
		return refuse_options(&o, &e);
	if (status != OPTIONS_GO_ON)
		return exit_status(status);
	if (begin(&o, &agent, &client, &e) == 0 && run_hook(&o, &e) == 0)
		return 0;
	keep_log(&o);
	log_error(LOG_LEVEL_ERROR, &e);
	return 1;
}
