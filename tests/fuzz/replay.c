/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer, on each seed of its corpus and on prefixes of each seed.
 * replay_NAME reads $srcdir/tests/fuzz/corpus/NAME or the directory in its argument.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "tests/fuzz/fuzz.h"

#define SEED_MAX (1 << 20)
#define BEGINNINGS 200 /* of a seed, at the most */

/* In memory of exactly its size, so that sanitizers and valgrind see reads past its end. */
static void run_one(const char *bytes, size_t n)
{
	cleanup_free uint8_t *copy = malloc(n ? n : 1);

	MUST(copy);
	if (n)
		memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(copy, n);
}

static void run_seed(const struct buf *seed)
{
	size_t step = seed->len / BEGINNINGS + 1;

	run_one(seed->data, seed->len);
	for (size_t n = 0; n < seed->len; n += step)
		run_one(seed->data, n);
}

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int fail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	return 1;
}

static int run_corpus(const char *path)
{
	cleanup_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **seeds;
	int count = dir < 0 ? -1 : scandir(path, &seeds, is_seed, alphasort);

	if (count < 0)
		return fail(path);
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		cleanup_buf struct buf seed = { 0 };

		if (read_file_at(dir, seeds[i]->d_name, SEED_MAX, &seed) < 0)
			return fail(seeds[i]->d_name);
		printf("# %s\n", seeds[i]->d_name);
		fflush(stdout);
		run_seed(&seed);
		printf("ok %d - %s\n", i + 1, seeds[i]->d_name);
		free(seeds[i]);
	}
	free(seeds);
	return 0;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name = strrchr(argv[0], '_');
	cleanup_buf struct buf path = { 0 };

	if (argc > 1)
		return run_corpus(argv[1]);
	if (buf_addf(&path, "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".",
		     name ? name + 1 : "") < 0)
		return fail("corpus");
	return run_corpus(path.data);
}
