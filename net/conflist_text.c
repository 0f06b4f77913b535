/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin gets on its standard input. */
#include "net/conflist.h"

#include <arpa/inet.h>

#include "base/text.h"
#include "json/splice.h"

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

static int add_rate(struct buf *b, const char *direction, uint64_t rate)
{
	return buf_addf(b, "\"%sRate\":%llu,\"%sBurst\":%llu", direction, (unsigned long long)rate,
			direction, (unsigned long long)bandwidth_burst(rate));
}

static int add_bandwidth(struct buf *b, const struct conf_extras *x)
{
	const struct bandwidth *w = &x->bandwidth;

	if (buf_adds(b, "\"bandwidth\":{") < 0 ||
	    (w->ingress && add_rate(b, "ingress", w->ingress) < 0) ||
	    (w->ingress && w->egress && buf_adds(b, ",") < 0) ||
	    (w->egress && add_rate(b, "egress", w->egress) < 0))
		return -1;
	return buf_adds(b, "}");
}

/* runtimeConfig, with what there is and the plugin has a capability for. */
static int add_runtime_config(struct buf *b, const struct plugin_conf *p,
			      const struct conf_extras *x)
{
	const struct {
		bool is_wanted;
		int (*add)(struct buf *, const struct conf_extras *);
	} parts[] = {
		{ p->port_mappings && x->port_count, add_mappings },
		{ p->dns && x->dns_count, add_servers },
		{ p->bandwidth && bandwidth_is_limited(&x->bandwidth), add_bandwidth },
	};
	bool any = false;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (!parts[i].is_wanted)
			continue;
		if (buf_adds(b, any ? "," : "\"runtimeConfig\":{") < 0 || parts[i].add(b, x) < 0)
			return -1;
		any = true;
	}
	return any ? buf_adds(b, "},") : 0;
}

static int add_attachments(struct buf *b, const char *key, const struct conf_extras *x)
{
	if (buf_concat(b, "\"cni.dev/", key, "\":[", NULL) < 0)
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
	if (!x->gc)
		return 0;
	/*
	 * As libcni does. The specification once used the second name: a plugin that reads only that would take its
	 * absence for an empty list, and remove everything.
	 */
	return add_attachments(b, "valid-attachments", x) < 0
		       ? -1
		       : add_attachments(b, "attachments", x);
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
