/* SPDX-License-Identifier: Apache-2.0 */
#include "net/result.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "json/splice.h"

/* What is being parsed. */
struct parser {
	struct json doc;
	struct result *r;
	struct error *e;
};

static bool has_control(const char *s)
{
	for (; *s; s++)
		if (control_length(s))
			return true;
	return false;
}

/* Copy a string of the document, of at most max bytes and without control characters. */
static int copy_text(struct parser *p, uint32_t node, size_t max, const char **s)
{
	const char *text;

	if (json_string(&p->doc, node, &text, p->e) < 0)
		return -1;
	if (!*text || strlen(text) > max || has_control(text))
		return json_error(
			&p->doc, node, p->e,
			"is empty, longer than %zu bytes, or has a control character in it", max);
	*s = arena_strndup(&p->r->arena, text, strlen(text));
	return *s ? 0 : error_nomem(p->e);
}

static int copy_word(struct parser *p, uint32_t node, const char **s)
{
	if (copy_text(p, node, RESULT_STRING_MAX, s) < 0)
		return -1;
	if (strchr(*s, ' '))
		return json_error(&p->doc, node, p->e, "has a space in it");
	return 0;
}

/* The member `name` of obj, which may be absent or empty: *s is then NULL. */
static int copy_member(struct parser *p, uint32_t obj, const char *name, size_t max, const char **s)
{
	uint32_t node;

	*s = NULL;
	if (json_member_of(&p->doc, obj, name, JSON_STRING, &node, p->e) < 0)
		return -1;
	if (node == JSON_NONE || json_str_is(&p->doc, node, ""))
		return 0;
	return max ? copy_text(p, node, max, s) : copy_word(p, node, s);
}

/*
 * Set *array to the member `name` of obj, which is an array of at most max elements or absent, and
 * *list to memory for its elements.
 */
static int open_array(struct parser *p, uint32_t obj, const char *name, size_t max, size_t size,
		      uint32_t *array, void *list)
{
	void *room;
	size_t count;

	if (json_member_of(&p->doc, obj, name, JSON_ARRAY, array, p->e) < 0)
		return -1;
	count = json_count_children(&p->doc, *array);
	if (count > max)
		return json_error(&p->doc, *array, p->e, "has more than %zu elements", max);
	if (!count)
		return 0;
	room = arena_alloc(&p->r->arena, count * size);
	if (!room)
		return error_nomem(p->e);
	memset(room, 0, count * size);
	memcpy(list, &room, sizeof(room));
	return 0;
}

/* --- interfaces and addresses ---------------------------------------------- */

static int parse_interfaces(struct parser *p)
{
	struct result *r = p->r;
	uint32_t array, i;

	if (open_array(p, 0, "interfaces", RESULT_INTERFACES_MAX, sizeof(*r->interfaces), &array,
		       &r->interfaces) < 0)
		return -1;
	for (i = json_first(&p->doc, array); i != JSON_NONE; i = json_next(&p->doc, i)) {
		struct result_interface *next = &r->interfaces[r->interface_count++];

		if (copy_member(p, i, "name", 0, &next->name) < 0 ||
		    copy_member(p, i, "mac", 0, &next->mac) < 0 ||
		    copy_member(p, i, "sandbox", PATH_MAX, &next->sandbox) < 0)
			return -1;
		if (!next->name)
			return json_error(&p->doc, i, p->e, "has no name");
	}
	return 0;
}

/* Parse ADDRESS/LENGTH. */
static bool parse_cidr(const char *text, struct result_address *a)
{
	const char *slash = strchr(text, '/');
	unsigned char bytes[16];
	uint64_t prefix;
	int family;

	if (!slash || slash - text >= NETWORK_ADDRESS_MAX)
		return false;
	memcpy(a->ip, text, (size_t)(slash - text));
	a->ip[slash - text] = '\0';
	family = strchr(a->ip, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(family, a->ip, bytes) != 1 ||
	    !parse_u64(slash + 1, family == AF_INET ? 32 : 128, &prefix))
		return false;
	a->prefix = (unsigned)prefix;
	return inet_ntop(family, bytes, a->ip, sizeof(a->ip));
}

