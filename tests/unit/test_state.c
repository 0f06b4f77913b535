/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/state.h"

#include "tests/unit/unit.h"

static struct error e;

static int parse(struct state *s, const char *text)
{
	return state_parse(s, text, strlen(text), &e);
}

/* Documents as the runtimes write them. */
static void reads_all_runtimes(void)
{
	static const struct {
		const char *text, *id, *bundle, *status;
		pid_t pid;
	} rows[] = {
		{ "{\"ociVersion\":\"1.0.2-dev\",\"id\":\"c1\",\"status\":\"creating\",\"pid\":12,"
		  "\"bundle\":\"/b\"}",
		  "c1", "/b", "creating", 12 }, /* runc */
		{ "{\"ociVersion\":\"1.0\",\"id\":\"c1\",\"pid\":13,\"root\":\"/b/rootfs\","
		  "\"bundle\":\"/b\",\"status\":\"created\",\"annotations\":{\"a\":\"b\"}}",
		  "c1", "/b", "created", 13 }, /* crun */
		{ "{\n  \"ociVersion\": \"1.0\",\n  \"id\": \"c1\",\n  \"pid\": 14,\n"
		  "  \"bundle\": \"\\/b\\/c\",\n  \"status\": \"stopped\"\n}\n",
		  "c1", "/b/c", "stopped", 14 }, /* crun, newer */
		{ "{\"version\":\"0.6\",\"id\":\"c1\",\"pid\":15,\"bundlePath\":\"/b\"}", "c1",
		  "/b", NULL, 15 },
		{ "{\"id\":\"c1\",\"bundle\":\"/b\",\"bundlePath\":\"/b\",\"status\":null,"
		  "\"pid\":null,\"annotations\":null}",
		  "c1", "/b", NULL, 0 },
		{ "{\"id\":\"c1\",\"bundle\":null,\"bundlePath\":\"/b\",\"pid\":4194304}", "c1",
		  "/b", NULL, 4194304 },
		{ "{\"id\":\"..x\",\"bundle\":\"/b\",\"pid\":0}", "..x", "/b", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct state s;

		unit_row(rows[i].text);
		if (!CHECK(parse(&s, rows[i].text) == 0)) {
			printf("# %s\n", e.text);
			continue;
		}
		CHECK_STR(s.id, rows[i].id);
		CHECK_STR(s.bundle, rows[i].bundle);
		CHECK_STR(s.status, rows[i].status);
		CHECK(s.pid == rows[i].pid);
		state_free(&s);
	}
}

static void refuses_what_is_no_state(void)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "[]", "state: is an array, not an object" },
		{ "{}", "state: has no id" },
		{ "{\"id\":null,\"bundle\":\"/b\"}", "state: has no id" },
		{ "{\"id\":\"c\"}", "state: has no bundle" },
		{ "{\"id\":1,\"bundle\":\"/b\"}", "state: id: is a number, not a string" },
		{ "{\"id\":\"\",\"bundle\":\"/b\"}", "state: id: is not 1 to 1024 bytes long" },
		{ "{\"id\":\"a/b\",\"bundle\":\"/b\"}", "state: id: cannot be a file name" },
		{ "{\"id\":\".\",\"bundle\":\"/b\"}", "cannot be a file name" },
		{ "{\"id\":\"..\",\"bundle\":\"/b\"}", "cannot be a file name" },
		{ "{\"id\":\"a\\u0000b\",\"bundle\":\"/b\"}", "state: id: has a NUL in it" },
		{ "{\"id\":\"a\\ud800\",\"bundle\":\"/b\"}", "surrogate" },
		{ "{\"id\":\"c\",\"id\":\"c\",\"bundle\":\"/b\"}", "state: id: is there twice" },
		{ "{\"id\":\"c\",\"ID\":\"d\",\"bundle\":\"/b\"}", "state: ID: differs from" },
		{ "{\"id\":\"c\",\"bundle\":\"b\"}", "state: bundle: is not an absolute path" },
		{ "{\"id\":\"c\",\"bundle\":\"\"}", "state: bundle: is not an absolute path" },
		{ "{\"id\":\"c\",\"bundlePath\":\"b\"}", "bundlePath: is not an absolute path" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"bundlePath\":\"/c\"}", "bundlePath differ" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"bundle\":\"/b\"}", "bundle: is there twice" },
		{ "{\"id\":\"c\",\"bundle\":[\"/b\"]}", "state: bundle: is an array" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\\u0000\"}", "state: bundle: has a NUL in it" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"pid\":1,\"pid\":1}", "pid: is there twice" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"annotations\":{},\"annotations\":{}}",
		  "annotations: is there twice" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"status\":1}", "state: status: is a number" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"pid\":\"1\"}", "state: pid: is a string" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"pid\":-1}", "state: pid: is not a whole" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"pid\":1.5}", "state: pid: is not a whole" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"pid\":1e3}", "state: pid: is not a whole" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"pid\":4194305}", "from 0 to 4194304" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"pid\":99999999999999999999}", "not a whole" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\",\"annotations\":[]}",
		  "annotations: is an array" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\"", "state: line 1, byte" },
		{ "{\"id\":\"c\",\"bundle\":\"/b\"}x", "trailing data" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct state s;

		unit_row(rows[i].text);
		CHECK(parse(&s, rows[i].text) == -1);
		CHECK_HAS(e.text, rows[i].says);
		CHECK(!s.doc.nodes && !s.doc.arena.chunks);
	}
}

