/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker runs the program `path` of an entry in daemon.json; an entry with a runtimeType, which names
 * a shim of containerd's, has the program in its options, as containerd's own entries do.
 */
#include "check/runtimes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "check/toml.h"
#include "json/json.h"

#define RUNTIMES_CONF_MAX ((size_t)1 << 20)

/* Where the next runtime is added. */
struct runtimes_end {
	struct arena *arena;
	struct oci_runtime **end;
};

/* An engine treats an empty program as not set. */
static int add_runtime(struct runtimes_end *x, const char *name, const char *program,
		       struct error *e)
{
	struct oci_runtime *new;

	if (!program || !*program)
		return 0;
	new = arena_alloc(x->arena, sizeof(*new));
	if (!new)
		return error_nomem(e);
	*new = (struct oci_runtime){ .name = name, .program = program };
	*x->end = new;
	x->end = &new->next;
	return 0;
}

/* Read a file, if there is one; *path is its path below sysroot. */
static int read_runtimes_conf(const char *sysroot, const char *conf, struct arena *a,
			      const char **path, struct buf *text, struct oci_runtimes *runtimes,
			      struct error *e)
{
	cleanup_close int fd = -1;

	*runtimes = (struct oci_runtimes){ 0 };
	*path = arena_concat(a, sysroot, conf, NULL);
	if (!*path)
		return error_nomem(e);
	fd = open(*path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || read_all(fd, RUNTIMES_CONF_MAX, text) < 0)
		return error_set(e, errno, "read %s", *path);
	runtimes->has_file = true;
	return 0;
}

/* --- Docker ---------------------------------------------------------------------- */

static int read_docker_runtime(struct json *doc, uint32_t entry, struct runtimes_end *x,
			       struct error *e)
{
	const char *name, *program;
	uint32_t options;

	if (json_key(doc, entry, &name, e) < 0 ||
	    json_member_string(doc, entry, "path", &program, NULL, e) < 0 ||
	    json_member_of(doc, entry, "options", JSON_OBJECT, &options, e) < 0)
		return -1;
	if (!program && options != JSON_NONE &&
	    json_member_string(doc, options, "BinaryName", &program, NULL, e) < 0)
		return -1;
	if (program)
		program = arena_strndup(x->arena, program, strlen(program));
	name = arena_strndup(x->arena, name, strlen(name));
	return name ? add_runtime(x, name, program, e) : error_nomem(e);
}

static int read_docker_members(struct json *doc, struct runtimes_end *x,
			       struct oci_runtimes *runtimes, struct error *e)
{
	const char *name;
	uint32_t map;

	if (json_member_of(doc, 0, "runtimes", JSON_OBJECT, &map, e) < 0 ||
	    json_member_string(doc, 0, "default-runtime", &name, NULL, e) < 0)
		return -1;
	if (name) {
		runtimes->default_name = arena_strndup(x->arena, name, strlen(name));
		if (!runtimes->default_name)
			return error_nomem(e);
	}
	runtimes->has_members = json_first(doc, 0) != JSON_NONE;
	runtimes->has_map = map != JSON_NONE;
	for (uint32_t i = json_first(doc, map); i != JSON_NONE; i = json_next(doc, i))
		if (read_docker_runtime(doc, i, x, e) < 0)
			return -1;
	return 0;
}

int docker_runtimes(const char *sysroot, struct arena *a, struct oci_runtimes *runtimes,
		    struct error *e)
{
	struct runtimes_end end = { a, &runtimes->list };
	cleanup_buf struct buf text = { 0 };
	cleanup_json struct json doc = { 0 };
	const char *path;

	if (read_runtimes_conf(sysroot, DOCKER_CONF, a, &path, &text, runtimes, e) < 0)
		return -1;
	/* To dockerd a file of white space alone is an empty object. */
	if (!text.len || strspn(text.data, " \t\r\n") == text.len)
		return 0;
	if (json_parse(&doc, path, text.data, text.len, NULL, NULL, e) < 0)
		return -1;
	return read_docker_members(&doc, &end, runtimes, e);
}

/* --- containerd -------------------------------------------------------------------- */

static int add_containerd_runtime(void *arg, const char *name, const struct toml_list *value,
				  struct error *e)
{
	return add_runtime(arg, name, value->count == 1 ? value->items[0] : NULL, e);
}

int containerd_runtimes(const char *sysroot, struct arena *a, struct oci_runtimes *runtimes,
			struct error *e)
{
	/* The plugin's names in versions 2 and 3: docs/cri/config.md of containerd. */
	static const char *const plugins[] = { "io.containerd.grpc.v1.cri",
					       "io.containerd.cri.v1.runtime" };
	struct runtimes_end end = { a, &runtimes->list };
	cleanup_buf struct buf text = { 0 };
	const char *path;

	if (read_runtimes_conf(sysroot, CONTAINERD_CONF, a, &path, &text, runtimes, e) < 0)
		return -1;
	for (size_t i = 0; text.len && i < sizeof(plugins) / sizeof(*plugins); i++) {
		const char *const keys[] = { "plugins", plugins[i], "containerd", "runtimes",
					     "*",       "options",  "BinaryName", NULL };

		if (toml_each(text.data, keys, a, add_containerd_runtime, &end, e) < 0)
			return error_prefix(e, "%s", path);
	}
	return 0;
}
