/* SPDX-License-Identifier: Apache-2.0 */
/* What is passed to pasta(1), and what is read of it: net/pasta.h. */
#include "net/pasta.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/unit.h"

static void writes_ports_as_pasta_reads_them(void)
{
	static const struct {
		const char *range, *pasta;
	} rows[] = {
		{ "8080:80", "8080-8080:80-80" },
		{ "1-65535:1-65535/udp", "1-65535:1-65535" },
		{ "127.0.0.1:8000-8009:80-89", "127.0.0.1/8000-8009:80-89" },
		{ "0.0.0.0:80:80", "0.0.0.0/80-80:80-80" },
		{ "[::]:80:81", "::/80-80:81-81" },
		{ "[2001:db8::1]:80:81", "2001:db8::1/80-80:81-81" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct port_range range;
		struct error e;

		unit_row(rows[i].range);
		CHECK(port_parse(rows[i].range, &range, &e) == 0);
		CHECK_STR(pasta_port(&range).text, rows[i].pasta);
	}
}

static void finds_the_reason(void)
{
	static const struct {
		const char *errors, *reason;
	} rows[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "no\n", "no" },
		{ "no", "no" },
		{ "first\nno\n\n", "no" },
		{ "no\nFailed to send 51 bytes to syslog\nFailed to send 7 bytes to syslog\n",
		  "no" },
		{ "Failed to send 51 bytes to syslog\n", "" },
		{ "Failed to bind any port for '-t 80:80', exiting\nFailed to send 5 bytes to syslog\n",
		  "Failed to bind any port for '-t 80:80', exiting" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_arena struct arena arena = { 0 };
		cleanup_buf struct buf errors = { 0 };

		unit_row(rows[i].errors);
		CHECK(buf_adds(&errors, rows[i].errors) == 0);
		CHECK_STR(pasta_reason(&arena, &errors), rows[i].reason);
	}
}

#define BEGIN "/usr/bin/pasta\0--config-net\0--no-map-gw\0--quiet\0--ns-ifname\0eth0\0"
#define END "--netns\0/run/user/1/netns/web"

static void knows_its_own_command_line(void)
{
	static const struct {
		const char *text;
		size_t len;
		bool is;
	} rows[] = {
#define ROW(text, is) { text, sizeof(text), is }
		ROW(BEGIN END, true),
		ROW(BEGIN "-t\0none\0" END, true),
		ROW("pasta\0" END, false),
		ROW("/bin/pasta\0--config-net\0" END, false),
		ROW(BEGIN END "2", false),
		ROW(BEGIN END "\0-d", false),
		ROW(BEGIN "--net\0/run/user/1/netns/web", false),
		ROW(BEGIN, false),
		ROW("/usr/bin/passt\0" END, false),
		ROW("", false),
		{ BEGIN END, sizeof(BEGIN END) - 1, false },
		{ "", 0, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char number[16];

		snprintf(number, sizeof(number), "%zu", i);
		unit_row(number);
		CHECK(pasta_is_command_line(rows[i].text, rows[i].len, "/run/user/1/netns/web") ==
		      rows[i].is);
	}
}

/* Neither a process with another start time is ended, nor one that is no pasta of the pin. */
static void ends_no_other_process(void)
{
	struct net_state st = { .network = NETWORK_PASTA, .pod = "web", .netns = "/run/netns/web" };
	struct process p = PROCESS_NONE;
	struct error e = { 0 };
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	if (!CHECK(child > 0 && process_hold(child, &p, &e) == 0))
		return;
	st.pasta_pid = child;
	st.pasta_start = p.start + 1;
	CHECK(pasta_check(&st, &e) < 0);
	CHECK_HAS(e.text, "has ended");
	CHECK(pasta_del(&st, &e) == 0);
	CHECK(process_lives(&p));
	st.pasta_start = p.start;
	CHECK(pasta_del(&st, &e) == 0);
	CHECK(process_lives(&p));
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	CHECK(pasta_del(&st, &e) == 0);
	CHECK(pasta_check(&st, &e) < 0);
	process_release(&p);
}

int main(void)
{
	RUN(writes_ports_as_pasta_reads_them);
	RUN(finds_the_reason);
	RUN(knows_its_own_command_line);
	RUN(ends_no_other_process);
	return unit_done();
}
