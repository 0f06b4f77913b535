/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "plan/names.h"
#include "pod/definition.h"
#include "pod/make.h"
#include "pod/name.h"

static const char help[] =
	"Usage: podns create [--root DIR] [OPTIONS] [NAME]\n"
	"\n"
	"Makes a pod: creates namespaces and pins them, or pins those of a running process, and\n"
	"prints the pins. The pod is held: it stays until podns rm ends it. Without NAME it is\n"
	"called podns-UUID. If another program, such as ip netns add, has pinned a namespace under\n"
	"the name, that becomes part of the pod, and podns rm leaves it. Nothing is set in a\n"
	"namespace that podns itself is in. If root has written a definition of the pod, podns.pod(5),\n"
	"that counts, too: options that may be repeated add to it, and the others replace it.\n"
	"\n"
	"  --namespaces LIST   types to pin: net,ipc,uts,user,time,mnt, and cgroup with\n"
	"                      --from-pid (default: net,ipc,uts; with --uid-map also user)\n"
	"  --hostname NAME     hostname of the pod (default: its name)\n"
	"  --sysctl KEY=VALUE  set a sysctl in the pod's namespaces; may be repeated\n"
	"  --network NAME      attach the pod to this network: one of " PODNS_CONFDIR "/net.d,\n"
	"                      or pasta\n"
	"  --publish [IP:]HOST[-LAST]:POD[-LAST][/PROTO]\n"
	"                      lead a port of the host into the pod; may be repeated\n"
	"  --dns IP            a DNS server for the pod; may be repeated\n"
	"  --ingress-rate RATE, --egress-rate RATE\n"
	"                      how much the pod may receive and send, in bits per second: 10M\n"
	"  --add-host NAME:IP  a line of the pod's /etc/hosts; may be repeated\n"
	"  --hold              if there is such a pod already, hold it: it then stays until podns rm\n"
	"  --uid-map MAP, --gid-map MAP\n"
	"                      make a user namespace that owns the others. MAP is\n"
	"                      CONTAINER:HOST:SIZE[,...] or, as for pinns, CONTAINER-HOST-SIZE@...\n"
	"  --from-pid PID      pin the namespaces of this process. By default these are its net, ipc,\n"
	"                      uts and user namespaces, without those that podns itself is in; with\n"
	"                      --namespaces, such a namespace is an error\n";

enum {
	OPT_NAMESPACES = OPT_OWN,
	OPT_HOSTNAME,
	OPT_SYSCTL,
	OPT_UID_MAP,
	OPT_GID_MAP,
	OPT_FROM_PID,
	OPT_NETWORK,
	OPT_PUBLISH,
	OPT_DNS,
	OPT_ADD_HOST,
	OPT_INGRESS_RATE,
	OPT_EGRESS_RATE,
	OPT_HOLD,
};

struct options {
	struct definition given;
	const char **sysctls; /* as given; argc elements */
	size_t sysctl_count;
	pid_t from;
	bool hold;
};

static void options_free(struct options *o)
{
	definition_free(&o->given);
	free(o->sysctls);
}

#define cleanup_options __attribute__((cleanup(options_free)))

static int set_value(struct options *o, enum definition_key key, const char *name,
		     const char *value, struct error *e)
{
	return definition_set(&o->given, key, value, e) < 0 ? error_prefix(e, "%s", name) : 0;
}

static int set_map(struct options *o, enum definition_key key, const char *name, const char *text,
		   struct error *e)
{
	const struct definition *d = &o->given;

	if (key == DEFINITION_UID_MAP ? d->uid_maps.count : d->gid_maps.count)
		return error_set(e, 0, "%s is given twice", name);
	return set_value(o, key, name, text, e);
}

static int set_from(struct options *o, const char *text, struct error *e)
{
	uint64_t pid;

	if (!parse_u64(text, INT32_MAX, &pid) || !pid)
		return error_set(e, 0, "--from-pid: '%s' is not a pid", text);
	o->from = (pid_t)pid;
	return 0;
}

