/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a pod's network, and decisions of podns-net: net/state.h, net/chain.h, net/attach.h. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/attach.h"
#include "net/options.h"
#include "tests/unit/unit.h"

#define ID "0123456789abcdef0123456789abcdef"
#define CONFLIST                                                                                   \
	"{ \"cniVersion\":\"1.0.0\",\"x\": 18446744073709551615 , \"plugins\":[{\"type\":\"a\"}]}"

static const char record[] =
	"{\"version\":1,\n\"pod\":\"web\",\n\"network\":\"n\",\n\"state\":\"up\",\n\"id\":\"" ID
	"\",\n"
	"\"ifname\":\"eth0\",\n\"boot\":\"b\",\n\"netns\":{\"path\":\"/run/netns/web\",\"dev\":4,"
	"\"ino\":4026532001,\"born\":18446744073709551615},\n\"cniVersion\":\"1.0.0\",\n"
	"\"ports\":[\"8080:80/tcp\"],\n\"nextPorts\":[],\n\"dns\":[\"192.0.2.53\"],\n"
	"\"bandwidth\":{\"ingressRate\":1000,\"egressRate\":0},\n"
	"\"conflist\":" CONFLIST
	",\n\"results\":[{\"a\" : 1e400},\n{}],\n\"error\":\"why \\\"\\u0001\\\"\",\n"
	"\"pasta\":{\"pid\":7,\"start\":9}}\n";

static int parse(struct net_state *st, const char *text, struct error *e)
{
	return net_state_parse(st, "web", "record", text, strlen(text), e);
}

static void reads_what_it_writes(void)
{
	cleanup_net_state struct net_state st;
	cleanup_buf struct buf text = { 0 };
	struct error e;

	if (!CHECK(parse(&st, record, &e) == 0))
		return;
	CHECK(st.phase == NET_UP && st.ns.dev == 4 && st.ns.ino == 4026532001 &&
	      st.ns.born == UINT64_MAX);
	CHECK(st.ports.count == 1 && st.changing && st.next_ports.count == 0);
	CHECK(st.dns_count == 1 && st.result_count == 2 && st.pasta_pid == 7 &&
	      st.pasta_start == 9);
	CHECK(st.bandwidth.ingress == 1000 && !st.bandwidth.egress);
	CHECK_STR(st.conflist.text, CONFLIST);
	CHECK_STR(st.results[0].text, "{\"a\" : 1e400}");
	CHECK(net_state_format(&st, &text, &e) == 0);
	CHECK_STR(text.data, record);
}

/* The record with the first `from` in it replaced. */
static const char *changed(struct buf *text, const char *from, const char *to)
{
	const char *at = strstr(record, from);

	buf_free(text);
	if (at) {
		buf_add(text, record, (size_t)(at - record));
		buf_adds(text, to);
		buf_adds(text, at + strlen(from));
	}
	return at ? text->data : "";
}

