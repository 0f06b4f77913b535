/* SPDX-License-Identifier: Apache-2.0 */
#include "net/options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define PROGRAM "podns-net"

static const char help_text[] =
	"Usage: " PROGRAM " [OPTIONS] COMMAND\n"
	"\n"
	"Attaches the network of a pod of podns(1), and detaches it.\n"
	"\n"
	"  add --network NAME [--publish SPEC]... [--dns IP]... POD\n"
	"             attach the pod to a network, and print the pod's addresses, one a line\n"
	"  del POD    detach it\n"
	"  forget POD\n"
	"             remove the record of its network without detaching it\n"
	"  down POD   detach it, and keep what is needed for up\n"
	"  up POD     attach it again, and print its addresses\n"
	"  check POD  is what was attached still there?\n"
	"  publish POD [--publish SPEC]... [--unpublish SPEC]...\n"
	"             change the published ports\n"
	"  sweep      detach the pods that have ended; print a line for each\n"
	"\n"
	"  --root DIR      where pins and records are (default: /run, or /run/user/UID in the\n"
	"                  user namespace of rootless podman)\n"
	"  --lock-fd N     descriptor of DIR/podns/POD, on which the caller holds the lock\n"
	"  --seconds N     time for all of it (default: 25); a plugin gets at most 10 s\n"
	"  --network NAME  a conflist in " PODNS_CONFDIR "/net.d, or pasta\n"
	"  --publish [IP:]HOST[-LAST]:POD[-LAST][/tcp|udp|sctp]\n"
	"  --unpublish     the same for ports that are published\n"
	"  --dns IP        name server for the pod's resolv.conf\n"
	"  --ingress-rate RATE, --egress-rate RATE\n"
	"                  how much the pod may receive and send, in bits per second\n"
	"  --help          show this\n"
	"  --version       show the version\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

enum {
	OPT_HELP = 256,
	OPT_VERSION,
	OPT_ROOT,
	OPT_LOCK_FD,
	OPT_SECONDS,
	OPT_NETWORK,
	OPT_PUBLISH,
	OPT_UNPUBLISH,
	OPT_DNS,
	OPT_INGRESS_RATE,
	OPT_EGRESS_RATE,
};

static const struct option long_options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "lock-fd", required_argument, NULL, OPT_LOCK_FD },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "network", required_argument, NULL, OPT_NETWORK },
	{ "publish", required_argument, NULL, OPT_PUBLISH },
	{ "unpublish", required_argument, NULL, OPT_UNPUBLISH },
	{ "dns", required_argument, NULL, OPT_DNS },
	{ "ingress-rate", required_argument, NULL, OPT_INGRESS_RATE },
	{ "egress-rate", required_argument, NULL, OPT_EGRESS_RATE },
	{ 0 },
};

const char *const net_command_name[NET_COMMANDS] = {
	[NET_ADD] = "add",         [NET_DEL] = "del",      [NET_CHECK] = "check",
	[NET_PUBLISH] = "publish", [NET_GO_DOWN] = "down", [NET_GO_UP] = "up",
	[NET_FORGET] = "forget",   [NET_SWEEP] = "sweep",
};

static int set_seconds(struct net_options *o, struct error *e)
{
	uint64_t value;

	if (!parse_u64(optarg, 3600, &value) || !value)
		return error_set(e, 0, "--seconds is not a number from 1 to 3600");
	o->seconds = (unsigned)value;
	return 0;
}

static int set_lock_fd(struct net_options *o, struct error *e)
{
	uint64_t value;

	if (!parse_u64(optarg, INT_MAX, &value) || value <= STDERR_FILENO)
		return error_set(e, 0, "--lock-fd is not the number of a descriptor above 2");
	o->lock_fd = (int)value;
	return 0;
}

static int set_network(struct net_options *o, struct error *e)
{
	if (network_check_name(optarg, e) < 0)
		return -1;
	memcpy(o->request.network, optarg, strlen(optarg) + 1);
	return 0;
}

static int add_dns(struct net_options *o, struct error *e)
{
	unsigned char ip[16];

	if (inet_pton(AF_INET, optarg, ip) != 1 && inet_pton(AF_INET6, optarg, ip) != 1)
		return error_set(e, 0, "--dns: '%s' is not an IP address", optarg);
	if (o->request.dns_count == NETWORK_DNS_MAX)
		return error_set(e, 0, "more than %d --dns", NETWORK_DNS_MAX);
	memcpy(o->request.dns[o->request.dns_count++], optarg, strlen(optarg) + 1);
	return 0;
}

static int add_range(struct net_ports *ports, const char *option, struct error *e)
{
	struct port_range range;

	if (port_parse(optarg, &range, e) < 0 ||
	    port_add(ports->list, &ports->count, &range, e) < 0)
		return error_prefix(e, "%s", option);
	return 0;
}

