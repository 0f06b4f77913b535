/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/etc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"

#define LABEL "security.selinux"

struct hosts_name {
	char text[sizeof("hosts@") + HEX64_DIGITS];
	char temporary[sizeof(".hosts@.new") + HEX64_DIGITS];
};

static struct hosts_name hosts_name(const char *key)
{
	struct hex64 hash = hex64(hash_bytes(HASH_START, key, strlen(key)));
	struct hosts_name name = { 0 };

	concat_in(name.text, sizeof(name.text), "hosts@", hash.text, NULL);
	concat_in(name.temporary, sizeof(name.temporary), ".", name.text, ".new", NULL);
	return name;
}

static const char *path_of(struct pod *p, const char *name, struct error *e)
{
	const char *path = arena_concat(&p->rec.arena, p->path, "/", name, NULL);

	if (!path)
		error_nomem(e);
	return path;
}

const char *pod_resolv_conf_path(struct pod *p, struct error *e)
{
	return path_of(p, RESOLV_CONF, e);
}

const char *pod_hosts_path(struct pod *p, const char *key, struct error *e)
{
	struct hosts_name name = hosts_name(key);

	return path_of(p, name.text, e);
}

/* Whether this was necessary, and allowed, is the security module's to say when the container starts. */
static void set_label(int fd, const char *what, const char *label)
{
	struct error e;

	if (!label || fsetxattr(fd, LABEL, label, strlen(label), 0) == 0 || errno == ENOTSUP)
		return;
	error_set(&e, errno, "give %s the label of linux.mountLabel", what);
	log_error(LOG_LEVEL_WARN, &e);
}

static int write_file(int fd, const struct pod_hosts *hosts, const struct buf *text,
		      const char *label)
{
	struct stat st;

	if (write_all(fd, text->data, text->len) < 0 || fstat(fd, &st) < 0)
		return -1;
	/* Not if it is right already: our user namespace may have no mapping for other owners. */
	if ((st.st_uid != hosts->uid || st.st_gid != hosts->gid) &&
	    fchown(fd, hosts->uid, hosts->gid) < 0)
		return -1;
	set_label(fd, "a container's /etc/hosts", label);
	return fchmod(fd, hosts->mode);
}

int pod_compose_hosts(const struct pod *p, const struct pod_hosts *hosts, struct buf *text)
{
	struct etc_hosts in = hosts->text;

	in.addresses = p->rec.addresses;
	in.address_count = p->rec.address_count;
	in.entries = p->rec.hosts;
	in.entry_count = p->rec.host_count;
	return plan_hosts(&in, text);
}

int pod_write_hosts(struct pod *p, const struct pod_hosts *hosts, const char *label,
		    struct error *e)
{
	struct hosts_name name = hosts_name(hosts->key);
	cleanup_buf struct buf text = { 0 };
	cleanup_close int fd = -1;

	if (pod_compose_hosts(p, hosts, &text) < 0)
		return error_nomem(e);
	/* O_TRUNC: a killed run may have left one. */
	fd = openat(p->fd, name.temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd >= 0 && write_file(fd, hosts, &text, label) == 0 &&
	    renameat(p->fd, name.temporary, p->fd, name.text) == 0)
		return 0;
	error_set(e, errno, "write %s/%s", p->path, name.text);
	unlinkat(p->fd, name.temporary, 0);
	return -1;
}

void pod_label_resolv_conf(struct pod *p, const char *label)
{
	cleanup_close int fd = -1;

	if (!label)
		return;
	fd = openat(p->fd, RESOLV_CONF, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		set_label(fd, "the pod's " RESOLV_CONF, label);
}

int pod_remove_hosts(struct pod *p, const char *key, struct error *e)
{
	struct hosts_name name = hosts_name(key);

	if ((unlinkat(p->fd, name.temporary, 0) < 0 && errno != ENOENT) ||
	    (unlinkat(p->fd, name.text, 0) < 0 && errno != ENOENT))
		return error_set(e, errno, "remove %s/%s", p->path, name.text);
	return 0;
}

int pod_remove_all_hosts(struct pod *p, struct error *e)
{
	struct record *rec = &p->rec;
	struct error next;
	bool failed = false;

	for (size_t i = rec->hosts_key_count; i-- > 0;) {
		if (pod_remove_hosts(p, rec->hosts_keys[i], &next) < 0)
			log_all_but_first(&failed, e, &next);
		else
			record_drop_hosts_key(rec, i);
	}
	return failed ? -1 : 0;
}

void pod_forget_hosts(struct pod *p)
{
	struct record *rec = &p->rec;
	struct error e;
	struct stat st;

	for (size_t i = rec->hosts_key_count; i-- > 0;) {
		const char *key = rec->hosts_keys[i];

		if (stat(key, &st) == 0 || errno != ENOENT)
			continue;
		if (pod_remove_hosts(p, key, &e) < 0)
			log_error(LOG_LEVEL_WARN, &e);
		else
			record_drop_hosts_key(rec, i);
	}
}
