/* SPDX-License-Identifier: Apache-2.0 */
#include "net/chain.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "net/plugin.h"
#include "net/result.h"
#include "net/run.h"

uint64_t chain_now(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

unsigned chain_limit(uint64_t left, size_t after)
{
	uint64_t share = left / (after + 1), kept = (uint64_t)after * CHAIN_LEAST_MS;
	uint64_t limit = left > kept ? left - kept : 0;

	if (limit < share)
		limit = share;
	return (unsigned)(limit < CHAIN_PLUGIN_MS ? limit : CHAIN_PLUGIN_MS);
}

static int check_time(const struct chain *chain, const struct chain_call *call, unsigned *limit,
		      struct error *e)
{
	uint64_t now = chain_now();

	*limit = chain_limit(chain->until > now ? chain->until - now : 0, call->after);
	if (*limit)
		return 0;
	return error_set(e, 0, "plugin %s: %s: no time is left for it",
			 chain->list->plugins[call->index].type, call->command);
}

/* VERSION, STATUS and GC are about no attachment. */
static bool is_about_attachment(const char *command)
{
	return !strcmp(command, "ADD") || !strcmp(command, "DEL") || !strcmp(command, "CHECK");
}

#define ENV_MAX 8

/* The environment of a plugin: "Parameters" in section 2 of the CNI specification. In the arena. */
static int make_environment(const struct chain *chain, const char *command, struct arena *arena,
			    char *env[ENV_MAX], struct error *e)
{
	cleanup_buf struct buf dirs = { 0 };
	size_t n = 0, made;

	if (plugin_path(plugin_directories, &dirs, e) < 0)
		return -1;
	env[n++] = arena_concat(arena, "CNI_COMMAND=", command, NULL);
	if (is_about_attachment(command)) {
		env[n++] = arena_concat(arena, "CNI_CONTAINERID=", chain->id, NULL);
		env[n++] = arena_concat(arena, "CNI_NETNS=", chain->netns, NULL);
		env[n++] = arena_concat(arena, "CNI_IFNAME=" CHAIN_IFNAME, NULL);
	}
	env[n++] = arena_concat(arena, "CNI_PATH=", dirs.len ? dirs.data : "", NULL);
	env[n++] = arena_concat(arena, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL);
	for (made = 0; made < n && env[made];)
		made++;
	env[n] = NULL;
	return made == n ? 0 : error_nomem(e);
}

/* path: of the plugin. */
static int run_program(const struct chain *chain, const struct chain_call *call, char *path,
		       const struct buf *input, struct program_result *result, struct error *e)
{
	const char *type = chain->list->plugins[call->index].type;
	cleanup_arena struct arena arena = { 0 };
	char *argv[] = { path, NULL }, *env[ENV_MAX];
	struct program program = {
		.path = path,
		.argv = argv,
		.env = env,
		.input = input->data,
		.input_len = input->len,
		.lock_fd = chain->lock_fd,
	};

	if (make_environment(chain, call->command, &arena, env, e) < 0 ||
	    check_time(chain, call, &program.limit_ms, e) < 0)
		return -1;
	if (program_run(&program, result, e) < 0)
		return error_prefix(e, "plugin %s: %s", type, call->command);
	return result->status ? plugin_error(type, call->command, result, e) : 0;
}

static int run_plugin(const struct chain *chain, const struct chain_call *call,
		      const struct buf *input, struct program_result *result, struct error *e)
{
	const char *type = chain->list->plugins[call->index].type;
	cleanup_free char *path = NULL;

	if (plugin_find(plugin_directories, type, &path, e) < 0)
		return -1;
	return run_program(chain, call, path, input, result, e);
}

static int take_output(struct program_result *result, struct buf *out, struct error *e)
{
	return buf_add(out, result->out.data ? result->out.data : "", result->out.len) < 0
		       ? error_nomem(e)
		       : 0;
}

int chain_call(const struct chain *chain, const struct chain_call *call, struct buf *out,
	       struct error *e)
{
	cleanup_program_result struct program_result result = { 0 };
	cleanup_buf struct buf input = { 0 };

	if (conflist_plugin_text(chain->list, call->index, &call->extras, &input, e) < 0 ||
	    run_plugin(chain, call, &input, &result, e) < 0)
		return -1;
	return take_output(&result, out, e);
}

int chain_versions(const struct chain *chain, size_t index, unsigned *versions, struct error *e)
{
	const struct chain_call call = { .command = "VERSION", .index = index };
	cleanup_program_result struct program_result result = { 0 };
	cleanup_buf struct buf input = { 0 };

	if (buf_concat(&input, "{\"cniVersion\":\"", chain->list->version, "\"}", NULL) < 0)
		return error_nomem(e);
	if (run_plugin(chain, &call, &input, &result, e) < 0)
		return -1;
	return plugin_versions(chain->list->plugins[index].type,
			       result.out.data ? result.out.data : "", result.out.len, versions, e);
}