static void refuses_broken_records(void)
{
	static const struct {
		const char *from, *to, *message;
	} rows[] = {
		{ "\"version\":1", "\"version\":2", "has version 2, not 1" },
		{ "\"version\":1", "\"version\":1,\"more\":1", "more: is not known" },
		{ "\"version\":1", "\"version\":1,\"pod\":\"web\"", "is there twice" },
		{ "\"pod\":\"web\"", "\"pod\":\"other\"", "is of the pod other, not web" },
		{ "\"network\":\"n\",\n", "", "has no network" },
		{ "\"network\":\"n\"", "\"network\":\"../n\"", "../n" },
		{ "\"up\"", "\"sideways\"", "is no state of a network" },
		{ "\"" ID "\"", "\"" ID "0\"", "32 hexadecimal digits" },
		{ "\"" ID "\"", "\"../" ID "\"", "32 hexadecimal digits" },
		{ "\"boot\":\"b\",\n", "", "has no boot" },
		{ "\"ino\":4026532001", "\"ino\":-1", "netns.ino" },
		{ "\"ino\":4026532001,", "", "has no ino" },
		{ "\"8080:80/tcp\"", "8080", "ports[0]" },
		{ "\"8080:80/tcp\"", "\"x\"", "x" },
		{ "\"dns\":[\"192.0.2.53\"],\n", "", "has no dns" },
		{ "\"cniVersion\":\"1.0.0\",\n", "", "only one of cniVersion and conflist" },
		{ "\"results\":[", "\"results\":[1,", "results[0]: is not an object" },
		{ "\"pid\":7", "\"pid\":99999999999", "pasta.pid" },
		{ "}}\n", "}", "record" },
		{ "}}\n", "}}x", "record" },
	};
	cleanup_buf struct buf text = { 0 };
	struct net_state st;
	struct error e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].to);
		if (!CHECK(parse(&st, changed(&text, rows[i].from, rows[i].to), &e) < 0))
			continue;
		CHECK_HAS(e.text, rows[i].message);
		CHECK(!st.arena.chunks && !st.pod);
	}
}

static void texts_lose_only_white_space(void)
{
	cleanup_net_state struct net_state st = { 0 };
	struct error e;

	CHECK(net_state_add_result(&st, " \n{\"a\": [ 1 ] }\n", 16, &e) == 0);
	CHECK_STR(st.results[0].text, "{\"a\": [ 1 ] }");
	CHECK(st.results[0].len == 13 && st.result_count == 1);
	for (size_t i = 1; i < CONFLIST_PLUGINS_MAX; i++)
		CHECK(net_state_add_result(&st, "{}", 2, &e) == 0);
	CHECK(net_state_add_result(&st, "{}", 2, &e) < 0);
	CHECK(st.result_count == CONFLIST_PLUGINS_MAX);
}

/* Each level that the record adds counts. */
static void texts_are_not_too_deep(void)
{
	cleanup_net_state struct net_state st = { 0 };
	char deep[2 * JSON_DEPTH_MAX];
	struct error e;

	for (size_t n = JSON_DEPTH_MAX - 3; n <= JSON_DEPTH_MAX; n++) {
		memset(deep, '[', n);
		memset(deep + n, ']', n);
		CHECK((net_state_set_conflist(&st, deep, 2 * n, &e) == 0) ==
		      (n <= JSON_DEPTH_MAX - 1));
		CHECK((net_state_add_result(&st, deep, 2 * n, &e) == 0) ==
		      (n <= JSON_DEPTH_MAX - 2));
	}
}

static void reasons_are_utf8(void)
{
	cleanup_net_state struct net_state st = { 0 };
	struct error why;

	error_set(&why, 0, "caf\xc3\xa9 \xff\xfe caf\xc3");
	net_state_set_error(&st, &why);
	CHECK_STR(st.error, "caf\xc3\xa9 ?? caf?");
}

static int count_pod(void *arg, const char *pod, struct error *e)
{
	(void)e;
	CHECK_STR(pod, "web");
	++*(int *)arg;
	return 0;
}

static void touch(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT, 0600);

	CHECK(fd >= 0 && close(fd) == 0);
}

