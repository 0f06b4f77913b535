/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The promises of pod/original.h and pod/bundle.h, in a scratch directory and without root: what
 * config.json was is kept where only we write, and comes back; a copy that is damaged is refused;
 * the directory is a lock, and nothing is left of it.
 */
#include "pod/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "oci/file.h"
#include "tests/unit/unit.h"

#define VERSION "podns-original 1\n"
#define BEFORE "{\"a\":1}"
#define AFTER "{\"hostname\":\"web\",\"a\":1}"

static struct error e;
static char scratch[] = "/tmp/podns-test-original-XXXXXX";
static char *bundle;       /* <scratch>/b, a bundle */
static struct store store; /* of the root <scratch>/run */

static const struct edit_texts texts = { BEFORE, AFTER, strlen(BEFORE), strlen(AFTER) };

/* --- the scratch directory ----------------------------------------------------- */

/* All but "." and "..". -1: there is no such directory. */
static int count_entries(const char *path)
{
	DIR *d = opendir(path);
	int n = -2;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void put(const char *dir, const char *name, const void *bytes, size_t n)
{
	char *path = concat(dir, "/", name, NULL);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	close(fd);
	free(path);
}

static void put_config(const char *text)
{
	put(bundle, "config.json", text, strlen(text));
}

static void check_config(const char *text)
{
	cleanup_buf struct buf now = { 0 };
	char *path = concat(bundle, "/config.json", NULL);

	CHECK(read_file_at(AT_FDCWD, path, 1 << 20, &now) == 0);
	CHECK_STR(now.data, text);
	CHECK(count_entries(bundle) == 1);
	free(path);
}

/* Of the copy of a bundle; the caller frees it. */
static char *dir_of(const char *path)
{
	return concat(store.bundles, "/", store_bundle_name(path).s, NULL);
}

static void make_dir(void)
{
	char *dir = dir_of(bundle);

	CHECK(mkdir(dir, 0700) == 0);
	free(dir);
}

static void put_copy(const void *bytes, size_t n)
{
	char *dir = dir_of(bundle);

	put(dir, ORIGINAL_COPY, bytes, n);
	free(dir);
}

/* What the bundle is, for original_save(). */
static const struct original_dir *dir_now(void)
{
	static struct original_dir now;
	struct stat st = { 0 };

	CHECK(stat(bundle, &st) == 0);
	now = (struct original_dir){ bundle, st.st_ino };
	return &now;
}

/* What a test made, by hand. */
static void remove_dir(void)
{
	static const char *const names[] = { ORIGINAL_COPY, "." ORIGINAL_COPY ".new", "other" };
	char *dir = dir_of(bundle);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = concat(dir, "/", names[i], NULL);

		if (unlink(path) < 0)
			rmdir(path);
		free(path);
	}
	CHECK(rmdir(dir) == 0);
	free(dir);
}

/* Nothing is kept of any bundle. */
static void check_nothing_kept(void)
{
	CHECK(count_entries(store.bundles) == 0);
}

static void check_kept(void)
{
	char *dir = dir_of(bundle);

	CHECK(count_entries(store.bundles) == 1 && count_entries(dir) == 1);
	free(dir);
}

static bool opens(struct original *o, bool make)
{
	if (CHECK(original_open(o, &store, bundle, make, &e) == 0))
		return true;
	printf("#   %s\n", e.text);
	return false;
}

static void keep(const char *pod)
{
	cleanup_original struct original o = ORIGINAL_NONE;

	if (opens(&o, true))
		CHECK(original_save(&o, pod, bundle, dir_now(), &texts, &e) == 0);
}

static void drop(void)
{
	cleanup_original struct original o = ORIGINAL_NONE;

	if (opens(&o, false))
		CHECK(original_drop(&o, &e) == 0);
}

/* --- the copy ------------------------------------------------------------------ */

static void check_original(const struct original *o, const struct edit_texts *expected)
{
	if (!CHECK(o->there && o->fd >= 0))
		return;
	CHECK_STR(o->pod, "web");
	CHECK_STR(o->bundle, bundle);
	CHECK(o->texts.before_len == expected->before_len &&
	      !memcmp(o->texts.before, expected->before, expected->before_len));
	CHECK(o->texts.after_len == expected->after_len &&
	      !memcmp(o->texts.after, expected->after, expected->after_len));
}

