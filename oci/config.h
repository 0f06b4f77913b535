/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of an OCI config.json (runtime-spec config.md, config-linux.md) that matter to a pod,
 * with the nodes that an edit replaces.
 *
 * As for the runtimes, null counts as absent, and so does the empty string for a path, a host or
 * domain name and a mount label. The node of such a member is kept, because an edit must replace it
 * instead of adding a second one.
 */
#ifndef PODNS_OCI_CONFIG_H
#define PODNS_OCI_CONFIG_H

#include "ns/maps.h"
#include "ns/types.h"
#include "json/json.h"

#define CONFIG_SIZE_MAX ((size_t)16 << 20)

struct config_ns {
	uint32_t entry;     /* node of the object in linux.namespaces, or JSON_NONE */
	uint32_t path_node; /* node of its path member, or JSON_NONE */
	const char *path;   /* NULL where absent, null or empty */
};

struct config_sysctl {
	const char *key, *value;
};

/* The lists of hooks that are read: runtime-spec config.md, "POSIX-platform Hooks". */
enum config_hooks { HOOKS_PRESTART, HOOKS_CREATE_RUNTIME, HOOKS_POSTSTOP, HOOKS_LISTS };

/* Their names in the document. */
extern const char *const config_hooks_name[HOOKS_LISTS];

struct config_hook_list {
	uint32_t list; /* node of the array, or JSON_NONE */
	uint32_t null; /* node of a null instead of the array, or JSON_NONE */
	uint32_t
		ours; /* node of the first hook whose program is called HOOK_PROGRAM, or JSON_NONE */
};

#define HOOK_PROGRAM "oci-podns-hook"

/* Files that engines bind mount from a directory of the container. */
enum config_etc { ETC_RESOLV_CONF, ETC_HOSTNAME, ETC_HOSTS, CONFIG_ETC_FILES };
extern const char *const config_etc_file[CONFIG_ETC_FILES];

/* The mounts whose cleaned destination is such a file. */
struct config_etc_mount {
	size_t count;
	uint32_t mount;     /* node of the last, or JSON_NONE */
	const char *source; /* its source; NULL if absent */
	uint32_t source_node;
	bool bind; /* it is a bind mount, by its type or its options */
};

struct config {
	struct json doc;
	struct config_ns ns[NS_TYPES];
	const char *hostname; /* NULL where absent, null or empty */
	uint32_t hostname_node;
	const char *domainname; /* the same */
	uint32_t domainname_node;
	uint32_t env_hostname;     /* node of the first "HOSTNAME=" string in process.env, or
				 * JSON_NONE; config_next_env_hostname() finds the others */
	uint32_t annotations;      /* node of the object, or JSON_NONE */
	uint32_t annotations_null; /* node of a null instead of the object, or JSON_NONE */
	uint32_t shm;              /* node of the last mount whose cleaned destination is /dev/shm,
				 * or JSON_NONE */
	const char *shm_type;      /* its type; NULL if absent */
	const char *shm_source;
	uint32_t shm_source_node;
	const char **shm_options; /* its options, in order */
	size_t shm_option_count;
	const char *mount_label;           /* linux.mountLabel; NULL if absent or empty */
	struct id_maps uid_maps, gid_maps; /* linux.uidMappings, gidMappings */
	struct config_sysctl *sysctls;     /* linux.sysctl, in the document's order */
	size_t sysctl_count;
	uint32_t hooks;      /* node of the object, or JSON_NONE */
	uint32_t hooks_null; /* node of a null instead of the object, or JSON_NONE */
	struct config_hook_list hook_list[HOOKS_LISTS];
	uint32_t mounts;      /* node of the array, or JSON_NONE */
	uint32_t mounts_null; /* node of a null instead of the array, or JSON_NONE */
	struct config_etc_mount etc[CONFIG_ETC_FILES];
	bool shm_below;    /* another mount is on or below /dev/shm */
	bool time_offsets; /* linux.timeOffsets has a member */
	bool docker_hook;  /* a hook of Docker's moves interfaces into the network namespace */
	bool etc_covered;  /* a mount is on / or /etc */
};

/*
 * Parse a config. Refused are more than CONFIG_SIZE_MAX bytes, an unknown or repeated namespace type,
 * an entry without type, a path that is not absolute, and a repeated sysctl key. pid entries are
 * accepted and not recorded. what names the document in errors; what and text must outlive *c. On
 * failure *c owns nothing.
 */
int config_parse(struct config *c, const char *what, const char *text, size_t len, struct error *e);
void config_free(struct config *c);

#define cleanup_config __attribute__((cleanup(config_free)))

/*
 * Set *value to the annotation `key`, NULL if it is absent, and *node (may be NULL) to its node. A
 * value that is not a string is refused, null included: an edit could not add a member of that name.
 */
int config_annotation(struct config *c, const char *key, const char **value, uint32_t *node,
		      struct error *e);

/* The next "HOSTNAME=" string after env_hostname or one that this has returned, or JSON_NONE. */
uint32_t config_next_env_hostname(const struct config *c, uint32_t node);

/* Do two hooks (nodes of two documents) have the same program and arguments? */
bool config_same_hook(const struct config *a, uint32_t hook_a, const struct config *b,
		      uint32_t hook_b);

/* Is the mount on /dev/shm a bind mount, by its type or its options? False if there is none. */
bool config_shm_is_bind(const struct config *c);

/* MOUNT_ON_ETC: on / or /etc. MOUNT_ON_ETC_FILE and the next: on a file of config_etc_file. */
enum mount_place {
	MOUNT_ELSEWHERE,
	MOUNT_ON_SHM,
	MOUNT_BELOW_SHM,
	MOUNT_ON_ETC,
	MOUNT_ON_ETC_FILE,
};

/* Where is a mount (an object node of doc)? Its destination is cleaned lexically, as runtimes do. */
int config_mount_place(struct json *doc, uint32_t mount, enum mount_place *place, struct error *e);

#endif
