/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolv.conf of a pod: whose name servers, search list and options it has.
 */
#include "net/resolv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "tests/unit/unit.h"

#define NAME_64 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789ab"

static void keeps_of_the_host_what_a_pod_can_reach(void)
{
	static const struct {
		const char *host, *pod;
	} rows[] = {
		{ "", "" },
		{ "nameserver 192.0.2.1\n", "nameserver 192.0.2.1\n" },
		{ "nameserver 192.0.2.1", "nameserver 192.0.2.1\n" },
		{ "nameserver\t192.0.2.1 # ours\nnameserver 192.0.2.2;x\n",
		  "nameserver 192.0.2.1\n" },
		{ "nameserver 127.0.0.1\nnameserver 192.0.2.1\nnameserver 127.9.9.9\n",
		  "nameserver 192.0.2.1\n" },
		{ "nameserver 127.0.0.53\n", "" },
		{ "nameserver 0.0.0.0\n", "" },
		{ "nameserver ::1\nnameserver ::\nnameserver ::ffff:127.0.0.1\n", "" },
		{ "nameserver 2001:db8::1\nnameserver 192.0.2.1\n",
		  "nameserver 2001:db8::1\nnameserver 192.0.2.1\n" },
		{ "nameserver fe80::1%eth0\nnameserver fe80::1\n", "" },
		{ "nameserver dns.example\nnameserver 1.2.3\nnameserver\nnameserver \n", "" },
		{ " nameserver 192.0.2.1\n#nameserver 192.0.2.1\nnameservers 192.0.2.1\n", "" },
		{ "search a b\tc \nnameserver 192.0.2.1\noptions edns0 trust-ad\n",
		  "search a b c\nnameserver 192.0.2.1\noptions edns0 trust-ad\n" },
		{ "domain a b\n", "search a\n" },
		{ "search a b\ndomain c\n", "search c\n" },
		{ "domain c\nsearch a b # d\n", "search a b\n" },
		{ "search a\nsearch\tb\n", "search b\n" },
		{ "options a\noptions b\n", "options a b\n" },
		{ "options a\r\nsearch x\x01y \xc3\xa4 z\nsortlist 1.2.3.4\n", "search z\n" },
		{ "search ."
		  "\n",
		  "search .\n" },
		{ "search " NAME_64 NAME_64 NAME_64 NAME_64 " a\n", "search a\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct resolv_input in = { .host = rows[i].host, .v6 = true };
		cleanup_buf struct buf out = { 0 };
		size_t servers;
		struct error e;

		unit_row(rows[i].host);
		CHECK(resolv_compose(&in, &out, &servers, &e) == 0);
		CHECK_STR(out.data, rows[i].pod);
		CHECK((servers > 0) == !!strstr(rows[i].pod, "nameserver"));
	}
}

static void a_pod_without_ipv6_gets_no_such_server(void)
{
	struct resolv_input in = { .host = "nameserver 2001:db8::1\nnameserver 192.0.2.1\n" };
	cleanup_buf struct buf out = { 0 };
	size_t servers;
	struct error e;

	CHECK(resolv_compose(&in, &out, &servers, &e) == 0);
	CHECK_STR(out.data, "nameserver 192.0.2.1\n");
	CHECK(servers == 1);
}

/* Each of the three kinds comes from the first source that has it. */
static void the_first_source_counts(void)
{
	static const char host[] = "search host.example\nnameserver 192.0.2.1\noptions ndots:1\n";
	static const char *const given[] = { "127.0.0.1", "2001:db8::53" };
	static const char *names[] = { "198.51.100.1" }, *search[] = { "cni.example", "x" },
			  *options[] = { "ndots:5" };
	struct result cni = { 0 };
	struct resolv_input in = { .host = host, .cni = &cni };
	cleanup_buf struct buf one = { 0 }, two = { 0 }, three = { 0 }, four = { 0 };
	size_t servers;
	struct error e;

	CHECK(resolv_compose(&in, &one, &servers, &e) == 0);
	CHECK_STR(one.data, host);
	cni.nameservers.list = names;
	cni.nameservers.count = 1;
	cni.domain = "domain.example";
	CHECK(resolv_compose(&in, &two, &servers, &e) == 0);
	CHECK_STR(two.data, "search domain.example\nnameserver 198.51.100.1\noptions ndots:1\n");
	cni.search.list = search;
	cni.search.count = 2;
	cni.options.list = options;
	cni.options.count = 1;
	in.dns = given;
	in.dns_count = 2;
	CHECK(resolv_compose(&in, &three, &servers, &e) == 0);
	CHECK_STR(three.data, "search cni.example x\nnameserver 127.0.0.1\n"
			      "nameserver 2001:db8::53\noptions ndots:5\n");
	CHECK(servers == 2);
	in.cni = NULL;
	in.dns_count = 0;
	in.forward = "169.254.1.1";
	CHECK(resolv_compose(&in, &four, &servers, &e) == 0);
	CHECK_STR(four.data, "search host.example\nnameserver 169.254.1.1\n"
			     "nameserver 192.0.2.1\noptions ndots:1\n");
}

/* More lines and words than there is room for. */
static void long_files_are_cut(void)
{
	cleanup_buf struct buf host = { 0 }, out = { 0 };
	struct resolv_input in = { 0 };
	size_t servers;
	struct error e;

	for (int i = 0; i < 200; i++)
		CHECK(buf_addf(&host, "nameserver 192.0.2.%d\noptions o%d\n", i, i) == 0);
	in.host = host.data;
	CHECK(resolv_compose(&in, &out, &servers, &e) == 0);
	CHECK(servers == 64);
	CHECK_HAS(out.data, "nameserver 192.0.2.63\noptions o0 ");
	CHECK(!strstr(out.data, "o64"));
}

static void knows_local_resolvers(void)
{
	static const char resolved[] = "/run/systemd/resolve/resolv.conf";
	static const char manager[] = "/run/NetworkManager/no-stub-resolv.conf";
	static const struct {
		const char *text, *behind;
		bool local;
	} rows[] = {
		{ "", NULL, false },
		{ "options edns0\n", NULL, false },
		{ "nameserver 127.0.0.53\n", resolved, true },
		{ "nameserver 127.0.0.54\n", resolved, true },
		{ "nameserver 127.0.0.1\n", manager, true },
		{ "nameserver ::1\n", manager, false },
		{ "nameserver 127.0.0.1\nnameserver 127.0.0.53\n", resolved, true },
		{ "nameserver 127.0.0.53\nnameserver 192.0.2.1\n", NULL, true },
		{ "nameserver 192.0.2.1\n", NULL, false },
		{ "nameserver 192.0.2.1\nnameserver 127.0.0.53\n", NULL, false },
		{ "nameserver 2001:db8::1\nnameserver 127.0.0.1\n", NULL, true },
		{ "nameserver 2001:db8::1\n", NULL, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].text);
		CHECK_STR(resolv_behind(rows[i].text), rows[i].behind);
		CHECK(resolv_begins_local(rows[i].text) == rows[i].local);
	}
}

