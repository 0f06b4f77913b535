/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a pod with a network that are mounted into its containers: one resolv.conf, which podns-net
 * writes, and an /etc/hosts for each container, `hosts@<hash of its key>`. The key is a path that is gone when
 * the container is: of the engine's own file that ours replaces, or of the bundle. The record has the keys.
 */
#ifndef PODNS_POD_ETC_H
#define PODNS_POD_ETC_H

#include "plan/etc.h"
#include "pod/pod.h"

/* In the pod's directory. */
#define RESOLV_CONF "resolv.conf"

struct pod_hosts {
	const char *key;
	struct etc_hosts text; /* addresses and entries are taken from the record */
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/* "<root>/podns/<pod>/resolv.conf", or of the key's file, in the record's arena; NULL and e without memory. */
const char *pod_resolv_conf_path(struct pod *p, struct error *e);
const char *pod_hosts_path(struct pod *p, const char *key, struct error *e);

/* Append the text of the file. Returns 0, or -1 without memory. */
int pod_compose_hosts(const struct pod *p, const struct pod_hosts *hosts, struct buf *text);

/* Write the file. label: an SELinux context for it, or NULL. The key must be recorded before. */
int pod_write_hosts(struct pod *p, const struct pod_hosts *hosts, const char *label,
		    struct error *e);

/* Give resolv.conf this SELinux context. A failure is logged. */
void pod_label_resolv_conf(struct pod *p, const char *label);

/* Remove the key's file, and what a killed run left of it. It is no error if there is none. */
int pod_remove_hosts(struct pod *p, const char *key, struct error *e);

/* Remove all of them, and forget their keys; of several errors the first is returned. */
int pod_remove_all_hosts(struct pod *p, struct error *e);

/* Remove those whose keys do not exist any more, as pod_forget_bundles(). Failures are logged. */
void pod_forget_hosts(struct pod *p);

#endif
