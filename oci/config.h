/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of an OCI config.json (runtime-spec config.md, config-linux.md) that a pod is about,
 * each with the nodes that an edit needs.
 *
 * Throughout, null and (for a path, a host or domain name, a mount label) the empty string count
 * as absent, as they do for the runtimes; the node of such a member is kept, since an edit must
 * replace it and not add a second one.
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

struct config {
	struct json doc;
	struct config_ns ns[NS_TYPES];
	const char *hostname; /* NULL where absent, null or empty */
	uint32_t hostname_node;
	const char *domainname; /* the same */
	uint32_t domainname_node;
	uint32_t env_hostname;     /* node of the *first* "HOSTNAME=" string in process.env, or
				 * JSON_NONE; config_next_env_hostname() has the others */
	uint32_t annotations;      /* node of the object, or JSON_NONE */
	uint32_t annotations_null; /* node of a null in its place, or JSON_NONE */
	uint32_t shm;              /* node of the last mount whose destination is /dev/shm (slashes
				 * and "/." normalised away), or JSON_NONE */
	const char *shm_type;      /* its type, NULL where absent */
	const char *shm_source;
	uint32_t shm_source_node;
	const char **shm_options; /* shm_option_count of them, in order */
	size_t shm_option_count;
	bool shm_below;          /* another mount lies below /dev/shm, or there are two on it */
	const char *mount_label; /* linux.mountLabel, NULL where absent or empty */
	struct id_maps uid_maps, gid_maps; /* linux.uidMappings, gidMappings */
	bool time_offsets;                 /* linux.timeOffsets has a member */
	struct config_sysctl *sysctls;     /* linux.sysctl, in the document's order */
	size_t sysctl_count;
};

/*
 * Parse a config. Refused: more than CONFIG_SIZE_MAX bytes, an unknown or repeated namespace
 * type, an entry without type, a path that is not absolute, two sysctl keys alike. pid entries
 * are accepted and not kept. text must outlive *c. On failure *c owns nothing. what names the
 * document in errors.
 */
int config_parse(struct config *c, const char *what, const char *text, size_t len, struct error *e);
void config_free(struct config *c);

#define cleanup_config __attribute__((cleanup(config_free)))

/*
 * The annotation `key`, NULL in *value where absent. *node may be NULL. A value that is no string
 * is refused, null included: a second member of that name could not be added beside it.
 */
int config_annotation(struct config *c, const char *key, const char **value, uint32_t *node,
		      struct error *e);

/* The next "HOSTNAME=" string behind env_hostname or another that this returned; or JSON_NONE. */
uint32_t config_next_env_hostname(const struct config *c, uint32_t node);

/* Is the mount on /dev/shm a bind mount, by its type or its options? False where there is none. */
bool config_shm_is_bind(const struct config *c);

enum mount_place { MOUNT_ELSEWHERE, MOUNT_ON_SHM, MOUNT_BELOW_SHM };

/* Where does a mount (an object node of doc) lie? Runtimes clean its path lexically, so do we. */
int config_mount_place(struct json *doc, uint32_t mount, enum mount_place *place, struct error *e);

#endif
