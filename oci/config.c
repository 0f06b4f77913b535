/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a config.json: the parser keeps only the members in the table below, then each reader takes
 * one part into struct config and refuses what the runtimes would read differently.
 */
#include "oci/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SHM "/dev/shm"
#define ENV_HOSTNAME "HOSTNAME="

#define KEPT_MOST 7

/* The members that the parser keeps. */
struct kept {
	const char *in; /* name of the object, or of the array around it; "" for the root */
	unsigned depth; /* of the members */
	const char *names[KEPT_MOST]; /* up to the first NULL; none: all are kept */
};

static const struct kept kept[] = {
	{ "",
	  1,
	  { "annotations", "hostname", "domainname", "process", "mounts", "linux", "hooks" } },
	{ "annotations", 2, { 0 } },
	{ "process", 2, { "env" } },
	{ "linux",
	  2,
	  { "namespaces", "sysctl", "uidMappings", "gidMappings", "mountLabel", "timeOffsets" } },
	{ "mounts", 3, { "destination", "type", "source", "options" } },
	{ "sysctl", 3, { 0 } },
	{ "timeOffsets", 3, { 0 } },
	{ "namespaces", 4, { "type", "path" } },
	{ "uidMappings", 4, { "containerID", "hostID", "size" } },
	{ "gidMappings", 4, { "containerID", "hostID", "size" } },
	{ "hooks", 2, { 0 } },
	{ "prestart", 4, { "path", "args" } },
	{ "createRuntime", 4, { "path", "args" } },
	{ "poststop", 4, { "path", "args" } },
};

const char *const config_hooks_name[HOOKS_LISTS] = {
	[HOOKS_PRESTART] = "prestart",
	[HOOKS_CREATE_RUNTIME] = "createRuntime",
	[HOOKS_POSTSTOP] = "poststop",
};

const char *const config_etc_file[CONFIG_ETC_FILES] = {
	[ETC_RESOLV_CONF] = "/etc/resolv.conf",
	[ETC_HOSTNAME] = "/etc/hostname",
	[ETC_HOSTS] = "/etc/hosts",
};

static bool is_called(const struct json *doc, uint32_t obj, const char *name)
{
	const struct json_node *n = &doc->nodes[obj];

	if (n->parent == JSON_NONE)
		return !*name;
	return json_key_is(doc, n->key ? obj : n->parent, name);
}

static bool want_of_config(const struct json *doc, uint32_t parent, unsigned depth, const char *key,
			   size_t key_len)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		if (kept[i].depth != depth || !is_called(doc, parent, kept[i].in))
			continue;
		if (!kept[i].names[0])
			return true;
		for (size_t j = 0; j < KEPT_MOST && kept[i].names[j]; j++)
			if (json_key_folds(key, key_len, kept[i].names[j]))
				return true;
		return false;
	}
	return false;
}

static bool may_be_shm(const struct json_node *n)
{
	return memmem(n->str, n->str_len, "shm", 3);
}

/* "/", "." and the like have no letter. */
static bool may_be_etc(const struct json_node *n)
{
	return n->str_len < 3 || memmem(n->str, n->str_len, "etc", 3);
}

/* A string that all parsers read the same way, and that is no destination of interest. */
static bool is_elsewhere(const struct json_node *n)
{
	return n->type == JSON_STRING && !n->odd && !memchr(n->str, '\0', n->str_len) &&
	       !may_be_shm(n) && !may_be_etc(n);
}

/*
 * Most mounts are on no destination of interest, and need not be kept. A doubtful one is left to
 * read_mounts(), which reads or refuses it.
 */
static bool drop_mount(const struct json *doc, uint32_t object, unsigned depth)
{
	uint32_t destination = JSON_NONE;

	if (depth != 3 || object == 0 || !is_called(doc, object, "mounts"))
		return false;
	for (uint32_t i = json_first(doc, object); i != JSON_NONE; i = json_next(doc, i)) {
		const struct json_node *n = &doc->nodes[i];

		if (!json_key_folds(n->key, n->key_len, "destination"))
			continue;
		if (destination != JSON_NONE || !json_key_is(doc, i, "destination"))
			return false;
		destination = i;
	}
	return destination != JSON_NONE && is_elsewhere(&doc->nodes[destination]);
}

