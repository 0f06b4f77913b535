/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podns check, the part about oci-podns-runtime. Docker and containerd do not say at their start that
 * a runtime is missing: each of its containers fails. The program prints nothing of its own, because
 * its command line is the real runtime's, so it is known by its file.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/engines.h"
#include "check/runtimes.h"
#include "cli/check.h"
#include "runtime/real.h"
#include "runtime/settings.h"

#define PROGRAM "oci-podns-runtime"
#define LINK_PREFIX "oci-podns-"
#define RELOAD_DOCKER "systemctl reload docker"
#define LINK PODNS_LIBEXECDIR "/oci-podns-runc"
#define ANNOTATION "--annotation io.podns.pod=POD"

struct caller {
	const char *name, *program, *conf;
	const char *reload; /* makes it read its configuration again */
	const char *run;    /* a command line up to the runtime's name, or NULL */
	int (*read)(const char *sysroot, struct arena *a, struct oci_runtimes *runtimes,
		    struct error *e);
	void (*advise)(struct check *c, const struct oci_runtimes *runtimes, bool found);
};

/* What to write into daemon.json depends on what is there. */
static void advise_docker(struct check *c, const struct oci_runtimes *runtimes, bool found)
{
	static const char entry[] = "\"podns\": {\"path\": \"" LINK "\"}";
	static const char then[] = DOCKER_CONF ", then: " RELOAD_DOCKER;

	if (found)
		return;
	note(c,
	     "Docker has no runtime that leads to " PROGRAM ": its containers cannot share a pod");
	if (runtimes->has_map)
		remedy("add %s to \"runtimes\" in %s", entry, then);
	else if (runtimes->has_members)
		remedy("add \"runtimes\": {%s} to %s", entry, then);
	else
		remedy("write {\"runtimes\": {%s}} to %s", entry, then);
}

static void advise_containerd(struct check *c, const struct oci_runtimes *runtimes, bool found)
{
	(void)c;
	(void)runtimes;
	(void)found;
	good("ctr and nerdctl need no setting of containerd's");
	usage("ctr run --runc-binary " LINK " " ANNOTATION " IMAGE ID");
	usage("nerdctl run --runtime " LINK " " ANNOTATION " IMAGE");
}

/* Docker reloads its runtimes on SIGHUP (dockerd(8)); containerd reads its file only at its start. */
static const struct caller callers[] = {
	{ "Docker", "dockerd", DOCKER_CONF, RELOAD_DOCKER, "docker run --runtime", docker_runtimes,
	  advise_docker },
	{ "containerd", "containerd", CONTAINERD_CONF, "systemctl restart containerd", NULL,
	  containerd_runtimes, advise_containerd },
};

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A link to the installed program, or to another installation's. */
static bool is_our_program(struct check *c, const char *path)
{
	struct stat ours, st;
	char *target;
	bool same;

	if (stat(in_sysroot(c, PODNS_LIBEXECDIR "/" PROGRAM), &ours) == 0 && stat(path, &st) == 0 &&
	    ours.st_dev == st.st_dev && ours.st_ino == st.st_ino)
		return true;
	target = realpath(path, NULL);
	same = target && !strcmp(last_component(target), PROGRAM);
	free(target);
	return same;
}

static void runtime_problem(struct check *c, const struct caller *caller,
			    const struct oci_runtime *runtime, const char *what)
{
	problem(c, "%s: runtime \"%s\" leads to %s, which %s: no container starts with it",
		in_sysroot(c, caller->conf), runtime->name, runtime->program, what);
	remedy("set it to \"" LINK "\", then: %s", caller->reload);
}

/* An entry that leads to another program is no business of ours. */
static bool is_our_entry(struct check *c, const struct oci_runtime *runtime, const char *path)
{
	return !strncmp(last_component(runtime->program), LINK_PREFIX, strlen(LINK_PREFIX)) ||
	       (path && is_our_program(c, path));
}

static void check_real(struct check *c, const struct caller *caller,
		       const struct oci_runtime *runtime, const char *path)
{
	cleanup_settings struct settings settings = { 0 };
	const char *conf = in_sysroot(c, caller->conf);
	cleanup_free char *real = NULL;
	struct error why;

	if (settings_read(&settings, c->sysroot, &why) < 0 ||
	    real_find(c->sysroot, path, last_component(runtime->program), settings.runtime, &real,
		      &why) < 0) {
		problem(c, "%s: runtime \"%s\" leads to " PROGRAM ", which runs nothing: %s", conf,
			runtime->name, why.text);
		remedy("%s", *why.hint ? why.hint : "correct it");
		return;
	}
	good("%s: runtime \"%s\" is " PROGRAM ", which runs %s", conf, runtime->name, real);
	if (caller->run)
		usage("%s %s " ANNOTATION " IMAGE", caller->run, runtime->name);
}

/* Report an entry of ours, whose program is at path; NULL if that is not found. */
static void check_entry(struct check *c, const struct caller *caller,
			const struct oci_runtime *runtime, const char *path)
{
	struct stat st;

	if (!path || stat(path, &st) < 0)
		runtime_problem(c, caller, runtime,
				!path || errno == ENOENT ? "is not there" : "cannot be accessed");
	else if (!is_our_program(c, path))
		runtime_problem(c, caller, runtime, "is not " PROGRAM);
	else if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		runtime_problem(c, caller, runtime, "cannot be run");
	else
		check_real(c, caller, runtime, path);
}

/* Report all entries of ours. Returns whether there is one. */
static bool check_entries(struct check *c, const struct caller *caller,
			  const struct oci_runtimes *runtimes)
{
	bool found = false;

	for (const struct oci_runtime *r = runtimes->list; r; r = r->next) {
		cleanup_free char *path = *r->program == '/' ? concat(c->sysroot, r->program, NULL)
							     : find_program(c->sysroot, r->program);

		if (!is_our_entry(c, r, path))
			continue;
		found = true;
		check_entry(c, caller, r, path);
		if (runtimes->default_name && !strcmp(runtimes->default_name, r->name))
			note(c,
			     "%s is %s's default: containers without an annotation io.podns.pod pass "
			     "through it unchanged",
			     r->name, caller->name);
	}
	return found;
}

/* *present says whether the engine is there. */
static int check_caller(struct check *c, const struct caller *caller, bool *present,
			struct error *e)
{
	cleanup_free char *program = find_program(c->sysroot, caller->program);
	struct oci_runtimes runtimes;

	if (caller->read(c->sysroot, &c->arena, &runtimes, e) < 0) {
		if (e->num == ENOMEM)
			return -1;
		*present = true;
		problem(c, "%s", e->text);
		remedy("correct it, then: %s", caller->reload);
		return 0;
	}
	if (!program && !runtimes.has_file) {
		good("%s is not installed", caller->name);
		return 0;
	}
	*present = true;
	caller->advise(c, &runtimes, check_entries(c, caller, &runtimes));
	return 0;
}

int check_runtimes(struct check *c, struct error *e)
{
	bool present = false;

	for (size_t i = 0; i < sizeof(callers) / sizeof(*callers); i++)
		if (check_caller(c, &callers[i], &present, e) < 0)
			return -1;
	c->has_engine |= present;
	if (present && access(in_sysroot(c, PODNS_LIBEXECDIR "/" PROGRAM), X_OK) < 0) {
		problem(c, "%s: %s", in_sysroot(c, PODNS_LIBEXECDIR "/" PROGRAM), strerror(errno));
		remedy("install oci-podns again");
	}
	return 0;
}
