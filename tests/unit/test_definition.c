/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "pod/definition.h"
#include "pod/unit_file.h"

#include "tests/unit/unit.h"

static struct error e;

static int parse(struct definition *d, const char *text)
{
	return definition_parse(d, "/w.pod", text, strlen(text), &e);
}

/* --- the syntax ------------------------------------------------------------------ */

/* Writes "section:key=word|word|" a line into a buffer. */
static int write_entry(void *arg, struct unit_entry *entry, struct error *error)
{
	char *word;
	int r;

	if (!entry->key)
		return buf_concat(arg, "[", entry->section, "]\n", NULL);
	buf_concat(arg, decimal(entry->line).text, ":", entry->section, ":", entry->key, "=", NULL);
	while ((r = unit_word(&entry->value, &word, error)) > 0)
		buf_concat(arg, word, "|", NULL);
	return r < 0 ? r : buf_adds(arg, "\n");
}

static void the_syntax_is_that_of_systemd(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "", "" },
		{ "\n \n# x\n;y\n  # z = \\\n", "" },
		{ "[Pod]", "[Pod]\n" },
		{ " [Pod] \r\nA=b\r\n", "[Pod]\n2:Pod:A=b|\n" },
		{ "[Section A]\nKeyOne=value 1\n", "[Section A]\n2:Section A:KeyOne=value|1|\n" },
		{ "[P]\n  A \t=\t b\t c  \n", "[P]\n2:P:A=b|c|\n" },
		{ "[P]\nA=\nB= \n", "[P]\n2:P:A=\n3:P:B=\n" },
		{ "[P]\nA=b=c", "[P]\n2:P:A=b=c|\n" },
		{ "[P]\nA=\"something\" \"some thing\" '...'",
		  "[P]\n2:P:A=something|some thing|...|\n" },
		{ "[P]\nA=\"it's\" ''", "[P]\n2:P:A=it's||\n" },
		{ "[P]\nA=value 2 \\\n       value 2 continued\nB=c",
		  "[P]\n2:P:A=value|2|value|2|continued|\n4:P:B=c|\n" },
		/* The backslash becomes a space. */
		{ "[P]\nA=value 3\\\n# ignored\n; ignored too \\\n  continued\\\n2",
		  "[P]\n2:P:A=value|3|continued|2|\n" },
		{ "[P]\nA\\\n=\\\nb", "[P]\n2:P:A=b|\n" },
		{ "[P]\nA=\"b\\\nc\"", "[P]\n2:P:A=b c|\n" },
		{ "[P]\nA=caf\xc3\xa9", "[P]\n2:P:A=caf\xc3\xa9|\n" },
		{ "[P]\nA=b#c;d", "[P]\n2:P:A=b#c;d|\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf out = { 0 };

		unit_row(rows[i].text);
		CHECK(unit_parse("f", rows[i].text, strlen(rows[i].text), write_entry, &out, &e) ==
		      0);
		CHECK_STR(out.len ? out.data : "", rows[i].should);
	}
}

