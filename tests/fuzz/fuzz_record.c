/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's record: a record that can be parsed reads the same after it was written, and what was added
 * to a record is parsed from its text again.
 */
#include "pod/record.h"

#include "tests/fuzz/fuzz.h"

static void check_text(const char *text)
{
	cleanup_buf struct buf first = { 0 }, second = { 0 };
	struct record r, again;
	struct error e;

	if (record_parse(&r, text, &e) < 0)
		return;
	MUST(record_format(&r, &first, &e) == 0);
	MUST(record_parse(&again, first.data, &e) == 0);
	MUST(record_format(&again, &second, &e) == 0);
	MUST(first.len == second.len && !memcmp(first.data, second.data, first.len));
	MUST(record_is_empty(&r) == record_is_empty(&again));
	record_free(&again);
	record_free(&r);
}

/* The next of the strings in the input, which ends with a NUL. */
static const char *next(const char **at, const char *end)
{
	const char *s = *at;

	if (s < end)
		*at += strlen(s) + 1;
	return s < end ? s : "";
}

static void fill(struct record *r, const char *at, const char *end)
{
	struct entrant x = { .kind = ENTRANT_MEMBER, .pid = 7, .start = UINT64_MAX };
	struct entrant claim = { .kind = ENTRANT_CLAIM, .token = "00ff", .expires = 9 };
	const char *path;
	struct error e;

	while (at < end) {
		x.id = next(&at, end);
		x.bundle = next(&at, end);
		MUST(record_add_entrant(r, &x, &e) == 0);
		MUST(record_add_bundle(r, next(&at, end), &e) == 0);
		path = next(&at, end);
		MUST(record_set_sysctl(r, path, next(&at, end), &e) == 0);
		x.kind = x.kind == ENTRANT_MEMBER ? ENTRANT_WAITING : ENTRANT_MEMBER;
	}
	MUST(record_add_entrant(r, &claim, &e) == 0);
	claim.id = x.id ? x.id : "";
	claim.bundle = x.bundle ? x.bundle : "";
	claim.pid = 8;
	claim.start = 9;
	MUST(record_add_entrant(r, &claim, &e) == 0);
}

static void check_same(const struct record *a, const struct record *b)
{
	MUST(ns_same(a->mntns, b->mntns) && ns_same(a->pidns, b->pidns) &&
	     ns_same(a->timens, b->timens));
	MUST(a->entrant_count == b->entrant_count);
	MUST(a->bundle_count == b->bundle_count && a->sysctl_count == b->sysctl_count);
	for (size_t i = 0; i < a->entrant_count; i++) {
		const struct entrant *x = &a->entrants[i], *y = &b->entrants[i];

		MUST(x->kind == y->kind);
		MUST(x->kind != ENTRANT_CLAIM || !strcmp(x->token, y->token));
		MUST(!x->id == !y->id && !x->bundle == !y->bundle && !x->id == !x->bundle);
		MUST(x->id || x->kind == ENTRANT_CLAIM);
		MUST(!x->id || (!strcmp(x->id, y->id) && !strcmp(x->bundle, y->bundle)));
	}
	for (size_t i = 0; i < a->bundle_count; i++)
		MUST(!strcmp(a->bundles[i], b->bundles[i]));
	for (size_t i = 0; i < a->sysctl_count; i++)
		MUST(!strcmp(a->sysctls[i].path, b->sysctls[i].path) &&
		     !strcmp(a->sysctls[i].value, b->sysctls[i].value));
}

static void check_strings(const char *at, const char *end)
{
	cleanup_buf struct buf text = { 0 };
	struct record r = { 0 }, again;
	struct error e;

	r.mntns = (struct ns_id){ .dev = 1, .ino = 2 };
	r.pidns = (struct ns_id){ .dev = 3, .ino = 4 };
	r.timens = (struct ns_id){ .dev = 5, .ino = UINT64_MAX };
	fill(&r, at, end);
	MUST(record_format(&r, &text, &e) == 0);
	MUST(strlen(text.data) == text.len);
	MUST(record_parse(&again, text.data, &e) == 0);
	check_same(&r, &again);
	while (again.bundle_count)
		record_drop_bundle(&again, again.bundles[0]);
	while (again.entrant_count)
		record_drop_entrant(&again, again.entrant_count / 2);
	MUST(record_is_empty(&again));
	record_free(&again);
	record_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	check_text(text);
	check_strings(text, text + size);
	free(text);
	return 0;
}