static int parse_interface_of(struct parser *p, uint32_t ip, struct result_address *a)
{
	uint64_t index;
	uint32_t node;

	a->interface = -1;
	a->pod = true;
	if (json_member_of(&p->doc, ip, "interface", JSON_NUMBER, &node, p->e) < 0)
		return -1;
	if (node == JSON_NONE)
		return 0;
	if (json_u64(&p->doc, node, INT_MAX, &index, p->e) < 0)
		return -1;
	if (index >= p->r->interface_count)
		return json_error(&p->doc, node, p->e, "is %llu, but there are %zu interfaces",
				  (unsigned long long)index, p->r->interface_count);
	a->interface = (int)index;
	a->pod = p->r->interfaces[index].sandbox;
	return 0;
}

static int parse_address(struct parser *p, uint32_t ip, struct result_address *a)
{
	const char *text;
	uint32_t node;

	if (json_member_string(&p->doc, ip, "address", &text, &node, p->e) < 0)
		return -1;
	if (!text)
		return json_error(&p->doc, ip, p->e, "has no address");
	if (!parse_cidr(text, a))
		return json_error(&p->doc, node, p->e,
				  "'%.100s' is not an IP address with a prefix length", text);
	return parse_interface_of(p, ip, a);
}

static int parse_addresses(struct parser *p)
{
	struct result *r = p->r;
	uint32_t array, i;

	if (open_array(p, 0, "ips", NETWORK_ADDRESSES_MAX, sizeof(*r->ips), &array, &r->ips) < 0)
		return -1;
	for (i = json_first(&p->doc, array); i != JSON_NONE; i = json_next(&p->doc, i))
		if (parse_address(p, i, &r->ips[r->ip_count++]) < 0)
			return -1;
	return 0;
}

/* --- dns ------------------------------------------------------------------- */

static int parse_words(struct parser *p, uint32_t dns, const char *name, struct result_strings *s)
{
	uint32_t array, i;

	if (open_array(p, dns, name, RESULT_DNS_MAX, sizeof(*s->list), &array, &s->list) < 0)
		return -1;
	for (i = json_first(&p->doc, array); i != JSON_NONE; i = json_next(&p->doc, i))
		if (copy_word(p, i, &s->list[s->count++]) < 0)
			return -1;
	return 0;
}

/* Is it an IP address? One of IPv6 may have a zone, as in fe80::1%eth0: resolv.conf(5). */
static bool is_server(const char *text)
{
	const char *zone = strchr(text, '%');
	size_t len = zone ? (size_t)(zone - text) : strlen(text);
	char ip[NETWORK_ADDRESS_MAX];
	unsigned char bytes[16];

	if (len >= sizeof(ip) || (zone && !zone[1]))
		return false;
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (inet_pton(AF_INET6, ip, bytes) == 1)
		return true;
	return !zone && inet_pton(AF_INET, ip, bytes) == 1;
}

static int parse_dns(struct parser *p)
{
	struct result *r = p->r;
	uint32_t dns;

	if (json_member_of(&p->doc, 0, "dns", JSON_OBJECT, &dns, p->e) < 0)
		return -1;
	if (dns == JSON_NONE)
		return 0;
	if (parse_words(p, dns, "nameservers", &r->nameservers) < 0 ||
	    parse_words(p, dns, "search", &r->search) < 0 ||
	    parse_words(p, dns, "options", &r->options) < 0 ||
	    copy_member(p, dns, "domain", 0, &r->domain) < 0)
		return -1;
	for (size_t i = 0; i < r->nameservers.count; i++)
		if (!is_server(r->nameservers.list[i]))
			return json_error(&p->doc, dns, p->e,
					  "the name server '%s' is not an IP address",
					  r->nameservers.list[i]);
	return 0;
}

/* --- results --------------------------------------------------------------- */

static bool is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return false;
	return true;
}

/* A plugin may leave its version out; libcni takes that of the configuration then. */
static int check_version(struct parser *p)
{
	enum cni_version version;
	const char *name;
	uint32_t node;

	if (json_member_string(&p->doc, 0, "cniVersion", &name, &node, p->e) < 0)
		return -1;
	if (name && *name && !cni_version_parse(name, &version))
		return json_error(&p->doc, node, p->e, "is '%.100s', and not one of 0.3.0 to 1.1.0",
				  name);
	return 0;
}

