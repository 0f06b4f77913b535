/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "ns/sysctl.h"
#include "oci/file.h"
#include "pod/bundle.h"
#include "pod/name.h"
#include "pod/pod.h"
#include "stage/stage.h"

static const char help[] =
	"Usage: podns rewrite [--root DIR] [OPTIONS] POD <config.json >new-config.json\n"
	"       podns rewrite [--root DIR] [OPTIONS] --bundle DIR POD\n"
	"       podns rewrite [--root DIR] --revert [--bundle DIR] POD\n"
	"\n"
	"Points a config.json at the pod's namespaces, as the hook does at podman's precreate, for\n"
	"scripts around runc and crun. Missing namespaces are created. A pod that podns rewrite\n"
	"makes is held until podns rm ends it, since no hook may ever report the container.\n"
	"Annotations other than io.podns.pod have the same effect as for the hook.\n"
	"\n"
	"  --bundle DIR        rewrite DIR/config.json in place; the end of the pod reverts it\n"
	"  --revert            with --bundle: restore the original values of config.json. If there\n"
	"                      is no copy of it (the bundle was copied), and without --bundle: only\n"
	"                      remove what points to the pod's pins\n"
	"  --namespaces LIST   types that the pod shares (default: net,ipc,uts)\n"
	"  --sysctl KEY=VALUE  set a sysctl in the namespaces that are created; may be repeated. A\n"
	"                      sysctl of a type that the container does not share is an error\n";

enum { OPT_BUNDLE = OPT_OWN, OPT_REVERT, OPT_NAMESPACES, OPT_SYSCTL };

struct options {
	struct stage_options stage;
	const char **sysctls;
	const char *given; /* --bundle */
	char *bundle;      /* the same, absolute */
	const char *pod;
	bool revert;
};

static void options_free(struct options *o)
{
	free(o->bundle);
	free(o->sysctls);
}

#define cleanup_options __attribute__((cleanup(options_free)))

static int set_rewrite_option(void *arg, int option, char *value, struct error *e)
{
	struct options *o = arg;

	switch (option) {
	case OPT_BUNDLE:
		o->given = value;
		return 0;
	case OPT_REVERT:
		o->revert = true;
		return 0;
	case OPT_NAMESPACES:
		if (ns_parse_set(value, true, &o->stage.namespaces, e) == 0)
			return 0;
		return error_prefix(e, "--namespaces");
	default:
		if (!sysctl_is_pair(value))
			return error_set(e, 0, "--sysctl '%.200s': expected KEY=VALUE", value);
		o->sysctls[o->stage.sysctl_count++] = value;
		return 0;
	}
}

/* --- from standard input to standard output ------------------------------------- */

static int deliver(void *arg, const char *text, size_t len, struct error *e)
{
	(void)arg;
	if (write_all(STDOUT_FILENO, text, len) < 0)
		return error_set(e, errno, "write the config to standard output");
	return 0;
}

static int rewrite_document(struct options *o, struct error *e)
{
	cleanup_buf struct buf text = { 0 };

	if (read_document(STDIN_FILENO, "standard input", CONFIG_SIZE_MAX, &text, e) < 0)
		return -1;
	return stage_rewrite(&o->stage, o->pod, text.data, text.len, deliver, NULL, e);
}

/* --- --revert -------------------------------------------------------------------- */

/* Without a copy of the original, only what points to the pod's pins is known to be of the edit. */
static int remove_pins(struct store *store, const char *pod, struct config *config, bool *changed,
		       struct buf *out, struct error *e)
{
	const char *paths[NS_TYPES], *shm, *dir;

	for (int t = 0; t < NS_TYPES; t++) {
		paths[t] = store_pin_path(store, &config->doc.arena, (enum ns_type)t, pod, e);
		if (!paths[t])
			return -1;
	}
	shm = store_shm_path(store, &config->doc.arena, pod, e);
	dir = arena_concat(&config->doc.arena, store->root, "/podns/", pod, NULL);
	if (!shm || !dir)
		return dir ? -1 : error_nomem(e);
	return edit_remove_pins(config, paths, shm, dir, changed, out, e);
}

static int revert_document(struct cli *cli, const struct options *o, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	cleanup_buf struct buf text = { 0 }, out = { 0 };
	cleanup_config struct config config = { 0 };
	bool changed = false;

	if (read_document(STDIN_FILENO, "standard input", CONFIG_SIZE_MAX, &text, e) < 0 ||
	    config_parse(&config, "config.json", text.data, text.len, e) < 0 ||
	    store_open(&store, cli->root, false, e) < 0 ||
	    remove_pins(&store, o->pod, &config, &changed, &out, e) < 0)
		return -1;
	return changed ? deliver(NULL, out.data, out.len, e)
		       : deliver(NULL, text.data, text.len, e);
}

