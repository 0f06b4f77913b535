/* SPDX-License-Identifier: Apache-2.0 */
/* Pod names, which pod, the record's text, sets of types, id mappings. */
#include "ns/maps.h"
#include "pod/name.h"
#include "pod/record.h"

#include "tests/unit/unit.h"

static void checks_pod_names(void)
{
	static const char *const good[] = { "web", "a", "A-z_0.9+", "_x", "+", "-rf", "web..1" };
	static const char *const bad[] = { "",     ".",         "..",  ".web", "a/b", "../x", "a b",
					   "a\nb", "w\xc3\xa4", "a@b", "log",  "a%b", "a=b" };
	char name[POD_NAME_MAX + 2];
	struct error e;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		unit_row(good[i]);
		CHECK(pod_check_name(good[i], &e) == 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		unit_row(bad[i]);
		CHECK(pod_check_name(bad[i], &e) < 0);
	}
	memset(name, 'a', sizeof(name));
	name[POD_NAME_MAX] = '\0';
	CHECK(pod_check_name(name, &e) == 0);
	name[POD_NAME_MAX] = 'a';
	name[POD_NAME_MAX + 1] = '\0';
	CHECK(pod_check_name(name, &e) < 0);
}

/* Ids of sandboxes, and what looks like one. */
#define DIGITS_60 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"
#define ID DIGITS_60 "cdef"
#define OTHER_ID DIGITS_60 "cdee"

