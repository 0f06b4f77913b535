/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/config.h"

#include "tests/unit/unit.h"

static struct error e;

static int parse(struct config *c, const char *text)
{
	return config_parse(c, "config.json", text, strlen(text), &e);
}

static bool parses(struct config *c, const char *text)
{
	unit_row(text);
	if (CHECK(parse(c, text) == 0))
		return true;
	printf("# %s\n", e.text);
	return false;
}

static const char full[] =
	"{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"x\"],\"env\":[\"PATH=/"
	"bin\",\"HOSTNAME=a\","
	"\"HOSTNAMES=b\",\"HOSTNAME=\"],\"rlimits\":[{\"hard\":18446744073709551615}]},"
	"\"hostname\":\"h\\u00e9\",\"domainname\":\"d\","
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\"},"
	"{\"destination\":\"/dev/"
	"shm\",\"type\":\"tmpfs\",\"source\":\"shm\",\"options\":[\"nosuid\","
	"\"size=64m\"]}],"
	"\"annotations\":{\"a\":\"b\",\"n\":null,\"x\":1,\"d\":\"1\",\"\\u0064\":\"2\"},"
	"\"linux\":{\"seccomp\":{\"syscalls\":[{\"names\":[\"a\"],\"path\":\"x\"}]},"
	"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/run/netns/n\"},"
	"{\"type\":\"ipc\",\"path\":\"\"},{\"path\":null,\"type\":\"uts\"},{\"type\":\"mount\"}],"
	"\"sysctl\":{\"net.b\":\"2\",\"net.a\":\"1\"},\"mountLabel\":\"l\","
	"\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536},{\"containerID\":"
	"65536,"
	"\"size\":4294967295,\"hostID\":4294967295}],\"gidMappings\":[{\"size\":1}]}}";

static void reads_everything(void)
{
	struct config c;
	uint32_t second;

	if (!CHECK(parse(&c, full) == 0)) {
		printf("# %s\n", e.text);
		return;
	}
	CHECK_STR(c.hostname, "h\xc3\xa9");
	CHECK_STR(c.domainname, "d");
	CHECK(json_str_is(&c.doc, c.env_hostname, "HOSTNAME=a"));
	second = config_next_env_hostname(&c, c.env_hostname);
	CHECK(json_str_is(&c.doc, second, "HOSTNAME="));
	CHECK(config_next_env_hostname(&c, second) == JSON_NONE);
	CHECK_STR(c.ns[NS_NET].path, "/run/netns/n");
	CHECK(c.ns[NS_IPC].entry != JSON_NONE && c.ns[NS_IPC].path_node != JSON_NONE);
	CHECK(!c.ns[NS_IPC].path && !c.ns[NS_UTS].path);
	CHECK(c.ns[NS_UTS].path_node != JSON_NONE);
	CHECK(c.ns[NS_MNT].entry != JSON_NONE && c.ns[NS_MNT].path_node == JSON_NONE);
	CHECK(c.ns[NS_USER].entry == JSON_NONE && c.ns[NS_CGROUP].entry == JSON_NONE);
	CHECK_STR(c.shm_type, "tmpfs");
	CHECK_STR(c.shm_source, "shm");
	CHECK(c.shm_option_count == 2);
	CHECK_STR(c.shm_options[1], "size=64m");
	CHECK(!c.shm_below && !config_shm_is_bind(&c));
	CHECK_STR(c.mount_label, "l");
	CHECK(c.sysctl_count == 2);
	CHECK_STR(c.sysctls[0].key, "net.b");
	CHECK_STR(c.sysctls[1].value, "1");
	CHECK(c.uid_maps.count == 2 && c.uid_maps.map[0].host == 100000);
	CHECK(c.uid_maps.map[1].container == 65536 && c.uid_maps.map[1].size == UINT32_MAX);
	CHECK(c.gid_maps.count == 1 && !c.gid_maps.map[0].container && c.gid_maps.map[0].size == 1);
	/* What nobody reads is not kept. */
	for (uint32_t i = 1; i < c.doc.count; i++)
		CHECK(!json_key_is(&c.doc, i, "seccomp") && !json_key_is(&c.doc, i, "rlimits"));
	config_free(&c);
}

