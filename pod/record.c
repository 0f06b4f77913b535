/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define RECORD_VERSION "podns-record 1"
#define FIELDS_MAX 7

static int add_field(struct buf *b, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	char code[3] = "%";
	size_t plain;

	if (buf_add(b, " ", 1) < 0)
		return -1;
	for (; *s; s++) {
		for (plain = 0;
		     (unsigned char)s[plain] > ' ' && s[plain] != '%' && s[plain] != 0x7f; plain++)
			;
		if (buf_add(b, s, plain) < 0)
			return -1;
		s += plain;
		if (!*s)
			return 0;
		code[1] = hex[(unsigned char)*s >> 4];
		code[2] = hex[*s & 15];
		if (buf_add(b, code, 3) < 0)
			return -1;
	}
	return 0;
}

/* End a line with one or two fields; the second may be NULL. */
static int end_line(struct buf *b, const char *first, const char *second)
{
	if (add_field(b, first) < 0 || (second && add_field(b, second) < 0))
		return -1;
	return buf_add(b, "\n", 1);
}

static int format_entrant(struct buf *b, const struct entrant *x)
{
	int r = 0;

	switch (x->kind) {
	case ENTRANT_MEMBER:
		r = buf_concat(b, "member ", decimal((uint64_t)x->pid).text, " ",
			       decimal(x->start).text, NULL);
		break;
	case ENTRANT_WAITING:
		r = buf_concat(b, "waiting ", decimal(x->expires).text, NULL);
		break;
	case ENTRANT_CLAIM:
		r = buf_concat(b, "claim ", decimal(x->expires).text, NULL);
		if (r < 0 || !x->id)
			return r < 0 ? -1 : end_line(b, x->token, NULL);
		r = buf_concat(b, " ", decimal((uint64_t)x->pid).text, " ", decimal(x->start).text,
			       NULL);
		if (r == 0)
			r = add_field(b, x->token);
		break;
	}
	return r < 0 ? -1 : end_line(b, x->id, x->bundle);
}

static int format_lists(const struct record *r, struct buf *b)
{
	for (size_t i = 0; i < r->entrant_count; i++)
		if (format_entrant(b, &r->entrants[i]) < 0)
			return -1;
	for (size_t i = 0; i < r->bundle_count; i++)
		if (buf_adds(b, "bundle") < 0 || end_line(b, r->bundles[i], NULL) < 0)
			return -1;
	for (size_t i = 0; i < r->sysctl_count; i++)
		if (buf_adds(b, "sysctl") < 0 ||
		    end_line(b, r->sysctls[i].path, r->sysctls[i].value) < 0)
			return -1;
	return 0;
}

static int format_hosts(const struct record *r, struct buf *b)
{
	for (size_t i = 0; i < r->host_count; i++)
		if (buf_adds(b, "host") < 0 ||
		    end_line(b, r->hosts[i].name, r->hosts[i].address) < 0)
			return -1;
	for (size_t i = 0; i < r->hosts_key_count; i++)
		if (buf_adds(b, "hosts") < 0 || end_line(b, r->hosts_keys[i], NULL) < 0)
			return -1;
	return 0;
}

static int format_network(const struct record *r, struct buf *b)
{
	if (!r->network)
		return 0;
	if (buf_adds(b, r->attached ? "attached" : "network") < 0 ||
	    end_line(b, r->network, NULL) < 0)
		return -1;
	for (size_t i = 0; i < r->address_count; i++)
		if (buf_adds(b, "address") < 0 || end_line(b, r->addresses[i], NULL) < 0)
			return -1;
	return r->leaving ? buf_adds(b, "leaving") < 0 ? -1 : end_line(b, r->leaving, NULL) : 0;
}

static int format_id(struct buf *b, const char *what, struct ns_id id)
{
	return buf_concat(b, what, " ", decimal(id.dev).text, " ", decimal(id.ino).text, NULL);
}

static int format_pin(struct buf *b, enum ns_type t, struct ns_id id)
{
	if (buf_adds(b, "pin ") < 0 || format_id(b, ns_info[t].brief, id) < 0)
		return -1;
	return buf_concat(b, " ", decimal(id.born).text, "\n", NULL);
}

static int format_pod(const struct record *r, struct buf *b)
{
	if (format_id(b, RECORD_VERSION "\nmntns", r->mntns) < 0 ||
	    format_id(b, "\npidns", r->pidns) < 0 || format_id(b, "\ntimens", r->timens) < 0)
		return -1;
	return buf_concat(b, "\ncreated ", decimal(r->created).text, "\n", r->held ? "held\n" : "",
			  r->shm ? "shm\n" : "", NULL);
}

