/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network's configuration, what its plugins get of it, and what plugins answer. The input is
 * taken for each of these.
 */
#include "net/conflist.h"
#include "net/plugin.h"
#include "net/result.h"
#include "tests/fuzz/fuzz.h"

static bool is_file_name(const char *s)
{
	return *s && !strchr(s, '/') && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

static void check_text(const struct conflist *c, size_t i, const struct conf_extras *x)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_json struct json doc;
	uint32_t node;
	struct error e;
	unsigned depth;

	MUST(conflist_plugin_text(c, i, x, &text, &e) == 0);
	MUST(strict_json(text.data, text.len, &depth));
	MUST(json_parse(&doc, "text", text.data, text.len, NULL, NULL, &e) == 0);
	MUST(json_member(&doc, 0, "name", &node, &e) == 0 && json_str_is(&doc, node, c->name));
	MUST(json_member(&doc, 0, "cniVersion", &node, &e) == 0 &&
	     json_str_is(&doc, node, c->version));
	MUST(json_member(&doc, 0, "type", &node, &e) == 0 &&
	     json_str_is(&doc, node, c->plugins[i].type));
	MUST(json_member(&doc, 0, "capabilities", &node, &e) == 0 && node == JSON_NONE);
	MUST(json_member(&doc, 0, "prevResult", &node, &e) == 0);
	MUST((node != JSON_NONE) == (x->prev_result != NULL));
	MUST(json_member(&doc, 0, "runtimeConfig", &node, &e) == 0);
	MUST((node != JSON_NONE) ==
	     ((c->plugins[i].port_mappings && x->port_count) ||
	      (c->plugins[i].dns && x->dns_count) ||
	      (c->plugins[i].bandwidth && bandwidth_is_limited(&x->bandwidth))));
}

static void check_conflist(const char *text, size_t size)
{
	static const struct port_range port = { .host = 8080, .pod = 80, .count = 2 };
	static const char *const dns[] = { "192.0.2.53" };
	const struct conf_extras none = { 0 };
	const struct conf_extras all = { .prev_result = "{\"ips\":[]}",
					 .prev_len = 10,
					 .ports = &port,
					 .port_count = 1,
					 .dns = dns,
					 .dns_count = 1,
					 .bandwidth = { .egress = 1000 },
					 .gc = true };
	struct conflist c;
	struct error e;
	unsigned depth;

	if (conflist_parse(&c, "fuzz", text, size, &e) < 0)
		return;
	MUST(strict_json(text, size, &depth) && depth <= JSON_DEPTH_MAX);
	MUST(c.count && c.count <= CONFLIST_PLUGINS_MAX);
	MUST(is_file_name(c.name) && *c.name != '.');
	MUST(c.versions & CNI_BIT(c.selected));
	for (size_t i = 0; i < c.count; i++) {
		MUST(is_file_name(c.plugins[i].type));
		MUST(!c.plugins[i].ipam || is_file_name(c.plugins[i].ipam));
		check_text(&c, i, &none);
		check_text(&c, i, &all);
	}
	conflist_free(&c);
}

/* Can it be a word of resolv.conf? */
static bool is_word(const char *s)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	return *s && strlen(s) <= RESULT_STRING_MAX;
}

static void check_words(const struct result_strings *s)
{
	MUST(s->count <= RESULT_DNS_MAX);
	for (size_t i = 0; i < s->count; i++)
		MUST(is_word(s->list[i]));
}

static void check_result(const char *text, size_t size)
{
	struct result r;
	struct error e;
	unsigned depth;

	if (result_parse(&r, "fuzz", text, size, &e) < 0)
		return;
	MUST(strict_json(text, size, &depth) && depth <= JSON_DEPTH_MAX);
	MUST(r.ip_count <= NETWORK_ADDRESSES_MAX && r.interface_count <= RESULT_INTERFACES_MAX);
	for (size_t i = 0; i < r.ip_count; i++) {
		MUST(strspn(r.ips[i].ip, "0123456789abcdef:.") == strlen(r.ips[i].ip));
		MUST(r.ips[i].interface < (int)r.interface_count && r.ips[i].interface >= -1);
	}
	for (size_t i = 0; i < r.interface_count; i++)
		MUST(is_word(r.interfaces[i].name));
	check_words(&r.nameservers);
	check_words(&r.search);
	check_words(&r.options);
	MUST(!r.domain || is_word(r.domain));
	result_free(&r);
}

static void check_answers(const char *text, size_t size)
{
	struct program_result r = { .status = 0x100 };
	unsigned versions;
	struct error e;

	MUST(buf_add(&r.out, text, size) == 0 && buf_add(&r.err, text, size) == 0);
	MUST(plugin_error("fuzz", "ADD", &r, &e) == -1);
	MUST(!strncmp(e.text, "plugin fuzz: ADD: ", strlen("plugin fuzz: ADD: ")));
	MUST(!strpbrk(e.text, "\n\r\t\033"));
	program_result_free(&r);
	if (plugin_versions("fuzz", text, size, &versions, &e) == 0)
		MUST(versions < CNI_BIT(CNI_VERSIONS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	check_conflist(text, size);
	check_result(text, size);
	check_answers(text, size);
	free(text);
	return 0;
}
