/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision as a table: every row of "Decisions, for each pod type T", for each type
 * that may be shared.
 */
#include "plan/bandwidth.h"
#include "plan/engine.h"
#include "plan/host.h"
#include "plan/network.h"
#include "plan/names.h"
#include "plan/shm.h"

#include "base/utf8.h"
#include "tests/unit/unit.h"

/* Namespaces by small numbers; 0 is none. */
enum { HOST = 1, FRESH = 2, POD = 3, OTHER = 4, HOST_USER = 10, OTHER_USER = 11, POD_USER = 12 };

#define PATH "/p"

static struct ns_id id(unsigned n)
{
	return (struct ns_id){ .dev = n ? 4 : 0, .ino = n };
}

struct row {
	const char *name;
	enum plan_stage stage;
	bool named, entry;
	unsigned at_path, init, pin; /* at_path 0: no path; init 0: no process */
	int verb;                    /* -1: refused */
	const char *says, *hints;
};

#define PRE PLAN_PRECREATE
#define RUNTIME PLAN_CREATE_RUNTIME

static const struct row rows[] = {
	/* absent, or the runtime's own: the container shares the host's */
	{ "absent, no pin, precreate", PRE, true, false, 0, 0, 0, PLAN_LEAVE, NULL, NULL },
	{ "absent, pin, precreate", PRE, true, false, 0, 0, POD, PLAN_LEAVE, NULL, NULL },
	{ "absent, no pin", RUNTIME, true, false, 0, HOST, 0, PLAN_LEAVE, NULL, NULL },
	{ "absent, pin", RUNTIME, true, false, 0, HOST, POD, PLAN_LEAVE, NULL, NULL },
	{ "host's path, pin, precreate", PRE, true, true, HOST, 0, POD, PLAN_LEAVE, NULL, NULL },
	{ "host's path, no pin", RUNTIME, true, true, HOST, HOST, 0, PLAN_LEAVE, NULL, NULL },
	/* no path, no pin */
	{ "new, precreate", PRE, true, true, 0, 0, 0, PLAN_CREATE, NULL, NULL },
	{ "new, precreate, unnamed", PRE, false, true, 0, 0, 0, PLAN_CREATE, NULL, NULL },
	{ "new, from the runtime", RUNTIME, true, true, 0, FRESH, 0, PLAN_ADOPT_INIT, NULL, NULL },
	{ "new, from the runtime, unnamed", RUNTIME, false, true, 0, FRESH, 0, PLAN_ADOPT_INIT,
	  NULL, NULL },
	{ "new, no process", RUNTIME, true, true, 0, 0, 0, PLAN_CREATE, NULL, NULL },
	{ "new, process in the host's", RUNTIME, true, true, 0, HOST, 0, -1,
	  "is in the runtime's own", "init" },
	/* no path, pin */
	{ "join, precreate", PRE, true, true, 0, 0, POD, PLAN_JOIN, NULL, NULL },
	{ "join, inside", RUNTIME, true, true, 0, POD, POD, PLAN_JOIN, NULL, NULL },
	{ "join, no process", RUNTIME, true, true, 0, 0, POD, PLAN_JOIN, NULL, NULL },
	{ "join, outside", RUNTIME, true, true, 0, FRESH, POD, -1, "[2] is not the pod's",
	  "precreate" },
	{ "join, outside, unnamed", RUNTIME, false, true, 0, FRESH, POD, -1, "[3] at /r/", NULL },
	{ "join, process in the host's", RUNTIME, true, true, 0, HOST, POD, -1,
	  "is in the runtime's own", NULL },
	/* path, no pin */
	{ "adopt path, precreate", PRE, true, true, OTHER, 0, 0, PLAN_ADOPT_PATH, NULL, NULL },
	{ "adopt path", RUNTIME, true, true, OTHER, OTHER, 0, PLAN_ADOPT_PATH, NULL, NULL },
	{ "adopt path, process elsewhere", RUNTIME, true, true, OTHER, FRESH, 0, -1,
	  "not in [4] at " PATH, NULL },
	{ "path, unnamed, precreate", PRE, false, true, OTHER, 0, 0, PLAN_LEAVE, NULL, NULL },
	{ "path, unnamed", RUNTIME, false, true, OTHER, OTHER, 0, PLAN_LEAVE, NULL, NULL },
	/* path, pin */
	{ "same, precreate", PRE, true, true, POD, 0, POD, PLAN_JOIN, NULL, NULL },
	{ "same", RUNTIME, true, true, POD, POD, POD, PLAN_JOIN, NULL, NULL },
	{ "same, unnamed", RUNTIME, false, true, POD, POD, POD, PLAN_JOIN, NULL, NULL },
	{ "same, process elsewhere", RUNTIME, true, true, POD, FRESH, POD, -1,
	  "start outside its pod", NULL },
	{ "different, precreate", PRE, true, true, OTHER, 0, POD, -1, "[4] at " PATH,
	  "namespaces" },
	{ "different", RUNTIME, true, true, OTHER, OTHER, POD, -1, "but its pod has [3] at /r/",
	  "namespaces" },
	{ "different, unnamed, precreate", PRE, false, true, OTHER, 0, POD, PLAN_LEAVE, NULL,
	  NULL },
	{ "different, unnamed", RUNTIME, false, true, OTHER, OTHER, POD, PLAN_LEAVE, NULL, NULL },
};

