/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three parts: a table of the keys that are accepted, with checks that touch nothing; remedies for
 * keys that the kernel refuses; and the code that sets values, and puts the old ones back if a later
 * one fails.
 */
#include "ns/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define KEY_MAX 1024
/* proc_sys_call_handler() in the kernel refuses a write of a page or more. */
#define VALUE_MAX 4095

#define DOMAINNAME "kernel/domainname"

/*
 * The sysctls of namespaces. The first matching pattern counts; one that ends in '/' or '_' is a
 * prefix. The ipc keys are ipc_sysctls[] of ipc/ipc_sysctl.c and mq_sysctls[] of ipc/mq_sysctl.c.
 *
 * Some files below /proc/sys/net appear in a new network namespace although there is only one value,
 * so that a write changes the host: net.netfilter.nf_hooks_lwtunnel in Linux 6.18, and the first five
 * here in kernels before 2021, since when they are read-only there (CVE-2021-38209). So a config may
 * only name families whose tables the kernel keeps per namespace.
 */
static const struct {
	const char *pattern;
	enum ns_type type;
	enum {
		ANYBODY,
		ROOT,
		ROOT_GLOBAL
	} from; /* ROOT: only --sysctl. GLOBAL: one value for all */
} known[] = {
	{ "net/netfilter/nf_conntrack_max", NS_NET, ROOT_GLOBAL },
	{ "net/netfilter/nf_conntrack_buckets", NS_NET, ROOT_GLOBAL },
	{ "net/netfilter/nf_conntrack_expect_max", NS_NET, ROOT_GLOBAL },
	{ "net/ipv4/tcp_allowed_congestion_control", NS_NET, ROOT_GLOBAL },
	{ "net/ipv4/vs/debug_level", NS_NET, ROOT_GLOBAL },
	{ "net/core/", NS_NET, ANYBODY },
	{ "net/ipv4/", NS_NET, ANYBODY },
	{ "net/ipv6/", NS_NET, ANYBODY },
	{ "net/unix/", NS_NET, ANYBODY },
	{ "net/mptcp/", NS_NET, ANYBODY },
	{ "net/sctp/", NS_NET, ANYBODY },
	{ "net/netfilter/nf_conntrack_", NS_NET, ANYBODY },
	{ "net/", NS_NET, ROOT },
	{ "kernel/msgmax", NS_IPC, ANYBODY },
	{ "kernel/msgmnb", NS_IPC, ANYBODY },
	{ "kernel/msgmni", NS_IPC, ANYBODY },
	{ "kernel/msg_next_id", NS_IPC, ANYBODY },
	{ "kernel/sem", NS_IPC, ANYBODY },
	{ "kernel/sem_next_id", NS_IPC, ANYBODY },
	{ "kernel/shmall", NS_IPC, ANYBODY },
	{ "kernel/shmmax", NS_IPC, ANYBODY },
	{ "kernel/shmmni", NS_IPC, ANYBODY },
	{ "kernel/shm_next_id", NS_IPC, ANYBODY },
	{ "kernel/shm_rmid_forced", NS_IPC, ANYBODY },
	{ "fs/mqueue/", NS_IPC, ANYBODY },
	{ DOMAINNAME, NS_UTS, ANYBODY },
	{ "user/", NS_USER, ROOT },
};

#define IPC_AND_UTS                                                                                \
	"kernel.{msgmax,msgmnb,msgmni,msg_next_id,sem,sem_next_id,shmall,shmmax,"                  \
	"shmmni,shm_next_id,shm_rmid_forced}, fs.mqueue.* and kernel.domainname"

static const char hint_config[] = "accepted are net.{core,ipv4,ipv6,unix,mptcp,sctp}.*, "
				  "net.netfilter.nf_conntrack_*, " IPC_AND_UTS;
static const char hint_option[] = "--sysctl takes net.*, user.*, " IPC_AND_UTS;

