/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "check/toml.h"
#include "ns/maps.h"
#include "ns/mounts.h"

#include "tests/unit/unit.h"

static struct error e;

/* The list as one string, its items in brackets; an error follows a '!'. */
static const char *find(struct arena *a, const char *text)
{
	static const char *const path[] = { "engine", "hooks_dir", NULL };
	struct toml_list list;
	const char *s = "";

	if (toml_find(text, path, a, &list, &e) < 0)
		return arena_concat(a, "!", e.text, NULL);
	if (!list.found)
		return "none";
	for (size_t i = 0; i < list.count; i++)
		s = arena_concat(a, s, "[", list.items[i], "]", NULL);
	return list.append ? arena_concat(a, s, "+", NULL) : s;
}

static void finds_a_list(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "", "none" },
		{ "[engine]\nhooks_dir = [\"/a\", '/b']\n", "[/a][/b]" },
		{ "[engine]\nhooks_dir=[]", "" },
		{ "[engine]\nhooks_dir = \"/a\"\n", "[/a]" },
		{ "[engine]\r\nhooks_dir = [\r\n\t\"/a\", # one\n# two\n\t\"/b\",\n]\n",
		  "[/a][/b]" },
		{ "[engine]\nhooks_dir = [\"/a\", {append=true}]\n", "[/a]+" },
		{ "[engine]\nhooks_dir = [{ append = true }, \"/a\"]\n", "[/a]+" },
		{ "[engine]\nhooks_dir = [\"/a\", {append=false}]\n", "[/a]" },
		{ "[engine]\nhooks_dir = [\"a\\\"b\\\\c\"]\n", "[a\"b\\c]" },
		{ "[ engine ]\n \"hooks_dir\" = ['a\\b']\n", "[a\\b]" },
		{ "#[engine]\n#hooks_dir = [\"/a\"]\n", "none" },
		{ "[engine]\n#hooks_dir = [\"/a\"]\n", "none" },
		{ "[containers]\nhooks_dir = [\"/a\"]\n", "none" },
		{ "[engine]\n[network]\nhooks_dir = [\"/a\"]\n", "none" },
		{ "[engine.runtimes]\nhooks_dir = [\"/a\"]\n", "none" },
		{ "[engine]\nhooks_directory = [\"/a\"]\nhooks_dir = [\"/b\"]\n", "[/b]" },
		{ "hooks_dir = [\"/a\"]\n", "none" },
		{ "engine.hooks_dir = \"/a\"", "[/a]" },
		{ "[engine]\nhooks_dir.x = \"/a\"", "none" },
		{ "[engine]\nengine.hooks_dir = \"/a\"", "none" },
		{ "engine = { runtime = \"}\", x = [{ y = \"\\\"\" }], hooks_dir = [\"/a\"] }\n",
		  "[/a]" },
		{ "engine = { x = { hooks_dir = \"/a\" }, 'hooks_dir' = '/b' }\n", "[/b]" },
		{ "engine = { }\n", "none" },
		{ "engine = 7\n", "none" },
		{ "[engine]\nhooks_dir = [\"/a\"]\nhooks_dir = [\"/b\"]\n", "[/a]" },
		{ "engine = { hooks_dir = \"/a\"", "!line 1: an inline table is not terminated" },
		{ "[engine]\nhooks_dir = 7\n",
		  "!line 2: the value is neither a string nor an array of strings" },
		{ "\n[engine]\nhooks_dir = [\n7]\n",
		  "!line 4: the array has an element that is not a string" },
		{ "[engine]\nhooks_dir = [\"/a\n\"]\n", "!line 2: a string is not terminated" },
		{ "[engine]\nhooks_dir = [\"/a\"", "!line 2: the array is not terminated" },
		{ "[engine]\nhooks_dir = [\"/a\" \"/b\"]", "!line 2: the array is not terminated" },
		{ "[engine]\nhooks_dir = [{append=true]",
		  "!line 2: an inline table is not terminated" },
		{ "[engine]\nhooks_dir = [\"\\x\"]",
		  "!line 2: a string has an escape sequence that is not supported" },
		{ "[engine]\nhooks_dir = \"\\",
		  "!line 2: a string has an escape sequence that is not supported" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena a = { 0 };

		unit_row(rows[i].text);
		CHECK_STR(find(&a, rows[i].text), rows[i].should);
		arena_free(&a);
	}
}

static int add_pair(void *arg, const char *any, const struct toml_list *list, struct error *err)
{
	(void)err;
	return buf_addf(arg, "%s=%s;", any ? any : "-", list->count ? list->items[0] : "");
}

