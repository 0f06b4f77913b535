/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "oci/json.h"

#define HOOK_FILE_MAX ((size_t)1 << 20)
#define HOOK_PROGRAM "oci-podns-hook"

static const struct {
	const char *name;
	unsigned bit;
} stage_bits[] = {
	{ "precreate", STAGE_PRECREATE },
	{ "createRuntime", STAGE_CREATE_RUNTIME },
	{ "poststop", STAGE_POSTSTOP },
};

static int read_stages(struct json *doc, struct hook_file *file, struct error *e)
{
	uint32_t list;

	if (json_member_of(doc, 0, "stages", JSON_ARRAY, &list, e) < 0)
		return -1;
	/* 0.1.0 calls it stage: oci-hooks(5). */
	if (list == JSON_NONE && json_member_of(doc, 0, "stage", JSON_ARRAY, &list, e) < 0)
		return -1;
	if (list == JSON_NONE)
		return 0;
	for (uint32_t s = json_first(doc, list); s != JSON_NONE; s = json_next(doc, s))
		for (size_t i = 0; i < sizeof(stage_bits) / sizeof(*stage_bits); i++)
			if (json_str_is(doc, s, stage_bits[i].name))
				file->stages |= stage_bits[i].bit;
	return 0;
}

static int read_hook(struct json *doc, struct hook_file *file, struct error *e)
{
	uint32_t hook, node;
	const char *slash;

	if (json_member(doc, 0, "hook", &hook, e) < 0)
		return -1;
	if (hook == JSON_NONE || doc->nodes[hook].type != JSON_OBJECT)
		return 0;
	if (json_member_of(doc, hook, "path", JSON_STRING, &node, e) < 0 ||
	    (node != JSON_NONE && json_string(doc, node, &file->program, e) < 0))
		return -1;
	slash = file->program ? strrchr(file->program, '/') : NULL;
	file->ours = slash && !strcmp(slash + 1, HOOK_PROGRAM);
	if (json_member_of(doc, hook, "args", JSON_ARRAY, &node, e) < 0)
		return -1;
	file->has_args = node != JSON_NONE && json_first(doc, node) != JSON_NONE;
	if (json_member_of(doc, hook, "timeout", JSON_NUMBER, &node, e) < 0)
		return -1;
	return node == JSON_NONE ? 0 : json_u64(doc, node, UINT32_MAX, &file->timeout, e);
}

static int read_file(int dir_fd, const char *name, struct json *doc, struct buf *text,
		     struct hook_file *file, struct error *e)
{
	cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || read_all(fd, HOOK_FILE_MAX, text) < 0)
		return error_set(e, errno, "read %s", file->path);
	if (json_parse(doc, file->path, text->data, text->len, NULL, NULL, e) < 0)
		return -1;
	if (doc->nodes[0].type == JSON_OBJECT && read_stages(doc, file, e) == 0 &&
	    read_hook(doc, file, e) == 0)
		return 0;
	if (doc->nodes[0].type != JSON_OBJECT)
		error_set(e, 0, "%s is no JSON object", file->path);
	json_free(doc);
	return -1;
}

static int one_file(int dir_fd, const char *dir, const char *name,
		    void (*fn)(void *arg, const struct hook_file *file, const struct error *why),
		    void *arg, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_free char *path = NULL;
	struct hook_file file = { 0 };
	struct json doc;
	struct error why;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return error_nomem(e);
	}
	file.path = path;
	if (read_file(dir_fd, name, &doc, &text, &file, &why) < 0) {
		fn(arg, NULL, &why);
		return 0;
	}
	fn(arg, &file, NULL);
	json_free(&doc);
	return 0;
}

static bool is_json(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && !strcmp(name + n - 5, ".json");
}

int hooks_each(const char *sysroot, const char *dir,
	       void (*fn)(void *arg, const struct hook_file *file, const struct error *why),
	       void *arg, struct error *e)
{
	cleanup_free char *path = NULL;
	struct dirent **names;
	int n, fd, r = 0;

	if (asprintf(&path, "%s%s", sysroot, dir) < 0) {
		path = NULL;
		return error_nomem(e);
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : error_set(e, errno, "open directory %s", path);
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		r = error_set(e, errno, "read directory %s", path);
	for (int i = 0; i < n; i++) {
		if (r == 0 && is_json(names[i]->d_name))
			r = one_file(fd, path, names[i]->d_name, fn, arg, e);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	close(fd);
	return r;
}
