/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small texts that people and pod authors write: sysctls, pod and host names, lists of types,
 * id mappings, sizes. Each input is parsed as all of them.
 */
#include "base/file.h"
#include "base/utf8.h"
#include "ns/maps.h"
#include "ns/sysctl.h"
#include "plan/names.h"
#include "plan/engine.h"
#include "plan/shm.h"
#include "pod/name.h"
#include "tests/fuzz/fuzz.h"

static bool begins(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static bool is_safe_net(const char *path)
{
	static const char *const families[] = {
		"core/", "ipv4/", "ipv6/", "unix/", "mptcp/", "sctp/", "netfilter/nf_conntrack_"
	};
	static const char *const global[] = { "netfilter/nf_conntrack_max",
					      "netfilter/nf_conntrack_buckets",
					      "netfilter/nf_conntrack_expect_max",
					      "ipv4/tcp_allowed_congestion_control",
					      "ipv4/vs/debug_level" };

	path += strlen("net/");
	for (size_t i = 0; i < sizeof(global) / sizeof(*global); i++)
		if (!strcmp(path, global[i]))
			return false;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (begins(path, families[i]))
			return true;
	return false;
}

static bool is_safe_path(const char *path, bool trusted)
{
	static const char *const names[] = { "msgmax",      "msgmnb",          "msgmni",
					     "sem",         "shmall",          "shmmax",
					     "shmmni",      "shm_rmid_forced", "msg_next_id",
					     "sem_next_id", "shm_next_id",     "domainname" };

	if (begins(path, "net/"))
		return trusted || is_safe_net(path);
	if (begins(path, "fs/mqueue/"))
		return true;
	if (begins(path, "user/"))
		return trusted;
	if (!begins(path, "kernel/"))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(path + strlen("kernel/"), names[i]))
			return true;
	return false;
}

/* "/../" and the like. Slashes are added at both ends, so that each component has two. */
static bool has_component(const char *path, const char *component)
{
	char room[2 * 1024];

	snprintf(room, sizeof(room), "/%s/", path);
	return strstr(room, component);
}

static void check_sysctl(const char *text, bool trusted)
{
	cleanup_arena struct arena a = { 0 };
	const char *eq = strchr(text, '=');
	struct sysctl s;
	struct error e;

	if (sysctl_check_pair(text, trusted, &a, &s, &e) < 0)
		return;
	MUST(eq && !strcmp(s.value, eq + 1));
	MUST(strlen(s.value) < 4096 && strlen(s.path) <= 1024);
	MUST(is_safe_path(s.path, trusted));
	MUST(!has_component(s.path, "/../") && !has_component(s.path, "/./"));
	MUST(!has_component(s.path, "//"));
	for (const char *p = s.path; *p; p++)
		MUST(*p > ' ' && *p < 0x7f);
	MUST(s.type == NS_NET || s.type == NS_IPC || s.type == NS_UTS ||
	     (trusted && s.type == NS_USER));
}

static void check_pod_name(const char *text)
{
	struct error e;

	if (pod_check_name(text, &e) < 0)
		return;
	MUST(*text && *text != '.' && strlen(text) <= 128 && strcmp(text, "log"));
	for (const char *p = text; *p; p++)
		MUST((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		     (*p >= '0' && *p <= '9') || strchr("_.+-", *p));
}

static void check_hostname(const char *text)
{
	char room[PLAN_HOSTNAME_MAX + 1];
	const char *name;
	struct error e;

	if (plan_check_hostname(text, "hostname", &e) == 0) {
		MUST(*text && strlen(text) <= 64 && !strchr(text, '/'));
		MUST(utf8_valid_prefix(text, strlen(text)) == strlen(text));
		for (const char *p = text; *p; p++)
			MUST(*p != ' ' && !control_length(p));
	}
	name = plan_hostname(NULL, text, NULL, NULL, room);
	MUST(strlen(name) <= PLAN_HOSTNAME_MAX && begins(text, name));
	plan_engine_file(text, "shm");
}

static void check_set(const char *text)
{
	int names = 1;
	ns_set hook, all;
	struct error e;

	if (ns_parse_set(text, false, &all, &e) < 0) {
		MUST(ns_parse_set(text, true, &hook, &e) < 0);
		return;
	}
	MUST(all && !(all >> NS_TYPES) && !strstr(text, "pid"));
	for (const char *p = text; *p; p++)
		names += *p == ',' || *p == ' ';
	MUST(__builtin_popcount(all) == names);
	if (ns_parse_set(text, true, &hook, &e) == 0)
		MUST(hook == all && !(hook & NS_BIT(NS_MNT)));
}

static void check_maps(const char *text)
{
	cleanup_arena struct arena a = { 0 };
	cleanup_buf struct buf kernel = { 0 };
	struct id_maps m, again;
	struct error e;

	if (id_maps_parse(text, &a, &m, &e) == 0)
		MUST(id_maps_equal(&m, &m));
	if (id_maps_parse_list(text, &a, &m, &e) < 0)
		return;
	MUST(m.count && m.count <= ID_MAP_MAX);
	for (size_t i = 0; i < m.count; i++) {
		MUST(m.map[i].size);
		MUST((uint64_t)m.map[i].container + m.map[i].size <= UINT32_MAX);
		MUST((uint64_t)m.map[i].host + m.map[i].size <= UINT32_MAX);
	}
	MUST(id_maps_text(&m, &kernel, &e) == 0);
	MUST(id_maps_parse(kernel.data, &a, &again, &e) == 0);
	MUST(again.count == m.count && id_maps_equal(&m, &again) && id_maps_equal(&again, &m));
}

static void check_numbers(const char *text)
{
	uint64_t bytes, value;
	struct error e;

	if (plan_parse_size(text, &bytes, &e) == 0)
		MUST(bytes && bytes <= INT64_MAX && *text >= '0' && *text <= '9');
	if (plan_check_label(text, &e) == 0)
		MUST(!strpbrk(text, "\"\n\x1b") && strlen(text) <= PLAN_LABEL_MAX);
	if (parse_u64(text, 1000, &value))
		MUST(value <= 1000 && strspn(text, "0123456789") == strlen(text) && *text);
}

/* An error is one line, whatever it quotes. */
static void check_error(const char *text)
{
	struct error e;

	error_set(&e, 0, "before %s", text);
	error_prefix(&e, "%s", text);
	for (const char *p = e.text; *p; p++)
		MUST((unsigned char)*p >= ' ' && *p != 0x7f &&
		     !((unsigned char)*p == 0xc2 && ((unsigned char)p[1] & 0xe0) == 0x80));
	MUST(memchr(e.text, '\0', sizeof(e.text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	check_sysctl(text, false);
	check_sysctl(text, true);
	check_pod_name(text);
	check_hostname(text);
	check_set(text);
	check_maps(text);
	check_numbers(text);
	check_error(text);
	free(text);
	return 0;
}
