/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conflist.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#include "tests/unit/unit.h"

static struct error e;

static int parse(struct conflist *c, const char *text)
{
	return conflist_parse(c, "/n/web.conflist", text, strlen(text), &e);
}

static const char chain[] =
	"{\n"
	"  \"cniVersion\": \"0.4.0\",\n"
	"  \"name\": \"web\",\n"
	"  \"plugins\": [\n"
	"    { \"type\": \"bridge\",\n"
	"      \"big\": 18446744073709551616.50e1, \"esc\": \"\\u0062\\/\",\n"
	"      \"ipam\": {\"type\": \"host-local\", \"ranges\": [[{\"subnet\": \"10.1.2.0/24\"}]]} },\n"
	"    {\"capabilities\":{\"portMappings\":true,\"dns\": false},\"type\":\"portmap\",\"snat\":true},\n"
	"    { \"name\": \"mine\", \"type\": \"x\" , \"capabilities\" : {\"dns\": true, \"ips\": true} }\n"
	"  ]\n"
	"}\n";

static void a_chain_is_read(void)
{
	struct conflist c;

	if (!CHECK(parse(&c, chain) == 0))
		return;
	CHECK_STR(c.name, "web");
	CHECK_STR(c.version, "0.4.0");
	CHECK(c.selected == CNI_0_4_0 && c.versions == CNI_BIT(CNI_0_4_0));
	CHECK(!c.disable_check && !c.disable_gc);
	CHECK(c.count == 3);
	CHECK_STR(c.plugins[0].type, "bridge");
	CHECK_STR(c.plugins[0].ipam, "host-local");
	CHECK(!c.plugins[0].port_mappings && !c.plugins[0].dns);
	CHECK_STR(c.plugins[1].type, "portmap");
	CHECK_STR(c.plugins[1].ipam, NULL);
	CHECK(c.plugins[1].port_mappings && !c.plugins[1].dns);
	CHECK(!c.plugins[2].port_mappings && c.plugins[2].dns);
	CHECK(conflist_maps_ports(&c));
	conflist_free(&c);
}

#define LIST(members) "{" members ",\"name\":\"web\",\"plugins\":[{\"type\":\"bridge\"}]}"

static void the_highest_known_version_is_taken(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ LIST("\"cniVersion\":\"0.3.1\""), "0.3.1" },
		{ LIST("\"cniVersion\":\"1.0.0\""), "1.0.0" },
		{ LIST("\"cniVersions\":[\"0.4.0\",\"1.1.0\",\"1.0.0\"]"), "1.1.0" },
		{ LIST("\"cniVersions\":[\"2.0.0\",\"0.4.0\"]"), "0.4.0" },
		{ LIST("\"cniVersion\":\"1.0.0\",\"cniVersions\":[\"0.4.0\"]"), "1.0.0" },
		{ LIST("\"cniVersion\":\"0.4.0\",\"cniVersions\":[\"1.1.0\"]"), "1.1.0" },
		{ LIST("\"cniVersion\":\"9.9.9\",\"cniVersions\":[\"1.0.0\"]"), "1.0.0" },
	};
	struct conflist c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].text);
		if (!CHECK(parse(&c, rows[i].text) == 0))
			continue;
		CHECK_STR(c.version, rows[i].should);
		conflist_free(&c);
	}
}

static void a_version_that_all_plugins_know_is_selected(void)
{
	struct conflist c;

	if (!CHECK(parse(&c, LIST("\"cniVersions\":[\"0.4.0\",\"1.0.0\",\"1.1.0\"]")) == 0))
		return;
	CHECK_STR(c.version, "1.1.0");
	CHECK(conflist_select(&c, CNI_BIT(CNI_1_0_0) | CNI_BIT(CNI_0_4_0) | CNI_BIT(CNI_0_3_1),
			      &e) == 0);
	CHECK_STR(c.version, "1.0.0");
	CHECK(conflist_select(&c, CNI_BIT(CNI_0_3_1), &e) == -1);
	CHECK_HAS(e.text, "network web: its plugins support none of the versions");
	CHECK_STR(c.version, "1.0.0");
	CHECK(conflist_select(&c, CNI_BIT(CNI_VERSIONS) - 1, &e) == 0);
	CHECK_STR(c.version, "1.1.0");
	conflist_free(&c);
}