/* *s is NULL if the member is absent, null or empty; *node is its node in the last two cases too. */
static int optional_string(struct json *doc, uint32_t obj, const char *name, const char **s,
			   uint32_t *node, struct error *e)
{
	const struct json_node *n;

	*s = NULL;
	if (json_member(doc, obj, name, node, e) < 0)
		return -1;
	if (*node == JSON_NONE)
		return 0;
	n = &doc->nodes[*node];
	if (n->type == JSON_NULL || (n->type == JSON_STRING && !n->str_len))
		return 0;
	return json_string(doc, *node, s, e);
}

/* Go, and so runc and podman, reads null in an array as the zero value, which means nothing here. */
static bool is_null(const struct json *doc, uint32_t node)
{
	return doc->nodes[node].type == JSON_NULL;
}

static void *new_array(struct config *c, size_t n, size_t size, struct error *e)
{
	void *array = arena_alloc(&c->doc.arena, n * size);

	if (!array)
		error_nomem(e);
	return array;
}

static int read_namespace(struct config *c, uint32_t entry, bool *has_pid, struct error *e)
{
	struct config_ns ns = { .entry = entry };
	const char *name;
	enum ns_type t;
	bool repeated;

	if (json_member_string(&c->doc, entry, "type", &name, NULL, e) < 0)
		return -1;
	if (!name)
		return json_error(&c->doc, entry, e, "has no type");
	t = ns_type_by_oci_name(name);
	if (t == NS_NONE && !ns_is_pid(name))
		return json_error(&c->doc, entry, e, "unknown namespace type '%s'", name);
	repeated = t == NS_NONE ? *has_pid : c->ns[t].entry != JSON_NONE;
	if (repeated)
		return json_error(&c->doc, entry, e, "namespace type %s is there twice", name);
	if (optional_string(&c->doc, entry, "path", &ns.path, &ns.path_node, e) < 0)
		return -1;
	if (ns.path && *ns.path != '/')
		return json_error(&c->doc, ns.path_node, e, "is not an absolute path");
	if (t == NS_NONE)
		*has_pid = true;
	else
		c->ns[t] = ns;
	return 0;
}

static int read_namespaces(struct config *c, uint32_t lin, struct error *e)
{
	bool has_pid = false;
	uint32_t list;

	if (json_member_of(&c->doc, lin, "namespaces", JSON_ARRAY, &list, e) < 0)
		return -1;
	for (uint32_t i = json_first(&c->doc, list); i != JSON_NONE; i = json_next(&c->doc, i))
		if (read_namespace(c, i, &has_pid, e) < 0)
			return -1;
	return 0;
}

static int read_u32(struct json *doc, uint32_t obj, const char *name, bool required,
		    uint32_t *value, struct error *e)
{
	uint32_t node;
	uint64_t v = 0;

	if (json_member_of(doc, obj, name, JSON_NUMBER, &node, e) < 0)
		return -1;
	if (node == JSON_NONE && required)
		return json_error(doc, obj, e, "has no %s", name);
	if (node != JSON_NONE && json_u64(doc, node, UINT32_MAX, &v, e) < 0)
		return -1;
	*value = (uint32_t)v;
	return 0;
}

static int read_id_maps(struct config *c, uint32_t lin, const char *name, struct id_maps *maps,
			struct error *e)
{
	struct json *doc = &c->doc;
	struct id_map *map;
	uint32_t list;

