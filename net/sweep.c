/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "net/attach.h"
#include "net/chain.h"
#include "net/gc.h"
#include "pod/pod.h"

/* All pods that others are working on are waited for together. */
#define LOCKED_SECONDS 2

struct sweep {
	struct store *store;
	uint64_t until;
	int out_fd;
	struct lock_wait wait;
	struct error *e; /* the first error */
	int result;
};

static void note_failure(struct sweep *s, const struct error *e)
{
	if (!s->result)
		*s->e = *e;
	else
		log_error(LOG_LEVEL_WARN, e);
	s->result = -1;
}

/* One line of output, which is lost if nobody reads it. */
static void report(const struct sweep *s, const char *pod, const char *network, const char *why)
{
	dprintf(s->out_fd, "%s: detached from the network %s: %s\n", pod, network, why);
}

/* Why the pod is to be detached, or NULL. */
static const char *why_detach(const struct sweep *s, const struct net_state *st, struct error *e)
{
	cleanup_free char *record = concat(st->pod, "/" POD_RECORD_FILE, NULL);
	bool this_boot;

	if (!record || attach_is_of_this_boot(st, &this_boot, e) < 0)
		...
}
