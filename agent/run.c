/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "net/run.h"

/* podns-net keeps to its time by itself; this is for one that hangs. */
#define EXTRA_SECONDS 2

/* From the directory of this program: in the build tree, and in the places of an installation. */
static const char *const places[] = { "/../net/", "/../../oci-podns/", "/" };

char *podns_net_path(struct error *e)
{
	char *found = program_in(PODNS_LIBEXECDIR, "/", PODNS_NET);

	if (!found)
		found = program_beside(places, sizeof(places) / sizeof(*places), PODNS_NET);
	if (found)
		return found;
	error_set(e, 0, PODNS_LIBEXECDIR "/" PODNS_NET " is missing or not executable");
	error_hint(e, "networks need it; install oci-podns again");
	return NULL;
}

/* --- its command line --------------------------------------------------------------------- */

_Static_assert(PROGRAM_ARGS_MAX >= 20 + 2 * (PORT_RANGES_MAX + NETWORK_DNS_MAX),
	       "room for a request");

/* podns-net's name of what is asked. */
static const char *const verb_name[NETWORK_VERBS] = {
	[NETWORK_ADD] = "add",
	[NETWORK_DEL] = "del",
	[NETWORK_SWEEP] = "sweep",
	[NETWORK_FORGET] = "forget",
};

static void add_rate(struct program_args *c, const char *option, uint64_t rate)
{
	if (rate)
		program_add_args(c, option, decimal(rate).text);
}

static void add_request(struct program_args *c, const struct network_request *r)
{
	program_add_args(c, verb_name[r->verb], NULL);
	if (r->verb == NETWORK_SWEEP)
		return;
	if (r->verb == NETWORK_ADD) {
		program_add_args(c, "--network", r->network);
		for (size_t i = 0; i < r->port_count; i++)
			program_add_args(c, "--publish", port_format(&r->ports[i]).text);
		for (size_t i = 0; i < r->dns_count; i++)
			program_add_args(c, "--dns", r->dns[i]);
		add_rate(c, "--ingress-rate", r->bandwidth.ingress);
		add_rate(c, "--egress-rate", r->bandwidth.egress);
	}
	/* A pod's name may begin with '-'. */
	program_add_args(c, "--", r->pod);
}

#define PODNS_NET_SECONDS 25

/* The agent's own time began before the child waited for locks. */
static unsigned seconds_left(const struct agent *agent)
{
	time_t now = clock_seconds(CLOCK_MONOTONIC);
	time_t left = now < agent->until ? agent->until - now : 0;

	return left < PODNS_NET_SECONDS ? (unsigned)left : PODNS_NET_SECONDS;
}

static void fill_in(struct program_args *c, const struct agent *agent,
		    const struct network_request *r, int lock_fd, unsigned seconds)
{
	program_add_args(c, PODNS_NET, NULL);
	if (agent->root)
		program_add_args(c, "--root", agent->root);
	if (lock_fd >= 0)
		program_add_args(c, "--lock-fd", decimal((uint64_t)lock_fd).text);
	program_add_args(c, "--seconds", decimal(seconds).text);
	add_request(c, r);
}

/* --- its answer ------------------------------------------------------------------------------- */

/* Its last line is the error; "podns-net: " is for terminals. */
static int report_failure(const struct program_result *result, struct error *e)
{
	cleanup_arena struct arena arena = { 0 };
	const char *line = program_last_line(&arena, &result->err);

	if (!line)
		return error_nomem(e);
	if (!strncmp(line, PODNS_NET ": ", strlen(PODNS_NET ": ")))
		line += strlen(PODNS_NET ": ");
	if (*line)
		return error_set(e, 0, "%.4000s", line);
	if (WIFSIGNALED(result->status))
		return error_set(e, 0, PODNS_NET " was killed by signal %d",
				 WTERMSIG(result->status));
	return error_set(e, 0, PODNS_NET " failed and did not say why");
}

static int read_addresses(const struct buf *out, struct network_answer *answer, struct error *e)
{
	const char *line = out->len ? out->data : "", *end;
	size_t len;

	answer->address_count = 0;
	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		len = end ? (size_t)(end - line) : 0;
		if (!len || len >= NETWORK_ADDRESS_MAX ||
		    answer->address_count == NETWORK_ADDRESSES_MAX)
			return error_set(e, 0, PODNS_NET " printed no list of addresses");
		memcpy(answer->address[answer->address_count], line, len);
		answer->address[answer->address_count++][len] = '\0';
	}
	return 0;
}

/* For podns gc: what was done, one line each. */
static int pass_on(const struct buf *out, struct error *e)
{
	if (out->len && write_all(STDOUT_FILENO, out->data, out->len) < 0)
		return error_set(e, errno, "write to standard output");
	return 0;
}

int podns_net_run(const struct program_args *args, int lock_fd, unsigned limit_ms,
		  struct program_result *result, struct error *e)
{
	static char *const no_environment[] = { NULL };
	cleanup_free char *path = podns_net_path(e);
	const struct program program = { .path = path,
					 .argv = args->argv,
					 .env = no_environment,
					 .lock_fd = lock_fd,
					 .limit_ms = limit_ms };

	if (!path)
		return -1;
	if (args->failed)
		return error_nomem(e);
	if (program_run(&program, result, e) < 0)
		return -1;
	return WIFEXITED(result->status) && !WEXITSTATUS(result->status)
		       ? 0
		       : report_failure(result, e);
}

int agent_run(struct agent *agent, const struct network_request *request, int lock_fd,
	      struct network_answer *answer, struct error *e)
{
	cleanup_program_result struct program_result result = { 0 };
	cleanup_program_args struct program_args args = { 0 };
	unsigned seconds = seconds_left(agent);
	int r;

	if (!seconds)
		return error_set(e, ETIMEDOUT, "run " PODNS_NET);
	fill_in(&args, agent, request, lock_fd, seconds);
	r = podns_net_run(&args, lock_fd, (seconds + EXTRA_SECONDS) * 1000, &result, e);
	agent->killed |= WIFSIGNALED(result.status);
	/* What a sweep has done counts though it could not do all. */
	if (request->verb == NETWORK_SWEEP)
		return pass_on(&result.out, r < 0 ? &(struct error){ 0 } : e) < 0 ? -1 : r;
	return r < 0 ? -1 : read_addresses(&result.out, answer, e);
}
