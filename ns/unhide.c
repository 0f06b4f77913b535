/* SPDX-License-Identifier: Apache-2.0 */
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

/* How many mounts on top of each other are taken away before we give up. */
#define LAYERS 16
/* The child's answer is a descriptor for each pin: far more than there can be. */
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
	struct held *held;
	size_t count;
};

static void job_free(struct job *j)
{
	for (size_t i = 0; i < j->count; i++)
		cleanup_closep(&j->held[i].fd);
	free(j->held);
	free(j->dir);
}

#define cleanup_job __attribute__((cleanup(job_free)))

static int hold(struct job *j, const char *name, int *fd, struct error *e)
{
	struct held *bigger = realloc(j->held, (j->count + 1) * sizeof(*bigger));

	if (!bigger)
		return error_nomem(e);
	j->held = bigger;
	j->held[j->count++] = (struct held){ name, take_fd(fd) };
	return 0;
}

static void release(struct job *j)
{
	while (j->count)
		cleanup_closep(&j->held[--j->count].fd);
}

/* Pin what is held, where it is not pinned already. */
static int pin_held(struct job *j, struct error *e)
{
	cleanup_close int dir = pin_dir_open(j->root_fd, j->root, j->type, false, e);

	for (size_t i = 0; dir >= 0 && i < j->count; i++) {
		cleanup_close int there = openat(dir, j->held[i].name,
						 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		cleanup_free char *path = NULL;
		struct ns_id id;

		/*
		 * Somebody's namespace stands there. If it is another one, it is not ours
		 * to replace.
		 */
		if (there >= 0 && ns_look(there, j->type, &id) != NS_IS_NOT)
			continue;
		path = concat(j->dir, "/", j->held[i].name, NULL);
		if (!path)
			return error_nomem(e);
		if (ns_bind(j->held[i].fd, j->type, dir, j->held[i].name, path, true, NULL, e) < 0)
			return -1;
	}
	return dir < 0 ? -1 : 0;
}

/* --- a bind mount of the directory over itself ---------------------------- */

/* What is mounted in the top layer goes with it, so it is held. */
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
		if (fd < 0 || hold(j, strrchr(x->point, '/') + 1, &fd, e) < 0)
			return -1;
	}
	return 0;
}

static int take_layer(struct job *j, const struct mounts *m, const struct mount_entry *top,
		      struct error *e)
{
	int r;

