/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inherit.h"
#include "base/text.h"
#include "cli/cli.h"
#include "ns/enter.h"
#include "ns/pin.h"
#include "sandbox/sandbox.h"

static const char help[] =
	"Usage: podns exec [--root DIR] NAME [--] COMMAND [ARGUMENT...]\n"
	"\n"
	"Runs COMMAND in all of the pod's namespaces. NAME may also be a name that only another\n"
	"program has pinned, such as ip netns add. In a pod with a user namespace COMMAND runs as\n"
	"the root of that. COMMAND is not confined in any other way, sees the host's files and\n"
	"processes, and has the caller's environment, umask and open descriptors (as with\n"
	"nsenter). It is no member of the pod: the pod may end while it runs. podns gc, however,\n"
	"does not end a pod that a process is still in.\n"
	"\n"
	"Exit status: COMMAND's own; 127 where it is not found, 126 where it cannot be run.\n";

enum { STATUS_CANNOT_RUN = 126, STATUS_NOT_FOUND = 127 };

/*
 * What the child reports. A child reads the record, since it can be confined by the seccomp filter:
 * this process cannot, as COMMAND would inherit the filter.
 */
struct reply {
	int result;
	ns_set pinned;
	struct cli_pod_name name;
	struct error e;
};

static int read_pinned(struct cli *cli, const char *name, struct reply *reply, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	cleanup_views struct views views = VIEWS_NONE;
	const struct view *x;

	if (sandbox_enter(e) < 0 || cli_view_pod(cli, name, &store, &views, e) < 0)
		return -1;
	x = views.list;
	if (x->state == POD_BROKEN)
		return error_set(e, 0, "pod %s is broken: %s", name, x->reason);
	if (!x->pinned)
		return error_set(e, 0, "pod %s has no namespaces yet", name);
	reply->pinned = x->pinned;
	concat_in(reply->name.text, sizeof(reply->name.text), x->name, NULL);
	return 0;
}

static void run_reader(struct cli *cli, const char *name, int fd)
{
	enum { REPLY = STDERR_FILENO + 1 };
	static struct reply reply;

	if (fd != REPLY && dup2(fd, REPLY) < 0)
		_exit(1);
	inherit_no_descriptors(REPLY + 1);
	clearenv();
	reply.result = read_pinned(cli, name, &reply, &reply.e);
	_exit(write_all(REPLY, &reply, sizeof(reply)) < 0);
}

static int explain_no_reply(const char *name, int status, struct error *e)
{
	if (!WIFSIGNALED(status))
		return error_set(e, 0, "the process that reads pod %s gave no answer", name);
	error_set(e, 0, "the process that reads pod %s was ended by signal %d (%s)", name,
		  WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WTERMSIG(status) == SIGSYS)
		error_hint(e,
			   "the seccomp filter lacks a system call, which the kernel's log names; "
			   "please report that as a bug");
	return -1;
}

static int read_pinned_in_child(struct cli *cli, const char *name, struct reply *reply,
				struct error *e)
{
	cleanup_buf struct buf buf = { 0 };
	int fds[2], r, status = 0;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set(e, errno, "make a pipe");
	child = fork();
	if (child == 0)
		run_reader(cli, name, fds[1]);
	r = child < 0 ? error_set(e, errno, "fork") : 0;
	close(fds[1]);
	if (r == 0 && read_all(fds[0], sizeof(*reply), &buf) < 0)
		r = error_set(e, errno, "read of pod %s", name);
	close(fds[0]);
	if (child > 0)
		waitpid(child, &status, 0);
	if (r < 0)
		return -1;
	if (buf.len != sizeof(*reply))
		return explain_no_reply(name, status, e);
	memcpy(reply, buf.data, sizeof(*reply));
	if (reply->result < 0)
		*e = reply->e;
	return reply->result;
}

static int open_pins(struct cli *cli, const char *name, ns_set pinned, int fds[NS_TYPES],
		     struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	enum pin_state state;
	struct ns_id id;

	if (store_open(&store, cli->root, false, e) < 0)
		return -1;
	for (int t = 0; t < NS_TYPES; t++) {
		cleanup_close int dir = -1;

		if (!(pinned & NS_BIT(t)))
			continue;
		dir = pin_dir_open(store.root_fd, store.root, (enum ns_type)t, false, e);
		if (dir < 0 ||
		    pin_look(dir, name, name, (enum ns_type)t, &state, &fds[t], &id, e) < 0)
			return -1;
		if (state != PIN_THERE)
			return error_set(e, 0, "pod %s ended just now", name);
	}
	return 0;
}

static int enter_pod(struct cli *cli, const char *name, struct error *e)
{
	int fds[NS_TYPES] = NS_FDS_NONE, r;
	struct reply reply;

	if (read_pinned_in_child(cli, name, &reply, e) < 0)
		return -1;
	r = open_pins(cli, reply.name.text, reply.pinned, fds, e);
	if (r == 0)
		r = ns_enter(fds, e);
	for (int t = 0; t < NS_TYPES; t++)
		cleanup_closep(&fds[t]);
	return r;
}

static int run_in_pod(struct cli *cli, int argc, char **argv, struct error *e)
{
	int r = cli_parse(cli, argc, argv, true, NULL, NULL, NULL, e);
	const char *name;
	char **command;

	if (r != CLI_DONE)
		return r;
	if (argc - optind < 1)
		return cli_usage(cli, e, "NAME is missing");
	name = argv[optind];
	command = argv + optind + 1;
	if (*command && !strcmp(*command, "--"))
		command++;
	if (!*command)
		return cli_usage(cli, e, "COMMAND is missing");
	if (enter_pod(cli, name, e) < 0)
		return CLI_FAILED;
	umask(cli->umask);
	inherit_signals_back(&cli->signals);
	execvp(*command, command);
	cli->status = errno == ENOENT || errno == ENOTDIR ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
	return error_set(e, errno, "run %s", *command);
}

const struct command cli_exec = { "exec", "run a command in a pod", help, CLI_RUNS_PROGRAMS,
				  run_in_pod };