/* Some plugins print an error and end with status 0. */
static int check_no_error(struct parser *p)
{
	uint32_t code, msg;

	if (json_member(&p->doc, 0, "code", &code, p->e) < 0 ||
	    json_member(&p->doc, 0, "msg", &msg, p->e) < 0)
		return -1;
	if (code == JSON_NONE || msg == JSON_NONE)
		return 0;
	return json_error(&p->doc, msg, p->e, "is of an error, but the exit status is 0");
}

static int parse_result(struct parser *p)
{
	if (p->doc.nodes[0].type != JSON_OBJECT)
		return json_error(&p->doc, 0, p->e, "is not an object");
	if (check_version(p) < 0 || check_no_error(p) < 0 || parse_interfaces(p) < 0 ||
	    parse_addresses(p) < 0)
		return -1;
	return parse_dns(p);
}

int result_parse(struct result *r, const char *plugin, const char *text, size_t len,
		 struct error *e)
{
	cleanup_free char *what = concat("plugin ", plugin, ": ADD: result", NULL);
	struct parser p = { .r = r, .e = e };
	int done;

	*r = (struct result){ 0 };
	if (!what)
		return error_nomem(e);
	if (is_blank(text, len))
		return error_set(e, 0, "plugin %s: ADD: it printed no result", plugin);
	if (len > PROGRAM_OUTPUT_MAX)
		return error_set(e, 0, "%s: is larger than %zu bytes", what, PROGRAM_OUTPUT_MAX);
	if (json_parse(&p.doc, what, text, len, NULL, NULL, e) < 0)
		return -1;
	done = parse_result(&p);
	json_free(&p.doc);
	if (done < 0)
		result_free(r);
	return done;
}

/* null counts as none. */
static bool has_version(const struct json *doc, uint32_t node)
{
	return node != JSON_NONE && doc->nodes[node].type == JSON_STRING &&
	       !json_str_is(doc, node, "");
}

static int set_version(struct json *doc, uint32_t node, const char *version, struct buf *out)
{
	cleanup_buf struct buf added = { 0 };
	struct splices s = { 0 };

	if (node == JSON_NONE && buf_adds(&added, "\"cniVersion\":") < 0)
		return -1;
	if (json_quote(&added, version) < 0 ||
	    (node == JSON_NONE && json_first(doc, 0) != JSON_NONE && buf_adds(&added, ",") < 0))
		return -1;
	if ((node == JSON_NONE ? splice_insert(&s, doc, doc->nodes[0].start + 1, &added)
			       : splice_replace_with(&s, doc, node, &added)) < 0)
		return -1;
	return splice_write(&s, doc, out);
}

int result_complete(const char *text, size_t len, const char *version, struct buf *out,
		    struct error *e)
{
	cleanup_json struct json doc = { 0 };
	uint32_t node;

	if (json_parse(&doc, "result", text, len, NULL, NULL, e) < 0 ||
	    json_member(&doc, 0, "cniVersion", &node, e) < 0)
		return -1;
	if ((has_version(&doc, node) ? buf_add(out, text, len)
				     : set_version(&doc, node, version, out)) == 0)
		return 0;
	return error_nomem(e);
}

bool result_has_family(const struct result *r, bool v6)
{
	for (size_t i = 0; i < r->ip_count; i++)
		if (r->ips[i].pod && (strchr(r->ips[i].ip, ':') != NULL) == v6)
			return true;
	return false;
}

void result_free(struct result *r)
{
	arena_free(&r->arena);
	*r = (struct result){ 0 };
}

/* --- errors ---------------------------------------------------------------- */

