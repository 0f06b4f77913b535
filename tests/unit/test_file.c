/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "oci/config.h"
#include "tests/unit/unit.h"

#define TEMPORARY ".config.json.podns"

static struct error e;
static char dir[] = "/tmp/podns-test-file-XXXXXX"; /* a bundle */
static int bundle = -1;

static unsigned count_entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = openat(bundle, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(fchmod(fd, mode) == 0);
	close(fd);
}

static void clear(void)
{
	unlinkat(bundle, "config.json", 0);
	unlinkat(bundle, "config.json", AT_REMOVEDIR);
	unlinkat(bundle, TEMPORARY, 0);
	unlinkat(bundle, TEMPORARY, AT_REMOVEDIR);
}

static bool reads(struct buf *out, struct stat *st)
{
	return bundle_read_config(bundle, dir, out, st, &e) == 0;
}

/* config.json holds this text and nothing is left beside it. */
static void check_config(const char *text)
{
	cleanup_buf struct buf now = { 0 };
	struct stat st;

	if (CHECK(reads(&now, &st)))
		CHECK_STR(now.data, text);
	CHECK(count_entries(dir) == 3);
}

static void check_message(const char *format)
{
	cleanup_buf struct buf b = { 0 };

	buf_addf(&b, "%s", "");
	for (const char *p = format; *p; p++)
		buf_add(&b, *p == '@' ? dir : p, *p == '@' ? strlen(dir) : 1);
	CHECK_STR(e.text, b.data);
}

/* A child that writes n bytes into a pipe; its reading end. */
static int pipe_with(size_t n, pid_t *child)
{
	char block[4096];
	int fd[2];

	memset(block, 'x', sizeof(block));
	CHECK(pipe(fd) == 0);
	*child = fork();
	if (!*child) {
		close(fd[0]);
		signal(SIGPIPE, SIG_DFL);
		for (size_t part; n; n -= part) {
			part = n < sizeof(block) ? n : sizeof(block);
			if (write(fd[1], block, part) < 0)
				_exit(1);
		}
		_exit(0);
	}
	close(fd[1]);
	return fd[0];
}

static void reads_pipes_up_to_the_limit(void)
{
	static const struct {
		size_t size, max;
		const char *says;
	} rows[] = {
		{ 0, 100, "doc: is empty" },
		{ 1, 1, NULL },
		{ 2, 1, "doc: larger than 1 bytes" },
		{ 16383, 1 << 20, NULL },
		{ 16384, 1 << 20, NULL },
		{ 300000, 1 << 20, NULL },
		{ 1 << 20, 1 << 20, NULL },
		{ (1 << 20) + 1, 1 << 20, "larger than 1048576 bytes" },
		{ 64 << 20, 1 << 20, "larger than 1048576 bytes" }, /* not read to its end */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_buf struct buf out = { 0 };
		pid_t child;
		int fd = pipe_with(rows[i].size, &child), status;
		int ret = read_document(fd, "doc", rows[i].max, &out, &e);

		CHECK(ret == (rows[i].says ? -1 : 0));
		if (ret < 0)
			CHECK_HAS(e.text, rows[i].says);
		else
			CHECK(out.len == rows[i].size && out.data[out.len] == '\0');
		CHECK(out.len <= rows[i].max + 1);
		close(fd);
		waitpid(child, &status, 0);
	}
}

static void reads_files_up_to_the_limit(void)
{
	for (int over = 0; over < 2; over++) {
		cleanup_buf struct buf out = { 0 };
		int fd;

		put("config.json", over ? "12345678" : "1234567", 0600);
		fd = openat(bundle, "config.json", O_RDONLY);
		CHECK(read_document(fd, "doc", 7, &out, &e) == (over ? -1 : 0));
		if (over)
			CHECK_STR(e.text, "doc: larger than 7 bytes");
		else
			CHECK_STR(out.data, "1234567");
		close(fd);
	}
	clear();
}

/* Files of /proc say that they are empty, and are not. */
static void reads_files_without_a_size(void)
{
	cleanup_buf struct buf out = { 0 };
	int fd = open("/proc/self/status", O_RDONLY);

	CHECK(read_document(fd, "doc", 1 << 20, &out, &e) == 0 && out.len > 100);
	close(fd);
}

static void appends(void)
{
	cleanup_buf struct buf out = { 0 };
	int fd;

	put("config.json", "345", 0600);
	fd = openat(bundle, "config.json", O_RDONLY);
	buf_adds(&out, "12");
	CHECK(read_document(fd, "doc", 3, &out, &e) == 0);
	CHECK_STR(out.data, "12345");
	CHECK(read_document(fd, "doc", 3, &out, &e) == -1);
	CHECK_STR(e.text, "doc: is empty");
	close(fd);
	clear();
}

