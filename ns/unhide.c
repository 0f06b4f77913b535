/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each round removes one mount that hides pins: a bind mount of the directory over itself in our own
 * mount namespace, any other mount in that of a child, from which the pins are opened by way of
 * /proc/PID/fd.
 */
#include "ns/unhide.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "ns/pin.h"

/* The number of mounts on top of each other after which we give up. */
#define LAYERS 16
/* A bound for the child's answer, which has one descriptor per pin. */
#define ANSWER_MAX ((size_t)16 << 20)

/* A pin that is held by a descriptor while the mounts around it change. */
struct held {
	const char *name;
	int fd;
};

struct job {
	int root_fd;
	const char *root;
	char *dir; /* <root>/<brief>ns */
	enum ns_type type;
	const struct hidden_pin *pins;
	size_t n;
	struct held *held;
	size_t count;
};

static void release_held(struct job *j)
{
	while (j->count)
		cleanup_closep(&j->held[--j->count].fd);
}

static void job_free(struct job *j)
{
	release_held(j);
	free(j->held);
	free(j->dir);
}

#define cleanup_job __attribute__((cleanup(job_free)))

static int hold_pin(struct job *j, const char *name, int *fd, struct error *e)
{
	struct held *bigger = realloc(j->held, (j->count + 1) * sizeof(*bigger));

	if (!bigger)
		return error_nomem(e);
	j->held = bigger;
	j->held[j->count++] = (struct held){ name, take_fd(fd) };
	return 0;
}

/* Pin again what is held, unless it is pinned already. */
static int pin_held(struct job *j, struct error *e)
{
	cleanup_close int dir = pin_dir_open(j->root_fd, j->root, j->type, false, e);

	for (size_t i = 0; dir >= 0 && i < j->count; i++) {
		cleanup_close int there = openat(dir, j->held[i].name,
						 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		cleanup_free char *path = NULL;
		struct ns_id id;
		bool made;

		/* If this is another namespace, it is not ours to replace. */
		if (there >= 0 && ns_look(there, j->type, &id) != NS_IS_NOT)
			continue;
		path = concat(j->dir, "/", j->held[i].name, NULL);
		if (!path)
			return error_nomem(e);
		if (ns_bind(j->held[i].fd, j->type, dir, j->held[i].name, path, true, &made, e) < 0)
			return -1;
	}
	return dir < 0 ? -1 : 0;
}

/* --- a bind mount of the directory over itself ---------------------------- */

/* Hold the pins in the top layer, which its removal unmounts. */
static int hold_layer(struct job *j, const struct mounts *m, const struct mount_entry *top,
		      struct error *e)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct mount_entry *x = &m->list[i];
		cleanup_close int fd = -1;
		struct ns_id id;

		if (x->parent != top->id)
			continue;
		if (!x->ns_ino) {
			error_set(e, 0, "%s is mounted in %s", x->point, j->dir);
			return error_hint(e, "unmount it, then %s, which hides pins", j->dir);
		}
		fd = ns_open_path(x->point, j->type, &id, e);
		if (fd >= 0 && id.ino != x->ns_ino) {
			error_set(e, 0, "%s has another mount on top of it", x->point);
			return error_hint(e, "unmount that");
		}
		if (fd < 0 || hold_pin(j, strrchr(x->point, '/') + 1, &fd, e) < 0)
			return -1;
	}
	return 0;
}

static int remove_layer(struct job *j, const struct mounts *m, const struct mount_entry *top,
			struct error *e)
{
	int r;

