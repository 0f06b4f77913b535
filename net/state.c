/* SPDX-License-Identifier: Apache-2.0 */
#include "net/state.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/utf8.h"
#include "json/json.h"

#define PREFIX "network@"
#define FORMAT_VERSION 1
#define HEX "0123456789abcdef"

const char *const net_phase_name[NET_PHASES] = {
	[NET_ADDING] = "adding",
	[NET_UP] = "up",
	[NET_LEAVING] = "leaving",
	[NET_DOWN] = "down",
};

static const char *const members[] = {
	"version",  "pod",     "network",    "state", "id",        "ifname",
	"boot",     "netns",   "cniVersion", "ports", "nextPorts", "dns",
	"conflist", "results", "error",      "pasta", "bandwidth",
};

void net_state_free(struct net_state *st)
{
	arena_free(&st->arena);
	*st = (struct net_state){ 0 };
}

const char *net_state_string(struct net_state *st, const char *s, struct error *e)
{
	const char *copy = arena_strndup(&st->arena, s, strlen(s));

	if (!copy)
		error_nomem(e);
	return copy;
}

/* --- parsing -------------------------------------------------------------------------------------- */

/* The members of these are read; of conflist and results only the bytes are. */
static bool is_wanted(const struct json *doc, uint32_t parent, unsigned depth, const char *key,
		      size_t key_len)
{
	(void)key;
	(void)key_len;
	return depth == 1 || (depth == 2 && (json_key_is(doc, parent, "netns") ||
					     json_key_is(doc, parent, "pasta") ||
					     json_key_is(doc, parent, "bandwidth")));
}

static int check_members(const struct json *doc, struct error *e)
{
	size_t i;

	for (uint32_t n = json_first(doc, 0); n != JSON_NONE; n = json_next(doc, n)) {
		for (i = 0; i < sizeof(members) / sizeof(*members); i++)
			if (json_key_is(doc, n, members[i]))
				break;
		if (i == sizeof(members) / sizeof(*members))
			return json_error(doc, n, e, "is not known");
	}
	return 0;
}

/* A member that must be there. */
static int require(const struct json *doc, uint32_t obj, const char *name, enum json_type type,
		   uint32_t *node, struct error *e)
{
	if (json_member_of(doc, obj, name, type, node, e) < 0)
		return -1;
	return *node == JSON_NONE ? json_error(doc, obj, e, "has no %s", name) : 0;
}

/* A string, or NULL if it is absent and need not be there; in the record's arena. */
static int read_string(struct net_state *st, struct json *doc, uint32_t obj, const char *name,
		       bool needed, const char **s, struct error *e)
{
	const char *text;

	if (json_member_string(doc, obj, name, &text, NULL, e) < 0)
		return -1;
	*s = NULL;
	if (!text && !needed)
		return 0;
	if (!text) {
		json_error(doc, obj, e, "has no %s", name);
		return -1;
	}
	*s = net_state_string(st, text, e);
	return *s ? 0 : -1;
}

static int read_number(const struct json *doc, uint32_t obj, const char *name, uint64_t max,
		       uint64_t *value, struct error *e)
{
	uint32_t node;

	if (require(doc, obj, name, JSON_NUMBER, &node, e) < 0)
		return -1;
	return json_u64(doc, node, max, value, e);
}

static int read_phase(struct net_state *st, const struct json *doc, struct error *e)
{
	uint32_t node;

	if (require(doc, 0, "state", JSON_STRING, &node, e) < 0)
		return -1;
	for (st->phase = 0; st->phase < NET_PHASES; st->phase++)
		if (json_str_is(doc, node, net_phase_name[st->phase]))
			return 0;
	return json_error(doc, node, e, "is no state of a network");
}