static struct plan_input input(enum plan_stage stage, bool named)
{
	struct plan_input in = { .stage = stage, .pod = "web", .root = "/r", .named = named };

	in.type[NS_USER].own = id(HOST_USER);
	return in;
}

/* Fill type t; everything belongs to the host's user namespace. */
static void fill(struct plan_input *in, enum ns_type t, const struct row *r)
{
	struct plan_type *x = &in->type[t];

	in->types |= NS_BIT(t);
	x->entry = r->entry;
	x->path = r->at_path ? PATH : NULL;
	x->own = id(HOST);
	x->at_path = id(r->at_path);
	x->pin = id(r->pin);
	x->init = id(r->init);
	x->path_owner = x->pin_owner = x->init_owner = id(HOST_USER);
	if (r->init) {
		in->has_init = true;
		in->type[NS_USER].init = id(HOST_USER);
	}
}

static void check_row(const struct row *r, enum ns_type t)
{
	struct plan_input in = input(r->stage, r->named);
	struct plan plan;
	struct error e;
	int ret, verb = r->verb;

	/* Made in advance it would be rooted in the engine's cgroup. */
	if (ns_info[t].origin == NS_ADOPT_ONLY && verb == PLAN_CREATE)
		verb = r->stage == PRE ? PLAN_LEAVE : -1;
	unit_row(r->name);
	fill(&in, t, r);
	ret = plan_make(&in, &plan, &e);
	CHECK((ret < 0 ? -1 : (int)plan.verb[t]) == verb);
	if (ret < 0 && r->says)
		CHECK_HAS(e.text, r->says);
	if (ret < 0 && r->says)
		CHECK_HAS(e.text, ns_info[t].oci);
	if (ret < 0 && r->hints)
		CHECK_HAS(e.hint, r->hints);
	if (ret == 0) {
		CHECK(plan.shared == (verb == PLAN_LEAVE ? 0 : NS_BIT(t)));
		CHECK(plan.created == (verb == PLAN_CREATE ? NS_BIT(t) : 0));
	}
}

static void decides_each_row_for_each_type(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (int t = 0; t < NS_TYPES; t++)
			if (ns_info[t].in_hook && t != NS_USER)
				check_row(&rows[i], (enum ns_type)t);
}

/* Only a network is chosen by --network. */
static void hints_at_the_option_of_the_type(void)
{
	for (int t = 0; t < NS_TYPES; t++) {
		struct plan_input in = input(PRE, true);
		struct plan plan;
		struct error e;

		if (!ns_info[t].in_hook || t == NS_USER)
			continue;
		fill(&in, (enum ns_type)t,
		     &(struct row){ .entry = true, .at_path = OTHER, .pin = POD });
		CHECK(plan_make(&in, &plan, &e) < 0);
		if (t == NS_NET)
			CHECK_HAS(e.hint, "start it with --network none, or with --network "
					  "ns:/r/netns/web, or leave net out");
		else
			CHECK(!strstr(e.hint, "--network"));
	}
}

static void leaves_types_that_the_pod_does_not_share(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct plan_input in = input(rows[i].stage, rows[i].named);
		struct plan plan;
		struct error e;

		unit_row(rows[i].name);
		fill(&in, NS_IPC, &rows[i]);
		in.types = NS_BIT(NS_NET);
		CHECK(plan_make(&in, &plan, &e) == 0);
		CHECK(plan.shared == 0);
	}
}

static const struct row fresh = { .entry = true };

