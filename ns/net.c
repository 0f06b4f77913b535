/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/net.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"

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
