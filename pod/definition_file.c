/* SPDX-License-Identifier: Apache-2.0 */
/* The files of definitions: podns.pod(5). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/trust.h"
#include "pod/definition.h"
#include "pod/unit_file.h"

struct key_row {
	const char *name;
	bool is_list; /* it may be set more than once, and have several values in a line */
};

/* The names are those of podman-systemd.unit(5), but for Namespaces and the rates, which are ours. */
static const struct key_row rows[DEFINITION_KEYS] = {
	[DEFINITION_ADD_HOST] = { "AddHost", true },
	[DEFINITION_DNS] = { "DNS", true },
	[DEFINITION_EGRESS_RATE] = { "EgressRate", false },
	[DEFINITION_GID_MAP] = { "GIDMap", true },
	[DEFINITION_HOST_NAME] = { "HostName", false },
	[DEFINITION_INGRESS_RATE] = { "IngressRate", false },
	[DEFINITION_NAMESPACES] = { "Namespaces", true },
	[DEFINITION_NETWORK] = { "Network", false },
	[DEFINITION_PUBLISH_PORT] = { "PublishPort", true },
	[DEFINITION_SHM_SIZE] = { "ShmSize", false },
	[DEFINITION_SYSCTL] = { "Sysctl", true },
	[DEFINITION_UID_MAP] = { "UIDMap", true },
};

/* Those of Quadlet's keys that are not in the table, for a better error. */
static const char *const quadlet_keys[] = {
	"ContainersConfModule",
	"DNSOption",
	"DNSSearch",
	"ExitPolicy",
	"GlobalArgs",
	"IP",
	"IP6",
	"Label",
	"NetworkAlias",
	"PodName",
	"PodmanArgs",
	"RemapGid",
	"RemapUid",
	"RemapUidSize",
	"RemapUsers",
	"ServiceName",
	"StopTimeout",
	"SubGIDMap",
	"SubUIDMap",
	"UserNS",
	"Volume",
};

struct file {
	struct definition *d;
	unsigned line[DEFINITION_KEYS]; /* where a key was set last; 0: it is not set */
	bool has_section;               /* [Pod] */
};

/* Quadlet passes these on to systemd. Here podns@.service takes their place. */
static bool is_systemd_section(const char *name)
{
	return !strcmp(name, "Unit") || !strcmp(name, "Service") || !strcmp(name, "Install") ||
	       !strcmp(name, "Quadlet") || !strncmp(name, "X-", 2);
}

static int take_section(struct file *f, const char *name, struct error *e)
{
	if (!strcmp(name, "Pod"))
		f->has_section = true;
	else if (!is_systemd_section(name))
		return error_set(e, 0, "there is no section [%.100s]", name);
	return 0;
}

static int refuse_key(const char *key, struct error *e)
{
	for (size_t i = 0; i < sizeof(quadlet_keys) / sizeof(*quadlet_keys); i++)
		if (!strcmp(key, quadlet_keys[i]))
			return error_set(e, 0,
					 "%s: Quadlet has this key, but pods of oci-podns do not",
					 key);
	return error_set(e, 0, "%.100s: there is no such key", key);
}

/* The memory stays in the arena. */
static void reset(struct definition *d, enum definition_key key)
{
	switch (key) {
	case DEFINITION_ADD_HOST:
		d->host_count = 0;
		break;
	case DEFINITION_DNS:
		d->dns_count = 0;
		break;
	case DEFINITION_EGRESS_RATE:
		d->bandwidth.egress = 0;
		break;
	case DEFINITION_GID_MAP:
		d->gid_maps.count = 0;
		break;
	case DEFINITION_HOST_NAME:
		d->hostname = NULL;
		break;
	case DEFINITION_INGRESS_RATE:
		d->bandwidth.ingress = 0;
		break;
	case DEFINITION_NAMESPACES:
		d->namespaces = 0;
		break;
	case DEFINITION_NETWORK:
		d->network = NULL;
		break;
	case DEFINITION_PUBLISH_PORT:
		d->port_count = 0;
		break;
	case DEFINITION_SHM_SIZE:
		d->shm_size = 0;
		break;
	case DEFINITION_SYSCTL:
		d->sysctl_count = 0;
		break;
	case DEFINITION_UID_MAP:
		d->uid_maps.count = 0;
		break;
	case DEFINITION_KEYS:
		break;
	}
}

/* Each key of /proc/sys once, though a later value would simply replace an earlier one. */
static int check_last_sysctl(const struct definition *d, struct error *e)
{
	const struct sysctl *last = &d->sysctls[d->sysctl_count - 1];

	for (const struct sysctl *s = d->sysctls; s < last; s++)
		if (!strcmp(s->path, last->path))
			return error_set(e, 0, "%s is set twice", last->key);
	return 0;
}

