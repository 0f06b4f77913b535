/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement: a process drops capabilities and loads a seccomp filter before it reads data that
 * others wrote.
 *
 * The filter is an allow-list; rules.c has its rows, each with a reason. libseccomp compiles it at
 * build time (generate.c), because that takes longer than a stage of the hook, into a balanced tree,
 * because the kernel runs the filter once for each system call number when it is loaded
 * (seccomp_cache_prepare() in kernel/seccomp.c): a linear list takes twice as long to load.
 */
#ifndef PODNS_SANDBOX_SANDBOX_H
#define PODNS_SANDBOX_SANDBOX_H

#include "base/error.h"

/*
 * Confine this process and its later children: no new privileges, not dumpable, only the capabilities
 * listed in sandbox.c, under the filter. A forbidden system call kills the process with SIGSYS.
 */
int sandbox_enter(struct error *e);

#endif