/* --- files ---------------------------------------------------------------------------------------- */

struct host {
	char dir[32];
	int fd;
};

static void write_file(const struct host *host, const char *name, const char *text)
{
	cleanup_close int fd =
		openat(host->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write_all(fd, text, strlen(text)) == 0);
}

static void check_read(const struct host *host, const char *text, const char *real)
{
	cleanup_buf struct buf a = { 0 }, b = { 0 };
	struct error e;

	if (!CHECK(resolv_read_host(host->dir, &a, &b, &e) == 0))
		return;
	CHECK_STR(a.data, text);
	CHECK_STR(b.data, real);
}

static void check_refused(const struct host *host, const char *message)
{
	cleanup_buf struct buf a = { 0 }, b = { 0 };
	struct error e = { 0 };

	CHECK(resolv_read_host(host->dir, &a, &b, &e) < 0);
	CHECK_HAS(e.text, message);
}

static void read_in(const struct host *host)
{
	static const char stub[] = "nameserver 127.0.0.53\n", real[] = "nameserver 192.0.2.1\n";
	char *large = malloc(RESOLV_SIZE_MAX + 2);

	check_read(host, "", "");
	CHECK(mkdirat(host->fd, "etc", 0700) == 0 && mkdirat(host->fd, "run", 0700) == 0 &&
	      mkdirat(host->fd, "run/systemd", 0700) == 0 &&
	      mkdirat(host->fd, "run/systemd/resolve", 0700) == 0);
	write_file(host, "run/stub.conf", stub);
	CHECK(symlinkat("../run/stub.conf", host->fd, "etc/resolv.conf") == 0);
	check_read(host, stub, stub);
	write_file(host, "run/systemd/resolve/resolv.conf", real);
	check_read(host, stub, real);
	write_file(host, "run/stub.conf", real);
	check_read(host, real, real);
	memset(large, '#', RESOLV_SIZE_MAX + 1);
	large[RESOLV_SIZE_MAX + 1] = '\0';
	write_file(host, "run/stub.conf", large);
	check_refused(host, "/etc/resolv.conf: File too large");
	free(large);
	CHECK(unlinkat(host->fd, "run/stub.conf", 0) == 0 &&
	      mkfifoat(host->fd, "run/stub.conf", 0600) == 0);
	check_read(host, "", "");
}

static void write_in(const struct host *host)
{
	struct buf text = { .data = (char[]){ "x\n" }, .len = 2 };
	cleanup_buf struct buf again = { 0 };
	struct stat st;
	struct error e;

	CHECK(resolv_write(host->fd, &text, &e) == 0);
	CHECK(read_file_at(host->fd, RESOLV_CONF, 10, &again) == 0);
	CHECK_STR(again.data, "x\n");
	CHECK(fstatat(host->fd, RESOLV_CONF, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	      (st.st_mode & 07777) == 0644);
}

static void in_a_directory(void (*test)(const struct host *host))
{
	struct host host = { .dir = "/tmp/test_resolv.XXXXXX" };
	char command[64];

	if (!CHECK(mkdtemp(host.dir)))
		return;
	host.fd = open(host.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (CHECK(host.fd >= 0))
		test(&host);
	close(host.fd);
	snprintf(command, sizeof(command), "rm -r %s", host.dir);
	CHECK(system(command) == 0);
}

static void reads_what_is_behind_a_local_resolver(void)
{
	in_a_directory(read_in);
}

static void all_users_may_read_it(void)
{
	in_a_directory(write_in);
}

int main(void)
{
	RUN(keeps_of_the_host_what_a_pod_can_reach);
	RUN(a_pod_without_ipv6_gets_no_such_server);
	RUN(the_first_source_counts);
	RUN(long_files_are_cut);
	RUN(knows_local_resolvers);
	RUN(reads_what_is_behind_a_local_resolver);
	RUN(all_users_may_read_it);
	return unit_done();
}