static void booleans_are_read(void)
{
	struct conflist c;

	if (!CHECK(parse(&c, LIST("\"cniVersion\":\"1.0.0\",\"disableCheck\":true,"
				  "\"disableGC\":true")) == 0))
		return;
	CHECK(c.disable_check && c.disable_gc && !conflist_maps_ports(&c));
	conflist_free(&c);
}

#define NAMED(name) "{\"cniVersion\":\"1.0.0\",\"name\":" name ",\"plugins\":[{\"type\":\"a\"}]}"
#define PLUGINS(list) "{\"cniVersion\":\"1.0.0\",\"name\":\"web\",\"plugins\":" list "}"
#define PLUGIN(members) PLUGINS("[{" members "}]")

static void what_is_wrong_is_refused_by_file_and_place(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "", "is empty" },
		{ "[]", "is not an object" },
		{ "{", "line 1" },
		{ "{}", "has no cniVersion" },
		{ LIST("\"cniVersion\":1"), "cniVersion: is a number" },
		{ LIST("\"cniVersion\":\"0.3.0\""), "cniVersion: no such version is known" },
		{ LIST("\"cniVersion\":\"1.0\""), "cniVersion: no such version is known" },
		{ LIST("\"cniVersions\":[]"), "cniVersions: no such version is known" },
		{ LIST("\"cniVersions\":[\"2.0.0\"]"), "cniVersions: no such version is known" },
		{ LIST("\"cniVersions\":[1]"), "cniVersions[0]: is a number" },
		{ LIST("\"cniVersions\":\"1.1.0\""), "cniVersions: is a string" },
		{ LIST("\"cniVersion\":\"1.0.0\",\"cniVersion\":\"1.0.0\""),
		  "cniVersion: is there twice" },
		{ LIST("\"cniVersion\":\"1.0.0\",\"Name\":\"other\""),
		  "Name: differs from \"name\"" },
		{ LIST("\"cniVersion\":\"1.0.0\",\"name\":\"other\""), "name: is there twice" },
		{ LIST("\"cniVersion\":\"1.0.0\",\"plugins\":[]"), "plugins: is there twice" },
		{ LIST("\"cniVersion\":\"1.0.0\",\"disableCheck\":\"true\""),
		  "disableCheck: is a string" },
		{ LIST("\"cniVersion\":\"1.0.0\",\"disableCheck\":1"),
		  "disableCheck: is a number" },
		{ "{\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"a\"}]}", "has no name" },
		{ NAMED("\"\""), "name" },
		{ NAMED("\"../x\""), "name" },
		{ NAMED("\"-x\""), "name" },
		{ NAMED("\"a b\""), "name" },
		{ NAMED("\"a/b\""), "name" },
		{ NAMED("\"a\\u0000b\""), "name: has a NUL in it" },
		{ NAMED("3"), "name: is a number" },
		{ NAMED("\"pasta\""), "name: 'pasta' is the network that needs no file" },
		{ "{\"cniVersion\":\"1.0.0\",\"name\":\"web\"}", "has no plugins" },
		{ "{\"cniVersion\":\"1.0.0\",\"name\":\"web\",\"type\":\"bridge\"}",
		  "has no plugins" },
		{ PLUGINS("[]"), "has no plugins" },
		{ PLUGINS("{}"), "plugins: is an object" },
		{ PLUGINS("[\"bridge\"]"), "plugins[0]: is a string" },
		{ PLUGINS("[{\"type\":\"a\"},{}]"), "plugins[1]: has no type" },
		{ PLUGIN("\"type\":\"\""), "the type of a plugin is empty" },
		{ PLUGIN("\"type\":\"../../bin/sh\""),
		  "'../../bin/sh' is not allowed as the type" },
		{ PLUGIN("\"type\":\"/bin/sh\""), "'/bin/sh' is not allowed as the type" },
		{ PLUGIN("\"type\":\"..\""), "'..' is not allowed as the type" },
		{ PLUGIN("\"type\":\"a\\/b\""), "'a/b' is not allowed as the type" },
		{ PLUGIN("\"type\":\"a\\u0000\""), "plugins[0].type: has a NUL in it" },
		{ PLUGIN("\"type\":7"), "plugins[0].type: is a number" },
		{ PLUGIN("\"type\":null"), "plugins[0]: has no type" },
		{ PLUGIN("\"type\":\"a\",\"type\":\"b\""), "plugins[0].type: is there twice" },
		{ PLUGIN("\"type\":\"a\",\"TYPE\":\"b\""), "plugins[0].TYPE: differs" },
		{ PLUGIN("\"type\":\"a\",\"name\":\"a\",\"name\":\"b\""),
		  "plugins[0].name: is there twice" },
		{ PLUGIN("\"type\":\"a\",\"capabilities\":[]"),
		  "plugins[0].capabilities: is an array" },
		{ PLUGIN("\"type\":\"a\",\"capabilities\":{\"portMappings\":1}"),
		  "plugins[0].capabilities.portMappings: is a number" },
		{ PLUGIN("\"type\":\"a\",\"capabilities\":{},\"capabilities\":{}"),
		  "is there twice" },
		{ PLUGIN("\"type\":\"a\",\"runtimeConfig\":{}"), "may only be set by the runtime" },
		{ PLUGIN("\"type\":\"a\",\"prevResult\":{}"), "may only be set by the runtime" },
		{ PLUGIN("\"type\":\"a\",\"cni.dev/valid-attachments\":[]"),
		  "may only be set by the runtime" },
		{ PLUGIN("\"type\":\"a\",\"ipam\":{\"type\":\"../x\"}"),
		  "'../x' is not allowed as the type" },
		{ PLUGIN("\"type\":\"a\",\"ipam\":{\"type\":[]}"),
		  "plugins[0].ipam.type: is an array" },
	};
	struct conflist c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].text);
		if (!CHECK(parse(&c, rows[i].text) == -1)) {
			conflist_free(&c);
			continue;
		}
		CHECK_HAS(e.text, "/n/web.conflist: ");
		CHECK_HAS(e.text, rows[i].should);
		CHECK(!c.arena.chunks && !c.text.data);
	}
}

