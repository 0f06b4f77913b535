/* SPDX-License-Identifier: Apache-2.0 */
#include "net/result.h"

#include "tests/unit/unit.h"

static struct error e;

static int parse(struct result *r, const char *text)
{
	return result_parse(r, "bridge", text, strlen(text), &e);
}

/* What bridge 1.1.1 with host-local prints, shortened. */
static void a_result_of_each_version_is_read(void)
{
	static const char *const rows[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct result r;
		char text[1024];

		unit_row(rows[i]);
		snprintf(
			text, sizeof(text),
			"{\"cniVersion\": \"%s\", \"interfaces\": ["
			"{\"name\": \"cni0\", \"mac\": \"02:00:00:00:00:01\"},"
			"{\"name\": \"eth0\", \"mac\": \"02:00:00:00:00:02\","
			" \"sandbox\": \"/run/netns/web\", \"mtu\": 1500}],"
			"\"ips\": [{\"version\": \"4\", \"interface\": 1, \"address\": \"10.1.2.3/24\","
			" \"gateway\": \"10.1.2.1\"},"
			"{\"interface\": 0, \"address\": \"10.1.2.1/24\"},"
			"{\"address\": \"FD00:0:0::5/64\"}],"
			"\"routes\": [{\"dst\": \"0.0.0.0/0\"}],"
			"\"dns\": {\"nameservers\": [\"10.1.2.1\", \"fe80::1%%eth0\"],"
			" \"domain\": \"a.example\", \"search\": [\"b.example\", \"c.example\"],"
			" \"options\": [\"ndots:2\"]}}",
			rows[i]);
		if (!CHECK(parse(&r, text) == 0))
			continue;
		CHECK(r.interface_count == 2 && r.ip_count == 3);
		CHECK_STR(r.interfaces[0].name, "cni0");
		CHECK_STR(r.interfaces[0].sandbox, NULL);
		CHECK_STR(r.interfaces[1].mac, "02:00:00:00:00:02");
		CHECK_STR(r.interfaces[1].sandbox, "/run/netns/web");
		CHECK_STR(r.ips[0].ip, "10.1.2.3");
		CHECK(r.ips[0].prefix == 24 && r.ips[0].interface == 1 && r.ips[0].pod);
		CHECK(r.ips[1].interface == 0 && !r.ips[1].pod);
		CHECK_STR(r.ips[2].ip, "fd00::5");
		CHECK(r.ips[2].prefix == 64 && r.ips[2].interface == -1 && r.ips[2].pod);
		CHECK(r.nameservers.count == 2 && r.search.count == 2 && r.options.count == 1);
		CHECK_STR(r.nameservers.list[1], "fe80::1%eth0");
		CHECK_STR(r.search.list[1], "c.example");
		CHECK_STR(r.options.list[0], "ndots:2");
		CHECK_STR(r.domain, "a.example");
		result_free(&r);
	}
}

static void little_is_enough(void)
{
	static const char *const rows[] = {
		"{}",
		"{\"cniVersion\": \"1.0.0\"}",
		"{\"cniVersion\": \"\"}",
		"{\"dns\": {}, \"ips\": [], \"interfaces\": null}",
		"\n{\"dns\": {\"domain\": \"\"}, \"x\": [{\"ips\": 3}]}\n",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct result r;

		unit_row(rows[i]);
		if (!CHECK(parse(&r, rows[i]) == 0))
			continue;
		CHECK(r.ip_count == 0 && r.interface_count == 0 && !r.domain);
		result_free(&r);
	}
}

static void a_result_without_a_version_gets_that_of_the_configuration(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "{}", "{\"cniVersion\":\"0.4.0\"}" },
		{ " { \"x\": 1e400 }\n", " {\"cniVersion\":\"0.4.0\", \"x\": 1e400 }\n" },
		{ "{ \"x\":1,\"cniVersion\" : \"\" }", "{ \"x\":1,\"cniVersion\" : \"0.4.0\" }" },
		{ "{\"cniVersion\":null}", "{\"cniVersion\":\"0.4.0\"}" },
		{ "{ \"cniVersion\": \"0.3.1\" } ", "{ \"cniVersion\": \"0.3.1\" } " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = { 0 };

		unit_row(rows[i].text);
		CHECK(result_complete(rows[i].text, strlen(rows[i].text), "0.4.0", &b, &e) == 0);
		CHECK_STR(b.data, rows[i].should);
		buf_free(&b);
	}
}

