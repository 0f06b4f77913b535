/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/serve.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

/* Less than the 30 s that engines give a hook. */
#define AGENT_SECONDS 28

void agent_begin_time(struct agent *agent)
{
	agent->until = clock_seconds(CLOCK_MONOTONIC) + AGENT_SECONDS;
}

/* Is there a file in this directory that can be of use? One that cannot be read may have some. */
static bool has_files(const char *confdir, const char *name)
{
	cleanup_free char *path = concat(confdir, "/", name, NULL);
	const struct dirent *entry;
	DIR *dir = path ? opendir(path) : NULL;
	bool found = false;

	if (!dir)
		return errno != ENOENT;
	while (!found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.';
	closedir(dir);
	return found;
}

bool agent_is_needed(const struct agent_policy *policy, const char *confdir)
{
	return policy->network_annotation || has_files(confdir, "net.d") ||
	       has_files(confdir, "pods.d");
}

static void close_end(int *fd)
{
	cleanup_closep(fd);
	*fd = -1;
}

/*
 * The child has the other end of the connection as client->fd. If an answer could not be read the connection
 * is closed, so that it is not taken for that of the next request.
 */
static int ask_agent(struct network_client *client, const struct network_request *request,
		     int lock_fd, struct network_answer *answer, struct error *e)
{
	struct agent_message message = { AGENT_VERSION, lock_fd, *request };
	struct agent_reply reply;
	ssize_t n;

	if (client->fd < 0)
		return error_set(e, 0, "the process that runs podns-net is gone");
	do
		n = write(client->fd, &message, sizeof(message));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(message))
		return error_set(e, n < 0 ? errno : EIO, "ask the process that runs podns-net");
	do
		n = read(client->fd, &reply, sizeof(reply));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(reply)) {
		error_set(e, n < 0 ? errno : 0, "the process that runs podns-net is gone");
		client->killed = true;
		close_end(&client->fd);
		return -1;
	}
	*answer = reply.answer;
	client->killed |= reply.killed;
	if (!reply.failed)
		return 0;
	*e = reply.error;
	return -1;
}

/* Standard descriptors may be closed, and the runtime's child has others below this number. */
#define FIRST_FD 5

static int move_up(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);

	close(fd);
	return moved;
}

int agent_open(struct agent *agent, struct network_client *client, struct error *e)
{
	int end[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) < 0)
		return error_set(e, errno, "make a socket pair");
	agent->fd = move_up(end[0]);
	client->fd = move_up(end[1]);
	agent_begin_time(agent);
	client->call = ask_agent;
	if (agent->fd >= 0 && client->fd >= 0)
		return 0;
	error_set(e, errno, "move a socket");
	agent_close(agent, client);
	return -1;
}

void agent_close(struct agent *agent, struct network_client *client)
{
	close_end(&agent->fd);
	close_end(&client->fd);
}

void agent_serve(struct agent *agent, struct network_client *client, pid_t child)
{
	agent->child = child;
	close_end(&client->fd);
	while (agent_serve_one(agent))
		;
	close_end(&agent->fd);
	free(take_ptr(&agent->pod));
}

/* End as the child ended, so that the caller sees what it would see without an agent. */
static int end_like(pid_t child, struct error *e)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return error_set(e, errno, "wait for the confined process");
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* one core file is enough */
		raise(WTERMSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int agent_become(struct agent *agent, struct network_client *client, struct error *e)
{
	pid_t parent = getpid(), child;

	/* An ignored SIGCHLD survives execve(2), and the child's status would be lost. */
	signal(SIGCHLD, SIG_DFL);
	child = fork();
	if (child < 0)
		return error_set(e, errno, "fork");
	if (child == 0) {
		close_end(&agent->fd);
		/* An engine whose patience ends kills the parent: what it asked for ends with it. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
			return error_set(e, errno, "prctl: PR_SET_PDEATHSIG");
		return getppid() == parent ? 0 : error_set(e, 0, "the parent process was killed");
	}
	agent_serve(agent, client, child);
	return end_like(child, e);
}