static void finds_each_value_of_a_map(void)
{
	static const char *const path[] = { "plugins", "a.b",  "runtimes", "*",
					    "options", "Name", NULL };
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "[plugins.\"a.b\".runtimes.x.options]\nName = \"/x\"\n", "x=/x;" },
		{ "[ plugins . 'a.b' . runtimes . \"y.z\" . options ]\nOther = 1\nName = '/y'\n",
		  "y.z=/y;" },
		{ "[plugins.\"a.b\".runtimes.x]\ntype = \"t\"\noptions.Name = \"/x\"\n"
		  "[plugins.\"a.b\".runtimes.y]\noptions = { Other = true, Name = \"/y\" }\n",
		  "x=/x;y=/y;" },
		{ "[plugins.\"a.b\"]\nruntimes = { x = { options = { Name = '/x' } }, "
		  "y = { t = 't' }, z = { options = { Name = '/z' } } }\n",
		  "x=/x;z=/z;" },
		{ "[plugins.a.b.runtimes.x.options]\nName = \"/x\"\n", "" },
		{ "[plugins.\"a.b\".runtimes.x.options.more]\nName = \"/x\"\n", "" },
		{ "[plugins.\"a.b\".runtimes.x.options\nName = \"/x\"\n", "" },
		{ "[[plugins.\"a.b\".runtimes.x.options]]\nName = \"/x\"\n", "" },
		{ "[plugins.\"a.b\".runtimes.x]\nName = \"/x\"\n", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena a = { 0 };
		struct buf pairs = { 0 };

		unit_row(rows[i].text);
		CHECK(toml_each(rows[i].text, path, &a, add_pair, &pairs, &e) == 0);
		CHECK_STR(pairs.len ? pairs.data : "", rows[i].should);
		buf_free(&pairs);
		arena_free(&a);
	}
}

static void reads_mappings(void)
{
	static const char *const good[] = {
		"0:100000:65536",
		"0-100000-65536",
		"0-100000-65536@",
		"0:100000:65536,",
	};
	static const char *const bad[] = {
		"",
		"0",
		"0:1",
		"0:1:",
		"0:1:0",
		":1:1",
		"0:1:1:1",
		"0:1:1@",
		"0-1-1,",
		"0:1-1",
		"a:1:1",
		"-1:1:1",
		"0:1:1,,",
		"0:4294967295:1",
		"0:4294967294:2",
		"0:0:4294967296",
		"0: 1:1",
		"18446744073709551616:1:1",
		"@",
		",",
	};
	struct arena a = { 0 };
	struct id_maps m;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		unit_row(good[i]);
		if (!CHECK(id_maps_parse_list(good[i], &a, &m, &e) == 0))
			continue;
		CHECK(m.count == 1 && !m.map[0].container && m.map[0].host == 100000 &&
		      m.map[0].size == 65536);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		unit_row(bad[i]);
		CHECK(id_maps_parse_list(bad[i], &a, &m, &e) < 0);
	}
	unit_row(NULL);
	CHECK(id_maps_parse_list("0-1000-1@1-100000-65535@", &a, &m, &e) == 0);
	CHECK(m.count == 2 && m.map[1].container == 1 && m.map[1].size == 65535);
	arena_free(&a);
}

static void takes_as_many_mappings_as_the_kernel(void)
{
	struct arena a = { 0 };
	struct buf text = { 0 };
	struct id_maps m;

	for (int i = 0; i < ID_MAP_MAX; i++)
		buf_addf(&text, "%d:%d:1,", i, 1000 + i);
	CHECK(id_maps_parse_list(text.data, &a, &m, &e) == 0 && m.count == ID_MAP_MAX);
	buf_adds(&text, "5000:5000:1");
	CHECK(id_maps_parse_list(text.data, &a, &m, &e) < 0);
	CHECK_HAS(e.text, "more than 340");
	buf_free(&text);
	arena_free(&a);
}

/* The mounts of a table, as mountinfo would have them. */
static struct mounts table(struct mount_entry *list, size_t n)
{
	return (struct mounts){ .list = list, .count = n };
}

static void knows_what_hides_itself(void)
{
	struct mount_entry list[] = {
		{ .id = 1, .parent = 0, .dev = "8:1", .root = "/", .point = "/" },
		{ .id = 2, .parent = 1, .dev = "0:20", .root = "/", .point = "/run" },
		/* /run/netns on itself, and that once more */
		{ .id = 3, .parent = 2, .dev = "0:20", .root = "/netns", .point = "/run/netns" },
		{ .id = 4, .parent = 3, .dev = "0:20", .root = "/netns", .point = "/run/netns" },
		/* another file system, and another directory of the same */
		{ .id = 5, .parent = 2, .dev = "0:30", .root = "/", .point = "/run/ipcns" },
		{ .id = 6, .parent = 2, .dev = "0:20", .root = "/other", .point = "/run/utsns" },
		{ .id = 7, .parent = 1, .dev = "8:1", .root = "/srv", .point = "/srv" },
	};
	const struct mounts m = table(list, sizeof(list) / sizeof(*list));

	CHECK(mounts_hides_itself(&m, &list[2]));
	CHECK(mounts_hides_itself(&m, &list[3]));
	CHECK(!mounts_hides_itself(&m, &list[4]));
	CHECK(!mounts_hides_itself(&m, &list[5]));
	CHECK(mounts_hides_itself(&m, &list[6]));
	CHECK(!mounts_hides_itself(&m, &list[0]));
	CHECK(mounts_top(&m, "/run/netns") == &list[3]);
	CHECK(!mounts_top(&m, "/run/net"));
	CHECK(mounts_of_path(&m, "/run/netns/web") == &list[3]);
	CHECK(mounts_of_path(&m, "/run/netnsx") == &list[1]);
	CHECK(mounts_of_path(&m, "/") == &list[0]);
}

int main(void)
{
	RUN(finds_a_list);
	RUN(finds_each_value_of_a_map);
	RUN(reads_mappings);
	RUN(takes_as_many_mappings_as_the_kernel);
	RUN(knows_what_hides_itself);
	return unit_done();
}
