/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan/etc.h: which files of a container's /etc become the pod's, and what /etc/hosts says.
 */
#include <time.h>

#include "plan/etc.h"
#include "plan/engine.h"

#include <time.h>

#include "tests/unit/unit.h"

#define ID "6a2eed8f365806007deecdf5b9feaacdcf10f89fce75094395c1e8bbda55b3b0"
#define PODMAN(name) "/run/containers/overlay-containers/" ID "/userdata/" name
#define DOCKER(name) "/var/lib/docker/containers/" ID "/" name

static struct etc_mount bind_of(const char *source)
{
	return (struct etc_mount){ 1, true, source };
}

static bool dir_is(const char *source, const char *dir)
{
	size_t len;

	return plan_engine_dir(source, &len) && len == strlen(dir) && !memcmp(source, dir, len);
}

static void finds_podmans_directories(void)
{
	size_t len;

	CHECK(dir_is(PODMAN("hosts"), "/run/containers/overlay-containers"));
	CHECK(dir_is(PODMAN("shm"), "/run/containers/overlay-containers"));
	CHECK(dir_is("/" ID "/userdata/hosts", ""));
	CHECK(!plan_engine_dir(PODMAN("x/hosts"), &len));
	CHECK(!plan_engine_dir(DOCKER("hosts"), &len));
	CHECK(!plan_engine_dir("/x" ID "/userdata/hosts", &len));
	CHECK(!plan_engine_dir(ID "/userdata/hosts", &len));
	CHECK(!plan_engine_dir("/userdata/hosts", &len));
	CHECK(!plan_engine_dir("hosts", &len));
	CHECK(!plan_engine_dir("", &len));
	CHECK(!plan_engine_dir(NULL, &len));
}

static void knows_ids(void)
{
	char other[] = ID;

	CHECK(plan_is_engine_id(other));
	CHECK(!plan_is_engine_id(&other[1]));
	other[63] = 'A';
	CHECK(!plan_is_engine_id(other));
	CHECK(!plan_is_engine_id(ID "0"));
	CHECK(!plan_is_engine_id(""));
}

static void recognizes_the_engines_files(void)
{
	CHECK(plan_engine_file(PODMAN("hosts"), "hosts") == ENGINE_FILE_PODMAN);
	CHECK(plan_engine_file(DOCKER("hosts"), "hosts") == ENGINE_FILE_OTHER);
	CHECK(plan_engine_file(DOCKER("hosts"), "resolv.conf") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file(DOCKER("xhosts"), "hosts") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file(DOCKER("x/hosts"), "hosts") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file("/" ID "/hosts", "hosts") == ENGINE_FILE_OTHER);
	CHECK(plan_engine_file(ID "/hosts", "hosts") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file("/x" ID "/hosts", "hosts") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file("/etc/hosts", "hosts") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file("hosts", "hosts") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file("", "hosts") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file(NULL, "hosts") == ENGINE_FILE_NONE);
}

