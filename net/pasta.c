/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pasta.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "net/chain.h"
#include "net/resolv.h"
#include "net/run.h"
#include "ns/net.h"

/* In milliseconds. */
#define START_MAX 10000
#define END_MAX 2000

#define COMMAND_LINE_MAX ((size_t)1 << 16)

/* --- pure functions ------------------------------------------------------------------------------- */

struct pasta_port pasta_port(const struct port_range *range)
{
	char ip[INET6_ADDRSTRLEN] = "";
	unsigned host_last = range->host + range->count - 1U;
	unsigned pod_last = range->pod + range->count - 1U;
	struct pasta_port out;

	if (range->ip_len)
		inet_ntop(range->ip_len == 16 ? AF_INET6 : AF_INET, range->ip, ip, sizeof(ip));
	snprintf(out.text, sizeof(out.text), "%s%s%u-%u:%u-%u", ip, *ip ? "/" : "", range->host,
		 host_last, range->pod, pod_last);
	return out;
}

const char *pasta_reason(struct arena *a, const struct buf *errors)
{
	static const char noise[] = "Failed to send ";
	const char *s = errors->data ? errors->data : "", *reason = "";
	size_t len, reason_len = 0;

	for (; *s; s += len + (s[len] == '\n')) {
		len = strcspn(s, "\n");
		if (!len || !strncmp(s, noise, sizeof(noise) - 1))
			continue;
		reason = s;
		reason_len = len;
	}
	return arena_strndup(a, reason, reason_len);
}

/* The first arguments of each pasta that is started here. */
static const char *const fixed[] = { "--config-net", "--no-map-gw", "--quiet", "--ns-ifname",
				     CHAIN_IFNAME };
#define FIXED (sizeof(fixed) / sizeof(*fixed))

bool pasta_is_command_line(const char *text, size_t len, const char *pin)
{
	const char *end = text + len, *last = "", *before = "";
	size_t i = 0;

	if (!len || end[-1] || !has_suffix(text, "/pasta"))
		return false;
	for (const char *arg = text + strlen(text) + 1; arg < end; arg += strlen(arg) + 1, i++) {
		if (i < FIXED && strcmp(arg, fixed[i]) != 0)
			return false;
		before = last;
		last = arg;
	}
	return i > FIXED && !strcmp(before, "--netns") && !strcmp(last, pin);
}

/* --- before the start ----------------------------------------------------------------------------- */

/* In the user namespace of rootless podman no file of the host's root belongs to uid 0: pod/store.h. */
static int check_rootless(struct error *e)
{
	struct stat st;

	if (stat("/run", &st) < 0)
		return error_set(e, errno, "stat /run");
	if (st.st_uid != 0)
		return 0;
	error_set(e, 0, "the network " NETWORK_PASTA " is for rootless podman alone");
	return geteuid() == 0 ? error_hint(e, "as root, name a network that a file in " CONFLIST_DIR
					      " defines")
			      : error_hint(e, "run this inside `podman unshare`");
}

/*
 * Who owns a file of the host's root is not visible in a user namespace, so trust_check() would refuse it. An
 * ordinary user cannot write into these directories.
 */