static void malformed_lines_are_refused_by_number(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "A=b", "f:1: 'A' is before the first [SECTION]" },
		{ "[P]\n\nAb", "f:3: expected KEY=VALUE or [SECTION], not 'Ab'" },
		{ "[P]\n=b", "f:2: there is no key before the '='" },
		{ "[P", "f:1: expected [SECTION], not '[P'" },
		{ "[]", "f:1: expected [SECTION], not '[]'" },
		{ "[", "f:1: expected [SECTION], not '['" },
		{ "[P]x", "f:1: expected [SECTION], not '[P]x'" },
		{ "[[P]]", "f:1: expected [SECTION], not '[[P]]'" },
		{ "[P] # x", "f:1: expected [SECTION], not '[P] # x'" },
		{ "[P]\nA=b\\", "f:2: the file ends after a backslash" },
		{ "[P]\nA=b\\\n# c\n", "f:2: the file ends after a backslash" },
		{ "[P]\nA=b\\\n \nB=c", "f:2: an empty line follows a backslash" },
		{ "[P]\nA=b\\ \nB=c",
		  "f:2: there are blanks after the backslash at the end of the line" },
		{ "[P]\nA=b\\\nAb", NULL },
		{ "[P]\nA=\"b", "f:2: a quote inside of a value, or without a second one" },
		{ "[P]\nA=\"b\"c", "f:2: a quote inside of a value, or without a second one" },
		{ "[P]\nA=b\"c d\"", "f:2: a quote inside of a value, or without a second one" },
		{ "[P]\nA=it's", "f:2: a quote inside of a value, or without a second one" },
		{ "[P]\nA=b\\tc", "f:2: 'b\\tc': a backslash is not supported in a value" },
		{ "[P]\nA=\"\\\"\"", "f:2: a quote inside of a value, or without a second one" },
		{ "[P]\nA=%i", "f:2: '%i': specifiers (%i and the like) are not supported here" },
		{ "[P]\nA=b # c", "f:2: a comment needs a line of its own" },
		{ "[P]\nA=b ;c", "f:2: a comment needs a line of its own" },
		{ "[P]\n\nA=caf\xe9", "f:3: it is not UTF-8" },
		{ "[P]\n# caf\xe9", "f:2: it is not UTF-8" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf out = { 0 };
		int r;

		unit_row(rows[i].text);
		r = unit_parse("f", rows[i].text, strlen(rows[i].text), write_entry, &out, &e);
		CHECK(r == (rows[i].should ? -1 : 0));
		if (rows[i].should)
			CHECK_STR(e.text, rows[i].should);
	}
}

static void a_nul_byte_is_refused(void)
{
	cleanup_buf struct buf out = { 0 };

	CHECK(unit_parse("f", "[P]\nA=b\0c", 9, write_entry, &out, &e) == -1);
	CHECK_STR(e.text, "f:2: there is a NUL byte in it");
}

/* --- the keys ----------------------------------------------------------------------- */

static void every_key_is_set(void)
{
	static const char text[] = "# web\n"
				   "[Unit]\nDescription=a web pod\n"
				   "[Pod]\n"
				   "Namespaces=net,ipc uts\n"
				   "Namespaces=user\n"
				   "HostName=www\n"
				   "Network=lan\n"
				   "PublishPort=8080:80 127.0.0.1:5353:53/udp\n"
				   "PublishPort=[2001:db8::1]:9000-9009:9000-9009\n"
				   "DNS=192.0.2.53\n"
				   "DNS=2001:DB8:0::53\n"
				   "AddHost=db:192.0.2.7\n"
				   "AddHost=db:2001:db8::7\n"
				   "ShmSize=128m\n"
				   "UIDMap=0:100000:1000 1000:300000:1\n"
				   "GIDMap=0:100000:1000\n"
				   "Sysctl=net.ipv4.ip_forward=1 \"kernel.sem=1 2 3 4\"\n"
				   "X-Note=anything\n"
				   "[Install]\nWantedBy=multi-user.target\n"
				   "[X-Other]\nA=b\n";
	struct definition d;

	if (!CHECK(parse(&d, text) == 0))
		printf("# %s\n", e.text);
	CHECK(d.namespaces == (NS_BIT(NS_NET) | NS_BIT(NS_IPC) | NS_BIT(NS_UTS) | NS_BIT(NS_USER)));
	CHECK_STR(d.hostname, "www");
	CHECK_STR(d.network, "lan");
	if (CHECK(d.port_count == 3)) {
		CHECK_STR(port_format(&d.ports[0]).text, "8080:80/tcp");
		CHECK_STR(port_format(&d.ports[1]).text, "127.0.0.1:5353:53/udp");
		CHECK_STR(port_format(&d.ports[2]).text, "[2001:db8::1]:9000-9009:9000-9009/tcp");
	}
	if (CHECK(d.dns_count == 2)) {
		CHECK_STR(d.dns[0], "192.0.2.53");
		CHECK_STR(d.dns[1], "2001:db8::53");
	}
	if (CHECK(d.host_count == 2)) {
		CHECK_STR(d.hosts[0].name, "db");
		CHECK_STR(d.hosts[0].address, "192.0.2.7");
		CHECK_STR(d.hosts[1].address, "2001:db8::7");
	}
	CHECK(d.shm_size == 128 << 20);
	if (CHECK(d.uid_maps.count == 2 && d.gid_maps.count == 1))
		CHECK(d.uid_maps.map[1].container == 1000 && d.uid_maps.map[1].host == 300000);
	if (CHECK(d.sysctl_count == 2)) {
		CHECK_STR(d.sysctls[0].path, "net/ipv4/ip_forward");
		CHECK_STR(d.sysctls[1].value, "1 2 3 4");
		CHECK(d.sysctls[1].trusted);
	}
	definition_free(&d);
}