static int check_text(const char *key, const char *value, struct error *e)
{
	if (strlen(key) > KEY_MAX)
		return error_set(e, 0, "sysctl key %.64s...: longer than %d bytes", key, KEY_MAX);
	for (const unsigned char *p = (const unsigned char *)key; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return error_set(e, 0,
					 "sysctl key '%s': only printable ASCII without spaces "
					 "is accepted",
					 key);
	if (strlen(value) > VALUE_MAX)
		return error_set(e, 0, "sysctl %s: the value is longer than %d bytes", key,
				 VALUE_MAX);
	return 0;
}

/* sysctl(8): if the first separator in the key is '.', then '.' and '/' are exchanged. */
static void exchange_separators(char *path)
{
	if (path[strcspn(path, "./")] != '.')
		return;
	for (char *p = path; *p; p++)
		if (*p == '.' || *p == '/')
			*p = *p == '.' ? '/' : '.';
}

static int check_components(const char *key, const char *path, struct error *e)
{
	size_t n;

	for (const char *p = path;; p += n + 1) {
		n = strcspn(p, "/");
		if (n <= 2 && strspn(p, ".") == n)
			return error_set(
				e, 0, "sysctl %s: empty, '.' and '..' components are refused", key);
		if (!p[n])
			return 0;
	}
}

static bool matches_pattern(const char *path, const char *pattern)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '/' || pattern[n - 1] == '_')
		return !strncmp(path, pattern, n);
	return !strcmp(path, pattern);
}

static int refuse_in_config(const struct sysctl *s, bool global, struct error *e)
{
	if (global) {
		error_set(e, 0,
			  "sysctl %s: is accepted neither from a config nor by pinns, since it "
			  "would change the host",
			  s->key);
		return error_hint(e, "the kernel has one value of it for all namespaces: set it on "
				     "the host");
	}
	error_set(e, 0,
		  "sysctl %s: is accepted neither from a config nor by pinns, but from the "
		  "--sysctl of oci-podns-hook and podns alone",
		  s->key);
	return error_hint(e, "%s", hint_config);
}

static int refuse_always(const struct sysctl *s, struct error *e)
{
	if (!strcmp(s->path, "kernel/hostname")) {
		error_set(e, 0, "sysctl %s: a hostname is not set by a sysctl", s->key);
		return error_hint(e, "the config's hostname, the annotation io.podns.hostname and "
				     "`podns create --hostname` do that");
	}
	error_set(e, 0, "sysctl %s: is not per namespace; setting it would change the host",
		  s->key);
	return error_hint(e, "%s", s->trusted ? hint_option : hint_config);
}

static int find_type(struct sysctl *s, struct error *e)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!matches_pattern(s->path, known[i].pattern))
			continue;
		if (known[i].from != ANYBODY && !s->trusted)
			return refuse_in_config(s, known[i].from == ROOT_GLOBAL, e);
		s->type = known[i].type;
		return 0;
	}
	return refuse_always(s, e);
}

int sysctl_check(const char *key, const char *value, bool trusted, struct arena *a,
		 struct sysctl *s, struct error *e)
{
	char *path;

	if (check_text(key, value, e) < 0)
		return -1;
	path = arena_strndup(a, key, strlen(key));
	if (!path)
		return error_nomem(e);
	exchange_separators(path);
	*s = (struct sysctl){ .path = path, .key = key, .value = value, .trusted = trusted };
	if (check_components(key, path, e) < 0 || find_type(s, e) < 0)
		return -1;
	if (!strcmp(path, DOMAINNAME) && strlen(value) > 64)
		return error_set(e, 0, "sysctl %s: longer than 64 bytes", key);
	return 0;
}

bool sysctl_is_pair(const char *pair)
{
	return *pair != '=' && strchr(pair, '=');
}

int sysctl_check_pair(const char *pair, bool trusted, struct arena *a, struct sysctl *s,
		      struct error *e)
{
	const char *eq = strchr(pair, '=');
	char *key;

	if (!sysctl_is_pair(pair))
		return error_set(e, 0, "sysctl '%.200s': expected KEY=VALUE", pair);
	key = arena_strndup(a, pair, (size_t)(eq - pair));
	if (!key)
		return error_nomem(e);
	return sysctl_check(key, eq + 1, trusted, a, s, e);
}

