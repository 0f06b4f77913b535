/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running one program with a time limit. It gets nothing but what is said here: its arguments, its
 * environment, a standard input, the descriptors 0 to 2 and that of a lock. If our own process is
 * killed, the program goes on: a plugin must be able to finish, and holds the lock until then.
 */
#ifndef PODNS_NET_RUN_H
#define PODNS_NET_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define PROGRAM_OUTPUT_MAX ((size_t)1 << 20)
#define PROGRAM_ERRORS_MAX ((size_t)4096)
/*
 * In milliseconds: how long output is awaited after the program has ended, if another process has
 * its pipes open; and how long the end of a program is awaited that was killed.
 */
#define PROGRAM_GRACE 500
#define PROGRAM_DAEMON_GRACE 10
#define PROGRAM_KILL_GRACE 2000

/* The arguments of a program. Zero-initialised, there are none; free with program_args_free(). */
#define PROGRAM_ARGS_MAX 192
struct program_args {
	struct arena arena;
	char *argv[PROGRAM_ARGS_MAX + 1];
	size_t count;
	bool failed; /* an argument is missing: there was no memory or no room for it */
};

/* Append copies of one or two arguments; the second may be NULL. */
void program_add_args(struct program_args *a, const char *first, const char *second);

void program_args_free(struct program_args *a);
#define cleanup_program_args __attribute__((cleanup(program_args_free)))

struct program {
	const char *path;
	char *const *argv, *const *env; /* up to NULL */
	const char *input; /* input_len bytes; what the program does not read is dropped */
	size_t input_len;
	int lock_fd; /* stays open in the program under its number, which is above 2; -1: none */
	unsigned limit_ms; /* from the start on */
	/* It ends when its daemon is ready, which may keep the pipes open: PROGRAM_DAEMON_GRACE counts. */
	bool starts_daemon;
};

struct program_result {
	struct buf out; /* standard output */
	struct buf err; /* the last PROGRAM_ERRORS_MAX bytes of standard error */
	int status;     /* as waitpid(2) says */
};

/*
 * Run a program in a process group of its own and wait for its end. Returns 0 if it ended by
 * itself, with whatever status. Returns -1, with the reason, if it could not be started, did not
 * end in time or wrote more than PROGRAM_OUTPUT_MAX bytes to its standard output; in the last two
 * cases its process group has been killed, and *r has what it wrote until then. Processes that
 * outlive a program that ended by itself are left alone.
 *
 * While it runs, SIGCHLD and SIGPIPE have other dispositions. Initialise *r with zeros, and
 * free it with program_result_free() in any case.
 */
int program_run(const struct program *p, struct program_result *r, struct error *e);

void program_result_free(struct program_result *r);
#define cleanup_program_result __attribute__((cleanup(program_result_free)))

/* The last line of an output, without white space around it; "" if it is empty. In the arena. */
const char *program_last_line(struct arena *a, const struct buf *output);

#endif