static int late_fd;

static void write_late(int sig)
{
	(void)sig;
	if (write(late_fd, "{}", 2) != 2)
		_exit(1);
	close(late_fd);
}

static void is_not_stopped_by_signals(void)
{
	const struct itimerval soon = { .it_value = { .tv_usec = 1000 } };
	struct sigaction action = { .sa_handler = write_late }; /* no SA_RESTART */
	cleanup_buf struct buf out = { 0 };
	int fd[2];

	CHECK(pipe(fd) == 0);
	late_fd = fd[1];
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK(read_document(fd[0], "doc", 10, &out, &e) == 0);
	CHECK_STR(out.data, "{}");
	signal(SIGALRM, SIG_DFL);
	close(fd[0]);
}

static void read_errors_name_the_document(void)
{
	cleanup_buf struct buf out = { 0 };

	CHECK(read_document(bundle, "doc", 10, &out, &e) == -1 && e.num == EISDIR);
	CHECK_STR(e.text, "read doc: Is a directory");
	CHECK(read_document(-1, "doc", 10, &out, &e) == -1 && e.num == EBADF);
}

static void opens_bundles(void)
{
	cleanup_buf struct buf link = { 0 };
	int fd;

	CHECK(bundle_open("/nonexistent/b", &e) == -1 && e.num == ENOENT);
	CHECK_STR(e.text, "open bundle /nonexistent/b: No such file or directory");
	CHECK(bundle_open("/dev/null", &e) == -1 && e.num == ENOTDIR);
	buf_addf(&link, "%s.link", dir);
	CHECK(symlink(dir, link.data) == 0);
	fd = bundle_open(link.data, &e);
	CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	close(fd);
	unlink(link.data);
}

static void make_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/config.json", dir);
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	close(fd);
}

static void reads_regular_files_only(void)
{
	static const char *const kinds[] = { "absent", "a symbolic link", "a dangling link",
					     "a FIFO", "a directory",     "a socket" };

	for (int kind = 0; kind < 6; kind++) {
		cleanup_buf struct buf out = { 0 };
		struct stat st, old = { 0 };

		unit_row(kinds[kind]);
		if (kind == 1)
			CHECK(symlinkat("/etc/passwd", bundle, "config.json") == 0);
		else if (kind == 2)
			CHECK(symlinkat("/nonexistent", bundle, "config.json") == 0);
		else if (kind == 3)
			CHECK(mkfifoat(bundle, "config.json", 0600) == 0);
		else if (kind == 4)
			CHECK(mkdirat(bundle, "config.json", 0700) == 0);
		else if (kind == 5)
			make_socket();
		CHECK(!reads(&out, &st) && !out.len);
		CHECK(e.num == (kind == 0 ? ENOENT : kind < 3 ? ELOOP : EINVAL));
		if (kind == 0)
			check_message("read @/config.json: No such file or directory");
		else
			CHECK_HAS(e.text, kind == 2 ? kinds[1] : kinds[kind]);
		CHECK(bundle_write_config(bundle, dir, &old, "{}", 2, &e) == -1);
		clear();
	}
}

static bool truncate_config(off_t size)
{
	int fd = openat(bundle, "config.json", O_WRONLY);
	bool good = ftruncate(fd, size) == 0;

	close(fd);
	return good;
}

static void bounds_the_config(void)
{
	cleanup_buf struct buf out = { 0 };
	struct stat st;

	put("config.json", "", 0600);
	CHECK(!reads(&out, &st));
	check_message("@/config.json: is empty");
	clear();
	put("config.json", "x", 0600);
	CHECK(truncate_config((off_t)CONFIG_SIZE_MAX + 1));
	CHECK(!reads(&out, &st) && !out.len);
	check_message("@/config.json: larger than 16777216 bytes");
	CHECK(truncate_config((off_t)CONFIG_SIZE_MAX));
	CHECK(reads(&out, &st) && out.len == CONFIG_SIZE_MAX);
	clear();
}

static void writes_a_new_file_with_the_old_mode(void)
{
	static const mode_t modes[] = { 0600, 0644, 0400, 0664, 04755, 0 };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		cleanup_buf struct buf out = { 0 };
		struct stat st, now;

		put("config.json", "old", 0600);
		CHECK(reads(&out, &st));
		CHECK(fchmodat(bundle, "config.json", modes[i], 0) == 0);
		if (modes[i] == 0 && geteuid()) {
			clear();
			continue;
		}
		out.len = 0;
		CHECK(reads(&out, &st));
		CHECK(bundle_write_config(bundle, dir, &st, "{\"new\":1}", 9, &e) == 0);
		CHECK(fstatat(bundle, "config.json", &now, 0) == 0);
		CHECK((now.st_mode & 07777) == modes[i] && now.st_ino != st.st_ino);
		CHECK(now.st_size == 9 && count_entries(dir) == 3);
		clear();
	}
}