int record_format(const struct record *r, struct buf *out, struct error *e)
{
	if (format_pod(r, out) < 0)
		return error_nomem(e);
	for (int t = 0; t < NS_TYPES; t++)
		if (r->pin[t].ours && format_pin(out, (enum ns_type)t, r->pin[t].id) < 0)
			return error_nomem(e);
	return format_network(r, out) < 0 || format_hosts(r, out) < 0 || format_lists(r, out) < 0
		       ? error_nomem(e)
		       : 0;
}

static int unhex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The reverse of add_field(), in place. */
static bool decode_field(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		if (unhex(s[1]) < 0 || unhex(s[2]) < 0)
			return false;
		*to = (char)(unhex(s[1]) << 4 | unhex(s[2]));
		if (!*to++)
			return false;
		s += 2;
	}
	*to = '\0';
	return true;
}

static int split_fields(char *line, char *field[FIELDS_MAX])
{
	int n = 0;
	char *next;

	for (; line; line = next) {
		next = strchr(line, ' ');
		if (next)
			*next++ = '\0';
		if (n == FIELDS_MAX || !decode_field(line))
			return -1;
		field[n++] = line;
	}
	return n;
}

static bool parse_id(char *const field[2], struct ns_id *id)
{
	uint64_t dev, ino;

	if (!parse_u64(field[0], UINT64_MAX, &dev) || !parse_u64(field[1], UINT64_MAX, &ino))
		return false;
	*id = (struct ns_id){ .dev = (dev_t)dev, .ino = (ino_t)ino };
	return true;
}

/* Make room for one more: capacities are powers of two. The old list stays in the arena. */
static int grow_list(struct record *r, void *list, size_t count, size_t size, struct error *e)
{
	void *bigger, *old = *(void **)list;

	if (count & (count - 1) || (count && count < 4))
		return 0;
	bigger = arena_alloc(&r->arena, (count < 4 ? 4 : count * 2) * size);
	if (!bigger)
		return error_nomem(e);
	if (count)
		memcpy(bigger, old, count * size);
	*(void **)list = bigger;
	return 0;
}

static int copy_string(struct record *r, const char **s, struct error *e)
{
	if (!*s)
		return 0;
	*s = arena_strndup(&r->arena, *s, strlen(*s));
	return *s ? 0 : error_nomem(e);
}

int record_add_entrant(struct record *r, const struct entrant *x, struct error *e)
{
	struct entrant y = *x;

	if (copy_string(r, &y.id, e) < 0 || copy_string(r, &y.bundle, e) < 0 ||
	    copy_string(r, &y.token, e) < 0 ||
	    grow_list(r, &r->entrants, r->entrant_count, sizeof(y), e) < 0)
		return -1;
	r->entrants[r->entrant_count++] = y;
	return 0;
}

void record_drop_entrant(struct record *r, size_t index)
{
	r->entrant_count--;
	memmove(&r->entrants[index], &r->entrants[index + 1],
		(r->entrant_count - index) * sizeof(*r->entrants));
}

bool record_has_bundle(const struct record *r, const char *bundle)
{
	for (size_t i = 0; i < r->bundle_count; i++)
		if (!strcmp(r->bundles[i], bundle))
			return true;
	return false;
}

int record_add_bundle(struct record *r, const char *bundle, struct error *e)
{
	if (record_has_bundle(r, bundle))
		return 0;
	if (copy_string(r, &bundle, e) < 0 ||
	    grow_list(r, &r->bundles, r->bundle_count, sizeof(bundle), e) < 0)
		return -1;
	r->bundles[r->bundle_count++] = bundle;
	return 0;
}

void record_drop_bundle(struct record *r, const char *bundle)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->bundle_count; i++)
		if (strcmp(r->bundles[i], bundle))
			r->bundles[kept++] = r->bundles[i];
	r->bundle_count = kept;
}

int record_set_sysctl(struct record *r, const char *path, const char *value, struct error *e)
{
	if (copy_string(r, &value, e) < 0)
		return -1;
	for (size_t i = 0; i < r->sysctl_count; i++) {
		if (strcmp(r->sysctls[i].path, path))
			continue;
		r->sysctls[i].value = value;
		return 0;
	}
	if (copy_string(r, &path, e) < 0 ||
	    grow_list(r, &r->sysctls, r->sysctl_count, sizeof(*r->sysctls), e) < 0)
		return -1;
	r->sysctls[r->sysctl_count++] = (struct record_sysctl){ path, value };
	return 0;
}