static void an_ipam_without_a_type_is_none(void)
{
	static const char *const rows[] = { PLUGIN("\"type\":\"a\",\"ipam\":{}"),
					    PLUGIN("\"type\":\"a\",\"ipam\":{\"type\":\"\"}"),
					    PLUGIN("\"type\":\"a\",\"ipam\":null"),
					    PLUGIN("\"type\":\"a\",\"ipam\":\"x\"") };
	struct conflist c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i]);
		if (!CHECK(parse(&c, rows[i]) == 0))
			continue;
		CHECK(!c.plugins[0].ipam);
		conflist_free(&c);
	}
}

static void the_number_of_plugins_is_bounded(void)
{
	struct buf b = { 0 };
	struct conflist c;

	for (int n = CONFLIST_PLUGINS_MAX; n <= CONFLIST_PLUGINS_MAX + 1; n++) {
		b.len = 0;
		CHECK(buf_adds(&b, "{\"cniVersion\":\"1.0.0\",\"name\":\"web\",\"plugins\":[") ==
		      0);
		for (int i = 0; i < n; i++)
			CHECK(buf_adds(&b, i ? ",{\"type\":\"a\"}" : "{\"type\":\"a\"}") == 0);
		CHECK(buf_adds(&b, "]}") == 0);
		CHECK(parse(&c, b.data) == (n > CONFLIST_PLUGINS_MAX ? -1 : 0));
		conflist_free(&c);
	}
	CHECK_HAS(e.text, "plugins: has more than 32 elements");
	buf_free(&b);
}

/* --- the standard input of plugins ------------------------------------------- */

static void check_text(const struct conflist *c, size_t i, const struct conf_extras *x,
		       const char *should)
{
	struct buf b = { 0 };

	CHECK(conflist_plugin_text(c, i, x, &b, &e) == 0);
	CHECK_STR(b.data, should);
	buf_free(&b);
}

static void a_plugin_gets_its_object_byte_for_byte(void)
{
	static const struct conf_extras none;
	struct conflist c;

	if (!CHECK(parse(&c, chain) == 0))
		return;
	check_text(&c, 0, &none,
		   "{\"cniVersion\":\"0.4.0\",\"name\":\"web\", \"type\": \"bridge\",\n"
		   "      \"big\": 18446744073709551616.50e1, \"esc\": \"\\u0062\\/\",\n"
		   "      \"ipam\": {\"type\": \"host-local\", \"ranges\": [[{\"subnet\": "
		   "\"10.1.2.0/24\"}]]} }");
	/* Without its capabilities, wherever they are, and by the list's name. */
	check_text(
		&c, 1, &none,
		"{\"cniVersion\":\"0.4.0\",\"name\":\"web\",\"type\":\"portmap\",\"snat\":true}");
	check_text(&c, 2, &none, "{\"cniVersion\":\"0.4.0\", \"name\": \"web\", \"type\": \"x\" }");
	conflist_free(&c);
}