static void keeps_the_owner(void)
{
	cleanup_buf struct buf out = { 0 };
	struct stat st, now;

	put("config.json", "old", 0640);
	if (fchownat(bundle, "config.json", 12345, 54321, 0) < 0) {
		unit_skip("only root may give files away");
		clear();
		return;
	}
	CHECK(fchmodat(bundle, "config.json", 06750, 0) == 0);
	CHECK(reads(&out, &st));
	CHECK(bundle_write_config(bundle, dir, &st, "{}", 2, &e) == 0);
	CHECK(fstatat(bundle, "config.json", &now, 0) == 0);
	CHECK(now.st_uid == 12345 && now.st_gid == 54321 && (now.st_mode & 07777) == 06750);
	clear();
}

static void keeps_extended_attributes(void)
{
	cleanup_buf struct buf out = { 0 }, big = { 0 };
	char value[8192];
	struct stat st;
	int fd;

	for (int i = 0; i < 2000; i++)
		buf_adds(&big, "y");
	put("config.json", "old", 0600);
	fd = openat(bundle, "config.json", O_RDONLY);
	if (fsetxattr(fd, "user.a", "1\0002", 3, 0) < 0 && errno == ENOTSUP) {
		unit_skip("host: this file system has no user attributes");
		close(fd);
		clear();
		return;
	}
	CHECK(fsetxattr(fd, "user.empty", "", 0, 0) == 0);
	CHECK(fsetxattr(fd, "user.big", big.data, big.len, 0) == 0);
	close(fd);
	CHECK(reads(&out, &st));
	if (!CHECK(bundle_write_config(bundle, dir, &st, "{}", 2, &e) == 0))
		printf("# %s\n", e.text);
	fd = openat(bundle, "config.json", O_RDONLY);
	CHECK(fgetxattr(fd, "user.a", value, sizeof(value)) == 3 && !memcmp(value, "1\0002", 3));
	CHECK(fgetxattr(fd, "user.empty", value, sizeof(value)) == 0);
	CHECK(fgetxattr(fd, "user.big", value, sizeof(value)) == 2000);
	close(fd);
	clear();
}

static void overwrites_a_leftover(void)
{
	cleanup_buf struct buf out = { 0 };
	struct stat st;

	put("config.json", "old", 0600);
	CHECK(symlinkat("/tmp/elsewhere", bundle, TEMPORARY) == 0);
	CHECK(reads(&out, &st));
	CHECK(bundle_write_config(bundle, dir, &st, "{}", 2, &e) == 0);
	check_config("{}");
	put(TEMPORARY, "left by a run that was killed", 0644);
	out.len = 0;
	CHECK(reads(&out, &st));
	CHECK(bundle_write_config(bundle, dir, &st, "[]", 2, &e) == 0);
	check_config("[]");
	clear();
}

/* Each way in which somebody else may have been faster. */
static void refuses_a_file_that_was_changed(void)
{
	for (int how = 0; how < 4; how++) {
		cleanup_buf struct buf out = { 0 };
		struct stat st;

		put("config.json", "old", 0600);
		CHECK(reads(&out, &st));
		if (how == 0) {
			put("config.json", "longer", 0600);
		} else if (how == 1) {
			st.st_mtim.tv_nsec ^= 1;
		} else if (how == 2) {
			put("other", "old", 0600);
			CHECK(renameat(bundle, "other", bundle, "config.json") == 0);
		} else {
			st.st_ctim.tv_nsec ^= 1;
		}
		CHECK(bundle_write_config(bundle, dir, &st, "{}", 2, &e) == -1);
		CHECK(e.num == ESTALE);
		check_message("@/config.json was changed by somebody else meanwhile");
		check_config(how ? "old" : "longer");
		clear();
	}
}

/* The same without writing anything. */
static void knows_a_file_that_was_changed(void)
{
	cleanup_buf struct buf out = { 0 };
	struct stat st, other;

	put("config.json", "old", 0600);
	CHECK(reads(&out, &st));
	CHECK(bundle_config_is(bundle, &st));
	other = st;
	other.st_mtim.tv_nsec ^= 1;
	CHECK(!bundle_config_is(bundle, &other));
	put("other", "old", 0600);
	CHECK(renameat(bundle, "other", bundle, "config.json") == 0);
	CHECK(!bundle_config_is(bundle, &st));
	clear();
	CHECK(!bundle_config_is(bundle, &st));
}

