/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports: what may be written, what overlaps, and whether the host has a port free.
 */
#include "plan/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/attach.h"
#include "net/holder.h"
#include "net/state.h"
#include "net/taken.h"
#include "ns/net.h"
#include "tests/unit/unit.h"

static struct port_range range_of(const char *text)
{
	struct port_range range;
	struct error e;

	if (!CHECK(port_parse(text, &range, &e) == 0))
		printf("# %s\n", e.text);
	return range;
}

static void formats_what_it_parsed(void)
{
	static const struct {
		const char *text, *same;
		unsigned host, pod, count, ip_len;
	} rows[] = {
		{ "8080:80", "8080:80/tcp", 8080, 80, 1, 0 },
		{ "8080:80/tcp", "8080:80/tcp", 8080, 80, 1, 0 },
		{ "53:5353/udp", "53:5353/udp", 53, 5353, 1, 0 },
		{ "1:65535/sctp", "1:65535/sctp", 1, 65535, 1, 0 },
		{ "8000-8009:9000-9009", "8000-8009:9000-9009/tcp", 8000, 9000, 10, 0 },
		{ "1-65535:1-65535", "1-65535:1-65535/tcp", 1, 1, 65535, 0 },
		{ "7-7:8", "7:8/tcp", 7, 8, 1, 0 },
		{ "127.0.0.1:80:80", "127.0.0.1:80:80/tcp", 80, 80, 1, 4 },
		{ "0.0.0.0:80:80/udp", "0.0.0.0:80:80/udp", 80, 80, 1, 4 },
		{ "[::]:80:80", "[::]:80:80/tcp", 80, 80, 1, 16 },
		{ "[2001:DB8:0::1]:80-81:70-71/sctp", "[2001:db8::1]:80-81:70-71/sctp", 80, 70, 2,
		  16 },
		{ "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:60000-65535:60000-65535/sctp",
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:60000-65535:60000-65535/sctp", 60000,
		  60000, 5536, 16 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct port_range range, again;

		unit_row(rows[i].text);
		range = range_of(rows[i].text);
		CHECK(range.host == rows[i].host && range.pod == rows[i].pod);
		CHECK(range.count == rows[i].count && range.ip_len == rows[i].ip_len);
		CHECK_STR(port_format(&range).text, rows[i].same);
		again = range_of(rows[i].same);
		CHECK(!memcmp(&again, &range, sizeof(range)));
	}
}

static void refuses_with_a_reason(void)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "expected [IP:]HOST:POD" },
		{ "80", "expected [IP:]HOST:POD" },
		{ ":80", "not a port" },
		{ "80:", "not a port" },
		{ "0:80", "'0' is not a port from 1 to 65535" },
		{ "80:0", "'0' is not a port from 1 to 65535" },
		{ "65536:80", "'65536' is not a port" },
		{ "18446744073709551696:80", "is not a port" },
		{ "-80:80", "is not a port" },
		{ "+80:80", "is not a port" },
		{ " 80:80", "is not a port" },
		{ "80:80 ", "is not a port" },
		{ "0x50:80", "is not a port" },
		{ "81-80:80-81", "the range 81-80 ends before it begins" },
		{ "80-:80", "is not a port" },
		{ "80-82:80-81", "3 ports of the host cannot lead to 2 of the pod" },
		{ "80-81:80", "2 ports of the host cannot lead to 1 of the pod" },
		{ "80-81-82:80", "is not a port" },
		{ "80:80/", "no protocol ''" },
		{ "80:80/TCP", "no protocol 'TCP'" },
		{ "80:80/icmp", "no protocol 'icmp'" },
		{ "80:80/tcp/udp", "no protocol 'tcp/udp'" },
		{ "1.2.3:80:80", "'1.2.3' is not an IPv4 address" },
		{ "1.2.3.4.5:80:80", "is not an IPv4 address" },
		{ "host:80:80", "'host' is not an IPv4 address" },
		{ ":80:80", "'' is not an IPv4 address" },
		{ "::1:80:80", "an IPv6 address needs brackets, [IP]:HOST:POD" },
		{ "[::1]80:80", "needs brackets" },
		{ "[::1:80:80", "needs brackets" },
		{ "[]:80:80", "'' is not an IPv6 address" },
		{ "[127.0.0.1]:80:80", "is not an IPv6 address" },
		{ "[fe80::1%eth0]:80:80", "is not an IPv6 address" },
		{ "[::ffff:127.0.0.1]:80:80", "write it as an IPv4 address" },
		{ "1.2.3.4:80:80:80", "is not a port" },
		{ "8080:80000000000000000000000000000000000000000000000000000000000000000000000000000"
		  "000000000000000000000",
		  "is too long" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct port_range range;
		struct error e = { 0 };

		unit_row(rows[i].text);
		CHECK(port_parse(rows[i].text, &range, &e) < 0);
		CHECK_HAS(e.text, rows[i].why);
	}
}

