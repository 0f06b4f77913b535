/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test harness of one page. A test is a function; RUN() calls it and prints
 * one TAP line; a CHECK that fails prints where and what as a comment and makes
 * the test "not ok", but does not end it. `return unit_done();` ends main.
 */
#ifndef PODNS_TESTS_UNIT_H
#define PODNS_TESTS_UNIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int count, failed;
	bool bad;          /* the test at hand */
	const char *skip;  /* why the test at hand cannot run here */
	const char *where; /* which row of a table, or NULL */
} unit;

/* For tables: the row that the next CHECKs are about. */
static inline void unit_row(const char *name)
{
	unit.where = name;
}

static inline bool unit_check(bool good, const char *file, int line, const char *what)
{
	if (!good) {
		unit.bad = true;
		printf("# %s:%d: %s%s%s\n", file, line, what, unit.where ? "; row: " : "",
		       unit.where ? unit.where : "");
	}
	return good;
}

static inline bool unit_check_str(const char *is, const char *should, const char *file, int line,
				  const char *what)
{
	if (is == should || (is && should && !strcmp(is, should)))
		return true;
	unit_check(false, file, line, what);
	printf("#   is     %.600s\n#   should %.600s\n", is ? is : "(NULL)",
	       should ? should : "(NULL)");
	return false;
}

/* The message has these words in it. */
static inline bool unit_check_has(const char *is, const char *part, const char *file, int line)
{
	if (strstr(is, part))
		return true;
	unit_check(false, file, line, "message");
	printf("#   is        %.600s\n#   should say %.600s\n", is, part);
	return false;
}

#define CHECK(cond) unit_check(cond, __FILE__, __LINE__, #cond)
#define CHECK_STR(is, should) unit_check_str(is, should, __FILE__, __LINE__, #is)
#define CHECK_HAS(is, part) unit_check_has(is, part, __FILE__, __LINE__)

/* A test that cannot run here says why, and is not passed. */
static inline void unit_skip(const char *why)
{
	unit.skip = why;
}

static inline void unit_run(void (*test)(void), const char *name)
{
	unit.bad = false;
	unit.skip = unit.where = NULL;
	test();
	unit.failed += unit.bad;
	printf("%sok %d - %s%s%s\n", unit.bad ? "not " : "", ++unit.count, name,
	       unit.skip ? " # SKIP " : "", unit.skip ? unit.skip : "");
	fflush(stdout);
}

/*
 * How many rounds of something random to do: n, or one in UNIT_ROUNDS_DIVISOR of the environment of
 * them, where each round is slow, as under valgrind. At least one.
 */
static inline unsigned unit_rounds(unsigned n)
{
	const char *divisor = getenv("UNIT_ROUNDS_DIVISOR");
	unsigned long by = divisor ? strtoul(divisor, NULL, 10) : 1;

	return by > n ? 1 : by ? n / (unsigned)by : n;
}

/* The next of a fixed sequence of pseudo-random numbers, below that: xorshift64*. seed is not 0. */
static inline unsigned unit_pick(uint64_t *seed, unsigned below)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (unsigned)((*seed * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}

#define RUN(test) unit_run(test, #test)

static inline int unit_done(void)
{
	printf("1..%d\n", unit.count);
	return unit.failed ? 1 : 0;
}

#endif