static void recognizes_the_engines_bundles(void)
{
	const struct {
		const char *bundle, *id;
		enum bundle_kind kind;
		const char *part;
	} rows[] = {
		{ "/s/overlay-containers/" ID "/userdata", ID, BUNDLE_STORAGE,
		  "/s/overlay-containers" },
		{ "/vfs-containers/" ID "/userdata", ID, BUNDLE_STORAGE, "/vfs-containers" },
		{ "/s/overlay-containers/" ID "/userdata", "www", BUNDLE_UNKNOWN, NULL },
		{ "/s/overlay-containers/www/userdata", "www", BUNDLE_UNKNOWN, NULL },
		{ "/s/-containers/" ID "/userdata", ID, BUNDLE_UNKNOWN, NULL },
		{ "/s/overlay/" ID "/userdata", ID, BUNDLE_UNKNOWN, NULL },
		{ "/s/overlay-containers/x/" ID "/userdata", ID, BUNDLE_UNKNOWN, NULL },
		{ "/s/overlay-containers/" ID "/userdata/", ID, BUNDLE_UNKNOWN, NULL },
		{ "/s/overlay-containers/" ID, ID, BUNDLE_UNKNOWN, NULL },
		{ "s/overlay-containers/" ID "/userdata", ID, BUNDLE_UNKNOWN, NULL },
		{ "/" ID "/userdata", ID, BUNDLE_UNKNOWN, NULL },
		{ "/run/containerd/io.containerd.runtime.v2.task/moby/" ID, ID, BUNDLE_CONTAINERD,
		  "moby" },
		{ "/io.containerd.runtime.v2.task/default/c1", "c1", BUNDLE_CONTAINERD, "default" },
		{ "/x/io.containerd.runtime./default/c1", "c1", BUNDLE_UNKNOWN, NULL },
		{ "/x/io.containerd.runtime.v2.task/c1", "c1", BUNDLE_UNKNOWN, NULL },
		{ "/x/io.containerd.runtime.v2.task//c1", "c1", BUNDLE_UNKNOWN, NULL },
		{ "/x/io.containerd.runtime.v2.task/default/c1", "c2", BUNDLE_UNKNOWN, NULL },
		{ "/x/y/default/c1", "c1", BUNDLE_UNKNOWN, NULL },
		{ "/home/x/bundle", "c1", BUNDLE_UNKNOWN, NULL },
		{ "/", "", BUNDLE_UNKNOWN, NULL },
		{ "/c1", "c1", BUNDLE_UNKNOWN, NULL },
		{ "", "c1", BUNDLE_UNKNOWN, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bundle_place place = plan_engine_bundle(rows[i].bundle, rows[i].id);

		unit_row(rows[i].bundle);
		CHECK(place.kind == rows[i].kind);
		if (rows[i].part)
			CHECK(place.len == strlen(rows[i].part) &&
			      !memcmp(place.part, rows[i].part, place.len));
	}
}

static void prints_plain_names_alone(void)
{
	static const char *const plain[] = { "www", "a", "_x", "default/web-1/app", "x:y@z+1.0" };
	static const char *const odd[] = { "",      "a b",  "a\n",  "a\033[31m", "\xc3\xa9",
					   "a\x9b", "-rf",  "/etc", ".x",        "a,b",
					   "a(b)",  "a\"b", "a'b",  "a`b" };
	char name[300];

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		CHECK(plan_engine_name_is_plain(plain[i]));
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		CHECK(!plan_engine_name_is_plain(odd[i]));
	memset(name, 'a', sizeof(name));
	name[256] = '\0';
	CHECK(!plan_engine_name_is_plain(name));
	name[255] = '\0';
	CHECK(plan_engine_name_is_plain(name));
}

static void decides(void)
{
	const struct etc_mount none = { 0 };
	const struct {
		const char *what;
		struct etc_input in;
		enum etc_verb hosts, resolv_conf;
	} rows[] = {
		{ "podman",
		  { .hosts = bind_of(PODMAN("hosts")), .resolv_conf = none },
		  ETC_REPLACE,
		  ETC_ADD },
		{ "podman --no-hosts", { .hosts = none, .resolv_conf = none }, ETC_LEAVE, ETC_ADD },
		{ "podman's runtime, --no-hosts",
		  { .hosts = none, .resolv_conf = none, .bundle = true, .managed = true },
		  ETC_LEAVE,
		  ETC_ADD },
		{ "podman --network ns:",
		  { .hosts = bind_of(PODMAN("hosts")),
		    .resolv_conf = bind_of(PODMAN("resolv.conf")) },
		  ETC_REPLACE,
		  ETC_LEAVE },
		{ "a bundle",
		  { .hosts = none, .resolv_conf = none, .bundle = true },
		  ETC_ADD,
		  ETC_ADD },
		{ "-v DIR:/etc",
		  { .hosts = none, .resolv_conf = none, .bundle = true, .covered = true },
		  ETC_LEAVE,
		  ETC_LEAVE },
		{ "podman -v DIR:/etc",
		  { .hosts = bind_of(PODMAN("hosts")), .resolv_conf = none, .covered = true },
		  ETC_REPLACE,
		  ETC_LEAVE },
		{ "Docker",
		  { .hosts = bind_of(DOCKER("hosts")),
		    .resolv_conf = bind_of(DOCKER("resolv.conf")),
		    .bundle = true },
		  ETC_REPLACE,
		  ETC_REPLACE },
		{ "docker --dns",
		  { .hosts = bind_of(DOCKER("hosts")),
		    .resolv_conf = bind_of(DOCKER("resolv.conf")),
		    .bundle = true,
		    .dns_chosen = true },
		  ETC_REPLACE,
		  ETC_LEAVE },
		{ "the user's own",
		  { .hosts = bind_of("/home/me/hosts"),
		    .resolv_conf = bind_of("/home/me/resolv.conf"),
		    .bundle = true },
		  ETC_LEAVE,
		  ETC_LEAVE },
		{ "no bind mount",
		  { .hosts = { 1, false, PODMAN("hosts") }, .resolv_conf = { 1, false, NULL } },
		  ETC_LEAVE,
		  ETC_LEAVE },
		{ "two mounts",
		  { .hosts = { 2, true, PODMAN("hosts") }, .resolv_conf = none },
		  ETC_LEAVE,
		  ETC_ADD },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct etc_plan plan = plan_etc(&rows[i].in);

		unit_row(rows[i].what);
		CHECK(plan.hosts == rows[i].hosts);
		CHECK(plan.resolv_conf == rows[i].resolv_conf);
	}
}

#define HOST "127.0.0.1\tlocalhost\n127.0.1.1\tvm\n192.0.2.2\thost.containers.internal\n"

static const char *const one_address[] = { "10.9.8.7" };
static const char *const two_addresses[] = { "10.9.8.7", "fd00::7" };
static const struct host_entry entries[] = { { "db", "192.0.2.1" }, { "foo", "192.0.2.3" } };

static void writes_hosts(void)
{
	static const struct {
		const char *text;
		struct etc_hosts in;
		const char *result;
	} rows[] = {
		/* podman's own line names its id and the container's name. */
		{ HOST "127.0.0.1\t6a2eed8f3658 front\n",
		  { .podman = true, .hostname = "web", .engine_name = "6a2eed8f3658" },
		  "10.9.8.7\tweb 6a2eed8f3658 front\n" HOST },
		{ HOST "127.0.0.1\tweb front\n",
		  { .podman = true, .hostname = "web", .engine_name = "web" },
		  "10.9.8.7\tweb front\n" HOST },
		{ HOST "127.0.0.1 WEB\n",
		  { .podman = true, .hostname = "web", .engine_name = "web" },
		  "10.9.8.7\tweb\n" HOST },
		/* --add-host for other names, and for the hostname: with another address, with a loopback one. */
		{ "10.1.1.1\tfoo\n" HOST "127.0.0.1\tweb front\n",
		  { .podman = true, .hostname = "web", .engine_name = "web" },
		  "10.9.8.7\tweb front\n10.1.1.1\tfoo\n" HOST },
		{ "10.1.1.1\tweb\n" HOST "127.0.0.1\tfront\n",
		  { .podman = true, .hostname = "web", .engine_name = "web" },
		  "10.1.1.1\tweb\n" HOST "127.0.0.1\tfront\n" },
		{ "127.0.0.1\tweb\n" HOST "127.0.0.1\tfront\n",
		  { .podman = true, .hostname = "web", .engine_name = "web" },
		  "127.0.0.1\tweb\n" HOST "127.0.0.1\tfront\n" },
		{ "10.1.1.1\tweb\n" HOST "127.0.0.1\t6a2eed8f3658 front\n",
		  { .podman = true, .hostname = "web", .engine_name = "6a2eed8f3658" },
		  "10.9.8.7\t6a2eed8f3658 front\n10.1.1.1\tweb\n" HOST },
		/* The host's own name is the container's too. */
		{ HOST,
		  { .podman = true, .hostname = "vm", .engine_name = "vm" },
		  "10.9.8.7\tvm\n127.0.0.1\tlocalhost\n192.0.2.2\thost.containers.internal\n" },
		{ "127.0.0.1 localhost vm # x\n",
		  { .podman = true, .hostname = "vm", .engine_name = "vm" },
		  "10.9.8.7\tvm\n127.0.0.1\tlocalhost\n" },
		/* In Docker's file all names but localhost are the user's. */
		{ "127.0.0.1\tlocalhost\n10.1.1.1\tfoo\n",
		  { .hostname = "web", .engine_name = "6a2eed8f3658" },
		  "10.9.8.7\tweb\n127.0.0.1\tlocalhost\n10.1.1.1\tfoo\n" },
		{ "127.0.0.1\tlocalhost\n127.0.0.1\tweb\n",
		  { .hostname = "web", .engine_name = "web" },
		  "127.0.0.1\tlocalhost\n127.0.0.1\tweb\n" },
		/* root's entries, unless the user gave the name. */
		{ "10.1.1.1\tfoo\n" HOST,
		  { .podman = true, .hostname = "web", .entries = entries, .entry_count = 2 },
		  "10.9.8.7\tweb\n192.0.2.1\tdb\n10.1.1.1\tfoo\n" HOST },
		{ "# web\n\n  \n127.0.0.1 localhost # web",
		  { .podman = true, .hostname = "web" },
		  "10.9.8.7\tweb\n# web\n\n  \n127.0.0.1 localhost # web" },
		{ HOST, { .podman = true }, HOST },
		{ "", { .hostname = "web" }, "10.9.8.7\tweb\n" },
		/* A line that was written in place, when the pod had another address. */
		{ "10.9.8.1\tweb front\t# the pod\n10.1.1.1\tfoo\n" HOST,
		  { .podman = true, .hostname = "web", .engine_name = "x" },
		  "10.9.8.7\tweb front\n10.1.1.1\tfoo\n" HOST },
		{ HOST "127.0.0.1\tx front\n",
		  { .podman = true, .hostname = "web", .engine_name = "x", .marked = true },
		  "10.9.8.7\tweb x front\t# the pod\n" HOST },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf out = { 0 };
		struct etc_hosts in = rows[i].in;

		in.text = rows[i].text;
		in.len = strlen(in.text);
		in.addresses = one_address;
		in.address_count = 1;
		unit_row(rows[i].text);
		CHECK(plan_hosts(&in, &out) == 0);
		CHECK_STR(out.data, rows[i].result);
	}
}

static void writes_each_address(void)
{
	cleanup_buf struct buf out = { 0 }, none = { 0 };
	struct etc_hosts in = { .text = HOST "127.0.0.1\tweb\n",
				.len = strlen(HOST "127.0.0.1\tweb\n"),
				.podman = true,
				.hostname = "web",
				.addresses = two_addresses,
				.address_count = 2 };

	CHECK(plan_hosts(&in, &out) == 0);
	CHECK_STR(out.data, "10.9.8.7\tweb\nfd00::7\tweb\n" HOST);
	/* Without an address the name keeps the engine's. */
	in.address_count = 0;
	CHECK(plan_hosts(&in, &none) == 0);
	CHECK_STR(none.data, HOST "127.0.0.1\tweb\n");
}

/* A container can write its file, which podman may give it again. */
static void many_names_take_no_time(void)
{
	static const char *const addresses[] = { "192.0.2.7" };
	cleanup_buf struct buf text = { 0 }, out = { 0 };
	clock_t before = clock();

	CHECK(buf_adds(&text, "127.0.0.1\tlocalhost\n127.0.0.1 web") == 0);
	for (int i = 0; i < 20000; i++)
		CHECK(buf_addf(&text, " name%d", i) == 0);
	CHECK(plan_hosts(
		      &(struct etc_hosts){
			      .text = text.data,
			      .len = text.len,
			      .podman = true,
			      .hostname = "web",
			      .addresses = addresses,
			      .address_count = 1,
		      },
		      &out) == 0);
	CHECK_HAS(out.data, "192.0.2.7\tweb name0 ");
	/* Comparing each with each other takes 10 s. */
	CHECK((clock() - before) / CLOCKS_PER_SEC < 2);
}

int main(void)
{
	RUN(finds_podmans_directories);
	RUN(knows_ids);
	RUN(recognizes_the_engines_files);
	RUN(recognizes_the_engines_bundles);
	RUN(prints_plain_names_alone);
	RUN(decides);
	RUN(writes_hosts);
	RUN(writes_each_address);
	RUN(many_names_take_no_time);
	return unit_done();
}
