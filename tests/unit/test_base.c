/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* The C library's calendar is right; it is the time zone files that it opens which we do without. */
static void times_are_those_of_gmtime(void)
{
	static const uint64_t edges[] = {
		0,          86399,      86400,      68169599,   68169600,    951782399,
		951782400,  951868799,  951868800,  1709164800, 1709251199,  1709251200,
		2147483647, 2147483648, 4107542399, 4107542400, 13574563200, 253402300799,
	};
	uint64_t at = 0;
	char text[64];
	struct tm tm;
	time_t t;

	for (size_t i = 0; i < 20000; i++) {
		at = i < sizeof(edges) / sizeof(*edges) ? edges[i] : at + 12345678;
		if (i == sizeof(edges) / sizeof(*edges))
			at = 0;
		t = (time_t)at;
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
		CHECK_STR(log_time_of(at).text, text);
	}
}

/* Whatever room is left in a chunk: the text is whole, and no piece is in another's place. */
static void arenas_keep_whole_texts(void)
{
	char expected[201];
	const char *texts[64];

	for (int len = 0; len <= 200; len++) {
		struct arena a = { 0 };

		memset(expected, 'x', (size_t)len);
		expected[len] = '\0';
		for (int i = 0; i < 64; i++) {
			/* So that chunks end at all kinds of places. */
			if (i % 3 == 0)
				CHECK(arena_alloc(&a, (size_t)(len % 7 + i)));
			texts[i] = arena_concat(&a, decimal((uint64_t)i).text, ":", expected, NULL);
		}
		for (int i = 0; i < 64; i++) {
			char number[16];

			snprintf(number, sizeof(number), "%d:", i);
			CHECK(texts[i] && !strncmp(texts[i], number, strlen(number)));
			CHECK_STR(texts[i] + strlen(number), expected);
		}
		arena_free(&a);
	}
}

static void strings_are_put_behind_each_other(void)
{
	char *all = concat("/run", "/", "net", "ns", NULL), *empty = concat("", NULL);
	struct buf b = { 0 };
	char room[8];

	CHECK_STR(all, "/run/netns");
	CHECK_STR(empty, "");
	concat_in(room, sizeof(room), "ab", "", "cd", NULL);
	CHECK_STR(room, "abcd");
	/* Cut, in the middle of one and before others. */
	concat_in(room, sizeof(room), "abcd", "efgh", "ijkl", NULL);
	CHECK_STR(room, "abcdefg");
	concat_in(room, 1, "abcd", NULL);
	CHECK_STR(room, "");
	free(all);
	free(empty);
	CHECK(buf_concat(&b, "ab", NULL) == 0 && buf_concat(&b, "", NULL) == 0 &&
	      buf_concat(&b, "c", "de", NULL) == 0);
	CHECK(b.len == 5);
	CHECK_STR(b.data, "abcde");
	buf_free(&b);
}

static void paths_are_cleaned(void)
{
	static const char *const paths[][2] = {
		{ "/run/runc", "/run/runc" },
		{ "/run//runc/", "/run/runc" },
		{ "run/./runc/.", "/run/runc" },
		{ "/a/../run/x/../runc", "/run/runc" },
		{ "/../../run", "/run" },
		{ "/..a/.b/...", "/..a/.b/..." },
		{ "/", "" },
		{ "", "" },
	};
	struct arena a = { 0 };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		CHECK_STR(arena_clean_path(&a, paths[i][0], strlen(paths[i][0])), paths[i][1]);
	CHECK_STR(arena_clean_path(&a, "/run/runc", 5), "/run");
	arena_free(&a);
}

static void numbers_are_those_of_printf(void)
{
	static const uint64_t edges[] = {
		0,
		9,
		10,
		99,
		100,
		UINT32_MAX,
		INT64_MAX,
		0x0123456789abcdef,
		UINT64_MAX - 1,
		UINT64_MAX,
	};
	char text[32];

	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		snprintf(text, sizeof(text), "%" PRIu64, edges[i]);
		CHECK_STR(decimal(edges[i]).text, text);
		snprintf(text, sizeof(text), "%016" PRIx64, edges[i]);
		CHECK_STR(hex64(edges[i]).text, text);
	}
}

/* --- files and directories ------------------------------------------------------- */

static struct error e;
static int dir; /* a scratch directory */

