/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/names.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/trust.h"
#include "oci/config.h"
#include "oci/file.h"
#include "plan/engine.h"
#include "pod/name.h"

/* Each of podman's containers takes about 500 bytes there. */
#define STORAGE_MAX ((size_t)64 << 20)
/* With all labels and environment variables of one container. */
#define DOCKER_CONFIG_MAX ((size_t)4 << 20)

/* The name of a container in a storage of containers/storage. */
struct known {
	const char *id, *name;
};

/* One DIR/DRIVER-containers, sorted by id. */
struct storage {
	const char *dir;
	bool there; /* it has one of the files */
	struct known *list;
	size_t count, cap;
	struct storage *next;
};

void names_free(struct names *n)
{
	for (struct storage *s = n->storages; s; s = s->next)
		free(s->list);
	arena_free(&n->arena);
	*n = (struct names){ 0 };
}

/* A regular file of root's or our own. */
static bool read_trusted(const char *path, size_t max, struct buf *text)
{
	struct error ignored;
	struct stat st;
	cleanup_close int fd =
		trust_open(AT_FDCWD, path, O_NONBLOCK | O_NOCTTY, path, &st, &ignored);

	return fd >= 0 && S_ISREG(st.st_mode) && read_all(fd, max, text) == 0 && text->len;
}

static const char *keep(struct names *n, const char *name)
{
	return name && plan_engine_name_is_plain(name)
		       ? arena_strndup(&n->arena, name, strlen(name))
		       : NULL;
}

/* --- podman: containers/storage ------------------------------------------------------------ */

static bool want_id_and_names(const struct json *doc, uint32_t parent, unsigned depth,
			      const char *key, size_t len)
{
	(void)doc;
	(void)parent;
	(void)depth;
	return (len == 2 && !memcmp(key, "id", 2)) || (len == 5 && !memcmp(key, "names", 5));
}

static void add_known(struct names *n, struct storage *s, const char *id, const char *name)
{
	struct known *bigger = s->list;
	size_t cap = s->cap ? 2 * s->cap : 16;

	if (s->count == s->cap) {
		bigger = reallocarray(s->list, cap, sizeof(*bigger));
		if (!bigger)
			return;
		s->list = bigger;
		s->cap = cap;
	}
	s->list[s->count] = (struct known){ keep(n, id), keep(n, name) };
	if (s->list[s->count].id && s->list[s->count].name)
		s->count++;
}

/* [{"id": "...", "names": ["www"], ...}, ...]; podman's name of a container is the first. */
static void read_storage(struct names *n, struct storage *s, const char *file)
{
	cleanup_free char *path = concat(s->dir, file, NULL);
	cleanup_buf struct buf text = { 0 };
	cleanup_json struct json doc = { 0 };
	struct error ignored;

	if (!path || !read_trusted(path, STORAGE_MAX, &text))
		return;
	s->there = true;
	if (json_parse(&doc, file, text.data, text.len, want_id_and_names, NULL, &ignored) < 0 ||
	    doc.nodes[0].type != JSON_ARRAY)
		return;
	for (uint32_t c = json_first(&doc, 0); c != JSON_NONE; c = json_next(&doc, c)) {
		const char *id, *name;
		uint32_t names;

		if (doc.nodes[c].type == JSON_OBJECT &&
		    json_member_string(&doc, c, "id", &id, NULL, &ignored) == 0 && id &&
		    json_member_of(&doc, c, "names", JSON_ARRAY, &names, &ignored) == 0 &&
		    json_first(&doc, names) != JSON_NONE &&
		    json_string(&doc, json_first(&doc, names), &name, &ignored) == 0)
			add_known(n, s, id, name);
	}
}