static void sees_what_overlaps(void)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} rows[] = {
		{ "80:80", "80:81", true },
		{ "80:80", "81:80", false },
		{ "80:80", "80:80/udp", false },
		{ "80-90:80-90", "90:1", true },
		{ "80-90:80-90", "91:1", false },
		{ "80-90:80-90", "70-79:70-79", false },
		{ "70-100:70-100", "80-90:80-90", true },
		{ "65535:1", "1-65535:1-65535", true },
		{ "80:80", "127.0.0.1:80:80", true },
		{ "80:80", "[::1]:80:80", true },
		{ "127.0.0.1:80:80", "127.0.0.2:80:80", false },
		{ "127.0.0.1:80:80", "127.0.0.1:80:80", true },
		{ "0.0.0.0:80:80", "127.0.0.1:80:80", true },
		{ "[::]:80:80", "[::1]:80:80", true },
		{ "[::]:80:80", "0.0.0.0:80:80", false },
		{ "[::]:80:80", "127.0.0.1:80:80", false },
		{ "[::1]:80:80", "127.0.0.1:80:80", false },
		{ "80:80", "0.0.0.0:80:80", true },
		{ "80:80", "[::]:80:80", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct port_range a = range_of(rows[i].a), b = range_of(rows[i].b);

		unit_row(rows[i].b);
		CHECK(port_overlaps(&a, &b) == rows[i].overlap);
		CHECK(port_overlaps(&b, &a) == rows[i].overlap);
	}
}

static void a_list_has_no_overlaps_and_an_end(void)
{
	struct port_range list[PORT_RANGES_MAX], range = range_of("127.0.0.1:1:80");
	struct error e;
	size_t count = 0;

	for (; count < PORT_RANGES_MAX; range.host++)
		if (!CHECK(port_add(list, &count, &range, &e) == 0))
			return;
	CHECK(port_add(list, &count, &range, &e) < 0);
	CHECK_HAS(e.text, "more than 64");
	count--;
	range.host = 7;
	CHECK(port_add(list, &count, &range, &e) < 0);
	CHECK_STR(e.text, "port 127.0.0.1:7:80/tcp is published already, by 127.0.0.1:7:80/tcp");
	CHECK(count == PORT_RANGES_MAX - 1);
}

static void keeps_to_bounds(void)
{
	struct port_range range = range_of("8000-8010:1-11");
	uint16_t low, high;
	struct error e;

	CHECK(port_check_bounds(&range, 8000, 8010, &e) == 0);
	CHECK(port_check_bounds(&range, 8001, 9000, &e) < 0);
	CHECK_STR(e.text, "port 8000 of the host is not in the allowed range 8001-9000");
	CHECK(port_check_bounds(&range, 1, 8009, &e) < 0);
	CHECK_HAS(e.text, "port 8010 of the host");
	range = range_of("1-65535:1-65535");
	CHECK(port_check_bounds(&range, 1, 65535, &e) == 0);
	CHECK(port_check_bounds(&range, 1, 65534, &e) < 0);
	CHECK_HAS(e.text, "port 65535 of the host");

	CHECK(port_parse_bounds("8000-9000", &low, &high, &e) == 0);
	CHECK(low == 8000 && high == 9000);
	CHECK(port_parse_bounds("1-65535", &low, &high, &e) == 0);
	CHECK(low == 1 && high == 65535);
	CHECK(port_parse_bounds("8000", &low, &high, &e) < 0);
	CHECK(port_parse_bounds("9000-8000", &low, &high, &e) < 0);
	CHECK(port_parse_bounds("0-8000", &low, &high, &e) < 0);
	CHECK(port_parse_bounds("8000-9000-", &low, &high, &e) < 0);
	CHECK(port_parse_bounds("", &low, &high, &e) < 0);
}