#define IPS(text) "{\"interfaces\": [{\"name\": \"a\"}], \"ips\": [" text "]}"
#define DNS(text) "{\"dns\": {" text "}}"

static void garbage_is_refused_by_the_plugins_name(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "", "it printed no result" },
		{ " \n\t", "it printed no result" },
		{ "ok", "line 1" },
		{ "[]", "is not an object" },
		{ "{\"ips\": [}", "line 1" },
		{ "{} {}", "trailing data" },
		{ "{\"cniVersion\": \"0.2.0\", \"ip4\": {\"ip\": \"10.0.0.2/24\"}}", "'0.2.0'" },
		{ "{\"cniVersion\": \"2.0.0\"}", "'2.0.0'" },
		{ "{\"cniVersion\": 1}", "cniVersion" },
		{ "{\"code\": 7, \"msg\": \"no\"}", "is of an error" },
		{ "{\"ips\": {}}", "ips: is an object" },
		{ "{\"ips\": [], \"ips\": []}", "twice" },
		{ "{\"IPs\": []}", "differs" },
		{ IPS("3"), "ips[0]" },
		{ IPS("{}"), "ips[0]: has no address" },
		{ IPS("{\"address\": \"10.0.0.2\"}"), "ips[0].address: '10.0.0.2' is not" },
		{ IPS("{\"address\": \"10.0.0.2/33\"}"), "is not an IP address" },
		{ IPS("{\"address\": \"10.0.0.2/\"}"), "is not an IP address" },
		{ IPS("{\"address\": \"10.0.0.2/-1\"}"), "is not an IP address" },
		{ IPS("{\"address\": \"10.0.2/24\"}"), "is not an IP address" },
		{ IPS("{\"address\": \"fd00::1/129\"}"), "is not an IP address" },
		{ IPS("{\"address\": \"web/24\"}"), "is not an IP address" },
		{ IPS("{\"address\": \"1111111111111111111111111111111111111111111111/24\"}"),
		  "is not an IP address" },
		{ IPS("{\"address\": \"10.0.0.2\\n/24\"}"), "is not an IP address" },
		{ IPS("{\"address\": \"10.0.0.2/24\", \"interface\": 1}"),
		  "there are 1 interfaces" },
		{ IPS("{\"address\": \"10.0.0.2/24\", \"interface\": -1}"), "whole number" },
		{ IPS("{\"address\": \"10.0.0.2/24\", \"interface\": \"0\"}"), "is a string" },
		{ "{\"interfaces\": [{\"mac\": \"02:00:00:00:00:01\"}]}", "has no name" },
		{ "{\"interfaces\": [{\"name\": \"a b\"}]}", "has a space" },
		{ "{\"interfaces\": [{\"name\": \"a\", \"sandbox\": \"/x\\ny\"}]}", "control" },
		{ DNS("\"nameservers\": [\"dns.example\"]"), "'dns.example' is not an IP address" },
		{ DNS("\"nameservers\": [\"10.0.0.1%eth0\"]"), "is not an IP address" },
		{ DNS("\"nameservers\": [\"10.0.0.1\\nsearch x\"]"), "control character" },
		{ DNS("\"search\": [\"a b\"]"), "dns.search[0]: has a space" },
		{ DNS("\"search\": [\"\"]"), "is empty" },
		{ DNS("\"options\": [\"a\\tb\"]"), "control character" },
		{ DNS("\"domain\": \"a\\u0085b\""), "control character" },
		{ DNS("\"domain\": \"a\\u0000b\""), "NUL" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct result r;

		unit_row(rows[i].text);
		e.text[0] = '\0';
		if (!CHECK(parse(&r, rows[i].text) == -1)) {
			result_free(&r);
			continue;
		}
		CHECK_HAS(e.text, "plugin bridge: ADD: ");
		CHECK_HAS(e.text, rows[i].should);
		CHECK(!r.arena.chunks);
	}
}