static int set_rate(uint64_t *rate, const char *option, struct error *e)
{
	return bandwidth_parse_rate(optarg, rate, e) < 0 ? error_prefix(e, "%s", option) : 0;
}

static int set_option(struct net_options *o, int option, struct error *e)
{
	switch (option) {
	case OPT_ROOT:
		o->root = optarg;
		return *optarg ? 0 : error_set(e, 0, "--root is empty");
	case OPT_LOCK_FD:
		return set_lock_fd(o, e);
	case OPT_SECONDS:
		return set_seconds(o, e);
	case OPT_NETWORK:
		return set_network(o, e);
	case OPT_INGRESS_RATE:
		return set_rate(&o->request.bandwidth.ingress, "--ingress-rate", e);
	case OPT_EGRESS_RATE:
		return set_rate(&o->request.bandwidth.egress, "--egress-rate", e);
	case OPT_PUBLISH:
		return add_range(&o->publish, "--publish", e);
	case OPT_UNPUBLISH:
		return add_range(&o->drop, "--unpublish", e);
	default:
		return add_dns(o, e);
	}
}

static int set_words(struct net_options *o, int argc, char **argv, struct error *e)
{
	if (optind == argc)
		return error_set(e, 0, "a command is missing");
	for (o->command = 0; o->command < NET_COMMANDS; o->command++)
		if (!strcmp(argv[optind], net_command_name[o->command]))
			break;
	if (o->command == NET_COMMANDS)
		return error_set(e, 0, "no command '%s'", argv[optind]);
	optind++;
	if (o->command != NET_SWEEP) {
		if (optind == argc)
			return error_set(e, 0, "a pod's name is missing");
		o->pod = argv[optind++];
		if (pod_check_name(o->pod, e) < 0)
			return -1;
	}
	return optind < argc ? error_set(e, 0, "unexpected argument '%s'", argv[optind]) : 0;
}

/* An option that the command would ignore is an error. */
static int check_together(const struct net_options *o, struct error *e)
{
	const struct network_request *r = &o->request;
	const char *name = net_command_name[o->command];

	if (o->command == NET_ADD && !*r->network)
		return error_set(e, 0, "add needs --network");
	if (o->command != NET_ADD && (*r->network || r->dns_count))
		return error_set(e, 0, "%s has no --%s", name, *r->network ? "network" : "dns");
	if (o->command != NET_ADD && bandwidth_is_limited(&r->bandwidth))
		return error_set(e, 0, "%s has no --ingress-rate and --egress-rate", name);
	if (o->command != NET_ADD && o->command != NET_PUBLISH && o->publish.count)
		return error_set(e, 0, "%s has no --publish", name);
	if (o->command != NET_PUBLISH && o->drop.count)
		return error_set(e, 0, "%s has no --unpublish", name);
	if (o->command == NET_SWEEP && o->lock_fd >= 0)
		return error_set(e, 0, "sweep has no --lock-fd");
	return 0;
}

static int print_usage_error(const struct error *e)
{
	fprintf(stderr, PROGRAM ": %s (see --help)\n", e->text);
	return 2;
}

static int parse_option(struct net_options *o, int option, char **argv, struct error *e)
{
	switch (option) {
	case OPT_HELP:
		fputs(help_text, stdout);
		return 0;
	case OPT_VERSION:
		puts(PROGRAM " " PACKAGE_VERSION);
		return 0;
	case ':':
		error_set(e, 0, "an argument is missing after '%s'", argv[optind - 1]);
		return print_usage_error(e);
	case '?':
		error_set(e, 0, "unknown option '%s'", argv[optind - 1]);
		return print_usage_error(e);
	default:
		if (set_option(o, option, e) == 0)
			return NET_OPTIONS_GO_ON;
		return print_usage_error(e);
	}
}

static void fill_request(struct net_options *o)
{
	struct network_request *r = &o->request;

	r->verb = NETWORK_ADD;
	memcpy(r->pod, o->pod, strlen(o->pod) + 1);
	memcpy(r->ports, o->publish.list, o->publish.count * sizeof(*r->ports));
	r->port_count = (uint32_t)o->publish.count;
}

int net_parse_options(int argc, char **argv, struct net_options *o)
{
	int option, r = NET_OPTIONS_GO_ON;
	struct error e;

	*o = (struct net_options){ .lock_fd = -1, .seconds = NET_SECONDS };
	while (r == NET_OPTIONS_GO_ON &&
	       (option = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
		r = parse_option(o, option, argv, &e);
	if (r != NET_OPTIONS_GO_ON)
		return r;
	if (set_words(o, argc, argv, &e) < 0 || check_together(o, &e) < 0)
		return print_usage_error(&e);
	if (o->command == NET_ADD)
		fill_request(o);
	return NET_OPTIONS_GO_ON;
}
