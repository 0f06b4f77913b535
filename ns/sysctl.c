/* SPDX-License-Identifier: Apache-2.0 */
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
 * What lives in a namespace; the first pattern that matches counts. One that ends in '/' or '_'
 * takes everything that begins so. The ipc keys are ipc_sysctls[] of ipc/ipc_sysctl.c and
 * mq_sysctls[] of ipc/mq_sysctl.c.
 *
 * Not every file that a new network namespace shows below /proc/sys/net has a value of its own
 * there, and writing one that has none changes the host: net.netfilter.nf_hooks_lwtunnel in
 * Linux 6.18, and in older kernels the first five here, which can only be read there since 2021
 * (CVE-2021-38209). So a config may name only the families whose tables the kernel keeps per
 * namespace.
 */
static const struct {
	const char *pattern;
	enum ns_type type;
	enum { ANYBODY, ROOT, ROOT_GLOBAL } from; /* ROOT: --sysctl. GLOBAL: one value for all */
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

/* sysctl(8): the first separator that appears is the one in use, the other one is turned round. */
static void turn_separators(char *path)
{
	char *p = path;

	while (*p && *p != '.' && *p != '/')
		p++;
	if (*p != '.')
		return;
	for (; *p; p++) {
		if (*p == '.')
			*p = '/';
		else if (*p == '/')
			*p = '.';
	}
}

static int check_components(const char *key, const char *path, struct error *e)
{
	size_t n;

	for (const char *p = path;; p += n + 1) {
		for (n = 0; p[n] && p[n] != '/'; n++)
			;
		if (!n || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return error_set(
				e, 0, "sysctl %s: empty, '.' and '..' components are refused", key);
		if (!p[n])
			return 0;
	}
}

static bool matches(const char *path, const char *pattern)
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
	error_set(e, 0,
		  "sysctl %s: does not live in a namespace of a pod, it would change the "
		  "host",
		  s->key);
	return error_hint(e, "%s", s->trusted ? hint_option : hint_config);
}

static int find_type(struct sysctl *s, struct error *e)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!matches(s->path, known[i].pattern))
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
	turn_separators(path);
	*s = (struct sysctl){ .path = path, .key = key, .value = value, .trusted = trusted };
	if (check_components(key, path, e) < 0 || find_type(s, e) < 0)
		return -1;
	if (!strcmp(path, DOMAINNAME) && strlen(value) > 64)
		return error_set(e, 0, "sysctl %s: longer than 64 bytes", key);
	return 0;
}

int sysctl_check_pair(const char *pair, bool trusted, struct arena *a, struct sysctl *s,
		      struct error *e)
{
	const char *eq = strchr(pair, '=');
	char *key;

	if (!eq || eq == pair)
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

/* The id of the mount that fd is on, from /proc/self/fdinfo: proc(5), since Linux 3.15. */
static bool mount_of(int fd, uint64_t *id)
{
	cleanup_buf struct buf text = { 0 };
	char path[64], *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (read_file_at(AT_FDCWD, path, 4096, &text) < 0)
		return false;
	line = strstr(text.data, "mnt_id:");
	if (!line)
		return false;
	line += strlen("mnt_id:");
	line += strspn(line, "\t ");
	line[strcspn(line, "\n")] = '\0';
	return parse_u64(line, UINT64_MAX, id);
}

/* The rules of openat2() below, for kernels before 5.6: a component at a time. */
static int open_by_components(int base, const char *path, int flags)
{
	cleanup_close int dir = fcntl(base, F_DUPFD_CLOEXEC, 3);
	uint64_t mount, base_mount;
	char name[256];
	size_t n;
	int next;

	if (dir < 0 || !mount_of(base, &base_mount)) {
		errno = EXDEV;
		return -1;
	}
	for (;; path += n + 1) {
		n = strcspn(path, "/");
		if (n >= sizeof(name)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, n);
		name[n] = '\0';
		next = openat(dir, name,
			      O_NOFOLLOW | O_CLOEXEC | (path[n] ? O_PATH | O_DIRECTORY : flags));
		if (next < 0)
			return -1;
		close(dir);
		dir = next;
		/* /proc/sys/kernel bound over /proc/sys/net is on the same device. */
		if (!mount_of(dir, &mount) || mount != base_mount) {
			errno = EXDEV;
			return -1;
		}
		if (!path[n])
			return take_fd(&dir);
	}
}

static int open_beneath(int base, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, base, path, &how, sizeof(how));

