/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/host.h"

enum host_target host_target_of(const struct plan_input *in, enum ns_type t)
{
	const struct plan_type *x = &in->type[t];

	if (!x->entry || (x->path && ns_same(x->at_path, x->own)) ||
	    (in->has_init && ns_same(x->init, x->own)))
		return TARGET_SHARED;
	if (in->types & NS_BIT(t) && ns_same(x->pin, x->own))
		return TARGET_SHARED;
	return TARGET_OWN;
}

int host_check(const char *what, const char *name, enum ns_type t, enum host_target target,
	       struct error *e)
{
	const char *type = ns_info[t].oci;

	switch (target) {
	case TARGET_OWN:
		return 0;
	case TARGET_NONE:
		return error_set(e, 0,
				 "%s%s: the pod has no %s namespace of its own; this would change "
				 "the host",
				 what, name, type);
	case TARGET_SHARED:
		return error_set(e, 0, "%s%s: the container shares the host's %s namespace", what,
				 name, type);
	case TARGET_PINNED:
		break;
	}
	error_set(e, 0,
		  "%s%s: the pod's %s namespace is the one that podns itself is in, so this "
		  "would change the host",
		  what, name, type);
	return error_hint(e, "leave it out, or give the pod another name");
}

int host_refuse_process(pid_t pid, enum ns_type t, struct error *e)
{
	error_set(e, 0, "process %d is in the %s namespace that podns itself is in", pid,
		  ns_info[t].oci);
	return error_hint(e,
			  "the host's namespaces cannot be a pod's; leave %s out of --namespaces",
			  ns_info[t].brief);
}