static int set_create_option(void *arg, int option, char *value, struct error *e)
{
	struct options *o = arg;

	switch (option) {
	case OPT_NAMESPACES:
		o->given.namespaces = 0;
		return set_value(o, DEFINITION_NAMESPACES, "--namespaces", value, e);
	case OPT_HOSTNAME:
		if (plan_check_hostname(value, "--hostname", e) < 0)
			return -1;
		return set_value(o, DEFINITION_HOST_NAME, "--hostname", value, e);
	case OPT_SYSCTL:
		/* Which keys are accepted is no question of usage: add_sysctls(). */
		if (!sysctl_is_pair(value))
			return error_set(e, 0, "--sysctl '%.200s': expected KEY=VALUE", value);
		o->sysctls[o->sysctl_count++] = value;
		return 0;
	case OPT_UID_MAP:
		return set_map(o, DEFINITION_UID_MAP, "--uid-map", value, e);
	case OPT_GID_MAP:
		return set_map(o, DEFINITION_GID_MAP, "--gid-map", value, e);
	case OPT_NETWORK:
		if (o->given.network)
			return error_set(e, 0, "--network is given twice: a pod has one network");
		return set_value(o, DEFINITION_NETWORK, "--network", value, e);
	case OPT_PUBLISH:
		return set_value(o, DEFINITION_PUBLISH_PORT, "--publish", value, e);
	case OPT_DNS:
		return set_value(o, DEFINITION_DNS, "--dns", value, e);
	case OPT_HOLD:
		o->hold = true;
		return 0;
	case OPT_INGRESS_RATE:
		return set_value(o, DEFINITION_INGRESS_RATE, "--ingress-rate", value, e);
	case OPT_EGRESS_RATE:
		return set_value(o, DEFINITION_EGRESS_RATE, "--egress-rate", value, e);
	case OPT_ADD_HOST:
		return set_value(o, DEFINITION_ADD_HOST, "--add-host", value, e);
	default:
		return set_from(o, value, e);
	}
}

/* What is wrong with the options whatever the definition says. */
static int check_together(struct cli *cli, struct options *o, struct error *e)
{
	const struct definition *d = &o->given;
	bool maps = d->uid_maps.count || d->gid_maps.count;

	if (o->hold && o->from)
		return cli_usage(cli, e, "--hold does not go with --from-pid");
	if (maps && o->from)
		return cli_usage(cli, e,
				 "--uid-map and --gid-map do not go with --from-pid: the process's "
				 "user namespace is mapped already");
	if (maps && !(d->uid_maps.count && d->gid_maps.count))
		return cli_usage(cli, e, "--uid-map and --gid-map need each other");
	if (maps && !(definition_types(d) & NS_BIT(NS_USER)))
		return cli_usage(cli, e, "--uid-map: user is not in --namespaces");
	return CLI_DONE;
}

static int add_sysctls(struct options *o, struct error *e)
{
	for (size_t i = 0; i < o->sysctl_count; i++)
		if (definition_set(&o->given, DEFINITION_SYSCTL, o->sysctls[i], e) < 0)
			return -1;
	return 0;
}