	if (hold_layer(j, m, top, e) < 0)
		return -1;
	if (umount2(j->dir, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return error_set(e, errno, "unmount %s", j->dir);
	r = pin_held(j, e);
	release_held(j);
	return r;
}

/* --- another file system --------------------------------------------------- */

/* Returns a descriptor of the pin if the path leads to it, else -1. */
static int open_visible(const struct job *j, const struct hidden_pin *pin)
{
	cleanup_free char *path = concat(j->dir, "/", pin->name, NULL);
	cleanup_close int fd = -1;
	struct error ignored;
	struct ns_id id = { 0 };

	if (path)
		fd = ns_open_path(path, j->type, &id, &ignored);
	return fd >= 0 && ns_same_pin(id, pin->id) ? take_fd(&fd) : -1;
}

/*
 * Unmount one layer after the other in a new mount namespace, and open the pins that appear: found[i]
 * is the descriptor of pin i, or -1.
 */
static int open_hidden(const struct job *j, int found[], struct error *e)
{
	for (size_t i = 0; i < j->n; i++)
		found[i] = -1;
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(e, errno, "create a mount namespace to look for hidden pins in");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(e, errno, "make the mounts private there");
	for (int layer = 0; layer < LAYERS; layer++) {
		if (umount2(j->dir, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			break;
		for (size_t i = 0; i < j->n; i++)
			if (found[i] < 0)
				found[i] = open_visible(j, &j->pins[i]);
	}
	return 0;
}

/* The child answers with a NUL and found[], or with an error's text, and then waits for the parent. */
static void search_in_child(const struct job *j, int in, int out)
{
	int *found = malloc((j->n + 1) * sizeof(*found));
	static struct error e;
	char byte;

	if (!found || open_hidden(j, found, &e) < 0) {
		if (!found)
			error_nomem(&e);
		write_all(out, e.text, strlen(e.text));
		_exit(1);
	}
	if (write_all(out, "", 1) < 0 || write_all(out, found, j->n * sizeof(*found)) < 0)
		_exit(1);
	close(out);
	while (read(in, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/* Open and hold the pins that the child has open. */
static int hold_found(struct job *j, pid_t child, const struct buf *answer, struct error *e)
{
	char path[64];
	int theirs;

	if (answer->len && answer->data[0])
		return error_set(e, 0, "%s", answer->data);
	if (answer->len != 1 + j->n * sizeof(int))
		return error_set(e, 0, "the child that looks for hidden pins died");
	for (size_t i = 0; i < j->n; i++) {
		cleanup_close int fd = -1;

		memcpy(&theirs, answer->data + 1 + i * sizeof(int), sizeof(int));
		if (theirs < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", child, theirs);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return error_set(e, errno, "open %s", path);
		if (hold_pin(j, j->pins[i].name, &fd, e) < 0)
			return -1;
	}
	return 0;
}

static void close_pipe(int (*ends)[2])
{
	cleanup_closep(&(*ends)[0]);
	cleanup_closep(&(*ends)[1]);
}

#define cleanup_pipe __attribute__((cleanup(close_pipe)))

static int hold_hidden(struct job *j, struct error *e)
{
	cleanup_pipe int to[2] = { -1, -1 };
	cleanup_pipe int from[2] = { -1, -1 };
	cleanup_buf struct buf answer = { 0 };
	pid_t child;
	int r;

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		return error_set(e, errno, "make a pipe");
	child = fork();
	if (child < 0)
		return error_set(e, errno, "fork");
	if (child == 0) {
		close(to[1]);
		close(from[0]);
		search_in_child(j, to[0], from[1]);
	}
	close(take_fd(&from[1]));
	if (read_all(from[0], ANSWER_MAX, &answer) < 0)
		r = error_set(e, errno, "read the answer of the child that looks for hidden pins");
	else
		r = hold_found(j, child, &answer, e);
	close(take_fd(&to[1]));
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

static bool all_visible(const struct job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		cleanup_close int fd = open_visible(j, &j->pins[i]);

		if (fd < 0)
			return false;
	}
	return true;
}

int pins_unhide(int root_fd, const char *root, enum ns_type type, const struct hidden_pin *pins,
		size_t n, struct error *e)
{
	cleanup_job struct job j = {
		.root_fd = root_fd,
		.root = root,
		.type = type,
		.pins = pins,
		.n = n,
	};

	j.dir = concat(root, "/", ns_info[type].brief, "ns", NULL);
	if (!j.dir)
		return error_nomem(e);
	for (int layer = 0; layer < LAYERS && !all_visible(&j); layer++) {
		cleanup_mounts struct mounts m = { 0 };
		const struct mount_entry *top;

		if (mounts_read(&m, e) < 0)
			return -1;
		top = mounts_top(&m, j.dir);
		if (!top)
			return 0;
		if (!mounts_hides_itself(&m, top))
			return hold_hidden(&j, e) < 0 ? -1 : pin_held(&j, e);
		if (remove_layer(&j, &m, top, e) < 0)
			return -1;
	}
	return 0;
}
