/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conflist.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/trust.h"
#include "json/splice.h"
#include "net/plugin.h"
#include "pod/network.h"

/* Results alone have version 0.3.0. */
#define CONFIGURABLE (CNI_BIT(CNI_VERSIONS) - 1 - CNI_BIT(CNI_0_3_0))
#define CONFIGURABLE_TEXT "0.3.1, 0.4.0, 1.0.0 and 1.1.0"

/* --- reading one ----------------------------------------------------------- */

static int parse_name(struct conflist *c, struct error *e)
{
	uint32_t node;

	if (json_member_string(&c->doc, 0, "name", &c->name, &node, e) < 0)
		return -1;
	if (!c->name)
		return json_error(&c->doc, 0, e, "has no name");
	if (network_check_name(c->name, e) < 0)
		return error_prefix(e, "%s: name", c->doc.what);
	if (!strcmp(c->name, NETWORK_PASTA))
		return json_error(&c->doc, node, e, "'%s' is the network that needs no file",
				  c->name);
	return 0;
}

static int add_version(struct conflist *c, uint32_t node, struct error *e)
{
	enum cni_version version;
	const char *name;

	if (json_string(&c->doc, node, &name, e) < 0)
		return -1;
	if (cni_version_parse(name, &version))
		c->versions |= CNI_BIT(version) & CONFIGURABLE;
	return 0;
}

static void select_highest(struct conflist *c, unsigned set)
{
	c->selected = cni_version_highest(set);
	c->version = cni_version_name[c->selected];
}

/* Version 1.1.0 has the list cniVersions beside cniVersion; both count. */
static int parse_version(struct conflist *c, struct error *e)
{
	uint32_t one, list, i;

	if (json_member_of(&c->doc, 0, "cniVersion", JSON_STRING, &one, e) < 0 ||
	    json_member_of(&c->doc, 0, "cniVersions", JSON_ARRAY, &list, e) < 0)
		return -1;
	if (one == JSON_NONE && list == JSON_NONE)
		return json_error(&c->doc, 0, e, "has no cniVersion");
	if (one != JSON_NONE && add_version(c, one, e) < 0)
		return -1;
	for (i = json_first(&c->doc, list); i != JSON_NONE; i = json_next(&c->doc, i))
		if (add_version(c, i, e) < 0)
			return -1;
	if (!c->versions) {
		json_error(&c->doc, one != JSON_NONE ? one : list, e, "no such version is known");
		return error_hint(e, "known are " CONFIGURABLE_TEXT);
	}
	select_highest(c, c->versions);
	return 0;
}

static int parse_bool(const struct conflist *c, uint32_t obj, const char *name, bool *value,
		      struct error *e)
{
	uint32_t node;

	if (json_member_of(&c->doc, obj, name, JSON_BOOL, &node, e) < 0)
		return -1;
	*value = node != JSON_NONE && c->doc.text[c->doc.nodes[node].start] == 't';
	return 0;
}

static int parse_capabilities(const struct conflist *c, struct plugin_conf *p, struct error *e)
{
	uint32_t node;

	if (json_member_of(&c->doc, p->node, "capabilities", JSON_OBJECT, &node, e) < 0)
		return -1;
	if (node == JSON_NONE)
		return 0;
	if (parse_bool(c, node, "portMappings", &p->port_mappings, e) < 0)
		return -1;
	return parse_bool(c, node, "dns", &p->dns, e);
}

/* Set *type to the type in an object; NULL if there is none, or if it is optional and empty. */
static int parse_type(struct conflist *c, uint32_t obj, bool optional, const char **type,
		      struct error *e)
{
	uint32_t node;

	if (json_member_string(&c->doc, obj, "type", type, &node, e) < 0)
		return -1;
	if (*type && !**type && optional)
		*type = NULL;
	if (!*type)
		return optional ? 0 : json_error(&c->doc, obj, e, "has no type");
	return plugin_check_type(*type, e) < 0 ? error_prefix(e, "%s", c->doc.what) : 0;
}