static int compare_ids(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static struct storage *find_storage(struct names *n, const char *dir, size_t len)
{
	struct storage *s = n->storages;

	while (s && (strncmp(s->dir, dir, len) != 0 || s->dir[len]))
		s = s->next;
	if (s)
		return s;
	s = arena_alloc(&n->arena, sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct storage){ .dir = arena_strndup(&n->arena, dir, len), .next = n->storages };
	if (!s->dir)
		return NULL;
	n->storages = s;
	read_storage(n, s, "/containers.json");
	/* Those of `podman run --rm`, since podman 4.4 or so. */
	read_storage(n, s, "/volatile-containers.json");
	if (s->count)
		qsort(s->list, s->count, sizeof(*s->list), compare_ids);
	return s;
}

static const char *name_in(const struct storage *s, const char *id)
{
	const struct known key = { .id = id };
	const struct known *found =
		s->count ? bsearch(&key, s->list, s->count, sizeof(key), compare_ids) : NULL;

	return found ? found->name : NULL;
}

/* --- CRI-O, containerd: the annotations in config.json --------------------------------------- */

/* What an engine for Kubernetes writes last, so that no annotation of a pod's author replaces it. */
struct cri_annotations {
	const char *namespace, *pod, *container;
};

static const struct cri_annotations crio = {
	"io.kubernetes.pod.namespace",
	"io.kubernetes.pod.name",
	"io.kubernetes.container.name",
};

static const struct cri_annotations containerd = {
	"io.kubernetes.cri.sandbox-namespace",
	"io.kubernetes.cri.sandbox-name",
	"io.kubernetes.cri.container-name",
};

#define ANNOTATION_NERDCTL "nerdctl/name"

static const char *annotation(struct config *c, const char *key)
{
	const char *value = NULL;
	struct error ignored;

	return config_annotation(c, key, &value, NULL, &ignored) == 0 ? value : NULL;
}

/* NAMESPACE/POD/CONTAINER; the sandbox itself has no container under containerd. */
static const char *cri_name(struct names *n, struct config *c, const struct cri_annotations *keys)
{
	const char *namespace = annotation(c, keys->namespace), *pod = annotation(c, keys->pod);
	const char *container = annotation(c, keys->container);

	if (!namespace || !pod)
		return NULL;
	return keep(n, arena_concat(&n->arena, namespace, "/", pod, container ? "/" : NULL,
				    container, NULL));
}

/* The caller frees text after c. False if it is not root's, or cannot be read. */
static bool read_config(const char *bundle, struct buf *text, struct config *c)
{
	struct error ignored;
	struct stat st;
	cleanup_close int fd = bundle_open(bundle, &ignored);

	return fd >= 0 && bundle_read_config(fd, bundle, text, &st, &ignored) == 0 &&
	       trust_check(&st, bundle, &ignored) == 0 &&
	       config_parse(c, bundle, text->data, text->len, &ignored) == 0;
}

/* --- Docker ----------------------------------------------------------------------------------- */

static const char *read_docker_name(struct names *n, const char *path, const char *id)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_json struct json doc = { 0 };
	const char *its = NULL, *name = NULL;
	struct error ignored;

	if (!read_trusted(path, DOCKER_CONFIG_MAX, &text) ||
	    json_parse(&doc, path, text.data, text.len, NULL, NULL, &ignored) < 0 ||
	    doc.nodes[0].type != JSON_OBJECT ||
	    json_member_string(&doc, 0, "ID", &its, NULL, &ignored) < 0 || !its ||
	    strcmp(its, id) != 0 ||
	    json_member_string(&doc, 0, "Name", &name, NULL, &ignored) < 0 || !name)
		return NULL;
	return keep(n, *name == '/' ? name + 1 : name);
}

/*
 * "<data-root>/containers/<id>/config.v2.json", from a source like "<data-root>/containers/<other id>/hosts": with
 * --network container:NAME the files in /etc are those of another container. NULL if the source is no such file.
 */
static const char *docker_config_path(struct names *n, const char *source, const char *file,
				      const char *id)
{
	size_t cut = strlen("/") + PLAN_ID_DIGITS + strlen("/") + strlen(file);
	const char *dir;

	if (plan_engine_file(source, file) != ENGINE_FILE_OTHER)
		return NULL;
	dir = arena_strndup(&n->arena, source, strlen(source) - cut);
	return dir ? arena_concat(&n->arena, dir, "/", id, "/config.v2.json", NULL) : NULL;
}

static const char *docker_name(struct names *n, struct config *c, const char *id)
{
	const char *name = NULL;

	for (int i = 0; !name && i < CONFIG_ETC_FILES; i++) {
		const char *path = docker_config_path(n, c->etc[i].source,
						      strrchr(config_etc_file[i], '/') + 1, id);

		if (path)
			name = read_docker_name(n, path, id);
	}
	return name;
}

