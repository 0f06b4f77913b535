/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/text.h"
#include "base/trust.h"
#include "pod/name.h"
#include "runtime/settings.h"

#include "tests/unit/unit.h"

static struct error e;

static int parse(struct settings *s, const char *text)
{
	return settings_parse(s, "/r.conf", text, strlen(text), &e);
}

static void an_empty_file_says_the_defaults(void)
{
	static const char *const rows[] = { "", "\n", "# a comment\n \t\n#\r\n", "\n\n  # x = y" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings s;

		unit_row(rows[i]);
		CHECK(parse(&s, rows[i]) == 0);
		CHECK(!s.runtime && !s.hook.stage.root && !s.hook.log_file);
		CHECK(s.hook.stage.namespaces == ns_default_set && s.hook.stage.sysctl_count == 0);
		CHECK_STR(s.hook.stage.pod_annotation, ANNOTATION_POD);
		CHECK(!s.hook.stage.trust_annotations && !s.hook.stage.keep);
		CHECK(s.hook.log_level == LOG_LEVEL_WARN && s.hook.syslog && s.hook.sandbox);
		CHECK(!settings_hook_args(&s)[0]);
		settings_free(&s);
	}
}

static void every_key_is_set(void)
{
	static const char text[] = "runtime = /usr/sbin/runc\n"
				   "root=/run/x\n"
				   "\tnamespaces =  net,ipc \r\n"
				   "sysctl = net.ipv4.ip_default_ttl=7\n"
				   "# between\n"
				   "sysctl = \"kernel.sem=1 2 # 3\"\n"
				   "pod-annotation = com.example.pod\n"
				   "trust-annotations\n"
				   "keep = true\n"
				   "log-level = debug\n"
				   "log-file = \"/var/log/a b\"\n"
				   "no-syslog = \"true\"\n"
				   "no-sandbox";
	struct settings s;

	CHECK(parse(&s, text) == 0);
	CHECK_STR(s.runtime, "/usr/sbin/runc");
	CHECK_STR(s.hook.stage.root, "/run/x");
	CHECK(s.hook.stage.namespaces == (NS_BIT(NS_NET) | NS_BIT(NS_IPC)));
	if (CHECK(s.hook.stage.sysctl_count == 2)) {
		CHECK_STR(s.hook.stage.sysctls[0], "net.ipv4.ip_default_ttl=7");
		CHECK_STR(s.hook.stage.sysctls[1], "kernel.sem=1 2 # 3");
	}
	CHECK_STR(s.hook.stage.pod_annotation, "com.example.pod");
	CHECK(s.hook.stage.trust_annotations && s.hook.stage.keep);
	CHECK(s.hook.log_level == LOG_LEVEL_DEBUG && !s.hook.syslog && !s.hook.sandbox);
	CHECK_STR(s.hook.log_file, "/var/log/a b");
	settings_free(&s);
}

/* hook_settings_policy(): what the agent grants is what root's options say. */
static void the_agent_allows_what_options_allow(void)
{
	struct agent_policy policy;
	struct settings s;

	CHECK(parse(&s, "trust-annotations\nroot=/run/x\n") == 0);
	policy = hook_settings_policy(&s.hook);
	CHECK(!policy.network_annotation && !policy.publish_low && !policy.publish_high);
	CHECK(!policy.anything && !policy.sweep);
	settings_free(&s);
	CHECK(parse(&s, "network-annotation\n") == 0);
	policy = hook_settings_policy(&s.hook);
	CHECK(policy.network_annotation && !policy.publish_low && !policy.publish_high);
	CHECK(!policy.anything && !policy.sweep);
	settings_free(&s);
	CHECK(parse(&s, "publish-annotation = 8000-8999\n") == 0);
	policy = hook_settings_policy(&s.hook);
	CHECK(!policy.network_annotation && policy.publish_low == 8000 &&
	      policy.publish_high == 8999);
	settings_free(&s);
}

/* The arguments, with a '|' after each. */
static const char *hook_args(struct arena *a, const char *text)
{
	const char *all = "";
	struct settings s;

	if (parse(&s, text) < 0)
		all = e.text;
	else
		for (const char *const *arg = settings_hook_args(&s); *arg; arg++)
			all = arena_concat(a, all, *arg, "|", NULL);
	settings_free(&s);
	return all;
}

static void the_hook_is_given_the_same(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "runtime = crun", "" },
		{ "root = /run/x", "--root|/run/x|" },
		{ "keep = false\nno-syslog = false\nno-sandbox=false\ntrust-annotations=false",
		  "" },
		{ "keep\nno-syslog=true\nno-sandbox\ntrust-annotations",
		  "--keep|--no-syslog|--no-sandbox|--trust-annotations|" },
		{ "sysctl=net.x=\nroot=-x\nsysctl=\"net.y=a b\"",
		  "--sysctl|net.x=|--root|-x|--sysctl|net.y=a b|" },
		{ "namespaces = \"net uts\"\nlog-level = info\nlog-file=/l\npod-annotation=k",
		  "--namespaces|net uts|--log-level|info|--log-file|/l|--pod-annotation|k|" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena a = { 0 };

		unit_row(rows[i].text);
		CHECK_STR(hook_args(&a, rows[i].text), rows[i].should);
		arena_free(&a);
	}
}