static int parse_ipam(struct conflist *c, struct plugin_conf *p, struct error *e)
{
	uint32_t node;

	if (json_member(&c->doc, p->node, "ipam", &node, e) < 0)
		return -1;
	if (node == JSON_NONE || c->doc.nodes[node].type != JSON_OBJECT)
		return 0;
	return parse_type(c, node, true, &p->ipam, e);
}

/* Only the runtime sets these: "Reserved keys, used by the protocol" in the specification. */
static int refuse_reserved(const struct conflist *c, uint32_t plugin, struct error *e)
{
	static const char *const names[] = { "runtimeConfig", "prevResult" };
	static const char prefix[] = "cni.dev/";
	uint32_t node;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (json_member(&c->doc, plugin, names[i], &node, e) < 0)
			return -1;
		if (node != JSON_NONE)
			return json_error(&c->doc, node, e, "may only be set by the runtime");
	}
	for (node = json_first(&c->doc, plugin); node != JSON_NONE;
	     node = json_next(&c->doc, node)) {
		const struct json_node *n = &c->doc.nodes[node];

		if (n->key_len >= sizeof(prefix) - 1 && !memcmp(n->key, prefix, sizeof(prefix) - 1))
			return json_error(&c->doc, node, e, "may only be set by the runtime");
	}
	return 0;
}

static int parse_plugin(struct conflist *c, struct plugin_conf *p, struct error *e)
{
	static const char *const replaced[] = { "name", "cniVersion" };
	uint32_t node;

	if (parse_type(c, p->node, false, &p->type, e) < 0 || parse_capabilities(c, p, e) < 0 ||
	    parse_ipam(c, p, e) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(replaced) / sizeof(*replaced); i++)
		if (json_member(&c->doc, p->node, replaced[i], &node, e) < 0)
			return -1;
	return refuse_reserved(c, p->node, e);
}

static int no_plugins(const struct conflist *c, struct error *e)
{
	struct error ignored;
	uint32_t type;

	json_error(&c->doc, 0, e, "has no plugins");
	if (json_member(&c->doc, 0, "type", &type, &ignored) == 0 && type != JSON_NONE)
		error_hint(e,
			   "it is the configuration of one plugin: put that into a list, plugins");
	return -1;
}

static int parse_plugins(struct conflist *c, struct error *e)
{
	uint32_t list, i;

	if (json_member_of(&c->doc, 0, "plugins", JSON_ARRAY, &list, e) < 0)
		return -1;
	c->count = json_count_children(&c->doc, list);
	if (!c->count)
		return no_plugins(c, e);
	if (c->count > CONFLIST_PLUGINS_MAX)
		return json_error(&c->doc, list, e, "has more than %d elements",
				  CONFLIST_PLUGINS_MAX);
	c->plugins = arena_alloc(&c->arena, c->count * sizeof(*c->plugins));
	if (!c->plugins)
		return error_nomem(e);
	c->count = 0;
	for (i = json_first(&c->doc, list); i != JSON_NONE; i = json_next(&c->doc, i)) {
		c->plugins[c->count] = (struct plugin_conf){ .node = i };
		if (parse_plugin(c, &c->plugins[c->count++], e) < 0)
			return -1;
	}
	return 0;
}

static int parse_members(struct conflist *c, struct error *e)
{
	if (c->doc.nodes[0].type != JSON_OBJECT)
		return json_error(&c->doc, 0, e, "is not an object");
	if (parse_version(c, e) < 0 || parse_name(c, e) < 0 ||
	    parse_bool(c, 0, "disableCheck", &c->disable_check, e) < 0 ||
	    parse_bool(c, 0, "disableGC", &c->disable_gc, e) < 0)
		return -1;
	return parse_plugins(c, e);
}

int conflist_parse(struct conflist *c, const char *what, const char *text, size_t len,
		   struct error *e)
{
	const char *own;

	*c = (struct conflist){ 0 };
	if (len > CONFLIST_SIZE_MAX)
		return error_set(e, 0, "%s: larger than %zu bytes", what, CONFLIST_SIZE_MAX);
	own = arena_strndup(&c->arena, what, strlen(what));
	if (!own || buf_add(&c->text, text, len) < 0)
		error_nomem(e);
	else if (json_parse(&c->doc, own, c->text.data, c->text.len, NULL, NULL, e) == 0 &&
		 parse_members(c, e) == 0)
		return 0;
	conflist_free(c);
	return -1;
}