static void reads_annotations(void)
{
	const char *value;
	struct config c;
	uint32_t node;

	CHECK(parse(&c, full) == 0);
	CHECK(config_annotation(&c, "a", &value, &node, &e) == 0 && node != JSON_NONE);
	CHECK_STR(value, "b");
	CHECK(config_annotation(&c, "A", &value, &node, &e) == 0 && !value && node == JSON_NONE);
	CHECK(config_annotation(&c, "x", &value, NULL, &e) == -1);
	CHECK_STR(e.text, "config.json: annotations.x: is a number, not a string");
	CHECK(config_annotation(&c, "n", &value, NULL, &e) == -1);
	CHECK(config_annotation(&c, "d", &value, NULL, &e) == -1);
	CHECK_STR(e.text, "config.json: annotations.d: is there twice");
	config_free(&c);
	CHECK(parse(&c, "{\"annotations\":null}") == 0);
	CHECK(c.annotations == JSON_NONE && c.annotations_null == 1);
	CHECK(config_annotation(&c, "a", &value, &node, &e) == 0 && !value && node == JSON_NONE);
	config_free(&c);
}

static void absent_in_every_way(void)
{
	static const char *const rows[] = {
		"{}",
		"{\"process\":null,\"hostname\":null,\"domainname\":null,\"mounts\":null,"
		"\"annotations\":null,\"linux\":null}",
		"{\"process\":{},\"hostname\":\"\",\"domainname\":\"\",\"mounts\":[],\"linux\":{}}",
		"{\"process\":{\"env\":null},\"mounts\":[null,{},{\"destination\":null}],"
		"\"linux\":{\"namespaces\":null,\"sysctl\":null,\"uidMappings\":null,"
		"\"gidMappings\":null,\"mountLabel\":null,\"timeOffsets\":null}}",
		"{\"process\":{\"env\":[null,\"\"]},\"linux\":{\"namespaces\":[],\"sysctl\":{},"
		"\"uidMappings\":[],\"gidMappings\":[],\"mountLabel\":\"\",\"timeOffsets\":{}}}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct config c;

		if (!parses(&c, rows[i]))
			continue;
		CHECK(!c.hostname && !c.domainname && !c.mount_label && !c.shm_type);
		CHECK(c.env_hostname == JSON_NONE && c.annotations == JSON_NONE);
		CHECK(c.shm == JSON_NONE && !c.sysctl_count && !c.uid_maps.count);
		CHECK(!c.time_offsets);
		for (int t = 0; t < NS_TYPES; t++)
			CHECK(c.ns[t].entry == JSON_NONE && !c.ns[t].path);
		config_free(&c);
	}
}

/* Which clock and how much is the runtime's to read. */
static void knows_time_offsets(void)
{
	static const char *const rows[] = {
		"{\"linux\":{\"timeOffsets\":{\"monotonic\":{\"secs\":1,\"nanosecs\":0}}}}",
		"{\"linux\":{\"timeOffsets\":{\"boottime\":{}}}}",
		"{\"linux\":{\"timeOffsets\":{\"boottime\":null}}}",
		"{\"linux\":{\"timeOffsets\":{\"another\":1}}}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct config c;

		if (!parses(&c, rows[i]))
			continue;
		CHECK(c.time_offsets);
		config_free(&c);
	}
}