static const char *find_program(const char *const *paths, size_t count)
{
	struct stat st;

	for (size_t i = 0; i < count; i++)
		if (stat(paths[i], &st) == 0 && S_ISREG(st.st_mode) && access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

static const char *find_pasta(void)
{
	static const char *const paths[] = { "/usr/bin/pasta", "/usr/local/bin/pasta",
					     "/bin/pasta" };

	return find_program(paths, sizeof(paths) / sizeof(*paths));
}

static int pasta_missing(struct error *e)
{
	error_set(e, 0, "pasta is missing");
	return error_hint(e, "install passt");
}

int pasta_prepare(const struct net_ports *ports, struct error *e)
{
	if (check_rootless(e) < 0)
		return -1;
	if (!find_pasta())
		return pasta_missing(e);
	for (size_t i = 0; i < ports->count; i++)
		if (ports->list[i].proto == PROTO_SCTP)
			return error_set(e, 0, "port %s: pasta publishes only tcp and udp",
					 port_format(&ports->list[i]).text);
	return 0;
}

bool pasta_forwards_dns(const struct net_state *st, const char *host)
{
	return !st->dns_count && resolv_begins_local(host);
}

/* --- the command line ----------------------------------------------------------------------------- */

_Static_assert(PROGRAM_ARGS_MAX >= 32 + FIXED + (size_t)2 * PORT_RANGES_MAX, "room for all ports");

/* Without -t and -u pasta forwards all ports that are bound in the namespace. */
static void add_ports(struct program_args *c, const struct net_ports *ports, enum port_proto proto,
		      const char *option)
{
	bool any = false;

	for (size_t i = 0; i < ports->count; i++) {
		if (ports->list[i].proto != proto)
			continue;
		program_add_args(c, option, pasta_port(&ports->list[i]).text);
		any = true;
	}
	if (!any)
		program_add_args(c, option, "none");
}

/*
 * Its pid is written to its standard output, our pipe: the AppArmor profile of Debian 12 forbids files in the pod's
 * directory. What pasta_is_command_line() looks for comes first and last.
 */
static void add_pasta(struct program_args *c, const struct net_state *st, const char *path,
		      bool forwards)
{
	program_add_args(c, path, NULL);
	for (size_t i = 0; i < FIXED; i++)
		program_add_args(c, fixed[i], NULL);
	if (forwards)
		program_add_args(c, "--dns-forward", PASTA_DNS);
	add_ports(c, &st->ports, PROTO_TCP, "-t");
	add_ports(c, &st->ports, PROTO_UDP, "-u");
	program_add_args(c, "-T", "none");
	program_add_args(c, "-U", "none");
	program_add_args(c, "--pid", "/proc/self/fd/1");
	program_add_args(c, "--netns", st->netns);
}

/* --- the user's systemd manager ------------------------------------------------------------------- */

#define SYSTEMD_RUN "/usr/bin/systemd-run"

/* Its socket is there while it runs: systemd(1), "--user". */
static bool has_manager(const char *runtime_dir)
{
	static const char *const paths[] = { SYSTEMD_RUN };
	cleanup_free char *path = concat(runtime_dir, "/systemd/private", NULL);
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && find_program(paths, 1);
}

/*
 * The id makes the name of the unit a new one each time, since systemd removes the scope of a process some time
 * after its end.
 */
static void add_scope(struct program_args *c, const struct net_state *st)
{
	char id[9];
	cleanup_free char *unit = NULL, *description = NULL;

	concat_in(id, sizeof(id), st->id, NULL);
	unit = concat("--unit=podns-pasta-", st->pod, "-", id, NULL);
	description = concat("--description=Network of the pod ", st->pod, NULL);
	c->failed |= !unit || !description;
	program_add_args(c, SYSTEMD_RUN, NULL);
	program_add_args(c, "--user", NULL);
	program_add_args(c, "--scope", NULL);
	program_add_args(c, "--quiet", NULL);
	program_add_args(c, "--collect", NULL);
	program_add_args(c, unit ? unit : "", NULL);
	program_add_args(c, description ? description : "", NULL);
	program_add_args(c, "--", NULL);
}

/* --- starting it ---------------------------------------------------------------------------------- */

struct start {
	struct net_state *st;
	const char *path;
	bool forwards;
	char *env[3];
	uint64_t until;
};

/* scope: by systemd-run, which becomes pasta. */
static int run_pasta(const struct start *s, bool scope, struct program_result *result,
		     struct error *e)
{
	cleanup_program_args struct program_args line = { 0 };
	struct program program = {
		.path = scope ? SYSTEMD_RUN : s->path,
		.argv = line.argv,
		.env = s->env,
		.lock_fd = -1, /* pasta would hold the lock as long as it lives */
		.starts_daemon = true,
	};
	uint64_t now = chain_now(), left = s->until > now ? s->until - now : 0;

	if (!left)
		return error_set(e, ETIMEDOUT, "start pasta");
	program.limit_ms = left < START_MAX ? (unsigned)left : START_MAX;
	if (scope)
		add_scope(&line, s->st);
	add_pasta(&line, s->st, s->path, s->forwards);
	return line.failed ? error_nomem(e) : program_run(&program, result, e);
}

static int refuse(const struct program_result *result, struct error *e)
{
	cleanup_arena struct arena arena = { 0 };
	const char *reason = pasta_reason(&arena, &result->err);

	if (!reason)
		return error_nomem(e);
	if (*reason)
		return error_set(e, 0, "pasta: %.2000s", reason);
	if (WIFSIGNALED(result->status))
		return error_set(e, 0, "pasta was killed by signal %d", WTERMSIG(result->status));
	return error_set(e, 0, "pasta ended with status %d and did not say why",
			 WEXITSTATUS(result->status));
}

static int read_pid(struct program_result *result, pid_t *pid, struct error *e)
{
	uint64_t n;

	if (result->out.len)
		result->out.data[strcspn(result->out.data, "\n")] = '\0';
	if (!result->out.len || !parse_u64(result->out.data, INT_MAX, &n) || !n)
		return error_set(e, 0, "pasta did not say its pid");
	*pid = (pid_t)n;
	return 0;
}

/* If the manager does not make the scope, pasta runs without: its own failure comes again then. */
static int run_it(const struct start *s, bool scope, pid_t *pid, struct error *e)
{
	cleanup_program_result struct program_result scoped = { 0 }, result = { 0 };

	if (scope && run_pasta(s, true, &scoped, e) < 0)
		return -1;
	if (scope && !scoped.status)
		return read_pid(&scoped, pid, e);
	if (run_pasta(s, false, &result, e) < 0)
		return -1;
	return result.status ? refuse(&result, e) : read_pid(&result, pid, e);
}

static int start(struct net_state *st, uint64_t until, pid_t *pid, struct error *e)
{
	struct start s = { .st = st, .path = find_pasta(), .until = until };
	cleanup_buf struct buf host = { 0 }, real = { 0 };
	cleanup_arena struct arena arena = { 0 };
	cleanup_free char *runtime_dir = NULL;
	uint64_t uid;

	if (!s.path)
		return pasta_missing(e);
	if (store_outer_uid(&uid, e) < 0 || resolv_read_host("", &host, &real, e) < 0)
		return -1;
	s.forwards = pasta_forwards_dns(st, host.data);
	runtime_dir = store_user_root(uid);
	s.env[0] = arena_concat(&arena, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL);
	s.env[1] = arena_concat(&arena, "XDG_RUNTIME_DIR=", runtime_dir ? runtime_dir : "", NULL);
	if (!runtime_dir || !s.env[0] || !s.env[1])
		return error_nomem(e);
	return run_it(&s, has_manager(runtime_dir), pid, e);
}

/* --- the process ---------------------------------------------------------------------------------- */

/*
 * Is it a pasta of this pin, started at that time (0: at any)? A process that is about to end has no command line any
 * more, but may still have its ports: then the time decides.
 */
static bool is_ours(const struct process *p, const char *pin, uint64_t started)
{
	cleanup_buf struct buf line = { 0 };

	if ((started && p->start != started) ||
	    read_file_at(p->procfd, "cmdline", COMMAND_LINE_MAX, &line) < 0)
		return false;
	return line.len ? pasta_is_command_line(line.data, line.len, pin) : started != 0;
}

static int note_process(struct net_state *st, pid_t pid, struct error *e)
{
	cleanup_process struct process p = PROCESS_NONE;

	if (process_hold(pid, &p, e) < 0)
		return error_prefix(e, "pasta has ended at once");
	if (!is_ours(&p, st->netns, 0) || !process_lives(&p))
		return error_set(e, 0, "process %d is not pasta, which said that it was", pid);
	st->pasta_pid = pid;
	st->pasta_start = p.start;
	return 0;
}

/* It has nothing to put in order; in its own pid namespace it might ignore other signals. */
static int end_process(const struct process *p, struct error *e)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	uint64_t until = chain_now() + END_MAX;
	int r = p->pidfd >= 0 ? (int)syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0)
			      : kill(p->pid, SIGKILL);

	/* Any user can start a process with this command line. What was started here may be ended from here. */
	if (r < 0 && errno == EPERM)
		return 0;
	if (r < 0 && errno != ESRCH)
		return error_set(e, errno, "end pasta (pid %d)", p->pid);
	while (process_lives(p)) {
		if (chain_now() >= until)
			return error_set(e, ETIMEDOUT, "end pasta (pid %d)", p->pid);
		nanosleep(&moment, NULL);
	}
	return 0;
}

