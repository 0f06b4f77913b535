/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CNI's network configuration lists, which root writes into net.d/, and what a plugin gets of one
 * on its standard input. "Section 1: Network configuration format" and "Section 4: Plugin
 * Delegation" of the CNI specification, and its CONVENTIONS.md for runtimeConfig.
 */
#ifndef PODNS_NET_CONFLIST_H
#define PODNS_NET_CONFLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "json/json.h"
#include "net/version.h"
#include "plan/bandwidth.h"
#include "plan/ports.h"

#define CONFLIST_DIR PODNS_CONFDIR "/net.d"
#define CONFLIST_EXAMPLE PODNS_NETWORKDIR "/podns.conflist" /* is installed, and not in use */
#define CONFLIST_SUFFIX ".conflist"
#define CONFLIST_SIZE_MAX ((size_t)1 << 20)
#define CONFLIST_PLUGINS_MAX 32

struct plugin_conf {
	const char *type;
	const char *ipam; /* the type of the plugin that gives it addresses; NULL: none */
	uint32_t node;
	bool port_mappings, dns, bandwidth; /* its capabilities that are known here */
};

struct conflist {
	struct buf text; /* the file's bytes */
	struct json doc;
	struct arena arena; /* holds all strings */
	const char *name;
	unsigned versions;         /* mask of the versions known here that the file names */
	enum cni_version selected; /* the one to use; at first the highest of them */
	const char *version;       /* its name */
	bool disable_check, disable_gc;
	struct plugin_conf *plugins;
	size_t count; /* 1 to CONFLIST_PLUGINS_MAX */
};

/*
 * Parse and check len bytes at text, which are copied. what names the document in errors and is
 * copied, too. Refused are: JSON that json_parse() refuses, members twice, a name that
 * network_check_name() refuses, versions of which none is known, no plugins, a type that
 * plugin_check_type() refuses, and members that only a runtime may set. Free with conflist_free();
 * after an error *c is empty.
 */
int conflist_parse(struct conflist *c, const char *what, const char *text, size_t len,
		   struct error *e);

/*
 * Find the network of that name among the files *.conflist in the directory dir (CONFLIST_DIR) and
 * parse it. The directory and the file must pass trust_check(); a file is a regular one of at most
 * CONFLIST_SIZE_MAX bytes, and no symbolic link. A file that is refused defines no network, but the
 * error for a network that is not found says why it was refused. Two files with a network of that
 * name are an error. A directory that does not exist has no networks. e->num is ENOENT if there is
 * no such network.
 */
int conflist_load(struct conflist *c, const char *dir, const char *name, struct error *e);

/*
 * Call fn for each file *.conflist in dir, in sorted order. path: its path. c: what is in it, valid
 * until fn returns, or NULL if the file is refused. why: the reason of that, or, with c, that an
 * earlier file has defined a network of the same name; else NULL. fn may take *c over by setting it
 * to zeros. A non-zero result of fn ends the walk and is returned. -1 with e set if the directory
 * is refused or cannot be read; 0 if it does not exist.
 */
typedef int (*conflist_fn)(void *arg, const char *path, struct conflist *c, const struct error *why,
			   struct error *e);
int conflist_each(const char *dir, conflist_fn fn, void *arg, struct error *e);

void conflist_free(struct conflist *c);
#define cleanup_conflist __attribute__((cleanup(conflist_free)))

/* Has a plugin the capability portMappings? Without one no port can be published. */
bool conflist_maps_ports(const struct conflist *c);

/* Has one the capability bandwidth? Without one no rate can be limited. */
bool conflist_limits_rates(const struct conflist *c);

/*
 * Find all plugins of the list, and those that give addresses, in the directories dirs: plugin_find(). The
 * error is that of the first that is missing or must be refused.
 */
int conflist_find_plugins(const struct conflist *c, const char *const *dirs, struct error *e);

/*
 * Select the highest version that the file names and that is in the mask `supported`: what all
 * plugins have answered to VERSION. An error if there is none.
 */
int conflist_select(struct conflist *c, unsigned supported, struct error *e);

/* What the runtime adds to the configuration of a plugin. Zero-initialised, nothing. */
struct conf_extras {
	const char *prev_result; /* a JSON object; NULL: none */
	size_t prev_len;
	const struct port_range *ports; /* for plugins with the capability portMappings */
	size_t port_count;
	const char *const *dns; /* addresses of name servers, for those with the capability dns */
	size_t dns_count;
	struct bandwidth bandwidth; /* for those with the capability bandwidth */
	/* For GC: the attachments that exist, CNI_CONTAINERID and CNI_IFNAME of each. */
	const struct conf_attachment {
		const char *id, *ifname;
	} * attachments;
	size_t attachment_count;
	bool gc;
};

/*
 * Append the text for the standard input of plugin i: its object byte for byte, but without
 * `capabilities`, with name and cniVersion of the list, and with what is in x.
 */
int conflist_plugin_text(const struct conflist *c, size_t i, const struct conf_extras *x,
			 struct buf *out, struct error *e);

#endif