static void knows_names_of_networks(void)
{
	static const char *const good[] = { "a", "0", "web", "A.b_c-1" }, *const bad[] = {
		"",    ".",   "..",
		"-a",  "_a",  "a/b",
		"a b", "a\n", "\xc3\xa4",
		"a:b", "a+b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	struct error e;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		CHECK(network_check_name(good[i], &e) == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		unit_row(bad[i]);
		CHECK(network_check_name(bad[i], &e) < 0);
		CHECK_HAS(e.text, "is not the name of a network");
	}
}

/* --- the kernel's lists of sockets ---------------------------------------------------------------- */

#define LINE_END                                                                                   \
	" 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0"

static void reads_lines_of_sockets(void)
{
	struct holder_socket s;

	CHECK(holder_parse_line("   0: 0100007F:1F90 00000000:0000 0A" LINE_END, false, &s));
	CHECK(s.ip_len == 4 && s.port == 8080 && s.server && s.inode == 4711);
	CHECK(s.ip[0] == 127 && s.ip[3] == 1);
	CHECK(holder_parse_line("  10: 00000000000000000000000001000000:0035 "
				"00000000000000000000000000000000:0000 07" LINE_END,
				true, &s));
	CHECK(s.ip_len == 16 && s.port == 53 && s.server && s.ip[15] == 1 && !s.ip[0]);
	CHECK(holder_parse_line("  10: 0000000000000000FFFF00000100007F:0035 "
				"0000000000000000FFFF00000100007F:1234 01" LINE_END,
				true, &s));
	CHECK(s.ip_len == 4 && s.ip[0] == 127 && s.ip[3] == 1 && !s.ip[10] && !s.server);
	CHECK(!holder_parse_line("  sl  local_address rem_address   st tx_queue", false, &s));
	CHECK(!holder_parse_line("", false, &s));
	CHECK(!holder_parse_line("   0: 0100007F:1F90 00000000:0000 0A" LINE_END, true, &s));
}