/* --- any ---------------------------------------------------------------------------------------- */

static bool is_namespace(const struct bundle_place *place, const char *name)
{
	return place->len == strlen(name) && !memcmp(place->part, name, place->len);
}

static void find_in_storage(struct names *n, const struct bundle_place *place,
			    const struct entrant *x, struct container_name *name)
{
	const struct storage *s = find_storage(n, place->part, place->len);
	cleanup_buf struct buf text = { 0 };
	cleanup_config struct config c = { 0 };
	const char *manager;

	/*
	 * podman before 4.5.1 copies an image's annotations, so they count only where podman has no file beside the
	 * bundle.
	 */
	if (s && s->there) {
		name->engine = "podman";
		name->name = name_in(s, x->id);
		return;
	}
	if (!s || !read_config(x->bundle, &text, &c))
		return;
	manager = annotation(&c, ANNOTATION_MANAGER);
	if (!manager || strcmp(manager, "cri-o") != 0)
		return;
	name->engine = "cri-o";
	name->name = cri_name(n, &c, &crio);
}

/* containerd's own id is chosen by the user of ctr, and is then the name: "NAMESPACE/ID" outside the default one. */
static const char *ctr_name(struct names *n, const struct bundle_place *place, const char *id)
{
	const char *namespace = arena_strndup(&n->arena, place->part, place->len);

	if (plan_is_engine_id(id) || !namespace)
		return NULL;
	if (is_namespace(place, "default"))
		return keep(n, id);
	return keep(n, arena_concat(&n->arena, namespace, "/", id, NULL));
}

static void find_in_containerd(struct names *n, const struct bundle_place *place,
			       const struct entrant *x, struct container_name *name)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_config struct config c = { 0 };
	bool is_docker = is_namespace(place, "moby") && plan_is_engine_id(x->id);
	bool read = read_config(x->bundle, &text, &c);
	const char *nerdctl = read ? annotation(&c, ANNOTATION_NERDCTL) : NULL;

	name->engine = is_docker ? "docker" : nerdctl ? "nerdctl" : "containerd";
	if (!read)
		name->name = is_docker ? NULL : ctr_name(n, place, x->id);
	else if (is_docker)
		name->name = docker_name(n, &c, x->id);
	else if (nerdctl)
		name->name = keep(n, nerdctl);
	else if (is_namespace(place, "k8s.io"))
		name->name = cri_name(n, &c, &containerd);
	else
		name->name = ctr_name(n, place, x->id);
}

struct container_name names_find(struct names *n, const struct entrant *x)
{
	struct container_name name = { NULL, NULL, NULL };
	struct bundle_place place = plan_engine_bundle(x->bundle, x->id);

	if (place.kind == BUNDLE_STORAGE)
		find_in_storage(n, &place, x, &name);
	else if (place.kind == BUNDLE_CONTAINERD)
		find_in_containerd(n, &place, x, &name);
	else if (!plan_is_engine_id(x->id))
		name.name = keep(n, x->id);
	name.shown = name.name;
	if (!name.shown && plan_is_engine_id(x->id))
		name.shown = arena_strndup(&n->arena, x->id, PLAN_SHORT_ID);
	if (!name.shown)
		name.shown = x->id;
	return name;
}

static bool is_same_engine(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

int names_add_members(struct names *n, const struct record *rec,
		      bool (*is_one)(const struct entrant *x), struct buf *out)
{
	const char *engine = NULL, *between = "";

	for (size_t i = 0; i < rec->entrant_count; i++) {
		const struct entrant *x = &rec->entrants[i];
		struct container_name name;

		if (x->kind != ENTRANT_MEMBER || (is_one && !is_one(x)))
			continue;
		name = names_find(n, x);
		/* An engine is named after the last of its containers. */
		if (engine && !is_same_engine(engine, name.engine) &&
		    buf_concat(out, " (", engine, ")", NULL) < 0)
			return -1;
		if (buf_concat(out, between, name.shown, NULL) < 0)
			return -1;
		engine = name.engine;
		between = ", ";
	}
	return engine ? buf_concat(out, " (", engine, ")", NULL) : 0;
}
