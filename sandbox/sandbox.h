/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement: what a process of ours can still do once it begins to read what others
 * wrote.
 *
 * The seccomp program is an allow-list whose rows stand in rules.c, each with its reason.
 * libseccomp compiles it at build time (generate.c) into a balanced tree and the program
 * is loaded as it is: building it at every run costs more than running the hook's stage,
 * and a linear list costs twice as much to load, since the kernel walks it once for each
 * system call number (seccomp_cache_prepare() in kernel/seccomp.c).
 */
#ifndef PODNS_SANDBOX_SANDBOX_H
#define PODNS_SANDBOX_SANDBOX_H

#include "base/error.h"

/*
 * Enter it, for good and for all children: no new privileges, not dumpable, without the
 * capabilities that no stage needs, under the filter. A forbidden system call kills the
 * process with SIGSYS.
 */
int sandbox_enter(struct error *e);

#endif
