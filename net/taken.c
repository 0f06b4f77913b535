/* SPDX-License-Identifier: Apache-2.0 */
#include "net/taken.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "net/attach.h"
#include "net/holder.h"
#include "net/state.h"

/* "8080/tcp" or "127.0.0.1:8080/tcp": one port of the host. */
struct host_port {
	char text[80];
};

static struct host_port host_port(const struct port_range *range, uint16_t port)
{
	struct host_port out;

	snprintf(out.text, sizeof(out.text), "%s%u/%s", port_prefix(range).text, port,
		 port_proto_name[range->proto]);
	return out;
}

/* --- records -------------------------------------------------------------------------------------- */

struct search {
	struct store *store;
	const char *pod;
	const struct port_range *list;
	size_t count;
};

/* The first port that both need. */
static uint16_t common_port(const struct port_range *a, const struct port_range *b)
{
	return a->host > b->host ? a->host : b->host;
}

static int refuse_overlaps(const struct search *s, const struct net_state *st,
			   const struct net_ports *ports, struct error *e)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct port_range *want = &s->list[i];

		for (size_t k = 0; k < ports->count; k++) {
			if (!port_overlaps(want, &ports->list[k]))
				continue;
			error_set(e, 0, "port %s: published by pod %s already",
				  host_port(want, common_port(want, &ports->list[k])).text,
				  st->pod);
			return st->phase == NET_LEAVING
				       ? error_hint(e,
						    "it could not be detached: podns network "
						    "down %s",
						    st->pod)
				       : -1;
		}
	}
	return 0;
}

static int compare_record(void *arg, const char *pod, struct error *e)
{
	cleanup_net_state struct net_state st = { 0 };
	const struct search *s = arg;
	bool this_boot;

	if (!strcmp(pod, s->pod))
		return 0;
	if (state_load(s->store, pod, &st, e) < 0)
		return -1;
	if (!st.pod)
		return 0;
	if (attach_is_of_this_boot(&st, &this_boot, e) < 0)
		return -1;
	if (!this_boot)
		return 0;
	if (refuse_overlaps(s, &st, &st.ports, e) < 0)
		return -1;
	return st.changing ? refuse_overlaps(s, &st, &st.next_ports, e) : 0;
}

int taken_by_records(struct store *store, const char *pod, const struct port_range *list,
		     size_t count, struct error *e)
{
	struct search s = { .store = store, .pod = pod, .list = list, .count = count };

	return count ? state_each(store, compare_record, &s, e) : 0;
}

/* --- bind(2) -------------------------------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* With a port of 0. For all addresses: one of IPv6, if the kernel has that, which holds the IPv4 ports, too. */
static socklen_t make_address(const struct port_range *range, bool v6, union address *a)
{
	memset(a, 0, sizeof(*a));
	if (v6) {
		a->v6.sin6_family = AF_INET6;
		memcpy(&a->v6.sin6_addr, range->ip, sizeof(a->v6.sin6_addr));
		return sizeof(a->v6);
	}
	a->v4.sin_family = AF_INET;
	memcpy(&a->v4.sin_addr, range->ip, sizeof(a->v4.sin_addr));
	return sizeof(a->v4);
}

static int open_socket(const struct port_range *range, bool v6)
{
	static const int protocols[] = {
		[PROTO_TCP] = IPPROTO_TCP, [PROTO_UDP] = IPPROTO_UDP, [PROTO_SCTP] = IPPROTO_SCTP
	};
	const int on = 1, only_v6 = range->ip_len == 16;
	int type = range->proto == PROTO_UDP ? SOCK_DGRAM : SOCK_STREAM, saved;
	int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, protocols[range->proto]);

	if (fd < 0)
		return -1;
	/* Two UDP sockets with SO_REUSEADDR can have the same port: socket(7). UDP knows no TIME_WAIT. */
	if ((range->proto == PROTO_UDP ||
	     setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0) &&
	    (!v6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6)) == 0))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int try_port(const struct port_range *range, bool v6, uint16_t port)
{
	union address a;
	socklen_t len = make_address(range, v6, &a);
	cleanup_close int fd = open_socket(range, v6);

	if (fd < 0)
		return -1;
	/* At the same place in both structures. */
	a.v4.sin_port = htons(port);
	return bind(fd, &a.any, len);
}

/* This kernel lacks the protocol, so that no process can listen with it. */
static bool is_unknown_protocol(int num)
{
	return num == EAFNOSUPPORT || num == EPROTONOSUPPORT || num == ESOCKTNOSUPPORT;
}

static int refuse_used(const struct port_range *range, uint16_t port, struct error *e)
{
	struct holder holder;

	holder_find(range, port, &holder);
	if (!holder.pid) {
		error_set(e, 0, "port %s: in use by another process", host_port(range, port).text);
		return error_hint(e, "as root: ss -anp 'sport = :%u'", port);
	}
	return error_set(e, 0, "port %s: in use by %s (pid %d)", host_port(range, port).text,
			 holder.name, holder.pid);
}

#define PORT_START "/proc/sys/net/ipv4/ip_unprivileged_port_start"

static int refuse(const struct port_range *range, uint16_t port, int num, struct error *e)
{
	cleanup_buf struct buf start = { 0 };

	switch (num) {
	case EADDRINUSE:
		return refuse_used(range, port, e);
	case EADDRNOTAVAIL:
		return error_set(e, 0, "port %s: the address is none of this host's",
				 host_port(range, port).text);
	case EACCES:
		error_set(e, 0, "port %s: only root may publish it", host_port(range, port).text);
		if (read_file_at(AT_FDCWD, PORT_START, 16, &start) < 0 || !start.len)
			return -1;
		start.data[strcspn(start.data, "\n")] = '\0';
		return error_hint(e,
				  "net.ipv4.ip_unprivileged_port_start is %s; as root: sysctl -w "
				  "net.ipv4.ip_unprivileged_port_start=%u",
				  start.data, port);
	default:
		return error_set(e, num, "port %s: bind", host_port(range, port).text);
	}
}

static int check_port(const struct port_range *range, uint16_t port, struct error *e)
{
	int r = try_port(range, range->ip_len != 4, port);

	if (r < 0 && is_unknown_protocol(errno) && !range->ip_len)
		r = try_port(range, false, port);
	if (r == 0 || is_unknown_protocol(errno))
		return 0;
	return refuse(range, port, errno, e);
}

int taken_by_host(const struct port_range *range, struct error *e)
{
	for (uint16_t i = 0; i < range->count; i++)
		if (check_port(range, (uint16_t)(range->host + i), e) < 0)
			return -1;
	return 0;
}

int taken_check(struct store *store, const char *pod, const struct port_range *list, size_t count,
		struct error *e)
{
	if (taken_by_records(store, pod, list, count, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (taken_by_host(&list[i], e) < 0)
			return -1;
	return 0;
}
