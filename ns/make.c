/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/make.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "ns/enter.h"
#include "ns/net.h"

#define MAPS_TEXT_MAX 16384

struct names {
	char text[256];
};

static const char *oci_name(enum ns_type t)
{
	return ns_info[t].oci;
}

static const char *limit_name(enum ns_type t)
{
	return ns_info[t].limit;
}

/* "a, b": the names of the types in set. */
static struct names names_of(ns_set set, const char *(*name)(enum ns_type t))
{
	struct names names = { "" };
	size_t n = 0;

	for (int t = 0; t < NS_TYPES; t++) {
		if (!(set & NS_BIT(t)))
			continue;
		concat_in(names.text + n, sizeof(names.text) - n, n ? ", " : "",
			  name((enum ns_type)t), NULL);
		n += strlen(names.text + n);
	}
	return names;
}

static void hint_unshare(ns_set set, struct error *e)
{
	if (e->num == EPERM) {
		error_hint(
			e,
			"this needs CAP_SYS_ADMIN and, for a user namespace, that user namespaces are enabled");
		return;
	}
	if (e->num != ENOSPC && e->num != EUSERS)
		return;
	error_hint(e, "a limit is reached: see sysctl %s", names_of(set, limit_name).text);
}

static int unshare_set(ns_set set, struct error *e)
{
	int flags = 0;

	for (int t = 0; t < NS_TYPES; t++)
		if (set & NS_BIT(t))
			flags |= ns_info[t].flag;
	if (!flags || unshare(flags) == 0)
		return 0;
	error_set(e, errno, "create namespaces (%s)", names_of(set, oci_name).text);
	hint_unshare(set, e);
	return -1;
}

static int setup_here(const struct ns_setup *s, struct error *e)
{
	if (!s)
		return 0;
	if (s->loopback && net_loopback_up(e) < 0)
		return -1;
	if (s->hostname && sethostname(s->hostname, strlen(s->hostname)) < 0)
		return error_set(e, errno, "set hostname '%s'", s->hostname);
	if (s->domainname && setdomainname(s->domainname, strlen(s->domainname)) < 0)
		return error_set(e, errno, "set domainname '%s'", s->domainname);
	return sysctl_set(&s->sysctls, e);
}

static void close_all(int fds[NS_TYPES])
{
	for (int t = 0; t < NS_TYPES; t++) {
		cleanup_closep(&fds[t]);
		fds[t] = -1;
	}
}

/* Open the types in set of a process: "self" or a pid. */
static int open_all(const char *who, ns_set set, int fds[NS_TYPES], struct error *e)
{
	char path[64];

	for (int t = 0; t < NS_TYPES; t++) {
		if (!(set & NS_BIT(t)))
			continue;
		concat_in(path, sizeof(path), "/proc/", who, "/ns/", ns_info[t].proc, NULL);
		fds[t] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[t] < 0) {
			error_set(e, errno, "open %s", path);
			close_all(fds);
			return -1;
		}
	}
	return 0;
}

static int make_here(ns_set set, const struct ns_setup *setup, int fds[NS_TYPES], struct error *e)
{
	if (unshare_set(set, e) < 0 || open_all("self", set, fds, e) < 0)
		return -1;
	if (setup_here(setup, e) == 0)
		return 0;
	close_all(fds);
	return -1;
}

/*
 * Work in a child. It reports each step to its parent as a byte in a pipe, and results in shared
 * memory. If the parent dies, the child reads the end of the other pipe and exits.
 */
struct shared {
	struct error e;
	struct utsname names;
	char uid_map[MAPS_TEXT_MAX], gid_map[MAPS_TEXT_MAX];
};

struct job {
	ns_set make;     /* what the child makes, NS_USER first */
	int user_fd;     /* the user namespace that it joins, or -1 */
	const int *join; /* what it joins after that, fds by type, or NULL */
	const struct id_maps *uid_maps, *gid_maps;
	const struct ns_setup *setup;
	int (*inside)(struct shared *sh, struct error *e); /* may be NULL */
	int *fds; /* where the parent opens what was made, or NULL */
};

enum { STEP_USER = 'u', STEP_DONE = 'd', STEP_GO = 'g', STEP_FAILED = 'f' };

