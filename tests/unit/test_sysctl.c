/* SPDX-License-Identifier: Apache-2.0 */
#include "ns/sysctl.h"

#include "tests/unit/unit.h"

static void accepts_and_refuses_keys(void)
{
	static const struct {
		const char *key;
		int type;		/* NS_NONE: refused */
		const char *path;	/* or what the refusal says */
	} rows[] = {
		{ "net.ipv4.ip_forward", NS_NET, "net/ipv4/ip_forward" },
		{ "net/ipv4/ip_forward", NS_NET, "net/ipv4/ip_forward" },
		{ "net.ipv4.conf.eth0/100.rp_filter", NS_NET, "net/ipv4/conf/eth0.100/rp_filter" },
		{ "net/ipv4/conf/eth0.100/rp_filter", NS_NET, "net/ipv4/conf/eth0.100/rp_filter" },
		{ "kernel.msgmax", NS_IPC, "kernel/msgmax" },
		{ "kernel.msgmnb", NS_IPC, "kernel/msgmnb" },
		{ "kernel.msgmni", NS_IPC, "kernel/msgmni" },
		{ "kernel.sem", NS_IPC, "kernel/sem" },
		{ "kernel.shmall", NS_IPC, "kernel/shmall" },
		{ "kernel.shmmax", NS_IPC, "kernel/shmmax" },
		{ "kernel.shmmni", NS_IPC, "kernel/shmmni" },
		{ "kernel.shm_rmid_forced", NS_IPC, "kernel/shm_rmid_forced" },
		{ "fs.mqueue.msg_max", NS_IPC, "fs/mqueue/msg_max" },
		{ "kernel.domainname", NS_UTS, "kernel/domainname" },
		{ "kernel.hostname", NS_NONE, "does not live in a namespace" },
		{ "kernel.core_pattern", NS_NONE, "does not live in a namespace" },
		{ "kernel.msgmax.x", NS_NONE, "does not live" },
		{ "kernel.shm_next_id", NS_NONE, "does not live" },
		{ "vm.overcommit_memory", NS_NONE, "does not live" },
		{ "user.max_net_namespaces", NS_NONE, "--sysctl alone" },
		{ "fs.mqueue", NS_NONE, "does not live" },
		{ "fs.file-max", NS_NONE, "does not live" },
		{ "net", NS_NONE, "does not live" },
		{ "network.x", NS_NONE, "does not live" },
		{ "net/../kernel/core_pattern", NS_NONE, "'..'" },
		{ "net.ipv4.../core_pattern", NS_NONE, "components are refused" },
		{ "net/./ipv4/ip_forward", NS_NONE, "'.'" },
		{ "net//ipv4", NS_NONE, "empty" },
		{ "net/", NS_NONE, "empty" },
		{ "net.", NS_NONE, "empty" },
		{ ".net.ipv4.ip_forward", NS_NONE, "empty" },
		{ "/net/ipv4/ip_forward", NS_NONE, "empty" },
		{ "net.ipv4.ip forward", NS_NONE, "printable" },
		{ "net.ipv4\n.ip_forward", NS_NONE, "printable" },
		{ "net.\xc3\xa4", NS_NONE, "printable" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_arena struct arena a = { 0 };
		struct sysctl s = { .type = NS_NONE };
		struct error e;
		int r = sysctl_check(rows[i].key, "1", false, &a, &s, &e);

		unit_row(rows[i].key);
		CHECK((r < 0 ? (int)NS_NONE : (int)s.type) == rows[i].type);
		if (r < 0)
			CHECK_HAS(e.text, rows[i].path);
		else
			CHECK_STR(s.path, rows[i].path);
	}
}

static void trusts_options_with_user_limits(void)
{
	cleanup_arena struct arena a = { 0 };
	struct sysctl s;
	struct error e;

	CHECK(sysctl_check("user.max_net_namespaces", "5", true, &a, &s, &e) == 0);
	CHECK(s.type == NS_USER);
	CHECK(sysctl_check("kernel.core_pattern", "x", true, &a, &s, &e) < 0);
}

/* CVE-2022-0811: a value is one value, whatever is in it. */
static void never_splits_a_value(void)
{
	cleanup_arena struct arena a = { 0 };
	struct sysctl s;
	struct error e;

	CHECK(sysctl_check_pair("kernel.shm_rmid_forced=1+kernel.core_pattern=|/bin/evil #", true,
				&a, &s, &e) == 0);
	CHECK_STR(s.path, "kernel/shm_rmid_forced");
	CHECK_STR(s.value, "1+kernel.core_pattern=|/bin/evil #");
	CHECK(sysctl_check_pair("net.ipv4.ping_group_range=0 100", true, &a, &s, &e) == 0);
	CHECK_STR(s.value, "0 100");
}

static void checks_values_and_pairs(void)
{
	cleanup_arena struct arena a = { 0 };
	struct sysctl s;
	char *text = malloc(8192);
	struct error e;

	CHECK(sysctl_check("net.core.somaxconn", "", false, &a, &s, &e) < 0);
	CHECK(sysctl_check_pair("net.core.somaxconn", true, &a, &s, &e) < 0);
	CHECK(sysctl_check_pair("=1", true, &a, &s, &e) < 0);
	CHECK(sysctl_check_pair("", true, &a, &s, &e) < 0);
	memset(text, 'a', 8191);
	text[4095] = '\0';
	CHECK(sysctl_check("net.core.somaxconn", text, false, &a, &s, &e) == 0);
	text[4095] = 'a';
	text[4096] = '\0';
	CHECK(sysctl_check("net.core.somaxconn", text, false, &a, &s, &e) < 0);
	memcpy(text, "net.", 4);
	text[1024] = '\0';
	CHECK(sysctl_check(text, "1", false, &a, &s, &e) == 0);
	text[1024] = 'a';
	text[1025] = '\0';
	CHECK(sysctl_check(text, "1", false, &a, &s, &e) < 0);
	text[4000] = 'a';
	text[65] = '\0';
	CHECK(sysctl_check("kernel.domainname", text, false, &a, &s, &e) < 0);
	free(text);
}

int main(void)
{
	RUN(accepts_and_refuses_keys);
	RUN(trusts_options_with_user_limits);
	RUN(never_splits_a_value);
	RUN(checks_values_and_pairs);
	return unit_done();
}