/* An object with n times this element in a list. */
static void fill(struct buf *b, const char *before, unsigned n, const char *element,
		 const char *after)
{
	b->len = 0;
	CHECK(buf_adds(b, before) == 0);
	for (unsigned i = 0; i < n; i++)
		CHECK(buf_addf(b, "%s%s", i ? "," : "", element) == 0);
	CHECK(buf_adds(b, after) == 0);
}

static void the_lists_are_bounded(void)
{
	static const struct {
		const char *before, *element, *after;
		unsigned most;
	} rows[] = {
		{ "{\"ips\": [", "{\"address\": \"10.0.0.2/24\"}", "]}", NETWORK_ADDRESSES_MAX },
		{ "{\"interfaces\": [", "{\"name\": \"a\"}", "]}", RESULT_INTERFACES_MAX },
		{ "{\"dns\": {\"nameservers\": [", "\"10.0.0.1\"", "]}}", RESULT_DNS_MAX },
		{ "{\"dns\": {\"search\": [", "\"a\"", "]}}", RESULT_DNS_MAX },
		{ "{\"dns\": {\"options\": [", "\"a\"", "]}}", RESULT_DNS_MAX },
	};
	struct buf b = { 0 };
	struct result r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].before);
		fill(&b, rows[i].before, rows[i].most, rows[i].element, rows[i].after);
		CHECK(parse(&r, b.data) == 0);
		result_free(&r);
		fill(&b, rows[i].before, rows[i].most + 1, rows[i].element, rows[i].after);
		CHECK(parse(&r, b.data) == -1);
		CHECK_HAS(e.text, "has more than");
	}
	unit_row("a long string");
	fill(&b, "{\"dns\": {\"domain\": \"a", RESULT_STRING_MAX, "a", "\"}}");
	for (char *comma = b.data + 10; (comma = strstr(comma, "a,")); comma++)
		comma[1] = 'a';
	CHECK(parse(&r, b.data) == -1);
	CHECK_HAS(e.text, "longer than 255 bytes");
	buf_free(&b);
}

static void a_result_that_is_too_large_is_refused(void)
{
	size_t len = PROGRAM_OUTPUT_MAX + 1;
	char *text = malloc(len);
	struct result r;

	if (!CHECK(text != NULL))
		return;
	memset(text, ' ', len);
	memcpy(text, "{}", 2);
	CHECK(result_parse(&r, "bridge", text, len, &e) == -1);
	CHECK_HAS(e.text, "is larger than");
	CHECK(result_parse(&r, "bridge", text, len - 1, &e) == 0);
	result_free(&r);
	free(text);
}