static void what_is_wrong_is_refused_by_line(void)
{
	static const struct {
		const char *text, *should;
	} rows[] = {
		{ "roots = /run", "/r.conf:1: roots: there is no such key" },
		{ "\n# x\n=/run", "/r.conf:3: there is no key before the =" },
		{ "Root = /run", "/r.conf:1: Root: there is no such key" },
		{ "--root = /run", "/r.conf:1: --root: there is no such key" },
		{ "stage = precreate", "/r.conf:1: stage: there is no such key" },
		{ "root /run", "/r.conf:1: root /run: there is no such key" },
		{ "root", "/r.conf:1: root: it has no value" },
		{ "runtime", "/r.conf:1: runtime: it has no value" },
		{ "root =", "/r.conf:1: root: must not be empty" },
		{ "root = \"\"", "/r.conf:1: root: must not be empty" },
		{ "log-file = ", "/r.conf:1: log-file: must not be empty" },
		{ "pod-annotation = ", "/r.conf:1: pod-annotation: must not be empty" },
		{ "keep\nroot = /a\nroot = /b", "/r.conf:3: root: it is set twice" },
		{ "keep = false\nkeep", "/r.conf:2: keep: it is set twice" },
		{ "runtime = a\nruntime = a", "/r.conf:2: runtime: it is set twice" },
		{ "runtime = ", "/r.conf:1: runtime: expected an absolute path, or a name without "
				"'/', not ''" },
		{ "runtime = bin/runc", "/r.conf:1: runtime: expected an absolute path, or a name "
					"without '/', not 'bin/runc'" },
		{ "keep = yes", "/r.conf:1: keep: expected true or false, not 'yes'" },
		{ "keep =", "/r.conf:1: keep: expected true or false, not ''" },
		{ "log-level = loud", "/r.conf:1: log-level: no such level 'loud'" },
		{ "sysctl = net.x", "/r.conf:1: sysctl: expected KEY=VALUE, not 'net.x'" },
		{ "namespaces = net,foo", "/r.conf:1: namespaces: unknown namespace type 'foo'" },
		{ "root = \"/run", "/r.conf:1: root: the value must end at its second double "
				   "quote" },
		{ "root = \"", "/r.conf:1: root: the value must end at its second double quote" },
		{ "root = \"/run\" # x",
		  "/r.conf:1: root: the value must end at its second double quote" },
		{ "root = \"/r\"un\"",
		  "/r.conf:1: root: the value must end at its second double quote" },
		{ "root = /run # x", "/r.conf:1: root: a comment needs a line of its own, and a "
				     "value with a # in it quotes" },
		{ "root = # x", "/r.conf:1: root: a comment needs a line of its own, and a value "
				"with a # in it quotes" },
		{ "keep # x", "/r.conf:1: keep # x: there is no such key" },
		{ "run\033time = /", "/r.conf:1: run?time: there is no such key" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings s;

		unit_row(rows[i].text);
		CHECK(parse(&s, rows[i].text) == -1);
		CHECK_STR(e.text, rows[i].should);
		settings_free(&s);
	}
}

static void a_nul_byte_is_refused(void)
{
	struct settings s;

	CHECK(settings_parse(&s, "/r.conf", "keep\0", 5, &e) == -1);
	CHECK_STR(e.text, "/r.conf: there is a NUL byte in it");
	settings_free(&s);
}

static void owners_and_modes_are_checked(void)
{
	const uid_t us = geteuid(), other = us + 12345;
	const struct {
		const char *name;
		uid_t uid;
		mode_t mode;
		const char *should; /* NULL: accepted */
	} rows[] = {
		{ "root", 0, 0755, NULL },
		{ "us", us, 0600, NULL },
		{ "other", other, 0644, "belongs to uid" },
		{ "group", 0, 0775, "/f may be written to by others (mode 0775)" },
		{ "world", us, 01757, "/f may be written to by others (mode 1757)" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct stat st = { .st_uid = rows[i].uid, .st_mode = rows[i].mode };

		unit_row(rows[i].name);
		CHECK(trust_check(&st, "/f", &e) == (rows[i].should ? -1 : 0));
		if (rows[i].should)
			CHECK_HAS(e.text, rows[i].should);
	}
}

int main(void)
{
	RUN(an_empty_file_says_the_defaults);
	RUN(every_key_is_set);
	RUN(the_agent_allows_what_options_allow);
	RUN(the_hook_is_given_the_same);
	RUN(what_is_wrong_is_refused_by_line);
	RUN(a_nul_byte_is_refused);
	RUN(owners_and_modes_are_checked);
	return unit_done();
}