static bool is_there(const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void put(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void check_file(const char *name, const char *text)
{
	cleanup_buf struct buf now = { 0 };

	CHECK(read_file_at(dir, name, 1000, &now) == 0);
	CHECK_STR(now.data, text);
}

/* What fsync(2) does, which takes the place of the C library's in this program. */
static struct {
	unsigned calls, fails_at; /* from 1; 0: never */
	int num;
	bool before_rename; /* was the first call before the file had its name? */
} syncs;

int fsync(int fd)
{
	if (++syncs.calls == 1)
		syncs.before_rename = !is_there("file");
	if (syncs.calls == syncs.fails_at) {
		errno = syncs.num;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static void files_are_replaced(void)
{
	for (int sync = 0; sync < 2; sync++) {
		struct stat st;

		memset(&syncs, 0, sizeof(syncs));
		CHECK(replace_file_at(dir, "file", "abc", 3, sync) == 0);
		check_file("file", "abc");
		CHECK(fstatat(dir, "file", &st, 0) == 0 && (st.st_mode & 07777) == 0600);
		/* The file before it gets its name, then the directory. */
		CHECK(syncs.calls == (sync ? 2 : 0) && syncs.before_rename == sync);
		put(".file.new", "left by a run that was killed");
		CHECK(replace_file_at(dir, "file", "", 0, sync) == 0);
		check_file("file", "");
		CHECK(unlinkat(dir, "file", 0) == 0);
		CHECK(symlinkat("/etc/passwd", dir, "file") == 0);
		CHECK(replace_file_at(dir, "file", "d", 1, sync) == 0);
		check_file("file", "d");
		CHECK(unlinkat(dir, "file", 0) == 0 && !is_there(".file.new"));
	}
}

static void the_old_file_stays_where_writing_fails(void)
{
	struct rlimit limit, small;

	put("file", "old");
	CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	small = limit;
	small.rlim_cur = 4;
	signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CHECK(replace_file_at(dir, "file", "0123456789", 10, true) == -1 && errno == EFBIG);
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	check_file("file", "old");
	CHECK(!is_there(".file.new"));
	memset(&syncs, 0, sizeof(syncs));
	syncs.fails_at = 1;
	syncs.num = EIO;
	CHECK(replace_file_at(dir, "file", "new", 3, true) == -1 && errno == EIO);
	check_file("file", "old");
	CHECK(!is_there(".file.new"));
	/* Not through a link that somebody has put there. */
	CHECK(symlinkat("other", dir, ".file.new") == 0);
	CHECK(replace_file_at(dir, "file", "new", 3, false) == -1 && errno == ELOOP);
	check_file("file", "old");
	CHECK(!is_there("other") && unlinkat(dir, ".file.new", 0) == 0);
	CHECK(unlinkat(dir, "file", 0) == 0);
}

static void directories_need_not_be_synced(void)
{
	memset(&syncs, 0, sizeof(syncs));
	syncs.fails_at = 2;
	syncs.num = EINVAL;
	CHECK(replace_file_at(dir, "file", "a", 1, true) == 0);
	/* A failure is one, though the new file is in its place. */
	syncs.calls = 0;
	syncs.num = EIO;
	CHECK(replace_file_at(dir, "file", "b", 1, true) == -1 && errno == EIO);
	check_file("file", "b");
	CHECK(!is_there(".file.new") && unlinkat(dir, "file", 0) == 0);
}

/* What somebody else does just before we lock: flock(2) is that of this program, too. */
static void (*before_lock)(void);
static unsigned locks;

int flock(int fd, int op)
{
	locks++;
	if (before_lock)
		before_lock();
	return (int)syscall(SYS_flock, fd, op);
}

static int lock(mode_t make)
{
	struct lock_wait wait = { .seconds = 1 };

	locks = 0;
	return lock_own_dir(dir, "d", make, "/path/d", &wait, &e);
}

static bool is_locked(void)
{
	int fd = openat(dir, "d", O_RDONLY | O_DIRECTORY);
	bool locked = syscall(SYS_flock, fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	CHECK(fd >= 0);
	close(fd);
	return locked;
}

static void directories_are_locked(void)
{
	struct stat st;
	int fd = lock(0);

	CHECK(fd == -1 && e.num == ENOENT && locks == 0);
	CHECK_STR(e.text, "open directory /path/d: No such file or directory");
	fd = lock(0700);
	CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) && is_locked());
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0700);
	close(fd);
	CHECK(!is_locked());
	fd = lock(0);
	CHECK(fd >= 0 && is_locked());
	CHECK(remove_own_dir(dir, "d", fd, "x") == 0);
	close(fd);
}

static void remove_it(void)
{
	unlinkat(dir, "d", AT_REMOVEDIR);
}

static void remove_it_once(void)
{
	remove_it();
	before_lock = NULL;
}

static void make_another_once(void)
{
	CHECK(renameat(dir, "d", dir, "moved") == 0 && mkdirat(dir, "d", 0700) == 0);
	before_lock = NULL;
}

/* What is locked is what is there, whatever happens between the two. */
static void a_locked_directory_is_that_of_the_name(void)
{
	int fd;

	before_lock = remove_it_once;
	fd = lock(0700);
	CHECK(fd >= 0 && locks == 2 && is_locked());
	close(fd);
	before_lock = remove_it_once;
	CHECK(lock(0) == -1 && e.num == ENOENT && locks == 1);
	CHECK(mkdirat(dir, "d", 0700) == 0);
	before_lock = make_another_once;
	fd = lock(0);
	CHECK(fd >= 0 && locks == 2 && is_locked());
	close(fd);
	CHECK(unlinkat(dir, "moved", AT_REMOVEDIR) == 0);
	/* And it is not tried for ever. */
	before_lock = remove_it;
	CHECK(lock(0700) == -1 && e.num == EBUSY && locks == 1000);
	CHECK_HAS(e.text, "lock /path/d: ");
	CHECK_HAS(e.text, strerror(EBUSY)); /* C libraries differ */
	before_lock = NULL;
	CHECK(!is_there("d"));
}

static int theirs;

static void lock_it_for_themselves(void)
{
	theirs = openat(dir, "d", O_RDONLY | O_DIRECTORY);
	CHECK(syscall(SYS_flock, theirs, LOCK_EX | LOCK_NB) == 0);
	before_lock = NULL;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Who holds the lock of a directory may be about to fill it, though we have made it. */
static void a_directory_stays_with_who_holds_it(void)
{
	struct sigaction ours = { .sa_handler = on_alarm }, now;
	sigset_t mask, blocked;

	sigaction(SIGALRM, &ours, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGALRM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	before_lock = lock_it_for_themselves;
	CHECK(lock(0700) == -1 && e.num == ETIMEDOUT);
	CHECK_HAS(e.text, "lock /path/d: ");
	CHECK_STR(e.hint, "another process holds the lock: fuser(1) shows which have /path/d open");
	CHECK(is_there("d") && remove_own_dir(dir, "d", theirs, "x") == 0);
	close(theirs);
	/* The wait has left no trace. */
	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigaction(SIGALRM, NULL, &now);
	CHECK(sigismember(&mask, SIGALRM) == 1 && now.sa_handler == on_alarm);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	signal(SIGALRM, SIG_DFL);
}

static void directories_are_removed(void)
{
	int fd = lock(0700);

	put("d/left", "");
	CHECK(remove_own_dir(dir, "d", fd, "left") == 0 && !is_there("d"));
	/* Gone already. */
	CHECK(remove_own_dir(dir, "d", fd, "left") == 0);
	close(fd);
	/* With a file of somebody else's it stays. */
	fd = lock(0700);
	put("d/other", "");
	CHECK(remove_own_dir(dir, "d", fd, "left") == -1 && errno == ENOTEMPTY);
	put("d/left", "");
	CHECK(remove_own_dir(dir, "d", fd, "left") == -1 && errno == ENOTEMPTY);
	CHECK(is_there("d/other") && unlinkat(dir, "d/other", 0) == 0);
	CHECK(!is_there("d/left") && remove_own_dir(dir, "d", fd, "left") == 0 && !is_there("d"));
	close(fd);
}

static void run_on_files(void)
{
	char path[] = "/tmp/podns-test-base-XXXXXX";

	if (!CHECK(mkdtemp(path)))
		return;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	RUN(files_are_replaced);
	RUN(the_old_file_stays_where_writing_fails);
	RUN(directories_need_not_be_synced);
	RUN(directories_are_locked);
	RUN(a_locked_directory_is_that_of_the_name);
	RUN(a_directory_stays_with_who_holds_it);
	RUN(directories_are_removed);
	close(dir);
	if (rmdir(path) < 0)
		unit.failed++;
}

int main(void)
{
	RUN(arenas_keep_whole_texts);
	RUN(times_are_those_of_gmtime);
	RUN(strings_are_put_behind_each_other);
	RUN(paths_are_cleaned);
	RUN(numbers_are_those_of_printf);
	run_on_files();
	return unit_done();
}