static void refuses(void)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "[]", "config.json: is not an object" },
		{ "null", "config.json: is not an object" },
		{ "{\"linux\":[]}", "config.json: linux: is an array, not an object" },
		{ "{\"linux\":\"\"}", "linux: is a string" },
		{ "{\"process\":1}", "config.json: process: is a number, not an object" },
		{ "{\"hostname\":1}", "config.json: hostname: is a number, not a string" },
		{ "{\"hostname\":\"a\\u0000\"}", "hostname: has a NUL in it" },
		{ "{\"hostname\":\"\\ud800\"}", "surrogate" },
		{ "{\"domainname\":[]}", "domainname: is an array" },
		{ "{\"annotations\":[]}", "annotations: is an array, not an object" },
		{ "{\"mounts\":{}}", "mounts: is an object, not an array" },
		{ "{\"mounts\":[1]}", "mounts[0]: is a number, not an object" },
		{ "{\"mounts\":[{\"destination\":1}]}", "mounts[0].destination: is a number" },
		{ "{\"mounts\":[{},{\"destination\":\"/a\\u0000\"}]}",
		  "mounts[1].destination: has" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",\"type\":1}]}",
		  "mounts[0].type: is" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",\"source\":1}]}", "source: is" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",\"options\":{}}]}", "options: is" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",\"options\":[1]}]}",
		  "options[0]: is" },
		{ "{\"process\":{\"env\":{}}}", "process.env: is an object, not an array" },
		{ "{\"process\":{\"env\":[\"a\",1]}}", "process.env[1]: is a number" },
		{ "{\"process\":{\"env\":[\"HOSTNAME=\\u0000\"]}}", "process.env[0]: has a NUL" },
		{ "{\"linux\":{\"namespaces\":{}}}", "linux.namespaces: is an object" },
		{ "{\"linux\":{\"namespaces\":[1]}}", "linux.namespaces[0]: is a number" },
		{ "{\"linux\":{\"namespaces\":[null]}}", "linux.namespaces[0]: is null" },
		{ "{\"linux\":{\"namespaces\":[{}]}}", "linux.namespaces[0]: has no type" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":null}]}}", "namespaces[0]: has no type" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":1}]}}",
		  "namespaces[0].type: is a number" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"net\"}]}}",
		  "unknown namespace type 'net'" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"\"}]}}", "unknown namespace type ''" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"uts\"},{\"type\":\"ut\\u0073\"}]}}",
		  "linux.namespaces[1]: namespace type uts is there twice" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]}}",
		  "namespace type pid is there twice" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"uts\",\"path\":\"a\"}]}}",
		  "linux.namespaces[0].path: is not an absolute path" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"uts\",\"path\":1}]}}",
		  "path: is a number" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"uts\",\"path\":\"/a\\u0000\"}]}}",
		  "path: has a NUL in it" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"uts\",\"Path\":\"/a\"}]}}",
		  "linux.namespaces[0].Path: differs from \"path\" only in case" },
		{ "{\"linux\":{\"sysctl\":[]}}", "linux.sysctl: is an array" },
		{ "{\"linux\":{\"sysctl\":{\"a\":1}}}", "linux.sysctl.a: is a number" },
		{ "{\"linux\":{\"sysctl\":{\"a\":null}}}", "linux.sysctl.a: is null" },
		{ "{\"linux\":{\"sysctl\":{\"a\\u0000\":\"1\"}}}", "has a NUL in it" },
		{ "{\"linux\":{\"sysctl\":{\"a\":\"1\\u0000\"}}}",
		  "linux.sysctl.a: has a NUL in it" },
		{ "{\"linux\":{\"sysctl\":{\"a.b\":\"1\",\"c\":\"2\",\"a\\u002eb\":\"1\"}}}",
		  "linux.sysctl: a.b is there twice" },
		{ "{\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":0}]}}",
		  "linux.uidMappings[0]: has no size" },
		{ "{\"linux\":{\"uidMappings\":[{\"size\":null}]}}", "has no size" },
		{ "{\"linux\":{\"uidMappings\":[{\"size\":-1}]}}", "size: is not a whole number" },
		{ "{\"linux\":{\"uidMappings\":[{\"size\":1.0}]}}", "size: is not a whole number" },
		{ "{\"linux\":{\"uidMappings\":[{\"size\":4294967296}]}}", "from 0 to 4294967295" },
		{ "{\"linux\":{\"gidMappings\":[{\"size\":1,\"hostID\":\"0\"}]}}",
		  "linux.gidMappings[0].hostID: is a string, not a number" },
		{ "{\"linux\":{\"gidMappings\":[null]}}", "linux.gidMappings[0]: is null" },
		{ "{\"linux\":{\"mountLabel\":1}}", "linux.mountLabel: is a number" },
		{ "{\"linux\":{\"timeOffsets\":[]}}",
		  "linux.timeOffsets: is an array, not an object" },
		{ "{\"linux\":{\"timeOffsets\":\"\"}}", "linux.timeOffsets: is a string" },
		{ "{\"linux\":{\"timeOffsets\":{\"boottime\":1}}}",
		  "linux.timeOffsets.boottime: is a number, not an object" },
		{ "{\"linux\":{}}x", "trailing data" },
		{ "{\"linux\":{}", "truncated" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct config c;

		unit_row(rows[i].text);
		CHECK(parse(&c, rows[i].text) == -1);
		CHECK_HAS(e.text, rows[i].says);
		CHECK(!c.doc.nodes && !c.doc.arena.chunks);
	}
}

