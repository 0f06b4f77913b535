/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define BLANKS " \t"

/* More than any C library reads of one kind. */
#define WORDS_MAX 64

/* Words of one kind, which lie in the text. */
struct words {
	struct word {
		const char *text;
		size_t len;
	} list[WORDS_MAX];
	size_t count;
};

struct host_file {
	struct words servers, search, options;
};

/* --- reading -------------------------------------------------------------------------------------- */

static bool is_printable(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return true;
}

static void add_word(struct words *words, const char *text, size_t len)
{
	if (words->count < WORDS_MAX && len && len <= RESULT_STRING_MAX && is_printable(text, len))
		words->list[words->count++] = (struct word){ text, len };
}

/* Add the words of a line from s to end; a comment may follow. Only the first, if `one`. */
static void add_words(struct words *words, const char *s, const char *end, bool one)
{
	while (s < end) {
		size_t len;

		s += strspn(s, BLANKS);
		len = strcspn(s, BLANKS "\n");
		if (s >= end || *s == '#' || *s == ';')
			return;
		add_word(words, s, len);
		if (one)
			return;
		s += len;
	}
}

/* A keyword stands at the beginning of its line: resolv.conf(5). */
static const char *after_keyword(const char *line, const char *keyword)
{
	size_t len = strlen(keyword);

	return !strncmp(line, keyword, len) && line[len] && strchr(BLANKS, line[len]) ? line + len
										      : NULL;
}

/* The last of search and domain counts; options add up. */
static void read_line(struct host_file *file, const char *line, const char *end)
{
	const char *value;

	if ((value = after_keyword(line, "nameserver"))) {
		add_words(&file->servers, value, end, true);
	} else if ((value = after_keyword(line, "search"))) {
		file->search.count = 0;
		add_words(&file->search, value, end, false);
	} else if ((value = after_keyword(line, "domain"))) {
		file->search.count = 0;
		add_words(&file->search, value, end, true);
	} else if ((value = after_keyword(line, "options"))) {
		add_words(&file->options, value, end, false);
	}
}

static void read_text(struct host_file *file, const char *text)
{
	*file = (struct host_file){ 0 };
	while (*text) {
		const char *end = text + strcspn(text, "\n");

		read_line(file, text, end);
		text = *end ? end + 1 : end;
	}
}

enum server_kind {
	SERVER_NONE,  /* not an address, or one with a zone: an interface of the host's */
	SERVER_LOCAL, /* a loopback or unspecified address, which the C library takes for it */
	SERVER_STUB,  /* systemd-resolved's */
	SERVER_IPV4,
	SERVER_IPV6,
};

static enum server_kind ipv4_kind(struct in_addr ip)
{
	uint32_t host = ntohl(ip.s_addr);

	if (host == 0x7f000035 || host == 0x7f000036) /* 127.0.0.53 and .54: systemd-resolved(8) */
		return SERVER_STUB;
	return !host || host >> 24 == 127 ? SERVER_LOCAL : SERVER_IPV4;
}

static enum server_kind server_kind(const struct word *word)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr v4;
	struct in6_addr v6;

	if (word->len >= sizeof(text))
		return SERVER_NONE;
	memcpy(text, word->text, word->len);
	text[word->len] = '\0';
	if (inet_pton(AF_INET, text, &v4) == 1)
		return ipv4_kind(v4);
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return SERVER_NONE;
	if (IN6_IS_ADDR_V4MAPPED(&v6)) {
		memcpy(&v4, &v6.s6_addr[12], sizeof(v4));
		return ipv4_kind(v4);
	}
	if (IN6_IS_ADDR_LINKLOCAL(&v6))
		return SERVER_NONE;
	return IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) ? SERVER_LOCAL
									 : SERVER_IPV6;
}

const char *resolv_behind(const char *text)
{
	struct host_file file;
	bool stub = false;

	read_text(&file, text);
	for (size_t i = 0; i < file.servers.count; i++) {
		enum server_kind kind = server_kind(&file.servers.list[i]);

		if (kind != SERVER_LOCAL && kind != SERVER_STUB)
			return NULL;
		stub |= kind == SERVER_STUB;
	}
	if (!file.servers.count)
		return NULL;
	return stub ? "/run/systemd/resolve/resolv.conf"
		    : "/run/NetworkManager/no-stub-resolv.conf";
}

