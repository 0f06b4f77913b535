/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/etc.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "plan/engine.h"

#define MARK "# the pod"

static bool is_engines(const struct etc_mount *mount, const char *name, enum engine_file *engine)
{
	*engine = plan_engine_file(mount->source, name);
	return mount->count == 1 && mount->bind && *engine != ENGINE_FILE_NONE;
}

static enum etc_verb plan_file_hosts(const struct etc_input *in)
{
	enum engine_file engine;

	if (!in->hosts.count)
		return in->bundle && !in->managed && !in->covered ? ETC_ADD : ETC_LEAVE;
	return is_engines(&in->hosts, "hosts", &engine) ? ETC_REPLACE : ETC_LEAVE;
}

static enum etc_verb plan_file_resolv_conf(const struct etc_input *in)
{
	enum engine_file engine;

	if (!in->resolv_conf.count)
		return in->covered ? ETC_LEAVE : ETC_ADD;
	return is_engines(&in->resolv_conf, "resolv.conf", &engine) &&
			       engine == ENGINE_FILE_OTHER && !in->dns_chosen
		       ? ETC_REPLACE
		       : ETC_LEAVE;
}

struct etc_plan plan_etc(const struct etc_input *in)
{
	return (struct etc_plan){ plan_file_hosts(in), plan_file_resolv_conf(in) };
}

/* --- the text of /etc/hosts: hosts(5) --------------------------------------------------- */

struct span {
	const char *at;
	size_t len;
};

/* A line of the engine's text. */
struct line {
	struct span all;   /* with the newline */
	struct span words; /* without the comment: the address, then names */
	bool localhost;    /* it has that name, or an earlier line had */
	bool loopback;
	bool marked;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span next_word(struct span *rest)
{
	const char *at = rest->at, *end = at + rest->len, *from;

	while (at < end && is_blank(*at))
		at++;
	from = at;
	while (at < end && !is_blank(*at))
		at++;
	*rest = (struct span){ at, (size_t)(end - at) };
	return (struct span){ from, (size_t)(at - from) };
}

/* Host names are compared without regard to case: RFC 1123. */
static bool is_name(struct span word, const char *name)
{
	return name && word.len == strlen(name) && !strncasecmp(word.at, name, word.len);
}

static bool has_name(struct span words, const char *name)
{
	struct span word;

	next_word(&words);
	while ((word = next_word(&words)).len)
		if (is_name(word, name))
			return true;
	return false;
}

static bool is_loopback(struct span words)
{
	struct span address = next_word(&words);

	return (address.len > 4 && !memcmp(address.at, "127.", 4)) || is_name(address, "::1");
}

/* Read the line after *line, which is zeroed before the first one. False at the end. */
static bool next_line(const struct etc_hosts *in, struct line *line)
{
	const char *at = line->all.at ? line->all.at + line->all.len : in->text;
	size_t left = in->len - (size_t)(at - in->text);
	const char *end, *comment;

	if (!left)
		return false;
	end = memchr(at, '\n', left);
	line->all = (struct span){ at, end ? (size_t)(end + 1 - at) : left };
	comment = memchr(at, '#', line->all.len);
	line->words = (struct span){ at, comment ? (size_t)(comment - at) : line->all.len };
	line->localhost |= has_name(line->words, "localhost");
	line->loopback = is_loopback(line->words);
	line->marked = comment && line->all.len - line->words.len >= strlen(MARK) &&
		       !memcmp(comment, MARK, strlen(MARK));
	return true;
}

static bool is_users_line(const struct etc_hosts *in, const struct line *line)
{
	return !line->marked && (!in->podman || !line->localhost || !line->loopback);
}

/* A name that the user may have given an address. */
struct sought {
	const char *name;
	size_t len;
	bool given;
};

static void seek_in_line(struct span words, struct sought *list, size_t count)
{
	struct span word;

	next_word(&words);
	while ((word = next_word(&words)).len)
		for (size_t i = 0; i < count; i++)
			if (list[i].len == word.len && !list[i].given)
				list[i].given = is_name(word, list[i].name);
}

/*
 * Which of the names has the user given an address? The hostname, then those of root's entries. All at once: the text may
 * have megabytes, and the pod is locked.
 */
static struct sought *seek_names(const struct etc_hosts *in, struct arena *a)
{
	size_t count = 1 + in->entry_count;
	struct sought *list = arena_alloc(a, count * sizeof(*list));
	struct line line = { 0 };