static void keeps_both_texts(void)
{
	/* Whatever is in them: their lengths alone tell where they end. */
	static const struct edit_texts rows[] = {
		{ BEFORE, AFTER, strlen(BEFORE), strlen(AFTER) },
		{ "\n", "\n\n", 1, 2 },
		{ "a\0b\n", "\0", 4, 1 },
		{ VERSION "1 1 1 1\n", "web\n/b\n", strlen(VERSION) + 8, 7 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_original struct original o = ORIGINAL_NONE;
		char *dir = dir_of(bundle), *file = concat(dir, "/" ORIGINAL_COPY, NULL);
		struct stat st;

		if (opens(&o, true)) {
			CHECK(!o.there && o.fd >= 0);
			CHECK(original_save(&o, "web", bundle, dir_now(), &rows[i], &e) == 0);
			check_original(&o, &rows[i]);
		}
		original_close(&o);
		CHECK(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0700);
		CHECK(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600);
		check_kept();
		if (opens(&o, false))
			check_original(&o, &rows[i]);
		original_close(&o);
		CHECK(original_open_name(&o, &store, store_bundle_name(bundle).s, &e) == 0);
		check_original(&o, &rows[i]);
		CHECK(original_drop(&o, &e) == 0 && !o.there);
		original_close(&o);
		check_nothing_kept();
		free(file);
		free(dir);
	}
}

static void keeps_large_texts(void)
{
	cleanup_original struct original o = ORIGINAL_NONE;
	struct edit_texts large = { .before_len = CONFIG_SIZE_MAX, .after_len = CONFIG_SIZE_MAX };
	char *text = malloc(CONFIG_SIZE_MAX);

	memset(text, 'x', CONFIG_SIZE_MAX);
	large.before = large.after = text;
	if (opens(&o, true))
		CHECK(original_save(&o, "web", bundle, dir_now(), &large, &e) == 0);
	original_close(&o);
	if (opens(&o, false))
		check_original(&o, &large);
	CHECK(original_drop(&o, &e) == 0);
	free(text);
}

static void is_no_error_where_there_is_none(void)
{
	cleanup_original struct original o = ORIGINAL_NONE;

	if (opens(&o, false))
		CHECK(!o.there && o.fd == -1);
	CHECK(original_drop(&o, &e) == 0);
	original_close(&o);
	CHECK(original_open_name(&o, &store, "bundle@0123456789abcdef", &e) == 0);
	CHECK(!o.there && o.fd == -1);
	check_nothing_kept();
}

static void leaves_no_directory_without_a_copy(void)
{
	cleanup_original struct original o = ORIGINAL_NONE;

	if (opens(&o, true))
		CHECK(!o.there && count_entries(store.bundles) == 1);
	original_close(&o);
	check_nothing_kept();
}

/* A run that was killed before it had written a copy, or while it did. */
static void removes_what_a_killed_run_left(void)
{
	for (int left = 0; left < 2; left++) {
		for (int by_name = 0; by_name < 2; by_name++) {
			cleanup_original struct original o = ORIGINAL_NONE;
			char *dir = dir_of(bundle);

			make_dir();
			if (left)
				put(dir, "." ORIGINAL_COPY ".new", "podns-orig", 10);
			if (by_name)
				CHECK(original_open_name(&o, &store, store_bundle_name(bundle).s,
							 &e) == 0);
			else
				opens(&o, false);
			CHECK(!o.there && o.fd >= 0);
			original_close(&o);
			check_nothing_kept();
			free(dir);
		}
	}
	/* And the next one writes over it. */
	make_dir();
	char *dir = dir_of(bundle);
	put(dir, "." ORIGINAL_COPY ".new", AFTER AFTER AFTER AFTER AFTER AFTER, 6 * strlen(AFTER));
	keep("web");
	check_kept();
	cleanup_original struct original o = ORIGINAL_NONE;
	if (opens(&o, false))
		check_original(&o, &texts);
	CHECK(original_drop(&o, &e) == 0);
	free(dir);
}

/* What is not ours stays. */
static void removes_nothing_else(void)
{
	cleanup_original struct original o = ORIGINAL_NONE;
	char *dir = dir_of(bundle);

	make_dir();
	put(dir, "other", "x", 1);
	opens(&o, false);
	original_close(&o);
	CHECK(count_entries(dir) == 1);
	remove_dir();
	free(dir);
}

/* Both ways to open it refuse it, and it stays for root to look at. */
static void check_refused(const char *says, const char *hint)
{
	cleanup_original struct original o = ORIGINAL_NONE;
	char *dir = dir_of(bundle), *has = concat("remove ", dir, NULL);

	CHECK(original_open(&o, &store, bundle, false, &e) == -1 && o.fd == -1 && !o.path);
	CHECK_HAS(e.text, says);
	CHECK_HAS(e.text, dir);
	if (hint)
		CHECK_HAS(e.hint, has);
	CHECK(original_open(&o, &store, bundle, true, &e) == -1);
	CHECK(original_open_name(&o, &store, store_bundle_name(bundle).s, &e) == -1);
	CHECK_HAS(e.text, says);
	check_kept();
	free(has);
	free(dir);
}

#define NO_COPY "/copy is not a copy of a config.json that we made"

static void refuses_a_damaged_copy(void)
{
	static const struct {
		const char *text;
		size_t len; /* 0: as long as the string */
	} rows[] = {
		{ "x", 0 },
		{ "\n", 0 },
		{ "podns-original 2\n3 2 1 1\nweb\n/b\nxy", 0 },
		{ VERSION, 0 },
		{ VERSION "\n", 0 },
		{ VERSION "\n\n\n\n", 0 },
		{ VERSION "7 3 2 2 1 1\nweb\n/b\n/d\nxyz", 0 }, /* too much */
		{ VERSION "7 3 2 2 1 1\nweb\n/b\n/d\nx", 0 },   /* too little */
		{ VERSION "7 3 2 2 1 1\nweb\n/b\n/d\n", 0 },
		{ VERSION "7 3 2 2 1 1\nweb\n/b", 0 },
		{ VERSION "7 3 2 2 1 1\nweb\n", 0 },
		{ VERSION "7 3 2 2 1 1\nweb", 0 },
		{ VERSION "7 3 2 2 1 1\nweb\n/bx/d\nxy", 0 },
		{ VERSION "7 2 2 2 1 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 4 2 2 1 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 3 2 1 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 1\nweb\n/b\n/d\nx", 0 },
		{ VERSION "7 3 2 2 1 1 1\nweb\n/b\n/d\nxyz", 0 },
		{ VERSION "7 3 2 2 1 1 \nweb\n/b\n/d\nxy", 0 },
		{ VERSION " 7 3 2 2 1 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 3  2 2 1 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 1 1", 0 },
		{ VERSION "7 3 2 2 -1 3\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 +1 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 0x1 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 1 1\r\nweb\n/b\n/d\nxy", 0 },
		/* Sums that come round. */
		{ VERSION "7 3 2 2 18446744073709551615 3\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 18446744073709551617 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 18446744073709551615 2 2 1 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 33554432 2 2 1 1\nweb\n/b\n/d\nxy", 0 },
		/* No texts, no pod, no bundle. */
		{ VERSION "7 3 2 2 0 2\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 2 0\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 0 2 2 1 1\n\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 0 2 1 1\nweb\n\n/d\nxy", 0 },
		{ VERSION "7 3 2 0 1 1\nweb\n/b\n\nxy", 0 },
		{ VERSION "7 2 2 2 1 1\n..\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 1 1\na/b\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 1 1\nlog\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 1 1\nweb\nbb\n/d\nxy", 0 },
		/* NUL bytes. */
		{ "\0", 1 },
		{ VERSION "\0"
			  "7 3 2 2 1 1\nweb\n/b\n/d\nxy",
		  sizeof(VERSION) + 24 },
		{ VERSION "7 3 2 2 1 1\0\nweb\n/b\n/d\nxy", sizeof(VERSION) + 24 },
		{ VERSION "7 3 2 2 1 1\nw\0b\n/b\n/d\nxy", sizeof(VERSION) + 23 },
		{ VERSION "7 3 2 2 1 1\nweb\n/\0\n/d\nxy", sizeof(VERSION) + 23 },
		{ VERSION "-7 3 2 2 1 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "3 2 2 1 1\nweb\n/b\n/d\nxy", 0 },
		{ VERSION "7 3 2 2 1 1\nweb\n/b\ndd\nxy", 0 },
	};

	cleanup_original struct original o = ORIGINAL_NONE;

	make_dir();
	/* This one would be good. */
	put_copy(VERSION "7 3 2 2 1 1\nweb\n/b\n/d\nxy", strlen(VERSION) + 24);
	CHECK(original_open_name(&o, &store, store_bundle_name(bundle).s, &e) == 0 && o.there);
	CHECK(o.there && *o.texts.before == 'x' && *o.texts.after == 'y');
	original_close(&o);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].text);
		put_copy(rows[i].text, rows[i].len ? rows[i].len : strlen(rows[i].text));
		check_refused(NO_COPY, "remove");
	}
	put_copy("", 0);
	check_refused(NO_COPY, "remove");
	remove_dir();
}