static void an_empty_section_defines_nothing(void)
{
	struct definition d;

	CHECK(parse(&d, "[Pod]\n") == 0);
	CHECK(!d.namespaces && !d.hostname && !d.network && !d.port_count && !d.dns_count);
	CHECK(!d.host_count && !d.shm_size && !d.uid_maps.count && !d.gid_maps.count);
	CHECK(!d.sysctl_count && definition_types(&d) == ns_default_set);
	definition_free(&d);
}

static void an_empty_value_resets_its_key(void)
{
	static const char text[] = "[Pod]\n"
				   "Namespaces=uts\nNamespaces=\nNamespaces=net ipc uts\n"
				   "HostName=a\nHostName=\nHostName=b\n"
				   "Network=a\nNetwork=\nNetwork=b\n"
				   "PublishPort=80:80\nPublishPort=\nPublishPort=80:81\n"
				   "DNS=192.0.2.1\nDNS=\nDNS=192.0.2.1\n"
				   "AddHost=a:192.0.2.1\nAddHost=\nAddHost=a:192.0.2.2\n"
				   "ShmSize=1m\nShmSize=\nShmSize=2m\n"
				   "IngressRate=1M\nIngressRate=\nEgressRate=1M\nEgressRate=\n"
				   "EgressRate=2M\n"
				   "Sysctl=kernel.msgmax=1\nSysctl=\nSysctl=kernel.msgmax=2\n"
				   "UIDMap=0:1:1\nGIDMap=0:1:1\nUIDMap=\nGIDMap=\n";
	struct definition d;

	if (!CHECK(parse(&d, text) == 0))
		printf("# %s\n", e.text);
	CHECK(d.namespaces == ns_default_set);
	CHECK_STR(d.hostname, "b");
	CHECK_STR(d.network, "b");
	CHECK(d.port_count == 1 && d.ports[0].pod == 81);
	CHECK(d.dns_count == 1 && d.host_count == 1 && d.shm_size == 2 << 20);
	CHECK_STR(d.hosts[0].address, "192.0.2.2");
	CHECK(!d.bandwidth.ingress && d.bandwidth.egress == 2000000);
	CHECK(d.sysctl_count == 1 && !strcmp(d.sysctls[0].value, "2"));
	CHECK(!d.uid_maps.count && !d.gid_maps.count);
	definition_free(&d);
}

