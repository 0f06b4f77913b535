/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/net.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "ns/enter.h"
#include "ns/nsfs.h"

int net_loopback_up(struct error *e)
{
	/* IFF_UP is enough: the kernel keeps IFF_LOOPBACK itself (__dev_change_flags() in net/core/dev.c). */
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(e, errno, "open a socket to raise lo");
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		return error_set(e, errno, "raise lo");
	return 0;
}

/* Is name that of the interface at the start of a line of /proc/net/dev? */
static bool is_line_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	line += strspn(line, " ");
	return !strncmp(line, name, n) && line[n] == ':';
}

/* The file shows the network namespace of the process that reads it: proc_pid_net(5). */
static int look_here(const char *name, bool *has, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	char *line, *rest;

	if (read_file_at(AT_FDCWD, "/proc/self/net/dev", (size_t)1 << 20, &text) < 0)
		return error_set(e, errno, "read /proc/self/net/dev");
	for (rest = text.data; !*has && (line = strsep(&rest, "\n"));)
		*has = is_line_of(line, name);
	return 0;
}

int net_has_interface(int ns_fd, const char *name, bool *has, struct error *e)
{
	cleanup_close int own = ns_open_own(NS_NET, e);
	int r;

	*has = false;
	if (own < 0 || ns_join(ns_fd, NS_NET, e) < 0)
		return -1;
	r = look_here(name, has, e);
	if (setns(own, CLONE_NEWNET) < 0)
		return error_set(e, errno, "return from the pod's network namespace");
	return r;
}