/*
 * End the process if it is a pasta of this pin, and was started at that time (0: at any). The record alone does not
 * decide: who forged one would have root end any process.
 */
static int end_if_ours(const struct net_state *st, pid_t pid, uint64_t started, struct error *e)
{
	cleanup_process struct process p = PROCESS_NONE;
	struct error gone;

	if (process_hold(pid, &p, &gone) < 0)
		return 0;
	if (!is_ours(&p, st->netns, started))
		return 0;
	return end_process(&p, e);
}

/* The run that started it was killed before it could record the pid. */
static int end_unrecorded(const struct net_state *st, struct error *e)
{
	cleanup_dir DIR *proc = open_dir_stream(AT_FDCWD, "/proc");
	struct dirent *entry;
	uint64_t pid;
	int r = 0;

	if (!proc)
		return error_set(e, errno, "read directory /proc");
	while (!r && (entry = read_entry(proc)))
		if (parse_u64(entry->d_name, INT_MAX, &pid) && pid)
			r = end_if_ours(st, (pid_t)pid, 0, e);
	if (!r && errno)
		return error_set(e, errno, "read directory /proc");
	return r;
}

int pasta_del(const struct net_state *st, struct error *e)
{
	if (st->pasta_pid && end_if_ours(st, st->pasta_pid, st->pasta_start, e) < 0)
		return -1;
	/* While ports are changed the record is of the pasta with the old ones. */
	return !st->pasta_pid || st->changing ? end_unrecorded(st, e) : 0;
}

