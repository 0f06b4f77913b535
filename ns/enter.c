/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/enter.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <unistd.h>

#include "ns/nsfs.h"

int ns_join(int fd, enum ns_type type, struct error *e)
{
	if (setns(fd, ns_info[type].flag) == 0)
		return 0;
	error_set(e, errno, "enter the pod's %s namespace", ns_info[type].oci);
	if (e->num == EPERM)
		error_hint(e, "this needs CAP_SYS_ADMIN in the user namespace that owns it");
	return -1;
}

static int enter_user(int fd, struct error *e)
{
	if (ns_join(fd, NS_USER, e) < 0)
		return -1;
	/* The user namespace may deny setgroups(2): user_namespaces(7). The groups then stay, unmapped. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return error_set(e, errno, "drop the groups from outside the pod");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return error_set(e, errno, "become root of the pod's user namespace");
	return 0;
}

/* Join those of fds whose owner is `user` if owned, else those with another owner. */
static int join_owned(const int fds[NS_TYPES], struct ns_id user, bool owned, struct error *e)
{
	struct ns_id owner = { 0 };

	for (int t = 0; t < NS_TYPES; t++) {
		if (t == NS_USER || fds[t] < 0)
			continue;
		if (user.ino && ns_owner(fds[t], &owner, e) < 0)
			return -1;
		if (ns_same(owner, user) == owned && ns_join(fds[t], (enum ns_type)t, e) < 0)
			return -1;
	}
	return 0;
}

int ns_enter(const int fds[NS_TYPES], struct error *e)
{
	struct ns_id user = { 0 };

	if (fds[NS_USER] < 0)
		return join_owned(fds, user, false, e);
	if (ns_look(fds[NS_USER], NS_USER, &user) != NS_IS_TYPE)
		return error_set(e, 0,
				 "the pin of the pod's user namespace is not a user namespace");
	if (join_owned(fds, user, false, e) < 0 || enter_user(fds[NS_USER], e) < 0)
		return -1;
	return join_owned(fds, user, true, e);
}
