/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allow-list. Any other system call kills the process: execve, connect, bind, ptrace, bpf,
 * open_by_handle_at, process_vm_readv, kill, keyctl, io_uring and all future ones. PODNS_MUSL says
 * that the programs use musl; this file itself may be compiled with another C library.
 *
 * Arguments are compared if the call could do more than we need. Namespace flags are compared so that
 * no call can pass CLONE_NEWPID. The arguments of a bind mount do not show what it pins: ns_bind()
 * checks that.
 */
#include "sandbox/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* clang-format off */
#define ARG(n, op, value) { n, SCMP_CMP_##op, (scmp_datum_t)(value), 0 }
#define ARG_MASKED(n, mask, value) \
	{ n, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), (scmp_datum_t)(value) }

#define ALLOW(call, reason) { SCMP_SYS(call), SCMP_ACT_ALLOW, reason, 0, { { 0 } } }
#define ALLOW_IF(call, reason, n, ...) \
	{ SCMP_SYS(call), SCMP_ACT_ALLOW, reason, n, { __VA_ARGS__ } }
#define ANSWER(call, error, reason) \
	{ SCMP_SYS(call), SCMP_ACT_ERRNO(error), reason, 0, { { 0 } } }

/* unshare(2) with any other flag, CLONE_NEWPID above all, is fatal. */
#define MAKEABLE \
	(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWTIME | \
	 CLONE_NEWNS)

#define SETNS(flag, reason) ALLOW_IF(setns, reason, 1, ARG(1, EQ, flag))
/* No file system type: a bind mount or a change of propagation. */
#define MOUNT(flags, reason) ALLOW_IF(mount, reason, 2, ARG(2, EQ, 0), ARG(3, EQ, flags))
#define UMOUNT(flags, reason) ALLOW_IF(umount2, reason, 1, ARG(1, EQ, flags))
#define IOCTL(request, reason) ALLOW_IF(ioctl, reason, 1, ARG_MASKED(1, 0xffffffff, request))
#define FCNTL(command, reason) ALLOW_IF(fcntl, reason, 1, ARG_MASKED(1, 0xffffffff, command))

