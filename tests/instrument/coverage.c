/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Part of the programs with --enable-coverage: gcov writes its counts at exit(), which a child that
 * leaves by _exit() never comes to. The linker puts this in its place (--wrap).
 */
#include <stdnoreturn.h>

void __gcov_dump(void);
noreturn void __real__exit(int status);
noreturn void __wrap__exit(int status);

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
