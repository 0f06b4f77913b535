/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of podns check share.
 */
#ifndef PODNS_CLI_CHECK_H
#define PODNS_CLI_CHECK_H

#include <signal.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

struct check {
	const char *sysroot; /* "" for our own */
	sigset_t signals;    /* ignored by podns, to be reset in the programs that it runs */
	struct arena arena;
	int problems, notes;
	bool has_engine; /* one that is checked is installed */
};

/* Print one line: what kind of finding it is, and its text, safe for a terminal. */
void print_finding(const char *kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A note is about what may be intended. */
#define good(...) print_finding("ok", __VA_ARGS__)
#define note(c, ...) ((c)->notes++, print_finding("note", __VA_ARGS__))
#define problem(c, ...) ((c)->problems++, print_finding("PROBLEM", __VA_ARGS__))
#define remedy(...) print_finding("  remedy", __VA_ARGS__)
#define usage(...) print_finding("  use", __VA_ARGS__)

/* A path of the system that is checked. The string is in the arena. */
const char *in_sysroot(struct check *c, const char *path);

/*
 * Check oci-podns-runtime: whether it is there, whether the runtimes of Docker and containerd that
 * lead to it do so, and whether it finds the real runtime.
 */
int check_runtimes(struct check *c, struct error *e);

/* Check the networks in net.d, whether their plugins are there, and the definitions of pods. */
int check_networks(struct check *c, struct error *e);

#endif