/* The bundle has no original: it was copied, for example. */
static int revert_copied(struct store *store, struct bundle *b, const char *pod, struct error *e)
{
	cleanup_config struct config config = { 0 };
	cleanup_buf struct buf out = { 0 };
	bool changed = false;

	if (config_parse(&config, "config.json", b->text.data, b->text.len, e) < 0)
		return error_prefix(e, "%s", b->path);
	if (remove_pins(store, pod, &config, &changed, &out, e) < 0)
		return -1;
	if (!changed)
		return 0;
	if (bundle_lock(b, store, true, e) < 0 ||
	    bundle_write_config(b->fd, b->path, &b->st, out.data, out.len, e) < 0)
		return -1;
	log_warn("%s/config.json: there is no copy of the original, so only what pointed to the "
		 "pod's pins was removed",
		 b->path);
	return 0;
}

static int refuse_others(const struct bundle *b, const char *pod, struct error *e)
{
	error_set(e, 0, "%s/config.json was rewritten for the pod %s, not for %s", b->path,
		  b->original.pod, pod);
	return error_hint(e, "name the pod that it was rewritten for");
}

/* The pod is locked, since its end and its hooks rewrite the bundle too. */
static int revert_bundle(struct cli *cli, const struct options *o, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	cleanup_bundle struct bundle b = BUNDLE_NONE;
	cleanup_pod struct pod pod = POD_NONE;

	if (store_open(&store, cli->root, false, e) < 0 ||
	    pod_open(&pod, &store, o->pod, false, e) < 0 || bundle_load(&b, o->bundle, e) < 0 ||
	    bundle_lock(&b, &store, false, e) < 0)
		return -1;
	if (!b.original.there)
		return revert_copied(&store, &b, o->pod, e);
	if (strcmp(b.original.pod, o->pod))
		return refuse_others(&b, o->pod, e);
	if (bundle_revert(&b, NULL, e) < 0)
		return -1;
	if (pod.fd < 0)
		return 0;
	record_drop_bundle(&pod.rec, o->bundle);
	return pod_save(&pod, e);
}

static int rewrite(struct options *o, struct error *e)
{
	return o->bundle ? stage_rewrite_bundle(&o->stage, o->pod, o->bundle, e)
			 : rewrite_document(o, e);
}

static int parse_and_rewrite(struct cli *cli, int argc, char **argv, struct error *e)
{
	static const struct option options[] = {
		CLI_OPTIONS,
		{ "bundle", required_argument, NULL, OPT_BUNDLE },
		{ "revert", no_argument, NULL, OPT_REVERT },
		{ "namespaces", required_argument, NULL, OPT_NAMESPACES },
		{ "sysctl", required_argument, NULL, OPT_SYSCTL },
		CLI_OPTIONS_END,
	};
	cleanup_options struct options o = {
		.stage = { .stage = "rewrite",
			   .namespaces = ns_default_set,
			   .pod_annotation = ANNOTATION_POD },
	};
	int r;

	o.sysctls = calloc((size_t)argc, sizeof(*o.sysctls));
	if (!o.sysctls)
		return error_nomem(e);
	r = cli_parse(cli, argc, argv, false, options, set_rewrite_option, &o, e);
	if (r == CLI_DONE)
		r = cli_operands(cli, argc, argv, 1, "POD", e);
	if (r != CLI_DONE)
		return r;
	o.pod = argv[optind];
	o.stage.root = cli->root;
	o.stage.network = cli->network;
	o.stage.sysctls = o.sysctls;
	if (pod_check_name(o.pod, e) < 0)
		return CLI_FAILED;
	log_context("rewrite", o.pod);
	o.bundle = o.given ? realpath(o.given, NULL) : NULL;
	if (o.given && !o.bundle)
		return error_set(e, errno, "open bundle %s", o.given);
	if (!o.revert)
		return rewrite(&o, e);
	return o.bundle ? revert_bundle(cli, &o, e) : revert_document(cli, &o, e);
}

const struct command cli_rewrite = {
	"rewrite",         "point a config.json at a pod's namespaces", help, CLI_NETWORK_OF_POD,
	parse_and_rewrite,
};