const struct rule rules[] = {
	/* documents, records, logs */
	ALLOW(read, "standard input, config.json, records, /proc"),
	ALLOW(pread64, "what a sysctl holds before it is set"),
	ALLOW(write, "standard output, config.json, records, logs, sysctls, id maps"),
	ALLOW(writev, "stdio"),
	ALLOW(close, "all files"),
	ALLOW(openat, "all files; the trust in directories is checked by owner and mode"),
	ALLOW(openat2, "sysctls: beneath /proc/sys, without links and mounts"),
	ALLOW(fstat, "type, owner and identity of a file"),
	ALLOW(newfstatat, "the same, by name"),
	ALLOW(stat, "the same, in musl and older C libraries"),
	ALLOW(lstat, "the same"),
	ALLOW(statx, "whether <root>/netns is a mount point"),
	ALLOW(statfs, "whether a shm directory is on a tmpfs"),
	ALLOW(fstatfs, "whether a file is on nsfs, procfs, tmpfs"),
	ALLOW(lseek, "stdio and directory streams"),
	ALLOW(getdents64, "directories of records and pins"),
	ALLOW(mkdirat, "directories of records and pins"),
	ALLOW(unlinkat, "records, pins, temporary files"),
	ALLOW(renameat, "replaces config.json and records"),
	ALLOW(renameat2, "the same, on architectures without renameat"),
	ALLOW(symlinkat, "index of members and bundles"),
	ALLOW(readlinkat, "the same"),
	ALLOW(faccessat2, "realpath(3) of a path that ends in a slash"),
	ALLOW(faccessat, "the same, in older C libraries"),
	ALLOW(readlink, "the same, in musl and older C libraries"),
	ALLOW(getcwd, "makes a relative --root absolute"),
	ALLOW(ftruncate, "the log is bounded"),
	ALLOW(fsync, "a new config.json survives a power cut"),
	ALLOW(fchmod, "a new config.json has the mode of the old one"),
	ALLOW(fchown, "and its owner"),
	ALLOW(flistxattr, "and its extended attributes"),
	ALLOW(fgetxattr, "the same"),
	ALLOW(fsetxattr, "the same"),
	ALLOW(fremovexattr, "a new file gets no default ACL of the directory"),
	ALLOW(flock, "a pod's lock; ip-netns(8)'s lock"),
	ALLOW(setitimer, "bounds the wait for a lock"),
	ALLOW(dup, "directory streams"),
	ALLOW(inotify_init1, "podman 5 writes /etc/hosts after all hooks"),
	ALLOW(inotify_add_watch, "the same"),
	FCNTL(F_DUPFD_CLOEXEC, "the log keeps its directory open longer than the store"),
	FCNTL(F_GETFL, "fdopendir checks the descriptor's mode"),
	FCNTL(F_GETFD, "directory streams"),
	FCNTL(F_SETFD, "directory streams"),

	/* namespaces */
	ALLOW_IF(unshare, "makes namespaces; never a pid one", 1,
		 ARG_MASKED(0, ~(scmp_datum_t)MAKEABLE, 0)),
	SETNS(CLONE_NEWNET, "sysctls and processes of a pod"),
	SETNS(CLONE_NEWIPC, "the same"),
	SETNS(CLONE_NEWUTS, "the pod's hostname, and the way back"),
	SETNS(CLONE_NEWUSER, "a pod with a user namespace"),
	IOCTL(NS_GET_NSTYPE, "whether a file is a namespace, and of which type"),
	IOCTL(NS_GET_USERNS, "which user namespace owns it"),
	ALLOW(sethostname, "a new uts namespace never keeps the host's name"),
	ALLOW(setdomainname, "kernel.domainname"),
	ALLOW(uname, "the pod's hostname"),
	ALLOW_IF(socket, "raises lo, lists interfaces", 2, ARG_MASKED(0, 0xffffffff, AF_INET),
		 ARG_MASKED(1, 0xffffffff, SOCK_DGRAM | SOCK_CLOEXEC)),
	IOCTL(SIOCSIFFLAGS, "raises lo"),
	IOCTL(SIOCGIFFLAGS, "whether a pod has a network"),
	IOCTL(SIOCGIFHWADDR, "the same"),

	/* pins */
	MOUNT(MS_BIND, "pins a namespace"),
	MOUNT(MS_BIND | MS_REC, "makes <root>/netns a mount point as ip-netns(8) does"),
	MOUNT(MS_SHARED, "the same"),
	MOUNT(MS_UNBINDABLE, "pinns: the directory of mount namespaces"),
	MOUNT(MS_REC | MS_PRIVATE, "podns gc finds hidden pins in a mount namespace of its own"),
	/* The type is a pointer, so the filter cannot compare it: SECURITY.md discusses that. */
	ALLOW_IF(mount, "the pod's /dev/shm", 1, ARG(3, EQ, MS_NOSUID | MS_NODEV | MS_NOEXEC)),
	UMOUNT(MNT_DETACH | UMOUNT_NOFOLLOW, "removes pins and shm"),
	UMOUNT(MNT_DETACH, "removes the mount on <root>/netns if it cannot be shared"),

	/* processes */
	ALLOW(pidfd_open, "holds the container's process"),
	ALLOW(poll, "whether it lives"),
	ALLOW(ppoll, "the same, on architectures without poll"),
	ANSWER(clone3, ENOSYS, "the filter cannot read its flags; the C library falls back to clone"),
	ALLOW(wait4, "reaps a child"),
	ALLOW(pipe2, "the child's answer"),
	ALLOW_IF(setresuid, "root inside a pod's user namespace", 3, ARG_MASKED(0, 0xffffffff, 0),
		 ARG_MASKED(1, 0xffffffff, 0), ARG_MASKED(2, 0xffffffff, 0)),
	ALLOW_IF(setresgid, "the same", 3, ARG_MASKED(0, 0xffffffff, 0),
		 ARG_MASKED(1, 0xffffffff, 0), ARG_MASKED(2, 0xffffffff, 0)),
	ALLOW(getpid, "in log lines"),
	ALLOW(gettid, "the C library's fork"),
	ALLOW(geteuid, "whether directories belong to us"),
	ALLOW(getuid, "the same"),
	ALLOW(rt_sigaction, "the alarm that bounds a lock"),
	ALLOW(rt_sigprocmask, "the C library's fork"),
	ALLOW(rt_sigreturn, "returns from that alarm's handler"),
	ALLOW(restart_syscall, "continues a call after a stop signal"),
	ALLOW(exit, "the end"),
	ALLOW(exit_group, "the end"),

	/* the rest */
	ALLOW_IF(sendto, "the syslog socket, which is connected before", 1, ARG(4, EQ, 0)),
	ALLOW(getrandom, "claim tokens"),
	ALLOW(clock_gettime, "claims expire; not all platforms have the vDSO's"),
	ALLOW(gettimeofday, "the same"),
	ALLOW(time, "the same"),
	ALLOW(futex, "the C library's locks"),
	ALLOW(brk, "memory"),
	ALLOW_IF(mmap, "memory, never executable", 1, ARG_MASKED(2, PROT_EXEC, 0)),
	ALLOW_IF(mprotect, "the same", 1, ARG_MASKED(2, PROT_EXEC, 0)),
	ALLOW(munmap, "memory"),
	ALLOW(mremap, "memory"),
	ALLOW(madvise, "memory"),

#ifdef PODNS_MUSL
	/* calls of musl */
	ALLOW(open, "all files opened without a directory descriptor"),
	IOCTL(TIOCGWINSZ, "stdio asks whether it writes to a terminal"),
	ALLOW(fork, "a child makes user namespaces"),
	ALLOW_IF(clone, "the same, on architectures without fork", 1, ARG(0, EQ, SIGCHLD)),
	ALLOW(set_tid_address, "fork(3) of musl 1.2.5"),
#else
	/* calls of glibc */
	IOCTL(TCGETS, "stdio asks whether it writes to a terminal"),
	/* fork(3) passes exactly these flags. */
	ALLOW_IF(clone, "a child makes user namespaces", 1,
		 ARG(0, EQ, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)),
	ALLOW(set_robust_list, "fork(3)"),
	ALLOW(rseq, "fork(3)"),
	ALLOW(sysinfo, "qsort(3) asks how much memory there is"),
#endif

#ifdef PODNS_SANITIZERS
	/* Only in builds with --enable-sanitizers: their run-time library. */
	ALLOW(sigaltstack, "sanitizers"),
	ALLOW(sched_yield, "sanitizers"),
	ALLOW(sched_getaffinity, "sanitizers"),
	ALLOW(getrlimit, "sanitizers"),
	ALLOW(prlimit64, "sanitizers"),
	ALLOW(tgkill, "sanitizers"),
	ALLOW(open, "sanitizers"),
	ALLOW(prctl, "the leak sanitizer inspects the process from a clone of it"),
	ALLOW(ptrace, "the same"),
	ALLOW_IF(clone, "the same", 1, ARG(0, EQ, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED)),
	ALLOW(getppid, "the same"),
	ALLOW(getdents, "the same"),
#endif
#ifdef PODNS_COVERAGE
	ALLOW(fcntl, "gcov locks its files"),
	ALLOW(mkdir, "gcov makes their directories"),
	ALLOW(access, "the same"),
	ALLOW(getppid, "gcov"),
#endif
};
/* clang-format on */

const unsigned rule_count = sizeof(rules) / sizeof(*rules);