static void removes_a_leftover(void)
{
	put("config.json", "old", 0600);
	bundle_remove_temporary(bundle);
	put(TEMPORARY, "left by a run that was killed", 0600);
	bundle_remove_temporary(bundle);
	check_config("old");
	/* A link goes, and not what it leads to. */
	CHECK(symlinkat("config.json", bundle, TEMPORARY) == 0);
	bundle_remove_temporary(bundle);
	check_config("old");
	clear();
}

static void refuses_a_file_that_is_gone(void)
{
	cleanup_buf struct buf out = { 0 };
	struct stat st;

	put("config.json", "old", 0600);
	CHECK(reads(&out, &st));
	clear();
	CHECK(bundle_write_config(bundle, dir, &st, "{}", 2, &e) == -1 && e.num == ENOENT);
	CHECK(count_entries(dir) == 2);
}

static void leaves_the_old_file_when_writing_fails(void)
{
	struct rlimit limit, small;
	cleanup_buf struct buf out = { 0 };
	struct stat st;

	put("config.json", "old", 0600);
	CHECK(reads(&out, &st));
	CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	small = limit;
	small.rlim_cur = 4;
	signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CHECK(bundle_write_config(bundle, dir, &st, "0123456789", 10, &e) == -1);
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	check_message("write @/config.json: File too large");
	check_config("old");
	clear();
}

static void leaves_the_old_file_when_the_temporary_cannot_be(void)
{
	cleanup_buf struct buf out = { 0 };
	struct stat st;

	put("config.json", "old", 0600);
	CHECK(mkdirat(bundle, TEMPORARY, 0700) == 0);
	CHECK(reads(&out, &st));
	CHECK(bundle_write_config(bundle, dir, &st, "{}", 2, &e) == -1);
	CHECK_HAS(e.text, "/config.json: remove .config.json.podns: Is a directory");
	CHECK(unlinkat(bundle, TEMPORARY, AT_REMOVEDIR) == 0);
	check_config("old");
	clear();
}

static void needs_a_writable_directory(void)
{
	cleanup_buf struct buf out = { 0 };
	struct stat st;

	put("config.json", "old", 0644);
	CHECK(reads(&out, &st));
	CHECK(fchmod(bundle, 0555) == 0);
	/* Root may write anywhere, until this takes its capabilities for files: capabilities(7). */
	if (!geteuid())
		setfsuid(12345);
	CHECK(bundle_write_config(bundle, dir, &st, "{}", 2, &e) == -1 && e.num == EACCES);
	check_message("write @/config.json: Permission denied");
	setfsuid(geteuid());
	CHECK(fchmod(bundle, 0700) == 0);
	check_config("old");
	clear();
}

static void names_a_bundle_with_a_slash(void)
{
	cleanup_buf struct buf out = { 0 };
	struct stat st;

	CHECK(bundle_read_config(bundle, "/b/", &out, &st, &e) == -1);
	CHECK_STR(e.text, "read /b/config.json: No such file or directory");
}

int main(void)
{
	unsigned fds;

	if (!mkdtemp(dir))
		return 1;
	bundle = bundle_open(dir, &e);
	fds = count_entries("/proc/self/fd");
	RUN(reads_pipes_up_to_the_limit);
	RUN(reads_files_up_to_the_limit);
	RUN(reads_files_without_a_size);
	RUN(appends);
	RUN(is_not_stopped_by_signals);
	RUN(read_errors_name_the_document);
	RUN(opens_bundles);
	RUN(reads_regular_files_only);
	RUN(bounds_the_config);
	RUN(writes_a_new_file_with_the_old_mode);
	RUN(keeps_the_owner);
	RUN(keeps_extended_attributes);
	RUN(overwrites_a_leftover);
	RUN(refuses_a_file_that_was_changed);
	RUN(knows_a_file_that_was_changed);
	RUN(removes_a_leftover);
	RUN(refuses_a_file_that_is_gone);
	RUN(leaves_the_old_file_when_writing_fails);
	RUN(leaves_the_old_file_when_the_temporary_cannot_be);
	RUN(needs_a_writable_directory);
	RUN(names_a_bundle_with_a_slash);
	if (count_entries("/proc/self/fd") != fds || rmdir(dir) < 0) {
		printf("# a descriptor or a file is left\n");
		return 1;
	}
	return unit_done();
}
