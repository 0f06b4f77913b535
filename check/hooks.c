/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hooks directory as podman and CRI-O read it: the *.json files in order of their names. A file
 * that cannot be read or parsed stops the engine, except a dangling symbolic link, which is skipped.
 */
#include "check/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "json/json.h"

#define HOOK_FILE_MAX ((size_t)1 << 20)
#define HOOK_PROGRAM "oci-podns-hook"

/* The stages of the runtime specification, and podman's precreate. */
static const struct {
	const char *name;
	unsigned bit;
} stage_bits[] = {
	{ "precreate", STAGE_PRECREATE },
	{ "prestart", 0 },
	{ "createRuntime", STAGE_CREATE_RUNTIME },
	{ "createContainer", 0 },
	{ "startContainer", 0 },
	{ "poststart", 0 },
	{ "poststop", STAGE_POSTSTOP },
};

#define STAGES (sizeof(stage_bits) / sizeof(*stage_bits))

static int read_stages(struct json *doc, bool old, struct hook_file *file, struct error *e)
{
	uint32_t list;
	size_t i;

	if (json_member_of(doc, 0, "stages", JSON_ARRAY, &list, e) < 0)
		return -1;
	/* In version 0.1.0 its name is stage: oci-hooks(5). */
	if (old && list == JSON_NONE && json_member_of(doc, 0, "stage", JSON_ARRAY, &list, e) < 0)
		return -1;
	if (list == JSON_NONE)
		return error_set(e, 0, "%s: stages is missing", file->path);
	for (uint32_t s = json_first(doc, list); s != JSON_NONE; s = json_next(doc, s)) {
		for (i = 0; i < STAGES && !json_str_is(doc, s, stage_bits[i].name); i++)
			;
		if (i == STAGES)
			return error_set(e, 0, "%s: stages names an unknown stage", file->path);
		file->stages |= stage_bits[i].bit;
	}
	return 0;
}

/* In version 0.1.0 hook is the program, and arguments are beside it. */
static int read_old_hook(struct json *doc, struct hook_file *file, struct error *e)
{
	uint32_t node;

	if (json_member_string(doc, 0, "hook", &file->program, NULL, e) < 0 ||
	    json_member_of(doc, 0, "arguments", JSON_ARRAY, &node, e) < 0)
		return -1;
	/* The engine prepends the program's name, so args is not empty then. */
	file->has_args = node != JSON_NONE;
	return 0;
}

static int read_hook(struct json *doc, struct hook_file *file, struct error *e)
{
	uint32_t hook, node;

	if (json_member_of(doc, 0, "hook", JSON_OBJECT, &hook, e) < 0)
		return -1;
	if (hook == JSON_NONE)
		return 0;
	if (json_member_string(doc, hook, "path", &file->program, NULL, e) < 0 ||
	    json_member_of(doc, hook, "args", JSON_ARRAY, &node, e) < 0)
		return -1;
	file->has_args = json_first(doc, node) != JSON_NONE;
	if (json_member_of(doc, hook, "timeout", JSON_NUMBER, &node, e) < 0)
		return -1;
	return node == JSON_NONE ? 0 : json_u64(doc, node, UINT32_MAX, &file->timeout, e);
}

/* The keys under when.annotations are regular expressions. */
static int read_when(struct json *doc, struct hook_file *file, struct error *e)
{
	uint32_t when, annotations;
	const char *key;

	if (json_member_of(doc, 0, "when", JSON_OBJECT, &when, e) < 0)
		return -1;
	if (when == JSON_NONE)
		return 0;
	if (json_member_of(doc, when, "annotations", JSON_OBJECT, &annotations, e) < 0)
		return -1;
	for (uint32_t a = json_first(doc, annotations); a != JSON_NONE; a = json_next(doc, a)) {
		if (json_key(doc, a, &key, e) < 0)
			return -1;
		file->of_pods |= strstr(key, "SandboxID") != NULL;
	}
	return 0;
}

/* Without a version, a file is read as version 0.1.0. */
static int read_version(struct json *doc, bool *old, const char *path, struct error *e)
{
	uint32_t node;

	if (json_member_of(doc, 0, "version", JSON_STRING, &node, e) < 0)
		return -1;
	*old = node == JSON_NONE || json_str_is(doc, node, "") || json_str_is(doc, node, "0.1.0");
	if (!*old && !json_str_is(doc, node, "1.0.0"))
		return error_set(e, 0, "%s: its version is neither 1.0.0 nor 0.1.0", path);
	return 0;
}

static int read_members(struct json *doc, struct hook_file *file, struct error *e)
{
	const char *slash;
	bool old;

	if (doc->nodes[0].type != JSON_OBJECT)
		return error_set(e, 0, "%s: it is not a JSON object", file->path);
	if (read_version(doc, &old, file->path, e) < 0 ||
	    (old ? read_old_hook(doc, file, e) : read_hook(doc, file, e)) < 0)
		return -1;
	if (!file->program || !*file->program)
		return error_set(e, 0, "%s: it names no program", file->path);
	slash = strrchr(file->program, '/');
	file->ours = slash && !strcmp(slash + 1, HOOK_PROGRAM);
	return (!old && read_when(doc, file, e) < 0) ? -1 : read_stages(doc, old, file, e);
}

static int read_text(int dir_fd, struct hook_file *file, struct buf *text)
{
	cleanup_close int fd = openat(dir_fd, file->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || read_all(fd, HOOK_FILE_MAX, text) < 0)
		return -1;
	file->is_private = !(st.st_mode & S_IROTH);
	return 0;
}

static void read_hook_file(int dir_fd, struct hook_file *file,
			   void (*fn)(void *arg, const struct hook_file *file), void *arg)
{
	cleanup_buf struct buf text = { 0 };
	struct json doc;

	if (read_text(dir_fd, file, &text) < 0) {
		file->use = errno == ENOENT ? HOOK_IS_SKIPPED : HOOK_STOPS;
		error_set(&file->why, errno, "read %s", file->path);
		fn(arg, file);
		return;
	}
	file->use = HOOK_STOPS;
	if (json_parse(&doc, file->path, text.data, text.len, NULL, NULL, &file->why) == 0 &&
	    read_members(&doc, file, &file->why) == 0)
		file->use = HOOK_IS_READ;
	fn(arg, file);
	json_free(&doc);
}

int hooks_each(const char *sysroot, const char *dir,
	       void (*fn)(void *arg, const struct hook_file *file), void *arg, struct error *e)
{
	cleanup_free char *path = concat(sysroot, dir, NULL);
	cleanup_close int fd = -1;
	struct dirent **names;
	int n, r = 0;

	if (!path)
		return error_nomem(e);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : error_set(e, errno, "read directory %s", path);
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		return error_set(e, errno, "read directory %s", path);
	for (int i = 0; i < n; i++) {
		cleanup_free char *whole = concat(path, "/", names[i]->d_name, NULL);

		if (!whole)
			r = error_nomem(e);
		else if (r == 0 && has_suffix(names[i]->d_name, ".json"))
			read_hook_file(
				fd, &(struct hook_file){ .name = names[i]->d_name, .path = whole },
				fn, arg);
		free(names[i]);
	}
	free(names);
	return r;
}