static int take_value(struct file *f, enum definition_key key, char *value, struct error *e)
{
	unsigned count = 0;
	char *word;
	int r;

	for (; (r = unit_word(&value, &word, e)) > 0; count++) {
		if (count && !rows[key].is_list)
			return error_set(e, 0, "it has one value, and no more");
		if (definition_set(f->d, key, word, e) < 0 ||
		    (key == DEFINITION_SYSCTL && check_last_sysctl(f->d, e) < 0))
			return -1;
	}
	return r;
}

static int take_key(struct file *f, const struct unit_entry *entry, struct error *e)
{
	int key = 0;

	while (key < DEFINITION_KEYS && strcmp(entry->key, rows[key].name) != 0)
		key++;
	if (key == DEFINITION_KEYS)
		return refuse_key(entry->key, e);
	if (!*entry->value) {
		reset(f->d, (enum definition_key)key);
		f->line[key] = 0;
		return 0;
	}
	if (f->line[key] && !rows[key].is_list)
		return error_set(e, 0, "%s is set already, in line %u", entry->key, f->line[key]);
	f->line[key] = entry->line;
	if (take_value(f, (enum definition_key)key, entry->value, e) == 0)
		return 0;
	return error_prefix(e, "%s", entry->key);
}

static int take_entry(void *arg, struct unit_entry *entry, struct error *e)
{
	struct file *f = arg;

	if (!entry->key)
		return take_section(f, entry->section, e);
	/* systemd ignores X- in each section. */
	if (strcmp(entry->section, "Pod") != 0 || !strncmp(entry->key, "X-", 2))
		return 0;
	return take_key(f, entry, e);
}

int definition_parse(struct definition *d, const char *file, const char *text, size_t len,
		     struct error *e)
{
	struct file f = { .d = d };
	enum definition_key key;

	*d = (struct definition){ 0 };
	if (unit_parse(file, text, len, take_entry, &f, e) < 0)
		return -1;
	if (!f.has_section)
		return error_set(e, 0, "%s: there is no section [Pod]", file);
	if (definition_check(d, definition_types(d), &key, e) == 0)
		return 0;
	return error_prefix(e, "%s:%u: %s", file, f.line[key], rows[key].name);
}

int definition_check_hook(const struct definition *d, const char *pod, struct error *e)
{
	for (int t = 0; t < NS_TYPES; t++)
		if (d->namespaces & NS_BIT(t) && !ns_info[t].in_hook)
			return error_set(e, 0,
					 DEFINITION_DIR "/%s" DEFINITION_SUFFIX
							": Namespaces: a hook cannot share %s",
					 pod, ns_info[t].brief);
	return 0;
}

/* --- the file ------------------------------------------------------------------ */

/* Through directories in which nobody else can have put it. -1 with e->num ENOENT: there is none. */
static int open_file(const char *confdir, const char *name, const char *path, struct stat *st,
		     struct error *e)
{
	cleanup_free char *dir_path = concat(confdir, "/pods.d", NULL);
	cleanup_close int above = -1, dir = -1;

	if (!dir_path)
		return error_nomem(e);
	above = trust_open(AT_FDCWD, confdir, O_DIRECTORY, confdir, NULL, e);
	if (above < 0)
		return -1;
	dir = trust_open(above, "pods.d", O_DIRECTORY, dir_path, NULL, e);
	return dir < 0 ? -1 : trust_open(dir, name, O_NONBLOCK, path, st, e);
}

static int read_file(const char *confdir, const char *name, const char *path, struct buf *text,
		     bool *found, struct error *e)
{
	cleanup_close int fd = -1;
	struct stat st = { 0 };

	fd = open_file(confdir, name, path, &st, e);
	*found = fd >= 0;
	if (fd < 0)
		return e->num == ENOENT ? 0 : -1;
	if (!S_ISREG(st.st_mode))
		return error_set(e, 0, "%s is not a regular file", path);
	if (read_all(fd, DEFINITION_SIZE_MAX, text) == 0)
		return 0;
	if (errno == EFBIG)
		return error_set(e, 0, "%s is larger than %d bytes", path, DEFINITION_SIZE_MAX);
	return error_set(e, errno, "read %s", path);
}

int definition_load_from(const char *confdir, const char *pod, struct definition *d, bool *found,
			 struct error *e)
{
	cleanup_free char *path = concat(confdir, "/pods.d/", pod, DEFINITION_SUFFIX, NULL);
	cleanup_buf struct buf text = { 0 };

	*d = (struct definition){ 0 };
	*found = false;
	if (!path)
		return error_nomem(e);
	if (read_file(confdir, strrchr(path, '/') + 1, path, &text, found, e) < 0)
		return -1;
	return *found ? definition_parse(d, path, text.data, text.len, e) : 0;
}

int definition_load(const char *pod, struct definition *d, bool *found, struct error *e)
{
	return definition_load_from(PODNS_CONFDIR, pod, d, found, e);
}
