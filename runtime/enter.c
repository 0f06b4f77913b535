/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/inherit.h"
#include "base/log.h"
#include "base/text.h"
#include "oci/file.h"
#include "pod/name.h"
#include "pod/store.h"
#include "runtime/hook_path.h"
#include "sandbox/sandbox.h"

#define HOOK_SECONDS 30 /* as in hooks.d/oci-podns.json.in; longer than any wait for a lock */

/* --- the child --------------------------------------------------------------- */

/* The child's answer: one byte, then, if it failed, a struct error. */
enum { ANSWER_DONE = '+', ANSWER_FAILED = '-' };
#define ANSWER_MAX (1 + sizeof(struct error))
#define ANSWER_FD 3
#define AGENT_FD 4

typedef int (*task_fn)(const struct enter *x, struct stage_create *create, struct error *e);

static int create_task(const struct enter *x, struct stage_create *create, struct error *e);

/*
 * Bring what was inherited into a known state, as oci-podns-hook does. Signals that a terminal sends to all
 * its processes kill the parent; the child then cannot answer, and undoes what it did.
 */
static int settle_in(int answer_fd, struct network_client *client, struct error *e)
{
	static const int from_terminal[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP };
	sigset_t blocked;

	if (dup2(answer_fd, ANSWER_FD) < 0 || (client->fd >= 0 && dup2(client->fd, AGENT_FD) < 0))
		return error_set(e, errno, "move a descriptor");
	inherit_no_descriptors(client->fd >= 0 ? AGENT_FD + 1 : ANSWER_FD + 1);
	client->fd = client->fd >= 0 ? AGENT_FD : -1;
	if (inherit_standard_streams() < 0)
		return error_set(e, errno, "open /dev/null");
	umask(022);
	inherit_no_environment();
	inherit_write_errors(NULL);
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(from_terminal) / sizeof(*from_terminal); i++)
		sigaddset(&blocked, from_terminal[i]);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	return 0;
}

static int begin_log(const struct enter *x, struct error *e)
{
	const struct hook_settings *s = &x->settings->hook;

	/* As runc does: standard error may be the container's, and is used only without a log. */
	if (x->command->log)
		log_leave_stderr();
	return log_begin(x->program, s->log_level, s->log_file, s->syslog, e);
}

/* The stages keep a log in the store once they have opened it. */
static void keep_error(const struct enter *x, const struct error *why)
{
	cleanup_store struct store store = STORE_NONE;
	struct error ignored;

	if (!log_is_kept() && store_open(&store, x->settings->hook.stage.root, true, &ignored) == 0)
		log_keep_in(store.dir_fd);
	/* The parent writes it to standard error. */
	log_leave_stderr();
	log_error(LOG_LEVEL_ERROR, why);
}

static int run_task(const struct enter *x, struct stage_create *create, task_fn task,
		    struct error *e)
{
	log_context(x->settings->hook.stage.stage, NULL);
	if (begin_log(x, e) < 0 || (x->settings->hook.sandbox && sandbox_enter(e) < 0))
		return -1;
	return task(x, create, e);
}

static int run_child(const struct enter *x, struct stage_create *create, task_fn task,
		     int answer_fd, struct network_client *client)
{
	const char failed = ANSWER_FAILED;
	struct error e;

	x->settings->hook.stage.network = client->fd >= 0 ? client : NULL;
	if (settle_in(answer_fd, client, &e) == 0 && run_task(x, create, task, &e) == 0)
		return 0;
	keep_error(x, &e);
	log_add_context(&e);
	if (write_all(ANSWER_FD, &failed, 1) == 0)
		write_all(ANSWER_FD, &e, sizeof(e));
	return 1;
}

/* --- the parent ---------------------------------------------------------------- */

/*
 * A child that sends no signal when it ends (clone(2): an exit signal of 0), so that the runtime finds no
 * SIGCHLD pending, and that can be waited for where SIGCHLD is ignored.
 */
static pid_t fork_silently(void)
{
	return (pid_t)syscall(SYS_clone, 0UL, 0UL, 0UL, 0UL, 0UL);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return 0;
	return status;
}

static void report_death(const struct enter *x, int status, struct error *e)
{
	if (WIFSIGNALED(status))
		error_set(e, 0, "%s: the process that prepares the pod was killed by signal %d",
			  x->settings->hook.stage.stage, WTERMSIG(status));
	else
		error_set(e, 0, "%s: the process that prepares the pod ended without an answer",
			  x->settings->hook.stage.stage);
}