void conflist_free(struct conflist *c)
{
	json_free(&c->doc);
	arena_free(&c->arena);
	buf_free(&c->text);
	*c = (struct conflist){ 0 };
}

/* --- the directory --------------------------------------------------------- */

/* Names of files, or networks and the files that define them. */
struct names {
	const char **list;
	size_t count, cap;
};

static int add_name(struct names *n, const char *name, struct arena *a)
{
	size_t cap = n->cap ? 2 * n->cap : 16;
	const char **bigger;

	name = arena_strndup(a, name, strlen(name));
	if (name && n->count == n->cap) {
		bigger = arena_alloc(a, cap * sizeof(*bigger));
		if (!bigger)
			return -1;
		if (n->count)
			memcpy(bigger, n->list, n->count * sizeof(*bigger));
		n->list = bigger;
		n->cap = cap;
	}
	if (!name)
		return -1;
	n->list[n->count++] = name;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the files *.conflist, sorted. */
static int list_files(int dir, const char *path, struct arena *a, struct names *files,
		      struct error *e)
{
	DIR *stream = open_dir_stream(dir, ".");
	struct dirent *entry;
	int r = 0;

	if (!stream)
		return error_set(e, errno, "read directory %s", path);
	while (r == 0 && (entry = read_entry(stream)))
		if (*entry->d_name != '.' && has_suffix(entry->d_name, CONFLIST_SUFFIX) &&
		    add_name(files, entry->d_name, a) < 0)
			r = error_nomem(e);
	if (r == 0 && errno)
		r = error_set(e, errno, "read directory %s", path);
	closedir(stream);
	if (files->count)
		qsort(files->list, files->count, sizeof(*files->list), compare_names);
	return r;
}

static int read_conflist(struct conflist *c, int dir, const char *name, const char *path,
			 struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_close int fd = -1;
	struct stat st;

	fd = trust_open(dir, name, O_NONBLOCK, path, &st, e);
	if (fd < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return error_set(e, 0, "%s is not a regular file", path);
	if (read_all(fd, CONFLIST_SIZE_MAX, &text) < 0) {
		if (errno == EFBIG)
			return error_set(e, 0, "%s: larger than %zu bytes", path,
					 CONFLIST_SIZE_MAX);
		return error_set(e, errno, "read %s", path);
	}
	return conflist_parse(c, path, text.data, text.len, e);
}

/* A walk over the directory. */
struct walk {
	conflist_fn fn;
	void *arg;
	struct arena arena;
	struct names networks, paths; /* of the files so far */
};

/* Has an earlier file defined this network? Returns 1 and sets *why, 0, or -1 without memory. */
static int note_network(struct walk *w, const char *name, const char *path, struct error *why)
{
	for (size_t i = 0; i < w->networks.count; i++) {
		if (strcmp(w->networks.list[i], name) != 0)
			continue;
		error_set(why, 0, "network %s is in two files: %s and %s", name, w->paths.list[i],
			  path);
		error_hint(why, "remove one of them, or give it another name");
		return 1;
	}
	if (add_name(&w->networks, name, &w->arena) < 0 || add_name(&w->paths, path, &w->arena) < 0)
		return -1;
	return 0;
}

static int visit(struct walk *w, int dir, const char *name, const char *path, struct error *e)
{
	cleanup_conflist struct conflist c = { 0 };
	struct error why;
	int twice;

	if (read_conflist(&c, dir, name, path, &why) < 0)
		return w->fn(w->arg, path, NULL, &why, e);
	twice = note_network(w, c.name, path, &why);
	if (twice < 0)
		return error_nomem(e);
	return w->fn(w->arg, path, &c, twice ? &why : NULL, e);
}

int conflist_each(const char *dir, conflist_fn fn, void *arg, struct error *e)
{
	struct walk w = { .fn = fn, .arg = arg };
	struct names files = { 0 };
	cleanup_close int fd = trust_open(AT_FDCWD, dir, O_DIRECTORY, dir, NULL, e);
	int r = 0;

	if (fd < 0)
		return e->num == ENOENT ? 0 : -1;
	r = list_files(fd, dir, &w.arena, &files, e);
	for (size_t i = 0; r == 0 && i < files.count; i++) {
		cleanup_free char *path = concat(dir, "/", files.list[i], NULL);

		r = path ? visit(&w, fd, files.list[i], path, e) : error_nomem(e);
	}
	arena_free(&w.arena);
	return r;
}

/* The search for a network of this name. */
struct search {
	const char *name;
	struct conflist *found; /* empty: not found yet */
	struct buf others;      /* the names of other networks, separated by commas */
	struct error refused;   /* why the first file was refused; an empty text: none was */
};

static int look_at_file(void *arg, const char *path, struct conflist *c, const struct error *why,
			struct error *e)
{
	struct search *s = arg;

	(void)path;
	if (!c) {
		if (!*s->refused.text)
			s->refused = *why;
		return 0;
	}
	if (strcmp(c->name, s->name) != 0) {
		if (why || buf_concat(&s->others, s->others.len ? ", " : "", c->name, NULL) == 0)
			return 0;
		return error_nomem(e);
	}
	if (why) {
		*e = *why;
		return -1;
	}
	*s->found = *c;
	*c = (struct conflist){ 0 };
	return 0;
}

static int no_network(const struct search *s, const char *dir, struct error *e)
{
	error_set(e, 0,
		  "there is no network %.100s in %s/*" CONFLIST_SUFFIX " (networks there: %s)",
		  s->name, dir, s->others.len ? s->others.data : "none");
	e->num = ENOENT;
	return *s->refused.text ? error_hint(e, "refused: %s", s->refused.text) : -1;
}

int conflist_load(struct conflist *c, const char *dir, const char *name, struct error *e)
{
	struct search s = { .name = name, .found = c };
	int r;

	*c = (struct conflist){ 0 };
	r = conflist_each(dir, look_at_file, &s, e);
	if (r == 0 && !c->name)
		r = no_network(&s, dir, e);
	if (r < 0)
		conflist_free(c);
	buf_free(&s.others);
	return r;
}

/* --- what a plugin gets ---------------------------------------------------- */

bool conflist_maps_ports(const struct conflist *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->plugins[i].port_mappings)
			return true;
	return false;
}

int conflist_select(struct conflist *c, unsigned supported, struct error *e)
{
	if (!(c->versions & supported)) {
		error_set(
			e, 0,
			"network %s: its plugins support none of the versions that its file names",
			c->name);
		return error_hint(e, "set cniVersion to a version that all of them know");
	}
	select_highest(c, c->versions & supported);
	return 0;
}

static int add_mapping(struct buf *b, const struct port_range *range, unsigned i)
{
	char ip[INET6_ADDRSTRLEN];

	if (buf_addf(b, "{\"hostPort\":%u,\"containerPort\":%u,\"protocol\":\"%s\"",
		     range->host + i, range->pod + i, port_proto_name[range->proto]) < 0)
		return -1;
	if (range->ip_len) {
		if (!inet_ntop(range->ip_len == 4 ? AF_INET : AF_INET6, range->ip, ip,
			       sizeof(ip)) ||
		    buf_concat(b, ",\"hostIP\":\"", ip, "\"", NULL) < 0)
			return -1;
	}
	return buf_adds(b, "}");
}

static int add_mappings(struct buf *b, const struct conf_extras *x)
{
	bool first = true;

	if (buf_adds(b, "\"portMappings\":[") < 0)
		return -1;
	for (size_t k = 0; k < x->port_count; k++)
		for (unsigned i = 0; i < x->ports[k].count; i++) {
			if ((!first && buf_adds(b, ",") < 0) || add_mapping(b, &x->ports[k], i) < 0)
				return -1;
			first = false;
		}
	return buf_adds(b, "]");
}

/* The name of the list is `servers` here, unlike in the dns of a result: CNI's CONVENTIONS.md. */
static int add_servers(struct buf *b, const struct conf_extras *x)
{
	if (buf_adds(b, "\"dns\":{\"servers\":[") < 0)
		return -1;
	for (size_t i = 0; i < x->dns_count; i++)
		if ((i && buf_adds(b, ",") < 0) || json_quote(b, x->dns[i]) < 0)
			return -1;
	return buf_adds(b, "]}");
}

static int add_runtime_config(struct buf *b, const struct plugin_conf *p,
			      const struct conf_extras *x)
{
	bool ports = p->port_mappings && x->port_count, dns = p->dns && x->dns_count;

	if (!ports && !dns)
		return 0;
	if (buf_adds(b, "\"runtimeConfig\":{") < 0 || (ports && add_mappings(b, x) < 0) ||
	    (ports && dns && buf_adds(b, ",") < 0) || (dns && add_servers(b, x) < 0))
		return -1;
	return buf_adds(b, "},");
}

static int add_attachments(struct buf *b, const struct conf_extras *x)
{
	if (buf_adds(b, "\"cni.dev/valid-attachments\":[") < 0)
		return -1;
	for (size_t i = 0; i < x->attachment_count; i++)
		if (buf_adds(b, i ? ",{\"containerID\":" : "{\"containerID\":") < 0 ||
		    json_quote(b, x->attachments[i].id) < 0 || buf_adds(b, ",\"ifname\":") < 0 ||
		    json_quote(b, x->attachments[i].ifname) < 0 || buf_adds(b, "}") < 0)
			return -1;
	return buf_adds(b, "],");
}

/* All members that go before those of the plugin's object, each with its comma. */
static int add_extras(struct buf *b, const struct plugin_conf *p, const struct conf_extras *x)
{
	if (x->prev_result && (buf_adds(b, "\"prevResult\":") < 0 ||
			       buf_add(b, x->prev_result, x->prev_len) < 0 || buf_adds(b, ",") < 0))
		return -1;
	if (add_runtime_config(b, p, x) < 0)
		return -1;
	return x->gc ? add_attachments(b, x) : 0;
}

/* Replace the value of a member, or add the member to b. */
static int set_member(struct splices *s, struct json *doc, struct buf *b, const char *name,
		      const char *value)
{
	cleanup_buf struct buf quoted = { 0 };
	struct error ignored;
	uint32_t node;

	if (json_member(doc, 0, name, &node, &ignored) < 0 || json_quote(&quoted, value) < 0)
		return -1;
	if (node != JSON_NONE)
		return splice_replace_with(s, doc, node, &quoted);
	return buf_concat(b, "\"", name, "\":", quoted.data, ",", NULL);
}

static int edit_plugin(struct json *doc, const struct conflist *c, const struct plugin_conf *p,
		       const struct conf_extras *x, struct buf *out)
{
	cleanup_buf struct buf added = { 0 };
	struct splices s = { 0 };
	struct error ignored;
	uint32_t capabilities;

	if (set_member(&s, doc, &added, "cniVersion", c->version) < 0 ||
	    set_member(&s, doc, &added, "name", c->name) < 0 || add_extras(&added, p, x) < 0 ||
	    json_member(doc, 0, "capabilities", &capabilities, &ignored) < 0)
		return -1;
	/* The object is not empty, since it has a type: what is inserted ends with a comma. */
	if (added.len && splice_insert(&s, doc, 1, &added) < 0)
		return -1;
	if (capabilities != JSON_NONE && splice_remove(&s, doc, capabilities) < 0)
		return -1;
	return splice_write(&s, doc, out);
}

int conflist_plugin_text(const struct conflist *c, size_t i, const struct conf_extras *x,
			 struct buf *out, struct error *e)
{
	const struct plugin_conf *p = &c->plugins[i];
	const struct json_node *n = &c->doc.nodes[p->node];
	struct json doc;
	int r;

	if (json_parse(&doc, c->doc.what, c->doc.text + n->start, n->end - n->start, NULL, NULL,
		       e) < 0)
		return -1;
	r = edit_plugin(&doc, c, p, x, out);
	json_free(&doc);
	return r < 0 ? error_nomem(e) : 0;
}