static void chooses_the_pod(void)
{
	static const struct {
		const char *row;
		struct pod_clues clues;
		const char *name;
		bool named, cri, annotations;
	} rows[] = {
		{ "annotation", { .annotation = "web", .id = "c1" }, "web", true, false, true },
		{ "none but the id", { .id = "c1" }, "c1", false, false, true },
		{ "an engine's own id", { .id = ID }, ID, false, false, true },
		{ "nothing at all", { 0 }, NULL, false, false, true },
		{ "a CRI engine's sandbox",
		  { .sandbox = ID, .annotation = "web", .id = "c1" },
		  ID,
		  false,
		  true,
		  false },
		{ "a sandbox, and an annotation that looks like another",
		  { .sandbox = ID, .annotation = OTHER_ID, .id = "c1" },
		  ID,
		  false,
		  true,
		  false },
		{ "trusted annotation",
		  { .sandbox = ID, .annotation = "web", .id = "c1", .trust_annotations = true },
		  "web",
		  true,
		  false,
		  true },
		{ "trusted, but none",
		  { .sandbox = ID, .id = "c1", .trust_annotations = true },
		  ID,
		  false,
		  false,
		  true },
		{ "an annotation of root's own",
		  { .annotation = "web", .id = "c1", .own_key = true },
		  "web",
		  true,
		  false,
		  false },
		{ "that is not there", { .id = "c1", .own_key = true }, "c1", false, false, false },
		{ "root's own, and all are trusted",
		  { .annotation = "web", .id = "c1", .own_key = true, .trust_annotations = true },
		  "web",
		  true,
		  false,
		  true },
		{ "63 digits",
		  { .annotation = DIGITS_60 "cde" },
		  DIGITS_60 "cde",
		  true,
		  false,
		  true },
		{ "65 digits", { .annotation = ID "0" }, ID "0", true, false, true },
		{ "64, not all digits",
		  { .annotation = DIGITS_60 "cdeg" },
		  DIGITS_60 "cdeg",
		  true,
		  false,
		  true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pod_choice choice;
		struct error e;

		unit_row(rows[i].row);
		CHECK(pod_choose(&rows[i].clues, &choice, &e) == 0);
		CHECK_STR(choice.name, rows[i].name);
		CHECK(choice.named == rows[i].named && choice.cri == rows[i].cri);
		CHECK(choice.annotations == rows[i].annotations);
	}
}

static void refuses_a_choice(void)
{
	static const struct {
		struct pod_clues clues;
		const char *says;
	} rows[] = {
		{ { .annotation = "../etc", .id = "c1" }, "pod name '../etc' may contain only" },
		{ { .annotation = "", .id = "c1" }, "the pod name is empty" },
		{ { .id = "a/b" }, "pod name 'a/b' may contain only" },
		/* Nobody is to join a pod that is known by its id by writing an annotation. */
		{ { .annotation = ID, .id = "c1" }, "64 hexadecimal digits are the id of an" },
		{ { .annotation = ID, .id = ID }, "64 hexadecimal digits are the id of an" },
		{ { .annotation = ID, .sandbox = ID, .trust_annotations = true },
		  "64 hexadecimal digits are the id of an" },
		{ { .annotation = ID, .own_key = true }, "64 hexadecimal digits are the id of an" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pod_choice choice;
		struct error e;

		unit_row(rows[i].says);
		CHECK(pod_choose(&rows[i].clues, &choice, &e) < 0);
		CHECK_HAS(e.text, rows[i].says);
	}
}

static void knows_when_a_sandbox_counts(void)
{
	CHECK(pod_sandbox_counts("io.podns.pod", false));
	CHECK(pod_sandbox_counts("io.podns.pod", true));
	CHECK(!pod_sandbox_counts("org.example.pod", false));
	CHECK(pod_sandbox_counts("org.example.pod", true));
}

/* A stand-in for a document: the two annotations by which CRI engines name a sandbox. */
static int get_sandbox(void *doc, const char *key, const char **value, struct error *e)
{
	const char *const *values = doc;

	(void)e;
	*value = values[strstr(key, "cri-o") != NULL];
	return 0;
}

static void finds_the_sandbox(void)
{
	static const struct {
		const char *containerd, *crio, *sandbox;
		const char *says; /* NULL: good */
	} rows[] = {
		{ NULL, NULL, NULL, NULL },
		{ ID, NULL, ID, NULL },
		{ NULL, ID, ID, NULL },
		{ ID, ID, ID, NULL },
		/* A pod author wrote the one that his engine does not use. */
		{ OTHER_ID, ID, NULL, "name different sandboxes" },
		/* What is no id of a sandbox could be the name of a pod. */
		{ "victim", NULL, NULL, "io.kubernetes.cri.sandbox-id: 'victim' is not the id" },
		{ NULL, "victim", NULL, "io.kubernetes.cri-o.SandboxID: 'victim' is not the id" },
		{ ID, "victim", NULL, "'victim' is not the id" },
		{ "victim", ID, NULL, "'victim' is not the id" },
		{ "", NULL, NULL, "'' is not the id" },
		{ DIGITS_60 "cde", NULL, NULL, "is not the id" },
		{ ID "0", NULL, NULL, "is not the id" },
		{ DIGITS_60 "cdeF", NULL, NULL, "is not the id" },
		{ DIGITS_60 "cde ", NULL, NULL, "is not the id" },
		{ DIGITS_60 "cde\n", NULL, NULL, "is not the id" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *values[] = { rows[i].containerd, rows[i].crio }, *sandbox;
		struct error e;
		int r = pod_find_sandbox(get_sandbox, values, &sandbox, &e);

		unit_row(rows[i].containerd);
		CHECK((r == 0) == !rows[i].says);
		if (r == 0)
			CHECK_STR(sandbox, rows[i].sandbox);
		else
			CHECK_HAS(e.text, rows[i].says);
	}
}

static void fill(struct record *r)
{
	const struct entrant member = { ENTRANT_MEMBER, "c1", "/b/a b%\n", NULL, 42, 4711, 0 };
	const struct entrant waiting = { ENTRANT_WAITING, "c2", "/b2", NULL, 0, 0, 99 };
	const struct entrant claim = { ENTRANT_CLAIM, NULL, NULL, "abcd", 0, 0, 77 };
	const struct entrant created = {
		ENTRANT_CLAIM, "c1", "runtime /a b", "ef01", 43, 4712, 78
	};
	struct error e;

	r->held = r->shm = true;
	r->created = 12345;
	r->mntns = (struct ns_id){ .dev = 4, .ino = 4026531840 };
	r->pidns = (struct ns_id){ .dev = 4, .ino = 4026531836 };
	r->timens = (struct ns_id){ .dev = 4, .ino = 4026531834 };
	r->pin[NS_NET] = (struct record_pin){ true, { 4, 4026532000, 12 } };
	r->pin[NS_USER] = (struct record_pin){ true, { 4, 4026532001, 13 } };
	CHECK(record_add_entrant(r, &member, &e) == 0);
	CHECK(record_add_entrant(r, &waiting, &e) == 0);
	CHECK(record_add_entrant(r, &claim, &e) == 0);
	CHECK(record_add_entrant(r, &created, &e) == 0);
	CHECK(record_add_bundle(r, "/b/a b%\n", &e) == 0);
	CHECK(record_add_bundle(r, "/b/a b%\n", &e) == 0);
	CHECK(record_set_sysctl(r, "net/x", "1 2\t3", &e) == 0);
	CHECK(record_set_sysctl(r, "net/x", "4 5", &e) == 0);
}

static void writes_and_reads_a_record(void)
{
	cleanup_buf struct buf one = { 0 }, two = { 0 };
	struct record a = { 0 }, b;
	struct error e;

	fill(&a);
	CHECK(record_format(&a, &one, &e) == 0);
	CHECK(record_parse(&b, one.data, &e) == 0);
	CHECK(record_format(&b, &two, &e) == 0);
	CHECK_STR(two.data, one.data);
	CHECK(b.mntns.ino == 4026531840 && b.pidns.ino == 4026531836);
	CHECK(b.timens.dev == 4 && b.timens.ino == 4026531834);
	CHECK_HAS(one.data, "\ntimens 4 4026531834\n");
	CHECK(b.bundle_count == 1 && b.sysctl_count == 1 && b.entrant_count == 4);
	CHECK_STR(record_sysctl(&b, "net/x"), "4 5");
	CHECK(record_sysctl(&b, "net/y") == NULL);
	CHECK(record_find_container(&b, "c1", "/b/a b%\n") == 0);
	CHECK(record_find_container(&b, "c1", "/b2") < 0);
	CHECK(record_find_claim(&b, "abcd", "c1") == 2 && !b.entrants[2].id &&
	      !b.entrants[2].bundle);
	CHECK(record_find_claim(&b, "abcd", NULL) == 2);
	CHECK(record_find_claim(&b, "ef01", "c1") == 3);
	CHECK(record_find_claim(&b, "ef01", "c2") < 0 && record_find_claim(&b, "ef01", NULL) < 0);
	CHECK(record_find_claim_of(&b, "c1", "runtime /a b") == 3);
	CHECK(b.entrants[3].pid == 43 && b.entrants[3].start == 4712);
	CHECK(record_find_claim_of(&b, "c1", "/b/a b%\n") < 0);
	CHECK(record_find_claim_of(&b, "c2", "runtime /a b") < 0);
	CHECK(record_find_container(&b, "c1", "runtime /a b") < 0);
	CHECK(!record_is_empty(&b));
	for (int i = 0; i < 4; i++)
		record_drop_entrant(&b, 0);
	CHECK(!record_is_empty(&b));
	b.held = false;
	CHECK(record_is_empty(&b));
	record_free(&a);
	record_free(&b);
}

static void hosts_are_in_the_record(void)
{
	const struct host_entry host = { "db one", "192.0.2.1" };
	cleanup_buf struct buf text = { 0 };
	struct record a = { 0 }, b = { 0 };
	struct error e;
	bool added;

	CHECK(record_add_host(&a, &host, &e) == 0);
	CHECK(record_add_hosts_key(&a, "/x/hosts", &added, &e) == 0 && added);
	CHECK(record_add_hosts_key(&a, "/x/hosts", &added, &e) == 0 && !added);
	CHECK(record_add_hosts_key(&a, "/y/a b", &added, &e) == 0 && added);
	CHECK(record_format(&a, &text, &e) == 0);
	CHECK_HAS(text.data, "\nhost db%20one 192.0.2.1\nhosts /x/hosts\nhosts /y/a%20b\n");
	CHECK(record_parse(&b, text.data, &e) == 0);
	CHECK(b.host_count == 1 && b.hosts_key_count == 2);
	CHECK_STR(b.hosts[0].name, "db one");
	record_drop_hosts_key(&b, 0);
	CHECK(b.hosts_key_count == 1);
	CHECK_STR(b.hosts_keys[0], "/y/a b");
	record_free(&a);
	record_free(&b);
}

static void the_network_is_in_the_record(void)
{
	cleanup_buf struct buf text = { 0 }, again = { 0 };
	struct record a = { 0 }, b, c = { 0 };
	struct error e;

	CHECK(record_set_network(&a, "front", &e) == 0);
	CHECK(record_format(&a, &text, &e) == 0);
	CHECK_HAS(text.data, "\nnetwork front\n");
	a.attached = true;
	CHECK(record_add_address(&a, "192.0.2.7", &e) == 0);
	CHECK(record_add_address(&a, "2001:db8::7", &e) == 0);
	CHECK(record_set_leaving(&a, "plugin x: no", &e) == 0);
	text.len = 0;
	CHECK(record_format(&a, &text, &e) == 0);
	CHECK_HAS(text.data, "\nattached front\naddress 192.0.2.7\naddress 2001:db8::7\nleaving "
			     "plugin%20x:%20no\n");
	CHECK(record_parse(&b, text.data, &e) == 0);
	CHECK(b.attached && b.address_count == 2);
	CHECK_STR(b.network, "front");
	CHECK_STR(b.leaving, "plugin x: no");
	CHECK(record_copy_network(&c, &b, &e) == 0);
	CHECK(record_format(&c, &again, &e) == 0);
	CHECK_STR(again.data, text.data);
	record_forget_network(&b);
	CHECK(!b.network && !b.attached && !b.leaving && !b.address_count);
	record_free(&a);
	record_free(&b);
	record_free(&c);
}

static void refuses_a_damaged_record(void)
{
#define HEAD "podns-record 1\n"
	static const char *const bad[] = {
		"",
		"podns-record 2\n",
		"podns-record 1",
		HEAD "held",
		HEAD "nonsense\n",
		HEAD "nonsense x\n",
		HEAD "network a b\n",
		HEAD "claim 77 abcd c1\n",
		HEAD "claim 77 abcd c1 /b\n",
		HEAD "claim 77 x 4712 abcd c1 /b\n",
		HEAD "pin pid 4 5 6\n",
		HEAD "pin net 4 5\n",
		HEAD "pin net 4 x 6\n",
		HEAD "pin net -4 5 6\n",
		HEAD "member 1 2 c1\n",
		HEAD "member 99999999999 2 c1 /b\n",
		HEAD "claim 1\n",
		HEAD "bundle %4\n",
		HEAD "bundle %00\n",
		HEAD "bundle %zz\n",
		HEAD "held x\n",
		HEAD "\n",
		HEAD "mntns 4 18446744073709551616\n",
		HEAD "timens\n",
		HEAD "timens 4\n",
		HEAD "timens 4 5 6\n",
		HEAD "timens x 5\n",
		HEAD "timens 4 -5\n",
		HEAD "timens 4 5",
	};
	struct record r;
	struct error e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		unit_row(bad[i]);
		CHECK(record_parse(&r, bad[i], &e) < 0);
	}
}

/* One that was written before time namespaces were recorded: unknown. */
static void reads_a_record_without_a_time_namespace(void)
{
	struct record r;
	struct error e;

	CHECK(record_parse(&r, HEAD "mntns 4 5\npidns 4 6\ncreated 7\n", &e) == 0);
	CHECK(r.pidns.ino == 6 && r.timens.dev == 0 && r.timens.ino == 0);
	record_free(&r);
}

static void keeps_many_entrants(void)
{
	struct record r = { 0 };
	struct error e;
	char id[16];

	for (int i = 0; i < 1000; i++) {
		struct entrant x = { ENTRANT_MEMBER, id, "/b", NULL, i + 1, 0, 0 };

		snprintf(id, sizeof(id), "c%d", i);
		CHECK(record_add_entrant(&r, &x, &e) == 0);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		CHECK(record_find_container(&r, id, "/b") == i);
	}
	record_free(&r);
}

static void parses_sets_of_types(void)
{
	static const struct {
		const char *list;
		bool hook;
		ns_set set; /* 0: refused */
		const char *says;
	} rows[] = {
		{ "net,ipc,uts", true, NS_BIT(NS_NET) | NS_BIT(NS_IPC) | NS_BIT(NS_UTS), NULL },
		{ "network", true, NS_BIT(NS_NET), NULL },
		{ "user,cgroup,time", true, NS_BIT(NS_USER) | NS_BIT(NS_CGROUP) | NS_BIT(NS_TIME),
		  NULL },
		{ "mount", false, NS_BIT(NS_MNT), NULL },
		{ "mount", true, 0, "cannot be shared by a hook" },
		{ "mnt", true, 0, "cannot be shared by a hook" },
		{ "pid", true, 0, "dies with its init process" },
		{ "net,pid", false, 0, "dies with its init process" },
		{ "", true, 0, "empty name" },
		{ "net,", true, 0, "empty name" },
		{ ",net", true, 0, "empty name" },
		{ "net,network", true, 0, "twice" },
		{ "net ipc", true, NS_BIT(NS_NET) | NS_BIT(NS_IPC), NULL },
		{ "net, ipc", true, 0, "empty name" },
		{ "Net", true, 0, "unknown" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true, 0, "unknown" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ns_set set;
		struct error e;
		int r = ns_parse_set(rows[i].list, rows[i].hook, &set, &e);

		unit_row(rows[i].list);
		CHECK((r < 0 ? 0 : set) == rows[i].set);
		if (r < 0 && rows[i].says)
			CHECK_HAS(e.text, rows[i].says);
	}
}

static void compares_mappings(void)
{
	static struct id_map one[] = { { 0, 1000, 10 } },
			     cut[] = { { 5, 1005, 5 }, { 0, 1000, 5 } },
			     other[] = { { 0, 1001, 10 } }, part[] = { { 0, 1000, 9 } };
	struct id_maps a = { one, 1 }, b = { cut, 2 }, c = { other, 1 }, d = { part, 1 },
		       none = { NULL, 0 }, read;
	cleanup_arena struct arena arena = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct error e;

	CHECK(id_maps_equal(&a, &b) && id_maps_equal(&b, &a));
	CHECK(!id_maps_equal(&a, &c) && !id_maps_equal(&a, &d) && !id_maps_equal(&a, &none));
	CHECK(id_maps_equal(&none, &none));
	CHECK(id_maps_text(&b, &text, &e) == 0);
	CHECK_STR(text.data, "5 1005 5\n0 1000 5\n");
	CHECK(id_maps_parse("         0       1000         10\n", &arena, &read, &e) == 0);
	CHECK(id_maps_equal(&a, &read));
	CHECK(id_maps_parse("0 1\n", &arena, &read, &e) < 0);
}

int main(void)
{
	RUN(checks_pod_names);
	RUN(chooses_the_pod);
	RUN(refuses_a_choice);
	RUN(knows_when_a_sandbox_counts);
	RUN(finds_the_sandbox);
	RUN(writes_and_reads_a_record);
	RUN(hosts_are_in_the_record);
	RUN(the_network_is_in_the_record);
	RUN(refuses_a_damaged_record);
	RUN(reads_a_record_without_a_time_namespace);
	RUN(keeps_many_entrants);
	RUN(parses_sets_of_types);
	RUN(compares_mappings);
	return unit_done();
}