static int open_proc_sys(struct error *e)
{
	cleanup_close int fd = open("/proc/sys", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return error_set(e, errno, "open /proc/sys");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return error_set(e, 0, "/proc/sys is not procfs");
	return take_fd(&fd);
}

/* The id of the mount that fd is on, from /proc/self/fdinfo (proc(5), since Linux 3.15); -1 if unknown. */
static int mount_of(int fd)
{
	cleanup_buf struct buf text = { 0 };
	char path[64], *line = NULL;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (read_file_at(AT_FDCWD, path, 4096, &text) == 0)
		line = strstr(text.data, "mnt_id:");
	return line ? atoi(line + strlen("mnt_id:")) : -1;
}

/* For kernels before 5.6: what openat2(2) does in open_beneath(), one component at a time. */
static int open_by_components(int base, const char *path, int flags)
{
	cleanup_close int dir = fcntl(base, F_DUPFD_CLOEXEC, 3);
	const int mount = mount_of(base);
	size_t n;
	int next;

	for (; dir >= 0; path += n + 1) {
		cleanup_free char *name = strndup(path, n = strcspn(path, "/"));

		if (!name)
			return -1;
		next = openat(dir, name,
			      O_NOFOLLOW | O_CLOEXEC | (path[n] ? O_PATH | O_DIRECTORY : flags));
		if (next < 0)
			return -1;
		close(dir);
		dir = next;
		/* The device does not tell: /proc/sys/kernel bound over /proc/sys/net has the same. */
		if (mount < 0 || mount_of(dir) != mount) {
			errno = EXDEV;
			return -1;
		}
		if (!path[n])
			return take_fd(&dir);
	}
	return -1;
}

static int open_beneath(int base, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, base, path, &how, sizeof(how));

	/* EPERM is the answer of container managers' seccomp filters that are older than the call. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_by_components(base, path, flags);
	return fd;
}

static bool is_file(const struct sysctl *s)
{
	return strcmp(s->path, DOMAINNAME) != 0;
}

/* --- remedies if the kernel refuses ----------------------------------------- */

#define IPC_OWNER                                                                                  \
	"this kernel may let the host's root alone write it: leave it out, or give the "           \
	"pod no user namespace of its own"

/* The first row that matches the path and the errno of open(2) or write(2) counts. */
static const struct {
	const char *pattern;
	int num;
	const char *hint;
} remedies[] = {
	/* ipv4_ping_group_range(): EINVAL says that an id has no mapping. */
	{ "net/ipv4/ping_group_range", EINVAL,
	  "it takes two group ids, the lower one first, that the pod's user namespace maps" },
	/* tcp_set_default_congestion_control() loads modules only for the host's namespace. */
	{ "net/ipv4/tcp_congestion_control", ENOENT,
	  "load the module of that algorithm on the host (tcp_NAME)" },
	{ "net/ipv4/tcp_congestion_control", EPERM,
	  "name the algorithm in the host's net.ipv4.tcp_allowed_congestion_control, too" },
	{ "net/", EACCES,
	  "it cannot be written in a pod's network namespace: set it on the host if it is writable "
	  "there; it then applies to all pods" },
	{ "net/", ENOENT,
	  "a pod's network namespace does not have it: set it on the host if the host has it; it "
	  "then applies to all pods; otherwise a kernel module may have to be loaded on the host" },
	/* In older kernels the host's root owns these files, whatever owns the namespace. */
	{ "kernel/", EACCES, IPC_OWNER },
	{ "fs/mqueue/", EACCES, IPC_OWNER },
	{ "kernel/", ENOENT, "this kernel was built without it" },
};

/* The name, *len bytes long, of the interface in the path; NULL if there is none. */
static const char *interface_in(const char *path, size_t *len)
{
	static const char *const dirs[] = {
		"net/ipv4/conf/",
		"net/ipv6/conf/",
		"net/ipv4/neigh/",
		"net/ipv6/neigh/",
	};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		if (!matches_pattern(path, dirs[i]))
			continue;
		path += strlen(dirs[i]);
		*len = strcspn(path, "/");
		return strncmp(path, "all/", 4) && strncmp(path, "default/", 8) ? path : NULL;
	}
	return NULL;
}

static int add_hint(const struct sysctl *s, struct error *e)
{
	size_t len;
	const char *interface = e->num == ENOENT ? interface_in(s->path, &len) : NULL;

	if (interface)
		return error_hint(e,
				  "the pod may not have an interface %.*s yet: one that is added "
				  "later starts with the values of 'default'",
				  (int)len, interface);
	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if (remedies[i].num == e->num && matches_pattern(s->path, remedies[i].pattern))
			return error_hint(e, "%s", remedies[i].hint);
	if (e->num == EINVAL)
		return error_hint(e, "the kernel does not accept this value");
	return -1;
}

/* --- setting ------------------------------------------------------------------ */