	if (json_member_of(doc, lin, name, JSON_ARRAY, &list, e) < 0)
		return -1;
	maps->map = new_array(c, json_count_children(doc, list), sizeof(*map), e);
	if (!maps->map)
		return -1;
	for (uint32_t i = json_first(doc, list); i != JSON_NONE; i = json_next(doc, i)) {
		map = &maps->map[maps->count++];
		if (read_u32(doc, i, "containerID", false, &map->container, e) < 0 ||
		    read_u32(doc, i, "hostID", false, &map->host, e) < 0 ||
		    read_u32(doc, i, "size", true, &map->size, e) < 0)
			return -1;
	}
	return 0;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys are sorted, since comparing each with each takes too long for a long hostile list. */
static int refuse_repeated(struct config *c, uint32_t map, struct error *e)
{
	const char **keys = new_array(c, c->sysctl_count, sizeof(*keys), e);

	if (!keys)
		return -1;
	for (size_t i = 0; i < c->sysctl_count; i++)
		keys[i] = c->sysctls[i].key;
	qsort(keys, c->sysctl_count, sizeof(*keys), compare_strings);
	for (size_t i = 1; i < c->sysctl_count; i++)
		if (!strcmp(keys[i - 1], keys[i]))
			return json_error(&c->doc, map, e, "%.200s is there twice", keys[i]);
	return 0;
}

static int read_sysctls(struct config *c, uint32_t lin, struct error *e)
{
	struct json *doc = &c->doc;
	struct config_sysctl *s;
	uint32_t map;

	if (json_member_of(doc, lin, "sysctl", JSON_OBJECT, &map, e) < 0)
		return -1;
	c->sysctls = new_array(c, json_count_children(doc, map), sizeof(*s), e);
	if (!c->sysctls)
		return -1;
	for (uint32_t i = json_first(doc, map); i != JSON_NONE; i = json_next(doc, i)) {
		s = &c->sysctls[c->sysctl_count++];
		if (json_key(doc, i, &s->key, e) < 0 || json_string(doc, i, &s->value, e) < 0)
			return -1;
	}
	return refuse_repeated(c, map, e);
}

/*
 * Runtimes read the offsets into a map, in which null is an offset of 0, so any member counts. The
 * runtime checks the values.
 */
static int read_time_offsets(struct config *c, uint32_t lin, struct error *e)
{
	static const char *const clocks[] = { "monotonic", "boottime" };
	uint32_t map, node;

	if (json_member_of(&c->doc, lin, "timeOffsets", JSON_OBJECT, &map, e) < 0)
		return -1;
	if (map == JSON_NONE)
		return 0;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++)
		if (json_member_of(&c->doc, map, clocks[i], JSON_OBJECT, &node, e) < 0)
			return -1;
	c->time_offsets = json_first(&c->doc, map) != JSON_NONE;
	return 0;
}

static int read_linux(struct config *c, struct error *e)
{
	uint32_t lin, node;

	if (json_member_of(&c->doc, 0, "linux", JSON_OBJECT, &lin, e) < 0)
		return -1;
	if (lin == JSON_NONE)
		return 0;
	if (read_namespaces(c, lin, e) < 0 || read_sysctls(c, lin, e) < 0 ||
	    read_id_maps(c, lin, "uidMappings", &c->uid_maps, e) < 0 ||
	    read_id_maps(c, lin, "gidMappings", &c->gid_maps, e) < 0 ||
	    read_time_offsets(c, lin, e) < 0)
		return -1;
	return optional_string(&c->doc, lin, "mountLabel", &c->mount_label, &node, e);
}

static bool is_env_hostname(const struct json_node *n)
{
	return n->type == JSON_STRING && n->str_len >= strlen(ENV_HOSTNAME) &&
	       !memcmp(n->str, ENV_HOSTNAME, strlen(ENV_HOSTNAME));
}

uint32_t config_next_env_hostname(const struct config *c, uint32_t node)
{
	do
		node = json_next(&c->doc, node);
	while (node != JSON_NONE && !is_env_hostname(&c->doc.nodes[node]));
	return node;
}

