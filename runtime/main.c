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

/* Returns only if it fails. */
static int become_real(const char *program, char *const argv[], struct error *e)
{
	cleanup_settings struct settings settings = { 0 };
	cleanup_free char *real = NULL;

	if (settings_read(&settings, "", e) < 0 ||
	    real_find("", "/proc/self/exe", program, settings.runtime, &real, e) < 0)
		return -1;
	execve(real, argv, environ);
	return error_set(e, errno, "execute the runtime %s", real);
}

int main(int argc, char **argv)
{
	const char *program = program_name(argc, argv);
	struct command command;
	struct error e;

	command_parse(argc, argv, &command);
	become_real(program, argv, &e);
	runtime_log_error(&command, program, &e);
	return 1;
}