static void bad_values_are_refused_by_line(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "", "/w.pod: there is no section [Pod]" },
		{ "[Unit]\nA=b", "/w.pod: there is no section [Pod]" },
		{ "[Container]\n", "/w.pod:1: there is no section [Container]" },
		{ "[pod]\n", "/w.pod:1: there is no section [pod]" },
		{ "[Pod]\nnetwork=a", "/w.pod:2: network: there is no such key" },
		{ "[Pod]\nVolume=/a:/b",
		  "/w.pod:2: Volume: Quadlet has this key, but pods of oci-podns do not" },
		{ "[Pod]\nHostName=a\nHostName=b", "/w.pod:3: HostName is set already, in line 2" },
		{ "[Pod]\nNetwork=a\nNetwork=a", "/w.pod:3: Network is set already, in line 2" },
		{ "[Pod]\nShmSize=1\nShmSize=1", "/w.pod:3: ShmSize is set already, in line 2" },
		{ "[Pod]\nHostName=a b", "/w.pod:2: HostName: it has one value, and no more" },
		{ "[Pod]\nHostName=\"a b\"",
		  "/w.pod:2: HostName: hostname 'a b' has a space, a '/' or a control character in "
		  "it" },
		{ "[Pod]\nNetwork=host",
		  "/w.pod:2: Network: 'host' is no network that a pod can be attached to" },
		{ "[Pod]\nNetwork=none",
		  "/w.pod:2: Network: 'none' is no network that a pod can be attached to" },
		{ "[Pod]\nNetwork=lan.network",
		  "/w.pod:2: Network: 'lan.network' is a unit of Quadlet's" },
		{ "[Pod]\nNetwork=lan:ip=192.0.2.1",
		  "/w.pod:2: Network: 'lan:ip=192.0.2.1' is not the name of a network" },
		{ "[Pod]\nNetwork=a\nPublishPort=80",
		  "/w.pod:3: PublishPort: port '80': expected [IP:]HOST:POD[/PROTOCOL]" },
		{ "[Pod]\nNetwork=a\nPublishPort=80:80\nPublishPort=80:81",
		  "/w.pod:4: PublishPort: port 80:81/tcp is published already, by 80:80/tcp" },
		{ "[Pod]\nDNS=none", "/w.pod:2: DNS: 'none' is not an IP address" },
		{ "[Pod]\nDNS=fe80::1%eth0",
		  "/w.pod:2: DNS: 'fe80::1%eth0': specifiers (%i and the like) are not supported "
		  "here" },
		{ "[Pod]\nDNS=::1 0:0::1", "/w.pod:2: DNS: ::1 is given twice" },
		{ "[Pod]\nDNS=192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 "
		  "192.0.2.7 192.0.2.8 192.0.2.9",
		  "/w.pod:2: DNS: there may be no more than 8" },
		{ "[Pod]\nAddHost=db", "/w.pod:2: AddHost: 'db': expected NAME:IP" },
		{ "[Pod]\nAddHost=:192.0.2.1",
		  "/w.pod:2: AddHost: ':192.0.2.1': expected NAME:IP" },
		{ "[Pod]\nAddHost=\"d b:192.0.2.1\"",
		  "/w.pod:2: AddHost: 'd b:192.0.2.1': expected NAME:IP" },
		{ "[Pod]\nAddHost=db:host-gateway",
		  "/w.pod:2: AddHost: 'host-gateway' is not an IP address" },
		{ "[Pod]\nAddHost=db:192.0.2.1 DB:192.0.2.2",
		  "/w.pod:2: AddHost: DB has the IPv4 address 192.0.2.1 already" },
		{ "[Pod]\nShmSize=0", "/w.pod:2: ShmSize: '0' is not allowed: 0 means no limit" },
		{ "[Pod]\nShmSize=1t", "/w.pod:2: ShmSize: '1t' is not a size" },
		{ "[Pod]\nIngressRate=fast", "/w.pod:2: IngressRate: 'fast' is no rate" },
		{ "[Pod]\nEgressRate=1M 2M",
		  "/w.pod:2: EgressRate: it has one value, and no more" },
		{ "[Pod]\nUIDMap=0:1", "/w.pod:2: UIDMap: id mapping '0:1' cannot be read" },
		{ "[Pod]\nNamespaces=pid",
		  "/w.pod:2: Namespaces: namespace type pid cannot be shared: a pid namespace dies "
		  "with its init process, so each container keeps its own" },
		{ "[Pod]\nNamespaces=net uts\nNamespaces=network",
		  "/w.pod:3: Namespaces: net is given twice" },
		{ "[Pod]\nSysctl=kernel.sem=1 2", "/w.pod:2: Sysctl: expected KEY=VALUE, not '2'" },
		{ "[Pod]\nSysctl=net.ipv4.ip_forward=1\nSysctl=net/ipv4/ip_forward=0",
		  "/w.pod:3: Sysctl: net/ipv4/ip_forward is set twice" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct definition d;

		unit_row(rows[i].text);
		CHECK(parse(&d, rows[i].text) == -1);
		CHECK_STR(e.text, rows[i].should);
		definition_free(&d);
	}
}