static int read_env(struct config *c, struct error *e)
{
	uint32_t process, env;

	if (json_member_of(&c->doc, 0, "process", JSON_OBJECT, &process, e) < 0)
		return -1;
	if (process == JSON_NONE)
		return 0;
	if (json_member_of(&c->doc, process, "env", JSON_ARRAY, &env, e) < 0)
		return -1;
	for (uint32_t i = json_first(&c->doc, env); i != JSON_NONE; i = json_next(&c->doc, i)) {
		if (is_null(&c->doc, i))
			continue;
		if (json_check_string(&c->doc, i, e) < 0)
			return -1;
		if (c->env_hostname == JSON_NONE && is_env_hostname(&c->doc.nodes[i]))
			c->env_hostname = i;
	}
	return 0;
}

int config_mount_place(struct json *doc, uint32_t mount, enum mount_place *place, struct error *e)
{
	const struct json_node *n;
	char *path;
	uint32_t node;

	*place = MOUNT_ELSEWHERE;
	if (json_member_of(doc, mount, "destination", JSON_STRING, &node, e) < 0)
		return -1;
	if (node == JSON_NONE)
		return 0;
	if (json_check_string(doc, node, e) < 0)
		return -1;
	n = &doc->nodes[node];
	if (!may_be_shm(n) && !may_be_etc(n))
		return 0;
	path = arena_clean_path(&doc->arena, n->str, n->str_len);
	if (!path)
		return error_nomem(e);
	if (!strcmp(path, SHM))
		*place = MOUNT_ON_SHM;
	else if (!strncmp(path, SHM "/", strlen(SHM "/")))
		*place = MOUNT_BELOW_SHM;
	else if ((n->str_len && !*path) || !strcmp(path, "/etc"))
		*place = MOUNT_ON_ETC;
	for (int i = 0; i < CONFIG_ETC_FILES; i++)
		if (!strcmp(path, config_etc_file[i]))
			*place = MOUNT_ON_ETC_FILE + (unsigned)i;
	return 0;
}

static int read_shm_options(struct config *c, struct error *e)
{
	struct json *doc = &c->doc;
	uint32_t list;

	if (json_member_of(doc, c->shm, "options", JSON_ARRAY, &list, e) < 0)
		return -1;
	c->shm_options = new_array(c, json_count_children(doc, list), sizeof(*c->shm_options), e);
	if (!c->shm_options)
		return -1;
	for (uint32_t i = json_first(doc, list); i != JSON_NONE; i = json_next(doc, i))
		if (json_string(doc, i, &c->shm_options[c->shm_option_count++], e) < 0)
			return -1;
	return 0;
}

static int read_shm(struct config *c, struct error *e)
{
	if (json_member_string(&c->doc, c->shm, "type", &c->shm_type, NULL, e) < 0 ||
	    json_member_string(&c->doc, c->shm, "source", &c->shm_source, &c->shm_source_node, e) <
		    0)
		return -1;
	return read_shm_options(c, e);
}

static int read_etc_mount(struct config *c, struct config_etc_mount *x, uint32_t mount,
			  struct error *e)
{
	struct json *doc = &c->doc;
	const char *type;
	uint32_t list;

	x->count++;
	x->mount = mount;
	if (json_member_string(doc, mount, "type", &type, NULL, e) < 0 ||
	    json_member_string(doc, mount, "source", &x->source, &x->source_node, e) < 0 ||
	    json_member_of(doc, mount, "options", JSON_ARRAY, &list, e) < 0)
		return -1;
	x->bind = type && !strcmp(type, "bind");
	for (uint32_t i = json_first(doc, list); i != JSON_NONE; i = json_next(doc, i))
		x->bind |= json_str_is(doc, i, "bind") || json_str_is(doc, i, "rbind");
	return 0;
}

static int read_mount(struct config *c, uint32_t mount, struct error *e)
{
	enum mount_place place;

	if (config_mount_place(&c->doc, mount, &place, e) < 0)
		return -1;
	if (place >= MOUNT_ON_ETC_FILE)
		return read_etc_mount(c, &c->etc[place - MOUNT_ON_ETC_FILE], mount, e);
	if (place == MOUNT_BELOW_SHM || (place == MOUNT_ON_SHM && c->shm != JSON_NONE))
		c->shm_below = true;
	if (place == MOUNT_ON_SHM)
		c->shm = mount;
	c->etc_covered |= place == MOUNT_ON_ETC;
	return 0;
}