/* Every member of a structure that we read, with a duplicate and a look-alike of each. */
static void refuses_duplicates_and_lookalikes(void)
{
	static const struct {
		const char *before, *name, *value, *behind;
	} rows[] = {
		{ "{", "annotations", "{}", "}" },
		{ "{", "hostname", "\"a\"", "}" },
		{ "{", "domainname", "\"a\"", "}" },
		{ "{", "process", "{}", "}" },
		{ "{", "mounts", "[]", "}" },
		{ "{", "linux", "{}", "}" },
		{ "{\"process\":{", "env", "[]", "}}" },
		{ "{\"linux\":{", "namespaces", "[]", "}}" },
		{ "{\"linux\":{", "sysctl", "{}", "}}" },
		{ "{\"linux\":{", "uidMappings", "[]", "}}" },
		{ "{\"linux\":{", "gidMappings", "[]", "}}" },
		{ "{\"linux\":{", "mountLabel", "\"a\"", "}}" },
		{ "{\"linux\":{", "timeOffsets", "{}", "}}" },
		{ "{\"linux\":{\"timeOffsets\":{", "monotonic", "{}", "}}}" },
		{ "{\"linux\":{\"timeOffsets\":{", "boottime", "{}", "}}}" },
		{ "{\"linux\":{\"namespaces\":[{", "type", "\"uts\"", "}]}}" },
		{ "{\"linux\":{\"namespaces\":[{\"type\":\"uts\",", "path", "\"/a\"", "}]}}" },
		{ "{\"linux\":{\"uidMappings\":[{", "size", "1", "}]}}" },
		{ "{\"linux\":{\"gidMappings\":[{\"size\":1,", "hostID", "1", "}]}}" },
		{ "{\"linux\":{\"gidMappings\":[{\"size\":1,", "containerID", "1", "}]}}" },
		{ "{\"mounts\":[{", "destination", "\"/dev/shm\"", "}]}" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",", "type", "\"a\"", "}]}" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",", "source", "\"a\"", "}]}" },
		{ "{\"mounts\":[{\"destination\":\"/dev/shm\",", "options", "[]", "}]}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int how = 0; how < 4; how++) {
			cleanup_buf struct buf b = { 0 };
			const char *n = rows[i].name, *v = rows[i].value;
			struct config c;

			buf_addf(&b, "%s\"%s\":%s,", rows[i].before, n, v);
			if (how == 0)
				buf_addf(&b, "\"%s\":%s", n, v);
			else if (how == 1)
				buf_addf(&b, "\"\\u%04x%s\":%s", (unsigned)*n, n + 1, v);
			else if (how == 2)
				buf_addf(&b, "\"%c%s\":null", *n - 0x20, n + 1);
			else
				buf_addf(&b, "\"z\":%s", v); /* nothing to object to */
			buf_adds(&b, rows[i].behind);
			unit_row(b.data);
			CHECK(parse(&c, b.data) == (how == 3 ? 0 : -1));
			if (how == 3)
				config_free(&c);
			else
				CHECK_HAS(e.text, how == 2 ? "only in case" : "is there twice");
		}
	}
}