bool resolv_begins_local(const char *text)
{
	struct host_file file;

	read_text(&file, text);
	for (size_t i = 0; i < file.servers.count; i++) {
		const struct word *server = &file.servers.list[i];
		enum server_kind kind = server_kind(server);

		if (kind == SERVER_IPV4)
			return false;
		if (kind == SERVER_STUB ||
		    (kind == SERVER_LOCAL && !memchr(server->text, ':', server->len)))
			return true;
	}
	return false;
}

/* --- composing ------------------------------------------------------------------------------------ */

static void add_strings(struct words *words, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_word(words, list[i], strlen(list[i]));
}

static void choose_servers(const struct resolv_input *in, const struct host_file *host,
			   struct words *words)
{
	add_strings(words, in->dns, in->dns_count);
	if (!words->count && in->cni)
		add_strings(words, in->cni->nameservers.list, in->cni->nameservers.count);
	if (words->count)
		return;
	if (in->forward)
		add_strings(words, &in->forward, 1);
	for (size_t i = 0; i < host->servers.count; i++) {
		enum server_kind kind = server_kind(&host->servers.list[i]);

		if (kind == SERVER_IPV4 || (kind == SERVER_IPV6 && in->v6))
			add_word(words, host->servers.list[i].text, host->servers.list[i].len);
	}
}

static void choose_search(const struct resolv_input *in, const struct host_file *host,
			  struct words *words)
{
	if (in->cni)
		add_strings(words, in->cni->search.list, in->cni->search.count);
	if (!words->count && in->cni && in->cni->domain)
		add_strings(words, &in->cni->domain, 1);
	if (!words->count)
		*words = host->search;
}

static void choose_options(const struct resolv_input *in, const struct host_file *host,
			   struct words *words)
{
	if (in->cni)
		add_strings(words, in->cni->options.list, in->cni->options.count);
	if (!words->count)
		*words = host->options;
}

/* "keyword a b c", or, with `each`, a line for each word. */
static int add_lines(struct buf *out, const char *keyword, const struct words *words, bool each)
{
	int r = 0;

	for (size_t i = 0; !r && i < words->count; i++) {
		if (i == 0 || each)
			r = buf_adds(out, keyword);
		if (!r)
			r = buf_adds(out, " ");
		if (!r)
			r = buf_add(out, words->list[i].text, words->list[i].len);
		if (!r && (each || i + 1 == words->count))
			r = buf_adds(out, "\n");
	}
	return r;
}

int resolv_compose(const struct resolv_input *in, struct buf *out, size_t *servers, struct error *e)
{
	struct words chosen = { 0 }, search = { 0 }, options = { 0 };
	struct host_file host;

	read_text(&host, in->host);
	choose_servers(in, &host, &chosen);
	choose_search(in, &host, &search);
	choose_options(in, &host, &options);
	*servers = chosen.count;
	if (buf_adds(out, "") < 0 || add_lines(out, "search", &search, false) < 0 ||
	    add_lines(out, "nameserver", &chosen, true) < 0 ||
	    add_lines(out, "options", &options, false) < 0)
		return error_nomem(e);
	return 0;
}

/* --- files ---------------------------------------------------------------------------------------- */

/* It is a symbolic link on many hosts. Without waiting for a FIFO. */
static int read_host_file(const char *sysroot, const char *name, struct buf *text, bool *exists,
			  struct error *e)
{
	cleanup_free char *path = concat(sysroot, name, NULL);
	cleanup_close int fd = -1;

	if (!path)
		return error_nomem(e);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	*exists = fd >= 0;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return buf_adds(text, "") < 0 ? error_nomem(e) : 0;
	if (fd < 0 || read_all(fd, RESOLV_SIZE_MAX, text) < 0 || buf_adds(text, "") < 0)
		return error_set(e, errno, "read %s", path);
	return 0;
}

int resolv_read_host(const char *sysroot, struct buf *text, struct buf *real, struct error *e)
{
	const char *behind;
	bool exists;

	if (read_host_file(sysroot, "/etc/resolv.conf", text, &exists, e) < 0)
		return -1;
	behind = resolv_behind(text->data);
	if (behind && read_host_file(sysroot, behind, real, &exists, e) < 0)
		return -1;
	if (behind && exists)
		return 0;
	return buf_adds(real, text->data) < 0 ? error_nomem(e) : 0;
}

int resolv_write(int pod_fd, const struct buf *text, struct error *e)
{
	if (replace_file_at(pod_fd, RESOLV_CONF, text->data, text->len, false) < 0 ||
	    fchmodat(pod_fd, RESOLV_CONF, 0644, 0) < 0)
		return error_set(e, errno, "write the pod's " RESOLV_CONF);
	return 0;
}
