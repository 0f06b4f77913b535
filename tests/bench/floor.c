/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The minimum for any implementation: each stage as a static-pie program with everything hard-coded. It
 * makes only the system calls that change something or must read something, and loads the same seccomp
 * program. It parses no JSON, checks nothing and locks nothing; arguments supply the rest.
 *
 *   floor noop                     nothing: what a process costs
 *   floor touch N                  writes to N pages: what a page fault costs
 *   floor precreate POD            unshare net, ipc, uts; raise lo; hostname; two sysctls; a record;
 *                                  three binds; a tmpfs; the document
 *   floor join POD                 the record; the document
 *   floor create POD PID BUNDLE    reads the document; is the process in the three pins; the sysctls,
 *                                  inside; index and record
 *   floor adopt POD PID BUNDLE     reads the document; hostname and sysctls, inside; a record, three
 *                                  binds, index; a copy of the document, fsync; a new config.json,
 *                                  fsync, rename, fsync
 *   floor leave POD                of a pod that lives on: index and record
 *   floor poststop POD             four umounts, what they were mounted on, index, record
 *   floor revert POD BUNDLE        the same for an adopted pod, which has no tmpfs; reads the document
 *                                  and its copy, and puts that back as adopt did
 *   floor hook ROOT POD BUNDLE       adopt without hostname and sysctls, or revert, as a runtime's
 *                                  state on standard input says
 *   floor pinns NAME               unshare, raise lo, hostname, one sysctl, three binds
 *   floor create-pod NAME          podns create: unshare, raise lo, hostname, record, three binds
 *   floor rm-pod NAME              removes them
 *
 * To clean up, and to measure the effect of scale, without the seccomp program:
 *
 *   floor rmpins NAME              removes pinns's pins
 *   floor fill NAME COUNT          COUNT held pods NAME-1, NAME-2, ... in one process
 *
 * The root is the working directory, with netns/, ipcns/, utsns/ and podns/ in it. Standard input and
 * output are those of the hook. A failed call ends it with the line's number, so that no program that
 * did less is ever measured.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/program.h"

#define DOCUMENT_MAX ((size_t)17 << 20)
#define RECORD                                                                                     \
	"podns-record 1\nmntns 4 4026531841\ncreated 1234567890\nshm\n"                            \
	"pin net 4 4026531840\npin ipc 4 4026531839\npin uts 4 4026531838\n"                       \
	"claim 123456 0123456789abcdef0123456789abcdef\n"

/* Nothing is written to standard error unless something failed. */
#define must(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			die(__LINE__);                                                             \
	} while (0)

static void die(int line)
{
	dprintf(STDERR_FILENO, "floor: line %d: %m\n", line);
	_exit(1);
}

static void confine(void)
{
	struct sock_fprog filter = {
		.len = sizeof(program) / sizeof(*program),
		.filter = (struct sock_filter *)program,
	};

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &filter));
}

/* --- documents --- */

static char document[DOCUMENT_MAX];

static size_t read_fd(int fd)
{
	size_t len = 0;
	ssize_t n;

	do {
		must(n = read(fd, document + len, sizeof(document) - len));
		len += (size_t)n;
	} while (n);
	return len;
}

static size_t read_config(int bundle)
{
	int fd;
	size_t n;

	must(fd = openat(bundle, "config.json", O_RDONLY | O_CLOEXEC));
	n = read_fd(fd);
	close(fd);
	return n;
}