enum outcome {
	DONE,
	FAILED,  /* and the child has undone everything */
	UNKNOWN, /* the child was killed, or its answer could not be read */
};

/* The child may have been taken over by what it read, so its answer is not trusted to be well-formed. */
static enum outcome judge_answer(const struct enter *x, const char *answer, size_t len, int status,
				 struct error *e)
{
	if (len == 1 && *answer == ANSWER_DONE)
		return DONE;
	if (len != ANSWER_MAX || *answer != ANSWER_FAILED) {
		report_death(x, status, e);
		return UNKNOWN;
	}
	memcpy(e, answer + 1, sizeof(*e));
	e->text[sizeof(e->text) - 1] = e->hint[sizeof(e->hint) - 1] = '\0';
	make_one_line(e->text);
	make_one_line(e->hint);
	return FAILED;
}

/* What came before an error does not count. */
static size_t read_answer(int fd, char answer[ANSWER_MAX])
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, answer + len, ANSWER_MAX - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? 0 : len;
}

/* Descriptors 0 to 2 may be closed: what is opened here must not get their numbers. */
static int make_pipe(int end[2], struct error *e)
{
	int low[2];

	if (pipe2(low, O_CLOEXEC) < 0)
		return error_set(e, errno, "make a pipe");
	for (int i = 0; i < 2; i++) {
		end[i] = fcntl(low[i], F_DUPFD_CLOEXEC, AGENT_FD + 1);
		if (end[i] < 0)
			error_set(e, errno, "move a pipe");
	}
	close(low[0]);
	close(low[1]);
	return end[0] < 0 || end[1] < 0 ? -1 : 0;
}

/* The agent runs podns-net for the child: this process, which is not confined. */
static int open_agent(const struct enter *x, bool adds, struct agent *agent,
		      struct network_client *client, struct error *e)
{
	*agent = (struct agent){ .fd = -1,
				 .root = x->settings->hook.stage.root,
				 .policy = hook_settings_policy(&x->settings->hook) };
	agent->policy.adds = adds;
	if (!agent_is_needed(&agent->policy, PODNS_CONFDIR))
		return 0;
	return agent_open(agent, client, e);
}

static enum outcome do_in_child(const struct enter *x, struct stage_create *create, task_fn task,
				struct error *e)
{
	cleanup_close int to_read = -1, to_write = -1;
	int end[2] = { -1, -1 }, made = make_pipe(end, e);
	struct network_client client = { .fd = -1 };
	struct agent agent;
	char answer[ANSWER_MAX];
	size_t len;
	pid_t pid;

	to_read = end[0];
	to_write = end[1];
	if (made < 0 || open_agent(x, task == create_task, &agent, &client, e) < 0)
		return FAILED;
	pid = fork_silently();
	if (pid == 0)
		_exit(run_child(x, create, task, to_write, &client));
	if (pid < 0) {
		error_set(e, errno, "fork");
		agent_close(&agent, &client);
		return FAILED;
	}
	cleanup_closep(&to_write);
	to_write = -1;
	if (agent.fd >= 0)
		agent_serve(&agent, &client, pid);
	len = read_answer(to_read, answer);
	/* A child that is not done yet cannot answer any more, and undoes everything. */
	cleanup_closep(&to_read);
	to_read = -1;
	return judge_answer(x, answer, len, wait_for(pid), e);
}

/* --- tasks ------------------------------------------------------------------------ */

/* The last step of the child's work: if the parent is gone, that fails and all is undone. */
static int report_done(void *arg, struct error *e)
{
	const char done = ANSWER_DONE;

	(void)arg;
	if (write_all(ANSWER_FD, &done, 1) < 0)
		return error_set(e, errno, "answer the process that executes the runtime");
	return 0;
}

/* The path of the bundle without symbolic links, as runc and crun report it to hooks. */
static char *find_bundle(const struct enter *x, struct error *e)
{
	const char *given = x->command->bundle ? x->command->bundle : ".";
	char *path = realpath(given, NULL);

	if (!path)
		error_set(e, errno, "find bundle %s", given);
	return path;
}