static void errors_of_plugins_become_one_line(void)
{
	static const struct {
		const char *out, *err;
		int status;
		const char *should;
	} rows[] = {
		{ "{\"cniVersion\": \"1.0.0\", \"code\": 11, \"msg\": \"no address\", \"details\": "
		  "\"range is full\"}",
		  "noise\n", 0x100, "plugin bridge: ADD: no address: range is full (code 11)" },
		{ "{\"code\": 999, \"msg\": \"exit status 1\\n\\tiptables: No chain.\\n\"}\n", "",
		  0x100, "plugin bridge: ADD: exit status 1 iptables: No chain. (code 999)" },
		{ "{\"code\": 4, \"msg\": \"\", \"details\": \"only details\"}", "", 0x100,
		  "plugin bridge: ADD: only details (code 4)" },
		{ "{\"msg\": \"no code\"}", "", 0x100, "plugin bridge: ADD: no code" },
		{ "{\"code\": -3, \"msg\": \"odd code\"}", "", 0x100,
		  "plugin bridge: ADD: odd code" },
		{ "{\"code\": 7, \"msg\": \"a\\u001b[2Jb\"}", "", 0x100,
		  "plugin bridge: ADD: a?[2Jb (code 7)" },
		{ "{\"code\": 7}", "first\nthe reason\n\n", 0x300,
		  "plugin bridge: ADD: exit status 3: the reason" },
		{ "", "", 0x200, "plugin bridge: ADD: exit status 2" },
		{ "", "panic: x\n", 0x200, "plugin bridge: ADD: exit status 2: panic: x" },
		{ "usage: bridge\n", "", 0x200,
		  "plugin bridge: ADD: exit status 2: usage: bridge" },
		{ "[1]", "", 0x200, "plugin bridge: ADD: exit status 2: [1]" },
		{ "", "", 9, "plugin bridge: ADD: killed by signal 9" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct program_result r = { .status = rows[i].status };

		unit_row(rows[i].out);
		CHECK(buf_adds(&r.out, rows[i].out) == 0 && buf_adds(&r.err, rows[i].err) == 0);
		CHECK(plugin_error("bridge", "ADD", &r, &e) == -1);
		CHECK_STR(e.text, rows[i].should);
		program_result_free(&r);
	}
}

static void a_version_that_a_plugin_does_not_know_has_a_hint(void)
{
	struct program_result r = { .status = 0x100 };

	CHECK(buf_adds(&r.out, "{\"code\": 1, \"msg\": \"incompatible\"}") == 0);
	CHECK(plugin_error("bridge", "ADD", &r, &e) == -1);
	CHECK_HAS(e.hint, "cniVersion");
	program_result_free(&r);
}

static void a_long_error_keeps_its_code(void)
{
	struct program_result r = { .status = 0x100 };

	fill(&r.out, "{\"code\": 5, \"msg\": \"", 100000, "x", "\"}");
	CHECK(plugin_error("bridge", "ADD", &r, &e) == -1);
	CHECK_HAS(e.text, " (code 5)");
	program_result_free(&r);
}

static void the_versions_of_a_plugin_are_read(void)
{
	static const struct {
		const char *text;
		int done;
		unsigned versions;
	} rows[] = {
		{ "{\"cniVersion\": \"1.0.0\", \"supportedVersions\": [\"0.1.0\", \"0.2.0\", \"0.3.0\", "
		  "\"0.3.1\", \"0.4.0\", \"1.0.0\"]}",
		  0,
		  CNI_BIT(CNI_0_3_0) | CNI_BIT(CNI_0_3_1) | CNI_BIT(CNI_0_4_0) |
			  CNI_BIT(CNI_1_0_0) },
		{ "{\"supportedVersions\": [\"1.1.0\", \"1.2.0\"]}", 0, CNI_BIT(CNI_1_1_0) },
		{ "{\"supportedVersions\": []}", 0, 0 },
		{ "{\"supportedVersions\": [1]}", -1, 0 },
		{ "{\"supportedVersions\": \"1.0.0\"}", -1, 0 },
		{ "{}", -1, 0 },
		{ "[]", -1, 0 },
		{ "", -1, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned versions = 0;

		unit_row(rows[i].text);
		CHECK(plugin_versions("bridge", rows[i].text, strlen(rows[i].text), &versions,
				      &e) == rows[i].done);
		CHECK(versions == rows[i].versions);
		if (rows[i].done < 0)
			CHECK_HAS(e.text, "plugin bridge: VERSION: answer");
	}
}

int main(void)
{
	RUN(a_result_of_each_version_is_read);
	RUN(little_is_enough);
	RUN(a_result_without_a_version_gets_that_of_the_configuration);
	RUN(garbage_is_refused_by_the_plugins_name);
	RUN(the_lists_are_bounded);
	RUN(a_result_that_is_too_large_is_refused);
	RUN(errors_of_plugins_become_one_line);
	RUN(a_version_that_a_plugin_does_not_know_has_a_hint);
	RUN(a_long_error_keeps_its_code);
	RUN(the_versions_of_a_plugin_are_read);
	return unit_done();
}
