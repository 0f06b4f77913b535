/* SPDX-License-Identifier: Apache-2.0 */
#include "net/holder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "net/chain.h"

/* Values of `st`: TCP_LISTEN, and TCP_CLOSE for a UDP socket that is not connected. */
#define STATE_LISTEN 0x0a
#define STATE_CLOSE 0x07

#define WORD_DIGITS 8

/* An address is written as words of 32 bits, each as a number of the host's byte order. */
static bool parse_address(const char *text, size_t words, unsigned char *ip)
{
	for (size_t i = 0; i < words; i++) {
		uint32_t word;

		if (sscanf(text + i * WORD_DIGITS, "%8" SCNx32, &word) != 1)
			return false;
		memcpy(ip + 4 * i, &word, sizeof(word));
	}
	return true;
}

bool holder_parse_line(const char *line, bool v6, struct holder_socket *s)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t words = v6 ? 4 : 1;
	char address[33];
	unsigned port, state;

	memset(s, 0, sizeof(*s));
	if (sscanf(line,
		   " %*u: %32[0-9A-F]:%4x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %" SCNu64,
		   address, &port, &state, &s->inode) != 4 ||
	    strlen(address) != words * WORD_DIGITS || !parse_address(address, words, s->ip))
		return false;
	s->port = (uint16_t)port;
	s->server = state == STATE_LISTEN || state == STATE_CLOSE;
	s->ip_len = v6 ? 16 : 4;
	if (v6 && !memcmp(s->ip, mapped, sizeof(mapped))) {
		memmove(s->ip, s->ip + sizeof(mapped), 4);
		memset(s->ip + 4, 0, sizeof(mapped));
		s->ip_len = 4;
	}
	return true;
}

bool holder_conflicts(const struct holder_socket *s, const struct port_range *range, uint16_t port)
{
	static const unsigned char any[16];
	bool any_address = !memcmp(s->ip, any, sizeof(any));

	if (s->port != port)
		return false;
	if (!range->ip_len)
		return true;
	if (s->ip_len != range->ip_len)
		return any_address && s->ip_len == 16;
	return any_address || port_is_any_address(range) || !memcmp(s->ip, range->ip, sizeof(any));
}

/* --- from the port to the socket ------------------------------------------------------------------ */

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* The inode number of a socket that conflicts; one that serves is preferred. */
static void search_file(const char *path, bool v6, const struct port_range *range, uint16_t port,
			struct holder_socket *found)
{
	__attribute__((cleanup(close_file))) FILE *file = fopen(path, "re");
	cleanup_free char *line = NULL;
	struct holder_socket s;
	size_t size = 0;

	while (file && !found->server && getline(&line, &size, file) > 0)
		if (holder_parse_line(line, v6, &s) && s.inode &&
		    holder_conflicts(&s, range, port) && (s.server || !found->inode))
			*found = s;
}

static uint64_t find_inode(const struct port_range *range, uint16_t port)
{
	static const char *const files[][2] = {
		[PROTO_TCP] = { "/proc/self/net/tcp", "/proc/self/net/tcp6" },
		[PROTO_UDP] = { "/proc/self/net/udp", "/proc/self/net/udp6" },
	};
	struct holder_socket found = { 0 };

	if (range->proto != PROTO_TCP && range->proto != PROTO_UDP)
		return 0;
	for (int v6 = 0; v6 < 2; v6++)
		search_file(files[range->proto][v6], v6, range, port, &found);
	return found.inode;
}

/* --- from the socket to the process --------------------------------------------------------------- */

/*
 * How long to look, in milliseconds. The lock of all pods' ports is held meanwhile, and a user may have opened
 * millions of files. If the process is not found in time, the message about the port does not name it.
 */
#define SEARCH_MS 1000

/* Other users' processes may not be read. */
static bool has_descriptor(int proc_fd, const char *pid, const char *target, uint64_t until)
{
	char name[32], link[64];
	cleanup_dir DIR *dir = NULL;
	struct dirent *entry;

	concat_in(name, sizeof(name), pid, "/fd", NULL);
	dir = open_dir_stream(proc_fd, name);
	while (dir && (entry = read_entry(dir)) && chain_now() < until) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (len < 0)
			continue;
		link[len] = '\0';
		if (!strcmp(link, target))
			return true;
	}
	return false;
}

static void read_name(int proc_fd, const char *pid, struct holder *found)
{
	cleanup_buf struct buf comm = { 0 };
	char file[32];

	concat_in(file, sizeof(file), pid, "/comm", NULL);
	if (read_file_at(proc_fd, file, 64, &comm) < 0 || !comm.len)
		return;
	comm.data[strcspn(comm.data, "\n")] = '\0';
	concat_in(found->name, sizeof(found->name), comm.data, NULL);
}

void holder_find(const struct port_range *range, uint16_t port, struct holder *found)
{
	uint64_t inode = find_inode(range, port), until = chain_now() + SEARCH_MS, pid;
	cleanup_dir DIR *proc = NULL;
	struct dirent *entry;
	char target[64];

	*found = (struct holder){ 0 };
	if (!inode)
		return;
	concat_in(target, sizeof(target), "socket:[", decimal(inode).text, "]", NULL);
	proc = open_dir_stream(AT_FDCWD, "/proc");
	while (proc && (entry = read_entry(proc)) && chain_now() < until) {
		if (!parse_u64(entry->d_name, INT_MAX, &pid) ||
		    !has_descriptor(dirfd(proc), entry->d_name, target, until))
			continue;
		found->pid = (pid_t)pid;
		read_name(dirfd(proc), entry->d_name, found);
		return;
	}
}