static void the_chain_gets_results_ports_and_name_servers(void)
{
	static const char result[] = "{\"cniVersion\":\"0.4.0\", \"ips\":[ ]}";
	static const char *const dns[] = { "192.0.2.53", "2001:db8::53" };
	static const struct port_range ports[] = {
		{ .proto = PROTO_TCP, .host = 8080, .pod = 80, .count = 1 },
		{ .ip = { 127, 0, 0, 1 },
		  .ip_len = 4,
		  .proto = PROTO_UDP,
		  .host = 53,
		  .pod = 5353,
		  .count = 2 },
		{ .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
		  .ip_len = 16,
		  .proto = PROTO_SCTP,
		  .host = 65535,
		  .pod = 65535,
		  .count = 1 },
	};
	const struct conf_extras x = { .prev_result = result,
				       .prev_len = strlen(result),
				       .ports = ports,
				       .port_count = 3,
				       .dns = dns,
				       .dns_count = 2 };
	struct conflist c;

	if (!CHECK(parse(&c, chain) == 0))
		return;
	check_text(&c, 0, &x,
		   "{\"cniVersion\":\"0.4.0\",\"name\":\"web\","
		   "\"prevResult\":{\"cniVersion\":\"0.4.0\", \"ips\":[ ]}, \"type\": \"bridge\",\n"
		   "      \"big\": 18446744073709551616.50e1, \"esc\": \"\\u0062\\/\",\n"
		   "      \"ipam\": {\"type\": \"host-local\", \"ranges\": [[{\"subnet\": "
		   "\"10.1.2.0/24\"}]]} }");
	check_text(
		&c, 1, &x,
		"{\"cniVersion\":\"0.4.0\",\"name\":\"web\","
		"\"prevResult\":{\"cniVersion\":\"0.4.0\", \"ips\":[ ]},"
		"\"runtimeConfig\":{\"portMappings\":["
		"{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\"},"
		"{\"hostPort\":53,\"containerPort\":5353,\"protocol\":\"udp\",\"hostIP\":\"127.0.0.1\"},"
		"{\"hostPort\":54,\"containerPort\":5354,\"protocol\":\"udp\",\"hostIP\":\"127.0.0.1\"},"
		"{\"hostPort\":65535,\"containerPort\":65535,\"protocol\":\"sctp\","
		"\"hostIP\":\"2001:db8::1\"}]},"
		"\"type\":\"portmap\",\"snat\":true}");
	check_text(&c, 2, &x,
		   "{\"cniVersion\":\"0.4.0\","
		   "\"prevResult\":{\"cniVersion\":\"0.4.0\", \"ips\":[ ]},"
		   "\"runtimeConfig\":{\"dns\":{\"servers\":[\"192.0.2.53\",\"2001:db8::53\"]}},"
		   " \"name\": \"web\", \"type\": \"x\" }");
	conflist_free(&c);
}

static void a_rate_alone_is_passed_on(void)
{
	const struct conf_extras x = { .bandwidth = { .egress = 1000000 } };
	struct conflist c;

	if (!CHECK(parse(&c, PLUGIN("\"type\":\"a\",\"capabilities\":{\"bandwidth\":true}")) == 0))
		return;
	CHECK(conflist_limits_rates(&c));
	check_text(&c, 0, &x,
		   "{\"cniVersion\":\"1.0.0\",\"name\":\"web\",\"runtimeConfig\":{\"bandwidth\":{"
		   "\"egressRate\":1000000,\"egressBurst\":131072}},\"type\":\"a\"}");
	conflist_free(&c);
	if (!CHECK(parse(&c, PLUGIN("\"type\":\"a\",\"capabilities\":{\"dns\":true}")) == 0))
		return;
	CHECK(!conflist_limits_rates(&c));
	check_text(&c, 0, &x, "{\"cniVersion\":\"1.0.0\",\"name\":\"web\",\"type\":\"a\"}");
	conflist_free(&c);
}

