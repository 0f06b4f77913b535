/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODNS_PLAN_ENGINE_H
#define PODNS_PLAN_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

/* The digits of an engine's id, and how many of them engines show. */
#define PLAN_ID_DIGITS 64
#define PLAN_SHORT_ID 12

/* Is it an id as engines make them, 64 hexadecimal digits in lower case? A pure function. */
bool plan_is_engine_id(const char *text);

/* Whose file is it that is mounted into a container? */
enum engine_file {
	ENGINE_FILE_NONE,   /* not an engine's */
	ENGINE_FILE_PODMAN, /* podman's and CRI-O's .../<64 hex>/userdata/NAME */
	ENGINE_FILE_OTHER,  /* Docker's, containerd's and nerdctl's .../<64 hex>/NAME */
};

/*
 * Is `source` the file NAME that an engine keeps for the container or sandbox whose id is in the path? It
 * may be NULL. A pure function.
 */
enum engine_file plan_engine_file(const char *source, const char *name);

/* Whose bundle is it? */
enum bundle_kind {
	BUNDLE_UNKNOWN, /* made by hand, or by an engine that is not known */
	BUNDLE_STORAGE, /* podman's and CRI-O's DIR/DRIVER-containers/ID/userdata */
	/* containerd's DIR/io.containerd.runtime.VERSION/NAMESPACE/ID; NAMESPACE is "moby" for Docker */
	BUNDLE_CONTAINERD,
};

struct bundle_place {
	enum bundle_kind kind;
	/* Of BUNDLE_STORAGE DIR/DRIVER-containers, of BUNDLE_CONTAINERD NAMESPACE; not NUL-terminated. */
	const char *part;
	size_t len;
};

/* A pure function of the path of a bundle and the id of its container; part points into the path. */
struct bundle_place plan_engine_bundle(const char *bundle, const char *id);

/*
 * May this be printed as a container's name? 1 to 255 of A-Za-z0-9_.+:/@-, of which the first is a letter, a
 * digit or '_'. The engines allow less: anything else, such as a blank or a control character, was not written
 * by an engine.
 */
bool plan_engine_name_is_plain(const char *name);

/*
 * podman and CRI-O keep a directory for each container, DIR/<64 hex>/userdata. If `source` (or NULL) is
 * a file in one, *len is set to the length of DIR in it. A pure function.
 */
bool plan_engine_dir(const char *source, size_t *len);

#endif