	release(j);
	if (hold_layer(j, m, top, e) < 0)
		return -1;
	if (umount2(j->dir, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return error_set(e, errno, "unmount %s", j->dir);
	r = pin_held(j, e);
	release(j);
	return r;
}

/* --- another file system --------------------------------------------------- */

static bool is_visible(const struct job *j, const struct hidden_pin *pin, int *fd)
{
	cleanup_free char *path = concat(j->dir, "/", pin->name, NULL);
	struct error ignored;
	struct ns_id id;

	if (!path)
		return false;
	*fd = ns_open_path(path, j->type, &id, &ignored);
	if (*fd >= 0 && ns_same_pin(id, pin->id))
		return true;
	cleanup_closep(fd);
	*fd = -1;
	return false;
}

/*
 * In a mount namespace of its own a child takes mounts away until there are no more, and opens
 * the pins that come to light. found[i] is its descriptor of pin i, or -1.
 */
static int dig(const struct job *j, const struct hidden_pin *pins, size_t n, int found[],
	       struct error *e)
{
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(e, errno, "create a mount namespace to look for hidden pins in");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(e, errno, "make the mounts private there");
	for (int layer = 0; layer < LAYERS; layer++) {
		if (umount2(j->dir, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			break;
		for (size_t i = 0; i < n; i++)
			if (found[i] < 0)
				is_visible(j, &pins[i], &found[i]);
	}
	return 0;
}

/* The child says what it found, and stays until the parent has opened that. */
static void run_digger(const struct job *j, const struct hidden_pin *pins, size_t n, int found[],
		       int in, int out)
{
	struct error e;
	char byte;

	if (dig(j, pins, n, found, &e) < 0) {
		if (write_all(out, e.text, strlen(e.text)) < 0)
			_exit(1);
		_exit(1);
	}
	if (write_all(out, "", 1) < 0 || write_all(out, found, n * sizeof(*found)) < 0)
		_exit(1);
	close(out);
	while (read(in, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/* Hold what the child has open: its answer is a NUL and a descriptor for each pin, or an error's text. */
static int take_over(struct job *j, const struct hidden_pin *pins, size_t n, pid_t child,
		     const struct buf *answer, struct error *e)
{
	char path[64];
	int theirs;

	if (!answer->len || answer->data[0])
		return error_set(e, 0, "%s",
				 answer->len ? answer->data
					     : "the child that looks for hidden pins died");
	if (answer->len != 1 + n * sizeof(int))
		return error_set(e, 0, "the child that looks for hidden pins died");
	for (size_t i = 0; i < n; i++) {
		cleanup_close int fd = -1;

		memcpy(&theirs, answer->data + 1 + i * sizeof(int), sizeof(int));
		if (theirs < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", child, theirs);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return error_set(e, errno, "open %s", path);
		if (hold(j, pins[i].name, &fd, e) < 0)
			return -1;
	}
	return 0;
}

static int dig_in_child(struct job *j, const struct hidden_pin *pins, size_t n, int found[],
			int to[2], int from[2], struct error *e)
{
	cleanup_buf struct buf answer = { 0 };
	pid_t child = fork();
	int r;

	if (child < 0)
		return error_set(e, errno, "fork");
	if (child == 0) {
		close(to[1]);
		close(from[0]);
		run_digger(j, pins, n, found, to[0], from[1]);
	}
	cleanup_closep(&from[1]);
	from[1] = -1;
	r = read_all(from[0], ANSWER_MAX, &answer);
	if (r < 0)
		error_set(e, errno, "read what was found of hidden pins");
	else
		r = take_over(j, pins, n, child, &answer, e);
	cleanup_closep(&to[1]);
	to[1] = -1;
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

static int dig_and_pin(struct job *j, const struct hidden_pin *pins, size_t n, struct error *e)
{
	cleanup_free int *found = malloc((n + 1) * sizeof(*found));
	int to[2] = { -1, -1 }, from[2] = { -1, -1 }, r;

	if (!found)
		return error_nomem(e);
	for (size_t i = 0; i < n; i++)
		found[i] = -1;
	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		r = error_set(e, errno, "make a pipe");
	else
		r = dig_in_child(j, pins, n, found, to, from, e);
	for (int i = 0; i < 2; i++) {
		cleanup_closep(&to[i]);
		cleanup_closep(&from[i]);
	}
	return r < 0 ? -1 : pin_held(j, e);
}

static bool all_visible(const struct job *j, const struct hidden_pin *pins, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_close int fd = -1;

		if (!is_visible(j, &pins[i], &fd))
			return false;
	}
	return true;
}

int pins_unhide(int root_fd, const char *root, enum ns_type type, const struct hidden_pin *pins,
		size_t n, struct error *e)
{
	cleanup_job struct job j = { .root_fd = root_fd, .root = root, .type = type };

	j.dir = concat(root, "/", ns_info[type].brief, "ns", NULL);
	if (!j.dir)
		return error_nomem(e);
	for (int layer = 0; layer < LAYERS && !all_visible(&j, pins, n); layer++) {
		cleanup_mounts struct mounts m = { 0 };
		const struct mount_entry *top;

		if (mounts_read(&m, e) < 0)
			return -1;
		top = mounts_top(&m, j.dir);
		if (!top)
			return 0;
		if (!mounts_hides_itself(&m, top))
			return dig_and_pin(&j, pins, n, e);
		if (take_layer(&j, &m, top, e) < 0)
			return -1;
	}
	return 0;
}
