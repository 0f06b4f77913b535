/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of oci-podns-runtime, where engines look for those of a runtime.
 */
#ifndef PODNS_RUNTIME_LOG_H
#define PODNS_RUNTIME_LOG_H

#include "base/error.h"
#include "runtime/command.h"

/*
 * Write "PROGRAM: TEXT (HINT)" as a line to standard error, and append it to the file that --log names
 * as runc's logger (logrus) does: as an object with --log-format json, else as time=, level= and msg=.
 * Failures are ignored. Called last: from then on SIGPIPE and SIGXFSZ are ignored.
 */
void runtime_log_error(const struct command *c, const char *program, const struct error *e);

#endif