static int read_identity(struct net_state *st, struct json *doc, const char *pod, struct error *e)
{
	uint64_t version;

	if (read_number(doc, 0, "version", UINT32_MAX, &version, e) < 0)
		return -1;
	if (version != FORMAT_VERSION)
		return json_error(doc, 0, e, "has version %llu, not %d",
				  (unsigned long long)version, FORMAT_VERSION);
	if (read_string(st, doc, 0, "pod", true, &st->pod, e) < 0 ||
	    read_string(st, doc, 0, "network", true, &st->network, e) < 0 ||
	    read_string(st, doc, 0, "id", true, &st->id, e) < 0 ||
	    read_string(st, doc, 0, "ifname", true, &st->ifname, e) < 0 ||
	    read_string(st, doc, 0, "boot", true, &st->boot, e) < 0 ||
	    read_string(st, doc, 0, "cniVersion", false, &st->version, e) < 0 ||
	    read_string(st, doc, 0, "error", false, &st->error, e) < 0)
		return -1;
	if (strcmp(st->pod, pod) != 0)
		return json_error(doc, 0, e, "is of the pod %s, not %s", st->pod, pod);
	if (strlen(st->id) != NET_ID_DIGITS || strspn(st->id, HEX) != NET_ID_DIGITS)
		return json_error(doc, 0, e, "has an id that is not %d hexadecimal digits",
				  NET_ID_DIGITS);
	return network_check_name(st->network, e);
}

static int read_netns(struct net_state *st, struct json *doc, struct error *e)
{
	uint64_t dev, ino;
	uint32_t node;

	if (require(doc, 0, "netns", JSON_OBJECT, &node, e) < 0 ||
	    read_string(st, doc, node, "path", true, &st->netns, e) < 0 ||
	    read_number(doc, node, "dev", UINT64_MAX, &dev, e) < 0 ||
	    read_number(doc, node, "ino", UINT64_MAX, &ino, e) < 0 ||
	    read_number(doc, node, "born", UINT64_MAX, &st->ns.born, e) < 0)
		return -1;
	st->ns.dev = (dev_t)dev;
	st->ns.ino = (ino_t)ino;
	return 0;
}

static int read_port(struct net_ports *ports, struct json *doc, uint32_t node, struct error *e)
{
	const char *text;

	if (json_string(doc, node, &text, e) < 0)
		return -1;
	if (ports->count == PORT_RANGES_MAX)
		return json_error(doc, node, e, "is more than %d ports", PORT_RANGES_MAX);
	return port_parse(text, &ports->list[ports->count++], e);
}

static int read_ports(struct net_ports *ports, struct json *doc, const char *name, bool *found,
		      struct error *e)
{
	uint32_t list;

	if (json_member_of(doc, 0, name, JSON_ARRAY, &list, e) < 0)
		return -1;
	*found = list != JSON_NONE;
	for (uint32_t n = json_first(doc, list); n != JSON_NONE; n = json_next(doc, n))
		if (read_port(ports, doc, n, e) < 0)
			return -1;
	return 0;
}

static int read_dns(struct net_state *st, struct json *doc, struct error *e)
{
	const char *text;
	uint32_t list;

	if (require(doc, 0, "dns", JSON_ARRAY, &list, e) < 0)
		return -1;
	for (uint32_t n = json_first(doc, list); n != JSON_NONE; n = json_next(doc, n)) {
		if (json_string(doc, n, &text, e) < 0)
			return -1;
		if (st->dns_count == NETWORK_DNS_MAX)
			return json_error(doc, n, e, "is more than %d name servers",
					  NETWORK_DNS_MAX);
		text = net_state_string(st, text, e);
		if (!text)
			return -1;
		st->dns[st->dns_count++] = text;
	}
	return 0;
}

static int read_bandwidth(struct net_state *st, const struct json *doc, struct error *e)
{
	uint32_t node;

	if (json_member_of(doc, 0, "bandwidth", JSON_OBJECT, &node, e) < 0)
		return -1;
	if (node == JSON_NONE)
		return 0;
	if (read_number(doc, node, "ingressRate", UINT64_MAX, &st->bandwidth.ingress, e) < 0 ||
	    read_number(doc, node, "egressRate", UINT64_MAX, &st->bandwidth.egress, e) < 0)
		return -1;
	return bandwidth_is_valid(&st->bandwidth)
		       ? 0
		       : json_error(doc, node, e, "has a rate that is out of bounds");
}

static int read_conflist(struct net_state *st, const struct json *doc, struct error *e)
{
	const struct json_node *span;
	uint32_t conflist;

	if (json_member_of(doc, 0, "conflist", JSON_OBJECT, &conflist, e) < 0)
		return -1;
	if ((conflist == JSON_NONE) != !st->version)
		return json_error(doc, 0, e, "has only one of cniVersion and conflist");
	if (conflist == JSON_NONE)
		return 0;
	span = &doc->nodes[conflist];
	return net_state_set_conflist(st, doc->text + span->start, span->end - span->start, e);
}

