/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"
#include "oci/edit.h"
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
	"scripts around runc and crun. What the pod lacks is created. A pod that this makes is\n"
	"held, since no hook may ever report the container: podns rm ends it. Annotations\n"
	"other than io.podns.pod count as they do for the hook.\n"
	"\n"
	"  --bundle DIR        rewrite DIR/config.json in place; the pod's end reverts it\n"
	"  --revert            give it its original entries back; with --bundle it is an error if it\n"
	"                      was rewritten for another pod\n"
	"  --namespaces LIST   types that the pod shares (default: net,ipc,uts)\n"
	"  --sysctl KEY=VALUE  set a sysctl in namespaces that this creates; may be repeated;\n"
	"                      one of a type that the container does not share is an error\n";

enum { OPT_BUNDLE = OPT_OWN, OPT_REVERT, OPT_NAMESPACES, OPT_SYSCTL };

struct options {
	struct stage_options stage;
	const char **sysctls;
	const char *given;	/* --bundle */
	char *bundle;		/* the same, absolute */
	const char *pod;
	bool revert;
};

static void options_free(struct options *o)
{
	free(o->bundle);
	free(o->sysctls);
}

#define cleanup_options __attribute__((cleanup(options_free)))

static int set_option(void *arg, int option, char *value, struct error *e)
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
		o->sysctls[o->stage.sysctl_count++] = value;
		return 0;
	}
}

/* --- where the config comes from and goes to --------------------------------- */

struct document {
	const char *bundle;	/* NULL: standard input and output */
	int fd;			/* the bundle */
	struct stat st;
	struct buf text;
};

static void document_close(struct document *d)
{
	cleanup_closep(&d->fd);
	buf_free(&d->text);
}

#define cleanup_document __attribute__((cleanup(document_close)))

static int document_read(struct document *d, const char *bundle, struct error *e)
{
	d->bundle = bundle;
	if (!bundle)
		return read_document(STDIN_FILENO, "standard input", CONFIG_SIZE_MAX, &d->text, e);
	d->fd = bundle_open(bundle, e);
	return d->fd < 0 ? -1 : bundle_read_config(d->fd, bundle, &d->text, &d->st, e);
}

static int deliver(void *arg, const char *text, size_t len, struct error *e)
{
	struct document *d = arg;

	if (!d->bundle) {
		if (write_all(STDOUT_FILENO, text, len) < 0)
			return error_set(e, errno, "write the config to standard output");
		return 0;
	}
	if (len == d->text.len && !memcmp(text, d->text.data, len))
		return 0;
	return bundle_write_config(d->fd, d->bundle, &d->st, text, len, e);
}

/* --- back -------------------------------------------------------------------- */

static int revert_document(struct error *e)
{
	cleanup_document struct document d = { .fd = -1 };
	cleanup_config struct config config = { 0 };
	cleanup_buf struct buf out = { 0 };
	enum revert_how how;

	if (document_read(&d, NULL, e) < 0 ||
	    config_parse(&config, "config.json", d.text.data, d.text.len, e) < 0 ||
	    edit_revert(&config, &out, &how, e) < 0)
		return -1;
	return how == REVERT_NOTHING ? deliver(&d, d.text.data, d.text.len, e) :
	       deliver(&d, out.data, out.len, e);
}

/* Nothing was reverted: an undo that is in the config.json is another pod's. */
static int check_not_anothers(const struct options *o, struct error *e)
{
	cleanup_document struct document d = { .fd = -1 };
	cleanup_config struct config config = { 0 };
	const char *undo;

	if (document_read(&d, o->bundle, e) < 0)
		return e->num == ENOENT ? 0 : -1;
	if (config_parse(&config, "config.json", d.text.data, d.text.len, e) < 0 ||
	    config_annotation(&config, ANNOTATION_UNDO, &undo, NULL, e) < 0)
		return error_prefix(e, "%s", o->bundle);
	if (!undo)
		return 0;
	error_set(e, 0, "%s/config.json was rewritten for another pod than %s", o->bundle, o->pod);
	return error_hint(e, "name the pod, and with --root its root, that it was rewritten for");
}

/* Under the pod's lock, since its end and its hooks rewrite the bundle, too. */
static int revert_bundle(struct cli *cli, const struct options *o, struct error *e)
{
	cleanup_store struct store store = STORE_NONE;
	cleanup_pod struct pod pod = POD_NONE;
	enum bundle_reverted how;

	if (store_open(&store, cli->root, false, e) < 0)
		return -1;
	if (pod_open(&pod, &store, o->pod, false, e) < 0 && e->num != ENOENT)
		return -1;
	if (bundle_revert(store.root, o->pod, o->bundle, &how, e) < 0 ||
	    (how == BUNDLE_UNTOUCHED && check_not_anothers(o, e) < 0) ||
	    store_drop_bundle(&store, o->pod, o->bundle, e) < 0)
		return -1;
	if (pod.fd < 0)
		return 0;
	record_drop_bundle(&pod.rec, o->bundle);
	return pod_save(&pod, e);
}

static int rewrite(struct options *o, struct error *e)
{
	cleanup_document struct document d = { .fd = -1 };

	if (document_read(&d, o->bundle, e) < 0)
		return -1;
	return stage_rewrite(&o->stage, o->pod, o->bundle, d.text.data, d.text.len, deliver, &d, e);
}

static int run(struct cli *cli, int argc, char **argv, struct error *e)
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
		.stage = { .stage = "rewrite", .namespaces = ns_default_set,
			   .pod_annotation = ANNOTATION_POD },
	};
	int r;

	o.sysctls = calloc((size_t)argc, sizeof(*o.sysctls));
	if (!o.sysctls)
		return error_nomem(e);
	r = cli_parse(cli, argc, argv, false, options, set_option, &o, e);
	if (r == CLI_DONE)
		r = cli_operands(cli, argc, 1, "one POD", e);
	if (r != CLI_DONE)
		return r;
	o.pod = argv[optind];
	o.stage.root = cli->root;
	o.stage.sysctls = o.sysctls;
	if (pod_check_name(o.pod, e) < 0)
		return CLI_FAILED;
	log_context("rewrite", o.pod);
	o.bundle = o.given ? realpath(o.given, NULL) : NULL;
	if (o.given && !o.bundle)
		return error_set(e, errno, "open bundle %s", o.given);
	/* A reader that goes away is an error of write(2), after which all is undone. */
	signal(SIGPIPE, SIG_IGN);
	if (!o.revert)
		return rewrite(&o, e);
	return o.bundle ? revert_bundle(cli, &o, e) : revert_document(e);
}

const struct command cli_rewrite = {
	"rewrite", "point a config.json at a pod's namespaces", help, false, run,
};
