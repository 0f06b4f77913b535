/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program podns-net, which attaches and detaches a pod's network. It runs programs, so it is not
 * confined; it reads no document but what root wrote and what plugins answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inherit.h"
#include "base/log.h"
#include "base/text.h"
#include "net/attach.h"
#include "net/options.h"
#include "pod/pod.h"

#define PROGRAM "podns-net"

/* Where the lock's descriptor is while all others are closed. */
#define LOCK_FD 3

/*
 * Is the descriptor that of the pod's directory, and is the lock ours? flock(2) on a descriptor that has the
 * lock succeeds. Plugins inherit the descriptor, and only then is it left open at execve(2).
 */
static int check_lock(const struct store *store, const char *pod, int fd, struct error *e)
{
	if (store->dir_fd < 0 || !is_still_there(store->dir_fd, pod, fd))
		return error_set(e, 0, "--lock-fd is not open on %s/podns/%s", store->root, pod);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(e, errno, "--lock-fd: lock %s/podns/%s", store->root, pod);
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? error_set(e, errno, "--lock-fd") : 0;
}

/* Without --lock-fd the directory is made for the lock, if it must be, and removed again. */
static int take_lock(struct store *store, const char *pod, struct error *e)
{
	cleanup_free char *path = concat(store->root, "/podns/", pod, NULL);

	if (!path)
		return error_nomem(e);
	return lock_own_dir(store->dir_fd, pod, 0700, path, &store->wait, e);
}

static void give_lock_back(const struct store *store, const char *pod, int fd)
{
	if (faccessat(fd, POD_RECORD_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		remove_own_dir(store->dir_fd, pod, fd, "." POD_RECORD_FILE ".new");
}

static int run_on_pod(const struct net_options *o, const struct attach *a, struct error *e)
{
	switch (o->command) {
	case NET_ADD:
		return attach_add(a, &o->request, STDOUT_FILENO, e);
	case NET_DEL:
		return attach_del(a, e);
	case NET_FORGET:
		return attach_forget(a, e);
	case NET_GO_DOWN:
		return attach_down(a, e);
	case NET_GO_UP:
		return attach_up(a, STDOUT_FILENO, e);
	case NET_CHECK:
		return attach_check(a, e);
	default:
		return attach_publish(a, &o->drop, &o->publish, e);
	}
}

static int lock_and_run(const struct net_options *o, struct store *store, uint64_t until,
			struct error *e)
{
	cleanup_close int own = -1;
	struct attach a = { .store = store, .pod = o->pod, .lock_fd = o->lock_fd, .until = until };
	int r;

	if (o->lock_fd >= 0)
		return check_lock(store, o->pod, o->lock_fd, e) < 0 ? -1 : run_on_pod(o, &a, e);
	own = take_lock(store, o->pod, e);
	if (own < 0)
		return -1;
	a.lock_fd = own;
	r = run_on_pod(o, &a, e);
	give_lock_back(store, o->pod, own);
	attach_unlock(own);
	return r;
}

static int run(const struct net_options *o, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	uint64_t until = chain_now() + (uint64_t)o->seconds * 1000;

	if (store_open(&store, o->root, true, e) < 0)
		return -1;
	if (store.wait.seconds > (time_t)o->seconds)
		store.wait.seconds = (time_t)o->seconds;
	log_keep_in(store.dir_fd);
	log_context(net_command_name[o->command], o->pod);
	if (o->command == NET_SWEEP)
		return attach_sweep(&store, until, STDOUT_FILENO, e);
	return lock_and_run(o, &store, until, e);
}

/*
 * The caller may ignore or block signals, and pass descriptors and an environment. Nothing of that must
 * reach us and the plugins, but the lock.
 */
static int inherit_the_lock(struct net_options *o, struct error *e)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	inherit_no_environment();
	inherit_write_errors(NULL);
	umask(022);
	if (o->lock_fd >= 0 && o->lock_fd != LOCK_FD && dup2(o->lock_fd, LOCK_FD) < 0)
		return error_set(e, errno, "--lock-fd %d", o->lock_fd);
	if (o->lock_fd >= 0)
		o->lock_fd = LOCK_FD;
	inherit_no_descriptors(o->lock_fd >= 0 ? LOCK_FD + 1 : LOCK_FD);
	return log_begin(PROGRAM, LOG_LEVEL_ERROR, NULL, false, e);
}

/* --help and --version have printed to standard output: an error of that changes the exit status. */
static int exit_status(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror(PROGRAM ": write to standard output");
	return 1;
}

int main(int argc, char **argv)
{
	struct net_options o;
	struct error e;
	int status;

	if (inherit_standard_streams() < 0) {
		perror(PROGRAM ": open /dev/null");
		return 1;
	}
	status = net_parse_options(argc, argv, &o);
	if (status != NET_OPTIONS_GO_ON)
		return exit_status(status);
	if (inherit_the_lock(&o, &e) == 0 && run(&o, &e) == 0)
		return 0;
	/* The log is kept by the caller, which knows more. */
	fprintf(stderr, PROGRAM ": %s%s%s%s\n", e.text, e.hint[0] ? " (" : "", e.hint,
		e.hint[0] ? ")" : "");
	return 1;
}