static void all_capabilities_share_one_object(void)
{
	static const struct port_range port = { .host = 1, .pod = 2, .count = 1 };
	static const char *const dns[] = { "192.0.2.53" };
	const struct conf_extras x = {
		.ports = &port,
		.port_count = 1,
		.dns = dns,
		.dns_count = 1,
		.bandwidth = { .ingress = 10000000, .egress = 2000 },
	};
	struct conflist c;

	if (!CHECK(parse(&c, PLUGIN("\"type\":\"a\",\"cniVersion\":\"0.1.0\",\"args\":{\"a\":1},"
				    "\"capabilities\":{\"portMappings\":true,\"dns\":true,"
				    "\"bandwidth\":true}")) == 0))
		return;
	check_text(&c, 0, &x,
		   "{\"name\":\"web\",\"runtimeConfig\":{\"portMappings\":["
		   "{\"hostPort\":1,\"containerPort\":2,\"protocol\":\"tcp\"}],"
		   "\"dns\":{\"servers\":[\"192.0.2.53\"]},"
		   "\"bandwidth\":{\"ingressRate\":10000000,\"ingressBurst\":1000000,"
		   "\"egressRate\":2000,\"egressBurst\":131072}},"
		   "\"type\":\"a\",\"cniVersion\":\"1.0.0\",\"args\":{\"a\":1}}");
	conflist_free(&c);
}

static void gc_gets_the_attachments_that_exist(void)
{
	static const struct conf_attachment two[] = { { "0a", "eth0" }, { "0b", "eth1" } };
	struct conf_extras x = { .gc = true };
	struct conflist c;

	if (!CHECK(parse(&c, PLUGIN("\"type\":\"a\"")) == 0))
		return;
	/* An empty list says that none exists. */
	check_text(&c, 0, &x,
		   "{\"cniVersion\":\"1.0.0\",\"name\":\"web\",\"cni.dev/valid-attachments\":[],"
		   "\"cni.dev/attachments\":[],\"type\":\"a\"}");
	x.attachments = two;
	x.attachment_count = 2;
	check_text(&c, 0, &x,
		   "{\"cniVersion\":\"1.0.0\",\"name\":\"web\",\"cni.dev/valid-attachments\":["
		   "{\"containerID\":\"0a\",\"ifname\":\"eth0\"},"
		   "{\"containerID\":\"0b\",\"ifname\":\"eth1\"}],\"cni.dev/attachments\":["
		   "{\"containerID\":\"0a\",\"ifname\":\"eth0\"},"
		   "{\"containerID\":\"0b\",\"ifname\":\"eth1\"}],\"type\":\"a\"}");
	conflist_free(&c);
}

/* --- the directory ------------------------------------------------------------- */

static char bed[32];
static int bed_fd;

static void bed_make(void)
{
	strcpy(bed, "/tmp/test_conf.XXXXXX");
	if (!mkdtemp(bed)) {
		perror("mkdtemp");
		exit(1);
	}
	bed_fd = open(bed, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(bed_fd >= 0);
}

static void bed_remove(void)
{
	close(bed_fd);
	CHECK(rmdir(bed) == 0);
}

static void put(const char *file, const char *text, mode_t mode)
{
	int fd = openat(bed_fd, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write_all(fd, text, strlen(text)) == 0 && fchmod(fd, mode) == 0);
	close(fd);
}

static void put_network(const char *file, const char *name)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "{\"cniVersion\":\"1.0.0\",\"name\":\"%s\",\"plugins\":[{\"type\":\"a\"}]}", name);
	put(file, text, 0644);
}

static void drop(const char *file)
{
	CHECK(unlinkat(bed_fd, file, 0) == 0);
}

static bool loads(const char *name)
{
	struct conflist c;

	if (!CHECK(conflist_load(&c, bed, name, &e) == 0))
		return false;
	CHECK_STR(c.name, name);
	conflist_free(&c);
	return true;
}

static void fails(const char *name, const char *why)
{
	struct conflist c;

	CHECK(conflist_load(&c, bed, name, &e) == -1);
	CHECK_HAS(e.text, why);
	CHECK(!c.name && !c.text.data);
}

