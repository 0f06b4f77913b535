/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program oci-podns-runtime, an OCI runtime that is put before the real one and becomes it by
 * execve(2). The real one finds everything as it was given to this program: nothing that survives
 * execve(2) is changed here, and each descriptor that is opened is close-on-exec.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "runtime/command.h"
#include "runtime/enter.h"
#include "runtime/log.h"
#include "runtime/real.h"
#include "runtime/settings.h"

#define PROGRAM "oci-podns-runtime"

/* The last component of argv[0], which may be empty or absent: execve(2). */
static const char *program_name(int argc, char *const argv[])
{
	const char *name = argc ? argv[0] : PROGRAM, *slash = strrchr(name, '/');

	if (slash)
		name = slash + 1;
	return *name ? name : PROGRAM;
}

static const char *verb_name(enum command_verb verb)
{
	static const char *const names[] = {
		[COMMAND_OTHER] = "",          [COMMAND_CREATE] = "create", [COMMAND_RUN] = "run",
		[COMMAND_RESTORE] = "restore", [COMMAND_DELETE] = "delete",
	};

	return names[verb];
}

static bool makes_container(enum command_verb verb)
{
	return verb == COMMAND_CREATE || verb == COMMAND_RUN || verb == COMMAND_RESTORE;
}

/* Returns only if it fails. */
static int become_real(const char *program, const struct command *command, char *const argv[],
		       struct error *e)
{
	cleanup_settings struct settings settings = { 0 };
	cleanup_free char *real = NULL;
	struct enter enter = { .program = program, .command = command, .settings = &settings };
	bool entered = false;

	if (settings_read(&settings, "", e) < 0 ||
	    real_find("", "/proc/self/exe", program, settings.runtime, &real, e) < 0)
		return -1;
	enter.real = real;
	settings.hook.stage.stage = verb_name(command->verb);
	if (makes_container(command->verb) && enter_pod(&enter, &entered, e) < 0)
		return -1;
	if (command->verb == COMMAND_DELETE)
		enter_forget(&enter);
	execve(real, argv, environ);
	error_set(e, errno, "execute the runtime %s", real);
	if (entered)
		enter_undo(&enter);
	return -1;
}

int main(int argc, char **argv)
{
	const char *program = program_name(argc, argv);
	struct command command;
	struct error e;

	command_parse(argc, argv, &command);
	become_real(program, &command, argv, &e);
	runtime_log_error(&command, program, &e);
	return 1;
}
