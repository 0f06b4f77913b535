/* SPDX-License-Identifier: Apache-2.0 */
#include "net/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#include "tests/unit/unit.h"

static struct error e;

/* Two directories of plugins, and between them one that does not exist. Made for each test. */
static struct {
	char top[32];
	char *first, *second;
	const char *dirs[4];
} bed;

static void bed_make(void)
{
	strcpy(bed.top, "/tmp/test_plugin.XXXXXX");
	if (!mkdtemp(bed.top)) {
		perror("mkdtemp");
		exit(1);
	}
	bed.first = concat(bed.top, "/first", NULL);
	bed.second = concat(bed.top, "/second", NULL);
	bed.dirs[0] = bed.first;
	bed.dirs[1] = "/nowhere/cni";
	bed.dirs[2] = bed.second;
	CHECK(mkdir(bed.first, 0755) == 0 && mkdir(bed.second, 0755) == 0);
}

/* The file `name` in a directory of the bed, with this mode. */
static void put(const char *dir, const char *name, mode_t mode)
{
	char *path = concat(dir, "/", name, NULL);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && fchmod(fd, mode) == 0);
	close(fd);
	free(path);
}

static void drop(const char *dir, const char *name)
{
	char *path = concat(dir, "/", name, NULL);

	CHECK(remove(path) == 0);
	free(path);
}

static void bed_remove(void)
{
	CHECK(rmdir(bed.first) == 0 && rmdir(bed.second) == 0 && rmdir(bed.top) == 0);
	free(bed.first);
	free(bed.second);
}

/* Is it found there? */
static bool finds(const char *type, const char *dir)
{
	char *should = concat(dir, "/", type, NULL), *path = NULL;
	bool good = plugin_find(bed.dirs, type, &path, &e) == 0 && CHECK_STR(path, should);

	free(path);
	free(should);
	return good;
}

static bool refuses(const char *type, const char *why)
{
	char *path = NULL;

	return CHECK(plugin_find(bed.dirs, type, &path, &e) == -1) && CHECK(!path) &&
	       CHECK_HAS(e.text, why);
}

static void the_directories_are_these(void)
{
	CHECK_STR(plugin_directories[0], "/usr/lib/cni");
	CHECK_STR(plugin_directories[1], "/opt/cni/bin");
	CHECK_STR(plugin_directories[2], "/usr/libexec/cni");
	CHECK(!plugin_directories[3]);
}

static void a_type_is_the_name_of_a_file(void)
{
	static const char *const good[] = { "bridge", "host-local", ".hidden",
					    "...",    "a b",        "\xc3\xa4" };
	static const char *const bad[] = { "",          ".",   "..",      "/",        "/bin/sh",
					   "../bridge", "a/b", "bridge/", "./bridge", "..//" };
	char longest[PLUGIN_TYPE_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		unit_row(good[i]);
		CHECK(plugin_check_type(good[i], &e) == 0);
	}
	bed_make();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		unit_row(bad[i]);
		CHECK(plugin_check_type(bad[i], &e) == -1);
		refuses(bad[i], "type of a plugin");
	}
	unit_row("long");
	memset(longest, 'x', sizeof(longest));
	longest[PLUGIN_TYPE_MAX + 1] = '\0';
	CHECK(plugin_check_type(longest, &e) == -1);
	longest[PLUGIN_TYPE_MAX] = '\0';
	CHECK(plugin_check_type(longest, &e) == 0);
	bed_remove();
}

static void the_first_directory_that_has_it_counts(void)
{
	bed_make();
	put(bed.second, "bridge", 0755);
	put(bed.second, "portmap", 0755);
	CHECK(finds("bridge", bed.second));
	put(bed.first, "bridge", 0755);
	CHECK(finds("bridge", bed.first));
	CHECK(finds("portmap", bed.second));
	drop(bed.first, "bridge");
	/* Even if it must be refused. */
	put(bed.first, "bridge", 0777);
	refuses("bridge", "may be written to by others");
	drop(bed.first, "bridge");
	drop(bed.second, "bridge");
	drop(bed.second, "portmap");
	bed_remove();
}

