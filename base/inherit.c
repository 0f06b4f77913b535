/* SPDX-License-Identifier: Apache-2.0 */
#include "base/inherit.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

/* poll(2) checks all three in one call: a closed descriptor has POLLNVAL. */
static bool all_are_open(void)
{
	struct pollfd streams[] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	if (poll(streams, 3, 0) < 0)
		return false;
	return !((streams[0].revents | streams[1].revents | streams[2].revents) & POLLNVAL);
}

int inherit_standard_streams(void)
{
	int fd;

	if (all_are_open())
		return 0;
	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	return fd < 0 ? -1 : close(fd);
}

/* For kernels before 5.9, which have no close_range(2). */
static void close_one_by_one(int first, int last)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	uint64_t fd;

	while (dir && (entry = readdir(dir)))
		if (parse_u64(entry->d_name, INT_MAX, &fd) && (int)fd >= first && (int)fd <= last &&
		    (int)fd != dirfd(dir))
			close((int)fd);
	if (dir)
		closedir(dir);
}

void inherit_no_descriptors_between(int first, int last)
{
	if (first > last)
		return;
	if (syscall(SYS_close_range, (unsigned)first, last == INT_MAX ? ~0U : (unsigned)last, 0U) <
	    0)
		close_one_by_one(first, last);
}

void inherit_no_descriptors(int first)
{
	inherit_no_descriptors_between(first, INT_MAX);
}

static const int write_signals[] = { SIGPIPE, SIGXFSZ };

#define WRITE_SIGNALS (sizeof(write_signals) / sizeof(*write_signals))

void inherit_write_errors(sigset_t *were)
{
	if (were)
		sigemptyset(were);
	for (size_t i = 0; i < WRITE_SIGNALS; i++)
		/* execve(2) has reset all handlers, so a signal is at its default or ignored. */
		if (signal(write_signals[i], SIG_IGN) == SIG_DFL && were)
			sigaddset(were, write_signals[i]);
}

void inherit_signals_back(const sigset_t *were)
{
	for (size_t i = 0; i < WRITE_SIGNALS; i++)
		if (sigismember(were, write_signals[i]) == 1)
			signal(write_signals[i], SIG_DFL);
}

void inherit_no_environment(void)
{
	environ = NULL;
}
