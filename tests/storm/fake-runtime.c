/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runtime that only tells how it was started. It writes all that it inherited by fork(2) and
 * execve(2) to the file that is called like its own, with ".seen" appended, since arguments and
 * environment are among what is compared. The last argument may ask for more: "exit=N" to exit with
 * status N, "signal=N" to be killed by that signal, "pid" to print its pid.
 *
 *   fake-runtime execute PROGRAM ARGV0 ARGUMENT...
 *   fake-runtime confine PROGRAM ARGV0 ARGUMENT...
 *
 * executes PROGRAM; the second under a seccomp filter that allows everything, with a parent-death
 * signal, a personality and a timer slack of its own.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of /proc/self/status: what execve(2) keeps, and nothing that differs from run to run. */
static const char *const status_lines[] = {
	"Name:",         "Umask:",   "PPid:",
	"Uid:",          "Gid:",     "Groups:",
	"NSsid:",        "NSpgid:",  "SigPnd:",
	"ShdPnd:",       "SigBlk:",  "SigIgn:",
	"SigCgt:",       "CapInh:",  "CapPrm:",
	"CapEff:",       "CapBnd:",  "CapAmb:",
	"NoNewPrivs:",   "Seccomp:", "Seccomp_filters:",
	"Cpus_allowed:", "Threads:",
};

static void tell_status(FILE *out)
{
	FILE *in = fopen("/proc/self/status", "re");
	char line[4096];

	while (in && fgets(line, sizeof(line), in))
		for (size_t i = 0; i < sizeof(status_lines) / sizeof(*status_lines); i++)
			if (!strncmp(line, status_lines[i], strlen(status_lines[i])))
				fputs(line, out);
	if (in)
		fclose(in);
}

/* Bytes that do not print are written as \xHH, a NUL as a new line. */
static void tell_file(FILE *out, const char *path)
{
	FILE *in = fopen(path, "re");
	int c;

	fprintf(out, "--- %s%s\n", path, in ? "" : ": cannot be read");
	while (in && (c = getc(in)) != EOF) {
		if (c == '\0')
			fputc('\n', out);
		else if (c != '\n' && (c < ' ' || c > '~'))
			fprintf(out, "\\x%02x", (unsigned)c);
		else
			fputc(c, out);
	}
	if (in)
		fclose(in);
}

static void tell_link(FILE *out, const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

	fprintf(out, "%s -> %.*s\n", path, n < 0 ? 0 : (int)n, target);
}

static void tell_descriptors(FILE *out)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[64];
		int fd = atoi(entry->d_name);

		if (*entry->d_name == '.' || fd == dirfd(dir))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		tell_link(out, path);
		fprintf(out, "  flags %o, descriptor flags %o, offset %lld\n",
			(unsigned)fcntl(fd, F_GETFL), (unsigned)fcntl(fd, F_GETFD),
			(long long)lseek(fd, 0, SEEK_CUR));
	}
	if (dir)
		closedir(dir);
}

static void tell_process(FILE *out)
{
	int death = 0, subreaper = 0;
	struct rlimit limit;

	prctl(PR_GET_PDEATHSIG, &death);
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	fprintf(out, "process group %d, session %d, death signal %d, subreaper %d\n", getpgrp(),
		getsid(0), death, subreaper);
	fprintf(out,
		"personality %x, timer slack %d, dumpable %d, securebits %x, nice %d, policy %d\n",
		(unsigned)personality(0xffffffff), prctl(PR_GET_TIMERSLACK), prctl(PR_GET_DUMPABLE),
		(unsigned)prctl(PR_GET_SECUREBITS), getpriority(PRIO_PROCESS, 0),
		sched_getscheduler(0));
	for (int i = 0; i < (int)RLIM_NLIMITS; i++)
		if (getrlimit((__rlimit_resource_t)i, &limit) == 0)
			fprintf(out, "limit %d: %lld %lld\n", i, (long long)limit.rlim_cur,
				(long long)limit.rlim_max);
	fprintf(out, "executed as %s, secure %lu\n", (const char *)getauxval(AT_EXECFN),
		getauxval(AT_SECURE));
}

static int tell_all(void)
{
	static const char suffix[] = ".seen";
	char path[PATH_MAX + sizeof(suffix)], *text = NULL;
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	size_t len = 0;
	/* In memory first, so that the file is none of the descriptors. */
	FILE *out = open_memstream(&text, &len), *file;

	if (n < 0 || !out)
		return -1;
	memcpy(path + n, suffix, sizeof(suffix));
	tell_descriptors(out);
	tell_status(out);
	tell_process(out);
	tell_file(out, "/proc/self/cmdline");
	tell_file(out, "/proc/self/environ");
	tell_file(out, "/proc/self/comm");
	tell_file(out, "/proc/self/oom_score_adj");
	tell_file(out, "/proc/self/cgroup");
	tell_link(out, "/proc/self/cwd");
	tell_link(out, "/proc/self/root");
	tell_link(out, "/proc/self/exe");
	fclose(out);
	file = fopen(path, "we");
	if (!file || fwrite(text, 1, len, file) != len || fclose(file) != 0)
		return -1;
	free(text);
	return 0;
}

static int confine(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	if (prctl(PR_SET_TIMERSLACK, 123456) < 0 || prctl(PR_SET_PDEATHSIG, SIGUSR2) < 0 ||
	    personality(ADDR_NO_RANDOMIZE) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int obey(const char *last)
{
	if (!strncmp(last, "signal=", 7)) {
		signal(atoi(last + 7), SIG_DFL);
		raise(atoi(last + 7));
	}
	if (!strcmp(last, "pid"))
		printf("%d\n", getpid());
	return strncmp(last, "exit=", 5) ? 0 : atoi(last + 5);
}

int main(int argc, char *argv[])
{
	if (argc > 3 && (!strcmp(argv[1], "execute") || !strcmp(argv[1], "confine"))) {
		if (*argv[1] == 'e' || confine() == 0)
			execv(argv[2], argv + 3);
		perror("fake-runtime");
		return 99;
	}
	if (tell_all() < 0)
		return 97;
	return obey(argc ? argv[argc - 1] : "");
}