static void unicode_lookalikes(void)
{
	struct config c;

	CHECK(parse(&c, "{\"mount\xc5\xbf\":[]}") == -1);
	CHECK_HAS(e.text, "only in case");
	CHECK(parse(&c, "{\"host\\u006eame\":\"a\"}") == 0);
	CHECK_STR(c.hostname, "a");
	config_free(&c);
	CHECK(parse(&c, "{\"\\u017fource\":1,\"mounts\":[{\"destination\":\"/dev/shm\","
			"\"\\u017fource\":\"x\"}]}") == -1);
	CHECK_HAS(e.text, "only in case");
}

/* crun 1.8.1 takes the first of these for the one that it looks like. */
static void nul_lookalikes(void)
{
	static const char *const rows[] = {
		"{\"linux\\u0000\":{},\"linux\":{}}",
		"{\"hostname\\u0000x\":\"a\"}",
		"{\"linux\":{\"namespaces\":[{\"type\\u0000\":\"pid\",\"type\":\"uts\"}]}}",
		"{\"mounts\":[{\"destination\":\"/a\",\"destination\\u0000\":\"/dev/shm\"}]}",
	};
	const char *value;
	struct config c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK(parse(&c, rows[i]) == -1);
		CHECK_HAS(e.text, "has a NUL in its name");
	}
	CHECK(parse(&c, "{\"annotations\":{\"a\\u0000b\":\"x\",\"a\":\"y\",\"b\":\"z\"}}") == 0);
	CHECK(config_annotation(&c, "a", &value, NULL, &e) == -1);
	CHECK_HAS(e.text, "has a NUL in its name");
	CHECK(config_annotation(&c, "b", &value, NULL, &e) == 0);
	CHECK_STR(value, "z");
	config_free(&c);
}

#define ON_ETC_FILE(file) (MOUNT_ON_ETC_FILE + (unsigned)(file))