static int create_task(const struct enter *x, struct stage_create *create, struct error *e)
{
	cleanup_free char *bundle = find_bundle(x, e);

	create->bundle = bundle;
	return bundle ? stage_create(&x->settings->hook.stage, create, report_done, NULL, e) : -1;
}

/* Nothing waits for this answer: the runtime is not executed, and the error of that is reported. */
static int undo_task(const struct enter *x, struct stage_create *create, struct error *e)
{
	cleanup_free char *bundle = find_bundle(x, e);

	create->bundle = bundle;
	return stage_withdraw(&x->settings->hook.stage, create, e) < 0 ? -1 : report_done(NULL, e);
}

static int forget_task(const struct enter *x, struct stage_create *create, struct error *e)
{
	return stage_withdraw(&x->settings->hook.stage, create, e) < 0 ? -1 : report_done(NULL, e);
}

/* --- is there anything to do? ------------------------------------------------------- */

static int open_config(const struct command *c)
{
	cleanup_close int dir = open(c->bundle ? c->bundle : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -1;
	return openat(dir, c->config ? c->config : "config.json",
		      O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool names_pod(const struct stage_options *opt, const struct buf *text)
{
	if (json_may_have_string(text->data, text->len, opt->pod_annotation))
		return true;
	for (int i = 0; i < POD_SANDBOX_ANNOTATIONS; i++)
		if (pod_sandbox_counts(opt->pod_annotation, opt->trust_annotations) &&
		    json_may_have_string(text->data, text->len, pod_sandbox_annotations[i]))
			return true;
	return false;
}

/* Does open(2) fail like that for every process with our credentials? Want of descriptors or memory passes. */
static bool is_lasting(int num)
{
	return num == ENOENT || num == ENOTDIR || num == EACCES || num == ELOOP ||
	       num == ENAMETOOLONG;
}

/*
 * May config.json name a pod? False if it cannot be opened and the runtime will fail as well, which says so
 * in its own words. What cannot be read otherwise is left to the child, which refuses it.
 */
static bool may_name_pod(const struct enter *x)
{
	cleanup_close int fd = open_config(x->command);
	cleanup_buf struct buf text = { 0 };
	struct stat st;

	if (fd < 0)
		return !is_lasting(errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || read_all(fd, CONFIG_SIZE_MAX, &text) < 0)
		return true;
	return names_pod(&x->settings->hook.stage, &text);
}

static struct stage_create what_to_create(const struct enter *x)
{
	return (struct stage_create){
		.id = x->command->id,
		.runtime = x->real,
		.runtime_root = x->command->root,
		.restore = x->command->verb == COMMAND_RESTORE,
		.pid = getpid(),
	};
}

/* crun reads this file instead of config.json, and config.json is what would be edited. */
static int check_config_option(const struct enter *x, struct error *e)
{
	if (!x->command->config || !strcmp(x->command->config, "config.json"))
		return 0;
	error_set(e, 0, "%s: %s names a pod, but only the bundle's config.json can be edited",
		  x->settings->hook.stage.stage, x->command->config);
	return error_hint(e, "call it config.json, and leave --config out");
}

int enter_pod(const struct enter *x, bool *entered, struct error *e)
{
	struct edit_hook hook = { .args = settings_hook_args(x->settings),
				  .timeout = HOOK_SECONDS };
	struct stage_create create = what_to_create(x);
	cleanup_free char *path = NULL;
	enum outcome outcome;

	*entered = false;
	/* Without an id the runtime refuses the command line. */
	if (!create.id || !may_name_pod(x))
		return 0;
	if (check_config_option(x, e) < 0)
		return -1;
	path = hook_path(e);
	hook.path = path;
	create.hook = &hook;
	outcome = path ? do_in_child(x, &create, create_task, e) : FAILED;
	/* It may have done everything, and nobody else would undo it before the claim expires. */
	if (outcome == UNKNOWN)
		enter_undo(x);
	*entered = outcome == DONE;
	return *entered ? 0 : -1;
}

void enter_undo(const struct enter *x)
{
	struct stage_create create = what_to_create(x);
	struct error logged;

	do_in_child(x, &create, undo_task, &logged);
}

void enter_forget(const struct enter *x)
{
	struct stage_create create = what_to_create(x);
	struct error ignored;
	bool found = false;

	if (create.id &&
	    stage_has_claim(&x->settings->hook.stage, &create, &found, &ignored) == 0 && found)
		do_in_child(x, &create, forget_task, &ignored);
}