static void what_is_not_there_is_said_with_all_directories(void)
{
	char should[300];

	bed_make();
	snprintf(should, sizeof(should), "there is no plugin bridge in %s, /nowhere/cni and %s",
		 bed.first, bed.second);
	refuses("bridge", should);
	CHECK(e.num == ENOENT);
	CHECK_HAS(e.hint, "containernetworking-plugins");
	bed_remove();
}

static void files_that_others_can_change_are_refused(void)
{
	static const struct {
		mode_t mode;
		const char *why; /* NULL: accepted */
	} rows[] = {
		{ 0755, NULL },
		{ 0500, NULL },
		{ 0775, "may be written to by others (mode 0775)" },
		{ 0757, "may be written to by others (mode 0757)" },
		{ 0644, "is not executable" },
		{ 0600, "is not executable" },
	};

	bed_make();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unit_row(rows[i].why);
		put(bed.first, "bridge", rows[i].mode);
		if (rows[i].why)
			refuses("bridge", rows[i].why);
		else
			CHECK(finds("bridge", bed.first));
		drop(bed.first, "bridge");
	}
	bed_remove();
}

static void what_is_no_regular_file_is_refused(void)
{
	char *path;

	bed_make();
	path = concat(bed.first, "/bridge", NULL);
	CHECK(symlink("/bin/true", path) == 0);
	refuses("bridge", "is a symbolic link");
	drop(bed.first, "bridge");
	CHECK(mkdir(path, 0755) == 0);
	refuses("bridge", "is not a regular file");
	drop(bed.first, "bridge");
	CHECK(mkfifo(path, 0755) == 0);
	refuses("bridge", "is not a regular file");
	drop(bed.first, "bridge");
	free(path);
	bed_remove();
}

static void directories_that_others_can_change_are_refused(void)
{
	struct buf list = { 0 };

	bed_make();
	put(bed.first, "bridge", 0755);
	put(bed.second, "portmap", 0755);
	CHECK(chmod(bed.first, 0777) == 0);
	refuses("bridge", "may be written to by others");
	CHECK_HAS(e.text, "the directory of plugins");
	/* Nothing is executed from there: another plugin is found elsewhere. */
	CHECK(finds("portmap", bed.second));
	/* Those that plugins delegate to are not searched there. */
	CHECK(plugin_path(bed.dirs, &list, &e) == 0);
	CHECK_STR(list.data, bed.second);
	buf_free(&list);
	CHECK(chmod(bed.first, 0755) == 0);
	CHECK(finds("bridge", bed.first));
	drop(bed.first, "bridge");
	drop(bed.second, "portmap");
	bed_remove();
}

static void only_directories_that_exist_are_in_the_path(void)
{
	struct buf list = { 0 };
	char should[300];

	bed_make();
	snprintf(should, sizeof(should), "%s:%s", bed.first, bed.second);
	CHECK(plugin_path(bed.dirs, &list, &e) == 0);
	CHECK_STR(list.data, should);
	buf_free(&list);
	bed_remove();
}

static void those_of_other_users_are_refused(void)
{
	char *path;

	if (geteuid() != 0) {
		unit_skip("only root can give files away");
		return;
	}
	bed_make();
	put(bed.first, "bridge", 0755);
	path = concat(bed.first, "/bridge", NULL);
	CHECK(chown(path, 12345, 0) == 0);
	refuses("bridge", "belongs to uid 12345");
	CHECK(chown(path, 0, 12345) == 0);
	CHECK(finds("bridge", bed.first));
	CHECK(chown(bed.first, 12345, 0) == 0);
	refuses("bridge", "belongs to uid 12345");
	drop(bed.first, "bridge");
	free(path);
	bed_remove();
}

int main(void)
{
	RUN(the_directories_are_these);
	RUN(a_type_is_the_name_of_a_file);
	RUN(the_first_directory_that_has_it_counts);
	RUN(what_is_not_there_is_said_with_all_directories);
	RUN(files_that_others_can_change_are_refused);
	RUN(what_is_no_regular_file_is_refused);
	RUN(directories_that_others_can_change_are_refused);
	RUN(only_directories_that_exist_are_in_the_path);
	RUN(those_of_other_users_are_refused);
	return unit_done();
}
