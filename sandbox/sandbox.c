/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/program.h"

#define CAP(cap) (UINT64_C(1) << (cap))

/* The capabilities that are kept: capabilities(7). All others are dropped. */
static const uint64_t needed =
	CAP(CAP_SYS_ADMIN) |       /* unshare, setns, mount, sethostname */
	CAP(CAP_NET_ADMIN) |       /* lo, net sysctls */
	CAP(CAP_SYS_PTRACE) |      /* /proc/PID/ns of containers of another user */
	CAP(CAP_SYS_RESOURCE) |    /* ipc sysctls above the defaults */
	CAP(CAP_DAC_OVERRIDE) |    /* bundles of other users; pins of mode 0 */
	CAP(CAP_DAC_READ_SEARCH) | /* the same */
	CAP(CAP_CHOWN) |           /* a new config.json gets the owner of the old one */
	CAP(CAP_FOWNER) |          /* and its mode */
	CAP(CAP_FSETID) |          /* set-group-id included */
	CAP(CAP_SETUID) |          /* uid_map; root inside a pod's user namespace */
	CAP(CAP_SETGID) |          /* gid_map; the same */
	CAP(CAP_SETFCAP);          /* a uid_map that maps the host's root: user_namespaces(7) */

static int drop_capabilities(struct error *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return error_set(e, errno, "read our capabilities");
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(needed >> (32 * i));
		data[i].effective &= (uint32_t)(needed >> (32 * i));
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data) < 0)
		return error_set(e, errno, "drop capabilities");
	return 0;
}

int sandbox_enter(struct error *e)
{
	struct sock_fprog filter = {
		.len = sizeof(program) / sizeof(*program),
		.filter = (struct sock_filter *)program,
	};

	if (drop_capabilities(e) < 0)
		return -1;
	/*
	 * Under rootless podman other processes run as the same user; they must not attach to this one
	 * or read its memory.
	 */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(e, errno, "give up privileges");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &filter) < 0) {
		error_set(e, errno, "load the seccomp filter");
		return error_hint(
			e, "the kernel needs CONFIG_SECCOMP_FILTER; --no-sandbox runs without it");
	}
	return 0;
}