/* Cut off anywhere, or longer than it was. */
static void refuses_a_cut_copy(void)
{
	cleanup_buf struct buf whole = { 0 };
	char *dir = dir_of(bundle), *path = concat(dir, "/" ORIGINAL_COPY, NULL);

	keep("web");
	CHECK(read_file_at(AT_FDCWD, path, 1 << 20, &whole) == 0);
	for (size_t n = 0; n < whole.len; n++) {
		put_copy(whole.data, n);
		check_refused(NO_COPY, "remove");
	}
	/* The NUL after the buf's text. */
	put_copy(whole.data, whole.len + 1);
	check_refused(NO_COPY, "remove");
	put_copy(whole.data, whole.len);
	drop();
	check_nothing_kept();
	free(path);
	free(dir);
}

static void refuses_what_is_no_file(void)
{
	/* By strerror(3): C libraries differ. */
	static const int nums[] = { ELOOP, EISDIR, 0, EACCES, EFBIG };
	char says[5][80];

	for (int kind = 0; kind < 5; kind++)
		snprintf(says[kind], sizeof(says[kind]), "%s",
			 nums[kind] ? strerror(nums[kind]) : NO_COPY);
	for (int kind = 0; kind < 5; kind++) {
		char *dir = dir_of(bundle), *path = concat(dir, "/" ORIGINAL_COPY, NULL);

		unit_row(says[kind]);
		make_dir();
		if (kind == 0)
			CHECK(symlink("/etc/passwd", path) == 0);
		else if (kind == 1)
			CHECK(mkdir(path, 0700) == 0);
		else if (kind == 2)
			CHECK(mkfifo(path, 0600) == 0);
		else
			put_copy("x", 1);
		if (kind == 3)
			CHECK(chmod(path, 0) == 0);
		if (kind == 4)
			CHECK(truncate(path, 2 * (off_t)CONFIG_SIZE_MAX + 16385) == 0);
		/* Root reads all, and sees that it is none. */
		check_refused(kind == 3 && !geteuid() ? NO_COPY : says[kind], NULL);
		remove_dir();
		free(path);
		free(dir);
	}
}