static void files(void)
{
	char root[] = "/tmp/test_net.XXXXXX";
	cleanup_store struct store store = STORE_NONE;
	struct net_state st, again;
	struct error e;
	struct stat status;
	int count = 0;

	if (!CHECK(mkdtemp(root)) || !CHECK(store_open(&store, root, true, &e) == 0))
		return;
	CHECK(state_load(&store, "web", &st, &e) == 0 && !st.pod);
	CHECK(parse(&st, record, &e) == 0);
	CHECK(state_save(&store, &st, &e) == 0);
	CHECK(fstatat(store.dir_fd, "network@web", &status, 0) == 0 &&
	      (status.st_mode & 07777) == 0600);
	CHECK(state_load(&store, "web", &again, &e) == 0);
	CHECK_STR(again.conflist.text, CONFLIST);
	net_state_free(&again);
	/* Names that are no records: a temporary file, and what is no pod. */
	touch(store.dir_fd, ".network@web.new");
	touch(store.dir_fd, "network@");
	touch(store.dir_fd, "network@.x");
	CHECK(state_each(&store, count_pod, &count, &e) == 0 && count == 1);
	/* A record that could not be read again is not written. */
	st.id = "no id";
	CHECK(state_save(&store, &st, &e) < 0);
	CHECK(state_load(&store, "web", &again, &e) == 0 && again.pod);
	net_state_free(&again);
	CHECK(state_remove(&store, "web", &e) == 0 && state_remove(&store, "web", &e) == 0);
	CHECK(faccessat(store.dir_fd, ".network@web.new", F_OK, 0) < 0);
	touch(store.dir_fd, "network@web");
	CHECK(state_load(&store, "web", &again, &e) < 0);
	CHECK_HAS(e.text, "network@web");
	CHECK_HAS(e.hint, "network@web by hand");
	net_state_free(&st);
	CHECK(unlinkat(store.dir_fd, "network@web", 0) == 0 &&
	      unlinkat(store.dir_fd, "network@", 0) == 0 &&
	      unlinkat(store.dir_fd, "network@.x", 0) == 0);
	CHECK(unlinkat(store.root_fd, "podns", AT_REMOVEDIR) == 0 && rmdir(root) == 0);
}

static void time_is_shared(void)
{
	static const struct {
		const char *name;
		uint64_t left;
		size_t after;
		unsigned limit;
	} rows[] = {
		{ "a plugin alone gets ten seconds", 25000, 0, 10000 },
		{ "less, if less is left", 7000, 0, 7000 },
		{ "two seconds are kept for each other", 7000, 2, 3000 },
		{ "if there are not two seconds for each, all get the same", 4000, 3, 1000 },
		{ "the first of three", 25000, 2, 10000 },
		{ "nothing is left", 0, 3, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].name);
		CHECK(chain_limit(rows[i].left, rows[i].after) == rows[i].limit);
	}
	/* Engines give a hook 30 s. */
	CHECK(NET_SECONDS == 25 && CHAIN_PLUGIN_MS == 10000);
}

static void fill_ports(struct net_ports *ports, const char *const *specs)
{
	struct error e;

	for (*ports = (struct net_ports){ 0 }; *specs; specs++)
		CHECK(port_parse(*specs, &ports->list[ports->count++], &e) == 0);
}

static void ports_change(void)
{
	struct net_ports ports, drop, add;
	struct error e;

	fill_ports(&ports, (const char *const[]){ "1:1", "2:2/udp", "127.0.0.1:3:3", NULL });
	fill_ports(&drop, (const char *const[]){ "2:2/udp", NULL });
	fill_ports(&add, (const char *const[]){ "2:4/udp", "5-6:5-6", NULL });
	CHECK(net_ports_change(&ports, &drop, &add, &e) == 0);
	if (CHECK(ports.count == 4)) {
		CHECK_STR(port_format(&ports.list[1]).text, "127.0.0.1:3:3/tcp");
		CHECK_STR(port_format(&ports.list[2]).text, "2:4/udp");
	}
	CHECK(net_ports_change(&ports, &drop, &(struct net_ports){ 0 }, &e) < 0);
	CHECK_HAS(e.text, "2:2/udp is not published");
	fill_ports(&add, (const char *const[]){ "3:9", NULL });
	CHECK(net_ports_change(&ports, &(struct net_ports){ 0 }, &add, &e) < 0);
}

int main(void)
{
	RUN(reads_what_it_writes);
	RUN(refuses_broken_records);
	RUN(texts_lose_only_white_space);
	RUN(texts_are_not_too_deep);
	RUN(reasons_are_utf8);
	RUN(files);
	RUN(time_is_shared);
	RUN(ports_change);
	return unit_done();
}