static int send_step(int fd, char step)
{
	return write_all(fd, &step, 1);
}

/* The next byte, or 0 when the other side is gone. */
static char receive_step(int fd)
{
	char step;
	ssize_t n;

	do
		n = read(fd, &step, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? step : 0;
}

static int join_all(const int fds[NS_TYPES], struct error *e)
{
	for (int t = 0; t < NS_TYPES; t++)
		if (fds[t] >= 0 && ns_join(fds[t], (enum ns_type)t, e) < 0)
			return -1;
	return 0;
}

/*
 * The ipc sysctls require the effective uid of root in the owning user namespace (ipc_permissions()
 * in ipc/ipc_sysctl.c). If id 0 is not mapped this fails, and the capabilities have to suffice.
 */
static void become_root(void)
{
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return;
}

static int child_steps(const struct job *job, int in, int out, struct shared *sh)
{
	struct error *e = &sh->e;

	if (job->user_fd >= 0 && ns_join(job->user_fd, NS_USER, e) < 0)
		return -1;
	if (job->make & NS_BIT(NS_USER)) {
		if (unshare_set(NS_BIT(NS_USER), e) < 0)
			return -1;
		if (send_step(out, STEP_USER) < 0 || receive_step(in) != STEP_GO)
			return error_set(e, 0, "the parent went away");
	}
	if (job->user_fd >= 0 || job->make & NS_BIT(NS_USER))
		become_root();
	if (job->join && join_all(job->join, e) < 0)
		return -1;
	if (unshare_set(job->make & ~NS_BIT(NS_USER), e) < 0 || setup_here(job->setup, e) < 0)
		return -1;
	return job->inside ? job->inside(sh, e) : 0;
}

static void run_child(const struct job *job, int in, int out, struct shared *sh)
{
	if (child_steps(job, in, out, sh) < 0)
		_exit(send_step(out, STEP_FAILED) < 0);
	if (send_step(out, STEP_DONE) == 0)
		receive_step(in);
	_exit(0);
}

static int write_map(pid_t child, const char *file, const struct id_maps *maps, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_close int fd = -1;
	char path[64];

	if (id_maps_text(maps, &text, e) < 0)
		return -1;
	concat_in(path, sizeof(path), "/proc/", decimal((uint64_t)child).text, "/", file, NULL);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* The kernel accepts a single write(2): user_namespaces(7). */
	if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len) {
		error_set(e, errno, "write the %s of the pod's user namespace", file);
		return error_hint(
			e,
			"the host ids must be mapped in the current user namespace; CAP_SETUID and CAP_SETGID "
			"are needed");
	}
	return 0;
}

static int parent_steps(const struct job *job, pid_t child, int in, int out, struct shared *sh,
			struct error *e)
{
	char step;

	while ((step = receive_step(in)) == STEP_USER) {
		if (write_map(child, "gid_map", job->gid_maps, e) < 0 ||
		    write_map(child, "uid_map", job->uid_maps, e) < 0)
			return -1;
		if (send_step(out, STEP_GO) < 0)
			break;
	}
	if (step == STEP_FAILED) {
		*e = sh->e;
		return -1;
	}
	if (step != STEP_DONE)
		return error_set(e, 0, "the child that works in the pod's namespaces died");
	if (!job->fds)
		return 0;
	return open_all(decimal((uint64_t)child).text, job->make, job->fds, e);
}

static void reap(pid_t child)
{
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static int in_child(const struct job *job, struct shared *sh, struct error *e)
{
	int to[2] = { -1, -1 }, from[2] = { -1, -1 };
	pid_t child;
	int r;

	if (pipe2(to, O_CLOEXEC) < 0)
		return error_set(e, errno, "make a pipe");
	if (pipe2(from, O_CLOEXEC) < 0) {
		error_set(e, errno, "make a pipe");
		close(to[0]);
		close(to[1]);
		return -1;
	}
	child = fork();
	if (child == 0) {
		close(to[1]);
		close(from[0]);
		run_child(job, to[0], from[1], sh);
	}
	if (child < 0)
		error_set(e, errno, "fork");
	close(to[0]);
	close(from[1]);
	r = child < 0 ? -1 : parent_steps(job, child, from[0], to[1], sh, e);
	close(to[1]);
	close(from[0]);
	if (child > 0)
		reap(child);
	return r;
}

static struct shared *shared_new(struct error *e)
{
	void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		error_nomem(e);
		return NULL;
	}
	return p;
}