/* Nobody but us can have made it, and it is where it seems to be. */
static void refuses_a_directory_of_others(void)
{
	cleanup_original struct original o = ORIGINAL_NONE;
	char *dir = dir_of(bundle);

	make_dir();
	CHECK(chmod(dir, 0770) == 0);
	CHECK(original_open(&o, &store, bundle, true, &e) == -1);
	CHECK_HAS(e.text, "may be written to by others (mode 0770)");
	CHECK(rmdir(dir) == 0);
	CHECK(symlink(scratch, dir) == 0);
	CHECK(original_open(&o, &store, bundle, true, &e) == -1);
	CHECK_HAS(e.text, dir);
	CHECK_HAS(e.hint, "it is a symbolic link, and is not followed");
	CHECK(unlink(dir) == 0);
	put(store.bundles, store_bundle_name(bundle).s, "", 0);
	CHECK(original_open(&o, &store, bundle, true, &e) == -1 && e.num == ENOTDIR);
	CHECK(unlink(dir) == 0);
	free(dir);
}

static void refuses_the_copy_of_another_bundle(void)
{
	cleanup_original struct original o = ORIGINAL_NONE;
	enum revert_how how;

	/* Its path has the same hash. */
	if (opens(&o, true))
		CHECK(original_save(&o, "web", "/other\n/bundle", dir_now(), &texts, &e) == 0);
	original_close(&o);
	for (int make = 0; make < 2; make++) {
		CHECK(original_open(&o, &store, bundle, make, &e) == -1 && o.fd == -1);
		CHECK_HAS(e.text, " holds the copy of another bundle, /other");
	}
	put_config(AFTER);
	CHECK(bundle_end(&store, "web", bundle, 0, &how, &e) == -1);
	check_config(AFTER);
	check_kept();
	/* By its name it is what it is. */
	CHECK(original_open_name(&o, &store, store_bundle_name(bundle).s, &e) == 0);
	CHECK(o.there);
	CHECK_STR(o.bundle, "/other\n/bundle");
	CHECK(original_drop(&o, &e) == 0);
}

static void leaves_no_copy_that_is_half_written(void)
{
	cleanup_original struct original o = ORIGINAL_NONE;
	struct rlimit limit, small;
	char *dir = dir_of(bundle);

	CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	small = limit;
	small.rlim_cur = 20;
	signal(SIGXFSZ, SIG_IGN);
	opens(&o, true);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CHECK(original_save(&o, "web", bundle, dir_now(), &texts, &e) == -1 && e.num == EFBIG &&
	      !o.there);
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	CHECK_HAS(e.text, "/copy: File too large");
	CHECK(count_entries(dir) == 0);
	original_close(&o);
	check_nothing_kept();
	free(dir);
}

/* What fsync(2) does, which takes the place of the C library's in this program. */
static struct {
	unsigned calls, fails_at; /* from 1; 0: never */
	int num;
	unsigned copy_at;   /* the first call at which the copy was there */
	unsigned config_at; /* and at which config.json was AFTER */
} syncs;

static bool config_is(const char *text)
{
	cleanup_buf struct buf now = { 0 };
	char *path = concat(bundle, "/config.json", NULL);
	bool same = read_file_at(AT_FDCWD, path, 1 << 20, &now) == 0 && !strcmp(now.data, text);

	free(path);
	return same;
}