/* The line is that of the key that cannot be. */
static void what_needs_each_other_is_checked(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "[Pod]\nPublishPort=80:80\n#",
		  "/w.pod:2: PublishPort: port 80:80/tcp is published, but the pod has no network" },
		{ "[Pod]\n\nDNS=192.0.2.1",
		  "/w.pod:3: DNS: the DNS server 192.0.2.1 is given, but the pod has no network" },
		{ "[Pod]\n\nEgressRate=1M",
		  "/w.pod:3: EgressRate: a rate is given, but the pod has no network" },
		{ "[Pod]\nNetwork=a\nNamespaces=uts",
		  "/w.pod:2: Network: network a: the pod has no network namespace of its own; this "
		  "would change the host" },
		{ "[Pod]\nUIDMap=0:1:1",
		  "/w.pod:2: UIDMap: mappings of uids and of gids need each other" },
		{ "[Pod]\nGIDMap=0:1:1",
		  "/w.pod:2: GIDMap: mappings of uids and of gids need each other" },
		{ "[Pod]\nNamespaces=net\nUIDMap=0:1:1\nGIDMap=0:1:1",
		  "/w.pod:3: UIDMap: mappings are given, but user is not among the namespaces" },
		{ "[Pod]\nHostName=a\nNamespaces=net",
		  "/w.pod:2: HostName: hostname a: the pod has no uts namespace of its own; this "
		  "would change the host" },
		{ "[Pod]\nShmSize=1m\nNamespaces=net",
		  "/w.pod:2: ShmSize: without an ipc namespace the pod has no /dev/shm of its own" },
		{ "[Pod]\nSysctl=kernel.msgmax=1\nNamespaces=net",
		  "/w.pod:2: Sysctl: sysctl kernel.msgmax: the pod has no ipc namespace of its own; "
		  "this would change the host" },
		{ "[Pod]\nSysctl=user.max_net_namespaces=1",
		  "/w.pod:2: Sysctl: sysctl user.max_net_namespaces: the pod has no user namespace "
		  "of its own; this would change the host" },
		{ "[Pod]\nUIDMap=0:1:1\nGIDMap=0:1:1\nSysctl=user.max_net_namespaces=1", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct definition d;

		unit_row(rows[i].text);
		CHECK(parse(&d, rows[i].text) == (rows[i].should ? -1 : 0));
		if (rows[i].should)
			CHECK_STR(e.text, rows[i].should);
		definition_free(&d);
	}
}

/* --- merged with options -------------------------------------------------------------- */

