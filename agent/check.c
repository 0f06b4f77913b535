/* SPDX-License-Identifier: Apache-2.0 */
/* What a request may ask for. Pure functions: nothing here makes system calls. */
#include <string.h>

#include "agent/agent.h"

/* A stage needs three: an old network detached, one attached, and that detached again. */
#define REQUESTS_MAX 4

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* Numbers and strings are in their bounds. */
static int check_form(const struct network_request *r, struct error *e)
{
	bool fine = r->verb >= NETWORK_ADD && r->verb < NETWORK_VERBS &&
		    is_terminated(r->pod, sizeof(r->pod)) &&
		    is_terminated(r->network, sizeof(r->network)) &&
		    r->port_count <= PORT_RANGES_MAX && r->dns_count <= NETWORK_DNS_MAX &&
		    bandwidth_is_valid(&r->bandwidth);

	for (size_t i = 0; fine && i < r->dns_count; i++)
		fine = is_terminated(r->dns[i], sizeof(r->dns[i]));
	for (size_t i = 0; fine && i < r->port_count; i++) {
		const struct port_text text = port_format(&r->ports[i]);
		struct port_range same;

		/* Only what podns-net reads as this very range. */
		fine = port_parse(text.text, &same, e) == 0 && port_equal(&same, &r->ports[i]);
	}
	return fine ? 0 : error_set(e, 0, "a malformed request for a network");
}

static int check_pod(const struct agent *agent, const struct network_request *r, struct error *e)
{
	if (pod_check_name(r->pod, e) < 0)
		return -1;
	if (agent->policy.sweep || !agent->pod || !strcmp(agent->pod, r->pod))
		return 0;
	return error_set(e, 0, "a request for pod %s, after one for pod %s", r->pod, agent->pod);
}

/* Is it what root wrote? */
static bool is_defined(const struct network_request *r, const struct definition *d)
{
	if (!d->network || strcmp(d->network, r->network) || d->port_count != r->port_count ||
	    d->dns_count != r->dns_count || !bandwidth_equal(&d->bandwidth, &r->bandwidth))
		return false;
	for (size_t i = 0; i < r->port_count; i++)
		if (!port_equal(&d->ports[i], &r->ports[i]))
			return false;
	for (size_t i = 0; i < r->dns_count; i++)
		if (strcmp(d->dns[i], r->dns[i]))
			return false;
	return true;
}

static int check_annotated(const struct agent_policy *policy, const struct network_request *r,
			   struct error *e)
{
	if (!policy->network_annotation) {
		error_set(e, 0, "network %s is named by an annotation", r->network);
		return error_hint(e, "root allows that with the option --network-annotation");
	}
	if (r->dns_count)
		return error_set(e, 0, "DNS servers are not for annotations to choose");
	if (bandwidth_is_limited(&r->bandwidth))
		return error_set(e, 0, "rates are not for annotations to choose");
	if (r->port_count && !policy->publish_low) {
		error_set(e, 0, "a port is published by an annotation");
		return error_hint(e,
				  "root allows that with the option --publish-annotation LOW-HIGH");
	}
	for (size_t i = 0; i < r->port_count; i++)
		if (port_check_bounds(&r->ports[i], policy->publish_low, policy->publish_high, e) <
		    0)
			return -1;
	return 0;
}

static int check_add(const struct agent *agent, const struct network_request *r,
		     const struct definition *definition, struct error *e)
{
	if (!agent->policy.adds)
		return error_set(e, 0, "no network is attached at this stage");
	if (network_check_name(r->network, e) < 0)
		return -1;
	if (agent->policy.anything || is_defined(r, definition))
		return 0;
	if (definition->network)
		return error_set(e, 0, "not the network that the definition of pod %s has", r->pod);
	return check_annotated(&agent->policy, r, e);
}

int agent_check(const struct agent *agent, const struct network_request *request,
		const struct definition *definition, struct error *e)
{
	if (!agent->policy.sweep && agent->requests >= REQUESTS_MAX)
		return error_set(e, 0, "too many requests for a network");
	if (check_form(request, e) < 0)
		return -1;
	if (request->verb == NETWORK_SWEEP)
		return agent->policy.sweep ? 0 : error_set(e, 0, "no sweep at this stage");
	if (check_pod(agent, request, e) < 0)
		return -1;
	if (request->verb == NETWORK_FORGET && !agent->policy.sweep)
		return error_set(e, 0, "no network is forgotten at this stage");
	return request->verb == NETWORK_ADD ? check_add(agent, request, definition, e) : 0;
}