/* A pod without user among its types, and what the container's own user namespace does to it. */
static void asks_who_owns_the_pins(void)
{
	static const struct {
		const char *name;
		bool private; /* a user entry without path */
		unsigned user_path, pin, pin_owner;
		bool good;
	} cases[] = {
		{ "host's user namespace, new pod", false, 0, 0, 0, true },
		{ "host's user namespace, the host's pin", false, 0, POD, HOST_USER, true },
		{ "host's user namespace, another's pin", false, 0, POD, OTHER_USER, false },
		{ "owner outside our sight", false, 0, POD, 0, false },
		{ "private, new pod", true, 0, 0, 0, false },
		{ "private, the host's pin", true, 0, POD, HOST_USER, false },
		{ "by path, its own pin", false, OTHER_USER, POD, OTHER_USER, true },
		{ "by path, the host's pin", false, OTHER_USER, POD, HOST_USER, false },
		{ "by path, new pod", false, OTHER_USER, 0, 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct plan_input in = input(PRE, true);
		struct plan_type *user = &in.type[NS_USER];
		struct plan plan;
		struct error e;

		unit_row(cases[i].name);
		fill(&in, NS_NET, &fresh);
		in.type[NS_NET].pin = id(cases[i].pin);
		in.type[NS_NET].pin_owner = id(cases[i].pin_owner);
		user->entry = cases[i].private || cases[i].user_path;
		user->path = cases[i].user_path ? PATH : NULL;
		user->at_path = id(cases[i].user_path);
		CHECK((plan_make(&in, &plan, &e) == 0) == cases[i].good);
		if (!cases[i].good)
			CHECK_HAS(e.hint, "user among the pod types");
	}
}

static void knows_a_private_user_namespace_at_create_runtime(void)
{
	for (int named = 0; named < 2; named++) {
		struct plan_input in = input(RUNTIME, named);
		struct plan plan;
		struct error e;

		fill(&in, NS_NET, &(struct row){ .entry = true, .init = FRESH });
		in.type[NS_USER].entry = true;
		in.type[NS_USER].init = id(OTHER_USER);
		in.type[NS_NET].init_owner = id(OTHER_USER);
		/* A pod of its own may have what nobody else could join. */
		CHECK((plan_make(&in, &plan, &e) == 0) == !named);
	}
}

static void makes_the_pods_user_namespace(void)
{
	struct plan_input in = input(PRE, true);
	struct plan plan;
	struct error e;

	fill(&in, NS_NET, &fresh);
	in.types |= NS_BIT(NS_USER);
	in.type[NS_USER].entry = true;
	CHECK(plan_make(&in, &plan, &e) < 0);
	CHECK_HAS(e.text, "linux.uidMappings");
	in.has_maps = true;
	CHECK(plan_make(&in, &plan, &e) == 0);
	CHECK(plan.created == (NS_BIT(NS_USER) | NS_BIT(NS_NET)));
	/* A network that is there already cannot come to belong to it. */
	in.type[NS_NET].pin = id(POD);
	in.type[NS_NET].pin_owner = id(HOST_USER);
	CHECK(plan_make(&in, &plan, &e) < 0);
}

static void compares_mappings(void)
{
	struct plan_input in = input(PRE, true);
	struct plan plan;
	struct error e;

	fill(&in, NS_NET, &(struct row){ .entry = true, .pin = POD });
	in.type[NS_NET].pin_owner = id(POD_USER);
	in.types |= NS_BIT(NS_USER);
	in.type[NS_USER].entry = true;
	in.type[NS_USER].pin = id(POD_USER);
	in.has_maps = in.maps_known = in.maps_equal = true;
	CHECK(plan_make(&in, &plan, &e) == 0);
	CHECK(plan.verb[NS_USER] == PLAN_JOIN && plan.verb[NS_NET] == PLAN_JOIN);
	in.maps_equal = false;
	CHECK(plan_make(&in, &plan, &e) < 0);
	CHECK_HAS(e.text, "/r/userns/web");
	CHECK_HAS(e.hint, "--uidmap");
}

/* Where the container's time namespace would be the pod's it cannot have offsets of its own. */
static void refuses_time_offsets(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct plan_input in = input(rows[i].stage, rows[i].named);
		struct plan plan;
		struct error e;
		int ret;

		if (rows[i].verb < 0)
			continue;
		unit_row(rows[i].name);
		fill(&in, NS_TIME, &rows[i]);
		in.time_offsets = true;
		ret = plan_make(&in, &plan, &e);
		CHECK((ret < 0) == (rows[i].verb != PLAN_LEAVE));
		if (ret < 0) {
			CHECK_HAS(e.text, "linux.timeOffsets");
			CHECK_HAS(e.text, "/r/timens/web");
			CHECK_HAS(e.hint, "io.podns.namespaces");
		}
		/* The pod shares another type: the time namespace is the container's own. */
		in = input(rows[i].stage, rows[i].named);
		fill(&in, NS_TIME, &rows[i]);
		in.types = NS_BIT(NS_IPC);
		in.time_offsets = true;
		CHECK(plan_make(&in, &plan, &e) == 0);
	}
}

/* Only the pod's network namespace can be one that exists. */
static void refuses_to_restore_into_most_types(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int t = 0; t < NS_TYPES; t++) {
			struct plan_input in = input(rows[i].stage, rows[i].named);
			struct plan plan;
			struct error e;
			int ret;

			if (rows[i].verb < 0 || t == NS_USER)
				continue;
			unit_row(rows[i].name);
			fill(&in, (enum ns_type)t, &rows[i]);
			if (plan_make(&in, &plan, &e) < 0)
				continue;
			in.restored = true;
			ret = plan_make(&in, &plan, &e);
			CHECK((ret < 0) == (t != NS_NET && plan.verb[t] != PLAN_LEAVE));
			if (ret < 0) {
				CHECK_HAS(e.text, ns_info[t].oci);
				CHECK_HAS(e.hint, "io.podns.namespaces");
			}
		}
	}
}