static void sees_which_socket_is_in_the_way(void)
{
	static const struct {
		const char *want, *socket; /* the address of the socket */
		bool conflict;
	} rows[] = {
		{ "80:80", "127.0.0.1", true },
		{ "80:80", "::1", true },
		{ "127.0.0.1:80:80", "127.0.0.1", true },
		{ "127.0.0.1:80:80", "0.0.0.0", true },
		{ "127.0.0.1:80:80", "::", true },
		{ "127.0.0.1:80:80", "::1", false },
		{ "127.0.0.1:80:80", "127.0.0.2", false },
		{ "0.0.0.0:80:80", "127.0.0.2", true },
		{ "[::]:80:80", "127.0.0.2", false },
		{ "[::]:80:80", "0.0.0.0", false },
		{ "[::]:80:80", "::1", true },
		{ "[::1]:80:80", "::", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct port_range range = range_of(rows[i].want);
		struct holder_socket s = { .port = 80 };

		unit_row(rows[i].socket);
		s.ip_len = strchr(rows[i].socket, ':') ? 16 : 4;
		inet_pton(s.ip_len == 4 ? AF_INET : AF_INET6, rows[i].socket, s.ip);
		CHECK(holder_conflicts(&s, &range, 80) == rows[i].conflict);
		CHECK(!holder_conflicts(&s, &range, 81));
	}
}

/* --- sockets of this process ---------------------------------------------------------------------- */

/* Another process and network namespace: loopback alone, and no sockets but the test's own. */
static void in_own_network(void (*test)(void))
{
	pid_t child;
	struct error e;
	int status = -1;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(77);
		if (!CHECK(net_loopback_up(&e) == 0))
			printf("# %s\n", e.text);
		test();
		fflush(stdout);
		_exit(unit.bad);
	}
	if (!CHECK(child > 0 && waitpid(child, &status, 0) == child))
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		unit_skip("no network namespace can be made here");
	else
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A socket of that type, bound as the text says; type may be SOCK_STREAM, which listens. */
static int serve(const char *ip, uint16_t port, int type, int protocol, bool only_v6)
{
	bool v6 = strchr(ip, ':');
	struct sockaddr_in v4_address = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6_address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(v6 ? AF_INET6 : AF_INET, type, protocol), on = 1, only = only_v6;

	inet_pton(AF_INET, ip, &v4_address.sin_addr);
	inet_pton(AF_INET6, ip, &v6_address.sin6_addr);
	if (v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	CHECK((v6 ? bind(fd, (struct sockaddr *)&v6_address, sizeof(v6_address))
		  : bind(fd, (struct sockaddr *)&v4_address, sizeof(v4_address))) == 0);
	if (type == SOCK_STREAM)
		CHECK(listen(fd, 5) == 0);
	return fd;
}

static bool is_free(const char *text, struct error *e)
{
	struct port_range range = range_of(text);

	memset(e, 0, sizeof(*e));
	return taken_by_host(&range, e) == 0;
}

static void compare_with_listeners(void)
{
	static const struct {
		const char *ip;
		int type;
		bool only_v6;
		const char *taken[6], *free[8];
	} rows[] = {
		{ "127.0.0.1",
		  SOCK_STREAM,
		  false,
		  { "8080:1", "127.0.0.1:8080:1", "0.0.0.0:8080:1", "8075-8085:75-85" },
		  { "8081:1", "8080:1/udp", "127.0.0.2:8080:1", "[::1]:8080:1", "[::]:8080:1",
		    "8081-8085:1-5" } },
		{ "::",
		  SOCK_STREAM,
		  false,
		  { "8080:1", "127.0.0.1:8080:1", "0.0.0.0:8080:1", "[::]:8080:1", "[::1]:8080:1" },
		  { "8080:1/udp" } },
		{ "::",
		  SOCK_STREAM,
		  true,
		  { "8080:1", "[::]:8080:1", "[::1]:8080:1" },
		  { "127.0.0.1:8080:1", "0.0.0.0:8080:1" } },
		{ "::1", SOCK_STREAM, false, { "8080:1", "[::]:8080:1" }, { "127.0.0.1:8080:1" } },
		{ "0.0.0.0",
		  SOCK_DGRAM,
		  false,
		  { "8080:1/udp", "127.0.0.1:8080:1/udp" },
		  { "8080:1/tcp", "[::1]:8080:1/udp" } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int fd = serve(rows[i].ip, 8080, rows[i].type, 0, rows[i].only_v6);
		char want[96];
		struct error e;

		snprintf(want, sizeof(want), ": in use by test_ports (pid %d)", getpid());
		for (const char *const *text = rows[i].taken; *text; text++) {
			unit_row(*text);
			CHECK(!is_free(*text, &e));
			CHECK_HAS(e.text, want);
		}
		for (const char *const *text = rows[i].free; *text; text++) {
			unit_row(*text);
			CHECK(is_free(*text, &e));
		}
		close(fd);
		CHECK(is_free("8080:1", &e) && is_free("8080:1/udp", &e));
	}
}

static void finds_listeners(void)
{
	in_own_network(compare_with_listeners);
}

/* The side that closes first has the connection in TIME_WAIT afterwards. */
static void leave_a_connection(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(8080) };
	int server = serve("127.0.0.1", 8080, SOCK_STREAM, 0, false), client, accepted;
	struct error e;
	char byte;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&to, sizeof(to)) == 0);
	accepted = accept(server, NULL, NULL);
	CHECK(accepted >= 0);
	close(server);
	close(accepted);
	CHECK(read(client, &byte, 1) == 0);
	close(client);
	CHECK(is_free("8080:1", &e) && is_free("127.0.0.1:8080:1", &e));
}

static void time_wait_is_no_obstacle(void)
{
	in_own_network(leave_a_connection);
}

static void try_other_addresses(void)
{
	struct error e;
	int fd;

	CHECK(!is_free("192.0.2.1:8080:80", &e));
	CHECK_STR(e.text, "port 192.0.2.1:8080/tcp: the address is none of this host's");
	CHECK(!is_free("[2001:db8::1]:8080:80/udp", &e));
	CHECK_STR(e.text, "port [2001:db8::1]:8080/udp: the address is none of this host's");
	/* A kernel without SCTP has no server either. */
	CHECK(is_free("8080:80/sctp", &e));
	fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
	if (fd < 0)
		return;
	close(fd);
	fd = serve("127.0.0.1", 8080, SOCK_STREAM, IPPROTO_SCTP, false);
	CHECK(!is_free("8080:80/sctp", &e));
	CHECK_STR(e.text, "port 8080/sctp: in use by another process");
	CHECK_STR(e.hint, "as root: ss -anp 'sport = :8080'");
	close(fd);
}

static void addresses_of_others_are_refused(void)
{
	in_own_network(try_other_addresses);
}

static void try_as_a_user(void)
{
	struct error e;

	if (!CHECK(setresuid(65534, 65534, 65534) == 0))
		return;
	CHECK(is_free("8080:80", &e));
	CHECK(!is_free("80:80", &e));
	CHECK_STR(e.text, "port 80/tcp: only root may publish it");
	CHECK_STR(e.hint, "net.ipv4.ip_unprivileged_port_start is 1024; as root: sysctl -w "
			  "net.ipv4.ip_unprivileged_port_start=80");
}