int record_set_network(struct record *r, const char *network, struct error *e)
{
	if (copy_string(r, &network, e) < 0)
		return -1;
	record_forget_network(r);
	r->network = network;
	return 0;
}

int record_add_address(struct record *r, const char *address, struct error *e)
{
	if (copy_string(r, &address, e) < 0 ||
	    grow_list(r, &r->addresses, r->address_count, sizeof(address), e) < 0)
		return -1;
	r->addresses[r->address_count++] = address;
	return 0;
}

int record_set_leaving(struct record *r, const char *reason, struct error *e)
{
	if (copy_string(r, &reason, e) < 0)
		return -1;
	r->leaving = reason;
	return 0;
}

void record_forget_network(struct record *r)
{
	r->network = r->leaving = NULL;
	r->attached = false;
	r->address_count = 0;
}

int record_copy_network(struct record *to, const struct record *from, struct error *e)
{
	if (!from->network)
		return 0;
	if (record_set_network(to, from->network, e) < 0)
		return -1;
	to->attached = from->attached;
	for (size_t i = 0; i < from->address_count; i++)
		if (record_add_address(to, from->addresses[i], e) < 0)
			return -1;
	return from->leaving ? record_set_leaving(to, from->leaving, e) : 0;
}

int record_add_host(struct record *r, const struct host_entry *host, struct error *e)
{
	struct host_entry x = *host;

	if (copy_string(r, &x.name, e) < 0 || copy_string(r, &x.address, e) < 0 ||
	    grow_list(r, &r->hosts, r->host_count, sizeof(x), e) < 0)
		return -1;
	r->hosts[r->host_count++] = x;
	return 0;
}

int record_add_hosts_key(struct record *r, const char *key, bool *added, struct error *e)
{
	*added = false;
	for (size_t i = 0; i < r->hosts_key_count; i++)
		if (!strcmp(r->hosts_keys[i], key))
			return 0;
	if (copy_string(r, &key, e) < 0 ||
	    grow_list(r, &r->hosts_keys, r->hosts_key_count, sizeof(key), e) < 0)
		return -1;
	r->hosts_keys[r->hosts_key_count++] = key;
	*added = true;
	return 0;
}

void record_drop_hosts_key(struct record *r, size_t index)
{
	r->hosts_key_count--;
	memmove(&r->hosts_keys[index], &r->hosts_keys[index + 1],
		(r->hosts_key_count - index) * sizeof(*r->hosts_keys));
}

static bool parse_hosts_key(struct record *r, const char *key, struct error *e)
{
	bool added;

	return record_add_hosts_key(r, key, &added, e) == 0;
}

static bool parse_network(struct record *r, char *const field[2], struct error *e)
{
	if (!strcmp(field[0], "address"))
		return record_add_address(r, field[1], e) == 0;
	if (!strcmp(field[0], "leaving"))
		return record_set_leaving(r, field[1], e) == 0;
	if (record_set_network(r, field[1], e) < 0)
		return false;
	r->attached = !strcmp(field[0], "attached");
	return r->attached || !strcmp(field[0], "network");
}

static bool parse_pin(struct record *r, char *const field[])
{
	enum ns_type t = ns_type_by_name(field[1]);

	if (t == NS_NONE || !parse_id(field + 2, &r->pin[t].id) ||
	    !parse_u64(field[4], UINT64_MAX, &r->pin[t].id.born))
		return false;
	r->pin[t].ours = true;
	return true;
}

static bool parse_process(char *const field[2], struct entrant *x)
{
	uint64_t pid;

	if (!parse_u64(field[0], INT32_MAX, &pid) || !parse_u64(field[1], UINT64_MAX, &x->start))
		return false;
	x->pid = (pid_t)pid;
	return true;
}

static bool parse_entrant(struct record *r, char *const field[], int n, struct error *e)
{
	struct entrant x = { 0 };

	if (n == 5 && !strcmp(field[0], "member")) {
		x.kind = ENTRANT_MEMBER;
		if (!parse_process(field + 1, &x))
			return false;
		x.id = field[3];
		x.bundle = field[4];
	} else if (n == 4 && !strcmp(field[0], "waiting")) {
		x.kind = ENTRANT_WAITING;
		x.id = field[2];
		x.bundle = field[3];
	} else if (n == 3 && !strcmp(field[0], "claim")) {
		x.kind = ENTRANT_CLAIM;
		x.token = field[2];
	} else if (n == 7 && !strcmp(field[0], "claim")) {
		x.kind = ENTRANT_CLAIM;
		if (!parse_process(field + 2, &x))
			return false;
		x.token = field[4];
		x.id = field[5];
		x.bundle = field[6];
	} else {
		return false;
	}
	if (x.kind != ENTRANT_MEMBER && !parse_u64(field[1], UINT64_MAX, &x.expires))
		return false;
	return record_add_entrant(r, &x, e) == 0;
}

