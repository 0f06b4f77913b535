/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What oci-podns-runtime is compared with: a program that only executes the real runtime, REAL.
 */
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argc;
	execve(REAL, argv, environ);
	return 1;
}