static void write_config(int bundle, size_t n)
{
	int fd;

	must(fd = openat(bundle, ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
	must(write(fd, document, n));
	must(fsync(fd));
	must(renameat(bundle, ".new", bundle, "config.json"));
	must(fsync(bundle));
	close(fd);
}

/* --- records --- */

struct path {
	char s[256];
};

static struct path path(const char *dir, const char *pod, const char *file)
{
	struct path p;

	snprintf(p.s, sizeof(p.s), "%s/%s%s", dir, pod, file);
	return p;
}

/* Killed at any point, the old or the new one is there, whole. */
static void write_record(const char *pod)
{
	struct path new = path("podns", pod, "/.record.new");
	int fd;

	must(fd = open(new.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	must(write(fd, RECORD, sizeof(RECORD) - 1));
	close(fd);
	must(renameat(AT_FDCWD, new.s, AT_FDCWD, path("podns", pod, "/record").s));
}

/* The copy of the document, for revert: it must exist before the document changes. */
static void keep_copy(const char *pod, size_t n)
{
	int fd;

	must(fd = open(path("podns", pod, "@bundle").s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		       0600));
	must(write(fd, document, n));
	must(fsync(fd));
	close(fd);
	must(fd = open("podns", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	must(fsync(fd));
	close(fd);
}

static void remove_record(const char *pod)
{
	must(unlinkat(AT_FDCWD, path("podns", pod, "/record").s, 0));
	must(unlinkat(AT_FDCWD, path("podns", pod, "").s, AT_REMOVEDIR));
}

/* --- namespaces --- */

static const char *const dirs[] = { "netns", "ipcns", "utsns" };
static const char *const own[] = { "/proc/self/ns/net", "/proc/self/ns/ipc", "/proc/self/ns/uts" };

static void set_sysctl(const char *file, const char *value)
{
	int fd;

	must(fd = open(file, O_WRONLY | O_CLOEXEC));
	must(write(fd, value, strlen(value)));
	close(fd);
}

/* The option's and the document's. */
static void set_sysctls(void)
{
	set_sysctl("/proc/sys/net/ipv4/ip_default_ttl", "77");
	set_sysctl("/proc/sys/net/ipv4/ping_group_range", "0 0");
}

static void make_namespaces(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK };
	int fd;

	must(unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS));
	must(fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	must(ioctl(fd, SIOCSIFFLAGS, &lo));
	close(fd);
}

static void bind_pins(const char *pod, const char *const from[3])
{
	struct path to;
	int fd;

	for (int i = 0; i < 3; i++) {
		to = path(dirs[i], pod, "");
		must(fd = open(to.s, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
		close(fd);
		must(mount(from[i], to.s, NULL, MS_BIND, NULL));
	}
}

static void remove_pins(const char *pod)
{
	struct path at;

	for (int i = 0; i < 3; i++) {
		at = path(dirs[i], pod, "");
		must(umount2(at.s, MNT_DETACH | UMOUNT_NOFOLLOW));
		must(unlinkat(AT_FDCWD, at.s, 0));
	}
}

static void make_pod(const char *pod)
{
	must(mkdirat(AT_FDCWD, path("podns", pod, "").s, 0700));
	write_record(pod);
	bind_pins(pod, own);
}

static void make_shm(const char *pod)
{
	struct path shm = path("podns", pod, "/shm");

	must(mkdirat(AT_FDCWD, shm.s, 0700));
	must(mount("shm", shm.s, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777"));
}

/* --- the stages --- */

static void noop(char **arg)
{
	(void)arg;
}

static void touch(char **arg)
{
	for (int i = 0; i < atoi(arg[0]); i++)
		((volatile char *)document)[4096 * i] = 1;
}

static void precreate(char **arg)
{
	size_t n = read_fd(STDIN_FILENO);

	make_namespaces();
	must(sethostname(arg[0], strlen(arg[0])));
	set_sysctls();
	make_pod(arg[0]);
	make_shm(arg[0]);
	must(write(STDOUT_FILENO, document, n));
}

static void join(char **arg)
{
	size_t n = read_fd(STDIN_FILENO);

	write_record(arg[0]);
	must(write(STDOUT_FILENO, document, n));
}

/* The state, then the document, then whether the process is where it should be. */
static void create(char **arg)
{
	static const char *const names[] = { "ns/net", "ns/ipc", "ns/uts" };
	int bundle, process, net;
	struct stat pin, in;

	read_fd(STDIN_FILENO);
	must(bundle = open(arg[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	read_config(bundle);
	must(process = open(path("/proc", arg[1], "").s, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	for (int i = 0; i < 3; i++) {
		must(stat(path(dirs[i], arg[0], "").s, &pin));
		must(fstatat(process, names[i], &in, 0));
		if (pin.st_ino != in.st_ino || pin.st_dev != in.st_dev)
			die(__LINE__);
	}
	must(net = openat(process, names[0], O_RDONLY | O_CLOEXEC));
	must(setns(net, CLONE_NEWNET));
	set_sysctls();
	must(symlinkat(arg[0], AT_FDCWD, path("podns", arg[0], "@index").s));
	write_record(arg[0]);
}

/* Pin the namespaces of a process for a pod, and edit its document. */
static void take_in(const char *pod, const char *pid, const char *bundle, bool set)
{
	struct path from[3] = {
		path("/proc", pid, "/ns/net"),
		path("/proc", pid, "/ns/ipc"),
		path("/proc", pid, "/ns/uts"),
	};
	const char *const paths[3] = { from[0].s, from[1].s, from[2].s };
	int dir, net, uts;
	size_t n;

	must(dir = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	n = read_config(dir);
	if (set) {
		must(net = open(paths[0], O_RDONLY | O_CLOEXEC));
		must(uts = open(paths[2], O_RDONLY | O_CLOEXEC));
		must(setns(net, CLONE_NEWNET));
		must(setns(uts, CLONE_NEWUTS));
		must(sethostname(pod, strlen(pod)));
		set_sysctls();
	}
	must(mkdirat(AT_FDCWD, path("podns", pod, "").s, 0700));
	write_record(pod);
	bind_pins(pod, paths);
	must(symlinkat(pod, AT_FDCWD, path("podns", pod, "@index").s));
	keep_copy(pod, n);
	write_config(dir, n);
}

static void adopt(char **arg)
{
	read_fd(STDIN_FILENO);
	take_in(arg[0], arg[1], arg[2], true);
}

static void leave(char **arg)
{
	read_fd(STDIN_FILENO);
	must(unlinkat(AT_FDCWD, path("podns", arg[0], "@index").s, 0));
	write_record(arg[0]);
}

static void poststop(char **arg)
{
	struct path shm = path("podns", arg[0], "/shm");

	read_fd(STDIN_FILENO);
	must(unlinkat(AT_FDCWD, path("podns", arg[0], "@index").s, 0));
	remove_pins(arg[0]);
	must(umount2(shm.s, MNT_DETACH | UMOUNT_NOFOLLOW));
	must(unlinkat(AT_FDCWD, shm.s, AT_REMOVEDIR));
	remove_record(arg[0]);
}

static void give_back(const char *pod, const char *bundle)
{
	int dir, copy;
	size_t n;

	must(dir = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	read_config(dir);
	must(copy = open(path("podns", pod, "@bundle").s, O_RDONLY | O_CLOEXEC));
	n = read_fd(copy);
	close(copy);
	write_config(dir, n);
	must(unlinkat(AT_FDCWD, path("podns", pod, "@bundle").s, 0));
	must(unlinkat(AT_FDCWD, path("podns", pod, "@index").s, 0));
	remove_pins(pod);
	remove_record(pod);
}

static void revert(char **arg)
{
	read_fd(STDIN_FILENO);
	give_back(arg[0], arg[1]);
}

/* What a runtime says of the process is all that it must read: a container is starting or gone. */
static void hook(char **arg)
{
	static const char member[] = "\"pid\":";
	size_t digits;
	char *pid;

	must(chdir(arg[0]));
	confine();
	document[read_fd(STDIN_FILENO)] = '\0';
	pid = strstr(document, member);
	if (!pid || pid[sizeof(member) - 1] == '0') {
		give_back(arg[1], arg[2]);
		return;
	}
	pid += sizeof(member) - 1;
	digits = strspn(pid, "0123456789");
	pid[digits] = '\0';
	take_in(arg[1], strdupa(pid), arg[2], false);
}

static void pinns(char **arg)
{
	make_namespaces();
	must(sethostname(arg[0], strlen(arg[0])));
	set_sysctl("/proc/sys/net/ipv4/ip_default_ttl", "77");
	bind_pins(arg[0], own);
}

static void rmpins(char **arg)
{
	remove_pins(arg[0]);
}

static void create_pod(char **arg)
{
	make_namespaces();
	must(sethostname(arg[0], strlen(arg[0])));
	make_pod(arg[0]);
}

static void write_held(const char *pod)
{
	char text[512];
	struct stat st[3];
	int fd, n;

	for (int i = 0; i < 3; i++)
		must(stat(own[i], &st[i]));
	n = snprintf(text, sizeof(text),
		     "podns-record 1\nmntns 4 1\ncreated 1234567890\nheld\n"
		     "pin net %ju %ju\npin ipc %ju %ju\npin uts %ju %ju\n",
		     (uintmax_t)st[0].st_dev, (uintmax_t)st[0].st_ino, (uintmax_t)st[1].st_dev,
		     (uintmax_t)st[1].st_ino, (uintmax_t)st[2].st_dev, (uintmax_t)st[2].st_ino);
	must(fd = open(path("podns", pod, "/record").s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		       0600));
	must(write(fd, text, (size_t)n));
	close(fd);
}

static void fill(char **arg)
{
	char name[128];

	for (int i = 1; i <= atoi(arg[1]); i++) {
		snprintf(name, sizeof(name), "%s-%d", arg[0], i);
		make_namespaces();
		must(mkdirat(AT_FDCWD, path("podns", name, "").s, 0700));
		write_held(name);
		bind_pins(name, own);
		make_shm(name);
	}
}

static void rm_pod(char **arg)
{
	remove_pins(arg[0]);
	remove_record(arg[0]);
}

static const struct {
	const char *name;
	int args;
	bool confined;
	void (*run)(char **arg);
} stages[] = {
	{ "noop", 0, false, noop },
	{ "touch", 1, false, touch },
	{ "precreate", 1, true, precreate },
	{ "join", 1, true, join },
	{ "create", 3, true, create },
	{ "adopt", 3, true, adopt },
	{ "leave", 1, true, leave },
	{ "poststop", 1, true, poststop },
	{ "revert", 2, true, revert },
	{ "hook", 3, false, hook },
	{ "pinns", 1, true, pinns },
	{ "rmpins", 1, false, rmpins },
	{ "create-pod", 1, true, create_pod },
	{ "rm-pod", 1, true, rm_pod },
	{ "fill", 2, false, fill },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(stages) / sizeof(*stages); i++) {
		if (strcmp(argv[1], stages[i].name) || argc - 2 != stages[i].args)
			continue;
		if (stages[i].confined)
			confine();
		stages[i].run(argv + 2);
		return 0;
	}
	fputs("usage: see floor.c\n", stderr);
	return 2;
}