static int read_results(struct net_state *st, const struct json *doc, struct error *e)
{
	uint32_t list;

	if (require(doc, 0, "results", JSON_ARRAY, &list, e) < 0)
		return -1;
	for (uint32_t n = json_first(doc, list); n != JSON_NONE; n = json_next(doc, n)) {
		const struct json_node *span = &doc->nodes[n];

		if (span->type != JSON_OBJECT)
			return json_error(doc, n, e, "is not an object");
		if (net_state_add_result(st, doc->text + span->start, span->end - span->start, e) <
		    0)
			return -1;
	}
	return 0;
}

static int read_pasta(struct net_state *st, struct json *doc, struct error *e)
{
	uint32_t node;
	uint64_t pid;

	if (json_member_of(doc, 0, "pasta", JSON_OBJECT, &node, e) < 0)
		return -1;
	if (node == JSON_NONE)
		return 0;
	if (read_number(doc, node, "pid", INT_MAX, &pid, e) < 0 ||
	    read_number(doc, node, "start", UINT64_MAX, &st->pasta_start, e) < 0)
		return -1;
	st->pasta_pid = (pid_t)pid;
	return 0;
}

static int read_all_members(struct net_state *st, struct json *doc, const char *pod,
			    struct error *e)
{
	bool found;

	if (doc->nodes[0].type != JSON_OBJECT)
		return json_error(doc, 0, e, "is not an object");
	if (check_members(doc, e) < 0 || read_identity(st, doc, pod, e) < 0 ||
	    read_phase(st, doc, e) < 0 || read_netns(st, doc, e) < 0 ||
	    read_ports(&st->ports, doc, "ports", &found, e) < 0)
		return -1;
	if (!found)
		return json_error(doc, 0, e, "has no ports");
	if (read_ports(&st->next_ports, doc, "nextPorts", &st->changing, e) < 0)
		return -1;
	if (read_dns(st, doc, e) < 0 || read_bandwidth(st, doc, e) < 0 ||
	    read_conflist(st, doc, e) < 0 || read_results(st, doc, e) < 0)
		return -1;
	if (st->phase == NET_UP && !st->result_count)
		return json_error(doc, 0, e, "is up, but has no results");
	return read_pasta(st, doc, e);
}

int net_state_parse(struct net_state *st, const char *pod, const char *what, const char *text,
		    size_t len, struct error *e)
{
	cleanup_json struct json doc = { 0 };

	*st = (struct net_state){ 0 };
	if (json_parse(&doc, what, text, len, is_wanted, NULL, e) < 0)
		return -1;
	if (read_all_members(st, &doc, pod, e) == 0)
		return 0;
	net_state_free(st);
	return -1;
}

/* --- formatting ----------------------------------------------------------------------------------- */

/* Append `,"key":"value"`; nothing if there is no value. */
static int add_string(struct buf *b, const char *key, const char *value)
{
	if (!value)
		return 0;
	if (buf_concat(b, ",\n\"", key, "\":", NULL) < 0)
		return -1;
	return json_quote(b, value);
}

static int add_ports(struct buf *b, const char *key, const struct net_ports *ports)
{
	if (buf_concat(b, ",\n\"", key, "\":[", NULL) < 0)
		return -1;
	for (size_t i = 0; i < ports->count; i++)
		if (buf_concat(b, i ? ",\"" : "\"", port_format(&ports->list[i]).text, "\"", NULL) <
		    0)
			return -1;
	return buf_adds(b, "]");
}

static int add_dns(struct buf *b, const struct net_state *st)
{
	if (buf_adds(b, ",\n\"dns\":[") < 0)
		return -1;
	for (size_t i = 0; i < st->dns_count; i++)
		if ((i && buf_adds(b, ",") < 0) || json_quote(b, st->dns[i]) < 0)
			return -1;
	return buf_adds(b, "]");
}

static int add_bandwidth(struct buf *b, const struct net_state *st)
{
	if (!bandwidth_is_limited(&st->bandwidth))
		return 0;
	return buf_addf(b, ",\n\"bandwidth\":{\"ingressRate\":%llu,\"egressRate\":%llu}",
			(unsigned long long)st->bandwidth.ingress,
			(unsigned long long)st->bandwidth.egress);
}

