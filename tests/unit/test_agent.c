/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent, asked by a child that was taken over. podns-net is not where this program looks for it, so a
 * request that is granted fails with that.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/serve.h"
#include "base/text.h"

#include "tests/unit/unit.h"

#define GRANTED "podns-net is missing"

static struct error e;
static char root[] = "/tmp/test-agent-XXXXXX";

static struct network_request request(uint32_t verb, const char *pod, const char *network)
{
	struct network_request r = { .verb = verb };

	concat_in(r.pod, sizeof(r.pod), pod, NULL);
	concat_in(r.network, sizeof(r.network), network, NULL);
	return r;
}

static void publish(struct network_request *r, const char *port)
{
	CHECK(port_parse(port, &r->ports[r->port_count++], &e) == 0);
}

/* --- the decision -------------------------------------------------------------------------------- */

static const struct definition nothing_defined;

static void check_request(const struct agent_policy policy, const struct network_request *r,
			  const struct definition *definition, const char *should)
{
	const struct agent agent = { .policy = policy };

	CHECK(agent_check(&agent, r, definition, &e) == (should ? -1 : 0));
	if (should)
		CHECK_HAS(e.text, should);
}

static void a_definition_is_granted_word_for_word(void)
{
	const char *dns[] = { "192.0.2.53" };
	const struct agent_policy adds = { .adds = true };
	struct network_request r = request(NETWORK_ADD, "web", "front");
	struct port_range ports[1];
	const struct definition defined = {
		.network = "front", .ports = ports, .port_count = 1, .dns = dns, .dns_count = 1
	};

	CHECK(port_parse("8080:80", ports, &e) == 0);
	check_request(adds, &r, &nothing_defined, "is named by an annotation");
	check_request(adds, &r, &defined, "not the network that the definition");
	publish(&r, "8080:80");
	check_request(adds, &r, &defined, "not the network that the definition");
	concat_in(r.dns[r.dns_count++], sizeof(r.dns[0]), "192.0.2.53", NULL);
	check_request(adds, &r, &defined, NULL);
	concat_in(r.dns[0], sizeof(r.dns[0]), "192.0.2.54", NULL);
	check_request(adds, &r, &defined, "not the network that the definition");
	concat_in(r.dns[0], sizeof(r.dns[0]), "192.0.2.53", NULL);
	r.bandwidth.egress = 1000;
	check_request(adds, &r, &defined, "not the network that the definition");
	r = request(NETWORK_ADD, "web", "back");
	check_request(adds, &r, &defined, "not the network that the definition");
	check_request((struct agent_policy){ .adds = true, .network_annotation = true }, &r,
		      &defined, "not the network that the definition");
}

static void annotations_have_their_bounds(void)
{
	const struct agent_policy network = { .adds = true, .network_annotation = true };
	const struct agent_policy both = {
		.adds = true, .network_annotation = true, .publish_low = 8000, .publish_high = 8999
	};
	struct network_request r = request(NETWORK_ADD, "web", "front");

	check_request(network, &r, &nothing_defined, NULL);
	publish(&r, "8000-8009:80-89");
	check_request(network, &r, &nothing_defined, "a port is published by an annotation");
	check_request(both, &r, &nothing_defined, NULL);
	publish(&r, "8995-9000:1-6/udp");
	check_request(both, &r, &nothing_defined, "port 9000 of the host is not in");
	r.port_count = 0;
	publish(&r, "22:22");
	check_request(both, &r, &nothing_defined, "port 22 of the host is not in");
	r.port_count = 0;
	concat_in(r.dns[r.dns_count++], sizeof(r.dns[0]), "192.0.2.53", NULL);
	check_request(both, &r, &nothing_defined, "DNS servers are not for annotations");
	r.dns_count = 0;
	r.bandwidth.ingress = 1000;
	check_request(both, &r, &nothing_defined, "rates are not for annotations");
}

static void stages_have_their_verbs(void)
{
	const struct agent_policy stops = { .network_annotation = true };
	struct network_request r = request(NETWORK_ADD, "web", "front");

	check_request(stops, &r, &nothing_defined, "no network is attached at this stage");
	r.verb = NETWORK_DEL;
	check_request(stops, &r, &nothing_defined, NULL);
	r.verb = NETWORK_SWEEP;
	check_request(stops, &r, &nothing_defined, "no sweep at this stage");
	check_request((struct agent_policy){ .sweep = true }, &r, &nothing_defined, NULL);
	r.verb = NETWORK_FORGET;
	check_request((struct agent_policy){ .sweep = true }, &r, &nothing_defined, NULL);
	check_request(stops, &r, &nothing_defined, "no network is forgotten at this stage");
	check_request((struct agent_policy){ .adds = true, .anything = true }, &r, &nothing_defined,
		      "no network is forgotten at this stage");
}

static void malformed_requests_are_refused(void)
{
	const struct agent_policy all = { .adds = true, .anything = true };
	const struct network_request fine = request(NETWORK_ADD, "web", "front");
	struct network_request r;

	check_request(all, &fine, &nothing_defined, NULL);
	for (int i = 0; i < 9; i++) {
		r = fine;
		if (i == 0)
			r.verb = 0;
		if (i == 1)
			r.verb = NETWORK_VERBS;
		if (i == 2)
			memset(r.pod, 'a', sizeof(r.pod));
		if (i == 3)
			memset(r.network, 'a', sizeof(r.network));
		if (i == 4)
			r.port_count = PORT_RANGES_MAX + 1;
		if (i == 5)
			r.dns_count = UINT32_MAX;
		if (i == 6)
			memset(r.dns[r.dns_count++], '1', sizeof(r.dns[0]));
		if (i == 7)
			r.port_count = 1; /* all zeros */
		if (i == 8) {
			publish(&r, "8080:80");
			r.ports[0].ip[3] = 1; /* with ip_len 0 */
		}
		unit_row(decimal((uint64_t)i).text);
		check_request(all, &r, &nothing_defined, "malformed");
	}
	unit_row(NULL);
	r = request(NETWORK_DEL, "../etc", "");
	check_request(all, &r, &nothing_defined, "'../etc'");
	r = request(NETWORK_ADD, "web", "../front");
	check_request(all, &r, &nothing_defined, "is not the name of a network");
}