static void sees_through_paths(void)
{
	static const struct {
		const char *path;
		enum mount_place place;
	} rows[] = {
		{ "/dev/shm", MOUNT_ON_SHM },
		{ "/dev/shm/", MOUNT_ON_SHM },
		{ "//dev///shm//", MOUNT_ON_SHM },
		{ "/dev/./shm/.", MOUNT_ON_SHM },
		{ "dev/shm", MOUNT_ON_SHM },
		{ "./dev/shm", MOUNT_ON_SHM },
		{ "/dev/x/../shm", MOUNT_ON_SHM },
		{ "/../dev/shm", MOUNT_ON_SHM },
		{ "/a/../../dev/b/c/../../shm", MOUNT_ON_SHM },
		{ "/dev/shm/x/..", MOUNT_ON_SHM },
		{ "/dev/\\u0073hm", MOUNT_ON_SHM },
		{ "\\/dev\\/shm", MOUNT_ON_SHM },
		{ "/dev/shm/a", MOUNT_BELOW_SHM },
		{ "/dev//shm/./a/", MOUNT_BELOW_SHM },
		{ "/dev/shmx", MOUNT_ELSEWHERE },
		{ "/dev/shm/../x", MOUNT_ELSEWHERE },
		{ "/dev/shm/..", MOUNT_ELSEWHERE },
		{ "/x/dev/shm", MOUNT_ELSEWHERE },
		{ "/dev/sh", MOUNT_ELSEWHERE },
		{ "/dev/...shm", MOUNT_ELSEWHERE },
		{ "/", MOUNT_ON_ETC },
		{ "etc", MOUNT_ON_ETC },
		{ "/usr/../etc/", MOUNT_ON_ETC },
		{ "/etc/x", MOUNT_ELSEWHERE },
		{ "/usr/etc", MOUNT_ELSEWHERE },
		{ "/etc/hosts", ON_ETC_FILE(ETC_HOSTS) },
		{ "etc/./hosts/", ON_ETC_FILE(ETC_HOSTS) },
		{ "/\\u0065tc/resolv.conf", ON_ETC_FILE(ETC_RESOLV_CONF) },
		{ "/etc//hostname", ON_ETC_FILE(ETC_HOSTNAME) },
		{ "/etc/hosts/x", MOUNT_ELSEWHERE },
		{ "", MOUNT_ELSEWHERE },
		{ "/dev", MOUNT_ELSEWHERE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf b = { 0 };
		enum mount_place place;
		struct config c;

		buf_addf(&b, "{\"mounts\":[{\"destination\":\"%s\"}]}", rows[i].path);
		unit_row(rows[i].path);
		CHECK(parse(&c, b.data) == 0);
		CHECK(config_mount_place(&c.doc, 2, &place, &e) == 0 && place == rows[i].place);
		CHECK((c.shm == 2) == (place == MOUNT_ON_SHM));
		CHECK(c.shm_below == (place == MOUNT_BELOW_SHM));
		CHECK(c.etc_covered == (place == MOUNT_ON_ETC));
		for (int k = 0; k < CONFIG_ETC_FILES; k++)
			CHECK((c.etc[k].mount == 2) == (place == ON_ETC_FILE(k)));
		config_free(&c);
	}
}

/* Mounts elsewhere are forgotten as they are read; what is in doubt is not. */
static void reads_mounts_on_files_of_etc(void)
{
	struct config c;

	CHECK(parse(&c,
		    "{\"mounts\":[{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"/a\"},"
		    "{\"destination\":\"/x\",\"source\":7},"
		    "{\"destination\":\"/etc//hosts\",\"options\":[\"rbind\"],\"source\":\"/b\"},"
		    "{\"destination\":\"/etc/resolv.conf\",\"options\":[\"ro\"]}]}") == 0);
	CHECK(c.etc[ETC_HOSTS].count == 2 && c.etc[ETC_HOSTS].bind);
	CHECK_STR(c.etc[ETC_HOSTS].source, "/b");
	CHECK(c.etc[ETC_RESOLV_CONF].count == 1 && !c.etc[ETC_RESOLV_CONF].bind);
	CHECK_STR(c.etc[ETC_RESOLV_CONF].source, NULL);
	CHECK(!c.etc[ETC_HOSTNAME].count && c.etc[ETC_HOSTNAME].mount == JSON_NONE);
	CHECK(c.mounts == 1 && c.mounts_null == JSON_NONE);
	config_free(&c);
	CHECK(parse(&c, "{\"mounts\":null}") == 0);
	CHECK(c.mounts == JSON_NONE && c.mounts_null == 1);
	config_free(&c);
	CHECK(parse(&c, "{\"mounts\":[{\"destination\":\"/etc/hosts\",\"type\":1}]}") == -1);
	CHECK_HAS(e.text, "mounts[0].type: is a number");
	CHECK(parse(&c, "{\"mounts\":[{\"destination\":\"/etc/hosts\",\"options\":{}}]}") == -1);
	CHECK_HAS(e.text, "mounts[0].options: is an object");
}

static void looks_at_all_mounts(void)
{
	static const struct {
		const char *mount, *says; /* NULL: accepted */
	} rows[] = {
		{ "{\"destination\":\"/x\",\"destination\":\"/dev/shm\"}", "is there twice" },
		{ "{\"destination\":\"/dev/shm\",\"destination\":\"/x\"}", "is there twice" },
		{ "{\"destination\":\"/x\",\"Destination\":\"/dev/shm\"}", "differs" },
		{ "{\"destination\":7}", "mounts[1].destination" },
		{ "{\"destination\":\"/x\\u0000\"}", "NUL" },
		{ "{\"destination\":\"/x\\ud800\"}", "surrogate" },
		{ "{\"destination\":\"/x\",\"options\":[\"a\",{\"b\":[]}]}", NULL },
		{ "{\"type\":\"bind\"}", NULL },
		{ "{}", NULL },
		{ "null", NULL },
	};
	struct config c;
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text),
			 "{\"mounts\":[{\"destination\":\"/proc\"},%s,"
			 "{\"type\":\"tmpfs\",\"destination\":\"/dev/shm\"}]}",
			 rows[i].mount);
		if (rows[i].says) {
			CHECK(parse(&c, text) == -1);
			CHECK_HAS(e.text, rows[i].says);
			continue;
		}
		if (!CHECK(parse(&c, text) == 0))
			continue;
		CHECK(c.shm != JSON_NONE && !c.shm_below);
		CHECK_STR(c.shm_type, "tmpfs");
		config_free(&c);
	}
}

