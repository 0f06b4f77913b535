/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/sysctl.h"

#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static void accepts_and_refuses_keys(void)
{
	static const struct {
		const char *key;
		int type;         /* NS_NONE: refused */
		const char *path; /* or what the refusal says */
	} rows[] = {
		{ "net.ipv4.ip_forward", NS_NET, "net/ipv4/ip_forward" },
		{ "net/ipv4/ip_forward", NS_NET, "net/ipv4/ip_forward" },
		{ "net.ipv4.conf.eth0/100.rp_filter", NS_NET, "net/ipv4/conf/eth0.100/rp_filter" },
		{ "net/ipv4/conf/eth0.100/rp_filter", NS_NET, "net/ipv4/conf/eth0.100/rp_filter" },
		{ "kernel.msgmax", NS_IPC, "kernel/msgmax" },
		{ "kernel.msgmnb", NS_IPC, "kernel/msgmnb" },
		{ "kernel.msgmni", NS_IPC, "kernel/msgmni" },
		{ "kernel.sem", NS_IPC, "kernel/sem" },
		{ "kernel.shmall", NS_IPC, "kernel/shmall" },
		{ "kernel.shmmax", NS_IPC, "kernel/shmmax" },
		{ "kernel.shmmni", NS_IPC, "kernel/shmmni" },
		{ "kernel.shm_rmid_forced", NS_IPC, "kernel/shm_rmid_forced" },
		{ "fs.mqueue.msg_max", NS_IPC, "fs/mqueue/msg_max" },
		{ "kernel.domainname", NS_UTS, "kernel/domainname" },
		{ "kernel.msg_next_id", NS_IPC, "kernel/msg_next_id" },
		{ "kernel.sem_next_id", NS_IPC, "kernel/sem_next_id" },
		{ "kernel.shm_next_id", NS_IPC, "kernel/shm_next_id" },
		{ "net.core.somaxconn", NS_NET, "net/core/somaxconn" },
		{ "net.ipv6.conf.all.forwarding", NS_NET, "net/ipv6/conf/all/forwarding" },
		{ "net.unix.max_dgram_qlen", NS_NET, "net/unix/max_dgram_qlen" },
		{ "net.mptcp.enabled", NS_NET, "net/mptcp/enabled" },
		{ "net.sctp.rto_min", NS_NET, "net/sctp/rto_min" },
		{ "net.netfilter.nf_conntrack_acct", NS_NET, "net/netfilter/nf_conntrack_acct" },
		{ "net.netfilter.nf_conntrack_max1", NS_NET, "net/netfilter/nf_conntrack_max1" },
		{ "net.netfilter.nf_conntrack_max", NS_NONE, "would change the host" },
		{ "net/netfilter/nf_conntrack_max", NS_NONE, "would change the host" },
		{ "net.netfilter.nf_conntrack_buckets", NS_NONE, "would change the host" },
		{ "net.netfilter.nf_conntrack_expect_max", NS_NONE, "would change the host" },
		{ "net.ipv4.tcp_allowed_congestion_control", NS_NONE, "would change the host" },
		{ "net.ipv4.vs.debug_level", NS_NONE, "would change the host" },
		{ "net.nf_conntrack_max", NS_NONE, "but from the --sysctl" },
		{ "net.netfilter.nf_hooks_lwtunnel", NS_NONE, "but from the --sysctl" },
		{ "net/netfilter/nf_hooks_lwtunnel", NS_NONE, "but from the --sysctl" },
		{ "net.netfilter.nf_log.2", NS_NONE, "but from the --sysctl" },
		{ "net.bridge.bridge-nf-call-iptables", NS_NONE, "but from the --sysctl" },
		{ "net.vsock.child_ns_mode", NS_NONE, "but from the --sysctl" },
		{ "net.coreX.somaxconn", NS_NONE, "but from the --sysctl" },
		{ "net.ipv4", NS_NONE, "but from the --sysctl" },
		{ "kernel.hostname", NS_NONE, "not set by a sysctl" },
		{ "kernel.core_pattern", NS_NONE, "is not per namespace" },
		{ "kernel/core_pattern", NS_NONE, "is not per namespace" },
		{ "kernel.pid_max", NS_NONE, "is not per namespace" },
		{ "kernel", NS_NONE, "is not per namespace" },
		{ "kernel.msgmaxx", NS_NONE, "is not per namespace" },
		{ "kernel.msgmax.x", NS_NONE, "is not per namespace" },
		{ "kernel.shm_next_idx", NS_NONE, "is not per namespace" },
		{ "vm.overcommit_memory", NS_NONE, "is not per namespace" },
		{ "user.max_net_namespaces", NS_NONE, "but from the --sysctl" },
		{ "fs.mqueue", NS_NONE, "is not per namespace" },
		{ "fs.file-max", NS_NONE, "is not per namespace" },
		{ "net", NS_NONE, "is not per namespace" },
		{ "network.x", NS_NONE, "is not per namespace" },
		{ "net/../kernel/core_pattern", NS_NONE, "'..'" },
		{ "net/ipv4/../../kernel/core_pattern", NS_NONE, "'..'" },
		{ "net.ipv4.../core_pattern", NS_NONE, "components are refused" },
		{ "net/./ipv4/ip_forward", NS_NONE, "'.'" },
		{ "net//ipv4", NS_NONE, "empty" },
		{ "net/", NS_NONE, "empty" },
		{ "net.", NS_NONE, "empty" },
		{ "net.ipv4.ip_default_ttl.", NS_NONE, "empty" },
		{ ".net.ipv4.ip_forward", NS_NONE, "empty" },
		{ "/net/ipv4/ip_forward", NS_NONE, "empty" },
		{ "net.ipv4.ip forward", NS_NONE, "printable" },
		{ "net.ipv4\n.ip_forward", NS_NONE, "printable" },
		{ "net.\xc3\xa4", NS_NONE, "printable" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_arena struct arena a = { 0 };
		struct sysctl s = { .type = NS_NONE };
		struct error e;
		int r = sysctl_check(rows[i].key, "1", false, &a, &s, &e);

		unit_row(rows[i].key);
		CHECK((r < 0 ? (int)NS_NONE : (int)s.type) == rows[i].type);
		if (r < 0)
			CHECK_HAS(e.text, rows[i].path);
		else
			CHECK_STR(s.path, rows[i].path);
	}
}

/* What a config may not set, root may: but the host's own never. */
static void trusts_options(void)
{
	cleanup_arena struct arena a = { 0 };
	struct sysctl s;
	struct error e;

	CHECK(sysctl_check("user.max_net_namespaces", "5", true, &a, &s, &e) == 0);
	CHECK(s.type == NS_USER);
	CHECK(sysctl_check("net.netfilter.nf_hooks_lwtunnel", "1", true, &a, &s, &e) == 0);
	CHECK(s.type == NS_NET);
	CHECK(sysctl_check("net.netfilter.nf_conntrack_max", "1", true, &a, &s, &e) == 0);
	CHECK(sysctl_check("kernel.core_pattern", "x", true, &a, &s, &e) < 0);
	CHECK_HAS(e.hint, "user.*");
	CHECK(sysctl_check("kernel.core_pattern", "x", false, &a, &s, &e) < 0);
	CHECK(!strstr(e.hint, "user.*"));
}

/* CVE-2022-0811: a value is one value, whatever is in it. */
static void never_splits_a_value(void)
{
	cleanup_arena struct arena a = { 0 };
	struct sysctl s;
	struct error e;

	CHECK(sysctl_check_pair("kernel.shm_rmid_forced=1+kernel.core_pattern=|/bin/evil #", true,
				&a, &s, &e) == 0);
	CHECK_STR(s.path, "kernel/shm_rmid_forced");
	CHECK_STR(s.value, "1+kernel.core_pattern=|/bin/evil #");
	CHECK(sysctl_check_pair("net.ipv4.ping_group_range=0 100", true, &a, &s, &e) == 0);
	CHECK_STR(s.value, "0 100");
}

static void checks_values_and_pairs(void)
{
	cleanup_arena struct arena a = { 0 };
	struct sysctl s;
	char *text = malloc(8192);
	struct error e;

	CHECK(sysctl_check("net.core.somaxconn", "", false, &a, &s, &e) == 0);
	CHECK(sysctl_check_pair("net.core.somaxconn=", true, &a, &s, &e) == 0);
	CHECK_STR(s.value, "");
	CHECK(sysctl_check_pair("net.core.somaxconn", true, &a, &s, &e) < 0);
	CHECK(sysctl_check_pair("=1", true, &a, &s, &e) < 0);
	CHECK(sysctl_check_pair("", true, &a, &s, &e) < 0);
	memset(text, 'a', 8191);
	text[4095] = '\0';
	CHECK(sysctl_check("net.core.somaxconn", text, false, &a, &s, &e) == 0);
	text[4095] = 'a';
	text[4096] = '\0';
	CHECK(sysctl_check("net.core.somaxconn", text, false, &a, &s, &e) < 0);
	memcpy(text, "net.core.", 9);
	text[1024] = '\0';
	CHECK(sysctl_check(text, "1", false, &a, &s, &e) == 0);
	text[1024] = 'a';
	text[1025] = '\0';
	CHECK(sysctl_check(text, "1", false, &a, &s, &e) < 0);
	text[4000] = 'a';
	text[65] = '\0';
	CHECK(sysctl_check("kernel.domainname", text, false, &a, &s, &e) < 0);
	free(text);
}

/* --- does what a config may set stay in its namespaces? ------------------------ */

#define PROC_SYS "/proc/sys/"

/* A file that a config may name, and what the host says in it. */
struct file {
	char *path; /* below /proc/sys */
	char value[1024];
	bool written; /* in the child */
};

static struct file *files;
static size_t file_count;

/* Does the file have a value to read? That fills `value`. */
static bool read_value(const char *path, char *value, size_t size)
{
	char full[1200];
	ssize_t n = -1;
	int fd;

	snprintf(full, sizeof(full), PROC_SYS "%s", path);
	fd = open(full, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, value, size - 1);
		close(fd);
	}
	value[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool write_value(const char *path, const char *value)
{
	char full[1200];
	bool done;
	int fd;

	snprintf(full, sizeof(full), PROC_SYS "%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return done;
}

static int visit(const char *full, const struct stat *st, int kind, struct FTW *ignored)
{
	cleanup_arena struct arena a = { 0 };
	struct file f = { 0 };
	struct sysctl s;
	struct error e;

	(void)st;
	(void)ignored;
	if (kind != FTW_F || sysctl_check(full + strlen(PROC_SYS), "1", false, &a, &s, &e) < 0 ||
	    (s.type != NS_NET && s.type != NS_IPC) || !read_value(s.path, f.value, sizeof(f.value)))
		return 0;
	f.path = strdup(s.path);
	files = realloc(files, (file_count + 1) * sizeof(*files));
	files[file_count++] = f;
	return 0;
}

/* All of /proc/sys is asked for, whatever its tables are called. */
static void list_files(void)
{
	file_count = 0;
	files = NULL;
	nftw("/proc/sys", visit, 16, FTW_PHYS);
}

/* Write something until the file says something else: true where that came about. */
static bool change_value(const char *path)
{
	static const char *const others[] = {
		"1", "0", "2", "8080", "reno", "cubic", "1 0", "0 1",
	};
	char before[1024], after[1024], value[1100];
	const char *rest;
	long long number;
	char *end;

	if (!read_value(path, before, sizeof(before)))
		return false;
	number = strtoll(before, &end, 10);
	rest = end;
	for (int i = 0; i < (int)(sizeof(others) / sizeof(*others)) + 2; i++) {
		if (i < 2)
			snprintf(value, sizeof(value), "%lld%s", number + (i ? -1 : 1), rest);
		else
			snprintf(value, sizeof(value), "%s", others[i - 2]);
		write_value(path, value);
		if (read_value(path, after, sizeof(after)) && strcmp(before, after))
			return true;
	}
	return false;
}

/* In the child: say which files were written, by their numbers. */
static void change_all(int out)
{
	for (size_t i = 0; i < file_count; i++)
		if (change_value(files[i].path) && write(out, &i, sizeof(i)) != sizeof(i))
			_exit(1);
}

/* 0; or 77 where such namespaces cannot be made here. */
static int change_in_child(void)
{
	int out[2], status = 1;
	size_t i;
	pid_t child;

	if (!CHECK(pipe2(out, O_CLOEXEC) == 0))
		return -1;
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET | CLONE_NEWIPC) < 0)
			_exit(77);
		alarm(60);
		change_all(out[1]);
		_exit(0);
	}
	close(out[1]);
	while (read(out[0], &i, sizeof(i)) == (ssize_t)sizeof(i))
		if (CHECK(i < file_count))
			files[i].written = true;
	close(out[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool was_written(const char *path)
{
	for (size_t i = 0; i < file_count; i++)
		if (!strcmp(files[i].path, path))
			return files[i].written;
	return true; /* it is not on this host */
}

static void check_host(const struct file *f)
{
	char now[1024];

	unit_row(f->path);
	read_value(f->path, now, sizeof(now));
	if (!CHECK_STR(now, f->value))
		write_value(f->path, f->value);
	unit_row(NULL);
}

static void check_walk(void)
{
	size_t written = 0;

	for (size_t i = 0; i < file_count; i++) {
		if (!files[i].written)
			continue;
		written++;
		check_host(&files[i]);
	}
	printf("# %zu of %zu written\n", written, file_count);
	if (!written) {
		unit_skip("host: nothing in /proc/sys can be written here");
		return;
	}
	/* The walk found its way: where the host has these, the child has written them. */
	CHECK(was_written("net/core/somaxconn"));
	CHECK(was_written("net/ipv4/ip_default_ttl"));
	CHECK(was_written("kernel/shmmni"));
	CHECK(was_written("fs/mqueue/msg_max"));
}

static void leaves_the_host_alone(void)
{
	int status;

	list_files();
	status = change_in_child();
	if (status == 77) {
		unit_skip("host: no network and ipc namespaces can be made here");
	} else {
		CHECK(status == 0);
		check_walk();
	}
	for (size_t i = 0; i < file_count; i++)
		free(files[i].path);
	free(files);
}

int main(void)
{
	RUN(accepts_and_refuses_keys);
	RUN(trusts_options);
	RUN(never_splits_a_value);
	RUN(checks_values_and_pairs);
	RUN(leaves_the_host_alone);
	return unit_done();
}