static void options_replace_or_add(void)
{
	struct definition d, given;

	CHECK(parse(&d,
		    "[Pod]\nNamespaces=net\nNetwork=a\nPublishPort=80:80\nDNS=192.0.2.1\n"
		    "AddHost=a:192.0.2.1\nIngressRate=1M\nEgressRate=1M\nSysctl=net.ipv4.ip_forward=0") ==
	      0);
	CHECK(parse(&given,
		    "[Pod]\nHostName=b\nNetwork=b\nPublishPort=81:80\nDNS=192.0.2.2\n"
		    "EgressRate=2M\nAddHost=b:192.0.2.1\nShmSize=1m\nUIDMap=0:1:1\nGIDMap=0:1:1\n"
		    "Sysctl=net.ipv4.ip_forward=1") == 0);
	CHECK(definition_merge(&d, &given, &e) == 0);
	CHECK(d.namespaces == NS_BIT(NS_NET) && d.shm_size == 1 << 20);
	CHECK_STR(d.hostname, "b");
	CHECK_STR(d.network, "b");
	CHECK(d.port_count == 2 && d.dns_count == 2 && d.host_count == 2);
	CHECK(d.bandwidth.ingress == 1000000 && d.bandwidth.egress == 2000000);
	CHECK(d.uid_maps.count == 1 && d.gid_maps.count == 1);
	/* They are set in this order. */
	if (CHECK(d.sysctl_count == 2))
		CHECK_STR(d.sysctls[1].value, "1");
	definition_free(&d);
	definition_free(&given);
}

static void options_in_conflict_are_refused(void)
{
	static const struct {
		const char *text, *given, *should;
	} rows[] = {
		{ "[Pod]\nNetwork=a\nPublishPort=80:80",
		  "[Pod]\nNetwork=b\nPublishPort=127.0.0.1:80:81",
		  "port 127.0.0.1:80:81/tcp is published already, by 80:80/tcp" },
		{ "[Pod]\nNetwork=a\nDNS=::1", "[Pod]\nNetwork=a\nDNS=::1",
		  "DNS server: ::1 is given twice" },
		{ "[Pod]\nAddHost=a:::1", "[Pod]\nAddHost=a:::2",
		  "host: a has the IPv6 address ::1 already" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct definition d, given;

		unit_row(rows[i].should);
		CHECK(parse(&d, rows[i].text) == 0 && parse(&given, rows[i].given) == 0);
		CHECK(definition_merge(&d, &given, &e) == -1);
		CHECK_STR(e.text, rows[i].should);
		definition_free(&d);
		definition_free(&given);
	}
}

static void a_request_says_what_is_defined(void)
{
	struct network_request r;
	struct definition d;

	CHECK(parse(&d, "[Pod]\nNetwork=lan\nPublishPort=80:80 81:81\nDNS=::1\nIngressRate=1G") ==
	      0);
	definition_ask(&d, "web", &r);
	CHECK(r.verb == NETWORK_ADD && r.port_count == 2 && r.dns_count == 1);
	CHECK_STR(r.pod, "web");
	CHECK_STR(r.network, "lan");
	CHECK_STR(r.dns[0], "::1");
	CHECK(r.ports[1].host == 81);
	CHECK(r.bandwidth.ingress == 1000000000 && !r.bandwidth.egress);
	definition_free(&d);
}

static void a_hook_shares_no_mount_namespace(void)
{
	struct definition d;

	CHECK(parse(&d, "[Pod]\nNamespaces=net mount") == 0);
	CHECK(definition_check_hook(&d, "web", &e) == -1);
	CHECK_STR(e.text, DEFINITION_DIR "/web.pod: Namespaces: a hook cannot share mnt");
	definition_free(&d);
	CHECK(parse(&d, "[Pod]\nNamespaces=net cgroup") == 0);
	CHECK(definition_check_hook(&d, "web", &e) == 0);
	definition_free(&d);
}

int main(void)
{
	RUN(the_syntax_is_that_of_systemd);
	RUN(malformed_lines_are_refused_by_number);
	RUN(a_nul_byte_is_refused);
	RUN(every_key_is_set);
	RUN(an_empty_section_defines_nothing);
	RUN(an_empty_value_resets_its_key);
	RUN(bad_values_are_refused_by_line);
	RUN(what_needs_each_other_is_checked);
	RUN(options_replace_or_add);
	RUN(options_in_conflict_are_refused);
	RUN(a_request_says_what_is_defined);
	RUN(a_hook_shares_no_mount_namespace);
	return unit_done();
}