int pasta_check(const struct net_state *st, struct error *e)
{
	if (st->pasta_pid && process_alive(st->pasta_pid, st->pasta_start))
		return 0;
	error_set(e, 0, "pasta (pid %d) has ended", st->pasta_pid);
	return error_hint(e, "podns network up %s", st->pod);
}

/* --- the result ----------------------------------------------------------------------------------- */

static int add_address(struct buf *b, const struct net_address *a, bool more)
{
	char ip[INET6_ADDRSTRLEN];

	inet_ntop(a->len == 16 ? AF_INET6 : AF_INET, a->ip, ip, sizeof(ip));
	return buf_addf(b, "%s{\"address\":\"%s/%u\",\"interface\":0}", more ? "," : "", ip,
			a->prefix);
}

/* What a CNI plugin would print. */
static int note_result(struct net_state *st, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	struct net_interface found;
	struct ns_id id;
	cleanup_close int pin = ns_open_path(st->netns, NS_NET, &id, e);

	if (pin < 0 || net_look(pin, CHAIN_IFNAME, &found, e) < 0)
		return -1;
	if (!found.exists || !found.up || !found.count)
		return error_set(e, 0,
				 "pasta has not configured the interface " CHAIN_IFNAME " in %s",
				 st->netns);
	if (buf_adds(&text, "{\"cniVersion\":\"1.0.0\",\"interfaces\":[{\"name\":\"" CHAIN_IFNAME
			    "\",\"sandbox\":") < 0 ||
	    json_quote(&text, st->netns) < 0 || buf_adds(&text, "}],\"ips\":[") < 0)
		return error_nomem(e);
	for (size_t i = 0; i < found.count && i < NETWORK_ADDRESSES_MAX; i++)
		if (add_address(&text, &found.addresses[i], i > 0) < 0)
			return error_nomem(e);
	if (buf_adds(&text, "]}") < 0)
		return error_nomem(e);
	return net_state_add_result(st, text.data, text.len, e);
}

int pasta_add(struct net_state *st, uint64_t until, struct error *e)
{
	pid_t pid = 0;

	if (start(st, until, &pid, e) < 0 || note_process(st, pid, e) < 0)
		return -1;
	return note_result(st, e);
}