bool config_shm_is_bind(const struct config *c)
{
	if (c->shm_type && !strcmp(c->shm_type, "bind"))
		return true;
	for (size_t i = 0; i < c->shm_option_count; i++)
		if (!strcmp(c->shm_options[i], "bind") || !strcmp(c->shm_options[i], "rbind"))
			return true;
	return false;
}

/* *null: the node of a null instead of the member. One of the two is JSON_NONE, or both are. */
static int member_or_null(struct config *c, uint32_t obj, const char *name, enum json_type type,
			  uint32_t *node, uint32_t *null, struct error *e)
{
	uint32_t found;

	if (json_member(&c->doc, obj, name, &found, e) < 0)
		return -1;
	*null = found != JSON_NONE && is_null(&c->doc, found) ? found : JSON_NONE;
	return json_member_of(&c->doc, obj, name, type, node, e);
}

static int read_mounts(struct config *c, struct error *e)
{
	if (member_or_null(c, 0, "mounts", JSON_ARRAY, &c->mounts, &c->mounts_null, e) < 0)
		return -1;
	for (uint32_t i = json_first(&c->doc, c->mounts); i != JSON_NONE; i = json_next(&c->doc, i))
		if (!is_null(&c->doc, i) && read_mount(c, i, e) < 0)
			return -1;
	return c->shm == JSON_NONE ? 0 : read_shm(c, e);
}

static int read_annotations(struct config *c, struct error *e)
{
	return member_or_null(c, 0, "annotations", JSON_OBJECT, &c->annotations,
			      &c->annotations_null, e);
}

/*
 * Docker adds a hook that executes dockerd, which then moves the container's interfaces into its
 * network namespace: WithLibnetwork() in daemon/oci_linux.go.
 */
static int read_hook_args(struct config *c, uint32_t hook, struct error *e)
{
	struct json *doc = &c->doc;
	uint32_t args;

	if (json_member_of(doc, hook, "args", JSON_ARRAY, &args, e) < 0)
		return -1;
	for (uint32_t i = json_first(doc, args); i != JSON_NONE; i = json_next(doc, i))
		c->docker_hook |= json_str_is(doc, i, "libnetwork-setkey");
	return 0;
}

static int read_hook(struct config *c, uint32_t hook, bool *ours, struct error *e)
{
	const char *path, *name;

	if (json_member_string(&c->doc, hook, "path", &path, NULL, e) < 0)
		return -1;
	name = path ? strrchr(path, '/') : NULL;
	*ours = name && !strcmp(name + 1, HOOK_PROGRAM);
	return read_hook_args(c, hook, e);
}

static bool is_same_string(const struct json_node *x, const struct json_node *y)
{
	return x->type == JSON_STRING && y->type == JSON_STRING && x->str_len == y->str_len &&
	       !memcmp(x->str, y->str, x->str_len);
}

bool config_same_hook(const struct config *a, uint32_t hook_a, const struct config *b,
		      uint32_t hook_b)
{
	uint32_t path_a, path_b, i, k;
	struct error ignored;

	/* read_hook() has read both: path is a string and args is an array, or they are absent. */
	if (json_member(&a->doc, hook_a, "path", &path_a, &ignored) < 0 ||
	    json_member(&b->doc, hook_b, "path", &path_b, &ignored) < 0 || path_a == JSON_NONE ||
	    path_b == JSON_NONE || !is_same_string(&a->doc.nodes[path_a], &b->doc.nodes[path_b]) ||
	    json_member(&a->doc, hook_a, "args", &i, &ignored) < 0 ||
	    json_member(&b->doc, hook_b, "args", &k, &ignored) < 0)
		return false;
	i = json_first(&a->doc, i);
	k = json_first(&b->doc, k);
	while (i != JSON_NONE && k != JSON_NONE &&
	       is_same_string(&a->doc.nodes[i], &b->doc.nodes[k])) {
		i = json_next(&a->doc, i);
		k = json_next(&b->doc, k);
	}
	return i == JSON_NONE && k == JSON_NONE;
}