static int add_plugins(struct buf *b, const struct net_state *st)
{
	if (st->conflist.text && (buf_adds(b, ",\n\"conflist\":") < 0 ||
				  buf_add(b, st->conflist.text, st->conflist.len) < 0))
		return -1;
	if (buf_adds(b, ",\n\"results\":[") < 0)
		return -1;
	for (size_t i = 0; i < st->result_count; i++)
		if ((i && buf_adds(b, ",\n") < 0) ||
		    buf_add(b, st->results[i].text, st->results[i].len) < 0)
			return -1;
	return buf_adds(b, "]");
}

static int add_netns(struct buf *b, const struct net_state *st)
{
	if (buf_adds(b, ",\n\"netns\":{\"path\":") < 0 || json_quote(b, st->netns) < 0)
		return -1;
	return buf_addf(b, ",\"dev\":%llu,\"ino\":%llu,\"born\":%llu}",
			(unsigned long long)st->ns.dev, (unsigned long long)st->ns.ino,
			(unsigned long long)st->ns.born);
}

static int add_pasta(struct buf *b, const struct net_state *st)
{
	if (!st->pasta_pid)
		return 0;
	return buf_addf(b, ",\n\"pasta\":{\"pid\":%d,\"start\":%llu}", st->pasta_pid,
			(unsigned long long)st->pasta_start);
}

static int add_all_members(struct buf *b, const struct net_state *st)
{
	if (buf_addf(b, "{\"version\":%d", FORMAT_VERSION) < 0 ||
	    add_string(b, "pod", st->pod) < 0 || add_string(b, "network", st->network) < 0 ||
	    add_string(b, "state", net_phase_name[st->phase]) < 0 ||
	    add_string(b, "id", st->id) < 0 || add_string(b, "ifname", st->ifname) < 0 ||
	    add_string(b, "boot", st->boot) < 0 || add_netns(b, st) < 0 ||
	    add_string(b, "cniVersion", st->version) < 0 || add_ports(b, "ports", &st->ports) < 0 ||
	    (st->changing && add_ports(b, "nextPorts", &st->next_ports) < 0) ||
	    add_dns(b, st) < 0 || add_bandwidth(b, st) < 0 || add_plugins(b, st) < 0 ||
	    add_string(b, "error", st->error) < 0 || add_pasta(b, st) < 0)
		return -1;
	return buf_adds(b, "}\n");
}

int net_state_format(const struct net_state *st, struct buf *out, struct error *e)
{
	if (add_all_members(out, st) == 0)
		return 0;
	if (errno == EILSEQ)
		return error_set(e, 0, "a string for the network record is not UTF-8");
	return error_nomem(e);
}

/* --- changing ------------------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int copy_text(struct net_state *st, struct net_text *copy, const char *text, size_t len,
		     struct error *e)
{
	while (len && is_space(*text))
		text++, len--;
	while (len && is_space(text[len - 1]))
		len--;
	copy->text = arena_strndup(&st->arena, text, len);
	copy->len = len;
	return copy->text ? 0 : error_nomem(e);
}

static bool wants_nothing(const struct json *doc, uint32_t parent, unsigned depth, const char *key,
			  size_t key_len)
{
	(void)doc;
	(void)parent;
	(void)depth;
	(void)key;
	(void)key_len;
	return false;
}

/* Is the text no deeper than a record may have it, `levels` below its root? */
static int check_depth(const char *text, size_t len, size_t levels, struct error *e)
{
	cleanup_buf struct buf nested = { 0 };
	cleanup_json struct json doc = { 0 };

	for (size_t i = 0; i < levels; i++)
		if (buf_adds(&nested, "[") < 0)
			return error_nomem(e);
	if (buf_add(&nested, text, len) < 0)
		return error_nomem(e);
	for (size_t i = 0; i < levels; i++)
		if (buf_adds(&nested, "]") < 0)
			return error_nomem(e);
	return json_parse(&doc, "as a part of the network record", nested.data, nested.len,
			  wants_nothing, NULL, e);
}

int net_state_set_conflist(struct net_state *st, const char *text, size_t len, struct error *e)
{
	if (check_depth(text, len, 1, e) < 0)
		return -1;
	return copy_text(st, &st->conflist, text, len, e);
}

int net_state_put_result(struct net_state *st, size_t index, const char *text, size_t len,
			 struct error *e)
{
	if (check_depth(text, len, 2, e) < 0)
		return -1;
	return copy_text(st, &st->results[index], text, len, e);
}