static void privileged_ports_are_roots(void)
{
	if (geteuid() != 0)
		unit_skip("not root");
	else
		in_own_network(try_as_a_user);
}

/* --- records ------------------------------------------------------------------------------------- */

/* As podns-net writes it: pod has published the ports in the boot. */
static void record_ports(struct store *store, const char *pod, const char *boot,
			 enum net_phase phase, const char *ports, const char *next)
{
	cleanup_net_state struct net_state st = { 0 };
	struct error e = { 0 };

	st.pod = pod;
	st.network = "pasta";
	st.phase = phase;
	st.id = "0123456789abcdef0123456789abcdef";
	st.ifname = "eth0";
	st.boot = boot;
	st.netns = "/run/netns/x";
	st.ns = (struct ns_id){ .dev = 4, .ino = 5, .born = 6 };
	st.ports.list[st.ports.count++] = range_of(ports);
	st.changing = next;
	if (next)
		st.next_ports.list[st.next_ports.count++] = range_of(next);
	CHECK(net_state_add_result(&st, "{\"cniVersion\":\"1.0.0\"}", 22, &e) == 0);
	if (!CHECK(state_save(store, &st, &e) == 0))
		printf("# %s\n", e.text);
}

static bool is_unpublished(struct store *store, const char *pod, const char *text, struct error *e)
{
	struct port_range range = range_of(text);

	memset(e, 0, sizeof(*e));
	return taken_by_records(store, pod, &range, 1, e) == 0;
}

static void compare_with_records(struct store *store)
{
	struct net_state boot = { 0 };
	struct error e;

	if (!CHECK(attach_note_boot(&boot, &e) == 0))
		return;
	CHECK(is_unpublished(store, "web", "8080:80", &e));
	record_ports(store, "db", boot.boot, NET_UP, "8080-8089:80-89", NULL);
	record_ports(store, "old", "another-boot", NET_UP, "9090:80", NULL);
	record_ports(store, "gone", boot.boot, NET_LEAVING, "127.0.0.1:7070:80", NULL);
	record_ports(store, "new", boot.boot, NET_UP, "6060:80/udp", "6061:80/udp");
	CHECK(!is_unpublished(store, "web", "127.0.0.1:8085:80", &e));
	CHECK_STR(e.text, "port 127.0.0.1:8085/tcp: published by pod db already");
	CHECK_STR(e.hint, "");
	CHECK(!is_unpublished(store, "web", "8000-9000:1000-2000", &e));
	CHECK_STR(e.text, "port 8080/tcp: published by pod db already");
	CHECK(!is_unpublished(store, "web", "7070:80", &e));
	CHECK_STR(e.text, "port 7070/tcp: published by pod gone already");
	CHECK_STR(e.hint, "it could not be detached: podns network down gone");
	CHECK(!is_unpublished(store, "web", "6060:80/udp", &e));
	CHECK(!is_unpublished(store, "web", "6061:80/udp", &e));
	CHECK(is_unpublished(store, "web", "6060:80", &e));
	CHECK(is_unpublished(store, "web", "8090:80", &e));
	CHECK(is_unpublished(store, "web", "9090:80", &e));
	CHECK(is_unpublished(store, "db", "8080:80", &e));
	net_state_free(&boot);
}

static void a_port_is_published_once(void)
{
	char dir[] = "/tmp/test_ports.XXXXXX", command[64];
	cleanup_store struct store store = STORE_NONE;
	struct error e = { 0 };

	if (!CHECK(mkdtemp(dir)))
		return;
	if (CHECK(store_open(&store, dir, true, &e) == 0))
		compare_with_records(&store);
	else
		printf("# %s\n", e.text);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	CHECK(system(command) == 0);
}

int main(void)
{
	RUN(formats_what_it_parsed);
	RUN(refuses_with_a_reason);
	RUN(sees_what_overlaps);
	RUN(a_list_has_no_overlaps_and_an_end);
	RUN(keeps_to_bounds);
	RUN(knows_names_of_networks);
	RUN(reads_lines_of_sockets);
	RUN(sees_which_socket_is_in_the_way);
	RUN(finds_listeners);
	RUN(time_wait_is_no_obstacle);
	RUN(addresses_of_others_are_refused);
	RUN(privileged_ports_are_roots);
	RUN(a_port_is_published_once);
	return unit_done();
}
