/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conflist.h"

#include <string.h>

#include "base/cleanup.h"
#include "net/plugin.h"
#include "pod/network.h"

/* Results alone have version 0.3.0. */
#define CONFIGURABLE (CNI_BIT(CNI_VERSIONS) - 1 - CNI_BIT(CNI_0_3_0))
#define CONFIGURABLE_TEXT "0.3.1, 0.4.0, 1.0.0 and 1.1.0"

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
	if (parse_bool(c, node, "bandwidth", &p->bandwidth, e) < 0)
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

static int check_plugin(const char *const *dirs, const char *type, struct error *e)
{
	cleanup_free char *path = NULL;

	return plugin_find(dirs, type, &path, e);
}

int conflist_find_plugins(const struct conflist *c, const char *const *dirs, struct error *e)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct plugin_conf *p = &c->plugins[i];

		if (check_plugin(dirs, p->type, e) < 0 ||
		    (p->ipam && check_plugin(dirs, p->ipam, e) < 0))
			return -1;
	}
	return 0;
}

bool conflist_maps_ports(const struct conflist *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->plugins[i].port_mappings)
			return true;
	return false;
}

bool conflist_limits_rates(const struct conflist *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->plugins[i].bandwidth)
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
