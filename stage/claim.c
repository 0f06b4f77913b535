/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/claim.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

int claim_new(struct container *c, struct error *e)
{
	uint64_t bits[2];

	_Static_assert(sizeof(bits) == CLAIM_TOKEN_BYTES, "a token is two numbers");
	if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return error_set(e, errno, "get random bytes");
	concat_in(c->claim.text, sizeof(c->claim.text), hex64(bits[0]).text, hex64(bits[1]).text,
		  NULL);
	return 0;
}

int claim_keep(struct container *c, struct error *e)
{
	const char *named;

	if (config_annotation(c->config, ANNOTATION_CLAIM, &named, NULL, e) < 0)
		return -1;
	if (!named || strlen(named) != sizeof(c->claim.text) - 1)
		return claim_new(c, e);
	memcpy(c->claim.text, named, sizeof(c->claim.text));
	return 0;
}

int claim_record(struct container *c, const char *id, const char *place, pid_t pid, struct error *e)
{
	cleanup_process struct process process = PROCESS_NONE;
	struct entrant claim = {
		.kind = ENTRANT_CLAIM,
		.id = id,
		.bundle = place,
		.token = c->claim.text,
		.expires = pod_boot_seconds() + CLAIM_SECONDS,
	};

	if (pid && process_hold(pid, &process, e) < 0)
		return -1;
	claim.pid = pid;
	claim.start = process.start;
	return pod_note_clocks(&c->pod, e) < 0 ? -1 : record_add_entrant(&c->pod.rec, &claim, e);
}

/* Absolute, since the runtime's delete may run in another directory than its create. NULL: the default. */
static int find_root(struct arena *a, const char *given, const char **root, struct error *e)
{
	cleanup_free char *cwd = NULL;
	const char *path = given;

	*root = "";
	if (!given || !*given)
		return 0;
	if (*given != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return error_set(e, errno, "find the working directory");
		path = arena_concat(a, cwd, "/", given, NULL);
	}
	*root = path ? arena_clean_path(a, path, strlen(path)) : NULL;
	return *root ? 0 : error_nomem(e);
}

const char *claim_place(struct arena *a, const struct stage_create *create, struct error *e)
{
	const char *root, *place;

	if (find_root(a, create->runtime_root, &root, e) < 0)
		return NULL;
	place = arena_concat(a, "runtime ", create->runtime, " ", root, NULL);
	if (!place)
		error_nomem(e);
	return place;
}

int claim_find(struct container *c, const char **token, long *i, struct error *e)
{
	const char *named;

	*token = NULL;
	*i = -1;
	if (config_annotation(c->config, ANNOTATION_CLAIM, &named, NULL, e) < 0)
		return -1;
	if (!named)
		return 0;
	*i = record_find_claim(&c->pod.rec, named, c->id ? c->id : c->new_id);
	if (*i < 0 && c->choice.cri)
		return 0;
	*token = arena_strndup(&c->arena, named, strlen(named));
	return *token ? 0 : error_nomem(e);
}
