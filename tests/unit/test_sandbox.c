/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries forbidden system calls inside the sandbox, each in a child: it has to die of
 * SIGSYS; and allowed ones, which have to return.
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* The status of a child that enters the sandbox and then calls. */
static int status_of(const long call[7])
{
	struct error e;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_enter(&e) < 0)
			_exit(99);
		syscall(call[0], call[1], call[2], call[3], call[4], call[5], call[6]);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

struct row {
	const char *name;
	long call[7];
};

/* Fork flags as glibc passes them. */
#define FORK (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)

static void kills_forbidden_calls(void)
{
	static const struct row rows[] = {
		{ "execve", { SYS_execve, 0, 0, 0 } },
		{ "execveat", { SYS_execveat, -1, 0, 0, 0, 0 } },
		{ "connect", { SYS_connect, 1, 0, 0 } },
		{ "bind", { SYS_bind, 1, 0, 0 } },
		{ "bpf", { SYS_bpf, 0, 0, 0 } },
		{ "open_by_handle_at", { SYS_open_by_handle_at, -1, 0, 0 } },
		{ "kill", { SYS_kill, 0, 0 } },
		{ "tkill", { SYS_tkill, 0, 0 } },
		{ "chroot", { SYS_chroot, 0 } },
		{ "pivot_root", { SYS_pivot_root, 0, 0 } },
		{ "init_module", { SYS_init_module, 0, 0, 0 } },
		{ "readv", { SYS_readv, 0, 0, 0 } },
		{ "process_vm_readv", { SYS_process_vm_readv, 0, 0, 0, 0, 0, 0 } },
		{ "unshare pid", { SYS_unshare, CLONE_NEWPID } },
		{ "unshare pid and net", { SYS_unshare, CLONE_NEWPID | CLONE_NEWNET } },
		{ "unshare files", { SYS_unshare, CLONE_FILES } },
		{ "setns of any type", { SYS_setns, -1, 0 } },
		{ "setns pid", { SYS_setns, -1, CLONE_NEWPID } },
		{ "setns mount", { SYS_setns, -1, CLONE_NEWNS } },
		{ "setns pid and net", { SYS_setns, -1, CLONE_NEWPID | CLONE_NEWNET } },
		{ "clone pid", { SYS_clone, FORK | CLONE_NEWPID, 0, 0, 0, 0 } },
		{ "clone pid, as musl forks", { SYS_clone, SIGCHLD | CLONE_NEWPID, 0, 0, 0, 0 } },
		{ "clone thread", { SYS_clone, FORK | CLONE_VM, 0, 0, 0, 0 } },
		{ "socket unix", { SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0 } },
		{ "socket netlink", { SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0 } },
		{ "socket tcp", { SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0 } },
		{ "sendto an address", { SYS_sendto, 1, 0, 0, 0, 8, 16 } },
		{ "mount of a device", { SYS_mount, 0, 0, 0, 0, 0 } },
		{ "remount", { SYS_mount, 0, 0, 0, MS_REMOUNT, 0 } },
		{ "move mount", { SYS_mount, 0, 0, 0, MS_MOVE, 0 } },
		{ "bind mount with a type", { SYS_mount, 0, 0, 1, MS_BIND, 0 } },
		{ "mount of a file system with devices",
		  { SYS_mount, 0, 0, 1, MS_NOSUID | MS_NOEXEC, 0 } },
		{ "umount by force", { SYS_umount2, 0, MNT_FORCE } },
		{ "executable memory",
		  { SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0 } },
		{ "ioctl TIOCSTI", { SYS_ioctl, 0, 0x5412, 0 } },
		{ "setresuid of another", { SYS_setresuid, 1, 1, 1 } },
		{ "seccomp", { SYS_seccomp, 0, 0, 0 } },
#ifndef PODNS_SANITIZERS /* which look for leaks by these */
		{ "prctl", { SYS_prctl, PR_SET_DUMPABLE, 1 } },
		{ "ptrace", { SYS_ptrace, 0, 0, 0, 0 } },
#endif
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int status = status_of(rows[i].call);

		unit_row(rows[i].name);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
}

static void lets_needed_calls_pass(void)
{
	static const struct row rows[] = {
		{ "getpid", { SYS_getpid } },
		{ "unshare nothing", { SYS_unshare, 0 } },
		{ "unshare net, ipc, uts",
		  { SYS_unshare, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS } },
		{ "setns net", { SYS_setns, -1, CLONE_NEWNET } },
		{ "bind mount", { SYS_mount, 0, 0, 0, MS_BIND, 0 } },
		{ "detach", { SYS_umount2, 0, MNT_DETACH | UMOUNT_NOFOLLOW } },
		{ "socket for lo", { SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0 } },
		{ "openat2", { SYS_openat2, -1, 0, 0, 0 } },
		{ "clone3", { SYS_clone3, 0, 0 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int status = status_of(rows[i].call);

		unit_row(rows[i].name);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

static bool in_sandbox(bool (*check)(void))
{
	struct error e;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(sandbox_enter(&e) < 0 ? 99 : !check());
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

static bool clone3_is_missing(void)
{
	return syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS;
}

static bool fork_works(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7;
}

/* The value of this field of /proc/self/status; "" if it is absent. */
static const char *status_line(const char *name)
{
	static char text[8192];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	const char *at;

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, name);
	return at ? at + strlen(name) : "";
}

static bool is_confined(void)
{
	return status_line("\nSeccomp:\t")[0] == '2' && status_line("\nNoNewPrivs:\t")[0] == '1';
}

/*
 * What is left of the capabilities, as the kernel shows it; everything that nothing of
 * ours needs is out.
 */
static bool lacks_capabilities(void)
{
	static const unsigned dropped[] = { CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT,
					    CAP_SYS_TIME,   CAP_MKNOD,     CAP_NET_RAW,
					    CAP_SYS_CHROOT, CAP_KILL,      CAP_SETPCAP,
					    CAP_MAC_ADMIN };
	static const char *const lines[] = { "CapPrm:\t", "CapEff:\t" };
	unsigned long long caps;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		caps = strtoull(status_line(lines[i]), NULL, 16);
		for (size_t j = 0; j < sizeof(dropped) / sizeof(*dropped); j++)
			if (caps >> dropped[j] & 1)
				return false;
	}
	return true;
}

static void confines(void)
{
	CHECK(in_sandbox(is_confined));
	CHECK(in_sandbox(clone3_is_missing));
	CHECK(in_sandbox(fork_works));
}

static void drops_capabilities(void)
{
	CHECK(in_sandbox(lacks_capabilities));
}

int main(void)
{
	RUN(kills_forbidden_calls);
	RUN(lets_needed_calls_pass);
	RUN(confines);
	RUN(drops_capabilities);
	return unit_done();
}