	/* EPERM: seccomp filters of container managers older than the call answer that. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_by_components(base, path, flags);
	return fd;
}

static bool is_file(const struct sysctl *s)
{
	return strcmp(s->path, DOMAINNAME) != 0;
}

/* --- what to do where the kernel refuses ----------------------------------- */

#define IPC_OWNER                                                                                  \
	"this kernel may let the host's root alone write it: leave it out, or give the "           \
	"pod no user namespace of its own"

/* The first that matches the path and errno of a failed open(2) or write(2) counts. */
static const struct {
	const char *pattern;
	int num;
	const char *hint;
} remedies[] = {
	/* ipv4_ping_group_range(): an id without a mapping is EINVAL, a wrong order is not. */
	{ "net/ipv4/ping_group_range", EINVAL,
	  "it takes two group ids, the lower one first, that the pod's user namespace maps" },
	/* tcp_set_default_congestion_control() loads a module for the host's namespace alone. */
	{ "net/ipv4/tcp_congestion_control", ENOENT,
	  "load the module of that algorithm on the host (tcp_NAME)" },
	{ "net/ipv4/tcp_congestion_control", EPERM,
	  "name the algorithm in the host's net.ipv4.tcp_allowed_congestion_control, too" },
	{ "net/", EACCES,
	  "it cannot be written in a pod's network namespace: if it can on the host, set it there, "
	  "for all" },
	{ "net/", ENOENT,
	  "a pod's network namespace does not have it: if the host has it, set it there, for all; "
	  "if not, a kernel module may have to be loaded on the host" },
	/* In older kernels these belong to the host's root, whoever owns the namespace. */
	{ "kernel/", EACCES, IPC_OWNER },
	{ "fs/mqueue/", EACCES, IPC_OWNER },
	{ "kernel/", ENOENT, "this kernel was built without it" },
};

/* Where the path leads to an interface that may be yet to come: its name, with *len bytes. */
static const char *interface_in(const char *path, size_t *len)
{
	static const char *const dirs[] = {
		"net/ipv4/conf/",
		"net/ipv6/conf/",
		"net/ipv4/neigh/",
		"net/ipv6/neigh/",
	};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		if (!matches(path, dirs[i]))
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
				  "does the pod have an interface %.*s by now? What comes later "
				  "gets the values of 'default' in that place",
				  (int)len, interface);
	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if (remedies[i].num == e->num && matches(s->path, remedies[i].pattern))
			return error_hint(e, "%s", remedies[i].hint);
	return -1;
}

/* --- setting ------------------------------------------------------------------ */

static int open_file(int base, const struct sysctl *s, int flags, struct error *e)
{
	int fd = open_beneath(base, s->path, flags);

	if (fd >= 0)
		return fd;
	error_set(e, errno, "sysctl %s: open /proc/sys/%s", s->key, s->path);
	return add_hint(s, e);
}

/* To write, and to read too where that is allowed: net.ipv4.route.flush has nothing to read. */
static int open_both(int base, const struct sysctl *s, bool *readable, struct error *e)
{
	int fd = open_beneath(base, s->path, O_RDWR);

	*readable = fd >= 0;
	return fd < 0 ? open_file(base, s, O_WRONLY, e) : fd;
}

/* proc_dostring() and its like give the whole value at offset 0, and nothing at any other. */
static void read_old(int fd, struct buf *old)
{
	ssize_t n = 0;

	for (size_t room = 128; room <= VALUE_MAX + 1; room *= 2) {
		if (buf_reserve(old, room) < 0)
			return;
		n = pread(fd, old->data, room, 0);
		if (n < (ssize_t)room)
			break;
	}
	old->len = n > 0 && n <= VALUE_MAX ? (size_t)n : 0;
	if (old->data)
		old->data[old->len] = '\0';
}

/* The same words? The kernel puts tabs between numbers, and a newline after them. */
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

static int write_value(int fd, const struct sysctl *s, const char *value, size_t len,
		       struct error *e)
{
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

/* old->len is 0 where nothing was changed, or cannot be put back. */
static int set_file(int base, const struct sysctl *s, bool keep, struct buf *old, struct error *e)
{
	bool readable = false;
	cleanup_close int fd = keep ? open_both(base, s, &readable, e)
				    : open_file(base, s, O_WRONLY, e);

	if (fd < 0)
		return -1;
	if (readable)
		read_old(fd, old);
	if (old->len && s->was_set && same_value(old->data, s->value)) {
		old->len = 0;
		return 0;
	}
	return write_value(fd, s, s->value, strlen(s->value), e);
}

static int set_domainname(const struct sysctl *s, const char *value, struct error *e)
{
	if (setdomainname(value, strlen(value)) == 0)
		return 0;
	return error_set(e, errno, "sysctl %s: set it to '%s'", s->key, value);
}

static int set_names(const struct sysctl *s, bool keep, struct buf *old, struct error *e)
{
	struct utsname now;

	/* As in any other sysctl a write of nothing changes nothing; setdomainname(2) would. */
	if (!*s->value)
		return 0;
	if (keep && (uname(&now) < 0 || buf_adds(old, now.domainname) < 0))
		return error_set(e, errno, "sysctl %s: read its value", s->key);
	return set_domainname(s, s->value, e);
}

static void restore(int base, const struct sysctl *s, const struct buf *old)
{
	cleanup_close int fd = -1;
	struct error ignored;

	if (!old->data)
		return;
	if (!is_file(s)) {
		set_domainname(s, old->data, &ignored);
		return;
	}
	if (!old->len)
		return;
	fd = open_file(base, s, O_WRONLY, &ignored);
	if (fd >= 0)
		write_value(fd, s, old->data, old->len, &ignored);
}

static int set_all(int base, const struct sysctl_list *list, struct buf *old, struct error *e)
{
	size_t i;
	int r = 0;

	for (i = 0; i < list->count && r == 0; i++) {
		const struct sysctl *s = &list->list[i];

		if (!(list->types & NS_BIT(s->type)))
			continue;
		r = is_file(s) ? set_file(base, s, !list->is_new, &old[i], e)
			       : set_names(s, !list->is_new, &old[i], e);
	}
	while (r < 0 && i-- > 0)
		restore(base, &list->list[i], &old[i]);
	return r;
}

int sysctl_set(const struct sysctl_list *list, struct error *e)
{
	cleanup_close int base = -1;
	struct buf *old;
	ns_set types = 0;
	int r;

	for (size_t i = 0; i < list->count; i++)
		types |= NS_BIT(list->list[i].type);
	if (!(types & list->types))
		return 0;
	base = open_proc_sys(e);
	if (base < 0)
		return -1;
	old = calloc(list->count, sizeof(*old));
	if (!old)
		return error_nomem(e);
	r = set_all(base, list, old, e);
	for (size_t i = 0; i < list->count; i++)
		buf_free(&old[i]);
	free(old);
	return r;
}