	if (!list)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const char *name = i ? in->entries[i - 1].name : in->hostname;

		list[i] = (struct sought){ name, name ? strlen(name) : 0, false };
	}
	while (next_line(in, &line))
		if (is_users_line(in, &line))
			seek_in_line(line.words, list, count);
	return list;
}

/* Has the line names of the container, which are to move? `given`: not the hostname. */
static bool is_containers(const struct etc_hosts *in, const struct line *line, bool given)
{
	return in->address_count && !is_users_line(in, line) &&
	       (line->marked || (!given && has_name(line->words, in->hostname)) ||
		has_name(line->words, in->engine_name));
}

static int add_word(struct buf *out, const char *before, struct span word)
{
	return buf_adds(out, before) < 0 ? -1 : buf_add(out, word.at, word.len);
}

/*
 * podman writes two or three. More are what the container wrote, whose number must not decide how long this takes:
 * each is compared with those before it.
 */
#define NAMES_SIZE_MAX ((size_t)1024)

/* Move the names of one line. Where it is localhost's too, only the hostnames are the container's. */
static int move_names(const struct etc_hosts *in, const struct line *line, struct buf *names)
{
	struct span words = line->words, word, present;
	bool localhosts = has_name(line->words, "localhost");
	char *name;

	next_word(&words);
	while (names->len < NAMES_SIZE_MAX && (word = next_word(&words)).len) {
		cleanup_arena struct arena a = { 0 };

		if (localhosts && !is_name(word, in->hostname) && !is_name(word, in->engine_name))
			continue;
		name = arena_strndup(&a, word.at, word.len);
		if (!name)
			return -1;
		present = (struct span){ names->data, names->len };
		if (!has_name(present, name) && add_word(names, " ", word) < 0)
			return -1;
	}
	return 0;
}

/* " NAME..." after a word, for has_name(): the container's names for the pod's addresses. */
static int collect_names(const struct etc_hosts *in, bool given, struct buf *names)
{
	struct line line = { 0 };

	if (buf_adds(names, "-") < 0 ||
	    (in->hostname && !given && buf_concat(names, " ", in->hostname, NULL) < 0))
		return -1;
	while (next_line(in, &line))
		if (is_containers(in, &line, given) && move_names(in, &line, names) < 0)
			return -1;
	return 0;
}

static int add_own_lines(const struct etc_hosts *in, const struct sought *sought, struct buf *out)
{
	cleanup_buf struct buf names = { 0 };

	if (collect_names(in, sought[0].given, &names) < 0)
		return -1;
	for (size_t i = 0; names.len > 1 && i < in->address_count; i++)
		if (buf_concat(out, in->addresses[i], "\t", names.data + 2,
			       in->marked ? "\t" MARK "\n" : "\n", NULL) < 0)
			return -1;
	for (size_t i = 0; i < in->entry_count; i++) {
		const struct host_entry *x = &in->entries[i];

		if (!sought[1 + i].given &&
		    buf_concat(out, x->address, "\t", x->name, "\n", NULL) < 0)
			return -1;
	}
	return 0;
}

/* A line without the container's names; it may have none left. */
static int add_rest_of_line(const struct etc_hosts *in, const struct line *line, struct buf *out)
{
	struct span words = line->words, address = next_word(&words), word;
	const char *before = "\t";

	if (!has_name(line->words, "localhost"))
		return 0;
	if (add_word(out, "", address) < 0)
		return -1;
	while ((word = next_word(&words)).len) {
		if (is_name(word, in->hostname) || is_name(word, in->engine_name))
			continue;
		if (add_word(out, before, word) < 0)
			return -1;
		before = " ";
	}
	return buf_adds(out, "\n");
}

int plan_hosts(const struct etc_hosts *in, struct buf *out)
{
	cleanup_arena struct arena a = { 0 };
	const struct sought *sought = seek_names(in, &a);
	struct line line = { 0 };
	int r;

	if (!sought || add_own_lines(in, sought, out) < 0)
		return -1;
	while (next_line(in, &line)) {
		r = is_containers(in, &line, sought[0].given)
			    ? add_rest_of_line(in, &line, out)
			    : buf_add(out, line.all.at, line.all.len);
		if (r < 0)
			return -1;
	}
	return 0;
}
