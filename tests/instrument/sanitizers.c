/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Part of the programs with --enable-sanitizers: what other builds would be told by ASAN_OPTIONS
 * and UBSAN_OPTIONS. Runtimes start a hook with an environment of their own. A report is a file,
 * so that it is seen where nobody looks at what a hook says; run.sh makes the directory.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

#define OPTIONS "exitcode=99:log_path=" PODNS_REPORTS "/report"

/* The linker is told to want this: the archive's member is then in the program. */
const char podns_instrumented = 1;

const char *__asan_default_options(void)
{
	return OPTIONS ":detect_stack_use_after_return=1";
}

const char *__ubsan_default_options(void)
{
	return OPTIONS ":print_stacktrace=1";
}