/* Make one line of a message: each run of white space becomes one space, at the ends none. */
static void flatten(char *s)
{
	char *to = s;

	for (const char *from = s; *from; from++) {
		if (!strchr(" \t\r\n", *from))
			*to++ = *from;
		else if (to > s && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > s && to[-1] == ' ')
		to--;
	*to = '\0';
}

/* The member `name` as one line; NULL if it is absent, empty or unusable. */
static const char *error_member(struct json *doc, const char *name)
{
	struct error ignored;
	const char *s;
	char *line;

	if (json_member_string(doc, 0, name, &s, NULL, &ignored) < 0 || !s)
		return NULL;
	line = arena_strndup(&doc->arena, s, strlen(s));
	if (!line)
		return NULL;
	flatten(line);
	return *line ? line : NULL;
}

static int error_code(const struct json *doc, uint64_t *code)
{
	struct error ignored;
	uint32_t node;

	if (json_member_of(doc, 0, "code", JSON_NUMBER, &node, &ignored) < 0 || node == JSON_NONE)
		return -1;
	return json_u64(doc, node, UINT32_MAX, code, &ignored);
}

/* "Well-known Error Codes" of the specification. */
static void add_code(struct error *e, const char *plugin, uint64_t code)
{
	const size_t len = strlen(e->text);

	concat_in(e->text + len, sizeof(e->text) - len, " (code ", decimal(code).text, ")", NULL);
	if (code == 1)
		error_hint(
			e,
			"plugin %s does not know the cniVersion of the network: set an older one",
			plugin);
	else if (code == 11)
		error_hint(e, "the plugin asks to try again later");
}

/* Set *e by an error object; false if there is none. */
static bool set_by_object(const char *plugin, const char *command, struct json *doc,
			  struct error *e)
{
	const char *msg, *details;
	uint64_t code;

	if (doc->nodes[0].type != JSON_OBJECT)
		return false;
	msg = error_member(doc, "msg");
	details = error_member(doc, "details");
	if (!msg && !details)
		return false;
	error_set(e, 0, "plugin %s: %s: %.2000s%s%.2000s", plugin, command, msg ? msg : details,
		  msg && details ? ": " : "", msg && details ? details : "");
	if (error_code(doc, &code) == 0)
		add_code(e, plugin, code);
	return true;
}

static int set_by_status(const char *plugin, const char *command, const struct program_result *r,
			 struct error *e)
{
	cleanup_arena struct arena a = { 0 };
	const char *line = program_last_line(&a, &r->err);
	bool killed = WIFSIGNALED(r->status);

	if (!*line)
		line = program_last_line(&a, &r->out);
	return error_set(e, 0, "plugin %s: %s: %s %d%s%.2000s", plugin, command,
			 killed ? "killed by signal" : "exit status",
			 killed ? WTERMSIG(r->status) : WEXITSTATUS(r->status), *line ? ": " : "",
			 line);
}

int plugin_error(const char *plugin, const char *command, const struct program_result *r,
		 struct error *e)
{
	struct error ignored;
	struct json doc;
	bool is_set;

	if (!r->out.len ||
	    json_parse(&doc, "error", r->out.data, r->out.len, NULL, NULL, &ignored) < 0)
		return set_by_status(plugin, command, r, e);
	is_set = set_by_object(plugin, command, &doc, e);
	json_free(&doc);
	return is_set ? -1 : set_by_status(plugin, command, r, e);
}

/* --- versions -------------------------------------------------------------- */

static int parse_versions(struct json *doc, unsigned *versions, struct error *e)
{
	enum cni_version version;
	uint32_t array, i;
	const char *name;

	*versions = 0;
	if (json_member_of(doc, 0, "supportedVersions", JSON_ARRAY, &array, e) < 0)
		return -1;
	if (array == JSON_NONE)
		return json_error(doc, 0, e, "has no supportedVersions");
	for (i = json_first(doc, array); i != JSON_NONE; i = json_next(doc, i)) {
		if (json_string(doc, i, &name, e) < 0)
			return -1;
		if (cni_version_parse(name, &version))
			*versions |= CNI_BIT(version);
	}
	return 0;
}

int plugin_versions(const char *plugin, const char *text, size_t len, unsigned *versions,
		    struct error *e)
{
	cleanup_free char *what = concat("plugin ", plugin, ": VERSION: answer", NULL);
	struct json doc;
	int done;

	if (!what)
		return error_nomem(e);
	if (json_parse(&doc, what, text, len, NULL, NULL, e) < 0)
		return -1;
	done = parse_versions(&doc, versions, e);
	json_free(&doc);
	return done;
}