static bool parse_line(struct record *r, char *line, struct error *e)
{
	char *field[FIELDS_MAX];
	int n = split_fields(line, field);

	if (n == 1 && !strcmp(field[0], "held"))
		return r->held = true;
	if (n == 1 && !strcmp(field[0], "shm"))
		return r->shm = true;
	if (n == 3 && !strcmp(field[0], "mntns"))
		return parse_id(field + 1, &r->mntns);
	if (n == 3 && !strcmp(field[0], "pidns"))
		return parse_id(field + 1, &r->pidns);
	if (n == 3 && !strcmp(field[0], "timens"))
		return parse_id(field + 1, &r->timens);
	if (n == 2 && !strcmp(field[0], "created"))
		return parse_u64(field[1], UINT64_MAX, &r->created);
	if (n == 5 && !strcmp(field[0], "pin"))
		return parse_pin(r, field);
	if (n == 2 && !strcmp(field[0], "bundle"))
		return record_add_bundle(r, field[1], e) == 0;
	if (n == 3 && !strcmp(field[0], "sysctl"))
		return record_set_sysctl(r, field[1], field[2], e) == 0;
	if (n == 3 && !strcmp(field[0], "host"))
		return record_add_host(r, &(struct host_entry){ field[1], field[2] }, e) == 0;
	if (n == 2 && !strcmp(field[0], "hosts"))
		return parse_hosts_key(r, field[1], e);
	if (n == 2)
		return parse_network(r, field, e);
	return parse_entrant(r, field, n, e);
}

int record_parse(struct record *r, const char *text, struct error *e)
{
	char *line, *next, *all;
	int number = 1;

	*r = (struct record){ 0 };
	if (strncmp(text, RECORD_VERSION "\n", sizeof(RECORD_VERSION)))
		return error_set(e, 0, "the record does not begin with '" RECORD_VERSION "'");
	all = arena_strndup(&r->arena, text, strlen(text));
	if (!all)
		return error_nomem(e);
	for (line = strchr(all, '\n') + 1; *line; line = next) {
		number++;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		e->num = 0;
		if (next && parse_line(r, line, e))
			continue;
		record_free(r);
		return e->num == ENOMEM
			       ? -1
			       : error_set(e, 0, "line %d of the record cannot be read", number);
	}
	return 0;
}

int record_parse_file(struct record *r, const struct buf *text, struct error *e)
{
	*r = (struct record){ 0 };
	if (strlen(text->data) != text->len)
		return error_set(e, 0, "the record has a NUL byte in it");
	return record_parse(r, text->data, e);
}

void record_free(struct record *r)
{
	arena_free(&r->arena);
	*r = (struct record){ 0 };
}

bool entrant_is_of(const struct entrant *x, const char *id, const char *bundle)
{
	return x->kind != ENTRANT_CLAIM && !strcmp(x->id, id) && !strcmp(x->bundle, bundle);
}

long record_find_container(const struct record *r, const char *id, const char *bundle)
{
	for (size_t i = 0; i < r->entrant_count; i++)
		if (entrant_is_of(&r->entrants[i], id, bundle))
			return (long)i;
	return -1;
}

long record_find_claim(const struct record *r, const char *token, const char *id)
{
	for (size_t i = 0; i < r->entrant_count; i++) {
		const struct entrant *x = &r->entrants[i];

		if (x->kind == ENTRANT_CLAIM && !strcmp(x->token, token) &&
		    (!x->id || (id && !strcmp(x->id, id))))
			return (long)i;
	}
	return -1;
}

long record_find_claim_of(const struct record *r, const char *id, const char *place)
{
	for (size_t i = 0; i < r->entrant_count; i++) {
		const struct entrant *x = &r->entrants[i];

		if (x->kind == ENTRANT_CLAIM && x->id && !strcmp(x->id, id) &&
		    !strcmp(x->bundle, place))
			return (long)i;
	}
	return -1;
}

const char *record_sysctl(const struct record *r, const char *path)
{
	for (size_t i = 0; i < r->sysctl_count; i++)
		if (!strcmp(r->sysctls[i].path, path))
			return r->sysctls[i].value;
	return NULL;
}

bool record_is_empty(const struct record *r)
{
	return !r->entrant_count && !r->held;
}
