/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In place of a real runtime: creates the file that the environment variable RAN names, and does nothing
 * else. Static, so that no library is preloaded into it.
 */
#include <fcntl.h>
#include <stdlib.h>

int main(void)
{
	const char *file = getenv("RAN");

	return !file || open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) < 0;
}