static void bounds_the_sizes(void)
{
	cleanup_buf struct buf b = { 0 };
	struct state s;
	char *id = calloc(1, 1026);

	memset(id, 'x', 1024);
	buf_addf(&b, "{\"bundle\":\"/b\",\"id\":\"%s\"}", id);
	CHECK(parse(&s, b.data) == 0);
	state_free(&s);
	id[1024] = 'x';
	b.len = 0;
	buf_addf(&b, "{\"bundle\":\"/b\",\"id\":\"%s\"}", id);
	CHECK(parse(&s, b.data) == -1);
	free(id);

	b.len = 0;
	buf_addf(&b, "{\"bundle\":\"/b\",\"id\":\"c\"}");
	while (b.len < STATE_SIZE_MAX)
		buf_adds(&b, " ");
	CHECK(state_parse(&s, b.data, b.len, &e) == 0);
	state_free(&s);
	buf_adds(&b, " ");
	CHECK(state_parse(&s, b.data, b.len, &e) == -1);
	CHECK_STR(e.text, "state: larger than 1048576 bytes");
}

static void reads_annotations(void)
{
	static const char text[] =
		"{\"id\":\"c\",\"bundle\":\"/b\",\"annotations\":{\"a\":\"1\",\"A\":\"2\",\"n\":5,"
		"\"t\":\"x\",\"\\u0074\":\"y\",\"z\":null,\"o\":{\"p\":\"q\"}}}";
	const char *value;
	struct state s;

	CHECK(parse(&s, text) == 0);
	CHECK(state_annotation(&s, "a", &value, &e) == 0);
	CHECK_STR(value, "1");
	CHECK(state_annotation(&s, "A", &value, &e) == 0);
	CHECK_STR(value, "2");
	CHECK(state_annotation(&s, "b", &value, &e) == 0 && !value);
	CHECK(state_annotation(&s, "n", &value, &e) == -1);
	CHECK_STR(e.text, "state: annotations.n: is a number, not a string");
	CHECK(state_annotation(&s, "t", &value, &e) == -1);
	CHECK_STR(e.text, "state: annotations.t: is there twice");
	CHECK(state_annotation(&s, "z", &value, &e) == -1);
	CHECK(state_annotation(&s, "o", &value, &e) == -1);
	state_free(&s);
	CHECK(parse(&s, "{\"id\":\"c\",\"bundle\":\"/b\"}") == 0);
	CHECK(state_annotation(&s, "a", &value, &e) == 0 && !value);
	state_free(&s);
}

static void tells_state_from_config(void)
{
	static const struct {
		const char *text;
		int verdict; /* 1 state, 0 config, -1 refused */
	} rows[] = {
		{ "{\"ociVersion\":\"1\",\"id\":\"c\",\"bundle\":\"/b\"}", 1 },
		{ "{\"id\":\"c\",\"bundlePath\":\"/b\"}", 1 },
		{ "{\"i\\u0064\":\"c\",\"bundle\":\"/b\"}", 1 },
		{ "{\"ociVersion\":\"1\",\"process\":{\"id\":1,\"bundle\":2}}", 0 },
		{ "{\"ociVersion\":\"1\"}", 0 },
		{ "{}", -1 },
		{ "{\"process\":{}}", -1 },
		{ "{\"id\":\"c\"}", -1 },
		{ "{\"bundle\":\"/b\"}", -1 },
		{ "{\"ociVersion\":\"1\",\"bundle\":\"/b\"}", -1 },
		{ "{\"ociVersion\":\"1\",\"id\":\"c\"}", -1 },
		{ "{\"ociVersion\":\"1\",\"ociVersion\":\"1\"}", -1 },
		{ "[]", -1 },
		{ "\"id\"", -1 },
		{ "", -1 },
		{ "{\"ociVersion\":\"1\"", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool is_state = false;
		int ret = document_is_state(rows[i].text, strlen(rows[i].text), &is_state, &e);

		unit_row(rows[i].text);
		CHECK((ret < 0 ? -1 : is_state) == rows[i].verdict);
		if (ret < 0)
			CHECK_HAS(e.text, "standard input: ");
	}
}

int main(void)
{
	RUN(reads_all_runtimes);
	RUN(refuses_what_is_no_state);
	RUN(bounds_the_sizes);
	RUN(reads_annotations);
	RUN(tells_state_from_config);
	return unit_done();
}