static void shared_freep(struct shared **sh)
{
	if (*sh)
		munmap(*sh, sizeof(**sh));
}

#define cleanup_shared __attribute__((cleanup(shared_freep)))

int ns_make(ns_set set, int user_fd, const struct id_maps *uid_maps, const struct id_maps *gid_maps,
	    const struct ns_setup *setup, int fds[NS_TYPES], struct error *e)
{
	struct job job = {
		.make = set,
		.user_fd = user_fd,
		.uid_maps = uid_maps,
		.gid_maps = gid_maps,
		.setup = setup,
		.fds = fds,
	};
	cleanup_shared struct shared *sh = NULL;

	for (int t = 0; t < NS_TYPES; t++)
		fds[t] = -1;
	if (user_fd < 0 && !(set & (NS_BIT(NS_USER) | NS_BIT(NS_MNT))))
		return make_here(set, setup, fds, e);
	sh = shared_new(e);
	return sh ? in_child(&job, sh, e) : -1;
}

int ns_setup_in(const int fds[NS_TYPES], int user_fd, const struct ns_setup *setup, struct error *e)
{
	struct job job = { .user_fd = user_fd, .join = fds, .setup = setup };
	cleanup_shared struct shared *sh = NULL;

	if (user_fd < 0) {
		if (join_all(fds, e) < 0)
			return -1;
		return setup_here(setup, e);
	}
	sh = shared_new(e);
	return sh ? in_child(&job, sh, e) : -1;
}

static int read_names(struct utsname *names, struct error *e)
{
	if (uname(names) < 0)
		return error_set(e, errno, "read the hostname of the pod");
	return 0;
}

static int read_shared_names(struct shared *sh, struct error *e)
{
	return read_names(&sh->names, e);
}

static int names_in_child(int uts_fd, int user_fd, struct utsname *names, struct error *e)
{
	int join[NS_TYPES] = NS_FDS_NONE;
	struct job job = { .user_fd = user_fd, .join = join, .inside = read_shared_names };
	cleanup_shared struct shared *sh = shared_new(e);

	join[NS_UTS] = uts_fd;
	if (!sh || in_child(&job, sh, e) < 0)
		return -1;
	*names = sh->names;
	return 0;
}

int ns_uts_names(int uts_fd, int user_fd, char hostname[65], char domainname[65], struct error *e)
{
	struct utsname names;

	if (user_fd >= 0) {
		if (names_in_child(uts_fd, user_fd, &names, e) < 0)
			return -1;
	} else if (ns_join(uts_fd, NS_UTS, e) < 0 || read_names(&names, e) < 0) {
		return -1;
	}
	concat_in(hostname, 65, names.nodename, NULL);
	concat_in(domainname, 65, names.domainname, NULL);
	return 0;
}

static int read_map_text(const char *file, char text[MAPS_TEXT_MAX], struct error *e)
{
	cleanup_buf struct buf b = { 0 };

	if (read_file_at(AT_FDCWD, file, MAPS_TEXT_MAX - 1, &b) < 0)
		return error_set(e, errno, "read %s of the pod's user namespace", file);
	memcpy(text, b.data, b.len + 1);
	return 0;
}

static int read_both_maps(struct shared *sh, struct error *e)
{
	if (read_map_text("/proc/self/uid_map", sh->uid_map, e) < 0)
		return -1;
	return read_map_text("/proc/self/gid_map", sh->gid_map, e);
}

int ns_read_maps(int user_fd, struct arena *a, struct id_maps *uid, struct id_maps *gid,
		 struct error *e)
{
	struct job job = { .user_fd = user_fd, .inside = read_both_maps };
	cleanup_shared struct shared *sh = shared_new(e);

	if (!sh || in_child(&job, sh, e) < 0)
		return -1;
	if (id_maps_parse(sh->uid_map, a, uid, e) < 0)
		return -1;
	return id_maps_parse(sh->gid_map, a, gid, e);
}
