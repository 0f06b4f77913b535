/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "agent/run.h"
#include "pod/definition.h"
#include "pod/store.h"

static int copy_descriptor(pid_t child, int fd, struct error *e)
{
	cleanup_close int process = (int)syscall(SYS_pidfd_open, child, 0U);
	int copy = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0U);

	if (copy >= 0)
		return copy;
	error_set(e, errno, "copy the descriptor of the pod's lock");
	if (e->num == ENOSYS)
		error_hint(e, "a pod with a network needs Linux 5.6 or newer");
	if (e->num == EPERM)
		error_hint(e,
			   "pidfd_getfd(2) needs what ptrace(2) does: see kernel.yama.ptrace_scope "
			   "and the security modules");
	return -1;
}

/*
 * Is fd the locked directory of this pod? A descriptor that was opened once more does not hold the lock, and
 * flock(2) fails for it while the child's holds it.
 */
static int check_lock(const struct agent *agent, const char *pod, int fd, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;

	if (store_open(&store, agent->root, false, e) < 0)
		return -1;
	if (store.dir_fd < 0 || !is_still_there(store.dir_fd, pod, fd))
		return error_set(e, 0, "the descriptor is not the directory of pod %s", pod);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(e, errno, "pod %s is not locked by the process that asks", pod);
	return 0;
}

/* The definition is read only where it decides. */
static int load_definition(const struct agent *agent, const struct network_request *r,
			   struct definition *d, struct error *e)
{
	bool found;

	if (r->verb != NETWORK_ADD || agent->policy.anything)
		return 0;
	return pod_check_name(r->pod, e) < 0 ? -1 : definition_load(r->pod, d, &found, e);
}

static int check_message(struct agent *agent, const struct agent_message *m, struct error *e)
{
	const struct network_request *r = &m->request;
	cleanup_definition struct definition definition = { 0 };

	/* The strings are compared below: agent_check() refuses those that do not end. */
	if (!memchr(r->pod, '\0', sizeof(r->pod)))
		return error_set(e, 0, "a malformed request for a network");
	if (load_definition(agent, r, &definition, e) < 0 ||
	    agent_check(agent, r, &definition, e) < 0)
		return -1;
	agent->requests++;
	if (r->verb == NETWORK_SWEEP || agent->policy.sweep || agent->pod)
		return 0;
	agent->pod = strdup(r->pod);
	return agent->pod ? 0 : error_nomem(e);
}

/*
 * A plugin of the podns-net that was killed holds the lock by the same open file description as the child, so the
 * lock does not exclude it: a DEL now could end before the plugin's ADD does. In a sweep each request is for another
 * pod.
 */
static int refuse_after_kill(const struct agent *agent, struct error *e)
{
	if (!agent->killed || agent->policy.sweep)
		return 0;
	error_set(e, 0, "podns-net was killed, and its plugin may still run");
	return error_hint(e, "podns gc detaches the pod when the plugin has ended");
}

static int grant(struct agent *agent, struct agent_message *m, struct network_answer *answer,
		 struct error *e)
{
	cleanup_close int lock_fd = -1;

	if (refuse_after_kill(agent, e) < 0)
		return -1;
	if (m->request.verb != NETWORK_SWEEP) {
		lock_fd = copy_descriptor(agent->child, m->lock_fd, e);
		if (lock_fd < 0 || check_lock(agent, m->request.pod, lock_fd, e) < 0)
			return -1;
	}
	return agent_run(agent, &m->request, lock_fd, answer, e);
}

bool agent_serve_one(struct agent *agent)
{
	/* One byte more than a message has: a longer one is not cut to a valid one. */
	union {
		struct agent_message message;
		char bytes[sizeof(struct agent_message) + 1];
	} in;
	struct agent_reply reply = { 0 };
	ssize_t n;

	do
		n = read(agent->fd, in.bytes, sizeof(in.bytes));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	/* No engine waits for podns rm and podns gc, which may have many pods. */
	if (agent->policy.sweep)
		agent_begin_time(agent);
	if (n != (ssize_t)sizeof(in.message) || in.message.version != AGENT_VERSION)
		error_set(&reply.error, 0, "a malformed request for a network");
	reply.failed = n != (ssize_t)sizeof(in.message) || in.message.version != AGENT_VERSION ||
		       check_message(agent, &in.message, &reply.error) < 0 ||
		       grant(agent, &in.message, &reply.answer, &reply.error) < 0;
	reply.killed = agent->killed;
	do
		n = send(agent->fd, &reply, sizeof(reply), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(reply);
}
