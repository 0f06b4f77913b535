/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman 5 makes an empty file, mounts it on /etc/hosts, and writes it when the runtime's create has returned. It
 * truncates the file, so that nothing which is written before stays. Its start of the runtime comes after
 * that, and takes some milliseconds before the container's program begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "plan/engine.h"
#include "stage/etc.h"

#define FOLLOW_MS 10000

/* No program here opens as many files. */
#define DESCRIPTORS 256

static bool is_to_be_followed(const struct container *c)
{
	const struct config_etc_mount *x = &c->config->etc[ETC_HOSTS];

	return c->plan.verb[NS_NET] != PLAN_LEAVE && c->pod.rec.network && x->count == 1 &&
	       x->bind && plan_engine_file(x->source, "hosts") == ENGINE_FILE_PODMAN;
}

/* Returns a descriptor, or -1 if there is nothing to wait for. */
static int open_empty(const struct container *c)
{
	const char *source = c->config->etc[ETC_HOSTS].source;
	int fd = open(source, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size ||
			!etc_is_trusted(c, st.st_uid))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int watch(int fd)
{
	int in = inotify_init1(IN_CLOEXEC);

	if (in >= 0 && inotify_add_watch(in, fd_path(fd).text, IN_CLOSE_WRITE) < 0) {
		close(in);
		return -1;
	}
	return in;
}

/* The container may read the file at any time, so it is not truncated before it is written. */
static void rewrite(struct container *c, int fd)
{
	cleanup_buf struct buf text = { 0 };

	if (read_all(fd, HOSTS_MAX, &c->hosts_text) < 0 || !c->hosts_text.len)
		return;
	c->hosts.text.text = c->hosts_text.data;
	c->hosts.text.len = c->hosts_text.len;
	if (pod_compose_hosts(&c->pod, &c->hosts, &text) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
	    write_all(fd, text.data, text.len) < 0 || ftruncate(fd, (off_t)text.len) < 0)
		return;
}

/* It keeps nothing open that others wait for: pipes, the agent's socket, locks. */
static _Noreturn void follow(struct container *c, int fd, int in)
{
	struct pollfd p = { .fd = in, .events = POLLIN };

	for (int i = 0; i < DESCRIPTORS; i++)
		if (i != fd && i != in)
			close(i);
	if (poll(&p, 1, FOLLOW_MS) == 1)
		rewrite(c, fd);
	_exit(0);
}

void etc_follow_podman(struct container *c)
{
	cleanup_close int fd = -1, in = -1;
	struct error e;
	pid_t pid;

	if (!is_to_be_followed(c))
		return;
	fd = open_empty(c);
	if (fd < 0)
		return;
	etc_fill_in_hosts(c, c->config->etc[ETC_HOSTS].source);
	c->hosts.text.podman = c->hosts.text.marked = true;
	/* The hostname in config.json is the pod's by now, and podman's default was the short id. */
	c->hosts.text.engine_name = arena_strndup(&c->arena, c->id, strnlen(c->id, PLAN_SHORT_ID));
	buf_free(&c->hosts_text);
	in = watch(fd);
	pid = in < 0 ? -1 : fork();
	if (pid == 0)
		follow(c, fd, in);
	if (pid > 0)
		return;
	error_set(&e, errno, "wait for %s, to put the pod's addresses into it", c->hosts.key);
	log_error(LOG_LEVEL_WARN, &e);
}