/* --- a conversation -------------------------------------------------------------------------------- */

static int open_pod(const char *name)
{
	cleanup_buf struct buf path = { 0 };
	int fd;

	buf_concat(&path, root, "/podns/", name, NULL);
	mkdir(path.data, 0700);
	fd = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

/* talk() runs in a child, the agent in this process. */
static void converse(const struct agent_policy policy, void (*talk)(struct network_client *client))
{
	struct agent agent = { .root = root, .policy = policy };
	struct network_client client;
	int status;
	pid_t pid;

	CHECK(agent_open(&agent, &client, &e) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(agent.fd);
		talk(&client);
		fflush(stdout);
		_exit(unit.bad);
	}
	agent_serve(&agent, &client, pid);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void ask(struct network_client *client, const struct network_request *r, int fd,
		const char *should)
{
	struct network_answer answer;

	CHECK(client->call(client, r, fd, &answer, &e) < 0);
	CHECK_HAS(e.text, should);
}

static void ask_for_others(struct network_client *client)
{
	struct network_request web = request(NETWORK_DEL, "web", "");
	struct network_request db = request(NETWORK_DEL, "db", "");
	int web_fd = open_pod("web"), db_fd = open_pod("db");

	CHECK(flock(web_fd, LOCK_EX) == 0 && flock(db_fd, LOCK_EX) == 0);
	ask(client, &web, db_fd, "is not the directory of pod web");
	ask(client, &web, web_fd, GRANTED);
	ask(client, &db, db_fd, "a request for pod db, after one for pod web");
	ask(client, &web, -1, "copy the descriptor");
	ask(client, &web, 999, "copy the descriptor");
	ask(client, &web, web_fd, "too many requests");
}

static void one_pod_and_few_requests(void)
{
	converse((struct agent_policy){ .adds = true }, ask_for_others);
}

static void ask_without_lock(struct network_client *client)
{
	struct network_request web = request(NETWORK_DEL, "web", "");
	int held = open_pod("web"), other = open_pod("web");

	CHECK(flock(held, LOCK_EX) == 0);
	ask(client, &web, other, "is not locked by the process that asks");
	ask(client, &web, held, GRANTED);
}

static void the_lock_must_be_held(void)
{
	converse((struct agent_policy){ .adds = true }, ask_without_lock);
}

static void send_garbage(struct network_client *client)
{
	static char bytes[sizeof(struct agent_message) + 64];
	static const size_t sizes[] = { 1, sizeof(struct agent_message) - 1,
					sizeof(struct agent_message),
					sizeof(struct agent_message) + 1, sizeof(bytes) };
	struct agent_reply reply;

	memset(bytes, 0xff, sizeof(bytes));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		CHECK(write(client->fd, bytes, sizes[i]) == (ssize_t)sizes[i]);
		CHECK(read(client->fd, &reply, sizeof(reply)) == (ssize_t)sizeof(reply));
		CHECK(reply.failed);
		CHECK_HAS(reply.error.text, "malformed");
	}
}

static void garbage_is_refused(void)
{
	converse((struct agent_policy){ .anything = true }, send_garbage);
}

static void send_message(struct network_client *client, const void *message, size_t size,
			 const char *should)
{
	struct agent_reply reply = { 0 };

	CHECK(write(client->fd, message, size) == (ssize_t)size);
	CHECK(read(client->fd, &reply, sizeof(reply)) == (ssize_t)sizeof(reply));
	CHECK(reply.failed);
	CHECK_HAS(reply.error.text, should);
}

/* A request that would be granted, but for its size or its version. */
static void send_nearly_right(struct network_client *client)
{
	struct {
		struct agent_message message;
		char more;
	} x = { .message = { .version = AGENT_VERSION } };
	int held = open_pod("web");

	CHECK(flock(held, LOCK_EX) == 0);
	x.message.lock_fd = held;
	x.message.request = request(NETWORK_DEL, "web", "");
	send_message(client, &x, sizeof(x.message) + 1, "malformed");
	send_message(client, &x, sizeof(x.message) - 1, "malformed");
	x.message.version = AGENT_VERSION - 1;
	send_message(client, &x, sizeof(x.message), "malformed");
	x.message.version = AGENT_VERSION;
	send_message(client, &x, sizeof(x.message), GRANTED);
}

static void size_and_version_must_be_right(void)
{
	converse((struct agent_policy){ .adds = true }, send_nearly_right);
}

int main(void)
{
	cleanup_buf struct buf podns = { 0 };

	if (!mkdtemp(root) || buf_concat(&podns, root, "/podns", NULL) < 0 ||
	    mkdir(podns.data, 0755) < 0)
		return 1;
	RUN(a_definition_is_granted_word_for_word);
	RUN(annotations_have_their_bounds);
	RUN(stages_have_their_verbs);
	RUN(malformed_requests_are_refused);
	RUN(one_pod_and_few_requests);
	RUN(the_lock_must_be_held);
	RUN(garbage_is_refused);
	RUN(size_and_version_must_be_right);
	if (chdir(podns.data) == 0) {
		rmdir("web");
		rmdir("db");
		rmdir(podns.data);
		rmdir(root);
	}
	return unit_done();
}