static void the_last_of_two_shms(void)
{
	struct config c;

	CHECK(parse(&c, "{\"mounts\":[{\"destination\":\"/dev/shm\",\"source\":\"a\"},"
			"{\"destination\":\"/dev/shm/\",\"source\":\"b\"}]}") == 0);
	CHECK_STR(c.shm_source, "b");
	CHECK(c.shm_below);
	config_free(&c);
}

static void tells_binds(void)
{
	static const struct {
		const char *mount;
		bool bind;
	} rows[] = {
		{ "\"type\":\"bind\"", true },
		{ "\"type\":\"tmpfs\"", false },
		{ "\"options\":[\"ro\",\"bind\"]", true },
		{ "\"options\":[\"rbind\"]", true },
		{ "\"type\":\"none\",\"options\":[\"bind\"]", true },
		{ "\"type\":\"tmpfs\",\"options\":[\"binder\"]", false },
		{ "\"a\":1", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf b = { 0 };
		struct config c;

		buf_addf(&b, "{\"mounts\":[{\"destination\":\"/dev/shm\",%s}]}", rows[i].mount);
		unit_row(rows[i].mount);
		CHECK(parse(&c, b.data) == 0 && config_shm_is_bind(&c) == rows[i].bind);
		config_free(&c);
	}
}

static void bounds_the_size(void)
{
	cleanup_buf struct buf b = { 0 };
	struct config c;

	buf_adds(&b, "{}");
	buf_reserve(&b, CONFIG_SIZE_MAX);
	memset(b.data + 2, ' ', CONFIG_SIZE_MAX);
	CHECK(config_parse(&c, "config.json", b.data, CONFIG_SIZE_MAX, &e) == 0);
	config_free(&c);
	CHECK(config_parse(&c, "config.json", b.data, CONFIG_SIZE_MAX + 1, &e) == -1);
	CHECK_STR(e.text, "config.json: larger than 16777216 bytes");
}

/* 10,000 of each; a quadratic step would show as a test that takes minutes. */
static void reads_large_documents(void)
{
	cleanup_buf struct buf b = { 0 };
	const char *value;
	struct config c;

	buf_adds(&b, "{\"mounts\":[");
	for (int i = 0; i < 10000; i++)
		buf_addf(&b, "{\"destination\":\"/dev/shmem%d\",\"options\":[\"ro\"]},", i);
	buf_adds(&b, "{}],\"linux\":{\"sysctl\":{");
	for (int i = 0; i < 10000; i++)
		buf_addf(&b, "\"net.k%d\":\"%d\",", i, i);
	buf_adds(&b, "\"net.last\":\"x\"}},\"annotations\":{");
	for (int i = 0; i < 10000; i++)
		buf_addf(&b, "\"k%d\":\"v%d\",", i, i);
	buf_adds(&b, "\"last\":\"v\"}}");
	CHECK(parse(&c, b.data) == 0);
	CHECK(c.sysctl_count == 10001 && c.shm == JSON_NONE);
	CHECK(config_annotation(&c, "last", &value, NULL, &e) == 0);
	CHECK_STR(value, "v");
	config_free(&c);
}

int main(void)
{
	RUN(reads_everything);
	RUN(reads_annotations);
	RUN(absent_in_every_way);
	RUN(knows_time_offsets);
	RUN(refuses);
	RUN(refuses_duplicates_and_lookalikes);
	RUN(unicode_lookalikes);
	RUN(nul_lookalikes);
	RUN(sees_through_paths);
	RUN(reads_mounts_on_files_of_etc);
	RUN(looks_at_all_mounts);
	RUN(the_last_of_two_shms);
	RUN(tells_binds);
	RUN(bounds_the_size);
	RUN(reads_large_documents);
	return unit_done();
}