static int read_hook_list(struct config *c, enum config_hooks which, struct error *e)
{
	struct config_hook_list *x = &c->hook_list[which];
	struct json *doc = &c->doc;
	bool ours;

	if (member_or_null(c, c->hooks, config_hooks_name[which], JSON_ARRAY, &x->list, &x->null,
			   e) < 0)
		return -1;
	for (uint32_t i = json_first(doc, x->list); i != JSON_NONE; i = json_next(doc, i)) {
		if (is_null(doc, i))
			continue;
		if (read_hook(c, i, &ours, e) < 0)
			return -1;
		if (ours && x->ours == JSON_NONE)
			x->ours = i;
	}
	return 0;
}

static int read_hooks(struct config *c, struct error *e)
{
	if (member_or_null(c, 0, "hooks", JSON_OBJECT, &c->hooks, &c->hooks_null, e) < 0)
		return -1;
	for (int i = 0; i < HOOKS_LISTS && c->hooks != JSON_NONE; i++)
		if (read_hook_list(c, (enum config_hooks)i, e) < 0)
			return -1;
	return 0;
}

static int read_config_members(struct config *c, struct error *e)
{
	if (c->doc.nodes[0].type != JSON_OBJECT)
		return json_error(&c->doc, 0, e, "is not an object");
	if (read_annotations(c, e) < 0 ||
	    optional_string(&c->doc, 0, "hostname", &c->hostname, &c->hostname_node, e) < 0 ||
	    optional_string(&c->doc, 0, "domainname", &c->domainname, &c->domainname_node, e) < 0)
		return -1;
	if (read_env(c, e) < 0 || read_mounts(c, e) < 0 || read_hooks(c, e) < 0)
		return -1;
	return read_linux(c, e);
}

int config_parse(struct config *c, const char *what, const char *text, size_t len, struct error *e)
{
	*c = (struct config){
		.hostname_node = JSON_NONE,
		.domainname_node = JSON_NONE,
		.env_hostname = JSON_NONE,
		.annotations = JSON_NONE,
		.annotations_null = JSON_NONE,
		.shm = JSON_NONE,
		.shm_source_node = JSON_NONE,
		.mounts = JSON_NONE,
		.mounts_null = JSON_NONE,
		.hooks = JSON_NONE,
		.hooks_null = JSON_NONE,
	};
	for (int t = 0; t < NS_TYPES; t++)
		c->ns[t].entry = c->ns[t].path_node = JSON_NONE;
	for (int i = 0; i < CONFIG_ETC_FILES; i++)
		c->etc[i].mount = c->etc[i].source_node = JSON_NONE;
	for (int i = 0; i < HOOKS_LISTS; i++)
		c->hook_list[i] = (struct config_hook_list){ JSON_NONE, JSON_NONE, JSON_NONE };
	if (len > CONFIG_SIZE_MAX)
		return error_set(e, 0, "%s: larger than %zu bytes", what, CONFIG_SIZE_MAX);
	if (json_parse(&c->doc, what, text, len, want_of_config, drop_mount, e) < 0)
		return -1;
	if (read_config_members(c, e) == 0)
		return 0;
	config_free(c);
	return -1;
}

void config_free(struct config *c)
{
	json_free(&c->doc);
}

int config_annotation(struct config *c, const char *key, const char **value, uint32_t *node,
		      struct error *e)
{
	uint32_t found = JSON_NONE;

	*value = NULL;
	if (c->annotations != JSON_NONE &&
	    json_map_member(&c->doc, c->annotations, key, &found, e) < 0)
		return -1;
	if (node)
		*node = found;
	return found == JSON_NONE ? 0 : json_string(&c->doc, found, value, e);
}
