/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/network.h"

#include <string.h>

#define ANNOTATION "annotation io.podns.network"

static int check_agreement(const struct plan_network_input *in, struct error *e)
{
	const char *has = in->recorded ? in->recorded : in->defined;

	if (in->publishes && !in->annotated && !has) {
		error_set(e, 0, "annotation io.podns.publish: the pod has no network");
		return error_hint(e, "name one with io.podns.network");
	}
	if (!in->annotated || !has || !strcmp(in->annotated, has))
		return 0;
	return error_set(e, 0, ANNOTATION " names %s, but pod %s has the network %s", in->annotated,
			 in->pod, has);
}

/* The container does not share the pod's network namespace. */
static int check_absent(const struct plan_network_input *in, struct error *e)
{
	if (!in->annotated)
		return 0;
	if (host_check(ANNOTATION, "", NS_NET, in->target, e) < 0)
		return error_hint(e, "leave the annotation out, or --network host");
	return error_set(e, 0,
			 ANNOTATION ": the container does not share the pod's network namespace");
}

static int check_joined(const struct plan_network_input *in, struct error *e)
{
	if (!in->annotated || in->recorded)
		return 0;
	error_set(e, 0, ANNOTATION ": pod %s exists already, without a network", in->pod);
	return error_hint(
		e, "the container that begins the pod brings the network; end the pod first");
}

/* Only the run of podns create knew the ports of a pod that no definition or annotation describes. */
static int plan_first(const struct plan_network_input *in, const char *wanted, const char **network,
		      struct error *e)
{
	*network = wanted;
	if (wanted || !in->recorded)
		return 0;
	error_set(e, 0, "the network namespace of pod %s, which had the network %s, is gone",
		  in->pod, in->recorded);
	return error_hint(e, "`podns rm --force %s`, then make the pod as before", in->pod);
}

int plan_network(const struct plan_network_input *in, const char **network, struct error *e)
{
	const char *wanted = in->defined ? in->defined : in->annotated;

	*network = NULL;
	if (check_agreement(in, e) < 0)
		return -1;
	if (in->verb == PLAN_LEAVE)
		return check_absent(in, e);
	if (in->verb != PLAN_JOIN)
		return plan_first(in, wanted, network, e);
	if (check_joined(in, e) < 0)
		return -1;
	if (!in->recorded || in->attached)
		return 0;
	*network = wanted;
	if (wanted)
		return 0;
	error_set(e, 0, "the network %s of pod %s is not attached", in->recorded, in->pod);
	return error_hint(e, "`podns network up %s` attaches it", in->pod);
}