/* A pod's network namespace has one container that brings interfaces. */
static void refuses_a_second_network(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct plan_input in = input(rows[i].stage, rows[i].named);
		struct plan plan;
		struct error e;
		int ret;

		if (rows[i].verb < 0)
			continue;
		unit_row(rows[i].name);
		fill(&in, NS_NET, &rows[i]);
		in.brings_network = true;
		CHECK(plan_make(&in, &plan, &e) == 0);
		in.interface = "eth0";
		ret = plan_make(&in, &plan, &e);
		CHECK((ret < 0) == (rows[i].verb == PLAN_JOIN && !rows[i].at_path));
		if (ret < 0) {
			CHECK_HAS(e.text, "/r/netns/web already has the interface eth0");
			CHECK_HAS(e.hint, "--network none");
			CHECK_HAS(e.hint, "ip -n web link delete eth0");
			in.interface = "a;reboot";
			CHECK(plan_make(&in, &plan, &e) < 0);
			CHECK_STR(e.hint, "start it with --network none");
			/* Nobody is to remove the pod's own. */
			in.interface = "eth0";
			in.attached = true;
			CHECK(plan_make(&in, &plan, &e) < 0);
			CHECK_STR(e.hint, "start it with --network none");
			in.attached = false;
		}
		in.brings_network = false;
		CHECK(plan_make(&in, &plan, &e) == 0);
	}
}

static void chooses_hostnames(void)
{
	static const char id64[] = "0123456789abcdef";
	static const struct {
		const char *annotation, *pod, *hostname, *id, *name;
	} cases[] = {
		{ "db1", "web", "given", NULL, "db1" },
		{ NULL, "web", "given", NULL, "given" },
		{ NULL, "web", NULL, NULL, "web" },
		{ NULL, "web", "0123456789ab", NULL, "web" },
		{ NULL, "web", "0123456789ab", id64, "web" },
		{ NULL, "web", "aaaaaaaaaaaa", id64, "aaaaaaaaaaaa" },
		{ NULL, "web", "0123456789AB", NULL, "0123456789AB" },
		{ NULL, "web", "0123456789abc", NULL, "0123456789abc" },
	};
	char room[PLAN_HOSTNAME_MAX + 1], longest[129];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_STR(plan_hostname(cases[i].annotation, cases[i].pod, cases[i].hostname,
					cases[i].id, room),
			  cases[i].name);
	memset(longest, 'a', 128);
	longest[128] = '\0';
	CHECK(strlen(plan_hostname(NULL, longest, NULL, NULL, room)) == PLAN_HOSTNAME_MAX);
	/* The id of an engine's pod. */
	longest[64] = '\0';
	CHECK_STR(plan_hostname(NULL, longest, NULL, NULL, room), "aaaaaaaaaaaa");
	longest[63] = '\0';
	CHECK_STR(plan_hostname(NULL, longest, NULL, NULL, room), longest);
}