static int open_to_write(int base, const struct sysctl *s, struct error *e)
{
	int fd = open_beneath(base, s->path, O_WRONLY);

	if (fd >= 0)
		return fd;
	error_set(e, errno, "sysctl %s: open /proc/sys/%s", s->key, s->path);
	return add_hint(s, e);
}

/* proc_dostring() and its like return the whole value at offset 0, and nothing at any other. */
static const char *read_old_value(int fd, struct arena *a)
{
	char text[VALUE_MAX + 1];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	return n > 0 && n <= VALUE_MAX ? arena_strndup(a, text, (size_t)n) : NULL;
}

/* Are the words the same? The kernel separates numbers by tabs and appends a newline. */
static bool same_value(const char *a, const char *b)
{
	static const char space[] = " \t\n";
	size_t n;

	for (;; a += n, b += n) {
		a += strspn(a, space);
		b += strspn(b, space);
		n = strcspn(a, space);
		if (n != strcspn(b, space) || memcmp(a, b, n) != 0)
			return false;
		if (!n)
			return true;
	}
}

static int write_value(int fd, const struct sysctl *s, const char *value, struct error *e)
{
	size_t len = strlen(value);
	ssize_t n;

	do
		n = write(fd, value, len);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		error_set(e, errno, "sysctl %s: write '%s'", s->key, value);
		return add_hint(s, e);
	}
	if ((size_t)n != len)
		return error_set(e, 0, "sysctl %s: the kernel took only a part of '%s'", s->key,
				 value);
	return 0;
}

/* *old gets the previous value, unless keep is NULL, nothing was changed, or it cannot be read. */
static int set_file(int base, const struct sysctl *s, struct arena *keep, const char **old,
		    struct error *e)
{
	cleanup_close int fd = keep ? open_beneath(base, s->path, O_RDWR) : -1;

	if (fd >= 0)
		*old = read_old_value(fd, keep);
	else /* some files, such as net.ipv4.route.flush, can only be written */
		fd = open_to_write(base, s, e);
	if (fd < 0)
		return -1;
	if (*old && s->was_set && same_value(*old, s->value)) {
		*old = NULL;
		return 0;
	}
	return write_value(fd, s, s->value, e);
}

static int set_domainname(const struct sysctl *s, const char *value, struct error *e)
{
	if (setdomainname(value, strlen(value)) == 0)
		return 0;
	return error_set(e, errno, "sysctl %s: set it to '%s'", s->key, value);
}

/* As set_file(). */
static int change_domainname(const struct sysctl *s, struct arena *keep, const char **old,
			     struct error *e)
{
	struct utsname now;

	/* An empty write to any other sysctl changes nothing; setdomainname(2) would. */
	if (!*s->value)
		return 0;
	if (keep && uname(&now) < 0)
		return error_set(e, errno, "sysctl %s: read its value", s->key);
	if (keep && !(*old = arena_strndup(keep, now.domainname, strlen(now.domainname))))
		return error_nomem(e);
	return set_domainname(s, s->value, e);
}

static void restore_value(int base, const struct sysctl *s, const char *old)
{
	cleanup_close int fd = -1;
	struct error ignored;

	if (!is_file(s)) {
		set_domainname(s, old, &ignored);
		return;
	}
	fd = open_to_write(base, s, &ignored);
	if (fd >= 0)
		write_value(fd, s, old, &ignored);
}

static int set_all(int base, const struct sysctl_list *list, struct error *e)
{
	cleanup_arena struct arena a = { 0 };
	struct arena *keep = list->is_new ? NULL : &a;
	const char **old = arena_alloc(&a, list->count * sizeof(*old));
	size_t i;
	int r = 0;

	if (!old)
		return error_nomem(e);
	for (i = 0; i < list->count && r == 0; i++) {
		const struct sysctl *s = &list->list[i];

		old[i] = NULL;
		if (list->types & NS_BIT(s->type))
			r = is_file(s) ? set_file(base, s, keep, &old[i], e)
				       : change_domainname(s, keep, &old[i], e);
	}
	while (r < 0 && i-- > 0)
		if (old[i])
			restore_value(base, &list->list[i], old[i]);
	return r;
}

int sysctl_set(const struct sysctl_list *list, struct error *e)
{
	cleanup_close int base = -1;
	ns_set types = 0;

	for (size_t i = 0; i < list->count; i++)
		types |= NS_BIT(list->list[i].type);
	if (!(types & list->types))
		return 0;
	base = open_proc_sys(e);
	return base < 0 ? -1 : set_all(base, list, e);
}