int net_state_add_result(struct net_state *st, const char *text, size_t len, struct error *e)
{
	if (st->result_count == CONFLIST_PLUGINS_MAX)
		return error_set(e, 0, "there are more than %d results of plugins",
				 CONFLIST_PLUGINS_MAX);
	if (net_state_put_result(st, st->result_count, text, len, e) < 0)
		return -1;
	st->result_count++;
	return 0;
}

void net_state_set_error(struct net_state *st, const struct error *why)
{
	struct error ignored;
	char *copy = (char *)net_state_string(st, why->text, &ignored);
	size_t len = copy ? strlen(copy) : 0, valid;

	st->error = copy;
	for (size_t i = 0; i < len; i += valid + 1) {
		valid = utf8_valid_prefix(copy + i, len - i);
		if (i + valid < len)
			copy[i + valid] = '?';
	}
}

/* --- files ---------------------------------------------------------------------------------------- */

/* "network@<pod>", or with a prefix and a suffix the name of its temporary file. */
struct state_name {
	char s[sizeof("." PREFIX ".new") + POD_NAME_MAX];
};

static struct state_name name_of(const char *before, const char *pod, const char *after)
{
	struct state_name name = { "" };

	concat_in(name.s, sizeof(name.s), before, PREFIX, pod, after, NULL);
	return name;
}

int state_load(struct store *store, const char *pod, struct net_state *st, struct error *e)
{
	struct state_name name = name_of("", pod, "");
	cleanup_free char *path = NULL;
	cleanup_buf struct buf text = { 0 };

	*st = (struct net_state){ 0 };
	if (store_open_bundles(store, false, e) < 0)
		return -1;
	if (store->bundles_fd < 0)
		return 0;
	path = concat(store->bundles, "/", name.s, NULL);
	if (!path)
		return error_nomem(e);
	if (read_file_at(store->bundles_fd, name.s, NET_STATE_MAX, &text) < 0)
		return errno == ENOENT ? 0 : error_set(e, errno, "read %s", path);
	if (net_state_parse(st, pod, path, text.len ? text.data : "", text.len, e) == 0)
		return 0;
	return error_hint(e,
			  "remove %s by hand, and what its plugins have left on the host: rules of "
			  "iptables, interfaces, addresses of IPAM",
			  path);
}

int state_save(struct store *store, const struct net_state *st, struct error *e)
{
	struct state_name name = name_of("", st->pod, "");
	cleanup_buf struct buf text = { 0 };
	cleanup_net_state struct net_state again = { 0 };

	if (store_open_bundles(store, true, e) < 0 || net_state_format(st, &text, e) < 0)
		return -1;
	if (text.len > NET_STATE_MAX)
		return error_set(e, 0, "the network record would be larger than %zu bytes",
				 NET_STATE_MAX);
	if (net_state_parse(&again, st->pod, "network record", text.data, text.len, e) < 0)
		return -1;
	if (replace_file_at(store->bundles_fd, name.s, text.data, text.len, true) < 0)
		return error_set(e, errno, "write %s/%s", store->bundles, name.s);
	return 0;
}

int state_remove(struct store *store, const char *pod, struct error *e)
{
	struct state_name name = name_of("", pod, ""), leftover = name_of(".", pod, ".new");

	if (store_open_bundles(store, false, e) < 0)
		return -1;
	if (store->bundles_fd < 0)
		return 0;
	unlinkat(store->bundles_fd, leftover.s, 0);
	if (unlinkat(store->bundles_fd, name.s, 0) < 0 && errno != ENOENT)
		return error_set(e, errno, "remove %s/%s", store->bundles, name.s);
	if (sync_dir(store->bundles_fd) < 0)
		return error_set(e, errno, "sync %s", store->bundles);
	return 0;
}

static const char *pick_pod(const char *entry)
{
	const size_t skip = strlen(PREFIX);
	struct error ignored;

	return !strncmp(entry, PREFIX, skip) && pod_check_name(entry + skip, &ignored) == 0
		       ? entry + skip
		       : NULL;
}

int state_each(struct store *store, int (*fn)(void *arg, const char *pod, struct error *e),
	       void *arg, struct error *e)
{
	return store_each_in_bundles(store, pick_pod, fn, arg, e);
}