#define NAME60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void checks_hostnames(void)
{
	static const char *const good[] = {
		"web-1.example", "h\xc3\xa9", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80",
		"\xc2\xa0",      "a:b",       NAME60 "\xf0\x9f\x98\x80"
	};
	static const struct {
		const char *name, *says;
	} bad[] = {
		{ "", "0 bytes" },
		{ "a b", "space" },
		{ "a/b", "'/'" },
		{ "a\nb", "'a?b' has" },
		{ "\x1b[2J", "control" },
		{ "\x7f", "control" },
		{ "a\xc2\x9b"
		  "2J",
		  "'a??2J' has" },
		{ "a\xc2\x80", "control" },
		{ "h\xe9", "'h...' is not UTF-8 from byte 2 on" },
		{ "\xff\xfe", "byte 1" },
		{ "a\xc3", "byte 2" },
		{ "\xc0\xaf", "byte 1" },
		{ "\xed\xa0\x80", "byte 1" },
		{ NAME60 "aaaaa", "65 bytes long: it has to have 1 to 64" },
		{ NAME60 "aaa\xc3\xa9", "65 bytes" },
	};
	struct error e;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		unit_row(good[i]);
		CHECK(plan_check_hostname(good[i], "hostname", &e) == 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		unit_row(bad[i].name);
		if (CHECK(plan_check_hostname(bad[i].name, "the domainname", &e) < 0)) {
			CHECK(!strncmp(e.text, "the domainname '", 16));
			CHECK(!strstr(e.text, "hostname"));
			CHECK_HAS(e.text, bad[i].says);
			CHECK(utf8_valid_prefix(e.text, strlen(e.text)) == strlen(e.text));
		}
	}
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void chooses_names_by_the_decision(void)
{
	static const struct {
		enum plan_verb verb;
		const char *annotation, *config, *inside;
		const char *is;
		bool set;
	} cases[] = {
		{ PLAN_LEAVE, "a", "c", "i", NULL, false },
		{ PLAN_JOIN, "a", "c", "i", "i", false },
		{ PLAN_JOIN, "a", "c", NULL, NULL, false },
		{ PLAN_ADOPT_PATH, "a", "c", "i", "i", false },
		{ PLAN_CREATE, "a", "c", "i", "a", true },
		{ PLAN_CREATE, NULL, "c", "i", "c", true },
		{ PLAN_CREATE, NULL, NULL, "i", "web", true },
		/* The runtime sets what the config says. */
		{ PLAN_ADOPT_INIT, "a", "c", "i", "c", true },
		{ PLAN_ADOPT_INIT, "a", NULL, "i", "a", true },
		{ PLAN_ADOPT_INIT, NULL, NULL, "i", "web", true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct names_input in = {
			.verb = cases[i].verb,
			.annotation = cases[i].annotation,
			.pod = "web",
			.hostname = cases[i].config,
			.domainname = "d",
			.in_hostname = cases[i].inside,
			.in_domainname = "id",
		};
		struct names names;
		struct error e;

		CHECK(plan_names(&in, &names, &e) == 0);
		CHECK(names.set == cases[i].set);
		CHECK(cases[i].is ? names.hostname && !strcmp(names.hostname, cases[i].is)
				  : !names.hostname);
		if (names.set)
			CHECK(!strcmp(names.domainname, "d"));
	}
}

static void refuses_bad_names_that_would_be_set(void)
{
	struct names_input in = { .verb = PLAN_CREATE, .annotation = "a b", .pod = "web" };
	struct names names;
	struct error e;

	CHECK(plan_names(&in, &names, &e) < 0 && strstr(e.text, "io.podns.hostname"));
	in.annotation = NULL;
	in.hostname = "a/b";
	CHECK(plan_names(&in, &names, &e) < 0);
	in.hostname = NULL;
	in.domainname = "d d";
	CHECK(plan_names(&in, &names, &e) < 0 && strstr(e.text, "domainname"));
	in.verb = PLAN_JOIN;
	CHECK(plan_names(&in, &names, &e) == 0);
}

/* --- what must not touch the host --------------------------------------------- */

static void knows_where_a_setting_goes(void)
{
	static const struct {
		bool entry, shared, has_init;
		unsigned path, init, pin;
		enum host_target target;
	} cases[] = {
		{ false, true, false, 0, 0, 0, TARGET_SHARED },
		{ true, true, false, 0, 0, 0, TARGET_OWN },
		{ true, false, false, 0, 0, 0, TARGET_OWN },
		{ true, true, false, HOST, 0, 0, TARGET_SHARED },
		{ true, true, false, OTHER, 0, 0, TARGET_OWN },
		{ true, true, false, 0, 0, HOST, TARGET_SHARED },
		{ true, false, false, 0, 0, HOST, TARGET_OWN },
		{ true, true, true, 0, HOST, 0, TARGET_SHARED },
		{ true, true, true, 0, FRESH, 0, TARGET_OWN },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct plan_input in = input(RUNTIME, true);
		struct plan_type *x = &in.type[NS_NET];

		in.types = cases[i].shared ? NS_BIT(NS_NET) : 0;
		in.has_init = cases[i].has_init;
		x->entry = cases[i].entry;
		x->path = cases[i].path ? PATH : NULL;
		x->own = id(HOST);
		x->at_path = id(cases[i].path);
		x->init = id(cases[i].init);
		x->pin = id(cases[i].pin);
		CHECK(host_target_of(&in, NS_NET) == cases[i].target);
	}
}

static void refuses_what_would_change_the_host(void)
{
	static const enum host_target refused[] = { TARGET_NONE, TARGET_SHARED, TARGET_PINNED };
	struct error e;

	CHECK(host_check("sysctl ", "k", NS_IPC, TARGET_OWN, &e) == 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		CHECK(host_check("sysctl ", "k", NS_IPC, refused[i], &e) < 0);
		CHECK(strstr(e.text, "sysctl k: ") == e.text && strstr(e.text, "ipc"));
		CHECK(strstr(e.text, "host"));
	}
}

static void knows_the_engines_own_shm(void)
{
	CHECK(plan_engine_file("/x/overlay-containers/" HEX64 "/userdata/shm", "shm") ==
	      ENGINE_FILE_PODMAN);
	CHECK(plan_engine_file("/run/containerd/x/sandboxes/" HEX64 "/shm", "shm") ==
	      ENGINE_FILE_OTHER);
	CHECK(plan_engine_file("/dev/shm", "shm") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file("/home/me/shm", "shm") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file("/home/me/userdata/shm", "shm") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file("/x" HEX64 "/shm", "shm") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file("/x/" HEX64 "/shm/", "shm") == ENGINE_FILE_NONE);
	CHECK(plan_engine_file("", "shm") == ENGINE_FILE_NONE);
}

#define ENGINE_SHM "/x/overlay-containers/" HEX64 "/userdata/shm"
#define OPTIONS(...)                                                                               \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

/* What tmpfs options podman, runc and crun are seen to write, and others that people may. */
static void understands_tmpfs_options(void)
{
	static const struct {
		const char *options[8];
		const char *odd; /* the first that is not understood: left alone */
		uint64_t size;
		bool read_only;
	} cases[] = {
		{ { NULL }, NULL, 0, false },
		/* runc spec, crun spec */
		{ OPTIONS("nosuid", "noexec", "nodev", "mode=1777", "size=65536k"), NULL, 64 << 20,
		  false },
		/* podman --tmpfs /dev/shm, --mount type=tmpfs */
		{ OPTIONS("rw", "rprivate", "nosuid", "nodev", "tmpcopyup"), NULL, 0, false },
		{ OPTIONS("ro", "rprivate", "nosuid", "nodev", "tmpcopyup"), NULL, 0, true },
		{ OPTIONS("ro", "size=1m", "rprivate", "nosuid", "nodev"), NULL, 1 << 20, true },
		/* the last counts */
		{ OPTIONS("ro", "rw"), NULL, 0, false },
		{ OPTIONS("rw", "ro"), NULL, 0, true },
		{ OPTIONS("size=4m", "size=1m"), NULL, 1 << 20, false },
		{ OPTIONS("size=1m", "size=4m"), NULL, 4 << 20, false },
		{ OPTIONS("size=1m", "size=10%"), "size=10%", 0, false },
		{ OPTIONS("size=10%", "size=1m"), "size=10%", 0, false },
		/* sizes */
		{ OPTIONS("size=4096"), NULL, 4096, false },
		{ OPTIONS("size=1G"), NULL, 1 << 30, false },
		{ OPTIONS("size=10%"), "size=10%", 0, false },
		{ OPTIONS("size=1t"), "size=1t", 0, false },
		{ OPTIONS("size=64mb"), "size=64mb", 0, false },
		{ OPTIONS("size=64b"), "size=64b", 0, false },
		{ OPTIONS("size=0x100000"), "size=0x100000", 0, false },
		{ OPTIONS("size=0100m"), "size=0100m", 0, false },
		{ OPTIONS("size=0"), "size=0", 0, false },
		{ OPTIONS("size="), "size=", 0, false },
		{ OPTIONS("size"), "size", 0, false },
		{ OPTIONS("size=-1"), "size=-1", 0, false },
		{ OPTIONS("size=1m,mode=0700"), "size=1m,mode=0700", 0, false },
		{ OPTIONS("size=99999999999999999g"), "size=99999999999999999g", 0, false },
		{ OPTIONS("size=18446744073709551616"), "size=18446744073709551616", 0, false },
		{ OPTIONS("Size=1m"), "Size=1m", 0, false },
		/* modes */
		{ OPTIONS("mode=01777"), NULL, 0, false },
		{ OPTIONS("mode=001777"), NULL, 0, false },
		{ OPTIONS("mode=0755"), "mode=0755", 0, false },
		{ OPTIONS("mode=777"), "mode=777", 0, false },
		{ OPTIONS("mode=11777"), "mode=11777", 0, false },
		{ OPTIONS("mode="), "mode=", 0, false },
		{ OPTIONS("mode=1777", "mode=0700"), "mode=0700", 0, false },
		/* what the pod's cannot have */
		{ OPTIONS("nr_blocks=10"), "nr_blocks=10", 0, false },
		{ OPTIONS("nr_inodes=10"), "nr_inodes=10", 0, false },
		{ OPTIONS("rw", "uid=5", "gid=5"), "uid=5", 0, false },
		{ OPTIONS("gid=5"), "gid=5", 0, false },
		{ OPTIONS("U"), "U", 0, false },
		{ OPTIONS("huge=always"), "huge=always", 0, false },
		{ OPTIONS("mpol=bind:0"), "mpol=bind:0", 0, false },
		{ OPTIONS("noswap"), "noswap", 0, false },
		{ OPTIONS("exec"), "exec", 0, false },
		{ OPTIONS("nosuid", "suid", "dev"), "suid", 0, false },
		{ OPTIONS("rro"), "rro", 0, false },
		{ OPTIONS("nosymfollow"), "nosymfollow", 0, false },
		{ OPTIONS("shared"), "shared", 0, false },
		{ OPTIONS("runbindable"), "runbindable", 0, false },
		{ OPTIONS("remount"), "remount", 0, false },
		{ OPTIONS("context=\"a\""), "context=\"a\"", 0, false },
		{ OPTIONS(""), "", 0, false },
		/* what makes no difference */
		{ OPTIONS("relatime", "noatime", "strictatime", "slave", "defaults"), NULL, 0,
		  false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct plan_shm_mount mount = { "tmpfs", "shm", cases[i].options, 0, false, false };
		struct plan_shm shm;

		while (cases[i].options[mount.option_count])
			mount.option_count++;
		unit_row(cases[i].odd ? cases[i].odd : cases[i].options[0]);
		shm = plan_shm(&mount);
		CHECK(!shm.keeps == !cases[i].odd);
		CHECK_STR(shm.option, cases[i].odd);
		CHECK(shm.size == cases[i].size && shm.read_only == cases[i].read_only);
		CHECK(!shm.sized_by_source);
	}
}

static void leaves_other_mounts_on_shm_alone(void)
{
	static const char *const read_only[] = { "bind", "ro", "size=10%" };
	static const struct {
		struct plan_shm_mount mount;
		const char *keeps;
	} cases[] = {
		/* Whatever its options are, they stay. */
		{ { "bind", ENGINE_SHM, read_only, 3, true, false }, NULL },
		{ { "tmpfs", "shm", NULL, 0, false, true }, "another mount" },
		{ { "bind", ENGINE_SHM, NULL, 0, true, true }, "another mount" },
		{ { "bind", "/dev/shm", NULL, 0, true, false }, "user's own" },
		{ { "bind", NULL, NULL, 0, true, false }, "user's own" },
		{ { "tmpfs", "/home/me", read_only, 1, true, false }, "user's own" },
		{ { NULL, "shm", NULL, 0, false, false }, "no tmpfs" },
		{ { "devpts", "devpts", NULL, 0, false, false }, "no tmpfs" },
		/* The name of a tmpfs is no path. */
		{ { "tmpfs", ENGINE_SHM, NULL, 0, false, false }, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct plan_shm shm = plan_shm(&cases[i].mount);

		if (!CHECK(!shm.keeps == !cases[i].keeps))
			continue;
		if (shm.keeps)
			CHECK_HAS(shm.keeps, cases[i].keeps);
		CHECK(!shm.option && !shm.read_only && !shm.size);
		CHECK(shm.sized_by_source == (cases[i].mount.bind && !shm.keeps));
	}
}

static void checks_labels(void)
{
	static const char *const bad[] = {
		"a\"b", "a\nb", "a\tb", "\x7f", "caf\xc3\xa9", "\x1b[0m"
	};
	char longest[PLAN_LABEL_MAX + 2];
	struct error e;

	CHECK(plan_check_label("system_u:object_r:container_file_t:s0:c1,c2", &e) == 0);
	/* No escape and no separator within quotes: the policy refuses it. */
	CHECK(plan_check_label("a\\,size=1t b", &e) == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		unit_row(bad[i]);
		CHECK(plan_check_label(bad[i], &e) < 0);
		CHECK_HAS(e.text, "linux.mountLabel");
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK(plan_check_label(longest, &e) < 0);
	CHECK_HAS(e.text, "longer than");
	CHECK(plan_check_label(longest + 1, &e) == 0);
}

static void parses_sizes(void)
{
	static const struct {
		const char *text;
		uint64_t bytes; /* 0: refused */
		const char *says;
	} cases[] = {
		{ "65536k", 65536 * 1024, NULL },
		{ "64m", 64 << 20, NULL },
		{ "1G", 1 << 30, NULL },
		{ "4096", 4096, NULL },
		{ "10b", 10, NULL },
		{ "010m", 10 << 20, NULL },
		{ "8589934591g", UINT64_C(8589934591) << 30, NULL },
		{ "", 0, "is not a size" },
		{ "m", 0, "is not a size" },
		{ "-1", 0, "is not a size" },
		{ "+1", 0, "is not a size" },
		{ "1.5m", 0, "is not a size" },
		{ "1 m", 0, "is not a size" },
		{ "50%", 0, "is not a size" },
		{ "1t", 0, "is not a size" },
		{ "64mb", 0, "is not a size" },
		{ "0x10", 0, "is not a size" },
		{ "1m ", 0, "is not a size" },
		{ "1,mode=777", 0, "is not a size" },
		{ "m1", 0, "is not a size" },
		{ "0", 0, "no limit" },
		{ "0k", 0, "no limit" },
		{ "000", 0, "no limit" },
		{ "8589934592g", 0, "too large" },
		{ "9223372036854775808", 0, "too large" },
		{ "18446744073709551616", 0, "too large" },
		{ "99999999999999999g", 0, "too large" },
		{ "9999999999999999999999999999", 0, "too large" },
	};
	struct error e;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t bytes = 0;
		int ret;

		unit_row(cases[i].text);
		ret = plan_parse_size(cases[i].text, &bytes, &e);
		CHECK((ret == 0) == (cases[i].bytes != 0));
		if (cases[i].bytes)
			CHECK(bytes == cases[i].bytes);
		if (ret < 0 && cases[i].says) {
			CHECK_HAS(e.text, cases[i].says);
			CHECK_HAS(e.hint, "64m");
		}
	}
}

static void a_network_is_attached_once(void)
{
	static const struct {
		const char *name;
		struct plan_network_input in;
		const char *network, *error; /* neither: none is attached */
	} asked[] = {
		{ "nobody asks", { .verb = PLAN_CREATE }, NULL, NULL },
		{ "defined", { .verb = PLAN_CREATE, .defined = "a" }, "a", NULL },
		{ "annotated", { .verb = PLAN_ADOPT_INIT, .annotated = "a" }, "a", NULL },
		{ "both", { .verb = PLAN_CREATE, .defined = "a", .annotated = "a" }, "a", NULL },
		{ "they disagree",
		  { .verb = PLAN_CREATE, .defined = "a", .annotated = "b" },
		  NULL,
		  "names b, but pod p has the network a" },
		{ "ports alone",
		  { .verb = PLAN_CREATE, .publishes = true },
		  NULL,
		  "the pod has no network" },
		{ "the namespace of one that podns create made is gone",
		  { .verb = PLAN_CREATE, .recorded = "a", .attached = true },
		  NULL,
		  "the network namespace of pod p, which had the network a, is gone" },
		{ "that of one that is defined is gone",
		  { .verb = PLAN_CREATE, .defined = "a", .recorded = "a", .attached = true },
		  "a",
		  NULL },
		{ "joined",
		  { .verb = PLAN_JOIN, .defined = "a", .recorded = "a", .attached = true },
		  NULL,
		  NULL },
		{ "joined, annotated",
		  { .verb = PLAN_JOIN, .annotated = "a", .recorded = "a", .attached = true },
		  NULL,
		  NULL },
		{ "joined, another",
		  { .verb = PLAN_JOIN, .annotated = "b", .recorded = "a", .attached = true },
		  NULL,
		  "names b, but pod p has the network a" },
		{ "joined, without a network",
		  { .verb = PLAN_JOIN, .annotated = "a" },
		  NULL,
		  "pod p exists already, without a network" },
		{ "defined since", { .verb = PLAN_JOIN, .defined = "a" }, NULL, NULL },
		{ "joined, made with another by podns create",
		  { .verb = PLAN_JOIN, .defined = "a", .recorded = "b", .attached = true },
		  NULL,
		  NULL },
		{ "joined, annotated, made with another",
		  { .verb = PLAN_JOIN,
		    .defined = "a",
		    .annotated = "b",
		    .recorded = "b",
		    .attached = true },
		  NULL,
		  NULL },
		{ "left by a killed run",
		  { .verb = PLAN_JOIN, .annotated = "a", .recorded = "a" },
		  "a",
		  NULL },
		{ "left, and not asked for",
		  { .verb = PLAN_JOIN, .recorded = "a" },
		  NULL,
		  "the network a of pod p is not attached" },
		{ "not shared",
		  { .verb = PLAN_LEAVE, .annotated = "a", .target = TARGET_OWN },
		  NULL,
		  "does not share the pod's network namespace" },
		{ "the host's",
		  { .verb = PLAN_LEAVE, .annotated = "a", .target = TARGET_SHARED },
		  NULL,
		  "shares the host's network namespace" },
		{ "not shared, defined", { .verb = PLAN_LEAVE, .defined = "a" }, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		struct plan_network_input in = asked[i].in;
		const char *network = NULL;
		struct error e = { 0 };

		unit_row(asked[i].name);
		in.pod = "p";
		CHECK(plan_network(&in, &network, &e) == (asked[i].error ? -1 : 0));
		CHECK_STR(network, asked[i].network);
		if (asked[i].error)
			CHECK_HAS(e.text, asked[i].error);
	}
}

/* --- rates ----------------------------------------------------------------------------------------- */

static void parses_rates(void)
{
	static const struct {
		const char *text;
		uint64_t rate, burst;
	} rates[] = {
		{ "1000", 1000, 131072 },
		{ "1k", 1000, 131072 },
		{ "64K", 64000, 131072 },
		{ "10M", 10000000, 1000000 },
		{ "010m", 10000000, 1000000 },
		{ "1g", 1000000000, 100000000 },
		{ "1000G", UINT64_C(1000000000000), UINT64_C(17179869176) },
	};

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		struct bandwidth b = { 0 };
		struct error e;

		unit_row(rates[i].text);
		CHECK(bandwidth_parse_rate(rates[i].text, &b.ingress, &e) == 0);
		CHECK(b.ingress == rates[i].rate && bandwidth_is_valid(&b));
		CHECK(bandwidth_burst(b.ingress) == rates[i].burst);
	}
}

static void refuses_what_is_no_rate(void)
{
	static const struct {
		const char *text, *says;
	} rates[] = {
		{ "", "is no rate" },
		{ "M", "is no rate" },
		{ "10MB", "is no rate" },
		{ "10Mbit", "is no rate" },
		{ "-1", "is no rate" },
		{ "1.5M", "is no rate" },
		{ " 1M", "is no rate" },
		{ "10T", "is no rate" },
		{ "0", "is too low a rate" },
		{ "999", "is too low a rate" },
		{ "1001G", "is too high a rate" },
		{ "18446744073709551616", "is too high a rate" },
		{ "18446744073709552616", "is too high a rate" },
	};

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		uint64_t rate;
		struct error e;

		unit_row(rates[i].text);
		CHECK(bandwidth_parse_rate(rates[i].text, &rate, &e) == -1);
		CHECK_HAS(e.text, rates[i].says);
		CHECK_HAS(e.hint, "such as 10M");
	}
}

int main(void)
{
	RUN(decides_each_row_for_each_type);
	RUN(hints_at_the_option_of_the_type);
	RUN(leaves_types_that_the_pod_does_not_share);
	RUN(asks_who_owns_the_pins);
	RUN(knows_a_private_user_namespace_at_create_runtime);
	RUN(makes_the_pods_user_namespace);
	RUN(compares_mappings);
	RUN(refuses_time_offsets);
	RUN(refuses_to_restore_into_most_types);
	RUN(refuses_a_second_network);
	RUN(chooses_hostnames);
	RUN(checks_hostnames);
	RUN(chooses_names_by_the_decision);
	RUN(refuses_bad_names_that_would_be_set);
	RUN(knows_where_a_setting_goes);
	RUN(refuses_what_would_change_the_host);
	RUN(knows_the_engines_own_shm);
	RUN(understands_tmpfs_options);
	RUN(leaves_other_mounts_on_shm_alone);
	RUN(checks_labels);
	RUN(parses_sizes);
	RUN(a_network_is_attached_once);
	RUN(parses_rates);
	RUN(refuses_what_is_no_rate);
	return unit_done();
}