/* "podns-" and a random UUID: RFC 9562, version 4. */
static int new_name(struct arena *a, const char **name, struct error *e)
{
	unsigned char b[16];
	char text[48];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return error_set(e, errno, "get random bytes");
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(text, sizeof(text),
		 "podns-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		 b[13], b[14], b[15]);
	*name = arena_strndup(a, text, strlen(text));
	return *name ? 0 : error_nomem(e);
}

/* With one write, so that a script gets all lines or none. */
static int print_pins(struct pod *pod, ns_set types, struct error *e)
{
	cleanup_buf struct buf lines = { 0 };
	const char *path;

	for (int t = 0; t < NS_TYPES; t++) {
		if (!(types & NS_BIT(t)))
			continue;
		path = pins_path(&pod->pins, (enum ns_type)t, e);
		if (!path)
			return -1;
		if (buf_concat(&lines, path, "\n", NULL) < 0)
			return error_nomem(e);
	}
	if (lines.len)
		fwrite(lines.data, 1, lines.len, stdout);
	if (fflush(stdout) != 0 || ferror(stdout))
		return error_set(e, errno, "write to standard output");
	return 0;
}

/* What the pod is to be: the definition of its name and what was given, in *d. */
static int load_definition(struct options *o, const char *name, struct definition *d,
			   struct error *e)
{
	bool found = false;

	if (add_sysctls(o, e) < 0 || (name && definition_load(name, d, &found, e) < 0) ||
	    definition_merge(d, &o->given, e) < 0)
		return -1;
	if (!o->from || !(d->uid_maps.count || d->gid_maps.count))
		return 0;
	error_set(e, 0, "the definition of the pod has mappings, which do not go with --from-pid");
	return error_hint(e, "give the pod another name");
}

/* Which namespaces, and that all that is set has its namespace. */
static int choose_types(struct options *o, const struct definition *d, struct process *from,
			ns_set *types, struct error *e)
{
	enum definition_key key;

	*types = definition_types(d);
	if (o->from && (process_hold(o->from, from, e) < 0 ||
			pod_types_of(from, d->namespaces != 0, types, e) < 0))
		return -1;
	return definition_check(d, *types, &key, e);
}

static int make_pod(struct cli *cli, struct pod *pod, const char *name, struct pod_spec *spec,
		    struct store *store, struct error *e)
{
	struct error why;
	bool made;

	if (store_open(store, cli->root, true, e) < 0)
		return -1;
	store->network = cli->network;
	if (pod_make(pod, store, name, spec, &made, e) < 0)
		return -1;
	if (print_pins(pod, spec->types, e) == 0)
		return 0;
	if (!made)
		return -1;
	/* The caller has not learnt of the pod. */
	if (pod_end(pod, &why) < 0)
		log_error(LOG_LEVEL_WARN, &why);
	return -1;
}

static int create_pod(struct cli *cli, struct options *o, const char *name, struct error *e)
{
	cleanup_definition struct definition d = { 0 };
	cleanup_process struct process from = PROCESS_NONE;
	cleanup_store struct store store = STORE_NONE;
	cleanup_pod struct pod pod = POD_NONE;
	struct network_request request;
	struct pod_spec spec = { 0 };
	const char *given = name;

	if ((!name && new_name(&o->given.arena, &name, e) < 0) || pod_check_name(name, e) < 0)
		return -1;
	log_context("create", name);
	if (load_definition(o, given, &d, e) < 0 || choose_types(o, &d, &from, &spec.types, e) < 0)
		return -1;
	spec.from = o->from ? &from : NULL;
	spec.hold = o->hold;
	spec.uid_maps = d.uid_maps;
	spec.gid_maps = d.gid_maps;
	spec.hostname = d.hostname;
	spec.sysctls = d.sysctls;
	spec.sysctl_count = d.sysctl_count;
	spec.hosts = d.hosts;
	spec.host_count = d.host_count;
	if (d.network) {
		definition_ask(&d, name, &request);
		spec.network = &request;
	}
	return make_pod(cli, &pod, name, &spec, &store, e);
}

static int parse_and_create(struct cli *cli, int argc, char **argv, struct error *e)
{
	static const struct option options[] = {
		CLI_OPTIONS,
		{ "namespaces", required_argument, NULL, OPT_NAMESPACES },
		{ "hostname", required_argument, NULL, OPT_HOSTNAME },
		{ "sysctl", required_argument, NULL, OPT_SYSCTL },
		{ "uid-map", required_argument, NULL, OPT_UID_MAP },
		{ "gid-map", required_argument, NULL, OPT_GID_MAP },
		{ "from-pid", required_argument, NULL, OPT_FROM_PID },
		{ "network", required_argument, NULL, OPT_NETWORK },
		{ "publish", required_argument, NULL, OPT_PUBLISH },
		{ "dns", required_argument, NULL, OPT_DNS },
		{ "add-host", required_argument, NULL, OPT_ADD_HOST },
		{ "ingress-rate", required_argument, NULL, OPT_INGRESS_RATE },
		{ "egress-rate", required_argument, NULL, OPT_EGRESS_RATE },
		{ "hold", no_argument, NULL, OPT_HOLD },
		CLI_OPTIONS_END,
	};
	cleanup_options struct options o = { 0 };
	int r;

	o.sysctls = calloc((size_t)argc, sizeof(*o.sysctls));
	if (!o.sysctls)
		return error_nomem(e);
	r = cli_parse(cli, argc, argv, false, options, set_create_option, &o, e);
	if (r == CLI_DONE && argc - optind > 1)
		r = cli_usage(cli, e, "unexpected argument '%s'", argv[optind + 1]);
	if (r == CLI_DONE)
		r = check_together(cli, &o, e);
	return r == CLI_DONE ? create_pod(cli, &o, argv[optind], e) : r;
}

const struct command cli_create = { "create", "make a pod", help, CLI_NETWORK_OF_POD,
				    parse_and_create };