int fsync(int fd)
{
	char *dir = dir_of(bundle), *copy = concat(dir, "/" ORIGINAL_COPY, NULL);

	syncs.calls++;
	if (!syncs.copy_at && access(copy, F_OK) == 0)
		syncs.copy_at = syncs.calls;
	if (!syncs.config_at && config_is(AFTER))
		syncs.config_at = syncs.calls;
	free(copy);
	free(dir);
	if (syncs.calls == syncs.fails_at) {
		errno = syncs.num;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* The file, its directory, and the directory that this one is in. */
#define SYNCS_OF_COPY 3

static void leaves_no_copy_that_is_not_synced(void)
{
	char *dir = dir_of(bundle);

	for (unsigned at = 1; at <= SYNCS_OF_COPY; at++) {
		cleanup_original struct original o = ORIGINAL_NONE;

		opens(&o, true);
		memset(&syncs, 0, sizeof(syncs));
		syncs.fails_at = at;
		syncs.num = EIO;
		CHECK(original_save(&o, "web", bundle, dir_now(), &texts, &e) == -1 &&
		      e.num == EIO);
		CHECK(!o.there && count_entries(dir) == 0);
		original_close(&o);
		check_nothing_kept();
		/* Some file systems cannot sync a directory. */
		opens(&o, true);
		syncs.calls = 0;
		syncs.num = EINVAL;
		CHECK(original_save(&o, "web", bundle, dir_now(), &texts, &e) ==
		      (at == 1 ? -1 : 0));
		CHECK(original_drop(&o, &e) == 0);
	}
	memset(&syncs, 0, sizeof(syncs));
	free(dir);
}

/* A power cut finds config.json as it was, or the copy. */
static void syncs_the_copy_first(void)
{
	cleanup_bundle struct bundle b = BUNDLE_NONE;

	put_config(BEFORE);
	memset(&syncs, 0, sizeof(syncs));
	CHECK(bundle_load(&b, bundle, &e) == 0 && bundle_lock(&b, &store, true, &e) == 0);
	CHECK(bundle_rewrite(&b, "web", AFTER, strlen(AFTER), &e) == 0);
	CHECK(syncs.copy_at == 2 && syncs.config_at > SYNCS_OF_COPY);
	CHECK(bundle_revert(&b, NULL, &e) == 0);
	bundle_close(&b);
	check_nothing_kept();
}

/* --- the lock ------------------------------------------------------------------ */

/* A child that holds the bundle until our end of the pipe is closed; it says so before. */
static pid_t hold_in_child(int *held, bool save)
{
	int to[2], from[2];
	char byte = 0;
	pid_t child;

	CHECK(pipe(to) == 0 && pipe(from) == 0);
	child = fork();
	if (!child) {
		struct original o;

		close(to[1]);
		if (original_open(&o, &store, bundle, true, &e) < 0 ||
		    (save && original_save(&o, "web", bundle, dir_now(), &texts, &e) < 0) ||
		    write(from[1], &byte, 1) != 1 || read(to[0], &byte, 1) != 0)
			_exit(1);
		original_close(&o);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	CHECK(read(from[0], &byte, 1) == 1);
	close(from[0]);
	*held = to[1];
	return child;
}

static void check_ended(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child);
	if (!CHECK(status == 0))
		printf("#   status %d\n", WEXITSTATUS(status));
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void excludes_others_for_a_bounded_time(void)
{
	const struct lock_wait wait = store.wait;

	for (int save = 0; save < 2; save++) {
		cleanup_original struct original o = ORIGINAL_NONE;
		int held;
		pid_t child = hold_in_child(&held, save);
		double start = seconds();

		store.wait = (struct lock_wait){ .seconds = 1 };
		CHECK(original_open(&o, &store, bundle, true, &e) == -1 && e.num == ETIMEDOUT);
		CHECK_HAS(e.hint, "another process holds the lock");
		CHECK(seconds() - start >= 0.9);
		/* The wait is for all locks together: another gets none. */
		start = seconds();
		CHECK(original_open_name(&o, &store, store_bundle_name(bundle).s, &e) == -1);
		CHECK(e.num == ETIMEDOUT && o.fd == -1 && seconds() - start < 5);
		store_reset_wait(&store);
		start = seconds();
		CHECK(original_open(&o, &store, bundle, false, &e) == -1 && e.num == ETIMEDOUT);
		CHECK(seconds() - start >= 0.9 && seconds() - start < 10);
		store.wait = wait;
		close(held);
		check_ended(child);
		if (opens(&o, true))
			CHECK(o.there == save);
		CHECK(original_drop(&o, &e) == 0);
		original_close(&o);
		check_nothing_kept();
	}
}

/* A run that waited for the lock of a directory makes a new one if the holder removed it. */
static void waits_for_who_removes_it(void)
{
	cleanup_original struct original o = ORIGINAL_NONE;
	int held, failed;
	pid_t holder = hold_in_child(&held, false), waiter = fork();

	if (!waiter) {
		close(held);
		failed = original_open(&o, &store, bundle, true, &e) < 0 || o.there ||
			 original_save(&o, "web", bundle, dir_now(), &texts, &e) < 0;
		original_close(&o);
		_exit(failed);
	}
	close(held);
	check_ended(holder);
	check_ended(waiter);
	if (opens(&o, true)) {
		check_original(&o, &texts);
		CHECK(original_drop(&o, &e) == 0);
	}
	original_close(&o);
	check_nothing_kept();
}

/* Makes a copy where there is none, else removes it. Returns what went wrong. */
static int turn_once(const char *mark)
{
	cleanup_original struct original o = ORIGINAL_NONE;
	int fd;

	store_reset_wait(&store);
	if (original_open(&o, &store, bundle, true, &e) < 0)
		return 1;
	fd = open(mark, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || close(fd) < 0 || unlink(mark) < 0)
		return 2;
	if (o.there)
		return original_drop(&o, &e) < 0 ? 3 : 0;
	return original_save(&o, "web", bundle, dir_now(), &texts, &e) < 0 ? 4 : 0;
}

static int turn_often(unsigned rounds)
{
	char *mark = concat(scratch, "/in", NULL);
	int wrong = 0;

	while (rounds-- && !wrong)
		wrong = turn_once(mark);
	free(mark);
	return wrong;
}

/* Many at once: each finds either none or a whole copy, and only one of them is in at a time. */
static void keeps_many_apart(void)
{
	enum { CHILDREN = 8, ROUNDS = 25 };
	pid_t children[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		children[i] = fork();
		if (!children[i])
			_exit(turn_often(unit_rounds(ROUNDS)));
	}
	for (int i = 0; i < CHILDREN; i++)
		check_ended(children[i]);
	drop();
	check_nothing_kept();
}

/* --- the bundle ---------------------------------------------------------------- */

/* config.json is BEFORE, then AFTER, for the pod. */
static bool rewrite(struct bundle *b, const char *pod)
{
	put_config(BEFORE);
	if (CHECK(bundle_load(b, bundle, &e) == 0 && bundle_lock(b, &store, true, &e) == 0 &&
		  bundle_rewrite(b, pod, AFTER, strlen(AFTER), &e) == 0)) {
		check_config(AFTER);
		check_kept();
		return true;
	}
	printf("#   %s\n", e.text);
	return false;
}

static void rewrite_and_close(const char *pod)
{
	cleanup_bundle struct bundle b = BUNDLE_NONE;

	rewrite(&b, pod);
}

/* What is given back, and how, for what config.json has become since the edit. */
static const struct {
	const char *now, *back;
	enum revert_how how;
} reverts[] = {
	{ AFTER, BEFORE, REVERT_EXACT },
	{ BEFORE, BEFORE, REVERT_NOTHING },
	{ "{\"hostname\":\"web\",\"a\":2}", "{\"a\":2}", REVERT_VALUES },
	{ "{\"hostname\":\"other\",\"a\":1}", "{\"hostname\":\"other\",\"a\":1}", REVERT_NOTHING },
	{ "{}", "{}", REVERT_NOTHING },
};

static void gives_back(void)
{
	for (size_t i = 0; i < sizeof(reverts) / sizeof(*reverts); i++) {
		cleanup_bundle struct bundle b = BUNDLE_NONE;
		enum revert_how how;

		unit_row(reverts[i].now);
		if (!rewrite(&b, "web"))
			continue;
		if (strcmp(reverts[i].now, AFTER))
			put_config(reverts[i].now);
		CHECK(bundle_revert(&b, &how, &e) == 0 && how == reverts[i].how);
		check_config(reverts[i].back);
		/* What is there now is what was read. */
		CHECK_STR(b.text.data, reverts[i].back);
		CHECK(bundle_write_config(b.fd, bundle, &b.st, "{}", 2, &e) == 0);
		CHECK(bundle_revert(&b, &how, &e) == 0 && how == REVERT_NOTHING);
		check_config("{}");
		bundle_close(&b);
		check_nothing_kept();
	}
}

static void gives_back_at_the_end(void)
{
	for (size_t i = 0; i < sizeof(reverts) / sizeof(*reverts); i++) {
		enum revert_how how;

		unit_row(reverts[i].now);
		rewrite_and_close("web");
		if (strcmp(reverts[i].now, AFTER))
			put_config(reverts[i].now);
		CHECK(bundle_end(&store, "web", bundle, 0, &how, &e) == 0 && how == reverts[i].how);
		check_config(reverts[i].back);
		check_nothing_kept();
		/* And no second time. */
		put_config(AFTER);
		CHECK(bundle_end(&store, "web", bundle, 0, &how, &e) == 0 && how == REVERT_NOTHING);
		check_config(AFTER);
		check_nothing_kept();
	}
}

static void keeps_mode_and_owner(void)
{
	char *path = concat(bundle, "/config.json", NULL);
	cleanup_bundle struct bundle b = BUNDLE_NONE;
	struct stat st;

	if (rewrite(&b, "web"))
		CHECK(chmod(path, 0640) == 0 && bundle_revert(&b, NULL, &e) == 0);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640 && st.st_uid == geteuid());
	check_config(BEFORE);
	free(path);
}

/* A bundle that was rewritten for another pod since. */
static void leaves_the_copy_for_another_pod(void)
{
	enum revert_how how = REVERT_EXACT;

	rewrite_and_close("web");
	CHECK(bundle_end(&store, "other", bundle, 0, &how, &e) == 0 && how == REVERT_NOTHING);
	check_config(AFTER);
	check_kept();
	CHECK(bundle_end(&store, "web", bundle, 0, &(enum revert_how){ 0 }, &e) == 0);
	check_config(BEFORE);
	check_nothing_kept();
}

static void needs_no_bundle_at_the_end(void)
{
	for (int gone = 0; gone < 3; gone++) {
		char *path = concat(bundle, "/config.json", NULL);
		char *moved = concat(bundle, ".moved", NULL);
		enum revert_how how;

		rewrite_and_close("web");
		if (gone == 0)
			CHECK(unlink(path) == 0);
		else
			CHECK(rename(bundle, moved) == 0);
		if (gone == 2) /* a component of its path is a file */
			put(scratch, "b", "", 0);
		CHECK(bundle_end(&store, "web", bundle, 0, &how, &e) == 0 && how == REVERT_NOTHING);
		check_nothing_kept();
		if (gone == 2)
			CHECK(unlink(bundle) == 0);
		if (gone)
			CHECK(rename(moved, bundle) == 0);
		free(path);
		free(moved);
	}
}

/* Trying again cannot help where config.json is none any more, so the copy goes; it is said. */
static void gives_up_what_is_no_config(void)
{
	static const struct {
		const char *now, *says;
	} rows[] = {
		{ "no JSON", "/b: config.json: " },
		{ "[]", "/b: config.json: is not an object" },
		{ "{\"hostname\":1}", "/b: config.json: hostname: is a number" },
		{ "", "/b/config.json: is empty" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_bundle struct bundle b = BUNDLE_NONE;
		enum revert_how how;

		unit_row(rows[i].now);
		if (!rewrite(&b, "web"))
			continue;
		put_config(rows[i].now);
		/* In the middle of the pod's life it stays. */
		CHECK(bundle_revert(&b, &how, &e) == -1 && how == REVERT_NOTHING);
		CHECK_HAS(e.text, rows[i].says);
		bundle_close(&b);
		check_kept();
		CHECK(bundle_end(&store, "web", bundle, 0, &how, &e) == -1 && !e.num);
		CHECK(how == REVERT_NOTHING);
		CHECK_HAS(e.text, rows[i].says);
		check_config(rows[i].now);
		check_nothing_kept();
	}
}

/* What may be otherwise next time keeps its copy. */
static void keeps_the_copy_where_writing_fails(void)
{
	char *in_the_way = concat(bundle, "/.config.json.podns", NULL);
	enum revert_how how;

	rewrite_and_close("web");
	CHECK(mkdir(in_the_way, 0700) == 0);
	CHECK(bundle_end(&store, "web", bundle, 0, &how, &e) == -1 && e.num == EISDIR);
	CHECK(rmdir(in_the_way) == 0);
	check_config(AFTER);
	check_kept();
	CHECK(bundle_end(&store, "web", bundle, 0, &how, &e) == 0 && how == REVERT_EXACT);
	check_config(BEFORE);
	check_nothing_kept();
	free(in_the_way);
}

/* config.json was replaced since it was read, or cannot be: no copy, and nothing is touched. */
static void keeps_no_copy_where_rewriting_fails(void)
{
	char *in_the_way = concat(bundle, "/.config.json.podns", NULL);

	for (int how = 0; how < 2; how++) {
		cleanup_bundle struct bundle b = BUNDLE_NONE;
		bool again;

		put_config(BEFORE);
		CHECK(bundle_load(&b, bundle, &e) == 0);
		CHECK(bundle_lock(&b, &store, true, &e) == 0);
		CHECK(bundle_refresh(&b, &again, &e) == 0 && !again);
		if (how)
			CHECK(mkdir(in_the_way, 0700) == 0);
		else
			put_config("{\"other\":1}");
		CHECK(bundle_rewrite(&b, "web", AFTER, strlen(AFTER), &e) == -1);
		CHECK(e.num == (how ? EISDIR : ESTALE) && !b.original.there);
		if (how)
			CHECK(rmdir(in_the_way) == 0);
		check_config(how ? BEFORE : "{\"other\":1}");
		CHECK(bundle_refresh(&b, &again, &e) == 0 && again == !how);
		CHECK_STR(b.text.data, how ? BEFORE : "{\"other\":1}");
		bundle_close(&b);
		check_nothing_kept();
	}
	free(in_the_way);
}

/* Killed between the copy and config.json: what is there is the text before, and the copy goes. */
static void ends_what_a_killed_run_began(void)
{
	enum revert_how how;

	put_config(BEFORE);
	keep("web");
	put(bundle, ".config.json.podns", "{\"host", 6);
	CHECK(bundle_end(&store, "web", bundle, 0, &how, &e) == 0 && how == REVERT_NOTHING);
	check_config(BEFORE);
	check_nothing_kept();
}

/* The bundle is locked from the hold to the release. */
static void holds_the_lock(void)
{
	cleanup_bundle struct bundle b = BUNDLE_NONE;
	char *dir = dir_of(bundle);
	int fd;

	if (rewrite(&b, "web")) {
		fd = open(dir, O_RDONLY | O_DIRECTORY);
		CHECK(flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
		bundle_unlock(&b);
		CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
		close(fd);
		/* Held once more, it is read once more. */
		CHECK(bundle_lock(&b, &store, false, &e) == 0 && b.original.there);
		CHECK(bundle_lock(&b, &store, true, &e) == 0 && b.original.there);
		CHECK(bundle_revert(&b, NULL, &e) == 0);
	}
	bundle_close(&b);
	check_config(BEFORE);
	check_nothing_kept();
	free(dir);
}

/* --- without any ---------------------------------------------------------------- */

/* The first use of all makes the directory that all copies are in; a mere look does not. */
static void makes_the_place_of_copies(void)
{
	cleanup_store struct store other = STORE_NONE;
	cleanup_original struct original o = ORIGINAL_NONE;
	char *root = concat(scratch, "/other", NULL), *podns = concat(root, "/podns", NULL);
	struct stat st;

	CHECK(mkdir(root, 0755) == 0 && store_open(&other, root, false, &e) == 0);
	CHECK(original_open(&o, &other, bundle, false, &e) == 0 && o.fd == -1);
	original_close(&o);
	CHECK(bundle_end(&other, "web", bundle, 0, &(enum revert_how){ 0 }, &e) == 0);
	CHECK(count_entries(root) == 0);
	CHECK(original_open(&o, &other, bundle, true, &e) == 0 && o.fd >= 0);
	original_close(&o);
	CHECK(stat(podns, &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(rmdir(podns) == 0 && rmdir(root) == 0);
	free(podns);
	free(root);
}

static bool prepare(void)
{
	char *root;
	bool good;

	umask(022);
	if (!mkdtemp(scratch))
		return false;
	root = concat(scratch, "/run", NULL);
	bundle = concat(scratch, "/b", NULL);
	good = mkdir(bundle, 0700) == 0 && store_open(&store, root, true, &e) == 0 &&
	       store_open_bundles(&store, true, &e) == 0;
	free(root);
	return good;
}

static bool clean_up(void)
{
	char *config = concat(bundle, "/config.json", NULL), *run = concat(scratch, "/run", NULL);
	bool good = unlink(config) == 0 && rmdir(bundle) == 0 && rmdir(store.bundles) == 0 &&
		    rmdir(run) == 0 && rmdir(scratch) == 0;

	store_close(&store);
	free(run);
	free(config);
	free(bundle);
	return good;
}

int main(void)
{
	int fds;

	if (!prepare()) {
		printf("Bail out! the scratch directory: %s\n", e.text);
		return 1;
	}
	fds = count_entries("/proc/self/fd");
	RUN(keeps_both_texts);
	RUN(keeps_large_texts);
	RUN(is_no_error_where_there_is_none);
	RUN(leaves_no_directory_without_a_copy);
	RUN(removes_what_a_killed_run_left);
	RUN(removes_nothing_else);
	RUN(refuses_a_damaged_copy);
	RUN(refuses_a_cut_copy);
	RUN(refuses_what_is_no_file);
	RUN(refuses_a_directory_of_others);
	RUN(refuses_the_copy_of_another_bundle);
	RUN(leaves_no_copy_that_is_half_written);
	RUN(leaves_no_copy_that_is_not_synced);
	RUN(syncs_the_copy_first);
	RUN(excludes_others_for_a_bounded_time);
	RUN(waits_for_who_removes_it);
	RUN(keeps_many_apart);
	RUN(gives_back);
	RUN(gives_back_at_the_end);
	RUN(keeps_mode_and_owner);
	RUN(leaves_the_copy_for_another_pod);
	RUN(needs_no_bundle_at_the_end);
	RUN(gives_up_what_is_no_config);
	RUN(keeps_the_copy_where_writing_fails);
	RUN(keeps_no_copy_where_rewriting_fails);
	RUN(ends_what_a_killed_run_began);
	RUN(holds_the_lock);
	RUN(makes_the_place_of_copies);
	if (count_entries("/proc/self/fd") != fds || !clean_up()) {
		printf("# a descriptor or a file is left\n");
		return 1;
	}
	return unit_done();
}