static void a_network_is_found_by_its_name(void)
{
	bed_make();
	put_network("a.conflist", "web");
	put_network("b.conflist", "db");
	put_network(".c.conflist", "hidden");
	put_network("d.conf", "conf");
	put_network("e.conflist.bak", "bak");
	CHECK(loads("web"));
	CHECK(loads("db"));
	fails("hidden", "there is no network hidden");
	fails("conf", "there is no network conf");
	fails("bak", "there is no network bak");
	fails("a", "there is no network a in ");
	drop("a.conflist");
	drop("b.conflist");
	drop(".c.conflist");
	drop("d.conf");
	drop("e.conflist.bak");
	bed_remove();
}

static void an_unknown_network_is_said_with_those_that_are_there(void)
{
	char should[200];
	struct conflist c;

	bed_make();
	snprintf(should, sizeof(should),
		 "there is no network x in %s/*.conflist (networks there: none)", bed);
	fails("x", should);
	CHECK(e.num == ENOENT);
	put_network("2.conflist", "web");
	put_network("1.conflist", "db");
	snprintf(should, sizeof(should),
		 "there is no network x in %s/*.conflist (networks there: db, web)", bed);
	fails("x", should);
	CHECK_STR(e.hint, "");
	put("3.conflist", "{", 0644);
	fails("x", should);
	CHECK_HAS(e.hint, "3.conflist: line 1");
	/* What is wrong with one network does not keep others from being used. */
	CHECK(loads("web"));
	drop("1.conflist");
	drop("2.conflist");
	drop("3.conflist");
	bed_remove();
	CHECK(conflist_load(&c, "/nowhere/net.d", "x", &e) == -1);
	CHECK_HAS(e.text,
		  "there is no network x in /nowhere/net.d/*.conflist (networks there: none)");
}

static void two_files_with_the_same_name_are_both_named(void)
{
	bed_make();
	put_network("a.conflist", "web");
	put_network("b.conflist", "web");
	put_network("c.conflist", "db");
	fails("web", "network web is in two files: /tmp/test_conf.");
	CHECK_HAS(e.text, "/a.conflist and /tmp/");
	CHECK_HAS(e.text, "/b.conflist");
	CHECK(loads("db"));
	drop("a.conflist");
	CHECK(loads("web"));
	drop("b.conflist");
	drop("c.conflist");
	bed_remove();
}

/* Is the file refused for this reason? */
static void is_refused(const char *why)
{
	struct conflist c;

	CHECK(conflist_load(&c, bed, "web", &e) == -1);
	CHECK_HAS(e.text, "there is no network web");
	CHECK_HAS(e.hint, why);
}

static void files_that_others_can_change_are_refused(void)
{
	static const mode_t bad[] = { 0664, 0646, 0666 };

	bed_make();
	put_network("a.conflist", "web");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(fchmodat(bed_fd, "a.conflist", bad[i], 0) == 0);
		is_refused("may be written to by others");
	}
	CHECK(fchmodat(bed_fd, "a.conflist", 0644, 0) == 0);
	CHECK(loads("web"));
	CHECK(fchmod(bed_fd, 0777) == 0);
	fails("web", "may be written to by others");
	CHECK(fchmod(bed_fd, 0775) == 0);
	fails("web", "may be written to by others");
	CHECK(fchmod(bed_fd, 0755) == 0);
	CHECK(loads("web"));
	drop("a.conflist");
	bed_remove();
}

static void those_of_other_users_are_refused(void)
{
	if (geteuid() != 0) {
		unit_skip("only root can give files away");
		return;
	}
	bed_make();
	put_network("a.conflist", "web");
	CHECK(fchownat(bed_fd, "a.conflist", 12345, 0, 0) == 0);
	is_refused("belongs to uid 12345");
	CHECK(fchownat(bed_fd, "a.conflist", 0, 0, 0) == 0);
	CHECK(loads("web"));
	CHECK(fchown(bed_fd, 12345, 0) == 0);
	fails("web", "belongs to uid 12345");
	CHECK(fchown(bed_fd, 0, 0) == 0);
	drop("a.conflist");
	bed_remove();
}

static void what_is_no_regular_file_is_refused(void)
{
	char link[40];
	struct conflist c;

	bed_make();
	put_network("real", "web");
	CHECK(symlinkat("real", bed_fd, "a.conflist") == 0);
	is_refused("is a symbolic link, which is not followed");
	drop("a.conflist");
	CHECK(mkdirat(bed_fd, "a.conflist", 0755) == 0);
	is_refused("is not a regular file");
	CHECK(unlinkat(bed_fd, "a.conflist", AT_REMOVEDIR) == 0);
	/* It must not be waited for. */
	CHECK(mkfifoat(bed_fd, "a.conflist", 0600) == 0);
	is_refused("is not a regular file");
	drop("a.conflist");
	CHECK(renameat(bed_fd, "real", bed_fd, "a.conflist") == 0);
	CHECK(loads("web"));
	snprintf(link, sizeof(link), "%s.link", bed);
	CHECK(symlink(bed, link) == 0);
	CHECK(conflist_load(&c, link, "web", &e) == -1);
	CHECK_HAS(e.hint, "a symbolic link is not followed");
	CHECK(unlink(link) == 0);
	drop("a.conflist");
	bed_remove();
}

static void a_file_of_1_mib_is_the_largest(void)
{
	char *text = malloc(CONFLIST_SIZE_MAX + 2);
	static const char json[] = NAMED("\"web\"");

	if (!CHECK(text != NULL))
		return;
	memset(text, '\n', CONFLIST_SIZE_MAX + 1);
	memcpy(text, json, strlen(json));
	bed_make();
	text[CONFLIST_SIZE_MAX] = '\0';
	put("a.conflist", text, 0644);
	CHECK(loads("web"));
	drop("a.conflist");
	text[CONFLIST_SIZE_MAX] = '\n';
	text[CONFLIST_SIZE_MAX + 1] = '\0';
	put("a.conflist", text, 0644);
	is_refused("larger than 1048576 bytes");
	drop("a.conflist");
	bed_remove();
	free(text);
}

/* One line for each file: its name, its network, and whether there is a reason. */
static int note(void *arg, const char *path, struct conflist *c, const struct error *why,
		struct error *err)
{
	struct buf *b = arg;

	(void)err;
	return buf_addf(b, "%s %s%s\n", strrchr(path, '/') + 1, c ? c->name : "-", why ? " !" : "");
}

static int stop(void *arg, const char *path, struct conflist *c, const struct error *why,
		struct error *err)
{
	(void)path;
	(void)c;
	(void)why;
	(void)err;
	return ++*(int *)arg;
}

static void all_are_visited_in_order(void)
{
	struct buf b = { 0 };
	int calls = 0;

	bed_make();
	put_network("20.conflist", "web");
	put_network("10.conflist", "db");
	put_network("30.conflist", "web");
	put("40.conflist", "x", 0644);
	put("README", "x", 0644);
	CHECK(conflist_each(bed, note, &b, &e) == 0);
	CHECK_STR(b.data, "10.conflist db\n20.conflist web\n30.conflist web !\n40.conflist - !\n");
	CHECK(conflist_each(bed, stop, &calls, &e) == 1 && calls == 1);
	CHECK(conflist_each("/nowhere/net.d", stop, &calls, &e) == 0 && calls == 1);
	buf_free(&b);
	drop("10.conflist");
	drop("20.conflist");
	drop("30.conflist");
	drop("40.conflist");
	drop("README");
	bed_remove();
}

int main(void)
{
	RUN(a_chain_is_read);
	RUN(the_highest_known_version_is_taken);
	RUN(a_version_that_all_plugins_know_is_selected);
	RUN(booleans_are_read);
	RUN(what_is_wrong_is_refused_by_file_and_place);
	RUN(an_ipam_without_a_type_is_none);
	RUN(the_number_of_plugins_is_bounded);
	RUN(a_plugin_gets_its_object_byte_for_byte);
	RUN(the_chain_gets_results_ports_and_name_servers);
	RUN(a_rate_alone_is_passed_on);
	RUN(all_capabilities_share_one_object);
	RUN(gc_gets_the_attachments_that_exist);
	RUN(a_network_is_found_by_its_name);
	RUN(an_unknown_network_is_said_with_those_that_are_there);
	RUN(two_files_with_the_same_name_are_both_named);
	RUN(files_that_others_can_change_are_refused);
	RUN(those_of_other_users_are_refused);
	RUN(what_is_no_regular_file_is_refused);
	RUN(a_file_of_1_mib_is_the_largest);
	RUN(all_are_visited_in_order);
	return unit_done();
}
